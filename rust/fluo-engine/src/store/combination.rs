//! Combinations of selectors, each held once: spans of one kind satisfy the same selectors.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::record::NO_COMBINATION;
use crate::truth::{Reasons, Truth};
use crate::verdict::Reason;

/// A selector that is not false on a span. Selectors that are false are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Pick {
    pub(crate) selector: u32,
    pub(crate) fit: Fit,
}

/// How a selector fits a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Fit {
    Yes,
    /// Unknown because something was dropped.
    Dropped,
    /// Unknown because of a bad time.
    BadTime,
}

impl Fit {
    /// The fit of a truth value; `None` for false.
    pub(crate) const fn of(truth: Truth) -> Option<Self> {
        match truth {
            Truth::True => Some(Self::Yes),
            Truth::False | Truth::NotApplicable => None,
            // Where both are why, the loss is what a rule may want to hear of.
            Truth::Unknown(why) if why.bits() == Reasons::of(Reason::BadTime).bits() => Some(Self::BadTime),
            Truth::Unknown(_) => Some(Self::Dropped),
        }
    }

    /// The truth value.
    pub(crate) const fn truth(self) -> Truth {
        match self {
            Self::Yes => Truth::True,
            Self::Dropped => Truth::Unknown(Reasons::of(Reason::Dropped)),
            Self::BadTime => Truth::Unknown(Reasons::of(Reason::BadTime)),
        }
    }
}

/// Interned combinations of one plan in one shard. Each is held as long as some record has it: attributes that a sender chooses make as
/// many combinations as there are sets of selectors.
#[derive(Debug, Default)]
pub(crate) struct Combinations {
    ids: HashMap<Arc<[Pick]>, u32, RandomState>,
    held: Vec<Held>,
    /// Ids that no record has any more.
    free: Vec<u32>,
    /// Bytes of the picks.
    bytes: usize,
}

/// A combination and how many records have it.
#[derive(Debug)]
struct Held {
    picks: Arc<[Pick]>,
    records: u32,
}

/// What a combination costs beside its picks: its place in the table and the counts before the picks.
const OVERHEAD: usize = 64;

impl Combinations {
    /// The id of a combination; picks are in ascending order. Whether a record has it is [counted](Combinations::count) next.
    pub(crate) fn intern(&mut self, picks: &[Pick]) -> u32 {
        // Most spans interest nobody: theirs is the combination that is not held.
        if picks.is_empty() {
            return NO_COMBINATION;
        }
        if let Some(id) = self.ids.get(picks) {
            return *id;
        }
        let held = Held { picks: picks.into(), records: 0 };
        let shared = Arc::clone(&held.picks);
        let id = match self.free.pop() {
            Some(id) => {
                if let Some(place) = self.held.get_mut(id as usize) {
                    *place = held;
                }
                id
            }
            None => {
                let id = u32::try_from(self.held.len()).unwrap_or(NO_COMBINATION);
                if id >= NO_COMBINATION {
                    return NO_COMBINATION;
                }
                self.held.push(held);
                id
            }
        };
        self.bytes += size_of_val(picks);
        self.ids.insert(shared, id);
        id
    }

    /// A record has the combination, or none came to have it.
    pub(crate) fn count(&mut self, id: u32, is_new: bool) {
        match self.held.get_mut(id as usize) {
            Some(held) if is_new => held.records += 1,
            Some(held) if held.records == 0 => self.release(id),
            _ => {}
        }
    }

    /// A record that had the combination is gone.
    pub(crate) fn release(&mut self, id: u32) {
        let Some(held) = self.held.get_mut(id as usize) else { return };
        held.records = held.records.saturating_sub(1);
        if held.records > 0 || held.picks.is_empty() {
            return;
        }
        let picks = std::mem::replace(&mut held.picks, Arc::new([]));
        self.bytes -= size_of_val(&*picks);
        self.ids.remove(&picks);
        self.free.push(id);
        if self.ids.is_empty() {
            *self = Self::default();
        }
    }

    /// The picks of a combination.
    pub(crate) fn picks(&self, id: u32) -> &[Pick] {
        self.held.get(id as usize).map_or(&[], |held| &held.picks)
    }

    /// How a selector fits the spans of a combination.
    pub(crate) fn fit(&self, id: u32, selector: u32) -> Truth {
        let picks = self.picks(id);
        match picks.binary_search_by_key(&selector, |p| p.selector) {
            Ok(at) => picks.get(at).map_or(Truth::False, |p| p.fit.truth()),
            Err(_) => Truth::False,
        }
    }

    /// Bytes held.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes + self.held.capacity() * OVERHEAD
    }
}

#[cfg(test)]
mod tests {
    use super::{Combinations, Fit, Pick};
    use crate::store::record::NO_COMBINATION;
    use crate::truth::Truth;

    #[test]
    fn equal_combinations_are_held_once_and_absent_selectors_are_false() {
        let mut combinations = Combinations::default();
        let picks = [Pick { selector: 1, fit: Fit::Yes }, Pick { selector: 4, fit: Fit::Dropped }];
        let id = combinations.intern(&picks);
        assert_eq!(combinations.intern(&picks), id);
        assert_ne!(combinations.intern(&picks[..1]), id);
        assert_eq!(combinations.fit(id, 1), Truth::True);
        assert_eq!(combinations.fit(id, 2), Truth::False);
        assert!(matches!(combinations.fit(id, 4), Truth::Unknown(_)));
    }

    #[test]
    fn what_no_record_has_any_more_is_given_up() {
        let mut combinations = Combinations::default();
        let of = |selector| [Pick { selector, fit: Fit::Yes }];
        let kept = combinations.intern(&of(0));
        combinations.count(kept, true);
        combinations.count(kept, true);
        let held = combinations.bytes();
        for selector in 1..1_000 {
            let id = combinations.intern(&of(selector));
            combinations.count(id, true);
            assert_eq!(combinations.fit(id, selector), Truth::True);
            combinations.release(id);
            assert_eq!(combinations.fit(id, selector), Truth::False);
        }
        assert_eq!(combinations.bytes(), held, "one place is used again");
        combinations.release(kept);
        assert_eq!(combinations.fit(kept, 0), Truth::True, "another record has it");
        combinations.release(kept);
        assert_eq!(combinations.bytes(), 0);
        combinations.release(NO_COMBINATION);
        let unused = combinations.intern(&of(1));
        combinations.count(unused, false);
        assert_eq!(combinations.bytes(), 0, "no record came to have it");
    }
}
