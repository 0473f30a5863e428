//! A monitor for claims about windows that a bound from above does not cover: lower bounds, absence, averages, ratios, several windows.
//!
//! The claim is judged at every instant at which some window changes, in the order of event time, when the watermark has passed it: then
//! nothing can come that changes the answer. A claim that more spans can only break is judged ahead of the watermark as well, as soon as
//! spans come, so that it is signalled at once; the passing watermark then only ends its episodes.

use std::sync::Arc;

use super::announce::{Deciding, News, shown};
use super::base::{Base, Context};
use super::doubt::{Forgotten, why};
use super::episode::Episode;
use super::groups::Groups;
use super::keys::{Keys, Place};
use super::lane::{Entry, Lane, Possible, Row, newest};
use super::pass::{Broken, Group, Pass};
use super::running::Running;
use crate::eval::groups::texts;
use crate::eval::rule::Outcome;
use crate::ingest::{Batch, Incoming};
use crate::plan::{LanePlan, SweepPlan, WindowKind, WindowPlan};
use crate::signal::Event as Announced;
use crate::store::combination::Fit;
use crate::truth::Reasons;
use crate::verdict::Reason;

/// Spans ahead of the watermark that are looked through for every message.
const SOON: usize = 1_024;

/// The state of one rule.
#[derive(Debug)]
pub(super) struct Sweep {
    pub(super) base: Base,
    groups: Groups<Group>,
    /// Lanes that all groups share, at the places of their plans; those of grouped lanes hold the spans that may be in any group.
    shared: Vec<Lane>,
    forgotten: Forgotten,
    held: usize,
    keys: Keys,
    /// Groups that got a span in the message at hand, and its end.
    touched: Vec<(u32, u64)>,
}

/// Bytes of a group and of a span in its lanes, and how many spans are kept at most.
pub(super) fn bytes_of(plan: &SweepPlan) -> (usize, usize, Option<u64>) {
    let lanes = plan.lanes.len() * size_of::<Lane>();
    let rows = plan.lanes.iter().any(|lane| lane.ordered || !lane.columns.is_empty());
    let entry = size_of::<Entry>() + if rows { size_of::<Row>() } else { 0 };
    (Groups::<Group>::BYTES + lanes + size_of::<Episode>(), entry * plan.lanes.len().max(1), None)
}

fn plan_of(window: &WindowPlan) -> Option<&SweepPlan> {
    match &window.kind {
        WindowKind::Sweep(plan) => Some(plan),
        _ => None,
    }
}

impl Sweep {
    pub(super) fn new(base: Base) -> Self {
        Self {
            base,
            groups: Groups::default(),
            shared: Vec::new(),
            forgotten: Forgotten::default(),
            held: 0,
            keys: Keys::default(),
            touched: Vec::new(),
        }
    }

    fn with_groups(&self) -> bool {
        self.base.rule().is_some_and(|rule| !rule.by.is_empty())
    }

    /// Takes in spans that the rule's selectors picked.
    pub(super) fn apply(&mut self, batch: &Batch, mine: &[u32], context: &mut Context<'_>) {
        let plan = Arc::clone(&self.base.plan);
        let Some(window) = plan.windows.get(self.base.at()) else { return };
        let Some(sweep) = plan_of(window) else { return };
        self.prepare(sweep, context);
        for index in mine {
            if let Some(span) = batch.spans.get(*index as usize) {
                self.add(window, sweep, span, batch, context);
            }
        }
        if sweep.only_breaks {
            let mut touched = std::mem::take(&mut self.touched);
            touched.sort_unstable();
            for spans in touched.chunk_by(|(one, _), (other, _)| one == other) {
                if let Some((at, first_new)) = spans.first() {
                    self.look_ahead(sweep, *at, *first_new, spans.len(), context);
                }
            }
            touched.clear();
            self.touched = touched;
        }
    }

    /// A rule without groups begins with the first span that it could have seen.
    fn prepare(&mut self, sweep: &SweepPlan, context: &mut Context<'_>) {
        if self.shared.is_empty() {
            self.shared.resize_with(sweep.lanes.len(), Lane::default);
        }
        let first = self.base.first_end;
        if self.with_groups() || first == u64::MAX {
            return;
        }
        let at = self.group(&[], first, sweep, context);
        if let Some(group) = self.groups.get_mut(at)
            && group.first_end != first
        {
            // The watermark may have passed the first instants before the group was there.
            if group.first_end == u64::MAX {
                group.position = group.position.min(first);
            }
            group.first_end = first;
            self.wake(sweep, at);
        }
    }

    fn add(&mut self, window: &WindowPlan, sweep: &SweepPlan, span: &Incoming, batch: &Batch, context: &mut Context<'_>) {
        let values = batch.values(span);
        let picks = batch.picks(span);
        let fits: Vec<Option<Fit>> =
            sweep.lanes.iter().map(|lane| picks.iter().find(|pick| pick.selector == lane.selector).map(|pick| pick.fit)).collect();
        let entry = |lane: &LanePlan| {
            let read = |term: &u32| values.get(*term).kept();
            let shown = if window.show.is_empty() { Vec::new() } else { shown(&window.show, values) };
            let wanted = lane.ordered || !lane.columns.is_empty() || !shown.is_empty();
            let row = wanted.then(|| {
                Box::new(Row { start: span.record.start, trace: span.trace, reads: lane.columns.iter().map(read).collect(), shown })
            });
            Entry { end: span.record.end, span: span.record.id, row }
        };
        let with_groups = self.with_groups();
        for (at, (lane, fit)) in sweep.lanes.iter().zip(&fits).enumerate() {
            if let (Some(fit), false, true, Some(shared)) = (fit, lane.grouped, with_groups, self.shared.get_mut(at)) {
                put(shared, lane, entry(lane), *fit);
            }
        }
        let belongs = sweep.lanes.iter().zip(&fits).any(|(lane, fit)| fit.is_some() && (lane.grouped || !with_groups));
        if !belongs {
            return;
        }
        let place = Place::of(&window.by, values);
        let mut keys = std::mem::take(&mut self.keys);
        if let Some((whereabouts, unknown)) = place.whereabouts() {
            for (at, (lane, fit)) in sweep.lanes.iter().zip(&fits).enumerate() {
                if let (Some(fit), true, Some(strays)) = (fit, lane.grouped, self.shared.get_mut(at)) {
                    let why = unknown.and(why(*fit));
                    strays.add_possible(Possible { entry: entry(lane), why, whereabouts: Some(whereabouts.clone()) }, lane.width);
                }
            }
        }
        place.each_key(&mut keys, |key| {
            let slot = self.group(key, span.record.end, sweep, context);
            let Some(group) = self.groups.get_mut(slot) else { return };
            for (at, (lane, fit)) in sweep.lanes.iter().zip(&fits).enumerate() {
                if let (Some(fit), true, Some(own)) = (fit, lane.grouped || !with_groups, group.lanes.get_mut(at)) {
                    put(own, lane, entry(lane), *fit);
                }
            }
            if with_groups {
                group.first_end = group.first_end.min(span.record.end);
            }
            group.last_end = group.last_end.max(span.record.end);
            let deciding = Deciding { trace: span.trace, span: span.record.id, end: span.record.end, resource: span.record.resource };
            group.newest = newest(group.newest, deciding);
            self.touched.push((slot, span.record.end));
            self.wake(sweep, slot);
        });
        self.keys = keys;
        while self.bytes() > self.base.max_bytes && self.make_room(sweep, context) {}
    }

    /// Forgets a group, or, where one group or what all share takes the room, the earlier half of its spans.
    fn make_room(&mut self, sweep: &SweepPlan, context: &mut Context<'_>) -> bool {
        if self.shared.iter().map(Lane::heap_bytes).sum::<usize>() > self.base.max_bytes / 2 {
            return shed(&mut self.shared, sweep);
        }
        let Some(at) = self.groups.least_recent() else { return false };
        if self.groups.len() > 1 {
            self.evict(sweep, context);
            return true;
        }
        let room = self.groups.get_mut(at).is_some_and(|group| shed(&mut group.lanes, sweep));
        self.wake(sweep, at);
        room
    }

    /// The slot of a group, which is there from now on.
    fn group(&mut self, key: &[u8], end: u64, sweep: &SweepPlan, context: &mut Context<'_>) -> u32 {
        let hash = self.groups.hash(key);
        if let Some(at) = self.groups.find(hash, key) {
            return at;
        }
        if self.groups.len() >= self.base.max_groups {
            self.evict(sweep, context);
        }
        let with_groups = self.with_groups();
        let lane = |plan: &LanePlan| if plan.grouped || !with_groups { Lane::with_numbers(plan) } else { Lane::default() };
        let lanes: Vec<Lane> = sweep.lanes.iter().map(lane).collect();
        let lost = self.forgotten.lost(hash, end.saturating_sub(sweep.widest));
        let group = Group {
            lanes: lanes.into(),
            position: self.base.watermark,
            first_end: u64::MAX,
            lost_until: lost.map_or(0, |lost| lost.end.saturating_add(sweep.widest)),
            ..Group::default()
        };
        let at = self.groups.insert(hash, key, group);
        self.weigh(at);
        at
    }

    fn evict(&mut self, sweep: &SweepPlan, context: &mut Context<'_>) {
        let Some(at) = self.groups.least_recent() else { return };
        let key = self.groups.key(at).to_vec();
        let hash = self.groups.hash(&key);
        let Some(group) = self.groups.remove(at) else { return };
        self.held -= group.counted;
        self.base.evicted += 1;
        let spans: usize = group.lanes.iter().map(Lane::len).sum();
        if group.last_end.saturating_add(sweep.widest) > self.base.watermark {
            self.forgotten.add(hash, group.last_end, spans.max(1));
        }
        let unknown = Outcome::Unknown(Reasons::of(Reason::Cardinality));
        let outcome = group.worst.map_or(unknown, |worst| worst.worse(unknown));
        self.base.conclude(&key, outcome, &group.history, context);
    }

    /// Counts the bytes of a group anew.
    fn weigh(&mut self, at: u32) {
        if let Some(group) = self.groups.get_mut(at) {
            let now = group.heap_bytes();
            self.held = self.held + now - group.counted;
            group.counted = now;
        }
    }

    /// Wakes a group when the watermark passes the next instant at which something of it changes.
    fn wake(&mut self, sweep: &SweepPlan, at: u32) {
        self.weigh(at);
        let with_groups = self.with_groups();
        let after = self.base.window().and_then(|window| window.repeat_after);
        let Some(group) = self.groups.get(at) else { return };
        let next = Pass::new(sweep, (self.groups.key(at), group), &self.shared, with_groups).next();
        let repeat = after.and_then(|after| group.episodes.next_repeat(after));
        let position = group.position;
        if let Some(due) = [next, repeat].into_iter().flatten().min() {
            self.groups.wake(at, due.max(position));
        }
    }

    /// Judges a claim that spans can only break ahead of the watermark, from the first new span on.
    fn look_ahead(&mut self, sweep: &SweepPlan, at: u32, first_new: u64, new: usize, context: &mut Context<'_>) {
        let with_groups = self.with_groups();
        let Some(group) = self.groups.get_mut(at) else { return };
        let first_new = group.ahead_from.map_or(first_new, |from| from.min(first_new));
        let numbers = |lane: &Lane| lane.running.iter().map(Running::heap_bytes).sum::<usize>() / size_of::<Entry>();
        let ahead: usize = group.lanes.iter().map(|lane| lane.len() - lane.inside + numbers(lane)).sum();
        group.unseen += new;
        // Numbers have to follow from the watermark on: in a long stretch only now and then.
        if group.lanes.iter().any(|lane| !lane.running.is_empty()) && ahead > SOON && group.unseen * 8 < ahead {
            group.ahead_from = Some(first_new);
            self.wake(sweep, at);
            return;
        }
        (group.unseen, group.ahead_from) = (0, None);
        let running = group.lanes.iter().map(|lane| lane.running.clone()).collect();
        let Some(group) = self.groups.get(at) else { return };
        let last = sweep.lanes.iter().enumerate().filter_map(|(at, _)| group.lanes.get(at)?.last_end()).max().unwrap_or_default();
        let mut found: Vec<(u64, u64, Option<Broken>)> = Vec::new();
        let mut going_on = false;
        let mut pass = Pass::new(sweep, (self.groups.key(at), group), &self.shared, with_groups).ahead(first_new, running);
        // When the last span has come, windows only empty themselves, which breaks nothing.
        while let Some(t) = pass.next().filter(|t| going_on || *t <= last) {
            pass.go(t);
            let violated = pass.outcome(t) == Some(Outcome::Violated);
            if violated && !going_on {
                let news = if group.episodes.covers(t) { None } else { Some(pass.broken(t, true)) };
                found.push((t, u64::MAX, news));
            }
            if let (false, true, Some((_, to, _))) = (violated, going_on, found.last_mut()) {
                *to = t;
            }
            going_on = violated;
            if t >= pass.until {
                break;
            }
        }
        let key = self.groups.key(at).to_vec();
        for (from, to, broken) in found {
            match (self.groups.get_mut(at), broken) {
                (Some(group), None) => {
                    group.episodes.prolong(from, to);
                }
                (_, Some(broken)) => self.violated(at, &key, Broken { to, ..broken }, context),
                (None, None) => {}
            }
        }
        self.wake(sweep, at);
    }

    /// A window is violated: part of a known episode, or a new one.
    fn violated(&mut self, at: u32, key: &[u8], broken: Broken, context: &mut Context<'_>) {
        let id = self.base.id(key, broken.anchor);
        let Some(group) = self.groups.get_mut(at) else { return };
        if group.episodes.prolong(broken.from, broken.to) {
            return;
        }
        group.worst = Some(Outcome::Violated);
        group.episodes.begin(Episode { from: broken.from, to: broken.to, violation_id: id, signalled: broken.from });
        self.base.violated();
        self.base.announce(Announced::Violation, id, &texts(key), broken.news, context);
    }

    /// Moves the watermark.
    pub(super) fn advance(&mut self, context: &mut Context<'_>) {
        self.base.pass(context.event_time);
        let plan = Arc::clone(&self.base.plan);
        let Some(window) = plan.windows.get(self.base.at()) else { return };
        let Some(sweep) = plan_of(window) else { return };
        self.prepare(sweep, context);
        self.judge_before(window, sweep, self.base.watermark, context);
        // Numbers that follow a window grow by what enters it.
        while self.bytes() > self.base.max_bytes && self.make_room(sweep, context) {}
    }

    /// Judges every instant before this one for good.
    fn judge_before(&mut self, window: &WindowPlan, sweep: &SweepPlan, time: u64, context: &mut Context<'_>) {
        let has_shared = self.shared.iter().any(|lane| lane.len() > 0 || lane.changes(0).next().is_some());
        if has_shared {
            // What all groups share has changed for each of them.
            let all: Vec<u32> = self.groups.all().map(|(at, _)| at).collect();
            for at in all {
                self.pass_over(window, sweep, at, time, context);
            }
        } else {
            while let Some(at) = self.groups.due_before(time) {
                self.pass_over(window, sweep, at, time, context);
            }
        }
        let t = time.saturating_sub(1);
        for (lane, plan) in self.shared.iter_mut().zip(&sweep.lanes) {
            let cursor = lane.cursor_at(t, plan.width);
            lane.settle(cursor, t, plan.width, None);
        }
    }

    /// Judges the instants of a group before this one for good.
    fn pass_over(&mut self, window: &WindowPlan, sweep: &SweepPlan, at: u32, time: u64, context: &mut Context<'_>) {
        let with_groups = self.with_groups();
        let Some(group) = self.groups.get_mut(at) else { return };
        let running = group.lanes.iter_mut().map(|lane| std::mem::take(&mut lane.running)).collect();
        let Some(group) = self.groups.get(at) else { return };
        let mut pass = Pass::new(sweep, (self.groups.key(at), group), &self.shared, with_groups);
        pass.running = running;
        let mut worst = group.worst;
        let mut since = group.violated_since;
        let mut begun: Vec<Broken> = Vec::new();
        let mut ended: Vec<(u64, u64)> = Vec::new();
        let mut forget = false;
        while let Some(t) = pass.next().filter(|t| *t < time) {
            pass.go(t);
            let Some(outcome) = pass.outcome(t) else { continue };
            worst = Some(worst.map_or(outcome, |worst| worst.worse(outcome)));
            match (outcome == Outcome::Violated, since) {
                (true, None) => {
                    since = Some(t);
                    // What was signalled when it came is only confirmed.
                    if !group.episodes.covers(t) {
                        begun.push(pass.broken(t, false));
                    }
                }
                (false, Some(from)) => {
                    ended.push((from, t));
                    since = None;
                }
                _ => {}
            }
            if t >= pass.until {
                forget = true;
                ended.extend(since.take().map(|from| (from, t)));
                break;
            }
        }
        let (cursors, running) = (pass.cursors, pass.running);
        let key = self.groups.key(at).to_vec();
        let Some(group) = self.groups.get_mut(at) else { return };
        group.position = group.position.max(time);
        group.worst = worst;
        group.violated_since = since;
        let t = time.saturating_sub(1);
        for (((lane, plan), mut cursor), mut numbers) in group.lanes.iter_mut().zip(&sweep.lanes).zip(cursors).zip(running) {
            lane.slide(&mut cursor, &mut numbers, plan, t);
            lane.running = numbers;
            lane.settle(cursor, t, plan.width, plan.cap);
        }
        for broken in begun {
            self.violated(at, &key, broken, context);
        }
        for (from, to) in ended {
            self.resolved(at, &key, from, to, context);
        }
        let mut again = Vec::new();
        if let (Some(after), Some(group)) = (window.repeat_after, self.groups.get_mut(at)) {
            again = group.episodes.repeat(t, after);
        }
        for episode in again {
            let news = News { window: Some((t.saturating_sub(sweep.widest), t)), time: t, ..News::default() };
            self.base.announce(Announced::Violation, episode.violation_id, &texts(&key), news, context);
        }
        if forget {
            if let Some(group) = self.groups.remove(at) {
                self.held -= group.counted;
                self.conclude(&key, &group, context);
            }
        } else {
            self.wake(sweep, at);
        }
    }

    /// A stretch of violated instants is over for good.
    fn resolved(&mut self, at: u32, key: &[u8], from: u64, to: u64, context: &mut Context<'_>) {
        let Some(group) = self.groups.get_mut(at) else { return };
        if context.shared.config.record_verdicts {
            group.history.add(from, Some(to));
        }
        if let Some(episode) = group.episodes.close(to).first() {
            let news = News { window: Some((from, to)), time: to, ..News::default() };
            self.base.announce(Announced::Resolved, episode.violation_id, &texts(key), news, context);
        }
    }

    fn conclude(&mut self, key: &[u8], group: &Group, context: &mut Context<'_>) {
        let outcome = group.worst.unwrap_or(Outcome::Unknown(Reasons::of(Reason::Shutdown)));
        self.base.conclude(key, outcome, &group.history, context);
    }

    /// Observation ends: every group gets its verdict.
    pub(super) fn finish(&mut self, context: &mut Context<'_>) {
        let plan = Arc::clone(&self.base.plan);
        let Some(window) = plan.windows.get(self.base.at()) else { return };
        let Some(sweep) = plan_of(window) else { return };
        self.prepare(sweep, context);
        self.base.pass(context.event_time);
        // No span can come any more: what spans can only break is decided up to the event clock, the rest up to the watermark.
        let end = if sweep.only_breaks { context.event_time } else { self.base.watermark };
        self.judge_before(window, sweep, end.saturating_add(1), context);
        if !self.with_groups() && self.groups.len() == 0 {
            self.conclude(&[], &Group::default(), context);
        }
        while let Some(at) = self.groups.least_recent() {
            let key = self.groups.key(at).to_vec();
            let Some(mut group) = self.groups.remove(at) else { return };
            self.held -= group.counted;
            if let Some(since) = group.violated_since {
                group.history.add(since, None);
            }
            self.conclude(&key, &group, context);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let shared: usize = self.shared.iter().map(Lane::heap_bytes).sum();
        self.groups.bytes() + self.held + shared + self.forgotten.heap_bytes()
    }
}

/// Drops the earlier half of the lane that takes the most room.
fn shed(lanes: &mut [Lane], sweep: &SweepPlan) -> bool {
    let largest = lanes.iter_mut().zip(&sweep.lanes).max_by_key(|(lane, _)| lane.heap_bytes());
    largest.is_some_and(|(lane, plan)| lane.shed(plan))
}

/// Puts a span into a lane, for certain or not.
fn put(lane: &mut Lane, plan: &LanePlan, entry: Entry, fit: Fit) {
    match why(fit) {
        why if why.is_empty() => lane.add(entry),
        why => lane.add_possible(Possible { entry, why, whereabouts: None }, plan.width),
    }
}
