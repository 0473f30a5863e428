//! Ids of forgotten traces.

use std::collections::{HashSet, VecDeque};

use foldhash::quality::RandomState;

/// How many ids are remembered at most; a straggler of an older trace is told by its age.
const CAPACITY: usize = 16_384;

/// One id for so many bytes of the shard's budget.
const BUDGET: usize = 1024;

/// The latest forgotten traces of a shard.
#[derive(Debug)]
pub(super) struct Gone {
    capacity: usize,
    ids: HashSet<[u8; 16], RandomState>,
    order: VecDeque<[u8; 16]>,
}

impl Gone {
    /// Room for ids that is small beside the shard's budget.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { capacity: (max_bytes / BUDGET).clamp(16, CAPACITY), ids: HashSet::default(), order: VecDeque::new() }
    }

    /// Remembers a trace, in place of the oldest where there are too many.
    pub(super) fn add(&mut self, id: [u8; 16]) {
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
    pub(super) fn has(&self, id: &[u8; 16]) -> bool {
        self.ids.contains(id)
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.ids.capacity() * 17 + self.order.capacity() * 16
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, Gone};

    #[test]
    fn the_oldest_makes_room() {
        let id = |n: usize| (n as u128).to_be_bytes();
        let mut gone = Gone::new(usize::MAX);
        (0..=CAPACITY).for_each(|n| gone.add(id(n)));
        assert!(!gone.has(&id(0)) && gone.has(&id(1)) && gone.has(&id(CAPACITY)));
    }
}
