//! Which way a claim can turn while spans come.

use fluo_lang::program::{ArithOp, CompareOp};

use super::{Claim, ClaimTerm, Function, RelationPlan, SetPlan, StepPlan};
use crate::expr::Node;
use crate::value::Val;

/// How something changes when spans are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Constant,
    Up,
    Down,
    Either,
}

impl Direction {
    const fn flip(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
            other => other,
        }
    }

    const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Constant, other) | (other, Self::Constant) => other,
            (Self::Up, Self::Up) => Self::Up,
            (Self::Down, Self::Down) => Self::Down,
            _ => Self::Either,
        }
    }
}

/// The parts of a plan that a direction depends on.
pub(super) struct Directions<'p> {
    pub(super) sets: &'p [SetPlan],
    pub(super) relations: &'p [RelationPlan],
}

impl Directions<'_> {
    /// Whether more spans can only break the claim: it may turn false and never true again, and its guard never turns it off.
    pub(super) fn only_breaks(&self, claim: &Claim, guard: Option<&Claim>) -> bool {
        matches!(self.claim(claim), Direction::Down | Direction::Constant)
            && guard.is_none_or(|g| matches!(self.claim(g), Direction::Up | Direction::Constant))
    }

    fn claim(&self, claim: &Claim) -> Direction {
        match claim {
            Claim::Const(_) => Direction::Constant,
            Claim::Not(inner) => self.claim(inner).flip(),
            Claim::And(parts) | Claim::Or(parts) => parts.iter().fold(Direction::Constant, |all, part| all.and(self.claim(part))),
            Claim::NonEmpty { set, .. } => self.set(*set),
            Claim::Compare { op, left, right } => {
                let difference = self.term(left).and(self.term(right).flip());
                match op {
                    CompareOp::Gt | CompareOp::Ge => difference,
                    CompareOp::Lt | CompareOp::Le => difference.flip(),
                    CompareOp::Eq | CompareOp::Ne if difference == Direction::Constant => Direction::Constant,
                    CompareOp::Eq | CompareOp::Ne => Direction::Either,
                }
            }
            Claim::In { .. } | Claim::Text { .. } | Claim::Matches { .. } | Claim::Exists(_) => Direction::Either,
        }
    }

    fn term(&self, term: &ClaimTerm) -> Direction {
        match term {
            ClaimTerm::Literal(_) => Direction::Constant,
            ClaimTerm::Depth => Direction::Up,
            ClaimTerm::Aggregate { set, function, .. } => match function {
                Function::Count | Function::Distinct(_) | Function::Rate(_) | Function::Concurrent | Function::Max(_) => self.set(*set),
                Function::Sum { never_negative: true, .. } => self.set(*set),
                Function::Min(_) => self.set(*set).flip(),
                _ => Direction::Either,
            },
            ClaimTerm::Arith { op: ArithOp::Add, left, right } => self.term(left).and(self.term(right)),
            ClaimTerm::Arith { op: ArithOp::Sub, left, right } => self.term(left).and(self.term(right).flip()),
            ClaimTerm::Arith { op: ArithOp::Mul, left, right } if is_positive(right) => self.term(left),
            ClaimTerm::Arith { op: ArithOp::Mul, left, right } if is_positive(left) => self.term(right),
            ClaimTerm::Arith { op: ArithOp::Div, left, right } if is_positive(right) => self.term(left),
            ClaimTerm::Neg(inner) => self.term(inner).flip(),
            _ => Direction::Either,
        }
    }

    /// A set grows where every step only lets more spans in.
    fn set(&self, set: u32) -> Direction {
        let Some(plan) = self.sets.get(set as usize) else {
            return Direction::Either;
        };
        plan.steps.iter().fold(Direction::Up, |all, step| match step {
            StepPlan::Where(node) => all.and(self.node(node)),
            StepPlan::Navigate(_) => all,
        })
    }

    pub(super) fn node(&self, node: &Node) -> Direction {
        match node {
            // What a field of the span, its parent or the root says does not change once they have come.
            Node::Const(_)
            | Node::Selector(_)
            | Node::OfOwner { .. }
            | Node::Compare { .. }
            | Node::In { .. }
            | Node::Text { .. }
            | Node::Matches { .. }
            | Node::Exists(_)
            | Node::Missing(_)
            | Node::Name(_)
            | Node::Item { .. } => Direction::Constant,
            Node::Not(inner) => self.node(inner).flip(),
            Node::And(parts) | Node::Or(parts) => parts.iter().fold(Direction::Constant, |all, part| all.and(self.node(part))),
            Node::Relation(relation) => match self.relations.get(*relation as usize) {
                Some(plan) if plan.without.is_none() => Direction::Up.and(self.node(&plan.other)),
                _ => Direction::Either,
            },
        }
    }
}

/// Whether a term is a constant above zero.
fn is_positive(term: &ClaimTerm) -> bool {
    match term {
        ClaimTerm::Literal(Val::Duration(d)) => *d > 0,
        ClaimTerm::Literal(value) => value.number().is_some_and(|n| n.to_f64() > 0.0),
        _ => false,
    }
}
