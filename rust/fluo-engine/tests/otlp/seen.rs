//! What a reader saw, in a form in which two readers can be compared.

use fluo_engine::otlp::{AnyValueRef, Attributes, KeyTable, ReadReport, Scratch, read_traces};
use fluo_engine::projection::{KeySet, OWN_SCOPE, Projection};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as ProtoValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// Keys that the generator uses; the table asks for the first few.
pub(crate) const KEYS: [&str; 8] =
    ["http.route", "order.id", "db.system", "k", "service.name", "", "http.routd", "a.long.key.that.is.not.asked.for"];
const WANTED: usize = 4;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Empty,
    Str(Vec<u8>),
    Bool(bool),
    Int(i64),
    Double(u64),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Map(Pairs),
}

pub(crate) type Pairs = Vec<(Vec<u8>, Value)>;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) ids: ([u8; 16], u64, Option<u64>),
    pub(crate) name: Vec<u8>,
    pub(crate) kind: u8,
    pub(crate) times: (u64, u64),
    pub(crate) status: (u8, Vec<u8>),
    pub(crate) flags: u32,
    pub(crate) dropped: [u32; 5],
    pub(crate) attributes: Pairs,
    pub(crate) events: Vec<(u64, Vec<u8>, Pairs, u32)>,
    pub(crate) links: Vec<([u8; 16], u64, u32, Pairs, u32)>,
    pub(crate) resource: Pairs,
    pub(crate) scope: (Vec<u8>, Vec<u8>, Pairs),
    pub(crate) slots: [Vec<Option<Value>>; 3],
}

pub(crate) fn projection() -> Projection {
    let keys = KeySet { all: false, keys: KEYS.into_iter().take(WANTED).map(str::to_owned).collect() };
    Projection {
        span: keys.clone(),
        resource: keys.clone(),
        scope: keys,
        scope_name: true,
        event: Some(KeySet::default()),
        link: Some(KeySet::default()),
        status_message: true,
        dropped: true,
    }
}

fn value(value: AnyValueRef<'_>) -> Value {
    match value {
        AnyValueRef::Empty => Value::Empty,
        AnyValueRef::Str(v) => Value::Str(v.to_vec()),
        AnyValueRef::Bool(v) => Value::Bool(v),
        AnyValueRef::Int(v) => Value::Int(v),
        AnyValueRef::Double(v) => Value::Double(v.to_bits()),
        AnyValueRef::Bytes(v) => Value::Bytes(v.to_vec()),
        AnyValueRef::Array(list) => Value::List(list.map(self::value).collect()),
        AnyValueRef::KvList(list) => Value::Map(list.map(|(k, v)| (k.to_vec(), self::value(v))).collect()),
    }
}

fn pairs(attributes: Attributes<'_, '_>) -> Pairs {
    attributes.map(|(k, v)| (k.to_vec(), value(v))).collect()
}

/// Reads with the engine, using the same scratch memory for every call of a thread.
pub(crate) fn read_with(projection: &Projection, bytes: &[u8]) -> (Vec<Seen>, ReadReport) {
    thread_local!(static SCRATCH: std::cell::RefCell<Scratch> = std::cell::RefCell::default());
    let keys = KeyTable::new(projection);
    let mut seen = Vec::new();
    let report = SCRATCH.with_borrow_mut(|scratch| {
        read_traces(bytes, &keys, scratch, |span| {
            let (resource, scope) = (span.resource(), span.scope());
            let slot = |slot: Option<usize>, of: &dyn Fn(usize) -> Option<Value>| of(slot.expect("a slot for a wanted key"));
            let wanted = || KEYS.into_iter().take(WANTED);
            seen.push(Seen {
                ids: (span.trace_id, span.span_id, span.parent_id),
                name: span.name.to_vec(),
                kind: span.kind,
                times: (span.start_nanos, span.end_nanos),
                status: (span.status, span.status_message.to_vec()),
                flags: span.flags,
                dropped: [
                    span.dropped_attributes,
                    span.dropped_events,
                    span.dropped_links,
                    resource.dropped_attributes,
                    scope.dropped_attributes,
                ],
                attributes: pairs(span.attributes()),
                events: span.events().map(|e| (e.time_nanos, e.name.to_vec(), pairs(e.attributes()), e.dropped_attributes)).collect(),
                links: span.links().map(|l| (l.trace_id, l.span_id, l.flags, pairs(l.attributes()), l.dropped_attributes)).collect(),
                resource: pairs(resource.attributes()),
                scope: (scope.name.to_vec(), scope.version.to_vec(), pairs(scope.attributes())),
                slots: [
                    wanted().map(|k| slot(keys.span_slot(k), &|s| span.attribute(s).map(value))).collect(),
                    wanted().map(|k| slot(keys.resource_slot(k), &|s| resource.attribute(s).map(value))).collect(),
                    wanted().map(|k| slot(keys.scope_slot(k), &|s| scope.attribute(s).map(value))).collect(),
                ],
            });
        })
    });
    assert_eq!(report.spans, seen.len() as u64);
    (seen, report)
}

/// Reads with the engine what [`projection`] asks for.
pub(crate) fn read(bytes: &[u8]) -> (Vec<Seen>, ReadReport) {
    read_with(&projection(), bytes)
}

fn proto_value(any: Option<AnyValue>) -> Value {
    match any.and_then(|any| any.value) {
        None | Some(ProtoValue::StringValueStrindex(_)) => Value::Empty,
        Some(ProtoValue::StringValue(v)) => Value::Str(v.into_bytes()),
        Some(ProtoValue::BoolValue(v)) => Value::Bool(v),
        Some(ProtoValue::IntValue(v)) => Value::Int(v),
        Some(ProtoValue::DoubleValue(v)) => Value::Double(v.to_bits()),
        Some(ProtoValue::BytesValue(v)) => Value::Bytes(v),
        Some(ProtoValue::ArrayValue(list)) => Value::List(list.values.into_iter().map(|v| proto_value(Some(v))).collect()),
        Some(ProtoValue::KvlistValue(list)) => Value::Map(proto_pairs(list.values)),
    }
}

fn proto_pairs(attributes: Vec<KeyValue>) -> Pairs {
    attributes.into_iter().map(|kv| (kv.key.into_bytes(), proto_value(kv.value))).collect()
}

fn slots(pairs: &Pairs) -> Vec<Option<Value>> {
    let first = |key: &str| pairs.iter().find(|(k, _)| k == key.as_bytes()).map(|(_, v)| v.clone());
    KEYS.into_iter().take(WANTED).map(first).collect()
}

fn member(number: i32, greatest: u8) -> u8 {
    u8::try_from(number).ok().filter(|n| *n <= greatest).unwrap_or(0)
}

/// An id by the rules of the reader; `None` where the span or link has to be refused.
fn proto_id<const N: usize>(id: Vec<u8>) -> Option<[u8; N]> {
    if id.is_empty() { Some([0; N]) } else { id.try_into().ok() }
}

fn proto_span(span: Span) -> Option<Seen> {
    let trace_id = proto_id(span.trace_id).filter(|id| *id != [0; 16])?;
    let span_id = proto_id(span.span_id).map(u64::from_be_bytes).filter(|id| *id != 0)?;
    let parent = proto_id(span.parent_span_id).map(u64::from_be_bytes)?;
    let attributes = proto_pairs(span.attributes);
    let status = span.status.unwrap_or_default();
    let links: Option<Vec<_>> = span
        .links
        .into_iter()
        .map(|l| {
            let span_id = u64::from_be_bytes(proto_id(l.span_id)?);
            Some((proto_id(l.trace_id)?, span_id, l.flags, proto_pairs(l.attributes), l.dropped_attributes_count))
        })
        .collect();
    Some(Seen {
        ids: (trace_id, span_id, Some(parent).filter(|id| *id != 0)),
        name: span.name.into_bytes(),
        kind: member(span.kind, 5),
        times: (span.start_time_unix_nano, span.end_time_unix_nano),
        status: (member(status.code, 2), status.message.into_bytes()),
        flags: span.flags,
        dropped: [span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count, 0, 0],
        slots: [slots(&attributes), Vec::new(), Vec::new()],
        attributes,
        events: span
            .events
            .into_iter()
            .map(|e| (e.time_unix_nano, e.name.into_bytes(), proto_pairs(e.attributes), e.dropped_attributes_count))
            .collect(),
        links: links?,
        resource: Vec::new(),
        scope: (Vec::new(), Vec::new(), Vec::new()),
    })
}

/// Reads with prost and applies the reader's rules to the decoded message; `None` where prost refuses the bytes.
pub(crate) fn oracle(bytes: &[u8]) -> Option<(Vec<Seen>, ReadReport)> {
    let request = ExportTraceServiceRequest::decode(bytes).ok()?;
    let mut seen = Vec::new();
    let mut report = ReadReport::default();
    for resource_spans in request.resource_spans {
        let resource = resource_spans.resource.unwrap_or_default();
        let resource_pairs = proto_pairs(resource.attributes);
        for scope_spans in resource_spans.scope_spans {
            let scope = scope_spans.scope.unwrap_or_default();
            let scope_pairs = proto_pairs(scope.attributes);
            for span in scope_spans.spans {
                if scope.name == OWN_SCOPE {
                    report.spans_own += 1;
                    continue;
                }
                let Some(mut span) = proto_span(span) else {
                    report.spans_rejected += 1;
                    continue;
                };
                report.spans += 1;
                span.dropped[3] = resource.dropped_attributes_count;
                span.dropped[4] = scope.dropped_attributes_count;
                span.slots[1] = slots(&resource_pairs);
                span.slots[2] = slots(&scope_pairs);
                span.resource.clone_from(&resource_pairs);
                span.scope = (scope.name.clone().into_bytes(), scope.version.clone().into_bytes(), scope_pairs.clone());
                seen.push(span);
            }
        }
    }
    Some((seen, report))
}
