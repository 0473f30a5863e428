//! Truth of claims and values of their terms, over whatever knows the aggregates: a trace, or the windows of a group.

use fluo_lang::program::{ArithOp, CompareOp};

use super::cell::{self, Cell};
use crate::expr::read::Read;
use crate::expr::{ops, shape};
use crate::plan::{Claim, ClaimTerm, Distinguished, Function};
use crate::truth::Truth;
use crate::value::Val;

/// What claims are evaluated over.
pub(crate) trait Facts<'t> {
    /// Whether a set has a member; `tested` is the set whose absence has to be accounted for.
    fn is_not_empty(&self, set: u32, tested: u32) -> Truth;
    /// A number over a set.
    fn aggregate(&self, set: u32, function: &'t Function) -> Cell<'t>;
    /// A kept term of one distinguished span.
    fn of_span(&self, span: Distinguished, term: u32) -> Cell<'t>;
    /// The depth of the trace.
    fn depth(&self) -> Cell<'t>;
    /// The duration of the trace.
    fn trace_duration(&self) -> Cell<'t>;
}

/// The truth of a claim.
pub(crate) fn truth<'t>(claim: &'t Claim, facts: &impl Facts<'t>) -> Truth {
    match claim {
        Claim::Const(value) => Truth::of(*value),
        Claim::Not(inner) => truth(inner, facts).not(),
        Claim::And(parts) => parts.iter().fold(Truth::True, |all, part| all.and(truth(part, facts))),
        Claim::Or(parts) => parts.iter().fold(Truth::False, |any, part| any.or(truth(part, facts))),
        Claim::NonEmpty { set, tested } => facts.is_not_empty(*set, *tested),
        Claim::Compare { op, left, right } => cell::compare(*op, &value(left, facts), &value(right, facts)),
        Claim::In { term, list, negated } => match value(term, facts) {
            range @ Cell::Range { .. } => {
                let equals = |item: &Val<'static>| cell::compare(CompareOp::Eq, &range, &Cell::Exact(item.borrowed()));
                let found = list.iter().fold(Truth::False, |any, item| any.or(equals(item)));
                if *negated { found.not() } else { found }
            }
            known => over(&known, |read| ops::is_in(read, list, *negated)),
        },
        Claim::Text { op, left, right } => {
            let (left, right) = (value(left, facts), value(right, facts));
            over(&left, |left| over(&right, |right| ops::text(*op, left, right)))
        }
        Claim::Matches { term, regex } => over(&value(term, facts), |read| ops::matches(read, regex)),
        Claim::Exists(term) => match value(term, facts) {
            Cell::NotApplicable => Truth::NotApplicable,
            Cell::Missing => Truth::False,
            Cell::Unknown(why) => Truth::Unknown(why),
            Cell::Exact(_) | Cell::Range { .. } => Truth::True,
        },
    }
}

/// The value of a term.
pub(crate) fn value<'t>(term: &'t ClaimTerm, facts: &impl Facts<'t>) -> Cell<'t> {
    match term {
        ClaimTerm::Literal(literal) => Cell::Exact(literal.borrowed()),
        ClaimTerm::Aggregate { set, function, .. } => facts.aggregate(*set, function),
        ClaimTerm::OfSpan { span, term, .. } => facts.of_span(*span, *term),
        ClaimTerm::Depth => facts.depth(),
        ClaimTerm::TraceDuration => facts.trace_duration(),
        ClaimTerm::Arith { op, left, right } => cell::arith(*op, &value(left, facts), &value(right, facts)),
        ClaimTerm::Neg(inner) => {
            let inner = value(inner, facts);
            let zero = if matches!(inner, Cell::Exact(Val::Duration(_))) { Val::Duration(0) } else { Val::Int(0) };
            cell::arith(ArithOp::Sub, &Cell::Exact(zero), &inner)
        }
        ClaimTerm::Coalesce(parts) => {
            for part in parts {
                match value(part, facts) {
                    Cell::Missing => {}
                    other => return other,
                }
            }
            Cell::Missing
        }
        ClaimTerm::Lower(inner) => through(value(inner, facts), |read| read.map_text(|text| Some(ops::lower(text)))),
        ClaimTerm::Extract(inner, regex) => {
            through(value(inner, facts), |read| read.map_text(|text| ops::extract(text, regex)).unless_empty())
        }
        ClaimTerm::Shape(inner) => through(value(inner, facts), |read| read.map_text(|text| Some(shape::shape(text)))),
    }
}

/// Applies a test of a value to what is known of it.
fn over(cell: &Cell<'_>, test: impl FnOnce(&Read<'_>) -> Truth) -> Truth {
    match cell {
        Cell::NotApplicable => Truth::NotApplicable,
        Cell::Missing => test(&Read::MISSING),
        Cell::Unknown(why) | Cell::Range { why, .. } => test(&Read::unknown(*why)),
        Cell::Exact(value) => test(&Read::present(value.borrowed())),
    }
}

/// What is known of a value that was read.
pub(crate) fn of_read(read: Read<'_>) -> Cell<'_> {
    match read.value {
        _ if !read.unknown.is_empty() => Cell::Unknown(read.unknown),
        Some(value) => Cell::Exact(value),
        None => Cell::Missing,
    }
}

/// Applies a function to a value that is known.
fn through<'a>(cell: Cell<'a>, function: impl FnOnce(Read<'a>) -> Read<'a>) -> Cell<'a> {
    match cell {
        Cell::Exact(value) => of_read(function(Read::present(value))),
        Cell::Range { why, .. } => Cell::Unknown(why),
        other => other,
    }
}
