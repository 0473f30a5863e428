//! The settings of the engine as options: named and defaulted as in the collector's configuration.

use clap::ValueEnum;
use fluo_engine::config::{Config, TopIsRoot};
use fluo_lang::syntax::parse_duration;

use crate::limits::LimitOptions;

/// The engine's settings.
#[derive(clap::Args)]
pub(crate) struct EngineOptions {
    /// Quiet time after which a trace whose root came and that misses no parent is complete.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = nanos)]
    settle: u64,
    /// Age at which a trace is decided whatever is missing.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = nanos)]
    max_duration: u64,
    /// Time after completion in which a late span revises the verdict.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = nanos)]
    late_grace: u64,
    /// When a single server or consumer span without its parent counts as the root.
    #[arg(long, value_enum, default_value = "age")]
    top_is_root: Top,
    /// Largest difference between two hosts' clocks.
    #[arg(long, value_name = "DURATION", default_value = "100ms", value_parser = nanos)]
    max_skew: u64,
    /// How far the watermark stays behind the event clock.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = nanos)]
    allowed_lateness: u64,
    /// Open traces at most.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000)]
    max_traces: usize,
    #[command(flatten)]
    limits: LimitOptions,
}

#[derive(Clone, Copy, ValueEnum)]
enum Top {
    /// When the trace has reached `--max-duration`.
    Age,
    /// Already after `--settle`.
    Settle,
}

impl EngineOptions {
    /// The engine's configuration.
    pub(crate) fn config(&self) -> Config {
        Config {
            settle_ns: self.settle,
            max_duration_ns: self.max_duration,
            late_grace_ns: self.late_grace,
            top_is_root: match self.top_is_root {
                Top::Age => TopIsRoot::Age,
                Top::Settle => TopIsRoot::Settle,
            },
            max_skew_ns: self.max_skew,
            allowed_lateness_ns: self.allowed_lateness,
            max_traces: self.max_traces,
            ..self.limits.config()
        }
    }
}

fn nanos(text: &str) -> Result<u64, String> {
    let nanos = parse_duration(text).ok_or_else(|| "not a duration such as `10s`, `100ms` or `1m30s`".to_owned())?;
    u64::try_from(nanos).map_err(|_| "a duration cannot be negative".to_owned())
}
