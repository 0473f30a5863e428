//! Diagnostics for people and for machines: text with carets, JSON, SARIF, GitHub annotations.

mod escape;
mod github;
mod json;
mod place;
mod sarif;
mod text;

pub use escape::{escaped, escaped_json, escaped_lines};
pub use json::{JsonDiagnostic, JsonReport};
pub use place::Place;

use std::cell::OnceCell;

use crate::diagnostic::{Diagnostic, DiagnosticSeverity};
use crate::source::Source;

use place::Lines;

/// The findings of a load beside the sources they speak of, ready to be written out in source order.
pub struct Report<'a> {
    sources: &'a [Source],
    diagnostics: Vec<&'a Diagnostic>,
    lines: Vec<OnceCell<Lines>>,
}

impl<'a> Report<'a> {
    /// A report on all diagnostics of a load. `sources` are those given to the load, in the same order.
    #[must_use]
    pub fn new(sources: &'a [Source], diagnostics: &'a [Diagnostic]) -> Self {
        let mut diagnostics: Vec<&Diagnostic> = diagnostics.iter().collect();
        diagnostics.sort_by_key(|found| (found.source, found.span.start, found.code));
        Self { sources, diagnostics, lines: sources.iter().map(|_| OnceCell::new()).collect() }
    }

    /// How many errors there are.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|found| found.severity == DiagnosticSeverity::Error).count()
    }

    /// How many warnings there are.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.diagnostics.len() - self.errors()
    }

    /// Where a diagnostic points.
    #[must_use]
    pub fn place(&self, diagnostic: &Diagnostic) -> Place {
        let at = diagnostic.source.0 as usize;
        match (self.sources.get(at), self.lines.get(at)) {
            (Some(source), Some(lines)) => Place::find(source, lines.get_or_init(|| Lines::of(&source.text)), diagnostic.span),
            _ => Place::default(),
        }
    }

    /// The text of all diagnostics as a compiler prints them, one after another with an empty line between. `color` adds terminal
    /// escapes.
    #[must_use]
    pub fn text(&self, color: bool) -> String {
        let parts: Vec<String> = self.diagnostics.iter().map(|found| self.text_of(found, color)).collect();
        let mut all = parts.join("\n\n");
        if !all.is_empty() {
            all.push('\n');
        }
        all
    }

    /// The text of one diagnostic, without a line break at its end.
    #[must_use]
    pub fn text_of(&self, diagnostic: &Diagnostic, color: bool) -> String {
        text::render(diagnostic, self.source_of(diagnostic), &self.place(diagnostic), color)
    }

    /// The diagnostics as data, with the number and the hash of the rules that were loaded.
    #[must_use]
    pub fn data(&self, rules: usize, hash: &[u8]) -> JsonReport {
        json::report(self, rules, hash)
    }

    /// The diagnostics as a SARIF 2.1.0 log.
    #[must_use]
    pub fn sarif(&self) -> String {
        escaped_json(&sarif::log(self).to_string()).into_owned()
    }

    /// The diagnostics as GitHub workflow commands, one a line.
    #[must_use]
    pub fn github(&self) -> String {
        self.diagnostics.iter().map(|found| github::command(found, self.source_of(found), &self.place(found))).collect()
    }

    fn source_of(&self, diagnostic: &Diagnostic) -> Option<&'a Source> {
        self.sources.get(diagnostic.source.0 as usize)
    }
}
