//! When a trace is decided, what loss forbids, and what late spans change.

use fluo_engine::Config;
use fluo_engine::signal::{Event, Phase, Trigger};
use fluo_engine::stats::RuleStats;
use fluo_testkit::model::SpanData;

use super::{SECOND, engine, ingest, signals, spans, tick};

const PAIR: &str = "- {name: pair, always: trace.has(charge) and trace.has(check)}";

#[test]
fn every_verdict_is_counted_by_rule() {
    let engine = engine(PAIR, Config::default());
    ingest(&engine, 1, &spans("good", "root 0..9\n  charge 1..2\n  check 3..4"));
    ingest(&engine, 1, &spans("bad", "root 0..9\n  charge 1..2"));
    ingest(&engine, 1, &spans("other", "root 0..9\n  login 1..2"));
    ingest(&engine, 1, &spans("torn", "charge ^?lost 1..2"));
    tick(&engine, 100);
    let stats = engine.stats();
    let rule = &stats.rules[0];
    assert_eq!((rule.satisfied, rule.violated, rule.not_applicable, rule.inconclusive["gap"]), (1, 1, 1, 1));
    assert_eq!((stats.traces_completed, stats.traces_open, stats.spans_received), (4, 0, 8));
}

#[test]
fn a_gap_makes_absence_inconclusive_and_a_rule_may_ask_for_a_signal() {
    let torn = spans("t", "root 0..100\n  charge ^?lost 10..20");
    let silent = engine(PAIR, Config::default());
    ingest(&silent, 1, &torn);
    tick(&silent, 200);
    assert!(signals(&silent).is_empty());
    let loud = engine("- {name: pair, always: trace.has(charge) and trace.has(check), on_gap: signal}", Config::default());
    ingest(&loud, 1, &torn);
    tick(&loud, 60);
    assert!(signals(&loud).is_empty(), "a trace that misses a parent waits for its age");
    tick(&loud, 61);
    let found = signals(&loud);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].trigger, found[0].trace_complete), (Trigger::Age, Some(false)));
}

#[test]
fn shutdown_decides_what_is_open_and_closes() {
    let engine =
        engine("- {name: one, never: trace.has(bad)}\n- {name: pair, always: trace.has(charge) and trace.has(check)}", Config::default());
    ingest(&engine, 1, &spans("t", "root 0..100\n  charge 10..20"));
    engine.flush(super::BASE + 2 * SECOND);
    assert!(signals(&engine).is_empty());
    let stats = engine.stats();
    assert_eq!(stats.rules.iter().map(|r| r.inconclusive["shutdown"]).collect::<Vec<_>>(), [1, 1]);
    assert!(engine.ingest(0, super::BASE, &[]).is_err());
}

#[test]
fn shutdown_waits_for_what_is_being_decided() {
    let config = Config { signal_queue_size: 100_000, max_traces: 100_000, ..Config::default() };
    let engine = engine("- {name: pair, always: trace.has(charge) and trace.has(check)}", config);
    for n in 0..3_000 {
        ingest(&engine, 1, &spans(&format!("t{n}"), "charge 10..20"));
    }
    std::thread::scope(|threads| {
        threads.spawn(|| tick(&engine, 100));
        while engine.stats().traces_open > 0 {
            std::thread::yield_now();
        }
        engine.flush(super::BASE + 100 * SECOND);
        assert_eq!(engine.drain_signals(100_000).0.len(), 3_000);
    });
}

#[test]
fn repetitions_count_once_and_conflicts_are_counted() {
    let engine = engine("- {name: three, never: trace.count(a) > 2}", Config::default());
    let mut all = spans("t", "root 0..9\n  a 1..2 *2");
    for second in 1..6 {
        ingest(&engine, second, &all);
    }
    assert!(signals(&engine).is_empty());
    assert_eq!(engine.stats().spans_duplicate, 12);
    all[1].end += 1;
    ingest(&engine, 6, &all);
    assert_eq!(engine.stats().spans_conflicting, 1);
}

#[test]
fn a_late_span_takes_a_violation_back_under_the_same_id() {
    let engine = engine(PAIR, Config::default());
    let all = spans("t", "root 0..100\n  charge 10..20\n  check 5..6");
    ingest(&engine, 1, &all[..2]);
    tick(&engine, 11);
    let violated = signals(&engine);
    assert_eq!(violated.len(), 1);
    ingest(&engine, 30, &all[2..]);
    let retracted = signals(&engine);
    assert_eq!(retracted.len(), 1);
    assert_eq!((retracted[0].event, retracted[0].phase), (Event::Retracted, Phase::Late));
    assert_eq!(retracted[0].violation_id, violated[0].violation_id);
    let stats = engine.stats();
    let rule = &stats.rules[0];
    assert_eq!((rule.violated, rule.satisfied, stats.spans_late), (1, 0, 1), "the verdict that was given stays counted");
    let [revision] = rule.revisions.as_slice() else { panic!("{:?}", rule.revisions) };
    assert_eq!((revision.from, revision.to, revision.count), ("violated", "satisfied", 1));
    let standing = rule.standing();
    assert_eq!((standing.violated, standing.satisfied), (0, 1));
}

#[test]
fn no_verdict_count_ever_falls() {
    let engine = engine(PAIR, Config { late_grace_ns: 3600 * SECOND, ..Config::default() });
    let counts = |rule: &RuleStats| [rule.satisfied, rule.violated, rule.not_applicable, rule.inconclusive.values().sum()];
    let mut before = [0; 4];
    for trace in 0..20u8 {
        let all = spans(&format!("t{trace}"), "root 0..100\n  charge 10..20\n  check 5..6");
        let now = 100 * u64::from(trace);
        ingest(&engine, now + 1, &all[..1 + usize::from(trace % 2)]);
        tick(&engine, now + 12);
        for span in all.iter().skip(1) {
            ingest(&engine, now + 13, std::slice::from_ref(span));
            let after = counts(&engine.stats().rules[0]);
            assert!(before.iter().zip(after).all(|(before, after)| *before <= after), "{before:?} {after:?}");
            assert_eq!(after.iter().sum::<u64>(), u64::from(trace) + 1, "each trace counts once");
            before = after;
        }
    }
    let rule = &engine.stats().rules[0];
    assert_eq!((counts(rule), counts(&rule.standing())), ([0, 10, 10, 0], [20, 0, 0, 0]), "all are whole in the end");
}

#[test]
fn a_late_span_may_also_break_a_claim() {
    let engine = engine("- {name: none, never: trace.has(bad)}", Config::default());
    let all = spans("t", "root 0..100\n  bad 10..20");
    ingest(&engine, 1, &all[..1]);
    tick(&engine, 20);
    ingest(&engine, 30, &all[1..]);
    let found = signals(&engine);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].event, found[0].phase), (Event::Violation, Phase::Late));
}

#[test]
fn how_often_time_is_told_changes_nothing() {
    let run = |ticks: &[u64]| {
        let engine = engine(PAIR, Config::default());
        ingest(&engine, 1, &spans("t", "root 0..100\n  charge 10..20"));
        ticks.iter().for_each(|t| tick(&engine, *t));
        ingest(&engine, 90, &spans("u", "root 0..100"));
        tick(&engine, 90);
        (signals(&engine).into_iter().map(|s| (s.violation_id, s.observed_time)).collect::<Vec<_>>(), engine.stats().traces_grace)
    };
    assert_eq!(run(&[]), run(&(2..90).collect::<Vec<_>>()));
}

#[test]
fn late_spans_revise_once_a_message() {
    let all = spans("t", "root 0..100\n  b 0..1\n  a 30..40 {k=2}\n  a 28..40 {k=1}\n  a 10..20 {k=2}");
    let told = |messages: &[&[SpanData]]| {
        let engine = engine("- {name: begins, always: trace.has(a).within(5ms).first.k == 1}", Config::default());
        ingest(&engine, 1, &all[..3]);
        tick(&engine, 20);
        messages.iter().for_each(|late| ingest(&engine, 30, late));
        signals(&engine).iter().map(|signal| signal.event).collect::<Vec<_>>()
    };
    assert_eq!(told(&[&all[3..4], &all[4..]]), [Event::Violation, Event::Retracted, Event::Violation]);
    assert_eq!(told(&[&all[3..]]), [Event::Violation], "both together change nothing");
}
