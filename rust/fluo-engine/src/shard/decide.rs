//! Verdicts: early ones as soon as they are definite, the final ones at completion, revisions in the grace.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::eval::groups::{Group, GroupId};
use crate::eval::rule::{GroupOutcome, Outcome};
use crate::eval::view::View;
use crate::plan::{Plan, RulePlan};
use crate::report;
use crate::signal::{Event, Phase, Trigger};
use crate::store::combination::Combinations;
use crate::store::shape::Shape;
use crate::store::trace::{Completion, Decided, Pools, Stage, TraceState};
use crate::tally::verdict;
use crate::truth::Reasons;
use crate::verdict::{Verdict, VerdictRecord};
use fluo_lang::program::{Mode, OnGap};

use super::learn::lessons;
use super::{InUse, Outbox, Shard, Shared};

/// The outcomes of rules of a decided trace.
pub(super) type Outcomes = BTreeMap<u32, Vec<GroupOutcome>>;

impl Shard {
    /// Looks for verdicts that no further span can change. `news` are the selectors that picked a span since the last look.
    pub(super) fn look_early(&mut self, shared: &Shared, place: u32, news: &[u32], out: &mut Outbox) {
        let Some(trace) = self.traces.get_mut(place) else { return };
        let Some(in_use) = self.generations.get(usize::from(trace.generation)) else { return };
        let plan = in_use.plan();
        candidates(trace, plan, news, &mut self.scratch.rules);
        if self.scratch.rules.is_empty() {
            return;
        }
        let costly_too = trace.has_grown();
        let mut found = Vec::new();
        {
            let view = View::new(shared, plan, trace, &in_use.combinations);
            for index in &self.scratch.rules {
                let Some(rule) = plan.rules.get(*index as usize) else { continue };
                let grouped = !rule.grouped_sets.is_empty();
                if !may_be_violated(trace, rule, costly_too) || (!grouped && trace.is_decided(*index, GroupId::NONE)) {
                    continue;
                }
                let standing = if grouped { trace.decided_of(*index).len() } else { 0 };
                let mut room = shared.config.max_groups.saturating_sub(standing);
                let mut look = |outcome: &GroupOutcome| {
                    let group = outcome.group_id();
                    let definite = matches!(outcome.outcome, Outcome::Violated)
                        || (!grouped && matches!(outcome.outcome, Outcome::Satisfied | Outcome::NotApplicable));
                    if definite && room > 0 && !trace.is_decided(*index, group) {
                        room -= 1;
                        found.push(early(shared, &view, rule, *index, outcome, self.now, out));
                    }
                };
                if grouped {
                    view.outcomes(rule).iter().for_each(look);
                } else {
                    look(&view.single_outcome(rule));
                }
            }
            self.counts.add_steps(&view);
        }
        self.decide(place, found);
    }

    /// Adds verdicts to a trace.
    pub(super) fn decide(&mut self, place: u32, found: Vec<Decided>) {
        if !found.is_empty()
            && let Some(trace) = self.traces.get_mut(place)
        {
            let held = trace.bytes();
            trace.put_decided(found, &mut self.pools);
            self.counts.bytes = (self.counts.bytes + trace.bytes()).saturating_sub(held);
        }
    }

    /// Decides a trace; it stays for late spans. `shape` is given where it is known already.
    pub(super) fn complete(&mut self, shared: &Shared, place: u32, trigger: Trigger, shape: Option<Shape>, now: u64, out: &mut Outbox) {
        self.queues.unsettle(&mut self.traces, place);
        self.queues.open.remove(&mut self.traces, place);
        let Some(trace) = self.traces.get_mut(place) else { return };
        let Some(in_use) = self.generations.get_mut(usize::from(trace.generation)) else { return };
        let parents = &mut self.scratch.parents;
        let shape = shape.unwrap_or_else(|| trace.shape(parents, |id| shared.print(id)));
        trace.completion = Some(trace.completed(trigger, shape));
        let plan = &in_use.generation.plan;
        let mut signalled = Vec::new();
        {
            let view = View::new(shared, plan, trace, &in_use.combinations);
            lessons(shared, &view, parents, &mut out.lessons);
            let all_look = shared.config.record_verdicts || !view.hidden.is_empty() || view.may_dangle() || trace.first_end == 0;
            let looked_at = &mut self.scratch.rules;
            looked_at.clear();
            if all_look {
                looked_at.extend((0u32..).take(plan.rules.len()));
            } else {
                looked_at.extend(fed(trace, plan).chain(plan.never_silent.iter().copied()).chain(in_use.without_baseline.iter().copied()));
                looked_at.sort_unstable();
                looked_at.dedup();
            }
            in_use.whole += u64::from(!all_look);
            for index in &self.scratch.rules {
                let (Some(rule), Some(tally)) = (plan.rules.get(*index as usize), in_use.tallies.get_mut(*index as usize)) else {
                    continue;
                };
                tally.looked_at += u64::from(!all_look);
                let mut give = |outcome: &GroupOutcome| {
                    let given_early = trace.is_decided(*index, outcome.group_id());
                    record(shared, &view, rule, outcome, if given_early { Phase::Early } else { Phase::Complete }, trigger, out);
                    if given_early || !is_signalled(&view, rule, outcome) {
                        return;
                    }
                    out.signals.extend(report::signal(shared, &view, rule, outcome, Event::Violation, Phase::Complete, trigger, now));
                    signalled.push(stands(*index, outcome));
                };
                if rule.grouped_sets.is_empty() {
                    let outcome = single_outcome_of(&view, *index, rule);
                    tally.add(verdict(outcome.outcome));
                    give(&outcome);
                } else {
                    let groups = outcomes_of(&view, *index, rule);
                    tally.add(verdict(worst(&groups)));
                    self.counts.groups_evicted += groups.iter().map(|g| g.left_out).sum::<u64>();
                    groups.iter().for_each(give);
                }
            }
            self.counts.add_steps(&view);
        }
        let held = trace.bytes();
        trace.put_decided(signalled, &mut self.pools);
        trace.reduce(shape, &mut self.pools);
        self.counts.bytes = (self.counts.bytes + trace.bytes()).saturating_sub(held);
        trace.stage = Stage::Grace;
        // What comes when the grace ends still counts.
        trace.last_seen = now.saturating_add(shared.config.late_grace_ns).saturating_add(1);
        self.counts.open -= 1;
        self.counts.grace += 1;
        self.counts.completed += 1;
        self.queues.decided.push(&mut self.traces, place);
    }
}

/// The rules to look at in a trace that is not decided when these selectors have picked a span of it.
pub(super) fn candidates(trace: &TraceState, plan: &Plan, news: &[u32], rules: &mut Vec<u32>) {
    rules.clear();
    rules.extend(news.iter().flat_map(|selector| plan.rules_of_selector.get(*selector as usize).into_iter().flatten()));
    rules.extend_from_slice(&plan.without_selectors);
    if plan.keep_all {
        // A span that no selector picks may be the parent or ancestor that a relation waited for.
        let costly = |rule: &u32| plan.rules.get(*rule as usize).is_some_and(|r| !r.by_counters);
        rules.extend(fed(trace, plan).chain(plan.never_silent.iter().copied()).filter(costly));
    }
    rules.sort_unstable();
    rules.dedup();
}

/// Whether what was picked of an undecided trace may violate a rule, so that it is worth a look.
pub(super) fn may_be_violated(trace: &TraceState, rule: &RulePlan, costly_too: bool) -> bool {
    let picked = |selector| {
        let counter = trace.counter(selector);
        u64::from(counter.yes) + u64::from(counter.dropped) + u64::from(counter.bad_time)
    };
    rule.by_counters || costly_too && rule.violated_early.are_open(picked)
}

/// The rules that a selector which picked a span of the trace feeds, some of them several times.
fn fed(trace: &TraceState, plan: &Plan) -> impl Iterator<Item = u32> {
    trace.counters().iter().filter_map(|c| plan.rules_of_selector.get(c.selector as usize)).flatten().copied()
}

/// The rules that a whole trace has news for: those that one of its selectors feeds, and those that speak even of a trace without
/// any pick. All others have the outcome that they have for such a trace.
pub(super) fn with_news(trace: &TraceState, plan: &Plan) -> Vec<u32> {
    let mut rules: Vec<u32> = fed(trace, plan).chain(plan.never_silent.iter().copied()).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

/// The verdict of each rule over a whole trace in which no selector picked a span, where it is always the same and calls for no
/// signal. A claim such as `always: trace.has(a)` with `when: true` is violated by every such trace, and each one is looked at.
pub(crate) fn baselines(shared: &Shared, plan: &Plan) -> Vec<Option<Verdict>> {
    let mut trace = TraceState::new([0; 16], 0, plan.keep_all, 0);
    trace.completion = Some(Completion { trigger: Trigger::Complete, losses: Reasons::NONE, tops_are_root: false });
    // One instant, whichever it is: what depends on the others is not silent.
    (trace.first_end, trace.last_end) = (1, 1);
    let combinations = Combinations::default();
    let view = View::new(shared, plan, &trace, &combinations);
    (0u32..)
        .zip(&plan.rules)
        .map(|(index, rule)| (!plan.never_silent.contains(&index)).then(|| verdict(worst(&view.outcomes(rule)))))
        .map(|baseline| baseline.filter(|verdict| matches!(verdict, Verdict::Satisfied | Verdict::NotApplicable)))
        .collect()
}

/// Re-evaluates rules of a decided trace after late spans, as if these had come in time, and says what changed. `before` are their
/// outcomes without these spans.
#[expect(clippy::too_many_arguments, reason = "the parts of one trace's decision; a struct would only rename them")]
pub(super) fn revise(
    shared: &Shared,
    in_use: &mut InUse,
    trace: &mut TraceState,
    completion: Completion,
    before: &Outcomes,
    now: u64,
    pools: &mut Pools,
    out: &mut Outbox,
) {
    trace.completion = Some(completion);
    let InUse { generation, combinations, tallies, .. } = in_use;
    let plan = &generation.plan;
    let after = outcomes(shared, plan, trace, combinations, before.keys().copied());
    let (mut decided, mut added) = (trace.take_decided(), Vec::new());
    {
        let view = View::new(shared, plan, trace, combinations);
        for ((index, was), is) in before.iter().zip(after.values()) {
            let (Some(rule), Some(tally)) = (plan.rules.get(*index as usize), tallies.get_mut(*index as usize)) else { continue };
            let (from, to) = (verdict(worst(was)), verdict(worst(is)));
            if from != to {
                tally.revise(from, to);
            }
            let mut revision = Revision { shared, view: &view, rule, index: *index, trigger: completion.trigger, now };
            let room = 2 * shared.config.max_groups;
            let was: HashMap<GroupId, &GroupOutcome> = was.iter().map(|outcome| (outcome.group_id(), outcome)).collect();
            let mut standing = decided.iter().filter(|d| d.rule == *index).count();
            let mut seen = HashSet::new();
            for outcome in is {
                let group = outcome.group_id();
                seen.insert(group);
                let at = decided.binary_search_by_key(&(*index, group), Decided::key);
                let known = at.ok().and_then(|at| decided.get_mut(at));
                if known.as_ref().is_some_and(|d| d.early) {
                    continue;
                }
                // Each late span may bring other groups into the limit; what stands is bounded all the same.
                if let Some(new) = revision.signal(outcome, known, standing < room, out) {
                    standing += 1;
                    added.push(new);
                }
                if was.get(&group).map(|before| before.outcome) != Some(outcome.outcome) {
                    record(shared, &view, rule, outcome, Phase::Late, completion.trigger, out);
                }
            }
            // A group that was only possible and that no span is in any more.
            for (group, gone) in was.into_iter().filter(|(group, _)| !seen.contains(group)) {
                let gone = GroupOutcome { outcome: Outcome::NotApplicable, ..gone.clone() };
                let at = decided.binary_search_by_key(&(*index, group), Decided::key);
                if let Some(known) = at.ok().and_then(|at| decided.get_mut(at)).filter(|d| !d.early) {
                    revision.signal(&gone, Some(known), false, out);
                }
                record(shared, &view, rule, &gone, Phase::Late, completion.trigger, out);
            }
        }
    }
    decided.append(&mut added);
    trace.put_decided(decided, pools);
}

/// A rule of a trace whose verdicts late spans change.
struct Revision<'v, 't> {
    shared: &'v Shared,
    view: &'v View<'t>,
    rule: &'t RulePlan,
    index: u32,
    trigger: Trigger,
    now: u64,
}

impl Revision<'_, '_> {
    /// Signals what is violated now and was not, or the reverse; gives what stands beside what is known, where there is room for it.
    fn signal(&mut self, outcome: &GroupOutcome, known: Option<&mut Decided>, has_room: bool, out: &mut Outbox) -> Option<Decided> {
        let violated = is_signalled(self.view, self.rule, outcome);
        let is_new = known.is_none();
        match known {
            Some(known) if known.signalled != violated => known.signalled = violated,
            None if violated && has_room => {}
            _ => return None,
        }
        let event = if violated { Event::Violation } else { Event::Retracted };
        out.signals.extend(report::signal(self.shared, self.view, self.rule, outcome, event, Phase::Late, self.trigger, self.now));
        is_new.then(|| stands(self.index, outcome))
    }
}

/// The outcomes of some rules of a trace at (or after) its completion.
pub(super) fn outcomes(
    shared: &Shared,
    plan: &Plan,
    trace: &TraceState,
    combinations: &Combinations,
    rules: impl Iterator<Item = u32>,
) -> Outcomes {
    let view = View::new(shared, plan, trace, combinations);
    rules.filter_map(|index| Some((index, outcomes_of(&view, index, plan.rules.get(index as usize)?)))).collect()
}

/// The rules whose outcomes spans that are not in a decided trace yet may change, were the trace's completeness to stay as it is; all
/// rules where it may be a call that they are.
pub(super) fn rules_of_late(
    shared: &Shared,
    in_use: &InUse,
    trace: &TraceState,
    selectors: impl Iterator<Item = u32>,
    has_calls: bool,
) -> BTreeSet<u32> {
    let plan = &in_use.generation.plan;
    let every = || (0u32..).take(plan.rules.len());
    if plan.reads_absence && (has_calls || View::new(shared, plan, trace, &in_use.combinations).may_dangle()) {
        return every().collect();
    }
    let mut rules: BTreeSet<u32> =
        selectors.flat_map(|selector| plan.rules_of_selector.get(selector as usize).into_iter().flatten()).copied().collect();
    rules.extend(&plan.without_selectors);
    // Windows end with the trace, and parents may be whatever span.
    let turns_on_all = |rule: &RulePlan| rule.widest.is_some() || (plan.keep_all && !rule.by_counters);
    rules.extend(every().zip(&plan.rules).filter(|(_, rule)| turns_on_all(rule)).map(|(index, _)| index));
    rules
}

/// The outcomes of a rule; what was given early stands.
fn outcomes_of<'t>(view: &View<'t>, index: u32, rule: &'t RulePlan) -> Vec<GroupOutcome> {
    if rule.grouped_sets.is_empty() {
        return vec![single_outcome_of(view, index, rule)];
    }
    let mut outcomes = view.outcomes(rule);
    for outcome in &mut outcomes {
        if let Some(given) = given_early(view, index, outcome.group_id()) {
            outcome.outcome = given;
        }
    }
    outcomes
}

/// The outcome of a rule without groups; what was given early stands.
fn single_outcome_of<'t>(view: &View<'t>, index: u32, rule: &'t RulePlan) -> GroupOutcome {
    match given_early(view, index, GroupId::NONE) {
        Some(outcome) => GroupOutcome { group: None, outcome, guarded: true, instant: None, left_out: 0 },
        None => view.single_outcome(rule),
    }
}

fn given_early(view: &View<'_>, index: u32, group: GroupId) -> Option<Outcome> {
    view.trace.decided_for(index, group).filter(|d| d.early).map(|d| d.outcome)
}

fn worst(groups: &[GroupOutcome]) -> Outcome {
    groups.iter().fold(Outcome::NotApplicable, |worst, g| worst.worse(g.outcome))
}

/// Whether an outcome is announced: a violation of an enforced rule, or an inconclusive claim whose rule asks for a signal.
pub(super) fn is_signalled(view: &View<'_>, rule: &RulePlan, outcome: &GroupOutcome) -> bool {
    let Some(source) = view.plan.source(rule) else {
        return false;
    };
    let announced = match outcome.outcome {
        Outcome::Violated => true,
        Outcome::Unknown(why) => source.on_gap == OnGap::Signal && outcome.guarded && why.has_loss(),
        Outcome::Satisfied | Outcome::NotApplicable => false,
    };
    announced && source.mode == Mode::Enforce
}

fn early(shared: &Shared, view: &View<'_>, rule: &RulePlan, index: u32, outcome: &GroupOutcome, now: u64, out: &mut Outbox) -> Decided {
    let signalled = is_signalled(view, rule, outcome);
    if signalled {
        out.signals.extend(report::signal(shared, view, rule, outcome, Event::Violation, Phase::Early, Trigger::Early, now));
    }
    Decided { early: true, signalled, ..stands(index, outcome) }
}

fn stands(index: u32, outcome: &GroupOutcome) -> Decided {
    Decided { rule: index, group: outcome.group_id(), outcome: outcome.outcome, early: false, signalled: true }
}

pub(super) fn record(
    shared: &Shared,
    view: &View<'_>,
    rule: &RulePlan,
    outcome: &GroupOutcome,
    phase: Phase,
    trigger: Trigger,
    out: &mut Outbox,
) {
    if !shared.config.record_verdicts {
        return;
    }
    let Some(source) = view.plan.source(rule) else {
        return;
    };
    let verdict: Verdict = verdict(outcome.outcome);
    out.verdicts.push(VerdictRecord {
        rule: source.name.clone(),
        trace_id: Some(view.trace.id),
        span_id: None,
        group: outcome.group.as_ref().map(Group::values).unwrap_or_default(),
        verdict,
        reasons: match outcome.outcome {
            Outcome::Unknown(why) => why.all(),
            _ => Vec::new(),
        },
        phase,
        trigger: if phase == Phase::Early { Trigger::Early } else { trigger },
        episodes: Vec::new(),
    });
}
