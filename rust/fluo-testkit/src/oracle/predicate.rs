//! Predicates: expressions over one span.

use fluo_lang::limits::Limits;
use fluo_lang::pattern;
use fluo_lang::program::{CompareOp, Expr, ItemKind, TextOp};
use fluo_lang::value::Value;

use super::glob::fits;
use super::reading::{Item, Reading, Subject, term};
use super::relation::relation;
use super::truth::{Reason, Reasons, Truth};
use super::value::Datum;
use super::world::World;

/// Whether the subject satisfies the predicate.
pub(super) fn predicate(world: &World<'_>, subject: Subject<'_>, expr: &Expr) -> Truth {
    let sub = |inner: &Expr| predicate(world, subject, inner);
    match expr {
        Expr::Const(value) => Truth::of(*value),
        Expr::Not(inner) => sub(inner).negate(),
        Expr::And(all) => all.iter().map(sub).fold(Truth::True, Truth::and),
        Expr::Or(all) => all.iter().map(sub).fold(Truth::False, Truth::or),
        Expr::Implies(a, b) => sub(a).negate().or(sub(b)),
        Expr::Compare { op, left, right } => compare(*op, &term(world, subject, left), &term(world, subject, right)),
        Expr::In { term: t, list, negated } => is_in(&term(world, subject, t), list, *negated),
        Expr::Text { op, left, right } => text(*op, &term(world, subject, left), &term(world, subject, right)),
        Expr::Matches { term: t, regex } => matches(&term(world, subject, t), &regex.source),
        Expr::Exists(t) => exists(&term(world, subject, t)),
        Expr::Missing(t) => exists(&term(world, subject, t)).negate(),
        Expr::Name(glob) => Truth::of(fits(&glob.text(), &world.span(subject.span).name)),
        Expr::Item { kind, name, predicate } => item(world, subject, *kind, name.as_ref().map(|g| g.text()), predicate.as_deref()),
        Expr::Relation(r) => relation(world, subject.span, r),
        Expr::NonEmpty(_) | Expr::Empty(_) | Expr::Quantified { .. } => Truth::False,
    }
}

/// `left op right`: some pair of values satisfies it; `!=` asks for presence on both sides and no equal pair.
pub(super) fn compare(op: CompareOp, left: &Reading, right: &Reading) -> Truth {
    if left.is_missing() || right.is_missing() {
        return Truth::False;
    }
    if op == CompareOp::Ne {
        return match compare(CompareOp::Eq, left, right) {
            Truth::False => Truth::of(left.present && right.present),
            other => other.negate(),
        };
    }
    let satisfied = |a: &Datum, b: &Datum| match op {
        CompareOp::Eq | CompareOp::Ne => a.equals(b),
        CompareOp::Lt => a.order(b).is_some_and(|o| o.is_lt()),
        CompareOp::Le => a.order(b).is_some_and(|o| o.is_le()),
        CompareOp::Gt => a.order(b).is_some_and(|o| o.is_gt()),
        CompareOp::Ge => a.order(b).is_some_and(|o| o.is_ge()),
    };
    some_pair(left, right, satisfied)
}

fn some_pair(left: &Reading, right: &Reading, satisfied: impl Fn(&Datum, &Datum) -> bool) -> Truth {
    if left.is_missing() || right.is_missing() {
        return Truth::False;
    }
    let found = left.values.iter().any(|(a, _)| right.values.iter().any(|(b, _)| satisfied(a, b)));
    if found { Truth::True } else { Truth::false_unless(left.open.with(right.open)) }
}

/// `in`, `not in`.
pub(super) fn is_in(reading: &Reading, list: &[Value], negated: bool) -> Truth {
    let list = Reading { values: list.iter().map(|v| (Datum::of_literal(v), false)).collect(), present: true, ..Reading::default() };
    compare(if negated { CompareOp::Ne } else { CompareOp::Eq }, reading, &list)
}

/// `contains`, `starts_with`, `ends_with`.
pub(super) fn text(op: TextOp, left: &Reading, right: &Reading) -> Truth {
    if left.is_missing() || right.is_missing() {
        return Truth::False;
    }
    let satisfied = |(a, listed): &(Datum, bool), b: &Datum| match op {
        TextOp::Contains if *listed => a.equals(b),
        TextOp::Contains => a.text().contains(&b.text()),
        TextOp::StartsWith => a.text().starts_with(&b.text()),
        TextOp::EndsWith => a.text().ends_with(&b.text()),
    };
    let found = left.values.iter().any(|a| right.values.iter().any(|(b, _)| satisfied(a, b)));
    if found { Truth::True } else { Truth::false_unless(left.open.with(right.open)) }
}

/// `matches`.
pub(super) fn matches(reading: &Reading, pattern: &str) -> Truth {
    let Ok(regex) = pattern::compile(pattern, Limits::default().regex_bytes) else { return Truth::False };
    if reading.values.iter().any(|(value, _)| regex.is_match(value.text().as_bytes())) {
        return Truth::True;
    }
    Truth::false_unless(reading.open)
}

/// `exists(f)`.
pub(super) fn exists(reading: &Reading) -> Truth {
    if reading.present { Truth::True } else { Truth::false_unless(reading.open) }
}

/// `event(NAME, P)`, `link(P)`: one item has the name and satisfies the predicate.
fn item(world: &World<'_>, subject: Subject<'_>, kind: ItemKind, name: Option<String>, inner: Option<&Expr>) -> Truth {
    let span = world.span(subject.span);
    let (items, dropped): (Vec<Item<'_>>, u32) = match kind {
        ItemKind::Event => (span.events.iter().map(Item::Event).collect(), span.dropped_events),
        ItemKind::Link => (span.links.iter().map(Item::Link).collect(), span.dropped_links),
    };
    let lost = if dropped > 0 { Reasons::of(Reason::Dropped) } else { Reasons::NONE };
    items
        .into_iter()
        .map(|item| {
            let named = match (&name, item) {
                (Some(pattern), Item::Event(event)) => fits(pattern, &event.name),
                (Some(_), Item::Link(_)) => false,
                (None, _) => true,
            };
            let holds = inner.map_or(Truth::True, |p| predicate(world, Subject { span: subject.span, item: Some(item) }, p));
            Truth::of(named).and(holds)
        })
        .fold(Truth::false_unless(lost), Truth::or)
}
