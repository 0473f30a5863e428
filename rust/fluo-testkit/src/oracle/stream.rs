//! Rules over `spans`: every window, and every span with timed relations, by definition.

use std::collections::BTreeSet;

use fluo_lang::program::{Expr, Polarity, Quantifier, Rule, Spanset, Term};

use super::calls::CallTable;
use super::clock::{EventClock, is_plausible};
use super::direction::only_breaks;
use super::judge::{groups, has_window, judge, rule_spansets, widths};
use super::predicate::predicate;
use super::reading::Subject;
use super::spanset::{View, groups_of, members};
use super::truth::{Reason, Reasons, Truth};
use super::value::Key;
use super::world::{Stretch, World};
use super::{Config, End, Finding, Run, Verdict};
use crate::model::SpanData;

/// A group without a span for as long as this and its widest window is forgotten. Nanoseconds.
const FORGET: u64 = 3_600_000_000_000;

/// The spans that count in windows, and how far event time was observed.
struct Observed<'a> {
    spans: Vec<&'a SpanData>,
    /// The event clock at the end, or the latest end of a span.
    clock: u64,
    /// The watermark at the end.
    watermark: u64,
}

/// The verdicts of a rule over `spans`.
pub(super) fn judge_stream(rule: &Rule, config: &Config, calls: &CallTable, run: &Run) -> Vec<Finding> {
    let observed = observe(run, config);
    let first = observed.spans.iter().map(|span| span.end).min().unwrap_or(0);
    let world = World::stream(&observed.spans, Stretch { first, last: observed.watermark }, config, calls);
    if let Some(obligation) = obligation(rule) {
        return judge_each(rule, &obligation, &world);
    }
    if rule.by.is_empty() {
        return vec![judge_group(&world, rule, None, &observed)];
    }
    groups(&world, rule).0.iter().map(|group| judge_group(&world, rule, Some(group), &observed)).collect()
}

fn observe<'a>(run: &'a Run, config: &Config) -> Observed<'a> {
    let mut clock = EventClock::default();
    let mut seen = BTreeSet::new();
    let mut spans = Vec::new();
    let mut last = 0;
    for batch in &run.batches {
        let watermark = clock.watermark(batch.at, config);
        for span in &batch.spans {
            let new = seen.insert((span.trace_id, span.span_id));
            if new && is_plausible(span, batch.at, config) && span.end >= watermark {
                spans.push(span);
            }
        }
        clock.apply(batch.at, &batch.spans, config);
        last = batch.at;
    }
    let end = match run.end {
        End::Recording => last,
        End::Until(at) | End::Shutdown(at) => at,
    };
    // A span of a clock that is ahead counts at its own time.
    let latest = spans.iter().map(|span| span.end).max();
    let read = clock.read(end).max(latest).unwrap_or(0);
    Observed { spans, clock: read, watermark: clock.watermark(end, config) }
}

/// The verdict of a group over all its instants.
fn judge_group(world: &World<'_>, rule: &Rule, group: Option<&[Key]>, observed: &Observed<'_>) -> Finding {
    let widths = widths(rule);
    let widest = widths.last().copied().unwrap_or(0);
    let breaks = only_breaks(rule);
    let mut worst = Verdict::NotApplicable;
    let mut judged = false;
    let mut episodes: Vec<(u64, Option<u64>)> = Vec::new();
    for (first_start, first_end, until) in presences(world, rule, group, widest) {
        let until = until.min(if breaks { observed.clock } else { observed.watermark });
        let from = match (breaks, widths.is_empty()) {
            (true, true) => first_start,
            (true, false) => first_end,
            (false, _) => first_end.saturating_add(widest),
        };
        let changes = observed
            .spans
            .iter()
            .flat_map(|span| widths.iter().map(|w| span.end.saturating_add(*w)).chain([span.start, span.end]).collect::<Vec<_>>());
        let instants: BTreeSet<u64> = changes.chain([from]).filter(|t| from <= *t && *t <= until).collect();
        let mut open = false;
        for t in instants {
            let verdict = judge(world, rule, View { group, instant: Some(t), whole: false });
            judged = true;
            worst = worst.worse(verdict);
            match (verdict == Verdict::Violated, open) {
                (true, false) => episodes.push((t, None)),
                (false, true) => {
                    if let Some(episode) = episodes.last_mut() {
                        episode.1 = Some(t);
                    }
                }
                _ => {}
            }
            open = verdict == Verdict::Violated;
        }
        if open
            && until < observed.clock.min(observed.watermark)
            && let Some(episode) = episodes.last_mut()
        {
            // The group was forgotten while violated.
            episode.1 = Some(until);
        }
    }
    // A window that was not observed to its end.
    let verdict = if judged { worst } else { Verdict::Inconclusive(Reasons::of(Reason::Shutdown)) };
    Finding {
        rule: rule.name.clone(),
        trace_id: None,
        span_id: None,
        group: group.unwrap_or_default().iter().map(Key::text).collect(),
        verdict,
        gap_signal: false,
        trigger: None,
        episodes,
    }
}

/// The stretches of event time in which the group is known: first start and first end of its spans, and when it is forgotten.
fn presences(world: &World<'_>, rule: &Rule, group: Option<&[Key]>, widest: u64) -> Vec<(u64, u64, u64)> {
    let forget = widest.max(FORGET);
    let mut own: BTreeSet<usize> = BTreeSet::new();
    match group {
        None => own.extend(0..world.spans.len()),
        // A span that may be of any group is none of this one's until it is known to be.
        Some(group) => {
            for set in rule_spansets(rule).into_iter().filter(|set| !set.by.is_empty()) {
                let members = members(world, set, View { group: None, instant: None, whole: true }).possible();
                own.extend(members.into_iter().filter(|at| groups_of(world, *at, &rule.by).contains(group)));
            }
        }
    }
    let mut spans: Vec<&SpanData> = own.into_iter().map(|at| world.span(at)).collect();
    spans.sort_by_key(|span| span.end);
    let mut found: Vec<(u64, u64, u64)> = Vec::new();
    for span in spans {
        match found.last_mut() {
            Some((start, _, until)) if group.is_none() || span.end < *until => {
                *start = (*start).min(span.start);
                *until = span.end.saturating_add(forget);
            }
            _ => found.push((span.start, span.end, span.end.saturating_add(forget))),
        }
    }
    if group.is_none()
        && let Some((_, _, until)) = found.last_mut()
    {
        // Without groups there is nothing to forget.
        *until = u64::MAX;
    }
    found
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
