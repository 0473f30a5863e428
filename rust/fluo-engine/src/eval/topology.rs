//! Parents and children of the kept spans of a trace.

use std::collections::{HashMap, HashSet};

use crate::store::record::{Record, kind};

/// The index that relations and navigation walk.
#[derive(Debug)]
pub(crate) struct Topology {
    parents: Vec<Option<usize>>,
    children: Vec<Vec<usize>>,
}

impl Topology {
    pub(crate) fn new(records: &[Record]) -> Self {
        let by_id: HashMap<u64, usize> = records.iter().enumerate().map(|(at, r)| (r.id, at)).collect();
        let parents: Vec<Option<usize>> =
            records.iter().map(|r| if r.parent == 0 { None } else { by_id.get(&r.parent).copied() }).collect();
        let mut children = vec![Vec::new(); records.len()];
        for (at, parent) in parents.iter().enumerate() {
            if let Some(list) = parent.and_then(|p| children.get_mut(p)) {
                list.push(at);
            }
        }
        Self { parents, children }
    }

    /// The parent, where it has come.
    pub(crate) fn parent(&self, at: usize) -> Option<usize> {
        self.parents.get(at).copied().flatten()
    }

    /// The children that have come.
    pub(crate) fn children(&self, at: usize) -> &[usize] {
        self.children.get(at).map_or(&[], Vec::as_slice)
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

    /// Depth of the deepest span, the root being 1.
    pub(crate) fn depth(&self) -> usize {
        let mut depth = vec![0usize; self.parents.len()];
        let mut deepest = 0;
        let mut stack: Vec<(usize, usize)> = self.parents.iter().enumerate().filter(|(_, p)| p.is_none()).map(|(at, _)| (at, 1)).collect();
        while let Some((at, level)) = stack.pop() {
            if let Some(own) = depth.get_mut(at) {
                *own = level;
            }
            deepest = deepest.max(level);
            stack.extend(self.children(at).iter().map(|child| (*child, level + 1)));
        }
        deepest
    }
}

/// Whether the edge from parent to child hands a message over: the parent may end before the child starts.
pub(crate) const fn is_handover(parent: &Record, child: &Record) -> bool {
    parent.kind == kind::PRODUCER && child.kind == kind::CONSUMER
}
