//! Traces, rule sets and engines that the benchmarks share.

use std::hint::black_box;
use std::sync::Arc;

use fluo_engine::{Config, Engine};
use fluo_lang::limits::Limits;
use fluo_lang::load::load;
use fluo_lang::program::RuleSet;
use fluo_lang::source::{Source, SourceKind};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

/// Time of the first message.
pub(crate) const BASE: u64 = 1_767_225_600_000_000_000;
/// Nanoseconds in a second.
pub(crate) const SECOND: u64 = 1_000_000_000;
/// Services that send spans.
pub(crate) const SERVICES: [&str; 5] = ["frontend", "checkout", "payment", "fraud", "auth"];
const SPANS_PER_TRACE: u64 = 20;
const TRACES_PER_MESSAGE: u64 = 50;
const MESSAGES: u64 = 40;
/// Spans of all messages.
pub(crate) const SPANS: u64 = MESSAGES * TRACES_PER_MESSAGE * SPANS_PER_TRACE;
/// Attributes of a span; the rules read some of them where `kept` says so.
const ATTRIBUTES: [&str; 12] = [
    "http.response.status_code",
    "error.type",
    "server.address",
    "http.request.method",
    "http.route",
    "url.path",
    "url.scheme",
    "server.port",
    "client.address",
    "network.peer.address",
    "user_agent.original",
    "network.protocol.version",
];

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn span(trace: u64, number: u64, second: u64, attributes: usize) -> Span {
    let name = match number {
        0 => "POST /checkout".to_owned(),
        3 => "payment.charge_card".to_owned(),
        4 => "payment.fraud_check".to_owned(),
        other => format!("GET /api/{}", other % 7),
    };
    Span {
        trace_id: [trace + 1, 7].iter().flat_map(|n| n.to_be_bytes()).collect(),
        span_id: (trace * 100 + number + 1).to_be_bytes().to_vec(),
        parent_span_id: if number == 0 { Vec::new() } else { (trace * 100 + number / 2 + 1).to_be_bytes().to_vec() },
        name,
        kind: if number.is_multiple_of(2) { 2 } else { 3 },
        start_time_unix_nano: BASE + second * SECOND + number,
        end_time_unix_nano: BASE + second * SECOND + number + 5_000_000,
        attributes: ATTRIBUTES
            .iter()
            .take(attributes)
            .map(|key| match *key {
                "http.response.status_code" | "server.port" => attribute(key, Value::IntValue(200)),
                _ => attribute(key, Value::StringValue(format!("a value of {number}"))),
            })
            .collect(),
        status: trace.is_multiple_of(50).then(|| Status { code: if number == 7 { 2 } else { 0 }, ..Status::default() }),
        ..Span::default()
    }
}

/// Messages of one second each, with so many attributes a span: the second half of the traces of the second before, the first half of new ones; by service.
#[must_use]
pub(crate) fn messages(attributes: usize) -> Vec<Vec<u8>> {
    messages_of(attributes, 0)
}

/// The same about other traces.
#[must_use]
pub(crate) fn messages_of(attributes: usize, other: u64) -> Vec<Vec<u8>> {
    (0..MESSAGES)
        .map(|second| {
            let halves = [(second.checked_sub(1), SPANS_PER_TRACE / 2..SPANS_PER_TRACE), (Some(second), 0..SPANS_PER_TRACE / 2)];
            let spans: Vec<(usize, Span)> = halves
                .into_iter()
                .filter_map(|(of, numbers)| Some((of?, numbers)))
                .flat_map(|(of, numbers)| {
                    (0..TRACES_PER_MESSAGE).flat_map(move |t| numbers.clone().map(move |n| (other + of * TRACES_PER_MESSAGE + t, n)))
                })
                .map(|(trace, number)| ((number % 5) as usize, span(trace, number, second, attributes)))
                .collect();
            let resource_spans = SERVICES
                .iter()
                .enumerate()
                .map(|(at, service)| ResourceSpans {
                    resource: Some(Resource {
                        attributes: ["service.name", "service.instance.id", "host.name", "k8s.pod.uid"]
                            .map(|key| attribute(key, Value::StringValue((*service).to_owned())))
                            .to_vec(),
                        ..Resource::default()
                    }),
                    scope_spans: vec![ScopeSpans {
                        spans: spans.iter().filter(|(of, _)| *of == at).map(|(_, span)| span.clone()).collect(),
                        ..ScopeSpans::default()
                    }],
                    ..ResourceSpans::default()
                })
                .collect();
            ExportTraceServiceRequest { resource_spans }.encode_to_vec()
        })
        .collect()
}

/// A rule set from the text of a rule file.
#[must_use]
pub(crate) fn rules(text: &str) -> Arc<RuleSet> {
    let source = Source { name: "rules.yml".to_owned(), text: text.to_owned(), kind: SourceKind::File };
    let rules = load(&[source], &Limits::default()).rules.unwrap_or_else(|| RuleSet { rules: Vec::new(), hash: [0; 32] });
    assert!(!rules.rules.is_empty(), "the rules of a benchmark are good");
    Arc::new(rules)
}

/// So many rules, each about a service and a name of its own, of which the traffic has none.
#[must_use]
pub(crate) fn disjoint(count: usize) -> Arc<RuleSet> {
    let text: String = (0..count)
        .map(|n| format!("- {{name: r{n}, never: \"trace.spans.where(service == 'svc{n}' and name == 'op{n}').count() > 3\"}}\n"))
        .collect();
    rules(&text)
}

/// So many rules about the operations of twenty services, five of which are the traffic's.
#[must_use]
pub(crate) fn typical(count: usize) -> Arc<RuleSet> {
    let text: String = (0..count)
        .map(|n| {
            let service = SERVICES.get(n % 20).map_or_else(|| format!("svc{}", n % 20), |s| (*s).to_owned());
            let name = if n / 20 < 7 { format!("GET /api/{}", n / 20) } else { format!("op{}", n / 20) };
            format!(
                "- {{name: r{n}, never: \"trace.has(service == '{service}' and name == '{name}' and status == error) and not \
                 trace.has(service == '{service}' and name == '{name} again')\"}}\n"
            )
        })
        .collect();
    rules(&text)
}

/// An engine whose traces leave their grace while a benchmark runs.
#[must_use]
pub(crate) fn engine(rules: &Arc<RuleSet>) -> Option<Engine> {
    let config = Config { late_grace_ns: 5 * SECOND, ..Config::default() };
    Engine::new(Arc::clone(rules), config, BASE).ok()
}

/// Takes all messages, a second between two of them, and lets the engine decide on the way.
pub(crate) fn replay(engine: Option<&Engine>, messages: &[Vec<u8>]) {
    let mut seconds = 0..;
    replay_at(engine, messages, || seconds.next().unwrap_or_default());
}

/// The same at the seconds of a clock that is asked before each message.
pub(crate) fn replay_at(engine: Option<&Engine>, messages: &[Vec<u8>], mut clock: impl FnMut() -> u64) {
    let Some(engine) = engine else { return };
    for message in messages {
        let now = BASE + (clock() + 1) * SECOND;
        black_box(engine.ingest(0, now, message).is_ok());
        engine.tick(now);
    }
}
