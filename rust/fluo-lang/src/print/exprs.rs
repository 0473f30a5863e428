//! Truth values.

use super::{Printer, compare_op, literal, pattern, string, terms};
use crate::check::words::{KINDS, STATUSES, is_bare_name};
use crate::program::{CompareOp, Expr, Field, FieldKey, ItemKind, Quantifier, Relation, Scope, SpanField, Spanset, Step, Term, TextOp};
use crate::value::Value;

/// How tightly operators bind, loosest first.
pub(super) const LOOSEST: u8 = 1;
const OR: u8 = 2;
const AND: u8 = 3;
const NOT: u8 = 4;
const COMPARISON: u8 = 5;

impl Printer {
    /// Prints, in parentheses where the place binds tighter than the expression.
    pub(super) fn expr(&mut self, expr: &Expr, place: u8) {
        let binds = match expr {
            Expr::Implies(..) => LOOSEST,
            Expr::Or(_) => OR,
            Expr::And(_) => AND,
            Expr::Not(_) => NOT,
            Expr::Compare { .. } | Expr::In { .. } | Expr::Text { .. } | Expr::Matches { .. } => COMPARISON,
            _ => COMPARISON + 1,
        };
        if binds < place {
            self.text.push('(');
            self.inner(expr);
            self.text.push(')');
        } else {
            self.inner(expr);
        }
    }

    fn inner(&mut self, expr: &Expr) {
        match expr {
            Expr::Const(truth) => self.text.push_str(if *truth { "true" } else { "false" }),
            Expr::Not(inner) => {
                self.text.push_str("not ");
                self.expr(inner, NOT);
            }
            Expr::And(items) => self.list(items, " and ", |p, item| p.expr(item, NOT)),
            Expr::Or(items) => self.list(items, " or ", |p, item| p.expr(item, AND)),
            Expr::Implies(a, b) => {
                self.expr(a, OR);
                self.text.push_str(" implies ");
                self.expr(b, LOOSEST);
            }
            Expr::Compare { op, left, right } => self.compare(*op, left, right),
            Expr::In { term, list, negated } => {
                self.term(term, terms::LOOSEST, false);
                self.text.push_str(if *negated { " not in [" } else { " in [" });
                self.list(list, ", ", |p, value| p.text.push_str(&literal(value)));
                self.text.push(']');
            }
            Expr::Text { op, left, right } => {
                self.term(left, terms::LOOSEST, false);
                self.text.push_str(match op {
                    TextOp::Contains => " contains ",
                    TextOp::StartsWith => " starts_with ",
                    TextOp::EndsWith => " ends_with ",
                });
                self.term(right, terms::LOOSEST, true);
            }
            Expr::Matches { term, regex } => {
                self.term(term, terms::LOOSEST, false);
                self.text.push_str(" matches ");
                self.text.push_str(&pattern(&regex.source));
            }
            Expr::Exists(term) => self.call("exists", |p| p.term(term, terms::LOOSEST, false)),
            Expr::Missing(term) => self.call("missing", |p| p.term(term, terms::LOOSEST, false)),
            Expr::Name(glob) => {
                let name = glob.text();
                self.text.push_str(&if is_bare_name(&name) { name } else { string(&name) });
            }
            Expr::Item { kind: ItemKind::Event, name, predicate } => self.call("event", |p| {
                p.text.push_str(&string(&name.as_ref().map_or_else(|| "*".to_owned(), crate::glob::Glob::text)));
                if let Some(predicate) = predicate {
                    p.text.push_str(", ");
                    p.expr(predicate, LOOSEST);
                }
            }),
            Expr::Item { kind: ItemKind::Link, predicate, .. } => self.call("link", |p| match predicate {
                Some(predicate) => p.expr(predicate, LOOSEST),
                None => p.text.push_str("true"),
            }),
            Expr::Relation(relation) => self.relation(relation),
            Expr::NonEmpty(set) => self.presence(set),
            Expr::Empty(set) => {
                self.spanset(set);
                self.text.push_str(".empty()");
            }
            Expr::Quantified { quantifier, set, predicate } => {
                self.spanset(set);
                self.text.push('.');
                let name = match quantifier {
                    Quantifier::Any => "any",
                    Quantifier::All => "all",
                    Quantifier::None => "none",
                };
                self.call(name, |p| p.expr(predicate, LOOSEST));
            }
        }
    }

    pub(super) fn list<T>(&mut self, items: &[T], between: &str, mut one: impl FnMut(&mut Self, &T)) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.text.push_str(between);
            }
            one(self, item);
        }
    }

    pub(super) fn call(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        self.text.push_str(name);
        self.text.push('(');
        inside(self);
        self.text.push(')');
    }

    fn compare(&mut self, op: CompareOp, left: &Term, right: &Term) {
        self.term(left, terms::LOOSEST, false);
        self.text.push(' ');
        self.text.push_str(compare_op(op));
        self.text.push(' ');
        match right {
            Term::Literal(Value::String(text)) if is_member(left, text) => self.text.push_str(text),
            _ => self.term(right, terms::LOOSEST, true),
        }
    }

    fn relation(&mut self, relation: &Relation) {
        self.call(relation.kind.word(), |p| {
            p.expr(&relation.other, LOOSEST);
            if let Some(nanos) = relation.within {
                p.text.push_str(&format!(", within={}", super::duration(i64::try_from(nanos).unwrap_or(i64::MAX))));
            }
            match relation.same.as_slice() {
                [] => {}
                [only] => {
                    p.text.push_str(", same=");
                    p.term(only, terms::LOOSEST, false);
                }
                several => {
                    p.text.push_str(", same=[");
                    p.list(several, ", ", |p, term| p.term(term, terms::LOOSEST, false));
                    p.text.push(']');
                }
            }
            if relation.at_least != 1 {
                p.text.push_str(&format!(", at_least={}", relation.at_least));
            }
            if let Some(between) = &relation.without {
                p.text.push_str(", without=");
                p.expr(between, LOOSEST);
            }
        });
    }

    /// A test for presence: `trace.has(…)` where that says it all.
    fn presence(&mut self, set: &Spanset) {
        match set {
            Spanset { steps, within: None, by } if by.is_empty() && self.scope == Scope::Trace => match steps.as_slice() {
                [Step::Where(predicate)] => self.call("trace.has", |p| p.expr(predicate, LOOSEST)),
                _ => self.spanset(set),
            },
            _ => self.spanset(set),
        }
    }
}

/// Whether a text may stand as a member beside the term.
fn is_member(term: &Term, text: &str) -> bool {
    let field: Option<&Field> = match term {
        Term::Field(field) => Some(field),
        Term::SpanField(of) => {
            let SpanField { field, .. } = &**of;
            Some(field)
        }
        _ => None,
    };
    match field.map(|f| &f.key) {
        Some(FieldKey::Kind) => KINDS.contains(&text),
        Some(FieldKey::Status) => STATUSES.contains(&text),
        _ => false,
    }
}
