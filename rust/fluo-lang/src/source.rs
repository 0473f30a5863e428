//! Sources and positions.

/// Which source of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u32);

/// A half-open range of bytes in a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// So many bytes from an offset on.
    pub(crate) fn sized(start: usize, length: usize) -> Self {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: offset(start), end: offset(start + length) }
    }
}

/// A rule source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The path of a file, or what an inline list is called in messages.
    pub name: String,
    /// Its text.
    pub text: String,
    /// What the text is.
    pub kind: SourceKind,
}

/// What a source's text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A rule file (YAML).
    File,
    /// A JSON list of rules taken from another configuration: positions are rule and column, not lines.
    Inline,
}
