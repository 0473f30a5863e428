//! One trace: what is kept of its spans, and how far its rules are decided.

use std::collections::HashSet;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::combination::{Combinations, Fit};
use super::record::{Record, kind};
use crate::eval::groups::GroupId;
use crate::eval::rule::Outcome;
use crate::expr::read::Read;
use crate::near::Missed;
use crate::plan::Plan;
use crate::signal::Trigger;
use crate::truth::Reasons;
use crate::verdict::Reason;

/// Spans above which membership is asked of a set instead of a scan.
const SCAN_LIMIT: usize = 64;

/// A span of which only enough is kept to know repetitions and missing parents: 8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Light {
    /// 31 bits of the keyed hash of the id; the top bit marks server and consumer spans.
    id: u32,
    /// 31 bits of the keyed hash of the parent's id; the top bit marks a span without parent.
    parent: u32,
}

const MARK: u32 = 1 << 31;

/// A value that was kept of a span.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeptValue {
    pub(crate) term: u32,
    pub(crate) read: Read<'static>,
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
    /// Index in [`Plan::rules`].
    pub(crate) rule: u32,
    /// The group of the rule that it was given for.
    pub(crate) group: GroupId,
    pub(crate) outcome: Outcome,
    /// Given before completion: never taken back.
    pub(crate) early: bool,
    /// Whether a violation was emitted and stands.
    pub(crate) signalled: bool,
}

/// A client span without error, or a producer span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) span: u64,
    /// Its row in the call table.
    pub(crate) key: u64,
}

/// What decided a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Completion {
    pub(crate) trigger: Trigger,
    /// Why there may be spans that nobody sees.
    pub(crate) losses: Reasons,
    /// Whether the single span on top counts as the root although its parent has not come.
    pub(crate) lone_top: bool,
}

/// Where a trace stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Spans are collected.
    Open,
    /// Decided; late spans revise until this arrival time.
    Grace { until: u64 },
}

/// One trace.
#[derive(Debug)]
pub(crate) struct TraceState {
    pub(crate) id: [u8; 16],
    pub(crate) plan: Arc<Plan>,
    pub(crate) stage: Stage,
    /// What decided the trace, and what may be concluded from absence since.
    pub(crate) completion: Option<Completion>,
    /// Arrival of the first span.
    pub(crate) first_seen: u64,
    /// Arrival of the last span.
    pub(crate) last_seen: u64,
    /// Earliest timer that was set for the trace.
    pub(crate) armed: u64,
    /// Spans that came, repetitions not counted.
    pub(crate) spans: u64,
    /// Spans without parent among them.
    pub(crate) roots: u32,
    /// Event time of the earliest and the latest good end; 0 before the first.
    pub(crate) first_end: u64,
    pub(crate) last_end: u64,
    /// What forbids to conclude absence from the start.
    pub(crate) marks: Reasons,
    pub(crate) light: Vec<Light>,
    pub(crate) records: Vec<Record>,
    pub(crate) values: Vec<KeptValue>,
    pub(crate) counters: Vec<Counter>,
    pub(crate) decided: Vec<Decided>,
    /// Spans that nearly match what some claim wants.
    pub(crate) near: Vec<Missed>,
    /// Calls that the table may know.
    calls: Vec<Call>,
    /// Records at the last time each kind of costly evaluation ran: keeps early looks at growing traces linear.
    pub(crate) looked_at: usize,
    seen: Option<HashSet<u32, RandomState>>,
    /// Bytes of the kept texts.
    text: usize,
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

impl TraceState {
    pub(crate) fn new(id: [u8; 16], plan: Arc<Plan>, now: u64) -> Self {
        Self {
            id,
            plan,
            stage: Stage::Open,
            completion: None,
            first_seen: now,
            last_seen: now,
            armed: u64::MAX,
            spans: 0,
            roots: 0,
            first_end: 0,
            last_end: 0,
            marks: Reasons::NONE,
            calls: Vec::new(),
            light: Vec::new(),
            records: Vec::new(),
            values: Vec::new(),
            counters: Vec::new(),
            decided: Vec::new(),
            near: Vec::new(),
            looked_at: 0,
            seen: None,
            text: 0,
        }
    }

    /// Offers a span. `hash` is the keyed hash of span ids; `values` are those that the plan keeps of it.
    pub(crate) fn add(
        &mut self,
        mut record: Record,
        call: u64,
        values: &mut Vec<KeptValue>,
        combinations: &Combinations,
        max_spans: usize,
        hash: impl Fn(u64) -> u32,
    ) -> Added {
        let print = hash(record.id) & !MARK;
        if self.has_print(print) {
            let same = |r: &&Record| r.id == record.id;
            return match self.records.iter().find(same) {
                Some(kept) if !kept.agrees(&record) => Added::Conflict,
                Some(_) => Added::Duplicate,
                // A span that left no record, or (once in two thousand million) another span of equal print.
                None => Added::Duplicate,
            };
        }
        if self.spans >= max_spans as u64 {
            self.marks = self.marks.and(Reasons::of(Reason::Limit));
            return Added::OverLimit;
        }
        self.spans += 1;
        self.roots += u32::from(record.parent == 0);
        if let Some(seen) = &mut self.seen {
            seen.insert(print);
        }
        if record.times_are_good() {
            self.first_end = if self.first_end == 0 { record.end } else { self.first_end.min(record.end) };
            self.last_end = self.last_end.max(record.end);
        }
        let picks = combinations.picks(record.combination);
        for pick in picks {
            self.count(pick.selector, pick.fit);
        }
        let entry = if matches!(record.kind, kind::SERVER | kind::CONSUMER) { MARK } else { 0 };
        let parent = if record.parent == 0 { MARK } else { hash(record.parent) & !MARK };
        self.light.push(Light { id: print | entry, parent });
        if call != 0 {
            self.calls.push(Call { span: record.id, key: call });
        }
        if self.plan.keep_all || !picks.is_empty() {
            record.values = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
            record.value_count = u16::try_from(values.len()).unwrap_or(u16::MAX);
            self.text += values.iter().filter_map(|v| v.read.value.as_ref()).map(crate::value::Val::heap_bytes).sum::<usize>();
            self.values.append(values);
            self.records.push(record);
        }
        if self.seen.is_none() && self.light.len() > SCAN_LIMIT {
            self.seen = Some(self.light.iter().map(|l| l.id & !MARK).collect());
        }
        Added::New
    }

    /// Whether a span of this id has come.
    pub(crate) fn knows(&self, id: u64, hash: impl Fn(u64) -> u32) -> bool {
        self.has_print(hash(id) & !MARK)
    }

    /// Whether a rule (or a group of it) has its verdict or its signal.
    pub(crate) fn is_decided(&self, rule: u32, group: GroupId) -> bool {
        self.decided.iter().any(|d| d.rule == rule && d.group == group)
    }

    fn has_print(&self, print: u32) -> bool {
        match &self.seen {
            Some(seen) => seen.contains(&print),
            None => self.light.iter().any(|l| l.id & !MARK == print),
        }
    }

    fn count(&mut self, selector: u32, fit: Fit) {
        let at = match self.counters.iter().position(|c| c.selector == selector) {
            Some(at) => at,
            None => {
                self.counters.push(Counter { selector, ..Counter::default() });
                self.counters.len() - 1
            }
        };
        if let Some(counter) = self.counters.get_mut(at) {
            match fit {
                Fit::Yes => counter.yes += 1,
                Fit::Dropped => counter.dropped += 1,
                Fit::BadTime => counter.bad_time += 1,
            }
        }
    }

    /// How often a selector picked.
    pub(crate) fn counter(&self, selector: u32) -> Counter {
        self.counters.iter().find(|c| c.selector == selector).copied().unwrap_or_default()
    }

    /// The values kept of a span.
    pub(crate) fn values_of(&self, record: &Record) -> &[KeptValue] {
        let first = record.values as usize;
        self.values.get(first..first + usize::from(record.value_count)).unwrap_or_default()
    }

    /// The kept value of a term; missing where none was kept.
    pub(crate) fn value(&self, record: &Record, term: u32) -> Read<'_> {
        match self.values_of(record).iter().find(|v| v.term == term) {
            Some(kept) => {
                Read { value: kept.read.value.as_ref().map(crate::value::Val::borrowed), unknown: kept.read.unknown, many: kept.read.many }
            }
            None => Read::MISSING,
        }
    }

    /// What may be concluded of the trace when this trigger decides it.
    pub(crate) fn completed(&self, trigger: Trigger) -> Completion {
        let shape = self.shape();
        let cut = matches!(trigger, Trigger::Shutdown | Trigger::Limit);
        let lone_top = !cut && shape.has_lone_top();
        let mut losses = self.marks;
        if shape.cycle || (!lone_top && shape.shows_gap()) {
            losses = losses.and(Reasons::of(Reason::Gap));
        }
        match trigger {
            Trigger::Shutdown => losses = losses.and(Reasons::of(Reason::Shutdown)),
            Trigger::Limit => losses = losses.and(Reasons::of(Reason::Limit)),
            _ => {}
        }
        Completion { trigger, losses, lone_top }
    }

    /// Calls below which nothing has come.
    pub(crate) fn childless_calls(&self, hash: impl Fn(u64) -> u32) -> Vec<Call> {
        let has_child = |call: &Call| self.light.iter().any(|l| l.parent == hash(call.span) & !MARK);
        self.calls.iter().filter(|call| !has_child(call)).copied().collect()
    }

    /// The calls of the trace.
    pub(crate) fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// What is kept of a span's id to recognise it by.
    pub(crate) fn print_of(&self, id: u64, hash: impl Fn(u64) -> u32) -> u32 {
        hash(id) & !MARK
    }

    /// The prints of a span's ancestors, nearest first; a circle is walked once.
    pub(crate) fn prints_above(&self, id: u64, hash: impl Fn(u64) -> u32) -> Vec<u32> {
        let mut above = Vec::new();
        let mut print = hash(id) & !MARK;
        while let Some(light) = self.light.iter().find(|l| l.id & !MARK == print) {
            if light.parent & MARK != 0 || above.contains(&light.parent) {
                break;
            }
            above.push(light.parent);
            print = light.parent;
        }
        above
    }

    /// What the parents say about the trace's completeness.
    pub(crate) fn shape(&self) -> Shape {
        let mut places: Vec<(u32, u32)> = self.light.iter().map(|l| l.id & !MARK).zip(0..).collect();
        places.sort_unstable();
        let place = |print: u32| places.binary_search_by_key(&print, |(id, _)| *id).ok().and_then(|at| places.get(at)).map(|(_, at)| *at);
        let mut shape = Shape { roots: self.roots, orphans: 0, entry_orphans: 0, cycle: false };
        let mut parents = vec![u32::MAX; self.light.len()];
        for (light, parent) in self.light.iter().zip(&mut parents) {
            if light.parent & MARK != 0 {
                continue;
            }
            match place(light.parent) {
                Some(at) => *parent = at,
                None => {
                    shape.orphans += 1;
                    shape.entry_orphans += u32::from(light.id & MARK != 0);
                }
            }
        }
        shape.cycle = has_cycle(&parents);
        shape
    }

    /// Bytes held for the trace.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.light.capacity() * size_of::<Light>()
            + self.records.capacity() * size_of::<Record>()
            + self.values.capacity() * size_of::<KeptValue>()
            + self.text
            + self.counters.capacity() * size_of::<Counter>()
            + self.decided.capacity() * size_of::<Decided>()
            + self.near.capacity() * size_of::<Missed>()
            + self.calls.capacity() * size_of::<Call>()
            + self.seen.as_ref().map_or(0, |s| s.capacity() * 5)
    }
}

/// What the parents say about a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Spans without parent.
    pub(crate) roots: u32,
    /// Spans whose parent has not come.
    pub(crate) orphans: u32,
    /// Server and consumer spans among them.
    pub(crate) entry_orphans: u32,
    /// Whether parents run in a circle.
    pub(crate) cycle: bool,
}

/// Whether parents run in a circle. Each walk upwards marks its spans with its number and ends at the top or at a span that is marked:
/// with the same number where it has met itself.
fn has_cycle(parents: &[u32]) -> bool {
    let mut marks = vec![0u32; parents.len()];
    for (start, number) in (0u32..).take(parents.len()).zip(1..) {
        let mut at = start;
        while let Some(mark) = marks.get_mut(at as usize) {
            if *mark == number {
                return true;
            }
            if *mark != 0 {
                break;
            }
            *mark = number;
            at = parents.get(at as usize).copied().unwrap_or(u32::MAX);
        }
    }
    false
}

impl Shape {
    /// Whether the root has come and no parent is missing.
    pub(crate) const fn is_closed(&self) -> bool {
        self.roots > 0 && self.orphans == 0
    }

    /// Whether the only span on top is a server or consumer span whose parent has not come: its parent lies outside.
    pub(crate) const fn has_lone_top(&self) -> bool {
        self.roots == 0 && self.orphans == 1 && self.entry_orphans == 1
    }

    /// Whether the parents show that spans were lost.
    pub(crate) const fn shows_gap(&self) -> bool {
        self.orphans > 0 || self.roots != 1 || self.cycle
    }
}

impl Record {
    /// Whether a repetition of the span is the same span: ids, times, kind, status and selectors.
    fn agrees(&self, other: &Self) -> bool {
        self.parent == other.parent
            && self.start == other.start
            && self.end == other.end
            && self.kind == other.kind
            && self.status == other.status
            && self.combination == other.combination
    }
}

#[cfg(test)]
mod tests {
    use super::has_cycle;

    #[test]
    fn circles_are_found_wherever_they_hang() {
        const TOP: u32 = u32::MAX;
        for (parents, circle) in [
            (&[TOP, 0, 1, 1, 0][..], false),
            (&[1, 0], true),
            (&[0], true),
            (&[TOP, 2, 3, 1, 0], true),
            (&[3, TOP, 1, 2], false),
            (&[], false),
        ] {
            assert_eq!(has_cycle(parents), circle, "{parents:?}");
        }
    }
}
