//! Values of claim-level terms: exact, an interval, unknown, missing, or about nothing.

use std::cmp::Ordering;

use fluo_lang::program::{ArithOp, CompareOp};

use crate::expr::ops;
use crate::truth::{Reasons, Truth};
use crate::value::Val;
use crate::verdict::Reason;

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

/// `left op right` over what is known.
pub(crate) fn compare(op: CompareOp, left: &Cell<'_>, right: &Cell<'_>) -> Truth {
    match (left, right) {
        (Cell::NotApplicable, _) | (_, Cell::NotApplicable) => Truth::NotApplicable,
        // A comparison with something missing is false, whatever the other side is.
        (Cell::Missing, _) | (_, Cell::Missing) => Truth::False,
        (Cell::Exact(a), Cell::Exact(b)) => exact(op, a, b),
        (Cell::Unknown(_), _) | (_, Cell::Unknown(_)) => Truth::Unknown(left.why().and(right.why())),
        _ => between(op, left, right),
    }
}

/// Lists compare by their elements.
fn exact(op: CompareOp, a: &Val<'_>, b: &Val<'_>) -> Truth {
    let some = |op| a.each().iter().any(|x| b.each().iter().any(|y| ops::holds(op, x, y)));
    let found = Truth::of(if op == CompareOp::Ne { !some(CompareOp::Eq) } else { some(op) });
    let is_order = !matches!(op, CompareOp::Eq | CompareOp::Ne);
    if is_order && (a.is_blurred() || b.is_blurred()) { found.or(Truth::Unknown(Reasons::of(Reason::Limit))) } else { found }
}

/// Numbers of which one at least lies between bounds: the order of the nearest bounds decides for every value between them.
fn between(op: CompareOp, left: &Cell<'_>, right: &Cell<'_>) -> Truth {
    let ((left_low, left_high), (right_low, right_high)) = (left.bounds(), right.bounds());
    let pairs = [(left_high, right_low), (left_low, right_high), (left_low, right_low), (left_high, right_high)];
    // A number is unequal to and unordered with what is none.
    if pairs.into_iter().any(|(a, b)| matches!((a, b), (Some(a), Some(b)) if a.order(b).is_none())) {
        return Truth::of(op == CompareOp::Ne);
    }
    let order = |a: Option<&Val<'_>>, b: Option<&Val<'_>>| a?.order(b?);
    let (high_low, low_high) = (order(left_high, right_low), order(left_low, right_high));
    let (below, above) = (high_low == Some(Ordering::Less), low_high == Some(Ordering::Greater));
    let decide = |sure: bool, never: bool| match (sure, never) {
        (true, _) => Truth::True,
        (_, true) => Truth::False,
        _ => Truth::Unknown(left.why().and(right.why())),
    };
    match op {
        CompareOp::Eq => decide(false, above || below),
        CompareOp::Ne => decide(above || below, false),
        CompareOp::Lt => decide(below, low_high.is_some_and(Ordering::is_ge)),
        CompareOp::Ge => decide(low_high.is_some_and(Ordering::is_ge), below),
        CompareOp::Le => decide(high_low.is_some_and(Ordering::is_le), above),
        CompareOp::Gt => decide(above, high_low.is_some_and(Ordering::is_le)),
    }
}

/// Arithmetic over what is known. A ratio with zero is an aggregate of nothing.
pub(crate) fn arith<'a>(op: ArithOp, left: &Cell<'_>, right: &Cell<'_>) -> Cell<'a> {
    let divides = matches!(op, ArithOp::Div | ArithOp::Rem);
    match (left, right) {
        (Cell::NotApplicable, _) | (_, Cell::NotApplicable) => Cell::NotApplicable,
        (_, Cell::Exact(divisor)) if divides && is_zero(divisor) => Cell::NotApplicable,
        (Cell::Missing, _) | (_, Cell::Missing) => Cell::Missing,
        (Cell::Exact(a), Cell::Exact(b)) => match (a.each(), b.each()) {
            ([a], [b]) => ops::combine(op, a, b).map_or(Cell::Missing, Cell::Exact),
            _ => Cell::Missing,
        },
        (Cell::Unknown(_), _) | (_, Cell::Unknown(_)) => Cell::Unknown(left.why().and(right.why())),
        (Cell::Exact(value), _) | (_, Cell::Exact(value)) if sign(value).is_none() => Cell::Missing,
        _ => {
            let why = left.why().and(right.why());
            corners(op, left.bounds(), right.bounds()).map_or(Cell::Unknown(why), |(low, high)| Cell::range(low, high, why))
        }
    }
}

fn is_zero(value: &Val<'_>) -> bool {
    sign(value) == Some(Ordering::Equal)
}

/// How a number or duration stands to zero.
fn sign(value: &Val<'_>) -> Option<Ordering> {
    let zero = if matches!(value, Val::Duration(_)) { Val::Duration(0) } else { Val::Int(0) };
    value.number().map_or_else(|| matches!(value, Val::Duration(_)).then(|| value.order(&zero)).flatten(), |_| value.order(&zero))
}

type Bound<'b> = Option<&'b Val<'b>>;

/// The bounds of the result; nothing where they cannot be told.
fn corners<'a>(op: ArithOp, (a, b): (Bound<'_>, Bound<'_>), (c, d): (Bound<'_>, Bound<'_>)) -> Option<(Option<Val<'a>>, Option<Val<'a>>)> {
    let with = |x: Bound<'_>, y: Bound<'_>| -> Option<Option<Val<'a>>> {
        match (x, y) {
            (Some(x), Some(y)) => ops::combine(op, x, y).map(Some),
            _ => Some(None),
        }
    };
    let is = |x: Bound<'_>, fits: fn(Ordering) -> bool| x.and_then(sign).is_some_and(fits);
    let constant = |x: Bound<'_>, y: Bound<'_>| matches!((x, y), (Some(x), Some(y)) if x.equals(y));
    if matches!(op, ArithOp::Add | ArithOp::Sub | ArithOp::Mul) && may_overflow(op, (a, b), (c, d)) {
        return None;
    }
    match op {
        ArithOp::Add => Some((with(a, c)?, with(b, d)?)),
        ArithOp::Sub => Some((with(a, d)?, with(b, c)?)),
        ArithOp::Mul if is(a, Ordering::is_ge) && is(c, Ordering::is_ge) => Some((with(a, c)?, with(b, d)?)),
        ArithOp::Mul if constant(a, b) && is(a, Ordering::is_lt) => Some((with(a, d)?, with(a, c)?)),
        ArithOp::Mul if constant(c, d) && is(c, Ordering::is_lt) => Some((with(b, c)?, with(a, c)?)),
        ArithOp::Mul if constant(a, b) => Some((with(a, c)?, with(a, d)?)),
        ArithOp::Mul if constant(c, d) => Some((with(a, c)?, with(b, c)?)),
        ArithOp::Div if constant(c, d) && is(c, Ordering::is_gt) => Some((with(a, c)?, with(b, c)?)),
        ArithOp::Div if constant(c, d) => Some((with(b, c)?, with(a, c)?)),
        ArithOp::Div if is(c, Ordering::is_gt) && is(a, Ordering::is_ge) => {
            // The greater the divisor, the nearer to zero.
            let low = if d.is_some() { with(a, d)? } else { Some(quotient_zero((a, b), (c, d))) };
            Some((low, with(b, c)?))
        }
        ArithOp::Mul | ArithOp::Div | ArithOp::Rem => None,
    }
}

/// A number that is not bounded is taken for none beyond this: of so many spans nothing is counted.
const MOST: i64 = 1 << 24;

/// A duration likewise: a year in nanoseconds.
const LONGEST: i64 = 365 * 86_400_000_000_000;

/// Whether the result may be none for some numbers between the bounds: then nothing is known of it.
fn may_overflow(op: ArithOp, left: (Bound<'_>, Bound<'_>), right: (Bound<'_>, Bound<'_>)) -> bool {
    let right = ends(right);
    ends(left).iter().any(|l| right.iter().any(|r| ops::combine(op, l, r).is_none()))
}

/// The least and the greatest value.
fn ends<'b>((low, high): (Bound<'b>, Bound<'b>)) -> [Val<'b>; 2] {
    let far =
        |sign: i64| if matches!(low.or(high), Some(Val::Duration(_))) { Val::Duration(sign * LONGEST) } else { Val::Int(sign * MOST) };
    [low.cloned().unwrap_or(far(-1)), high.cloned().unwrap_or(far(1))]
}

/// Zero of the type that a quotient has.
fn quotient_zero<'a>((a, b): (Bound<'_>, Bound<'_>), (c, d): (Bound<'_>, Bound<'_>)) -> Val<'a> {
    let is_duration = |x: Bound<'_>, y: Bound<'_>| matches!(x.or(y), Some(Val::Duration(_)));
    if is_duration(a, b) && !is_duration(c, d) { Val::Duration(0) } else { Val::Int(0) }
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
