//! Numbers of calls and resources that a batch has met before: they never change, so that threads need not meet at a lock for them.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// Numbers that are remembered at most; then all are forgotten and asked for again.
const MOST: usize = 4_096;

/// Numbers by the keyed hashes of what they stand for.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    of: HashMap<u64, Option<u32>, RandomState>,
    misses: u64,
}

impl Numbers {
    /// The number for a hash: the remembered one, else the one that is asked for. That there is none is remembered too: a table that
    /// had no room once never has.
    pub(crate) fn get(&mut self, hash: u64, ask: impl FnOnce() -> Option<u32>) -> Option<u32> {
        let number = match self.of.get(&hash) {
            Some(number) => *number,
            None => {
                let number = ask();
                if self.of.len() >= MOST {
                    self.of.clear();
                }
                self.of.insert(hash, number);
                number
            }
        };
        self.misses += u64::from(number.is_none());
        number
    }

    /// How often there was no number since this was asked last.
    pub(crate) fn take_misses(&mut self) -> u64 {
        std::mem::take(&mut self.misses)
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Numbers};

    #[test]
    fn what_is_known_is_not_asked_for_and_room_is_bounded() {
        let mut numbers = Numbers::default();
        assert_eq!(numbers.get(7, || Some(1)), Some(1));
        assert_eq!(numbers.get(7, || panic!("known")), Some(1));
        assert_eq!(numbers.get(8, || None), None);
        assert_eq!(numbers.get(8, || panic!("known to have none")), None);
        assert_eq!((numbers.take_misses(), numbers.take_misses()), (2, 0));
        for hash in 0..2 * MOST as u64 {
            numbers.get(hash, || Some(0));
        }
        assert!(numbers.of.len() <= MOST);
    }
}
