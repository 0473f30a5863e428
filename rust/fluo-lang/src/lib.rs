//! The Fluo rule language: rule text in, a checked program and diagnostics out.
//!
//! This crate knows no span bytes, no clock, no threads and no I/O.

pub mod codes;
pub mod diagnostic;
pub mod glob;
pub mod limits;
pub mod program;
pub mod raw;
pub mod rule_file;
pub mod source;
pub mod value;
