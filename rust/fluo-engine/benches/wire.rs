//! What reading a span costs, beside prost on the same bytes.
//!
//! `cargo bench -p fluo-engine --bench wire`; the throughput is in spans.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fluo_engine::otlp::{AnyValueRef, KeyTable, Scratch, read_traces};
use fluo_engine::projection::{KeySet, Projection};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

#[path = "../tests/otlp/mutate.rs"]
#[allow(dead_code, reason = "only the collector's order of fields is used here")]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "runs on well-formed messages only")]
mod encoding;

const SPANS: usize = 2048;
/// The attributes of a span of an HTTP server; the rules read the first four.
const ATTRIBUTES: [&str; 12] = [
    "http.request.method",
    "http.route",
    "http.response.status_code",
    "enduser.id",
    "url.path",
    "url.scheme",
    "server.address",
    "server.port",
    "client.address",
    "network.peer.address",
    "user_agent.original",
    "network.protocol.version",
];
const READ: usize = 4;

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn span(number: usize, attributes: usize) -> Span {
    let number = number as u64;
    Span {
        trace_id: [number / 20 + 1, 7].iter().flat_map(|n| n.to_be_bytes()).collect(),
        span_id: (number + 1).to_be_bytes().to_vec(),
        parent_span_id: number.to_be_bytes().to_vec(),
        flags: 0x101,
        name: "GET /api/orders/{id}".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_700_000_000_000_000_000 + number,
        end_time_unix_nano: 1_700_000_000_005_000_000 + number,
        attributes: ATTRIBUTES
            .iter()
            .take(attributes)
            .map(|key| match *key {
                "http.response.status_code" | "server.port" => attribute(key, Value::IntValue(200)),
                _ => attribute(key, Value::StringValue(format!("a value of {number}"))),
            })
            .collect(),
        status: Some(Status { code: 1, ..Status::default() }),
        ..Span::default()
    }
}

/// Batches of 64 spans, as services send them.
fn message(attributes: usize) -> Vec<u8> {
    let spans: Vec<Span> = (0..SPANS).map(|number| span(number, attributes)).collect();
    let resource_spans = spans
        .chunks(64)
        .map(|spans| ResourceSpans {
            resource: Some(Resource {
                attributes: ["service.name", "service.instance.id", "host.name", "k8s.pod.uid"]
                    .map(|key| attribute(key, Value::StringValue("checkout".to_owned())))
                    .to_vec(),
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope { name: "instrumentation".to_owned(), ..InstrumentationScope::default() }),
                spans: spans.to_vec(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        })
        .collect();
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

/// As the Go collector writes the same message.
fn collector_order(bytes: &[u8]) -> Vec<u8> {
    use encoding::{Kind, descending, parse, write};
    let mut tree = parse(bytes, Kind::Request);
    descending(&mut tree);
    write(&tree, None)
}

fn read(bytes: &[u8], keys: &KeyTable, slots: &[usize], scratch: &mut Scratch) -> u64 {
    let mut sum = 0;
    read_traces(bytes, keys, scratch, |span| {
        sum ^= span.span_id ^ span.start_nanos ^ span.name.len() as u64;
        for slot in slots {
            sum += match span.attribute(*slot) {
                Some(AnyValueRef::Str(text)) => text.len() as u64,
                Some(AnyValueRef::Int(number)) => number.cast_unsigned(),
                _ => 0,
            };
        }
    });
    sum
}

fn wire(criterion: &mut Criterion) {
    let keys = ATTRIBUTES.into_iter().take(READ).map(str::to_owned).collect();
    let projection = Projection { span: KeySet { all: false, keys }, dropped: true, ..Projection::default() };
    let table = KeyTable::new(&projection);
    let slots: Vec<usize> = ATTRIBUTES.iter().filter_map(|key| table.span_slot(key)).collect();
    let mut scratch = Scratch::default();
    let whole = message(ATTRIBUTES.len());
    let messages = [("whole", whole.clone()), ("whole, collector's order", collector_order(&whole)), ("projected", message(READ))];
    let mut group = criterion.benchmark_group("wire");
    group.throughput(Throughput::Elements(SPANS as u64));
    for (name, bytes) in &messages {
        println!("{name}: {} bytes a span", bytes.len() / SPANS);
        group.bench_function(format!("read {name}"), |b| b.iter(|| read(black_box(bytes), &table, &slots, &mut scratch)));
        group.bench_function(format!("prost {name}"), |b| {
            b.iter(|| ExportTraceServiceRequest::decode(black_box(bytes.as_slice())));
        });
    }
    group.finish();
}

criterion_group!(benches, wire);
criterion_main!(benches);
