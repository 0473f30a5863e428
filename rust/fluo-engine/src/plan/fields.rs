//! Which fields a rule set reads: the projection.

use fluo_lang::program::{
    AggregateFn, Attribute, AttributeKey, Expr, Field, FieldKey, Guard, ItemKind, MessagePart, Mode, Place, Rule, RuleSet, Scope, SpanRef,
    Spanset, Step, Term,
};

use crate::projection::{KeySet, Projection};
use crate::store::calls::CALL_KEYS;

/// The projection of a rule set: every field that some rule reads, and no other.
pub(super) fn projection(rules: &RuleSet) -> Projection {
    let mut fields = Fields::default();
    for rule in &rules.rules {
        fields.rule(rule);
    }
    if rules.rules.iter().any(reads_absence) {
        fields.projection.span.keys.extend(CALL_KEYS.map(str::to_owned));
    }
    fields.projection
}

/// Whether a rule concludes from the absence of spans: any over traces, for that a bound from above held, too, is a conclusion.
pub(super) fn reads_absence(rule: &Rule) -> bool {
    rule.scope == Scope::Trace && rule.mode != Mode::Disabled
}

#[derive(Default)]
struct Fields {
    projection: Projection,
    /// What the enclosing `event(…)` or `link(…)` looks at.
    item: Option<ItemKind>,
}

impl Fields {
    fn rule(&mut self, rule: &Rule) {
        self.expr(&rule.claim);
        if let Guard::When(guard) | Guard::Derived(guard) = &rule.guard {
            self.expr(guard);
        }
        for term in &rule.by {
            self.term(term);
        }
        for (_, field) in &rule.show {
            self.field(field);
        }
        for part in rule.message.iter().flat_map(|m| &m.parts) {
            if let MessagePart::Value(term) = part {
                self.term(term);
            }
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Const(_) | Expr::Name(_) => {}
            Expr::Not(inner) => self.expr(inner),
            Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|p| self.expr(p)),
            Expr::Implies(a, b) => {
                self.expr(a);
                self.expr(b);
            }
            Expr::Compare { left, right, .. } | Expr::Text { left, right, .. } => {
                self.term(left);
                self.term(right);
            }
            Expr::In { term, .. } | Expr::Matches { term, .. } | Expr::Exists(term) | Expr::Missing(term) => self.term(term),
            Expr::Item { kind, predicate, .. } => {
                self.items(*kind);
                if let Some(predicate) = predicate {
                    let outer = self.item.replace(*kind);
                    self.expr(predicate);
                    self.item = outer;
                }
            }
            Expr::Relation(relation) => {
                self.expr(&relation.other);
                relation.same.iter().for_each(|t| self.term(t));
                if let Some(without) = &relation.without {
                    self.expr(without);
                }
            }
            Expr::NonEmpty(set) | Expr::Empty(set) => self.set(set),
            Expr::Quantified { set, predicate, .. } => {
                self.set(set);
                self.expr(predicate);
            }
        }
    }

    /// The keys of events or of links.
    fn items(&mut self, kind: ItemKind) -> &mut KeySet {
        match kind {
            ItemKind::Event => self.projection.event.get_or_insert_default(),
            ItemKind::Link => self.projection.link.get_or_insert_default(),
        }
    }

    fn set(&mut self, set: &Spanset) {
        for step in &set.steps {
            if let Step::Where(predicate) = step {
                self.expr(predicate);
            }
        }
        set.by.iter().for_each(|t| self.term(t));
    }

    fn term(&mut self, term: &Term) {
        match term {
            Term::Literal(_) | Term::Depth | Term::TraceDuration => {}
            Term::Field(field) => self.field(field),
            Term::Aggregate(aggregate) => {
                self.set(&aggregate.set);
                match &aggregate.function {
                    AggregateFn::Count | AggregateFn::Rate | AggregateFn::Concurrent => {}
                    AggregateFn::Distinct(terms) | AggregateFn::LongestRun(terms) => terms.iter().for_each(|t| self.term(t)),
                    AggregateFn::Sum(t) | AggregateFn::Min(t) | AggregateFn::Max(t) | AggregateFn::Avg(t) | AggregateFn::Quantile(t, _) => {
                        self.term(t);
                    }
                }
            }
            Term::SpanField(of) => {
                if let SpanRef::First(set) | SpanRef::Last(set) = &of.span {
                    self.set(set);
                }
                self.field(&of.field);
            }
            Term::Arith { left, right, .. } => {
                self.term(left);
                self.term(right);
            }
            Term::Neg(inner) | Term::Lower(inner) | Term::Extract(inner, _) | Term::Shape(inner) => self.term(inner),
            Term::Coalesce(parts) => parts.iter().for_each(|t| self.term(t)),
        }
    }

    fn field(&mut self, field: &Field) {
        match &field.key {
            FieldKey::StatusMessage => self.projection.status_message = true,
            FieldKey::ScopeName => self.projection.scope_name = true,
            FieldKey::Attribute(attribute) => self.attribute(attribute),
            _ => {}
        }
    }

    fn attribute(&mut self, attribute: &Attribute) {
        self.projection.dropped = true;
        let places = match attribute.place {
            Place::Any => {
                add(&mut self.projection.resource, &attribute.key);
                &mut self.projection.span
            }
            Place::Span => &mut self.projection.span,
            Place::Resource => &mut self.projection.resource,
            Place::Scope => &mut self.projection.scope,
            Place::Event => self.items(ItemKind::Event),
            Place::Link => self.items(ItemKind::Link),
            Place::Item => match self.item {
                Some(kind) => self.items(kind),
                None => return,
            },
        };
        add(places, &attribute.key);
    }
}

fn add(target: &mut KeySet, key: &AttributeKey) {
    match key {
        AttributeKey::Names(names) => target.keys.extend(names.iter().cloned()),
        AttributeKey::Glob(_) => target.all = true,
    }
}
