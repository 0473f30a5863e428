//! Where the attributes that are read by name lie.

use std::cell::Cell;

use super::value::{self, AnyValueRef};
use super::wire::Place;

/// What a slot holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Held {
    /// The value of a plain pair.
    Value(Place),
    /// A pair that takes the general reading.
    Pair(Place),
}

/// Where the attributes of the key table lie in the message, for one span, resource or scope at a time.
///
/// Each slot carries the stamp of what it was filled for, so that nothing has to be cleared between spans. The cells let views
/// share the memory that the next span will be read into.
#[derive(Debug, Default)]
pub(super) struct Slots {
    stamp: Cell<u32>,
    slots: Vec<Cell<(u32, Held)>>,
}

/// What no stamp is equal to while it is in use.
const NEVER: (u32, Held) = (0, Held::Value(Place::NOWHERE));

impl Slots {
    /// Forgets everything and makes room for `len` slots.
    pub(super) fn resize(&mut self, len: usize) {
        self.slots.resize(len, Cell::new(NEVER));
        self.clear();
    }

    /// Forgets everything.
    #[inline]
    pub(super) fn clear(&self) {
        let stamp = self.stamp.get().wrapping_add(1);
        self.stamp.set(stamp);
        if stamp == 0 {
            self.slots.iter().for_each(|slot| slot.set(NEVER));
            self.stamp.set(1);
        }
    }

    /// Fills a slot; `false` where an earlier pair fills it already.
    #[inline]
    pub(super) fn fill(&self, slot: usize, held: Held) -> bool {
        let stamp = self.stamp.get();
        let free = self.slots.get(slot).filter(|cell| cell.get().0 != stamp);
        if let Some(cell) = free {
            cell.set((stamp, held));
        }
        free.is_some()
    }

    #[inline]
    pub(super) fn value<'a>(&self, slot: usize, message: &'a [u8]) -> Option<AnyValueRef<'a>> {
        match self.slots.get(slot)?.get() {
            (stamp, _) if stamp != self.stamp.get() => None,
            (_, Held::Value(place)) => value::value(place.read(message), value::TOP).ok(),
            (_, Held::Pair(place)) => value::key_value(place.read(message), value::TOP).ok().map(|(_, value)| value),
        }
    }
}
