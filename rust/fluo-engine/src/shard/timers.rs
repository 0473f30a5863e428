//! When a trace is due. Timers are armed lazily: a span that comes does not move the timer, the timer looks again when it fires.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::config::{Config, TopIsRoot};
use crate::signal::Trigger;
use crate::store::trace::{Stage, TraceState};

/// Due times of a shard's traces.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(u64, [u8; 16])>>,
}

/// What a timer that fired finds.
pub(super) enum Ripe {
    /// The trace is decided.
    Decide(Trigger),
    /// Its grace is over.
    Forget,
    /// It is not due before.
    Wait(u64),
}

impl Timers {
    /// When a trace may be due next, as cheaply as can be told.
    pub(super) fn wanted(&self, config: &Config, trace: &TraceState) -> u64 {
        let age = trace.first_seen.saturating_add(config.max_duration_ns);
        let may_settle = trace.roots > 0 || config.top_is_root == TopIsRoot::Settle;
        if may_settle { age.min(trace.last_seen.saturating_add(config.settle_ns)) } else { age }
    }

    /// Arms a trace's timer unless an earlier one is armed.
    pub(super) fn arm(&mut self, trace: &mut TraceState, due: u64) {
        if due < trace.armed {
            trace.armed = due;
            self.heap.push(Reverse((due, trace.id)));
        }
    }

    /// Takes the earliest timer that is due.
    pub(super) fn pop_due(&mut self, now: u64) -> Option<(u64, [u8; 16])> {
        if self.heap.peek()?.0.0 > now {
            return None;
        }
        self.heap.pop().map(|Reverse(due)| due)
    }

    /// The earliest timer.
    pub(super) fn next(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((due, _))| *due)
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.heap.capacity() * size_of::<(u64, [u8; 16])>()
    }
}

/// What a trace is due for at `due`.
pub(super) fn ripe(config: &Config, trace: &TraceState, due: u64) -> Ripe {
    if let Stage::Grace { until } = trace.stage {
        return if due >= until { Ripe::Forget } else { Ripe::Wait(until) };
    }
    let age = trace.first_seen.saturating_add(config.max_duration_ns);
    let settled = trace.last_seen.saturating_add(config.settle_ns);
    if due >= settled && settled < age {
        let shape = trace.shape();
        if shape.is_closed() {
            return Ripe::Decide(Trigger::Complete);
        }
        if config.top_is_root == TopIsRoot::Settle && shape.has_lone_top() {
            return Ripe::Decide(Trigger::Complete);
        }
    }
    if due >= age {
        return Ripe::Decide(Trigger::Age);
    }
    let next = if due < settled { settled.min(age) } else { age };
    Ripe::Wait(next)
}
