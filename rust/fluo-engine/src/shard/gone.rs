//! What is remembered of forgotten traces: that they were, what was told of them, and whether they were whole.

use std::collections::{HashMap, HashSet, VecDeque};

use foldhash::fast::RandomState;

use crate::truth::Reasons;

/// How many traces are remembered at most; a straggler of an older one is told by its age.
const CAPACITY: usize = 65_536;

/// One trace for so many bytes of the shard's budget.
const BUDGET: usize = 1024;

/// Facts remembered of one trace at most. One more would be told twice, with the same id.
const FACTS: usize = 64;

/// What is remembered of a forgotten trace.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Why its verdicts may have been inconclusive.
    pub(super) losses: Reasons,
    /// Keyed hashes of the rules and groups of which a violation was told and stands.
    #[expect(clippy::box_collection, reason = "most traces have none, and 8 bytes say so")]
    told: Option<Box<Vec<u64>>>,
}

impl Past {
    /// Whether a violation was told.
    pub(super) fn was_told(&self, fact: u64) -> bool {
        self.told.as_ref().is_some_and(|told| told.contains(&fact))
    }
}

/// The latest forgotten traces of a shard.
#[derive(Debug)]
pub(super) struct Gone {
    capacity: usize,
    ids: HashSet<u64, RandomState>,
    /// Those of which a violation was told.
    pasts: HashMap<u64, Past, RandomState>,
    order: VecDeque<u64>,
    /// Bytes of what was told.
    told_bytes: usize,
}

impl Gone {
    /// Room for traces that is small beside the shard's budget.
    pub(super) fn new(max_bytes: usize) -> Self {
        let capacity = (max_bytes / BUDGET).clamp(16, CAPACITY);
        Self { capacity, ids: HashSet::default(), pasts: HashMap::default(), order: VecDeque::new(), told_bytes: 0 }
    }

    /// Remembers a trace by the keyed hash of its id, in place of the oldest where there are too many. What strays tell of one that is
    /// remembered already adds to what is known.
    pub(super) fn add(&mut self, id: u64, losses: Reasons, told: impl Iterator<Item = u64>) {
        if self.ids.insert(id) {
            self.order.push_back(id);
            if self.order.len() > self.capacity
                && let Some(oldest) = self.order.pop_front()
            {
                self.ids.remove(&oldest);
                if let Some(Past { told: Some(told), .. }) = self.pasts.remove(&oldest) {
                    self.told_bytes -= bytes_of(&told);
                }
            }
        }
        let mut told = told.peekable();
        if told.peek().is_none() {
            return;
        }
        let past = self.pasts.entry(id).or_insert_with(|| Past { losses, told: None });
        for fact in told {
            let list = past.told.get_or_insert_with(|| {
                self.told_bytes += size_of::<Vec<u64>>();
                Box::default()
            });
            if list.len() < FACTS && !list.contains(&fact) {
                let held = list.capacity();
                list.push(fact);
                self.told_bytes += (list.capacity() - held) * size_of::<u64>();
            }
        }
    }

    /// What is remembered of a trace that was forgotten lately.
    pub(super) fn get(&self, id: u64) -> Option<&Past> {
        static NOTHING: Past = Past { losses: Reasons::NONE, told: None };
        self.pasts.get(&id).or_else(|| self.ids.contains(&id).then_some(&NOTHING))
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        let ids = self.ids.capacity() * (size_of::<u64>() + 1) * 8 / 7;
        let pasts = self.pasts.capacity() * (size_of::<(u64, Past)>() + 1) * 8 / 7;
        ids + pasts + self.order.capacity() * 8 + self.told_bytes
    }
}

fn bytes_of(told: &Vec<u64>) -> usize {
    size_of::<Vec<u64>>() + told.capacity() * size_of::<u64>()
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, FACTS, Gone};
    use crate::truth::Reasons;

    #[test]
    fn the_oldest_makes_room() {
        let mut gone = Gone::new(usize::MAX);
        (0..=CAPACITY as u64).for_each(|n| gone.add(n, Reasons::NONE, std::iter::empty()));
        assert!(gone.get(0).is_none() && gone.get(1).is_some() && gone.get(CAPACITY as u64).is_some());
    }

    #[test]
    fn what_was_told_is_remembered_within_bounds_and_forgotten_with_its_trace() {
        let mut gone = Gone::new(0);
        let held = |gone: &Gone| gone.told_bytes;
        for n in 0..1_000 {
            gone.add(n, Reasons::NONE, 0..10);
            gone.add(n, Reasons::NONE, 5..1_000);
        }
        let past = gone.get(999);
        assert!(past.is_some_and(|past| past.was_told(0) && past.was_told(FACTS as u64 - 1) && !past.was_told(999)));
        assert!(held(&gone) <= 16 * (FACTS * 8 * 2 + 24));
        (0..16).for_each(|n| gone.add(5_000 + n, Reasons::NONE, std::iter::empty()));
        assert_eq!(held(&gone), 0);
    }
}
