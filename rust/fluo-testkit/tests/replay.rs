//! Requests that a host hands to the engine as they come, the same requests in a recording, and in a rule test: the same signals.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use fluo_engine::signal::{Event, Signal};
use fluo_engine::{Engine, IngestError};
use fluo_testkit::backend::{EngineBackend, Scenario};
use fluo_testkit::differential::{Kind, Question, question};
use fluo_testkit::model::Batch;
use fluo_testkit::oracle::{Config, End, Run};
use fluo_testkit::otlp;
use fluo_testkit::otlp_file::Message;
use fluo_testkit::replay::{Request, Timed, drive};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

/// How often a host lets time pass. Nanoseconds.
const TICK: u64 = 250_000_000;

/// What somebody who reads all signals knows at their end: violations that stand, and those that were resolved.
#[derive(Debug, PartialEq, Eq, Default)]
struct Known {
    violated: BTreeSet<(String, [u8; 16])>,
    resolved: BTreeSet<(String, [u8; 16])>,
}

impl Known {
    fn of(signals: &[Signal]) -> Self {
        let mut known = Self::default();
        for signal in signals {
            let id = (signal.rule.clone(), signal.violation_id);
            match signal.event {
                Event::Violation => known.violated.insert(id),
                Event::Retracted => known.violated.remove(&id),
                Event::Resolved => known.resolved.insert(id),
            };
        }
        known
    }
}

/// The requests of a scenario as a recording of them tells their times.
fn recorded(scenario: &Scenario) -> Vec<Request> {
    let batches = scenario.run.batches.iter().filter(|batch| !batch.spans.is_empty());
    Timed::new(batches.map(|batch| Message::of(otlp::encode(&batch.spans)))).collect()
}

fn start(requests: &[Request]) -> u64 {
    requests.first().map_or(0, |request| request.at)
}

fn idle(scenario: &Scenario, requests: &[Request]) -> Engine {
    EngineBackend.idle(scenario, start(requests)).expect("an engine")
}

fn replayed(scenario: &Scenario, requests: &[Request]) -> Vec<Signal> {
    let mut signals = Vec::new();
    let engine = idle(scenario, requests);
    drive::<IngestError>(&engine, requests.iter().cloned().map(Ok), &mut |signal| {
        signals.push(signal.clone());
        Ok(())
    })
    .expect("nothing is refused");
    signals
}

/// As a host drives the engine: a tick now and then, whatever falls due in between.
fn live(scenario: &Scenario, requests: &[Request]) -> Vec<Signal> {
    let engine = idle(scenario, requests);
    let mut now = start(requests);
    for request in requests {
        while now + TICK < request.at {
            now += TICK;
            engine.tick(now);
        }
        now = request.at;
        engine.ingest(0, now, &request.bytes).expect("nothing is refused");
    }
    engine.end_recording(now);
    while engine.next_deadline().is_some() {
        now += TICK;
        engine.tick(now);
    }
    engine.flush(now);
    engine.drain_signals(usize::MAX).0
}

fn tested(scenario: &Scenario, requests: &[Request]) -> Vec<Signal> {
    let batch = |request: &Request| Batch { at: request.at, spans: otlp::decode(&request.bytes).expect("well formed") };
    let run = Run { batches: requests.iter().map(batch).collect(), end: End::Recording };
    EngineBackend.signals(&Scenario { run, ..scenario.clone() }).expect("runs")
}

/// Holds the three against each other on random cases of a kind; so many must have signals.
fn hold(kind: Kind, cases: usize, least: usize) {
    let mut runner = TestRunner::deterministic();
    let questions = question(kind);
    let mut telling = 0;
    for case in 0..cases {
        let drawn = questions.new_tree(&mut runner).expect("generates").current();
        let (Question::Verdicts(scenario)
        | Question::Windows(scenario)
        | Question::Sequences(scenario)
        | Question::Steady(scenario)
        | Question::Crowded(scenario, _)) = drawn
        else {
            panic!("another kind");
        };
        // What an engine missed that began later is no part of a recording.
        let scenario = Scenario { config: Config { live_since: None, ..scenario.config.clone() }, ..scenario };
        let requests = recorded(&scenario);
        assert!(requests.is_sorted_by_key(|request| request.at));
        let replayed = Known::of(&replayed(&scenario, &requests));
        let told = |what: &str| format!("case {case}: {what}: {:?}\n{:#?}", scenario.run, scenario.sources);
        assert_eq!(replayed, Known::of(&live(&scenario, &requests)), "{}", told("live"));
        assert_eq!(replayed, Known::of(&tested(&scenario, &requests)), "{}", told("rule test"));
        telling += usize::from(!replayed.violated.is_empty());
    }
    assert!(telling >= least, "{telling} of {cases} cases had a violation");
}

#[test]
fn rules_over_traces() {
    hold(Kind::Verdicts, 150, 20);
}

#[test]
fn windows() {
    hold(Kind::Windows, 80, 20);
}

#[test]
fn sequences() {
    hold(Kind::Sequences, 80, 10);
}

#[test]
fn streams_in_the_steady_state() {
    hold(Kind::Steady, 60, 15);
}
