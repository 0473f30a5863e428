//! Sources in, a rule set and everything there is to say about them out.

use crate::check;
use crate::diagnostic::{Diagnostic, DiagnosticSeverity};
use crate::limits::Limits;
use crate::program::RuleSet;
use crate::rule_file;
use crate::source::{Source, SourceId};

/// What a load found.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The rule set; `None` where there was any error.
    pub rules: Option<RuleSet>,
    /// The findings about all sources, errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads and checks all sources as one rule set. Every error of every source is reported: one bad rule or file hides no other.
#[must_use]
pub fn load(sources: &[Source], limits: &Limits) -> Loaded {
    let mut files = Vec::new();
    let mut diagnostics = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        let id = SourceId(u32::try_from(number).unwrap_or(u32::MAX));
        let (file, found) = rule_file::read(id, source);
        files.push(file);
        diagnostics.extend(found);
    }
    let checked = check::check_rules(&files, limits);
    diagnostics.extend(checked.diagnostics);
    diagnostics.sort_by_key(|d| (d.source, d.span.start, d.span.end));
    let refused = diagnostics.iter().any(|d| d.severity == DiagnosticSeverity::Error);
    Loaded { rules: (!refused).then(|| check::rule_set(checked.rules)), diagnostics }
}
