//! The wire reader against prost, which reads the same bytes, and against damaged ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod damage;
mod encode;
mod generate;
mod malformed;
mod mutate;
mod oracle;
mod projection;
mod seen;
