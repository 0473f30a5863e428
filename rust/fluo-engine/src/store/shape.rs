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
    /// Whether all of them name one and the same parent.
    pub(crate) is_one_caller: bool,
    /// Whether parents run in a circle.
    pub(crate) cycle: bool,
}

impl Shape {
    /// Whether the root has come and no parent is missing.
    pub(crate) const fn is_closed(&self) -> bool {
        self.roots > 0 && self.orphans == 0
    }

    /// Whether all that is on top are server or consumer spans of one caller that has not come: it lies outside.
    pub(crate) const fn has_one_caller(&self) -> bool {
        self.roots == 0 && self.orphans > 0 && self.entry_orphans == self.orphans && self.is_one_caller
    }

    /// Whether the parents show that spans were lost.
    pub(crate) const fn shows_gap(&self) -> bool {
        self.orphans > 0 || self.roots != 1 || self.cycle
    }
}

/// What a span says of its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Above {
    /// It has none.
    Nothing,
    /// Its id, or what is kept of it.
    Named(u64),
    /// It is known to be there.
    There,
}

/// A span as the shape sees it. A server or consumer span may have the id of the span that called it: it is then that one's child,
/// and a span that names the id as its parent is the child of the server or consumer span.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    /// The span's id, or what is kept of it.
    pub(crate) id: u64,
    pub(crate) above: Above,
    /// Keyed hashes of its id and of its parent's.
    pub(crate) hash: u32,
    pub(crate) above_hash: u32,
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
    /// Finds the parent of each span.
    pub(crate) fn find(&mut self, links: impl Iterator<Item = Link>) -> Shape {
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
        let mut shape = Shape { roots: 0, orphans: 0, entry_orphans: 0, is_one_caller: true, cycle: false };
        self.of.clear();
        let (mut later, mut caller) = (false, None);
        for (link, at) in self.links.iter().zip(0u32..) {
            let find = |id: u64, hash: u32| places(&self.links, &self.cells, id, hash);
            let other_half = if link.is_entry { find(link.id, link.hash).1 } else { NOBODY };
            let parent = match link.above {
                _ if other_half != NOBODY => other_half,
                Above::There => NOBODY,
                Above::Nothing => {
                    shape.roots += 1;
                    NOBODY
                }
                Above::Named(id) => {
                    let (entry, other) = find(id, link.above_hash);
                    // Who names its own id names its other half.
                    let names_itself = link.is_entry && id == link.id;
                    let found = if entry == NOBODY || names_itself { other } else { entry };
                    if found == NOBODY {
                        shape.orphans += 1;
                        shape.entry_orphans += u32::from(link.is_entry);
                        shape.is_one_caller &= *caller.get_or_insert(id) == id;
                    }
                    found
                }
            };
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

/// The server or consumer span with an id, and the other span with it.
fn places(links: &[Link], cells: &[u32], id: u64, hash: u32) -> (u32, u32) {
    let mask = cells.len().wrapping_sub(1);
    let mut cell = hash as usize & mask;
    let mut found = (NOBODY, NOBODY);
    while let Some(place) = cells.get(cell).and_then(|held| held.checked_sub(1)) {
        if let Some(link) = links.get(place as usize).filter(|link| link.id == id) {
            *(if link.is_entry { &mut found.0 } else { &mut found.1 }) = place;
        }
        cell = (cell + 1) & mask;
    }
    found
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
    use super::{Above, Link, NOBODY, Parents, Shape, has_cycle};

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
        let link = |id, parent: Option<u64>| Link {
            id,
            above: parent.map_or(Above::Nothing, Above::Named),
            hash: 5,
            above_hash: 5,
            is_entry: id == 4,
        };
        let links = [link(3, Some(2)), link(1, None), link(2, Some(1)), link(4, Some(9))];
        let mut parents = Parents::default();
        let shape = parents.find(links.into_iter());
        assert_eq!(parents.places(), [2, NOBODY, 1, NOBODY]);
        assert_eq!(shape, Shape { roots: 1, orphans: 1, entry_orphans: 1, is_one_caller: true, cycle: false });
        assert!(parents.find([link(1, Some(2)), link(2, Some(1))].into_iter()).cycle);
    }

    #[test]
    fn both_halves_of_a_call_may_have_one_id() {
        let span = |id, above, is_entry| Link { id, above, hash: 7, above_hash: 7, is_entry };
        let named = Above::Named;
        let mut parents = Parents::default();
        // Both halves name the caller's parent; who names the shared id lies below the server's half.
        for (links, expected, roots, orphans) in [
            (
                &[span(1, Above::Nothing, true), span(2, named(1), false), span(2, named(1), true), span(3, named(2), false)][..],
                &[NOBODY, 0, 1, 2][..],
                1,
                0,
            ),
            (&[span(3, named(2), false), span(2, Above::Nothing, true), span(2, Above::Nothing, false)], &[1, 2, NOBODY], 1, 0),
            (&[span(3, named(2), false), span(2, named(9), false)], &[1, NOBODY], 0, 1),
            // The server's half names the id that it shares; the other has not come.
            (&[span(2, named(2), true)], &[NOBODY], 0, 1),
            (&[span(2, named(2), true), span(2, Above::Nothing, false)], &[1, NOBODY], 1, 0),
            (&[span(2, Above::There, true), span(2, Above::Nothing, false)], &[1, NOBODY], 1, 0),
        ] {
            let shape = parents.find(links.iter().copied());
            assert_eq!((parents.places(), shape.roots, shape.orphans, shape.cycle), (expected, roots, orphans, false), "{links:?}");
        }
    }

    #[test]
    fn several_tops_may_have_one_caller() {
        let top = |id, parent, is_entry| Link { id, above: Above::Named(parent), hash: 7, above_hash: 7, is_entry };
        let mut parents = Parents::default();
        for (links, is_one) in [
            (&[top(1, 9, true)][..], true),
            (&[top(1, 9, true), top(2, 9, true), top(3, 1, false)], true),
            (&[top(1, 9, true), top(2, 8, true)], false),
            (&[top(1, 9, true), top(2, 9, false)], false),
        ] {
            assert_eq!(parents.find(links.iter().copied()).has_one_caller(), is_one, "{links:?}");
        }
    }
}
