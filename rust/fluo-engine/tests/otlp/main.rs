//! The wire reader against prost, which reads the same bytes, and against damaged ones.

mod damage;
mod generate;
mod malformed;
mod mutate;
mod oracle;
mod seen;
