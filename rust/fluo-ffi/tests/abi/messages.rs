//! Traces as messages.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, TracesData};
use prost::Message as _;

pub(crate) const SECOND: u64 = 1_000_000_000;

/// When the tests begin.
pub(crate) const START: u64 = 1_700_000_000 * SECOND;

/// A moment at which a trace of [`START`] has settled and one that began later has not aged.
pub(crate) const SETTLED: u64 = START + 11 * SECOND;

/// The spans of one trace, named; the first is the root and the parent of the others.
pub(crate) fn spans(trace: u64, names: &[&str]) -> Vec<Span> {
    let id = |number: usize| (trace << 8 | (number as u64 + 1)).to_be_bytes().to_vec();
    let span = |(number, name): (usize, &&str)| Span {
        trace_id: [0xf1; 8].into_iter().chain(trace.to_be_bytes()).collect(),
        span_id: id(number),
        parent_span_id: if number == 0 { Vec::new() } else { id(0) },
        name: (*name).to_owned(),
        kind: 1,
        start_time_unix_nano: START - SECOND + number as u64 * 1000,
        end_time_unix_nano: START - SECOND / 2 - number as u64 * 1000,
        ..Span::default()
    };
    names.iter().enumerate().map(span).collect()
}

/// A message of one service.
pub(crate) fn message(spans: Vec<Span>) -> Vec<u8> {
    let service = KeyValue {
        key: "service.name".to_owned(),
        value: Some(AnyValue { value: Some(any_value::Value::StringValue("payment".to_owned())) }),
        ..KeyValue::default()
    };
    let resource = Resource { attributes: vec![service], ..Resource::default() };
    let resource_spans = ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    };
    TracesData { resource_spans: vec![resource_spans] }.encode_to_vec()
}

/// A trace that charges a card, with or without the check.
pub(crate) fn charge(trace: u64, checked: bool) -> Vec<u8> {
    let names: &[&str] =
        if checked { &["checkout", "payment.fraud_check", "payment.charge_card"] } else { &["checkout", "payment.charge_card"] };
    message(spans(trace, names))
}
