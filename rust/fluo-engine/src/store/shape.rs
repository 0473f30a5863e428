//! What the parents of a trace's spans say about its completeness.

/// What the parents say about a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Spans without parent.
    pub(crate) roots: u32,
    /// Spans whose parent has not come.
    pub(crate) orphans: u32,
    /// Server and consumer spans among them.
    pub(crate) entry_orphans: u32,
    /// Whether parents run in a circle.
    pub(crate) cycle: bool,
}

impl Shape {
    /// Whether the root has come and no parent is missing.
    pub(crate) const fn is_closed(&self) -> bool {
        self.roots > 0 && self.orphans == 0
    }

    /// Whether the only span on top is a server or consumer span whose parent has not come: its parent lies outside.
    pub(crate) const fn has_lone_top(&self) -> bool {
        self.roots == 0 && self.orphans == 1 && self.entry_orphans == 1
    }

    /// Whether the parents show that spans were lost.
    pub(crate) const fn shows_gap(&self) -> bool {
        self.orphans > 0 || self.roots != 1 || self.cycle
    }
}

/// A span as the shape sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    /// The span's id, or what is kept of it.
    pub(crate) id: u64,
    /// The same of its parent; `None` for a root.
    pub(crate) parent: Option<u64>,
    /// Keyed hashes of both.
    pub(crate) hash: u32,
    pub(crate) parent_hash: u32,
    /// Whether it is a server or consumer span.
    pub(crate) is_entry: bool,
}

/// No span.
pub(crate) const NOBODY: u32 = u32::MAX;

/// Memory to find parents with, used again for every trace.
#[derive(Debug, Default)]
pub(crate) struct Parents {
    links: Vec<Link>,
    /// Open addressing over the places of spans, shifted by one; 0 is free.
    cells: Vec<u32>,
    /// By place: the parent's place, or [`NOBODY`].
    of: Vec<u32>,
    marks: Vec<u32>,
}

impl Parents {
    /// Finds the parent of each span. Spans without parent are counted as `roots` beforehand.
    pub(crate) fn find(&mut self, links: impl Iterator<Item = Link>, roots: u32) -> Shape {
        self.links.clear();
        self.links.extend(links);
        let size = (self.links.len() * 2).next_power_of_two();
        self.cells.clear();
        self.cells.resize(size, 0);
        for (link, place) in self.links.iter().zip(1..) {
            let mut cell = link.hash as usize & (size - 1);
            while let Some(held) = self.cells.get_mut(cell) {
                if *held == 0 {
                    *held = place;
                    break;
                }
                cell = (cell + 1) & (size - 1);
            }
        }
        let mut shape = Shape { roots, orphans: 0, entry_orphans: 0, cycle: false };
        self.of.clear();
        let mut later = false;
        for (link, at) in self.links.iter().zip(0u32..) {
            let parent = link.parent.map_or(NOBODY, |parent| {
                let found = place(&self.links, &self.cells, parent, link.parent_hash);
                shape.orphans += u32::from(found == NOBODY);
                shape.entry_orphans += u32::from(found == NOBODY && link.is_entry);
                found
            });
            later |= parent != NOBODY && parent >= at;
            self.of.push(parent);
        }
        // Where every parent came before its child nothing runs in a circle.
        shape.cycle = later && has_cycle(&self.of, &mut self.marks);
        shape
    }

    /// The parents found last, by place.
    pub(crate) fn places(&self) -> &[u32] {
        &self.of
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.links.capacity() * size_of::<Link>() + (self.cells.capacity() + self.of.capacity() + self.marks.capacity()) * 4
    }
}

fn place(links: &[Link], cells: &[u32], id: u64, hash: u32) -> u32 {
    let mask = cells.len().wrapping_sub(1);
    let mut cell = hash as usize & mask;
    while let Some(place) = cells.get(cell).and_then(|held| held.checked_sub(1)) {
        if links.get(place as usize).is_some_and(|link| link.id == id) {
            return place;
        }
        cell = (cell + 1) & mask;
    }
    NOBODY
}

/// Whether parents run in a circle. Each walk upwards marks its spans with its number and ends at the top or at a span that is marked:
/// with the same number where it has met itself.
fn has_cycle(parents: &[u32], marks: &mut Vec<u32>) -> bool {
    marks.clear();
    marks.resize(parents.len(), 0);
    for (start, number) in (0u32..).take(parents.len()).zip(1..) {
        let mut at = start;
        while let Some(mark) = marks.get_mut(at as usize) {
            if *mark == number {
                return true;
            }
            if *mark != 0 {
                break;
            }
            *mark = number;
            at = parents.get(at as usize).copied().unwrap_or(NOBODY);
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{Link, NOBODY, Parents, Shape, has_cycle};

    #[test]
    fn circles_are_found_wherever_they_hang() {
        const TOP: u32 = NOBODY;
        for (parents, circle) in [
            (&[TOP, 0, 1, 1, 0][..], false),
            (&[1, 0], true),
            (&[0], true),
            (&[TOP, 2, 3, 1, 0], true),
            (&[3, TOP, 1, 2], false),
            (&[], false),
        ] {
            assert_eq!(has_cycle(parents, &mut Vec::new()), circle, "{parents:?}");
        }
    }

    #[test]
    fn parents_are_found_in_any_order() {
        // Equal hashes: every lookup has to go past others.
        let link = |id, parent| Link { id, parent, hash: 5, parent_hash: 5, is_entry: id == 4 };
        let links = [link(3, Some(2)), link(1, None), link(2, Some(1)), link(4, Some(9))];
        let mut parents = Parents::default();
        let shape = parents.find(links.into_iter(), 1);
        assert_eq!(parents.places(), [2, NOBODY, 1, NOBODY]);
        assert_eq!(shape, Shape { roots: 1, orphans: 1, entry_orphans: 1, cycle: false });
        assert!(parents.find([link(1, Some(2)), link(2, Some(1))].into_iter(), 0).cycle);
    }
}
