//! A monitor for a bound from above on the number of spans in a sliding window, for each group.
//!
//! More spans can only break such a claim, so it is decided when they come. That a group holds again is known when the watermark has
//! passed the end of its episode.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::announce::{Deciding, News, gathered, shown};
use super::base::{Base, Context};
use super::doubt::{Doubt, Forgotten, Stray, Strays, could_break, undecided_until, why};
use super::episode::{Episodes, History};
use super::groups::Groups;
use super::keys::{Keys, Place};
use super::times::{Broken, Event, Times};
use crate::config::Config;
use crate::eval::groups::texts;
use crate::eval::rule::Outcome;
use crate::ingest::{Batch, Incoming};
use crate::plan::{CountPlan, Plan, WindowKind, WindowPlan};
use crate::signal::Event as Announced;
use crate::store::combination::Fit;
use crate::store::pool::Pool;
use crate::truth::Reasons;
use crate::verdict::Reason;

/// Spans of unknown group that are looked at one by one.
const MOST_STRAYS: usize = 1_024;

/// The state of one rule.
#[derive(Debug)]
pub(super) struct Counting {
    pub(super) base: Base,
    groups: Groups<Group>,
    /// Spans that may be in any group: attributes of theirs were dropped.
    strays: Strays,
    forgotten: Forgotten,
    /// Bytes that the groups hold outside of the table.
    held: usize,
    keys: Keys,
    /// Lists of spans of groups that are forgotten, or have outgrown them.
    pool: Pool<Event>,
    /// The watermark at the last look for groups to be forgotten, and the place where the next one begins.
    swept_at: u64,
    swept_to: usize,
}

/// The state of a group.
#[derive(Debug)]
struct Group {
    times: Times,
    /// When the first of its spans ended: what lies before says nothing about the group.
    first_end: u64,
    /// What few groups need.
    more: Option<Box<More>>,
}

/// What a group that is violated, or in doubt, has beside the ends of its spans.
#[derive(Debug, Default)]
struct More {
    episodes: Episodes,
    history: History,
    violated: bool,
    doubts: Vec<Doubt>,
    /// Why it could not be told whether some window was violated.
    why: Reasons,
    /// What a signal shows of the counted spans, where the rule asks for it: name and value.
    shown: BTreeMap<Event, Vec<(String, String)>>,
}

impl Default for Group {
    fn default() -> Self {
        Self { times: Times::default(), first_end: u64::MAX, more: None }
    }
}

impl Group {
    fn heap_bytes(&self) -> usize {
        self.times.heap_bytes() + self.more.as_deref().map_or(0, More::bytes)
    }

    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// When something has to be said of the group as the watermark passes.
    fn next_due(&self, repeat_after: Option<u64>) -> Option<u64> {
        let more = self.more.as_deref()?;
        let episode = more.episodes.first().map(|e| e.to.saturating_add(1));
        let repeat = repeat_after.and_then(|after| more.episodes.next_repeat(after));
        [episode, repeat].into_iter().flatten().min()
    }

    /// Whether no window that the watermark has not passed can hold a span of the group, and nothing is left to be said of it.
    fn is_over(&self, watermark: u64, width: u64) -> bool {
        let left = |end: u64| end.saturating_add(width) <= watermark;
        let more = self.more.as_deref().is_none_or(|more| more.episodes.first().is_none() && more.doubts.iter().all(|d| left(d.end)));
        more && self.times.last_end().is_none_or(left)
    }

    /// Looks whether spans in doubt could break the bound.
    fn look_at_doubts(&mut self, key: &[u8], strays: &Strays, plan: &CountPlan) {
        let own = self.more.as_deref().map_or(&[][..], |m| &m.doubts);
        if own.is_empty() && strays.is_empty() {
            return;
        }
        let counts = |doubt: &&Doubt| doubt.end.saturating_add(plan.width) > self.first_end;
        let doubts: Vec<Doubt> = own.iter().chain(strays.of_group(key)).filter(counts).copied().collect();
        let known = self.more.as_deref().map_or(Reasons::NONE, |m| m.why);
        let all = doubts.iter().fold(known, |all, doubt| all.and(doubt.why));
        let most: usize = doubts.iter().map(|doubt| doubt.count as usize).sum();
        let mut why = strays.lacks(self.first_end);
        if all != known && self.times.len() + most >= plan.least {
            why = why.and(could_break(self.times.ends(), &doubts, plan.least, plan.width));
        }
        if !why.is_empty() {
            let more = self.more();
            more.why = more.why.and(why);
        }
    }

    /// Lets the episodes that end before an instant go on for as long as spans in doubt could break the bound: a violated group whose
    /// claim becomes undecided does not hold again.
    fn prolong_by_doubts(&mut self, before: u64, key: &[u8], strays: &Strays, plan: &CountPlan) {
        let Some(more) = self.more.as_deref_mut() else { return };
        if more.episodes.first().is_none_or(|first| first.to >= before) || (more.doubts.is_empty() && strays.is_empty()) {
            return;
        }
        let lacks_until = strays.lacks_until(self.first_end);
        let mut doubts: Option<Vec<Doubt>> = None;
        let ends: Vec<(u64, u64)> = more.episodes.open().iter().filter(|e| e.to < before).map(|e| (e.from, e.to)).collect();
        for (from, to) in ends {
            let doubts = doubts.get_or_insert_with(|| more.doubts.iter().chain(strays.of_group(key)).copied().collect());
            let until = undecided_until(self.times.ends(), doubts, plan.least, plan.width, to.max(lacks_until));
            more.episodes.extend(from, until);
        }
    }

    /// Drops the spans that no coming window can hold.
    fn forget(&mut self, watermark: u64, plan: &CountPlan, pool: &mut Pool<Event>) {
        let more = &mut self.more;
        self.times.forget(watermark, (plan.least, plan.width), pool, |event| {
            if let Some(more) = more.as_deref_mut() {
                more.shown.remove(&event);
            }
        });
    }

    /// Drops the earlier half of the spans for want of room: they are in doubt from now on.
    fn shed(&mut self) -> bool {
        let mut more = self.more.take();
        let shed = self.times.shed(|event| {
            if let Some(more) = more.as_deref_mut() {
                more.shown.remove(&event);
            }
        });
        self.more = more;
        if let Some((end, count)) = shed {
            let lost = Doubt { end, count: u32::try_from(count).unwrap_or(u32::MAX), why: Reasons::of(Reason::Cardinality) };
            self.more().doubt(lost);
        }
        shed.is_some()
    }

    fn outcome(&self) -> Outcome {
        match self.more.as_deref() {
            Some(more) if more.violated => Outcome::Violated,
            Some(more) if !more.why.is_empty() => Outcome::Unknown(more.why),
            _ => Outcome::Satisfied,
        }
    }
}

impl More {
    fn doubt(&mut self, doubt: Doubt) {
        let place = self.doubts.partition_point(|d| d.end <= doubt.end);
        self.doubts.insert(place, doubt);
    }

    fn bytes(&self) -> usize {
        let shown = self.shown.values().flatten().map(|(name, value)| size_of::<(Event, String, String)>() + name.len() + value.len());
        size_of::<Self>() + self.episodes.heap_bytes() + self.doubts.capacity() * size_of::<Doubt>() + shown.sum::<usize>()
    }
}

fn plan_of(window: &WindowPlan) -> Option<&CountPlan> {
    match &window.kind {
        WindowKind::Count(plan) => Some(plan),
        _ => None,
    }
}

/// Bytes of a group and of a counted span, and how many spans are kept at most: of any width `2 · least + 1`, and those that have just
/// left.
pub(super) fn bytes_of(plan: &CountPlan, config: &Config) -> (usize, usize, Option<u64>) {
    let widths = config.allowed_lateness_ns / plan.width.max(1) + 2;
    let most = (plan.least as u64).saturating_mul(2).saturating_add(1).saturating_mul(widths);
    (Groups::<Group>::BYTES + size_of::<More>() + Episodes::BYTES, size_of::<Event>(), Some(most))
}

impl Counting {
    pub(super) fn new(base: Base) -> Self {
        Self {
            base,
            groups: Groups::default(),
            strays: Strays::default(),
            forgotten: Forgotten::default(),
            held: 0,
            keys: Keys::default(),
            pool: Pool::new(1),
            swept_at: 0,
            swept_to: 0,
        }
    }

    /// Counts spans that the rule's selector picked.
    pub(super) fn apply(&mut self, batch: &Batch, mine: &[u32], context: &mut Context<'_>) {
        if self.base.ended {
            return;
        }
        let plan = Arc::clone(&self.base.plan);
        let Some(window) = self.window(&plan) else { return };
        let Some(count) = plan_of(window) else { return };
        for index in mine {
            let Some(span) = batch.spans.get(*index as usize) else {
                continue;
            };
            let Some(fit) = batch.picks(span).iter().find(|pick| pick.selector == count.selector).map(|pick| pick.fit) else {
                continue;
            };
            self.add(window, count, span, fit, batch, context);
        }
    }

    fn window<'p>(&self, plan: &'p Plan) -> Option<&'p WindowPlan> {
        plan.windows.get(self.base.at())
    }

    fn add(&mut self, window: &WindowPlan, count: &CountPlan, span: &Incoming, fit: Fit, batch: &Batch, context: &mut Context<'_>) {
        let event = Event { end: span.record.end, span: span.record.id };
        let values = batch.values(span);
        let place = Place::of(&window.by, values);
        let mut keys = std::mem::take(&mut self.keys);
        if let Some((whereabouts, unknown)) = place.whereabouts() {
            let stray = Stray { doubt: Doubt { end: event.end, count: 1, why: unknown.and(why(fit)) }, whereabouts };
            self.strays.add(stray, count.least.saturating_mul(2).max(MOST_STRAYS), count.width);
        }
        place.each_key(&mut keys, |key| {
            let at = self.group(key, event.end, count, context);
            let Some(group) = self.groups.get_mut(at) else { return };
            let before = group.heap_bytes();
            group.first_end = group.first_end.min(event.end);
            let mut broken = Vec::new();
            if fit == Fit::Yes {
                let show = if window.show.is_empty() { Vec::new() } else { shown(&window.show, values) };
                if !show.is_empty() {
                    group.more().shown.insert(event, show);
                }
                let more = &mut group.more;
                broken = group.times.add(event, (count.least, count.width), &mut self.pool, |from, to| {
                    more.as_deref_mut().is_some_and(|more| more.episodes.extend(from, to))
                });
            } else {
                let doubt = Doubt { end: event.end, count: 1, why: why(fit) };
                group.more().doubt(doubt);
            }
            group.look_at_doubts(key, &self.strays, count);
            if group.times.is_full() {
                group.forget(self.base.watermark, count, &mut self.pool);
            }
            let due = group.next_due(window.repeat_after);
            self.held = self.held + group.heap_bytes() - before;
            if let Some(due) = due {
                self.groups.wake(at, due);
            }
            for broken in broken {
                self.violated(window, count, at, span, &broken, context);
            }
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
        let before = group.heap_bytes();
        let room = group.shed();
        self.held = self.held + group.heap_bytes() - before;
        room
    }

    /// The slot of a group, which is there from now on.
    fn group(&mut self, key: &[u8], end: u64, count: &CountPlan, context: &mut Context<'_>) -> u32 {
        let hash = self.groups.hash(key);
        if let Some(at) = self.groups.find(hash, key) {
            return at;
        }
        if self.groups.len() >= self.base.max_groups {
            self.evict(context);
        }
        let mut group = Group::default();
        if let Some(lost) = self.forgotten.lost(hash, end.saturating_sub(count.width)) {
            group.more().doubts.push(lost);
        }
        self.held += group.heap_bytes();
        self.groups.insert(hash, key, group)
    }

    /// Forgets the group that was touched least recently; what it had is remembered as what it may have lost if it comes back.
    fn evict(&mut self, context: &mut Context<'_>) {
        let Some(at) = self.groups.least_recent() else { return };
        let key = self.groups.key(at).to_vec();
        let hash = self.groups.hash(&key);
        let Some(mut group) = self.groups.remove(at) else { return };
        self.held -= group.heap_bytes();
        self.base.evicted += 1;
        let lost: usize = group.more.as_deref().map_or(0, |m| m.doubts.iter().map(|d| d.count as usize).sum());
        if let Some(end) = group.times.last_end() {
            self.forgotten.add(hash, end, group.times.len() + lost);
        }
        let more = group.more();
        more.why = more.why.and(Reasons::of(Reason::Cardinality));
        self.conclude(&key, &group, context);
        group.times.give(&mut self.pool);
    }

    fn conclude(&mut self, key: &[u8], group: &Group, context: &mut Context<'_>) {
        let history = group.more.as_deref().map(|m| m.history.clone()).unwrap_or_default();
        self.base.conclude(key, group.outcome(), &history, context);
    }

    fn violated(&mut self, window: &WindowPlan, count: &CountPlan, at: u32, span: &Incoming, broken: &Broken, context: &mut Context<'_>) {
        self.base.violated();
        let key = self.groups.key(at).to_vec();
        let id = self.base.id(&key, broken.from);
        let Some(group) = self.groups.get_mut(at) else { return };
        let before = group.heap_bytes();
        let more = group.more();
        more.violated = true;
        more.episodes.begin(broken.from, broken.to, id);
        let news = News {
            window: Some((broken.from.saturating_sub(count.width), broken.from)),
            deciding: Some(Deciding { trace: span.trace, span: span.record.id, end: span.record.end, resource: span.record.resource }),
            on_arrival: true,
            time: span.record.end,
            observed: vec![(count.text.clone(), broken.spans.len().to_string())],
            evidence: broken.spans.iter().map(|e| e.span).collect(),
            shown: gathered(broken.spans.iter().filter_map(|e| more.shown.get(e)).flatten()),
            ..News::default()
        };
        let due = group.next_due(window.repeat_after);
        self.held = self.held + group.heap_bytes() - before;
        if let Some(due) = due {
            self.groups.wake(at, due);
        }
        self.base.announce(Announced::Violation, id, &texts(&key), news, context);
    }

    /// Moves the watermark.
    pub(super) fn advance(&mut self, context: &mut Context<'_>) {
        if self.base.ended {
            return;
        }
        self.base.pass(context.event_time);
        let plan = Arc::clone(&self.base.plan);
        let Some(window) = self.window(&plan) else { return };
        let Some(count) = plan_of(window) else { return };
        let watermark = self.base.watermark;
        while let Some(at) = self.groups.due_before(watermark.saturating_add(1)) {
            self.look_at(window, count, at, context);
        }
        self.forget_some(window, count, context);
        let _ = self.groups.tidy();
        // A width after its end every span has come that a window may hold beside it; while the next one or two pass, every group is
        // looked at.
        let keep = count.width.saturating_mul(3).saturating_add(context.shared.config.allowed_lateness_ns);
        self.strays.forget(|end| end.saturating_add(keep) <= watermark);
    }

    /// Looks for groups that can be forgotten or that spans in doubt could break, at so many places that every one is looked at once
    /// while a width passes: that takes no timer for each group.
    fn forget_some(&mut self, window: &WindowPlan, count: &CountPlan, context: &mut Context<'_>) {
        let watermark = self.base.watermark;
        let passed = watermark - self.swept_at.min(watermark);
        let places = (u128::from(passed) * self.groups.places() as u128).div_ceil(u128::from(count.width.max(1)));
        let places = usize::try_from(places).unwrap_or(usize::MAX);
        if places == 0 {
            return;
        }
        self.swept_at = watermark;
        let (some, next) = self.groups.some(self.swept_to, places);
        self.swept_to = next;
        for at in some {
            let Some(group) = self.groups.get(at) else { continue };
            if !self.strays.is_empty() || group.is_over(watermark, count.width) {
                self.look_at(window, count, at, context);
            }
        }
    }

    /// Lets the watermark pass over a group.
    fn look_at(&mut self, window: &WindowPlan, count: &CountPlan, at: u32, context: &mut Context<'_>) {
        let watermark = self.base.watermark;
        let key = if self.strays.is_empty() { Vec::new() } else { self.groups.key(at).to_vec() };
        let Some(group) = self.groups.get_mut(at) else { return };
        let before = group.heap_bytes();
        group.look_at_doubts(&key, &self.strays, count);
        group.prolong_by_doubts(watermark, &key, &self.strays, count);
        let (mut over, mut again) = (Vec::new(), Vec::new());
        if let Some(more) = group.more.as_deref_mut() {
            over.extend(std::iter::from_fn(|| more.episodes.over_before(watermark)));
            if let Some(after) = window.repeat_after {
                again = more.episodes.repeat(watermark, after);
            }
            if context.shared.config.record_verdicts {
                over.iter().for_each(|episode| more.history.add(episode.from, Some(episode.to)));
            }
            let outside = more.doubts.partition_point(|d| d.end.saturating_add(count.width) <= watermark);
            more.doubts.drain(..outside);
        }
        group.forget(watermark, count, &mut self.pool);
        let due = group.next_due(window.repeat_after);
        self.held = self.held + group.heap_bytes() - before;
        let texts = if over.is_empty() && again.is_empty() { Vec::new() } else { texts(self.groups.key(at)) };
        for id in again {
            let news = News { window: Some((watermark.saturating_sub(count.width), watermark)), time: watermark, ..News::default() };
            self.base.announce(Announced::Violation, id, &texts, news, context);
        }
        for episode in over {
            self.base.resolve(&episode, &texts, context);
        }
        if let Some(due) = due {
            self.groups.wake(at, due.max(watermark.saturating_add(1)));
        }
        // A rule without groups has one verdict, at the end.
        if !window.by.is_empty() && self.groups.get(at).is_some_and(|group| group.is_over(watermark, count.width)) {
            let key = self.groups.key(at).to_vec();
            if let Some(group) = self.groups.remove(at) {
                self.held -= group.heap_bytes();
                self.conclude(&key, &group, context);
                group.times.give(&mut self.pool);
            }
        }
    }

    /// Observation ends: every group gets its verdict.
    pub(super) fn finish(&mut self, context: &mut Context<'_>) {
        self.advance(context);
        self.base.ended = true;
        let plan = Arc::clone(&self.base.plan);
        let Some(count) = self.window(&plan).and_then(plan_of) else { return };
        if self.base.rule().is_some_and(|rule| rule.by.is_empty()) && self.groups.len() == 0 {
            self.base.conclude_unseen(context);
        }
        while let Some(at) = self.groups.least_recent() {
            let key = self.groups.key(at).to_vec();
            let Some(mut group) = self.groups.remove(at) else { return };
            self.held -= group.heap_bytes();
            group.look_at_doubts(&key, &self.strays, count);
            group.prolong_by_doubts(context.event_time.saturating_add(1), &key, &self.strays, count);
            if let Some(more) = group.more.as_deref_mut() {
                for episode in more.episodes.open() {
                    let seen = (episode.to <= context.event_time).then_some(episode.to);
                    more.history.add(episode.from, seen);
                }
            }
            self.conclude(&key, &group, context);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.groups.bytes() + self.held + self.pool.bytes() + self.forgotten.heap_bytes() + self.strays.heap_bytes()
    }
}
