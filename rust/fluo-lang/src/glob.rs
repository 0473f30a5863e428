//! Globs over names: `*` matches any run of characters, everything else itself.

/// A name pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Glob {
    parts: Vec<String>,
}

impl Glob {
    /// Reads a pattern; every string is one.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { parts: text.split('*').map(str::to_owned).collect() }
    }

    /// The text itself, where the pattern has no `*`.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The pattern as written.
    #[must_use]
    pub fn text(&self) -> String {
        self.parts.join("*")
    }

    /// Whether the name fits. Linear in the name for each part: greedy leftmost placement of the middle parts is complete
    /// because `*` matches everything.
    #[must_use]
    pub fn matches(&self, name: &[u8]) -> bool {
        let Some((first, rest)) = self.parts.split_first() else { return false };
        let Some((last, middle)) = rest.split_last() else { return name == first.as_bytes() };
        // Of every span each attribute is asked whether it fits `*`: no bytes need not be compared.
        let Some(mut at) = (if first.is_empty() { Some(name) } else { name.strip_prefix(first.as_bytes()) }) else { return false };
        for part in middle {
            match find(at, part.as_bytes()) {
                Some(end) => at = at.get(end..).unwrap_or_default(),
                None => return false,
            }
        }
        last.is_empty() || at.ends_with(last.as_bytes())
    }
}

/// The end of the first occurrence of `needle`.
fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() {
        return Some(0);
    }
    hay.windows(needle.len()).position(|w| w == needle).map(|at| at + needle.len())
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn a_star_matches_any_run_and_nothing_else_is_special() {
        for (pattern, name, fits) in [
            ("payment.*", "payment.charge", true),
            ("payment.*", "payment.", true),
            ("payment.*", "payments", false),
            ("*", "", true),
            ("a*a", "a", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("GET /?", "GET /x", false),
            ("exact", "exact", true),
            ("exact", "exactly", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(name.as_bytes()), fits, "{pattern} on {name}");
        }
    }
}
