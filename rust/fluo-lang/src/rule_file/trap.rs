//! Where a YAML mistake was made that the parser notices later, or names otherwise.

use crate::source::Span;

use super::broken::lines;
use super::node::Trouble;

/// A mistake that the parser did not name.
pub(super) struct Trap {
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: &'static str,
}

/// Looks for the mistake behind what the parser says of an offset.
pub(super) fn behind(source: &str, at: u32, trouble: Trouble, keys: &[&str]) -> Option<Trap> {
    match trouble {
        Trouble::Colon | Trouble::Key => sticking(source, at, keys).or_else(|| indented(source, at, keys)),
        Trouble::Tab => tab(source, at),
        Trouble::Quote => opening(source, at),
        Trouble::Escape => escape(source, at),
        _ => None,
    }
}

/// The key that a line begins with, and its offset in the line.
fn key<'l>(line: &'l str, keys: &[&str]) -> Option<(usize, &'l str)> {
    let text = line.trim_start_matches([' ', '-']);
    let (key, _) = text.split_once(':')?;
    keys.contains(&key).then_some((line.len() - text.len(), key))
}

/// A key and its text without a space between, on the line of the offset or the one before.
fn sticking(source: &str, at: u32, keys: &[&str]) -> Option<Trap> {
    let near = lines(source).take_while(|(start, _)| *start <= at as usize).collect::<Vec<_>>();
    near.into_iter().rev().take(2).find_map(|(start, line)| {
        let (offset, key) = key(line, keys)?;
        let after = line.get(offset + key.len() + 1..)?;
        let sticks = after.starts_with(|c: char| !c.is_whitespace());
        sticks.then(|| Trap {
            span: Span::sized(start + offset, key.len() + 1),
            message: format!("a space has to follow `{key}:`"),
            help: "put a space after the colon",
        })
    })
}

/// A key of a rule that is not in line with the keys before it.
fn indented(source: &str, at: u32, keys: &[&str]) -> Option<Trap> {
    let mut before = None;
    for (start, line) in lines(source).take_while(|(start, _)| *start <= at as usize) {
        let Some((offset, key)) = key(line, keys) else { continue };
        let is_here = at as usize <= start + line.len();
        if is_here && !line.trim_start().starts_with('-') {
            let (column, name) = before.filter(|(column, _)| *column != offset)?;
            let more = if offset > column { "more" } else { "less" };
            return Some(Trap {
                span: Span::sized(start + offset, key.len()),
                message: format!("`{key}` is indented {more} than `{name}`"),
                help: "indent all keys of a rule alike",
            });
        }
        before = Some((offset, key));
    }
    None
}

/// The first tab in an indentation from the line of the offset on.
fn tab(source: &str, at: u32) -> Option<Trap> {
    let start = source.get(..at as usize)?.rfind('\n').map_or(0, |end| end + 1);
    let (offset, line) = lines(source).skip_while(|(offset, _)| *offset < start).find(|(_, line)| {
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        line.get(..indentation).is_some_and(|white| white.contains('\t'))
    })?;
    let column = line.find('\t')?;
    let message = "a tab stands in the indentation".to_owned();
    Some(Trap { span: Span::sized(offset + column, 1), message, help: "indent with spaces" })
}

/// The quote that is never closed: of the values that begin with a quote the first whose end does not come before the offset.
fn opening(source: &str, at: u32) -> Option<Trap> {
    let bytes = source.as_bytes();
    let mut from = 0;
    while from < at as usize {
        let quote = *bytes.get(from)?;
        let begins = matches!(quote, b'\'' | b'"') && source.get(..from).is_some_and(|text| text.ends_with(": ") || text.ends_with("- "));
        if !begins {
            from += 1;
            continue;
        }
        match closing(bytes, from + 1, quote).filter(|end| *end < at as usize) {
            Some(end) => from = end + 1,
            None => {
                let quote = char::from(quote);
                let message = format!("a text that begins with `{quote}` has no end");
                return Some(Trap { span: Span::sized(from, 1), message, help: "close the quote where the text ends" });
            }
        }
    }
    None
}

/// Where a quoted text ends.
fn closing(bytes: &[u8], mut at: usize, quote: u8) -> Option<usize> {
    loop {
        let byte = *bytes.get(at)?;
        let doubled = quote == b'\'' && byte == quote && bytes.get(at + 1) == Some(&quote);
        if byte == quote && !doubled {
            return Some(at);
        }
        let skip = doubled || (quote == b'"' && byte == b'\\');
        at += if skip { 2 } else { 1 };
    }
}

/// The first escape in a double-quoted text that YAML does not know.
fn escape(source: &str, at: u32) -> Option<Trap> {
    let text = source.get(at as usize..)?;
    let mut chars = text.char_indices().skip(1);
    while let Some((offset, c)) = chars.next() {
        match c {
            '"' => return None,
            '\\' => {
                let (_, escaped) = chars.next()?;
                if !"0abt\tnvfre \"/\\N_LPxuU\n\r".contains(escaped) {
                    return Some(Trap {
                        span: Span::sized(at as usize + offset, 1 + escaped.len_utf8()),
                        message: format!("`\\{}` is no escape of a text in double quotes", escaped.escape_debug()),
                        help: "put the text into single quotes or a block (`|`), or double the backslash",
                    });
                }
            }
            _ => {}
        }
    }
    None
}
