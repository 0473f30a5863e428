//! The fields that a rule reads.

use std::collections::BTreeSet;

use fluo_lang::program::{
    AggregateFn, AttributeKey, Expr, Field, FieldKey, Guard, MessagePart, Owner, Place, Relation, Rule, SpanRef, Spanset, Step, Term,
};

/// The fields that a rule reads, as they are written in rules, sorted.
pub(crate) fn of(rule: &Rule) -> BTreeSet<String> {
    let mut fields = Fields(BTreeSet::new());
    fields.expr(&rule.claim);
    match &rule.guard {
        Guard::Everywhere => {}
        Guard::When(guard) | Guard::Derived(guard) => fields.expr(guard),
    }
    for term in &rule.by {
        fields.term(term);
    }
    for (_, field) in &rule.show {
        fields.field(field);
    }
    for part in rule.message.iter().flat_map(|message| &message.parts) {
        if let MessagePart::Value(term) = part {
            fields.term(term);
        }
    }
    fields.0
}

struct Fields(BTreeSet<String>);

impl Fields {
    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Const(_) => {}
            Expr::Not(inner) => self.expr(inner),
            Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| self.expr(part)),
            Expr::Implies(left, right) => {
                self.expr(left);
                self.expr(right);
            }
            Expr::Compare { left, right, .. } | Expr::Text { left, right, .. } => {
                self.term(left);
                self.term(right);
            }
            Expr::In { term, .. } | Expr::Matches { term, .. } | Expr::Exists(term) | Expr::Missing(term) => self.term(term),
            Expr::Name(_) => self.add("name"),
            Expr::Item { predicate, .. } => predicate.iter().for_each(|predicate| self.expr(predicate)),
            Expr::Relation(relation) => self.relation(relation),
            Expr::NonEmpty(set) | Expr::Empty(set) => self.set(set),
            Expr::Quantified { set, predicate, .. } => {
                self.set(set);
                self.expr(predicate);
            }
        }
    }

    fn relation(&mut self, relation: &Relation) {
        self.expr(&relation.other);
        relation.same.iter().for_each(|term| self.term(term));
        relation.without.iter().for_each(|without| self.expr(without));
    }

    fn set(&mut self, set: &Spanset) {
        for step in &set.steps {
            if let Step::Where(predicate) = step {
                self.expr(predicate);
            }
        }
        set.by.iter().for_each(|term| self.term(term));
    }

    fn term(&mut self, term: &Term) {
        match term {
            Term::Literal(_) | Term::Depth | Term::TraceDuration => {}
            Term::Field(field) => self.field(field),
            Term::Aggregate(aggregate) => {
                self.set(&aggregate.set);
                match &aggregate.function {
                    AggregateFn::Distinct(terms) | AggregateFn::LongestRun(terms) => terms.iter().for_each(|term| self.term(term)),
                    AggregateFn::Sum(term)
                    | AggregateFn::Min(term)
                    | AggregateFn::Max(term)
                    | AggregateFn::Avg(term)
                    | AggregateFn::Quantile(term, _) => self.term(term),
                    AggregateFn::Count | AggregateFn::Rate | AggregateFn::Concurrent => {}
                }
            }
            Term::SpanField(found) => {
                match &found.span {
                    SpanRef::Root => {}
                    SpanRef::First(set) | SpanRef::Last(set) => self.set(set),
                }
                self.field(&found.field);
            }
            Term::Arith { left, right, .. } => {
                self.term(left);
                self.term(right);
            }
            Term::Coalesce(terms) => terms.iter().for_each(|term| self.term(term)),
            Term::Neg(term) | Term::Lower(term) | Term::Extract(term, _) | Term::Shape(term) => self.term(term),
        }
    }

    fn field(&mut self, field: &Field) {
        let owner = match field.owner {
            Owner::Span | Owner::Item => "",
            Owner::Parent => "parent.",
            Owner::Root => "root.",
        };
        match &field.key {
            FieldKey::Name => self.add(&format!("{owner}name")),
            FieldKey::Service => self.add(&format!("{owner}service")),
            FieldKey::Kind => self.add(&format!("{owner}kind")),
            FieldKey::Status => self.add(&format!("{owner}status")),
            FieldKey::StatusMessage => self.add(&format!("{owner}status_message")),
            FieldKey::Duration => self.add(&format!("{owner}duration")),
            FieldKey::TraceId => self.add(&format!("{owner}trace_id")),
            FieldKey::SpanId => self.add(&format!("{owner}span_id")),
            FieldKey::ParentId => self.add(&format!("{owner}parent_id")),
            FieldKey::ScopeName => self.add(&format!("{owner}scope_name")),
            FieldKey::Attribute(attribute) => {
                let place = match attribute.place {
                    Place::Any => "",
                    Place::Span => "span.",
                    Place::Resource => "resource.",
                    Place::Scope => "scope.",
                    Place::Event => "event.",
                    Place::Link => "link.",
                    Place::Item => "item's ",
                };
                match &attribute.key {
                    AttributeKey::Names(names) => self.add(&format!("{owner}{place}{}", names.join(" or "))),
                    AttributeKey::Glob(glob) => self.add(&format!("{owner}{place}attr('{}')", glob.text())),
                }
            }
        }
    }

    fn add(&mut self, field: &str) {
        self.0.insert(field.to_owned());
    }
}
