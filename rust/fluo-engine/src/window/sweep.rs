//! A monitor for claims about windows that a bound from above does not cover: lower bounds, absence, averages, ratios, several windows.
//!
//! The claim is judged at every instant at which some window changes, in the order of event time, when the watermark has passed it: then
//! nothing can come that changes the answer. Where more spans can only break the claim each span is looked at as it comes, so that a
//! violation is signalled at once; the passing watermark then only ends its episodes. A claim that mixes windows of the group with
//! windows over all spans is left to the watermark: each span would have to be looked at for every group.

use std::sync::Arc;

use super::ahead::Ahead;
use super::announce::{Deciding, News, shown};
use super::base::{Base, Context};
use super::doubt::{Forgotten, why};
use super::episode::{Episodes, History};
use super::groups::Groups;
use super::idle::Idle;
use super::judge::Judge;
use super::keys::{Keys, Place};
use super::lane::{Entry, Lane, Possible, Row, newest};
use super::pass::{Found, Group, Pass, Presence};
use crate::eval::groups::texts;
use crate::eval::rule::Outcome;
use crate::ingest::{Batch, Incoming};
use crate::plan::{LanePlan, SweepPlan, WindowKind, WindowPlan};
use crate::signal::Event as Announced;
use crate::store::combination::Fit;
use crate::truth::Reasons;
use crate::verdict::Reason;

/// The state of one rule.
#[derive(Debug)]
pub(super) struct Sweep {
    pub(super) base: Base,
    pub(super) groups: Groups<Group>,
    /// Lanes that all groups share, at the places of their plans; those of grouped lanes hold the spans that may be in any group.
    pub(super) shared: Vec<Lane>,
    pub(super) idle: Idle,
    forgotten: Forgotten,
    held: usize,
    keys: Keys,
}

/// Bytes of a group and of a span in its lanes, and how many spans are kept at most.
pub(super) fn bytes_of(plan: &SweepPlan) -> (usize, usize, Option<u64>) {
    let lanes = plan.lanes.len() * size_of::<Lane>();
    let rows = plan.lanes.iter().any(|lane| lane.ordered || !lane.columns.is_empty());
    let entry = size_of::<Entry>() + if rows { size_of::<Row>() } else { 0 };
    (Groups::<Group>::BYTES + lanes + Episodes::BYTES, entry * plan.lanes.len().max(1), None)
}

/// The verdict of a group of which no window was observed.
const UNOBSERVED: Outcome = Outcome::Unknown(Reasons::of(Reason::Shutdown));

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
            idle: Idle::default(),
            forgotten: Forgotten::default(),
            held: 0,
            keys: Keys::default(),
        }
    }

    fn with_groups(&self) -> bool {
        self.base.rule().is_some_and(|rule| !rule.by.is_empty())
    }

    /// Takes in spans that the rule's selectors picked.
    pub(super) fn apply(&mut self, batch: &Batch, mine: &[u32], context: &mut Context<'_>) {
        if self.base.ended {
            return;
        }
        let plan = Arc::clone(&self.base.plan);
        let Some(window) = plan.windows.get(self.base.at()) else { return };
        let Some(sweep) = plan_of(window) else { return };
        self.prepare(sweep, context);
        for index in mine {
            if let Some(span) = batch.spans.get(*index as usize) {
                self.add(window, sweep, span, batch, context);
            }
        }
    }

    /// Whether violations are known when the span comes that makes them.
    fn decides_on_arrival(&self, sweep: &SweepPlan) -> bool {
        sweep.only_breaks && (!self.with_groups() || sweep.lanes.iter().all(|lane| lane.grouped))
    }

    fn judge<'s>(&'s self, sweep: &'s SweepPlan, at: u32) -> Option<Judge<'s>> {
        let group = self.groups.get(at)?;
        Some(Judge { sweep, key: Some(self.groups.key(at)), group, shared: &self.shared, with_groups: self.with_groups() })
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
        let Some(group) = self.groups.get_mut(at) else { return };
        match &mut group.presence {
            Some(presence) if presence.first == first => return,
            Some(presence) => (presence.first, presence.sure) = (first, first),
            None => {
                // The watermark may have passed the first instants before the group was there.
                group.position = group.position.min(first);
                group.presence = Some(Presence::new(first, first));
            }
        }
        self.wake(sweep, at);
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
            let is_certain = fits.iter().flatten().any(|fit| *fit == Fit::Yes);
            for (at, (lane, fit)) in sweep.lanes.iter().zip(&fits).enumerate() {
                if let (Some(fit), true, Some(own)) = (fit, lane.grouped || !with_groups, group.lanes.get_mut(at)) {
                    put(own, lane, entry(lane), *fit);
                }
            }
            let deciding = Deciding { trace: span.trace, span: span.record.id, end: span.record.end, resource: span.record.resource };
            group.newest = newest(group.newest, deciding);
            if is_certain && self.decides_on_arrival(sweep) {
                self.look_ahead(sweep, slot, deciding, context);
            }
            self.wake(sweep, slot);
        });
        self.keys = keys;
        while self.bytes() > self.base.max_bytes && self.make_room(sweep, context) {}
    }

    /// Forgets a group, or, where one group or what all share takes the room, the earlier half of its spans.
    fn make_room(&mut self, sweep: &SweepPlan, context: &mut Context<'_>) -> bool {
        if self.shared.iter().map(Lane::heap_bytes).sum::<usize>() > self.base.max_bytes / 2 {
            return shed(&mut self.shared, sweep).is_some();
        }
        let Some(at) = self.groups.least_recent() else { return false };
        if self.groups.len() > 1 {
            self.evict(sweep, context);
            return true;
        }
        let Some(group) = self.groups.get_mut(at) else { return false };
        let shed = shed(&mut group.lanes, sweep);
        if let Some((first, last)) = shed {
            // The group is known by spans that nobody can look at any more.
            let presence = group.presence.get_or_insert(Presence::new(first, first));
            presence.last = presence.last.max(last);
        }
        self.wake(sweep, at);
        shed.is_some()
    }

    /// The slot of a group, which is there from now on.
    fn group(&mut self, key: &[u8], end: u64, sweep: &SweepPlan, context: &mut Context<'_>) -> u32 {
        let hash = self.groups.hash(key);
        if let Some(at) = self.groups.find(hash, key) {
            self.awaken(at);
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
            lost_until: lost.map_or(0, |lost| lost.end.saturating_add(sweep.widest)),
            ..Group::default()
        };
        let at = self.groups.insert(hash, key, group);
        self.awaken(at);
        self.weigh(at);
        at
    }

    fn evict(&mut self, sweep: &SweepPlan, context: &mut Context<'_>) {
        let Some(at) = self.groups.least_recent() else { return };
        self.awaken(at);
        let key = self.groups.key(at).to_vec();
        let hash = self.groups.hash(&key);
        let Some(group) = self.groups.remove(at) else { return };
        self.held -= group.counted;
        self.base.evicted += 1;
        let spans: usize = group.lanes.iter().map(Lane::len).sum();
        if group.newest.end.saturating_add(sweep.widest) > self.base.watermark {
            self.forgotten.add(hash, group.newest.end, spans.max(1));
        }
        let unknown = Outcome::Unknown(Reasons::of(Reason::Cardinality));
        self.conclude(&key, group.worst().map_or(unknown, |worst| worst.worse(unknown)), &group.history, context);
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
        let after = self.base.window().and_then(|window| window.repeat_after);
        let Some(judge) = self.judge(sweep, at) else { return };
        // What all groups share is judged as long as there is any of it.
        let next = Pass::new(judge, self.decides_on_arrival(sweep)).next_own();
        let repeat = after.and_then(|after| judge.group.episodes.next_repeat(after));
        let position = judge.group.position;
        if let Some(due) = [next, repeat].into_iter().flatten().min() {
            self.groups.wake(at, due.max(position));
        }
    }

    /// Looks whether a span breaks the claim.
    fn look_ahead(&mut self, sweep: &SweepPlan, at: u32, deciding: Deciding, context: &mut Context<'_>) {
        let Some(judge) = self.judge(sweep, at) else { return };
        let grown = Ahead::new(judge).grown(deciding.end, deciding);
        for (from, to, news) in grown {
            self.violated(at, from, to, news.unwrap_or_default(), context);
        }
    }

    /// A stretch is violated: part of a known episode, or a new one.
    fn violated(&mut self, at: u32, from: u64, to: u64, news: News, context: &mut Context<'_>) {
        let id = self.base.id(self.groups.key(at), from);
        let texts = texts(self.groups.key(at));
        let Some(group) = self.groups.get_mut(at) else { return };
        if !group.episodes.extend(from, to) {
            group.episodes.begin(from, to, id);
            self.base.violated();
            self.base.announce(Announced::Violation, id, &texts, news, context);
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
        let Some(sweep) = plan_of(window) else { return };
        self.prepare(sweep, context);
        self.judge_before(window, sweep, self.base.watermark, context);
        if self.groups.tidy() {
            self.list_active();
        }
        // Numbers that follow a window grow by what enters it.
        while self.bytes() > self.base.max_bytes && self.make_room(sweep, context) {}
    }

    /// Judges every instant before this one for good.
    fn judge_before(&mut self, window: &WindowPlan, sweep: &SweepPlan, time: u64, context: &mut Context<'_>) {
        if self.with_groups() && self.shared.iter().any(|lane| !lane.is_empty()) {
            self.pass_over_shared(window, sweep, time, context);
        }
        while let Some(at) = self.groups.due_before(time) {
            self.pass_over(window, sweep, at, time, context);
        }
        let t = time.saturating_sub(1);
        for (lane, plan) in self.shared.iter_mut().zip(&sweep.lanes) {
            let cursor = lane.cursor_at(t, plan.width);
            lane.settle(cursor, t, plan.width, None);
        }
    }

    /// Judges the instants of a group before this one for good.
    pub(super) fn pass_over(&mut self, window: &WindowPlan, sweep: &SweepPlan, at: u32, time: u64, context: &mut Context<'_>) {
        let on_arrival = self.decides_on_arrival(sweep);
        self.awaken(at);
        let Some(group) = self.groups.get_mut(at) else { return };
        let running = group.lanes.iter_mut().map(|lane| std::mem::take(&mut lane.running)).collect();
        let Some(judge) = self.judge(sweep, at) else { return };
        let mut pass = Pass::new(judge, on_arrival);
        pass.running = running;
        let mut found = Vec::new();
        while pass.step(time, &mut found) {}
        let (cursors, running, presence) = (pass.cursors, pass.running, pass.presence);
        let Some(group) = self.groups.get_mut(at) else { return };
        group.position = group.position.max(time);
        group.presence = presence;
        let t = time.saturating_sub(1);
        for (((lane, plan), mut cursor), mut numbers) in group.lanes.iter_mut().zip(&sweep.lanes).zip(cursors).zip(running) {
            lane.slide(&mut cursor, &mut numbers, plan, t);
            lane.running = numbers;
            lane.settle(cursor, t, plan.width, plan.cap);
        }
        for found in found {
            self.say(sweep, at, found, context);
        }
        let again = match (window.repeat_after, self.groups.get_mut(at)) {
            (Some(after), Some(group)) => group.episodes.repeat(t, after),
            _ => Vec::new(),
        };
        for id in again {
            let news = News { window: Some((t.saturating_sub(sweep.widest), t)), time: t, ..News::default() };
            self.base.announce(Announced::Violation, id, &texts(self.groups.key(at)), news, context);
        }
        let is_gone = |group: &Group| group.presence.is_none() && group.lanes.iter().all(Lane::is_empty);
        if self.with_groups() && self.groups.get(at).is_some_and(is_gone) {
            self.held -= self.groups.remove(at).map_or(0, |group| group.counted);
        } else {
            self.rest(sweep, at);
            self.wake(sweep, at);
        }
    }

    /// Says what a pass has found.
    fn say(&mut self, sweep: &SweepPlan, at: u32, found: Found, context: &mut Context<'_>) {
        let on_arrival = self.decides_on_arrival(sweep);
        match found {
            Found::Begun(from, news) => {
                let judge = self.judge(sweep, at).filter(|_| on_arrival);
                let to = judge.map_or(u64::MAX, |judge| Ahead::new(judge).end_of_stretch(from, u64::MAX));
                self.violated(at, from, to, news, context);
            }
            Found::Ended(from, to) => {
                let texts = texts(self.groups.key(at));
                let Some(group) = self.groups.get_mut(at) else { return };
                if context.shared.config.record_verdicts {
                    group.history.add(from, Some(to));
                }
                if let Some(episode) = group.episodes.close(to) {
                    self.base.resolve(&episode, &texts, context);
                }
            }
            Found::Forgotten(worst) => {
                let key = self.groups.key(at).to_vec();
                let Some(group) = self.groups.get_mut(at) else { return };
                let history = std::mem::take(&mut group.history);
                self.conclude(&key, worst.unwrap_or(UNOBSERVED), &history, context);
            }
        }
    }

    fn conclude(&mut self, key: &[u8], outcome: Outcome, history: &History, context: &mut Context<'_>) {
        self.base.conclude(key, outcome, history, context);
    }

    /// Observation ends: every group gets its verdict.
    pub(super) fn finish(&mut self, context: &mut Context<'_>) {
        let plan = Arc::clone(&self.base.plan);
        let Some(window) = plan.windows.get(self.base.at()) else { return };
        let Some(sweep) = plan_of(window) else { return };
        self.advance(context);
        self.base.ended = true;
        // No span can come any more: what spans can only break is decided up to the event clock, the rest up to the watermark.
        let end = if sweep.only_breaks { context.event_time.max(self.base.watermark) } else { self.base.watermark };
        self.judge_before(window, sweep, end.saturating_add(1), context);
        if !self.with_groups() && self.groups.len() == 0 {
            self.conclude(&[], UNOBSERVED, &History::default(), context);
        }
        while let Some(at) = self.groups.least_recent() {
            self.awaken(at);
            let key = self.groups.key(at).to_vec();
            let Some(mut group) = self.groups.remove(at) else { return };
            self.held -= group.counted;
            let since = group.presence.and_then(|presence| presence.since);
            let open = since.into_iter().chain(group.episodes.open().iter().map(|episode| episode.from)).min();
            if let Some(from) = open {
                group.history.add(from, None);
            }
            self.conclude(&key, group.worst().unwrap_or(UNOBSERVED), &group.history, context);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let shared: usize = self.shared.iter().map(Lane::heap_bytes).sum();
        self.groups.bytes() + self.held + shared + self.idle.heap_bytes() + self.forgotten.heap_bytes()
    }
}

/// Drops the earlier half of the lane that takes the most room; gives the first and the last end of what is dropped.
fn shed(lanes: &mut [Lane], sweep: &SweepPlan) -> Option<(u64, u64)> {
    let (lane, plan) = lanes.iter_mut().zip(&sweep.lanes).max_by_key(|(lane, _)| lane.heap_bytes())?;
    lane.shed(plan)
}

/// Puts a span into a lane, for certain or not.
fn put(lane: &mut Lane, plan: &LanePlan, entry: Entry, fit: Fit) {
    match why(fit) {
        why if why.is_empty() => lane.add(entry),
        why => lane.add_possible(Possible { entry, why, whereabouts: None }, plan.width),
    }
}
