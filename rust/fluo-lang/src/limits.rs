//! What a rule set may cost to load. All settable; crossing one is an error with its own code.

/// The limits of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one expression text, and of one expression with its defines inserted measured in syntax nodes.
    pub text_bytes: usize,
    /// How deep expressions nest: parentheses, `not`, arguments, relations.
    pub nesting: usize,
    /// Rules of one load.
    pub rules: usize,
    /// Bytes of one compiled regular expression.
    pub regex_bytes: usize,
    /// Elements of one list.
    pub list_items: usize,
    /// Syntax nodes of all rules of a load together, defines inserted.
    pub total_nodes: usize,
    /// Bytes of all compiled regular expressions of a load together, one that stands twice counted twice.
    pub total_regex_bytes: usize,
    /// Errors of a load that are shown, and as many warnings; what is beyond is counted.
    pub findings: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text_bytes: 64 * 1024,
            nesting: 128,
            rules: 10_000,
            regex_bytes: 1 << 20,
            list_items: 10_000,
            total_nodes: 1_000_000,
            total_regex_bytes: 64 << 20,
            findings: 1_000,
        }
    }
}

/// What the stack bears whatever the settings say: a setting above it counts as this.
const DEEPEST: usize = 256;

impl Limits {
    /// The nesting that is applied.
    #[must_use]
    pub(crate) fn nesting(&self) -> usize {
        self.nesting.min(DEEPEST)
    }
}
