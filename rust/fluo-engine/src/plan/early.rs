//! Whether a rule can be found violated before its trace is complete, and how many spans that takes.
//!
//! While a trace is open sets only grow, so most claims are open as well: only counts, `distinct`, sums of durations, extremes,
//! `concurrent` and `trace.depth` bound themselves, each in one direction. What a claim can become by them is known from the claim, so
//! that rules that cost more than a look at counters are not evaluated in vain for each message.

use fluo_lang::program::CompareOp;

use super::direction::{Direction, Directions};
use super::{Claim, ClaimTerm, Function, RelationPlan, SetPlan, StepPlan};
use crate::expr::Node;
use crate::value::Val;

/// A selector and how many spans it must have picked.
type Need = (u32, u64);

/// Ways at most; beyond, what they need is left out.
const MOST: usize = 8;

/// The ways in which something can come about: each with all that it needs. There may be none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ways(Vec<Vec<Need>>);

impl Ways {
    const NONE: Self = Self(Vec::new());

    /// A way that needs nothing.
    fn free() -> Self {
        Self(vec![Vec::new()])
    }

    fn either(self, other: Self) -> Self {
        let all: Vec<_> = self.0.into_iter().chain(other.0).collect();
        if all.len() > MOST { Self::free() } else { Self(all) }
    }

    fn both(&self, other: &Self) -> Self {
        let pair = |one: &Vec<Need>| -> Vec<Vec<Need>> { other.0.iter().map(|two| [one.as_slice(), two].concat()).collect() };
        let all: Vec<_> = self.0.iter().flat_map(pair).collect();
        if all.len() > MOST { Self::free() } else { Self(all) }
    }

    /// Whether one of them is open where selectors picked as many spans as this says.
    pub(crate) fn are_open(&self, picked: impl Fn(u32) -> u64) -> bool {
        self.0.iter().any(|needs| needs.iter().all(|(selector, least)| picked(*selector) >= *least))
    }
}

/// How a term is known while its trace is open.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Known {
    /// Not at all.
    Waits,
    /// As far as it has come, on its way in this direction.
    Bounded(Direction, Ways),
    Whole,
}

/// The parts of a plan that the ways depend on.
pub(super) struct Early<'p> {
    pub(super) sets: &'p [SetPlan],
    pub(super) relations: &'p [RelationPlan],
}

impl Early<'_> {
    /// The ways in which a rule can be violated while its trace is open.
    pub(super) fn violated(&self, claim: &Claim, guard: Option<&Claim>) -> Ways {
        let broken = self.ways(claim, false);
        guard.map_or_else(|| broken.clone(), |guard| broken.both(&self.ways(guard, true)))
    }

    fn ways(&self, claim: &Claim, holds: bool) -> Ways {
        let part = |part: &Claim| self.ways(part, holds);
        match claim {
            Claim::Const(value) if *value == holds => Ways::free(),
            Claim::Const(_) => Ways::NONE,
            Claim::Not(inner) => self.ways(inner, !holds),
            Claim::And(parts) if holds => parts.iter().fold(Ways::free(), |all, one| all.both(&part(one))),
            Claim::Or(parts) if !holds => parts.iter().fold(Ways::free(), |all, one| all.both(&part(one))),
            Claim::And(parts) | Claim::Or(parts) => parts.iter().fold(Ways::NONE, |any, one| any.either(part(one))),
            Claim::NonEmpty { set, .. } if holds && !self.may_shrink(*set) => self.need(*set, 1),
            Claim::NonEmpty { .. } => Ways::NONE,
            Claim::Compare { op, left, right } => self.compared(*op, left, right, holds),
            Claim::In { term, .. } | Claim::Matches { term, .. } | Claim::Exists(term) => self.of_value(term),
            Claim::Text { left, right, .. } => self.of_value(left).both(&self.of_value(right)),
        }
    }

    fn of_value(&self, term: &ClaimTerm) -> Ways {
        if self.known(term) == Known::Waits { Ways::NONE } else { Ways::free() }
    }

    fn compared(&self, op: CompareOp, left: &ClaimTerm, right: &ClaimTerm, holds: bool) -> Ways {
        let (op, holds) = match op {
            CompareOp::Lt => (CompareOp::Ge, !holds),
            CompareOp::Le => (CompareOp::Gt, !holds),
            CompareOp::Ne => (CompareOp::Eq, !holds),
            other => (other, holds),
        };
        let known = match (self.known(left), self.known(right)) {
            (Known::Waits, _) | (_, Known::Waits) => return Ways::NONE,
            (left, right) => difference(left, right),
        };
        match (known, op) {
            (Known::Bounded(Direction::Up, ways), CompareOp::Gt | CompareOp::Ge) if holds => self.to_reach(op, left, right).unwrap_or(ways),
            (Known::Bounded(Direction::Up, _), CompareOp::Gt | CompareOp::Ge) => Ways::NONE,
            (Known::Bounded(Direction::Up | Direction::Down, _), _) if holds => Ways::NONE,
            (Known::Bounded(Direction::Up | Direction::Down, ways), _) => ways,
            _ => Ways::free(),
        }
    }

    /// What a count that is compared with a number needs to get there.
    fn to_reach(&self, op: CompareOp, left: &ClaimTerm, right: &ClaimTerm) -> Option<Ways> {
        let (ClaimTerm::Aggregate { set, function: Function::Count | Function::Concurrent, .. }, ClaimTerm::Literal(Val::Int(bound))) =
            (left, right)
        else {
            return None;
        };
        let least = u64::try_from(*bound).unwrap_or(0).saturating_add(u64::from(op == CompareOp::Gt));
        Some(self.need(*set, least))
    }

    fn known(&self, term: &ClaimTerm) -> Known {
        match term {
            ClaimTerm::Literal(_) => Known::Whole,
            ClaimTerm::Depth => Known::Bounded(Direction::Up, Ways::free()),
            ClaimTerm::TraceDuration | ClaimTerm::OfSpan { .. } => Known::Waits,
            ClaimTerm::Aggregate { set, function, .. } => match function {
                Function::Count | Function::Distinct(_) | Function::Concurrent | Function::Max(_) => {
                    Known::Bounded(Direction::Up, self.need(*set, 1))
                }
                Function::Sum { never_negative: true, .. } => Known::Bounded(Direction::Up, self.need(*set, 1)),
                Function::Min(_) => Known::Bounded(Direction::Down, self.need(*set, 1)),
                Function::Rate(_) => Known::Bounded(Direction::Either, Ways::free()),
                _ => Known::Waits,
            },
            ClaimTerm::Arith { left, right, .. } => match (self.known(left), self.known(right)) {
                (Known::Waits, _) | (_, Known::Waits) => Known::Waits,
                (Known::Whole, Known::Whole) => Known::Whole,
                _ => Known::Bounded(Direction::Either, Ways::free()),
            },
            ClaimTerm::Neg(inner) | ClaimTerm::Lower(inner) | ClaimTerm::Extract(inner, _) | ClaimTerm::Shape(inner) => {
                match self.known(inner) {
                    Known::Bounded(..) => Known::Bounded(Direction::Either, Ways::free()),
                    other => other,
                }
            }
            ClaimTerm::Coalesce(_) => Known::Bounded(Direction::Either, Ways::free()),
        }
    }

    /// Whether spans to come decide that a span is not in the set: it asks for the absence of others.
    fn may_shrink(&self, set: u32) -> bool {
        let directions = Directions { sets: self.sets, relations: self.relations };
        let steps = self.sets.get(set as usize).into_iter().flat_map(|plan| &plan.steps);
        steps.into_iter().any(|step| matches!(step, StepPlan::Where(node) if directions.node(node) == Direction::Down))
    }

    /// So many spans in a set.
    fn need(&self, set: u32, least: u64) -> Ways {
        let Some(plan) = self.sets.get(set as usize) else { return Ways::free() };
        let base = plan.steps.first().and_then(|step| match step {
            StepPlan::Where(Node::Selector(selector)) => Some(*selector),
            StepPlan::Where(Node::And(parts)) => parts.iter().find_map(|part| match part {
                Node::Selector(selector) => Some(*selector),
                _ => None,
            }),
            _ => None,
        });
        let moves = plan.steps.iter().any(|step| matches!(step, StepPlan::Navigate(_)));
        let least = if moves { least.min(1) } else { least };
        base.map_or_else(Ways::free, |selector| Ways(vec![vec![(selector, least)]]))
    }
}

/// What is known of a difference.
fn difference(left: Known, right: Known) -> Known {
    match (left, right) {
        (Known::Waits, _) | (_, Known::Waits) => Known::Waits,
        (left, Known::Whole) => left,
        (Known::Whole, Known::Bounded(Direction::Up, ways)) => Known::Bounded(Direction::Down, ways),
        (Known::Whole, Known::Bounded(Direction::Down, ways)) => Known::Bounded(Direction::Up, ways),
        _ => Known::Bounded(Direction::Either, Ways::free()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fluo_lang::limits::Limits;
    use fluo_lang::source::{Source, SourceKind};

    use crate::plan::Plan;

    /// Whether the rule can be violated before completion where each of its selectors has picked so many spans.
    fn can_break(rule: &str, picked: u64) -> bool {
        let source = Source { name: "rules.yml".to_owned(), text: format!("- name: r\n  {rule}\n"), kind: SourceKind::File };
        let loaded = fluo_lang::load::load(&[source], &Limits::default());
        let rules = loaded.rules.unwrap_or_else(|| panic!("{rule}: {:#?}", loaded.diagnostics));
        let plan = Plan::compile(Arc::new(rules));
        plan.rules[0].violated_early.are_open(|_| picked)
    }

    #[test]
    fn what_spans_to_come_can_repair_waits() {
        for (rule, least) in [
            ("never: trace.count(a) > 5", Some(6)),
            ("always: trace.count(a) <= 5", Some(6)),
            ("never: trace.spans.where(name == a).by(parent_id).count() >= 3", Some(3)),
            ("always: trace.count(a) >= 5", None),
            ("when: true\n  always: trace.has(a)", None),
            ("never: trace.has(a)", Some(1)),
            ("never: trace.has(a).any(has_child(b))", Some(1)),
            ("always: trace.has(a).all(has_child(b))", None),
            ("never: trace.root.duration > 1s and trace.has(a)", None),
            ("never: trace.root.duration > 1s or trace.has(a)", Some(1)),
            ("never: trace.has(a).max(duration) > 1s", Some(1)),
            ("never: trace.has(a).min(duration) > 1s", None),
            ("never: trace.has(a).avg(duration) > 1s", None),
            ("never: trace.count(a) > 5 and trace.count(b) > 1", Some(6)),
            ("never: trace.has(a).children.count() > 5", Some(1)),
            ("never: trace.duration > 1s", None),
            ("never: trace.depth > 3", Some(0)),
            ("never: trace.count(a) == 5", None),
            ("always: trace.count(a) == 5", Some(1)),
            ("when: trace.has(c)\n  never: trace.count(a) > 5", Some(6)),
        ] {
            let found = (0..10).find(|picked| can_break(rule, *picked));
            assert_eq!(found, least, "{rule}");
        }
    }
}
