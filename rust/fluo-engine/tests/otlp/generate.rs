//! Random requests with every field set now and then.

use fluo_engine::projection::OWN_SCOPE;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::seen::KEYS;

fn any_value() -> impl Strategy<Value = AnyValue> {
    let scalar = prop_oneof![
        text().prop_map(Value::StringValue),
        any::<bool>().prop_map(Value::BoolValue),
        any::<i64>().prop_map(Value::IntValue),
        (-300i64..300).prop_map(Value::IntValue),
        any::<f64>().prop_map(Value::DoubleValue),
        vec(any::<u8>(), 0..5).prop_map(Value::BytesValue),
    ];
    let scalar = option::weighted(0.9, scalar).prop_map(|value| AnyValue { value });
    scalar.prop_recursive(3, 12, 3, |inner| {
        let list = vec(inner.clone(), 0..4).prop_map(|values| Value::ArrayValue(ArrayValue { values }));
        let map = vec(pair(inner), 0..3).prop_map(|values| Value::KvlistValue(KeyValueList { values }));
        prop_oneof![list, map].prop_map(|value| AnyValue { value: Some(value) })
    })
}

fn pair(value: impl Strategy<Value = AnyValue>) -> impl Strategy<Value = KeyValue> {
    let key = select(KEYS.to_vec()).prop_map(str::to_owned);
    (key, option::weighted(0.9, value)).prop_map(|(key, value)| KeyValue { key, value, ..Default::default() })
}

fn pairs(most: usize) -> impl Strategy<Value = Vec<KeyValue>> {
    vec(pair(any_value()), 0..most)
}

/// Short texts, and now and then one whose length takes two bytes.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![9 => "[a-zäß€😀]{0,9}", 1 => "x{120,300}"]
}

/// Ids of the right length mostly.
fn id(len: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        20 => vec(any::<u8>(), len),
        1 => Just(Vec::new()),
        1 => Just(vec![0; len]),
        1 => vec(any::<u8>(), 0..20),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    (any::<u64>(), text(), pairs(3), any::<u32>()).prop_map(|(time_unix_nano, name, attributes, dropped_attributes_count)| Event {
        time_unix_nano,
        name,
        attributes,
        dropped_attributes_count,
    })
}

fn link() -> impl Strategy<Value = Link> {
    (vec(any::<u8>(), 16), vec(any::<u8>(), 8), text(), pairs(3), any::<u32>(), any::<u32>()).prop_map(
        |(trace_id, span_id, trace_state, attributes, dropped_attributes_count, flags)| Link {
            trace_id,
            span_id,
            trace_state,
            attributes,
            dropped_attributes_count,
            flags,
        },
    )
}

fn span() -> impl Strategy<Value = Span> {
    let ids = (id(16), id(8), option::of(id(8)).prop_map(Option::unwrap_or_default));
    let what = (text(), text(), -1..8i32, any::<u64>(), any::<u64>(), any::<u32>());
    let more = (pairs(5), vec(event(), 0..3), vec(link(), 0..3), any::<(u32, u32, u32)>());
    let status = option::of((text(), -1..5i32).prop_map(|(message, code)| Status { message, code }));
    (ids, what, more, status).prop_map(|(ids, what, more, status)| Span {
        trace_id: ids.0,
        span_id: ids.1,
        parent_span_id: ids.2,
        trace_state: what.0,
        name: what.1,
        kind: what.2,
        start_time_unix_nano: what.3,
        end_time_unix_nano: what.4,
        flags: what.5,
        attributes: more.0,
        events: more.1,
        links: more.2,
        dropped_attributes_count: more.3.0,
        dropped_events_count: more.3.1,
        dropped_links_count: more.3.2,
        status,
    })
}

fn scope_spans() -> impl Strategy<Value = ScopeSpans> {
    let name = prop_oneof![9 => text(), 1 => Just(OWN_SCOPE.to_owned())];
    let scope = (name, text(), pairs(3), any::<u32>()).prop_map(|(name, version, attributes, dropped_attributes_count)| {
        InstrumentationScope { name, version, attributes, dropped_attributes_count }
    });
    (option::of(scope), vec(span(), 0..4), text()).prop_map(|(scope, spans, schema_url)| ScopeSpans { scope, spans, schema_url })
}

fn resource_spans() -> impl Strategy<Value = ResourceSpans> {
    let resource = (pairs(4), any::<u32>()).prop_map(|(attributes, dropped_attributes_count)| Resource {
        attributes,
        dropped_attributes_count,
        ..Default::default()
    });
    (option::of(resource), vec(scope_spans(), 0..3), text()).prop_map(|(resource, scope_spans, schema_url)| ResourceSpans {
        resource,
        scope_spans,
        schema_url,
    })
}

/// A request.
pub(crate) fn request() -> impl Strategy<Value = ExportTraceServiceRequest> {
    vec(resource_spans(), 0..3).prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}
