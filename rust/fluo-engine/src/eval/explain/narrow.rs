//! Cites neither too little nor too much: what is cited breaks the claim by itself, and no cited span can be left out.
//!
//! What a claim seems to rest on is read off its parts; whether it does is tried. The rule is evaluated on the cited spans as if
//! they were the trace: nothing else is there, and what stands above a cited span that is not cited itself is not known.

use std::collections::BTreeSet;

use fluo_lang::program::CompareOp;

use super::{Explanation, MAX_EVIDENCE, counted};
use crate::eval::rule::Outcome;
use crate::eval::steps::Steps;
use crate::eval::view::{Frame, View};
use crate::plan::{Claim, ClaimTerm, Distinguished, Function, RulePlan, SetPlan};

/// Kept spans of a trace up to which all of them are tried where those that the claim seems to rest on do not break it.
const WIDEST_SEARCH: usize = 128;
/// Evaluations for one signal.
const MAX_TRIALS: usize = 400;

/// A violated rule, its trace, and how much may still be tried.
struct Search<'v, 't> {
    view: &'v View<'t>,
    rule: &'t RulePlan,
    frame: Frame<'v>,
    trials: usize,
}

impl<'t> View<'t> {
    /// Explains a violation by what it needs. Where that cannot be found within bounds, the explanation says that it is cut.
    pub(crate) fn explain_violation(&self, rule: &'t RulePlan, frame: Frame<'_>, limit: usize) -> Explanation {
        let mut why = self.explain(rule, frame, MAX_EVIDENCE);
        if !why.truncated && is_checkable(rule) && !self.is_bound_on_one_count(rule) {
            let mut search = Search { view: self, rule, frame, trials: MAX_TRIALS };
            match search.needed(&why.spans) {
                Some(needed) => why.spans = needed,
                None => why.truncated = true,
            }
        }
        if why.spans.len() > limit.min(MAX_EVIDENCE) {
            let mut spans: Vec<usize> = why.spans.iter().copied().collect();
            spans.sort_by_key(|at| self.record(*at).map(|r| (r.end, r.id)));
            why.spans = spans.into_iter().take(limit.min(MAX_EVIDENCE)).collect();
            why.truncated = true;
        }
        why
    }
}

impl Search<'_, '_> {
    /// Spans that break the claim by themselves and of which none can be left out, best among those that it seems to rest on.
    fn needed(&mut self, seeming: &BTreeSet<usize>) -> Option<BTreeSet<usize>> {
        let topology = self.view.topology();
        let mut found: Vec<usize> = seeming.iter().copied().collect();
        if !self.breaks(&found) {
            let mut above: BTreeSet<usize> = self.view.root().ok().into_iter().collect();
            for at in seeming {
                // What was met before has all above it among them.
                let mut way = topology.parent(*at);
                while let Some(next) = way.filter(|next| above.insert(*next)) {
                    way = topology.parent(next);
                }
            }
            let all = 0..self.view.records().len();
            found = more(seeming, above.into_iter());
            if !self.breaks(&found) {
                found = more(seeming, all);
                if found.len() > WIDEST_SEARCH || !self.breaks(&found) {
                    return None;
                }
            }
        }
        let mut chunk = if found.len() > 2 * seeming.len() { (found.len() / 2).max(1) } else { 1 };
        loop {
            let before = found.len();
            found = self.without_chunks(found, chunk)?;
            if chunk > 1 {
                chunk /= 2;
            } else if found.len() == before {
                return Some(found.into_iter().collect());
            }
        }
    }

    /// Leaves out what can be left out, so many spans at a time, first those in front; `None` where too much was tried.
    fn without_chunks(&mut self, mut spans: Vec<usize>, chunk: usize) -> Option<Vec<usize>> {
        let mut start = 0;
        while start < spans.len() {
            self.trials = self.trials.checked_sub(1).filter(|_| !self.view.explaining.are_over())?;
            let rest: Vec<usize> = spans.iter().take(start).chain(spans.iter().skip(start + chunk)).copied().collect();
            if self.breaks(&rest) {
                spans = rest;
            } else {
                start += chunk;
            }
        }
        Some(spans)
    }

    /// Whether the rule is violated by these spans alone.
    fn breaks(&self, spans: &[usize]) -> bool {
        let places: Vec<usize> = spans.iter().map(|at| self.view.place(*at)).collect();
        let trace = self.view.trace.part(&places, self.view.combinations);
        let mut part = View::new(self.view.shared, self.view.plan, &trace, self.view.combinations);
        part.steps = Steps::new(self.view.explaining.left());
        part.by.borrow_mut().clone_from(&self.rule.by);
        let breaks = part.at(self.rule, self.frame).0 == Outcome::Violated && !part.steps.are_over();
        self.view.explaining.take(spans.len());
        self.view.explaining.take_all(part.steps.all());
        breaks
    }
}

impl View<'_> {
    /// Whether the rule bounds how many spans one selector picks: then the spans above the bound (or the one that makes the claim
    /// apply) are what it needs, and a storm of such violations costs no search.
    fn is_bound_on_one_count(&self, rule: &RulePlan) -> bool {
        let claim = match &rule.claim {
            Claim::Not(inner) => inner,
            claim => claim,
        };
        let Claim::Compare { op: CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge, left, right } = claim else {
            return false;
        };
        let counted = match (counted(left), counted(right)) {
            (Some(set), None) if matches!(right, ClaimTerm::Literal(_)) => self.set(set),
            (None, Some(set)) if matches!(left, ClaimTerm::Literal(_)) => self.set(set),
            _ => None,
        };
        let is_near = |set: &&SetPlan| !set.grouped || rule.by.iter().all(|term| self.plan.far(*term).is_none());
        let Some(counted) = counted.filter(|set| set.selector.is_some() && rule.widest.is_none()).filter(is_near) else {
            return false;
        };
        match &rule.guard {
            None => true,
            Some(Claim::NonEmpty { set, .. }) => {
                self.set(*set).is_some_and(|set| (set.selector, set.grouped) == (counted.selector, counted.grouped))
            }
            Some(_) => false,
        }
    }
}

/// Others before those that the claim seems to rest on: what comes first is left out first.
fn more(seeming: &BTreeSet<usize>, others: impl Iterator<Item = usize>) -> Vec<usize> {
    others.filter(|at| !seeming.contains(at)).chain(seeming.iter().copied()).collect()
}

/// Whether claim and guard speak of presence, counts, relations and the root only. Behind other aggregates stand all their spans.
fn is_checkable(rule: &RulePlan) -> bool {
    of_claim(&rule.claim) && rule.guard.as_ref().is_none_or(of_claim)
}

fn of_claim(claim: &Claim) -> bool {
    match claim {
        Claim::Const(_) | Claim::NonEmpty { .. } => true,
        Claim::Not(inner) => of_claim(inner),
        Claim::And(parts) | Claim::Or(parts) => parts.iter().all(of_claim),
        Claim::Compare { left, right, .. } | Claim::Text { left, right, .. } => of_term(left) && of_term(right),
        Claim::In { term, .. } | Claim::Matches { term, .. } | Claim::Exists(term) => of_term(term),
    }
}

fn of_term(term: &ClaimTerm) -> bool {
    match term {
        ClaimTerm::Literal(_) => true,
        ClaimTerm::Aggregate { function, .. } => matches!(function, Function::Count),
        ClaimTerm::OfSpan { span, .. } => matches!(span, Distinguished::Root),
        ClaimTerm::Depth | ClaimTerm::TraceDuration => false,
        ClaimTerm::Arith { left, right, .. } => of_term(left) && of_term(right),
        ClaimTerm::Neg(inner) | ClaimTerm::Lower(inner) | ClaimTerm::Extract(inner, _) | ClaimTerm::Shape(inner) => of_term(inner),
        ClaimTerm::Coalesce(parts) => parts.iter().all(of_term),
    }
}
