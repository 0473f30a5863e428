//! Regular expressions: one way to compile them for everybody.
//!
//! The syntax is that of [RE2](https://github.com/google/re2/wiki/Syntax), as TraceQL and PromQL have it. The crate that finds them is
//! near to it; what differs is rewritten: `\d`, `\w`, `\s` and `\b` are of ASCII, a class in brackets has no operators and no classes
//! in it but `[:alpha:]` and its like, `\<` is a sign, and `\Q…\E` quotes.

use std::iter::Peekable;
use std::str::Chars;

use regex::bytes::{Regex, RegexBuilder};
use regex_automata::meta;

/// Compiles a pattern: unanchored, linear in the text, over bytes that should be UTF-8.
///
/// # Errors
/// Where the pattern is malformed, or its program would be larger than `size` bytes.
pub fn compile(source: &str, size: usize) -> Result<Regex, regex::Error> {
    // A mistake is shown in the text that was written.
    bounded(&rewritten(source), size).build().map_err(|error| bounded(source, size).build().err().unwrap_or(error))
}

/// Compiles a pattern whose classes, boundaries and letters without case are those of ASCII.
///
/// # Errors
/// As [`compile`], and where the pattern asks for something of Unicode.
pub fn compile_ascii(source: &str, size: usize) -> Result<Regex, regex::Error> {
    bounded(&rewritten(source), size).unicode(false).build()
}

/// What a pattern that [`compile`] takes holds in memory before it is used, in bytes.
#[must_use]
pub fn bytes(source: &str, size: usize) -> usize {
    let config = meta::Config::new().nfa_size_limit(Some(size)).hybrid(false).dfa(false);
    meta::Builder::new().configure(config).build(&rewritten(source)).map_or(0, |regex| regex.memory_usage())
}

fn bounded(source: &str, size: usize) -> RegexBuilder {
    let mut builder = RegexBuilder::new(source);
    builder.size_limit(size).dfa_size_limit(size);
    builder
}

/// The pattern for the crate that finds it.
fn rewritten(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, &mut out),
            '[' => class(&mut chars, &mut out),
            c => out.push(c),
        }
    }
    out
}

/// The classes of ASCII that a letter after a backslash stands for.
fn perl_class(letter: char) -> Option<&'static str> {
    Some(match letter {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        's' => r"[\t\n\x0c\r\x20]",
        'S' => r"[^\t\n\x0c\r\x20]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        _ => return None,
    })
}

/// What follows a backslash outside of brackets.
fn escape(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    let Some(letter) = chars.next() else { return out.push('\\') };
    match (letter, perl_class(letter)) {
        (_, Some(class)) => out.push_str(class),
        ('b', _) => out.push_str(r"(?-u:\b)"),
        ('B', _) => out.push_str(r"(?-u:\B)"),
        ('<' | '>', _) => out.push(letter),
        ('Q', _) => {
            let mut quoted = String::new();
            while let Some(c) = chars.next() {
                if c == '\\' && chars.next_if_eq(&'E').is_some() {
                    break;
                }
                quoted.push(c);
            }
            out.push_str(&regex::escape(&quoted));
        }
        (letter, _) => out.extend(['\\', letter]),
    }
}

/// What follows an opening bracket, up to the closing one.
fn class(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    out.push('[');
    out.extend(chars.next_if_eq(&'^'));
    // A bracket in the first place is a member.
    out.extend(chars.next_if_eq(&']'));
    let mut is_first = true;
    while let Some(c) = chars.next() {
        match c {
            ']' => return out.push(']'),
            '[' if chars.peek() == Some(&':') => {
                out.push('[');
                for c in chars.by_ref() {
                    out.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            '[' | '&' | '~' => out.extend(['\\', c]),
            '-' if chars.next_if_eq(&'-').is_some() => out.push_str(if is_first { r"\--" } else { r"-\-" }),
            '\\' => match chars.next() {
                Some(letter) => match perl_class(letter) {
                    Some(class) => out.push_str(class),
                    None => out.extend(['\\', letter]),
                },
                None => out.push('\\'),
            },
            c => out.push(c),
        }
        is_first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::{compile, compile_ascii};

    #[test]
    fn patterns_mean_what_re2_means() {
        for (pattern, found, not_found) in [
            (r"^\d+$", "42", "٣"),
            (r"^\w$", "e", "é"),
            (r"^\W$", "é", "e"),
            (r"^\s$", "\t", "\u{3000}"),
            (r"^\S$", "\u{b}", " "),
            (r"^[\d.]+$", "4.2", "4,2"),
            (r"^[^\w]$", "é", "_"),
            (r"é\b", "éa", "é "),
            ("^[a&&b]$", "&", "&&"),
            ("^[a~~b]$", "~", "~~"),
            ("^[[a]$", "[", "]"),
            ("^[]a]$", "]", "["),
            ("^[^]a]$", "b", "]"),
            ("^[[:digit:]x]$", "7", ":"),
            ("^[+--]$", ",", "."),
            ("^[--/]$", ".", ","),
            (r"^\<a\>$", "<a>", "a"),
            (r"^\Qa.b*\E+$", "a.b**", "axb"),
            (r"^\pL$", "é", "1"),
            ("(?i)^É$", "é", "e"),
        ] {
            let regex = compile(pattern, 1 << 20).unwrap();
            assert!(regex.is_match(found.as_bytes()), "{pattern} in {found}");
            assert!(!regex.is_match(not_found.as_bytes()), "{pattern} in {not_found}");
        }
        assert!(compile_ascii(r"^[^\d]\D$", 1 << 20).unwrap().is_match(b"ab"));
    }

    #[test]
    fn a_mistake_is_shown_as_it_was_written() {
        let error = compile(r"[\d", 1 << 20).unwrap_err();
        assert!(error.to_string().contains(r"[\d"), "{error}");
    }
}
