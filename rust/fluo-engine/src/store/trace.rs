//! One trace: what is kept of its spans, and how far its rules are decided.

use super::combination::{Combinations, Fit, Pick};
use super::pool::Pool;
use super::record::{Record, RecordPools, Records, is_entry};
use super::seen::Seen;
use super::shape::{Above, Link, Parents, Shape};
use super::table::NOWHERE;
use super::values::Values;
use crate::eval::groups::GroupId;
use crate::eval::rule::Outcome;
use crate::expr::read::Read;
use crate::near::{Miss, Missed};
use crate::signal::Trigger;
use crate::truth::Reasons;
use crate::verdict::Reason;

/// Spans above which membership is asked of a set instead of a scan.
const SCAN_LIMIT: usize = 64;

/// A span of which only enough is kept to know repetitions and missing parents: 8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Light {
    /// 31 bits of the keyed hash of the id; the top bit marks server and consumer spans, which may share an id with their caller.
    id: u32,
    /// 31 bits of the keyed hash of the parent's id; the top bit marks a span without parent.
    parent: u32,
}

const MARK: u32 = 1 << 31;

/// A span without parent came.
const HAS_ROOT: u8 = 1;
/// See [`TraceState::note_late`].
const HAS_LATE: u8 = 2;

/// Marks, in what stays of a decided trace's spans, those without parent; 30 bits of the hash are left.
const ROOT: u32 = 1 << 30;
const REST: u32 = ROOT - 1;

/// The keyed hash of a span's id, and whether it is a server or consumer span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Print {
    hash: u64,
    is_entry: bool,
}

impl Print {
    pub(crate) const fn of(hash: u64, is_entry: bool) -> Self {
        Self { hash, is_entry }
    }

    /// All that tells the span from others of its trace.
    const fn wide(self) -> u64 {
        (self.hash & !1) | self.is_entry as u64
    }

    /// As much as stays of it in whatever is kept of a span.
    pub(crate) const fn brief(self) -> u32 {
        self.word() & (MARK | REST)
    }

    /// As it stands in a [`Light`].
    const fn word(self) -> u32 {
        narrow(self.hash) | if self.is_entry { MARK } else { 0 }
    }
}

/// The 31 bits of a hash that a [`Light`] holds.
#[expect(clippy::cast_possible_truncation, reason = "the low half of the hash")]
const fn narrow(hash: u64) -> u32 {
    hash as u32 & !MARK
}

impl Light {
    fn link(self) -> Link {
        let (id, parent) = (self.id & !MARK, self.parent & !MARK);
        let above = if self.parent & MARK == 0 { Above::Named(u64::from(parent)) } else { Above::Nothing };
        Link { id: u64::from(id), above, hash: id, above_hash: parent, is_entry: self.id & MARK != 0 }
    }

    /// What stays of it when its parent is known to be there.
    const fn settled(self) -> u32 {
        let root = if self.parent & MARK == 0 { 0 } else { ROOT };
        (self.id & (MARK | REST)) | root
    }

    /// The same of a span that came after its trace was decided, so that it fits in with what stayed of the others.
    fn late_link(self) -> Link {
        let link = self.link();
        let rest = |id: u64| id & u64::from(REST);
        let above = match link.above {
            Above::Named(parent) => Above::Named(rest(parent)),
            other => other,
        };
        Link { id: rest(link.id), above, hash: link.hash & REST, above_hash: link.above_hash & REST, ..link }
    }
}

/// What stayed of a span of a decided trace, as the shape sees it.
fn settled_link(word: u32) -> Link {
    let id = word & REST;
    let above = if word & ROOT == 0 { Above::There } else { Above::Nothing };
    Link { id: u64::from(id), above, hash: id, above_hash: 0, is_entry: word & MARK != 0 }
}

/// What is known of all spans of a trace, in the order in which they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Every one left a record.
    Records,
    /// A [`Light`] of each.
    Lights,
    /// A word for each, see [`Light::settled`], of a trace that was decided and in which no parent is missing and none run in a circle;
    /// of those that came later a [`Light`].
    Prints,
}

/// How often a selector picked a span of the trace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counter {
    pub(crate) selector: u32,
    pub(crate) yes: u32,
    pub(crate) dropped: u32,
    pub(crate) bad_time: u32,
}

/// A verdict that was given for a rule (or for one group of it).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decided {
    /// Index in [`crate::plan::Plan::rules`].
    pub(crate) rule: u32,
    /// The group of the rule that it was given for.
    pub(crate) group: GroupId,
    pub(crate) outcome: Outcome,
    /// Given before completion: never taken back.
    pub(crate) early: bool,
    /// Whether a violation was emitted and stands.
    pub(crate) signalled: bool,
}

impl Decided {
    /// What it is about.
    pub(crate) const fn key(&self) -> (u32, GroupId) {
        (self.rule, self.group)
    }
}

/// A client span without error, or a producer span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Call {
    /// The how manyeth span of the trace it is; also its place among the records where every span leaves one.
    pub(crate) span: u32,
    /// Its row in the call table.
    pub(crate) row: u32,
}

/// What decided a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Completion {
    pub(crate) trigger: Trigger,
    /// Why there may be spans that nobody sees.
    pub(crate) losses: Reasons,
    /// Whether the spans on top count as the root although their parent, which is one, has not come.
    pub(crate) tops_are_root: bool,
}

/// Where a trace stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Spans are collected.
    #[default]
    Open,
    /// Decided; late spans revise.
    Grace,
    /// Spans of a trace that was forgotten before they came.
    Stray,
}

/// The neighbours of a trace in a queue of its shard.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Links {
    pub(crate) before: u32,
    pub(crate) behind: u32,
}

impl Default for Links {
    fn default() -> Self {
        Self { before: NOWHERE, behind: NOWHERE }
    }
}

/// One trace. The header is small: what only some traces have stands behind `more`.
#[derive(Debug)]
pub(crate) struct TraceState {
    pub(crate) id: [u8; 16],
    /// Arrival of the first span.
    pub(crate) first_seen: u64,
    /// Arrival of the last span; in the grace, when it ends.
    pub(crate) last_seen: u64,
    /// Event time of the earliest and the latest good end; 0 before the first.
    pub(crate) first_end: u64,
    pub(crate) last_end: u64,
    /// Spans that came, repetitions not counted.
    pub(crate) spans: u32,
    pub(crate) links: [Links; 2],
    /// Which of its shard's rule sets it follows.
    pub(crate) generation: u16,
    /// What forbids to conclude absence from the start.
    pub(crate) marks: Reasons,
    /// What decided the trace, and what may be concluded from absence since.
    pub(crate) completion: Option<Completion>,
    /// What came: see [`HAS_ROOT`] and [`HAS_LATE`].
    came: u8,
    pub(crate) stage: Stage,
    /// Whether it waits in the queue of traces that may settle.
    pub(crate) settling: bool,
    known: Known,
    /// What `known` says.
    words: Vec<u32>,
    more: Option<Box<More>>,
}

/// What a trace has beside its header where rules picked spans of it or calls are learned.
#[derive(Debug, Default)]
struct More {
    records: Records,
    counters: Vec<Counter>,
    /// Calls that the table may know.
    calls: Vec<Call>,
    decided: Vec<Decided>,
    /// Spans that nearly match what some claim wants.
    near: Vec<Missed>,
    /// Records at the last time costly rules were looked at: keeps early looks at growing traces linear.
    looked_at: usize,
    rare: Option<Box<Rare>>,
}

/// What few traces have.
#[derive(Debug, Default)]
struct Rare {
    /// Of a long trace whose spans leave no records those from the 65th on, else all: told apart by more than a [`Light`] holds.
    seen: Seen,
    /// Spans that came after the trace was reduced to [`Known::Prints`].
    late: Vec<Light>,
}

/// Memory of forgotten traces.
#[derive(Debug)]
pub(crate) struct Pools {
    /// Two words for each span.
    lights: Pool<u32>,
    /// One word for each span.
    prints: Pool<u32>,
    late: Pool<Light>,
    counters: Pool<Counter>,
    calls: Pool<Call>,
    near: Pool<Missed>,
    records: RecordPools,
    #[expect(clippy::vec_box, reason = "the boxes are what is used again")]
    more: Vec<Box<More>>,
}

/// How many are kept of what is not a list.
const KEPT: usize = 128;

impl Pools {
    pub(crate) fn new() -> Self {
        Self {
            lights: Pool::new(2),
            prints: Pool::new(1),
            late: Pool::new(1),
            counters: Pool::new(1),
            calls: Pool::new(1),
            near: Pool::new(1),
            records: RecordPools::new(),
            more: Vec::new(),
        }
    }

    /// Takes the memory of a trace.
    pub(crate) fn give(&mut self, trace: TraceState) {
        match trace.known {
            Known::Records => {}
            Known::Lights => self.lights.give(trace.words),
            Known::Prints => self.prints.give(trace.words),
        }
        if let Some(more) = trace.more {
            self.give_more(more);
        }
    }

    fn give_more(&mut self, mut more: Box<More>) {
        let empty = std::mem::take(&mut *more);
        self.records.give(empty.records);
        self.counters.give(empty.counters);
        self.calls.give(empty.calls);
        self.near.give(empty.near);
        if let Some(rare) = empty.rare {
            self.late.give(rare.late);
        }
        if self.more.len() < KEPT {
            self.more.push(more);
        }
    }

    /// Gives everything back to the allocator.
    pub(crate) fn clear(&mut self) {
        self.lights.clear();
        self.prints.clear();
        self.late.clear();
        self.counters.clear();
        self.calls.clear();
        self.near.clear();
        self.records.clear();
        self.more = Vec::new();
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.lights.bytes()
            + self.prints.bytes()
            + self.late.bytes()
            + self.counters.bytes()
            + self.calls.bytes()
            + self.near.bytes()
            + self.records.bytes()
            + self.more.capacity() * size_of::<Box<More>>()
            + self.more.len() * size_of::<More>()
    }
}

/// A span on its way into its trace.
#[derive(Debug)]
pub(crate) struct Offered<'a> {
    pub(crate) record: Record,
    /// Keyed hashes of its id and of its parent's.
    pub(crate) print: u64,
    pub(crate) parent_print: u64,
    /// Its row in the call table; 0 for a span that is no call.
    pub(crate) call: u32,
    pub(crate) misses: &'a [Miss],
    pub(crate) picks: &'a [Pick],
    /// What the plan keeps of it, encoded.
    pub(crate) values: &'a [u8],
}

/// What a trace is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Spans of a trace at most.
    pub(crate) max_spans: usize,
    /// Of what began before this time, Unix nanoseconds, others may have seen more; 0 where nobody did.
    pub(crate) since: u64,
}

/// What became of a span that was offered to its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Added {
    New,
    /// Repeats a span that had come.
    Duplicate,
    /// Has the id of a span that had come and differs from it.
    Conflict,
    /// The trace is full.
    OverLimit,
}

impl Default for TraceState {
    /// A place without a trace.
    fn default() -> Self {
        Self::new([0; 16], 0, false, 0)
    }
}

impl TraceState {
    pub(crate) fn new(id: [u8; 16], generation: u16, keeps_all: bool, now: u64) -> Self {
        Self {
            id,
            first_seen: now,
            last_seen: now,
            first_end: 0,
            last_end: 0,
            spans: 0,
            links: [Links::default(); 2],
            generation,
            marks: Reasons::NONE,
            completion: None,
            came: 0,
            stage: Stage::Open,
            settling: false,
            known: if keeps_all { Known::Records } else { Known::Lights },
            words: Vec::new(),
            more: None,
        }
    }

    /// Offers a span. `hash` is the keyed hash of span ids.
    pub(crate) fn add(&mut self, span: &Offered<'_>, bounds: Bounds, pools: &mut Pools, hash: impl Fn(u64) -> u64) -> Added {
        let record = &span.record;
        let print = Print::of(span.print, is_entry(record.kind));
        let parent = if record.parent == 0 { MARK } else { narrow(span.parent_print) };
        if self.knows(record.id, print, parent) {
            let records = self.records();
            let kept = records.place_of(record.id, print.is_entry).and_then(|at| records.get(at));
            return match kept {
                Some(kept) if !kept.agrees(record) => Added::Conflict,
                // A span that left no record is known by its hash.
                _ => Added::Duplicate,
            };
        }
        if self.spans as usize >= bounds.max_spans || !self.keep(span, pools) {
            // What is cut of a decided trace is counted, however it is split into messages.
            if self.stage == Stage::Open {
                self.marks = self.marks.and(Reasons::of(Reason::Limit));
            }
            return Added::OverLimit;
        }
        self.spans += 1;
        self.came |= if record.parent == 0 { HAS_ROOT } else { 0 };
        let began = [record.start, record.end].into_iter().find(|time| *time != 0);
        if began.is_some_and(|began| began < bounds.since) {
            self.marks = self.marks.and(Reasons::of(Reason::Start));
        }
        if record.times_are_good() {
            self.first_end = if self.first_end == 0 { record.end } else { self.first_end.min(record.end) };
            self.last_end = self.last_end.max(record.end);
        }
        let light = Light { id: print.word(), parent };
        match self.known {
            Known::Records => {}
            Known::Lights => {
                pools.lights.make_room(&mut self.words, 2);
                self.words.extend_from_slice(&[light.id, light.parent]);
            }
            Known::Prints => {
                let late = &mut more_of(&mut self.more, pools).rare.get_or_insert_default().late;
                pools.late.make_room(late, 1);
                late.push(light);
            }
        }
        if self.spans as usize > SCAN_LIMIT {
            self.remember(print, pools, hash);
        }
        Added::New
    }

    /// Keeps what rules want of a span beside its id; `false` where there is no room for it.
    fn keep(&mut self, span: &Offered<'_>, pools: &mut Pools) -> bool {
        let leaves_record = self.known == Known::Records || !span.picks.is_empty();
        if !leaves_record && span.call == 0 && span.misses.is_empty() {
            return true;
        }
        let more = more_of(&mut self.more, pools);
        if leaves_record && !more.records.push(&span.record, span.values, &mut pools.records) {
            return false;
        }
        for pick in span.picks {
            count(&mut more.counters, *pick, &mut pools.counters);
        }
        for miss in span.misses {
            pools.near.make_room(&mut more.near, 1);
            Missed::add(&mut more.near, std::slice::from_ref(miss));
        }
        if span.call != 0 {
            pools.calls.make_room(&mut more.calls, 1);
            more.calls.push(Call { span: self.spans, row: span.call });
        }
        true
    }

    /// Whether this span has come; `parent` is what a [`Light`] holds of its parent.
    fn knows(&self, id: u64, print: Print, parent: u32) -> bool {
        let seen = self.rare().map(|rare| &rare.seen).filter(|seen| !seen.is_empty());
        if seen.is_some_and(|seen| seen.has(print.wide())) {
            return true;
        }
        // What the set does not hold are the first spans of a trace that leaves no records.
        let first = if seen.is_some() { SCAN_LIMIT } else { usize::MAX };
        let word = print.word();
        match self.known {
            Known::Records => seen.is_none() && self.records().place_of(id, print.is_entry).is_some(),
            // No early end: the few there are are compared several at a time. In a long trace two spans may well have one word.
            Known::Lights => self
                .lights()
                .take(first)
                .fold(false, |found, light| found | (light.id == word && (first == usize::MAX || light.parent == parent))),
            Known::Prints => {
                let rest = word & (MARK | REST);
                self.words.iter().take(first).any(|known| known & (MARK | REST) == rest)
                    || (seen.is_none() && self.late().iter().any(|light| light.id == word))
            }
        }
    }

    /// The latest spans that came, as [`Print::brief`], so many at most.
    pub(crate) fn latest(&self, most: usize, hash: impl Fn(u64) -> u64) -> impl Iterator<Item = u32> {
        let brief = |word: u32| word & (MARK | REST);
        let is_records = self.known == Known::Records;
        let records = self.records();
        let of_records = records.ids().enumerate().skip(if is_records { records.len().saturating_sub(most) } else { usize::MAX });
        let step = if self.known == Known::Lights { 2 } else { 1 };
        let spans = self.words.len() / step + self.late().len();
        let words = self.words.iter().step_by(step).copied().chain(self.late().iter().map(|light| light.id));
        let prints = of_records.map(move |(at, (id, _))| Print::of(hash(id), records.is_entry(at)).brief());
        prints.chain(words.skip(spans.saturating_sub(most)).map(brief))
    }

    /// Remembers the latest span in the set of a long trace.
    fn remember(&mut self, print: Print, pools: &mut Pools, hash: impl Fn(u64) -> u64) {
        let mut seen = std::mem::take(&mut more_of(&mut self.more, pools).rare.get_or_insert_default().seen);
        if seen.is_empty() && self.known == Known::Records {
            let records = self.records();
            let prints = records.ids().enumerate().map(|(at, (id, _))| Print::of(hash(id), records.is_entry(at)));
            prints.for_each(|print| seen.insert(print.wide()));
        } else {
            seen.insert(print.wide());
        }
        more_of(&mut self.more, pools).rare.get_or_insert_default().seen = seen;
    }

    /// The lights of all spans, where each has one.
    fn lights(&self) -> impl Iterator<Item = Light> {
        self.words.as_chunks::<2>().0.iter().map(|[id, parent]| Light { id: *id, parent: *parent })
    }

    fn rare(&self) -> Option<&Rare> {
        self.more.as_ref()?.rare.as_deref()
    }

    fn late(&self) -> &[Light] {
        self.rare().map_or(&[], |rare| &rare.late)
    }

    /// The kept spans.
    pub(crate) fn records(&self) -> &Records {
        static NONE: Records = Records::NONE;
        self.more.as_ref().map_or(&NONE, |more| &more.records)
    }

    /// The kept value of a term; missing where none was kept.
    pub(crate) fn value(&self, record: &Record, term: u32) -> Read<'_> {
        self.values_of(record).get(term)
    }

    /// The values kept of a span.
    pub(crate) fn values_of(&self, record: &Record) -> Values<'_> {
        self.records().values_of(record)
    }

    /// How often each selector picked.
    pub(crate) fn counters(&self) -> &[Counter] {
        self.more.as_ref().map_or(&[], |more| &more.counters)
    }

    /// How often a selector picked.
    pub(crate) fn counter(&self, selector: u32) -> Counter {
        self.counters().iter().find(|c| c.selector == selector).copied().unwrap_or_default()
    }

    /// The verdicts that stand, by rule and group.
    pub(crate) fn decided(&self) -> &[Decided] {
        self.more.as_ref().map_or(&[], |more| &more.decided)
    }

    /// Takes the verdicts out, for [`TraceState::put_decided`] to put them back.
    pub(crate) fn take_decided(&mut self) -> Vec<Decided> {
        self.more.as_mut().map(|more| std::mem::take(&mut more.decided)).unwrap_or_default()
    }

    /// Adds verdicts.
    pub(crate) fn put_decided(&mut self, mut decided: Vec<Decided>, pools: &mut Pools) {
        if decided.is_empty() {
            return;
        }
        let held = &mut more_of(&mut self.more, pools).decided;
        if held.is_empty() {
            *held = decided;
        } else {
            held.append(&mut decided);
        }
        held.sort_unstable_by_key(Decided::key);
    }

    /// The verdicts of a rule that stand.
    pub(crate) fn decided_of(&self, rule: u32) -> &[Decided] {
        let decided = self.decided();
        let range = decided.partition_point(|d| d.rule < rule)..decided.partition_point(|d| d.rule <= rule);
        decided.get(range).unwrap_or_default()
    }

    /// The verdict or signal that a rule (or a group of it) has.
    pub(crate) fn decided_for(&self, rule: u32, group: GroupId) -> Option<&Decided> {
        let decided = self.decided();
        decided.binary_search_by_key(&(rule, group), Decided::key).ok().and_then(|at| decided.get(at))
    }

    /// Whether a rule (or a group of it) has its verdict or its signal.
    pub(crate) fn is_decided(&self, rule: u32, group: GroupId) -> bool {
        self.decided_for(rule, group).is_some()
    }

    /// Whether the trace has grown by an eighth since rules that cost more than a look at counters were looked at; where it has, that
    /// is now.
    pub(crate) fn has_grown(&mut self) -> bool {
        let Some(more) = &mut self.more else { return true };
        let len = more.records.len();
        let has_grown = len <= SCAN_LIMIT || len * 8 >= more.looked_at * 9;
        if has_grown {
            more.looked_at = len;
        }
        has_grown
    }

    /// Whether a span without parent has come.
    pub(crate) const fn has_root(&self) -> bool {
        self.came & HAS_ROOT != 0
    }

    /// Whether the latest spans may come once more when the trace is forgotten.
    pub(crate) const fn has_late(&self) -> bool {
        self.came & HAS_LATE != 0
    }

    /// Takes note that the latest spans may come once more when the trace is forgotten: they came after it was decided, or it is
    /// forgotten before its time.
    pub(crate) const fn note_late(&mut self) {
        self.came |= HAS_LATE;
    }

    /// Spans that nearly match what some claim wants.
    pub(crate) fn near(&self) -> &[Missed] {
        self.more.as_ref().map_or(&[], |more| &more.near)
    }

    /// The calls of the trace.
    pub(crate) fn calls(&self) -> &[Call] {
        self.more.as_ref().map_or(&[], |more| &more.calls)
    }

    /// Calls below which nothing has come.
    pub(crate) fn childless_calls(&self) -> Vec<Call> {
        self.calls().iter().filter(|call| !self.has_child(call)).copied().collect()
    }

    /// Whether a span lies below a call: one that names it, or the other half of it.
    fn has_child(&self, call: &Call) -> bool {
        let at = call.span as usize;
        match self.known {
            Known::Records => {
                let records = self.records();
                let id = records.ids().nth(at).map(|(id, _)| id);
                records.ids().any(|(_, parent)| Some(parent) == id) || id.is_some_and(|id| records.place_of(id, true).is_some())
            }
            Known::Lights => {
                let print = self.words.get(2 * at).map_or(MARK, |id| id & !MARK);
                self.lights().fold(false, |found, light| found | (light.parent == print) | (light.id == print | MARK))
            }
            Known::Prints => {
                let late = || self.late().get(at.checked_sub(self.words.len())?).map(|light| light.id);
                let print = self.words.get(at).copied().or_else(late).map_or(MARK, |word| word & REST);
                let is_below = |light: &Light| light.parent & (MARK | REST) == print || light.id & (MARK | REST) == print | MARK;
                self.late().iter().any(is_below)
            }
        }
    }

    /// Which of the trace's spans left the record at this place, counted from the first that came.
    pub(crate) fn span_of_record(&self, at: usize, hash: impl Fn(u64) -> u64) -> Option<usize> {
        let record = self.records().get(at)?;
        let word = Print::of(hash(record.id), is_entry(record.kind)).word();
        match self.known {
            Known::Records => Some(at),
            Known::Lights => self.lights().position(|light| light.id == word),
            Known::Prints => {
                let in_time = self.words.iter().position(|known| known & (MARK | REST) == word & (MARK | REST));
                in_time.or_else(|| Some(self.words.len() + self.late().iter().position(|light| light.id == word)?))
            }
        }
    }

    /// What may be concluded of the trace when this trigger decides it.
    pub(crate) fn completed(&self, trigger: Trigger, shape: Shape) -> Completion {
        // Of a trace that began before the engine, the caller may have gone to whoever stood here before.
        let cut = matches!(trigger, Trigger::Shutdown | Trigger::Limit) || self.marks.has(Reasons::of(Reason::Start));
        let tops_are_root = !cut && shape.has_one_caller();
        let mut losses = self.marks;
        if shape.cycle || (!tops_are_root && shape.shows_gap()) {
            losses = losses.and(Reasons::of(Reason::Gap));
        }
        match trigger {
            Trigger::Shutdown => losses = losses.and(Reasons::of(Reason::Shutdown)),
            Trigger::Limit => losses = losses.and(Reasons::of(Reason::Limit)),
            _ => {}
        }
        Completion { trigger, losses, tops_are_root }
    }

    /// What the parents say about the trace's completeness. `hash` is the keyed hash of span ids.
    pub(crate) fn shape(&self, parents: &mut Parents, hash: impl Fn(u64) -> u64) -> Shape {
        match self.known {
            Known::Records => {
                let records = self.records();
                let link = |(at, (id, parent)): (usize, (u64, u64))| Link {
                    id,
                    above: if parent == 0 { Above::Nothing } else { Above::Named(parent) },
                    hash: narrow(hash(id)),
                    above_hash: narrow(hash(parent)),
                    is_entry: records.is_entry(at),
                };
                parents.find(records.ids().enumerate().map(link))
            }
            Known::Lights => parents.find(self.lights().map(Light::link)),
            Known::Prints => {
                let in_time = self.words.iter().copied().map(settled_link);
                parents.find(in_time.chain(self.late().iter().copied().map(Light::late_link)))
            }
        }
    }

    /// Gives up, of a decided trace, what no late span can ask for: where no parent is missing and none run in a circle, the parents of
    /// the spans that came in time; and calls below which something lies.
    pub(crate) fn reduce(&mut self, shape: Shape, pools: &mut Pools) {
        if self.known != Known::Lights || shape.orphans > 0 || shape.cycle {
            return;
        }
        if !self.calls().is_empty() {
            let mut childless = Vec::new();
            for call in self.calls().iter().filter(|call| !self.has_child(call)) {
                pools.calls.make_room(&mut childless, 1);
                childless.push(*call);
            }
            if let Some(more) = &mut self.more {
                pools.calls.give(std::mem::replace(&mut more.calls, childless));
            }
        }
        let mut prints = Vec::new();
        pools.prints.make_room(&mut prints, self.words.len() / 2);
        prints.extend(self.lights().map(Light::settled));
        pools.lights.give(std::mem::replace(&mut self.words, prints));
        self.known = Known::Prints;
        if let Some(more) = self.more.take_if(|more| more.is_empty()) {
            pools.give_more(more);
        }
    }

    /// A whole trace of some of the kept spans alone.
    pub(crate) fn part(&self, places: &[usize], combinations: &Combinations) -> Self {
        let mut part = Self::new(self.id, self.generation, true, self.first_seen);
        part.completion = Some(Completion { trigger: Trigger::Complete, losses: Reasons::NONE, tops_are_root: false });
        let mut pools = Pools::new();
        let records = self.records();
        for record in places.iter().filter_map(|place| records.get(*place)) {
            let (values, picks) = (records.encoded(&record), combinations.picks(record.combination));
            let span = Offered { record, print: 0, parent_print: 0, call: 0, misses: &[], picks, values };
            if part.keep(&span, &mut pools) {
                part.spans += 1;
                part.came |= if record.parent == 0 { HAS_ROOT } else { 0 };
            }
        }
        part
    }

    /// Bytes held beside the header.
    pub(crate) fn bytes(&self) -> usize {
        self.words.capacity() * size_of::<u32>() + self.more.as_ref().map_or(0, |more| more.bytes())
    }
}

/// Bytes that the parts of a trace take at most; what is public here is what `fluo check --memory` reports.
pub(crate) mod at_most {
    use super::super::pool::most_room;
    use super::super::record;
    use super::{Call, Counter, Decided, Light, Missed, More, Rare, TraceState};

    /// Bytes of a trace without spans, with so many counters.
    pub(crate) fn trace(counters: usize) -> usize {
        size_of::<TraceState>() + size_of::<More>() + most_room(counters, 1) * size_of::<Counter>()
    }

    /// Bytes of so many spans that leave no record: what is known of their ids, before the trace is decided (afterwards it is less),
    /// and a set of them in a long trace.
    pub(crate) fn lights(spans: usize) -> usize {
        let seen = if spans > super::SCAN_LIMIT { super::Seen::at_most(spans) } else { 0 };
        most_room(2 * spans, 2) * size_of::<u32>() + size_of::<Rare>() + seen
    }

    /// Bytes of so many calls.
    pub(crate) fn calls(calls: usize) -> usize {
        most_room(calls, 1) * size_of::<Call>()
    }

    /// Bytes of so many near misses.
    pub(crate) fn near(misses: usize) -> usize {
        if misses == 0 { 0 } else { most_room(misses + 1, 1) * size_of::<Missed>() }
    }

    /// Bytes of so many records, with so many bytes of values.
    pub(crate) fn records(spans: usize, values: usize) -> usize {
        record::at_most(spans, values)
    }

    /// Bytes of so many verdicts.
    pub(crate) fn decided(verdicts: usize) -> usize {
        doubled::<Decided>(verdicts)
    }

    /// Bytes of a list that doubles as it grows, from four.
    fn doubled<T>(len: usize) -> usize {
        if len == 0 { 0 } else { len.saturating_mul(2).max(4).saturating_mul(size_of::<T>()) }
    }

    /// Bytes of a span that leaves no record, of a call and of a record without its values.
    pub(crate) const LIGHT: usize = size_of::<Light>();
    pub(crate) const CALL: usize = size_of::<Call>();
    pub(crate) const RECORD: usize = record::BYTES;
    pub(crate) const VERDICT: usize = size_of::<Decided>();
}

impl More {
    fn is_empty(&self) -> bool {
        self.records.len() == 0
            && self.near.is_empty()
            && self.counters.is_empty()
            && self.calls.is_empty()
            && self.decided.is_empty()
            && self.rare.is_none()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.records.bytes()
            + self.counters.capacity() * size_of::<Counter>()
            + self.calls.capacity() * size_of::<Call>()
            + self.near.capacity() * size_of::<Missed>()
            + self.decided.capacity() * size_of::<Decided>()
            + self.rare.as_ref().map_or(0, |rare| size_of::<Rare>() + rare.seen.bytes() + rare.late.capacity() * size_of::<Light>())
    }
}

fn more_of<'m>(more: &'m mut Option<Box<More>>, pools: &mut Pools) -> &'m mut More {
    more.get_or_insert_with(|| pools.more.pop().unwrap_or_default())
}

fn count(counters: &mut Vec<Counter>, pick: Pick, pool: &mut Pool<Counter>) {
    let at = match counters.iter().position(|c| c.selector == pick.selector) {
        Some(at) => at,
        None => {
            pool.make_room(counters, 1);
            counters.push(Counter { selector: pick.selector, ..Counter::default() });
            counters.len() - 1
        }
    };
    if let Some(counter) = counters.get_mut(at) {
        match pick.fit {
            Fit::Yes => counter.yes += 1,
            Fit::Dropped => counter.dropped += 1,
            Fit::BadTime => counter.bad_time += 1,
        }
    }
}
