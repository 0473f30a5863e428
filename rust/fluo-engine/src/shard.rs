//! A shard: the traces whose ids fall to it, with their timers and limits. One lock guards one shard; locks are never nested.

mod decide;
mod gone;
mod learn;
mod timers;

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use foldhash::quality::RandomState;

use crate::config::Config;
use crate::generation::Generation;
use crate::ingest::{Batch, Incoming};
use crate::near::Missed;
use crate::signal::{Signal, Trigger};
use crate::stats::Stats;
use crate::store::calls::{Calls, Lesson};
use crate::store::combination::Combinations;
use crate::store::resource::Resources;
use crate::store::trace::{Added, KeptValue, Stage, TraceState};
use crate::tally::Tally;
use crate::truth::Reasons;
use crate::verdict::{Reason, Verdict, VerdictRecord};
use gone::Gone;
use timers::Timers;

/// What every shard of an engine shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) resources: Resources,
    pub(crate) hasher: RandomState,
    pub(crate) calls: Calls,
    /// Limits of one shard.
    pub(crate) max_traces: usize,
    pub(crate) max_bytes: AtomicUsize,
}

/// The traces of a shard.
#[derive(Debug)]
pub(crate) struct Shard {
    traces: HashMap<[u8; 16], TraceState, RandomState>,
    generations: Vec<InUse>,
    timers: Timers,
    /// Traces in the order in which they began, for eviction; forgotten ones are skipped.
    begun: VecDeque<[u8; 16]>,
    /// Decided traces in the order in which they were decided.
    decided: VecDeque<[u8; 16]>,
    /// Ids of traces that were forgotten, the latest ones: a straggler opens no second trace.
    gone: Gone,
    pub(crate) counts: Counts,
    scratch: Vec<KeptValue>,
}

/// What offering a span to its trace needs of the shard beside the trace.
struct Parts<'s> {
    generations: &'s mut [InUse],
    timers: &'s mut Timers,
    counts: &'s mut Counts,
    scratch: &'s mut Vec<KeptValue>,
}

/// What a shard holds for a generation.
#[derive(Debug)]
struct InUse {
    generation: Arc<Generation>,
    combinations: Combinations,
    tallies: Vec<Tally>,
    /// The verdict of each rule over a whole trace without picks.
    baselines: Vec<Option<Verdict>>,
    /// Whole traces in which only the rules with news were looked at.
    whole: u64,
}

/// Counters and gauges of a shard.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counts {
    pub(crate) duplicates: u64,
    pub(crate) conflicts: u64,
    pub(crate) late: u64,
    pub(crate) over_limit: u64,
    pub(crate) completed: u64,
    pub(crate) evicted: u64,
    pub(crate) groups_evicted: u64,
    pub(crate) open: u64,
    pub(crate) grace: u64,
    pub(crate) bytes: usize,
}

/// What a shard hands out when its lock is released.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) signals: Vec<Signal>,
    pub(crate) verdicts: Vec<VerdictRecord>,
    /// What traces that were decided teach about calls.
    pub(crate) lessons: Vec<Lesson>,
}

/// Arrival and event time of a call, and which call it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: u64,
    /// Event clock before the call; 0 before the first span.
    pub(crate) event_time: u64,
}

impl Shard {
    pub(crate) fn new(hasher: RandomState, max_bytes: usize) -> Self {
        Self {
            traces: HashMap::with_hasher(hasher),
            generations: Vec::new(),
            timers: Timers::default(),
            begun: VecDeque::new(),
            decided: VecDeque::new(),
            gone: Gone::new(max_bytes),
            counts: Counts::default(),
            scratch: Vec::new(),
        }
    }

    /// Applies the spans of a batch that fall to this shard, in message order. `is_current` says whether new traces begin under this
    /// generation. `fresh` gets the indices of the spans that were new in their trace.
    #[expect(clippy::too_many_arguments, reason = "the parts of one call; a struct would only rename them")]
    pub(crate) fn apply(
        &mut self,
        shared: &Shared,
        generation: &Arc<Generation>,
        is_current: bool,
        batch: &Batch,
        mine: &[u32],
        moment: Moment,
        fresh: &mut Vec<u32>,
        out: &mut Outbox,
    ) {
        self.advance(shared, moment.now, out);
        let mut touched: HashMap<[u8; 16], Vec<u32>, RandomState> = HashMap::with_hasher(shared.hasher.clone());
        let waits_for_any = generation.plan.keep_all || !generation.plan.without_selectors.is_empty();
        for index in mine {
            let Some(span) = batch.spans.get(*index as usize) else {
                continue;
            };
            let added = match self.traces.get_mut(&span.trace) {
                Some(trace) if !Arc::ptr_eq(&trace.plan, &generation.plan) => continue,
                Some(trace) => Self::offer(
                    Parts {
                        generations: &mut self.generations,
                        timers: &mut self.timers,
                        counts: &mut self.counts,
                        scratch: &mut self.scratch,
                    },
                    shared,
                    trace,
                    span,
                    batch,
                    moment.now,
                    out,
                ),
                None if !is_current => continue,
                None if self.gone.has(&span.trace) => {
                    self.counts.late += 1;
                    continue;
                }
                None => {
                    // A trace whose first span had ended long before it came was there before this engine saw it.
                    let end = span.record.end;
                    let is_late = end != 0 && end.saturating_add(shared.config.late_grace_ns) < moment.event_time;
                    self.begin(shared, generation, span.trace, is_late, moment.now, out);
                    let Some(trace) = self.traces.get_mut(&span.trace) else { continue };
                    let parts = Parts {
                        generations: &mut self.generations,
                        timers: &mut self.timers,
                        counts: &mut self.counts,
                        scratch: &mut self.scratch,
                    };
                    Self::offer(parts, shared, trace, span, batch, moment.now, out)
                }
            };
            if added == Added::OverLimit && self.traces.get(&span.trace).is_some_and(|t| t.stage == Stage::Open) {
                self.complete(shared, &span.trace, Trigger::Limit, moment.now, out);
            }
            if added == Added::New {
                fresh.push(*index);
                let picks = batch.picks(span);
                if waits_for_any || !picks.is_empty() {
                    touched.entry(span.trace).or_default().extend(picks.iter().map(|p| p.selector));
                }
            }
        }
        for (id, news) in touched {
            self.look_early(shared, &id, &news, moment.now, out);
        }
        self.enforce_limits(shared, moment.now, out);
    }

    fn begin(&mut self, shared: &Shared, generation: &Arc<Generation>, id: [u8; 16], is_late: bool, now: u64, out: &mut Outbox) {
        while self.traces.len() >= shared.max_traces && self.evict_one(shared, now, out) {}
        if !self.generations.iter().any(|g| Arc::ptr_eq(&g.generation, generation)) {
            let tallies = vec![Tally::default(); generation.plan.rules.len()];
            self.generations.push(InUse {
                generation: Arc::clone(generation),
                combinations: Combinations::default(),
                tallies,
                baselines: decide::baselines(shared, &generation.plan),
                whole: 0,
            });
        }
        generation.enter();
        let mut trace = TraceState::new(id, Arc::clone(&generation.plan), now);
        if is_late {
            trace.marks = Reasons::of(Reason::Late);
        }
        self.counts.open += 1;
        self.counts.bytes += trace.bytes();
        self.traces.insert(id, trace);
        self.begun.push_back(id);
    }

    /// Offers a span to its trace; a late one revises the verdicts.
    fn offer(
        parts: Parts<'_>,
        shared: &Shared,
        trace: &mut TraceState,
        span: &Incoming,
        batch: &Batch,
        now: u64,
        out: &mut Outbox,
    ) -> Added {
        let Parts { generations, timers, counts, scratch } = parts;
        let Some(in_use) = generations.iter_mut().find(|g| Arc::ptr_eq(&g.generation.plan, &trace.plan)) else { return Added::OverLimit };
        let picks = batch.picks(span);
        let mut record = span.record;
        record.combination = in_use.combinations.intern(picks);
        scratch.clear();
        scratch.extend_from_slice(batch.values(span));
        let is_late = matches!(trace.stage, Stage::Grace { .. });
        let before = if is_late && !trace.knows(record.id, |id| shared.print(id)) {
            decide::outcomes(shared, trace, &in_use.combinations)
        } else {
            Vec::new()
        };
        let held = trace.bytes();
        let added = trace.add(record, span.call, scratch, &in_use.combinations, shared.config.max_spans_per_trace, |id| shared.print(id));
        if added == Added::New {
            Missed::add(&mut trace.near, batch.misses(span));
        }
        match added {
            Added::New if is_late => {
                counts.late += 1;
                decide::revise(shared, trace, &in_use.combinations, &mut in_use.tallies, &before, now, out);
            }
            Added::New => {
                trace.last_seen = now;
                let due = timers.wanted(&shared.config, trace);
                timers.arm(trace, due);
            }
            Added::Duplicate => counts.duplicates += 1,
            Added::Conflict => counts.conflicts += 1,
            Added::OverLimit => counts.over_limit += 1,
        }
        counts.bytes = (counts.bytes + trace.bytes()).saturating_sub(held);
        added
    }

    /// Lets arrival time pass: decides what has settled or aged, forgets what is out of its grace. Each at its own time, so that how
    /// often this is called changes nothing.
    pub(crate) fn advance(&mut self, shared: &Shared, now: u64, out: &mut Outbox) {
        while let Some((due, id)) = self.timers.pop_due(now) {
            let Some(trace) = self.traces.get_mut(&id) else {
                continue;
            };
            if trace.armed != due {
                continue;
            }
            trace.armed = u64::MAX;
            match timers::ripe(&shared.config, trace, due) {
                timers::Ripe::Decide(trigger) => self.complete(shared, &id, trigger, due, out),
                timers::Ripe::Forget => self.forget(&id),
                timers::Ripe::Wait(next) => self.timers.arm(trace, next),
            }
        }
    }

    /// The earliest time at which [`Shard::advance`] may have something to do.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.timers.next()
    }

    /// Decides every open trace because the engine stops.
    pub(crate) fn flush(&mut self, shared: &Shared, now: u64, out: &mut Outbox) {
        self.advance(shared, now, out);
        let mut open: Vec<[u8; 16]> = self.traces.values().filter(|t| t.stage == Stage::Open).map(|t| t.id).collect();
        open.sort_unstable();
        for id in open {
            self.complete(shared, &id, Trigger::Shutdown, now, out);
        }
    }

    /// Evicts until the shard is inside its byte budget: decided traces first, then the oldest open ones.
    fn enforce_limits(&mut self, shared: &Shared, now: u64, out: &mut Outbox) {
        while self.bytes() > shared.max_bytes.load(Ordering::Relaxed) && self.evict_one(shared, now, out) {}
    }

    fn evict_one(&mut self, shared: &Shared, now: u64, out: &mut Outbox) -> bool {
        while let Some(id) = self.decided.pop_front() {
            if self.traces.get(&id).is_some_and(|t| matches!(t.stage, Stage::Grace { .. })) {
                self.forget(&id);
                return true;
            }
        }
        while let Some(id) = self.begun.pop_front() {
            if self.traces.get(&id).is_some_and(|t| t.stage == Stage::Open) {
                self.counts.evicted += 1;
                self.complete(shared, &id, Trigger::Limit, now, out);
                self.forget(&id);
                return true;
            }
        }
        false
    }

    fn forget(&mut self, id: &[u8; 16]) {
        let Some(trace) = self.traces.remove(id) else {
            return;
        };
        self.gone.add(*id);
        self.counts.bytes = self.counts.bytes.saturating_sub(trace.bytes());
        match trace.stage {
            Stage::Open => self.counts.open -= 1,
            Stage::Grace { .. } => self.counts.grace -= 1,
        }
        if let Some(in_use) = self.generations.iter().find(|g| Arc::ptr_eq(&g.generation.plan, &trace.plan)) {
            in_use.generation.leave();
        }
        // Forgotten ids are skipped lazily; once they outnumber the living, the queues are swept.
        if self.begun.len() > 2 * self.traces.len() + 64 {
            self.begun.retain(|id| self.traces.get(id).is_some_and(|t| t.stage == Stage::Open));
        }
        if self.decided.len() > 2 * self.traces.len() + 64 {
            self.decided.retain(|id| self.traces.contains_key(id));
        }
    }

    /// Bytes that a trace holds.
    pub(crate) fn bytes_of_trace(&self, id: &[u8; 16]) -> Option<usize> {
        self.traces.get(id).map(TraceState::bytes)
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        const QUEUED: usize = 16;
        let shared: usize = self.generations.iter().map(|g| g.combinations.bytes()).sum();
        self.counts.bytes + shared + (self.begun.len() + self.decided.len()) * QUEUED + self.timers.bytes() + self.gone.bytes()
    }

    /// Adds the verdicts of each generation's rules to the statistics.
    pub(crate) fn add_verdicts(&self, stats: &mut Stats) {
        for in_use in &self.generations {
            let plan = &in_use.generation.plan;
            for ((rule, tally), baseline) in plan.rules.iter().zip(&in_use.tallies).zip(&in_use.baselines) {
                let name = plan.source(rule).map(|r| r.name.as_str());
                if let Some(of_rule) = stats.rules.iter_mut().find(|r| Some(r.name.as_str()) == name) {
                    tally.add_to(of_rule, *baseline, in_use.whole);
                }
            }
        }
    }
}

impl Shared {
    /// Keyed hash of a span id.
    #[expect(clippy::cast_possible_truncation, reason = "the low half of the hash")]
    pub(crate) fn print(&self, id: u64) -> u32 {
        self.hasher.hash_one(id) as u32
    }
}
