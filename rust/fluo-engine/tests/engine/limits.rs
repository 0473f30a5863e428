//! What limits cut is counted, and memory stays inside its bounds.

use fluo_engine::Config;
use fluo_engine::signal::Trigger;
use fluo_testkit::model::SpanData;
use fluo_testkit::notation::BASE;

use super::{SECOND, engine, ingest, signals, spans, tick};

#[test]
fn a_trace_that_grows_too_large_is_decided_with_what_has_come() {
    let config = Config { max_spans_per_trace: 10, ..Config::default() };
    let engine = engine("- {name: many, never: trace.count(a) > 8}\n- {name: pair, always: trace.has(a) and trace.has(z)}", config);
    let all = spans("t", "root 0..9\n  a 1..2 *20\n  z 1..2");
    ingest(&engine, 1, &all);
    let found = signals(&engine);
    assert_eq!(found.iter().map(|s| s.rule.as_str()).collect::<Vec<_>>(), ["many"], "what counts prove stays proven");
    let stats = engine.stats();
    assert_eq!((stats.spans_over_limit, stats.rules[1].inconclusive["limit"]), (12, 1));
}

#[test]
fn the_oldest_traces_make_room() {
    let config = Config { max_traces: 16, ..Config::default() };
    let engine = engine("- {name: pair, always: trace.has(a) and trace.has(z), on_gap: signal}", config);
    for n in 0..100u64 {
        ingest(&engine, 1 + n / 50, &spans(&format!("t{n}"), "root 0..9\n  a 1..2"));
    }
    let stats = engine.stats();
    assert!(stats.traces_open <= 16 && stats.traces_evicted >= 84, "{stats:?}");
    let evicted = signals(&engine);
    assert!(evicted.iter().all(|s| s.trigger == Trigger::Limit && s.trace_complete == Some(false)));
    assert_eq!(evicted.len() as u64, stats.traces_evicted);
}

#[test]
fn the_byte_budget_holds() {
    let config = Config { memory_bytes: 1 << 20, ..Config::default() };
    let engine = engine("- {name: pair, always: trace.spans.where(a == 'x').by(b).count() <= 3}", config);
    let template = spans("t", "root 0..9 {a=x, b='a value of some length that is kept as it is'}\n  s 1..2 {a=x, b=other} *8");
    for n in 0..5_000u128 {
        let copy: Vec<SpanData> = template.iter().cloned().map(|s| SpanData { trace_id: (n + 1).to_be_bytes(), ..s }).collect();
        ingest(&engine, 1, &copy);
    }
    let stats = engine.stats();
    assert!(stats.bytes_held < 3 << 20, "{}", stats.bytes_held);
    assert!(stats.traces_evicted > 1_000);
}

#[test]
fn a_full_queue_drops_and_counts() {
    let config = Config { signal_queue_size: 3, ..Config::default() };
    let engine = engine("- {name: none, never: trace.has(bad)}", config);
    for n in 0..10 {
        ingest(&engine, 1, &spans(&format!("t{n}"), "bad 0..9"));
    }
    assert_eq!(signals(&engine).len(), 3);
    let stats = engine.stats();
    assert_eq!((stats.signals_emitted, stats.signals_dropped), (3, 7));
}

#[test]
fn no_bytes_break_it() {
    let engine = engine("- {name: none, never: trace.has(bad)}", Config::default());
    let good = fluo_testkit::otlp::encode(&spans("t", "bad 0..9"));
    for cut in 0..good.len() {
        engine.ingest(0, BASE + SECOND, &good[..cut]).expect("counted, not refused");
    }
    engine.ingest(0, BASE + SECOND, &good).expect("an open engine");
    tick(&engine, 100);
    assert_eq!(signals(&engine).len(), 1);
    assert!(engine.stats().frames_rejected > 0);
}

#[test]
fn projected_and_stale_messages() {
    let engine = engine("- {name: none, never: trace.has(bad)}", Config::default());
    let good = fluo_testkit::otlp::encode(&spans("t", "bad 0..9"));
    let report = engine.ingest(1, BASE, &good).expect("the first epoch is 1");
    assert!(report.signals_pending);
    assert!(engine.ingest(7, BASE, &good).is_err(), "a projection of another rule set is refused");
    assert_eq!(engine.stats().spans_received, 1, "and nothing of it is applied");
}
