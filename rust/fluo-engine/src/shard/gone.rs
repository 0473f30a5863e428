//! Keyed hashes of the ids of forgotten traces.

use std::collections::{HashSet, VecDeque};

use foldhash::fast::RandomState;

/// How many ids are remembered at most; a straggler of an older trace is told by its age.
const CAPACITY: usize = 16_384;

/// One id for so many bytes of the shard's budget.
const BUDGET: usize = 1024;

/// The latest forgotten traces of a shard.
#[derive(Debug)]
pub(super) struct Gone {
    capacity: usize,
    ids: HashSet<u64, RandomState>,
    order: VecDeque<u64>,
}

impl Gone {
    /// Room for ids that is small beside the shard's budget.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { capacity: (max_bytes / BUDGET).clamp(16, CAPACITY), ids: HashSet::default(), order: VecDeque::new() }
    }

    /// Remembers a trace, in place of the oldest where there are too many.
    pub(super) fn add(&mut self, id: u64) {
        if !self.ids.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }

    /// Whether the trace was forgotten lately.
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
    use super::{CAPACITY, Gone};

    #[test]
    fn the_oldest_makes_room() {
        let mut gone = Gone::new(usize::MAX);
        (0..=CAPACITY as u64).for_each(|n| gone.add(n));
        assert!(!gone.has(0) && gone.has(1) && gone.has(CAPACITY as u64));
    }
}
