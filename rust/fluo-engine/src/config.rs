//! Configuration of an engine.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;

/// Limits and times of an engine. Every key of the JSON form is optional; an unknown one is an error.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Quiet time after which a trace whose root came and that misses no parent is complete.
    pub settle_ns: u64,
    /// Age after its first span at which a trace is decided whatever is missing.
    pub max_duration_ns: u64,
    /// Time after completion in which a late span revises the verdict.
    pub late_grace_ns: u64,
    /// When a single server or consumer span without its parent counts as the root.
    pub top_is_root: TopIsRoot,
    /// Largest clock difference between emitters that a raw comparison of their times has to respect.
    pub max_skew_ns: u64,
    /// How far the watermark stays behind the event clock.
    pub allowed_lateness_ns: u64,
    /// Bytes that the engine may hold.
    pub memory_bytes: u64,
    /// Open traces at most.
    pub max_traces: usize,
    /// Spans kept of one trace at most.
    pub max_spans_per_trace: usize,
    /// Groups of one rule at most.
    pub max_groups: usize,
    /// Steps that deciding one rule about one trace may take: looks at spans and pairs of spans. One that takes more is inconclusive.
    pub max_steps_per_decision: u64,
    /// Signals that wait to be drained at most.
    pub signal_queue_size: usize,
    /// Attributes added to the resource of every signal.
    pub resource: BTreeMap<String, String>,
    /// Whether spans come as they are made, so that what is missing of a trace that began before the engine may have gone to whoever
    /// stood here before. Not so in a replay.
    pub live: bool,
    /// Whether the engine learns from complete traces which spans come below which calls. A replay learns first and then decides.
    pub learn_calls: bool,
    /// Whether every final verdict is kept for [`crate::Engine::drain_verdicts`]; for tests and audits.
    pub record_verdicts: bool,
    /// Test archives only: a span with this name makes ingest panic.
    #[cfg(feature = "faults")]
    pub fault_panic_on_span: Option<String>,
}

/// When a single server or consumer span without its parent counts as the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TopIsRoot {
    /// When the trace has reached `max_duration`.
    Age,
    /// Already after `settle`.
    Settle,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            settle_ns: 10 * SECOND,
            max_duration_ns: 60 * SECOND,
            late_grace_ns: 60 * SECOND,
            top_is_root: TopIsRoot::Age,
            max_skew_ns: SECOND / 10,
            allowed_lateness_ns: 30 * SECOND,
            memory_bytes: 256 << 20,
            max_traces: 1_000_000,
            max_spans_per_trace: 10_000,
            max_groups: 100_000,
            max_steps_per_decision: 10_000_000,
            signal_queue_size: 10_000,
            resource: BTreeMap::new(),
            live: false,
            learn_calls: true,
            record_verdicts: false,
            #[cfg(feature = "faults")]
            fault_panic_on_span: None,
        }
    }
}

/// Why a configuration is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    message: String,
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads and checks the JSON form.
    ///
    /// # Errors
    /// Text that is no JSON object of this shape, or a value out of range.
    pub fn from_json(text: &[u8]) -> Result<Self, ConfigError> {
        let config: Self = match text.trim_ascii_start().first() {
            None => Self::default(),
            // serde would take a list for the fields in their order.
            Some(b'{') => {
                serde_json::from_slice(text).map_err(|e| ConfigError { message: format!("the configuration cannot be read: {e}") })?
            }
            Some(_) => {
                return Err(ConfigError { message: "the configuration must be a JSON object".to_owned() });
            }
        };
        config.check()?;
        Ok(config)
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// A value out of range, named by its key.
    pub fn check(&self) -> Result<(), ConfigError> {
        let positive = [
            ("settle_ns", self.settle_ns),
            ("max_duration_ns", self.max_duration_ns),
            ("memory_bytes", self.memory_bytes),
            ("max_traces", self.max_traces as u64),
            ("max_spans_per_trace", self.max_spans_per_trace as u64),
            ("max_groups", self.max_groups as u64),
            ("max_steps_per_decision", self.max_steps_per_decision),
            ("signal_queue_size", self.signal_queue_size as u64),
        ];
        if let Some((key, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(ConfigError { message: format!("`{key}` must be greater than zero") });
        }
        if self.settle_ns > self.max_duration_ns {
            return Err(ConfigError { message: "`settle_ns` must not be greater than `max_duration_ns`".to_owned() });
        }
        Ok(())
    }
}
