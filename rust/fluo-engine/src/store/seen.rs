//! Which spans of a long trace have come.

/// The least number of cells.
const FEWEST: usize = 128;
/// Tells a hash from a free cell, which is 0.
const HELD: u64 = 1 << 63;

/// A set of keyed hashes of which 63 bits count: open addressing, full to three quarters.
#[derive(Debug, Default)]
pub(super) struct Seen {
    cells: Vec<u64>,
    len: usize,
}

impl Seen {
    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether a hash is in the set.
    pub(super) fn has(&self, print: u64) -> bool {
        self.cells.get(self.cell_of(print)).is_some_and(|cell| *cell != 0)
    }

    /// Adds a hash.
    pub(super) fn insert(&mut self, print: u64) {
        if (self.len + 1) * 4 > self.cells.len() * 3 {
            let size = (self.cells.len() * 2).max(FEWEST);
            let old = std::mem::replace(&mut self.cells, vec![0; size]);
            old.into_iter().filter(|cell| *cell != 0).for_each(|cell| self.put(cell));
        }
        if !self.has(print) {
            self.len += 1;
            self.put(print);
        }
    }

    fn put(&mut self, print: u64) {
        let at = self.cell_of(print);
        if let Some(cell) = self.cells.get_mut(at) {
            *cell = print | HELD;
        }
    }

    /// Where the hash is or would be.
    fn cell_of(&self, print: u64) -> usize {
        let mask = self.cells.len().wrapping_sub(1);
        // The lowest bit is no part of the hash.
        let mut at = (print >> 1) as usize & mask;
        while self.cells.get(at).is_some_and(|cell| *cell != 0 && *cell != print | HELD) {
            at = (at + 1) & mask;
        }
        at
    }

    /// Bytes that a set of so many takes at most.
    pub(super) fn at_most(len: usize) -> usize {
        let cells = (len + 1).saturating_mul(4).div_ceil(3).next_power_of_two().max(FEWEST);
        cells.saturating_mul(size_of::<u64>())
    }

    /// Bytes held.
    pub(super) const fn bytes(&self) -> usize {
        self.cells.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn what_was_inserted_is_there_and_nothing_else() {
        let mut seen = Seen::default();
        assert!(!seen.has(0));
        for print in (0..3000).step_by(3) {
            seen.insert(print);
            seen.insert(print);
        }
        assert!((0..3000).all(|print| seen.has(print) == (print % 3 == 0)));
        assert_eq!(seen.len, 1000);
    }
}
