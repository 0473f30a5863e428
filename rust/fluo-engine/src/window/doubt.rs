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
    use super::{Doubt, Forgotten, could_break};
    use crate::truth::Reasons;
    use crate::verdict::Reason;

    #[test]
    fn doubtful_spans_count_where_they_could_tip_the_scale() {
        let dropped = Reasons::of(Reason::Dropped);
        let doubt = |end| Doubt { end, count: 1, why: dropped };
        assert_eq!(could_break([10, 20].into_iter(), &[doubt(30)], 3, 60), dropped);
        assert_eq!(could_break([10, 20].into_iter(), &[doubt(70)], 3, 60), Reasons::NONE);
        assert_eq!(could_break([10].into_iter(), &[Doubt { count: 2, ..doubt(30) }], 3, 60), dropped);
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
