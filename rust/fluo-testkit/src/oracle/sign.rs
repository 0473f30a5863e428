//! Whether further spans can only make a sum greater.

use fluo_lang::program::{CompareOp, Expr, Field, FieldKey, Owner, Spanset, Step, Term};
use fluo_lang::value::Value;

use super::value::Datum;

/// Whether no span of the set adds less than nothing to a sum of the term: the term is the span's duration, or a condition that every
/// span of the set satisfies keeps it from being negative.
pub(super) fn never_negative(set: &Spanset, term: &Term) -> bool {
    if matches!(term, Term::Field(Field { owner: Owner::Span, key: FieldKey::Duration })) {
        return true;
    }
    for step in set.steps.iter().rev() {
        match step {
            Step::Navigate(_) => return false,
            Step::Where(predicate) if says_so(predicate, term) => return true,
            Step::Where(_) => {}
        }
    }
    false
}

fn says_so(predicate: &Expr, term: &Term) -> bool {
    match predicate {
        Expr::And(all) => all.iter().any(|part| says_so(part, term)),
        Expr::Compare { op, left, right } => match (left, right) {
            (it, Term::Literal(bound)) if it == term => {
                [CompareOp::Eq, CompareOp::Ge, CompareOp::Gt].contains(op) && is_at_least_zero(bound)
            }
            (Term::Literal(bound), it) if it == term => {
                [CompareOp::Eq, CompareOp::Le, CompareOp::Lt].contains(op) && is_at_least_zero(bound)
            }
            _ => false,
        },
        Expr::In { term: it, list, negated } => !negated && it == term && list.iter().all(is_at_least_zero),
        _ => false,
    }
}

fn is_at_least_zero(value: &Value) -> bool {
    match Datum::of_literal(value) {
        Datum::Duration(d) => d >= 0,
        other => other.number().is_some_and(|number| number.float() >= 0.0),
    }
}
