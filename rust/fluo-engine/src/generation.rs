//! A rule set in use. Open traces finish under the one they began with.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::plan::Plan;

/// A plan and how many shards hold traces that follow it.
#[derive(Debug)]
pub(crate) struct Generation {
    /// Ascending; also the epoch of the projection that came with it.
    pub(crate) number: u64,
    pub(crate) plan: Arc<Plan>,
    shards: AtomicUsize,
}

impl Generation {
    pub(crate) const fn new(number: u64, plan: Arc<Plan>) -> Self {
        Self { number, plan, shards: AtomicUsize::new(0) }
    }

    /// The first trace began in a shard.
    pub(crate) fn enter(&self) {
        self.shards.fetch_add(1, Ordering::Relaxed);
    }

    /// The last trace was forgotten in a shard.
    pub(crate) fn leave(&self) {
        self.shards.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether no trace follows it any more.
    pub(crate) fn is_drained(&self) -> bool {
        self.shards.load(Ordering::Relaxed) == 0
    }
}
