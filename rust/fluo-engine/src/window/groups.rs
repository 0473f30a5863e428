//! The groups of a rule: a bounded table, the order in which groups were last touched, and when each is next due.
//!
//! The key of a group is held once, in its slot; the table holds slot numbers. Timers are entries of a heap that may be out of date: a
//! group remembers when it is really due, and an entry that says otherwise is skipped.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

/// No slot.
const NONE: u32 = u32::MAX;

/// A group and its place in the order of use.
#[derive(Debug)]
struct Slot<G> {
    key: Box<[u8]>,
    /// The group that was touched before this one.
    older: u32,
    /// The group that was touched after this one.
    newer: u32,
    due: u64,
    state: G,
}

/// The groups of a rule.
#[derive(Debug)]
pub(super) struct Groups<G> {
    table: HashTable<u32>,
    slots: Vec<Option<Slot<G>>>,
    free: Vec<u32>,
    oldest: u32,
    newest: u32,
    timers: BinaryHeap<Reverse<(u64, u32)>>,
    hasher: RandomState,
    /// Bytes of the keys.
    key_bytes: usize,
}

impl<G> Default for Groups<G> {
    fn default() -> Self {
        Self {
            table: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            oldest: NONE,
            newest: NONE,
            timers: BinaryHeap::new(),
            hasher: RandomState::default(),
            key_bytes: 0,
        }
    }
}

impl<G> Groups<G> {
    /// Bytes of a group in the table, without its key and what its state holds outside of itself.
    pub(super) const BYTES: usize = size_of::<Option<Slot<G>>>() + 2 * (size_of::<u32>() + 1) + size_of::<Reverse<(u64, u32)>>();

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    fn slot(&self, at: u32) -> Option<&Slot<G>> {
        self.slots.get(at as usize)?.as_ref()
    }

    fn slot_mut(&mut self, at: u32) -> Option<&mut Slot<G>> {
        self.slots.get_mut(at as usize)?.as_mut()
    }

    /// The keyed hash of a group's key.
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The slot of a group, which becomes the newest.
    pub(super) fn find(&mut self, hash: u64, key: &[u8]) -> Option<u32> {
        let slots = &self.slots;
        let at = *self.table.find(hash, |at| key_of(slots, *at) == key)?;
        if self.newest != at {
            self.unlink(at);
            self.link(at);
        }
        Some(at)
    }

    /// Puts in a group that is not there yet.
    pub(super) fn insert(&mut self, hash: u64, key: &[u8], state: G) -> u32 {
        let slot = Some(Slot { key: key.into(), older: NONE, newer: NONE, due: u64::MAX, state });
        let at = match self.free.pop() {
            Some(at) => {
                if let Some(place) = self.slots.get_mut(at as usize) {
                    *place = slot;
                }
                at
            }
            None => {
                self.slots.push(slot);
                u32::try_from(self.slots.len() - 1).unwrap_or(NONE)
            }
        };
        self.key_bytes += key.len();
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.table.insert_unique(hash, at, |at| hasher.hash_one(key_of(slots, *at)));
        self.link(at);
        at
    }

    /// Takes a group out.
    pub(super) fn remove(&mut self, at: u32) -> Option<G> {
        self.unlink(at);
        let slot = self.slots.get_mut(at as usize)?.take()?;
        let hash = self.hasher.hash_one(&*slot.key);
        if let Ok(entry) = self.table.find_entry(hash, |other| *other == at) {
            entry.remove();
        }
        self.key_bytes -= slot.key.len();
        self.free.push(at);
        Some(slot.state)
    }

    fn link(&mut self, at: u32) {
        let before = self.newest;
        if let Some(slot) = self.slot_mut(at) {
            (slot.older, slot.newer) = (before, NONE);
        }
        match self.slot_mut(before) {
            Some(slot) => slot.newer = at,
            None => self.oldest = at,
        }
        self.newest = at;
    }

    fn unlink(&mut self, at: u32) {
        let Some((older, newer)) = self.slot(at).map(|slot| (slot.older, slot.newer)) else {
            return;
        };
        match self.slot_mut(older) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
        match self.slot_mut(newer) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
    }

    /// The group that was touched least recently.
    pub(super) fn least_recent(&self) -> Option<u32> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    pub(super) fn key(&self, at: u32) -> &[u8] {
        key_of(&self.slots, at)
    }

    pub(super) fn get(&self, at: u32) -> Option<&G> {
        self.slot(at).map(|slot| &slot.state)
    }

    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut G> {
        self.slot_mut(at).map(|slot| &mut slot.state)
    }

    /// Every slot in use.
    pub(super) fn all(&self) -> impl Iterator<Item = (u32, &G)> {
        (0u32..).zip(&self.slots).filter_map(|(at, slot)| Some((at, &slot.as_ref()?.state)))
    }

    /// Wakes the group at this event time, unless it wakes earlier.
    pub(super) fn wake(&mut self, at: u32, due: u64) {
        if let Some(slot) = self.slot_mut(at)
            && due < slot.due
        {
            slot.due = due;
            self.timers.push(Reverse((due, at)));
        }
    }

    /// The next group that is due before this event time.
    pub(super) fn due_before(&mut self, time: u64) -> Option<u32> {
        while let Some(Reverse((due, at))) = self.timers.peek().copied()
            && due < time
        {
            self.timers.pop();
            if let Some(slot) = self.slot_mut(at).filter(|slot| slot.due == due) {
                slot.due = u64::MAX;
                return Some(at);
            }
        }
        None
    }

    /// Bytes held, without what the states hold outside of themselves.
    pub(super) fn bytes(&self) -> usize {
        self.key_bytes
            + self.slots.capacity() * size_of::<Option<Slot<G>>>()
            + self.table.allocation_size()
            + self.free.capacity() * size_of::<u32>()
            + self.timers.capacity() * size_of::<Reverse<(u64, u32)>>()
    }
}

fn key_of<G>(slots: &[Option<Slot<G>>], at: u32) -> &[u8] {
    slots.get(at as usize).and_then(Option::as_ref).map_or(&[], |slot| &slot.key)
}

#[cfg(test)]
mod tests {
    use super::Groups;

    fn put(groups: &mut Groups<u32>, key: &[u8], state: u32) -> u32 {
        let hash = groups.hash(key);
        groups.insert(hash, key, state)
    }

    fn touch(groups: &mut Groups<u32>, key: &[u8]) -> Option<u32> {
        let hash = groups.hash(key);
        groups.find(hash, key)
    }

    #[test]
    fn the_least_recently_touched_is_the_first_to_go() {
        let mut groups = Groups::default();
        for (key, state) in [(b"a", 1), (b"b", 2), (b"c", 3)] {
            put(&mut groups, key, state);
        }
        touch(&mut groups, b"a");
        let first = groups.least_recent().expect("three groups");
        assert_eq!((groups.key(first).to_vec(), groups.remove(first)), (b"b".to_vec(), Some(2)));
        assert_eq!(touch(&mut groups, b"b"), None);
        put(&mut groups, b"d", 4);
        let order: Vec<u32> = std::iter::from_fn(|| groups.least_recent().and_then(|at| groups.remove(at))).collect();
        assert_eq!(order, [3, 1, 4]);
        assert_eq!(groups.len(), 0);
    }

    #[test]
    fn a_timer_that_was_set_anew_rings_once() {
        let mut groups = Groups::default();
        let (a, b) = (put(&mut groups, b"a", 1), put(&mut groups, b"b", 2));
        groups.wake(a, 50);
        groups.wake(a, 20);
        groups.wake(a, 90);
        groups.wake(b, 30);
        assert_eq!(groups.due_before(20), None);
        assert_eq!((groups.due_before(60), groups.due_before(60), groups.due_before(60)), (Some(a), Some(b), None));
    }
}
