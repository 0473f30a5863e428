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

/// Interned combinations of one plan in one shard.
#[derive(Debug, Default)]
pub(crate) struct Combinations {
    ids: HashMap<Arc<[Pick]>, u32, RandomState>,
    picks: Vec<Arc<[Pick]>>,
    bytes: usize,
}

impl Combinations {
    /// The id of a combination; picks are in ascending order.
    pub(crate) fn intern(&mut self, picks: &[Pick]) -> u32 {
        // Most spans interest nobody: theirs is the combination that is not held.
        if picks.is_empty() {
            return NO_COMBINATION;
        }
        if let Some(id) = self.ids.get(picks) {
            return *id;
        }
        let id = u32::try_from(self.picks.len()).unwrap_or(NO_COMBINATION).min(NO_COMBINATION);
        let shared: Arc<[Pick]> = picks.into();
        self.bytes += size_of_val(picks) + 64;
        self.picks.push(Arc::clone(&shared));
        self.ids.insert(shared, id);
        id
    }

    /// The picks of a combination.
    pub(crate) fn picks(&self, id: u32) -> &[Pick] {
        self.picks.get(id as usize).map_or(&[], |p| p)
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
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{Combinations, Fit, Pick};
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
}
