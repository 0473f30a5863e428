//! Diagnostics as data: the same object crosses the C interface and leaves `fluo check --format json`.

use serde::Serialize;

use crate::diagnostic::DiagnosticSeverity;

use super::Report;

/// The findings of a load.
#[derive(Debug, Clone, Serialize)]
pub struct JsonReport {
    /// The findings, in source order.
    pub diagnostics: Vec<JsonDiagnostic>,
    /// How many rules were loaded; 0 where there was an error.
    pub rules: usize,
    /// The rule set's hash in hex; empty where there was an error.
    pub hash: String,
}

/// One finding.
#[derive(Debug, Clone, Serialize)]
pub struct JsonDiagnostic {
    /// Such as `F0101`.
    pub code: &'static str,
    /// `error` or `warning`.
    pub severity: &'static str,
    /// One sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The name of the source.
    pub source: String,
    /// The name of the rule.
    pub rule: Option<String>,
    /// From 1; 0 in an inline source.
    pub line: usize,
    /// From 1, in characters; in an inline source the one in the value's text.
    pub column: usize,
    /// The line of the last character; 0 in an inline source.
    pub end_line: usize,
    /// One past the last character in its line.
    pub end_column: usize,
    /// Such as `rules.yml:3:14`, or `rules[2].always:14` in an inline source.
    pub place: String,
    /// Text of several lines with a caret.
    pub rendered: String,
}

/// The word for a severity.
pub(super) fn severity(severity: DiagnosticSeverity) -> &'static str {
    match severity {
        DiagnosticSeverity::Error => "error",
        DiagnosticSeverity::Warning => "warning",
    }
}

pub(super) fn report(report: &Report<'_>, rules: usize, hash: &[u8]) -> JsonReport {
    let diagnostics = report
        .diagnostics
        .iter()
        .map(|found| {
            let place = report.place(found);
            let source = report.source_of(found);
            JsonDiagnostic {
                code: found.code,
                severity: severity(found.severity),
                message: found.message.clone(),
                help: found.help.clone(),
                source: source.map(|source| source.name.clone()).unwrap_or_default(),
                rule: found.rule.clone(),
                line: place.line,
                column: place.column,
                end_line: place.end_line,
                end_column: place.end_column,
                place: source.map(|source| place.short(source)).unwrap_or_default(),
                rendered: report.text_of(found, false),
            }
        })
        .collect();
    JsonReport { diagnostics, rules, hash: hash.iter().map(|byte| format!("{byte:02x}")).collect() }
}
