//! `shape(f)`: what stays of a text when the values in it are replaced by `?`.

/// Replaces numbers, placeholders (`$1`, `:name`, `%s`), literals in single quotes (double quotes are around names in SQL), UUIDs and
/// hexadecimal words of eight or more characters with a digit by `?`; a list of `?` collapses to one, and so does a list of `(?)`.
pub(crate) fn shape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut before = b' ';
    while let Some((&byte, tail)) = rest.split_first() {
        let after = rest;
        if let Some(len) = placeholder_len(before, rest) {
            out.push(b'?');
            rest = rest.get(len..).unwrap_or_default();
        } else if byte == b'\'' {
            out.push(b'?');
            rest = after_quoted(tail, byte);
        } else if is_word(byte) {
            let end = rest.iter().position(|b| !is_word(*b)).unwrap_or(rest.len());
            let word = rest.get(..end).unwrap_or_default();
            if let Some(len) = uuid_len(rest) {
                out.push(b'?');
                rest = rest.get(len..).unwrap_or_default();
            } else if let Some(len) = number_len(rest) {
                // A sign belongs to the number where no operand stands before it.
                if out.last() == Some(&b'-') && !out.iter().rev().nth(1).is_some_and(|b| is_word(*b) || matches!(b, b'?' | b')')) {
                    out.pop();
                }
                out.push(b'?');
                rest = rest.get(len..).unwrap_or_default();
            } else {
                if is_long_hex(word) {
                    out.push(b'?');
                } else {
                    out.extend_from_slice(word);
                }
                rest = rest.get(end..).unwrap_or_default();
            }
        } else {
            out.push(byte);
            rest = tail;
        }
        let taken = after.len() - rest.len();
        before = taken.checked_sub(1).and_then(|last| after.get(last)).copied().unwrap_or(before);
    }
    collapse(&collapse(&out, b"?"), b"(?)")
}

/// The length of a placeholder at the start: `$` with digits, `:` with a word, `%s`; whole words that stand behind no word. `::` is a
/// cast.
fn placeholder_len(before: u8, text: &[u8]) -> Option<usize> {
    let (&sign, name) = text.split_first()?;
    if !matches!(sign, b'$' | b':' | b'%') || is_word(before) || before == b':' {
        return None;
    }
    let len = name.iter().take_while(|b| is_word(**b)).count();
    let name = name.get(..len)?;
    let fits = match sign {
        b'$' => name.iter().all(u8::is_ascii_digit),
        b':' => true,
        _ => name == b"s",
    };
    (fits && len > 0).then_some(len + 1)
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// What follows the closing quote; a doubled quote and one after a backslash belong to the literal.
fn after_quoted(mut rest: &[u8], quote: u8) -> &[u8] {
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'\\' {
            rest = rest.get(1..).unwrap_or_default();
        } else if byte == quote {
            match rest.split_first() {
                Some((&next, tail)) if next == quote => rest = tail,
                _ => return rest,
            }
        }
    }
    rest
}

/// The length of a UUID at the start.
fn uuid_len(text: &[u8]) -> Option<usize> {
    const LEN: usize = 36;
    let word = text.get(..LEN)?;
    let fits = word.iter().enumerate().all(|(at, b)| if matches!(at, 8 | 13 | 18 | 23) { *b == b'-' } else { b.is_ascii_hexdigit() });
    (fits && !text.get(LEN).is_some_and(|b| is_word(*b))).then_some(LEN)
}

/// The length of a number at the start: digits, a fraction, an exponent, and no letter after it.
fn number_len(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| text.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
    let mut len = digits(0);
    if len == 0 {
        return None;
    }
    if text.get(len) == Some(&b'.') && digits(len + 1) > 0 {
        len += 1 + digits(len + 1);
    }
    if matches!(text.get(len), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(len + 1), Some(b'+' | b'-')));
        if digits(len + 1 + sign) > 0 {
            len += 1 + sign + digits(len + 1 + sign);
        }
    }
    (!text.get(len).is_some_and(|b| is_word(*b))).then_some(len)
}

fn is_long_hex(word: &[u8]) -> bool {
    word.len() >= 8 && word.iter().all(u8::is_ascii_hexdigit) && word.iter().any(u8::is_ascii_digit)
}

/// Makes lists of an item one item.
fn collapse(text: &[u8], item: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let Some(behind) = rest.strip_prefix(item) else {
            out.push(byte);
            rest = tail;
            continue;
        };
        out.extend_from_slice(item);
        rest = behind;
        while let Some(next) = after_comma(rest, item) {
            rest = next;
        }
    }
    out
}

/// What follows a comma and the item.
fn after_comma<'t>(text: &'t [u8], item: &[u8]) -> Option<&'t [u8]> {
    let skip = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_whitespace()).count();
    let text = text.get(skip(text)..)?.strip_prefix(b",")?;
    text.get(skip(text)..)?.strip_prefix(item)
}

#[cfg(test)]
mod tests {
    use super::shape;

    #[test]
    fn values_become_question_marks_and_words_stay() {
        for (text, expected) in [
            ("SELECT * FROM t WHERE id = 42", "SELECT * FROM t WHERE id = ?"),
            ("SELECT * FROM t1 WHERE a = 'x''y' AND b = -1.5e3", "SELECT * FROM t1 WHERE a = ? AND b = ?"),
            ("WHERE id IN (1, 2,3)", "WHERE id IN (?)"),
            ("GET /users/123e4567-e89b-12d3-a456-426614174000/x", "GET /users/?/x"),
            ("key deadbeef01 deadbeef", "key ? deadbeef"),
            ("a-1", "a-?"),
            ("v2 x86_64", "v2 x86_64"),
            ("INSERT INTO t VALUES ($1, $2),($3,$12)", "INSERT INTO t VALUES (?)"),
            ("id IN (:id_1, :id_2) AND n = :n", "id IN (?) AND n = ?"),
            ("a IN (%s, %s) OR b = %s", "a IN (?) OR b = ?"),
            ("a::text = $1::uuid AND b = a%s", "a::text = ?::uuid AND b = a%s"),
            ("host:port 12:30 x$1 $x %d %sx", "host:port ?:? x$? $x %d %sx"),
            ("(?), (?), (?, 1)", "(?)"),
            ("f(?), g(?)", "f(?), g(?)"),
            ("", ""),
            ("unterminated 'abc", "unterminated ?"),
        ] {
            assert_eq!(String::from_utf8(shape(text.as_bytes())).expect("text"), expected, "{text}");
        }
    }
}
