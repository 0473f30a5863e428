//! Rules across traces: sliding windows over all spans that the engine sees, by the end of each span, and sequences of spans.
//!
//! Spans come in any order within the allowed lateness. A claim that spans can only break is decided when they come; any other when the
//! watermark has passed the instant, and so is that a claim holds again.

mod ahead;
#[cfg(feature = "alone")]
mod alone;
mod announce;
mod base;
mod cost;
mod counting;
mod doubt;
mod episode;
mod flight;
mod groups;
mod idle;
mod judge;
mod keys;
mod lane;
mod levels;
mod measure;
mod pass;
mod running;
mod sequence;
mod sweep;
mod times;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::clock::{Clocks, Timeliness};
use crate::config::Config;
use crate::ingest::Batch;
use crate::plan::{Plan, WindowKind};
use crate::shard::{Moment, Outbox, Shared};
use crate::stats::{Places, Stats};
#[cfg(feature = "alone")]
pub use alone::{Alone, Ran};
use base::{Base, Context};
pub(crate) use cost::costs;
use counting::Counting;
use flight::Flight;
use sequence::Sequence;
use sweep::Sweep;

/// What watches one rule.
#[derive(Debug)]
enum Monitor {
    Counting(Box<Counting>),
    Flight(Flight),
    Sweep(Sweep),
    Sequence(Sequence),
}

impl Monitor {
    fn new(plan: &Arc<Plan>, at: usize, config: &Config) -> Option<Self> {
        let base = Base::new(plan, at, config);
        Some(match &plan.windows.get(at)?.kind {
            WindowKind::Count(_) => Self::Counting(Box::new(Counting::new(base))),
            WindowKind::Flight(_) => Self::Flight(Flight::new(base)),
            WindowKind::Sweep(_) => Self::Sweep(Sweep::new(base)),
            WindowKind::Sequence(sequence) => Self::Sequence(Sequence::new(base, sequence, config)),
        })
    }

    const fn base(&self) -> &Base {
        match self {
            Self::Counting(monitor) => &monitor.base,
            Self::Flight(monitor) => &monitor.base,
            Self::Sweep(monitor) => &monitor.base,
            Self::Sequence(monitor) => &monitor.base,
        }
    }

    const fn base_mut(&mut self) -> &mut Base {
        match self {
            Self::Counting(monitor) => &mut monitor.base,
            Self::Flight(monitor) => &mut monitor.base,
            Self::Sweep(monitor) => &mut monitor.base,
            Self::Sequence(monitor) => &mut monitor.base,
        }
    }

    fn apply(&mut self, batch: &Batch, mine: &[u32], context: &mut Context<'_>) {
        match self {
            Self::Counting(monitor) => monitor.apply(batch, mine, context),
            Self::Flight(monitor) => monitor.apply(batch, mine, context),
            Self::Sweep(monitor) => monitor.apply(batch, mine, context),
            Self::Sequence(monitor) => monitor.apply(batch, mine, context),
        }
    }

    fn advance(&mut self, context: &mut Context<'_>) {
        match self {
            Self::Counting(monitor) => monitor.advance(context),
            Self::Flight(monitor) => monitor.advance(context),
            Self::Sweep(monitor) => monitor.advance(context),
            Self::Sequence(monitor) => monitor.advance(context),
        }
    }

    fn finish(&mut self, context: &mut Context<'_>) {
        match self {
            Self::Counting(monitor) => monitor.finish(context),
            Self::Flight(monitor) => monitor.finish(context),
            Self::Sweep(monitor) => monitor.finish(context),
            Self::Sequence(monitor) => monitor.finish(context),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Counting(monitor) => monitor.bytes(),
            Self::Flight(monitor) => monitor.bytes(),
            Self::Sweep(monitor) => monitor.bytes(),
            Self::Sequence(monitor) => monitor.bytes(),
        }
    }
}

/// The monitors of the rules over `spans`, each behind a lock of its own, in the order of [`Plan::windows`].
#[derive(Debug)]
pub(crate) struct Windows {
    monitors: RwLock<Monitors>,
    /// Whether the groups have got their verdicts: from then on nothing is judged.
    finished: AtomicBool,
    /// Spans that some monitor wanted and none got, by their time.
    late: AtomicU64,
    bad_time: AtomicU64,
}

#[derive(Debug, Default)]
struct Monitors {
    all: Vec<Arc<Mutex<Monitor>>>,
    /// By selector: the monitors that want its spans.
    of_selector: Vec<Vec<u32>>,
}

impl Monitors {
    fn new(plan: &Arc<Plan>, config: &Config, old: &[Arc<Mutex<Monitor>>]) -> Self {
        let mut all = Vec::new();
        let mut of_selector: Vec<Vec<u32>> = vec![Vec::new(); plan.rules_of_selector.len()];
        for (at, window) in plan.windows.iter().enumerate() {
            let kept = old.iter().find(|monitor| lock(monitor).base().is_for(plan, window)).cloned();
            if let Some(kept) = &kept {
                lock(kept).base_mut().follow(plan, at, config);
            }
            let Some(monitor) = kept.or_else(|| Some(Arc::new(Mutex::new(Monitor::new(plan, at, config)?)))) else {
                continue;
            };
            let number = u32::try_from(all.len()).unwrap_or(u32::MAX);
            for selector in &window.selectors {
                if let Some(wanting) = of_selector.get_mut(*selector as usize) {
                    wanting.push(number);
                }
            }
            all.push(monitor);
        }
        Self { all, of_selector }
    }

    /// The monitors that want the spans of a selector.
    fn of_selector(&self, selector: u32) -> &[u32] {
        self.of_selector.get(selector as usize).map_or(&[], Vec::as_slice)
    }
}

fn lock(monitor: &Mutex<Monitor>) -> MutexGuard<'_, Monitor> {
    monitor.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Windows {
    pub(crate) fn new(plan: &Arc<Plan>, config: &Config) -> Self {
        Self {
            monitors: RwLock::new(Monitors::new(plan, config, &[])),
            finished: AtomicBool::new(false),
            late: AtomicU64::new(0),
            bad_time: AtomicU64::new(0),
        }
    }

    /// Takes over the windows of unchanged rules and begins those of new ones.
    pub(crate) fn swap(&self, plan: &Arc<Plan>, config: &Config) {
        let mut monitors = self.monitors.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::take(&mut *monitors);
        *monitors = Monitors::new(plan, config, &old.all);
    }

    /// Hands the spans that were no repetitions to the monitors that want them. A span that ended before the watermark, or whose
    /// time cannot be believed, is counted instead, once.
    pub(crate) fn apply(&self, shared: &Shared, clocks: &Clocks, batch: &Batch, fresh: &[u32], moment: Moment, out: &mut Outbox) {
        let monitors = self.monitors.read().unwrap_or_else(PoisonError::into_inner);
        if monitors.all.is_empty() || fresh.is_empty() || self.is_finished() {
            return;
        }
        let (mut first_end, mut bad_time) = (u64::MAX, 0);
        let mut late: Vec<u32> = Vec::new();
        let mut wanted: Vec<Vec<u32>> = vec![Vec::new(); monitors.all.len()];
        for index in fresh {
            let Some(span) = batch.spans.get(*index as usize) else {
                continue;
            };
            let mut wanting = batch.picks(span).iter().flat_map(|pick| monitors.of_selector(pick.selector)).peekable();
            match clocks.timeliness(&span.record, moment) {
                Timeliness::InTime => {
                    first_end = first_end.min(span.record.end);
                    for monitor in wanting {
                        if let Some(mine) = wanted.get_mut(*monitor as usize)
                            && mine.last() != Some(index)
                        {
                            mine.push(*index);
                        }
                    }
                }
                Timeliness::Late => late.extend(wanting.peek().map(|_| *index)),
                Timeliness::BadTime => bad_time += u64::from(wanting.peek().is_some()),
            }
        }
        let mut context = Context { shared, now: moment.now, event_time: moment.event_time, out };
        for (monitor, mine) in monitors.all.iter().zip(&mut wanted) {
            let mut monitor = lock(monitor);
            let base = monitor.base_mut();
            base.first_end = base.first_end.min(first_end);
            // A message that came at the same time may have moved the monitor's watermark beyond that of this one.
            let is_late = |index: &u32| batch.spans.get(*index as usize).is_some_and(|span| span.record.end < base.watermark);
            late.extend(mine.extract_if(.., |index| is_late(index)));
            if !mine.is_empty() {
                monitor.apply(batch, mine, &mut context);
            }
        }
        late.sort_unstable();
        late.dedup();
        self.late.fetch_add(late.len() as u64, Ordering::Relaxed);
        self.bad_time.fetch_add(bad_time, Ordering::Relaxed);
    }

    fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }

    /// Moves every monitor's watermark.
    pub(crate) fn advance(&self, shared: &Shared, Moment { now, event_time }: Moment, out: &mut Outbox) {
        if self.is_finished() {
            return;
        }
        for monitor in &self.monitors.read().unwrap_or_else(PoisonError::into_inner).all {
            lock(monitor).advance(&mut Context { shared, now, event_time, out });
        }
    }

    /// Observation ends: nothing is signalled for want of more, and every group gets its verdict, once.
    pub(crate) fn finish(&self, shared: &Shared, Moment { now, event_time }: Moment, out: &mut Outbox) {
        if self.finished.swap(true, Ordering::AcqRel) {
            return;
        }
        for monitor in &self.monitors.read().unwrap_or_else(PoisonError::into_inner).all {
            lock(monitor).finish(&mut Context { shared, now, event_time, out });
        }
    }

    /// Adds counters and gauges.
    pub(crate) fn add_to(&self, stats: &mut Stats, places: &Places) {
        stats.spans_late += self.late.load(Ordering::Relaxed);
        stats.spans_bad_time += self.bad_time.load(Ordering::Relaxed);
        for monitor in &self.monitors.read().unwrap_or_else(PoisonError::into_inner).all {
            let monitor = lock(monitor);
            monitor.base().add_to(stats, places);
            stats.bytes_held += monitor.bytes() as u64;
        }
    }
}
