//! What the checker has to say.

use crate::source::{SourceId, Span};

/// One finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// Stable code such as `F0101`.
    pub code: &'static str,
    /// How bad.
    pub severity: DiagnosticSeverity,
    /// One sentence: lower case, no full stop, the user's text in backticks.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The rule, where the finding belongs to one.
    pub rule: Option<String>,
    /// The place.
    pub source: SourceId,
    /// The range in the source.
    pub span: Span,
    /// What stands at the place, for the caret line.
    pub label: Option<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiagnosticSeverity {
    /// The rule set is refused.
    Error,
    /// Worth a look.
    Warning,
}
