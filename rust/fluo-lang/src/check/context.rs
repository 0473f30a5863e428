//! What lowering carries along: where it is, what it has found out about the rule, and the findings.

use std::collections::HashSet;

use super::Size;
use super::defines::Defines;
use crate::codes;
use crate::diagnostic::{Diagnostic, DiagnosticSeverity};
use crate::limits::Limits;
use crate::program::{ItemKind, Polarity, Scope, Spanset, Term};
use crate::raw::ExprText;
use crate::source::{SourceId, Span};
use crate::syntax::SyntaxError;

/// Findings about one or more sources; one that repeats another is dropped (a define is read in every place that uses it).
#[derive(Default)]
pub(super) struct Findings {
    pub(super) list: Vec<Diagnostic>,
    /// How many of them are errors.
    pub(super) errors: usize,
    /// What the rules have come to so far.
    pub(super) size: Size,
    /// Whether the rules are too large together; then nothing more is read.
    pub(super) refused: bool,
    /// Words that were looked for among those known to the file: each look costs as much as there are.
    pub(super) searches: usize,
    seen: HashSet<(&'static str, SourceId, Span)>,
}

impl Findings {
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        if self.seen.insert((diagnostic.code, diagnostic.source, diagnostic.span)) {
            self.errors += usize::from(diagnostic.severity == DiagnosticSeverity::Error);
            self.list.push(diagnostic);
        }
    }
}

/// What a finding says.
pub(super) struct Note {
    code: &'static str,
    message: String,
    help: Option<String>,
    label: Option<String>,
}

impl Note {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, label: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn at(self, severity: DiagnosticSeverity, rule: Option<String>, source: SourceId, span: Span) -> Diagnostic {
        Diagnostic { code: self.code, severity, message: self.message, help: self.help, rule, source, span, label: self.label }
    }
}

impl From<SyntaxError> for Note {
    fn from(error: SyntaxError) -> Self {
        Self { code: error.code, message: error.message, help: error.help, label: error.label }
    }
}

/// Where an expression stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// In `always`, `never`, `when` or a message, outside every predicate.
    Claim,
    /// In a predicate over a span.
    Span,
    /// In the predicate of `event(…)` or `link(…)`.
    Item(ItemKind),
}

/// A place where `all` may be meant to imply that there is a span.
pub(super) struct AllCandidate {
    pub(super) span: Span,
    pub(super) set: Spanset,
}

/// A define that is being inserted.
#[derive(Debug)]
pub(super) struct Use<'a> {
    pub(super) name: &'a str,
    /// Where it is used, in the source.
    pub(super) place: Span,
    /// All that it stands for, in its own text.
    pub(super) whole: Span,
}

/// A `not in` that a missing field falsifies, unless a condition beside it asks for the field.
pub(super) struct OpenList {
    pub(super) span: Span,
    pub(super) term: Term,
    pub(super) note: Note,
}

/// Lowers the expressions of one rule.
pub(super) struct Lowering<'a> {
    pub(super) limits: &'a Limits,
    pub(super) source: SourceId,
    pub(super) findings: &'a mut Findings,
    pub(super) defines: &'a Defines,
    /// The rule's name, for findings.
    pub(super) rule: String,
    /// The text whose spans are meant.
    pub(super) text: &'a ExprText,
    /// The defines that are being inserted, the innermost last.
    pub(super) inserting: Vec<Use<'a>>,
    /// The text of the claim in the source, for what is wrong with the whole.
    pub(super) origin: Span,
    /// Whether a limit was crossed (said once).
    pub(super) refused: bool,
    /// How deep, defines included.
    pub(super) depth: usize,
    /// How many nodes have been lowered, defines included.
    pub(super) nodes: usize,
    /// The scope, as soon as one was named.
    pub(super) scope: Option<Scope>,
    /// Whether two scopes were named (said once).
    pub(super) mixed: bool,
    /// The rule's groups, as soon as a `by` was read.
    pub(super) by: Option<Vec<Term>>,
    /// What the rule claims.
    pub(super) polarity: Polarity,
    /// Whether a truth here pushes towards a violation (1), away from one (-1), or neither for sure (0).
    pub(super) sign: i8,
    /// Quantifiers to look at when the whole claim is known.
    pub(super) alls: Vec<AllCandidate>,
    /// Lists to hint at when the conditions beside them are known.
    pub(super) open_lists: Vec<OpenList>,
}

/// What is wrong with an expression where it stands, and not with the expression.
const OF_USES: [&str; 6] =
    [codes::BARE_FIELD, codes::SCOPE_IN_PREDICATE, codes::NOT_A_TRUTH, codes::NOT_A_VALUE, codes::NOT_A_LIST, codes::LIST_EQUALITY];

impl<'a> Lowering<'a> {
    pub(super) fn error(&mut self, span: Span, note: Note) {
        self.report(DiagnosticSeverity::Error, span, note);
    }

    pub(super) fn warn(&mut self, span: Span, note: Note) {
        self.report(DiagnosticSeverity::Warning, span, note);
    }

    fn report(&mut self, severity: DiagnosticSeverity, span: Span, mut note: Note) {
        let mut place = self.place(span);
        // What is wrong with a define as a whole is wrong where it is used: elsewhere it may be right.
        if let Some(using) = self.inserting.last().filter(|using| using.whole == span && OF_USES.contains(&note.code)) {
            place = using.place;
            note.message = format!("in `${}`, {}", using.name, note.message);
        }
        self.findings.push(note.at(severity, Some(self.rule.clone()), self.source, place));
    }

    pub(super) fn error_in_source(&mut self, place: Span, note: Note) {
        self.findings.push(note.at(DiagnosticSeverity::Error, Some(self.rule.clone()), self.source, place));
    }

    pub(super) fn warn_in_source(&mut self, place: Span, note: Note) {
        self.findings.push(note.at(DiagnosticSeverity::Warning, Some(self.rule.clone()), self.source, place));
    }

    /// The range in the source.
    pub(super) fn place(&self, span: Span) -> Span {
        self.text.positions.to_source(span.start, span.end)
    }

    /// What was written there.
    pub(super) fn written(&self, span: Span) -> String {
        let range = span.start as usize..span.end as usize;
        let text = self.text.text.get(range).unwrap_or_default();
        let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        // A list of YAML has no text of its own.
        if let (true, Some(using)) = (words.is_empty(), self.inserting.last()) {
            words = format!("${}", using.name);
        }
        if let Some((cut, _)) = words.char_indices().nth(80) {
            words.truncate(cut);
            words.push('…');
        }
        words
    }

    /// Goes one level down; `None` where the limits forbid it.
    pub(super) fn enter(&mut self) -> Option<()> {
        if self.findings.refused {
            return None;
        }
        self.nodes += 1;
        self.findings.size.nodes += 1;
        if self.findings.size.nodes > self.limits.total_nodes {
            let note = Note::new(codes::TOTAL_TOO_LARGE, "up to here the rules are too large together")
                .help("a define is there in every rule that uses it; a list, or one rule with `by`, is smaller");
            self.error_in_source(self.origin, note);
            self.findings.refused = true;
            return None;
        }
        // A level of syntax makes at most four here; what is beyond stems from defines that were nested into each other.
        let deep = self.depth > self.limits.nesting() * 4;
        if !deep && self.nodes <= self.limits.text_bytes {
            self.depth += 1;
            return Some(());
        }
        if !self.refused {
            self.refused = true;
            let note = if deep {
                Note::new(codes::NESTING, "nested too deeply with its defines inserted")
            } else {
                Note::new(codes::TOO_LARGE, "the expression is too large with its defines inserted")
                    .help("a define that is used twice is there twice")
            };
            self.error_in_source(self.origin, note);
        }
        None
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Runs with another sign.
    pub(super) fn signed<R>(&mut self, factor: i8, run: impl FnOnce(&mut Self) -> R) -> R {
        let before = self.sign;
        self.sign *= factor;
        let result = run(self);
        self.sign = before;
        result
    }

    /// Notes that the rule names a scope.
    pub(super) fn name_scope(&mut self, scope: Scope, span: Span) {
        match self.scope {
            None => self.scope = Some(scope),
            Some(known) if known != scope && !self.mixed => {
                self.mixed = true;
                let note = Note::new(codes::MIXED_SCOPES, "one rule speaks of one trace and of all spans")
                    .help("use `trace.…` or `spans.…` throughout, `when` included, or make it two rules");
                self.error(span, note);
            }
            Some(_) => {}
        }
    }

    /// Whether the rule ranges over all spans; not where it names both scopes, which is mistake enough.
    pub(super) fn over_spans(&self) -> bool {
        self.scope == Some(Scope::Spans) && !self.mixed
    }
}
