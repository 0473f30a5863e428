//! Sources in, a rule set and everything there is to say about them out.

use crate::check::{self, Size};
use crate::codes;
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
    /// The findings about all sources, errors and warnings, as many of each as the limits allow.
    pub diagnostics: Vec<Diagnostic>,
    /// What the rules come to, beside the limits on it.
    pub size: Size,
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
    cut(&mut diagnostics, limits.findings);
    Loaded { rules: (!refused).then(|| check::rule_set(checked.rules)), diagnostics, size: checked.size }
}

/// Leaves so many errors and so many warnings, those that stand first, and says in the place of the others how many they are.
fn cut(diagnostics: &mut Vec<Diagnostic>, most: usize) {
    let (mut errors, mut warnings) = (0usize, 0usize);
    let mut first = None;
    diagnostics.retain(|found| {
        let count = if found.severity == DiagnosticSeverity::Error { &mut errors } else { &mut warnings };
        *count += 1;
        let stays = *count <= most;
        if !stays && first.is_none() {
            first = Some((found.source, found.span));
        }
        stays
    });
    let Some((source, span)) = first else { return };
    let more = |count: usize, noun: &str| match count.saturating_sub(most) {
        0 => None,
        1 => Some(format!("1 more {noun}")),
        more => Some(format!("{more} more {noun}s")),
    };
    let parts: Vec<String> = more(errors, "error").into_iter().chain(more(warnings, "warning")).collect();
    diagnostics.push(Diagnostic {
        code: codes::TOO_MANY_FINDINGS,
        severity: if errors > most { DiagnosticSeverity::Error } else { DiagnosticSeverity::Warning },
        message: format!("{} from here on", parts.join(" and ")),
        help: Some("mend what stands first".to_owned()),
        rule: None,
        source,
        span,
        label: None,
    });
}
