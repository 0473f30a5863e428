//! Terms and spansets.

use super::{Printer, fields, literal, pattern};
use crate::program::{AggregateFn, ArithOp, Axis, Scope, SpanRef, Spanset, Step, Term};

/// How tightly operators bind, loosest first.
pub(super) const LOOSEST: u8 = 1;
const PRODUCT: u8 = 2;
const UNARY: u8 = 3;
const OPERAND: u8 = 4;

impl Printer {
    /// Prints, in parentheses where the place binds tighter. `right`: the term is the whole right side of a comparison.
    pub(super) fn term(&mut self, term: &Term, place: u8, right: bool) {
        let binds = match term {
            Term::Arith { op: ArithOp::Add | ArithOp::Sub, .. } => LOOSEST,
            Term::Arith { .. } => PRODUCT,
            Term::Neg(_) => UNARY,
            _ => OPERAND,
        };
        if binds < place {
            self.text.push('(');
            self.bare(term, false);
            self.text.push(')');
        } else {
            self.bare(term, right);
        }
    }

    fn bare(&mut self, term: &Term, right: bool) {
        match term {
            Term::Literal(value) => self.text.push_str(&literal(value)),
            Term::Field(field) => self.text.push_str(&fields::text(field, right)),
            Term::Aggregate(aggregate) => {
                self.spanset(&aggregate.set);
                self.text.push('.');
                self.function(&aggregate.function);
            }
            Term::SpanField(of) => {
                match &of.span {
                    SpanRef::Root => self.text.push_str("trace.root."),
                    SpanRef::First(set) => {
                        self.spanset(set);
                        self.text.push_str(".first.");
                    }
                    SpanRef::Last(set) => {
                        self.spanset(set);
                        self.text.push_str(".last.");
                    }
                }
                self.text.push_str(&fields::text(&of.field, false));
            }
            Term::Depth => self.text.push_str("trace.depth"),
            Term::TraceDuration => self.text.push_str("trace.duration"),
            Term::Arith { op, left, right } => {
                let (sign, at) = match op {
                    ArithOp::Add => ("+", LOOSEST),
                    ArithOp::Sub => ("-", LOOSEST),
                    ArithOp::Mul => ("*", PRODUCT),
                    ArithOp::Div => ("/", PRODUCT),
                    ArithOp::Rem => ("%", PRODUCT),
                };
                self.term(left, at, false);
                self.text.push_str(&format!(" {sign} "));
                self.term(right, at + 1, false);
            }
            Term::Neg(inner) => {
                self.text.push('-');
                self.term(inner, UNARY, false);
            }
            Term::Coalesce(items) => self.call("coalesce", |p| p.terms(items)),
            Term::Lower(inner) => self.call("lower", |p| p.term(inner, LOOSEST, false)),
            Term::Shape(inner) => self.call("shape", |p| p.term(inner, LOOSEST, false)),
            Term::Extract(inner, regex) => self.call("extract", |p| {
                p.term(inner, LOOSEST, false);
                p.text.push_str(", ");
                p.text.push_str(&pattern(&regex.source));
            }),
        }
    }

    fn terms(&mut self, items: &[Term]) {
        self.list(items, ", ", |p, item| p.term(item, LOOSEST, false));
    }

    pub(super) fn spanset(&mut self, set: &Spanset) {
        self.text.push_str(if self.scope == Scope::Trace { "trace.spans" } else { "spans" });
        for step in &set.steps {
            self.text.push('.');
            match step {
                Step::Where(predicate) => self.call("where", |p| p.expr(predicate, super::exprs::LOOSEST)),
                Step::Navigate(axis) => self.text.push_str(match axis {
                    Axis::Children => "children",
                    Axis::Parents => "parents",
                    Axis::Descendants => "descendants",
                    Axis::Ancestors => "ancestors",
                }),
            }
        }
        if !set.by.is_empty() {
            self.text.push('.');
            self.call("by", |p| p.terms(&set.by));
        }
        if let Some(nanos) = set.within {
            let nanos = i64::try_from(nanos).unwrap_or(i64::MAX);
            self.text.push_str(&format!(".within({})", super::duration(nanos)));
        }
    }

    fn function(&mut self, function: &AggregateFn) {
        match function {
            AggregateFn::Count => self.text.push_str("count()"),
            AggregateFn::Rate => self.text.push_str("rate()"),
            AggregateFn::Concurrent => self.text.push_str("concurrent()"),
            AggregateFn::Distinct(terms) => self.call("distinct", |p| p.terms(terms)),
            AggregateFn::LongestRun(terms) => self.call("longest_run", |p| p.terms(terms)),
            AggregateFn::Sum(term) => self.call("sum", |p| p.term(term, LOOSEST, false)),
            AggregateFn::Min(term) => self.call("min", |p| p.term(term, LOOSEST, false)),
            AggregateFn::Max(term) => self.call("max", |p| p.term(term, LOOSEST, false)),
            AggregateFn::Avg(term) => self.call("avg", |p| p.term(term, LOOSEST, false)),
            AggregateFn::Quantile(term, q) => {
                let short = [(0.5, "p50"), (0.9, "p90"), (0.95, "p95"), (0.99, "p99")].into_iter().find(|(at, _)| at == q);
                match short {
                    Some((_, name)) => self.call(name, |p| p.term(term, LOOSEST, false)),
                    None => self.call("quantile", |p| {
                        p.term(term, LOOSEST, false);
                        p.text.push_str(&format!(", {q:?}"));
                    }),
                }
            }
        }
    }
}
