//! One walk over what a rule reads.

use super::{AggregateFn, Expr, Field, Guard, ItemKind, MessagePart, Rule, SpanRef, Spanset, Step, Term};

/// Told of everything that a rule reads.
pub trait Visitor {
    /// A field; `item` is what the enclosing `event(…)` or `link(…)` looks at.
    fn field(&mut self, field: &Field, item: Option<ItemKind>);

    /// A test of the span's name by a pattern.
    fn name(&mut self) {}

    /// An `event(…)` or a `link(…)`.
    fn items(&mut self, _kind: ItemKind) {}
}

/// Walks over a rule: claim, guard, groups, shown fields and message.
pub fn rule(rule: &Rule, visitor: &mut impl Visitor) {
    let mut walk = Walk { visitor, item: None };
    walk.expr(&rule.claim);
    match &rule.guard {
        Guard::Everywhere => {}
        Guard::When(guard) | Guard::Derived(guard) => walk.expr(guard),
    }
    rule.by.iter().for_each(|term| walk.term(term));
    rule.show.iter().for_each(|(_, field)| walk.field(field));
    for part in rule.message.iter().flat_map(|message| &message.parts) {
        if let MessagePart::Value(term) = part {
            walk.term(term);
        }
    }
}

struct Walk<'v, V> {
    visitor: &'v mut V,
    item: Option<ItemKind>,
}

impl<V: Visitor> Walk<'_, V> {
    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Const(_) => {}
            Expr::Name(_) => self.visitor.name(),
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
            Expr::Item { kind, predicate, .. } => {
                self.visitor.items(*kind);
                let outer = self.item.replace(*kind);
                predicate.iter().for_each(|predicate| self.expr(predicate));
                self.item = outer;
            }
            Expr::Relation(relation) => {
                self.expr(&relation.other);
                relation.same.iter().for_each(|term| self.term(term));
                relation.without.iter().for_each(|without| self.expr(without));
            }
            Expr::NonEmpty(set) | Expr::Empty(set) => self.set(set),
            Expr::Quantified { set, predicate, .. } => {
                self.set(set);
                self.expr(predicate);
            }
        }
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
                    AggregateFn::Count | AggregateFn::Rate | AggregateFn::Concurrent => {}
                    AggregateFn::Distinct(terms) | AggregateFn::LongestRun(terms) => terms.iter().for_each(|term| self.term(term)),
                    AggregateFn::Sum(term)
                    | AggregateFn::Min(term)
                    | AggregateFn::Max(term)
                    | AggregateFn::Avg(term)
                    | AggregateFn::Quantile(term, _) => self.term(term),
                }
            }
            Term::SpanField(found) => {
                if let SpanRef::First(set) | SpanRef::Last(set) = &found.span {
                    self.set(set);
                }
                self.field(&found.field);
            }
            Term::Arith { left, right, .. } => {
                self.term(left);
                self.term(right);
            }
            Term::Neg(inner) | Term::Lower(inner) | Term::Extract(inner, _) | Term::Shape(inner) => self.term(inner),
            Term::Coalesce(parts) => parts.iter().for_each(|part| self.term(part)),
        }
    }

    fn field(&mut self, field: &Field) {
        self.visitor.field(field, self.item);
    }
}
