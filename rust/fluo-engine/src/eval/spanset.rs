//! Which spans are in a spanset.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use fluo_lang::program::Axis;

use super::steps::Steps;
use super::tally::{Nest, Sorted, Tally};
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

/// Members by their ends: those of a window lie together.
#[derive(Debug)]
pub(crate) struct ByEnd {
    pub(super) ends: Vec<u64>,
    members: Vec<Member>,
    counts: Sorted,
    /// Whether the times of some member are bad: it is left out and may belong into any window.
    pub(super) leaves_out: bool,
}

impl ByEnd {
    fn new(view: &View<'_>, members: &[Member]) -> Self {
        view.steps.sort(members.len());
        let good = |member: &Member| view.record(member.at).filter(|record| record.times_are_good()).map(|record| record.end);
        let mut sorted: Vec<(u64, Member)> = members.iter().filter_map(|member| Some((good(member)?, *member))).collect();
        sorted.sort_unstable_by_key(|(end, member)| (*end, member.at));
        let counts = sorted.iter().map(|(end, member)| (i128::from(*end), Tally::of(member.truth))).collect();
        let leaves_out = sorted.len() < members.len();
        let (ends, members) = sorted.into_iter().unzip();
        Self { ends, members, counts: Sorted::new(counts, &view.steps), leaves_out }
    }

    /// The places of those that ended in `(t - width, t]`.
    fn window(&self, t: u64, width: u64) -> Range<usize> {
        let first = self.ends.partition_point(|end| t.saturating_sub(*end) >= width);
        first..self.ends.partition_point(|end| *end <= t).max(first)
    }

    /// How many there are.
    pub(super) fn count(&self, t: u64, width: u64, steps: &Steps) -> Tally {
        steps.take(2 * self.counts.search());
        let (t, width) = (i128::from(t), i128::from(width));
        self.counts.up_to(t).less(self.counts.up_to(t - width))
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
        let members = match (frame.instant.and_then(|t| Some((t, plan.within?))), frame.group.filter(|_| plan.grouped)) {
            (Some((t, width)), _) => {
                let by_end = self.by_end(set, frame.group);
                by_end.members.get(by_end.window(t, width)).unwrap_or_default().to_vec()
            }
            (None, Some(group)) => self.members_of_group(set, group),
            (None, None) => self.members(set).to_vec(),
        };
        self.steps.take(members.len());
        members
    }

    /// Whether a set is the same in this frame as in any.
    pub(super) fn is_whole(&self, set: u32, frame: Frame<'_>) -> bool {
        self.set(set).is_none_or(|plan| !(frame.group.is_some() && plan.grouped || frame.instant.is_some() && plan.within.is_some()))
    }

    /// The members of a set (in a group, where the set has groups) by their ends.
    pub(super) fn by_end(&self, set: u32, group: Option<&[u8]>) -> Rc<ByEnd> {
        let group = group.filter(|_| self.set(set).is_some_and(|plan| plan.grouped));
        if let Some((of, known)) = self.by_end.borrow().get(&set)
            && of.as_deref() == group
        {
            return Rc::clone(known);
        }
        let members = group.map_or_else(|| self.members(set).to_vec(), |group| self.members_of_group(set, group));
        let made = Rc::new(ByEnd::new(self, &members));
        self.by_end.borrow_mut().insert(set, (group.map(Box::from), Rc::clone(&made)));
        made
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
            self.steps.take(members.len());
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
        let mut reach = |target: usize, by: Truth| {
            if let Some(truth) = reached.get_mut(target) {
                *truth = truth.or(by);
            }
        };
        self.steps.take(self.records().len());
        match axis {
            Axis::Children => from.iter().for_each(|m| self.topology().children(m.at).iter().for_each(|child| reach(*child, m.truth))),
            Axis::Parents => from.iter().for_each(|m| self.topology().parent(m.at).into_iter().for_each(|parent| reach(parent, m.truth))),
            Axis::Descendants | Axis::Ancestors if from.is_empty() => {}
            Axis::Descendants | Axis::Ancestors => {
                let own: HashMap<usize, Tally> = from.iter().map(|member| (member.at, Tally::of(member.truth))).collect();
                let nest = Nest::new(from.iter().map(|member| (member.at, Tally::of(member.truth))), self.lineage(), &self.steps);
                for at in 0..self.records().len() {
                    let related = match axis {
                        Axis::Descendants => nest.above(at, self.lineage(), &self.steps),
                        _ => nest.below(at, self.lineage(), &self.steps),
                    };
                    reach(at, related.less(own.get(&at).copied().unwrap_or_default()).any());
                }
            }
        }
        reached.into_iter().enumerate().filter(|(_, truth)| *truth != Truth::False).map(|(at, truth)| Member { at, truth }).collect()
    }
}
