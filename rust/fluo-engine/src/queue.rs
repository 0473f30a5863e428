//! Signals on their way out: bounded, so that a slow exporter costs signals and never memory.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::signal::Signal;

/// A bounded queue of signals.
#[derive(Debug)]
pub(crate) struct SignalQueue {
    capacity: usize,
    waiting: Mutex<VecDeque<Signal>>,
    emitted: AtomicU64,
    dropped: AtomicU64,
}

impl SignalQueue {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, waiting: Mutex::default(), emitted: AtomicU64::new(0), dropped: AtomicU64::new(0) }
    }

    /// Appends signals; what does not fit is dropped and counted.
    pub(crate) fn push(&self, signals: impl IntoIterator<Item = Signal>) {
        let Ok(mut waiting) = self.waiting.lock() else {
            return;
        };
        for signal in signals {
            if waiting.len() < self.capacity {
                waiting.push_back(signal);
                self.emitted.fetch_add(1, Ordering::Relaxed);
            } else {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Takes at most `max` signals; the flag says whether more wait.
    pub(crate) fn take(&self, max: usize) -> (Vec<Signal>, bool) {
        let Ok(mut waiting) = self.waiting.lock() else {
            return (Vec::new(), false);
        };
        let count = max.min(waiting.len());
        let taken = waiting.drain(..count).collect();
        (taken, !waiting.is_empty())
    }

    /// How many signals wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.lock().map_or(0, |w| w.len())
    }

    /// Signals that were put into the queue so far.
    pub(crate) fn emitted(&self) -> u64 {
        self.emitted.load(Ordering::Relaxed)
    }

    /// Signals that were lost because the queue was full.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}
