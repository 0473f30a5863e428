//! The one numeric domain.

use std::cmp::Ordering;

use super::ValueRef;

/// A number: what integers, floats and canonical decimals are.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// An integer of 64 bits.
    Int(i64),
    /// A double, never NaN.
    Float(f64),
}

impl Number {
    /// Compares exactly: an integer is never rounded to a double.
    #[must_use]
    pub fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(&b),
            (Self::Int(a), Self::Float(b)) => int_float(a, b),
            (Self::Float(a), Self::Int(b)) => int_float(b, a).reverse(),
            // INVARIANT: neither is NaN.
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
        }
    }

    /// The nearest double.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Int(n) => n as f64,
            Self::Float(f) => f,
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.order(*other) == Ordering::Equal
    }
}

/// 2^63: every double at or above it exceeds every `i64`, and every double in between truncates to one exactly.
const BEYOND: f64 = 9_223_372_036_854_775_808.0;

fn int_float(int: i64, float: f64) -> Ordering {
    if float >= BEYOND {
        return Ordering::Less;
    }
    if float < -BEYOND {
        return Ordering::Greater;
    }
    let whole = float.trunc();
    int.cmp(&(whole as i64)).then_with(|| whole.partial_cmp(&float).unwrap_or(Ordering::Equal))
}

/// The value as a number: an integer, a float that is no NaN, or a string that is a canonical decimal.
#[must_use]
#[inline]
pub fn number(value: ValueRef<'_>) -> Option<Number> {
    match value {
        ValueRef::Int(n) => Some(Number::Int(n)),
        ValueRef::Float(f) if !f.is_nan() => Some(Number::Float(f)),
        ValueRef::Str(text) => canonical_decimal(text),
        _ => None,
    }
}

/// Reads `-?(0|[1-9]\d*)(\.\d*[1-9])?` that is not `-0`: the integer if it fits 64 bits, else the nearest double.
#[must_use]
#[inline]
pub fn canonical_decimal(text: &[u8]) -> Option<Number> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    let whole = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let (whole, rest) = digits.split_at_checked(whole)?;
    match whole {
        [] => return None,
        [b'0', _, ..] => return None,
        [b'0'] if negative && rest.is_empty() => return None,
        _ => {}
    }
    match rest {
        [] => {}
        [b'.', fraction @ ..] => {
            if !fraction.iter().all(u8::is_ascii_digit) || !matches!(fraction.last(), Some(b'1'..=b'9')) {
                return None;
            }
        }
        _ => return None,
    }
    let text = str::from_utf8(text).ok()?;
    if rest.is_empty()
        && let Ok(int) = text.parse()
    {
        return Some(Number::Int(int));
    }
    // A decimal of more digits than a double has exponents for is beyond every number.
    text.parse::<f64>().ok().filter(|f| f.is_finite()).map(Number::Float)
}
