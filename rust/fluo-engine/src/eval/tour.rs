//! The trace as a walk through its trees: what lies below a span is a range of it, so that asking what stands above or below costs a
//! search and no walk.

use super::topology::{Topology, is_handover};
use crate::store::record::Record;

/// Where the spans lie in the walk.
#[derive(Debug, Default)]
pub(super) struct Tour {
    /// The place of each span.
    pub(super) place: Vec<u32>,
    /// The places of what lies below each span, with itself: from the first to before the second. Spans in a circle lie below each
    /// other.
    pub(super) range: Vec<(u32, u32)>,
    /// The topmost span above each; the span itself where nothing is above it.
    pub(super) top: Vec<u32>,
    /// Whether the way up from a span runs in a circle.
    pub(super) circular: Vec<bool>,
    /// Handovers on the way up from each span.
    pub(super) handovers: Vec<u32>,
    /// The nearest span above each that has several children, and which of them is on the way.
    pub(super) fork: Vec<Option<(u32, u32)>>,
    /// Trees and circles, and whether there is any handover.
    pub(super) parts: usize,
    pub(super) has_handovers: bool,
    next: u32,
}

/// What a walk goes by.
#[derive(Debug, Clone, Copy)]
pub(super) enum Links<'t> {
    /// Parents and children.
    Known(&'t Topology),
    /// The nearest spans above that stay above, whatever may come between.
    Lasting(&'t Topology),
}

impl<'t> Links<'t> {
    fn above(self, at: usize) -> Option<usize> {
        match self {
            Self::Known(topology) => topology.parent(at),
            Self::Lasting(topology) => topology.above(at),
        }
    }

    fn below(self, at: usize) -> &'t [usize] {
        match self {
            Self::Known(topology) => topology.children(at),
            Self::Lasting(topology) => topology.below(at),
        }
    }
}

const UNSEEN: u32 = u32::MAX;

impl Tour {
    /// Walks through the trees from the tops down, then through what hangs in or below circles: in linear time.
    pub(super) fn new(links: Links<'_>, records: &[Record]) -> Self {
        let count = records.len();
        let mut tour = Self {
            place: vec![UNSEEN; count],
            range: vec![(0, 0); count],
            top: (0u32..).take(count).collect(),
            circular: vec![false; count],
            handovers: vec![0; count],
            fork: vec![None; count],
            ..Self::default()
        };
        for at in (0..count).filter(|at| links.above(*at).is_none()) {
            tour.parts += 1;
            tour.walk(links, records, at, false);
        }
        for start in 0..count {
            if tour.place.get(start) == Some(&UNSEEN) {
                tour.parts += 1;
                tour.circle(links, records, start);
            }
        }
        tour
    }

    /// Walks through a span and everything below it that was not walked through yet.
    fn walk(&mut self, links: Links<'_>, records: &[Record], top: usize, circular: bool) {
        let mut stack = vec![(top, 0usize)];
        self.enter(top, circular);
        while let Some((at, child)) = stack.last_mut() {
            let (at, children) = (*at, links.below(*at));
            let Some(next) = children.get(*child).copied() else {
                if let Some(range) = self.range.get_mut(at) {
                    range.1 = self.next;
                }
                stack.pop();
                continue;
            };
            *child += 1;
            if self.place.get(next) != Some(&UNSEEN) {
                continue;
            }
            self.enter(next, circular);
            self.inherit(records, at, next, children.len() > 1);
            stack.push((next, 0));
        }
    }

    fn enter(&mut self, at: usize, circular: bool) {
        if let (Some(place), Some(range), Some(is)) = (self.place.get_mut(at), self.range.get_mut(at), self.circular.get_mut(at)) {
            (*place, *range, *is) = (self.next, (self.next, self.next + 1), circular);
            self.next += 1;
        }
    }

    /// What a child has from its parent.
    fn inherit(&mut self, records: &[Record], parent: usize, child: usize, is_fork: bool) {
        let handover = matches!((records.get(parent), records.get(child)), (Some(p), Some(c)) if is_handover(p, c));
        self.has_handovers |= handover;
        let handovers = self.handovers.get(parent).copied().unwrap_or_default() + u32::from(handover);
        let top = self.top.get(parent).copied();
        let own = Some((number(parent), number(child)));
        let fork = if is_fork { own } else { self.fork.get(parent).copied().flatten() };
        if let (Some(h), Some(t), Some(f)) = (self.handovers.get_mut(child), self.top.get_mut(child), self.fork.get_mut(child)) {
            (*h, *t, *f) = (handovers, top.unwrap_or(*t), fork);
        }
    }

    /// Walks through a circle and what hangs below it; `start` is somewhere in it or below.
    fn circle(&mut self, links: Links<'_>, records: &[Record], start: usize) {
        let mut on_way = std::collections::HashSet::new();
        let mut at = start;
        while on_way.insert(at) {
            at = links.above(at).unwrap_or(at);
        }
        let mut circle = vec![at];
        while let Some(next) = circle.last().and_then(|last| links.above(*last)).filter(|next| *next != at) {
            circle.push(next);
        }
        let first = self.next;
        for at in &circle {
            self.enter(*at, true);
        }
        for at in &circle {
            for child in links.below(*at) {
                if self.place.get(*child) == Some(&UNSEEN) {
                    self.walk(links, records, *child, true);
                }
            }
        }
        for at in circle {
            if let Some(range) = self.range.get_mut(at) {
                *range = (first, self.next);
            }
        }
    }

    /// The place of a span.
    pub(super) fn place(&self, at: usize) -> u32 {
        self.place.get(at).copied().unwrap_or_default()
    }

    /// The places below a span, with its own.
    pub(super) fn range(&self, at: usize) -> (u32, u32) {
        self.range.get(at).copied().unwrap_or_default()
    }

    /// Whether one span is the other or lies above it.
    pub(super) fn is_above(&self, above: usize, below: usize) -> bool {
        let (from, to) = self.range(above);
        (from..to).contains(&self.place(below))
    }

    /// The topmost span above.
    pub(super) fn top(&self, at: usize) -> usize {
        self.top.get(at).map_or(at, |top| *top as usize)
    }

    /// Whether the way up runs in a circle.
    pub(super) fn is_circular(&self, at: usize) -> bool {
        self.circular.get(at).copied().unwrap_or(false)
    }

    /// Handovers on the way up.
    pub(super) fn handovers(&self, at: usize) -> u32 {
        self.handovers.get(at).copied().unwrap_or_default()
    }

    /// The nearest span above that has several children, and the child on the way.
    pub(super) fn fork(&self, at: usize) -> Option<(usize, usize)> {
        self.fork.get(at).copied().flatten().map(|(fork, child)| (fork as usize, child as usize))
    }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
