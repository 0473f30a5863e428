//! The values that a plan keeps of a span, and why.

use super::ValueMemory;
use crate::expr::{LocalField, Node, TermNode};
use crate::plan::{Claim, ClaimTerm, Function, Notes, Plan, StepPlan};
use crate::store::values::MOST_BESIDE_TEXT;
use crate::value::KEPT_BYTES;
use fluo_lang::program::Owner;

pub(super) fn of(plan: &Plan, notes: &Notes) -> Vec<ValueMemory> {
    let mut why = Why { reasons: vec![Vec::new(); plan.terms.len()] };
    why.plan(plan);
    let text = |selector: &u32| notes.selectors.get(*selector as usize).cloned();
    plan.terms
        .iter()
        .zip(&notes.terms)
        .zip(why.reasons)
        .map(|((kept, term), because)| ValueMemory {
            term: term.clone(),
            because,
            only_on: kept.only_on.iter().flatten().filter_map(text).collect(),
            value_bytes: MOST_BESIDE_TEXT as u64,
            text_bytes: longest(&kept.node) as u64,
        })
        .collect()
}

/// Bytes of text or elements that a term's value keeps at most.
fn longest(term: &TermNode) -> usize {
    // The longest of `internal server client producer consumer`, `unset ok error`.
    const MEMBER: usize = 8;
    match term {
        TermNode::Literal(value) => value.heap_bytes().min(KEPT_BYTES),
        TermNode::Arith { .. } | TermNode::Neg(_) => 0,
        TermNode::Field(field) => match field {
            LocalField::Duration => 0,
            LocalField::Kind | LocalField::Status => MEMBER,
            LocalField::TraceId => 32,
            LocalField::SpanId | LocalField::ParentId => 16,
            _ => KEPT_BYTES,
        },
        TermNode::Coalesce(parts) => parts.iter().map(longest).max().unwrap_or_default(),
        TermNode::Kept { .. } | TermNode::Lower(_) | TermNode::Extract(..) | TermNode::Shape(_) => KEPT_BYTES,
    }
}

/// Why terms are kept, by term.
struct Why {
    reasons: Vec<Vec<&'static str>>,
}

impl Why {
    fn add(&mut self, term: u32, reason: &'static str) {
        if let Some(reasons) = self.reasons.get_mut(term as usize)
            && !reasons.contains(&reason)
        {
            reasons.push(reason);
        }
    }

    fn plan(&mut self, plan: &Plan) {
        for rule in &plan.rules {
            rule.by.iter().for_each(|term| self.add(*term, "the rule groups by it"));
            self.claim(&rule.claim);
            rule.guard.iter().for_each(|guard| self.claim(guard));
            rule.inserted.iter().for_each(|(_, term)| self.claim_term(term));
            rule.show.iter().for_each(|(_, term)| self.add(*term, "signals show it"));
        }
        for window in &plan.windows {
            window.by.iter().for_each(|term| self.add(*term, "the rule groups by it"));
            window.show.iter().for_each(|(_, term)| self.add(*term, "signals show it"));
        }
        for step in plan.sets.iter().flat_map(|set| &set.steps) {
            if let StepPlan::Where(node) = step {
                self.node(node);
            }
        }
        for relation in &plan.relations {
            relation.same.iter().for_each(|term| self.add(*term, "`same` compares it"));
            self.node(&relation.other);
            relation.without.iter().for_each(|node| self.node(node));
        }
    }

    fn claim(&mut self, claim: &Claim) {
        match claim {
            Claim::Const(_) | Claim::NonEmpty { .. } => {}
            Claim::Not(inner) => self.claim(inner),
            Claim::And(parts) | Claim::Or(parts) => parts.iter().for_each(|part| self.claim(part)),
            Claim::Compare { left, right, .. } | Claim::Text { left, right, .. } => {
                self.claim_term(left);
                self.claim_term(right);
            }
            Claim::In { term, .. } | Claim::Matches { term, .. } | Claim::Exists(term) => self.claim_term(term),
        }
    }

    fn claim_term(&mut self, term: &ClaimTerm) {
        match term {
            ClaimTerm::Literal(_) | ClaimTerm::Depth | ClaimTerm::TraceDuration => {}
            ClaimTerm::Aggregate { function, .. } => match function {
                Function::Count | Function::Rate(_) | Function::Concurrent => {}
                Function::Distinct(terms) => terms.iter().for_each(|term| self.add(*term, "`distinct` tells values apart")),
                Function::LongestRun(terms) => terms.iter().for_each(|term| self.add(*term, "`longest_run` compares neighbours")),
                Function::Sum { term, .. }
                | Function::Min(term)
                | Function::Max(term)
                | Function::Avg(term)
                | Function::Quantile(term, _) => {
                    self.add(*term, "the rule calculates with it");
                }
            },
            ClaimTerm::OfSpan { term, .. } => self.add(*term, "it is asked of one span that only the whole trace tells"),
            ClaimTerm::Arith { left, right, .. } => {
                self.claim_term(left);
                self.claim_term(right);
            }
            ClaimTerm::Neg(inner) | ClaimTerm::Lower(inner) | ClaimTerm::Extract(inner, _) | ClaimTerm::Shape(inner) => {
                self.claim_term(inner);
            }
            ClaimTerm::Coalesce(parts) => parts.iter().for_each(|part| self.claim_term(part)),
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Not(inner) => self.node(inner),
            Node::And(parts) | Node::Or(parts) => parts.iter().for_each(|part| self.node(part)),
            Node::Compare { left, right, .. } | Node::Text { left, right, .. } => {
                self.term(left);
                self.term(right);
            }
            Node::In { term, .. } | Node::Matches { term, .. } | Node::Exists(term) | Node::Missing(term) => self.term(term),
            Node::Const(_) | Node::Name(_) | Node::Item { .. } | Node::Selector(_) | Node::OfOwner { .. } | Node::Relation(_) => {}
        }
    }

    fn term(&mut self, term: &TermNode) {
        match term {
            TermNode::Kept { owner: Owner::Parent, term } => self.add(*term, "a child compares it with a field of its own"),
            TermNode::Kept { owner: Owner::Root, term } => self.add(*term, "other spans compare it with a field of their own"),
            TermNode::Kept { term, .. } => self.add(*term, "it is compared with a field of another span"),
            TermNode::Literal(_) | TermNode::Field(_) => {}
            TermNode::Arith { left, right, .. } => {
                self.term(left);
                self.term(right);
            }
            TermNode::Neg(inner) | TermNode::Lower(inner) | TermNode::Extract(inner, _) | TermNode::Shape(inner) => self.term(inner),
            TermNode::Coalesce(parts) => parts.iter().for_each(|part| self.term(part)),
        }
    }
}
