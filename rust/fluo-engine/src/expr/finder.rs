//! Looking for a pattern in text.

use fluo_lang::limits::Limits;
use fluo_lang::pattern;
use regex::bytes::Regex;

/// A compiled pattern. In text of ASCII alone a sign is a byte, and looking for bytes is several times cheaper; most text is such.
#[derive(Debug, Clone)]
pub(crate) struct Finder {
    any: Regex,
    /// The pattern over bytes, where it can be read so.
    ascii: Option<Regex>,
}

impl Finder {
    /// A pattern that the checker has compiled before; one that does not compile here is none.
    pub(crate) fn new(source: &str) -> Option<Self> {
        let size = Limits::default().regex_bytes;
        // A letter beyond ASCII may fold to one of ASCII (the Kelvin sign to `k`).
        let ascii = if source.is_ascii() { pattern::compile_ascii(source, size).ok() } else { None };
        Some(Self { any: pattern::compile(source, size).ok()?, ascii })
    }

    /// Whether the pattern is somewhere in the text.
    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        match &self.ascii {
            Some(ascii) if text.is_ascii() => ascii.is_match(text),
            _ => self.any.is_match(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Finder;

    #[test]
    fn ascii_is_found_as_anything_is() {
        let patterns = [
            r"\b\d{4}[ -]?\d{4}\b",
            r"^\w+$",
            r"(?i)kelvin",
            r"(?i)Stra\x{df}e",
            r"\s\S",
            r"[^a-z]",
            r"\pL+\d",
            r"a.c",
            r"\x{e9}|b",
            r"\W",
            r"(?u:\d)x",
            r"[[:alpha:]]\B",
        ];
        let texts = [
            "",
            "a",
            "4111-1111",
            "x4111 1111y",
            "kelvin KELVIN",
            "strasse",
            " a\t",
            "abc",
            "é",
            "K",
            "a\u{b}c",
            "½x 1x",
            "b",
            "_",
            "a c",
            "٤٤٤٤ ٤٤٤٤",
        ];
        for pattern in patterns {
            let finder = Finder::new(pattern).expect("a pattern");
            for text in texts {
                assert_eq!(finder.is_in(text.as_bytes()), finder.any.is_match(text.as_bytes()), "{pattern} in {text}");
            }
        }
    }
}
