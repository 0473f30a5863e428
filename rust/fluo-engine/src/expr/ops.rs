//! The operators over values that may be missing, several or unknown.

use std::cmp::Ordering;

use fluo_lang::program::{ArithOp, CompareOp, TextOp};
use regex::bytes::Regex;

use super::finder::Finder;
use super::read::Read;
use crate::truth::{Reasons, Truth};
use crate::value::{Number, Val};

/// `left op right`: true if some pair of elements satisfies it; `!=` if both are present and no pair is equal; a comparison with
/// something missing is false.
pub(crate) fn compare(op: CompareOp, left: &Read<'_>, right: &Read<'_>) -> Truth {
    if op == CompareOp::Ne {
        return no_element(left, right, compare(CompareOp::Eq, left, right));
    }
    let found = over_pairs(left, right, |a, b| holds(op, a, b));
    if op == CompareOp::Eq { found } else { unless_blurred(found, left.blur().and(right.blur())) }
}

/// Where only hash and length of a text are known, nothing but equality is: what was not found may be there.
fn unless_blurred(found: Truth, blur: Reasons) -> Truth {
    if blur.is_empty() { found } else { found.or(Truth::Unknown(blur)) }
}

/// Whether two single values satisfy the operator.
pub(crate) fn holds(op: CompareOp, a: &Val<'_>, b: &Val<'_>) -> bool {
    match op {
        CompareOp::Eq => a.equals(b),
        CompareOp::Ne => !a.equals(b),
        CompareOp::Lt => a.order(b) == Some(Ordering::Less),
        CompareOp::Le => a.order(b).is_some_and(Ordering::is_le),
        CompareOp::Gt => a.order(b) == Some(Ordering::Greater),
        CompareOp::Ge => a.order(b).is_some_and(Ordering::is_ge),
    }
}

/// `term in list`, `term not in list`.
pub(crate) fn is_in(term: &Read<'_>, list: &[Val<'_>], negated: bool) -> Truth {
    let found = over_one(term, |value| list.iter().any(|item| item.equals(value)));
    if negated { no_element(term, &Read::present(Val::Bool(true)), found) } else { found }
}

/// `contains`, `starts_with`, `ends_with`.
pub(crate) fn text(op: TextOp, left: &Read<'_>, right: &Read<'_>) -> Truth {
    // `contains` on a value that is a list asks for an element; on several values, for one that contains it.
    if op == TextOp::Contains && !left.many && matches!(left.value, Some(Val::List(_))) {
        return over_pairs(left, right, |a, b| a.equals(b));
    }
    let found = over_pairs(left, right, |a, b| {
        if a.is_blurred() || b.is_blurred() {
            return false;
        }
        let (hay, needle) = (a.text(), b.text());
        match op {
            TextOp::Contains => contains(&hay, &needle),
            TextOp::StartsWith => hay.starts_with(&needle),
            TextOp::EndsWith => hay.ends_with(&needle),
        }
    });
    unless_blurred(found, left.blur().and(right.blur()))
}

/// `term matches regex`.
pub(crate) fn matches(term: &Read<'_>, pattern: &Finder) -> Truth {
    let found = over_one(term, |value| !value.is_blurred() && pattern.is_in(&value.text()));
    unless_blurred(found, term.blur())
}

/// True if some element satisfies the test, false if none does and none is unseen.
fn over_one(read: &Read<'_>, test: impl Fn(&Val<'_>) -> bool) -> Truth {
    match &read.value {
        Some(value) if value.each().iter().any(test) => Truth::True,
        _ if read.unknown.is_empty() => Truth::False,
        _ => Truth::Unknown(read.unknown),
    }
}

fn over_pairs(left: &Read<'_>, right: &Read<'_>, test: impl Fn(&Val<'_>, &Val<'_>) -> bool) -> Truth {
    // With one side missing for certain the comparison is false whatever the other is.
    if left.exists() == Truth::False || right.exists() == Truth::False {
        return Truth::False;
    }
    if let (Some(a), Some(b)) = (&left.value, &right.value)
        && a.each().iter().any(|x| b.each().iter().any(|y| test(x, y)))
    {
        return Truth::True;
    }
    let unknown = left.unknown.and(right.unknown);
    if unknown.is_empty() { Truth::False } else { Truth::Unknown(unknown) }
}

/// The negative comparisons: both sides present and no element fits.
fn no_element(left: &Read<'_>, right: &Read<'_>, some: Truth) -> Truth {
    left.exists().and(right.exists()).and(some.not())
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || hay.windows(needle.len()).any(|window| window == needle)
}

/// `lower(f)`.
pub(crate) fn lower(text: &[u8]) -> Vec<u8> {
    std::str::from_utf8(text).map_or_else(|_| text.to_ascii_lowercase(), |text| text.to_lowercase().into_bytes())
}

/// `extract(f, regex)`: the first group; nothing where the pattern or the group does not match.
pub(crate) fn extract(text: &[u8], regex: &Regex) -> Option<Vec<u8>> {
    regex.captures(text)?.get(1).map(|group| group.as_bytes().to_vec())
}

/// Unary minus.
pub(crate) fn negate<'a>(read: &Read<'_>) -> Read<'a> {
    arith(ArithOp::Sub, &Read::present(zero_like(read)), read)
}

fn zero_like(read: &Read<'_>) -> Val<'static> {
    if matches!(read.value, Some(Val::Duration(_))) { Val::Duration(0) } else { Val::Int(0) }
}

/// Arithmetic over two reads: missing where an operand is, or is several values.
pub(crate) fn arith<'a>(op: ArithOp, left: &Read<'_>, right: &Read<'_>) -> Read<'a> {
    if left.exists() == Truth::False || right.exists() == Truth::False {
        return Read::MISSING;
    }
    match (&left.value, &right.value) {
        (Some(a), Some(b)) => match (a.each(), b.each()) {
            ([a], [b]) => Read::maybe(combine(op, a, b)),
            _ => Read::MISSING,
        },
        _ => Read::unknown(left.unknown.and(right.unknown)),
    }
}

/// Arithmetic over two values; nothing where it is undefined or leaves its type's range.
pub(crate) fn combine(op: ArithOp, left: &Val<'_>, right: &Val<'_>) -> Option<Val<'static>> {
    match (left, right) {
        (Val::Duration(a), Val::Duration(b)) => durations(op, *a, *b),
        (Val::Duration(a), b) => scale(op, *a, b.number()?),
        (a, Val::Duration(b)) if op == ArithOp::Mul => scale(op, *b, a.number()?),
        (_, Val::Duration(_)) => None,
        (a, b) => numbers(op, a.number()?, b.number()?),
    }
}

fn durations(op: ArithOp, a: i64, b: i64) -> Option<Val<'static>> {
    match op {
        ArithOp::Add => a.checked_add(b).map(Val::Duration),
        ArithOp::Sub => a.checked_sub(b).map(Val::Duration),
        ArithOp::Rem => a.checked_rem(b).map(Val::Duration),
        ArithOp::Div if b == 0 => None,
        ArithOp::Div => quotient(Number::Int(a), Number::Int(b)),
        ArithOp::Mul => None,
    }
}

fn scale(op: ArithOp, duration: i64, factor: Number) -> Option<Val<'static>> {
    let scaled = match op {
        ArithOp::Mul => crate::exact::times(duration, factor),
        ArithOp::Div => crate::exact::divided(duration, factor),
        _ => None,
    };
    scaled.map(Val::Duration)
}

fn numbers(op: ArithOp, a: Number, b: Number) -> Option<Val<'static>> {
    if op == ArithOp::Div {
        return quotient(a, b);
    }
    if let (Number::Int(a), Number::Int(b)) = (a, b) {
        return match op {
            ArithOp::Add => a.checked_add(b),
            ArithOp::Sub => a.checked_sub(b),
            ArithOp::Mul => a.checked_mul(b),
            ArithOp::Rem | ArithOp::Div => a.checked_rem(b),
        }
        .map(Val::Int);
    }
    let (a, b) = (a.to_f64(), b.to_f64());
    finite(match op {
        ArithOp::Add => a + b,
        ArithOp::Sub => a - b,
        ArithOp::Mul => a * b,
        ArithOp::Rem if b == 0.0 => return None,
        ArithOp::Rem | ArithOp::Div => a % b,
    })
}

/// Real division.
fn quotient(a: Number, b: Number) -> Option<Val<'static>> {
    let divisor = b.to_f64();
    if divisor == 0.0 { None } else { finite(a.to_f64() / divisor) }
}

fn finite(value: f64) -> Option<Val<'static>> {
    value.is_finite().then_some(Val::Float(value))
}
