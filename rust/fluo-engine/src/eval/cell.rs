//! Values of claim-level terms: exact, an interval, unknown, missing, or about nothing.

use std::cmp::Ordering;

use fluo_lang::program::{ArithOp, CompareOp};

use crate::expr::ops;
use crate::truth::{Reasons, Truth};
use crate::value::Val;

/// What is known of a term's value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    /// An aggregate of nothing.
    NotApplicable,
    Missing,
    /// Nothing is known.
    Unknown(Reasons),
    Exact(Val<'a>),
    /// Between the bounds, both included; `None` is unbounded. The bounds are numbers or durations.
    Range {
        low: Option<Val<'a>>,
        high: Option<Val<'a>>,
        why: Reasons,
    },
}

impl<'a> Cell<'a> {
    /// A number of spans between bounds.
    pub(crate) fn count(low: u64, high: Option<u64>, why: Reasons) -> Self {
        let number = |n: u64| Val::Int(i64::try_from(n).unwrap_or(i64::MAX));
        if high == Some(low) { Self::Exact(number(low)) } else { Self::Range { low: Some(number(low)), high: high.map(number), why } }
    }

    /// A range, or an exact value where the bounds meet.
    pub(crate) fn range(low: Option<Val<'a>>, high: Option<Val<'a>>, why: Reasons) -> Self {
        match (&low, &high) {
            (None, None) => Self::Unknown(why),
            (Some(a), Some(b)) if a.equals(b) => Self::Exact(a.clone()),
            _ => Self::Range { low, high, why },
        }
    }

    const fn bounds(&self) -> (Option<&Val<'a>>, Option<&Val<'a>>) {
        match self {
            Self::Exact(value) => (Some(value), Some(value)),
            Self::Range { low, high, .. } => (low.as_ref(), high.as_ref()),
            _ => (None, None),
        }
    }

    /// Why the value is not exact.
    pub(crate) const fn why(&self) -> Reasons {
        match self {
            Self::Unknown(why) | Self::Range { why, .. } => *why,
            _ => Reasons::NONE,
        }
    }
}

/// Whether `a` is below `b` for certain: their order where both are known.
fn order(a: Option<&Val<'_>>, b: Option<&Val<'_>>) -> Option<Ordering> {
    a?.order(b?)
}

/// `left op right` over what is known.
pub(crate) fn compare(op: CompareOp, left: &Cell<'_>, right: &Cell<'_>) -> Truth {
    match (left, right) {
        // A comparison with something missing is false, whatever the other side is.
        (Cell::Missing, _) | (_, Cell::Missing) => Truth::False,
        (Cell::Exact(a), Cell::Exact(b)) => exact(op, a, b),
        (Cell::Unknown(why), Cell::NotApplicable) | (Cell::NotApplicable, Cell::Unknown(why)) => Truth::Unknown(*why),
        (Cell::NotApplicable, other) | (other, Cell::NotApplicable) if !other.why().is_empty() => Truth::Unknown(other.why()),
        (Cell::NotApplicable, _) | (_, Cell::NotApplicable) => Truth::NotApplicable,
        _ => between(op, left, right),
    }
}

/// Lists compare by their elements.
fn exact(op: CompareOp, a: &Val<'_>, b: &Val<'_>) -> Truth {
    let some = |op| a.each().iter().any(|x| b.each().iter().any(|y| ops::holds(op, x, y)));
    Truth::of(if op == CompareOp::Ne { !some(CompareOp::Eq) } else { some(op) })
}

fn between(op: CompareOp, left: &Cell<'_>, right: &Cell<'_>) -> Truth {
    let unknown = Truth::Unknown(left.why().and(right.why()));
    let ((left_low, left_high), (right_low, right_high)) = (left.bounds(), right.bounds());
    // `sure` and `never`: the order of the nearest bounds decides for every value between them.
    let decide = |sure: bool, never: bool| match (sure, never) {
        (true, _) => Truth::True,
        (_, true) => Truth::False,
        _ => unknown,
    };
    match op {
        CompareOp::Lt => {
            decide(order(left_high, right_low) == Some(Ordering::Less), order(left_low, right_high).is_some_and(Ordering::is_ge))
        }
        CompareOp::Le => {
            decide(order(left_high, right_low).is_some_and(Ordering::is_le), order(left_low, right_high) == Some(Ordering::Greater))
        }
        CompareOp::Gt => between(CompareOp::Lt, right, left),
        CompareOp::Ge => between(CompareOp::Le, right, left),
        CompareOp::Eq | CompareOp::Ne => {
            let apart = order(left_high, right_low) == Some(Ordering::Less) || order(left_low, right_high) == Some(Ordering::Greater);
            let equal = decide(false, apart);
            if op == CompareOp::Eq { equal } else { equal.not() }
        }
    }
}

/// Arithmetic over what is known. Intervals are kept by `+`, `-` and by `*` and `/` with a constant; anything else is unknown.
pub(crate) fn arith<'a>(op: ArithOp, left: &Cell<'_>, right: &Cell<'_>) -> Cell<'a> {
    match (left, right) {
        (Cell::Missing, _) | (_, Cell::Missing) => Cell::Missing,
        (Cell::Exact(a), Cell::Exact(b)) => match ops::combine(op, a, b) {
            Some(value) => Cell::Exact(value),
            // A ratio with zero is an aggregate of nothing.
            None if op == ArithOp::Div && is_zero(b) => Cell::NotApplicable,
            None => Cell::Missing,
        },
        (Cell::NotApplicable, other) | (other, Cell::NotApplicable) if other.why().is_empty() => Cell::NotApplicable,
        (Cell::NotApplicable | Cell::Unknown(_), _) | (_, Cell::NotApplicable | Cell::Unknown(_)) => {
            Cell::Unknown(left.why().and(right.why()))
        }
        _ => interval(op, left, right),
    }
}

fn is_zero(value: &Val<'_>) -> bool {
    matches!(value, Val::Duration(0)) || value.number().is_some_and(|n| n.to_f64() == 0.0)
}

fn sign(value: &Val<'_>) -> Option<Ordering> {
    let zero = if matches!(value, Val::Duration(_)) { Val::Duration(0) } else { Val::Int(0) };
    value.order(&zero)
}

fn interval<'a>(op: ArithOp, left: &Cell<'_>, right: &Cell<'_>) -> Cell<'a> {
    let why = left.why().and(right.why());
    let ((left_low, left_high), (right_low, right_high)) = (left.bounds(), right.bounds());
    let with = |a: Option<&Val<'_>>, b: Option<&Val<'_>>| ops::combine(op, a?, b?);
    let (low, high) = match (op, left, right) {
        (ArithOp::Add, _, _) => (with(left_low, right_low), with(left_high, right_high)),
        (ArithOp::Sub, _, _) => (with(left_low, right_high), with(left_high, right_low)),
        (ArithOp::Mul | ArithOp::Div, _, Cell::Exact(factor)) => match sign(factor) {
            Some(Ordering::Greater) => (with(left_low, Some(factor)), with(left_high, Some(factor))),
            Some(Ordering::Less) => (with(left_high, Some(factor)), with(left_low, Some(factor))),
            _ => (None, None),
        },
        (ArithOp::Mul, Cell::Exact(_), _) => return interval(op, right, left),
        _ => (None, None),
    };
    // A quotient that reaches zero from a count that may be zero stays an interval; a bound that left its range is unbounded.
    Cell::range(low, high, why)
}

#[cfg(test)]
mod tests {
    use super::{Cell, compare};
    use crate::truth::{Reasons, Truth};
    use crate::value::Val;
    use fluo_lang::program::CompareOp;

    #[test]
    fn an_open_count_decides_upwards_only() {
        let open = Cell::count(51, None, Reasons::OPEN);
        let fifty = Cell::Exact(Val::Int(50));
        assert_eq!(compare(CompareOp::Gt, &open, &fifty), Truth::True);
        assert_eq!(compare(CompareOp::Le, &open, &fifty), Truth::False);
        assert_eq!(compare(CompareOp::Eq, &open, &fifty), Truth::False);
        assert_eq!(compare(CompareOp::Ne, &open, &fifty), Truth::True);
        let few = Cell::count(50, None, Reasons::OPEN);
        for op in [CompareOp::Gt, CompareOp::Le, CompareOp::Eq, CompareOp::Ne] {
            assert!(matches!(compare(op, &few, &fifty), Truth::Unknown(_)), "{op:?}");
        }
        assert_eq!(compare(CompareOp::Ge, &few, &fifty), Truth::True);
    }
}
