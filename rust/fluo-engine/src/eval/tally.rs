//! How many spans are related, and may be: counts that can be taken apart again, and counts of what lies before a place.

use super::steps::Steps;
use super::tour::Tour;
use crate::truth::{Reasons, Truth};
use crate::verdict::Reason;

/// Reasons that are told apart, [`Reasons::OPEN`] with them.
const REASONS: usize = Reason::ALL.len() + 1;

/// How many of some spans are related for certain and how many may be, and how often each reason says why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) certain: u32,
    pub(super) possible: u32,
    why: [u32; REASONS],
}

impl Tally {
    /// One span.
    pub(super) fn of(truth: Truth) -> Self {
        let mut tally = Self::default();
        match truth {
            Truth::True => tally.certain = 1,
            Truth::Unknown(why) => {
                tally.possible = 1;
                tally.blame(why, 1);
            }
            Truth::False | Truth::NotApplicable => {}
        }
        tally
    }

    fn blame(&mut self, why: Reasons, times: u32) {
        for (reason, count) in reasons().zip(&mut self.why) {
            *count += if why.has(reason) { times } else { 0 };
        }
    }

    /// Both.
    #[must_use]
    pub(super) fn plus(mut self, other: Self) -> Self {
        self.certain += other.certain;
        self.possible += other.possible;
        self.why.iter_mut().zip(other.why).for_each(|(count, more)| *count += more);
        self
    }

    /// Without those of the other, which are among them.
    #[must_use]
    pub(super) fn less(mut self, other: Self) -> Self {
        self.certain = self.certain.saturating_sub(other.certain);
        self.possible = self.possible.saturating_sub(other.possible);
        self.why.iter_mut().zip(other.why).for_each(|(count, fewer)| *count = count.saturating_sub(fewer));
        self
    }

    /// The same spans, each of them in doubt for this too.
    #[must_use]
    pub(super) fn in_doubt(mut self, why: Reasons) -> Self {
        self.possible += std::mem::take(&mut self.certain);
        self.blame(why, self.possible);
        self
    }

    /// Whether there is none.
    pub(super) const fn is_empty(&self) -> bool {
        self.certain == 0 && self.possible == 0
    }

    /// Why some are in doubt.
    pub(super) fn reasons(&self) -> Reasons {
        reasons().zip(self.why).filter(|(_, count)| *count > 0).fold(Reasons::NONE, |all, (reason, _)| all.and(reason))
    }

    /// Whether there are at least so many, where `hidden` says why there may be more.
    pub(super) fn reaches(&self, least: u64, hidden: Reasons) -> Truth {
        if u64::from(self.certain) >= least {
            return Truth::True;
        }
        let too_few = u64::from(self.certain) + u64::from(self.possible) < least;
        if hidden.is_empty() && too_few { Truth::False } else { Truth::Unknown(hidden.and(self.reasons())) }
    }
}

fn reasons() -> impl Iterator<Item = Reasons> {
    Reason::ALL.into_iter().map(Reasons::of).chain([Reasons::OPEN])
}

/// Spans in the order of a number of each: how many have a smaller one costs a search.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    numbers: Vec<i128>,
    /// Of the first spans, one more with each.
    sums: Vec<Tally>,
}

impl Sorted {
    pub(super) fn new(mut spans: Vec<(i128, Tally)>, steps: &Steps) -> Self {
        steps.sort(spans.len());
        spans.sort_unstable_by_key(|(number, _)| *number);
        let mut sum = Tally::default();
        let sums = spans
            .iter()
            .map(|(_, tally)| {
                sum = sum.plus(*tally);
                sum
            })
            .collect();
        Self { numbers: spans.into_iter().map(|(number, _)| number).collect(), sums }
    }

    fn first(&self, count: usize) -> Tally {
        count.checked_sub(1).and_then(|last| self.sums.get(last)).copied().unwrap_or_default()
    }

    /// Those with a smaller number.
    pub(super) fn below(&self, number: i128) -> Tally {
        self.first(self.numbers.partition_point(|known| *known < number))
    }

    /// Those with a number that is not greater.
    pub(super) fn up_to(&self, number: i128) -> Tally {
        self.first(self.numbers.partition_point(|known| *known <= number))
    }

    /// What one search costs.
    pub(super) fn search(&self) -> usize {
        self.numbers.len().checked_ilog2().unwrap_or(0) as usize + 1
    }
}

/// Spans by their places in the tour.
#[derive(Debug)]
pub(super) struct Nest {
    places: Sorted,
    starts: Sorted,
    ends: Sorted,
}

impl Nest {
    pub(super) fn new(spans: impl Iterator<Item = (usize, Tally)> + Clone, tour: &Tour, steps: &Steps) -> Self {
        let by =
            |number: &dyn Fn(usize) -> u32| Sorted::new(spans.clone().map(|(at, tally)| (i128::from(number(at)), tally)).collect(), steps);
        Self { places: by(&|at| tour.place(at)), starts: by(&|at| tour.range(at).0), ends: by(&|at| tour.range(at).1) }
    }

    /// Those below a span, with itself.
    pub(super) fn below(&self, at: usize, tour: &Tour, steps: &Steps) -> Tally {
        steps.take(2 * self.places.search());
        let (from, to) = tour.range(at);
        self.places.below(i128::from(to)).less(self.places.below(i128::from(from)))
    }

    /// Those above a span, with itself.
    pub(super) fn above(&self, at: usize, tour: &Tour, steps: &Steps) -> Tally {
        steps.take(2 * self.places.search());
        let place = i128::from(tour.place(at));
        self.starts.up_to(place).less(self.ends.up_to(place))
    }
}

#[cfg(test)]
mod tests {
    use super::{Sorted, Tally};
    use crate::eval::steps::Steps;
    use crate::truth::{Reasons, Truth};
    use crate::verdict::Reason;

    #[test]
    fn what_was_counted_can_be_taken_out_again() {
        let dropped = Truth::Unknown(Reasons::of(Reason::Dropped));
        let both = Tally::of(Truth::True).plus(Tally::of(dropped));
        assert_eq!(both.reaches(2, Reasons::NONE), dropped);
        assert_eq!(both.reaches(1, Reasons::NONE), Truth::True);
        assert_eq!(both.less(Tally::of(dropped)).reaches(2, Reasons::NONE), Truth::False);
        let doubt = both.in_doubt(Reasons::of(Reason::ClockSkew));
        assert_eq!((doubt.certain, doubt.possible), (0, 2));
        assert_eq!(doubt.reasons(), Reasons::of(Reason::ClockSkew).and(Reasons::of(Reason::Dropped)));
        assert_eq!(Tally::of(Truth::False), Tally::default());
    }

    #[test]
    fn spans_are_counted_by_their_order() {
        let steps = Steps::new(u64::MAX);
        let sorted = Sorted::new([5, 1, 5, 9].into_iter().map(|n| (n, Tally::of(Truth::True))).collect(), &steps);
        assert_eq!([0, 1, 5, 6, 10].map(|n| sorted.below(n).certain), [0, 0, 1, 3, 4]);
        assert_eq!([0, 1, 5, 6, 10].map(|n| sorted.up_to(n).certain), [0, 1, 3, 3, 4]);
        assert_eq!(steps.all(), 4 * 3);
    }
}
