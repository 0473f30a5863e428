//! Which spans are repetitions, and what of those that no trace holds reaches windows.

use fluo_engine::Config;
use fluo_engine::signal::Trigger;
use fluo_testkit::model::SpanData;
use fluo_testkit::notation::BASE;

use super::{SECOND, engine, ingest, signals, spans, tick};

/// Spans of one trace with ids that spread over all bits, each a second after the one before where `beats`.
fn numbered(numbers: std::ops::Range<u64>, salt: u64, beats: bool) -> Vec<SpanData> {
    let model = spans("t", "beat 0..1").remove(0);
    let id = |number: u64| (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(salt).to_be_bytes();
    let of = |number: u64| {
        let later = if beats { number * SECOND } else { 0 };
        let parent_id = (number > 0).then(|| id(0));
        SpanData { span_id: id(number), parent_id, start: model.start + later, end: model.end + later, ..model.clone() }
    };
    numbers.map(of).collect()
}

#[test]
fn unique_ids_are_no_repetitions_however_long_the_trace() {
    for salt in 0..20 {
        let engine = engine("- {name: none, never: trace.count(nothing) > 3}", Config::default());
        let all = numbered(0..9_900, salt, false);
        all.chunks(3_300).for_each(|part| ingest(&engine, 1, part));
        let stats = engine.stats();
        assert_eq!((stats.spans_duplicate, stats.spans_over_limit), (0, 0), "{salt}");
        ingest(&engine, 1, &all[..200]);
        assert_eq!(engine.stats().spans_duplicate, 200, "{salt}");
    }
}

#[test]
fn windows_take_the_spans_of_a_trace_that_was_forgotten_and_none_twice() {
    let rules = "- {name: silent, always: spans.where(name == beat).within(10s).count() >= 1}\n\
         - {name: many, never: spans.where(name == beat).within(10m).count() > 250}\n";
    let engine = engine(rules, Config::default());
    for beat in numbered(0..240, 7, true) {
        let now = beat.end + SECOND / 2;
        for _ in 0..2 {
            engine.ingest(0, now, &fluo_testkit::otlp::encode(std::slice::from_ref(&beat))).expect("an open engine");
        }
    }
    tick(&engine, 241);
    assert!(signals(&engine).is_empty());
    assert_eq!(engine.stats().spans_duplicate, 240);
}

#[test]
fn windows_take_the_spans_beyond_the_limit_of_a_trace_and_none_twice() {
    let engine = engine(
        "- {name: many, never: spans.where(name == beat).within(1m).count() > 20}",
        Config { max_spans_per_trace: 10, ..Config::default() },
    );
    let all = numbered(0..21, 7, false);
    ingest(&engine, 1, &all[..20]);
    ingest(&engine, 1, &all[..20]);
    assert!(signals(&engine).is_empty(), "20 spans twice");
    ingest(&engine, 1, &all[20..]);
    assert_eq!(signals(&engine).len(), 1);
}

#[test]
fn a_fact_is_told_once_however_late_it_comes_and_however_often() {
    let engine = engine("- {name: forbidden, never: trace.has(delete)}", Config::default());
    let all = spans("t", "root 0..9\n  delete 1..2\n  delete 3..4\n  delete 5..6");
    ingest(&engine, 1, &all[..1]);
    for second in [200, 210, 400, 600] {
        ingest(&engine, second, &all[1..2]);
        ingest(&engine, second, &all[2..]);
    }
    let found = signals(&engine);
    assert_eq!(found.iter().map(|signal| signal.trigger).collect::<Vec<_>>(), [Trigger::Late]);
    let first = engine.stats().rules.into_iter().next().expect("a rule");
    assert_eq!(
        (first.satisfied, first.revisions.iter().map(|r| (r.from, r.to, r.count)).collect::<Vec<_>>()),
        (1, vec![("satisfied", "violated", 1)])
    );
    assert!(found[0].observed_time == BASE + 200 * SECOND);
}
