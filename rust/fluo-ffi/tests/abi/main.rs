//! The interface as a C host meets it: everything goes through the exported functions.
#![allow(unsafe_code, reason = "these tests stand where a C host stands")]
#![allow(clippy::expect_used, reason = "what the tests share is test code too")]

mod arguments;
mod buffers;
mod host;
mod lifecycle;
mod messages;
mod rules;
mod threads;
