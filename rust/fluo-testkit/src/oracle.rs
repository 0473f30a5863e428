//! The reference evaluator: slow, obvious, and word by word what the language reference says.
//!
//! It takes what arrived and when, the checked rules, the configuration and a call table, and gives the final verdict of each
//! (rule, trace, group) after the grace for late spans, and for rules over `spans` the stretches of time in which a group was
//! violated. Nothing is evaluated incrementally: a trace's verdict is computed once, from the set of spans that came in time.
//!
//! It shares no evaluation code with the engine, and of the language's crate only the checked program.

mod aggregate;
mod calls;
mod cited;
mod claim;
mod clock;
mod completion;
mod direction;
mod duration;
mod glob;
mod judge;
mod number;
mod order;
mod predicate;
mod quantity;
mod reading;
mod relation;
mod selectors;
mod shape;
mod sign;
mod spanset;
mod stream;
mod tree;
mod truth;
mod value;
mod world;

use std::collections::BTreeMap;

use fluo_lang::program::{Mode, OnGap, Rule, RuleSet, Scope};

pub use calls::{CallEntry, CallKey, CallTable};
pub use cited::violated_by;
pub use selectors::selectors;
pub use stream::{Told, ToldOfGroup, told};
pub use truth::{Reason, Reasons};

use crate::model::{Batch, Identity, SpanData, SpanId, TraceId};
use judge::judge_trace;
use world::{Stage, World};

/// The part of an engine's configuration that verdicts depend on. Times are nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the language reference, §5, says what each is")]
pub struct Config {
    pub settle: u64,
    pub max_duration: u64,
    pub late_grace: u64,
    pub top_is_root: TopIsRoot,
    pub max_skew: u64,
    pub allowed_lateness: u64,
    pub max_spans_per_trace: usize,
    /// Live: the arrival time at which the engine started; `None` in a replay.
    pub live_since: Option<u64>,
}

/// When a single server or consumer span without its parent counts as the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the configuration's")]
pub enum TopIsRoot {
    Age,
    Settle,
}

impl Default for Config {
    fn default() -> Self {
        const SECOND: u64 = 1_000_000_000;
        Self {
            settle: 10 * SECOND,
            max_duration: 60 * SECOND,
            late_grace: 60 * SECOND,
            top_is_root: TopIsRoot::Age,
            max_skew: SECOND / 10,
            allowed_lateness: 30 * SECOND,
            max_spans_per_trace: 10_000,
            live_since: None,
        }
    }
}

/// What arrived, and how it ended.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Run {
    /// The requests in the order of arrival; arrival times never go back.
    pub batches: Vec<Batch>,
    /// The end.
    pub end: End,
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum End {
    /// After the last request arrival time runs on until every trace is decided; event time stops.
    #[default]
    Recording,
    /// As [`End::Recording`], but both clocks run on to this arrival time first.
    Until(u64),
    /// The engine is shut down at this arrival time.
    Shutdown(u64),
}

/// The answer of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The claim was not made.
    NotApplicable,
    /// The claim was made and held.
    Satisfied,
    /// It could not be told, for these reasons.
    Inconclusive(Reasons),
    /// The claim was made and did not hold.
    Violated,
}

impl Verdict {
    /// The worse of two: violated, inconclusive, satisfied, not applicable.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let rank = |verdict| match verdict {
            Self::NotApplicable => 0,
            Self::Satisfied => 1,
            Self::Inconclusive(_) => 2,
            Self::Violated => 3,
        };
        match (self, other) {
            (Self::Inconclusive(a), Self::Inconclusive(b)) => Self::Inconclusive(a.with(b)),
            (a, b) if rank(a) >= rank(b) => a,
            (_, b) => b,
        }
    }
}

/// What made a trace be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the language reference, §5, says what each is")]
pub enum Trigger {
    Complete,
    Age,
    Shutdown,
    Limit,
    /// A span that came after the grace.
    Late,
}

/// A verdict and what it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The rule.
    pub rule: String,
    /// The trace; for rules over `spans` that of the span the verdict is about, where it is about one.
    pub trace_id: Option<TraceId>,
    /// The span that a rule over `spans` with relations makes its claim about.
    pub span_id: Option<SpanId>,
    /// The group's values as canonical text, in the order of `by`.
    pub group: Vec<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether `on_gap: signal` turns the inconclusive verdict into a signal.
    pub gap_signal: bool,
    /// What made the trace be decided; `None` for rules over `spans`.
    pub trigger: Option<Trigger>,
    /// For rules over `spans`: when the group was violated, event time; without end where it still was when observation ended.
    pub episodes: Vec<(u64, Option<u64>)>,
}

/// The final verdicts of a run.
#[must_use]
pub fn evaluate(rules: &RuleSet, config: &Config, calls: &CallTable, run: &Run) -> Vec<Finding> {
    let mut findings = Vec::new();
    let decided = completion::decide(run, config);
    for rule in rules.rules.iter().filter(|rule| rule.mode != Mode::Disabled) {
        if rule.scope == Scope::Spans {
            findings.extend(stream::judge_stream(rule, config, calls, run));
            continue;
        }
        for trace in &decided {
            let world = World::trace(&trace.spans, trace.stage, config, calls);
            let mut found = trace_findings(rule, trace.trace_id, &world, Some(trace.trigger));
            for strays in &trace.strays {
                let strays = World::trace(strays, Stage::Open, config, calls);
                take_facts(&mut found, trace_findings(rule, trace.trace_id, &strays, None));
            }
            findings.extend(found.into_values());
        }
    }
    findings
}

/// What spans that came after the grace violate by themselves, whatever the rest of their trace was, is violated; nothing else follows
/// from them.
fn take_facts(found: &mut Groups, strays: Groups) {
    for (group, stray) in strays.into_iter().filter(|(_, stray)| stray.verdict == Verdict::Violated) {
        let before = found.get(&group).map(|finding| finding.verdict);
        if before != Some(Verdict::Violated) {
            found.insert(group, Finding { trigger: Some(Trigger::Late), ..stray });
        }
    }
}

/// The verdicts that are definite for a trace of which these spans have come and more may come.
#[must_use]
pub fn early(rules: &RuleSet, config: &Config, calls: &CallTable, spans: &[SpanData]) -> Vec<Finding> {
    let mut traces: BTreeMap<TraceId, BTreeMap<Identity, &SpanData>> = BTreeMap::new();
    for span in spans {
        traces.entry(span.trace_id).or_default().entry(span.identity()).or_insert(span);
    }
    let mut findings = Vec::new();
    for (trace_id, spans) in traces {
        let spans: Vec<&SpanData> = spans.into_values().collect();
        let world = World::trace(&spans, Stage::Open, config, calls);
        for rule in rules.rules.iter().filter(|rule| rule.mode != Mode::Disabled && rule.scope == Scope::Trace) {
            let all = trace_findings(rule, trace_id, &world, None);
            findings.extend(all.into_values().filter(|f| matches!(f.verdict, Verdict::Violated | Verdict::Satisfied)));
        }
    }
    findings
}

/// The verdicts of a rule over a trace by group.
type Groups = BTreeMap<Vec<value::Key>, Finding>;

/// The verdicts of a rule over a trace; while the trace is open (without trigger) of groups that there are for certain.
fn trace_findings(rule: &Rule, trace_id: TraceId, world: &World<'_>, trigger: Option<Trigger>) -> Groups {
    judge_trace(world, rule)
        .into_iter()
        .filter(|(group, _)| trigger.is_some() || rule.by.is_empty() || judge::is_certain_group(world, rule, group))
        .map(|(group, verdict)| {
            let lossy = matches!(verdict, Verdict::Inconclusive(why) if why.iter().any(Reason::is_loss));
            let applies =
                rule.on_gap == OnGap::Signal && lossy && judge::is_made(world, rule, (!group.is_empty()).then_some(group.as_slice()));
            let finding = Finding {
                rule: rule.name.clone(),
                trace_id: Some(trace_id),
                span_id: None,
                group: group.iter().map(value::Key::text).collect(),
                verdict,
                gap_signal: applies,
                trigger,
                episodes: Vec::new(),
            };
            (group, finding)
        })
        .collect()
}
