//! What string operators see.

use std::borrow::Cow;

use super::{ValueRef, compare};
use crate::program::CompareOp;

/// The value's canonical text; a list has none (string operators look at its elements).
///
/// An integer is its digits, a float the shortest decimal that reads back as it (`401.0` is `401`), a truth value `true` or
/// `false`, a duration its literal (`1m30s`), bytes are lower-case hex.
#[must_use]
pub fn canonical_text<'a>(value: ValueRef<'a>) -> Option<Cow<'a, [u8]>> {
    Some(match value {
        ValueRef::Str(bytes) => Cow::Borrowed(bytes),
        ValueRef::Int(n) => Cow::Owned(n.to_string().into_bytes()),
        ValueRef::Float(f) => Cow::Owned(f.to_string().into_bytes()),
        ValueRef::Bool(true) => Cow::Borrowed(b"true"),
        ValueRef::Bool(false) => Cow::Borrowed(b"false"),
        ValueRef::Duration(n) => Cow::Owned(crate::print::duration(n).into_bytes()),
        ValueRef::Bytes(bytes) => Cow::Owned(bytes.iter().flat_map(|b| format!("{b:02x}").into_bytes()).collect()),
        ValueRef::List(_) => return None,
    })
}

/// `value contains part`: of a list, whether some element equals the part; otherwise whether the text contains the part's.
#[must_use]
pub fn contains(value: ValueRef<'_>, part: ValueRef<'_>) -> bool {
    match value {
        ValueRef::List(_) => compare(CompareOp::Eq, value, part),
        _ => texts(value, part, |text, part| part.is_empty() || text.windows(part.len()).any(|w| w == part)),
    }
}

/// `value starts_with part`; of a list, whether some element does.
#[must_use]
pub fn starts_with(value: ValueRef<'_>, part: ValueRef<'_>) -> bool {
    texts(value, part, |text, part| text.starts_with(part))
}

/// `value ends_with part`; of a list, whether some element does.
#[must_use]
pub fn ends_with(value: ValueRef<'_>, part: ValueRef<'_>) -> bool {
    texts(value, part, |text, part| text.ends_with(part))
}

fn texts(value: ValueRef<'_>, part: ValueRef<'_>, test: fn(&[u8], &[u8]) -> bool) -> bool {
    if let ValueRef::List(items) = value {
        return items.iter().any(|item| texts(*item, part, test));
    }
    match (canonical_text(value), canonical_text(part)) {
        (Some(text), Some(part)) => test(&text, &part),
        _ => false,
    }
}
