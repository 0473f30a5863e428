//! The façade: bytes and time in, signals out.

mod counts;
mod reload;
mod report;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use fluo_lang::program::{Mode, RuleSet, Severity};
use foldhash::quality::RandomState;

use crate::clock::Clocks;
use crate::config::{Config, ConfigError};
use crate::generation::Generations;
use crate::ingest::{Batch, Message, Ordered};
use crate::plan::Plan;
use crate::queue::SignalQueue;
use crate::shard::{Moment, Outbox, Shard, Shared};
use crate::signal::{Event, Phase, Signal};
use crate::store::calls::{CallEntry, Calls};
use crate::store::resource::Resources;
use crate::verdict::VerdictRecord;
use crate::window::LeftOut;
use counts::Counters;
pub use report::{IngestError, IngestReport};

/// Shards of an engine: enough that two threads seldom meet, few enough that each keeps its share of the limits.
const SHARDS: usize = 8;

/// An engine: safe to use from many threads at once.
#[derive(Debug)]
pub struct Engine {
    shared: Shared,
    /// The rule sets in use, shared by the calls that decide until what they decided is queued. Whoever replaces them waits until none is
    /// under way, and so does the last call. It is taken before the locks of shards and monitors, and once in a call.
    generations: RwLock<Arc<Generations>>,
    /// Guards swaps; holds the rule set that waits for a place.
    waiting: Mutex<Option<Arc<RuleSet>>>,
    shards: Vec<Mutex<Shard>>,
    clocks: Clocks,
    queue: SignalQueue,
    verdicts: Mutex<Vec<VerdictRecord>>,
    /// Memory of messages that were applied.
    messages: Mutex<Vec<Message>>,
    counters: Counters,
    closed: AtomicBool,
    /// Whether observation is over: the windows have got their verdicts, and nothing is judged again.
    ended: AtomicBool,
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
        let plan = Plan::compile(rules);
        let per_shard = |limit: usize| limit.div_ceil(SHARDS);
        let memory = usize::try_from(config.memory_bytes).unwrap_or(usize::MAX);
        let clocks = Clocks::new(&config, now);
        let shared = Shared {
            resources: Resources::new(hasher.clone()),
            calls: Calls::new(hasher.clone()),
            since: if config.live { now.saturating_sub(config.max_skew_ns) } else { 0 },
            max_traces: per_shard(config.max_traces),
            max_bytes: AtomicUsize::new(per_shard(reload::for_traces(&config, &plan))),
            hasher,
            config,
        };
        Ok(Self {
            queue: SignalQueue::new(shared.config.signal_queue_size),
            clocks,
            generations: RwLock::new(Arc::new(reload::first(plan, &shared))),
            shared,
            waiting: Mutex::new(None),
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::new(per_shard(memory)))).collect(),
            verdicts: Mutex::default(),
            messages: Mutex::default(),
            counters: Counters::default(),
            closed: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        })
    }

    /// The rule sets in use; they stay in use as long as this is held.
    fn in_use(&self) -> RwLockReadGuard<'_, Arc<Generations>> {
        self.generations.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies a serialized OTLP traces message. `epoch` is that of the projection it was written for, 0 for whole OTLP.
    /// `now` is arrival time in Unix nanoseconds.
    ///
    /// # Errors
    /// See [`IngestError`]; broken bytes are no error but counted in the report.
    pub fn ingest(&self, epoch: u64, now: u64, bytes: &[u8]) -> Result<IngestReport, IngestError> {
        let mut message = lock(&self.messages).pop().unwrap_or_default();
        let report = self.read_and_apply(epoch, now, bytes, &mut message);
        lock(&self.messages).push(message);
        report
    }

    fn read_and_apply(&self, epoch: u64, now: u64, bytes: &[u8], message: &mut Message) -> Result<IngestReport, IngestError> {
        loop {
            let pinned = Arc::clone(&self.in_use());
            if self.closed.load(Ordering::Acquire) {
                return Err(IngestError::Closed);
            }
            if !pinned.takes(epoch) {
                return Err(IngestError::StaleProjection);
            }
            // No lock is held while a message is read: a long one keeps nobody waiting.
            let read = message.read(&pinned, &self.shared, bytes);
            self.inject_fault(bytes);
            let in_use = self.in_use();
            if self.closed.load(Ordering::Acquire) {
                return Err(IngestError::Closed);
            }
            if !Arc::ptr_eq(&pinned, &in_use) {
                // The rules were swapped meanwhile.
                continue;
            }
            let left_out = self.apply(&in_use, now, message);
            let report = IngestReport {
                spans: read.spans,
                spans_selected: message.current().map_or(0, Batch::selected),
                spans_rejected: read.spans_rejected,
                frames_rejected: read.frames_rejected,
                spans_own: read.spans_own,
                message_broken: read.message_broken,
                ..self.report(&in_use)
            };
            self.counters.add(&report, left_out);
            return Ok(report);
        }
    }

    /// Applies a message that was read by the rule sets in use.
    fn apply(&self, in_use: &Generations, now: u64, message: &mut Message) -> LeftOut {
        let moment = self.clocks.arrive(now);
        let mut out = Outbox::default();
        let mut fresh = std::mem::take(&mut message.fresh);
        self.apply_to_traces(in_use, message, moment, &mut fresh, &mut out);
        let mut left_out = LeftOut::default();
        if let Some(batch) = message.current() {
            self.clocks.observe(batch.spans.iter().map(|span| &span.record), moment.now);
            let windows = &in_use.current.windows;
            if !windows.is_empty() && !self.ended.load(Ordering::Acquire) {
                fresh.sort_unstable();
                windows.advance(&self.shared, moment, &mut out);
                left_out = windows.apply(&self.shared, &self.clocks, batch, &fresh, moment, &mut out);
                let event_time = self.clocks.event_time(moment.now);
                windows.advance(&self.shared, Moment { event_time, ..moment }, &mut out);
            }
        }
        message.fresh = fresh;
        self.deliver(out);
        left_out
    }

    /// Hands the spans of a message to their shards, one shard after the other.
    fn apply_to_traces(&self, in_use: &Generations, message: &Message, moment: Moment, fresh: &mut Vec<u32>, out: &mut Outbox) {
        let mut apply = |mine: &[Ordered], shard: &mut Shard| shard.apply(&self.shared, in_use, message, mine, moment, fresh, out);
        // Threads come by all shards in one order: those that are taken wait until the end, so that no thread follows another.
        let mut taken: [&[Ordered]; SHARDS] = [&[]; SHARDS];
        let mut rest = message.order();
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

    fn report(&self, in_use: &Generations) -> IngestReport {
        IngestReport { epoch: in_use.epoch, signals_pending: self.queue.len() > 0, ..IngestReport::default() }
    }

    /// Lets time pass: decides traces that have settled or aged, advances windows.
    pub fn tick(&self, now: u64) -> IngestReport {
        let in_use = self.in_use();
        let moment = self.clocks.arrive(now);
        let mut out = Outbox::default();
        for shard in &self.shards {
            lock(shard).advance(&self.shared, moment.now, &mut out);
        }
        if !self.ended.load(Ordering::Acquire) {
            in_use.current.windows.advance(&self.shared, moment, &mut out);
        }
        self.deliver(out);
        drop(in_use);
        // Where another thread is at it already, this one need not wait for it.
        if let Ok(mut waiting) = self.waiting.try_lock() {
            self.retire(&mut waiting);
        }
        self.report(&self.in_use())
    }

    /// Decides every open trace with trigger `shutdown`; afterwards nothing is ingested any more.
    pub fn flush(&self, now: u64) -> IngestReport {
        self.closed.store(true, Ordering::Release);
        let alone = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        let moment = self.clocks.arrive(now);
        let mut out = Outbox::default();
        for shard in &self.shards {
            lock(shard).flush(&self.shared, moment.now, &mut out);
        }
        self.finish(&alone, moment, &mut out);
        self.deliver(out);
        self.report(&alone)
    }

    /// Says that a recording ends at this arrival time: event time stops, so that a window that was not observed to its end stays
    /// undecided, while [`Engine::tick`] lets arrival time run on until every trace is decided. Windows take no further span.
    pub fn end_recording(&self, now: u64) {
        let alone = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        let moment = self.clocks.stop(now);
        let mut out = Outbox::default();
        self.finish(&alone, moment, &mut out);
        self.deliver(out);
    }

    /// Ends what windows observe, once.
    fn finish(&self, in_use: &Generations, moment: Moment, out: &mut Outbox) {
        if !self.ended.swap(true, Ordering::AcqRel) {
            in_use.current.windows.finish(&self.shared, moment, out);
        }
    }

    /// The earliest arrival time at which [`Engine::tick`] has something to decide; `None` when nothing is open.
    pub fn next_deadline(&self) -> Option<u64> {
        self.shards.iter().filter_map(|shard| lock(shard).next_deadline(&self.shared)).min()
    }

    /// The projection as JSON (see the C header).
    pub fn projection_json(&self) -> Vec<u8> {
        let in_use = self.in_use();
        in_use.projection.to_json(in_use.epoch)
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
