//! What traces share: combinations of selectors, calls and resources. Each has its bound, and what a sender chooses fills none for good.

use fluo_engine::Config;
use fluo_testkit::model::{AnyValue, Resource, SpanData};
use std::sync::Arc;

use super::{SECOND, engine, ingest, spans, tick};

/// So many copies of a span, each changed by its number.
fn copies(span: &SpanData, count: u64, change: impl Fn(&mut SpanData, u64)) -> Vec<SpanData> {
    let copy = |n: u64| {
        let mut span = span.clone();
        span.span_id = (n + 1).to_be_bytes();
        change(&mut span, n);
        span
    };
    (0..count).map(copy).collect()
}

#[test]
fn combinations_that_no_trace_has_any_more_are_given_up() {
    let text: String = (0..12).map(|n| format!("- {{name: r{n}, never: trace.count(k{n} == 1) > 1000}}\n")).collect();
    let engine = engine(&text, Config { late_grace_ns: SECOND, ..Config::default() });
    let one = &spans("t", "root 0..100")[0];
    let before = engine.stats().bytes_held;
    for round in 0..3 {
        let many = copies(one, 4_096, |span, n| {
            span.trace_id = u128::from(n + 1 + round * 10_000).to_be_bytes();
            span.attributes = (0..12).filter(|bit| n >> bit & 1 == 1).map(|bit| (format!("k{bit}"), AnyValue::Int(1))).collect();
        });
        ingest(&engine, round * 100 + 1, &many);
        let held = engine.stats().bytes_held;
        assert!(held > before + 4_096 * 6 * 8, "{held}: every combination is held");
        tick(&engine, round * 100 + 90);
    }
    let after = engine.stats();
    assert_eq!((after.traces_open, after.traces_grace, after.traces_evicted), (0, 0, 0));
    assert!(after.bytes_held < before + 2_000_000, "{} bytes are held for nothing", after.bytes_held - before);
}

#[test]
fn combinations_of_forgotten_traces_make_room_for_others() {
    let text: String = (0..14).map(|n| format!("- {{name: r{n}, never: trace.count(k{n} == 1) > 1000}}\n")).collect();
    let engine = engine(&text, Config { memory_bytes: 8 << 20, ..Config::default() });
    let one = &spans("t", "root 0..100")[0];
    let traced = |from: u64, count: u64| {
        copies(one, count, |span, n| {
            span.trace_id = u128::from(from + n + 1).to_be_bytes();
            span.attributes = (0..14).filter(|bit| (from + n) >> bit & 1 == 1).map(|bit| (format!("k{bit}"), AnyValue::Int(1))).collect();
        })
    };
    for n in 0..16 {
        ingest(&engine, n + 1, &traced(n * 1_024, 1_024));
    }
    let flooded = engine.stats();
    assert!(flooded.bytes_held <= 8 << 20, "{}", flooded.bytes_held);
    ingest(&engine, 20, &traced(1 << 20, 500));
    let evicted = engine.stats().traces_evicted - flooded.traces_evicted;
    ingest(&engine, 21, &traced(1 << 21, 10));
    assert!(engine.stats().traces_open >= 500, "the traces that came last are held ({evicted} made room)");
}

#[test]
fn a_full_call_table_and_full_resources_are_counted() {
    let engine = engine("- {name: pair, always: trace.has(a) and trace.has(b)}", Config::default());
    let call = &spans("t", "call client 0..100")[0];
    ingest(&engine, 1, &copies(call, 4_096, |span, n| span.name = format!("call {n}")));
    assert_eq!(engine.stats().calls_over_limit, 0);
    let more = copies(call, 10, |span, n| span.name = format!("more {n}"));
    ingest(&engine, 2, &more.iter().chain(&more).cloned().collect::<Vec<_>>());
    assert_eq!(engine.stats().calls_over_limit, 20, "a repetition is told apart later");
    assert_eq!(engine.stats().resources_over_limit, 0);

    let named = |from: u64, count: u64| {
        copies(call, count, |span, n| {
            let name = AnyValue::String(format!("s{}", from + n));
            let resource = Resource { attributes: vec![("service.name".to_owned(), name)], ..Resource::default() };
            (span.name, span.resource) = ("call 1".to_owned(), Arc::new(resource));
        })
    };
    for n in 0..8 {
        ingest(&engine, 3 + n, &named(n * 10_000, 10_000));
    }
    assert_eq!(engine.stats().resources_over_limit, 80_000 + 1 - 65_536);
}
