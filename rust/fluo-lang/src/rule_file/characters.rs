//! Characters that no rule file holds.

use std::borrow::Cow;

use crate::codes;
use crate::source::Span;

use super::findings::Findings;

/// What stands where bytes were no UTF-8.
const REPLACEMENT: char = '\u{fffd}';

/// Reports what is no text, and gives what can be read, every byte at its place.
pub(super) fn readable<'s>(findings: &mut Findings, source: &'s str) -> Cow<'s, str> {
    let whole = !source.contains('\0');
    if let Some(at) = source.find(if whole { REPLACEMENT } else { '\0' }) {
        let message = if whole { "this is no UTF-8" } else { "this is no UTF-8 text: it holds the character NUL" };
        let width = if whole { REPLACEMENT.len_utf8() } else { 1 };
        let _ = findings.error(codes::NOT_UTF8, Span::sized(at, width), message).help("save the file as UTF-8");
    }
    if !whole {
        return Cow::Borrowed("");
    }
    let Some((at, first)) = source.char_indices().find(|(_, c)| is_forbidden(*c)) else { return Cow::Borrowed(source) };
    let message = format!("the control character `{}` has no meaning here", first.escape_debug());
    let _ = findings.error(codes::CHARACTER, Span::sized(at, first.len_utf8()), message).help("remove it");
    Cow::Owned(source.chars().flat_map(|c| if is_forbidden(c) { vec![' '; c.len_utf8()] } else { vec![c] }).collect())
}

fn is_forbidden(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}')
}
