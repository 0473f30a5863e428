//! A monitor for claims about what comes before or after each span of a set, over all traces.
//!
//! A claim about a span is looked at when the span comes, when a span comes that it may be related to, and when the watermark passes a
//! time from which on absence can be concluded. What no further span can change is decided at once. What rests on absence is signalled
//! when it is concluded, and taken back if a span of long duration, which is seen when it ends, shows that it was wrong; once no such
//! span can come any more the claim is decided for good.

mod cite;
mod kept;
mod keyed;
mod look;
mod order;
mod reach;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;

use super::announce::shown;
use super::base::{Base, Context};
use crate::config::Config;
use crate::eval::rule::Outcome;
use crate::ingest::{Batch, Incoming};
use crate::plan::{Plan, SequencePlan, WindowKind, WindowPlan};
use crate::truth::Truth;
use kept::{Duty, Kept, Store};
use look::{Absence, Look};
use reach::Reach;

/// The state of one rule.
#[derive(Debug)]
pub(super) struct Sequence {
    pub(super) base: Base,
    reach: Reach,
    store: Store,
    /// When a claim is due to be looked at again. Entries may be out of date: a claim remembers when it is really due.
    timers: BinaryHeap<Reverse<(u64, u32)>>,
    /// The latest end of a span that was dropped for want of room.
    lost: u64,
}

/// Bytes of the spans with a common value, beside them, and of a span; how many are kept of a value is not bounded but by time.
pub(super) fn bytes_of(plan: &SequencePlan) -> (usize, usize, Option<u64>) {
    let lists = 2 * plan.relations.len();
    (lists * keyed::LIST, Kept::bytes_of(plan) + lists * size_of::<keyed::At>(), None)
}

/// The plan of a sequence.
fn plan_of<'p>(plan: &'p Plan, base: &Base) -> Option<(&'p WindowPlan, &'p SequencePlan)> {
    let window = plan.windows.get(base.at())?;
    match &window.kind {
        WindowKind::Sequence(sequence) => Some((window, sequence)),
        _ => None,
    }
}

impl Sequence {
    pub(super) fn new(base: Base, plan: &SequencePlan, config: &Config) -> Self {
        let reach = Reach::new(plan, config);
        Self { base, reach, store: Store::new(plan), timers: BinaryHeap::new(), lost: 0 }
    }

    /// Takes spans that have a place in the claim.
    pub(super) fn apply(&mut self, batch: &Batch, mine: &[u32], context: &mut Context<'_>) {
        if self.base.ended {
            return;
        }
        let plan = Arc::clone(&self.base.plan);
        let Some((window, sequence)) = plan_of(&plan, &self.base) else { return };
        for span in mine.iter().filter_map(|index| batch.spans.get(*index as usize)) {
            let at = self.store.insert(sequence, kept(window, sequence, batch, span));
            self.look_at(sequence, at, true, context);
            let mut touched = BTreeSet::new();
            for place in 1..sequence.places.len() {
                self.touch(sequence, at, place, &mut touched);
            }
            for claimed in touched {
                self.look_at(sequence, claimed, true, context);
            }
            while self.bytes() > self.base.max_bytes || self.store.keys() > self.base.max_groups {
                if !self.evict(sequence, context) {
                    break;
                }
            }
        }
    }

    /// Finds the claims that a span in a place may change.
    fn touch(&self, plan: &SequencePlan, at: u32, place: usize, touched: &mut BTreeSet<u32>) {
        let Some(kept) = self.store.get(at) else { return };
        for (number, relation) in plan.relations.iter().enumerate().filter(|(_, relation)| relation.other == place) {
            let sight = self.reach.sight(relation);
            let reached = if relation.back { 0 } else { relation.within };
            let earliest = kept.start.saturating_sub(reached.saturating_add(self.reach.max_skew)).max(kept.end.saturating_sub(sight.on));
            let Some(subjects) = self.store.subjects(number) else { continue };
            let ends = earliest..=kept.end.saturating_add(sight.back);
            for subject in subjects.near(&kept.keying(relation), self.store.place(relation.subject), &ends).filter(|other| *other != at) {
                if relation.subject == 0 {
                    touched.insert(subject);
                } else {
                    self.touch(plan, subject, relation.subject, touched);
                }
            }
        }
    }

    /// Looks at the claim about a span.
    fn look_at(&mut self, plan: &SequencePlan, at: u32, on_arrival: bool, context: &mut Context<'_>) {
        let Some((kept, duty)) = self.store.get(at).and_then(|kept| Some((kept, kept.duty?))) else { return };
        let last = kept.end.saturating_add(self.reach.on);
        let mut look = Look::new(plan, &self.store, &self.reach, self.base.watermark, self.base.first_end, self.lost);
        let past_all = self.base.ended || last < self.base.watermark;
        let (claimed, broken) = truths(look.under(Absence::Open), at);
        let is_final = !matches!((claimed, broken), (Truth::Unknown(_), _) | (_, Truth::Unknown(_)));
        let (claimed, broken) = if is_final {
            (claimed, broken)
        } else {
            truths(look.under(if self.base.ended { Absence::Ended } else { Absence::Passed }), at)
        };
        let is_violated = broken == Truth::True;
        let due = look.wake().min(last);
        if is_violated != duty.signalled {
            let news = if is_violated { look.violation(at, on_arrival && is_final) } else { look.retraction(at) };
            self.announce(at, is_violated, news, context);
        }
        if is_final || past_all {
            self.conclude(plan, at, claimed, broken, context);
        } else if let Some(duty) = self.store.duty_mut(at) {
            if duty.due != due {
                self.timers.push(Reverse((due, at)));
            }
            *duty = Duty { due, signalled: is_violated, ..*duty };
        }
    }

    /// Gives the verdict about a span.
    fn conclude(&mut self, plan: &SequencePlan, at: u32, claimed: Truth, broken: Truth, context: &mut Context<'_>) {
        if let Some(kept) = self.store.get(at).filter(|_| claimed != Truth::False) {
            let outcome = match broken {
                Truth::True => Outcome::Violated,
                Truth::False => Outcome::Satisfied,
                Truth::NotApplicable => Outcome::NotApplicable,
                Truth::Unknown(why) => Outcome::Unknown(why),
            };
            let is_counted = kept.duty.is_some_and(|duty| duty.counted);
            self.base.conclude_span(kept.trace, kept.id, outcome, is_counted, context);
        }
        self.store.release(plan, at);
    }

    /// Drops the span that ended first, and decides what is claimed of it as well as can be.
    fn evict(&mut self, plan: &SequencePlan, context: &mut Context<'_>) -> bool {
        let Some((end, at)) = self.store.oldest() else { return false };
        self.base.evicted += 1;
        self.lost = self.lost.max(end);
        if self.store.get(at).is_some_and(|kept| kept.duty.is_some()) {
            self.look_at(plan, at, false, context);
            let look = Look::new(plan, &self.store, &self.reach, self.base.watermark, self.base.first_end, self.lost);
            if self.store.get(at).is_some_and(|kept| kept.duty.is_some()) {
                let (claimed, broken) = truths(&look, at);
                self.conclude(plan, at, claimed, broken, context);
            }
        }
        self.store.remove(plan, at);
        self.tidy();
        true
    }

    /// Moves the watermark.
    pub(super) fn advance(&mut self, context: &mut Context<'_>) {
        if self.base.ended {
            return;
        }
        self.base.pass(context.event_time);
        let plan = Arc::clone(&self.base.plan);
        let Some((_, sequence)) = plan_of(&plan, &self.base) else { return };
        while let Some(Reverse((due, at))) = self.timers.peek().copied()
            && due < self.base.watermark
        {
            self.timers.pop();
            if self.store.get(at).and_then(|kept| kept.duty).is_some_and(|duty| duty.due == due) {
                self.look_at(sequence, at, false, context);
            }
        }
        while let Some((end, at)) = self.store.oldest()
            && end.saturating_add(self.reach.keep) < self.base.watermark
        {
            self.store.remove(sequence, at);
        }
        self.tidy();
    }

    /// Drops timers that are out of date once they outnumber the others.
    fn tidy(&mut self) {
        let claims = self.store.place(0);
        if self.timers.len() > 2 * claims.len() + 64 {
            let due = claims.iter().filter_map(|(_, at)| Some(Reverse((self.store.get(*at)?.duty?.due, *at))));
            self.timers = due.collect();
        }
    }

    /// Observation ends: every span gets its verdict.
    pub(super) fn finish(&mut self, context: &mut Context<'_>) {
        self.advance(context);
        self.base.ended = true;
        let plan = Arc::clone(&self.base.plan);
        let Some((_, sequence)) = plan_of(&plan, &self.base) else { return };
        let open: Vec<u32> = self.store.place(0).iter().map(|(_, at)| *at).collect();
        for at in open {
            self.look_at(sequence, at, false, context);
        }
        self.timers.clear();
    }

    pub(super) fn bytes(&self) -> usize {
        self.store.bytes() + self.timers.capacity() * size_of::<Reverse<(u64, u32)>>()
    }
}

/// Whether a span is in the set, and whether the claim about it is broken.
fn truths(look: &Look<'_>, at: u32) -> (Truth, Truth) {
    match look.is_claimed(at) {
        Truth::False => (Truth::False, Truth::False),
        claimed => (claimed, look.is_broken(claimed, at)),
    }
}

/// What is kept of a span.
fn kept(window: &WindowPlan, plan: &SequencePlan, batch: &Batch, span: &Incoming) -> Kept {
    let (picks, values) = (batch.picks(span), batch.values(span));
    let fit = |selector: &u32| picks.iter().find(|pick| pick.selector == *selector).map_or(Truth::False, |pick| pick.fit.truth());
    let read = |term: &u32| values.get(*term).kept();
    let fits: Box<[Truth]> = plan.tests.iter().map(fit).collect();
    let set = plan.places.first().map_or(&[][..], |set| &set.entry);
    let is_claimed = set.iter().any(|test| fits.get(*test as usize).is_some_and(|fit| *fit != Truth::False));
    Kept {
        trace: span.trace,
        id: span.record.id,
        start: span.record.start,
        end: span.record.end,
        emitter: span.record.emitter,
        resource: span.record.resource,
        fits,
        reads: plan.terms.iter().map(read).collect(),
        shown: if window.show.is_empty() { Vec::new() } else { shown(&window.show, values) },
        duty: is_claimed.then(Duty::default),
    }
}
