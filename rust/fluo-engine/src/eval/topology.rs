//! Parents and children of the kept spans of a trace.

use std::collections::{HashMap, HashSet};

use crate::store::record::{Record, is_entry, kind};

/// The index that relations and navigation walk.
#[derive(Debug)]
pub(crate) struct Topology {
    parents: Vec<Option<usize>>,
    children: Vec<Vec<usize>>,
    families: Vec<Option<usize>>,
    /// While the trace is open: parents and children of which nothing is known but that they stay ancestors and descendants, too.
    lasting: Option<Lasting>,
}

/// By place, the nearest span that stays above a span whatever comes, and those that a span stays above.
#[derive(Debug)]
struct Lasting {
    above: Vec<Option<usize>>,
    below: Vec<Vec<usize>>,
}

impl Topology {
    /// Both halves of a call may have one id: then the server or consumer span is the other one's child, and whoever names the id the
    /// child of the server or consumer span. While a trace is open a parent is known only where no half that may still come would
    /// change it.
    pub(crate) fn new(records: &[Record], is_open: bool) -> Self {
        let by_id: HashMap<(u64, bool), usize> = records.iter().enumerate().map(|(at, r)| ((r.id, is_entry(r.kind)), at)).collect();
        let parent = |record: &Record| {
            let is_entry = is_entry(record.kind);
            let other_half = by_id.get(&(record.id, false)).copied().filter(|_| is_entry);
            if other_half.is_some() || record.parent == 0 {
                return other_half;
            }
            // Who names its own id names its other half.
            let server = by_id.get(&(record.parent, true)).copied().filter(|_| !(is_entry && record.parent == record.id));
            server.or_else(|| by_id.get(&(record.parent, false)).copied())
        };
        let of = |at: usize| records.get(at).map(|record| (is_entry(record.kind), record.id));
        let mut parents: Vec<Option<usize>> = records.iter().map(parent).collect();
        let mut lasting = None;
        if is_open {
            // Another half may come between a span and its parent, which stays above it, and above a server or consumer span.
            let is_half =
                |at: usize, parent: usize| of(at).zip(of(parent)).is_some_and(|(own, above)| own.0 && !above.0 && own.1 == above.1);
            let is_entry = |at: usize| of(at).is_some_and(|(is_entry, _)| is_entry);
            for (at, parent) in parents.iter_mut().enumerate() {
                *parent = parent.filter(|parent| is_half(at, *parent) || !is_entry(at));
            }
            let above = parents.clone();
            for (at, parent) in parents.iter_mut().enumerate() {
                *parent = parent.filter(|parent| is_half(at, *parent) || is_entry(*parent));
            }
            let below = children(&above);
            lasting = Some(Lasting { above, below });
        }
        let children = children(&parents);
        let mut lost: HashMap<u64, usize> = HashMap::new();
        let family = |(at, record): (usize, &Record)| match parents.get(at).copied().flatten() {
            Some(parent) => Some(parent),
            None if record.parent == 0 || (is_open && is_entry(record.kind)) => None,
            None => Some(*lost.entry(record.parent).or_insert(records.len() + at)),
        };
        let families = records.iter().enumerate().map(family).collect();
        Self { parents, children, families, lasting }
    }

    /// The nearest span that is and stays above a span.
    pub(super) fn above(&self, at: usize) -> Option<usize> {
        let parents = self.lasting.as_ref().map_or(&self.parents, |lasting| &lasting.above);
        parents.get(at).copied().flatten()
    }

    /// The spans whose [`Topology::above`] a span is.
    pub(super) fn below(&self, at: usize) -> &[usize] {
        let children = self.lasting.as_ref().map_or(&self.children, |lasting| &lasting.below);
        children.get(at).map_or(&[], Vec::as_slice)
    }

    /// The parent, where it has come.
    pub(crate) fn parent(&self, at: usize) -> Option<usize> {
        self.parents.get(at).copied().flatten()
    }

    /// A number that the children of one parent share, be it one that has not come; nothing for a span without parent, and while the
    /// parent is not known.
    pub(crate) fn family(&self, at: usize) -> Option<usize> {
        self.families.get(at).copied().flatten()
    }

    /// The children that have come.
    pub(crate) fn children(&self, at: usize) -> &[usize] {
        self.children.get(at).map_or(&[], Vec::as_slice)
    }

    /// Spans without parent.
    pub(crate) fn roots<'a>(&'a self, records: &'a [Record]) -> impl Iterator<Item = usize> + 'a {
        records.iter().enumerate().filter(|(at, r)| r.parent == 0 && self.parent(*at).is_none()).map(|(at, _)| at)
    }

    /// Spans whose parent has not come.
    pub(crate) fn tops<'a>(&'a self, records: &'a [Record]) -> impl Iterator<Item = usize> + 'a {
        records.iter().enumerate().filter(|(at, r)| r.parent != 0 && self.parent(*at).is_none()).map(|(at, _)| at)
    }

    /// The ancestors from the parent upwards; a circle is walked once.
    pub(crate) fn ancestors(&self, at: usize) -> Vec<usize> {
        let mut path = Vec::new();
        let mut seen = HashSet::new();
        let mut next = self.above(at);
        while let Some(ancestor) = next.filter(|a| *a != at && seen.insert(*a)) {
            path.push(ancestor);
            next = self.above(ancestor);
        }
        path
    }

    /// All spans below; a circle is walked once.
    pub(crate) fn descendants(&self, at: usize) -> Vec<usize> {
        let mut seen = vec![false; self.parents.len()];
        if let Some(own) = seen.get_mut(at) {
            *own = true;
        }
        let mut found = Vec::new();
        let mut stack = self.below(at).to_vec();
        while let Some(next) = stack.pop() {
            if let Some(seen) = seen.get_mut(next)
                && !std::mem::replace(seen, true)
            {
                found.push(next);
                stack.extend_from_slice(self.below(next));
            }
        }
        found
    }

    /// Depth of the deepest span, the root being 1; a circle is walked once.
    pub(crate) fn depth(&self) -> usize {
        let mut depth = vec![0usize; self.parents.len()];
        let tops = (0..depth.len()).filter(|at| self.above(*at).is_none()).map(|at| (at, 1)).collect();
        let mut deepest = self.measure(tops, &mut depth);
        // What is left hangs in or below a circle.
        for start in 0..depth.len() {
            if depth.get(start) != Some(&0) {
                continue;
            }
            let circle = self.circle_above(start, &depth);
            deepest = deepest.max(self.measure(circle.iter().map(|at| (*at, circle.len())).collect(), &mut depth));
        }
        deepest
    }

    /// Gives these spans their depths and those below them theirs; answers the greatest.
    fn measure(&self, mut stack: Vec<(usize, usize)>, depth: &mut [usize]) -> usize {
        let mut deepest = 0;
        for (at, level) in &stack {
            if let Some(own) = depth.get_mut(*at) {
                *own = *level;
            }
        }
        while let Some((at, level)) = stack.pop() {
            deepest = deepest.max(level);
            for child in self.below(at) {
                if let Some(own) = depth.get_mut(*child)
                    && *own == 0
                {
                    *own = level + 1;
                    stack.push((*child, level + 1));
                }
            }
        }
        deepest
    }

    /// The circle that the way up from a span without known depth runs into.
    fn circle_above(&self, start: usize, depth: &[usize]) -> Vec<usize> {
        let mut seen = HashSet::new();
        let mut at = start;
        while seen.insert(at) {
            match self.above(at).filter(|parent| depth.get(*parent) == Some(&0)) {
                Some(parent) => at = parent,
                None => break,
            }
        }
        let mut circle = vec![at];
        while let Some(next) = circle.last().and_then(|last| self.above(*last)).filter(|next| *next != at) {
            circle.push(next);
        }
        circle
    }
}

/// By parent, its children.
fn children(parents: &[Option<usize>]) -> Vec<Vec<usize>> {
    let mut children = vec![Vec::new(); parents.len()];
    for (at, parent) in parents.iter().enumerate() {
        if let Some(list) = parent.and_then(|p| children.get_mut(p)) {
            list.push(at);
        }
    }
    children
}

/// Whether the edge from parent to child hands a message over: the parent may end before the child starts.
pub(crate) const fn is_handover(parent: &Record, child: &Record) -> bool {
    parent.kind == kind::PRODUCER && child.kind == kind::CONSUMER
}
