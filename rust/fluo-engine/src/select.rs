//! Deciding selectors and reading kept terms on the bytes of a span.

use std::borrow::Cow;

use fluo_lang::glob::Glob;
use fluo_lang::program::{ItemKind, Owner, Place};

use crate::expr::read::Read;
use crate::expr::{Env, ItemKey, LocalField, Node, decide};
use crate::otlp::{AnyValueRef, Attributes, EventView, LinkView, SpanView};
use crate::store::record::{kind_name, status_name};
use crate::truth::{Reasons, Truth};
use crate::value::{Val, hex};
use crate::verdict::Reason;

const DROPPED: Reasons = Reasons::of(Reason::Dropped);

/// The facts of a span whose bytes are at hand.
pub(crate) struct SpanEnv<'a, 'v> {
    pub(crate) span: &'v SpanView<'a, 'v>,
    pub(crate) item: Option<Item<'a>>,
}

/// The event or link that a predicate looks at.
#[derive(Clone, Copy)]
pub(crate) enum Item<'a> {
    Event(EventView<'a>),
    Link(LinkView<'a>),
}

impl<'a> Item<'a> {
    fn attribute(&self, key: &[u8]) -> Option<AnyValueRef<'a>> {
        match self {
            Self::Event(event) => event.attribute(key),
            Self::Link(link) => link.attribute(key),
        }
    }

    fn attributes(&self) -> Attributes<'a, 'static> {
        match self {
            Self::Event(event) => event.attributes(),
            Self::Link(link) => link.attributes(),
        }
    }

    const fn dropped(&self) -> bool {
        match self {
            Self::Event(event) => event.dropped_attributes > 0,
            Self::Link(link) => link.dropped_attributes > 0,
        }
    }

    /// The values under a key; several where it is a glob.
    fn values(&self, key: &ItemKey) -> Vec<Val<'a>> {
        match key {
            ItemKey::Names(names) => names.iter().filter_map(|name| value(self.attribute(name.as_bytes())?)).take(1).collect(),
            ItemKey::Glob(glob) => fitting(self.attributes(), glob),
        }
    }
}

/// A value of the wire; an empty one and NaN are missing. A map reads as its JSON text.
pub(crate) fn value(any: AnyValueRef<'_>) -> Option<Val<'_>> {
    match any {
        AnyValueRef::Empty => None,
        AnyValueRef::Str(text) => Some(Val::str(text)),
        AnyValueRef::Bool(b) => Some(Val::Bool(b)),
        AnyValueRef::Int(i) => Some(Val::Int(i)),
        AnyValueRef::Double(f) => Val::float(f),
        AnyValueRef::Bytes(b) => Some(Val::Bytes(Cow::Borrowed(b))),
        AnyValueRef::Array(items) => {
            let mut list = Vec::new();
            flatten(items.filter_map(value), &mut list);
            Some(Val::List(list))
        }
        AnyValueRef::KvList(_) => Some(Val::Str(Cow::Owned(crate::json::text(any).into_bytes()))),
    }
}

/// Opens nested lists.
fn flatten<'a>(values: impl Iterator<Item = Val<'a>>, out: &mut Vec<Val<'a>>) {
    for value in values {
        match value {
            Val::List(items) => out.extend(items),
            one => out.push(one),
        }
    }
}

/// The values under the keys that fit; of a key that is given twice the first counts.
fn fitting<'a>(attributes: impl Iterator<Item = (&'a [u8], AnyValueRef<'a>)>, glob: &Glob) -> Vec<Val<'a>> {
    let (mut seen, mut values) = (Names::default(), Vec::new());
    add_fitting(attributes, glob, &mut seen, &mut values);
    values
}

/// Adds the values under the keys that fit and were not seen.
fn add_fitting<'a>(
    attributes: impl Iterator<Item = (&'a [u8], AnyValueRef<'a>)>,
    glob: &Glob,
    seen: &mut Names<'a>,
    values: &mut Vec<Val<'a>>,
) {
    let fit = attributes.filter(|(key, _)| glob.matches(key) && seen.is_new(key));
    values.extend(fit.filter_map(|(_, any)| value(any)));
}

/// The keys that were seen: few, but each one is compared with all.
#[derive(Default)]
struct Names<'a> {
    names: Vec<&'a [u8]>,
    /// A bit for each length and last byte that occurs.
    bits: u64,
}

impl<'a> Names<'a> {
    /// Whether a key was not seen before; it is from now on.
    fn is_new(&mut self, name: &'a [u8]) -> bool {
        let last = name.last().map_or(0, |byte| usize::from(*byte));
        let bit = 1 << ((name.len() + 11 * last) % 64);
        if self.bits & bit != 0 && self.names.contains(&name) {
            return false;
        }
        self.bits |= bit;
        self.names.push(name);
        true
    }
}

/// Several values, or nothing.
fn many<'a>(values: Vec<Val<'a>>, unknown: Reasons) -> Read<'a> {
    let is_there = !values.is_empty();
    let flat = if values.iter().any(|value| matches!(value, Val::List(_))) {
        let mut flat = Vec::with_capacity(values.len());
        flatten(values.into_iter(), &mut flat);
        flat
    } else {
        values
    };
    Read { value: is_there.then_some(Val::List(flat)), unknown, many: true }
}

const fn dropped_if(dropped: bool) -> Reasons {
    if dropped { DROPPED } else { Reasons::NONE }
}

fn text_or_missing(text: &[u8]) -> Read<'_> {
    if text.is_empty() { Read::MISSING } else { Read::present(Val::str(text)) }
}

fn hex_id<'a>(id: &[u8]) -> Read<'a> {
    Read::present(Val::Str(Cow::Owned(hex(id).into_bytes())))
}

impl<'a> SpanEnv<'a, '_> {
    fn attribute(&self, span: &[usize], resource: &[usize], scope: &[usize]) -> Read<'a> {
        let view = self.span;
        let found = span
            .iter()
            .find_map(|slot| value(view.attribute(*slot)?))
            .or_else(|| resource.iter().find_map(|slot| value(view.resource().attribute(*slot)?)))
            .or_else(|| scope.iter().find_map(|slot| value(view.scope().attribute(*slot)?)));
        if found.is_some() {
            return Read::maybe(found);
        }
        let dropped = (!span.is_empty() && view.dropped_attributes > 0)
            || (!resource.is_empty() && view.resource().dropped_attributes > 0)
            || (!scope.is_empty() && view.scope().dropped_attributes > 0);
        Read::unknown(dropped_if(dropped))
    }

    fn glob(&self, place: Place, glob: &Glob) -> Read<'a> {
        let view = self.span;
        // What the span says hides what its resource says under the same key.
        let (mut seen, mut values, mut dropped) = (Names::default(), Vec::new(), false);
        if matches!(place, Place::Any | Place::Span) {
            add_fitting(view.attributes(), glob, &mut seen, &mut values);
            dropped |= view.dropped_attributes > 0;
        }
        if matches!(place, Place::Any | Place::Resource) {
            add_fitting(view.resource().attributes(), glob, &mut seen, &mut values);
            dropped |= view.resource().dropped_attributes > 0;
        }
        if place == Place::Scope {
            add_fitting(view.scope().attributes(), glob, &mut seen, &mut values);
            dropped |= view.scope().dropped_attributes > 0;
        }
        many(values, dropped_if(dropped))
    }

    fn items(&self, kind: ItemKind) -> (Box<dyn Iterator<Item = Item<'a>> + 'a>, bool) {
        match kind {
            ItemKind::Event => (Box::new(self.span.events().map(Item::Event)), self.span.dropped_events > 0),
            ItemKind::Link => (Box::new(self.span.links().map(Item::Link)), self.span.dropped_links > 0),
        }
    }

    fn of_items(&self, kind: ItemKind, key: &ItemKey) -> Read<'a> {
        let (items, mut dropped) = self.items(kind);
        let mut values = Vec::new();
        for item in items {
            let found = item.values(key);
            dropped |= item.dropped() && (found.is_empty() || matches!(key, ItemKey::Glob(_)));
            values.extend(found);
        }
        many(values, dropped_if(dropped))
    }

    fn of_item(&self, key: &ItemKey) -> Read<'a> {
        let Some(item) = &self.item else {
            return Read::MISSING;
        };
        let mut values = item.values(key);
        if matches!(key, ItemKey::Glob(_)) {
            return many(values, dropped_if(item.dropped()));
        }
        match values.pop() {
            Some(value) => Read::present(value),
            None => Read::unknown(dropped_if(item.dropped())),
        }
    }
}

impl<'a> Env<'a> for SpanEnv<'a, '_> {
    fn field(&self, field: &LocalField) -> Read<'a> {
        let span = self.span;
        match field {
            LocalField::Name => Read::present(Val::str(span.name)),
            LocalField::Service(slot) => {
                let found = slot.and_then(|slot| value(span.resource().attribute(slot)?));
                match found {
                    Some(found) => Read::present(found),
                    None => Read::unknown(dropped_if(span.resource().dropped_attributes > 0)),
                }
            }
            LocalField::Kind => Read::present(Val::str(kind_name(span.kind).as_bytes())),
            LocalField::Status => Read::present(Val::str(status_name(span.status).as_bytes())),
            LocalField::StatusMessage => text_or_missing(span.status_message),
            LocalField::Duration => match span.end_nanos.checked_sub(span.start_nanos) {
                Some(nanos) if span.start_nanos != 0 => Read::present(Val::Duration(i64::try_from(nanos).unwrap_or(i64::MAX))),
                _ => Read::unknown(Reasons::of(Reason::BadTime)),
            },
            LocalField::TraceId => hex_id(&span.trace_id),
            LocalField::SpanId => hex_id(&span.span_id.to_be_bytes()),
            LocalField::ParentId => span.parent_id.map_or(Read::MISSING, |id| hex_id(&id.to_be_bytes())),
            LocalField::ScopeName => text_or_missing(span.scope().name),
            LocalField::Attribute { span, resource, scope } => self.attribute(span, resource, scope),
            LocalField::Glob { place, glob } => self.glob(*place, glob),
            LocalField::OfItems { kind, key } => self.of_items(*kind, key),
            LocalField::OfItem(key) => self.of_item(key),
            LocalField::ItemName => match &self.item {
                Some(Item::Event(event)) => Read::present(Val::str(event.name)),
                _ => Read::MISSING,
            },
            LocalField::ItemTraceId => match &self.item {
                Some(Item::Link(link)) => hex_id(&link.trace_id),
                _ => Read::MISSING,
            },
            LocalField::ItemSpanId => match &self.item {
                Some(Item::Link(link)) => hex_id(&link.span_id.to_be_bytes()),
                _ => Read::MISSING,
            },
        }
    }

    fn name_fits(&self, glob: &Glob) -> bool {
        glob.matches(self.span.name)
    }

    fn item(&self, kind: ItemKind, name: Option<&'a Glob>, predicate: Option<&'a Node>) -> Truth {
        let (items, dropped) = self.items(kind);
        let mut found = if dropped { Truth::Unknown(DROPPED) } else { Truth::False };
        for item in items {
            if let (Some(glob), Item::Event(event)) = (name, &item)
                && !glob.matches(event.name)
            {
                continue;
            }
            let inner = SpanEnv { span: self.span, item: Some(item) };
            let fits = predicate.map_or(Truth::True, |predicate| decide(predicate, &inner));
            found = found.or(fits);
            if found == Truth::True {
                break;
            }
        }
        found
    }

    // Selectors, kept terms and relations do not occur in what is decided on the bytes.
    fn selector(&self, _selector: u32) -> Truth {
        Truth::False
    }

    fn selector_of(&self, _owner: Owner, _selector: u32) -> Option<Truth> {
        None
    }

    fn kept(&self, _owner: Owner, _term: u32) -> Read<'a> {
        Read::MISSING
    }

    fn relation(&self, _relation: u32) -> Truth {
        Truth::False
    }
}
