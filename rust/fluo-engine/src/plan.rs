//! The compiled form of a rule set: what to keep of a span, and how to decide each rule from what was kept.

mod candidate;
mod claim;
mod compile;
mod direction;
mod early;
mod fields;
mod index;
mod near;
mod owner;
mod predicate;
mod sequence;
mod window;

use std::sync::Arc;

use fluo_lang::program::{ArithOp, Axis, CompareOp, RelationKind, Rule, RuleSet, Spanset, TextOp};
use regex::bytes::Regex;

use crate::expr::finder::Finder;
use crate::expr::{Node, TermNode};
use crate::otlp::KeyTable;
use crate::projection::Projection;
use crate::value::Val;

pub(crate) use compile::Notes;
use early::Ways;
pub(crate) use index::{SelectorIndex, Service};
pub(crate) use near::{Near, NearPart};
pub(crate) use sequence::{Place, SequencePlan, SequenceRelation};
pub(crate) use window::mirrored;
pub use window::unsupported;

/// A compiled rule set. Immutable; shared by every trace that began under it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) ruleset: Arc<RuleSet>,
    /// The rules that are evaluated: `disabled` ones are not among them.
    pub(crate) rules: Vec<RulePlan>,
    /// Predicates that the bytes of a span decide, each once.
    pub(crate) index: SelectorIndex,
    /// Terms that are evaluated at ingest and kept, each once.
    pub(crate) terms: Vec<KeptTerm>,
    /// Terms that read the parent or the root, by their number without [`FAR`]: they are computed from kept ones when they are asked for.
    pub(crate) far_terms: Vec<TermNode>,
    /// By selector: the terms that are kept of the spans that it picks, beside those of all spans.
    pub(crate) terms_of_selector: Vec<Vec<u32>>,
    /// The terms that are kept of every span that leaves a record.
    pub(crate) terms_of_all: Vec<u32>,
    pub(crate) sets: Vec<SetPlan>,
    pub(crate) relations: Vec<RelationPlan>,
    /// Selectors of which some claim wants spans: near misses of them are told.
    pub(crate) near: Near,
    /// The rules over `spans`.
    pub(crate) windows: Vec<WindowPlan>,
    /// By selector: the rules over traces whose verdict it may change.
    pub(crate) rules_of_selector: Vec<Vec<u32>>,
    /// Rules over traces that no selector feeds: they speak of the root, the depth or the duration.
    pub(crate) without_selectors: Vec<u32>,
    /// Rules over traces that may say something of a trace in which no selector picked a span.
    pub(crate) never_silent: Vec<u32>,
    /// Slots of the attributes that tell calls apart; `None` where no rule reads absence.
    pub(crate) call_slots: Vec<Option<usize>>,
    /// Whether some rule concludes from absence, so that calls are learned.
    pub(crate) reads_absence: bool,
    /// Whether every span leaves a record: some rule follows parents or compares spans that no selector picks.
    pub(crate) keep_all: bool,
    pub(crate) projection: Projection,
    pub(crate) keys: KeyTable,
}

/// The bit that tells the number of a far term from that of a kept one.
pub(crate) const FAR: u32 = 1 << 31;

/// A term that is kept on the spans on which a rule reads it.
#[derive(Debug)]
pub(crate) struct KeptTerm {
    pub(crate) node: TermNode,
    /// On the spans that one of these selectors picks or may pick; on all where this is `None`.
    pub(crate) only_on: Option<Vec<u32>>,
}

/// A compiled rule.
#[derive(Debug)]
pub(crate) struct RulePlan {
    /// Index in [`Plan::ruleset`].
    pub(crate) rule: usize,
    pub(crate) claim: Claim,
    /// `None` for a claim that is made everywhere.
    pub(crate) guard: Option<Claim>,
    /// Whether the guard ignores `within`: one that was derived from the claim does.
    pub(crate) guard_is_derived: bool,
    /// Whether the guard depends on the instant.
    pub(crate) guard_has_windows: bool,
    /// Terms of `by`.
    pub(crate) by: Vec<u32>,
    /// Sets with `by`, of claim and guard.
    pub(crate) grouped_sets: Vec<u32>,
    /// The widest `within` of claim and guard.
    pub(crate) widest: Option<u64>,
    /// All sets of claim and guard, and its relations: what a whole trace may teach about.
    pub(crate) all_sets: Vec<u32>,
    pub(crate) all_relations: std::ops::Range<u32>,
    /// Sets with `within`, of claim and guard.
    pub(crate) windowed_sets: Vec<u32>,
    /// Whether more spans can only break the claim.
    pub(crate) only_breaks: bool,
    /// Whether counters alone decide the rule: then looking at it costs nothing.
    pub(crate) by_counters: bool,
    /// How it can be violated while its trace is open.
    pub(crate) violated_early: Ways,
    /// Terms that the rule's message inserts, as written and compiled.
    pub(crate) inserted: Vec<(String, ClaimTerm)>,
    /// Terms of `show`, with their names.
    pub(crate) show: Vec<(String, u32)>,
}

/// A compiled rule over `spans`.
#[derive(Debug)]
pub(crate) struct WindowPlan {
    /// Index in [`Plan::ruleset`].
    pub(crate) rule: usize,
    /// The selectors whose spans the monitor wants to see.
    pub(crate) selectors: Vec<u32>,
    /// Terms of `by`.
    pub(crate) by: Vec<u32>,
    /// Terms of `show`, with their names.
    pub(crate) show: Vec<(String, u32)>,
    /// After how long a group that is still violated is signalled again, nanoseconds.
    pub(crate) repeat_after: Option<u64>,
    pub(crate) kind: WindowKind,
}

/// How a rule over `spans` is monitored.
#[derive(Debug)]
pub(crate) enum WindowKind {
    /// A bound from above on the number of spans in one window.
    Count(CountPlan),
    /// A bound from above on the number of spans in flight.
    Flight(FlightPlan),
    /// Anything else about windows.
    Sweep(Box<SweepPlan>),
    /// What comes before or after each span of a set.
    Sequence(Box<SequencePlan>),
}

/// A bound from above on a count.
#[derive(Debug)]
pub(crate) struct CountPlan {
    /// Picks the counted spans.
    pub(crate) selector: u32,
    /// Length of the window, nanoseconds.
    pub(crate) width: u64,
    /// The least count that breaks the claim.
    pub(crate) least: usize,
    /// The count as the rule wrote it.
    pub(crate) text: String,
}

/// A bound from above on the number of spans in flight at one instant.
#[derive(Debug)]
pub(crate) struct FlightPlan {
    /// Picks the counted spans.
    pub(crate) selector: u32,
    /// The least number that breaks the claim.
    pub(crate) least: u32,
    /// The number as the rule wrote it.
    pub(crate) text: String,
}

/// A claim about windows, which is judged at every instant at which one of them changes.
#[derive(Debug)]
pub(crate) struct SweepPlan {
    /// Holds where the rule does.
    pub(crate) claim: Claim,
    pub(crate) guard: Option<Claim>,
    pub(crate) lanes: Vec<LanePlan>,
    /// The lane of each set of claim and guard.
    pub(crate) lane_of_set: Vec<(u32, usize)>,
    /// Whether more spans can only break the claim.
    pub(crate) only_breaks: bool,
    /// The widest window, nanoseconds.
    pub(crate) widest: u64,
    /// Aggregates of the claim, for the signal.
    pub(crate) observed: Vec<(String, ClaimTerm)>,
}

/// The spans that one selector picks, through one window.
#[derive(Debug)]
pub(crate) struct LanePlan {
    pub(crate) selector: u32,
    /// Length of the window, nanoseconds.
    pub(crate) width: u64,
    /// Whether each group has its own, or all share the common total.
    pub(crate) grouped: bool,
    /// How many spans decide everything that is asked of the window; `None` where all of them may.
    pub(crate) cap: Option<usize>,
    /// Terms that aggregates read.
    pub(crate) columns: Vec<u32>,
    /// Functions of these terms that follow the window, each once.
    pub(crate) running: Vec<Function>,
    /// Whether the order by start matters.
    pub(crate) ordered: bool,
    /// The set as the rule writes it.
    pub(crate) text: String,
}

/// A claim-level expression.
#[derive(Debug)]
pub(crate) enum Claim {
    Const(bool),
    Not(Box<Claim>),
    And(Vec<Claim>),
    Or(Vec<Claim>),
    /// The set is not empty; `tested` is the set whose spans had to be there (of `A.any(P)` it is A).
    NonEmpty {
        set: u32,
        tested: u32,
    },
    Compare {
        op: CompareOp,
        left: ClaimTerm,
        right: ClaimTerm,
    },
    In {
        term: ClaimTerm,
        list: Vec<Val<'static>>,
        negated: bool,
    },
    Text {
        op: TextOp,
        left: ClaimTerm,
        right: ClaimTerm,
    },
    Matches {
        term: ClaimTerm,
        regex: Finder,
    },
    Exists(ClaimTerm),
}

/// A claim-level term.
#[derive(Debug)]
pub(crate) enum ClaimTerm {
    Literal(Val<'static>),
    /// `text` is the aggregate as the rule wrote it.
    Aggregate {
        set: u32,
        function: Function,
        text: String,
    },
    /// A kept term of one distinguished span.
    OfSpan {
        span: Distinguished,
        term: u32,
        text: String,
    },
    Depth,
    TraceDuration,
    Arith {
        op: ArithOp,
        left: Box<ClaimTerm>,
        right: Box<ClaimTerm>,
    },
    Neg(Box<ClaimTerm>),
    Coalesce(Vec<ClaimTerm>),
    Lower(Box<ClaimTerm>),
    Extract(Box<ClaimTerm>, Regex),
    Shape(Box<ClaimTerm>),
}

/// One distinguished span of a trace.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Distinguished {
    Root,
    First(u32),
    Last(u32),
}

/// An aggregate function over kept terms.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Function {
    Count,
    Distinct(Vec<u32>),
    /// Whether the term can only add, and whether it is a duration by what it says.
    Sum {
        term: u32,
        never_negative: bool,
        is_duration: bool,
    },
    Min(u32),
    Max(u32),
    Avg(u32),
    Quantile(u32, f64),
    /// Spans a second over this many nanoseconds.
    Rate(u64),
    Concurrent,
    LongestRun(Vec<u32>),
}

/// A compiled spanset.
#[derive(Debug)]
pub(crate) struct SetPlan {
    /// As the rule wrote it, for explanations.
    pub(crate) written: Spanset,
    pub(crate) steps: Vec<StepPlan>,
    pub(crate) within: Option<u64>,
    pub(crate) grouped: bool,
    /// Canonical text of the steps as the rule wrote them: the set's name in the call table.
    pub(crate) name: String,
    /// The only step's selector, where the set is just what one selector picks.
    pub(crate) selector: Option<u32>,
}

/// A step of a spanset.
#[derive(Debug)]
pub(crate) enum StepPlan {
    Where(Node),
    Navigate(Axis),
}

/// A compiled relation.
#[derive(Debug)]
pub(crate) struct RelationPlan {
    pub(crate) kind: RelationKind,
    pub(crate) other: Node,
    pub(crate) within: Option<u64>,
    /// Kept terms that must have equal, present values on both.
    pub(crate) same: Vec<u32>,
    pub(crate) at_least: u64,
    pub(crate) without: Option<Node>,
    /// The names of the sets of `other` and `without` in the call table.
    pub(crate) other_name: String,
    pub(crate) without_name: String,
}

impl ClaimTerm {
    /// The term as a rule writes it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Literal(value) => String::from_utf8_lossy(&value.text()).into_owned(),
            Self::Aggregate { text, .. } | Self::OfSpan { text, .. } => text.clone(),
            Self::Depth => "trace.depth".to_owned(),
            Self::TraceDuration => "trace.duration".to_owned(),
            Self::Arith { op, left, right } => {
                format!("{} {} {}", left.text(), arith_sign(*op), right.text())
            }
            Self::Neg(inner) => format!("-{}", inner.text()),
            Self::Coalesce(parts) => format!("coalesce({})", parts.iter().map(Self::text).collect::<Vec<_>>().join(", ")),
            Self::Lower(inner) => format!("lower({})", inner.text()),
            Self::Extract(inner, regex) => format!("extract({}, '{regex}')", inner.text()),
            Self::Shape(inner) => format!("shape({})", inner.text()),
        }
    }
}

const fn arith_sign(op: ArithOp) -> &'static str {
    match op {
        ArithOp::Add => "+",
        ArithOp::Sub => "-",
        ArithOp::Mul => "*",
        ArithOp::Div => "/",
        ArithOp::Rem => "%",
    }
}

impl Plan {
    /// The term behind a number, where it reads the parent or the root.
    pub(crate) fn far(&self, term: u32) -> Option<&TermNode> {
        if term & FAR == 0 { None } else { self.far_terms.get((term & !FAR) as usize) }
    }

    /// The checked rule behind a plan's rule.
    pub(crate) fn source(&self, rule: &RulePlan) -> Option<&Rule> {
        self.ruleset.rules.get(rule.rule)
    }
}
