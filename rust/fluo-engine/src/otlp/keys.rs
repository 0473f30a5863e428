//! From attribute keys to slots.

use std::collections::BTreeSet;

use crate::projection::{EMITTER_KEYS, Projection};

/// The attributes that are read by name, each with a dense slot, separately for spans, resources and scopes.
#[derive(Debug, Clone)]
pub struct KeyTable {
    pub(super) span: Keys,
    pub(super) resource: Keys,
    pub(super) scope: Keys,
    /// Whether events are read, so that damage in one is damage of the span.
    pub(super) events: bool,
    /// Whether links are read.
    pub(super) links: bool,
}

impl KeyTable {
    /// The table of what a projection carries; resources always have the slots of [`EMITTER_KEYS`].
    #[must_use]
    pub fn new(projection: &Projection) -> Self {
        Self::beside(projection, &[])
    }

    /// The same beside other tables: a key that one of them has is in the same slot here, and no slot of theirs has another key here. So
    /// [`KeyTable::union`] serves all of them.
    pub(crate) fn beside(projection: &Projection, others: &[&Self]) -> Self {
        let mut resource = projection.resource.keys.clone();
        resource.extend(EMITTER_KEYS.map(str::to_owned));
        let keys = |keys: &BTreeSet<String>, all: bool, of: fn(&Self) -> &Keys| {
            let others: Vec<&Keys> = others.iter().map(|table| of(table)).collect();
            Keys::new(place(keys, &others), all)
        };
        Self {
            span: keys(&projection.span.keys, projection.span.all, |table| &table.span),
            resource: keys(&resource, projection.resource.all, |table| &table.resource),
            scope: keys(&projection.scope.keys, projection.scope.all, |table| &table.scope),
            events: projection.event.is_some(),
            links: projection.link.is_some(),
        }
    }

    /// The keys of tables that were made beside each other, each in the slot that it has there.
    pub(crate) fn union(tables: &[&Self]) -> Self {
        let keys = |of: fn(&Self) -> &Keys| {
            let all: Vec<&Keys> = tables.iter().map(|table| of(table)).collect();
            let mut slots = Vec::new();
            for (slot, key) in all.iter().flat_map(|keys| keys.entered()) {
                put(&mut slots, slot, key);
            }
            Keys::new(slots, all.iter().any(|keys| keys.all))
        };
        Self {
            span: keys(|table| &table.span),
            resource: keys(|table| &table.resource),
            scope: keys(|table| &table.scope),
            events: tables.iter().any(|table| table.events),
            links: tables.iter().any(|table| table.links),
        }
    }

    /// The slot of a span attribute.
    #[must_use]
    pub fn span_slot(&self, key: &str) -> Option<usize> {
        self.span.slot(key.as_bytes())
    }

    /// The slot of a resource attribute.
    #[must_use]
    pub fn resource_slot(&self, key: &str) -> Option<usize> {
        self.resource.slot(key.as_bytes())
    }

    /// The slot of a scope attribute.
    #[must_use]
    pub fn scope_slot(&self, key: &str) -> Option<usize> {
        self.scope.slot(key.as_bytes())
    }

    /// The number of span slots, with those that belong to other tables.
    #[must_use]
    pub fn span_slots(&self) -> usize {
        self.span.len()
    }

    /// The number of resource slots.
    #[must_use]
    pub fn resource_slots(&self) -> usize {
        self.resource.len()
    }

    /// The number of scope slots.
    #[must_use]
    pub fn scope_slots(&self) -> usize {
        self.scope.len()
    }
}

/// A fixed set of keys, looked up by bytes.
///
/// Open addressing at a load of at most a quarter, under the seed with the fewest collisions. Only keys of rules are entered, so
/// nobody outside can lengthen a probe.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    /// By slot; one that another table uses has none here.
    keys: Vec<Option<Box<[u8]>>>,
    /// By length, the last for all from 63 on: one bit for each class of first bytes that keys of this length have.
    starts: [u8; 64],
    table: Vec<Entry>,
    seed: u64,
    /// Whether attributes under other keys are read too.
    pub(super) all: bool,
}

/// A cell of the table; `slot` is [`FREE`] where nothing was entered.
#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u32,
    slot: u32,
}

const FREE: u32 = u32::MAX;
/// Seeds that are tried for a table.
const SEEDS: u64 = 64;

impl Keys {
    fn new(keys: Vec<Option<Box<[u8]>>>, all: bool) -> Self {
        let mut starts = [if all { u8::MAX } else { 0 }; 64];
        for key in keys.iter().flatten() {
            if let Some(classes) = starts.get_mut(key.len().min(63)) {
                *classes |= class(key);
            }
        }
        let cells = (keys.len() * 4).next_power_of_two();
        let mut best: Option<(usize, u64, Vec<Entry>)> = None;
        for attempt in 1..=SEEDS {
            let seed = attempt.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let (collisions, table) = fill(&keys, cells, seed);
            if best.as_ref().is_none_or(|(fewest, _, _)| collisions < *fewest) {
                best = Some((collisions, seed, table));
            }
            if collisions == 0 {
                break;
            }
        }
        let (_, seed, table) = best.unwrap_or_default();
        Self { keys, starts, table, seed, all }
    }

    /// Whether nothing at all is read here.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && !self.all
    }

    /// The number of slots.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The keys with their slots.
    fn entered(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.keys.iter().enumerate().filter_map(|(slot, key)| Some((slot, &**key.as_ref()?)))
    }

    /// Whether attributes under this key may be read at all: a quick look that spares most keys the search for their slot.
    #[inline(always)]
    pub(super) fn may_read(&self, key: &[u8]) -> bool {
        self.starts.get(key.len().min(63)).is_some_and(|classes| classes & class(key) != 0)
    }

    #[inline]
    pub(super) fn slot(&self, key: &[u8]) -> Option<usize> {
        if !self.may_read(key) {
            return None;
        }
        let hash = hash(key, self.seed);
        let mask = self.table.len().wrapping_sub(1);
        let mut cell = hash as usize & mask;
        loop {
            let entry = self.table.get(cell)?;
            if entry.slot == FREE {
                return None;
            }
            if entry.hash == hash && self.keys.get(entry.slot as usize).is_some_and(|k| k.as_deref() == Some(key)) {
                return Some(entry.slot as usize);
            }
            cell = (cell + 1) & mask;
        }
    }
}

/// Keys by slot: those that another table has in its slot there, the others in the first ones that nobody uses.
fn place(keys: &BTreeSet<String>, others: &[&Keys]) -> Vec<Option<Box<[u8]>>> {
    let mut slots = Vec::new();
    let used: BTreeSet<usize> = others.iter().flat_map(|other| other.entered()).map(|(slot, _)| slot).collect();
    let mut free = (0..).filter(|slot| !used.contains(slot));
    for key in keys.iter().map(|key| key.as_bytes()) {
        let known = others.iter().find_map(|other| other.slot(key));
        if let Some(slot) = known.or_else(|| free.next()) {
            put(&mut slots, slot, key);
        }
    }
    slots
}

fn put(slots: &mut Vec<Option<Box<[u8]>>>, slot: usize, key: &[u8]) {
    if slots.len() <= slot {
        slots.resize(slot + 1, None);
    }
    if let Some(place) = slots.get_mut(slot) {
        *place = Some(key.into());
    }
}

fn fill(keys: &[Option<Box<[u8]>>], cells: usize, seed: u64) -> (usize, Vec<Entry>) {
    let mut table = vec![Entry { hash: 0, slot: FREE }; cells];
    let mut collisions = 0;
    for (slot, key) in (0..FREE).zip(keys).filter_map(|(slot, key)| Some((slot, key.as_ref()?))) {
        let hash = hash(key, seed);
        let mut cell = hash as usize & (cells - 1);
        while let Some(entry) = table.get_mut(cell) {
            if entry.slot == FREE {
                *entry = Entry { hash, slot };
                break;
            }
            collisions += 1;
            cell = (cell + 1) & (cells - 1);
        }
    }
    (collisions, table)
}

/// One bit for the class of the first byte.
#[inline(always)]
fn class(key: &[u8]) -> u8 {
    1 << (key.first().copied().unwrap_or_default() & 7)
}

/// Mixes the length, the first and the last eight bytes, in which attribute keys differ.
#[inline]
fn hash(key: &[u8], seed: u64) -> u32 {
    let (head, tail) = if let (Some(head), Some(tail)) = (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        (u64::from_le_bytes(*head), u64::from_le_bytes(*tail))
    } else {
        (key.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte)), 0)
    };
    let mixed = (head ^ seed).wrapping_mul(0xff51_afd7_ed55_8ccd) ^ tail ^ key.len() as u64;
    let mixed = mixed.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    // The upper half is the well-mixed one.
    (mixed >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::{KeyTable, Keys};
    use crate::projection::{KeySet, Projection};

    fn projection(keys: &[&str]) -> Projection {
        Projection { span: KeySet { all: false, keys: keys.iter().map(|key| (*key).to_owned()).collect() }, ..Projection::default() }
    }

    fn slots(table: &Keys) -> Vec<(usize, &[u8])> {
        table.entered().collect()
    }

    #[test]
    fn tables_beside_each_other_agree_on_every_slot() {
        let first = KeyTable::new(&projection(&["a", "c", "e"]));
        let second = KeyTable::beside(&projection(&["b", "c", "d"]), &[&first]);
        let third = KeyTable::beside(&projection(&["b", "f"]), &[&first, &second]);
        let all = KeyTable::union(&[&first, &second, &third]);
        for table in [&first, &second, &third] {
            for (slot, key) in table.span.entered() {
                assert_eq!((all.span.slot(key), table.span.slot(key)), (Some(slot), Some(slot)));
            }
            assert_eq!(slots(&table.resource), slots(&first.resource));
        }
        assert_eq!((all.span.entered().count(), second.span_slot("a"), third.span_slot("c")), (6, None, None));
    }

    #[test]
    fn slots_of_tables_that_are_gone_are_used_again() {
        let mut last = KeyTable::new(&projection(&["a", "b", "c"]));
        for n in 0..100 {
            let keys = [format!("x{n}"), format!("y{n}"), "c".to_owned()];
            last = KeyTable::beside(&projection(&keys.each_ref().map(String::as_str)), &[&last]);
            assert_eq!(last.span_slot("c"), Some(2));
        }
        assert!(last.span_slots() <= 5, "{}", last.span_slots());
    }
}
