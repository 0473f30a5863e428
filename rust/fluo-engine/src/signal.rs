//! What leaves the engine.

use fluo_lang::program::Severity;

/// A signal: something that somebody wants to hear of, with its evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// What happened.
    pub event: Event,
    /// Equal facts have equal ids (language reference §5).
    pub violation_id: [u8; 16],
    /// The rule's name.
    pub rule: String,
    /// `always` or `never`.
    pub kind: &'static str,
    /// The claim in canonical form.
    pub expression: String,
    /// The rule's severity.
    pub severity: Severity,
    /// The rule's tags.
    pub tags: Vec<String>,
    /// The rule's compliance controls.
    pub controls: Vec<String>,
    /// SHA-256 of the rule set.
    pub ruleset_hash: [u8; 32],
    /// When in the trace's life the verdict was given.
    pub phase: Phase,
    /// What made the engine decide.
    pub trigger: Trigger,
    /// The trace of the deciding span.
    pub trace_id: [u8; 16],
    /// The deciding span, where there is one.
    pub span_id: Option<u64>,
    /// Event time of the deciding fact, Unix nanoseconds.
    pub time: u64,
    /// Arrival time at which the signal was made, Unix nanoseconds.
    pub observed_time: u64,
    /// Field and value of the group, in the order of `by`.
    pub group: Vec<(String, String)>,
    /// The violating window, event time, half-open at the start: `(start, end]`.
    pub window: Option<(u64, u64)>,
    /// Each aggregate of the claim with its observed value.
    pub observed: Vec<(String, String)>,
    /// The spans that the violation rests on.
    pub evidence: Vec<u64>,
    /// Whether more spans would have to be cited than a signal holds.
    pub evidence_truncated: bool,
    /// What had to be there and was not.
    pub missing: Vec<String>,
    /// The nearest misses of what was missing: how many spans matched all but one condition, and the value that came nearest.
    pub nearest: Vec<String>,
    /// Values of the `show` fields of the witnesses.
    pub shown: Vec<(String, String)>,
    /// Whether the trace was whole when the verdict was given; `None` before completion and for rules over `spans`.
    pub trace_complete: Option<bool>,
    /// Spans of the trace that had come.
    pub trace_spans: Option<u64>,
    /// `service.*` attributes of the deciding span's resource.
    pub resource: Vec<(String, String)>,
    /// Links and free text that the rule carries along: key and value.
    pub carried: Vec<(String, String)>,
    /// The sentence: what was claimed, what was seen and where.
    pub message: String,
}

/// What a signal announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A claim is broken.
    Violation,
    /// A late span took a violation back.
    Retracted,
    /// A group of a rule over `spans` holds again.
    Resolved,
}

impl Event {
    /// The event name of the log record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Violation => "fluo.violation",
            Self::Retracted => "fluo.violation.retracted",
            Self::Resolved => "fluo.violation.resolved",
        }
    }
}

/// When in a trace's life a verdict was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the attribute's values")]
pub enum Phase {
    Early,
    Complete,
    Late,
}

impl Phase {
    /// The value of `fluo.verdict.phase`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Early => "early",
            Self::Complete => "complete",
            Self::Late => "late",
        }
    }
}

/// What made the engine decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the attribute's values")]
pub enum Trigger {
    Early,
    Complete,
    Age,
    Shutdown,
    Limit,
    Late,
}

impl Trigger {
    /// The value of `fluo.verdict.trigger`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Early => "early",
            Self::Complete => "complete",
            Self::Age => "age",
            Self::Shutdown => "shutdown",
            Self::Limit => "limit",
            Self::Late => "late",
        }
    }
}
