//! Spans of which it is not known whether they count in a window: attributes were dropped, or their group was forgotten.

use super::keys::Whereabouts;
use crate::store::combination::Fit;
use crate::truth::{Reasons, Truth};

/// Spans that may count, with the end of the latest of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Doubt {
    pub(super) end: u64,
    pub(super) count: u32,
    pub(super) why: Reasons,
}

/// A span that may be in several groups.
#[derive(Debug, Clone)]
pub(super) struct Stray {
    pub(super) doubt: Doubt,
    pub(super) whereabouts: Whereabouts,
}

/// Spans that may be in several groups, in the order of their ends.
#[derive(Debug, Default)]
pub(super) struct Strays {
    list: Vec<Stray>,
    /// Windows that end before this instant may hold strays that were dropped for want of room.
    shed_until: u64,
    /// Why they may.
    shed_why: Reasons,
}

impl Strays {
    /// Puts one in its place. Of more than `most` the earlier half becomes one doubt about every window of this width that may hold one
    /// of them.
    pub(super) fn add(&mut self, stray: Stray, most: usize, width: u64) {
        let place = self.list.partition_point(|s| s.doubt.end <= stray.doubt.end);
        self.list.insert(place, stray);
        if self.list.len() > most {
            for gone in self.list.drain(..most.div_ceil(2)) {
                self.shed_until = self.shed_until.max(gone.doubt.end.saturating_add(width));
                self.shed_why = self.shed_why.and(gone.doubt.why);
            }
        }
    }

    /// Forgets those that ended so early.
    pub(super) fn forget(&mut self, mut is_gone: impl FnMut(u64) -> bool) {
        let gone = self.list.partition_point(|s| is_gone(s.doubt.end));
        self.list.drain(..gone);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Those that may be in the group with this key.
    pub(super) fn of_group<'s>(&'s self, key: &'s [u8]) -> impl Iterator<Item = &'s Doubt> {
        self.list.iter().filter(|stray| stray.whereabouts.may_be_in(key)).map(|stray| &stray.doubt)
    }

    /// Why the windows of a group that begins here may hold more than is known.
    pub(super) fn lacks(&self, first_end: u64) -> Reasons {
        if first_end < self.shed_until { self.shed_why } else { Reasons::NONE }
    }

    /// Until when windows of a group that begins here may hold more than is known.
    pub(super) const fn lacks_until(&self, first_end: u64) -> u64 {
        if first_end < self.shed_until { self.shed_until } else { 0 }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.list.capacity() * size_of::<Stray>()
    }
}

/// Why a span that fits so may not count.
pub(super) const fn why(fit: Fit) -> Reasons {
    match fit.truth() {
        Truth::Unknown(why) => why,
        _ => Reasons::NONE,
    }
}

/// Whether the certain ends and the doubtful ones could make `least` in one window of this width, and why that is in doubt.
/// Both lists are sorted.
pub(super) fn could_break(certain: impl Iterator<Item = u64>, doubts: &[Doubt], least: usize, width: u64) -> Reasons {
    let mut all: Vec<(u64, usize, Reasons)> = certain.map(|end| (end, 1, Reasons::NONE)).collect();
    all.extend(doubts.iter().map(|doubt| (doubt.end, doubt.count as usize, doubt.why)));
    all.sort_unstable_by_key(|(end, _, _)| *end);
    let mut found = Reasons::NONE;
    let (mut first, mut count) = (0, 0usize);
    for (at, (end, many, _)) in all.iter().enumerate() {
        count += many;
        while let Some((start, leaving, _)) = all.get(first)
            && end - start >= width
        {
            count -= leaving;
            first += 1;
        }
        if count >= least {
            let why = all.get(first..=at).unwrap_or_default().iter().fold(Reasons::NONE, |why, (_, _, more)| why.and(*more));
            found = found.and(why);
        }
    }
    found
}

/// The first instant from `t` on at whose window the certain ends and the doubtful ones together make less than `least`: until then a
/// claim that was violated may still be.
pub(super) fn undecided_until(certain: impl Iterator<Item = u64>, doubts: &[Doubt], least: usize, width: u64, t: u64) -> u64 {
    let mut all: Vec<(u64, usize)> = certain.map(|end| (end, 1)).collect();
    all.extend(doubts.iter().map(|doubt| (doubt.end, doubt.count as usize)));
    all.sort_unstable_by_key(|(end, _)| *end);
    let mut t = t;
    let mut out = all.partition_point(|(end, _)| end.saturating_add(width) <= t);
    let mut inside = all.partition_point(|(end, _)| *end <= t);
    let mut count: usize = all.get(out..inside).unwrap_or_default().iter().map(|(_, many)| many).sum();
    while count >= least {
        let leaves = all.get(out).map(|(end, _)| end.saturating_add(width));
        let comes = all.get(inside).map(|(end, _)| *end);
        let Some(next) = leaves.into_iter().chain(comes).min() else { break };
        t = next;
        while let Some((_, many)) = all.get(inside).filter(|(end, _)| *end <= t) {
            count += many;
            inside += 1;
        }
        while let Some((_, many)) = all.get(out).filter(|(end, _)| end.saturating_add(width) <= t) {
            count -= many;
            out += 1;
        }
    }
    t
}

/// How many spans the groups that were forgotten had, by a few thousand hashed places: each bounds from above what a group that comes
/// back may have lost (Space-Saving, Metwally, Agrawal and El Abbadi 2005, with the error told apart by places).
#[derive(Debug, Default)]
pub(super) struct Forgotten {
    places: Vec<Doubt>,
}

/// Places; a group whose place is empty lost nothing.
const PLACES: usize = 4096;

impl Forgotten {
    fn place(hash: u64) -> usize {
        usize::try_from(hash >> 32).unwrap_or(0) % PLACES
    }

    /// Takes note of a group that is forgotten with so many spans.
    pub(super) fn add(&mut self, hash: u64, end: u64, count: usize) {
        if self.places.is_empty() {
            self.places = vec![Doubt { end: 0, count: 0, why: Reasons::NONE }; PLACES];
        }
        if let Some(place) = self.places.get_mut(Self::place(hash)) {
            place.end = place.end.max(end);
            place.count = place.count.max(u32::try_from(count).unwrap_or(u32::MAX));
            place.why = Reasons::of(crate::verdict::Reason::Cardinality);
        }
    }

    /// What a group with this hash may have lost that ended after `since`.
    pub(super) fn lost(&self, hash: u64, since: u64) -> Option<Doubt> {
        self.places.get(Self::place(hash)).copied().filter(|lost| lost.count > 0 && lost.end > since)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.places.capacity() * size_of::<Doubt>()
    }
}

#[cfg(test)]
mod tests {
    use super::{Doubt, Forgotten, Stray, Strays, could_break, undecided_until};
    use crate::truth::Reasons;
    use crate::verdict::Reason;
    use crate::window::keys::Whereabouts;

    #[test]
    fn doubtful_spans_count_where_they_could_tip_the_scale() {
        let dropped = Reasons::of(Reason::Dropped);
        let doubt = |end| Doubt { end, count: 1, why: dropped };
        assert_eq!(could_break([10, 20].into_iter(), &[doubt(30)], 3, 60), dropped);
        assert_eq!(could_break([10, 20].into_iter(), &[doubt(70)], 3, 60), Reasons::NONE);
        assert_eq!(could_break([10].into_iter(), &[Doubt { count: 2, ..doubt(30) }], 3, 60), dropped);
    }

    #[test]
    fn what_was_violated_is_undecided_while_doubtful_spans_could_make_it_so() {
        let doubt = |end| Doubt { end, count: 1, why: Reasons::of(Reason::Dropped) };
        let until = |doubts: &[Doubt], t| undecided_until([10, 20, 30].into_iter(), doubts, 3, 60, t);
        assert_eq!(until(&[], 70), 70);
        assert_eq!(until(&[doubt(40)], 70), 80);
        assert_eq!(until(&[doubt(40), doubt(75)], 70), 90);
        assert_eq!(until(&[doubt(100)], 70), 70);
    }

    #[test]
    fn of_too_many_strays_the_earlier_half_is_one_doubt() {
        let dropped = Reasons::of(Reason::Dropped);
        let mut strays = Strays::default();
        for end in [40, 10, 30, 20] {
            strays.add(Stray { doubt: Doubt { end, count: 1, why: dropped }, whereabouts: Whereabouts::default() }, 4, 60);
        }
        assert_eq!(strays.lacks(0), Reasons::NONE);
        strays.add(Stray { doubt: Doubt { end: 50, count: 1, why: dropped }, whereabouts: Whereabouts::default() }, 4, 60);
        assert_eq!(strays.list.iter().map(|stray| stray.doubt.end).collect::<Vec<_>>(), [30, 40, 50]);
        assert_eq!((strays.lacks(79), strays.lacks(80)), (dropped, Reasons::NONE));
    }

    #[test]
    fn a_group_that_comes_back_is_told_what_it_may_have_lost() {
        let mut forgotten = Forgotten::default();
        assert_eq!(forgotten.lost(1 << 40, 0), None);
        forgotten.add(1 << 40, 100, 4);
        assert_eq!(forgotten.lost(1 << 40, 50).map(|lost| (lost.end, lost.count)), Some((100, 4)));
        assert_eq!(forgotten.lost(1 << 40, 100), None);
        assert_eq!(forgotten.lost(1 << 41, 50), None);
    }
}
