//! Collects the findings about one source.

use crate::diagnostic::{Diagnostic, DiagnosticSeverity};
use crate::source::{SourceId, Span};

/// The findings so far, and which rule is being read.
pub(super) struct Findings {
    pub(super) source: SourceId,
    pub(super) list: Vec<Diagnostic>,
    /// The rule that is being read.
    pub(super) rule: Option<String>,
}

impl Findings {
    pub(super) fn new(source: SourceId) -> Self {
        Self { source, list: Vec::new(), rule: None }
    }

    /// Adds an error; what else is to be said about it goes into the returned finding.
    pub(super) fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> Finding<'_> {
        self.list.push(Diagnostic {
            code,
            severity: DiagnosticSeverity::Error,
            message: message.into(),
            help: None,
            rule: self.rule.clone(),
            source: self.source,
            span,
            label: None,
        });
        Finding { diagnostic: self.list.last_mut() }
    }

    /// How many there are, to see whether a part added some.
    pub(super) fn count(&self) -> usize {
        self.list.len()
    }
}

/// The finding just added.
pub(super) struct Finding<'a> {
    diagnostic: Option<&'a mut Diagnostic>,
}

impl Finding<'_> {
    /// What to do.
    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        if let Some(diagnostic) = &mut self.diagnostic {
            diagnostic.help = Some(text.into());
        }
        self
    }

    /// What stands at the place.
    pub(super) fn label(mut self, text: impl Into<String>) -> Self {
        if let Some(diagnostic) = &mut self.diagnostic {
            diagnostic.label = Some(text.into());
        }
        self
    }
}
