//! The Fluo engine: OTLP bytes in, signals out. Deterministic: time is an argument.
#![forbid(unsafe_code)]

pub mod config;
pub mod engine;
pub mod otlp;
pub mod projection;
pub mod signal;
pub mod stats;
pub mod verdict;

pub use config::{Config, ConfigError};
pub use engine::{Engine, IngestError, IngestReport};
pub use signal::Signal;
pub use verdict::{Reason, Verdict, VerdictRecord};
