//! Values and what comparing them means.
//!
//! One semantics for the checker and the engine: [`ValueRef`] borrows a value from wherever it lies, [`equal`], [`order`] and
//! [`compare`] are the language's comparisons.
//!
//! There is one numeric domain: integers, floats and strings that are canonical decimals. A canonical decimal that fits 64 bits is
//! that integer, any other is the double nearest to it; integers and doubles compare exactly, never by rounding the integer.

mod arith;
mod compare;
mod number;

pub use arith::{Operand, arith, negate};
pub use compare::{compare, equal, order};
pub use number::{Number, canonical_decimal, number};

/// A value as a rule writes it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text; `kind` and `status` members are text too.
    String(String),
    /// A 64-bit integer.
    Int(i64),
    /// A double; never NaN.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Nanoseconds.
    Duration(i64),
}

impl Value {
    /// The value, borrowed.
    #[must_use]
    pub fn view(&self) -> ValueRef<'_> {
        match self {
            Self::String(text) => ValueRef::Str(text.as_bytes()),
            Self::Int(n) => ValueRef::Int(*n),
            Self::Float(f) => ValueRef::Float(*f),
            Self::Bool(b) => ValueRef::Bool(*b),
            Self::Duration(n) => ValueRef::Duration(*n),
        }
    }
}

/// A value, borrowed from wherever it lies.
///
/// Strings are bytes because telemetry may break its promise of UTF-8; the order of bytes is the order of code points.
/// A NaN is no number: whoever reads values treats it as missing, and here it is unequal to everything, itself included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    /// Text.
    Str(&'a [u8]),
    /// A 64-bit integer.
    Int(i64),
    /// A double.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Nanoseconds.
    Duration(i64),
    /// Bytes.
    Bytes(&'a [u8]),
}

#[cfg(test)]
mod tests;
