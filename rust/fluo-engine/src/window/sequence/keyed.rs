//! Spans found by the values that they must have in common with another.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::RangeInclusive;

use foldhash::quality::RandomState;

use crate::eval::groups::combine;
use crate::expr::read::Read;
use crate::value::Val;

/// A span's place in the order of ends: its end and its slot.
pub(super) type At = (u64, u32);

/// Combinations of list elements that a span is found by at most; one with more is found by none and compared with all.
const COMBINATIONS: usize = 256;

/// What a span is found by.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Keying {
    /// A value is missing: it has nothing in common with any span.
    Missing,
    /// The key of each combination of its values.
    Known(Vec<Box<[u8]>>),
    /// Not all of its values are known, or they are too many: it has to be compared.
    Stray,
}

impl Keying {
    /// What a span with these values is found by.
    pub(super) fn of<'r>(reads: impl Iterator<Item = &'r Read<'static>>) -> Self {
        let mut values: Vec<&Val<'_>> = Vec::new();
        let (mut combinations, mut is_stray) = (1usize, false);
        for read in reads {
            match &read.value {
                Some(value) if read.unknown.is_empty() => {
                    combinations = combinations.saturating_mul(value.each().len());
                    values.push(value);
                }
                None if read.unknown.is_empty() => return Self::Missing,
                _ => is_stray = true,
            }
        }
        if is_stray || combinations > COMBINATIONS {
            return Self::Stray;
        }
        Self::Known(combine(&values).into_iter().map(|group| group.key).collect())
    }
}

/// Spans by key, each list sorted by end.
#[derive(Debug, Default)]
pub(super) struct Keyed {
    lists: HashMap<Box<[u8]>, VecDeque<At>, RandomState>,
    strays: BTreeSet<At>,
    bytes: usize,
}

/// What a list in the table costs beside its entries and its key.
pub(super) const LIST: usize = size_of::<(Box<[u8]>, VecDeque<At>)>() + 4 * size_of::<At>();

impl Keyed {
    pub(super) fn insert(&mut self, keying: &Keying, at: At) {
        match keying {
            Keying::Missing => {}
            Keying::Stray => {
                self.strays.insert(at);
            }
            Keying::Known(keys) => {
                for key in keys {
                    if !self.lists.contains_key(key) {
                        self.bytes += LIST + key.len();
                        self.lists.insert(key.clone(), VecDeque::new());
                    }
                    if let Some(list) = self.lists.get_mut(key) {
                        let place = if list.back().is_none_or(|last| *last < at) { list.len() } else { list.partition_point(|e| *e < at) };
                        list.insert(place, at);
                        self.bytes += size_of::<At>();
                    }
                }
            }
        }
    }

    pub(super) fn remove(&mut self, keying: &Keying, at: At) {
        match keying {
            Keying::Missing => {}
            Keying::Stray => {
                self.strays.remove(&at);
            }
            Keying::Known(keys) => {
                for key in keys {
                    let Some(list) = self.lists.get_mut(key) else { continue };
                    let place = list.partition_point(|e| *e < at);
                    if list.get(place) == Some(&at) {
                        list.remove(place);
                        self.bytes -= size_of::<At>();
                    }
                    if list.is_empty() {
                        self.lists.remove(key);
                        self.bytes -= LIST + key.len();
                    }
                }
            }
        }
    }

    /// The spans that end in the range and may have a key in common with one that is found so, sorted, each once. `all` are those of
    /// the whole place.
    pub(super) fn near<'k>(
        &'k self,
        keying: &Keying,
        all: &'k BTreeSet<At>,
        ends: &RangeInclusive<u64>,
    ) -> Box<dyn Iterator<Item = u32> + 'k> {
        let range = (*ends.start(), 0)..=(*ends.end(), u32::MAX);
        if range.is_empty() {
            return Box::new(std::iter::empty());
        }
        let lists: Vec<&VecDeque<At>> = match keying {
            Keying::Missing => return Box::new(std::iter::empty()),
            Keying::Stray => return Box::new(all.range(range).map(|(_, slot)| *slot)),
            Keying::Known(keys) => keys.iter().filter_map(|key| self.lists.get(key)).collect(),
        };
        let of_list = |list: &'k VecDeque<At>| {
            let (first, last) = (list.partition_point(|e| e < range.start()), list.partition_point(|e| e <= range.end()));
            list.range(first..last)
        };
        match lists.as_slice() {
            [] if self.strays.is_empty() => Box::new(std::iter::empty()),
            [list] if self.strays.is_empty() => Box::new(of_list(list).map(|(_, slot)| *slot)),
            lists => {
                let found: BTreeSet<At> =
                    lists.iter().flat_map(|list| of_list(list)).chain(self.strays.range(range.clone())).copied().collect();
                Box::new(found.into_iter().map(|(_, slot)| slot))
            }
        }
    }

    /// How many different keys there are.
    pub(super) fn len(&self) -> usize {
        self.lists.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Keyed, Keying};
    use crate::expr::read::Read;
    use crate::truth::Reasons;
    use crate::value::Val;
    use crate::verdict::Reason;

    fn keying(values: &[i64]) -> Keying {
        Keying::of([Read::present(Val::List(values.iter().map(|v| Val::Int(*v)).collect()))].iter())
    }

    #[test]
    fn spans_are_found_by_any_common_element_and_once() {
        let (mut keyed, all) = (Keyed::default(), BTreeSet::new());
        for (at, values) in [((10, 0), [1, 2]), ((20, 1), [2, 3]), ((15, 2), [1, 2])] {
            keyed.insert(&keying(&values), at);
        }
        let near = |keyed: &Keyed, values: &[i64], ends| keyed.near(&keying(values), &all, &ends).collect::<Vec<_>>();
        assert_eq!(near(&keyed, &[1, 2], 0..=99), [0, 2, 1]);
        assert_eq!(near(&keyed, &[3], 0..=99), [1]);
        assert_eq!(near(&keyed, &[2], 11..=19), [2]);
        for (at, values) in [((10, 0), [1, 2]), ((20, 1), [2, 3]), ((15, 2), [1, 2])] {
            keyed.remove(&keying(&values), at);
        }
        assert_eq!((keyed.len(), keyed.bytes()), (0, 0));
    }

    #[test]
    fn what_may_have_a_value_is_compared_and_what_has_none_is_not() {
        let dropped = Read::unknown(Reasons::of(Reason::Dropped));
        assert_eq!(Keying::of([dropped.clone()].iter()), Keying::Stray);
        assert_eq!(Keying::of([dropped, Read::MISSING].iter()), Keying::Missing);
        assert_eq!(keying(&[]), Keying::Known(Vec::new()));
        assert_eq!(keying(&(0..300).collect::<Vec<_>>()), Keying::Stray);
    }
}
