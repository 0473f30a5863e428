//! Counters of an engine.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

/// What an engine has done so far. Counters are cumulative; gauges are marked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Well-formed spans read.
    pub spans_received: u64,
    /// Spans that at least one selector picked.
    pub spans_selected: u64,
    /// Malformed spans that were skipped.
    pub spans_rejected: u64,
    /// Malformed frames: the rest of the enclosing message was skipped.
    pub frames_rejected: u64,
    /// Spans of our own scope, skipped.
    pub spans_own: u64,
    /// Repetitions of a span.
    pub spans_duplicate: u64,
    /// Repetitions that differed from the first.
    pub spans_conflicting: u64,
    /// Spans that came after their trace was decided or behind the watermark.
    pub spans_late: u64,
    /// Spans whose times are missing, reversed or beyond the plausible.
    pub spans_bad_time: u64,
    /// Gauge: traces that are collected.
    pub traces_open: u64,
    /// Gauge: decided traces that may still be revised.
    pub traces_grace: u64,
    /// Gauge: bytes held for traces, groups and signals.
    pub bytes_held: u64,
    /// Traces decided, by whatever trigger.
    pub traces_completed: u64,
    /// Traces decided early or forgotten because of a limit.
    pub traces_evicted: u64,
    /// Spans that were not kept because their trace had reached its limit.
    pub spans_over_limit: u64,
    /// Client and producer spans whose call the call table has no room for: it never tells that something is missing below them.
    pub calls_over_limit: u64,
    /// Times that a message named a resource for which there is no room: signals leave it out, its spans are told apart all the same.
    pub resources_over_limit: u64,
    /// Steps that deciding rules about traces and explaining what was found have taken.
    pub decision_steps: u64,
    /// Decisions that took more than `max_steps_per_decision` and were given up.
    pub decisions_over_limit: u64,
    /// Signals put into the queue.
    pub signals_emitted: u64,
    /// Signals lost because the queue was full.
    pub signals_dropped: u64,
    /// Gauge: signals waiting to be drained.
    pub signals_queued: u64,
    /// Groups forgotten because of a limit.
    pub groups_evicted: u64,
    /// Gauge: older rule sets that open traces still follow.
    pub rulesets_draining: u64,
    /// Epoch of the projection.
    pub epoch: u64,
    /// Hash of the rule set, lower-case hex.
    pub ruleset_hash: String,
    /// Verdicts by rule, in rule order.
    pub rules: Vec<RuleStats>,
}

/// Verdicts of one rule. Each is counted once, when it is given; what late spans make of it counts as a revision.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RuleStats {
    /// The rule's name.
    pub name: String,
    /// The rule's severity.
    pub severity: String,
    /// `enforce` or `shadow`.
    pub mode: &'static str,
    /// The claim was made and held.
    pub satisfied: u64,
    /// The claim was made and did not hold.
    pub violated: u64,
    /// The claim was not made.
    pub not_applicable: u64,
    /// It could not be told, by reason.
    pub inconclusive: BTreeMap<&'static str, u64>,
    /// Verdicts that became others, those that occurred.
    pub revisions: Vec<Revision>,
}

/// How often one verdict became another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Revision {
    /// The verdict that had been given: `satisfied`, `violated`, `not_applicable` or `inconclusive`.
    pub from: &'static str,
    /// The reason where that was inconclusive, else empty.
    pub from_reason: &'static str,
    /// What it became; where it stayed inconclusive, for another reason.
    pub to: &'static str,
    /// The reason where that is inconclusive, else empty.
    pub to_reason: &'static str,
    /// How often.
    pub count: u64,
}

impl RuleStats {
    /// The verdicts as they stand after all revisions.
    #[must_use]
    pub fn standing(&self) -> Self {
        let mut standing = Self { revisions: Vec::new(), ..self.clone() };
        // What became something first: one trace may be revised several times.
        for revision in &self.revisions {
            *standing.slot(revision.to, revision.to_reason) += revision.count;
        }
        for revision in &self.revisions {
            let slot = standing.slot(revision.from, revision.from_reason);
            *slot = slot.saturating_sub(revision.count);
        }
        standing
    }

    fn slot(&mut self, verdict: &str, reason: &'static str) -> &mut u64 {
        match verdict {
            "satisfied" => &mut self.satisfied,
            "violated" => &mut self.violated,
            "not_applicable" => &mut self.not_applicable,
            _ => self.inconclusive.entry(reason).or_default(),
        }
    }
}

/// Where each rule stands in [`Stats::rules`], by its name: whoever adds to them looks no rule up by walking over all.
#[derive(Debug, Default)]
pub(crate) struct Places(HashMap<String, usize>);

impl Places {
    /// The places of the rules of these statistics.
    pub(crate) fn of(stats: &Stats) -> Self {
        Self(stats.rules.iter().enumerate().map(|(place, rule)| (rule.name.clone(), place)).collect())
    }

    /// The statistics of a rule, where it is among them.
    pub(crate) fn rule<'s>(&self, stats: &'s mut Stats, name: &str) -> Option<&'s mut RuleStats> {
        stats.rules.get_mut(*self.0.get(name)?)
    }
}
