//! Conditions that exclude each other whatever their limits are: `P` and `not P`, a field that is there and missing, an intrinsic
//! that is to be one of two lists without a common member.

use super::context::{Lowering, Note};
use crate::codes;
use crate::program::{CompareOp, Expr, Field, FieldKey, Term};
use crate::source::Span;
use crate::value::{Value, equal};

impl Lowering<'_> {
    /// Says of parts of an `and` that exclude each other.
    pub(super) fn hint_opposites(&mut self, parts: &[Expr], span: Span) {
        if any_pair(parts, |a, b| is_negation(a, b) || needs_what_is_missing(a, b) || are_disjoint(a, b)) {
            let note = Note::new(codes::NEVER_HOLDS, "one side of this `and` excludes the other")
                .help("for either write `or`; for two spans of one trace write `trace.has(…) and trace.has(…)`");
            self.warn(span, note);
        }
    }

    /// Says of parts of an `or` of which one always holds.
    pub(super) fn hint_alternatives(&mut self, parts: &[Expr], span: Span) {
        if any_pair(parts, is_negation) {
            let note = Note::new(codes::NEVER_HOLDS, "one side of this `or` always holds").help("leave the condition out");
            self.warn(span, note);
        }
    }
}

/// How many conditions that stand beside each other are compared with one another for a hint: more are no mistake of a hand, and the
/// pairs of thousands would take seconds.
pub(super) const COMPARED: usize = 64;

fn any_pair(parts: &[Expr], fits: impl Fn(&Expr, &Expr) -> bool) -> bool {
    let parts = parts.get(..COMPARED).unwrap_or(parts);
    parts.iter().enumerate().any(|(at, a)| parts.iter().skip(at + 1).any(|b| fits(a, b) || fits(b, a)))
}

/// Whether one says that the other does not hold.
fn is_negation(a: &Expr, b: &Expr) -> bool {
    match (a, b) {
        (Expr::Not(inner), other) => **inner == *other,
        (Expr::Missing(a), Expr::Exists(b)) => a == b,
        (Expr::Empty(a), Expr::NonEmpty(b)) => a == b,
        _ => false,
    }
}

/// The term that an expression asks the presence of, and whether it asks that it is there.
pub(super) fn presence(expr: &Expr) -> Option<(&Term, bool)> {
    match expr {
        Expr::Exists(term) => Some((term, true)),
        Expr::Missing(term) => Some((term, false)),
        Expr::Not(inner) => match &**inner {
            Expr::Exists(term) => Some((term, false)),
            Expr::Missing(term) => Some((term, true)),
            _ => None,
        },
        _ => None,
    }
}

/// Whether the first says that a field is missing, and the second compares it, which is false then.
fn needs_what_is_missing(a: &Expr, b: &Expr) -> bool {
    let Some((missing, false)) = presence(a) else { return false };
    match b {
        Expr::Compare { left, right, .. } | Expr::Text { left, right, .. } => missing == left || missing == right,
        Expr::In { term, .. } | Expr::Matches { term, .. } => missing == term,
        _ => false,
    }
}

/// Whether both say which values an intrinsic has, and none is in both.
fn are_disjoint(a: &Expr, b: &Expr) -> bool {
    match (one_of(a), one_of(b)) {
        // Two single values are told apart with a message of their own.
        (Some((_, [_])), Some((_, [_]))) => false,
        (Some((f, x)), Some((g, y))) => f == g && !x.iter().any(|x| y.iter().any(|y| equal(x.view(), y.view()))),
        _ => false,
    }
}

/// The values that an intrinsic may have.
fn one_of(expr: &Expr) -> Option<(&Field, &[Value])> {
    let (term, values) = match expr {
        Expr::Compare { op: CompareOp::Eq, left, right: Term::Literal(value) } => (left, std::slice::from_ref(value)),
        Expr::In { term, list, negated: false } => (term, list.as_slice()),
        _ => return None,
    };
    match term {
        Term::Field(field) if !matches!(field.key, FieldKey::Attribute(_)) => Some((field, values)),
        _ => None,
    }
}
