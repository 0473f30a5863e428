//! Violations of a claim that spans can only break, as soon as a span comes that makes them.
//!
//! A span that ended at `e` changes the windows of `[e, e + width)` only, and there it can only break the claim. The stretches that are
//! violated are known exactly, so what is looked for is where they grow. Two facts make that cheap. Between two ends spans only leave
//! the windows, so a violated stretch begins at an end, and what follows it up to the next end is found by bisection. And the claim is
//! not violated at any instant of a range if it would not be in a window that holds all spans of the range's windows: ranges in which no
//! window is near the bound cost one look, the others are bisected. So a span costs O(log n) looks, each of O(log n) for counts, while
//! its windows are not within a constant factor of the bound; every end becomes violated once, which pays for the rest. What a span may
//! cost is bounded: beyond that the watermark decides.

use std::cell::Cell;

use super::announce::{Deciding, News};
use super::judge::Judge;
use super::lane::Cursor;
use crate::eval::rule::Outcome;

/// Looks that one span may cost. A look at numbers that are found by definition counts for each span of the window.
const LOOKS: usize = 1_024;

/// A violated stretch: its first instant, the first after it, and what a signal says of it where it is no part of a known one.
pub(super) type Stretch = (u64, u64, Option<News>);

/// A look ahead of the watermark for one group.
pub(super) struct Ahead<'p> {
    judge: Judge<'p>,
    looks: Cell<usize>,
}

impl<'p> Ahead<'p> {
    pub(super) const fn new(judge: Judge<'p>) -> Self {
        Self { judge, looks: Cell::new(0) }
    }

    fn is_tired(&self) -> bool {
        self.looks.get() >= LOOKS
    }

    /// Windows that hold what the window at `last` has come to hold and the window at `first` has not lost.
    fn windows(&self, first: u64, last: u64) -> Vec<Cursor> {
        let lanes = self.judge.sweep.lanes.iter().enumerate();
        lanes
            .map(|(at, plan)| {
                let lane = self.judge.lane(at);
                let inside = lane.cursor_at(last, plan.width).inside;
                Cursor { out: lane.cursor_at(first, plan.width).out.min(inside), inside }
            })
            .collect()
    }

    fn is_broken(&self, cursors: &[Cursor], t: u64) -> bool {
        let counted = self.judge.sweep.lanes.iter().zip(cursors).filter(|(plan, _)| !plan.columns.is_empty());
        let spans: usize = counted.map(|(_, cursor)| cursor.inside - cursor.out).sum();
        self.looks.set(self.looks.get() + 1 + spans);
        !self.is_tired() && self.judge.outcome(cursors, &[], t) == Outcome::Violated
    }

    /// Whether the claim is violated at an instant.
    fn is_violated(&self, t: u64) -> bool {
        self.is_broken(&self.windows(t, t), t)
    }

    /// The first end in a range, both ends of it included, at which the claim is violated.
    fn first_violated(&self, from: u64, to: u64) -> Option<u64> {
        let lanes = || (0..self.judge.sweep.lanes.len()).map(|at| self.judge.lane(at));
        let first = lanes().filter_map(|lane| lane.first_end_from(from)).min()?;
        let last = lanes().filter_map(|lane| lane.last_end_to(to)).max()?;
        if first > last || self.is_tired() || !self.is_broken(&self.windows(first, last), last) {
            return None;
        }
        if first == last {
            return Some(first);
        }
        let (_, middle) = lanes().map(|lane| lane.middle_end(first, last)).max_by_key(|(count, _)| *count)?;
        let middle = middle.filter(|middle| *middle < last).unwrap_or(last - 1);
        self.first_violated(first, middle).or_else(|| self.first_violated(middle + 1, last))
    }

    /// Where the violated stretch to which an instant belongs is over; `stop` if it reaches that.
    pub(super) fn end_of_stretch(&self, instant: u64, stop: u64) -> u64 {
        let lanes = || self.judge.sweep.lanes.iter().enumerate().map(|(at, plan)| (self.judge.lane(at), plan.width));
        let mut violated = instant;
        loop {
            let next = lanes().filter_map(|(lane, _)| lane.first_end_from(violated + 1)).min();
            let left = lanes().filter_map(|(lane, width)| Some(lane.last_end()?.saturating_add(width))).max().unwrap_or(violated);
            let until = next.unwrap_or_else(|| left.max(violated + 1)).min(stop);
            if until > violated + 1 && !self.is_violated(until - 1) {
                return self.bisect(violated, until - 1);
            }
            if until >= stop {
                return stop;
            }
            if self.is_tired() || !self.is_violated(until) {
                return until;
            }
            if next.is_none() {
                // Not even empty windows keep the claim.
                return stop;
            }
            violated = until;
        }
    }

    /// The first instant at which the claim holds between one at which it is violated and a later one at which it holds, where spans
    /// only leave the windows.
    fn bisect(&self, mut violated: u64, mut holds: u64) -> u64 {
        // Mostly the next span that leaves is enough.
        let lanes = self.judge.sweep.lanes.iter().enumerate();
        let leaves = lanes.filter_map(|(at, plan)| self.judge.lane(at).next_leaving(violated, plan.width)).min();
        if let Some(leaves) = leaves.filter(|leaves| *leaves < holds) {
            if self.is_violated(leaves) {
                violated = leaves;
            } else {
                holds = leaves;
                violated = leaves - 1;
            }
        }
        while holds - violated > 1 {
            let middle = violated + (holds - violated) / 2;
            if self.is_violated(middle) {
                violated = middle;
            } else {
                holds = middle;
            }
        }
        holds
    }

    /// Where the violated stretches have grown by a span that ended here, in order.
    pub(super) fn grown(&self, end: u64, deciding: Deciding) -> Vec<Stretch> {
        let until = end.saturating_add(self.judge.sweep.widest);
        let mut grown: Vec<Stretch> = Vec::new();
        let mut gap = end;
        while gap < until && !self.is_tired() {
            let episodes = &self.judge.group.episodes;
            if let Some(known) = episodes.touched_by(gap) {
                if gap < known.to && known.to < until {
                    gap = known.to;
                    continue;
                }
                if known.to >= until {
                    break;
                }
                // The stretch that ends here may go on.
                if self.is_violated(gap) {
                    let stop = episodes.after(gap).map_or(u64::MAX, |next| next.from);
                    let to = self.end_of_stretch(gap, stop);
                    grown.push((gap, to, None));
                    gap = to;
                    if to == stop {
                        continue;
                    }
                }
            }
            let next = episodes.after(gap).map_or(u64::MAX, |next| next.from);
            match self.first_violated(gap, next.min(until) - 1) {
                Some(first) => {
                    let to = self.end_of_stretch(first, next);
                    let touches = to == next && next != u64::MAX;
                    let news = (!touches).then(|| self.judge.news(&self.windows(first, first), &[], first, true, deciding));
                    grown.push((first, to, news));
                    gap = to;
                }
                None if next < until => gap = next,
                None => break,
            }
        }
        grown
    }
}
