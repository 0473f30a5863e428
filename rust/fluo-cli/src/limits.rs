//! The limits of the engine as options: named and defaulted as in the collector's configuration.

use fluo_engine::config::Config;

/// The limits that bound what the engine holds.
#[derive(clap::Args)]
pub(crate) struct LimitOptions {
    /// Memory that the engine may hold, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    memory_mib: u64,
    /// Spans kept of one trace at most.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    max_spans_per_trace: usize,
    /// Groups of one rule at most.
    #[arg(long, value_name = "COUNT", default_value_t = 100_000)]
    max_groups: usize,
    /// Looks at spans and pairs of spans that deciding one rule about one trace may take.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000_000)]
    max_steps_per_decision: u64,
}

impl LimitOptions {
    /// A configuration with these limits.
    pub(crate) fn config(&self) -> Config {
        Config {
            memory_bytes: self.memory_mib.saturating_mul(1 << 20),
            max_spans_per_trace: self.max_spans_per_trace,
            max_groups: self.max_groups,
            max_steps_per_decision: self.max_steps_per_decision,
            ..Config::default()
        }
    }
}
