//! Which spans are in a spanset.

use std::rc::Rc;

use fluo_lang::program::Axis;

use super::view::{Frame, RecordEnv, View};
use crate::expr::decide;
use crate::plan::{SetPlan, StepPlan};
use crate::truth::{Reasons, Truth};

/// A span that is in a set or may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) at: usize,
    /// [`Truth::True`] or [`Truth::Unknown`].
    pub(crate) truth: Truth,
}

impl Member {
    /// Whether the span is in the set for certain.
    pub(crate) fn is_certain(&self) -> bool {
        self.truth == Truth::True
    }

    /// Why it may be out of the set.
    pub(crate) const fn doubt(&self) -> Reasons {
        match self.truth {
            Truth::Unknown(why) => why,
            _ => Reasons::NONE,
        }
    }
}

impl<'t> View<'t> {
    /// The plan of a set.
    pub(crate) fn set(&self, set: u32) -> Option<&'t SetPlan> {
        self.plan.sets.get(set as usize)
    }

    /// The members of a set in a frame.
    pub(crate) fn members_in(&self, set: u32, frame: Frame<'_>) -> Vec<Member> {
        let Some(plan) = self.set(set) else {
            return Vec::new();
        };
        let mut members = match frame.group.filter(|_| plan.grouped) {
            Some(group) => self.members_of_group(set, group),
            None => self.members(set).to_vec(),
        };
        if let Some((t, width)) = frame.instant.and_then(|t| Some((t, plan.within?))) {
            members.retain_mut(|member| {
                member.truth = member.truth.and(self.is_in_window(member.at, t, width));
                member.truth != Truth::False
            });
        }
        members
    }

    /// Whether the span ended in `(t - width, t]`.
    fn is_in_window(&self, at: usize, t: u64, width: u64) -> Truth {
        match self.record(at) {
            Some(record) if record.times_are_good() => Truth::of(record.end <= t && t - record.end < width),
            _ => Truth::False,
        }
    }

    /// The members of a set, whatever the frame; computed once for each evaluation.
    pub(crate) fn members(&self, set: u32) -> Rc<Vec<Member>> {
        if let Some(known) = self.members.borrow().get(&set) {
            return Rc::clone(known);
        }
        let members = Rc::new(self.set(set).map_or_else(Vec::new, |plan| self.walk(&plan.steps)));
        self.members.borrow_mut().insert(set, Rc::clone(&members));
        members
    }

    /// The spans that the steps lead to.
    pub(super) fn walk(&self, steps: &'t [StepPlan]) -> Vec<Member> {
        let mut members: Vec<Member> = (0..self.records().len()).map(|at| Member { at, truth: Truth::True }).collect();
        for step in steps {
            members = match step {
                StepPlan::Where(node) => members
                    .into_iter()
                    .filter_map(|member| {
                        let truth = member.truth.and(decide(node, &RecordEnv { view: self, at: member.at }));
                        (truth != Truth::False).then_some(Member { at: member.at, truth })
                    })
                    .collect(),
                StepPlan::Navigate(axis) => self.navigate(&members, *axis),
            };
        }
        members
    }

    /// The spans related to some member.
    fn navigate(&self, from: &[Member], axis: Axis) -> Vec<Member> {
        let mut reached = vec![Truth::False; self.records().len()];
        let topology = self.topology();
        for member in from {
            let targets = match axis {
                Axis::Children => topology.children(member.at).to_vec(),
                Axis::Parents => topology.parent(member.at).into_iter().collect(),
                Axis::Descendants => topology.descendants(member.at),
                Axis::Ancestors => topology.ancestors(member.at),
            };
            for target in targets {
                if let Some(truth) = reached.get_mut(target) {
                    *truth = truth.or(member.truth);
                }
            }
        }
        reached.into_iter().enumerate().filter(|(_, truth)| *truth != Truth::False).map(|(at, truth)| Member { at, truth }).collect()
    }
}
