//! Exact numbers: the order of integers, doubles and canonical decimals, and arithmetic on them.

use std::sync::LazyLock;

use fluo_lang::program::ArithOp;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{ToPrimitive, Zero};
use regex::Regex;

use super::value::Datum;

/// A number as arithmetic sees it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Num {
    Int(i64),
    Float(f64),
}

/// A number as comparison sees it: exact, with both infinities.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exact {
    NegativeInfinity,
    Finite(BigRational),
    Infinity,
}

impl Num {
    #[expect(clippy::cast_precision_loss, reason = "the nearest double is what is asked for")]
    pub(super) const fn float(self) -> f64 {
        match self {
            Self::Int(i) => i as f64,
            Self::Float(f) => f,
        }
    }

    pub(super) fn exact(self) -> Exact {
        match self {
            Self::Int(i) => Exact::Finite(BigRational::from_integer(i.into())),
            Self::Float(f) => match BigRational::from_float(f) {
                Some(finite) => Exact::Finite(finite),
                None if f > 0.0 => Exact::Infinity,
                None => Exact::NegativeInfinity,
            },
        }
    }

    pub(super) fn is_zero(self) -> bool {
        self.float() == 0.0
    }
}

/// Reads a canonical decimal: an integer that fits 64 bits is that integer, any other the nearest double.
pub(super) fn canonical_decimal(text: &str) -> Option<Num> {
    static SHAPE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?\z").ok());
    if text == "-0" || !SHAPE.as_ref()?.is_match(text) {
        return None;
    }
    if let Ok(int) = text.parse::<i64>() {
        return Some(Num::Int(int));
    }
    let float = text.parse::<f64>().ok()?;
    float.is_finite().then_some(Num::Float(float))
}

/// `left op right`; `None` is missing.
pub(super) fn arithmetic(op: ArithOp, left: &Datum, right: &Datum) -> Option<Datum> {
    use Datum::Duration;
    match (left, right) {
        (Duration(a), Duration(b)) => match op {
            ArithOp::Add => a.checked_add(*b).map(Duration),
            ArithOp::Sub => a.checked_sub(*b).map(Duration),
            ArithOp::Mul => None,
            ArithOp::Div => (*b != 0).then(|| float(Num::Int(*a).float() / Num::Int(*b).float())).flatten(),
            ArithOp::Rem => (*b != 0).then(|| Duration(a.wrapping_rem(*b))),
        },
        (Duration(a), number) | (number, Duration(a)) if op == ArithOp::Mul => scale(*a, number.number()?),
        (Duration(a), number) if op == ArithOp::Div => divide(*a, number.number()?),
        (Duration(_), _) | (_, Duration(_)) => None,
        _ => numbers(op, left.number()?, right.number()?),
    }
}

/// `-value`; `None` is missing.
pub(super) fn negate(value: &Datum) -> Option<Datum> {
    match value {
        Datum::Duration(d) => d.checked_neg().map(Datum::Duration),
        other => match other.number()? {
            Num::Int(i) => i.checked_neg().map(Datum::Int),
            Num::Float(f) => Some(Datum::Float(-f)),
        },
    }
}

fn numbers(op: ArithOp, left: Num, right: Num) -> Option<Datum> {
    if op == ArithOp::Div {
        return if right.is_zero() { None } else { float(left.float() / right.float()) };
    }
    if let (Num::Int(a), Num::Int(b)) = (left, right) {
        return match op {
            ArithOp::Add => a.checked_add(b),
            ArithOp::Sub => a.checked_sub(b),
            ArithOp::Mul => a.checked_mul(b),
            _ => (b != 0).then(|| a.wrapping_rem(b)),
        }
        .map(Datum::Int);
    }
    let (a, b) = (left.float(), right.float());
    match op {
        ArithOp::Add => float(a + b),
        ArithOp::Sub => float(a - b),
        ArithOp::Mul => float(a * b),
        _ => float(a % b),
    }
}

/// A double; what overflowed or is no number is missing.
fn float(value: f64) -> Option<Datum> {
    value.is_finite().then_some(Datum::Float(value))
}

fn scale(duration: i64, by: Num) -> Option<Datum> {
    match by {
        Num::Int(factor) => duration.checked_mul(factor).map(Datum::Duration),
        Num::Float(factor) => nanoseconds(&(BigRational::from_integer(duration.into()) * BigRational::from_float(factor)?)),
    }
}

fn divide(duration: i64, by: Num) -> Option<Datum> {
    let Exact::Finite(divisor) = by.exact() else { return None };
    if divisor.is_zero() {
        return None;
    }
    nanoseconds(&(BigRational::from_integer(duration.into()) / divisor))
}

/// The nearest nanosecond, halves away from zero; missing beyond 64 bits.
pub(super) fn nanoseconds(exact: &BigRational) -> Option<Datum> {
    exact.round().to_integer().to_i64().map(Datum::Duration)
}

/// The nearest double of an exact number; missing where it is beyond the greatest.
pub(super) fn nearest_double(exact: &BigRational) -> Option<Datum> {
    float(exact.to_f64()?)
}

/// `⌈q · n⌉` for a quantile as written: the decimal, not the double nearest to it.
pub(super) fn rank(q: f64, n: usize) -> usize {
    let text = format!("{q}");
    let digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let numerator: BigInt = text.replace('.', "").parse().unwrap_or_default();
    let denominator = BigInt::from(10u8).pow(u32::try_from(digits).unwrap_or(0));
    (BigRational::new(numerator, denominator) * BigRational::from_integer(n.into())).ceil().to_integer().to_usize().unwrap_or(n)
}
