//! Rule sets are swapped whole; open traces finish under the rules that they began with.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use fluo_lang::program::RuleSet;

use super::{Engine, SHARDS, lock};
use crate::config::Config;
use crate::generation::{Generation, Generations};
use crate::plan::Plan;
use crate::shard::{Shared, decide};
use crate::window::Windows;

/// The rule set that an engine begins with.
pub(super) fn first(plan: Plan, shared: &Shared) -> Generations {
    let baselines = decide::baselines(shared, &plan);
    let plan = Arc::new(plan);
    let windows = Windows::new(&plan, &shared.config);
    Generations::new(Arc::new(Generation::new(1, plan, baselines, windows)))
}

/// Bytes that traces may hold: half of the memory is for windows, where there are any.
pub(super) fn for_traces(config: &Config, plan: &Plan) -> usize {
    let memory = usize::try_from(config.memory_bytes).unwrap_or(usize::MAX);
    if plan.windows.is_empty() { memory } else { memory / 2 }
}

impl Engine {
    /// Replaces the rule set; open traces finish under the rules they began with, and windows of unchanged rules go on. While too many
    /// rule sets drain, the swap waits; of several that wait the latest wins.
    pub fn swap(&self, rules: Arc<RuleSet>, now: u64) {
        self.clocks.arrive(now);
        let mut waiting = lock(&self.waiting);
        *waiting = Some(rules);
        self.retire(&mut waiting);
    }

    /// Drops rule sets that no trace follows any more and lets a waiting one in. Whoever calls it holds the lock on what waits, so that
    /// only one does; what takes long is done before other calls have to wait.
    pub(super) fn retire(&self, waiting: &mut Option<Arc<RuleSet>>) {
        let before = Arc::clone(&self.in_use());
        let next = if before.has_room() { waiting.take() } else { None };
        if next.is_none() && !before.has_drained() {
            return;
        }
        let next = next.map(|rules| {
            let plan = Plan::beside(rules, &before.tables());
            (decide::baselines(&self.shared, &plan), Arc::new(plan))
        });
        let mut in_use = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        *in_use = Arc::new(match next {
            Some((baselines, plan)) => {
                self.shared.max_bytes.store(for_traces(&self.shared.config, &plan).div_ceil(SHARDS), Ordering::Relaxed);
                let windows = before.current.windows.following(&plan, &self.shared.config);
                before.with(Arc::new(Generation::new(before.current.number + 1, plan, baselines, windows)))
            }
            None => before.without_drained(),
        });
        let current = &in_use.current;
        let plan = &current.plan;
        let names = plan.rules.iter().enumerate().filter_map(|(at, rule)| Some((plan.source(rule)?.name.as_str(), at)));
        let names: HashMap<&str, usize> = names.collect();
        for shard in &self.shards {
            lock(shard).release(current, &names);
        }
        drop(in_use);
        // Freeing a large rule set keeps nobody waiting.
        drop(before);
    }
}
