//! Which way more spans can move a truth or a number.

use fluo_lang::program::{
    Aggregate, AggregateFn, ArithOp, CompareOp, Expr, Guard, Polarity, Quantifier, RelationKind, Rule, Spanset, Step, Term,
};
use fluo_lang::value::Value;

use super::sign::never_negative;

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// More spans change nothing.
    Still,
    /// Only from false to true, only to greater numbers.
    Up,
    /// Only from true to false, only to smaller numbers.
    Down,
    /// Either way.
    Any,
}

use Direction::{Any, Down, Still, Up};

impl Direction {
    const fn flip(self) -> Self {
        match self {
            Up => Down,
            Down => Up,
            other => other,
        }
    }

    const fn join(self, other: Self) -> Self {
        match (self, other) {
            (Still, x) | (x, Still) => x,
            (Up, Up) => Up,
            (Down, Down) => Down,
            _ => Any,
        }
    }
}

/// Whether more spans can only break the rule, never repair it.
pub(super) fn only_breaks(rule: &Rule) -> bool {
    let guard = match &rule.guard {
        Guard::Everywhere => Still,
        Guard::When(e) | Guard::Derived(e) => of(e),
    };
    let broken = match rule.polarity {
        Polarity::Always => of(&rule.claim).flip(),
        Polarity::Never => of(&rule.claim),
    };
    matches!(guard.join(broken), Still | Up)
}

fn all<'e>(parts: impl Iterator<Item = &'e Expr>) -> Direction {
    parts.map(of).fold(Still, Direction::join)
}

fn of(expr: &Expr) -> Direction {
    match expr {
        Expr::Const(_) | Expr::Name(_) => Still,
        Expr::Not(inner) => of(inner).flip(),
        Expr::And(parts) | Expr::Or(parts) => all(parts.iter()),
        Expr::Implies(a, b) => of(a).flip().join(of(b)),
        Expr::Compare { op, left, right } => {
            let (left, right) = (number(left), number(right));
            match op {
                CompareOp::Gt | CompareOp::Ge => left.join(right.flip()),
                CompareOp::Lt | CompareOp::Le => left.flip().join(right),
                CompareOp::Eq | CompareOp::Ne => unless_still(left.join(right)),
            }
        }
        Expr::In { term, .. } | Expr::Matches { term, .. } | Expr::Exists(term) | Expr::Missing(term) => unless_still(number(term)),
        Expr::Text { left, right, .. } => unless_still(number(left).join(number(right))),
        Expr::Item { predicate, .. } => predicate.as_deref().map_or(Still, of),
        Expr::Relation(relation) => {
            let timed = matches!(relation.kind, RelationKind::PrecededBy | RelationKind::FollowedBy);
            match of(&relation.other) {
                Still | Up if !(timed && relation.without.is_some()) => Up,
                _ => Any,
            }
        }
        Expr::NonEmpty(set) => some(set, Still),
        Expr::Empty(set) => some(set, Still).flip(),
        Expr::Quantified { quantifier, set, predicate } => match quantifier {
            Quantifier::Any => some(set, of(predicate)),
            Quantifier::None => some(set, of(predicate)).flip(),
            Quantifier::All => some(set, of(predicate).flip()).flip(),
        },
    }
}

/// The direction of "some member satisfies it".
fn some(set: &Spanset, predicate: Direction) -> Direction {
    if grows(set) && matches!(predicate, Still | Up) { Up } else { Any }
}

/// Whether more spans can only add members.
fn grows(set: &Spanset) -> bool {
    set.steps.iter().all(|step| match step {
        Step::Where(p) => matches!(of(p), Still | Up),
        Step::Navigate(_) => true,
    })
}

fn number(term: &Term) -> Direction {
    match term {
        Term::Literal(_) | Term::Field(_) => Still,
        Term::Aggregate(a) => aggregate(a),
        Term::Depth => Up,
        Term::SpanField(_) | Term::TraceDuration => Any,
        Term::Arith { op, left, right } => {
            let (l, r) = (number(left), number(right));
            match op {
                ArithOp::Add => l.join(r),
                ArithOp::Sub => l.join(r.flip()),
                ArithOp::Mul if is_positive(right) => l,
                ArithOp::Mul if is_positive(left) => r,
                ArithOp::Div if is_positive(right) => l,
                _ => unless_still(l.join(r)),
            }
        }
        Term::Neg(inner) => number(inner).flip(),
        Term::Coalesce(parts) => unless_still(parts.iter().map(number).fold(Still, Direction::join)),
        Term::Lower(inner) | Term::Extract(inner, _) | Term::Shape(inner) => unless_still(number(inner)),
    }
}

fn aggregate(aggregate: &Aggregate) -> Direction {
    if !grows(&aggregate.set) {
        return Any;
    }
    match &aggregate.function {
        AggregateFn::Count | AggregateFn::Distinct(_) | AggregateFn::Rate | AggregateFn::Concurrent | AggregateFn::Max(_) => Up,
        AggregateFn::Sum(term) if never_negative(&aggregate.set, term) => Up,
        AggregateFn::Min(_) => Down,
        AggregateFn::Sum(_) | AggregateFn::Avg(_) | AggregateFn::Quantile(..) | AggregateFn::LongestRun(_) => Any,
    }
}

const fn is_positive(term: &Term) -> bool {
    match term {
        Term::Literal(Value::Int(i) | Value::Duration(i)) => *i > 0,
        Term::Literal(Value::Float(f)) => *f > 0.0,
        _ => false,
    }
}

const fn unless_still(direction: Direction) -> Direction {
    match direction {
        Still => Still,
        _ => Any,
    }
}
