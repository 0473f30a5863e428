//! The spans that a claim may still look at, found by their end and by what they have in common.

use std::collections::BTreeSet;

use super::keyed::{At, Keyed, Keying};
use crate::expr::read::Read;
use crate::plan::{Place, SequencePlan, SequenceRelation};
use crate::truth::Truth;
use crate::value::Val;

/// A span that is kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) trace: [u8; 16],
    pub(super) id: u64,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) emitter: u32,
    pub(super) resource: u32,
    /// How it fits each test of the plan.
    pub(super) fits: Box<[Truth]>,
    /// Its value of each term of the plan.
    pub(super) reads: Box<[Read<'static>]>,
    /// What a signal shows of it.
    pub(super) shown: Vec<(String, String)>,
    /// What is still to be said of it; `None` for a span that only others are related to.
    pub(super) duty: Option<Duty>,
}

/// A claim about a span that is not decided for good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Duty {
    /// The watermark beyond which it has to be looked at again.
    pub(super) due: u64,
    /// Whether it was signalled as broken, and stands so.
    pub(super) signalled: bool,
    /// Whether it was ever signalled: what it becomes then is a revision of its verdict.
    pub(super) counted: bool,
}

impl Kept {
    /// Whether the span is, or may be, in a place of the claim.
    fn is_in(&self, index: usize, place: &Place) -> bool {
        (index > 0 || self.duty.is_some())
            && place.entry.iter().any(|test| self.fits.get(*test as usize).is_some_and(|fit| *fit != Truth::False))
    }

    /// What the span is found by in a relation.
    pub(super) fn keying(&self, relation: &SequenceRelation) -> Keying {
        Keying::of(relation.same.iter().filter_map(|term| self.reads.get(*term)))
    }

    /// Bytes of a span beside the texts of its values.
    pub(super) fn bytes_of(plan: &SequencePlan) -> usize {
        size_of::<Option<Self>>() + plan.tests.len() * size_of::<Truth>() + plan.terms.len() * size_of::<Read<'_>>() + 2 * ENTRY
    }

    fn bytes(&self) -> usize {
        let reads = self.reads.iter().map(|read| size_of::<Read<'_>>() + read.value.as_ref().map_or(0, Val::heap_bytes));
        let shown = self.shown.iter().map(|(name, value)| size_of::<(String, String)>() + name.len() + value.len());
        size_of::<Option<Self>>() + size_of_val(&*self.fits) + reads.sum::<usize>() + shown.sum::<usize>() + 2 * ENTRY
    }
}

/// What an entry in an ordered set costs.
const ENTRY: usize = 2 * size_of::<At>();

/// The spans of one claim.
#[derive(Debug)]
pub(super) struct Store {
    slots: Vec<Option<Kept>>,
    free: Vec<u32>,
    by_end: BTreeSet<At>,
    /// By place: the spans in it.
    places: Vec<BTreeSet<At>>,
    /// By relation: the spans that it may be about, and those that it is asked of.
    others: Vec<Keyed>,
    subjects: Vec<Keyed>,
    bytes: usize,
}

impl Store {
    pub(super) fn new(plan: &SequencePlan) -> Self {
        let keyed = || plan.relations.iter().map(|_| Keyed::default()).collect::<Vec<_>>();
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_end: BTreeSet::new(),
            places: vec![BTreeSet::new(); plan.places.len()],
            others: keyed(),
            subjects: keyed(),
            bytes: 0,
        }
    }

    pub(super) fn get(&self, at: u32) -> Option<&Kept> {
        self.slots.get(at as usize)?.as_ref()
    }

    pub(super) fn duty_mut(&mut self, at: u32) -> Option<&mut Duty> {
        self.slots.get_mut(at as usize)?.as_mut()?.duty.as_mut()
    }

    /// Puts in a span.
    pub(super) fn insert(&mut self, plan: &SequencePlan, kept: Kept) -> u32 {
        self.bytes += kept.bytes();
        let end = kept.end;
        let at = match self.free.pop() {
            Some(at) => at,
            None => {
                self.slots.push(None);
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.by_end.insert((end, at));
        for place in 0..plan.places.len() {
            self.enter(plan, &kept, at, place, true);
        }
        if let Some(slot) = self.slots.get_mut(at as usize) {
            *slot = Some(kept);
        }
        at
    }

    /// Lets a span enter or leave a place, with all relations that concern spans there.
    fn enter(&mut self, plan: &SequencePlan, kept: &Kept, at: u32, index: usize, enters: bool) {
        let (Some(place), Some(of_place)) = (plan.places.get(index), self.places.get_mut(index)) else { return };
        if !kept.is_in(index, place) {
            return;
        }
        let at = (kept.end, at);
        if enters {
            of_place.insert(at)
        } else {
            of_place.remove(&at)
        };
        for ((relation, others), subjects) in plan.relations.iter().zip(&mut self.others).zip(&mut self.subjects) {
            for (place, keyed) in [(relation.other, others), (relation.subject, subjects)] {
                if place != index {
                    continue;
                }
                let keying = kept.keying(relation);
                if enters {
                    keyed.insert(&keying, at);
                } else {
                    keyed.remove(&keying, at);
                }
            }
        }
    }

    /// Takes a span out.
    pub(super) fn remove(&mut self, plan: &SequencePlan, at: u32) -> Option<Kept> {
        let kept = self.slots.get_mut(at as usize)?.take()?;
        self.bytes -= kept.bytes();
        self.by_end.remove(&(kept.end, at));
        for place in 0..plan.places.len() {
            self.enter(plan, &kept, at, place, false);
        }
        self.free.push(at);
        Some(kept)
    }

    /// Ends what is to be said of a span; it stays as long as others may be related to it.
    pub(super) fn release(&mut self, plan: &SequencePlan, at: u32) {
        let Some(mut kept) = self.slots.get_mut(at as usize).and_then(Option::take) else { return };
        self.enter(plan, &kept, at, 0, false);
        kept.duty = None;
        let stays = plan.places.iter().enumerate().any(|(index, place)| kept.is_in(index, place));
        let end = kept.end;
        if stays {
            if let Some(slot) = self.slots.get_mut(at as usize) {
                *slot = Some(kept);
            }
        } else {
            self.bytes -= kept.bytes();
            self.by_end.remove(&(end, at));
            self.free.push(at);
        }
    }

    /// The span that ended first.
    pub(super) fn oldest(&self) -> Option<At> {
        self.by_end.first().copied()
    }

    /// The spans of a place.
    pub(super) fn place(&self, place: usize) -> &BTreeSet<At> {
        static NONE: BTreeSet<At> = BTreeSet::new();
        self.places.get(place).unwrap_or(&NONE)
    }

    /// The spans that a relation may be about.
    pub(super) fn others(&self, relation: usize) -> Option<&Keyed> {
        self.others.get(relation)
    }

    /// The spans that a relation is asked of.
    pub(super) fn subjects(&self, relation: usize) -> Option<&Keyed> {
        self.subjects.get(relation)
    }

    /// The greatest number of different keys in a relation.
    pub(super) fn keys(&self) -> usize {
        self.others.iter().chain(&self.subjects).map(Keyed::len).max().unwrap_or_default()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.others.iter().chain(&self.subjects).map(Keyed::bytes).sum::<usize>()
    }
}
