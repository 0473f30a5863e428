//! Which spans a spanset has.

use std::collections::BTreeSet;

use fluo_lang::program::{Axis, Spanset, Step, Term};

use super::calls::dangling;
use super::predicate::predicate;
use super::reading::{Subject, term};
use super::truth::{Reason, Reasons, Truth};
use super::value::Key;
use super::world::{World, has_good_times};

/// Stands for an instant at which windows hold whatever spans nobody saw.
pub(super) const UNSEEN: u64 = u64::MAX;

/// For which group and at which instant a claim is evaluated.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct View<'a> {
    /// The group; `None` in a rule without `by`.
    pub(super) group: Option<&'a [Key]>,
    /// The end of all windows, Unix nanoseconds; `None` in a rule without `within`.
    pub(super) instant: Option<u64>,
    /// Whether `within` is to be ignored, as the default guard does.
    pub(super) whole: bool,
}

/// The members of a spanset.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Members {
    /// Spans that are in it, or may be.
    pub(super) list: Vec<(usize, Truth)>,
    /// Why there may be more.
    pub(super) open: Reasons,
}

impl Members {
    /// The spans that are surely in it, in the order of start and id.
    pub(super) fn certain(&self) -> Vec<usize> {
        self.list.iter().filter(|(_, truth)| *truth == Truth::True).map(|(at, _)| *at).collect()
    }

    /// The spans that may be in it.
    pub(super) fn possible(&self) -> Vec<usize> {
        self.list.iter().map(|(at, _)| *at).collect()
    }

    /// Why the set is not exactly known; empty where it is.
    pub(super) fn doubt(&self) -> Reasons {
        self.list.iter().fold(self.open, |all, (_, truth)| match truth {
            Truth::Unknown(reasons) => all.with(*reasons),
            _ => all,
        })
    }
}

/// The members of the spanset under the view.
pub(super) fn members(world: &World<'_>, set: &Spanset, view: View<'_>) -> Members {
    let mut truths = vec![Truth::True; world.spans.len()];
    for step in &set.steps {
        truths = match step {
            Step::Where(p) => truths
                .iter()
                .enumerate()
                .map(|(at, truth)| if *truth == Truth::False { *truth } else { truth.and(predicate(world, Subject::span(at), p)) })
                .collect(),
            Step::Navigate(axis) => (0..truths.len()).map(|at| reached(world, &truths, at, *axis)).collect(),
        };
    }
    let mut open = world.open.with(dangling(world, &set.steps, None));
    if let (false, Some(group)) = (set.by.is_empty(), view.group) {
        for (at, truth) in truths.iter_mut().enumerate() {
            if *truth != Truth::False {
                *truth = truth.and(in_group(world, at, &set.by, group));
            }
        }
    }
    if let (false, Some(width), Some(instant)) = (view.whole, set.within, view.instant) {
        if instant == UNSEEN {
            open = open.with(Reasons::of(Reason::BadTime));
        }
        for (at, truth) in truths.iter_mut().enumerate() {
            let span = world.span(at);
            if *truth == Truth::False {
                continue;
            }
            if !has_good_times(span) {
                // Such a span is left out of windows; it may belong into any.
                open = open.with(Reasons::of(Reason::BadTime));
                *truth = Truth::False;
            } else if span.end > instant || instant - span.end >= width {
                *truth = Truth::False;
            }
        }
    }
    Members { list: truths.into_iter().enumerate().filter(|(_, truth)| *truth != Truth::False).collect(), open }
}

/// Whether a span is reached by going along the axis from spans with these truths.
fn reached(world: &World<'_>, from: &[Truth], at: usize, axis: Axis) -> Truth {
    let sources: Vec<usize> = match axis {
        Axis::Children => (0..from.len()).filter(|x| world.children(*x).contains(&at)).collect(),
        Axis::Parents => world.children(at).to_vec(),
        Axis::Descendants => world.ancestors(at).to_vec(),
        Axis::Ancestors => (0..from.len()).filter(|x| world.ancestors(*x).contains(&at)).collect(),
    };
    sources.into_iter().map(|x| from.get(x).copied().unwrap_or(Truth::False)).fold(Truth::False, Truth::or)
}

/// Whether the span has the group's value in each of the terms.
fn in_group(world: &World<'_>, at: usize, by: &[Term], group: &[Key]) -> Truth {
    by.iter()
        .zip(group)
        .map(|(by, key)| {
            let reading = term(world, Subject::span(at), by);
            if reading.values.iter().any(|(value, _)| value.key() == *key) { Truth::True } else { Truth::false_unless(reading.open) }
        })
        .fold(Truth::True, Truth::and)
}

/// The groups that a span is in: one for each combination of values.
pub(super) fn groups_of(world: &World<'_>, at: usize, by: &[Term]) -> BTreeSet<Vec<Key>> {
    let mut groups = BTreeSet::from([Vec::new()]);
    for by in by {
        let keys: BTreeSet<Key> = term(world, Subject::span(at), by).values.iter().map(|(value, _)| value.key()).collect();
        groups = groups.iter().flat_map(|group| keys.iter().map(|key| group.iter().cloned().chain([key.clone()]).collect())).collect();
    }
    groups
}
