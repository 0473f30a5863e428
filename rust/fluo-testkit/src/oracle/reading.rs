//! Reading fields and terms of one span.

use fluo_lang::glob::Glob;
use fluo_lang::limits::Limits;
use fluo_lang::pattern;
use fluo_lang::program::{Attribute, AttributeKey, Field, FieldKey, Owner, Place, Term};

use super::glob::fits;
use super::number::{arithmetic, negate};
use super::shape::shape;
use super::tree::Above;
use super::truth::{Reason, Reasons};
use super::value::{Datum, data_of};
use super::world::{World, has_good_times};
use crate::model::{AnyValue, Attributes, Event, Link, attribute, hex};

/// What a field or term was found to be.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Reading {
    /// The values, lists opened; each with whether it stood in a list.
    pub(super) values: Vec<(Datum, bool)>,
    /// Whether the field is there; an empty list is, without values.
    pub(super) present: bool,
    /// Why there may be more values; empty where all are known.
    pub(super) open: Reasons,
}

impl Reading {
    pub(super) fn one(value: Datum) -> Self {
        Self { values: vec![(value, false)], present: true, ..Self::default() }
    }

    pub(super) fn unknown(reasons: Reasons) -> Self {
        Self { open: reasons, ..Self::default() }
    }

    pub(super) fn missing() -> Self {
        Self::default()
    }

    pub(super) fn of(value: Option<Datum>) -> Self {
        value.map_or_else(Self::missing, Self::one)
    }

    pub(super) fn is_missing(&self) -> bool {
        !self.present && self.open.is_empty()
    }

    /// The single value, where there is exactly one and no more can be.
    pub(super) fn single(&self) -> Option<&Datum> {
        match self.values.as_slice() {
            [(one, _)] if self.open.is_empty() => Some(one),
            _ => None,
        }
    }

    fn map(self, function: impl Fn(&Datum) -> Option<Datum>) -> Self {
        let values: Vec<_> = self.values.iter().filter_map(|(value, listed)| Some((function(value)?, *listed))).collect();
        Self { present: !values.is_empty() || (self.present && self.values.is_empty()), values, ..self }
    }
}

/// What a predicate is asked about: a span, or one of its events or links.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) span: usize,
    pub(super) item: Option<Item<'a>>,
}

/// An event or a link.
#[derive(Clone, Copy)]
pub(super) enum Item<'a> {
    Event(&'a Event),
    Link(&'a Link),
}

impl Subject<'_> {
    pub(super) const fn span(span: usize) -> Self {
        Self { span, item: None }
    }
}

/// A term at span level.
pub(super) fn term(world: &World<'_>, subject: Subject<'_>, term: &Term) -> Reading {
    let sub = |inner: &Term| self::term(world, subject, inner);
    match term {
        Term::Field(f) => field(world, subject, f),
        Term::Arith { op, left, right } => binary(&sub(left), &sub(right), |a, b| arithmetic(*op, a, b)),
        Term::Neg(inner) => binary(&sub(inner), &Reading::one(Datum::Int(0)), |a, _| negate(a)),
        Term::Coalesce(inner) => coalesce(inner.iter().map(sub)),
        Term::Lower(inner) => lower(sub(inner)),
        Term::Extract(inner, pattern) => extract(sub(inner), &pattern.source),
        Term::Shape(inner) => shaped(sub(inner)),
        Term::Literal(value) => Reading::one(Datum::of_literal(value)),
        Term::Aggregate(_) | Term::SpanField(_) | Term::Depth | Term::TraceDuration => Reading::missing(),
    }
}

/// Arithmetic takes one value on each side; several values, like what is no number, make the term missing.
pub(super) fn binary(left: &Reading, right: &Reading, function: impl Fn(&Datum, &Datum) -> Option<Datum>) -> Reading {
    if left.is_missing() || right.is_missing() {
        return Reading::missing();
    }
    let open = left.open.with(right.open);
    if !open.is_empty() {
        return Reading::unknown(open);
    }
    match (left.single(), right.single()) {
        (Some(a), Some(b)) => Reading::of(function(a, b)),
        _ => Reading::missing(),
    }
}

pub(super) fn coalesce(readings: impl Iterator<Item = Reading>) -> Reading {
    for reading in readings {
        if !reading.is_missing() {
            return reading;
        }
    }
    Reading::missing()
}

pub(super) fn lower(reading: Reading) -> Reading {
    reading.map(|value| Some(Datum::Str(value.text().to_lowercase())))
}

pub(super) fn shaped(reading: Reading) -> Reading {
    reading.map(|value| Some(Datum::Str(shape(&value.text()))))
}

pub(super) fn extract(reading: Reading, pattern: &str) -> Reading {
    let Ok(regex) = pattern::compile(pattern, Limits::default().regex_bytes) else { return Reading::missing() };
    let found = reading.clone().map(|value| {
        let group = regex.captures(value.text().as_bytes())?.get(1)?.as_bytes().to_vec();
        Some(Datum::Str(String::from_utf8(group).ok()?))
    });
    if found.values.is_empty() { Reading { present: false, ..found } } else { found }
}

/// A field at span level.
pub(super) fn field(world: &World<'_>, subject: Subject<'_>, field: &Field) -> Reading {
    match field.owner {
        Owner::Span => of_span(world, subject.span, &field.key),
        Owner::Parent => match world.above(subject.span) {
            Above::Nothing => Reading::missing(),
            Above::Span(parent) => of_span(world, parent, &field.key),
            Above::Lost => Reading::unknown(world.lost()),
        },
        Owner::Root => match world.root() {
            Ok(root) => of_span(world, root, &field.key),
            Err(reasons) => Reading::unknown(if reasons.is_empty() { world.lost() } else { reasons }),
        },
        Owner::Item => subject.item.map_or_else(Reading::missing, |item| of_item(item, &field.key)),
    }
}

/// A field of the span itself.
pub(super) fn of_span(world: &World<'_>, at: usize, key: &FieldKey) -> Reading {
    let span = world.span(at);
    let text = |text: &str| Reading::one(Datum::Str(text.to_owned()));
    let unless_empty = |t: &str| if t.is_empty() { Reading::missing() } else { text(t) };
    match key {
        FieldKey::Name => text(&span.name),
        FieldKey::Kind => text(span.kind.word()),
        FieldKey::Status => text(span.status.word()),
        FieldKey::StatusMessage => unless_empty(&span.status_message),
        FieldKey::ScopeName => unless_empty(&span.scope.name),
        FieldKey::TraceId => text(&hex(&span.trace_id)),
        FieldKey::SpanId => text(&hex(&span.span_id)),
        FieldKey::ParentId => span.parent_id.map_or_else(Reading::missing, |id| text(&hex(&id))),
        FieldKey::Service => named(&[(&span.resource.attributes, span.resource.dropped_attributes)], &["service.name".to_owned()]),
        FieldKey::Duration if !has_good_times(span) => Reading::unknown(Reasons::of(Reason::BadTime)),
        FieldKey::Duration => Reading::of(i64::try_from(span.end - span.start).ok().map(Datum::Duration)),
        FieldKey::Attribute(attribute) => of_attribute(world, at, attribute),
    }
}

fn of_item(item: Item<'_>, key: &FieldKey) -> Reading {
    let (attributes, dropped) = match item {
        Item::Event(event) => (&event.attributes, event.dropped_attributes),
        Item::Link(link) => (&link.attributes, link.dropped_attributes),
    };
    match (key, item) {
        (FieldKey::Name, Item::Event(event)) => Reading::one(Datum::Str(event.name.clone())),
        (FieldKey::TraceId, Item::Link(link)) => Reading::one(Datum::Str(hex(&link.trace_id))),
        (FieldKey::SpanId, Item::Link(link)) => Reading::one(Datum::Str(hex(&link.span_id))),
        (FieldKey::Attribute(attribute), _) => keyed(&[(attributes, dropped)], &attribute.key),
        _ => Reading::missing(),
    }
}

fn of_attribute(world: &World<'_>, at: usize, attribute: &Attribute) -> Reading {
    let span = world.span(at);
    let own = (&span.attributes, span.dropped_attributes);
    let resource = (&span.resource.attributes, span.resource.dropped_attributes);
    let scope = (&span.scope.attributes, span.scope.dropped_attributes);
    let key = &attribute.key;
    match attribute.place {
        Place::Any => keyed(&[own, resource], key),
        Place::Span => keyed(&[own], key),
        Place::Resource => keyed(&[resource], key),
        Place::Scope => keyed(&[scope], key),
        Place::Event => several(span.events.iter().map(|e| keyed(&[(&e.attributes, e.dropped_attributes)], key)), span.dropped_events),
        Place::Link => several(span.links.iter().map(|l| keyed(&[(&l.attributes, l.dropped_attributes)], key)), span.dropped_links),
        Place::Item => Reading::missing(),
    }
}

/// The values of all events, links or fitting keys together.
fn several(readings: impl Iterator<Item = Reading>, dropped: u32) -> Reading {
    let mut all = Reading { open: dropped_if(dropped > 0), ..Reading::default() };
    for reading in readings {
        all.values.extend(reading.values.into_iter().map(|(value, _)| (value, false)));
        all.present |= reading.present;
        all.open = all.open.with(reading.open);
    }
    all
}

fn keyed(places: &[(&Attributes, u32)], key: &AttributeKey) -> Reading {
    match key {
        AttributeKey::Names(names) => named(places, names),
        AttributeKey::Glob(glob) => globbed(places, glob),
    }
}

/// The first of the names in the first of the places; not found where attributes were dropped is unknown.
fn named(places: &[(&Attributes, u32)], names: &[String]) -> Reading {
    let found = places.iter().find_map(|(attributes, _)| names.iter().find_map(|name| usable(attribute(attributes, name)?)));
    found.unwrap_or_else(|| Reading::unknown(dropped_if(places.iter().any(|(_, dropped)| *dropped > 0))))
}

/// Every key that fits; a key that stands in two places is read in the first.
fn globbed(places: &[(&Attributes, u32)], glob: &Glob) -> Reading {
    let mut seen: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    for (attributes, _) in places {
        for (key, value) in *attributes {
            if !seen.contains(&key.as_str()) && fits(&glob.text(), key) {
                seen.push(key);
                found.extend(usable(value));
            }
        }
    }
    let dropped = places.iter().map(|(_, dropped)| *dropped).max().unwrap_or(0);
    several(found.into_iter(), dropped)
}

/// The reading of an attribute that is there; a value that was not set, or a double that is no number, is not.
fn usable(value: &AnyValue) -> Option<Reading> {
    let values = data_of(value, false);
    let empty_list = matches!(value, AnyValue::Array(_));
    (!values.is_empty() || empty_list).then_some(Reading { values, present: true, ..Reading::default() })
}

fn dropped_if(dropped: bool) -> Reasons {
    if dropped { Reasons::of(Reason::Dropped) } else { Reasons::NONE }
}
