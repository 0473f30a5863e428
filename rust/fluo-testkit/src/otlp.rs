//! Spans to OTLP protobuf bytes and back.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::resource::v1 as resource;
use opentelemetry_proto::tonic::trace::v1 as trace;
use prost::Message;

use crate::model::{AnyValue, Attributes, Event, Kind, Link, Resource, Scope, SpanData, Status};

/// Serializes spans as one traces message. Neighbours with the same resource and scope share a frame.
#[must_use]
pub fn encode(spans: &[SpanData]) -> Vec<u8> {
    request(spans).encode_to_vec()
}

/// The message that [`encode`] serializes.
#[must_use]
pub fn request(spans: &[SpanData]) -> ExportTraceServiceRequest {
    let mut frames: Vec<trace::ResourceSpans> = Vec::new();
    let mut last: Option<&SpanData> = None;
    for span in spans {
        let same_resource = last.is_some_and(|l| l.resource == span.resource);
        let same_scope = same_resource && last.is_some_and(|l| l.scope == span.scope);
        if !same_resource {
            frames.push(trace::ResourceSpans { resource: Some(write_resource(&span.resource)), ..Default::default() });
        }
        if let Some(frame) = frames.last_mut() {
            if !same_scope {
                frame.scope_spans.push(trace::ScopeSpans { scope: Some(write_scope(&span.scope)), ..Default::default() });
            }
            if let Some(scope) = frame.scope_spans.last_mut() {
                scope.spans.push(write_span(span));
            }
        }
        last = Some(span);
    }
    ExportTraceServiceRequest { resource_spans: frames }
}

/// Reads a traces message. Spans whose ids have a wrong length or are all zero are skipped.
///
/// # Errors
/// Bytes that are no such message.
pub fn decode(bytes: &[u8]) -> Result<Vec<SpanData>, prost::DecodeError> {
    Ok(spans(&ExportTraceServiceRequest::decode(bytes)?))
}

/// The spans of a traces message, in order.
#[must_use]
pub fn spans(request: &ExportTraceServiceRequest) -> Vec<SpanData> {
    let mut found = Vec::new();
    for frame in &request.resource_spans {
        let resource = Arc::new(frame.resource.as_ref().map(read_resource).unwrap_or_default());
        for scope_spans in &frame.scope_spans {
            let scope = Arc::new(scope_spans.scope.as_ref().map(read_scope).unwrap_or_default());
            found.extend(scope_spans.spans.iter().filter_map(|span| read_span(span, &resource, &scope)));
        }
    }
    found
}

fn write_resource(r: &Resource) -> resource::Resource {
    resource::Resource { attributes: write_attributes(&r.attributes), dropped_attributes_count: r.dropped_attributes, ..Default::default() }
}

fn read_resource(r: &resource::Resource) -> Resource {
    Resource { attributes: read_attributes(&r.attributes), dropped_attributes: r.dropped_attributes_count }
}

fn write_scope(s: &Scope) -> common::InstrumentationScope {
    common::InstrumentationScope {
        name: s.name.clone(),
        version: s.version.clone(),
        attributes: write_attributes(&s.attributes),
        dropped_attributes_count: s.dropped_attributes,
    }
}

fn read_scope(s: &common::InstrumentationScope) -> Scope {
    Scope {
        name: s.name.clone(),
        version: s.version.clone(),
        attributes: read_attributes(&s.attributes),
        dropped_attributes: s.dropped_attributes_count,
    }
}

fn write_span(span: &SpanData) -> trace::Span {
    trace::Span {
        trace_id: span.trace_id.to_vec(),
        span_id: span.span_id.to_vec(),
        parent_span_id: span.parent_id.map(|id| id.to_vec()).unwrap_or_default(),
        name: span.name.clone(),
        kind: match span.kind {
            Kind::Unspecified => 0,
            Kind::Internal => 1,
            Kind::Server => 2,
            Kind::Client => 3,
            Kind::Producer => 4,
            Kind::Consumer => 5,
        },
        start_time_unix_nano: span.start,
        end_time_unix_nano: span.end,
        attributes: write_attributes(&span.attributes),
        dropped_attributes_count: span.dropped_attributes,
        events: span.events.iter().map(write_event).collect(),
        dropped_events_count: span.dropped_events,
        links: span.links.iter().map(write_link).collect(),
        dropped_links_count: span.dropped_links,
        status: Some(trace::Status {
            message: span.status_message.clone(),
            code: match span.status {
                Status::Unset => 0,
                Status::Ok => 1,
                Status::Error => 2,
            },
        }),
        ..Default::default()
    }
}

fn read_span(span: &trace::Span, resource: &Arc<Resource>, scope: &Arc<Scope>) -> Option<SpanData> {
    let status = span.status.as_ref();
    Some(SpanData {
        trace_id: id(&span.trace_id)?,
        span_id: id(&span.span_id)?,
        parent_id: id(&span.parent_span_id),
        name: span.name.clone(),
        kind: match span.kind {
            1 => Kind::Internal,
            2 => Kind::Server,
            3 => Kind::Client,
            4 => Kind::Producer,
            5 => Kind::Consumer,
            _ => Kind::Unspecified,
        },
        status: match status.map_or(0, |s| s.code) {
            1 => Status::Ok,
            2 => Status::Error,
            _ => Status::Unset,
        },
        status_message: status.map(|s| s.message.clone()).unwrap_or_default(),
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        attributes: read_attributes(&span.attributes),
        dropped_attributes: span.dropped_attributes_count,
        events: span.events.iter().map(read_event).collect(),
        dropped_events: span.dropped_events_count,
        links: span.links.iter().map(read_link).collect(),
        dropped_links: span.dropped_links_count,
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
    })
}

fn id<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    <[u8; N]>::try_from(bytes).ok().filter(|id| id.iter().any(|byte| *byte != 0))
}

fn write_event(event: &Event) -> trace::span::Event {
    trace::span::Event {
        time_unix_nano: event.time,
        name: event.name.clone(),
        attributes: write_attributes(&event.attributes),
        dropped_attributes_count: event.dropped_attributes,
    }
}

fn read_event(event: &trace::span::Event) -> Event {
    Event {
        name: event.name.clone(),
        time: event.time_unix_nano,
        attributes: read_attributes(&event.attributes),
        dropped_attributes: event.dropped_attributes_count,
    }
}

fn write_link(link: &Link) -> trace::span::Link {
    trace::span::Link {
        trace_id: link.trace_id.to_vec(),
        span_id: link.span_id.to_vec(),
        attributes: write_attributes(&link.attributes),
        dropped_attributes_count: link.dropped_attributes,
        ..Default::default()
    }
}

fn read_link(link: &trace::span::Link) -> Link {
    Link {
        trace_id: id(&link.trace_id).unwrap_or_default(),
        span_id: id(&link.span_id).unwrap_or_default(),
        attributes: read_attributes(&link.attributes),
        dropped_attributes: link.dropped_attributes_count,
    }
}

fn write_attributes(attributes: &Attributes) -> Vec<common::KeyValue> {
    attributes
        .iter()
        .map(|(key, value)| common::KeyValue { key: key.clone(), value: Some(write_value(value)), ..Default::default() })
        .collect()
}

fn read_attributes(attributes: &[common::KeyValue]) -> Attributes {
    attributes.iter().map(|kv| (kv.key.clone(), kv.value.as_ref().map_or(AnyValue::Empty, read_value))).collect()
}

fn write_value(value: &AnyValue) -> common::AnyValue {
    use common::any_value::Value;
    let value = match value {
        AnyValue::Empty => None,
        AnyValue::String(s) => Some(Value::StringValue(s.clone())),
        AnyValue::Bool(b) => Some(Value::BoolValue(*b)),
        AnyValue::Int(i) => Some(Value::IntValue(*i)),
        AnyValue::Double(f) => Some(Value::DoubleValue(*f)),
        AnyValue::Bytes(b) => Some(Value::BytesValue(b.clone())),
        AnyValue::Array(items) => Some(Value::ArrayValue(common::ArrayValue { values: items.iter().map(write_value).collect() })),
        AnyValue::Map(map) => Some(Value::KvlistValue(common::KeyValueList { values: write_attributes(map) })),
    };
    common::AnyValue { value }
}

fn read_value(value: &common::AnyValue) -> AnyValue {
    use common::any_value::Value;
    match &value.value {
        Some(Value::StringValue(s)) => AnyValue::String(s.clone()),
        Some(Value::BoolValue(b)) => AnyValue::Bool(*b),
        Some(Value::IntValue(i)) => AnyValue::Int(*i),
        Some(Value::DoubleValue(f)) => AnyValue::Double(*f),
        Some(Value::BytesValue(b)) => AnyValue::Bytes(b.clone()),
        Some(Value::ArrayValue(list)) => AnyValue::Array(list.values.iter().map(read_value).collect()),
        Some(Value::KvlistValue(map)) => AnyValue::Map(read_attributes(&map.values)),
        _ => AnyValue::Empty,
    }
}
