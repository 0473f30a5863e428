//! Parents and children of the kept spans of a trace.

use std::collections::{HashMap, HashSet};

use crate::store::record::{Record, is_entry, kind};

/// The index that relations and navigation walk.
#[derive(Debug)]
pub(crate) struct Topology {
    parents: Vec<Option<usize>>,
    children: Vec<Vec<usize>>,
    families: Vec<Option<usize>>,
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
            if is_open { server.filter(|_| !is_entry) } else { server.or_else(|| by_id.get(&(record.parent, false)).copied()) }
        };
        let parents: Vec<Option<usize>> = records.iter().map(parent).collect();
        let mut children = vec![Vec::new(); records.len()];
        for (at, parent) in parents.iter().enumerate() {
            if let Some(list) = parent.and_then(|p| children.get_mut(p)) {
                list.push(at);
            }
        }
        let mut lost: HashMap<u64, usize> = HashMap::new();
        let family = |(at, record): (usize, &Record)| match parents.get(at).copied().flatten() {
            Some(parent) => Some(parent),
            None if record.parent == 0 || (is_open && is_entry(record.kind)) => None,
            None => Some(*lost.entry(record.parent).or_insert(records.len() + at)),
        };
        let families = records.iter().enumerate().map(family).collect();
        Self { parents, children, families }
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
        let mut next = self.parent(at);
        while let Some(ancestor) = next.filter(|a| *a != at && seen.insert(*a)) {
            path.push(ancestor);
            next = self.parent(ancestor);
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
        let mut stack = self.children(at).to_vec();
        while let Some(next) = stack.pop() {
            if let Some(seen) = seen.get_mut(next)
                && !std::mem::replace(seen, true)
            {
                found.push(next);
                stack.extend_from_slice(self.children(next));
            }
        }
        found
    }

    /// Depth of the deepest span, the root being 1; a circle is walked once.
    pub(crate) fn depth(&self) -> usize {
        let mut depth = vec![0usize; self.parents.len()];
        let tops = self.parents.iter().enumerate().filter(|(_, p)| p.is_none()).map(|(at, _)| (at, 1)).collect();
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
            for child in self.children(at) {
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
            match self.parent(at).filter(|parent| depth.get(*parent) == Some(&0)) {
                Some(parent) => at = parent,
                None => break,
            }
        }
        let mut circle = vec![at];
        while let Some(next) = circle.last().and_then(|last| self.parent(*last)).filter(|next| *next != at) {
            circle.push(next);
        }
        circle
    }
}

/// Whether the edge from parent to child hands a message over: the parent may end before the child starts.
pub(crate) const fn is_handover(parent: &Record, child: &Record) -> bool {
    parent.kind == kind::PRODUCER && child.kind == kind::CONSUMER
}
