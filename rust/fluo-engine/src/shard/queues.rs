//! The queues in which traces wait for their time. All waits of a kind are equally long and arrival time never goes back in a shard,
//! so whoever enters a queue last is due last: no queue is ever sorted.

use crate::config::{Config, TopIsRoot};
use crate::store::table::{NOWHERE, Traces};
use crate::store::trace::{Links, TraceState};

/// Traces in the order in which they are due; their links lie in their headers.
#[derive(Debug)]
pub(super) struct Queue {
    /// Which of a header's links this queue uses.
    links: usize,
    first: u32,
    last: u32,
}

impl Queue {
    const fn new(links: usize) -> Self {
        Self { links, first: NOWHERE, last: NOWHERE }
    }

    /// The place of the trace that is due first.
    pub(super) fn first(&self) -> Option<u32> {
        (self.first != NOWHERE).then_some(self.first)
    }

    /// Lets a trace wait behind all others.
    pub(super) fn push(&mut self, traces: &mut Traces, place: u32) {
        self.set(traces, place, |links| *links = Links { before: self.last, behind: NOWHERE });
        match self.last {
            NOWHERE => self.first = place,
            last => self.set(traces, last, |links| links.behind = place),
        }
        self.last = place;
    }

    /// Lets a trace wait no longer.
    pub(super) fn remove(&mut self, traces: &mut Traces, place: u32) {
        let Some(Links { before, behind }) = traces.get(place).and_then(|trace| trace.links.get(self.links)).copied() else { return };
        match before {
            NOWHERE => self.first = behind,
            before => self.set(traces, before, |links| links.behind = behind),
        }
        match behind {
            NOWHERE => self.last = before,
            behind => self.set(traces, behind, |links| links.before = before),
        }
    }

    fn set(&self, traces: &mut Traces, place: u32, change: impl FnOnce(&mut Links)) {
        if let Some(links) = traces.get_mut(place).and_then(|trace| trace.links.get_mut(self.links)) {
            change(links);
        }
    }
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// A trace is as old as a trace may get.
    Age,
    /// Nothing has come for a while.
    Settle,
    /// The grace is over.
    Grace,
}

/// The queues of a shard. Every trace is in one of `open` and `decided`.
#[derive(Debug)]
pub(super) struct Queues {
    /// Open traces by their first span.
    pub(super) open: Queue,
    /// Open traces that may settle, by their last span.
    pub(super) settling: Queue,
    /// Decided traces by the end of their grace.
    pub(super) decided: Queue,
}

impl Queues {
    pub(super) const fn new() -> Self {
        Self { open: Queue::new(0), settling: Queue::new(1), decided: Queue::new(0) }
    }

    /// Takes note that a span came into an open trace.
    pub(super) fn touch(&mut self, config: &Config, traces: &mut Traces, place: u32, now: u64) {
        let Some(trace) = traces.get_mut(place) else { return };
        trace.last_seen = now;
        let may_settle = trace.has_root() || config.top_is_root == TopIsRoot::Settle;
        if std::mem::replace(&mut trace.settling, may_settle) {
            if self.settling.last == place {
                return;
            }
            self.settling.remove(traces, place);
        }
        if may_settle {
            self.settling.push(traces, place);
        }
    }

    /// A trace that waited does not settle before another span comes.
    pub(super) fn unsettle(&mut self, traces: &mut Traces, place: u32) {
        if traces.get_mut(place).is_some_and(|trace| std::mem::take(&mut trace.settling)) {
            self.settling.remove(traces, place);
        }
    }

    /// What is due first, when, and the place of its trace.
    pub(super) fn next(&self, config: &Config, traces: &Traces) -> Option<(u64, Due, u32)> {
        let head = |queue: &Queue, due: Due, at: &dyn Fn(&TraceState) -> u64| {
            let place = queue.first()?;
            Some((at(traces.get(place)?), due, place))
        };
        let age = head(&self.open, Due::Age, &|trace| trace.first_seen.saturating_add(config.max_duration_ns));
        let settle = head(&self.settling, Due::Settle, &|trace| trace.last_seen.saturating_add(config.settle_ns));
        let grace = head(&self.decided, Due::Grace, &|trace| trace.last_seen);
        // Of equal times the first: a trace that has aged has not settled.
        [age, settle, grace].into_iter().flatten().min_by_key(|(at, ..)| *at)
    }
}
