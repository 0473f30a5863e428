//! Message templates.

use super::context::{Level, Lowering, Note};
use crate::codes;
use crate::program::{Expr, Message, MessagePart, Spanset, Term};
use crate::raw::ExprText;
use crate::syntax;
use crate::syntax::ast::{self, ExprKind, Head};

/// A template cut at its braces: text with braces decoded, or a range of the template that holds an expression.
enum Piece {
    Text(String),
    Inserted(usize, usize),
}

/// Cuts a template; the error is the place of a brace that is never closed.
fn pieces(template: &str) -> Result<Vec<Piece>, usize> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut chars = template.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let doubled = chars.peek().is_some_and(|(_, next)| *next == c);
        match c {
            '{' | '}' if doubled => {
                chars.next();
                text.push(c);
            }
            '{' => {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                let mut quote = None;
                let end = loop {
                    let (end, c) = chars.next().ok_or(at)?;
                    match (c, quote) {
                        ('}', None) => break end,
                        ('\'' | '"', None) => quote = Some(c),
                        ('\\', Some(_)) => {
                            chars.next();
                        }
                        (c, Some(q)) if c == q => quote = None,
                        _ => {}
                    }
                };
                pieces.push(Piece::Inserted(at + 1, end));
            }
            c => text.push(c),
        }
    }
    pieces.push(Piece::Text(text));
    pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
    Ok(pieces)
}

/// An expression inside a message, ready to be lowered: its text knows its own place.
pub(super) struct Inserted {
    text: ExprText,
    expr: Option<ast::Expr>,
}

/// A message whose expressions have been read.
pub(super) struct Template {
    parts: Vec<Result<String, Inserted>>,
}

impl Lowering<'_> {
    /// Reads a template; what is wrong about its syntax is reported.
    pub(super) fn template(&mut self, text: &ExprText) -> Template {
        let pieces = match pieces(&text.text) {
            Ok(pieces) => pieces,
            Err(at) => {
                let at = u32::try_from(at).unwrap_or(u32::MAX);
                let span = text.positions.to_source(at, at + 1);
                let note = Note::new(codes::MESSAGE, "this `{` is never closed").help("a brace itself is written `{{`");
                self.error_in_source(span, note);
                return Template { parts: Vec::new() };
            }
        };
        let mut parts = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => parts.push(Ok(text)),
                Piece::Inserted(start, end) => {
                    let inner = text.slice(start, end);
                    let (expr, errors) = syntax::parse_text(&inner, self.limits);
                    for error in errors {
                        let span = inner.positions.to_source(error.span.start, error.span.end);
                        self.error_in_source(span, error.into());
                    }
                    parts.push(Err(Inserted { text: inner, expr }));
                }
            }
        }
        Template { parts }
    }
}

impl<'a> Lowering<'a> {
    /// The message of a rule whose claim and guard have been lowered. `None` where anything in it is wrong.
    pub(super) fn message(&mut self, template: &'a Template, observed: &[&Expr]) -> Option<Message> {
        let mut parts = Vec::new();
        let mut fine = true;
        for part in &template.parts {
            match part {
                Ok(text) => parts.push(MessagePart::Text(text.clone())),
                Err(inserted) => match self.inserted(inserted, observed) {
                    Some(term) => parts.push(MessagePart::Value(term)),
                    None => fine = false,
                },
            }
        }
        fine.then_some(Message { parts })
    }

    /// Reads the values in a message whose claim is wrong: what is wrong with them alone is said all the same.
    pub(super) fn message_for_errors(&mut self, template: &'a Template) {
        for inserted in template.parts.iter().filter_map(|part| part.as_ref().err()) {
            let Some(expr) = inserted.expr.as_ref().filter(|expr| !speaks_of_a_span(expr)) else { continue };
            let before = std::mem::replace(&mut self.text, &inserted.text);
            self.term(expr, Level::Claim, false);
            self.text = before;
        }
    }

    fn inserted(&mut self, inserted: &'a Inserted, observed: &[&Expr]) -> Option<Term> {
        let expr = inserted.expr.as_ref()?;
        let before = std::mem::replace(&mut self.text, &inserted.text);
        let term = self.inserted_term(expr, observed);
        self.text = before;
        term
    }

    fn inserted_term(&mut self, expr: &'a ast::Expr, observed: &[&Expr]) -> Option<Term> {
        let groups = self.by.clone().unwrap_or_default();
        if speaks_of_a_span(expr) {
            let term = self.term(expr, Level::Span, false)?.term;
            if groups.contains(&term) {
                return Some(term);
            }
            let written = self.written(expr.span);
            let note = Note::new(codes::MESSAGE_VALUE, format!("`{written}` is a field of some span, and a message has none"))
                .help("a message inserts the rule's numbers and the fields of its `by`; `show:` carries fields of the witnesses");
            self.error(expr.span, note);
            return None;
        }
        let known_by = self.by.clone();
        let term = self.term(expr, Level::Claim, false)?.term;
        self.by = known_by;
        let mut leaves = Vec::new();
        leaves_of(&term, &mut leaves);
        if leaves.iter().all(|leaf| observed.iter().any(|expr| occurs(leaf, expr))) {
            return Some(term);
        }
        let written = self.written(expr.span);
        let note = Note::new(codes::MESSAGE_VALUE, format!("the rule does not observe `{written}`"))
            .help("a message inserts values of the claim or of `when`, written as they are there; a define keeps them equal");
        self.error(expr.span, note);
        None
    }
}

/// Whether an expression can only be about one span: words and functions of words.
fn speaks_of_a_span(expr: &ast::Expr) -> bool {
    match &expr.bare().kind {
        ExprKind::Chain(chain) => match (&chain.head, chain.segments.as_slice()) {
            (Head::Word, [call]) if matches!(call.name.name.as_str(), "lower" | "shape" | "extract" | "coalesce") => {
                call.args.as_ref().and_then(|args| args.items.first()).is_some_and(|arg| speaks_of_a_span(&arg.value))
            }
            (Head::Word, [first, ..]) => !matches!(first.name.name.as_str(), "trace" | "spans" | "traces"),
            _ => false,
        },
        _ => false,
    }
}

/// The observations a term is made of.
fn leaves_of<'t>(term: &'t Term, leaves: &mut Vec<&'t Term>) {
    match term {
        Term::Aggregate(_) | Term::SpanField(_) | Term::Depth | Term::TraceDuration | Term::Field(_) => leaves.push(term),
        Term::Arith { left, right, .. } => {
            leaves_of(left, leaves);
            leaves_of(right, leaves);
        }
        Term::Neg(inner) | Term::Lower(inner) | Term::Shape(inner) | Term::Extract(inner, _) => leaves_of(inner, leaves),
        Term::Coalesce(items) => items.iter().for_each(|item| leaves_of(item, leaves)),
        Term::Literal(_) => {}
    }
}

/// Whether the claim observes the term.
fn occurs(leaf: &Term, expr: &Expr) -> bool {
    match expr {
        Expr::Not(inner) => occurs(leaf, inner),
        Expr::And(items) | Expr::Or(items) => items.iter().any(|item| occurs(leaf, item)),
        Expr::Implies(a, b) => occurs(leaf, a) || occurs(leaf, b),
        Expr::Compare { left, right, .. } | Expr::Text { left, right, .. } => in_term(leaf, left) || in_term(leaf, right),
        Expr::In { term, .. } | Expr::Matches { term, .. } | Expr::Exists(term) | Expr::Missing(term) => in_term(leaf, term),
        // The spans of a test are counted as they are tested.
        Expr::NonEmpty(set) | Expr::Empty(set) => counts(leaf, set),
        _ => false,
    }
}

fn counts(leaf: &Term, set: &Spanset) -> bool {
    matches!(leaf, Term::Aggregate(a) if a.set == *set && a.function == crate::program::AggregateFn::Count)
}

fn in_term(leaf: &Term, term: &Term) -> bool {
    let mut leaves = Vec::new();
    leaves_of(term, &mut leaves);
    leaves.contains(&leaf)
}
