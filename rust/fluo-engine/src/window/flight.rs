//! A monitor for a bound from above on the number of spans in flight at one instant, across traces and hosts.
//!
//! A span is in flight in `[start, end)` and known when it has ended; more spans can only raise the number, so a violation is signalled
//! as soon as the span comes that makes it. The past is kept for as long as spans are seen to last, twice over and at least for
//! `max_duration`: of a span that began before that, the part that is remembered counts.

use std::collections::VecDeque;
use std::sync::Arc;

use super::announce::{Deciding, News, shown};
use super::base::{Base, Context};
use super::doubt::{Doubt, Forgotten, Stray, why};
use super::episode::{Episodes, History};
use super::groups::Groups;
use super::keys::{Keys, Place};
use super::levels::Levels;
use crate::eval::explain::MAX_EVIDENCE;
use crate::eval::groups::texts;
use crate::eval::rule::Outcome;
use crate::ingest::{Batch, Incoming};
use crate::plan::{FlightPlan, WindowKind, WindowPlan};
use crate::signal::Event as Announced;
use crate::store::combination::Fit;
use crate::truth::Reasons;
use crate::verdict::Reason;

/// Spans in doubt that are remembered for groups to come, at most.
const STRAYS: usize = 1_024;

/// The state of one rule.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) base: Base,
    groups: Groups<Group>,
    strays: VecDeque<(Interval, Stray)>,
    /// Until when those of them were in flight that there was no room for, and why they may have been in a group.
    shed: (u64, Reasons),
    /// Until when spans were in flight that may have been in any of too many groups to look at, and why they may.
    broad: (u64, Reasons),
    forgotten: Forgotten,
    held: usize,
    keys: Keys,
}

/// When a span was in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interval {
    start: u64,
    end: u64,
    span: u64,
}

/// The state of a group.
#[derive(Debug, Default)]
struct Group {
    levels: Levels,
    /// The spans, sorted by end, for the evidence.
    spans: VecDeque<Interval>,
    /// The levels with the spans that may be in the group, as soon as there is one, and why they may not.
    possible: Option<Box<(Levels, Reasons)>>,
    /// Why it could not be told whether the bound was broken, and until when that was so at last.
    why: Reasons,
    doubted_until: u64,
    /// The earliest start of the group's spans: the claim is not made before it.
    first_start: u64,
    /// Spans that ended up to this instant were dropped for want of room.
    shed_until: u64,
    /// Until when spans that are not known may have been in flight.
    lacks_until: u64,
    violated: bool,
    episodes: Episodes,
    history: History,
    last_end: u64,
    /// The longest span so far.
    longest: u64,
    /// What lies before is forgotten.
    floor: u64,
    counted: usize,
}

impl Group {
    fn heap_bytes(&self) -> usize {
        self.levels.heap_bytes()
            + self.spans.capacity() * size_of::<Interval>()
            + self.possible.as_deref().map_or(0, |(levels, _)| size_of::<(Levels, Reasons)>() + levels.heap_bytes())
            + self.episodes.heap_bytes()
    }

    /// Counts a span that may be in the group.
    fn doubt(&mut self, interval: Interval, count: u32, why: Reasons, least: u32) {
        let (_, reasons) = &mut **self.possible.get_or_insert_with(|| Box::new((self.levels.clone(), Reasons::NONE)));
        *reasons = reasons.and(why);
        self.may_reach(interval.start, interval.end, count, least);
    }

    /// Raises the levels with the spans that may be in the group, where there is one.
    fn may_reach(&mut self, start: u64, end: u64, count: u32, least: u32) {
        let Some((levels, reasons)) = self.possible.as_deref_mut() else { return };
        if let Some((_, until)) = levels.raise(start, end, count, least).last() {
            self.why = self.why.and(*reasons);
            self.doubted_until = self.doubted_until.max(*until);
        }
    }

    /// Lets the episodes that end before an instant go on for as long as spans in doubt could have been in flight: a violated group
    /// whose claim becomes undecided does not hold again.
    fn prolong_by_doubts(&mut self, before: u64, least: u32) {
        if self.possible.is_none() && self.lacks_until == 0 {
            return;
        }
        let ends: Vec<(u64, u64)> = self.episodes.open().iter().filter(|e| e.to < before).map(|e| (e.from, e.to)).collect();
        for (from, to) in ends {
            let lacks = to.max(self.lacks_until);
            let until = self.possible.as_deref().map_or(lacks, |(levels, _)| levels.below(lacks, least));
            self.episodes.extend(from, until);
        }
    }

    /// Forgets what lies before an instant.
    fn forget_before(&mut self, floor: u64) {
        self.floor = floor;
        self.levels.forget_before(floor);
        if let Some((levels, _)) = self.possible.as_deref_mut() {
            levels.forget_before(floor);
        }
        let gone = self.spans.partition_point(|known| known.end <= floor);
        self.spans.drain(..gone);
        if self.spans.len() * 4 < self.spans.capacity() {
            self.spans.shrink_to(self.spans.len() * 2);
        }
    }

    fn outcome(&self, broad: (u64, Reasons)) -> Outcome {
        if self.violated {
            return Outcome::Violated;
        }
        let doubts = [(self.doubted_until, self.why), broad].into_iter().filter(|(until, _)| *until > self.first_start);
        match doubts.fold(Reasons::NONE, |all, (_, why)| all.and(why)) {
            why if why.is_empty() => Outcome::Satisfied,
            why => Outcome::Unknown(why),
        }
    }
}

/// Bytes of a group and of a remembered span, and how many spans are remembered at most.
pub(super) const fn bytes_of() -> (usize, usize, Option<u64>) {
    (Groups::<Group>::BYTES + Episodes::BYTES, size_of::<Interval>() + 2 * Levels::POINT_BYTES, None)
}

fn plan_of(window: &WindowPlan) -> Option<&FlightPlan> {
    match &window.kind {
        WindowKind::Flight(plan) => Some(plan),
        _ => None,
    }
}

impl Flight {
    pub(super) fn new(base: Base) -> Self {
        Self {
            base,
            groups: Groups::default(),
            strays: VecDeque::new(),
            shed: (0, Reasons::NONE),
            broad: (0, Reasons::NONE),
            forgotten: Forgotten::default(),
            held: 0,
            keys: Keys::default(),
        }
    }

    /// Takes in spans that the rule's selector picked.
    pub(super) fn apply(&mut self, batch: &Batch, mine: &[u32], context: &mut Context<'_>) {
        if self.base.ended {
            return;
        }
        let plan = Arc::clone(&self.base.plan);
        let Some(window) = plan.windows.get(self.base.at()) else { return };
        let Some(flight) = plan_of(window) else { return };
        for index in mine {
            let Some(span) = batch.spans.get(*index as usize) else {
                continue;
            };
            let fit = batch.picks(span).iter().find(|pick| pick.selector == flight.selector).map(|pick| pick.fit);
            if let Some(fit) = fit {
                self.add(window, flight, span, fit, batch, context);
            }
        }
    }

    fn add(&mut self, window: &WindowPlan, flight: &FlightPlan, span: &Incoming, fit: Fit, batch: &Batch, context: &mut Context<'_>) {
        let interval = Interval { start: span.record.start, end: span.record.end, span: span.record.id };
        let values = batch.values(span);
        let place = Place::of(&window.by, values);
        let mut keys = std::mem::take(&mut self.keys);
        if let Some((whereabouts, unknown)) = place.whereabouts() {
            self.stray(interval, Stray { doubt: Doubt { end: interval.end, count: 1, why: unknown.and(why(fit)) }, whereabouts }, flight);
        }
        place.each_key(&mut keys, |key| {
            let at = self.group(key, flight, context);
            let Some(group) = self.groups.get_mut(at) else { return };
            group.last_end = group.last_end.max(interval.end);
            group.first_start = group.first_start.min(interval.start);
            group.longest = group.longest.max(interval.end - interval.start);
            if interval.start < group.shed_until {
                // It meets instants whose spans were dropped.
                group.why = group.why.and(Reasons::of(Reason::Cardinality));
                group.doubted_until = group.doubted_until.max(group.shed_until.min(interval.end));
            }
            let start = interval.start.max(group.floor);
            if fit != Fit::Yes {
                group.doubt(Interval { start, ..interval }, 1, why(fit), flight.least);
                self.settle(at, window, context);
                return;
            }
            let place = group.spans.partition_point(|known| (known.end, known.span) < (interval.end, interval.span));
            group.spans.insert(place, interval);
            group.may_reach(start, interval.end, 1, flight.least);
            let reached = group.levels.raise(start, interval.end, 1, flight.least);
            for (from, to) in reached {
                self.reached(at, window, flight, from, to, (span, batch), context);
            }
            self.settle(at, window, context);
        });
        self.keys = keys;
        while self.bytes() > self.base.max_bytes && self.make_room(context) {}
    }

    /// Forgets a group, or the earlier half of the spans of the only one.
    fn make_room(&mut self, context: &mut Context<'_>) -> bool {
        if self.groups.len() > 1 {
            self.evict(context);
            return true;
        }
        let Some(group) = self.groups.least_recent().and_then(|at| self.groups.get_mut(at)) else { return false };
        let Some(middle) = group.spans.get(group.spans.len() / 2).map(|known| known.end) else { return false };
        group.forget_before(middle);
        group.spans.shrink_to(group.spans.len() * 3 / 2);
        group.shed_until = middle;
        group.lacks_until = group.lacks_until.max(middle);
        let now = group.heap_bytes();
        self.held = self.held + now - group.counted;
        group.counted = now;
        true
    }

    /// The slot of a group, which is there from now on.
    fn group(&mut self, key: &[u8], flight: &FlightPlan, context: &mut Context<'_>) -> u32 {
        let hash = self.groups.hash(key);
        if let Some(at) = self.groups.find(hash, key) {
            return at;
        }
        if self.groups.len() >= self.base.max_groups {
            self.evict(context);
        }
        let (doubted_until, why) = self.shed;
        let mut group = Group { first_start: u64::MAX, why, doubted_until, lacks_until: doubted_until, ..Group::default() };
        if let Some(lost) = self.forgotten.lost(hash, self.base.watermark) {
            group.doubt(Interval { start: 0, end: lost.end, span: 0 }, lost.count, lost.why, flight.least);
        }
        for (interval, stray) in self.strays.iter().filter(|(_, stray)| stray.whereabouts.may_be_in(key)) {
            group.doubt(*interval, 1, stray.doubt.why, flight.least);
        }
        self.groups.insert(hash, key, group)
    }

    /// A span that may be in several groups. Where there are many groups they are not all looked through: the span is a doubt about
    /// each of them.
    fn stray(&mut self, interval: Interval, stray: Stray, flight: &FlightPlan) {
        if self.groups.len() > STRAYS {
            self.broad = (self.broad.0.max(interval.end), self.broad.1.and(stray.doubt.why));
        } else {
            let all: Vec<u32> = self.groups.all().map(|(at, _)| at).collect();
            for at in all {
                if stray.whereabouts.may_be_in(self.groups.key(at))
                    && let Some(group) = self.groups.get_mut(at)
                {
                    group.doubt(interval, 1, stray.doubt.why, flight.least);
                }
            }
        }
        self.strays.push_back((interval, stray));
        if self.strays.len() > STRAYS
            && let Some((gone, stray)) = self.strays.pop_front()
        {
            self.shed = (self.shed.0.max(gone.end), self.shed.1.and(stray.doubt.why));
        }
    }

    /// The bound is reached in `[from, to)`: part of a known episode, or a new one.
    #[expect(clippy::too_many_arguments, reason = "the parts of one violation; a struct would only rename them")]
    fn reached(
        &mut self,
        at: u32,
        window: &WindowPlan,
        flight: &FlightPlan,
        from: u64,
        to: u64,
        (span, batch): (&Incoming, &Batch),
        context: &mut Context<'_>,
    ) {
        let key = self.groups.key(at).to_vec();
        let Some(group) = self.groups.get_mut(at) else { return };
        group.violated = true;
        if group.episodes.extend(from, to) {
            return;
        }
        let first = group.spans.partition_point(|known| known.end <= from);
        let in_flight: Vec<Interval> =
            group.spans.range(first..).filter(|known| known.start <= from).take(MAX_EVIDENCE + 1).copied().collect();
        let id = self.base.id(&key, from);
        group.episodes.begin(from, to, id);
        let news = News {
            window: Some((from, from)),
            deciding: Some(Deciding { trace: span.trace, span: span.record.id, end: span.record.end, resource: span.record.resource }),
            on_arrival: true,
            time: span.record.end,
            observed: vec![(flight.text.clone(), flight.least.to_string())],
            evidence: in_flight.iter().map(|known| known.span).collect(),
            shown: if window.show.is_empty() { Vec::new() } else { shown(&window.show, batch.values(span)) },
            ..News::default()
        };
        self.base.violated();
        self.base.announce(Announced::Violation, id, &texts(&key), news, context);
    }

    /// Counts the bytes of a group anew and sets its timer.
    fn settle(&mut self, at: u32, window: &WindowPlan, context: &Context<'_>) {
        let keep = context.shared.config.max_duration_ns;
        let Some(group) = self.groups.get_mut(at) else { return };
        let now = group.heap_bytes();
        self.held = self.held + now - group.counted;
        group.counted = now;
        let over = group.episodes.first().map(|episode| episode.to.saturating_add(group.longest).saturating_add(1));
        let repeat = window.repeat_after.and_then(|after| group.episodes.next_repeat(after));
        let forget = (!window.by.is_empty()).then(|| group.last_end.saturating_add(horizon(group, keep)));
        // Often enough that what is forgotten late stays a fraction of what is kept.
        let trim = group.spans.front().map(|first| first.end.saturating_add(horizon(group, keep)).saturating_add(keep / 4));
        if let Some(due) = [over, repeat, trim, forget].into_iter().flatten().min() {
            self.groups.wake(at, due.max(self.base.watermark));
        }
    }

    /// Moves the watermark.
    pub(super) fn advance(&mut self, context: &mut Context<'_>) {
        if self.base.ended {
            return;
        }
        self.base.pass(context.event_time);
        let plan = Arc::clone(&self.base.plan);
        let Some(window) = plan.windows.get(self.base.at()) else { return };
        let Some(flight) = plan_of(window) else { return };
        let watermark = self.base.watermark;
        while let Some(at) = self.groups.due_before(watermark) {
            self.look_at(window, flight, at, context);
        }
        let _ = self.groups.tidy();
        let keep = context.shared.config.max_duration_ns;
        while self.strays.front().is_some_and(|(interval, _)| interval.end.saturating_add(keep) < watermark) {
            self.strays.pop_front();
        }
    }

    /// Lets the watermark pass over a group.
    fn look_at(&mut self, window: &WindowPlan, flight: &FlightPlan, at: u32, context: &mut Context<'_>) {
        let watermark = self.base.watermark;
        let keep = context.shared.config.max_duration_ns;
        let key = self.groups.key(at).to_vec();
        let Some(group) = self.groups.get_mut(at) else { return };
        // A span that was in flight at the end of an episode comes when it has ended.
        let come = watermark.saturating_sub(group.longest);
        group.prolong_by_doubts(come, flight.least);
        let over: Vec<_> = std::iter::from_fn(|| group.episodes.over_before(come)).collect();
        let again = window.repeat_after.map(|after| group.episodes.repeat(watermark, after)).unwrap_or_default();
        if context.shared.config.record_verdicts {
            over.iter().for_each(|episode| group.history.add(episode.from, Some(episode.to)));
        }
        let floor = watermark.saturating_sub(horizon(group, keep));
        if floor > group.floor {
            group.forget_before(floor);
        }
        let forget = group.last_end <= floor && group.episodes.first().is_none() && !window.by.is_empty();
        let group_texts = if over.is_empty() && again.is_empty() { Vec::new() } else { texts(&key) };
        for id in again {
            let news = News { window: Some((watermark, watermark)), time: watermark, ..News::default() };
            self.base.announce(Announced::Violation, id, &group_texts, news, context);
        }
        for episode in over {
            self.base.resolve(&episode, &group_texts, context);
        }
        if forget {
            if let Some(group) = self.groups.remove(at) {
                self.held -= group.counted;
                self.base.conclude(&key, group.outcome(self.broad), &group.history, context);
            }
        } else {
            self.settle(at, window, context);
        }
    }

    fn evict(&mut self, context: &mut Context<'_>) {
        let Some(at) = self.groups.least_recent() else { return };
        let key = self.groups.key(at).to_vec();
        let hash = self.groups.hash(&key);
        let Some(group) = self.groups.remove(at) else { return };
        self.held -= group.counted;
        self.base.evicted += 1;
        self.forgotten.add(hash, group.last_end, group.spans.len());
        let outcome = group.outcome(self.broad).worse(Outcome::Unknown(Reasons::of(Reason::Cardinality)));
        self.base.conclude(&key, outcome, &group.history, context);
    }

    /// Observation ends: every group gets its verdict.
    pub(super) fn finish(&mut self, context: &mut Context<'_>) {
        self.advance(context);
        self.base.ended = true;
        let plan = Arc::clone(&self.base.plan);
        let Some(flight) = plan.windows.get(self.base.at()).and_then(plan_of) else { return };
        if self.base.rule().is_some_and(|rule| rule.by.is_empty()) && self.groups.len() == 0 {
            self.base.conclude_unseen(context);
        }
        while let Some(at) = self.groups.least_recent() {
            let key = self.groups.key(at).to_vec();
            let Some(mut group) = self.groups.remove(at) else { return };
            self.held -= group.counted;
            group.prolong_by_doubts(context.event_time.saturating_add(1), flight.least);
            for episode in group.episodes.open() {
                group.history.add(episode.from, (episode.to <= context.event_time).then_some(episode.to));
            }
            self.base.conclude(&key, group.outcome(self.broad), &group.history, context);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let strays = self.strays.capacity() * size_of::<(Interval, Stray)>();
        self.groups.bytes() + self.held + self.forgotten.heap_bytes() + strays
    }
}

/// How far back a group remembers, nanoseconds.
fn horizon(group: &Group, keep: u64) -> u64 {
    keep.max(group.longest.saturating_mul(2))
}
