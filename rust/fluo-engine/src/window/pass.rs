//! A pass over the instants of a group at which some window of a claim changes, in the order of event time, behind the watermark.

use super::announce::{Deciding, News};
use super::episode::{Episodes, History};
use super::judge::Judge;
use super::lane::{Cursor, Lane};
use super::running::Running;
use crate::eval::rule::Outcome;
use crate::plan::LanePlan;
use crate::truth::Reasons;

/// A group without a span for as long as this, and for its widest window, is forgotten. Nanoseconds.
const FORGET: u64 = 3_600_000_000_000;

/// The state of a group.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) lanes: Box<[Lane]>,
    /// Every instant before this one is judged for good.
    pub(super) position: u64,
    /// What is known at that instant; nothing before the first span and after the group was forgotten.
    pub(super) presence: Option<Presence>,
    pub(super) episodes: Episodes,
    pub(super) history: History,
    pub(super) newest: Deciding,
    /// Until when spans may be missing in the windows because the group was forgotten for want of room.
    pub(super) lost_until: u64,
    /// Whether it is looked at for every change of what all groups share.
    pub(super) active: bool,
    /// The bytes that the monitor counts for it.
    pub(super) counted: usize,
}

/// A stretch of event time in which a group is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Presence {
    /// The first end of its spans, whether they are known to match or not; of a rule without groups, of all spans.
    pub(super) first: u64,
    /// The first end of a span that is known to match: before that the group may not exist.
    pub(super) sure: u64,
    /// The last end so far.
    pub(super) last: u64,
    /// Why spans of it may not match.
    pub(super) maybe: Reasons,
    /// The instant since which the claim is violated and does not hold again.
    pub(super) since: Option<u64>,
    pub(super) worst: Option<Outcome>,
}

impl Presence {
    /// The presence of a group of which nothing is known but when it begins.
    pub(super) const fn new(first: u64, sure: u64) -> Self {
        Self { first, sure, last: first, maybe: Reasons::NONE, since: None, worst: None }
    }
}

/// What a pass comes by, in the order of event time.
pub(super) enum Found {
    /// The claim is violated, and no known episode goes on here.
    Begun(u64, News),
    /// The claim, violated since the first instant, holds again at the second.
    Ended(u64, u64),
    /// The group is forgotten.
    Forgotten(Option<Outcome>),
}

impl Group {
    /// The worst outcome so far; one that was signalled ahead of the watermark counts.
    pub(super) fn worst(&self) -> Option<Outcome> {
        if self.episodes.first().is_some() { Some(Outcome::Violated) } else { self.presence?.worst }
    }

    /// Bytes held outside of itself.
    pub(super) fn heap_bytes(&self) -> usize {
        let lanes: usize = self.lanes.iter().map(|lane| size_of::<Lane>() + lane.heap_bytes()).sum();
        lanes + self.episodes.heap_bytes()
    }
}

/// One pass over the instants of a group.
pub(super) struct Pass<'p> {
    judge: Judge<'p>,
    /// Whether violations are known before the watermark passes them.
    on_arrival: bool,
    pub(super) cursors: Vec<Cursor>,
    /// The numbers that follow the windows of the group's own lanes.
    pub(super) running: Vec<Vec<Running>>,
    pub(super) presence: Option<Presence>,
    /// The next instant.
    t: u64,
}

impl<'p> Pass<'p> {
    /// A pass over the instants that are not judged for good.
    pub(super) fn new(judge: Judge<'p>, on_arrival: bool) -> Self {
        let t = judge.group.position;
        let start = t.saturating_sub(1);
        let cursor = |(at, plan): (usize, &LanePlan)| {
            if judge.owns(plan) { judge.lane(at).settled() } else { judge.lane(at).cursor_at(start, plan.width) }
        };
        let cursors = judge.sweep.lanes.iter().enumerate().map(cursor).collect();
        Self { judge, on_arrival, cursors, running: Vec::new(), presence: judge.group.presence, t }
    }

    /// How long after the first span the claim is made.
    const fn wait(&self) -> u64 {
        if self.judge.sweep.only_breaks { 0 } else { self.judge.sweep.widest }
    }

    /// When the group is forgotten if no span comes. An empty window breaks no claim that spans can only break.
    fn until(&self) -> Option<u64> {
        let widest = self.judge.sweep.widest;
        let presence = self.presence.filter(|_| self.judge.with_groups)?;
        Some(presence.last.saturating_add(if self.on_arrival { widest } else { widest.max(FORGET) }))
    }

    /// The next instant at which something changes.
    fn next(&self) -> Option<u64> {
        let last = self.t.saturating_sub(1);
        let lanes = self.judge.sweep.lanes.iter().zip(&self.cursors).enumerate();
        let shared = lanes.filter_map(|(at, (plan, cursor))| {
            let total = if self.judge.owns(plan) { None } else { self.judge.lane(at).next_change(*cursor, last, plan.width) };
            let stray = self.judge.strays(at).and_then(|strays| strays.next_change(Cursor::default(), last, plan.width));
            [total, stray].into_iter().flatten().min()
        });
        shared.chain(self.next_own()).min().map(|t| t.max(self.t))
    }

    /// The next instant at which something of the group's own changes.
    pub(super) fn next_own(&self) -> Option<u64> {
        let last = self.t.saturating_sub(1);
        let lanes = self.judge.sweep.lanes.iter().zip(&self.cursors).enumerate().filter(|(_, (plan, _))| self.judge.owns(plan));
        let own = lanes.filter_map(|(at, (plan, cursor))| self.judge.lane(at).next_change(*cursor, last, plan.width));
        let begins = self.presence.iter().flat_map(|p| [p.first, p.sure]).map(|t| t.saturating_add(self.wait()));
        let edges = begins.chain(self.until()).chain([self.judge.group.lost_until]).filter(|t| *t >= self.t && *t != u64::MAX);
        own.chain(edges).min().map(|t| t.max(self.t))
    }

    /// Goes on to an instant.
    fn go(&mut self, t: u64) {
        let (mut sure, mut maybe) = (false, Reasons::NONE);
        for at in 0..self.cursors.len() {
            let Some(plan) = self.judge.sweep.lanes.get(at) else { continue };
            let lane = self.judge.lane(at);
            let running = self.running.get_mut(at).map_or(&mut [][..], Vec::as_mut_slice);
            let Some(cursor) = self.cursors.get_mut(at) else { continue };
            let before = cursor.inside;
            lane.slide(cursor, running, plan, t);
            if self.judge.owns(plan) {
                sure |= cursor.inside > before;
                maybe = lane.possible_since(self.t, t).fold(maybe, |why, possible| why.and(possible.why));
            }
        }
        self.t = t.saturating_add(1);
        if self.judge.with_groups && (sure || !maybe.is_empty()) {
            let presence = self.presence.get_or_insert(Presence::new(t, u64::MAX));
            presence.last = presence.last.max(t);
            presence.maybe = presence.maybe.and(maybe);
            presence.sure = if sure { presence.sure.min(t) } else { presence.sure };
        }
    }

    /// What the claim comes to at an instant that was gone to; `None` where it is not made.
    fn outcome(&self, t: u64) -> Option<Outcome> {
        let presence = self.presence?;
        let is_over = self.on_arrival && presence.since.is_none() && self.until().is_some_and(|until| until <= t);
        if is_over || t < presence.first.saturating_add(self.wait()) {
            return None;
        }
        if self.on_arrival && self.judge.group.episodes.at(t).is_some() {
            return Some(Outcome::Violated);
        }
        match self.judge.outcome(&self.cursors, &self.running, t) {
            Outcome::Violated if t < presence.sure.saturating_add(self.wait()) => Some(Outcome::Unknown(presence.maybe)),
            outcome => Some(outcome),
        }
    }

    /// Judges the next instant before `time` for good; false where there is none.
    pub(super) fn step(&mut self, time: u64, found: &mut Vec<Found>) -> bool {
        let Some(t) = self.next().filter(|t| *t < time) else { return false };
        self.go(t);
        let outcome = self.outcome(t);
        let Some(mut presence) = self.presence else { return true };
        presence.worst = match (presence.worst, outcome) {
            (Some(worst), Some(outcome)) => Some(worst.worse(outcome)),
            (worst, outcome) => worst.or(outcome),
        };
        match (outcome, presence.since) {
            (Some(Outcome::Violated), None) => {
                // What was signalled when it came is only confirmed.
                let known = if self.on_arrival { self.judge.group.episodes.touched_by(t) } else { None };
                presence.since = Some(known.map_or(t, |episode| episode.from.min(t)));
                if known.is_none() {
                    let news = self.judge.news(&self.cursors, &self.running, t, false, self.judge.group.newest);
                    found.push(Found::Begun(t, news));
                }
            }
            (Some(Outcome::Satisfied | Outcome::NotApplicable), Some(from)) => {
                found.push(Found::Ended(from, t));
                presence.since = None;
            }
            _ => {}
        }
        self.presence = Some(presence);
        if presence.since.is_none() && self.until().is_some_and(|until| until <= t) {
            found.push(Found::Forgotten(presence.worst));
            self.presence = None;
            let mut lanes = self.cursors.iter().zip(&self.judge.sweep.lanes).enumerate();
            return lanes.any(|(at, (cursor, plan))| self.judge.owns(plan) && self.judge.lane(at).has_more(*cursor, t));
        }
        true
    }
}
