//! The façade: bytes and time in, signals out.

use std::sync::Arc;

use fluo_lang::program::RuleSet;

use crate::config::{Config, ConfigError};
use crate::signal::Signal;
use crate::stats::Stats;
use crate::verdict::VerdictRecord;

/// What a call found and did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IngestReport {
    /// Well-formed spans read.
    pub spans: u64,
    /// Spans that at least one selector picked.
    pub spans_selected: u64,
    /// Malformed spans that were skipped.
    pub spans_rejected: u64,
    /// Malformed frames: the rest of the enclosing message was skipped.
    pub frames_rejected: u64,
    /// Spans of our own scope, skipped.
    pub spans_own: u64,
    /// The projection's current epoch.
    pub epoch: u64,
    /// Whether signals wait to be drained.
    pub signals_pending: bool,
}

/// Why a message was not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IngestError {
    /// The message was projected for another epoch; nothing was applied.
    StaleProjection,
    /// The engine was flushed for shutdown.
    Closed,
}

/// An engine: safe to use from many threads at once.
pub struct Engine;

impl Engine {
    /// Makes an engine for a rule set.
    ///
    /// # Errors
    /// A configuration out of range.
    pub fn new(_rules: Arc<RuleSet>, _config: Config, _now: u64) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    /// Applies a serialized OTLP traces message. `epoch` is that of the projection it was written for, 0 for whole OTLP.
    /// `now` is arrival time in Unix nanoseconds.
    ///
    /// # Errors
    /// See [`IngestError`]; broken bytes are no error but counted in the report.
    pub fn ingest(&self, _epoch: u64, _now: u64, _bytes: &[u8]) -> Result<IngestReport, IngestError> {
        Ok(IngestReport::default())
    }

    /// Lets time pass: decides traces that have settled or aged, advances windows.
    pub fn tick(&self, _now: u64) -> IngestReport {
        IngestReport::default()
    }

    /// Decides every open trace with trigger `shutdown`; afterwards nothing is ingested any more.
    pub fn flush(&self, _now: u64) -> IngestReport {
        IngestReport::default()
    }

    /// The earliest arrival time at which [`Engine::tick`] has something to decide; `None` when nothing is open.
    pub fn next_deadline(&self) -> Option<u64> {
        None
    }

    /// Replaces the rule set; open traces finish under the rules they began with.
    pub fn swap(&self, _rules: Arc<RuleSet>, _now: u64) {}

    /// The projection as JSON (see the C header).
    pub fn projection_json(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes at most `max` signals from the queue; the flag says whether more wait.
    pub fn drain_signals(&self, _max: usize) -> (Vec<Signal>, bool) {
        (Vec::new(), false)
    }

    /// Takes the verdicts recorded so far, where `Config::record_verdicts` is set.
    pub fn drain_verdicts(&self) -> Vec<VerdictRecord> {
        Vec::new()
    }

    /// Counters and gauges.
    pub fn stats(&self) -> Stats {
        Stats::default()
    }
}
