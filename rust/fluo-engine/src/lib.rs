//! The Fluo engine: OTLP bytes in, signals out. Deterministic: time is an argument.
#![forbid(unsafe_code)]

mod clock;
pub mod config;
pub mod engine;
mod eval;
mod exact;
mod expr;
mod generation;
mod identity;
mod ingest;
mod json;
pub mod memory;
mod near;
pub mod otlp;
mod plan;
pub mod projection;
mod queue;
mod report;
mod select;
mod shard;
pub mod signal;
pub mod stats;
mod store;
mod tally;
mod text;
mod truth;
mod value;
pub mod verdict;
mod window;

pub use config::{Config, ConfigError};
pub use engine::{Engine, IngestError, IngestReport};
pub use memory::memory;
pub use plan::unsupported;
pub use signal::Signal;
pub use store::calls::{CallEntry, CallKey};
pub use verdict::{Reason, Verdict, VerdictRecord};
#[cfg(feature = "alone")]
pub use window::{Alone, Ran};
