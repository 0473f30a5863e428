//! Relations of a span to other spans of its trace, each decided once for a span.

use fluo_lang::program::RelationKind;

use super::related::Related;
use super::tally::Tally;
use super::view::{CUT, RecordEnv, View};
use crate::expr::{Node, decide};
use crate::truth::{Reasons, Truth};

impl<'t> View<'t> {
    /// Whether the span has the relation.
    pub(super) fn relation(&self, at: usize, relation: u32) -> Truth {
        self.steps.take(1);
        if self.steps.are_over() {
            return CUT;
        }
        let Some(related) = self.related(relation) else { return Truth::False };
        if let Some(known) = related.answers.borrow().get(at).copied().flatten() {
            return known;
        }
        let hidden = self.unseen(at, &related);
        let tally = match related.kind {
            RelationKind::HasParent => self.pairs(at, &related, self.parent(at).ok().flatten().into_iter()),
            RelationKind::HasChild => self.pairs(at, &related, self.topology().children(at).iter().copied()),
            _ => self.tally(at, &related),
        };
        let truth = tally.reaches(related.at_least, hidden);
        #[cfg(debug_assertions)]
        self.compare(at, &related, hidden, truth);
        if let Some(answer) = related.answers.borrow_mut().get_mut(at) {
            *answer = Some(truth);
        }
        truth
    }

    /// Builds with debug assertions decide small traces pair by pair too.
    #[cfg(debug_assertions)]
    fn compare(&self, at: usize, related: &Related, hidden: Reasons, truth: Truth) {
        let mark = self.steps.of_decision();
        if self.records().len() > 24 || self.steps.are_over() {
            return;
        }
        let pairs = self.pairs(at, related, self.candidates(at, related.kind).into_iter()).reaches(related.at_least, hidden);
        if !self.steps.are_over() {
            debug_assert_eq!(
                std::mem::discriminant(&pairs),
                std::mem::discriminant(&truth),
                "span {at}: {:?} is {truth:?}, by pairs {pairs:?}: {:#?}",
                related.kind,
                self.records()
            );
        }
        self.steps.reset(mark);
    }

    /// Why there may be spans that nobody sees and that the span is related to.
    fn unseen(&self, at: usize, related: &Related) -> Reasons {
        let name = &related.other_name;
        let (hidden, below) = match related.kind {
            RelationKind::HasParent => return self.parent(at).err().unwrap_or(Reasons::NONE),
            // Parents that run in a circle have all come.
            RelationKind::HasAncestor if self.tour().is_circular(at) => return Reasons::NONE,
            RelationKind::HasAncestor => return self.parent(self.tour().top(at)).err().unwrap_or(Reasons::NONE),
            RelationKind::HasSibling if self.topology().family(at).is_none() => return self.parent(at).err().unwrap_or(Reasons::NONE),
            RelationKind::HasSibling => return self.hidden,
            RelationKind::HasChild | RelationKind::HasDescendant => (self.hidden, Some(at)),
            RelationKind::PrecededBy | RelationKind::FollowedBy | RelationKind::Overlaps => (self.hidden, None),
        };
        if hidden.has(Reasons::OPEN) { hidden } else { hidden.and(self.dangling(name, below)) }
    }

    /// The spans that may stand in the relation.
    pub(super) fn candidates(&self, at: usize, kind: RelationKind) -> Vec<usize> {
        let topology = self.topology();
        self.steps.take(self.records().len());
        match kind {
            RelationKind::HasParent => self.parent(at).ok().flatten().into_iter().collect(),
            RelationKind::HasChild => topology.children(at).to_vec(),
            RelationKind::HasDescendant => topology.descendants(at),
            RelationKind::HasAncestor => topology.ancestors(at),
            RelationKind::HasSibling => {
                let family = topology.family(at);
                (0..self.records().len()).filter(|other| family.is_some() && topology.family(*other) == family).collect()
            }
            RelationKind::PrecededBy | RelationKind::FollowedBy | RelationKind::Overlaps => (0..self.records().len()).collect(),
        }
    }

    /// How each span satisfies a predicate.
    pub(super) fn each_fit(&self, node: &'t Node) -> Vec<Truth> {
        self.steps.take(self.records().len());
        (0..self.records().len()).map(|at| decide(node, &RecordEnv { view: self, at })).collect()
    }

    /// Whether another span stands in the relation to this one.
    pub(super) fn fits(&self, at: usize, other: usize, related: &Related) -> Truth {
        self.steps.take(1);
        let mut truth = related.fit(other);
        if truth == Truth::False {
            return truth;
        }
        for term in &related.same {
            truth = truth.and(self.same(at, other, *term));
        }
        let ends = match related.kind {
            RelationKind::PrecededBy => Some((other, at)),
            RelationKind::FollowedBy => Some((at, other)),
            _ => None,
        };
        if related.kind == RelationKind::Overlaps {
            truth = truth.and(self.overlap(at, other));
        }
        let Some((first, second)) = ends.filter(|_| truth != Truth::False) else {
            return truth;
        };
        truth = truth.and(self.is_before(first, second));
        if let Some(limit) = related.within {
            truth = truth.and(self.is_within(first, second, limit));
        }
        match &related.between {
            Some(between) if truth != Truth::False => truth.and(self.lies_between(first, second, between).not()),
            _ => truth,
        }
    }

    /// Whether both spans have a value of the term in common.
    fn same(&self, a: usize, b: usize, term: u32) -> Truth {
        let (left, right) = (self.value(a, term), self.value(b, term));
        let len = |read: &crate::expr::read::Read<'_>| read.value.as_ref().map_or(1, |value| value.each().len());
        self.steps.take(len(&left) * len(&right));
        crate::expr::ops::compare(fluo_lang::program::CompareOp::Eq, &left, &right)
    }
}

impl Tally {
    /// The truth of "there is one".
    pub(super) fn any(&self) -> Truth {
        self.reaches(1, Reasons::NONE)
    }
}
