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

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// The monitors of the rules over `spans` of one plan, each behind a lock of its own, in the order of [`Plan::windows`].
///
/// Plans that have a rule in common share its monitor. It follows the plan whose spans it gets: whoever puts [`Windows::following`] into
/// use sees to it that no call with the plan before is under way.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    monitors: Vec<Arc<Mutex<Monitor>>>,
    /// By selector: the monitors that want its spans.
    of_selector: Vec<Vec<u32>>,
    /// Groups that monitors of earlier plans had to give up.
    evicted: u64,
}

/// The spans of a message that windows leave out though some monitor wants them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// Those that ended before the watermark.
    pub(crate) late: u64,
    /// Those whose time cannot be believed.
    pub(crate) bad_time: u64,
}

fn lock(monitor: &Mutex<Monitor>) -> MutexGuard<'_, Monitor> {
    monitor.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Windows {
    /// New monitors for a plan.
    pub(crate) fn new(plan: &Arc<Plan>, config: &Config) -> Self {
        Self::default().following(plan, config)
    }

    /// The monitors of the next plan: those of unchanged rules go on, those of others begin anew. Counts of a rule go on with its name.
    pub(crate) fn following(&self, plan: &Arc<Plan>, config: &Config) -> Self {
        let of_name = |monitor: &Arc<Mutex<Monitor>>| Some((lock(monitor).base().rule()?.name.clone(), Arc::clone(monitor)));
        let mut old: HashMap<String, Arc<Mutex<Monitor>>> = self.monitors.iter().filter_map(of_name).collect();
        let mut next = Self { of_selector: vec![Vec::new(); plan.rules_of_selector.len()], evicted: self.evicted, ..Self::default() };
        for (at, window) in plan.windows.iter().enumerate() {
            let before = plan.ruleset.rules.get(window.rule).and_then(|rule| old.remove(&rule.name));
            let Some(monitor) = next.monitor(plan, at, config, before) else { continue };
            let number = u32::try_from(next.monitors.len()).unwrap_or(u32::MAX);
            for selector in &window.selectors {
                if let Some(wanting) = next.of_selector.get_mut(*selector as usize) {
                    wanting.push(number);
                }
            }
            next.monitors.push(monitor);
        }
        next.evicted += old.values().map(|gone| lock(gone).base().evicted).sum::<u64>();
        next
    }

    /// The monitor of a rule that one of the same name came before.
    fn monitor(
        &mut self,
        plan: &Arc<Plan>,
        at: usize,
        config: &Config,
        before: Option<Arc<Mutex<Monitor>>>,
    ) -> Option<Arc<Mutex<Monitor>>> {
        let Some(before) = before else { return Monitor::new(plan, at, config).map(Mutex::new).map(Arc::new) };
        let mut old = lock(&before);
        if plan.windows.get(at).is_some_and(|window| old.base().is_for(plan, window)) {
            old.base_mut().follow(plan, at, config);
            drop(old);
            return Some(before);
        }
        self.evicted += old.base().evicted;
        let mut new = Monitor::new(plan, at, config)?;
        new.base_mut().count_on_from(old.base());
        Some(Arc::new(Mutex::new(new)))
    }

    /// Hands the spans that were no repetitions to the monitors that want them. A span that ended before the watermark, or whose
    /// time cannot be believed, is counted instead, once.
    pub(crate) fn apply(
        &self,
        shared: &Shared,
        clocks: &Clocks,
        batch: &Batch,
        fresh: &[u32],
        moment: Moment,
        out: &mut Outbox,
    ) -> LeftOut {
        if self.is_empty() || fresh.is_empty() {
            return LeftOut::default();
        }
        let (mut first_end, mut bad_time) = (u64::MAX, 0);
        let mut late: Vec<u32> = Vec::new();
        let mut wanted: Vec<Vec<u32>> = vec![Vec::new(); self.monitors.len()];
        for index in fresh {
            let Some(span) = batch.spans.get(*index as usize) else {
                continue;
            };
            let mut wanting = batch.picks(span).iter().flat_map(|pick| self.of_selector(pick.selector)).peekable();
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
        for (monitor, mine) in self.monitors.iter().zip(&mut wanted) {
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
        LeftOut { late: late.len() as u64, bad_time }
    }

    /// Whether there is no rule over `spans`.
    pub(crate) const fn is_empty(&self) -> bool {
        self.monitors.is_empty()
    }

    /// The monitors that want the spans of a selector.
    fn of_selector(&self, selector: u32) -> &[u32] {
        self.of_selector.get(selector as usize).map_or(&[], Vec::as_slice)
    }

    /// Moves every monitor's watermark.
    pub(crate) fn advance(&self, shared: &Shared, Moment { now, event_time }: Moment, out: &mut Outbox) {
        for monitor in &self.monitors {
            lock(monitor).advance(&mut Context { shared, now, event_time, out });
        }
    }

    /// Observation ends: nothing is signalled for want of more, and every group gets its verdict. To be called once.
    pub(crate) fn finish(&self, shared: &Shared, Moment { now, event_time }: Moment, out: &mut Outbox) {
        for monitor in &self.monitors {
            lock(monitor).finish(&mut Context { shared, now, event_time, out });
        }
    }

    /// Adds counters and gauges.
    pub(crate) fn add_to(&self, stats: &mut Stats, places: &Places) {
        stats.groups_evicted += self.evicted;
        for monitor in &self.monitors {
            let monitor = lock(monitor);
            monitor.base().add_to(stats, places);
            stats.bytes_held += monitor.bytes() as u64;
        }
    }
}
