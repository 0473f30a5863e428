//! Signals as spans, for backends that take traces only.

use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, TracesData};
use prost::Message;
use sha2::{Digest, Sha256};

use super::attributes::{self, pair, text};
use super::{Added, by_resource, scope, span_id};
use crate::signal::Signal;

/// Signals as a serialized `TracesData`, which is an `ExportTraceServiceRequest` too: each is a span below the deciding span, at the
/// time of the deciding fact, with one event that says all. `resource` is what the configuration adds to every resource; it takes
/// precedence.
#[must_use]
pub fn encode_spans(signals: &[Signal], resource: &Added) -> Vec<u8> {
    let resource_spans = by_resource(signals, resource)
        .into_iter()
        .map(|(resource, signals)| ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![ScopeSpans { scope: Some(scope()), spans: signals.into_iter().map(span).collect(), ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        })
        .collect();
    TracesData { resource_spans }.encode_to_vec()
}

fn span(signal: &Signal) -> Span {
    let mut attributes = attributes::of(signal);
    // A span event has no body for the sentence.
    attributes.push(pair("fluo.message".to_owned(), text(&signal.message)));
    // A group that stays silent is decided by no span of any trace, but a span needs a trace.
    let trace_id = if signal.trace_id == [0; 16] { signal.violation_id } else { signal.trace_id };
    Span {
        trace_id: trace_id.to_vec(),
        span_id: own_id(signal).to_vec(),
        parent_span_id: span_id(signal.span_id),
        name: signal.event.name().to_owned(),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: signal.time,
        end_time_unix_nano: signal.time,
        events: vec![Event { time_unix_nano: signal.time, name: signal.event.name().to_owned(), attributes, ..Event::default() }],
        ..Span::default()
    }
}

/// The id of the span that carries a signal: equal signals have equal ids, never zero.
fn own_id(signal: &Signal) -> [u8; 8] {
    let digest = Sha256::new()
        .chain_update(signal.violation_id)
        .chain_update(signal.event.name())
        .chain_update([0])
        .chain_update(signal.phase.name())
        .finalize();
    digest.first_chunk().copied().filter(|id| *id != [0; 8]).unwrap_or([1; 8])
}
