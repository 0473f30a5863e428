//! Time order of two spans (language reference, "Time order between processes").
//!
//! Times of one emitter are compared directly. Times of different emitters never are, as long as a chain of calls tells more: the
//! spans from each side up to below their lowest common ancestor are looked through for two of one emitter.

use super::view::View;
use crate::store::record::Record;
use crate::truth::{Reasons, Truth};
use crate::verdict::Reason;

const SKEW: Truth = Truth::Unknown(Reasons::of(Reason::ClockSkew));

impl View<'_> {
    /// Whether `a` ended at or before the start of `b`. Costs the ways up to where they meet.
    pub(super) fn is_before(&self, a: usize, b: usize) -> Truth {
        let (Some(first), Some(second)) = (self.record(a), self.record(b)) else {
            return Truth::False;
        };
        if !first.times_are_good() || !second.times_are_good() {
            return Truth::Unknown(Reasons::of(Reason::BadTime));
        }
        if first.emitter == second.emitter {
            return Truth::of(first.end <= second.start);
        }
        let tour = self.tour();
        if !self.is_placed(a) || !self.is_placed(b) {
            return self.by_raw_gap(first, second);
        }
        // An ancestor that was reached without a handover overlaps its descendant.
        if tour.is_above(a, b) || tour.is_above(b, a) {
            return if tour.handovers(a) == tour.handovers(b) { Truth::False } else { self.by_raw_gap(first, second) };
        }
        let mut way = tour.fork(a);
        while let Some((fork, _)) = way.filter(|(fork, _)| !tour.is_above(*fork, b)) {
            self.steps.take(1);
            way = tour.fork(fork);
        }
        let fork = way.map(|(fork, _)| fork);
        self.by_calls(a, b, fork).unwrap_or_else(|| self.by_raw_gap(first, second))
    }

    /// What the calls below the meeting point say; `None` where the two sides share no emitter there.
    fn by_calls(&self, a: usize, b: usize, fork: Option<usize>) -> Option<Truth> {
        let of_a = self.votes(a, fork, self.branch(a, fork)?, false);
        let of_b = self.votes(b, fork, self.branch(b, fork)?, false);
        let (mut before, mut not_before, mut shared) = (false, false, false);
        for (clock, x) in &of_a {
            let Some(y) = of_b.get(clock) else { continue };
            shared = true;
            if let (Some(x), Some(y)) = (x, y) {
                before |= x.hi <= y.lo;
                not_before |= y.hi <= x.lo;
            }
        }
        match (before, not_before) {
            (true, false) => Some(Truth::True),
            (false, true) => Some(Truth::False),
            (false, false) if !shared || (fork.is_none() && !(self.is_known(a) && self.is_known(b))) => None,
            _ => Some(SKEW),
        }
    }

    /// At completion a raw gap above the allowed skew decides.
    fn by_raw_gap(&self, first: &Record, second: &Record) -> Truth {
        if self.hidden.has(Reasons::OPEN) {
            return Truth::Unknown(Reasons::OPEN);
        }
        if second.start > first.end.saturating_add(self.max_skew()) {
            Truth::True
        } else if first.start > second.end.saturating_add(self.max_skew()) {
            Truth::False
        } else {
            SKEW
        }
    }

    /// Whether two spans overlap in time; touching is not overlapping, and a span of length zero overlaps nothing.
    pub(super) fn overlap(&self, a: usize, b: usize) -> Truth {
        let (Some(first), Some(second)) = (self.record(a), self.record(b)) else {
            return Truth::False;
        };
        let bad = Truth::Unknown(Reasons::of(Reason::BadTime));
        let empty = |r: &Record| r.times_are_good() && r.start == r.end;
        if empty(first) || empty(second) {
            return Truth::False;
        }
        if !first.times_are_good() || !second.times_are_good() {
            return bad;
        }
        self.is_before(a, b).or(self.is_before(b, a)).not()
    }

    /// Whether the gap from the end of `a` to the start of `b` is at most `limit`.
    pub(super) fn is_within(&self, a: usize, b: usize, limit: u64) -> Truth {
        let (Some(first), Some(second)) = (self.record(a), self.record(b)) else {
            return Truth::False;
        };
        if !first.times_are_good() || !second.times_are_good() {
            return Truth::Unknown(Reasons::of(Reason::BadTime));
        }
        let gap = i128::from(second.start) - i128::from(first.end);
        let limit = i128::from(limit);
        if first.emitter != second.emitter && (gap - limit).abs() <= i128::from(self.max_skew()) {
            return SKEW;
        }
        Truth::of(gap <= limit)
    }
}
