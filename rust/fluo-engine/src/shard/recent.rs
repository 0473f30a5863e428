//! Keyed hashes of the latest spans that no trace holds: those beyond the limit of their trace, and the last of forgotten ones. So
//! that windows, which take every span whatever became of its trace, take none twice.

use std::collections::{HashSet, VecDeque};

use foldhash::fast::RandomState;

/// How many are remembered at most.
const CAPACITY: usize = 16_384;

/// One for so many bytes of the shard's budget.
const BUDGET: usize = 2048;

/// The latest such spans of a shard.
#[derive(Debug)]
pub(super) struct Recent {
    capacity: usize,
    ids: HashSet<u64, RandomState>,
    order: VecDeque<u64>,
}

impl Recent {
    /// Room that is small beside the shard's budget.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { capacity: (max_bytes / BUDGET).clamp(16, CAPACITY), ids: HashSet::default(), order: VecDeque::new() }
    }

    /// Remembers a span, in place of the oldest where there are too many; says whether it was not there.
    pub(super) fn add(&mut self, id: u64) -> bool {
        if !self.ids.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }

    /// Whether the span is remembered.
    pub(super) fn has(&self, id: u64) -> bool {
        self.ids.contains(&id)
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.ids.capacity() * 9 * 8 / 7 + self.order.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, Recent};

    #[test]
    fn the_oldest_makes_room() {
        let mut recent = Recent::new(usize::MAX);
        (0..=CAPACITY as u64).for_each(|n| assert!(recent.add(n) && !recent.add(n)));
        assert!(!recent.has(0) && recent.has(1) && recent.has(CAPACITY as u64));
    }
}
