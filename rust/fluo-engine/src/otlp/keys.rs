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
        let mut resource = projection.resource.keys.clone();
        resource.extend(EMITTER_KEYS.map(str::to_owned));
        Self {
            span: Keys::new(&projection.span.keys, projection.span.all),
            resource: Keys::new(&resource, projection.resource.all),
            scope: Keys::new(&projection.scope.keys, projection.scope.all),
            events: projection.event.is_some(),
            links: projection.link.is_some(),
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

    /// The number of span slots.
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
    keys: Vec<Box<[u8]>>,
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
    fn new(keys: &BTreeSet<String>, all: bool) -> Self {
        let keys: Vec<Box<[u8]>> = keys.iter().map(|key| key.as_bytes().into()).collect();
        let mut starts = [if all { u8::MAX } else { 0 }; 64];
        for key in &keys {
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

    pub(super) fn len(&self) -> usize {
        self.keys.len()
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
            if entry.hash == hash && self.keys.get(entry.slot as usize).is_some_and(|k| **k == *key) {
                return Some(entry.slot as usize);
            }
            cell = (cell + 1) & mask;
        }
    }
}

fn fill(keys: &[Box<[u8]>], cells: usize, seed: u64) -> (usize, Vec<Entry>) {
    let mut table = vec![Entry { hash: 0, slot: FREE }; cells];
    let mut collisions = 0;
    for (slot, key) in (0..FREE).zip(keys) {
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
