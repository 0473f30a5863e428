//! What the allocator sees: bytes a trace and a span, and that a span of a known trace asks for nothing. A program of its own, since
//! it counts what the whole process allocates. What it pins is counted, not timed.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::alloc::System;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fluo_engine::{Config, Engine};
use fluo_lang::limits::Limits;
use fluo_lang::source::{Source, SourceKind};
use fluo_testkit::model::{AnyValue, Kind, Resource, SpanData};
use fluo_testkit::otlp;
use stats_alloc::{INSTRUMENTED_SYSTEM, Stats, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SECOND: u64 = 1_000_000_000;
const BASE: u64 = 1_767_225_600 * SECOND;

/// The tests count the whole process, so one runs at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn engine(text: &str) -> Engine {
    let source = Source { name: "rules.yml".to_owned(), text: text.to_owned(), kind: SourceKind::File };
    let loaded = fluo_lang::load::load(&[source], &Limits::default());
    let rules = Arc::new(loaded.rules.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics)));
    Engine::new(rules, Config { memory_bytes: 8 << 30, ..Config::default() }, BASE).expect("a valid configuration")
}

/// How the spans of a trace look.
#[derive(Clone, Copy)]
struct Shape {
    name: &'static str,
    kind: Kind,
}

/// The spans of a range of a trace: a root, its children, each with a value of eight digits and one of eight letters.
fn spans(trace: u64, numbers: std::ops::Range<u64>, shape: Shape, resource: &Arc<Resource>) -> Vec<SpanData> {
    let id = |number: u64| (trace * 1_000 + number + 1).to_be_bytes();
    let span = |number: u64| SpanData {
        trace_id: (u128::from(trace + 1) << 64 | 7).to_be_bytes(),
        span_id: id(number),
        parent_id: (number > 0).then(|| id(number / 2)),
        name: shape.name.to_owned(),
        kind: if number == 0 { Kind::Server } else { shape.kind },
        start: BASE + number,
        end: BASE + number + 1_000_000,
        attributes: vec![
            ("order.id".to_owned(), AnyValue::Int(10_000_000 + (trace % 1_000).cast_signed())),
            ("user.id".to_owned(), AnyValue::String("abcdefg".to_owned())),
        ],
        resource: Arc::clone(resource),
        ..SpanData::default()
    };
    numbers.map(span).collect()
}

fn resource() -> Arc<Resource> {
    let attributes = [("service.name", "shop"), ("service.instance.id", "one")];
    Arc::new(Resource {
        attributes: attributes.map(|(key, value)| (key.to_owned(), AnyValue::String(value.to_owned()))).to_vec(),
        dropped_attributes: 0,
    })
}

/// Bytes that the process holds; what a list grew or shrank by is among them.
fn held(stats: Stats) -> i64 {
    i64::try_from(stats.bytes_allocated).expect("small") - i64::try_from(stats.bytes_deallocated).expect("small")
}

/// What an engine holds after so many traces of so many spans each, by the allocator and by its own account, and again once they are
/// decided and in their grace.
fn weigh(rules: &str, traces: u64, of: u64, shape: Shape) -> [(i64, i64); 2] {
    let resource = resource();
    let before = held(ALLOCATOR.stats());
    let engine = engine(rules);
    let empty = held(ALLOCATOR.stats()) - before;
    for first in (0..traces).step_by(100) {
        // Spans come a few at a time, as they do.
        for part in (0..of).step_by(7) {
            let message: Vec<SpanData> =
                (first..first + 100).flat_map(|trace| spans(trace, part..(part + 7).min(of), shape, &resource)).collect();
            engine.ingest(0, BASE + SECOND, &otlp::encode(&message)).expect("an open engine");
        }
    }
    let own = |engine: &Engine| i64::try_from(engine.stats().bytes_held).expect("small");
    assert_eq!(engine.stats().traces_open, traces);
    let open = (held(ALLOCATOR.stats()) - before - empty, own(&engine));
    engine.tick(BASE + 12 * SECOND);
    assert_eq!(engine.stats().traces_grace, traces);
    let grace = (held(ALLOCATOR.stats()) - before - empty, own(&engine));
    [open, grace]
}

const INTERNAL: Shape = Shape { name: "work", kind: Kind::Internal };

/// Counts what no span of these tests is.
const UNSELECTED: &str = "- {name: none, never: trace.count(nothing) > 3}";

#[test]
fn a_trace_is_a_small_header() {
    let _alone = alone();
    let traces = 100_000;
    let [(open, _), _] = weigh(UNSELECTED, traces, 1, INTERNAL);
    // Two spans have room in the first list.
    let header = open / traces.cast_signed() - 16;
    assert!(header <= 128, "{header} bytes a trace");
    let [_, (grace, _)] = weigh(UNSELECTED, traces, 20, INTERNAL);
    let decided = grace / traces.cast_signed();
    assert!(decided <= 128 + 4 * 20, "{decided} bytes of a decided trace of 20 spans");
}

#[test]
fn a_span_takes_what_its_class_may() {
    let _alone = alone();
    let client = Shape { name: "work", kind: Kind::Client };
    for (class, rules, shape, most) in [
        ("no record", UNSELECTED, INTERNAL, 8),
        ("a call", UNSELECTED, client, 16),
        ("a relation may ask", "- {name: order, never: 'trace.has(nothing and has_parent(nobody))'}", INTERNAL, 40),
        ("selected, two values", "- {name: groups, never: 'trace.spans.where(work).by(order.id, user.id).count() > 100'}", INTERNAL, 64),
    ] {
        // By the engine's own account, which is compared with the allocator below.
        let bytes = |of: u64| {
            let engine = engine(rules);
            engine.ingest(0, BASE + SECOND, &otlp::encode(&spans(0, 0..of, shape, &resource()))).expect("an open engine");
            engine.bytes_of_trace(&(1u128 << 64 | 7).to_be_bytes()).expect("the trace is held")
        };
        let [few, some, many] = [8, 20, 48].map(bytes);
        for (spans, marginal) in [(12, some - few), (28, many - some)] {
            assert!(marginal <= most * spans, "{class}: {marginal} bytes for {spans} spans more");
        }
    }
}

#[test]
fn the_engine_counts_what_it_holds() {
    let _alone = alone();
    let client = Shape { name: "work", kind: Kind::Client };
    for (rules, shape) in [
        (UNSELECTED, INTERNAL),
        (UNSELECTED, client),
        ("- {name: order, never: 'trace.has(nothing and has_parent(nobody))'}", client),
        ("- {name: groups, never: 'trace.spans.where(work).by(order.id, user.id).count() > 100'}", INTERNAL),
    ] {
        for (when, (seen, counted)) in ["open", "in the grace"].iter().zip(weigh(rules, 4_000, 20, shape)) {
            let off = (seen - counted).abs();
            assert!(off * 100 < seen * 15, "{when}: {counted} bytes counted, {seen} allocated, under {rules}");
        }
    }
}

#[test]
fn a_span_of_a_known_trace_allocates_nothing() {
    let _alone = alone();
    let engine = engine(
        "- {name: pair, always: trace.has(payment.charge) and trace.has(payment.check)}\n\
         - {name: storm, never: \"trace.spans.where(service == 'shop' and kind == client).count() > 500\"}\n\
         - {name: failed, never: 'trace.spans.where(work and status == error).count() > 0'}\n\
         - {name: slow, never: 'trace.spans.where(duration > 5s and order.id > 0).count() > 3'}",
    );
    let resource = resource();
    let client = Shape { name: "work", kind: Kind::Client };
    let message = |round: u64, traces: u64, numbers: std::ops::Range<u64>| {
        let of_trace = |trace| spans(round * 1_000 + trace, numbers.clone(), client, &resource);
        otlp::encode(&(0..traces).flat_map(of_trace).collect::<Vec<_>>())
    };
    // Rounds of traces that come, are decided and forgotten, until nothing grows any more: more traces and spans than those that
    // count, since which shard a trace falls to is chance.
    for round in 0..20 {
        let at = BASE + round * 20 * SECOND;
        for numbers in [0..4, 4..20, 20..24] {
            engine.ingest(0, at, &message(round, 200, numbers)).expect("an open engine");
        }
        engine.tick(at);
    }
    let at = BASE + 20 * 20 * SECOND;
    engine.ingest(0, at, &message(20, 40, 0..4)).expect("an open engine");
    let later = [message(20, 40, 4..20), message(20, 40, 20..21), otlp::encode(&spans(20_003, 21..22, client, &resource))];
    for (message, count) in later.iter().zip([40 * 16, 40, 1]) {
        let before = ALLOCATOR.stats();
        let report = engine.ingest(0, at, message).expect("an open engine");
        let after = ALLOCATOR.stats();
        assert_eq!(report.spans, count);
        let asked = (after.allocations - before.allocations) + (after.reallocations - before.reallocations);
        assert_eq!(asked, 0, "allocations for {count} spans of known traces");
    }
    assert_eq!(engine.stats().spans_duplicate, 0);
}
