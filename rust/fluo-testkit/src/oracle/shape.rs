//! `shape(f)`: a text with its parameters taken out.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Quoted literals, UUIDs, hex numbers, numbers, and hex of eight digits or more that has a digit; whole words only.
static PARAMETER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"'(?:[^'\\]|\\.|'')*'",
        r"|\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\b",
        r"|\b0[xX][0-9A-Fa-f]+\b",
        r"|\b[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\b",
        r"|\b[0-9A-Fa-f]{8,}\b",
    ))
    .ok()
});

static LIST: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\?(?:\s*,\s*\?)+").ok());

pub(super) fn shape(text: &str) -> String {
    let (Some(parameter), Some(list)) = (PARAMETER.as_ref(), LIST.as_ref()) else { return text.to_owned() };
    let replaced = parameter.replace_all(text, |found: &Captures<'_>| {
        let text = found.get(0).map_or("", |m| m.as_str());
        let word_without_digit = text.chars().all(|c| c.is_ascii_alphabetic());
        if word_without_digit { text.to_owned() } else { "?".to_owned() }
    });
    list.replace_all(&replaced, "?").into_owned()
}

#[cfg(test)]
mod tests {
    use super::shape;

    #[test]
    fn parameters_become_question_marks() {
        for (text, expected) in [
            ("SELECT * FROM t1 WHERE id = 5 AND n = 'it''s'", "SELECT * FROM t1 WHERE id = ? AND n = ?"),
            ("id IN (1, 2,3)", "id IN (?)"),
            ("/orders/123e4567-e89b-12d3-a456-426614174000/items/7", "/orders/?/items/?"),
            ("key deadbeef", "key deadbeef"),
            ("key deadbeef01", "key ?"),
            ("x = 1.5e3", "x = ?"),
            ("0xff", "?"),
        ] {
            assert_eq!(shape(text), expected);
        }
    }
}
