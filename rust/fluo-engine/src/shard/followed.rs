//! What a shard holds for the rule sets that its traces follow.

use std::collections::HashMap;
use std::sync::Arc;

use super::InUse;
use crate::generation::Generation;

/// Rule sets by their place, which traces name; places are used again.
#[derive(Debug, Default)]
pub(super) struct Followed {
    places: Vec<Option<InUse>>,
}

impl Followed {
    pub(super) fn get(&self, place: usize) -> Option<&InUse> {
        self.places.get(place)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut InUse> {
        self.places.get_mut(place)?.as_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &InUse> {
        self.places.iter().flatten()
    }

    /// The place of a generation, which has one from now on.
    pub(super) fn place(&mut self, generation: &Arc<Generation>) -> Option<u16> {
        let is_it = |held: &Option<InUse>| held.as_ref().is_some_and(|in_use| Arc::ptr_eq(&in_use.generation, generation));
        let known = self.places.iter().position(is_it);
        let place = known.or_else(|| self.places.iter().position(Option::is_none)).unwrap_or(self.places.len());
        let number = u16::try_from(place).ok()?;
        if place == self.places.len() {
            self.places.push(None);
        }
        self.places.get_mut(place)?.get_or_insert_with(|| InUse::new(generation));
        Some(number)
    }

    /// Gives up what was held for rule sets that no trace follows and no new one will. What they counted of a rule counts for the rule
    /// of the same name.
    pub(super) fn release(&mut self, current: &Arc<Generation>, rules: &HashMap<&str, usize>) {
        let is_gone = |in_use: &InUse| in_use.traces == 0 && !Arc::ptr_eq(&in_use.generation, current);
        let gone: Vec<InUse> = self.places.iter_mut().filter_map(|place| place.take_if(|in_use| is_gone(in_use))).collect();
        if gone.is_empty() {
            return;
        }
        let Some(in_use) = self.place(current).and_then(|place| self.get_mut(usize::from(place))) else { return };
        for old in &gone {
            for (name, tally) in old.tallies() {
                let tally_of = name.and_then(|name| rules.get(name)).and_then(|rule| in_use.tallies.get_mut(*rule));
                if let Some(tally_of) = tally_of {
                    tally_of.join(&tally);
                }
            }
        }
        while self.places.pop_if(|place| place.is_none()).is_some() {}
    }
}
