//! Random traces.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;

use super::twists::{apply, twist};
use crate::model::{AnyValue, Attributes, Event, Kind, Link, Resource, Scope, SpanData, SpanId, Status, TraceId};
use crate::notation::BASE;

const MILLISECOND: u64 = 1_000_000;

/// How a generated span is attached.
#[derive(Debug, Clone, Copy)]
enum Attached {
    /// To an earlier span.
    Below(prop::sample::Index),
    /// To nothing.
    Top,
    /// To a span that never comes.
    Lost(u8),
    /// To any span, itself and later ones included.
    Anywhere(prop::sample::Index),
}

/// A trace of at most `most` spans: mostly a tree, sometimes with lost parents, several roots or cycles.
pub fn trace(trace_id: TraceId, most: usize) -> BoxedStrategy<Vec<SpanData>> {
    let tidy = prop::collection::vec((span(), Just(None)), 1..=most);
    let rough = prop::collection::vec((span(), prop::option::weighted(0.3, attached())), 1..=most);
    let skew = [0u64, 0, 2_000, 30];
    let parents = prop::collection::vec(any::<prop::sample::Index>(), most);
    (prop_oneof![3 => tidy, 1 => rough], parents, select(vec![0usize, 0, 1, 2]), twist())
        .prop_map(move |(spans, parents, clocks, twist)| {
            let count = spans.len();
            let id = |at: usize| -> SpanId { (at as u64 + 1).to_be_bytes() };
            let mut spans: Vec<SpanData> = spans
                .into_iter()
                .enumerate()
                .zip(parents)
                .map(|((at, (mut span, attached)), parent)| {
                    let attached = attached.unwrap_or(if at == 0 { Attached::Top } else { Attached::Below(parent) });
                    span.trace_id = trace_id;
                    span.span_id = id(at);
                    span.parent_id = match attached {
                        Attached::Top => None,
                        Attached::Below(_) if at == 0 => None,
                        Attached::Below(index) => Some(id(index.index(at))),
                        Attached::Lost(which) => Some([0xff, which, 0, 0, 0, 0, 0, 1]),
                        Attached::Anywhere(index) => Some(id(index.index(count))),
                    };
                    let service = service_number(&span);
                    let shift = skew.get(service * clocks % skew.len()).copied().unwrap_or(0) * MILLISECOND;
                    for time in [&mut span.start, &mut span.end] {
                        *time = if *time == 0 { 0 } else { *time + shift };
                    }
                    span
                })
                .collect();
            if let Some(twist) = twist {
                apply(&twist, &mut spans);
            }
            spans
        })
        .boxed()
}

fn service_number(span: &SpanData) -> usize {
    match span.resource.attributes.first() {
        Some((_, AnyValue::String(name))) if name == "s2" => 1,
        Some((_, AnyValue::String(name))) if name == "s3" => 2,
        _ => 0,
    }
}

fn attached() -> impl Strategy<Value = Attached> {
    prop_oneof![
        3 => any::<prop::sample::Index>().prop_map(Attached::Below),
        1 => Just(Attached::Top),
        3 => (0..3u8).prop_map(Attached::Lost),
        1 => any::<prop::sample::Index>().prop_map(Attached::Anywhere),
    ]
}

/// A span without identity.
pub(super) fn span() -> BoxedStrategy<SpanData> {
    let name = select(vec!["a", "a", "b", "b", "c", "pay.x"]);
    let kind = select(vec![
        Kind::Internal,
        Kind::Internal,
        Kind::Server,
        Kind::Client,
        Kind::Client,
        Kind::Producer,
        Kind::Consumer,
        Kind::Unspecified,
    ]);
    let status = select(vec![Status::Unset, Status::Unset, Status::Ok, Status::Error]);
    let items = (prop::collection::vec(event(), 0..3), prop::collection::vec(link(), 0..2));
    let dropped = (dropped(), dropped(), dropped());
    (name, kind, status, times(), attributes(), items, dropped, resource())
        .prop_map(|(name, kind, status, (start, end), attributes, (events, links), dropped, resource)| SpanData {
            name: name.to_owned(),
            kind,
            status,
            start,
            end,
            attributes,
            events,
            links,
            dropped_attributes: dropped.0,
            dropped_events: dropped.1,
            dropped_links: dropped.2,
            resource: Arc::new(resource),
            scope: Arc::new(Scope { name: "lib".to_owned(), ..Scope::default() }),
            ..SpanData::default()
        })
        .boxed()
}

fn dropped() -> impl Strategy<Value = u32> {
    prop_oneof![29 => Just(0), 1 => Just(1)]
}

/// Times on a grid, so that spans touch and coincide; now and then missing or reversed.
fn times() -> impl Strategy<Value = (u64, u64)> {
    let at = |ms: u64| BASE + ms * MILLISECOND;
    prop_oneof![
        40 => (0..24u64, 0..16u64).prop_map(move |(start, length)| (at(start * 5), at((start + length) * 5))),
        4 => (0..3u64, 0..400u64).prop_map(move |(start, length)| (at(start * 100), at(start * 100 + length))),
        1 => (1..100u64).prop_map(move |end| (0, at(end))),
        1 => (1..100u64).prop_map(move |start| (at(start), 0)),
        1 => (1..100u64).prop_map(move |start| (at(start), at(start - 1))),
    ]
}

fn resource() -> impl Strategy<Value = Resource> {
    let service = select(vec![Some("s1"), Some("s1"), Some("s2"), Some("s3"), None]);
    let more = select(vec![vec![], vec![], vec![("service.instance.id", "i1")], vec![("host.name", "h1")], vec![("k", "1")]]);
    (service, more, prop_oneof![49 => Just(0u32), 1 => Just(1)]).prop_map(|(service, more, dropped_attributes)| Resource {
        attributes: service
            .map(|name| ("service.name", name))
            .into_iter()
            .chain(more)
            .map(|(key, value)| (key.to_owned(), AnyValue::String(value.to_owned())))
            .collect(),
        dropped_attributes,
    })
}

fn attributes() -> impl Strategy<Value = Attributes> {
    let key = select(vec!["k", "k", "u", "s", "n", "http.status_code", "http.response.status_code"]);
    prop::collection::vec((key.prop_map(str::to_owned), value()), 0..4)
}

fn value() -> impl Strategy<Value = AnyValue> {
    let text = select(vec!["1", "2", "x", "X1", "true", "01", ""]).prop_map(|text| AnyValue::String(text.to_owned()));
    let scalar = prop_oneof![
        4 => (-1..4i64).prop_map(AnyValue::Int),
        2 => select(vec![1.0, 1.5, 2.0, -0.0, f64::NAN]).prop_map(AnyValue::Double),
        3 => text,
        1 => any::<bool>().prop_map(AnyValue::Bool),
        1 => Just(AnyValue::Bytes(vec![0xfe])),
        1 => Just(AnyValue::Empty),
    ];
    let list = prop::collection::vec(scalar.clone(), 0..3).prop_map(AnyValue::Array);
    prop_oneof![32 => scalar, 4 => list, 1 => long_text(), 1 => map()]
}

/// Texts about as long as what is held whole and what is shown, some cut inside a character.
fn long_text() -> impl Strategy<Value = AnyValue> {
    let text = |length: usize, last: &str| format!("{}{last}", "v".repeat(length.saturating_sub(last.len())));
    let mut texts: Vec<String> = [62, 63, 64, 65, 66, 255, 256].into_iter().map(|length| text(length, "1")).collect();
    texts.extend([text(64, "é"), text(65, "é"), text(256, "é"), text(257, "é"), format!("x{}", "é".repeat(128)), "w".repeat(700)]);
    select(texts).prop_map(AnyValue::String)
}

/// Maps with the same members in both orders.
fn map() -> impl Strategy<Value = AnyValue> {
    let entry = |key: &str, value| (key.to_owned(), value);
    any::<bool>().prop_map(move |turned| {
        let inner = vec![entry("y", AnyValue::Int(1)), entry("x", AnyValue::Bool(true))];
        let mut entries = vec![entry("b", AnyValue::String("1".to_owned())), entry("a", AnyValue::Map(inner))];
        if turned {
            entries.reverse();
        }
        AnyValue::Map(entries)
    })
}

fn event() -> impl Strategy<Value = Event> {
    (select(vec!["E", "F"]), prop::option::of(0..4i64), prop_oneof![19 => Just(0u32), 1 => Just(1)]).prop_map(
        |(name, n, dropped_attributes)| Event {
            name: name.to_owned(),
            time: BASE,
            attributes: n.map(|n| ("n".to_owned(), AnyValue::Int(n))).into_iter().collect(),
            dropped_attributes,
        },
    )
}

fn link() -> impl Strategy<Value = Link> {
    prop::option::of(0..3i64).prop_map(|n| Link {
        trace_id: [7; 16],
        span_id: [7; 8],
        attributes: n.map(|n| ("n".to_owned(), AnyValue::Int(n))).into_iter().collect(),
        dropped_attributes: 0,
    })
}
