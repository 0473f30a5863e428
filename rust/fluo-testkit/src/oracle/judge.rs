//! From truths to verdicts: guard, polarity, groups, windows of a trace.

use std::collections::BTreeSet;

use fluo_lang::program::{Expr, Guard, Polarity, Rule, Spanset, Term};

use super::Verdict;
use super::claim::{holds, spansets};
use super::direction::only_breaks;
use super::reading::{Subject, term};
use super::spanset::{Members, UNSEEN, View, groups_of, members};
use super::truth::{Reason, Reasons, Truth};
use super::value::Key;
use super::world::{World, has_good_times};

/// The verdict under one view.
pub(super) fn judge(world: &World<'_>, rule: &Rule, view: View<'_>) -> Verdict {
    let claim = holds(world, &rule.claim, view);
    match guard(world, rule, view) {
        Truth::False | Truth::NotApplicable => Verdict::NotApplicable,
        Truth::True => verdict(rule.polarity, claim),
        // Both outcomes agree where the claim would not apply either.
        Truth::Unknown(_) if claim == Truth::NotApplicable => Verdict::NotApplicable,
        Truth::Unknown(why) => match claim {
            Truth::Unknown(more) => Verdict::Inconclusive(why.with(more)),
            _ => Verdict::Inconclusive(why),
        },
    }
}

/// Whether the claim is made.
pub(super) fn guard(world: &World<'_>, rule: &Rule, view: View<'_>) -> Truth {
    match &rule.guard {
        Guard::Everywhere => Truth::True,
        Guard::When(e) => holds(world, e, view),
        Guard::Derived(e) => holds(world, e, View { whole: true, ..view }),
    }
}

fn verdict(polarity: Polarity, claim: Truth) -> Verdict {
    match (polarity, claim) {
        (_, Truth::Unknown(why)) => Verdict::Inconclusive(why),
        (_, Truth::NotApplicable) => Verdict::NotApplicable,
        (Polarity::Always, Truth::True) | (Polarity::Never, Truth::False) => Verdict::Satisfied,
        (Polarity::Always, Truth::False) | (Polarity::Never, Truth::True) => Verdict::Violated,
    }
}

/// The verdict of a rule over a trace, for each of its groups.
pub(super) fn judge_trace(world: &World<'_>, rule: &Rule) -> Vec<(Vec<Key>, Verdict)> {
    if rule.by.is_empty() {
        return vec![(Vec::new(), judge_windows(world, rule, None))];
    }
    let (groups, doubt) = groups(world, rule);
    if !groups.is_empty() {
        return groups.into_iter().map(|group| (group.clone(), judge_possible(world, rule, &group))).collect();
    }
    let applies = guard(world, rule, View { whole: true, ..View::default() });
    let verdict = if doubt.is_empty() || applies == Truth::False { Verdict::NotApplicable } else { Verdict::Inconclusive(doubt) };
    vec![(Vec::new(), verdict)]
}

/// The verdict of a group: at most inconclusive where there may be no such group.
fn judge_possible(world: &World<'_>, rule: &Rule, group: &[Key]) -> Verdict {
    let verdict = judge_windows(world, rule, Some(group));
    if verdict != Verdict::Violated || is_certain_group(world, rule, group) {
        return verdict;
    }
    let view = View { group: Some(group), instant: None, whole: true };
    let grouped = rule_spansets(rule).into_iter().filter(|set| !set.by.is_empty());
    let doubt = grouped.map(|set| Members { open: Reasons::NONE, ..members(world, set, view) }.doubt());
    Verdict::Inconclusive(doubt.fold(Reasons::NONE, Reasons::with))
}

/// The groups that the rule's spansets have members in, and why there may be more.
pub(super) fn groups(world: &World<'_>, rule: &Rule) -> (BTreeSet<Vec<Key>>, Reasons) {
    let mut found = BTreeSet::new();
    let mut doubt = Reasons::NONE;
    for set in rule_spansets(rule).into_iter().filter(|set| !set.by.is_empty()) {
        let members = members(world, set, View { whole: true, ..View::default() });
        doubt = doubt.with(members.open);
        for at in members.possible() {
            found.extend(groups_of(world, at, &rule.by));
            doubt = rule.by.iter().fold(doubt, |all, by: &Term| all.with(term(world, Subject::span(at), by).open));
        }
    }
    (found, doubt)
}

/// Whether some span is in the group for certain: a group of possible members may turn out to be none.
pub(super) fn is_certain_group(world: &World<'_>, rule: &Rule, group: &[Key]) -> bool {
    let view = View { group: Some(group), instant: None, whole: true };
    rule_spansets(rule).into_iter().any(|set| !set.by.is_empty() && !members(world, set, view).certain().is_empty())
}

/// The spansets of claim and guard.
pub(super) fn rule_spansets(rule: &Rule) -> Vec<&Spanset> {
    let mut found = Vec::new();
    spansets(&rule.claim, &mut found);
    if let Guard::When(e) = &rule.guard {
        spansets(e, &mut found);
    }
    found
}

/// The widths of the rule's windows.
pub(super) fn widths(rule: &Rule) -> BTreeSet<u64> {
    rule_spansets(rule).into_iter().filter_map(|set| set.within).collect()
}

/// The verdict over all instants of the trace, where the rule has windows.
fn judge_windows(world: &World<'_>, rule: &Rule, group: Option<&[Key]>) -> Verdict {
    let whole = View { group, instant: None, whole: true };
    if widths(rule).is_empty() {
        return judge(world, rule, View { whole: false, ..whole });
    }
    let verdicts = instants(world, rule).into_iter().map(|t| judge(world, rule, View { group, instant: Some(t), whole: false }));
    let worst = verdicts.fold(Verdict::NotApplicable, Verdict::worse);
    if worst == Verdict::Violated || guard(world, rule, whole) == Truth::False {
        return worst;
    }
    // Lost spans may lie in the windows and before and after all that was seen.
    let mut doubt = world.open;
    for set in rule_spansets(rule).into_iter().filter(|set| set.within.is_some()) {
        if members(world, set, whole).possible().iter().any(|at| !has_good_times(world.span(*at))) {
            doubt = doubt.with(Reasons::of(Reason::BadTime));
        }
    }
    if doubt.is_empty() {
        return worst;
    }
    // In a window of which nothing was seen whatever spans may be: where even that decides, nothing is in doubt.
    let unseen = judge(world, rule, View { group, instant: Some(UNSEEN), whole: false });
    let decided = unseen == Verdict::NotApplicable || (unseen, worst) == (Verdict::Satisfied, Verdict::Satisfied);
    if decided { worst } else { worst.worse(Verdict::Inconclusive(doubt)) }
}

/// The instants at which a claim with windows is made and at which something changes.
fn instants(world: &World<'_>, rule: &Rule) -> BTreeSet<u64> {
    let widths = widths(rule);
    let ends: BTreeSet<u64> = world.spans.iter().filter(|span| has_good_times(span)).map(|span| span.end).collect();
    let (Some(first), Some(last), Some(widest)) = (ends.first(), ends.last(), widths.last()) else { return BTreeSet::new() };
    let from = if only_breaks(rule) { *first } else { first.saturating_add(*widest) };
    let changes = ends.iter().flat_map(|end| widths.iter().map(|w| end.saturating_add(*w)).chain([*end]));
    changes.chain([from]).filter(|t| (from..=*last).contains(t)).collect()
}

/// Whether the claim is made for certain: of a guard with windows, at some instant.
pub(super) fn is_made(world: &World<'_>, rule: &Rule, group: Option<&[Key]>) -> bool {
    match &rule.guard {
        Guard::When(e) if has_window(e) => {
            instants(world, rule).into_iter().any(|t| guard(world, rule, View { group, instant: Some(t), whole: false }) == Truth::True)
        }
        _ => guard(world, rule, View { group, instant: None, whole: true }) == Truth::True,
    }
}

/// Whether an expression has a window.
pub(super) fn has_window(expr: &Expr) -> bool {
    let mut found = Vec::new();
    spansets(expr, &mut found);
    found.iter().any(|set| set.within.is_some())
}
