//! Ids of forgotten traces.

use std::collections::{HashSet, VecDeque};

/// How many ids are remembered; a straggler of an older trace is told by its age.
const CAPACITY: usize = 16_384;

/// The latest forgotten traces of a shard.
#[derive(Debug, Default)]
pub(super) struct Gone {
    ids: HashSet<[u8; 16]>,
    order: VecDeque<[u8; 16]>,
}

impl Gone {
    /// Remembers a trace, in place of the oldest where there are too many.
    pub(super) fn add(&mut self, id: [u8; 16]) {
        if !self.ids.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > CAPACITY
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
        let mut gone = Gone::default();
        (0..=CAPACITY).for_each(|n| gone.add(id(n)));
        assert!(!gone.has(&id(0)) && gone.has(&id(1)) && gone.has(&id(CAPACITY)));
    }
}
