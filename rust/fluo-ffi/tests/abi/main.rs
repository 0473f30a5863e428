//! The interface as a C host meets it: everything goes through the exported functions.
#![allow(unsafe_code, reason = "these tests stand where a C host stands")]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "what the tests share is test code too")]

mod arguments;
mod backend;
mod buffers;
mod conformance;
mod host;
mod lessons;
mod lifecycle;
mod messages;
mod rules;
mod threads;
