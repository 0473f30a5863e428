//! Arithmetic on run-time values. Whatever has no result is `None`: a missing value.

use super::{Number, ValueRef, number};
use crate::program::ArithOp;

/// What can be calculated with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Operand {
    /// A number.
    Number(Number),
    /// Nanoseconds.
    Duration(i64),
}

impl Operand {
    /// The operand that a value is: a number, a duration or a canonical decimal.
    #[must_use]
    pub fn of(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Duration(n) => Some(Self::Duration(n)),
            other => number(other).map(Self::Number),
        }
    }

    /// The operand as a value.
    #[must_use]
    pub fn value(self) -> ValueRef<'static> {
        match self {
            Self::Number(Number::Int(n)) => ValueRef::Int(n),
            Self::Number(Number::Float(f)) => ValueRef::Float(f),
            Self::Duration(n) => ValueRef::Duration(n),
        }
    }
}

/// `a op b`. `/` is real division; integers that leave 64 bits, NaN, infinities and division by zero have no result; durations are
/// rounded to the nearest nanosecond. `%` has the dividend's sign.
#[must_use]
pub fn arith(op: ArithOp, a: Operand, b: Operand) -> Option<Operand> {
    use Operand::{Duration, Number as Num};
    match (op, a, b) {
        (ArithOp::Div, Num(a), Num(b)) => quotient(a.to_f64(), b.to_f64()).map(Num),
        (_, Num(Number::Int(a)), Num(Number::Int(b))) => integers(op, a, b).map(|n| Num(Number::Int(n))),
        (_, Num(a), Num(b)) => floats(op, a.to_f64(), b.to_f64()).map(|f| Num(Number::Float(f))),
        (ArithOp::Add | ArithOp::Sub | ArithOp::Rem, Duration(a), Duration(b)) => integers(op, a, b).map(Duration),
        (ArithOp::Div, Duration(a), Duration(b)) => quotient(a as f64, b as f64).map(Num),
        (ArithOp::Mul, Duration(d), Num(n)) | (ArithOp::Mul, Num(n), Duration(d)) => match n {
            Number::Int(n) => d.checked_mul(n).map(Duration),
            Number::Float(f) => nanoseconds(d as f64 * f),
        },
        (ArithOp::Div, Duration(d), Num(n)) => match n {
            Number::Int(n) => divide_rounding(d, n).map(Duration),
            Number::Float(f) => nanoseconds(d as f64 / f),
        },
        _ => None,
    }
}

/// `-a`.
#[must_use]
pub fn negate(a: Operand) -> Option<Operand> {
    match a {
        Operand::Number(Number::Int(n)) => n.checked_neg().map(|n| Operand::Number(Number::Int(n))),
        Operand::Number(Number::Float(f)) => Some(Operand::Number(Number::Float(-f))),
        Operand::Duration(n) => n.checked_neg().map(Operand::Duration),
    }
}

fn integers(op: ArithOp, a: i64, b: i64) -> Option<i64> {
    match op {
        ArithOp::Add => a.checked_add(b),
        ArithOp::Sub => a.checked_sub(b),
        ArithOp::Mul => a.checked_mul(b),
        ArithOp::Rem => a.checked_rem(b),
        ArithOp::Div => None,
    }
}

fn floats(op: ArithOp, a: f64, b: f64) -> Option<f64> {
    let result = match op {
        ArithOp::Add => a + b,
        ArithOp::Sub => a - b,
        ArithOp::Mul => a * b,
        ArithOp::Rem => a % b,
        ArithOp::Div => a / b,
    };
    result.is_finite().then_some(result)
}

fn quotient(a: f64, b: f64) -> Option<Number> {
    floats(ArithOp::Div, a, b).map(Number::Float)
}

/// A duration by an integer, exact and rounded half away from zero.
fn divide_rounding(a: i64, b: i64) -> Option<i64> {
    let (a, b) = (i128::from(a), i128::from(b));
    if b == 0 {
        return None;
    }
    let half = b.abs() / 2;
    let rounded = (a.abs() + half) / b.abs();
    i64::try_from(if (a < 0) == (b < 0) { rounded } else { -rounded }).ok()
}

fn nanoseconds(exact: f64) -> Option<Operand> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    let rounded = exact.round();
    (-BEYOND..BEYOND).contains(&rounded).then_some(Operand::Duration(rounded as i64))
}
