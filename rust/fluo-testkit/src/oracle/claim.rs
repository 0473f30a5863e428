//! Claims and guards: expressions over spansets.

use fluo_lang::program::{CompareOp, Expr, Quantifier, SpanField, SpanRef, Spanset, Term};

use super::aggregate::aggregate;
use super::duration::{depth, trace_duration};
use super::predicate::{exists, is_in, matches, predicate, text};
use super::quantity::{Quantity, combine, compare_quantities, negate_quantity};
use super::reading::{Reading, Subject, coalesce, extract, field, lower, shaped};
use super::spanset::{Members, View, members};
use super::truth::{Reason, Reasons, Truth};
use super::value::Datum;
use super::world::{World, has_good_times};

/// Whether the expression holds under the view.
pub(super) fn holds(world: &World<'_>, expr: &Expr, view: View<'_>) -> Truth {
    let sub = |inner: &Expr| holds(world, inner, view);
    let value = |inner: &Term| quantity(world, inner, view);
    let read = |inner: &Term, test: &dyn Fn(&Reading) -> Truth| match value(inner).reading() {
        Some(reading) => test(&reading),
        None => Truth::NotApplicable,
    };
    match expr {
        Expr::Const(truth) => Truth::of(*truth),
        Expr::Not(inner) => sub(inner).negate(),
        Expr::And(all) => all.iter().map(sub).fold(Truth::True, Truth::and),
        Expr::Or(all) => all.iter().map(sub).fold(Truth::False, Truth::or),
        Expr::Implies(a, b) => sub(a).negate().or(sub(b)),
        Expr::Compare { op, left, right } => compare_quantities(*op, &value(left), &value(right)),
        Expr::In { term, list, negated } => match value(term) {
            Quantity::Nothing => Truth::NotApplicable,
            Quantity::Read(reading) => is_in(&reading, list, *negated),
            bounded @ Quantity::Between { .. } => {
                let equals = |v| compare_quantities(CompareOp::Eq, &bounded, &Quantity::known(Datum::of_literal(v)));
                let found = list.iter().map(equals).fold(Truth::False, Truth::or);
                if *negated { found.negate() } else { found }
            }
        },
        Expr::Text { op, left, right } => read(left, &|l| read(right, &|r| text(*op, l, r))),
        Expr::Matches { term, regex } => read(term, &|reading| matches(reading, &regex.source)),
        Expr::Exists(term) => read(term, &exists),
        Expr::Missing(term) => read(term, &exists).negate(),
        Expr::NonEmpty(set) => any(world, set, view, None),
        Expr::Empty(set) => any(world, set, view, None).negate(),
        Expr::Quantified { quantifier, set, predicate } => match quantifier {
            Quantifier::Any => any(world, set, view, Some((predicate, false))),
            Quantifier::None => any(world, set, view, Some((predicate, false))).negate(),
            Quantifier::All => any(world, set, view, Some((predicate, true))).negate(),
        },
        Expr::Name(_) | Expr::Item { .. } | Expr::Relation(_) => Truth::False,
    }
}

/// Whether some member satisfies the predicate, or its negation where the flag says so.
fn any(world: &World<'_>, set: &Spanset, view: View<'_>, test: Option<(&Expr, bool)>) -> Truth {
    let Members { list, open } = members(world, set, view);
    list.into_iter()
        .map(|(at, member)| match test {
            None => member,
            Some((p, negated)) => {
                let truth = predicate(world, Subject::span(at), p);
                member.and(if negated { truth.negate() } else { truth })
            }
        })
        .fold(Truth::false_unless(open), Truth::or)
}

/// The value of a claim-level term under the view.
pub(super) fn quantity(world: &World<'_>, term: &Term, view: View<'_>) -> Quantity {
    let sub = |inner: &Term| quantity(world, inner, view);
    let through = |inner: &Term, function: &dyn Fn(Reading) -> Reading| match sub(inner).reading() {
        Some(reading) => Quantity::Read(function(reading)),
        None => Quantity::Nothing,
    };
    match term {
        Term::Literal(value) => Quantity::known(Datum::of_literal(value)),
        Term::Aggregate(a) => aggregate(world, a, view),
        Term::SpanField(f) => span_field(world, f, view),
        Term::Depth => depth(world),
        Term::TraceDuration => trace_duration(world),
        Term::Arith { op, left, right } => combine(*op, sub(left), sub(right)),
        Term::Neg(inner) => negate_quantity(sub(inner)),
        Term::Coalesce(all) => {
            let readings: Option<Vec<Reading>> = all.iter().map(|inner| sub(inner).reading()).collect();
            readings.map_or(Quantity::Nothing, |readings| Quantity::Read(coalesce(readings.into_iter())))
        }
        Term::Lower(inner) => through(inner, &lower),
        Term::Extract(inner, pattern) => through(inner, &|reading| extract(reading, &pattern.source)),
        Term::Shape(inner) => through(inner, &shaped),
        Term::Field(_) => Quantity::missing(),
    }
}

/// A field of the root, of the first or of the last span of a spanset.
fn span_field(world: &World<'_>, wanted: &SpanField, view: View<'_>) -> Quantity {
    let at = match &wanted.span {
        SpanRef::Root => match world.root() {
            Ok(root) => root,
            Err(why) => return Quantity::unknown(if why.is_empty() { world.lost() } else { why }),
        },
        SpanRef::First(set) | SpanRef::Last(set) => {
            let members = members(world, set, view);
            let mut doubt = members.doubt();
            if members.possible().iter().any(|at| !has_good_times(world.span(*at))) {
                doubt = doubt.with(Reasons::of(Reason::BadTime));
            }
            if !doubt.is_empty() {
                return Quantity::unknown(doubt);
            }
            let spans = members.certain();
            let end = if matches!(wanted.span, SpanRef::First(_)) { spans.first() } else { spans.last() };
            match end {
                Some(at) => *at,
                None => return Quantity::Nothing,
            }
        }
    };
    Quantity::Read(field(world, Subject::span(at), &wanted.field))
}

/// Every spanset that the expression tests or aggregates itself.
pub(super) fn spansets<'e>(expr: &'e Expr, found: &mut Vec<&'e Spanset>) {
    match expr {
        Expr::Not(inner) => spansets(inner, found),
        Expr::And(all) | Expr::Or(all) => all.iter().for_each(|inner| spansets(inner, found)),
        Expr::Implies(a, b) => {
            spansets(a, found);
            spansets(b, found);
        }
        Expr::Compare { left, right, .. } | Expr::Text { left, right, .. } => {
            term_spansets(left, found);
            term_spansets(right, found);
        }
        Expr::In { term, .. } | Expr::Matches { term, .. } | Expr::Exists(term) | Expr::Missing(term) => term_spansets(term, found),
        Expr::NonEmpty(set) | Expr::Empty(set) | Expr::Quantified { set, .. } => found.push(set),
        Expr::Const(_) | Expr::Name(_) | Expr::Item { .. } | Expr::Relation(_) => {}
    }
}

fn term_spansets<'e>(term: &'e Term, found: &mut Vec<&'e Spanset>) {
    match term {
        Term::Aggregate(a) => found.push(&a.set),
        Term::SpanField(f) => match &f.span {
            SpanRef::First(set) | SpanRef::Last(set) => found.push(set),
            SpanRef::Root => {}
        },
        Term::Arith { left, right, .. } => {
            term_spansets(left, found);
            term_spansets(right, found);
        }
        Term::Coalesce(all) => all.iter().for_each(|inner| term_spansets(inner, found)),
        Term::Neg(inner) | Term::Lower(inner) | Term::Extract(inner, _) | Term::Shape(inner) => term_spansets(inner, found),
        Term::Literal(_) | Term::Field(_) | Term::Depth | Term::TraceDuration => {}
    }
}
