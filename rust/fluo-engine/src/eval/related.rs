//! What a relation is asked over: the spans that satisfy its predicate, by the values that they must have in common with whoever asks.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use fluo_lang::program::RelationKind;

use super::between::Between;
use super::groups::{combinations, combine};
use super::tally::Tally;
use super::timed::Timed;
use super::view::View;
use crate::expr::read::Read;
use crate::plan::RelationPlan;
use crate::truth::{Reasons, Truth};
use crate::value::Val;

/// Combinations of list elements that a span is found by at most; one with more is compared with each that asks.
const COMBINATIONS: usize = 256;

/// What a span is found by among those that have a value in common.
#[derive(Debug)]
pub(super) enum Keying {
    /// Nothing has to be in common.
    Any,
    /// A value is missing: it has nothing in common with any span.
    Missing,
    /// The key of each combination of its values.
    Keys(Vec<Box<[u8]>>),
    /// Nothing is known of its only value.
    Blank(Reasons),
    /// A part of its values is known, or they are too many: it has to be compared.
    Odd,
}

impl Keying {
    fn of(reads: &[Read<'_>]) -> Self {
        if reads.iter().any(|read| read.exists() == Truth::False) {
            return Self::Missing;
        }
        if let [Read { value: None, unknown, .. }] = reads {
            return Self::Blank(*unknown);
        }
        let values: Option<Vec<&Val<'_>>> = reads.iter().map(|r| r.value.as_ref().filter(|_| r.unknown.is_empty())).collect();
        match values {
            Some(values) if combinations(&values) <= COMBINATIONS => {
                Self::Keys(combine(&values).into_iter().map(|group| group.key).collect())
            }
            _ => Self::Odd,
        }
    }
}

/// Spans that have a value in common, with how sure it is that they satisfy the predicate.
#[derive(Debug, Default)]
pub(super) struct Pool {
    pub(super) spans: Vec<(usize, Truth)>,
    pub(super) timed: OnceCell<Timed>,
    nest: OnceCell<super::tally::Nest>,
    all: OnceCell<Tally>,
}

impl Pool {
    pub(super) fn of(spans: Vec<(usize, Truth)>) -> Self {
        Self { spans, ..Self::default() }
    }

    /// All of them.
    pub(super) fn all(&self) -> Tally {
        *self.all.get_or_init(|| self.tallies().fold(Tally::default(), |all, (_, tally)| all.plus(tally)))
    }

    fn tallies(&self) -> impl Iterator<Item = (usize, Tally)> + Clone {
        self.spans.iter().map(|(at, truth)| (*at, Tally::of(*truth)))
    }

    /// They by their places in the trees.
    pub(super) fn nest(&self, view: &View<'_>) -> &super::tally::Nest {
        self.nest.get_or_init(|| super::tally::Nest::new(self.tallies(), view.lineage(), &view.steps))
    }
}

/// The spans that one who asks may be related to.
#[derive(Debug, Default)]
pub(super) struct Family {
    by_key: HashMap<Box<[u8]>, Pool>,
    /// Those of whose only value nothing is known, in doubt for that.
    blank: Pool,
    /// Those that are compared with each that asks.
    odd: Vec<usize>,
    /// All that have values.
    members: Vec<usize>,
    /// All but the odd ones, each once.
    whole: OnceCell<Pool>,
}

/// A relation of one trace.
#[derive(Debug)]
pub(super) struct Related {
    pub(super) kind: RelationKind,
    pub(super) within: Option<u64>,
    pub(super) same: Vec<u32>,
    pub(super) at_least: u64,
    /// The name of the set of its predicate in the call table.
    pub(super) other_name: String,
    /// How each span satisfies the predicate of the relation.
    pub(super) fits: Vec<Truth>,
    keyings: Vec<Keying>,
    /// By what siblings share, else one.
    families: HashMap<u64, Family>,
    /// What may not lie between.
    pub(super) between: Option<Between>,
    /// The answers that were given.
    pub(super) answers: RefCell<Vec<Option<Truth>>>,
}

impl Related {
    /// Whether the relation looks forward in time; then it looks back in a mirror.
    pub(super) fn is_mirrored(&self) -> bool {
        self.kind == RelationKind::FollowedBy
    }

    fn keying(&self, at: usize) -> &Keying {
        self.keyings.get(at).unwrap_or(&Keying::Any)
    }

    pub(super) fn fit(&self, at: usize) -> Truth {
        self.fits.get(at).copied().unwrap_or(Truth::False)
    }
}

impl<'t> View<'t> {
    /// What a relation is asked over; computed once for each evaluation.
    pub(super) fn related(&self, relation: u32) -> Option<Rc<Related>> {
        if let Some(known) = self.relations.borrow().get(&relation) {
            return Some(Rc::clone(known));
        }
        let plan = self.plan.relations.get(relation as usize)?;
        let made = Rc::new(self.relate(plan));
        self.relations.borrow_mut().insert(relation, Rc::clone(&made));
        Some(made)
    }

    fn relate(&self, plan: &'t RelationPlan) -> Related {
        let count = self.records().len();
        let fits = self.each_fit(&plan.other);
        let by_tree = matches!(plan.kind, RelationKind::HasParent | RelationKind::HasChild);
        let keyings: Vec<Keying> =
            if plan.same.is_empty() || by_tree { Vec::new() } else { (0..count).map(|at| self.keying(at, &plan.same)).collect() };
        let between = plan.without.as_ref().map(|without| self.between(without, &plan.without_name, plan.kind));
        let answers = RefCell::new(vec![None; count]);
        let mut related = Related {
            kind: plan.kind,
            within: plan.within,
            same: plan.same.clone(),
            at_least: plan.at_least,
            other_name: plan.other_name.clone(),
            fits,
            keyings,
            families: HashMap::new(),
            between,
            answers,
        };
        if !by_tree {
            related.families = self.families(&related);
        }
        related
    }

    fn keying(&self, at: usize, same: &[u32]) -> Keying {
        let reads: Vec<Read<'_>> = same.iter().map(|term| self.value(at, *term)).collect();
        self.steps.take(reads.iter().map(|read| read.value.as_ref().map_or(1, |value| value.each().len())).sum());
        Keying::of(&reads)
    }

    fn families(&self, related: &Related) -> HashMap<u64, Family> {
        let mut families: HashMap<u64, Family> = HashMap::new();
        for (at, fit) in related.fits.iter().enumerate().filter(|(_, fit)| **fit != Truth::False) {
            let Some(name) = self.family_of(at, related) else { continue };
            let family = families.entry(name).or_default();
            let mut put = |key: &[u8]| match family.by_key.get_mut(key) {
                Some(pool) => pool.spans.push((at, *fit)),
                None => drop(family.by_key.insert(key.into(), Pool::of(vec![(at, *fit)]))),
            };
            match related.keying(at) {
                Keying::Missing => continue,
                Keying::Any => put(&[]),
                Keying::Keys(keys) => keys.iter().for_each(|key| put(key)),
                Keying::Blank(why) => family.blank.spans.push((at, fit.and(Truth::Unknown(*why)))),
                Keying::Odd => family.odd.push(at),
            }
            family.members.push(at);
        }
        families
    }

    /// Whom a span may be related to at all; nothing for a span without parent that is asked for siblings.
    fn family_of(&self, at: usize, related: &Related) -> Option<u64> {
        match related.kind {
            RelationKind::HasSibling => self.topology().family(at).and_then(|family| u64::try_from(family).ok()),
            _ => Some(0),
        }
    }

    /// How many spans a span is related to. Costs a few searches, and a look at each span whose values cannot be told by a key.
    pub(super) fn tally(&self, at: usize, related: &Related) -> Tally {
        let Some(family) = self.family_of(at, related).and_then(|name| related.families.get(&name)) else {
            return Tally::default();
        };
        let of_key =
            |key: &[u8]| family.by_key.get(key).map_or_else(Tally::default, |pool| self.ask(pool, at, related, Some(related.fit(at))));
        let stands = |other: &usize| match related.kind {
            RelationKind::HasDescendant => self.lineage().is_above(at, *other),
            RelationKind::HasAncestor => self.lineage().is_above(*other, at),
            _ => true,
        };
        let odd = || self.pairs(at, related, family.odd.iter().copied().filter(stands));
        let blank = || self.ask(&family.blank, at, related, None);
        match related.keying(at) {
            Keying::Missing => Tally::default(),
            Keying::Any => of_key(&[]),
            // One that has several keys in common with another must not count twice, where more than one is asked for.
            Keying::Keys(keys) if keys.len() < 2 || related.at_least < 2 => {
                keys.iter().fold(blank().plus(odd()), |all, key| all.plus(of_key(key)))
            }
            Keying::Blank(why) => {
                let own = related.fit(at).and(Truth::Unknown(*why));
                self.ask(self.whole(family, related), at, related, Some(own)).in_doubt(*why).plus(odd())
            }
            Keying::Keys(_) | Keying::Odd => self.pairs(at, related, family.members.iter().copied().filter(stands)),
        }
    }

    fn whole<'f>(&self, family: &'f Family, related: &Related) -> &'f Pool {
        family.whole.get_or_init(|| {
            let known = family.members.iter().filter_map(|at| match related.keying(*at) {
                Keying::Blank(why) => Some((*at, related.fit(*at).and(Truth::Unknown(*why)))),
                Keying::Odd => None,
                _ => Some((*at, related.fit(*at))),
            });
            Pool::of(known.collect())
        })
    }

    /// How many spans of a pool a span is related to; `own` is what the pool holds of itself.
    fn ask(&self, pool: &Pool, at: usize, related: &Related, own: Option<Truth>) -> Tally {
        if pool.spans.is_empty() {
            return Tally::default();
        }
        let own = own.map_or_else(Tally::default, Tally::of);
        self.steps.take(1);
        match related.kind {
            RelationKind::HasParent | RelationKind::HasChild => Tally::default(),
            RelationKind::HasSibling => pool.all().less(own),
            RelationKind::HasDescendant => pool.nest(self).below(at, self.lineage(), &self.steps).less(own),
            RelationKind::HasAncestor => pool.nest(self).above(at, self.lineage(), &self.steps).less(own),
            RelationKind::PrecededBy | RelationKind::FollowedBy | RelationKind::Overlaps => self.ask_times(pool, at, related, own),
        }
    }

    /// How many of these spans a span is related to, one by one.
    pub(super) fn pairs(&self, at: usize, related: &Related, others: impl Iterator<Item = usize>) -> Tally {
        let mut tally = Tally::default();
        for other in others.filter(|other| *other != at) {
            if self.steps.are_over() {
                break;
            }
            tally = tally.plus(Tally::of(self.fits(at, other, related)));
        }
        tally
    }
}
