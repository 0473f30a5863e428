//! A shard: the traces whose ids fall to it, with their timers and limits. One lock guards one shard; locks are never nested.

pub(crate) mod decide;
mod followed;
mod gone;
mod learn;
mod queues;
mod recent;
mod stray;

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use foldhash::quality::RandomState;

use crate::config::{Config, TopIsRoot};
use crate::eval::view::View;
use crate::generation::{Generation, Generations};
use crate::ingest::{Batch, Incoming, Message, Ordered};
use crate::plan::Plan;
use crate::signal::{Signal, Trigger};
use crate::stats::{Places, Stats};
use crate::store::calls::{Calls, Lesson};
use crate::store::combination::Combinations;
use crate::store::record::{NO_COMBINATION, is_entry};
use crate::store::resource::Resources;
use crate::store::shape::{Parents, Shape};
use crate::store::table::Traces;
use crate::store::trace::{Added, Bounds, Offered, Pools, Print, Stage, TraceState};
use crate::tally::Tally;
use crate::truth::Reasons;
use crate::verdict::{Reason, VerdictRecord};
use followed::Followed;
use gone::Gone;
use queues::{Due, Queues};
use recent::Recent;

/// What every shard of an engine shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) resources: Resources,
    pub(crate) hasher: RandomState,
    pub(crate) calls: Calls,
    /// What began before this time, Unix nanoseconds, may have been seen by whoever stood here before; 0 in a replay.
    pub(crate) since: u64,
    /// Limits of one shard.
    pub(crate) max_traces: usize,
    pub(crate) max_bytes: AtomicUsize,
}

/// The traces of a shard.
#[derive(Debug)]
pub(crate) struct Shard {
    traces: Traces,
    queues: Queues,
    generations: Followed,
    /// The latest traces that were forgotten: a straggler opens no second trace.
    gone: Gone,
    /// The latest spans that no trace holds.
    recent: Recent,
    pools: Pools,
    /// Arrival time as this shard has seen it: it never goes back.
    now: u64,
    pub(crate) counts: Counts,
    scratch: Scratch,
}

/// Memory that is used again for every look.
#[derive(Debug, Default)]
struct Scratch {
    parents: Parents,
    /// Selectors that picked a span since the last look.
    news: Vec<u32>,
    /// Rules to look at.
    rules: Vec<u32>,
}

/// What a shard holds for a generation.
#[derive(Debug)]
struct InUse {
    generation: Arc<Generation>,
    combinations: Combinations,
    tallies: Vec<Tally>,
    /// The rules without baseline.
    without_baseline: Vec<u32>,
    /// Whole traces in which only the rules with news were looked at.
    whole: u64,
    /// Traces of this shard that follow it.
    traces: usize,
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
    pub(crate) steps: u64,
    pub(crate) cut: u64,
    pub(crate) open: u64,
    pub(crate) grace: u64,
    pub(crate) bytes: usize,
}

impl Counts {
    /// Counts what the decisions of a view have cost.
    fn add_steps(&mut self, view: &View<'_>) {
        self.steps += view.steps.all() + view.explaining.all();
        self.cut += view.steps.cut();
    }
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
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            traces: Traces::default(),
            queues: Queues::new(),
            generations: Followed::default(),
            gone: Gone::new(max_bytes),
            recent: Recent::new(max_bytes),
            pools: Pools::new(),
            now: 0,
            counts: Counts::default(),
            scratch: Scratch::default(),
        }
    }

    /// Applies the spans of a message that fall to this shard, trace by trace; new traces begin under the current rule set. `fresh` gets
    /// the indices of the spans that were new in their trace.
    #[expect(clippy::too_many_arguments, reason = "the parts of one call; a struct would only rename them")]
    pub(crate) fn apply(
        &mut self,
        shared: &Shared,
        generations: &Generations,
        message: &Message,
        mine: &[Ordered],
        moment: Moment,
        fresh: &mut Vec<u32>,
        out: &mut Outbox,
    ) {
        self.advance(shared, moment.now, out);
        let Some(current) = message.current() else { return };
        let mut rest = mine;
        while let Some(first) = rest.first().and_then(|first| current.spans.get(first.index())) {
            // Two traces of one hash may lie mixed; then each run is a part of its trace.
            let is_of_trace = |one: &&Ordered| current.spans.get(one.index()).is_some_and(|span| span.trace == first.trace);
            let (run, others) = rest.split_at(rest.iter().take_while(is_of_trace).count());
            rest = others;
            if let Some(place) = self.place(shared, generations, first, moment, out)
                && let Some(batch) = self.generation_of(place).and_then(|generation| message.of(generation))
            {
                self.offer_all(shared, batch, run, place, fresh, out);
            }
        }
        self.enforce_limits(shared, out);
    }

    /// The rule set that a trace follows.
    fn generation_of(&self, place: u32) -> Option<&Generation> {
        Some(&self.generations.get(usize::from(self.traces.get(place)?.generation))?.generation)
    }

    /// The place of the trace of a span.
    fn place(&mut self, shared: &Shared, generations: &Generations, first: &Incoming, moment: Moment, out: &mut Outbox) -> Option<u32> {
        if let Some(place) = self.traces.find(tag(first.hash), &first.trace) {
            return Some(place);
        }
        if self.gone.get(first.hash).is_some() {
            return self.begin_stray(shared, &generations.current, first);
        }
        // A trace whose first span had ended long before it came was there before this engine saw it.
        let end = first.record.end;
        let is_late = end != 0 && end.saturating_add(shared.config.late_grace_ns) < moment.event_time;
        self.begin(shared, &generations.current, first, is_late, out)
    }

    fn begin(&mut self, shared: &Shared, generation: &Arc<Generation>, first: &Incoming, is_late: bool, out: &mut Outbox) -> Option<u32> {
        while (self.traces.len() >= shared.max_traces || self.would_exceed(shared)) && self.evict_one(shared, out) {}
        let number = self.follow(generation)?;
        let mut trace = TraceState::new(first.trace, number, generation.plan.keep_all, self.now);
        if is_late {
            trace.marks = Reasons::of(Reason::Late);
        }
        self.counts.open += 1;
        let place = self.traces.insert(tag(first.hash), trace);
        self.queues.open.push(&mut self.traces, place);
        Some(place)
    }

    /// The place of a generation that one trace more follows.
    fn follow(&mut self, generation: &Arc<Generation>) -> Option<u16> {
        let number = self.generations.place(generation)?;
        let in_use = self.generations.get_mut(usize::from(number))?;
        in_use.traces += 1;
        if in_use.traces == 1 {
            generation.enter();
        }
        Some(number)
    }

    /// Offers spans of one trace to it, then looks whether one of its rules is decided, or is decided otherwise.
    fn offer_all(&mut self, shared: &Shared, batch: &Batch, run: &[Ordered], place: u32, fresh: &mut Vec<u32>, out: &mut Outbox) {
        let mut news = std::mem::take(&mut self.scratch.news);
        news.clear();
        let mut has_news = false;
        let mut rest = run;
        while let Some((one, others)) = rest.split_first() {
            let is_late = self.traces.get(place).is_some_and(|trace| trace.stage == Stage::Grace);
            if is_late {
                self.offer_late(shared, batch, rest, place, fresh, out);
                break;
            }
            rest = others;
            let Some(span) = batch.spans.get(one.index()) else { continue };
            let added = self.offer(shared, batch, span, place);
            if self.count(span, added) {
                fresh.extend(u32::try_from(one.index()));
            }
            match added {
                Added::New => {
                    has_news = true;
                    news.extend(batch.picks(span).iter().map(|p| p.selector));
                }
                Added::OverLimit if self.traces.get(place).is_some_and(|t| t.stage == Stage::Open) => {
                    self.complete(shared, place, Trigger::Limit, None, self.now, out);
                }
                _ => {}
            }
        }
        match self.traces.get(place).map(|trace| trace.stage) {
            Some(Stage::Open) if has_news => {
                self.queues.touch(&shared.config, &mut self.traces, place, self.now);
                self.look_early(shared, place, &news, out);
            }
            Some(Stage::Stray) if has_news => self.look_at_strays(shared, place, &news, out),
            _ => {}
        }
        self.scratch.news = news;
    }

    /// Counts what became of a span; says whether it is no repetition, so that windows take it, whatever became of its trace.
    fn count(&mut self, span: &Incoming, added: Added) -> bool {
        match added {
            Added::New => true,
            Added::Duplicate => {
                self.counts.duplicates += 1;
                false
            }
            Added::Conflict => {
                self.counts.conflicts += 1;
                false
            }
            Added::OverLimit => {
                self.counts.over_limit += 1;
                self.recent.add(brief(span))
            }
        }
    }

    /// Offers spans to a decided trace and revises its verdicts once for all of them.
    fn offer_late(&mut self, shared: &Shared, batch: &Batch, run: &[Ordered], place: u32, fresh: &mut Vec<u32>, out: &mut Outbox) {
        let spans = || run.iter().filter_map(|one| batch.spans.get(one.index()));
        let Some(trace) = self.traces.get(place) else { return };
        let Some(in_use) = self.generations.get(usize::from(trace.generation)) else { return };
        let is_full = trace.spans as usize >= shared.config.max_spans_per_trace;
        let mut before = if is_full {
            decide::Outcomes::new()
        } else {
            let selectors = spans().flat_map(|span| batch.picks(span)).map(|pick| pick.selector);
            let rules = decide::rules_of_late(shared, in_use, trace, selectors, spans().any(|span| span.call != 0));
            decide::outcomes(shared, in_use.plan(), trace, &in_use.combinations, rules.into_iter())
        };
        let mut has_news = false;
        for one in run {
            let Some(span) = batch.spans.get(one.index()) else { continue };
            let added = self.offer(shared, batch, span, place);
            if self.count(span, added) {
                fresh.extend(u32::try_from(one.index()));
            }
            self.counts.late += u64::from(added == Added::New);
            has_news |= added == Added::New;
        }
        let Some(trace) = self.traces.get_mut(place).filter(|_| has_news) else { return };
        let Some(in_use) = self.generations.get_mut(usize::from(trace.generation)) else { return };
        let Some(completion) = trace.completion else { return };
        trace.note_late();
        let held = trace.bytes();
        let shape = trace.shape(&mut self.scratch.parents, |id| shared.print(id));
        let completed = trace.completed(completion.trigger, shape);
        if completed != completion {
            // The others do not turn on these spans: without them their outcomes were what they are under the earlier completion.
            let others = (0u32..).take(in_use.plan().rules.len()).filter(|rule| !before.contains_key(rule)).collect::<Vec<_>>();
            before.extend(decide::outcomes(shared, in_use.plan(), trace, &in_use.combinations, others.into_iter()));
        }
        decide::revise(shared, in_use, trace, completed, &before, self.now, &mut self.pools, out);
        self.counts.bytes = (self.counts.bytes + trace.bytes()).saturating_sub(held);
    }

    /// Offers a span to its trace.
    fn offer(&mut self, shared: &Shared, batch: &Batch, span: &Incoming, place: u32) -> Added {
        let Some(trace) = self.traces.get_mut(place) else { return Added::OverLimit };
        let Some(in_use) = self.generations.get_mut(usize::from(trace.generation)) else { return Added::OverLimit };
        let is_stray = trace.stage == Stage::Stray;
        if is_stray && self.recent.has(brief(span)) {
            return Added::Duplicate;
        }
        let picks = batch.picks(span);
        let mut record = span.record;
        record.combination = in_use.combinations.intern(picks);
        if record.combination == NO_COMBINATION && !picks.is_empty() {
            return Added::OverLimit;
        }
        let offered = Offered {
            record,
            print: span.print,
            parent_print: span.parent_print,
            call: span.call,
            misses: batch.misses(span),
            picks,
            values: batch.encoded(span),
        };
        let bounds = Bounds { max_spans: shared.config.max_spans_per_trace, since: shared.since };
        let held = trace.bytes();
        let added = trace.add(&offered, bounds, &mut self.pools, |id| shared.print(id));
        in_use.combinations.count(record.combination, added == Added::New);
        self.counts.bytes = (self.counts.bytes + trace.bytes()).saturating_sub(held);
        self.counts.late += u64::from(is_stray && added == Added::New);
        added
    }

    /// Lets arrival time pass: decides what has settled or aged, forgets what is out of its grace. Each at its own time, so that how
    /// often this is called changes nothing.
    pub(crate) fn advance(&mut self, shared: &Shared, now: u64, out: &mut Outbox) {
        self.now = self.now.max(now);
        while let Some((at, due, place)) = self.queues.next(&shared.config, &self.traces).filter(|(at, ..)| *at <= self.now) {
            match due {
                Due::Age => self.complete(shared, place, Trigger::Age, None, at, out),
                Due::Settle => match self.settled(shared, place) {
                    Some(shape) => self.complete(shared, place, Trigger::Complete, Some(shape), at, out),
                    None => self.queues.unsettle(&mut self.traces, place),
                },
                Due::Grace => self.forget(shared, place),
            }
        }
    }

    /// The shape of a trace that is complete after its quiet; `None` where something is missing.
    fn settled(&mut self, shared: &Shared, place: u32) -> Option<Shape> {
        let shape = self.traces.get(place)?.shape(&mut self.scratch.parents, |id| shared.print(id));
        let is_complete = shape.is_closed() || (shared.config.top_is_root == TopIsRoot::Settle && shape.has_one_caller());
        is_complete.then_some(shape)
    }

    /// The earliest time at which [`Shard::advance`] may have something to do.
    pub(crate) fn next_deadline(&self, shared: &Shared) -> Option<u64> {
        self.queues.next(&shared.config, &self.traces).map(|(at, ..)| at)
    }

    /// Decides every open trace because the engine stops.
    pub(crate) fn flush(&mut self, shared: &Shared, now: u64, out: &mut Outbox) {
        self.advance(shared, now, out);
        while let Some(place) = self.queues.open.first() {
            self.complete(shared, place, Trigger::Shutdown, None, self.now, out);
        }
    }

    /// Evicts until the shard is inside its byte budget: unused memory first, then decided traces, then the oldest open ones.
    fn enforce_limits(&mut self, shared: &Shared, out: &mut Outbox) {
        let most = shared.max_bytes.load(Ordering::Relaxed);
        if self.bytes() > most {
            self.pools.clear();
            while self.bytes() > most && self.evict_one(shared, out) {
                self.pools.clear();
            }
        }
    }

    /// Whether there is room for another trace only where one is given up: what the table once took it keeps.
    fn would_exceed(&self, shared: &Shared) -> bool {
        let growth = self.traces.growth();
        growth > 0 && self.traces.len() > 0 && self.bytes() + growth > shared.max_bytes.load(Ordering::Relaxed)
    }

    fn evict_one(&mut self, shared: &Shared, out: &mut Outbox) -> bool {
        if let Some(place) = self.queues.decided.first() {
            if let Some(trace) = self.traces.get_mut(place) {
                trace.note_late();
            }
            self.forget(shared, place);
            return true;
        }
        let Some(place) = self.queues.open.first() else { return false };
        self.counts.evicted += 1;
        self.complete(shared, place, Trigger::Limit, None, self.now, out);
        if let Some(trace) = self.traces.get_mut(place) {
            trace.note_late();
        }
        self.forget(shared, place);
        true
    }

    /// Forgets a decided trace.
    fn forget(&mut self, shared: &Shared, place: u32) {
        self.queues.decided.remove(&mut self.traces, place);
        let Some(hash) = self.traces.get(place).map(|trace| shared.trace_hash(&trace.id)) else { return };
        let Some(trace) = self.traces.remove(tag(hash), place) else { return };
        self.remember(shared, hash, &trace);
        self.counts.bytes = self.counts.bytes.saturating_sub(trace.bytes());
        self.counts.grace -= u64::from(trace.stage == Stage::Grace);
        if let Some(in_use) = self.generations.get_mut(usize::from(trace.generation)) {
            trace.records().combinations().for_each(|combination| in_use.combinations.release(combination));
            in_use.traces -= 1;
            if in_use.traces == 0 {
                in_use.generation.leave();
            }
        }
        self.pools.give(trace);
    }

    /// Gives up what is held for rule sets that no trace follows any more. `rules` are those of the current one by name.
    pub(crate) fn release(&mut self, current: &Arc<Generation>, rules: &HashMap<&str, usize>) {
        self.generations.release(current, rules);
    }

    /// Bytes that a trace holds.
    pub(crate) fn bytes_of_trace(&self, shared: &Shared, id: &[u8; 16]) -> Option<usize> {
        let trace = self.traces.get(self.traces.find(tag(shared.trace_hash(id)), id)?)?;
        Some(size_of::<TraceState>() + trace.bytes())
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        let shared: usize = self.generations.iter().map(|g| g.combinations.bytes()).sum();
        self.counts.bytes
            + shared
            + self.traces.bytes()
            + self.pools.bytes()
            + self.gone.bytes()
            + self.recent.bytes()
            + self.scratch.parents.bytes()
    }

    /// Adds the verdicts of each generation's rules to the statistics.
    pub(crate) fn add_verdicts(&self, stats: &mut Stats, places: &Places) {
        for in_use in self.generations.iter() {
            let plan = &in_use.generation.plan;
            for ((rule, tally), baseline) in plan.rules.iter().zip(&in_use.tallies).zip(&in_use.generation.baselines) {
                let of_rule = plan.source(rule).and_then(|source| places.rule(stats, &source.name));
                if let Some(of_rule) = of_rule {
                    tally.add_to(of_rule, *baseline, in_use.whole);
                }
            }
        }
    }
}

/// What tells a span from all others of a shard.
fn brief(span: &Incoming) -> u64 {
    brief_of(span.hash, Print::of(span.print, is_entry(span.record.kind)).brief())
}

/// What tells a span from all others of a shard, by the keyed hash of its trace's id and the print of its own.
const fn brief_of(hash: u64, print: u32) -> u64 {
    hash.rotate_left(17) ^ (print as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The part of a trace id's hash that the table of a shard goes by; the upper bits tell the shards apart.
#[expect(clippy::cast_possible_truncation, reason = "the low half of the hash")]
const fn tag(hash: u64) -> u32 {
    hash as u32
}

impl InUse {
    fn new(generation: &Arc<Generation>) -> Self {
        let without_baseline =
            (0u32..).zip(&generation.baselines).filter(|(_, baseline)| baseline.is_none()).map(|(rule, _)| rule).collect();
        Self {
            generation: Arc::clone(generation),
            combinations: Combinations::default(),
            tallies: vec![Tally::default(); generation.plan.rules.len()],
            without_baseline,
            whole: 0,
            traces: 0,
        }
    }

    fn plan(&self) -> &Plan {
        &self.generation.plan
    }

    /// What was counted for each rule of the plan, with its name.
    fn tallies(&self) -> impl Iterator<Item = (Option<&str>, Tally)> {
        let plan = self.plan();
        let counted = plan.rules.iter().zip(&self.tallies).zip(&self.generation.baselines);
        counted.map(|((rule, tally), baseline)| {
            (plan.source(rule).map(|source| source.name.as_str()), tally.with_baseline(*baseline, self.whole))
        })
    }
}

impl Shared {
    /// Keyed hash of a trace id.
    #[inline]
    pub(crate) fn trace_hash(&self, id: &[u8; 16]) -> u64 {
        self.hasher.hash_one(u128::from_ne_bytes(*id))
    }

    /// Keyed hash of a span id.
    #[inline]
    pub(crate) fn print(&self, id: u64) -> u64 {
        self.hasher.hash_one(id)
    }
}
