//! Rules over `spans`: every window, and every span with timed relations, by definition.

mod observe;
mod timeline;

use fluo_lang::program::{Expr, Mode, Polarity, Quantifier, Rule, RuleSet, Scope, Spanset, Term};

use super::calls::CallTable;
use super::judge::has_window;
use super::predicate::predicate;
use super::reading::Subject;
use super::spanset::{View, members};
use super::truth::{Reason, Reasons, Truth};
use super::value::Key;
use super::world::{Stretch, World};
use super::{Config, Finding, Run, Verdict};
use crate::model::{SpanData, SpanId, TraceId};
use observe::{Observed, observe};
use timeline::{Shape, Timeline};

/// A group without a span for as long as this and its widest window is forgotten. Nanoseconds.
const FORGET: u64 = 3_600_000_000_000;

/// What people see of the rules over `spans` with windows in a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    /// What they see of each group.
    pub groups: Vec<ToldOfGroup>,
    /// Spans that some rule wants and that came after the watermark had passed their end.
    pub late: u64,
    /// Spans that some rule wants and whose times are missing, reversed or too far ahead.
    pub bad_time: u64,
    /// The event clock when observation ended, Unix nanoseconds.
    pub clock: u64,
    /// The watermark when observation ended, Unix nanoseconds.
    pub watermark: u64,
    /// How long the longest span lasted, nanoseconds.
    pub longest: u64,
    /// Which spans counted in windows, in the order of arrival: trace, span, and whether it is the entry half of a call.
    pub counted: Vec<(TraceId, SpanId, bool)>,
}

/// What people see of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct ToldOfGroup {
    /// The rule.
    pub rule: String,
    /// The group's values as canonical text.
    pub group: Vec<String>,
    /// When it was violated, event time; without end where it still was when observation ended.
    pub episodes: Vec<(u64, Option<u64>)>,
    /// Of each violation that is signalled the instant at which its episode begins, as known then.
    pub begins: Vec<u64>,
    /// Whether it counts spans in flight: one that lasts long may join what was resolved.
    pub in_flight: bool,
}

/// What people see of the rules over `spans` with windows.
#[must_use]
pub fn told(rules: &RuleSet, config: &Config, calls: &CallTable, run: &Run) -> Told {
    let observed = observe(run, config);
    let is_watched = |rule: &&Rule| rule.scope == Scope::Spans && rule.mode == Mode::Enforce && obligation(rule).is_none();
    let shapes: Vec<Shape<'_>> = rules.rules.iter().filter(is_watched).map(|rule| Shape::new(rule, config, calls)).collect();
    let groups = shapes.iter().flat_map(|shape| {
        let groups = shape.groups(&observed.spans);
        groups.iter().map(|group| told_of(shape, group.as_deref(), &observed)).collect::<Vec<_>>()
    });
    let wanted = |spans: &[&SpanData]| spans.iter().filter(|span| shapes.iter().any(|shape| shape.wants(span))).count() as u64;
    Told {
        groups: groups.collect(),
        late: wanted(&observed.late),
        bad_time: wanted(&observed.bad_time),
        clock: observed.clock,
        watermark: observed.watermark,
        longest: observed.spans.iter().map(|span| span.end - span.start).max().unwrap_or(0),
        counted: observed.spans.iter().map(|span| (span.trace_id, span.span_id, span.is_entry())).collect(),
    }
}

fn told_of(shape: &Shape<'_>, group: Option<&[Key]>, observed: &Observed<'_>) -> ToldOfGroup {
    let mut begins: Vec<u64> = Vec::new();
    let mut timeline = Timeline::new(shape, group);
    let episodes = if shape.breaks && !shape.mixed {
        // Decided span by span: what newly is violated, and is no part of what was signalled.
        for span in &observed.spans {
            if !timeline.add(span) {
                continue;
            }
            for (from, to) in timeline.outcome(u64::MAX).episodes {
                if !begins.iter().any(|begin| from <= *begin && to.is_none_or(|to| *begin < to)) {
                    // What was violated without the span is not what it completed.
                    begins.push(from.max(shape.reach(span).0));
                }
            }
        }
        let episodes = seen_episodes(&timeline, shape, observed);
        // What needs no span of the rule's own to be violated is told when the watermark passes.
        for (from, to) in &episodes {
            if !begins.iter().any(|begin| from <= begin && to.is_none_or(|to| *begin < to)) {
                begins.push(*from);
            }
        }
        episodes
    } else {
        let episodes = seen_episodes(&Timeline::of(shape, group, &observed.spans), shape, observed);
        begins.extend(episodes.iter().map(|(from, _)| *from));
        episodes
    };
    ToldOfGroup {
        rule: shape.rule.name.clone(),
        group: group.unwrap_or_default().iter().map(Key::text).collect(),
        episodes,
        begins,
        in_flight: shape.in_flight,
    }
}

/// The verdicts of a rule over `spans`.
pub(super) fn judge_stream(rule: &Rule, config: &Config, calls: &CallTable, run: &Run) -> Vec<Finding> {
    let observed = observe(run, config);
    if let Some(obligation) = obligation(rule) {
        let first = observed.spans.iter().map(|span| span.end).min().unwrap_or(0);
        let world = World::stream(&observed.spans, Stretch { first, last: observed.watermark }, config, calls);
        return judge_each(rule, &obligation, &world);
    }
    let shape = Shape::new(rule, config, calls);
    let groups = shape.groups(&observed.spans);
    groups.iter().map(|group| judge_group(&shape, group.as_deref(), &observed)).collect()
}

/// The verdict of a group over all its instants.
fn judge_group(shape: &Shape<'_>, group: Option<&[Key]>, observed: &Observed<'_>) -> Finding {
    let timeline = Timeline::of(shape, group, &observed.spans);
    Finding {
        rule: shape.rule.name.clone(),
        trace_id: None,
        span_id: None,
        group: group.unwrap_or_default().iter().map(Key::text).collect(),
        // A window that was not observed to its end.
        verdict: timeline.outcome(observed_until(shape, observed)).worst.unwrap_or(Verdict::Inconclusive(Reasons::of(Reason::Shutdown))),
        gap_signal: false,
        trigger: None,
        episodes: seen_episodes(&timeline, shape, observed),
    }
}

/// The last instant at which something is known: of what spans can only break the last at which one ended, up to what was observed
/// of anything else.
fn observed_until(shape: &Shape<'_>, observed: &Observed<'_>) -> u64 {
    if !shape.breaks {
        return observed.watermark;
    }
    observed.spans.iter().map(|span| span.end).fold(observed.clock, u64::max)
}

/// The episodes as far as they were observed: one whose end lies beyond the event clock has not ended yet.
fn seen_episodes(timeline: &Timeline<'_, '_>, shape: &Shape<'_>, observed: &Observed<'_>) -> Vec<(u64, Option<u64>)> {
    let mut episodes = timeline.outcome(observed_until(shape, observed)).episodes;
    if let Some(at) = episodes.iter().position(|(_, to)| to.is_none_or(|to| to > observed.clock)) {
        episodes.truncate(at + 1);
    }
    if let Some((_, to)) = episodes.last_mut() {
        *to = to.filter(|to| *to <= observed.clock);
    }
    episodes
}

/// A claim that is made about each span of a set: it is broken where the predicate's truth is `bad`.
struct Obligation<'r> {
    set: &'r Spanset,
    predicate: Option<&'r Expr>,
    bad: bool,
}

/// The claim as one about each span, where it is: a quantifier without window that one span can break.
fn obligation(rule: &Rule) -> Option<Obligation<'_>> {
    if has_window(&rule.claim) || has_aggregate(&rule.claim) {
        return None;
    }
    let mut claim = &rule.claim;
    let mut wanted = rule.polarity == Polarity::Always;
    while let Expr::Not(inner) = claim {
        (claim, wanted) = (inner, !wanted);
    }
    match (wanted, claim) {
        (true, Expr::Quantified { quantifier: Quantifier::All, set, predicate }) => {
            Some(Obligation { set, predicate: Some(predicate), bad: false })
        }
        (true, Expr::Quantified { quantifier: Quantifier::None, set, predicate })
        | (false, Expr::Quantified { quantifier: Quantifier::Any, set, predicate }) => {
            Some(Obligation { set, predicate: Some(predicate), bad: true })
        }
        (false, Expr::NonEmpty(set)) | (true, Expr::Empty(set)) => Some(Obligation { set, predicate: None, bad: true }),
        _ => None,
    }
}

fn has_aggregate(expr: &Expr) -> bool {
    matches!(expr, Expr::Compare { left, right, .. } if [left, right].into_iter().any(|t| matches!(t, Term::Aggregate(_))))
}

/// One verdict for each span of the set.
fn judge_each(rule: &Rule, obligation: &Obligation<'_>, world: &World<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for at in 0..world.spans.len() {
        let span = world.span(at);
        let view = View { group: None, instant: None, whole: true };
        let member = members(world, obligation.set, view).list.into_iter().find(|(x, _)| *x == at).map_or(Truth::False, |(_, truth)| truth);
        if member == Truth::False {
            continue;
        }
        let holds = obligation.predicate.map_or(Truth::True, |p| predicate(world, Subject::span(at), p));
        let broken = member.and(if obligation.bad { holds } else { holds.negate() });
        let verdict = match broken {
            Truth::True => Verdict::Violated,
            Truth::False => Verdict::Satisfied,
            Truth::NotApplicable => Verdict::NotApplicable,
            Truth::Unknown(why) => Verdict::Inconclusive(why),
        };
        findings.push(Finding {
            rule: rule.name.clone(),
            trace_id: Some(span.trace_id),
            span_id: Some(span.span_id),
            group: Vec::new(),
            verdict,
            gap_signal: false,
            trigger: None,
            episodes: Vec::new(),
        });
    }
    findings
}
