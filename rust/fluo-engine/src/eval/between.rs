//! `without=C`: whether a C span lies between two others.

use std::collections::HashMap;

use fluo_lang::program::RelationKind;

use super::tally::{Sorted, Tally};
use super::timed::Interval;
use super::view::View;
use crate::expr::Node;
use crate::truth::{Reasons, Truth};

/// The spans that may not lie between.
#[derive(Debug)]
pub(super) struct Between {
    /// Those that satisfy the predicate or may, with how sure that is.
    spans: HashMap<usize, Truth>,
    order: Vec<usize>,
    /// Why there may be others.
    hidden: Reasons,
    /// Of all where they have one clock and good times.
    clock: Option<Clock>,
}

/// The spans of one clock by their ends, in the direction in which the relation looks.
#[derive(Debug)]
struct Clock {
    emitter: Option<u32>,
    ends: Vec<i128>,
    /// The latest start of the first spans, one more with each: of those that satisfy the predicate, and of all.
    latest: Vec<(i128, i128)>,
    why: Reasons,
}

impl<'t> View<'t> {
    /// The spans that may not lie between those of a relation of this kind.
    pub(super) fn between(&self, without: &'t Node, name: &str, kind: RelationKind) -> Between {
        let fits = self.each_fit(without);
        let order: Vec<usize> = (0..fits.len()).filter(|at| fits.get(*at).is_some_and(|fit| *fit != Truth::False)).collect();
        let spans = order.iter().filter_map(|at| Some((*at, *fits.get(*at)?))).collect();
        let hidden = self.hidden.and(self.dangling(name, None));
        let clock = self.one_clock(&order, &fits, kind == RelationKind::FollowedBy);
        Between { spans, order, hidden, clock }
    }

    fn one_clock(&self, order: &[usize], fits: &[Truth], mirrored: bool) -> Option<Clock> {
        let mut spans = Vec::with_capacity(order.len());
        let (mut emitter, mut why) = (None, Reasons::NONE);
        for at in order {
            let record = self.record(*at).filter(|record| record.times_are_good())?;
            if *emitter.get_or_insert(record.emitter) != record.emitter {
                return None;
            }
            let fit = fits.get(*at).copied().unwrap_or(Truth::False);
            if let Truth::Unknown(more) = fit {
                why = why.and(more);
            }
            spans.push((Interval::of(record, mirrored), fit == Truth::True));
        }
        self.steps.sort(spans.len());
        spans.sort_unstable_by_key(|(span, _)| span.hi);
        let mut latest = (i128::MIN, i128::MIN);
        let running = spans.iter().map(|(span, is_certain)| {
            latest = (if *is_certain { latest.0.max(span.lo) } else { latest.0 }, latest.1.max(span.lo));
            latest
        });
        let latest = running.collect();
        Some(Clock { emitter, ends: spans.iter().map(|(span, _)| span.hi).collect(), latest, why })
    }

    /// Whether a span lies between two others: it starts at or after the end of the first and ends at or before the start of the
    /// second. A look at each span that may.
    pub(super) fn lies_between(&self, first: usize, second: usize, between: &Between) -> Truth {
        let unseen = if between.hidden.is_empty() { Truth::False } else { Truth::Unknown(between.hidden) };
        let mut any = unseen;
        for at in between.order.iter().filter(|at| **at != first && **at != second) {
            self.steps.take(1);
            if any == Truth::True || self.steps.are_over() {
                break;
            }
            let fits = between.spans.get(at).copied().unwrap_or(Truth::False);
            any = any.or(fits.and(self.is_before(first, *at)).and(self.is_before(*at, second)));
        }
        any
    }

    /// Of spans of one clock, sorted by their ends, those that end from `from` on and before the asking span begins, and between whose
    /// end and it nothing lies. `None` where the clocks are not one, and where the asking span has no length: it could lie between itself and others.
    pub(super) fn undisturbed(&self, ends: &Sorted, from: i128, at: usize, own: Interval, between: &Between) -> Option<Tally> {
        let (clock, record) = (between.clock.as_ref()?, self.record(at)?);
        if clock.emitter.is_some_and(|emitter| emitter != record.emitter) || own.lo == own.hi {
            return None;
        }
        self.steps.take(4 * ends.search());
        let before = clock.ends.partition_point(|end| *end <= own.lo);
        let (certain, possible) = before.checked_sub(1).and_then(|last| clock.latest.get(last)).copied().unwrap_or((i128::MIN, i128::MIN));
        let after = |start: i128| ends.up_to(own.lo).less(ends.up_to(start.min(own.lo)));
        let least = |start: i128| start.max(from - 1);
        let free = after(least(possible));
        let doubtful = after(least(certain)).less(free);
        let free = if between.hidden.is_empty() { free } else { free.in_doubt(between.hidden) };
        Some(free.plus(doubtful.in_doubt(clock.why.and(between.hidden))))
    }

    /// Whether a span of length zero satisfies the predicate of what may not lie between: it could lie between itself and others.
    pub(super) fn is_between_itself(&self, at: usize, between: &Between) -> bool {
        between.spans.contains_key(&at) && self.record(at).is_some_and(|record| record.start == record.end)
    }
}
