//! Equality and order.

use std::cmp::Ordering;

use super::{ValueRef, number};
use crate::program::CompareOp;

/// Whether two single values are equal: numbers as numbers, `"true"` as `true`, otherwise only values of one type. A list equals
/// nothing here; [`compare`] and [`member`] look at its elements.
#[must_use]
pub fn equal(a: ValueRef<'_>, b: ValueRef<'_>) -> bool {
    match (a, b) {
        (ValueRef::Str(a), ValueRef::Str(b)) if a == b => true,
        (ValueRef::Str(text), ValueRef::Bool(truth)) | (ValueRef::Bool(truth), ValueRef::Str(text)) => text == bool_text(truth),
        (ValueRef::Bool(a), ValueRef::Bool(b)) => a == b,
        (ValueRef::Duration(a), ValueRef::Duration(b)) => a == b,
        (ValueRef::Bytes(a), ValueRef::Bytes(b)) => a == b,
        _ => matches!((number(a), number(b)), (Some(a), Some(b)) if a == b),
    }
}

fn bool_text(truth: bool) -> &'static [u8] {
    if truth { b"true" } else { b"false" }
}

/// The order of two single values: numbers by size, durations by length, strings by code point. Values of other or of different
/// types have none.
#[must_use]
pub fn order(a: ValueRef<'_>, b: ValueRef<'_>) -> Option<Ordering> {
    match (a, b) {
        (ValueRef::Duration(a), ValueRef::Duration(b)) => Some(a.cmp(&b)),
        _ => match (number(a), number(b), a, b) {
            (Some(a), Some(b), ..) => Some(a.order(b)),
            (_, _, ValueRef::Str(a), ValueRef::Str(b)) => Some(a.cmp(b)),
            _ => None,
        },
    }
}

/// Whether `a op b` holds for present values. Of a list some element must do; `!=` holds if no element is equal.
#[must_use]
pub fn compare(op: CompareOp, a: ValueRef<'_>, b: ValueRef<'_>) -> bool {
    match op {
        CompareOp::Ne => !some(a, b, &|a, b| equal(a, b)),
        CompareOp::Eq => some(a, b, &|a, b| equal(a, b)),
        CompareOp::Lt => some(a, b, &|a, b| order(a, b) == Some(Ordering::Less)),
        CompareOp::Gt => some(a, b, &|a, b| order(a, b) == Some(Ordering::Greater)),
        CompareOp::Le => some(a, b, &|a, b| matches!(order(a, b), Some(Ordering::Less | Ordering::Equal))),
        CompareOp::Ge => some(a, b, &|a, b| matches!(order(a, b), Some(Ordering::Greater | Ordering::Equal))),
    }
}

/// Whether the value, or some element of it, equals one of the candidates.
#[must_use]
pub fn member<'a>(value: ValueRef<'_>, mut candidates: impl Iterator<Item = ValueRef<'a>>) -> bool {
    candidates.any(|candidate| some(value, candidate, &|a, b| equal(a, b)))
}

/// Whether the test holds for some pair of elements. Telemetry nests lists at most as deep as its reader allows.
fn some(a: ValueRef<'_>, b: ValueRef<'_>, test: &dyn Fn(ValueRef<'_>, ValueRef<'_>) -> bool) -> bool {
    match (a, b) {
        (ValueRef::List(items), b) => items.iter().any(|a| some(*a, b, test)),
        (a, ValueRef::List(items)) => items.iter().any(|b| some(a, *b, test)),
        (a, b) => test(a, b),
    }
}
