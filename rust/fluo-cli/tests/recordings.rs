//! `fluo replay` over recordings as people have them: several at once, with pauses, with wrong clocks, of all layouts.
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

use run::{Done, fluo, in_folder};
use serde_json::{Value, json};
use tempfile::TempDir;

const T: u64 = 1_774_588_500_000_000_000;
const S: u64 = 1_000_000_000;

/// A span that takes a millisecond.
fn span(trace: u64, id: u64, parent: Option<u64>, name: &str, end: u64) -> Value {
    json!({
        "traceId": format!("{trace:032x}"),
        "spanId": format!("{id:016x}"),
        "parentSpanId": parent.map(|id| format!("{id:016x}")).unwrap_or_default(),
        "name": name,
        "kind": 2,
        "startTimeUnixNano": (end - S / 1000).to_string(),
        "endTimeUnixNano": end.to_string(),
        "status": {},
    })
}

fn request(service: &str, spans: &[Value]) -> Value {
    json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeSpans": [{"scope": {}, "spans": spans}],
    }]})
}

fn lines(requests: &[Value]) -> String {
    requests.iter().map(|request| format!("{request}\n")).collect()
}

fn replay(rules: &str, files: &[(&str, &str)], more: &[&str]) -> Done {
    let folder = in_folder(files);
    std::fs::write(folder.path().join("rules.yml"), rules).unwrap();
    replay_in(&folder, &files.iter().map(|(name, _)| *name).collect::<Vec<_>>(), more)
}

fn replay_in(folder: &TempDir, files: &[&str], more: &[&str]) -> Done {
    fluo(folder, &[&["replay", "--rules", "rules.yml"], more, files].concat())
}

fn signals(done: &Done) -> Vec<Value> {
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How many signals of each event there are.
fn events(done: &Done) -> BTreeMap<String, usize> {
    let mut events = BTreeMap::new();
    for signal in signals(done) {
        *events.entry(signal["event"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    events
}

const JSON: &[&str] = &["--format", "jsonl"];

#[test]
fn a_pause_in_a_recording_loses_nothing() {
    let rules = "- name: three-fails-an-hour\n  never: spans.where('login').within(1h).count() > 2\n";
    for pause in [60, 299, 301, 600, 1500] {
        let requests: Vec<Value> = (0..3).map(|n| request("auth", &[span(n + 1, 1, None, "login", T + n * pause * S)])).collect();
        let done = replay(rules, &[("traces.jsonl", &lines(&requests))], JSON);
        assert_eq!(events(&done), BTreeMap::from([("fluo.violation".to_owned(), 1)]), "{pause}");
    }
}

#[test]
fn no_client_with_a_wrong_clock_moves_the_others() {
    let rules = "- name: four-a-minute\n  never: spans.where('login').by(service).within(1m).count() > 3\n";
    let beats = |service: &str, traces: u64, shift: u64| -> Vec<(u64, Value)> {
        let login = |n: u64| request(service, &[span(traces + n, 1, None, "login", T + (n * 10 + shift) * S)]);
        (0..60).map(|n| (n * 10, login(n))).collect()
    };
    // Seven logins a minute of each service whose clock is right; the wrong one comes first, and may come several times in a row.
    for wrong in [0, 240, 3600, 86_400, 10 * 86_400] {
        let mut all: Vec<(u64, Value)> = [beats("wrong", 1000, wrong), beats("a", 2000, 0), beats("b", 3000, 1)].concat();
        all.extend((0..5).map(|n| (300, request("wrong", &[span(4000 + n, 1, None, "other", T + (300 + wrong) * S)]))));
        all.sort_by_key(|(at, _)| *at);
        let requests: Vec<Value> = all.into_iter().map(|(_, request)| request).collect();
        let found = signals(&replay(rules, &[("traces.jsonl", &lines(&requests))], JSON));
        let of = |service: &str| found.iter().filter(|s| s["group"]["service"] == service && s["event"] == "fluo.violation").count();
        assert_eq!((of("a"), of("b")), (1, 1), "{wrong}");
    }
}

#[test]
fn recordings_of_one_time_are_merged() {
    let rules = "- name: call-is-answered\n  always: trace.has('a').all(has_child('b'))\n";
    let of = |step: &dyn Fn(u64) -> Value| lines(&(0..40).map(step).collect::<Vec<_>>());
    let calls = of(&|n| request("a", &[span(n + 1, 1, None, "a", T + n * 10 * S + 9_000_000)]));
    let answers = of(&|n| request("b", &[span(n + 1, 2, Some(1), "b", T + n * 10 * S + 6_000_000)]));
    // A third recording that begins after the first two have ended.
    let later =
        of(&|n| request("a", &[span(1000 + n, 1, None, "a", T + (4000 + n) * S), span(1000 + n, 2, Some(1), "b", T + (4000 + n) * S)]));
    let files = [("calls", calls.as_str()), ("answers", answers.as_str()), ("later", later.as_str())];
    for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0]] {
        let files: Vec<(&str, &str)> = order.iter().map(|at| files[*at]).collect();
        let done = replay(rules, &files, &[]);
        assert_eq!(done.code, 0);
        assert!(done.out.contains("call-is-answered  warning          0         80               0  0\n"), "{}", done.out);
        assert!(done.out.contains("120 messages, 160 spans, 80 traces, no signals"), "{}", done.out);
    }
}

#[test]
fn each_trace_teaches_the_call_table_once() {
    let rules = "- name: checked\n  always: trace.has('charge') implies trace.has('check')\n";
    let call = |trace: u64, parent: Option<u64>, end: u64| {
        let mut call = span(trace, 1, parent, "call", end);
        call["kind"] = 3.into();
        call
    };
    let whole = |n: u64| {
        let end = T + n * S;
        request("a", &[call(n, None, end), span(n, 2, Some(1), "check", end), span(n, 3, Some(2), "charge", end)])
    };
    // The last trace calls and has no check below: it is believed as long as the table has seen fewer than a hundred traces.
    for (traces, violated) in [(98, "1"), (99, "0")] {
        let mut requests: Vec<Value> = (1..=traces).map(whole).collect();
        requests.push(request("a", &[span(5000, 9, None, "charge", T + 200 * S), call(5000, Some(9), T + 200 * S)]));
        let done = replay(rules, &[("traces.jsonl", &lines(&requests))], &[]);
        let row = done.out.lines().find(|line| line.starts_with("checked ")).unwrap().to_owned();
        assert_eq!(row.split_whitespace().nth(2), Some(violated), "{traces}: {}", done.out);
    }
}

#[test]
fn no_signal_is_lost_however_many_there_are() {
    let rules: String = (0..20).map(|n| format!("- name: r{n}\n  never: trace.duration > 0ns\n")).collect();
    let spans: Vec<Value> = (1..=600).map(|n| span(n, n, None, "a", T)).collect();
    let requests: Vec<Value> = spans.chunks(100).map(|spans| request("a", spans)).collect();
    let recording = lines(&requests);
    let done = replay(&rules, &[("traces.jsonl", &recording)], JSON);
    assert_eq!(events(&done), BTreeMap::from([("fluo.violation".to_owned(), 12_000)]));
    let text = replay(&rules, &[("traces.jsonl", &recording)], &[]).out;
    assert!(text.ends_with("6 messages, 600 spans, 600 traces, 12000 signals\n"), "{}", text.lines().last().unwrap());
}

#[test]
fn a_line_carries_what_the_collectors_record_carries() {
    let rules = "\
- name: failing-user
  never: trace.has(status == error)
  show: [user, amount]
  tags: [a, b]
  controls: ['PCI-DSS:6.4.2']
  owner: shop
  runbook: https://wiki.example.com/failing
  description: Nobody may fail.
  references: [one, two]
  annotations: {team: blue}
";
    let mut failing = span(1, 1, None, "x", T);
    failing["status"] = json!({"code": 2});
    failing["attributes"] = json!([{"key": "user", "value": {"stringValue": "ann"}}, {"key": "amount", "value": {"intValue": "12"}}]);
    let recording = lines(&[request("a", &[failing])]);
    let found = signals(&replay(rules, &[("traces.jsonl", &recording)], JSON));
    let signal = &found[0];
    assert_eq!(signal["show"], json!({"user": "ann", "amount": "12"}));
    assert_eq!((&signal["tags"], &signal["controls"]), (&json!(["a", "b"]), &json!(["PCI-DSS:6.4.2"])));
    assert_eq!((&signal["owner"], &signal["description"]), (&json!("shop"), &json!("Nobody may fail.")));
    assert_eq!((&signal["runbook"], &signal["references"]), (&json!("https://wiki.example.com/failing"), &json!("one, two")));
    assert_eq!((&signal["annotations"], &signal["resource"]), (&json!({"team": "blue"}), &json!({"service.name": "a"})));
    let text = replay(rules, &[("traces.jsonl", &recording)], &[]).out;
    for line in ["\n  show      user = ann, amount = 12\n", "\n  owner     shop\n", "\n  runbook   https://wiki.example.com/failing\n"] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[test]
fn what_a_trace_holds_cannot_steer_a_terminal() {
    let rules = "- name: a\n  never: trace.spans.by(user).count() > 0\n  show: [user]\n";
    let mut evil = span(1, 1, None, "x", T);
    evil["attributes"] = json!([{"key": "user", "value": {"stringValue": "\u{1b}[2Jann\u{202e}\nid \u{200b}\u{9b}"}}]);
    let recording = lines(&[request("\u{7f}svc\u{2066}", &[evil])]);
    let text = replay(rules, &[("traces.jsonl", &recording)], &[]).out;
    assert!(text.chars().all(|c| c == '\n' || (!c.is_control() && !"\u{202e}\u{200b}\u{2066}".contains(c))), "{text}");
    assert!(text.contains("show      user = \\u{1b}[2Jann\\u{202e}\\nid \\u{200b}\\u{9b}\n"), "{text}");
    let done = replay(rules, &[("traces.jsonl", &recording)], JSON);
    assert!(done.out.trim_end().is_ascii());
    assert_eq!(signals(&done)[0]["show"]["user"], "\u{1b}[2Jann\u{202e}\nid \u{200b}\u{9b}");
    let folder = in_folder(&[("rules.yml", rules), ("bad\u{202e}", "nonsense\n")]);
    let done = replay_in(&folder, &["bad\u{202e}"], &[]);
    assert_eq!(done.code, 2);
    assert!(
        done.err.contains("bad\\u{202e}:1: this is text and neither OTLP JSON nor protobuf") && !done.err.contains('\u{202e}'),
        "{}",
        done.err
    );
}

#[test]
fn metrics_and_logs_beside_traces_are_no_trouble() {
    let rules = "- name: a\n  never: trace.has('x')\n";
    let trace = lines(&[request("a", &[span(1, 1, None, "x", T)])]);
    let recording = format!("{{\"resourceMetrics\": [{{}}]}}\n{{\"resourceLogs\": []}}\n{trace}");
    let done = replay(rules, &[("traces.jsonl", &recording)], &[]);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert!(done.out.ends_with("1 message, 1 span, 1 trace, 1 signal, 2 messages without traces\n"), "{}", done.out);
}

#[test]
fn the_old_name_of_scopes_is_read() {
    let rules = "- name: forbidden\n  never: trace.has('forbidden') and trace.has(scope_name == 'lib')\n";
    let recording = lines(&[request("a", &[span(1, 1, None, "forbidden", T)])])
        .replace("scopeSpans", "instrumentationLibrarySpans")
        .replace("\"scope\":{}", "\"instrumentationLibrary\":{\"name\":\"lib\"}");
    let done = replay(rules, &[("traces.jsonl", &recording)], JSON);
    assert_eq!(events(&done), BTreeMap::from([("fluo.violation".to_owned(), 1)]));
}

#[test]
fn what_is_no_recording_is_refused_at_once() {
    let rules = "- name: a\n  never: trace.has('x')\n";
    let folder = in_folder(&[("rules.yml", rules), ("page.html", "<html><body>404 page not found</body></html>")]);
    let done = replay_in(&folder, &["page.html"], JSON);
    assert_eq!((done.code, done.out.as_str()), (2, ""));
    assert!(done.err.contains("page.html:1: this is text and neither OTLP JSON nor protobuf"), "{}", done.err);
    // A gigabyte of zeros in four megabytes; and as many spaces, which may stand before a message.
    for (byte, reason) in [(0u8, "10000 messages in a row are empty"), (b' ', "a line of more than 64 MiB")] {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        (0..1 << 10).for_each(|_| std::io::Write::write_all(&mut encoder, &[byte; 1 << 20]).unwrap());
        std::fs::write(folder.path().join("bomb.gz"), encoder.finish().unwrap()).unwrap();
        let begun = std::time::Instant::now();
        let done = replay_in(&folder, &["bomb.gz"], JSON);
        assert_eq!((done.code, done.out.as_str()), (2, ""));
        assert!(done.err.contains(reason), "{}", done.err);
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }
}
