//! `shape(f)`: a text with its parameters taken out.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Literals in single quotes (double quotes are around names in SQL), placeholders (`$1`, `:name`, `%s`; `::` is a cast), UUIDs, numbers, and hex of
/// eight digits or more; whole words only. A literal that is not closed goes to the end.
static PARAMETER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?s)'(?:[^'\\]|\\.|'')*(?:'|\z)",
        r"|:{2,}|\B\$[0-9]+\b|\B:\w+|\B%s\b",
        r"|\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\b",
        r"|-?\b[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\b",
        r"|\b[0-9A-Fa-f]{8,}\b",
    ))
    .ok()
});

static LIST: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\?(?:\s*,\s*\?)+").ok());

static ROWS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\(\?\)(?:\s*,\s*\(\?\))+").ok());

pub(super) fn shape(text: &str) -> String {
    let (Some(parameter), Some(list), Some(rows)) = (PARAMETER.as_ref(), LIST.as_ref(), ROWS.as_ref()) else { return text.to_owned() };
    let replaced = parameter.replace_all(text, |found: &Captures<'_>| {
        let Some(found) = found.get(0) else { return String::new() };
        let word_without_digit = found.as_str().chars().all(|c| c.is_ascii_alphabetic());
        if word_without_digit || found.as_str().starts_with("::") {
            return found.as_str().to_owned();
        }
        // A minus after an operand is an operator, elsewhere the number's sign.
        let before = text.get(..found.start()).and_then(|before| before.chars().next_back());
        let operator = before.is_some_and(|c| c.is_alphanumeric() || "_')?".contains(c));
        if found.as_str().starts_with('-') && operator { "-?".to_owned() } else { "?".to_owned() }
    });
    rows.replace_all(&list.replace_all(&replaced, "?"), "(?)").into_owned()
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
            ("key deadbeef deadbeef01", "key deadbeef ?"),
            ("x = -1.5e3 - 4, a-1", "x = ? - ?, a-?"),
            ("v2 x86_64", "v2 x86_64"),
            ("INSERT INTO t VALUES ($1, $2),($3,$12)", "INSERT INTO t VALUES (?)"),
            ("id IN (:id_1, :id_2) AND n = :n", "id IN (?) AND n = ?"),
            ("a IN (%s, %s) OR b = %s", "a IN (?) OR b = ?"),
            ("a::text = $1::uuid AND b = a%s", "a::text = ?::uuid AND b = a%s"),
            ("host:port 12:30 x$1 $x %d %sx", "host:port ?:? x$? $x %d %sx"),
            ("unterminated 'abc", "unterminated ?"),
            ("SELECT \"u\".\"id\" FROM \"u\"", "SELECT \"u\".\"id\" FROM \"u\""),
        ] {
            assert_eq!(shape(text), expected);
        }
    }
}
