//! What every monitor of a rule over `spans` has: its rule, its watermark, its counters.

use std::sync::Arc;

use fluo_lang::program::Rule;

use super::episode::History;
use crate::config::Config;
use crate::eval::groups::texts;
use crate::eval::rule::Outcome;
use crate::plan::{Plan, WindowPlan};
use crate::shard::{Outbox, Shared};
use crate::signal::{Phase, Trigger};
use crate::stats::{Places, Stats};
use crate::tally::{Tally, verdict};
use crate::truth::Reasons;
use crate::verdict::{Reason, Verdict, VerdictRecord};

/// What a monitor may use while it is called.
pub(super) struct Context<'c> {
    pub(super) shared: &'c Shared,
    /// Arrival time.
    pub(super) now: u64,
    /// The event clock.
    pub(super) event_time: u64,
    pub(super) out: &'c mut Outbox,
}

/// What every monitor has.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) plan: Arc<Plan>,
    /// The monitor's place in [`Plan::windows`].
    at: usize,
    lateness: u64,
    pub(super) max_groups: usize,
    /// Bytes that the monitor may hold.
    pub(super) max_bytes: usize,
    /// Event time up to which everything has come; never goes back.
    pub(super) watermark: u64,
    tally: Tally,
    pub(super) evicted: u64,
    /// The earliest span in time since the monitor began.
    pub(super) first_end: u64,
    /// Whether observation has ended: nothing is judged again, and nothing is said to hold again.
    pub(super) ended: bool,
}

impl Base {
    pub(super) fn new(plan: &Arc<Plan>, at: usize, config: &Config) -> Self {
        Self {
            at,
            lateness: config.allowed_lateness_ns,
            max_groups: config.max_groups,
            max_bytes: share(config, plan.windows.len()),
            plan: Arc::clone(plan),
            watermark: 0,
            tally: Tally::default(),
            evicted: 0,
            first_end: u64::MAX,
            ended: false,
        }
    }

    /// Goes on under another plan, in which the rule is the same.
    pub(super) fn follow(&mut self, plan: &Arc<Plan>, at: usize, config: &Config) {
        self.plan = Arc::clone(plan);
        self.at = at;
        self.max_bytes = share(config, plan.windows.len());
    }

    /// Counts on from a monitor of a rule of the same name: no count ever falls.
    pub(super) fn count_on_from(&mut self, before: &Self) {
        self.tally = before.tally.clone();
    }

    /// The monitor's place in [`Plan::windows`].
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) fn window(&self) -> Option<&WindowPlan> {
        self.plan.windows.get(self.at)
    }

    pub(super) fn rule(&self) -> Option<&Rule> {
        self.plan.ruleset.rules.get(self.window()?.rule)
    }

    /// Whether the rule of another plan is this one, unchanged.
    pub(super) fn is_for(&self, plan: &Plan, window: &WindowPlan) -> bool {
        match (self.rule(), plan.ruleset.rules.get(window.rule)) {
            (Some(own), Some(other)) => own.name == other.name && own.identity == other.identity && own.show == other.show,
            _ => false,
        }
    }

    /// Moves the watermark.
    pub(super) fn pass(&mut self, event_time: u64) {
        self.watermark = self.watermark.max(event_time.saturating_sub(self.lateness));
    }

    /// Counts a verdict that is not a violation: those are counted when they are signalled.
    pub(super) fn conclude(&mut self, key: &[u8], outcome: Outcome, history: &History, context: &mut Context<'_>) {
        if outcome != Outcome::Violated {
            self.tally.add(verdict(outcome));
        }
        if context.shared.config.record_verdicts {
            self.record(None, texts(key), outcome, history.all(), context);
        }
    }

    /// Gives the verdict about one span, which is counted already where it was signalled.
    pub(super) fn conclude_span(&mut self, trace: [u8; 16], span: u64, outcome: Outcome, is_counted: bool, context: &mut Context<'_>) {
        if !is_counted {
            self.tally.add(verdict(outcome));
        }
        if context.shared.config.record_verdicts {
            self.record(Some((trace, span)), Vec::new(), outcome, Vec::new(), context);
        }
    }

    fn record(
        &self,
        span: Option<([u8; 16], u64)>,
        group: Vec<String>,
        outcome: Outcome,
        episodes: Vec<(u64, Option<u64>)>,
        context: &mut Context<'_>,
    ) {
        let Some(rule) = self.rule() else { return };
        context.out.verdicts.push(VerdictRecord {
            rule: rule.name.clone(),
            trace_id: span.map(|(trace, _)| trace),
            span_id: span.map(|(_, span)| span),
            group,
            verdict: verdict(outcome),
            reasons: if let Outcome::Unknown(why) = outcome { why.all() } else { Vec::new() },
            phase: Phase::Complete,
            trigger: Trigger::Complete,
            episodes,
        });
    }

    /// The verdict of a rule without groups none of whose spans came: it holds if the engine saw any span.
    pub(super) fn conclude_unseen(&mut self, context: &mut Context<'_>) {
        let seen = self.first_end != u64::MAX;
        let outcome = if seen { Outcome::Satisfied } else { Outcome::Unknown(Reasons::of(Reason::Shutdown)) };
        self.conclude(&[], outcome, &History::default(), context);
    }

    /// Counts a violation.
    pub(super) fn violated(&mut self) {
        self.tally.add(Verdict::Violated);
    }

    /// Counts that the verdict about a span became another.
    pub(super) fn revised(&mut self, from: Verdict, to: Verdict) {
        self.tally.revise(from, to);
    }

    /// Adds counters.
    pub(super) fn add_to(&self, stats: &mut Stats, places: &Places) {
        stats.groups_evicted += self.evicted;
        if let Some(rule) = self.rule()
            && let Some(of_rule) = places.rule(stats, &rule.name)
        {
            self.tally.add_to(of_rule, None, 0);
        }
    }
}

/// The share of one of so many monitors in the memory: half of it is for windows, so that hostile groups of one rule leave the traces
/// and the other rules theirs.
fn share(config: &Config, monitors: usize) -> usize {
    usize::try_from(config.memory_bytes / 2).unwrap_or(usize::MAX) / monitors.max(1)
}
