//! Random cases, engine against reference evaluator, a few in every run of the tests; `make differential` runs many.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use fluo_testkit::differential::{Cases, Kind, Outcome};
use fluo_testkit::generate::{load, rules};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

/// The same cases every time, so that a change shows what it broke.
const SEED: u64 = 0;

#[test]
fn most_generated_rules_load() {
    let mut runner = TestRunner::deterministic();
    let rules = rules::trace_rule();
    let loaded = (0..500).filter(|_| load(&[rules.new_tree(&mut runner).expect("generates").current()]).is_some());
    let loaded = loaded.count();
    assert!(loaded >= 400, "{loaded} of 500");
}

/// Asks as many questions of a kind; of these so many must have something to disagree on.
fn hold(kind: Kind, cases: u64, least: u64) {
    let drawn = Cases::new(SEED);
    let mut telling = 0;
    for number in (0..).filter(|number| Kind::of(*number) == kind).take(usize::try_from(cases).expect("a small number")) {
        match drawn.run(number) {
            Outcome::Agreed { is_telling } => telling += u64::from(is_telling),
            Outcome::NotDrawn => {}
            Outcome::Differs { differences, question } => {
                panic!("case {number} of seed {SEED}\n{}\n{question}", differences.join("\n"));
            }
        }
    }
    assert!(telling >= least, "{telling} of {cases} cases had anything to disagree on");
}

#[test]
fn the_engine_gives_the_verdicts_and_signals_of_the_reference_evaluator() {
    hold(Kind::Verdicts, 300, 60);
}

#[test]
fn final_verdicts_depend_on_the_set_of_spans_only() {
    hold(Kind::Arrivals, 200, 40);
}

#[test]
fn a_definite_verdict_agrees_with_every_completion() {
    // The engine gives few verdicts early: mostly violations, where no counter decides.
    hold(Kind::Prefix, 300, 40);
}

#[test]
fn the_engine_gives_windows_over_spans_the_episodes_of_the_reference_evaluator() {
    hold(Kind::Windows, 150, 30);
}

#[test]
fn the_engine_gives_each_span_of_a_sequence_the_verdict_of_the_reference_evaluator() {
    hold(Kind::Sequences, 200, 40);
}

#[test]
fn people_see_of_streams_in_the_steady_state_what_the_reference_evaluator_says() {
    hold(Kind::Steady, 100, 30);
}
