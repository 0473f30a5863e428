//! What is known of the sign of a summed term before a span has been seen: a sum of what is never negative only grows as spans come.

use super::{CompareOp, Expr, Field, FieldKey, Owner, Spanset, Step, Term};
use crate::value::{Number, Value, number};

/// Whether the spans of a set cannot have a negative value of a term, where they have one: it is a span's duration, or the predicate of
/// the set has a conjunct that says so (`f >= 0`, `f > 3`, `f == 7`, `f in [1, 2]`).
#[must_use]
pub fn is_never_negative(set: &Spanset, term: &Term) -> bool {
    if matches!(term, Term::Field(Field { owner: Owner::Span, key: FieldKey::Duration })) {
        return true;
    }
    // What is asked before a step to other spans is asked of others.
    let own = set.steps.iter().rev().map_while(|step| if let Step::Where(predicate) = step { Some(predicate) } else { None });
    own.into_iter().any(|predicate| keeps(predicate, term))
}

fn keeps(predicate: &Expr, term: &Term) -> bool {
    match predicate {
        Expr::And(parts) => parts.iter().any(|part| keeps(part, term)),
        Expr::Compare { op, left, right: Term::Literal(limit) } if left == term => {
            matches!(op, CompareOp::Ge | CompareOp::Gt | CompareOp::Eq) && is_not_negative(limit)
        }
        Expr::Compare { op, left: Term::Literal(limit), right } if right == term => {
            matches!(op, CompareOp::Le | CompareOp::Lt | CompareOp::Eq) && is_not_negative(limit)
        }
        Expr::In { term: listed, list, negated: false } => listed == term && list.iter().all(is_not_negative),
        _ => false,
    }
}

fn is_not_negative(limit: &Value) -> bool {
    match limit {
        Value::Duration(nanos) => *nanos >= 0,
        other => number(other.view()).is_some_and(|n| match n {
            Number::Int(n) => n >= 0,
            other => other.to_f64() >= 0.0,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::is_never_negative;
    use crate::program::{AggregateFn, Expr, Term};
    use crate::source::{Source, SourceKind};

    fn of(sum: &str) -> bool {
        let text = format!("- name: r\n  never: {sum} > 5\n");
        let sources = [Source { name: "rules.yml".to_owned(), text, kind: SourceKind::File }];
        let rules = crate::load(&sources, &crate::limits::Limits::default()).rules.unwrap().rules;
        let Some(Expr::Compare { left: Term::Aggregate(aggregate), .. }) = rules.first().map(|rule| &rule.claim) else {
            panic!("{sum} is no sum")
        };
        let AggregateFn::Sum(term) = &aggregate.function else { panic!("{sum} is no sum") };
        is_never_negative(&aggregate.set, term)
    }

    #[test]
    fn a_conjunct_of_the_set_keeps_the_term_from_being_negative() {
        for sum in [
            "trace.has(a.b and n >= 0).sum(n)",
            "trace.has(a.b and 3 <= attr(n)).sum(attr(n))",
            "trace.has(n > 0.5).where(a.b).sum(n)",
            "trace.spans.where(n == 7).sum(n)",
            "trace.spans.where(n in [1, 2]).sum(n)",
            "trace.has(a.b).children.where(n >= '0').sum(n)",
            "trace.has(lower(n) >= 0).sum(lower(n))",
        ] {
            assert!(of(sum), "{sum}");
        }
        for sum in [
            "trace.has(a.b).sum(n)",
            "trace.has(n >= -1).sum(n)",
            "trace.has(m >= 0).sum(n)",
            "trace.has(n >= 0 or a.b).sum(n)",
            "trace.has(not (n >= 0)).sum(n)",
            "trace.has(n <= 7).sum(n)",
            "trace.has(n != 7).sum(n)",
            "trace.has(n in [1, -2]).sum(n)",
            "trace.has(n >= 0).children.sum(n)",
        ] {
            assert!(!of(sum), "{sum}");
        }
    }
}
