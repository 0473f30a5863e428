//! `fluo replay` as a user runs it: every layout of a recording gives the same signals.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail"
)]

mod run;

use std::collections::BTreeMap;
use std::io::Write as _;

use run::{fluo, in_folder};
use serde_json::{Value, json};
use tempfile::TempDir;

const RULES: &str = "\
- name: payment-needs-fraud-check
  always: trace.has(payment.charge_card) and trace.has(payment.fraud_check)
  severity: critical
- name: auth-retry-storm
  never: trace.spans.where(service == 'auth').by(service).count() > 3
";

const T: u64 = 1_795_209_542_000_000_000;
const S: u64 = 1_000_000_000;

/// One request: spans of one service and one trace.
fn request(service: &str, trace: u8, spans: &[(u8, u8, &str, u64)]) -> Value {
    let spans: Vec<Value> = spans
        .iter()
        .map(|(id, parent, name, end)| {
            json!({
                "traceId": format!("{trace:032x}"),
                "spanId": format!("{id:016x}"),
                "parentSpanId": if *parent == 0 { String::new() } else { format!("{parent:016x}") },
                "name": name,
                "kind": if *parent == 0 { 2 } else { 1 },
                "startTimeUnixNano": (T + end * S - S / 2).to_string(),
                "endTimeUnixNano": (T + end * S).to_string(),
                "status": {},
            })
        })
        .collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeSpans": [{"scope": {}, "spans": spans}],
    }]})
}

/// A checked payment, an unchecked one, a storm of authentications.
fn requests() -> Vec<Value> {
    vec![
        request("shop", 1, &[(1, 0, "POST /pay", 4), (2, 1, "payment.fraud_check", 2), (3, 1, "payment.charge_card", 3)]),
        request("shop", 2, &[(1, 0, "POST /pay", 5), (3, 1, "payment.charge_card", 4)]),
        request("auth", 3, &[(2, 1, "login", 6), (3, 1, "login", 6), (4, 1, "login", 6), (5, 1, "login", 6)]),
        request("shop", 3, &[(1, 0, "POST /login", 7)]),
    ]
}

fn lines() -> String {
    requests().iter().map(|request| format!("{request}\n")).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn lengths(folder: &TempDir) -> Vec<u8> {
    let mut out = Vec::new();
    for message in fluo_testkit::otlp_file::open(&folder.path().join("traces.jsonl")).unwrap() {
        let bytes = message.unwrap().bytes;
        out.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
        out.extend(bytes);
    }
    out
}

fn folder() -> TempDir {
    in_folder(&[("rules.yml", RULES), ("traces.jsonl", &lines())])
}

#[test]
fn every_signal_is_one_json_object_with_the_agreed_keys() {
    let done = fluo(&folder(), &["replay", "--rules", "rules.yml", "--format", "jsonl", "traces.jsonl"]);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    let signals: BTreeMap<String, Value> = done
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|signal| (signal["rule"].as_str().unwrap().to_owned(), signal))
        .collect();
    assert_eq!((done.out.lines().count(), signals.len()), (2, 2), "{}", done.out);
    for signal in signals.values() {
        let mut keys: Vec<&str> = signal.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        let mut expected =
            "event violation_id rule kind expression severity tags controls ruleset_hash phase trigger trace_id trace_complete \
             trace_spans span_id time_unix_nano observed_time_unix_nano group window_start window_end observed evidence_span_ids \
             evidence_truncated missing nearest show resource message"
                .split_whitespace()
                .collect::<Vec<_>>();
        expected.sort_unstable();
        assert_eq!(keys, expected);
        assert_eq!(signal["event"], "fluo.violation");
        assert_eq!(signal["violation_id"].as_str().unwrap().len(), 32);
    }
    let unchecked = &signals["payment-needs-fraud-check"];
    assert_eq!((&unchecked["kind"], &unchecked["severity"]), (&"always".into(), &"critical".into()));
    assert_eq!((&unchecked["phase"], &unchecked["trigger"]), (&"complete".into(), &"complete".into()));
    assert_eq!(unchecked["trace_id"], format!("{:032x}", 2));
    assert_eq!(unchecked["group"], json!({}));
    assert_eq!(unchecked["window_start"], Value::Null);
    let storm = &signals["auth-retry-storm"];
    assert_eq!((&storm["kind"], &storm["severity"], &storm["phase"]), (&"never".into(), &"warning".into(), &"early".into()));
    assert_eq!(storm["trace_id"], format!("{:032x}", 3));
    assert_eq!(storm["group"].as_object().unwrap().values().collect::<Vec<_>>(), ["auth"]);
    assert_eq!(storm["evidence_span_ids"].as_array().unwrap().len(), 4);
}

#[test]
fn every_layout_gives_the_same() {
    let folder = folder();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("gzipped", &gzip(lines().as_bytes()));
    write("lengths", &lengths(&folder));
    write("gzipped-lengths", &gzip(&lengths(&folder)));
    write("zstd", &zstd(lines().as_bytes()));
    let frames = |messages: &mut dyn Iterator<Item = Vec<u8>>| -> Vec<u8> {
        messages.map(|bytes| zstd(&bytes)).flat_map(|frame| [(frame.len() as u32).to_be_bytes().to_vec(), frame]).flatten().collect()
    };
    write("frames", &frames(&mut requests().iter().map(|request| request.to_string().into_bytes())));
    let traces = folder.path().join("traces.jsonl");
    write("protobuf-frames", &frames(&mut fluo_testkit::otlp_file::open(&traces).unwrap().map(|message| message.unwrap().bytes)));
    let pretty: Vec<String> = requests().iter().map(|request| serde_json::to_string_pretty(request).unwrap()).collect();
    write("pretty", pretty.join("\n").as_bytes());
    let replay = |name: &str| fluo(&folder, &["replay", "--rules", "rules.yml", "--format", "jsonl", name]).out;
    let expected = replay("traces.jsonl");
    for name in ["gzipped", "lengths", "gzipped-lengths", "zstd", "frames", "protobuf-frames", "pretty"] {
        assert_eq!(replay(name), expected, "{name}");
    }
    let parts: Vec<String> = requests().iter().map(Value::to_string).collect();
    write("1", parts[..2].join("\n").as_bytes());
    write("2", parts[2..].join("\n").as_bytes());
    assert_eq!(fluo(&folder, &["replay", "--rules", "rules.yml", "--format", "jsonl", "1", "2"]).out, expected);
}

#[test]
fn rules_come_from_several_files() {
    let folder = folder();
    let (first, second) = RULES.split_once("- name: auth").unwrap();
    std::fs::write(folder.path().join("first.yml"), first).unwrap();
    std::fs::write(folder.path().join("second.yml"), format!("- name: auth{second}")).unwrap();
    let expected = fluo(&folder, &["replay", "--rules", "rules.yml", "--format", "jsonl", "traces.jsonl"]).out;
    for rules in [&["--rules", "first.yml", "--rules", "second.yml"][..], &["--rules", "[fs]*[td].yml"]] {
        let arguments: Vec<&str> = ["replay"].iter().chain(rules).chain(&["--format", "jsonl", "traces.jsonl"]).copied().collect();
        assert_eq!(fluo(&folder, &arguments).out, expected);
    }
}

#[test]
fn text_tells_and_counts() {
    let done = fluo(&folder(), &["replay", "traces.jsonl", "--rules", "rules.yml"]);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    for part in [
        "critical[payment-needs-fraud-check]: ",
        "warning[auth-retry-storm]: ",
        "rule                       severity  violated  satisfied  not applicable  inconclusive\n",
        "payment-needs-fraud-check  critical         1          1               1  0\n",
        "4 messages, 10 spans, 3 traces, 2 signals\n",
    ] {
        assert!(done.out.contains(part), "{part} is not in\n{}", done.out);
    }
}

#[test]
fn what_cannot_be_read_is_named_and_counted() {
    let folder = folder();
    let mut parts: Vec<String> = requests().iter().map(Value::to_string).collect();
    parts.insert(1, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"xyz\"}]}]}]}".to_owned());
    parts.insert(3, "nonsense".to_owned());
    std::fs::write(folder.path().join("bad"), parts.join("\n")).unwrap();
    let arguments = |name| ["replay", "--rules", "rules.yml", "--format", "jsonl", name];
    let done = fluo(&folder, &arguments("bad"));
    assert_eq!(done.code, 0);
    assert_eq!(done.out, fluo(&folder, &arguments("traces.jsonl")).out);
    assert!(done.err.contains("bad:2: `resourceSpans[0].scopeSpans[0].spans[0].traceId`: `xyz` is not hex; skipped\n"), "{}", done.err);
    assert!(done.err.contains("bad:4: not JSON"), "{}", done.err);
    assert!(done.err.ends_with("warning: 2 messages could not be read\n"), "{}", done.err);
    let done = fluo(&folder, &["replay", "--rules", "rules.yml", "bad"]);
    assert!(done.out.contains("2 unreadable messages"), "{}", done.out);
    std::fs::write(folder.path().join("nothing"), [0x9d; 2000]).unwrap();
    let done = fluo(&folder, &["replay", "--rules", "rules.yml", "traces.jsonl", "nothing"]);
    assert_eq!(done.code, 2);
    assert!(done.err.ends_with("error: nothing: no message of this file could be read\n"), "{}", done.err);
}

#[test]
fn wrong_rules_and_wrong_usage_have_their_codes() {
    let folder = folder();
    std::fs::write(folder.path().join("bad.yml"), "- name: a\n  nver: x\n").unwrap();
    let done = fluo(&folder, &["replay", "traces.jsonl", "--rules", "bad.yml"]);
    assert_eq!((done.code, done.out.as_str()), (1, ""));
    assert!(done.err.contains("did you mean `never`?"), "{}", done.err);
    for (arguments, said) in [
        (&["replay", "traces.jsonl"][..], "--rules"),
        (&["replay", "absent", "--rules", "rules.yml"], "absent"),
        (&["replay", "traces.jsonl", "--rules", "rules.yml", "--settle", "10"], "not a duration"),
        (&["replay", "traces.jsonl", "--rules", "rules.yml", "--settle", "0s"], "settle_ns"),
    ] {
        let done = fluo(&folder, arguments);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{arguments:?}");
        assert!(done.err.contains(said), "{said} is not in\n{}", done.err);
    }
}

#[test]
fn options_reach_the_engine() {
    let done = fluo(&folder(), &["replay", "traces.jsonl", "--rules", "rules.yml", "--format", "jsonl", "--max-spans-per-trace", "2"]);
    assert_eq!(done.code, 0);
    assert!(!done.out.contains("auth-retry-storm"), "{}", done.out);
}

#[test]
fn the_nearest_miss_is_told_of_the_quickstarts_recording() {
    let rules =
        "- name: fraud\n  always: trace.has(payment.charge_card) and trace.has(service == 'payment' and name == 'payment.fraud_check')\n";
    let folder = in_folder(&[("rules.yml", rules)]);
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/quickstart/traces/shop.jsonl.gz");
    let done = fluo(&folder, &["replay", "--rules", "rules.yml", "--format", "jsonl", recording]);
    let signals: Vec<Value> = done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(signals.len(), 44, "{}", done.err);
    let told = |spans: u8| {
        format!("{spans} spans matched service == 'payment', none had name == 'payment.fraud_check'; nearest payment.charge_card")
    };
    for signal in &signals {
        let nearest = signal["nearest"][0].as_str().unwrap();
        assert!([told(2), told(3)].iter().any(|told| told == nearest), "{nearest}");
        assert!(signal["message"].as_str().unwrap().contains(nearest), "{signal}");
    }
    let text = fluo(&folder, &["replay", "--rules", "rules.yml", recording]).out;
    assert!(text.contains("\n  nearest   3 spans matched"), "{text}");
}

/// A recorded span: service, kind, trace, span, end, attributes as text.
type Recorded = (String, i64, String, String, u64, BTreeMap<String, String>);

/// The spans of the recorded shop, by their ends.
fn shop() -> Vec<Recorded> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/quickstart/traces/shop.jsonl.gz");
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(file), &mut text).unwrap();
    let value = |v: &Value| v["stringValue"].as_str().map_or_else(|| v["intValue"].to_string().replace('"', ""), str::to_owned);
    let attributes = |of: &Value| -> BTreeMap<String, String> {
        of["attributes"].as_array().into_iter().flatten().map(|a| (a["key"].as_str().unwrap().to_owned(), value(&a["value"]))).collect()
    };
    let mut spans = Vec::new();
    for line in text.lines() {
        let request: Value = serde_json::from_str(line).unwrap();
        for of_resource in request["resourceSpans"].as_array().unwrap() {
            let service = attributes(&of_resource["resource"])["service.name"].clone();
            for span in of_resource["scopeSpans"].as_array().unwrap().iter().flat_map(|scope| scope["spans"].as_array().unwrap()) {
                spans.push((
                    service.clone(),
                    span["kind"].as_i64().unwrap_or(0),
                    span["traceId"].as_str().unwrap().to_owned(),
                    span["spanId"].as_str().unwrap().to_owned(),
                    span["endTimeUnixNano"].as_str().unwrap().parse().unwrap(),
                    attributes(span),
                ));
            }
        }
    }
    spans.sort_by_key(|span| span.4);
    spans
}

#[test]
fn windows_fire_at_the_span_that_a_count_by_hand_finds() {
    let quickstart = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/quickstart");
    let file = |name: &str| quickstart.join(name).display().to_string();
    let folder = in_folder(&[]);
    let signals = |rules: &str| -> Vec<Value> {
        let done = fluo(&folder, &["replay", "--rules", &file(rules), "--format", "jsonl", &file("traces/shop.jsonl.gz")]);
        done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let of = |signals: &[Value], rule: &str| -> Vec<(String, String)> {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        signals
            .iter()
            .filter(|s| s["rule"] == rule && s["event"] == "fluo.violation")
            .map(|s| (text(&s["trace_id"]), text(&s["span_id"])))
            .collect()
    };
    let spans = shop();
    let minute = 60 * S;
    // The sixth in a minute of each key: nothing else happens before a minute has passed in this recording.
    let sixth = |picked: Vec<(&String, &Recorded)>| -> Vec<(String, String)> {
        let mut by_key: BTreeMap<&String, Vec<&Recorded>> = BTreeMap::new();
        picked.into_iter().for_each(|(key, span)| by_key.entry(key).or_default().push(span));
        let six = by_key.values().filter_map(|spans| spans.windows(6).find(|six| six[5].4 - six[0].4 < minute).map(|six| six[5]));
        six.map(|span| (span.2.clone(), span.3.clone())).collect()
    };
    let windows = signals("rules/windows.yml");
    let refused = spans.iter().filter(|s| s.1 == 2 && s.5.get("http.response.status_code").is_some_and(|code| code == "401"));
    let expected = sixth(refused.filter_map(|s| Some((s.5.get("enduser.id")?, s))).collect());
    assert_eq!(of(&windows, "login-failures-per-user"), expected);
    assert_eq!(expected.len(), 1);
    let expected = sixth(spans.iter().filter(|s| s.0 == "auth").map(|s| (&s.2, s)).collect());
    assert_eq!(of(&windows, "auth-calls-per-minute"), expected);
    assert_eq!(expected.len(), 1);
    assert_eq!(of(&windows, "auth-concurrency"), []);
    let of_service = spans.iter().filter(|s| {
        let is = |keys: [&str; 2], wanted: &str| keys.iter().any(|key| s.5.get(*key).is_some_and(|found| found == wanted));
        s.0 == "auth-service"
            && is(["http.status_code", "http.response.status_code"], "401")
            && is(["error.type"; 2], "AuthenticationError")
    });
    let all = String::new();
    let expected = sixth(of_service.map(|s| (&all, s)).collect());
    assert_eq!(of(&signals("rules/shop.yml"), "AuthFailuresRule"), expected);
    assert_eq!(expected.len(), 1);
}
