//! What rules say of a span's parent or root and decide by constants: a bit of that span.

use fluo_lang::print;
use fluo_lang::program::{Expr, Field, Owner, Scope, Term};

use super::compile::Compiler;
use crate::expr::{Node, Nothing, decide};
use crate::truth::Truth;

impl Compiler {
    /// A comparison of a field of the parent or of the root with constants is decided when that span is read, so that nothing of it
    /// need be kept.
    pub(super) fn of_owner(&mut self, expr: &Expr) -> Option<Node> {
        let terms: Vec<&Term> = match expr {
            Expr::Compare { left, right, .. } | Expr::Text { left, right, .. } => vec![left, right],
            Expr::In { term, .. } | Expr::Matches { term, .. } | Expr::Exists(term) | Expr::Missing(term) => vec![term],
            _ => return None,
        };
        let mut fields = Vec::new();
        terms.iter().for_each(|term| fields_of(term, &mut fields));
        let owner = fields.first()?.owner;
        if !matches!(owner, Owner::Parent | Owner::Root) || fields.iter().any(|field| field.owner != owner) {
            return None;
        }
        self.keep_every_span(&fields.first().map(|f| print::term(&Term::Field((*f).clone()), Scope::Trace)).unwrap_or_default());
        let own = as_own(expr);
        let selector = self.selector(&own);
        let without = decide(&self.local(&own), &Nothing) == Truth::True;
        Some(Node::OfOwner { owner, selector, without })
    }
}

/// The fields that a term over one span reads.
fn fields_of<'t>(term: &'t Term, found: &mut Vec<&'t Field>) {
    match term {
        Term::Field(field) => found.push(field),
        Term::Arith { left, right, .. } => {
            fields_of(left, found);
            fields_of(right, found);
        }
        Term::Neg(inner) | Term::Lower(inner) | Term::Extract(inner, _) | Term::Shape(inner) => fields_of(inner, found),
        Term::Coalesce(parts) => parts.iter().for_each(|part| fields_of(part, found)),
        Term::Literal(_) | Term::Aggregate(_) | Term::SpanField(_) | Term::Depth | Term::TraceDuration => {}
    }
}

/// A comparison of a field of another span as that span says it of itself.
fn as_own(expr: &Expr) -> Expr {
    match expr {
        Expr::Compare { op, left, right } => Expr::Compare { op: *op, left: own_term(left), right: own_term(right) },
        Expr::Text { op, left, right } => Expr::Text { op: *op, left: own_term(left), right: own_term(right) },
        Expr::In { term, list, negated } => Expr::In { term: own_term(term), list: list.clone(), negated: *negated },
        Expr::Matches { term, regex } => Expr::Matches { term: own_term(term), regex: regex.clone() },
        Expr::Exists(term) => Expr::Exists(own_term(term)),
        Expr::Missing(term) => Expr::Missing(own_term(term)),
        other => other.clone(),
    }
}

fn own_term(term: &Term) -> Term {
    let own = |term: &Term| Box::new(own_term(term));
    match term {
        Term::Field(field) => Term::Field(Field { owner: Owner::Span, key: field.key.clone() }),
        Term::Arith { op, left, right } => Term::Arith { op: *op, left: own(left), right: own(right) },
        Term::Neg(inner) => Term::Neg(own(inner)),
        Term::Lower(inner) => Term::Lower(own(inner)),
        Term::Extract(inner, pattern) => Term::Extract(own(inner), pattern.clone()),
        Term::Shape(inner) => Term::Shape(own(inner)),
        Term::Coalesce(parts) => Term::Coalesce(parts.iter().map(own_term).collect()),
        other => other.clone(),
    }
}
