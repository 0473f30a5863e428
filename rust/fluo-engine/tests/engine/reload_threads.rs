//! Rule sets are swapped while other threads hand in spans: no span is judged by a plan that did not read it, none is lost to the rules
//! that its trace began with or to a window that goes on, and nothing of a rule set is held when no trace follows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use fluo_engine::signal::Event;
use fluo_engine::{Config, Engine};
use fluo_testkit::model::SpanData;
use fluo_testkit::notation::BASE;
use fluo_testkit::otlp;

use super::{SECOND, engine, rules, spans, tick};

const THREADS: u64 = 3;
const MESSAGES: u64 = 400;

/// Three rule sets that number selectors, windows and attributes differently. `total` and `pair` stand in all of them; of the others none
/// may ever be violated by what is sent.
fn sets(beats: u64) -> [String; 3] {
    let total = format!("- {{name: total, never: spans.where(name == beat).within(1h).count() >= {beats}}}\n");
    let pair = "- {name: pair, always: trace.has(first) and trace.has(second)}\n";
    let never = |name: &str| {
        format!(
            "- {{name: w-{name}, never: spans.where(name == {name}).by(u).within(1h).count() >= 1}}\n- {{name: t-{name}, never: trace.has(attr({name}) == 1)}}\n"
        )
    };
    [
        format!("{total}{pair}"),
        format!("{}{}{total}{}{pair}", never("alpha"), never("beta"), never("gamma")),
        format!("{}{pair}{}{total}", never("gamma"), never("delta")),
    ]
}

/// The halves of a trace, which come in messages of their own.
fn halves(thread: u64, number: u64) -> (Vec<SpanData>, Vec<SpanData>) {
    let mut all =
        spans(&format!("t{thread}-{number}"), "root 0..90\n  beat 1..2 {u=x}\n  first 3..4 {k=1}\n  beat 5..6\n  second 7..8 {m=1}");
    let later = all.split_off(3);
    (all, later)
}

fn hand_in(engine: &Engine, spans: &[SpanData]) {
    engine.ingest(0, BASE + SECOND, &otlp::encode(spans)).expect("whole messages are always taken");
}

#[test]
fn swaps_under_threads_lose_and_confuse_nothing() {
    let beats = THREADS * MESSAGES * 2;
    let sets = sets(beats);
    let compiled = sets.each_ref().map(|set| rules(set));
    let engine = engine(&sets[0], Config::default());
    let done = AtomicBool::new(false);
    let swaps = thread::scope(|scope| {
        let senders: Vec<_> = (0..THREADS)
            .map(|thread| {
                let engine = &engine;
                scope.spawn(move || {
                    let mut open = None;
                    for number in 0..MESSAGES {
                        let (first, second) = halves(thread, number);
                        hand_in(engine, &first);
                        // The second half of each trace comes when another has begun, under whatever rules are in use by then.
                        if let Some(before) = open.replace(second) {
                            hand_in(engine, &before);
                        }
                    }
                    hand_in(engine, &open.unwrap_or_default());
                })
            })
            .collect();
        let swapper = scope.spawn(|| {
            let mut swaps = 0usize;
            while !done.load(Ordering::Acquire) {
                swaps += 1;
                engine.swap(Arc::clone(&compiled[swaps % compiled.len()]), BASE + SECOND);
            }
            swaps
        });
        senders.into_iter().for_each(|sender| sender.join().expect("a sender ends"));
        done.store(true, Ordering::Release);
        swapper.join().expect("the swapper ends")
    });
    assert!(swaps > 3, "{swaps} swaps");

    tick(&engine, 300);
    tick(&engine, 600);
    let (signals, more) = engine.drain_signals(10_000);
    assert!(!more);
    let told: Vec<_> = signals.iter().map(|s| (s.rule.as_str(), s.event)).collect();
    // Every beat was counted once: with the last of them, and not before, there are as many as the rule forbids.
    assert_eq!(told, [("total", Event::Violation)]);

    // What each rule set counted of a rule is kept when it is gone.
    let stats = engine.stats();
    let pair = stats.rules.iter().find(|rule| rule.name == "pair").expect("the rule stands in all sets");
    assert_eq!((pair.satisfied, pair.violated), (THREADS * MESSAGES, 0));
    assert_eq!((stats.spans_received, stats.spans_duplicate), (THREADS * MESSAGES * 5, 0));
    assert_eq!((stats.traces_open, stats.traces_grace, stats.rulesets_draining), (0, 0, 0));
}

#[test]
fn nothing_is_held_of_rule_sets_that_are_gone() {
    let sets = sets(u64::from(u32::MAX));
    let engine = engine(&sets[0], Config { late_grace_ns: SECOND, ..Config::default() });
    // Every shard has its first trace before anything is compared.
    (0..512).for_each(|number| hand_in(&engine, &halves(8, number).0));
    tick(&engine, 100);
    tick(&engine, 199);
    let mut held = Vec::new();
    for round in 1..=60u64 {
        let (first, second) = halves(9, round);
        let now = |seconds: u64| BASE + (round * 200 + seconds) * SECOND;
        let shifted = |spans: Vec<SpanData>| -> Vec<SpanData> {
            let later = round * 200 * SECOND;
            spans.into_iter().map(|span| SpanData { start: span.start + later, end: span.end + later, ..span }).collect()
        };
        engine.ingest(0, now(0), &otlp::encode(&shifted(first))).expect("open");
        engine.swap(rules(&sets[round as usize % 3]), now(1));
        assert!(engine.stats().rulesets_draining >= 1, "an open trace follows the rules that it began with");
        engine.ingest(0, now(2), &otlp::encode(&shifted(second))).expect("open");
        engine.tick(now(100));
        engine.tick(now(199));
        let stats = engine.stats();
        assert_eq!((stats.traces_open, stats.traces_grace, stats.rulesets_draining), (0, 0, 0), "{round}");
        held.push(stats.bytes_held);
    }
    // Beats in the window and ids of forgotten traces are all that is added.
    let growth = held[59].saturating_sub(held[29]);
    assert!(growth < 30 * 128, "{growth} bytes: {held:?}");
}

#[test]
fn a_projection_narrows_when_nothing_reads_more_and_what_was_written_for_the_wider_one_is_taken() {
    let sets = sets(10);
    let engine = engine(&sets[1], Config::default());
    let epoch = || engine.stats().epoch;
    let reads = |name: &str| String::from_utf8(engine.projection_json()).expect("text").contains(name);
    let (first, second) = halves(0, 0);
    hand_in(&engine, &first);
    assert_eq!((epoch(), reads("alpha"), reads("delta")), (1, true, false));
    engine.swap(rules(&sets[2]), BASE + 2 * SECOND);
    let wide = epoch();
    assert!(wide > 1 && reads("alpha") && reads("delta"));
    tick(&engine, 100);
    tick(&engine, 300);
    let narrow = epoch();
    assert!(narrow > wide && !reads("alpha") && reads("delta"), "{narrow}");
    // A message on its way carries more than is read now, and so all of it; one written before `delta` was read does not.
    let bytes = otlp::encode(&second);
    assert!(engine.ingest(wide, BASE + 300 * SECOND, &bytes).is_ok());
    assert!(engine.ingest(1, BASE + 300 * SECOND, &bytes).is_err());
}
