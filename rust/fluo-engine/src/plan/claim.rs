//! Claims: truth over spansets and their aggregates.

use fluo_lang::print;
use fluo_lang::program::sign::is_never_negative;
use fluo_lang::program::{AggregateFn, ArithOp, Expr, Field, FieldKey, Owner, Quantifier, Scope, SpanRef, Spanset, Step, Term};
use fluo_lang::value::Value;

use super::compile::Compiler;
use super::predicate::regex;
use super::{Claim, ClaimTerm, Distinguished, Function};
use crate::expr::finder::Finder;

impl Compiler {
    /// A claim-level expression.
    pub(super) fn claim(&mut self, expr: &Expr, by: &[Term]) -> Claim {
        match expr {
            Expr::Const(value) => Claim::Const(*value),
            Expr::Not(inner) => Claim::Not(Box::new(self.claim(inner, by))),
            Expr::And(parts) => Claim::And(parts.iter().map(|e| self.claim(e, by)).collect()),
            Expr::Or(parts) => Claim::Or(parts.iter().map(|e| self.claim(e, by)).collect()),
            Expr::Implies(a, b) => Claim::Or(vec![Claim::Not(Box::new(self.claim(a, by))), self.claim(b, by)]),
            Expr::NonEmpty(set) => {
                let set = self.merged(set, by);
                Claim::NonEmpty { set, tested: set }
            }
            Expr::Empty(set) => {
                let set = self.merged(set, by);
                Claim::Not(Box::new(Claim::NonEmpty { set, tested: set }))
            }
            Expr::Quantified { quantifier, set, predicate } => self.quantified(*quantifier, set, predicate, by),
            Expr::Compare { op, left, right } => {
                Claim::Compare { op: *op, left: self.claim_term(left, by), right: self.claim_term(right, by) }
            }
            Expr::In { term, list, negated } => {
                Claim::In { term: self.claim_term(term, by), list: list.iter().map(Into::into).collect(), negated: *negated }
            }
            Expr::Text { op, left, right } => Claim::Text { op: *op, left: self.claim_term(left, by), right: self.claim_term(right, by) },
            Expr::Matches { term, regex: pattern } => match Finder::new(&pattern.source) {
                Some(regex) => Claim::Matches { term: self.claim_term(term, by), regex },
                None => Claim::Const(false),
            },
            Expr::Exists(term) => Claim::Exists(self.claim_term(term, by)),
            Expr::Missing(term) => Claim::Not(Box::new(Claim::Exists(self.claim_term(term, by)))),
            // The checker lets no span-level construct stand here.
            Expr::Name(_) | Expr::Item { .. } | Expr::Relation(_) => Claim::Const(false),
        }
    }

    /// `any(P)`: some span satisfies P; `none(P)`: no span does; `all(P)`: no span satisfies `not P`.
    fn quantified(&mut self, quantifier: Quantifier, set: &Spanset, predicate: &Expr, by: &[Term]) -> Claim {
        let narrowed = |predicate: Expr| {
            let mut narrowed = set.clone();
            narrowed.steps.push(Step::Where(predicate));
            narrowed
        };
        let tested = self.merged(set, by);
        let found = match quantifier {
            Quantifier::Any | Quantifier::None => narrowed(predicate.clone()),
            Quantifier::All => narrowed(Expr::Not(Box::new(predicate.clone()))),
        };
        let set = self.merged(&found, by);
        let found = Claim::NonEmpty { set, tested };
        if quantifier == Quantifier::Any { found } else { Claim::Not(Box::new(found)) }
    }

    /// A set whose neighbouring `where` steps are one, so that one selector may decide them.
    fn merged(&mut self, set: &Spanset, by: &[Term]) -> u32 {
        let mut steps: Vec<Step> = Vec::new();
        for step in &set.steps {
            if let Step::Where(next) = step
                && let Some(Step::Where(before)) = steps.last_mut()
            {
                let mut parts = match std::mem::replace(before, Expr::Const(true)) {
                    Expr::And(parts) => parts,
                    other => vec![other],
                };
                parts.push(next.clone());
                *before = Expr::And(parts);
            } else {
                steps.push(step.clone());
            }
        }
        self.named_set(&Spanset { steps, within: set.within, by: set.by.clone() }, set, by)
    }

    /// A claim-level term.
    pub(super) fn claim_term(&mut self, term: &Term, by: &[Term]) -> ClaimTerm {
        match term {
            Term::Literal(value) => ClaimTerm::Literal(value.into()),
            Term::Aggregate(aggregate) => {
                let set = self.merged(&aggregate.set, by);
                let only = self.sets.get(set as usize).and_then(|s| s.selector);
                let mut kept = |term: &Term| self.kept(term, only);
                let function = match &aggregate.function {
                    AggregateFn::Count => Function::Count,
                    AggregateFn::Distinct(terms) => Function::Distinct(terms.iter().map(kept).collect()),
                    AggregateFn::Sum(term) => {
                        let never_negative = is_never_negative(&aggregate.set, term);
                        Function::Sum { term: kept(term), never_negative, is_duration: is_duration(term) }
                    }
                    AggregateFn::Min(term) => Function::Min(kept(term)),
                    AggregateFn::Max(term) => Function::Max(kept(term)),
                    AggregateFn::Avg(term) => Function::Avg(kept(term)),
                    AggregateFn::Quantile(term, q) => Function::Quantile(kept(term), *q),
                    AggregateFn::Rate => Function::Rate(aggregate.set.within.unwrap_or_default()),
                    AggregateFn::Concurrent => Function::Concurrent,
                    AggregateFn::LongestRun(terms) => Function::LongestRun(terms.iter().map(kept).collect()),
                };
                ClaimTerm::Aggregate { set, function, text: print::term(term, Scope::Trace) }
            }
            Term::SpanField(of) => {
                let span = match &of.span {
                    SpanRef::Root => {
                        // The root may be any span that no selector picks.
                        self.keep_every_span(&print::term(term, Scope::Trace));
                        Distinguished::Root
                    }
                    SpanRef::First(set) => Distinguished::First(self.merged(set, by)),
                    SpanRef::Last(set) => Distinguished::Last(self.merged(set, by)),
                };
                let kept = match span {
                    Distinguished::Root => self.kept(&Term::Field(Field { owner: Owner::Span, key: of.field.key.clone() }), None),
                    Distinguished::First(set) | Distinguished::Last(set) => self.kept_on_sets(&Term::Field(of.field.clone()), &[set]),
                };
                ClaimTerm::OfSpan { span, term: kept, text: print::term(term, Scope::Trace) }
            }
            Term::Depth => {
                self.keep_every_span("trace.depth");
                ClaimTerm::Depth
            }
            Term::TraceDuration => {
                self.keep_every_span("trace.duration");
                ClaimTerm::TraceDuration
            }
            Term::Arith { op, left, right } => {
                ClaimTerm::Arith { op: *op, left: Box::new(self.claim_term(left, by)), right: Box::new(self.claim_term(right, by)) }
            }
            Term::Neg(inner) => ClaimTerm::Neg(Box::new(self.claim_term(inner, by))),
            Term::Coalesce(parts) => ClaimTerm::Coalesce(parts.iter().map(|t| self.claim_term(t, by)).collect()),
            Term::Lower(inner) => ClaimTerm::Lower(Box::new(self.claim_term(inner, by))),
            Term::Extract(inner, pattern) => match regex(pattern) {
                Some(regex) => ClaimTerm::Extract(Box::new(self.claim_term(inner, by)), regex),
                None => ClaimTerm::Coalesce(Vec::new()),
            },
            Term::Shape(inner) => ClaimTerm::Shape(Box::new(self.claim_term(inner, by))),
            // The checker lets no bare field stand here.
            Term::Field(_) => ClaimTerm::Coalesce(Vec::new()),
        }
    }
}

/// Whether a term is a duration by what it says.
fn is_duration(term: &Term) -> bool {
    match term {
        Term::Literal(Value::Duration(_)) | Term::Field(Field { key: FieldKey::Duration, .. }) | Term::TraceDuration => true,
        Term::Neg(inner) => is_duration(inner),
        Term::Coalesce(parts) => parts.iter().any(is_duration),
        Term::Arith { op: ArithOp::Div, left, right } => is_duration(left) && !is_duration(right),
        Term::Arith { left, right, .. } => is_duration(left) || is_duration(right),
        _ => false,
    }
}

/// The sets that a claim speaks of.
#[derive(Default)]
pub(super) struct Sets {
    pub(super) ids: Vec<u32>,
    /// Whether the claim asks for nothing but emptiness, counts and constants.
    pub(super) only_counts: bool,
    /// Whether the claim speaks of the root, the depth or the duration, which every trace has.
    pub(super) speaks_of_trace: bool,
    started: bool,
}

impl Sets {
    /// Adds those of a claim.
    pub(super) fn of(&mut self, claim: &Claim) {
        if !self.started {
            self.started = true;
            self.only_counts = true;
        }
        match claim {
            Claim::Const(_) => {}
            Claim::Not(inner) => self.of(inner),
            Claim::And(parts) | Claim::Or(parts) => parts.iter().for_each(|c| self.of(c)),
            Claim::NonEmpty { set, tested } => self.ids.extend([*set, *tested]),
            Claim::Compare { left, right, .. } => {
                self.term(left);
                self.term(right);
            }
            Claim::Text { left, right, .. } => {
                self.only_counts = false;
                self.term(left);
                self.term(right);
            }
            Claim::In { term, .. } | Claim::Matches { term, .. } | Claim::Exists(term) => {
                self.only_counts = false;
                self.term(term);
            }
        }
    }

    fn term(&mut self, term: &ClaimTerm) {
        if let Some(set) = term.count_of() {
            self.ids.push(set);
            return;
        }
        match term {
            ClaimTerm::Literal(_) => {}
            ClaimTerm::Aggregate { set, .. } => {
                self.only_counts = false;
                self.ids.push(*set);
            }
            ClaimTerm::OfSpan { span, .. } => {
                self.only_counts = false;
                match span {
                    Distinguished::First(set) | Distinguished::Last(set) => self.ids.push(*set),
                    Distinguished::Root => self.speaks_of_trace = true,
                }
            }
            ClaimTerm::Depth | ClaimTerm::TraceDuration => {
                self.only_counts = false;
                self.speaks_of_trace = true;
            }
            ClaimTerm::Arith { left, right, .. } => {
                self.term(left);
                self.term(right);
            }
            ClaimTerm::Neg(inner) | ClaimTerm::Lower(inner) | ClaimTerm::Extract(inner, _) | ClaimTerm::Shape(inner) => self.term(inner),
            ClaimTerm::Coalesce(parts) => parts.iter().for_each(|t| self.term(t)),
        }
    }
}
