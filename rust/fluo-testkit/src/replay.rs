//! Recordings through an engine: what `fluo replay` does, and what tests of replays do.
//!
//! A recording does not say when its requests came. [`ReplayClock`] tells it of one recording, [`Recordings`] merges several by that
//! time, and [`drive`] hands the requests to an engine and lets time run on until every trace is decided.

mod clock;
mod drive;
mod recordings;

pub use clock::ReplayClock;
pub use drive::{drive, run_to};
pub use recordings::{Read, Recordings, Request, Timed};
