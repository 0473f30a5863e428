//! Numbers of calls and resources that a batch has met before: they never change, so that threads need not meet at a lock for them.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// Numbers that are remembered at most; then all are forgotten and asked for again.
const MOST: usize = 4_096;

/// Numbers by the keyed hashes of what they stand for.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    of: HashMap<u64, u32, RandomState>,
}

impl Numbers {
    /// The number for a hash: the remembered one, else the one that is asked for; nothing is remembered of what has none.
    pub(crate) fn get(&mut self, hash: u64, ask: impl FnOnce() -> Option<u32>) -> Option<u32> {
        if let Some(number) = self.of.get(&hash) {
            return Some(*number);
        }
        let number = ask()?;
        if self.of.len() >= MOST {
            self.of.clear();
        }
        self.of.insert(hash, number);
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Numbers};

    #[test]
    fn what_is_known_is_not_asked_for_and_room_is_bounded() {
        let mut numbers = Numbers::default();
        assert_eq!(numbers.get(7, || None), None);
        assert_eq!(numbers.get(7, || Some(1)), Some(1));
        assert_eq!(numbers.get(7, || panic!("known")), Some(1));
        for hash in 0..2 * MOST as u64 {
            numbers.get(hash, || Some(0));
        }
        assert!(numbers.of.len() <= MOST);
    }
}
