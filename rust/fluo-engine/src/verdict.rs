//! Verdicts and the reasons why one could not be given.

use crate::signal::{Phase, Trigger};

/// The answer of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// The claim was made and held.
    Satisfied,
    /// The claim was made and did not hold.
    Violated,
    /// It could not be told.
    Inconclusive(Reason),
    /// The claim was not made.
    NotApplicable,
}

impl Verdict {
    /// The word in signals, statistics and tests.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Satisfied => "satisfied",
            Self::Violated => "violated",
            Self::Inconclusive(_) => "inconclusive",
            Self::NotApplicable => "not_applicable",
        }
    }

    /// The word for the reason of an inconclusive verdict, else nothing.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Inconclusive(reason) => reason.name(),
            _ => "",
        }
    }
}

/// Why a claim is inconclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// A parent never came, there are several spans without parent, or a cycle.
    Gap,
    /// A call has no child although one is expected below it.
    Dangling,
    /// The trace began before the engine did: whoever stood here before may have its spans.
    Start,
    /// Attributes, events or links were dropped by the SDK.
    Dropped,
    /// The trace was already old when its first span came.
    Late,
    /// A limit of the engine cut the trace.
    Limit,
    /// The engine stopped before the trace was complete, or a window was not observed to its end.
    Shutdown,
    /// Two clocks cannot be compared.
    ClockSkew,
    /// A time is missing, zero or reversed.
    BadTime,
    /// More groups than the engine may hold.
    Cardinality,
}

impl Reason {
    /// Every reason, in the order in which one is named where several hold.
    pub const ALL: [Self; 10] = [
        Self::Gap,
        Self::Dangling,
        Self::Start,
        Self::Dropped,
        Self::Late,
        Self::Limit,
        Self::Shutdown,
        Self::ClockSkew,
        Self::BadTime,
        Self::Cardinality,
    ];

    /// The word in signals, statistics and tests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Dangling => "dangling",
            Self::Start => "start",
            Self::Dropped => "dropped",
            Self::Late => "late",
            Self::Limit => "limit",
            Self::Shutdown => "shutdown",
            Self::ClockSkew => "clock_skew",
            Self::BadTime => "bad_time",
            Self::Cardinality => "cardinality",
        }
    }
}

/// A verdict that was given, for tests and audits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictRecord {
    /// The rule's name.
    pub rule: String,
    /// The trace; `None` for rules over `spans`.
    pub trace_id: Option<[u8; 16]>,
    /// The span that a rule over `spans` with relations makes its claim about.
    pub span_id: Option<u64>,
    /// Canonical values of the group, in the order of `by`; empty for a rule without groups and for the whole trace.
    pub group: Vec<String>,
    /// The answer.
    pub verdict: Verdict,
    /// Every reason of an inconclusive verdict.
    pub reasons: Vec<Reason>,
    /// When it was given.
    pub phase: Phase,
    /// What made the engine decide.
    pub trigger: Trigger,
    /// For rules over `spans`: when the group was violated, `[from, to)` in event time; without end where it was not seen to end.
    pub episodes: Vec<(u64, Option<u64>)>,
}
