//! Equality and order.

use std::cmp::Ordering;

use super::{ValueRef, number};
use crate::program::CompareOp;

/// Whether two single values are equal: numbers as numbers, `"true"` as `true`, otherwise only values of one type.
#[must_use]
#[inline]
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
#[inline]
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

/// Whether `a op b` holds for present values.
#[must_use]
pub fn compare(op: CompareOp, a: ValueRef<'_>, b: ValueRef<'_>) -> bool {
    match op {
        CompareOp::Eq => equal(a, b),
        CompareOp::Ne => !equal(a, b),
        CompareOp::Lt => order(a, b) == Some(Ordering::Less),
        CompareOp::Gt => order(a, b) == Some(Ordering::Greater),
        CompareOp::Le => order(a, b).is_some_and(Ordering::is_le),
        CompareOp::Ge => order(a, b).is_some_and(Ordering::is_ge),
    }
}
