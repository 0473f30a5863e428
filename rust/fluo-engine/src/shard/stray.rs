//! Facts that come after the grace: the spans of a forgotten trace are looked at once more, alone with the others of its spans that came
//! too late and are still held. What they make definite whatever the rest of the trace was is told; nothing else follows from them.

use std::hash::BuildHasher;
use std::sync::Arc;

use super::decide::{self, is_signalled, record};
use super::{Outbox, Shard, Shared, brief_of, tag};
use crate::eval::groups::GroupId;
use crate::eval::rule::{GroupOutcome, Outcome};
use crate::eval::view::View;
use crate::generation::Generation;
use crate::ingest::Incoming;
use crate::plan::{Plan, RulePlan};
use crate::report;
use crate::signal::{Event, Phase, Trigger};
use crate::store::trace::{Decided, Stage, TraceState};
use crate::truth::Reasons;
use crate::verdict::Verdict;

/// How many of a forgotten trace's latest spans are remembered, so that none counts twice in windows.
const LATEST: usize = 64;

impl Shard {
    /// Begins to hold the strays of a forgotten trace. They are held for the grace, from the first of them.
    pub(super) fn begin_stray(&mut self, shared: &Shared, generation: &Arc<Generation>, first: &Incoming) -> Option<u32> {
        let number = self.follow(generation)?;
        let mut trace = TraceState::new(first.trace, number, generation.plan.keep_all, self.now);
        trace.stage = Stage::Stray;
        // What comes when the grace ends still counts.
        trace.last_seen = self.now.saturating_add(shared.config.late_grace_ns).saturating_add(1);
        let place = self.traces.insert(tag(first.hash), trace);
        self.queues.decided.push(&mut self.traces, place);
        Some(place)
    }

    /// Looks for violations that the strays of a trace make definite. `news` are the selectors that picked one since the last look.
    pub(super) fn look_at_strays(&mut self, shared: &Shared, place: u32, news: &[u32], out: &mut Outbox) {
        let Some(trace) = self.traces.get_mut(place) else { return };
        let Some(in_use) = self.generations.get_mut(usize::from(trace.generation)) else { return };
        let Some(past) = self.gone.get(shared.trace_hash(&trace.id)) else { return };
        let plan = &in_use.generation.plan;
        decide::candidates(trace, plan, news, &mut self.scratch.rules);
        let costly_too = trace.has_grown();
        let mut found = Vec::new();
        {
            let view = View::new(shared, plan, trace, &in_use.combinations);
            for index in &self.scratch.rules {
                let Some(rule) = plan.rules.get(*index as usize) else { continue };
                if !(rule.by_counters || costly_too) {
                    continue;
                }
                let mut room = shared.config.max_groups.saturating_sub(trace.decided_of(*index).len());
                let mut is_news = false;
                for outcome in definite(&view, rule) {
                    let group = outcome.group_id();
                    if room == 0 || trace.is_decided(*index, group) || past.was_told(fact(shared, plan, rule, group)) {
                        continue;
                    }
                    room -= 1;
                    is_news = true;
                    let signalled = is_signalled(&view, rule, &outcome);
                    if signalled {
                        let (event, phase, trigger) = (Event::Violation, Phase::Late, Trigger::Late);
                        out.signals.extend(report::signal(shared, &view, rule, &outcome, event, phase, trigger, self.now));
                    }
                    record(shared, &view, rule, &outcome, Phase::Late, Trigger::Late, out);
                    found.push(Decided { rule: *index, group, outcome: Outcome::Violated, early: true, signalled });
                }
                let is_first = !trace.decided_of(*index).iter().any(|d| d.outcome == Outcome::Violated);
                if is_news
                    && is_first
                    && let Some(tally) = in_use.tallies.get_mut(*index as usize)
                {
                    let baseline = in_use.generation.baselines.get(*index as usize).copied().flatten();
                    tally.revise(verdict_before(past.losses, baseline), Verdict::Violated);
                }
            }
        }
        self.decide(place, found);
    }

    /// Remembers of a trace that is forgotten what strays need to know.
    pub(super) fn remember(&mut self, shared: &Shared, hash: u64, trace: &TraceState) {
        let losses = trace.completion.map_or(Reasons::NONE, |completion| completion.losses);
        let plan = self.generations.get(usize::from(trace.generation)).map(|in_use| &in_use.generation.plan);
        let told = trace.decided().iter().filter(|d| if d.early { d.outcome == Outcome::Violated } else { d.signalled });
        let facts = told.filter_map(|d| {
            let plan = plan?;
            Some(fact(shared, plan, plan.rules.get(d.rule as usize)?, d.group))
        });
        self.gone.add(hash, losses, facts);
        if trace.has_late() || trace.stage == Stage::Stray {
            for print in trace.latest(LATEST, |id| shared.print(id)) {
                self.recent.add(brief_of(hash, print));
            }
        }
    }
}

/// The violations that the spans make definite, of groups that there are for certain.
fn definite<'t>(view: &View<'t>, rule: &'t RulePlan) -> Vec<GroupOutcome> {
    let mut outcomes = view.outcomes(rule);
    outcomes.retain(|outcome| outcome.outcome == Outcome::Violated);
    outcomes
}

/// Keyed hash of a rule and a group of it, whatever rule set it stands in.
fn fact(shared: &Shared, plan: &Plan, rule: &RulePlan, group: GroupId) -> u64 {
    shared.hasher.hash_one((plan.source(rule).map(|source| (&source.name, source.identity)), group))
}

/// The verdict that a forgotten trace had, as far as it is remembered: what strays break was not decided where spans were lost, and had
/// the rule's common verdict, or held, where none were.
fn verdict_before(losses: Reasons, baseline: Option<Verdict>) -> Verdict {
    losses.first().map_or(baseline.unwrap_or(Verdict::Satisfied), Verdict::Inconclusive)
}
