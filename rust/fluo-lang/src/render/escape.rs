//! Text of rules, traces and file names on its way to a terminal: what would move the cursor, change the direction of what follows or
//! hide is written out.

use std::borrow::Cow;

/// A text for one line of a terminal: control characters, line breaks included, and characters that are not seen or that change the
/// direction of text are written as in a rule's string, such as `\n` and `\u{202e}`.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    replaced(text, is_unsafe, written)
}

/// As [`escaped`], for a text of several lines: line breaks and tabs stay.
#[must_use]
pub fn escaped_lines(text: &str) -> Cow<'_, str> {
    replaced(text, |c| is_unsafe(c) && !matches!(c, '\n' | '\t'), written)
}

/// JSON with the same characters as JSON escapes. It must be JSON already, so they can stand in strings only.
#[must_use]
pub fn escaped_json(json: &str) -> Cow<'_, str> {
    let written = |c: char, out: &mut String| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    };
    replaced(json, |c| is_unsafe(c) && !matches!(c, '\n' | '\r' | '\t'), written)
}

fn replaced(text: &str, what: impl Fn(char) -> bool, write: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.contains(&what) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if what(c) { write(c, &mut out) } else { out.push(c) }
    }
    Cow::Owned(out)
}

fn written(c: char, out: &mut String) {
    match c {
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        '\r' => out.push_str("\\r"),
        other => out.extend(other.escape_unicode()),
    }
}

/// Control characters, and Unicode's format characters (category Cf) with the two separators that break lines.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890..=0x891 | 0x8e2 | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e
            | 0x2060..=0x206f | 0xfeff | 0xfff9..=0xfffb | 0x110bd | 0x110cd | 0x13430..=0x1343f | 0x1bca0..=0x1bca3
            | 0x1d173..=0x1d17a | 0xe0000..=0xe007f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_a_terminal_that_it_would_obey() {
        for (text, line, lines) in [
            ("plain ü 漢 🙂", "plain ü 漢 🙂", "plain ü 漢 🙂"),
            ("a\x1b[31mb\u{9b}c\x7f", "a\\u{1b}[31mb\\u{9b}c\\u{7f}", "a\\u{1b}[31mb\\u{9b}c\\u{7f}"),
            ("x\r\n\ty", "x\\r\\n\\ty", "x\\r\n\ty"),
            ("\u{202e}\u{2066}\u{200b}\u{feff}", "\\u{202e}\\u{2066}\\u{200b}\\u{feff}", "\\u{202e}\\u{2066}\\u{200b}\\u{feff}"),
        ] {
            assert_eq!(escaped(text), line);
            assert_eq!(escaped_lines(text), lines);
        }
    }

    #[test]
    fn json_stays_json() {
        let text = "\u{202e}\u{e0041}\x7f\x1b\"\\\n";
        let json = serde_json::to_string(text).unwrap();
        let escaped = escaped_json(&json);
        assert!(escaped.is_ascii(), "{escaped}");
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
    }
}
