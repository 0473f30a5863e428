//! Values of claim-level terms: what was read, a number between bounds, or nothing to speak of.

use std::cmp::Ordering;

use fluo_lang::program::{ArithOp, CompareOp};

use super::number::arithmetic;
use super::predicate::compare;
use super::reading::{Reading, binary};
use super::truth::{Reasons, Truth};
use super::value::Datum;

/// The value of a claim-level term.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Quantity {
    /// Known, missing, or wholly unknown.
    Read(Reading),
    /// A number not below `low` and not above `high`; `None` is no bound.
    Between { low: Option<Datum>, high: Option<Datum>, why: Reasons },
    /// An aggregate of nothing.
    Nothing,
}

impl Quantity {
    pub(super) fn known(value: Datum) -> Self {
        Self::Read(Reading::one(value))
    }

    pub(super) fn missing() -> Self {
        Self::Read(Reading::missing())
    }

    pub(super) fn unknown(why: Reasons) -> Self {
        Self::Read(Reading::unknown(why))
    }

    /// Known where the bounds meet.
    pub(super) fn between(low: Option<Datum>, high: Option<Datum>, why: Reasons) -> Self {
        match (&low, &high) {
            (Some(a), Some(b)) if a.equals(b) => Self::known(a.clone()),
            (None, None) => Self::unknown(why),
            _ => Self::Between { low, high, why },
        }
    }

    /// The bounds, where the term is a number.
    fn bounds(&self) -> Option<(Option<Datum>, Option<Datum>, Reasons)> {
        match self {
            Self::Between { low, high, why } => Some((low.clone(), high.clone(), *why)),
            Self::Read(reading) => {
                let one = reading.single()?.clone();
                (one.number().is_some() || matches!(one, Datum::Duration(_))).then(|| (Some(one.clone()), Some(one), Reasons::NONE))
            }
            Self::Nothing => None,
        }
    }

    /// The reading, with a number between bounds read as unknown.
    pub(super) fn reading(self) -> Option<Reading> {
        match self {
            Self::Read(reading) => Some(reading),
            Self::Between { why, .. } => Some(Reading::unknown(why)),
            Self::Nothing => None,
        }
    }
}

/// `left op right`.
pub(super) fn compare_quantities(op: CompareOp, left: &Quantity, right: &Quantity) -> Truth {
    let (l, r) = match (left, right) {
        (Quantity::Nothing, _) | (_, Quantity::Nothing) => return Truth::NotApplicable,
        (Quantity::Read(l), Quantity::Read(r)) => return compare(op, l, r),
        (Quantity::Read(x), _) | (_, Quantity::Read(x)) if x.is_missing() => return Truth::False,
        (Quantity::Read(x), other) | (other, Quantity::Read(x)) if !x.open.is_empty() => {
            let why = if let Quantity::Between { why, .. } = other { *why } else { Reasons::NONE };
            return Truth::Unknown(x.open.with(why));
        }
        _ => match (left.bounds(), right.bounds()) {
            (Some(l), Some(r)) => (l, r),
            // A number is unequal to and unordered with what is none.
            _ => return Truth::of(op == CompareOp::Ne),
        },
    };
    let why = l.2.with(r.2);
    let order = |a: &Option<Datum>, b: &Option<Datum>| a.as_ref().zip(b.as_ref()).map(|(a, b)| a.order(b));
    // `Some(None)`: both bounds are known and of different types.
    let (high_low, low_high) = (order(&l.1, &r.0), order(&l.0, &r.1));
    if [&high_low, &low_high, &order(&l.0, &r.0), &order(&l.1, &r.1)].into_iter().any(|o| *o == Some(None)) {
        return Truth::of(op == CompareOp::Ne);
    }
    let (high_low, low_high) = (high_low.flatten(), low_high.flatten());
    let decide = |yes: bool, no: bool| match (yes, no) {
        (true, _) => Truth::True,
        (_, true) => Truth::False,
        _ => Truth::Unknown(why),
    };
    let above = low_high == Some(Ordering::Greater);
    let below = high_low == Some(Ordering::Less);
    match op {
        CompareOp::Eq => decide(false, above || below),
        CompareOp::Ne => decide(above || below, false),
        CompareOp::Lt => decide(below, low_high.is_some_and(Ordering::is_ge)),
        CompareOp::Ge => decide(low_high.is_some_and(Ordering::is_ge), below),
        CompareOp::Le => decide(high_low.is_some_and(Ordering::is_le), above),
        CompareOp::Gt => decide(above, high_low.is_some_and(Ordering::is_le)),
    }
}

/// `left op right`. A division by zero is an aggregate of nothing.
pub(super) fn combine(op: ArithOp, left: Quantity, right: Quantity) -> Quantity {
    let divides = matches!(op, ArithOp::Div | ArithOp::Rem);
    match (&left, &right) {
        (Quantity::Nothing, _) | (_, Quantity::Nothing) => return Quantity::Nothing,
        (_, Quantity::Read(divisor)) if divides && divisor.single().is_some_and(is_zero) => return Quantity::Nothing,
        (Quantity::Read(l), Quantity::Read(r)) => return Quantity::Read(binary(l, r, |a, b| arithmetic(op, a, b))),
        (Quantity::Read(x), _) | (_, Quantity::Read(x)) if x.is_missing() => return Quantity::missing(),
        _ => {}
    }
    let unknown = Quantity::unknown(doubt(&left).with(doubt(&right)));
    let (Some(l), Some(r)) = (left.bounds(), right.bounds()) else {
        let open = [&left, &right].into_iter().any(|q| matches!(q, Quantity::Read(x) if !x.open.is_empty()));
        return if open { unknown } else { Quantity::missing() };
    };
    corners(op, (&l.0, &l.1), (&r.0, &r.1)).map_or(unknown, |(low, high)| Quantity::between(low, high, l.2.with(r.2)))
}

/// `-value`.
pub(super) fn negate_quantity(value: Quantity) -> Quantity {
    match value {
        Quantity::Between { low, high, why } => {
            let flip = |bound: Option<Datum>| bound.as_ref().and_then(super::number::negate);
            Quantity::between(flip(high), flip(low), why)
        }
        Quantity::Read(reading) => Quantity::Read(binary(&reading, &Reading::one(Datum::Int(0)), |a, _| super::number::negate(a))),
        Quantity::Nothing => Quantity::Nothing,
    }
}

fn doubt(quantity: &Quantity) -> Reasons {
    match quantity {
        Quantity::Read(reading) => reading.open,
        Quantity::Between { why, .. } => *why,
        Quantity::Nothing => Reasons::NONE,
    }
}

fn is_zero(value: &Datum) -> bool {
    match value {
        Datum::Duration(d) => *d == 0,
        other => other.number().is_some_and(super::number::Num::is_zero),
    }
}

type Bounds<'a> = (&'a Option<Datum>, &'a Option<Datum>);

/// The bounds of the result; `None` where they cannot be told.
fn corners(op: ArithOp, l: Bounds<'_>, r: Bounds<'_>) -> Option<(Option<Datum>, Option<Datum>)> {
    let both = |a: &Option<Datum>, b: &Option<Datum>| -> Option<Option<Datum>> {
        match (a, b) {
            (Some(a), Some(b)) => arithmetic(op, a, b).map(Some),
            _ => Some(None),
        }
    };
    // Where the result is missing for some value between the bounds, they tell nothing.
    if matches!(op, ArithOp::Add | ArithOp::Sub | ArithOp::Mul) {
        let (left, right) = (extremes(l), extremes(r));
        if left.iter().any(|a| right.iter().any(|b| arithmetic(op, a, b).is_none())) {
            return None;
        }
    }
    match op {
        ArithOp::Add => Some((both(l.0, r.0)?, both(l.1, r.1)?)),
        ArithOp::Sub => Some((both(l.0, r.1)?, both(l.1, r.0)?)),
        // Aggregates that know one bound only are counts, sums and extrema of what is not negative.
        ArithOp::Mul if not_negative(l.0) && not_negative(r.0) => Some((both(l.0, r.0)?, both(l.1, r.1)?)),
        ArithOp::Mul => match (exact(l), exact(r)) {
            (Some(c), _) if !not_negative(&Some(c.clone())) => Some((both(&Some(c.clone()), r.1)?, both(&Some(c), r.0)?)),
            (_, Some(c)) if !not_negative(&Some(c.clone())) => Some((both(l.1, &Some(c.clone()))?, both(l.0, &Some(c))?)),
            (Some(c), _) => Some((both(&Some(c.clone()), r.0)?, both(&Some(c), r.1)?)),
            (_, Some(c)) => Some((both(l.0, &Some(c.clone()))?, both(l.1, &Some(c))?)),
            _ => None,
        },
        ArithOp::Div if positive(r.0) => match exact(r) {
            Some(c) => Some((both(l.0, &Some(c.clone()))?, both(l.1, &Some(c))?)),
            None if not_negative(l.0) => {
                let low = match r.1 {
                    Some(_) => both(l.0, r.1)?,
                    None => Some(if same_unit(l, r) { Datum::Int(0) } else { zero_like(l) }),
                };
                Some((low, both(l.1, r.0)?))
            }
            None => None,
        },
        ArithOp::Div => match exact(r) {
            Some(c) => Some((both(l.1, &Some(c.clone()))?, both(l.0, &Some(c))?)),
            None => None,
        },
        ArithOp::Rem => None,
    }
}

/// The least and the greatest value; without a bound 2^24, or a year.
fn extremes(bounds: Bounds<'_>) -> [Datum; 2] {
    let far = |sign: i64| if is_duration(bounds) { Datum::Duration(sign * 31_536_000_000_000_000) } else { Datum::Int(sign << 24) };
    [bounds.0.clone().unwrap_or(far(-1)), bounds.1.clone().unwrap_or(far(1))]
}

fn exact(bounds: Bounds<'_>) -> Option<Datum> {
    match bounds {
        (Some(a), Some(b)) if a.equals(b) => Some(a.clone()),
        _ => None,
    }
}

fn sign(bound: &Option<Datum>) -> Option<Ordering> {
    match bound.as_ref()? {
        Datum::Duration(d) => Some(d.cmp(&0)),
        other => other.number()?.float().partial_cmp(&0.0),
    }
}

fn not_negative(bound: &Option<Datum>) -> bool {
    sign(bound).is_some_and(Ordering::is_ge)
}

fn positive(bound: &Option<Datum>) -> bool {
    sign(bound).is_some_and(Ordering::is_gt)
}

fn is_duration(bounds: Bounds<'_>) -> bool {
    matches!(bounds, (Some(Datum::Duration(_)), _) | (_, Some(Datum::Duration(_))))
}

fn same_unit(l: Bounds<'_>, r: Bounds<'_>) -> bool {
    is_duration(l) == is_duration(r)
}

fn zero_like(bounds: Bounds<'_>) -> Datum {
    if is_duration(bounds) { Datum::Duration(0) } else { Datum::Int(0) }
}
