//! Rules over `spans` in the steady state: ten and more windows of traffic, healthy and not, in any batches and any order.

use std::collections::{BTreeMap, BTreeSet};

use fluo_engine::signal::Event;
use fluo_engine::{Config, Engine, Signal};
use fluo_testkit::model::{AnyValue, SpanData};
use fluo_testkit::notation::BASE;

use super::{SECOND, engine, ingest, signals, spans, tick};

/// Claims with windows of ten seconds that healthy traffic keeps and an outage, a burst or an overload breaks: every monitor, with and
/// without groups, and every aggregate.
const CLAIMS: &[&str] = &[
    "never: spans.where(name == a).within(10s).count() > 60",
    "never: spans.where(name == a).by(service).within(10s).count() > 30",
    "always: spans.where(name == a).concurrent() <= 40",
    "always: spans.where(name == a).by(service).concurrent() <= 20",
    "always: spans.where(name == a).within(10s).count() >= 1",
    "always: spans.where(name == a).by(service).within(10s).count() >= 1",
    "never: spans.where(name == a).by(service).within(10s).count() > 30 or spans.where(name == b).by(service).within(10s).count() > 30",
    "never: spans.where(name == a).within(10s).max(amount) > 100",
    "never: spans.where(name == a).by(service).within(10s).max(amount) > 100",
    "never: spans.where(name == a or name == b).by(service).within(10s).min(amount) < 1",
    "never: spans.where(name == a and amount >= 0).by(service).within(10s).sum(amount) > 600",
    "never: spans.where(name == a).by(service).within(10s).sum(duration) > 10s",
    "never: spans.where(name == a).by(service).within(10s).distinct(user) > 12",
    "never: spans.where(name == a).by(service).within(10s).rate() > 3",
    "never: spans.where(name == a and amount > 100).by(service).within(10s).exists()",
    "always: spans.where(name == a).within(10s).avg(amount) <= 50",
    "always: spans.where(name == a).by(service).within(10s).p99(amount) <= 100",
    "always: spans.where(name == a).by(service).within(10s).longest_run(user) <= 12",
    "always: spans.where(name == a).by(service).within(10s).last.amount <= 100",
    "never: spans.where(name == a and amount > 100).within(10s).count() / spans.where(name == a).within(10s).count() > 0.3",
    "never: spans.where(name == a).by(service).within(10s).count() / spans.where(name == a).within(10s).count() > 0.9\n  when: spans.where(name == a).within(10s).count() > 5",
    "never: spans.where(name == a).by(service).within(10s).count() + spans.where(name == b).within(10s).count() > 70",
];

/// Claims about each span that healthy traffic keeps.
const SEQUENCES: &[&str] = &[
    "always: spans.where(name == a).all(followed_by(name == a, within=30s, same=service))",
    "never: spans.where(name == a).any(preceded_by(amount > 100, within=30s, same=service))",
];

/// A span of its own trace that ends so many milliseconds after the base.
fn span(n: usize, name: &str, service: &str, end: u64, amount: i64) -> SpanData {
    let mut span = spans(&format!("s{n}"), &format!("{name} @{service} 0..1")).remove(0);
    span.end = BASE + end * 1_000_000;
    span.start = span.end - SECOND / 5;
    span.span_id = (n as u64 + 1).to_be_bytes();
    let text = |key: &str, value: String| (key.to_owned(), AnyValue::String(value));
    span.attributes = vec![("amount".to_owned(), AnyValue::Int(amount)), text("user", format!("u{}", n % 8))];
    span
}

/// How healthy traffic comes: when spans of each of two services end, in milliseconds.
fn healthy(kind: &str) -> Vec<u64> {
    match kind {
        "regular" => (0..150).map(|n| 1_000 * n).collect(),
        "bursty" => (0..30).flat_map(|n| (0..10).map(move |i| 6_000 * n + 3 * i)).collect(),
        "with pauses" => (0..10).flat_map(|n| (0..15).map(move |i| 17_000 * n + 600 * i)).collect(),
        other => panic!("{other} is no traffic"),
    }
}

fn of_both_services(ends: &[u64]) -> Vec<SpanData> {
    let both = ends.iter().flat_map(|end| [("one", *end), ("two", *end + 1)]);
    both.enumerate().map(|(n, (service, end))| span(n, "a", service, end + 1_000, 10)).collect()
}

fn rule(claim: &str) -> String {
    format!("- name: r\n  {claim}\n")
}

#[test]
fn no_monitor_says_anything_of_ten_windows_of_healthy_traffic() {
    for claim in CLAIMS.iter().chain(SEQUENCES) {
        for kind in ["regular", "bursty", "with pauses"] {
            let engine = engine(&rule(claim), Config { allowed_lateness_ns: 2 * SECOND, ..Config::default() });
            let all = of_both_services(&healthy(kind));
            let last = all.iter().map(|span| span.end).max().expect("spans");
            for span in &all {
                engine.tick(span.end - 500);
                ingest_at(&engine, span.end + 300_000_000, std::slice::from_ref(span));
            }
            engine.end_recording(last + SECOND);
            for second in 0..200 {
                engine.tick(last + second * SECOND);
            }
            let said = signals(&engine);
            assert!(said.is_empty(), "{claim} under {kind} traffic: {said:#?}");
        }
    }
}

fn ingest_at(engine: &Engine, at: u64, spans: &[SpanData]) {
    engine.ingest(0, at, &fluo_testkit::otlp::encode(spans)).expect("an open engine");
}

/// Traffic with an outage of one service and of both, a burst, an overload of large amounts and one of long spans, each well within
/// the healthy rest.
fn troubled() -> Vec<SpanData> {
    let mut all = Vec::new();
    let mut n = 0;
    for second in 1..330u64 {
        for service in ["one", "two"] {
            let is_out = (40..60).contains(&second) || (service == "two" && (90..115).contains(&second));
            if is_out {
                continue;
            }
            let many = if (70..73).contains(&second) || second == 80 { 30 } else { 1 };
            let amount = if (130..135).contains(&second) { 500 } else { 10 };
            for i in 0..many {
                n += 1;
                let mut span = span(n, "a", service, 1_000 * second + 5 * i, amount);
                if many > 1 {
                    let user = if second == 80 { "same".to_owned() } else { format!("u{i}") };
                    span.attributes.truncate(1);
                    span.attributes.push(("user".to_owned(), AnyValue::String(user)));
                }
                if (150..153).contains(&second) {
                    span.start = span.end - 9 * SECOND;
                }
                all.push(span);
            }
        }
        if (160..164).contains(&second) {
            for i in 0..40 {
                n += 1;
                all.push(span(n, "b", "one", 1_000 * second + 7 * i, -5));
            }
        }
    }
    all.sort_by_key(|span| span.end);
    all
}

/// The same spans, none moved by more than `by` among those that end later.
fn shuffled(spans: &[SpanData], by: u64, mut state: u64) -> Vec<SpanData> {
    let mut keyed: Vec<(u64, &SpanData)> = Vec::new();
    for span in spans {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        keyed.push((span.end + (state >> 33) % by, span));
    }
    keyed.sort_by_key(|(at, _)| *at);
    keyed.into_iter().map(|(_, span)| span.clone()).collect()
}

/// What was told of spans that come in this order, so many in a message.
fn told(claim: &str, spans: &[SpanData], batch: usize) -> Vec<Signal> {
    let engine = engine(&rule(claim), Config { allowed_lateness_ns: 30 * SECOND, ..Config::default() });
    for part in spans.chunks(batch) {
        ingest(&engine, 400, part);
    }
    tick(&engine, 420);
    signals(&engine)
}

type Episodes = BTreeSet<(String, u64, u64)>;

/// The episodes that were resolved, if every id that was signalled was resolved once, and none that was not.
fn episodes(claim: &str, signals: &[Signal]) -> Episodes {
    let mut open: BTreeMap<[u8; 16], usize> = BTreeMap::new();
    let mut found = Episodes::new();
    for signal in signals {
        let group: String = signal.group.iter().map(|(_, value)| value.as_str()).collect();
        let resolved = open.entry(signal.violation_id).or_default();
        match signal.event {
            Event::Violation => assert_eq!(*resolved, 0, "{claim}: an id is signalled once, and before it is resolved"),
            _ => {
                *resolved += 1;
                let (from, to) = signal.window.expect("a window");
                found.insert((group, from - BASE, to - BASE));
            }
        }
    }
    let signalled = signals.iter().filter(|signal| signal.event == Event::Violation).count();
    assert_eq!(signalled, open.len(), "{claim}: ids are not shared, and none is resolved that was not signalled");
    assert!(open.values().all(|resolved| *resolved == 1), "{claim}: {open:?}");
    found
}

#[test]
fn episodes_are_the_same_in_any_batches_and_any_order_and_every_id_is_resolved_once() {
    let all = troubled();
    for claim in CLAIMS {
        let in_order = told(claim, &all, 1);
        let expected = episodes(claim, &in_order);
        assert!(!expected.is_empty(), "{claim} is broken somewhere");
        let ids = |signals: &[Signal]| signals.iter().map(|signal| signal.violation_id).collect::<BTreeSet<_>>();
        for batch in [7, all.len()] {
            let other = told(claim, &all, batch);
            assert_eq!(episodes(claim, &other), expected, "{claim}: {batch} spans in a message");
            assert_eq!(ids(&other), ids(&in_order), "{claim}: {batch} spans in a message");
        }
        for seed in 1..3 {
            let mixed = shuffled(&all, 25 * SECOND, seed);
            let singly = told(claim, &mixed, 1);
            assert_eq!(episodes(claim, &singly), expected, "{claim}: in another order");
            let at_once = told(claim, &mixed, mixed.len());
            assert_eq!(ids(&at_once), ids(&singly), "{claim}: in another order, at once");
        }
    }
}

#[test]
fn nothing_is_judged_after_the_end_of_a_recording() {
    for claim in CLAIMS {
        let engine = engine(&rule(claim), Config { record_verdicts: true, ..Config::default() });
        let all = of_both_services(&healthy("regular"));
        for part in all.chunks(10) {
            ingest(&engine, 200, part);
        }
        engine.end_recording(BASE + 201 * SECOND);
        drop(engine.drain_verdicts());
        for second in 201..10_000 {
            if second % 100 == 1 {
                tick(&engine, second);
            }
        }
        ingest(&engine, 10_000, &of_both_services(&[9_000_000]));
        engine.flush(BASE + 20_000 * SECOND);
        assert!(signals(&engine).is_empty(), "{claim}");
        assert!(engine.drain_verdicts().is_empty(), "{claim}");
    }
}

#[test]
fn an_earlier_span_that_comes_later_begins_the_stretch() {
    let engine =
        engine(&rule("always: spans.where(name == a).within(5s).count() < 1"), Config { record_verdicts: true, ..Config::default() });
    ingest(&engine, 10, &[span(1, "a", "one", 10_000, 1)]);
    ingest(&engine, 15, &[span(2, "a", "one", 5_000, 1)]);
    engine.end_recording(BASE + 25 * SECOND);
    let found: Vec<_> = engine.drain_verdicts().into_iter().map(|v| v.episodes).collect();
    assert_eq!(found, [[(BASE + 5 * SECOND, Some(BASE + 15 * SECOND))]]);
}
