//! Predicates over spans: what the bytes of the span decide becomes a selector, the rest is decided on what was kept.

use fluo_lang::limits::Limits;
use fluo_lang::program::{Attribute, AttributeKey, Expr, Field, FieldKey, ItemKind, Owner, Pattern, Place, Scope, Step, Term};
use fluo_lang::{pattern, print};
use regex::bytes::Regex;

use super::RelationPlan;
use super::compile::{Compiler, literal};
use crate::expr::finder::Finder;
use crate::expr::{ItemKey, LocalField, Node, TermNode};

/// Whether the bytes of the span alone decide the predicate.
pub(super) fn is_local(expr: &Expr) -> bool {
    match expr {
        Expr::Const(_) | Expr::Name(_) | Expr::Item { .. } => true,
        Expr::Not(inner) => is_local(inner),
        Expr::And(parts) | Expr::Or(parts) => parts.iter().all(is_local),
        Expr::Implies(a, b) => is_local(a) && is_local(b),
        Expr::Compare { left, right, .. } | Expr::Text { left, right, .. } => is_local_term(left) && is_local_term(right),
        Expr::In { term, .. } | Expr::Matches { term, .. } | Expr::Exists(term) | Expr::Missing(term) => is_local_term(term),
        Expr::Relation(_) | Expr::NonEmpty(_) | Expr::Empty(_) | Expr::Quantified { .. } => false,
    }
}

/// Whether the bytes of the span alone give the term.
pub(super) fn is_local_term(term: &Term) -> bool {
    match term {
        Term::Literal(_) => true,
        Term::Field(field) => matches!(field.owner, Owner::Span | Owner::Item),
        Term::Arith { left, right, .. } => is_local_term(left) && is_local_term(right),
        Term::Neg(inner) | Term::Lower(inner) | Term::Extract(inner, _) | Term::Shape(inner) => is_local_term(inner),
        Term::Coalesce(parts) => parts.iter().all(is_local_term),
        Term::Aggregate(_) | Term::SpanField(_) | Term::Depth | Term::TraceDuration => false,
    }
}

/// A pattern that the checker has compiled before; one that does not compile here matches nothing.
pub(super) fn regex(pattern: &Pattern) -> Option<Regex> {
    pattern::compile(&pattern.source, Limits::default().regex_bytes).ok()
}

impl Compiler {
    /// A predicate as it is decided on kept spans.
    pub(super) fn predicate(&mut self, expr: &Expr) -> Node {
        if is_local(expr) {
            return Node::Selector(self.selector(expr));
        }
        if let Some(node) = self.of_owner(expr) {
            return node;
        }
        match expr {
            Expr::Not(inner) => Node::Not(Box::new(self.predicate(inner))),
            Expr::And(parts) => {
                let (local, other): (Vec<_>, Vec<_>) = parts.iter().cloned().partition(is_local);
                let mut nodes = Vec::with_capacity(other.len() + 1);
                match local.as_slice() {
                    [] => {}
                    [only] => nodes.push(Node::Selector(self.selector(only))),
                    _ => nodes.push(Node::Selector(self.selector(&Expr::And(local)))),
                }
                nodes.extend(other.iter().map(|e| self.predicate(e)));
                Node::And(nodes)
            }
            Expr::Or(parts) => Node::Or(parts.iter().map(|e| self.predicate(e)).collect()),
            Expr::Implies(a, b) => Node::Or(vec![Node::Not(Box::new(self.predicate(a))), self.predicate(b)]),
            Expr::Compare { op, left, right } => Node::Compare { op: *op, left: self.term(left), right: self.term(right) },
            Expr::Text { op, left, right } => Node::Text { op: *op, left: self.term(left), right: self.term(right) },
            Expr::In { term, list, negated } => {
                Node::In { term: self.term(term), list: list.iter().map(Into::into).collect(), negated: *negated }
            }
            Expr::Matches { term, regex: pattern } => match Finder::new(&pattern.source) {
                Some(regex) => Node::Matches { term: self.term(term), regex },
                None => Node::Const(false),
            },
            Expr::Exists(term) => Node::Exists(self.term(term)),
            Expr::Missing(term) => Node::Missing(self.term(term)),
            Expr::Relation(relation) => {
                self.keep_every_span(relation.kind.word());
                let plan = RelationPlan {
                    kind: relation.kind,
                    other: self.predicate(&relation.other),
                    within: relation.within,
                    same: relation.same.iter().map(|t| self.kept(t, None)).collect(),
                    at_least: relation.at_least,
                    without: relation.without.as_ref().map(|e| self.predicate(e)),
                    other_name: crate::text::name(&[Step::Where(relation.other.clone())]),
                    without_name: relation.without.as_ref().map(|e| crate::text::name(&[Step::Where(e.clone())])).unwrap_or_default(),
                };
                let id = u32::try_from(self.relations.len()).unwrap_or(u32::MAX);
                self.relations.push(plan);
                Node::Relation(id)
            }
            // The checker lets no claim-level construct stand here, and the others are local.
            _ => Node::Const(false),
        }
    }

    /// A term as it is read on kept spans.
    pub(super) fn term(&mut self, term: &Term) -> TermNode {
        if let Term::Literal(value) = term {
            return literal(value);
        }
        if is_local_term(term) {
            return TermNode::Kept { owner: Owner::Span, term: self.kept(term, None) };
        }
        match term {
            Term::Field(field) => {
                self.keep_every_span(&print::term(term, Scope::Trace));
                let own = Term::Field(Field { owner: Owner::Span, key: field.key.clone() });
                TermNode::Kept { owner: field.owner, term: self.kept(&own, None) }
            }
            Term::Arith { op, left, right } => {
                TermNode::Arith { op: *op, left: Box::new(self.term(left)), right: Box::new(self.term(right)) }
            }
            Term::Neg(inner) => TermNode::Neg(Box::new(self.term(inner))),
            Term::Coalesce(parts) => TermNode::Coalesce(parts.iter().map(|t| self.term(t)).collect()),
            Term::Lower(inner) => TermNode::Lower(Box::new(self.term(inner))),
            Term::Extract(inner, pattern) => match regex(pattern) {
                Some(regex) => TermNode::Extract(Box::new(self.term(inner)), regex),
                None => TermNode::Coalesce(Vec::new()),
            },
            Term::Shape(inner) => TermNode::Shape(Box::new(self.term(inner))),
            _ => TermNode::Coalesce(Vec::new()),
        }
    }

    /// A local predicate as it is decided on the bytes.
    pub(super) fn local(&self, expr: &Expr) -> Node {
        match expr {
            Expr::Const(value) => Node::Const(*value),
            Expr::Not(inner) => Node::Not(Box::new(self.local(inner))),
            Expr::And(parts) => Node::And(parts.iter().map(|e| self.local(e)).collect()),
            Expr::Or(parts) => Node::Or(parts.iter().map(|e| self.local(e)).collect()),
            Expr::Implies(a, b) => Node::Or(vec![Node::Not(Box::new(self.local(a))), self.local(b)]),
            Expr::Compare { op, left, right } => Node::Compare { op: *op, left: self.local_term(left), right: self.local_term(right) },
            Expr::Text { op, left, right } => Node::Text { op: *op, left: self.local_term(left), right: self.local_term(right) },
            Expr::In { term, list, negated } => {
                Node::In { term: self.local_term(term), list: list.iter().map(Into::into).collect(), negated: *negated }
            }
            Expr::Matches { term, regex: pattern } => match Finder::new(&pattern.source) {
                Some(regex) => Node::Matches { term: self.local_term(term), regex },
                None => Node::Const(false),
            },
            Expr::Exists(term) => Node::Exists(self.local_term(term)),
            Expr::Missing(term) => Node::Missing(self.local_term(term)),
            Expr::Name(glob) => Node::Name(glob.clone()),
            Expr::Item { kind, name, predicate } => {
                Node::Item { kind: *kind, name: name.clone(), predicate: predicate.as_ref().map(|p| Box::new(self.local(p))) }
            }
            _ => Node::Const(false),
        }
    }

    /// A local term as it is read from the bytes.
    pub(super) fn local_term(&self, term: &Term) -> TermNode {
        match term {
            Term::Literal(value) => literal(value),
            Term::Field(field) => TermNode::Field(self.local_field(field)),
            Term::Arith { op, left, right } => {
                TermNode::Arith { op: *op, left: Box::new(self.local_term(left)), right: Box::new(self.local_term(right)) }
            }
            Term::Neg(inner) => TermNode::Neg(Box::new(self.local_term(inner))),
            Term::Coalesce(parts) => TermNode::Coalesce(parts.iter().map(|t| self.local_term(t)).collect()),
            Term::Lower(inner) => TermNode::Lower(Box::new(self.local_term(inner))),
            Term::Extract(inner, pattern) => match regex(pattern) {
                Some(regex) => TermNode::Extract(Box::new(self.local_term(inner)), regex),
                None => TermNode::Coalesce(Vec::new()),
            },
            Term::Shape(inner) => TermNode::Shape(Box::new(self.local_term(inner))),
            Term::Aggregate(_) | Term::SpanField(_) | Term::Depth | Term::TraceDuration => TermNode::Coalesce(Vec::new()),
        }
    }

    fn local_field(&self, field: &Field) -> LocalField {
        let item = field.owner == Owner::Item;
        match &field.key {
            FieldKey::Name if item => LocalField::ItemName,
            FieldKey::TraceId if item => LocalField::ItemTraceId,
            FieldKey::SpanId if item => LocalField::ItemSpanId,
            FieldKey::Name => LocalField::Name,
            FieldKey::Service => LocalField::Service(self.keys.resource_slot("service.name")),
            FieldKey::Kind => LocalField::Kind,
            FieldKey::Status => LocalField::Status,
            FieldKey::StatusMessage => LocalField::StatusMessage,
            FieldKey::Duration => LocalField::Duration,
            FieldKey::TraceId => LocalField::TraceId,
            FieldKey::SpanId => LocalField::SpanId,
            FieldKey::ParentId => LocalField::ParentId,
            FieldKey::ScopeName => LocalField::ScopeName,
            FieldKey::Attribute(attribute) => self.attribute(attribute),
        }
    }

    fn attribute(&self, attribute: &Attribute) -> LocalField {
        let item_key = || match &attribute.key {
            AttributeKey::Names(names) => ItemKey::Names(names.clone()),
            AttributeKey::Glob(glob) => ItemKey::Glob(glob.clone()),
        };
        match attribute.place {
            Place::Item => return LocalField::OfItem(item_key()),
            Place::Event => {
                return LocalField::OfItems { kind: ItemKind::Event, key: item_key() };
            }
            Place::Link => {
                return LocalField::OfItems { kind: ItemKind::Link, key: item_key() };
            }
            _ => {}
        }
        let names = match &attribute.key {
            AttributeKey::Glob(glob) => {
                return LocalField::Glob { place: attribute.place, glob: glob.clone() };
            }
            AttributeKey::Names(names) => names,
        };
        let slots = |wanted: &[Place], slot: &dyn Fn(&str) -> Option<usize>| -> Vec<usize> {
            if wanted.contains(&attribute.place) { names.iter().filter_map(|n| slot(n)).collect() } else { Vec::new() }
        };
        LocalField::Attribute {
            span: slots(&[Place::Any, Place::Span], &|n| self.keys.span_slot(n)),
            resource: slots(&[Place::Any, Place::Resource], &|n| self.keys.resource_slot(n)),
            scope: slots(&[Place::Scope], &|n| self.keys.scope_slot(n)),
        }
    }
}
