//! Two clocks: what moves them, which spans count by them, and where they stop.

use fluo_engine::signal::Event;
use fluo_engine::{Config, Engine};
use fluo_testkit::model::SpanData;
use fluo_testkit::notation::BASE;
use fluo_testkit::otlp;

use super::{SECOND, engine, ingest, signals, spans, tick};

/// Three rules that count every span.
const COUNTS: &str = "
- {name: a, never: spans.within(1m).count() > 99}
- {name: b, never: spans.within(2m).count() > 99}
- {name: c, never: spans.by(service).within(3m).count() > 99}
";

/// A span of a trace of its own that ends so many milliseconds after the base.
fn span(n: u64, end: u64) -> SpanData {
    let mut span = spans(&format!("t{n}"), "x 1..2").remove(0);
    span.end = BASE + end * 1_000_000;
    span.start = span.end - 1_000;
    span
}

fn counted(engine: &Engine) -> (u64, u64) {
    let stats = engine.stats();
    (stats.spans_late, stats.spans_bad_time)
}

#[test]
fn a_late_span_is_counted_once_however_many_rules_want_it() {
    let engine = engine(COUNTS, Config::default());
    for minute in 0..5 {
        ingest(&engine, minute * 60 + 1, &[span(minute, minute * 60_000 + 1)]);
    }
    ingest(&engine, 241, &[span(9, 1)]);
    assert_eq!(counted(&engine), (1, 0));
}

#[test]
fn a_span_without_a_believable_time_is_counted_once_however_many_rules_want_it() {
    let engine = engine(COUNTS, Config::default());
    let ahead = 30_100;
    ingest(&engine, 100, &[span(1, 100_000), span(2, 100_000 + ahead), span(3, 100_001 + ahead)]);
    let (mut reversed, mut without) = (span(4, 100_000), span(5, 100_000));
    reversed.start = reversed.end + 1;
    without.start = 0;
    ingest(&engine, 100, &[reversed, without]);
    assert_eq!(counted(&engine), (0, 3));
}

#[test]
fn what_no_rule_over_spans_wants_is_not_left_out() {
    let engine = engine("- {name: few, never: spans.where(name == other).within(1m).count() > 3}", Config::default());
    ingest(&engine, 100, &[span(1, 100_000), span(2, 900_000)]);
    ingest(&engine, 100, &[span(3, 1_000)]);
    assert_eq!(counted(&engine), (0, 0));
}

#[test]
fn repetitions_of_a_late_span_are_repetitions() {
    let engine = engine(COUNTS, Config::default());
    ingest(&engine, 100, &[span(1, 100_000)]);
    ingest(&engine, 100, &[span(2, 1_000), span(2, 1_000)]);
    ingest(&engine, 101, &[span(2, 1_000)]);
    assert_eq!(counted(&engine), (1, 0));
    assert_eq!(engine.stats().spans_duplicate, 2);
}

/// A sender whose clock is 25 s ahead sends all the time; spans of another one come 20 s after they ended, and count.
#[test]
fn a_sender_whose_clock_is_ahead_closes_nobodys_windows() {
    let engine = engine("- {name: few, never: spans.where(name == x).within(1m).count() > 2}", Config::default());
    for second in 100..120 {
        let mut ahead = span(second, (second + 25) * 1_000);
        ahead.name = "ahead".to_owned();
        ingest(&engine, second, &[ahead]);
    }
    ingest(&engine, 120, &[span(1, 99_000), span(2, 99_500), span(3, 100_000)]);
    assert_eq!(signals(&engine).len(), 1);
    assert_eq!(counted(&engine), (0, 0));
}

#[test]
fn event_time_is_read_before_a_request_is_applied() {
    let engine = engine(COUNTS, Config::default());
    ingest(&engine, 100, &[span(1, 100_000)]);
    ingest(&engine, 140, &[span(2, 140_000), span(3, 110_000)]);
    assert_eq!(counted(&engine), (0, 0), "by the clock before the request, which ran on to 140 s, the watermark is 110 s");
    ingest(&engine, 140, &[span(4, 109_999)]);
    assert_eq!(counted(&engine), (1, 0));
}

/// The first span is of any age: recorded old spans behave as new ones.
#[test]
fn old_spans_set_event_time_and_newer_ones_move_it() {
    let engine = engine("- {name: few, never: spans.within(1m).count() > 2}", Config::default());
    ingest(&engine, 3_600, &[span(1, 1_000), span(2, 2_000)]);
    ingest(&engine, 3_601, &[span(3, 3_000)]);
    assert_eq!(signals(&engine).len(), 1);
    ingest(&engine, 3_602, &[span(4, 3_602_000), span(5, 5_000)]);
    ingest(&engine, 3_602, &[span(6, 6_000)]);
    assert_eq!(counted(&engine), (1, 0));
}

#[test]
fn nothing_is_judged_after_the_end_of_a_recording() {
    let engine = engine("- {name: alive, always: spans.where(name == x).within(1m).count() >= 1}", Config::default());
    for second in [0, 50, 95] {
        ingest(&engine, second, &[span(second, second * 1_000)]);
    }
    engine.end_recording(BASE + 95 * SECOND);
    let before = engine.stats();
    for second in 1..20 {
        tick(&engine, 95 + second * 60);
    }
    ingest(&engine, 2_000, &[span(1, 2_000_000)]);
    engine.end_recording(BASE + 2_000 * SECOND);
    engine.flush(BASE + 3_000 * SECOND);
    assert!(signals(&engine).is_empty());
    assert_eq!(engine.stats().rules, before.rules);
}

#[test]
fn a_host_whose_clock_is_set_back_waits_for_nothing() {
    let engine = engine("- {name: none, never: trace.has(zzz)}", Config::default());
    engine.tick(BASE + 3_600 * SECOND);
    ingest(&engine, 0, &spans("t", "root 0..9"));
    tick(&engine, 9);
    assert_eq!(engine.stats().traces_completed, 0);
    tick(&engine, 10);
    assert_eq!(engine.stats().traces_completed, 1);
}

/// The violation of a missing heartbeat is the same whether the silence ends in a request or in a tick.
#[test]
fn event_time_runs_on_with_arrival_time() {
    let rule = "- {name: alive, always: spans.where(name == x).within(1m).count() >= 1}";
    let (live, replayed) = (engine(rule, Config::default()), engine(rule, Config::default()));
    for engine in [&live, &replayed] {
        ingest(engine, 0, &[span(1, 0)]);
        ingest(engine, 30, &[span(2, 30_000)]);
    }
    (31..200).for_each(|second| tick(&live, second));
    for engine in [&live, &replayed] {
        engine.ingest(0, BASE + 200 * SECOND, &otlp::encode(&[span(3, 200_000)])).expect("an open engine");
        [240, 300].into_iter().for_each(|second| tick(engine, second));
    }
    let told = |engine: &Engine| signals(engine).into_iter().map(|s| (s.event, s.violation_id, s.window)).collect::<Vec<_>>();
    let found = told(&live);
    assert_eq!(found.iter().filter(|(event, ..)| *event == Event::Violation).count(), 2);
    assert_eq!(found, told(&replayed));
}
