//! Memory of forgotten traces for the next ones: lists of a few sizes, so that a trace that grows moves from one to the next larger
//! without asking the allocator.

/// Sizes of lists, in units: 1, 2, then steps of 4 up to 32 and of 8 up to 64. Longer lists grow by an eighth and are not pooled.
const SIZES: [usize; 14] = [1, 2, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64];

/// The least of [`SIZES`] that has room for so many units, by its place.
const fn size_for(units: usize) -> Option<usize> {
    match units {
        0..=1 => Some(0),
        2 => Some(1),
        3..=32 => Some(1 + units.div_ceil(4)),
        33..=64 => Some(5 + units.div_ceil(8)),
        _ => None,
    }
}

/// Lists of one size that are kept at most.
const KEPT: usize = 128;

/// Lists of one type that nobody uses at the moment.
#[derive(Debug)]
pub(crate) struct Pool<T> {
    /// Elements in a unit.
    unit: usize,
    /// Units of the smallest list.
    least: usize,
    free: [Vec<Vec<T>>; SIZES.len()],
    /// Elements that the free lists have room for.
    room: usize,
}

impl<T> Pool<T> {
    pub(crate) fn new(unit: usize) -> Self {
        Self { unit, least: 1, free: [const { Vec::new() }; SIZES.len()], room: 0 }
    }

    /// The same with lists of two units at least: for what rarely stays alone.
    pub(crate) fn of_pairs(unit: usize) -> Self {
        Self { least: 2, ..Self::new(unit) }
    }

    /// Makes room for further elements in a list.
    #[inline]
    pub(crate) fn make_room(&mut self, list: &mut Vec<T>, more: usize) {
        if list.capacity() - list.len() < more {
            self.grow(list, more);
        }
    }

    #[inline(never)]
    fn grow(&mut self, list: &mut Vec<T>, more: usize) {
        let wanted = list.len() + more;
        let Some(size) = size_for(wanted.div_ceil(self.unit).max(self.least)) else {
            list.reserve_exact(more.max(list.len() / 8));
            return;
        };
        let mut larger = match self.free.get_mut(size).and_then(Vec::pop) {
            Some(list) => {
                self.room -= list.capacity();
                list
            }
            None => Vec::with_capacity(SIZES.get(size).map_or(wanted, |size| size * self.unit)),
        };
        larger.append(list);
        self.give(std::mem::replace(list, larger));
    }

    /// Moves a list that needs little of its room to the least size that it fits, with room for one more.
    pub(crate) fn shrink(&mut self, list: &mut Vec<T>) {
        if list.len() * 4 < list.capacity() && list.capacity() > SIZES.first().map_or(0, |size| size * self.unit) {
            let mut smaller = Vec::new();
            self.make_room(&mut smaller, list.len() + 1);
            smaller.append(list);
            self.give(std::mem::replace(list, smaller));
        }
    }

    /// Takes a list back.
    pub(crate) fn give(&mut self, mut list: Vec<T>) {
        let capacity = list.capacity();
        let size = size_for(capacity / self.unit).filter(|size| SIZES.get(*size).is_some_and(|size| size * self.unit == capacity));
        let Some(free) = size.and_then(|size| self.free.get_mut(size)) else { return };
        if free.len() < KEPT {
            list.clear();
            self.room += capacity;
            free.push(list);
        }
    }

    /// Gives everything back to the allocator.
    pub(crate) fn clear(&mut self) {
        *self = Self { least: self.least, ..Self::new(self.unit) };
    }

    /// Bytes held in free lists.
    pub(crate) fn bytes(&self) -> usize {
        self.room * size_of::<T>() + self.free.iter().map(Vec::capacity).sum::<usize>() * size_of::<Vec<T>>()
    }
}

/// Elements that a list of so many may have room for.
pub(crate) fn most_room(len: usize, unit: usize) -> usize {
    let pooled = SIZES.iter().map(|size| size * unit).find(|size| *size >= len.max(2 * unit));
    if len == 0 { 0 } else { pooled.unwrap_or(len.saturating_add(len / 8)) }
}

#[cfg(test)]
mod tests {
    use super::Pool;

    #[test]
    fn the_least_size_with_room_is_taken() {
        for units in 0..=65 {
            assert_eq!(super::size_for(units), super::SIZES.iter().position(|size| *size >= units), "{units}");
        }
    }

    #[test]
    fn a_list_grows_through_the_sizes_and_its_memory_is_used_again() {
        let mut pool = Pool::new(1);
        let mut list = Vec::new();
        let mut sizes = Vec::new();
        for n in 0..100 {
            pool.make_room(&mut list, 1);
            list.push(n);
            if sizes.last() != Some(&list.capacity()) {
                sizes.push(list.capacity());
            }
        }
        assert_eq!(sizes, [1, 2, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 72, 81, 91, 102]);
        assert!(list.iter().copied().eq(0..100));
        let held = pool.bytes();
        let mut other: Vec<i32> = Vec::new();
        pool.make_room(&mut other, 9);
        assert_eq!((other.capacity(), pool.bytes()), (12, held - 12 * 4));
        pool.give(other);
        assert_eq!(pool.bytes(), held);
    }
}
