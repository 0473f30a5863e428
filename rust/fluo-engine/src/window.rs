//! Rules across traces: sliding windows over all spans that the engine sees, by the end of each span.
//!
//! Spans come in any order within the allowed lateness. A bound from above is broken by spans that are there, so it is decided on
//! arrival; that the claim holds again is known when the watermark has passed.

mod cost;
mod counting;
mod group;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::clock::Clocks;
use crate::config::Config;
use crate::ingest::Batch;
use crate::plan::Plan;
use crate::shard::{Moment, Outbox, Shared};
use crate::stats::Stats;
use crate::store::combination::Fit;
pub(crate) use cost::costs;
use counting::Monitor;

/// The monitors of the rules over `spans`, each behind a lock of its own.
#[derive(Debug)]
pub(crate) struct Windows {
    monitors: RwLock<Vec<Arc<Mutex<Monitor>>>>,
}

impl Windows {
    pub(crate) fn new(plan: &Arc<Plan>, config: &Config) -> Self {
        let monitors = plan.windows.iter().map(|window| Arc::new(Mutex::new(Monitor::new(plan, window, config)))).collect();
        Self { monitors: RwLock::new(monitors) }
    }

    /// Takes over the windows of unchanged rules and begins those of new ones.
    pub(crate) fn swap(&self, plan: &Arc<Plan>, config: &Config) {
        let mut monitors = self.monitors.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::take(&mut *monitors);
        for window in &plan.windows {
            let kept = old.iter().find(|m| m.lock().unwrap_or_else(PoisonError::into_inner).is_for(plan, window));
            match kept {
                Some(kept) => {
                    kept.lock().unwrap_or_else(PoisonError::into_inner).follow(plan, window);
                    monitors.push(Arc::clone(kept));
                }
                None => monitors.push(Arc::new(Mutex::new(Monitor::new(plan, window, config)))),
            }
        }
    }

    /// Hands the spans that were new in their trace to the monitors that count them.
    pub(crate) fn apply(&self, shared: &Shared, batch: &Batch, fresh: &[u32], moment: Moment, out: &mut Outbox) {
        let monitors = self.monitors.read().unwrap_or_else(PoisonError::into_inner);
        if monitors.is_empty() || fresh.is_empty() {
            return;
        }
        for monitor in monitors.iter() {
            let mut monitor = monitor.lock().unwrap_or_else(PoisonError::into_inner);
            for index in fresh {
                let Some(span) = batch.spans.get(*index as usize) else {
                    continue;
                };
                let picks = batch.picks(span);
                let picked = picks.binary_search_by_key(&monitor.selector(), |p| p.selector).ok().and_then(|at| picks.get(at));
                if picked.is_some_and(|p| p.fit == Fit::Yes) {
                    let plausible = span.record.times_are_good() && Clocks::is_plausible(span.record.end, moment.now);
                    monitor.add(shared, span, batch.values(span), plausible, moment, out);
                }
            }
        }
    }

    /// Moves every monitor's watermark.
    pub(crate) fn advance(&self, shared: &Shared, event_time: u64, now: u64, out: &mut Outbox) {
        for monitor in self.monitors.read().unwrap_or_else(PoisonError::into_inner).iter() {
            monitor.lock().unwrap_or_else(PoisonError::into_inner).advance(shared, event_time, now, out);
        }
    }

    /// Adds counters and gauges.
    pub(crate) fn add_to(&self, stats: &mut Stats) {
        for monitor in self.monitors.read().unwrap_or_else(PoisonError::into_inner).iter() {
            monitor.lock().unwrap_or_else(PoisonError::into_inner).add_to(stats);
        }
    }
}
