//! The groups of a rule: a bounded table, which group was touched least recently, and when each is next due.
//!
//! The key of a group is held once, in its slot; the table holds slot numbers. A span costs its group a look into the table and one
//! into the slot, so short keys and the time of the last touch lie in the slot itself. The order of touches is made when it is asked
//! for, which is when room is needed: a heap of what is at least known of each group, put right from the top. Timers are entries of a
//! heap that may be out of date: a group remembers when it is really due, and an entry that says otherwise is skipped. Once there are
//! more such entries than groups they are dropped, and so are empty slots once they outnumber the others: what a flood of groups took
//! is given back when it is over. Every operation costs O(log n) of the groups that are there, amortised.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

/// Bytes of the longest key that lies in its slot.
const SHORT: usize = 22;

/// Timers and slots that are no use are kept while they are no more than this.
const FEW: usize = 64;

/// A group's key.
#[derive(Debug, PartialEq, Eq)]
enum Key {
    Short(u8, [u8; SHORT]),
    Long(Box<[u8]>),
}

impl Key {
    fn new(key: &[u8]) -> Self {
        let mut bytes = [0; SHORT];
        match (u8::try_from(key.len()), bytes.get_mut(..key.len())) {
            (Ok(len), Some(place)) => {
                place.copy_from_slice(key);
                Self::Short(len, bytes)
            }
            _ => Self::Long(key.into()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Short(len, bytes) => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Self::Long(bytes) => bytes,
        }
    }

    const fn heap_bytes(&self) -> usize {
        match self {
            Self::Short(..) => 0,
            Self::Long(bytes) => bytes.len(),
        }
    }
}

/// A group.
#[derive(Debug)]
struct Slot<G> {
    key: Key,
    /// When it was last touched, in touches of any group.
    touched: u64,
    due: u64,
    state: G,
}

/// The groups of a rule.
#[derive(Debug)]
pub(super) struct Groups<G> {
    table: HashTable<u32>,
    slots: Vec<Option<Slot<G>>>,
    free: Vec<u32>,
    /// Touches so far.
    touches: u64,
    /// Each group with a touch of it that may not be the last; made when it is asked for.
    order: Option<BinaryHeap<Reverse<(u64, u32)>>>,
    /// Entries of the order whose group is gone.
    stale: usize,
    timers: BinaryHeap<Reverse<(u64, u32)>>,
    hasher: RandomState,
    /// Bytes of the keys outside of the slots.
    key_bytes: usize,
}

impl<G> Default for Groups<G> {
    fn default() -> Self {
        Self {
            table: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            touches: 0,
            order: None,
            stale: 0,
            timers: BinaryHeap::new(),
            hasher: RandomState::default(),
            key_bytes: 0,
        }
    }
}

impl<G> Groups<G> {
    /// Bytes of a group in the table, without what its state holds outside of itself, and without a long key.
    pub(super) const BYTES: usize = size_of::<Option<Slot<G>>>() + 2 * (size_of::<u32>() + 1) + 2 * size_of::<Reverse<(u64, u32)>>();

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

    /// The slot of a group, which is touched by that.
    pub(super) fn find(&mut self, hash: u64, key: &[u8]) -> Option<u32> {
        // Short keys are compared as a whole, which takes no call.
        let key = Key::new(key);
        let at = *self.table.find(hash, |at| self.slot(*at).is_some_and(|slot| slot.key == key))?;
        self.touches += 1;
        let touches = self.touches;
        if let Some(slot) = self.slot_mut(at) {
            slot.touched = touches;
        }
        Some(at)
    }

    /// Puts in a group that is not there yet.
    pub(super) fn insert(&mut self, hash: u64, key: &[u8], state: G) -> u32 {
        self.touches += 1;
        let slot = Slot { key: Key::new(key), touched: self.touches, due: u64::MAX, state };
        self.key_bytes += slot.key.heap_bytes();
        let at = match self.free.pop() {
            Some(at) => {
                if let Some(place) = self.slots.get_mut(at as usize) {
                    *place = Some(slot);
                }
                at
            }
            None => {
                if self.slots.len() == self.slots.capacity() {
                    // Many rules have few groups, and large vectors move without being copied: no doubling.
                    self.slots.reserve_exact((self.slots.len() / 8).max(4));
                }
                self.slots.push(Some(slot));
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.table.insert_unique(hash, at, |at| hasher.hash_one(key_of(slots, *at)));
        if let Some(order) = &mut self.order {
            order.push(Reverse((self.touches, at)));
        }
        at
    }

    /// Takes a group out.
    pub(super) fn remove(&mut self, at: u32) -> Option<G> {
        let slot = self.slots.get_mut(at as usize)?.take()?;
        let hash = self.hasher.hash_one(slot.key.bytes());
        if let Ok(entry) = self.table.find_entry(hash, |other| *other == at) {
            entry.remove();
        }
        self.key_bytes -= slot.key.heap_bytes();
        self.free.push(at);
        if let Some(order) = &mut self.order {
            if order.peek().is_some_and(|Reverse((_, first))| *first == at) {
                order.pop();
            } else {
                self.stale += 1;
            }
            if self.stale > self.table.len() {
                self.order = None;
            }
        }
        Some(slot.state)
    }

    /// The group that was touched least recently.
    pub(super) fn least_recent(&mut self) -> Option<u32> {
        let slots = &self.slots;
        let stale = &mut self.stale;
        let order = self.order.get_or_insert_with(|| {
            *stale = 0;
            (0u32..).zip(slots).filter_map(|(at, slot)| Some(Reverse((slot.as_ref()?.touched, at)))).collect()
        });
        while let Some(Reverse((known, at))) = order.peek().copied() {
            match slots.get(at as usize).and_then(Option::as_ref).map(|slot| slot.touched) {
                Some(touched) if touched == known => return Some(at),
                touched => {
                    order.pop();
                    order.extend(touched.map(|touched| Reverse((touched, at))));
                }
            }
        }
        None
    }

    /// The slots in use among `count` places from one on, with the first after the last, but none twice, and the place after them.
    pub(super) fn some(&self, from: usize, count: usize) -> (Vec<u32>, usize) {
        let all = self.slots.len();
        let to = from + count.min(all);
        let places = (from..to).filter_map(|at| at.checked_rem(all)).filter(|at| self.slots.get(*at).is_some_and(Option::is_some));
        (places.filter_map(|at| u32::try_from(at).ok()).collect(), to.checked_rem(all).unwrap_or(0))
    }

    /// The number of places, used or free.
    pub(super) const fn places(&self) -> usize {
        self.slots.len()
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
            if self.timers.len() > 2 * self.table.len() + FEW {
                self.make_timers();
            }
        }
    }

    /// Makes the timers anew, one for each group that has one.
    fn make_timers(&mut self) {
        let due = (0u32..).zip(&self.slots).filter_map(|(at, slot)| slot.as_ref().map(|slot| Reverse((slot.due, at))));
        self.timers = due.filter(|Reverse((due, _))| *due != u64::MAX).collect();
    }

    /// Gives back the room of groups that are gone, once it is more than half; says whether it did: groups have other slots then.
    pub(super) fn tidy(&mut self) -> bool {
        if self.slots.len() <= 2 * self.table.len() + FEW {
            return false;
        }
        let slots: Vec<Option<Slot<G>>> = std::mem::take(&mut self.slots).into_iter().filter(Option::is_some).collect();
        self.slots = slots;
        self.slots.shrink_to_fit();
        self.free = Vec::new();
        self.order = None;
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.table = HashTable::with_capacity(slots.len());
        for (at, _) in (0u32..).zip(slots) {
            self.table.insert_unique(hasher.hash_one(key_of(slots, at)), at, |at| hasher.hash_one(key_of(slots, *at)));
        }
        self.make_timers();
        true
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
            + self.order.as_ref().map_or(0, BinaryHeap::capacity) * size_of::<Reverse<(u64, u32)>>()
            + self.timers.capacity() * size_of::<Reverse<(u64, u32)>>()
    }
}

fn key_of<G>(slots: &[Option<Slot<G>>], at: u32) -> &[u8] {
    slots.get(at as usize).and_then(Option::as_ref).map_or(&[], |slot| slot.key.bytes())
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
        touch(&mut groups, b"c");
        let order: Vec<u32> = std::iter::from_fn(|| groups.least_recent().and_then(|at| groups.remove(at))).collect();
        assert_eq!(order, [1, 4, 3]);
        assert_eq!(groups.len(), 0);
    }

    #[test]
    fn what_a_flood_of_groups_took_is_given_back() {
        let mut groups = Groups::default();
        let mut kept = 0;
        for n in 0..100_000u32 {
            let at = put(&mut groups, &n.to_be_bytes(), n);
            groups.wake(at, u64::from(n) + 1_000_000);
            if n == 50 {
                kept = n;
            } else if n > 1_000
                && let Some(first) = groups.least_recent()
            {
                groups.remove(first);
                touch(&mut groups, &kept.to_be_bytes());
            }
            assert!(groups.timers.len() <= 2 * (groups.len() + 1) + super::FEW, "{} timers", groups.timers.len());
        }
        let full = groups.bytes();
        while groups.len() > 1 {
            let first = groups.least_recent().expect("a group");
            groups.remove(first);
        }
        groups.tidy();
        assert!(groups.bytes() < full / 50, "{} of {full} bytes", groups.bytes());
        let at = touch(&mut groups, &kept.to_be_bytes()).expect("the group that was touched again and again");
        assert_eq!((groups.get(at).copied(), groups.due_before(u64::MAX)), (Some(kept), Some(at)));
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
