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

/// The known word that was meant, where one is near enough.
pub(super) fn did_you_mean<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let limit = 1 + word.chars().count() / 4;
    known
        .iter()
        .map(|candidate| (distance(&word.to_lowercase(), candidate), *candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits between two words: insertions, deletions, replacements and swaps of neighbours.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let at = |row: &[usize], k: usize| row.get(k).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&row, j) + usize::from(l != r)).min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let swapped = i > 0 && j > 0 && left.get(i - 1) == Some(r) && right.get(j - 1) == Some(l);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn near_words_are_proposed_and_far_ones_are_not() {
        let known = ["always", "never", "when", "name", "severity"];
        for (word, meant) in [
            ("alwyas", Some("always")),
            ("Never", Some("never")),
            ("severtiy", Some("severity")),
            ("wen", Some("when")),
            ("expression", None),
            ("x", None),
        ] {
            assert_eq!(did_you_mean(word, &known), meant, "{word}");
        }
    }
}
