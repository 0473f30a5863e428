//! The Fluo rule language: rule text in, a checked program and diagnostics out.
//!
//! This crate knows no span bytes, no clock, no threads and no I/O.

pub mod check;
pub mod codes;
pub mod diagnostic;
pub mod glob;
pub mod limits;
pub mod load;
pub mod pages;
pub mod pattern;
pub mod print;
pub mod program;
pub mod raw;
pub mod render;
pub mod rule_file;
pub mod semconv;
pub mod source;
pub mod syntax;
pub mod value;

pub use load::{Loaded, load};
