//! Signals, decoded again.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use fluo_engine::otlp::{encode_logs, encode_spans};
use fluo_engine::signal::{Event, Phase, Signal, Trigger};
use fluo_lang::program::Severity;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, LogsData};
use opentelemetry_proto::tonic::trace::v1::{Span, TracesData};
use prost::Message;

use crate::seen::read;

fn texts(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn full() -> Signal {
    Signal {
        event: Event::Violation,
        violation_id: [0xab; 16],
        rule: "auth-retry-storm".to_owned(),
        kind: "never",
        expression: "trace.spans.where(service == 'auth').count() > 50".to_owned(),
        severity: Severity::Error,
        tags: vec!["auth".to_owned(), "storm".to_owned()],
        controls: vec!["PCI-DSS:6.4.2".to_owned()],
        ruleset_hash: [0x01; 32],
        phase: Phase::Early,
        trigger: Trigger::Early,
        trace_id: [0x22; 16],
        span_id: Some(0x0102_0304_0506_0708),
        time: 1_700_000_000_000_000_001,
        observed_time: 1_700_000_009_000_000_002,
        group: texts(&[("enduser.id", "bob")]),
        window: Some((1_700_000_000_000_000_000, 1_700_000_060_000_000_000)),
        observed: texts(&[("trace.spans.where(service == 'auth').count()", "51")]),
        evidence: vec![1, 0xffff_0000_0000_0002],
        evidence_truncated: true,
        missing: vec!["a span `payment.fraud_check`".to_owned()],
        nearest: vec!["2 spans matched kind == server, none had status == ok; nearest error".to_owned()],
        shown: texts(&[("http.route", "/a"), ("order.id", "7"), ("http.route", "/b"), ("http.route", "/a")]),
        trace_complete: Some(false),
        trace_spans: Some(60),
        resource: texts(&[("service.name", "auth"), ("service.version", "2")]),
        carried: texts(&[("runbook", "https://run/1"), ("references", "r1"), ("references", "r2"), ("name", "not this one")]),
        message: "51 auth spans where at most 50 were allowed".to_owned(),
    }
}

/// What is known of the least signal: no trace, no span, no facts.
fn least() -> Signal {
    Signal {
        event: Event::Resolved,
        violation_id: [0xcd; 16],
        rule: "backup".to_owned(),
        kind: "always",
        severity: Severity::Info,
        tags: Vec::new(),
        controls: Vec::new(),
        phase: Phase::Complete,
        trigger: Trigger::Complete,
        trace_id: [0; 16],
        span_id: None,
        group: Vec::new(),
        window: None,
        observed: Vec::new(),
        evidence: Vec::new(),
        evidence_truncated: false,
        missing: Vec::new(),
        nearest: Vec::new(),
        shown: Vec::new(),
        trace_complete: None,
        trace_spans: None,
        resource: Vec::new(),
        carried: Vec::new(),
        ..full()
    }
}

fn added() -> BTreeMap<String, String> {
    BTreeMap::from([("deployment.environment".to_owned(), "prod".to_owned()), ("service.version".to_owned(), "3".to_owned())])
}

/// A value with its type.
fn shown(value: Option<&AnyValue>) -> String {
    match value.and_then(|any| any.value.as_ref()) {
        Some(Value::StringValue(v)) => format!("'{v}'"),
        Some(Value::BoolValue(v)) => v.to_string(),
        Some(Value::IntValue(v)) => v.to_string(),
        Some(Value::ArrayValue(v)) => {
            format!("[{}]", v.values.iter().map(|v| shown(Some(v))).collect::<Vec<_>>().join(", "))
        }
        other => panic!("unexpected {other:?}"),
    }
}

fn lines(attributes: &[KeyValue]) -> String {
    attributes.iter().fold(String::new(), |mut out, kv| {
        writeln!(out, "{} = {}", kv.key, shown(kv.value.as_ref())).unwrap();
        out
    })
}

const FULL_ATTRIBUTES: &str = "\
fluo.violation.id = 'abababababababababababababababab'
fluo.rule.name = 'auth-retry-storm'
fluo.rule.kind = 'never'
fluo.rule.expression = 'trace.spans.where(service == 'auth').count() > 50'
fluo.rule.severity = 'error'
fluo.rule.tags = ['auth', 'storm']
fluo.rule.controls = ['PCI-DSS:6.4.2']
fluo.ruleset.hash = '0101010101010101010101010101010101010101010101010101010101010101'
fluo.verdict.phase = 'early'
fluo.verdict.trigger = 'early'
fluo.trace.complete = false
fluo.trace.spans = 60
fluo.window.start = 1700000000000000000
fluo.window.end = 1700000060000000000
fluo.group.enduser.id = 'bob'
fluo.observed.trace.spans.where(service == 'auth').count() = '51'
fluo.evidence.span_ids = ['0000000000000001', 'ffff000000000002']
fluo.evidence.truncated = true
fluo.evidence.missing = ['a span `payment.fraud_check`']
fluo.evidence.nearest = ['2 spans matched kind == server, none had status == ok; nearest error']
fluo.show.http.route = ['/a', '/b']
fluo.show.order.id = '7'
fluo.rule.runbook = 'https://run/1'
fluo.rule.references = ['r1', 'r2']
";

const LEAST_ATTRIBUTES: &str = "\
fluo.violation.id = 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd'
fluo.rule.name = 'backup'
fluo.rule.kind = 'always'
fluo.rule.expression = 'trace.spans.where(service == 'auth').count() > 50'
fluo.rule.severity = 'info'
fluo.ruleset.hash = '0101010101010101010101010101010101010101010101010101010101010101'
fluo.verdict.phase = 'complete'
fluo.verdict.trigger = 'complete'
";

fn records(signals: &[Signal]) -> Vec<LogRecord> {
    let data = LogsData::decode(encode_logs(signals, &added()).as_slice()).unwrap();
    data.resource_logs.into_iter().flat_map(|r| r.scope_logs).flat_map(|s| s.log_records).collect()
}

fn spans(signals: &[Signal]) -> Vec<Span> {
    let data = TracesData::decode(encode_spans(signals, &added()).as_slice()).unwrap();
    data.resource_spans.into_iter().flat_map(|r| r.scope_spans).flat_map(|s| s.spans).collect()
}

#[test]
fn a_record_says_everything() {
    let record = records(&[full()]).remove(0);
    assert_eq!(lines(&record.attributes), FULL_ATTRIBUTES);
    assert_eq!(shown(record.body.as_ref()), "'51 auth spans where at most 50 were allowed'");
    let rest = LogRecord { attributes: Vec::new(), body: None, ..record };
    let expected = LogRecord {
        time_unix_nano: 1_700_000_000_000_000_001,
        observed_time_unix_nano: 1_700_000_009_000_000_002,
        severity_number: 17,
        severity_text: "error".to_owned(),
        trace_id: vec![0x22; 16],
        span_id: vec![1, 2, 3, 4, 5, 6, 7, 8],
        event_name: "fluo.violation".to_owned(),
        ..LogRecord::default()
    };
    assert_eq!(rest, expected);
}

#[test]
fn what_is_not_known_is_left_out() {
    let record = records(&[least()]).remove(0);
    assert_eq!(lines(&record.attributes), LEAST_ATTRIBUTES);
    assert_eq!((record.trace_id, record.span_id), (Vec::new(), Vec::new()));
    assert_eq!(record.event_name, "fluo.violation.resolved");
}

#[test]
fn severities_have_their_numbers() {
    let numbers = [(Severity::Info, 9), (Severity::Warning, 13), (Severity::Error, 17), (Severity::Critical, 21)];
    for (severity, number) in numbers {
        let record = records(&[Signal { severity, ..full() }]).remove(0);
        assert_eq!(record.severity_number, number, "{severity:?}");
    }
}

#[test]
fn signals_of_one_resource_share_it() {
    let other = Signal { resource: texts(&[("service.name", "shop")]), rule: "other".to_owned(), ..full() };
    let late = Signal { phase: Phase::Late, ..full() };
    let data = LogsData::decode(encode_logs(&[full(), other, late], &added()).as_slice()).unwrap();
    let found: Vec<(String, Vec<usize>)> = data
        .resource_logs
        .iter()
        .map(|r| {
            assert!(r.scope_logs.iter().all(|s| s.scope.as_ref().unwrap().name == "github.com/fluo-otel/fluo"));
            (lines(&r.resource.as_ref().unwrap().attributes), r.scope_logs.iter().map(|s| s.log_records.len()).collect())
        })
        .collect();
    let expected = [
        ("service.name = 'auth'\ndeployment.environment = 'prod'\nservice.version = '3'\n", vec![2]),
        ("service.name = 'shop'\ndeployment.environment = 'prod'\nservice.version = '3'\n", vec![1]),
    ];
    assert_eq!(found, expected.map(|(lines, counts)| (lines.to_owned(), counts)));
}

#[test]
fn a_span_hangs_below_the_deciding_span() {
    let mut span = spans(&[full()]).remove(0);
    let event = span.events.remove(0);
    assert_eq!((event.name.as_str(), event.time_unix_nano), ("fluo.violation", 1_700_000_000_000_000_001));
    let expected = format!("{FULL_ATTRIBUTES}fluo.message = '51 auth spans where at most 50 were allowed'\n");
    assert_eq!(lines(&event.attributes), expected);
    let own = std::mem::take(&mut span.span_id);
    assert!(own.len() == 8 && own != [0; 8]);
    let expected = Span {
        trace_id: vec![0x22; 16],
        parent_span_id: vec![1, 2, 3, 4, 5, 6, 7, 8],
        name: "fluo.violation".to_owned(),
        kind: 1,
        start_time_unix_nano: 1_700_000_000_000_000_001,
        end_time_unix_nano: 1_700_000_000_000_000_001,
        ..Span::default()
    };
    assert_eq!(span, expected);
}

#[test]
fn equal_signals_have_equal_span_ids() {
    let later = Signal { observed_time: 1, message: String::new(), evidence: Vec::new(), ..full() };
    let retracted = Signal { event: Event::Retracted, ..full() };
    let revised = Signal { phase: Phase::Late, ..full() };
    let ids: Vec<Vec<u8>> = spans(&[full(), later, retracted, revised]).into_iter().map(|s| s.span_id).collect();
    assert_eq!(ids[0], ids[1]);
    assert!(ids[0] != ids[2] && ids[0] != ids[3] && ids[2] != ids[3]);
}

#[test]
fn a_signal_without_a_trace_is_a_trace_of_its_own() {
    let span = spans(&[least()]).remove(0);
    assert_eq!((span.trace_id, span.parent_span_id), (vec![0xcd; 16], Vec::new()));
}

#[test]
fn two_components_in_a_row_do_not_feed_on_each_other() {
    let (seen, report) = read(&encode_spans(&[full(), least()], &added()));
    assert!(seen.is_empty());
    assert_eq!((report.spans_own, report.frames_rejected), (2, 0));
}

#[test]
fn nothing_is_an_empty_message() {
    assert!(encode_logs(&[], &added()).is_empty() && encode_spans(&[], &added()).is_empty());
}

/// The hot path must not fall back to the generated types.
#[test]
fn only_the_encoder_knows_the_generated_types() {
    fn visit(dir: &Path, encoder: &Path, users: &mut Vec<String>, seen: &mut usize) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, encoder, users, seen);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let named = text.contains("prost") || text.contains("opentelemetry_proto");
            *seen += usize::from(named);
            if named && !path.starts_with(encoder) && path != encoder.with_extension("rs") {
                users.push(path.display().to_string());
            }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut users, mut seen) = (Vec::new(), 0);
    visit(&src, &src.join("otlp/encode"), &mut users, &mut seen);
    assert!(users.is_empty(), "{users:?}");
    assert!(seen > 0, "the encoder was found");
}
