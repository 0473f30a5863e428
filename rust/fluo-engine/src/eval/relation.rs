//! Relations of a span to other spans of its trace.

use fluo_lang::program::RelationKind;

use super::view::{RecordEnv, View};
use crate::expr::decide;
use crate::plan::RelationPlan;
use crate::truth::{Reasons, Truth};

impl View<'_> {
    /// Whether the span has the relation.
    pub(super) fn relation(&self, at: usize, relation: u32) -> Truth {
        let Some(plan) = self.plan.relations.get(relation as usize) else {
            return Truth::False;
        };
        let (candidates, mut hidden) = self.candidates(at, plan.kind);
        if !hidden.has(Reasons::OPEN) {
            hidden = hidden.and(match plan.kind {
                RelationKind::HasChild | RelationKind::HasDescendant => self.dangling(&plan.other_name, Some(at)),
                RelationKind::PrecededBy | RelationKind::FollowedBy | RelationKind::Overlaps => self.dangling(&plan.other_name, None),
                _ => Reasons::NONE,
            });
        }
        let (mut certain, mut possible) = (0u64, 0u64);
        let mut why = hidden;
        for other in candidates.into_iter().filter(|other| *other != at) {
            match self.fits(at, other, plan) {
                Truth::True => certain += 1,
                Truth::Unknown(reasons) => {
                    possible += 1;
                    why = why.and(reasons);
                }
                Truth::False | Truth::NotApplicable => {}
            }
            if certain >= plan.at_least {
                return Truth::True;
            }
        }
        if hidden.is_empty() && certain + possible < plan.at_least { Truth::False } else { Truth::Unknown(why) }
    }

    /// The spans that may stand in the relation, and why there may be others.
    pub(super) fn candidates(&self, at: usize, kind: RelationKind) -> (Vec<usize>, Reasons) {
        let topology = self.topology();
        match kind {
            RelationKind::HasParent => match self.parent(at) {
                Ok(parent) => (parent.into_iter().collect(), Reasons::NONE),
                Err(why) => (Vec::new(), why),
            },
            RelationKind::HasChild => (topology.children(at).to_vec(), self.hidden),
            RelationKind::HasDescendant => (topology.descendants(at), self.hidden),
            RelationKind::HasAncestor => {
                let ancestors = topology.ancestors(at);
                let top = ancestors.last().copied().unwrap_or(at);
                let above = match self.parent(top) {
                    // Parents that run in a circle have all come.
                    Ok(_) => Reasons::NONE,
                    Err(why) => why,
                };
                (ancestors, above)
            }
            RelationKind::HasSibling => {
                let parent = self.record(at).map_or(0, |r| r.parent);
                if parent == 0 {
                    return (Vec::new(), Reasons::NONE);
                }
                let siblings = self.records().iter().enumerate().filter(|(other, r)| *other != at && r.parent == parent);
                (siblings.map(|(other, _)| other).collect(), self.hidden)
            }
            RelationKind::PrecededBy | RelationKind::FollowedBy | RelationKind::Overlaps => {
                ((0..self.records().len()).filter(|other| *other != at).collect(), self.hidden)
            }
        }
    }

    /// Whether another span stands in the relation to this one.
    pub(super) fn fits(&self, at: usize, other: usize, plan: &RelationPlan) -> Truth {
        let mut truth = decide(&plan.other, &RecordEnv { view: self, at: other });
        if truth == Truth::False {
            return truth;
        }
        for term in &plan.same {
            truth = truth.and(self.same(at, other, *term));
        }
        let ends = match plan.kind {
            RelationKind::PrecededBy => Some((other, at)),
            RelationKind::FollowedBy => Some((at, other)),
            _ => None,
        };
        if plan.kind == RelationKind::Overlaps {
            truth = truth.and(self.overlap(at, other));
        }
        let Some((first, second)) = ends.filter(|_| truth != Truth::False) else {
            return truth;
        };
        truth = truth.and(self.is_before(first, second));
        if let Some(limit) = plan.within {
            truth = truth.and(self.is_within(first, second, limit));
        }
        match &plan.without {
            Some(without) if truth != Truth::False => truth.and(self.lies_between(first, second, without, &plan.without_name).not()),
            _ => truth,
        }
    }

    /// Whether both spans have a value of the term in common.
    fn same(&self, a: usize, b: usize, term: u32) -> Truth {
        let (left, right) = (self.value(a, term), self.value(b, term));
        crate::expr::ops::compare(fluo_lang::program::CompareOp::Eq, &left, &right)
    }

    /// Whether a span that satisfies the predicate starts at or after the end of the first and ends at or before the start of the
    /// second.
    fn lies_between(&self, first: usize, second: usize, without: &crate::expr::Node, name: &str) -> Truth {
        let hidden = self.hidden.and(self.dangling(name, None));
        let unseen = if hidden.is_empty() { Truth::False } else { Truth::Unknown(hidden) };
        let mut any = unseen;
        for between in (0..self.records().len()).filter(|at| *at != first && *at != second) {
            let fits = decide(without, &RecordEnv { view: self, at: between });
            if fits == Truth::False {
                continue;
            }
            any = any.or(fits.and(self.is_before(first, between)).and(self.is_before(between, second)));
            if any == Truth::True {
                break;
            }
        }
        any
    }
}
