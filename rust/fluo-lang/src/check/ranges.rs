//! Bounds that leave nothing between them, and bounds that leave nothing out.

use std::cmp::Ordering;

use super::context::{Level, Lowering, Note};
use super::opposites::COMPARED;
use crate::codes;
use crate::print;
use crate::program::{Attribute, AttributeKey, CompareOp, Expr, Field, FieldKey, Place, Scope, Term};
use crate::source::Span;
use crate::value::{Value, equal, order};

/// A bound on a term: `term op limit`.
struct Bound<'e> {
    term: &'e Term,
    op: CompareOp,
    limit: &'e Value,
}

impl Lowering<'_> {
    /// `x > 5 and x < 3`: no one value is both.
    pub(super) fn hint_empty_range(&mut self, parts: &[Expr], level: Level, span: Span) {
        let Some((a, b)) = pair(parts, are_apart) else { return };
        let (a, b) = (self.text_of(&a), self.text_of(&b));
        let help = match level {
            Level::Claim => format!("for either write `{a} or {b}`"),
            _ => format!("for either write `{a} or {b}`; for two spans of one trace write `trace.has(…) and trace.has(…)`"),
        };
        self.warn(span, Note::new(codes::NEVER_HOLDS, format!("no single value is both `{a}` and `{b}`")).help(help));
    }

    /// `x > 5 or x < 7`, `x != 'a' or x != 'b'`: every value is one of them.
    pub(super) fn hint_full_range(&mut self, parts: &[Expr], span: Span) {
        let Some((a, b)) = pair(parts, leave_nothing_out) else { return };
        let message = format!("every value that can be compared is `{}` or `{}`", self.text_of(&a), self.text_of(&b));
        let help = format!("for what satisfies both write `{} and {}`", self.text_of(&a), self.text_of(&b));
        self.warn(span, Note::new(codes::NEVER_HOLDS, message).help(help));
    }

    /// A span's duration compared with what it always or never is.
    pub(super) fn hint_negative_duration(&mut self, op: CompareOp, left: &Term, right: &Term, span: Span) {
        let is_duration = |term: &Term| matches!(term, Term::Field(Field { key: FieldKey::Duration, .. }));
        let (op, limit) = match (left, right) {
            (term, Term::Literal(Value::Duration(limit))) if is_duration(term) => (op, *limit),
            (Term::Literal(Value::Duration(limit)), term) if is_duration(term) => (exchanged(op), *limit),
            _ => return,
        };
        let truth = match op {
            CompareOp::Lt if limit <= 0 => "never",
            CompareOp::Le | CompareOp::Eq if limit < 0 => "never",
            CompareOp::Ge if limit <= 0 => "always",
            CompareOp::Gt | CompareOp::Ne if limit < 0 => "always",
            _ => return,
        };
        let note = Note::new(codes::NEVER_HOLDS, format!("a span's duration is never negative, so this {truth} holds"))
            .help("a span that ends before it starts has no duration: it is unknown");
        self.warn(span, note);
    }

    fn text_of(&self, bound: &Bound<'_>) -> String {
        let scope = if self.over_spans() { Scope::Spans } else { Scope::Trace };
        let expr = Expr::Compare { op: bound.op, left: bound.term.clone(), right: Term::Literal(bound.limit.clone()) };
        print::expr(&expr, scope)
    }
}

/// The first two bounds on one term that stand to each other like this.
fn pair<'e>(parts: &'e [Expr], fits: impl Fn(&Bound<'e>, &Bound<'e>) -> bool) -> Option<(Bound<'e>, Bound<'e>)> {
    let parts = parts.get(..COMPARED).unwrap_or(parts);
    for (at, a) in parts.iter().enumerate() {
        let Some(a) = bound(a) else { continue };
        for b in parts.iter().skip(at + 1).filter_map(bound) {
            if a.term == b.term && fits(&a, &b) {
                return Some((a, b));
            }
        }
    }
    None
}

/// The bound that an expression sets on a term of one value.
fn bound(expr: &Expr) -> Option<Bound<'_>> {
    let Expr::Compare { op, left, right } = expr else { return None };
    let found = match (left, right) {
        (term, Term::Literal(limit)) => Bound { term, op: *op, limit },
        (Term::Literal(limit), term) => Bound { term, op: exchanged(*op), limit },
        _ => return None,
    };
    (!has_several(found.term)).then_some(found)
}

/// Whether a term may stand for several values at once: those of all events, links or fitting keys.
fn has_several(term: &Term) -> bool {
    match term {
        Term::Field(Field { key: FieldKey::Attribute(Attribute { place, key }), .. }) => {
            matches!(place, Place::Event | Place::Link) || matches!(key, AttributeKey::Glob(_))
        }
        Term::Neg(inner) | Term::Lower(inner) | Term::Shape(inner) | Term::Extract(inner, _) => has_several(inner),
        Term::Coalesce(parts) => parts.iter().any(has_several),
        Term::Arith { left, right, .. } => has_several(left) || has_several(right),
        _ => false,
    }
}

/// The operator with its sides exchanged.
pub(super) const fn exchanged(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Le => CompareOp::Ge,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Le,
        same => same,
    }
}

/// Whether no value is within both bounds.
fn are_apart(a: &Bound<'_>, b: &Bound<'_>) -> bool {
    use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    // Of two different values an attribute that is a list may have both; an order leaves one no room.
    match (a.op, b.op) {
        (Lt, Gt | Ge) | (Le, Gt) => is(a, b, Ordering::is_le),
        (Le, Ge) => is(a, b, Ordering::is_lt),
        (Gt | Ge, Lt | Le) => are_apart(b, a),
        (Eq, Lt) => is(a, b, Ordering::is_ge),
        (Eq, Le) => is(a, b, Ordering::is_gt),
        (Eq, Gt) => is(a, b, Ordering::is_le),
        (Eq, Ge) => is(a, b, Ordering::is_lt),
        (Lt | Le | Gt | Ge, Eq) => are_apart(b, a),
        (Eq, Ne) | (Ne, Eq) => is(a, b, Ordering::is_eq),
        _ => false,
    }
}

/// Whether every value that has an order is within one of the bounds.
fn leave_nothing_out(a: &Bound<'_>, b: &Bound<'_>) -> bool {
    use CompareOp::{Ge, Gt, Le, Lt, Ne};
    match (a.op, b.op) {
        (Gt, Lt) => is(a, b, Ordering::is_lt),
        (Gt, Le) | (Ge, Lt | Le) => is(a, b, Ordering::is_le),
        (Lt | Le, Gt | Ge) => leave_nothing_out(b, a),
        (Ne, Ne) => is(a, b, Ordering::is_ne) || order(a.limit.view(), b.limit.view()).is_none() && !equal(a.limit.view(), b.limit.view()),
        _ => false,
    }
}

/// Whether the limits have this order.
fn is(a: &Bound<'_>, b: &Bound<'_>, fits: fn(Ordering) -> bool) -> bool {
    order(a.limit.view(), b.limit.view()).is_some_and(fits)
}
