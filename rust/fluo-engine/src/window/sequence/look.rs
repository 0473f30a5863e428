//! Whether a claim about a span holds, over what is kept and what may still come.

use std::cell::Cell;

use fluo_lang::glob::Glob;
use fluo_lang::program::{CompareOp, ItemKind, Owner};

use super::kept::{Kept, Store};
use super::order::{is_before, is_within};
use super::reach::Reach;
use crate::expr::read::Read;
use crate::expr::{Env, LocalField, Node, decide, ops};
use crate::plan::{SequencePlan, SequenceRelation};
use crate::truth::{Reasons, Truth};
use crate::verdict::Reason;

/// Spans that are looked at for one claim about one span at most; one that needs more is not decided.
const STEPS: u32 = 100_000;

/// What may be concluded from what has not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absence {
    /// Nothing: what is found so is final.
    Open,
    /// That it will not come, where the watermark has passed.
    Passed,
    /// The same, and nothing comes any more at the watermark itself.
    Ended,
}

/// A look at the spans of a claim.
pub(super) struct Look<'s> {
    pub(super) plan: &'s SequencePlan,
    pub(super) store: &'s Store,
    pub(super) reach: &'s Reach,
    pub(super) watermark: u64,
    /// The earliest end that was seen.
    pub(super) first: u64,
    /// The latest end of the spans that were dropped for want of room; 0 if there were none.
    pub(super) lost: u64,
    pub(super) absence: Absence,
    /// The earliest time with whose passing more may be concluded.
    wake: Cell<u64>,
    steps: Cell<u32>,
}

/// A span of the look.
struct SpanEnv<'l, 's> {
    look: &'l Look<'s>,
    at: u32,
}

impl<'s> Look<'s> {
    pub(super) const fn new(plan: &'s SequencePlan, store: &'s Store, reach: &'s Reach, watermark: u64, first: u64, lost: u64) -> Self {
        let (wake, steps) = (Cell::new(u64::MAX), Cell::new(0));
        Self { plan, store, reach, watermark, first, lost, absence: Absence::Passed, wake, steps }
    }

    /// The same look under another view of absence.
    pub(super) fn under(&mut self, absence: Absence) -> &Self {
        self.absence = absence;
        self.wake.set(u64::MAX);
        self.steps.set(0);
        self
    }

    /// When more may be concluded, as of the last claim.
    pub(super) fn wake(&self) -> u64 {
        self.wake.get()
    }

    /// Whether a node holds of a span.
    pub(super) fn holds(&self, node: &'s Node, at: u32) -> Truth {
        decide(node, &SpanEnv { look: self, at })
    }

    /// Whether the span is in the set that the claim is about.
    pub(super) fn is_claimed(&self, at: u32) -> Truth {
        self.plan.places.first().map_or(Truth::False, |set| self.holds(&set.node, at))
    }

    /// Whether the claim about a span is broken, which may not be in the set.
    pub(super) fn is_broken(&self, claimed: Truth, at: u32) -> Truth {
        let holds = self.plan.predicate.as_ref().map_or(Truth::True, |predicate| self.holds(predicate, at));
        claimed.and(if self.plan.broken_at { holds } else { holds.not() })
    }

    /// Whether everything up to an instant has come; if not, it is looked again when it has.
    fn is_past(&self, time: u64) -> bool {
        let past = if self.absence == Absence::Ended { time <= self.watermark } else { time < self.watermark };
        if !past {
            self.wake.set(self.wake.get().min(time));
        }
        past
    }

    fn relation(&self, at: u32, number: usize) -> Truth {
        let (Some(me), Some(relation)) = (self.store.get(at), self.plan.relations.get(number)) else { return Truth::False };
        let (mut certain, mut possible, mut why) = (0u64, 0u64, Reasons::NONE);
        for other in self.near(me, relation, number).filter(|other| *other != at) {
            self.steps.set(self.steps.get().saturating_add(1));
            if self.steps.get() > STEPS {
                return Truth::Unknown(Reasons::of(Reason::Limit));
            }
            match self.fits(me, other, relation) {
                Truth::True => certain += 1,
                Truth::Unknown(more) => {
                    possible += 1;
                    why = why.and(more);
                }
                Truth::False | Truth::NotApplicable => {}
            }
            if certain >= relation.at_least {
                return Truth::True;
            }
        }
        let hidden = self.hidden(me, relation);
        if hidden.is_empty() && certain + possible < relation.at_least { Truth::False } else { Truth::Unknown(hidden.and(why)) }
    }

    /// The spans that may stand in the relation, by time and values.
    fn near(&self, me: &Kept, relation: &SequenceRelation, number: usize) -> Box<dyn Iterator<Item = u32> + '_> {
        let sight = self.reach.sight(relation);
        let beyond = self.reach.max_skew;
        let earliest = me.start.saturating_sub(if relation.back { relation.within.saturating_add(beyond) } else { beyond });
        let ends = earliest.max(me.end.saturating_sub(sight.back))..=me.end.saturating_add(sight.on);
        match self.store.others(number) {
            Some(others) => others.near(&me.keying(relation), self.store.place(relation.other), &ends),
            None => Box::new(std::iter::empty()),
        }
    }

    /// Why a span in the relation may have been missed, or may still come.
    fn hidden(&self, me: &Kept, relation: &SequenceRelation) -> Reasons {
        if self.absence == Absence::Open {
            return Reasons::OPEN;
        }
        let mut why = Reasons::NONE;
        let mut because = |hides: bool, reason: Reason| {
            if hides {
                why = why.and(Reasons::of(reason));
            }
        };
        let skew = self.reach.max_skew;
        if relation.back {
            because(self.first.saturating_add(relation.within) > me.start, Reason::Shutdown);
            because(!self.is_past(me.end), Reason::Shutdown);
            because(me.end - me.start > self.reach.longest, Reason::Limit);
            because(self.may_be_lost(me.start.saturating_sub(relation.within.saturating_add(skew))), Reason::Cardinality);
        } else {
            because(!self.is_past(me.end.saturating_add(relation.within).saturating_add(skew)), Reason::Shutdown);
            because(self.may_be_lost(me.start.saturating_sub(skew)), Reason::Cardinality);
        }
        why
    }

    /// Whether a span that ended at this time or later was dropped.
    const fn may_be_lost(&self, end: u64) -> bool {
        self.lost != 0 && self.lost >= end
    }

    /// Whether another span stands in the relation.
    fn fits(&self, me: &Kept, at: u32, relation: &'s SequenceRelation) -> Truth {
        let (Some(other), Some(place)) = (self.store.get(at), self.plan.places.get(relation.other)) else { return Truth::False };
        let mut truth = relation.same.iter().fold(Truth::True, |all, term| match (me.reads.get(*term), other.reads.get(*term)) {
            (Some(a), Some(b)) => all.and(ops::compare(CompareOp::Eq, a, b)),
            _ => Truth::False,
        });
        let (first, second) = if relation.back { (other, me) } else { (me, other) };
        truth = truth.and(is_before(first, second, self.reach.max_skew));
        truth = truth.and(is_within(first, second, relation.within, self.reach.max_skew));
        if truth == Truth::False {
            return truth;
        }
        truth = truth.and(self.holds(&place.node, at));
        match relation.without {
            Some(without) if truth != Truth::False => truth.and(self.lies_between(me, first, second, relation, without).not()),
            _ => truth,
        }
    }

    /// Whether a span that must not be there lies between the two.
    fn lies_between(&self, me: &Kept, first: &Kept, second: &Kept, relation: &SequenceRelation, without: usize) -> Truth {
        let (skew, sight) = (self.reach.max_skew, self.reach.sight(relation));
        let earliest = first.start.saturating_sub(skew).max(me.end.saturating_sub(sight.back));
        let mut any = Truth::False;
        if self.absence == Absence::Open {
            any = Truth::Unknown(Reasons::OPEN);
        } else {
            if !self.is_past(second.start) {
                any = any.or(Truth::Unknown(Reasons::of(Reason::Shutdown)));
            }
            if self.may_be_lost(first.start.saturating_sub(skew)) {
                any = any.or(Truth::Unknown(Reasons::of(Reason::Cardinality)));
            }
        }
        let Some(place) = self.plan.places.get(without) else { return any };
        let is_end = |kept: &Kept, end: &Kept| (kept.trace, kept.id) == (end.trace, end.id);
        for (_, at) in self.store.place(without).range((earliest, 0)..=(me.end.saturating_add(sight.on), u32::MAX)) {
            self.steps.set(self.steps.get().saturating_add(1));
            if self.steps.get() > STEPS {
                return any.or(Truth::Unknown(Reasons::of(Reason::Limit)));
            }
            let Some(between) = self.store.get(*at).filter(|kept| !is_end(kept, first) && !is_end(kept, second)) else { continue };
            let lies = is_before(first, between, skew).and(is_before(between, second, skew));
            if lies == Truth::False {
                continue;
            }
            any = any.or(lies.and(self.holds(&place.node, *at)));
            if any == Truth::True {
                break;
            }
        }
        any
    }

    /// The spans that stand in a relation for certain, in the order of their ends, and at most so many.
    pub(super) fn related(&self, at: u32, number: usize, most: usize) -> Vec<u32> {
        let (Some(me), Some(relation)) = (self.store.get(at), self.plan.relations.get(number)) else { return Vec::new() };
        let others = self.near(me, relation, number).filter(|other| *other != at);
        others.filter(|other| self.fits(me, *other, relation) == Truth::True).take(most).collect()
    }
}

impl<'s> Env<'s> for SpanEnv<'_, 's> {
    fn selector(&self, test: u32) -> Truth {
        let kept = self.look.store.get(self.at);
        kept.and_then(|kept| kept.fits.get(test as usize).copied()).unwrap_or(Truth::False)
    }

    fn relation(&self, relation: u32) -> Truth {
        self.look.relation(self.at, relation as usize)
    }

    // What the bytes of a span decide was decided when it came.
    fn field(&self, _field: &LocalField) -> Read<'s> {
        Read::MISSING
    }

    fn name_fits(&self, _glob: &Glob) -> bool {
        false
    }

    fn item(&self, _kind: ItemKind, _name: Option<&'s Glob>, _predicate: Option<&'s Node>) -> Truth {
        Truth::False
    }

    fn selector_of(&self, _owner: Owner, _selector: u32) -> Option<Truth> {
        None
    }

    fn kept(&self, _owner: Owner, _term: u32) -> Read<'s> {
        Read::MISSING
    }
}
