//! When a rule applies without `when` (language reference §4).

use std::collections::HashSet;

use crate::print;
use crate::program::{AggregateFn, CompareOp, Expr, Guard, Polarity, Scope, SpanRef, Spanset, Term};
use crate::value::{Number, number};

/// The guard of a rule without `when`; `None` where the rule could never be violated.
pub(super) fn derive(scope: Scope, polarity: Polarity, claim: &Expr) -> Option<Guard> {
    if scope == Scope::Spans || polarity == Polarity::Never {
        return Some(Guard::Everywhere);
    }
    if never_violable(claim) {
        return None;
    }
    let mut sets = Tested::default();
    tested(claim, &mut sets);
    let sets = sets.list;
    // A spanset of all spans is never empty: the rule applies to every trace.
    if sets.is_empty() || sets.iter().any(|set| set.steps.is_empty()) {
        return Some(Guard::Everywhere);
    }
    let mut tests: Vec<_> = sets.into_iter().map(Expr::NonEmpty).collect();
    Some(Guard::Derived(match (tests.pop(), tests.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            tests.push(last);
            Expr::Or(tests)
        }
        (None, _) => return Some(Guard::Everywhere),
    }))
}

/// A claim that is only a test for presence, or an `or` of such: where it fails it does not apply.
fn never_violable(claim: &Expr) -> bool {
    match claim {
        Expr::NonEmpty(set) => set.within.is_none(),
        Expr::Not(inner) => matches!(&**inner, Expr::Empty(set) if set.within.is_none()),
        Expr::Or(items) => items.iter().all(never_violable),
        other => at_least_one(other).is_some_and(|set| set.within.is_none()),
    }
}

/// The spanset of `S.count() >= 1`, `S.count() > 0` and their mirrors.
pub(super) fn at_least_one(expr: &Expr) -> Option<&Spanset> {
    let Expr::Compare { op, left, right } = expr else { return None };
    let (op, aggregate, bound) = match (left, right) {
        (Term::Aggregate(aggregate), Term::Literal(bound)) => (*op, aggregate, bound),
        (Term::Literal(bound), Term::Aggregate(aggregate)) => {
            let op = match op {
                CompareOp::Lt => CompareOp::Gt,
                CompareOp::Le => CompareOp::Ge,
                _ => return None,
            };
            (op, aggregate, bound)
        }
        _ => return None,
    };
    let least = match op {
        CompareOp::Gt => Number::Int(0),
        CompareOp::Ge => Number::Int(1),
        _ => return None,
    };
    (aggregate.function == AggregateFn::Count && number(bound.view())? == least).then_some(&aggregate.set)
}

/// Spansets, each once, told apart by their canonical text: a claim may name thousands.
#[derive(Default)]
struct Tested {
    list: Vec<Spanset>,
    known: HashSet<String>,
}

/// The spansets that a claim itself tests or aggregates, windows left out.
fn tested(expr: &Expr, sets: &mut Tested) {
    match expr {
        Expr::Not(inner) => tested(inner, sets),
        Expr::And(items) | Expr::Or(items) => {
            for item in items {
                tested(item, sets);
            }
        }
        Expr::Implies(condition, _) => tested(condition, sets),
        Expr::NonEmpty(set) | Expr::Empty(set) | Expr::Quantified { set, .. } => add(set, sets),
        Expr::Compare { left, right, .. } | Expr::Text { left, right, .. } => {
            tested_by_term(left, sets);
            tested_by_term(right, sets);
        }
        Expr::In { term, .. } | Expr::Matches { term, .. } | Expr::Exists(term) | Expr::Missing(term) => {
            tested_by_term(term, sets);
        }
        Expr::Const(_) | Expr::Name(_) | Expr::Item { .. } | Expr::Relation(_) => {}
    }
}

fn tested_by_term(term: &Term, sets: &mut Tested) {
    match term {
        Term::Aggregate(aggregate) => add(&aggregate.set, sets),
        Term::SpanField(field) => match &field.span {
            SpanRef::Root => {}
            SpanRef::First(set) | SpanRef::Last(set) => add(set, sets),
        },
        Term::Arith { left, right, .. } => {
            tested_by_term(left, sets);
            tested_by_term(right, sets);
        }
        Term::Neg(inner) | Term::Lower(inner) | Term::Shape(inner) | Term::Extract(inner, _) => {
            tested_by_term(inner, sets);
        }
        Term::Coalesce(items) => {
            for item in items {
                tested_by_term(item, sets);
            }
        }
        Term::Literal(_) | Term::Field(_) | Term::Depth | Term::TraceDuration => {}
    }
}

fn add(set: &Spanset, sets: &mut Tested) {
    let set = Spanset { within: None, ..set.clone() };
    if sets.known.insert(print::spanset(&set, Scope::Trace)) {
        sets.list.push(set);
    }
}
