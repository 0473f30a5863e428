//! The traces of a shard: a slab whose places are used again, and a table that finds a place by trace id.

use super::trace::TraceState;

/// Traces in a chunk of the slab.
const CHUNK: usize = 256;

/// No place.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// A cell of the table: a part of the hash, and the place.
#[derive(Debug, Clone, Copy)]
struct Cell {
    tag: u32,
    place: u32,
}

const FREE: Cell = Cell { tag: 0, place: NOWHERE };

/// The least number of cells.
const FEWEST: usize = 64;

/// Traces by place and by id.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    /// Chunks of equal size, so that nothing moves when another trace begins.
    chunks: Vec<Vec<TraceState>>,
    free: Vec<u32>,
    cells: Vec<Cell>,
    len: usize,
}

impl Traces {
    /// How many traces there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The trace at a place.
    #[inline]
    pub(crate) fn get(&self, place: u32) -> Option<&TraceState> {
        self.chunks.get(place as usize / CHUNK)?.get(place as usize % CHUNK)
    }

    /// The trace at a place.
    #[inline]
    pub(crate) fn get_mut(&mut self, place: u32) -> Option<&mut TraceState> {
        self.chunks.get_mut(place as usize / CHUNK)?.get_mut(place as usize % CHUNK)
    }

    /// The place of a trace whose id has this keyed hash.
    #[inline]
    pub(crate) fn find(&self, tag: u32, id: &[u8; 16]) -> Option<u32> {
        let mask = self.cells.len().wrapping_sub(1);
        let mut at = tag as usize & mask;
        loop {
            let cell = self.cells.get(at)?;
            if cell.place == NOWHERE {
                return None;
            }
            if cell.tag == tag && self.get(cell.place).is_some_and(|trace| trace.id == *id) {
                return Some(cell.place);
            }
            at = (at + 1) & mask;
        }
    }

    /// Bytes by which another trace makes this grow.
    pub(crate) fn growth(&self) -> usize {
        let has_place = !self.free.is_empty() || self.chunks.last().is_some_and(|last| last.len() < CHUNK);
        let chunk = if has_place { 0 } else { CHUNK * size_of::<TraceState>() };
        let cells = if self.is_full() { self.cells.len().max(FEWEST) * size_of::<Cell>() } else { 0 };
        chunk + cells
    }

    /// Whether the table is full to four fifths.
    const fn is_full(&self) -> bool {
        (self.len + 1) * 5 > self.cells.len() * 4
    }

    /// Adds a trace that is not there yet.
    pub(crate) fn insert(&mut self, tag: u32, trace: TraceState) -> u32 {
        if self.is_full() {
            self.grow();
        }
        let place = match self.free.pop() {
            Some(place) => {
                if let Some(free) = self.get_mut(place) {
                    *free = trace;
                }
                place
            }
            None => {
                let place = self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len());
                if self.chunks.last().is_none_or(|last| last.len() == CHUNK) {
                    self.chunks.push(Vec::with_capacity(CHUNK));
                }
                if let Some(last) = self.chunks.last_mut() {
                    last.push(trace);
                }
                u32::try_from(place).unwrap_or(NOWHERE)
            }
        };
        self.len += 1;
        enter(&mut self.cells, Cell { tag, place });
        place
    }

    /// Takes a trace out; its place is free for the next one.
    pub(crate) fn remove(&mut self, tag: u32, place: u32) -> Option<TraceState> {
        let mask = self.cells.len().wrapping_sub(1);
        let mut at = tag as usize & mask;
        while self.cells.get(at)?.place != place {
            if self.cells.get(at)?.place == NOWHERE {
                return None;
            }
            at = (at + 1) & mask;
        }
        // What comes behind moves up, so that no search ends too early.
        let mut next = (at + 1) & mask;
        while let Some(cell) = self.cells.get(next).copied().filter(|cell| cell.place != NOWHERE) {
            let home = cell.tag as usize & mask;
            if next.wrapping_sub(home) & mask >= next.wrapping_sub(at) & mask {
                if let Some(hole) = self.cells.get_mut(at) {
                    *hole = cell;
                }
                at = next;
            }
            next = (next + 1) & mask;
        }
        if let Some(hole) = self.cells.get_mut(at) {
            *hole = FREE;
        }
        self.len -= 1;
        self.free.push(place);
        self.get_mut(place).map(std::mem::take)
    }

    fn grow(&mut self) {
        let size = (self.cells.len() * 2).max(FEWEST);
        let old = std::mem::replace(&mut self.cells, vec![FREE; size]);
        for cell in old.into_iter().filter(|cell| cell.place != NOWHERE) {
            enter(&mut self.cells, cell);
        }
    }

    /// Bytes held, without what the traces hold themselves.
    pub(crate) fn bytes(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<TraceState>()
            + self.chunks.capacity() * size_of::<Vec<TraceState>>()
            + self.free.capacity() * 4
            + self.cells.capacity() * size_of::<Cell>()
    }
}

fn enter(cells: &mut [Cell], cell: Cell) {
    let mask = cells.len().wrapping_sub(1);
    let mut at = cell.tag as usize & mask;
    while let Some(held) = cells.get_mut(at) {
        if held.place == NOWHERE {
            *held = cell;
            return;
        }
        at = (at + 1) & mask;
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::Traces;
    use crate::store::trace::TraceState;

    /// Few different tags, so that searches run into each other and around the end of the table.
    fn tag(n: u32) -> u32 {
        (n % 7).wrapping_mul(u32::MAX / 7)
    }

    fn trace(n: u32) -> TraceState {
        TraceState::new(u128::from(n).to_be_bytes(), 0, false, 0)
    }

    #[test]
    fn traces_are_found_by_id_while_others_come_and_go() {
        let mut traces = Traces::default();
        let mut places = Vec::new();
        for n in 0..500 {
            places.push(traces.insert(tag(n), trace(n)));
        }
        for n in (0..500).filter(|n| n % 3 == 0) {
            let removed = traces.remove(tag(n), places[n as usize]).expect("there");
            assert_eq!(removed.id, trace(n).id);
        }
        for n in 0..500 {
            let expected = (n % 3 != 0).then_some(places[n as usize]);
            assert_eq!(traces.find(tag(n), &trace(n).id), expected, "{n}");
        }
        let held = traces.bytes();
        for n in 500..600 {
            let place = traces.insert(tag(n), trace(n));
            assert!(places.contains(&place), "a free place is used again");
        }
        assert_eq!((traces.len(), traces.bytes()), (433, held));
    }

    #[test]
    fn the_header_has_the_size_that_the_budget_counts_with() {
        assert_eq!(size_of::<TraceState>(), 112);
    }
}
