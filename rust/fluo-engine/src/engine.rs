//! The façade: bytes and time in, signals out.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use arc_swap::ArcSwap;
use fluo_lang::program::{Mode, RuleSet, Severity};
use foldhash::quality::RandomState;

use crate::clock::Clocks;
use crate::config::{Config, ConfigError};
use crate::generation::Generation;
use crate::ingest::{Batch, Ordered};
use crate::plan::Plan;
use crate::projection::Projection;
use crate::queue::SignalQueue;
use crate::shard::{Moment, Outbox, Shard, Shared};
use crate::signal::{Event, Phase, Signal};
use crate::stats::{Places, RuleStats, Stats};
use crate::store::calls::{CallEntry, Calls};
use crate::store::resource::Resources;
use crate::tally::no_reasons;
use crate::verdict::VerdictRecord;
use crate::window::Windows;

/// Shards of an engine: enough that two threads seldom meet, few enough that each keeps its share of the limits.
const SHARDS: usize = 8;

/// Rule sets that may drain at the same time; a further swap waits.
const DRAINING: usize = 4;

/// What a call found and did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IngestReport {
    /// Well-formed spans read.
    pub spans: u64,
    /// Spans that at least one selector picked.
    pub spans_selected: u64,
    /// Malformed spans that were skipped.
    pub spans_rejected: u64,
    /// Malformed frames: the rest of the enclosing message was skipped.
    pub frames_rejected: u64,
    /// Spans of our own scope, skipped.
    pub spans_own: u64,
    /// Whether the outermost frame was broken: a part of the message could not even be found.
    pub message_broken: bool,
    /// The projection's current epoch.
    pub epoch: u64,
    /// Whether signals wait to be drained.
    pub signals_pending: bool,
}

/// Why a message was not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IngestError {
    /// The message was projected for another epoch; nothing was applied.
    StaleProjection,
    /// The engine was flushed for shutdown.
    Closed,
}

impl std::fmt::Display for IngestError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::StaleProjection => "the message was projected for another rule set",
            Self::Closed => "the engine was shut down",
        })
    }
}

impl std::error::Error for IngestError {}

/// The rule sets in use.
#[derive(Debug)]
struct InUse {
    current: Arc<Generation>,
    /// Rule sets that open traces still follow.
    draining: Vec<Arc<Generation>>,
    /// The union of what all of them read.
    projection: Projection,
}

/// An engine: safe to use from many threads at once.
#[derive(Debug)]
pub struct Engine {
    shared: Shared,
    in_use: ArcSwap<InUse>,
    /// Guards swaps; holds the rule set that waits for a place.
    waiting: Mutex<Option<Arc<RuleSet>>>,
    shards: Vec<Mutex<Shard>>,
    windows: Windows,
    clocks: Clocks,
    queue: SignalQueue,
    verdicts: Mutex<Vec<VerdictRecord>>,
    batches: Mutex<Vec<Batch>>,
    counters: Counters,
    closed: AtomicBool,
    /// Shared by the calls that decide, until what they decided is queued; the last one waits for them.
    deciding: RwLock<()>,
}

/// Counters that no shard keeps.
#[derive(Debug, Default)]
struct Counters {
    spans: AtomicU64,
    selected: AtomicU64,
    rejected: AtomicU64,
    frames: AtomicU64,
    own: AtomicU64,
}

/// The shard of a trace by the hash of its id: ascending with it, so that what is sorted by hash lies together by shard.
const fn shard_of(span: Ordered) -> usize {
    ((span.upper() * SHARDS as u64) >> 32) as usize
}

/// Locks a mutex; a thread that panicked while it held the lock has poisoned the engine at the boundary, so what it left is not
/// looked at again in earnest.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// Makes an engine for a rule set.
    ///
    /// # Errors
    /// A configuration out of range.
    pub fn new(rules: Arc<RuleSet>, config: Config, now: u64) -> Result<Self, ConfigError> {
        config.check()?;
        let hasher = RandomState::default();
        let plan = Arc::new(Plan::compile(rules));
        let windows = Windows::new(&plan, &config);
        let per_shard = |limit: usize| limit.div_ceil(SHARDS);
        let memory = usize::try_from(config.memory_bytes).unwrap_or(usize::MAX);
        let clocks = Clocks::new(&config, now);
        Ok(Self {
            queue: SignalQueue::new(config.signal_queue_size),
            shared: Shared {
                resources: Resources::new(hasher.clone()),
                calls: Calls::new(hasher.clone()),
                since: if config.live { now.saturating_sub(config.max_skew_ns) } else { 0 },
                max_traces: per_shard(config.max_traces),
                max_bytes: AtomicUsize::new(per_shard(for_traces(&config, &plan))),
                hasher: hasher.clone(),
                config,
            },
            clocks,
            in_use: ArcSwap::from_pointee(InUse {
                projection: plan.projection.clone(),
                current: Arc::new(Generation::new(1, plan)),
                draining: Vec::new(),
            }),
            waiting: Mutex::new(None),
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::new(per_shard(memory)))).collect(),
            windows,
            verdicts: Mutex::default(),
            batches: Mutex::default(),
            counters: Counters::default(),
            closed: AtomicBool::new(false),
            deciding: RwLock::new(()),
        })
    }

    /// Applies a serialized OTLP traces message. `epoch` is that of the projection it was written for, 0 for whole OTLP.
    /// `now` is arrival time in Unix nanoseconds.
    ///
    /// # Errors
    /// See [`IngestError`]; broken bytes are no error but counted in the report.
    pub fn ingest(&self, epoch: u64, now: u64, bytes: &[u8]) -> Result<IngestReport, IngestError> {
        let _deciding = self.deciding.read().unwrap_or_else(PoisonError::into_inner);
        if self.closed.load(Ordering::Acquire) {
            return Err(IngestError::Closed);
        }
        let in_use = self.in_use.load();
        if epoch != 0 && epoch != in_use.current.number {
            return Err(IngestError::StaleProjection);
        }
        let moment = self.clocks.arrive(now);
        let now = moment.now;
        let mut batch = lock(&self.batches).pop().unwrap_or_default();
        let read = batch.read(&in_use.current.plan, &self.shared, bytes);
        self.inject_fault(bytes);
        let mut out = Outbox::default();
        let mut fresh = std::mem::take(&mut batch.fresh);
        self.apply(&in_use.current, true, &batch, moment, &mut fresh, &mut out);
        for draining in &in_use.draining {
            let mut older = lock(&self.batches).pop().unwrap_or_default();
            older.read(&draining.plan, &self.shared, bytes);
            self.apply(draining, false, &older, moment, &mut fresh, &mut out);
            lock(&self.batches).push(older);
        }
        self.clocks.observe(batch.spans.iter().map(|span| &span.record), now);
        if !in_use.current.plan.windows.is_empty() {
            fresh.sort_unstable();
        }
        self.windows.advance(&self.shared, moment, &mut out);
        self.windows.apply(&self.shared, &self.clocks, &batch, &fresh, moment, &mut out);
        self.windows.advance(&self.shared, Moment { event_time: self.clocks.event_time(now), ..moment }, &mut out);
        let selected = batch.spans.iter().filter(|span| !batch.picks(span).is_empty()).count() as u64;
        batch.fresh = fresh;
        lock(&self.batches).push(batch);
        self.deliver(out);
        let counters = &self.counters;
        for (counter, count) in [
            (&counters.spans, read.spans),
            (&counters.selected, selected),
            (&counters.rejected, read.spans_rejected),
            (&counters.frames, read.frames_rejected),
            (&counters.own, read.spans_own),
        ] {
            counter.fetch_add(count, Ordering::Relaxed);
        }
        Ok(IngestReport {
            spans: read.spans,
            spans_selected: selected,
            spans_rejected: read.spans_rejected,
            frames_rejected: read.frames_rejected,
            spans_own: read.spans_own,
            message_broken: read.message_broken,
            ..self.report()
        })
    }

    /// Hands the spans of a batch to their shards, one shard after the other.
    fn apply(&self, generation: &Arc<Generation>, is_current: bool, batch: &Batch, moment: Moment, fresh: &mut Vec<u32>, out: &mut Outbox) {
        let mut apply = |mine: &[Ordered], shard: &mut Shard| {
            shard.apply(&self.shared, generation, is_current, batch, mine, moment, fresh, out);
        };
        // Threads come by all shards in one order: those that are taken wait until the end, so that no thread follows another.
        let mut taken: [&[Ordered]; SHARDS] = [&[]; SHARDS];
        let mut rest = batch.order();
        for ((number, shard), later) in self.shards.iter().enumerate().zip(&mut taken) {
            let (mine, others) = rest.split_at(rest.partition_point(|span| shard_of(*span) == number));
            rest = others;
            if mine.is_empty() {
                continue;
            }
            match shard.try_lock() {
                Ok(mut free) => apply(mine, &mut free),
                Err(_) => *later = mine,
            }
        }
        for (mine, shard) in taken.into_iter().zip(&self.shards).filter(|(mine, _)| !mine.is_empty()) {
            apply(mine, &mut lock(shard));
        }
    }

    fn deliver(&self, mut out: Outbox) {
        if !out.signals.is_empty() {
            // Which shard a trace falls to is chance; the order in which signals leave is not. What is over was said before, and what
            // late spans revise stays in the order in which they came.
            let time = |signal: &Signal| if signal.phase == Phase::Late { u64::MAX } else { signal.time };
            out.signals.sort_by_key(|signal| (signal.observed_time, signal.event == Event::Resolved, time(signal), signal.trace_id));
            self.queue.push(out.signals);
        }
        self.shared.calls.learn(out.lessons);
        if !out.verdicts.is_empty() {
            lock(&self.verdicts).extend(out.verdicts);
        }
    }

    fn report(&self) -> IngestReport {
        IngestReport { epoch: self.in_use.load().current.number, signals_pending: self.queue.len() > 0, ..IngestReport::default() }
    }

    /// Lets time pass: decides traces that have settled or aged, advances windows.
    pub fn tick(&self, now: u64) -> IngestReport {
        let _deciding = self.deciding.read().unwrap_or_else(PoisonError::into_inner);
        let moment = self.clocks.arrive(now);
        let mut out = Outbox::default();
        for shard in &self.shards {
            lock(shard).advance(&self.shared, moment.now, &mut out);
        }
        self.windows.advance(&self.shared, moment, &mut out);
        self.deliver(out);
        self.retire();
        self.report()
    }

    /// Decides every open trace with trigger `shutdown`; afterwards nothing is ingested any more.
    pub fn flush(&self, now: u64) -> IngestReport {
        self.closed.store(true, Ordering::Release);
        let _alone = self.deciding.write().unwrap_or_else(PoisonError::into_inner);
        let moment = self.clocks.arrive(now);
        let mut out = Outbox::default();
        for shard in &self.shards {
            lock(shard).flush(&self.shared, moment.now, &mut out);
        }
        self.windows.finish(&self.shared, moment, &mut out);
        self.deliver(out);
        self.report()
    }

    /// Says that a recording ends at this arrival time: event time stops, so that a window that was not observed to its end stays
    /// undecided, while [`Engine::tick`] lets arrival time run on until every trace is decided.
    pub fn end_recording(&self, now: u64) {
        let moment = self.clocks.stop(now);
        let mut out = Outbox::default();
        self.windows.finish(&self.shared, moment, &mut out);
        self.deliver(out);
    }

    /// The earliest arrival time at which [`Engine::tick`] has something to decide; `None` when nothing is open.
    pub fn next_deadline(&self) -> Option<u64> {
        self.shards.iter().filter_map(|shard| lock(shard).next_deadline(&self.shared)).min()
    }

    /// Replaces the rule set; open traces finish under the rules they began with. While too many rule sets drain, the swap waits;
    /// of several that wait the latest wins.
    pub fn swap(&self, rules: Arc<RuleSet>, now: u64) {
        self.clocks.arrive(now);
        *lock(&self.waiting) = Some(rules);
        self.retire();
    }

    /// Drops rule sets that no trace follows any more and lets a waiting one in.
    fn retire(&self) {
        let mut waiting = lock(&self.waiting);
        let in_use = self.in_use.load_full();
        let draining: Vec<_> = in_use.draining.iter().filter(|g| !g.is_drained()).cloned().collect();
        let next = if draining.len() < DRAINING { waiting.take() } else { None };
        if next.is_none() && draining.len() == in_use.draining.len() {
            return;
        }
        let number = in_use.current.number + 1;
        let (current, draining) = match next {
            Some(rules) => {
                let plan = Arc::new(Plan::compile(rules));
                self.windows.swap(&plan, &self.shared.config);
                self.shared.max_bytes.store(for_traces(&self.shared.config, &plan).div_ceil(SHARDS), Ordering::Relaxed);
                let mut draining = draining;
                if !in_use.current.is_drained() {
                    draining.push(Arc::clone(&in_use.current));
                }
                (Arc::new(Generation::new(number, plan)), draining)
            }
            None => (Arc::clone(&in_use.current), draining),
        };
        let projection = draining.iter().fold(current.plan.projection.clone(), |all, g| all.union(&g.plan.projection));
        self.in_use.store(Arc::new(InUse { current, draining, projection }));
    }

    /// The projection as JSON (see the C header).
    pub fn projection_json(&self) -> Vec<u8> {
        let in_use = self.in_use.load();
        in_use.projection.to_json(in_use.current.number)
    }

    /// Takes at most `max` signals from the queue; the flag says whether more wait.
    pub fn drain_signals(&self, max: usize) -> (Vec<Signal>, bool) {
        self.queue.take(max)
    }

    /// Attributes that the configuration adds to the resource of every signal.
    pub fn extra_resource(&self) -> &std::collections::BTreeMap<String, String> {
        &self.shared.config.resource
    }

    /// Takes the verdicts recorded so far, where `Config::record_verdicts` is set.
    pub fn drain_verdicts(&self) -> Vec<VerdictRecord> {
        std::mem::take(&mut *lock(&self.verdicts))
    }

    /// What the engine knows of calls: which spans come below them, sorted.
    pub fn call_table(&self) -> Vec<CallEntry> {
        self.shared.calls.entries()
    }

    /// Bytes that a trace holds, or `None` for one that is not held: what [`crate::memory()`] bounds.
    pub fn bytes_of_trace(&self, id: &[u8; 16]) -> Option<usize> {
        self.shards.iter().find_map(|shard| lock(shard).bytes_of_trace(&self.shared, id))
    }

    /// Gives the engine knowledge of calls that was learned before.
    pub fn set_call_table(&self, entries: &[CallEntry]) {
        self.shared.calls.set(entries);
    }

    /// Counters and gauges.
    pub fn stats(&self) -> Stats {
        let in_use = self.in_use.load();
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut stats = Stats {
            spans_received: load(&self.counters.spans),
            spans_selected: load(&self.counters.selected),
            spans_rejected: load(&self.counters.rejected),
            frames_rejected: load(&self.counters.frames),
            spans_own: load(&self.counters.own),
            calls_over_limit: self.shared.calls.missed(),
            resources_over_limit: self.shared.resources.missed(),
            signals_emitted: self.queue.emitted(),
            signals_dropped: self.queue.dropped(),
            signals_queued: self.queue.len() as u64,
            epoch: in_use.current.number,
            ruleset_hash: crate::value::hex(&in_use.current.plan.ruleset.hash),
            rules: in_use
                .current
                .plan
                .ruleset
                .rules
                .iter()
                .map(|r| RuleStats {
                    name: r.name.clone(),
                    severity: severity(r.severity).to_owned(),
                    mode: mode(r.mode),
                    inconclusive: no_reasons(),
                    ..RuleStats::default()
                })
                .collect(),
            ..Stats::default()
        };
        let places = Places::of(&stats);
        for shard in &self.shards {
            let shard = lock(shard);
            let counts = &shard.counts;
            stats.spans_duplicate += counts.duplicates;
            stats.spans_conflicting += counts.conflicts;
            stats.spans_late += counts.late;
            stats.spans_over_limit += counts.over_limit;
            stats.traces_completed += counts.completed;
            stats.traces_evicted += counts.evicted;
            stats.groups_evicted += counts.groups_evicted;
            stats.decision_steps += counts.steps;
            stats.decisions_over_limit += counts.cut;
            stats.traces_open += counts.open;
            stats.traces_grace += counts.grace;
            stats.bytes_held += shard.bytes() as u64;
            shard.add_verdicts(&mut stats, &places);
        }
        self.windows.add_to(&mut stats, &places);
        stats
    }

    #[cfg(feature = "faults")]
    #[expect(clippy::panic, reason = "the fault that test archives inject")]
    fn inject_fault(&self, bytes: &[u8]) {
        if let Some(name) = &self.shared.config.fault_panic_on_span
            && bytes.windows(name.len()).any(|w| w == name.as_bytes())
        {
            panic!("injected fault");
        }
    }

    #[cfg(not(feature = "faults"))]
    #[expect(clippy::unused_self, reason = "the same call in every archive")]
    const fn inject_fault(&self, _bytes: &[u8]) {}
}

/// Bytes that traces may hold: half of the memory is for windows, where there are any.
fn for_traces(config: &Config, plan: &Plan) -> usize {
    let memory = usize::try_from(config.memory_bytes).unwrap_or(usize::MAX);
    if plan.windows.is_empty() { memory } else { memory / 2 }
}

/// The word for a mode.
const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Shadow => "shadow",
        Mode::Disabled => "disabled",
    }
}

/// The word for a severity.
#[must_use]
pub const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
        Severity::Critical => "critical",
    }
}
