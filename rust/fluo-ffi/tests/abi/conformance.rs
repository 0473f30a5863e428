//! The conformance corpus through the C interface.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use fluo_lang::program::{Mode, Scope};
use fluo_testkit::backend::{Answer, Backend, OracleBackend, Report, Scenario};
use fluo_testkit::case::{self, Test, TestFile};
use fluo_testkit::model::TraceId;

use crate::backend::{Counts, Outcome, outcome};

/// The corpus.
static FILES: LazyLock<Vec<TestFile>> = LazyLock::new(|| {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    case::read_folder(&corpus).unwrap_or_else(|errors| {
        panic!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    })
});

/// Every test with what a host sees of it.
static OUTCOMES: LazyLock<Vec<(String, &'static Test, Outcome)>> = LazyLock::new(|| {
    let tests = FILES.iter().flat_map(|file| file.tests.iter().map(move |test| (format!("{}: test `{}`", file.name, test.name), test)));
    tests.map(|(place, test)| (place.clone(), test, outcome(&test.scenario).unwrap_or_else(|why| panic!("{place}: {why}")))).collect()
});

/// An outcome as a backend, for the corpus' own comparison.
struct Ran<'o>(&'o Outcome);

impl Backend for Ran<'_> {
    fn name(&self) -> &'static str {
        "C interface"
    }

    fn run(&self, _: &Scenario) -> Result<Report, String> {
        Ok(self.0.report.clone())
    }
}

#[test]
fn signals_are_what_the_corpus_expects() {
    let failures: Vec<String> = OUTCOMES
        .iter()
        .flat_map(|(place, test, outcome)| case::run(test, &Ran(outcome)).into_iter().map(move |failure| format!("{place}: {failure}")))
        .collect();
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

/// The rules whose cases the interface cannot express are those that the engine refuses, by name.
#[test]
fn no_case_is_left_out_in_silence() {
    let mut left_out = Vec::new();
    for (place, test, outcome) in &*OUTCOMES {
        for (name, why) in &outcome.report.unsupported {
            let rule = test.scenario.rules.rules.iter().find(|rule| rule.name == *name).expect("a rule of the test");
            assert_eq!(rule.scope, Scope::Spans, "{place}: `{name}`: {why}");
            left_out.push(format!("{place}: `{name}`: {why}"));
        }
    }
    println!("{} rules of the corpus are refused\n{}", left_out.len(), left_out.join("\n"));
    assert!(left_out.len() < 12, "{} rules of the corpus are refused\n{}", left_out.len(), left_out.join("\n"));
}

/// Whatever an expectation names: the set of signals is exactly what the reference evaluator finds violated, or undecided in a rule
/// that wants to hear of it, and the statistics count the worst verdict of each trace.
#[test]
fn signals_and_counts_are_those_of_the_reference_evaluator() {
    let mut failures = Vec::new();
    let mut compared = 0;
    for (place, test, outcome) in &*OUTCOMES {
        let (signals, counts) = expected(&test.scenario);
        let is_run = |rule: &String| outcome.report.unsupported.iter().all(|(name, _)| name != rule);
        let signals: BTreeSet<_> = signals.into_iter().filter(|(rule, ..)| is_run(rule)).collect();
        for (rule, trace, group) in signals.symmetric_difference(&outcome.signalled) {
            failures.push(format!("{place}: `{rule}` {trace:?} {group:?} is signalled on one side only"));
        }
        for (rule, expected) in counts.iter().filter(|(rule, _)| is_run(rule)) {
            compared += 1;
            let got = outcome.counts.get(rule).cloned().unwrap_or_default();
            let same = (got.satisfied, got.violated, got.not_applicable, got.undecided)
                == (expected.satisfied, expected.violated, expected.not_applicable, expected.undecided);
            // A claim with several reasons is counted under one of them.
            let known = got.inconclusive.iter().all(|(reason, n)| *n <= expected.inconclusive.get(reason).copied().unwrap_or(0));
            if !same || !known {
                failures.push(format!("{place}: `{rule}` counts {got:?}, expected {expected:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
    assert!(compared > 1_000, "{compared} rules compared");
}

type Signals = BTreeSet<(String, Option<TraceId>, Vec<String>)>;

/// What the reference evaluator would signal and count. Of an inconclusive verdict every reason counts.
fn expected(scenario: &Scenario) -> (Signals, BTreeMap<String, Counts>) {
    let records = OracleBackend.run(scenario).expect("runs").records;
    let traces: BTreeSet<TraceId> = scenario.run.batches.iter().flat_map(|batch| &batch.spans).map(|span| span.trace_id).collect();
    let (mut signals, mut counts) = (Signals::new(), BTreeMap::new());
    for rule in &scenario.rules.rules {
        let mine = || records.iter().filter(|record| record.rule == rule.name);
        if rule.mode == Mode::Enforce {
            signals.extend(
                mine()
                    .filter(|record| record.verdict == Answer::Violated || record.gap_signal == Some(true))
                    .map(|r| (r.rule.clone(), r.trace_id, r.group.clone())),
            );
        }
        if rule.scope == Scope::Spans || rule.mode == Mode::Disabled {
            continue;
        }
        // Of a trace that was forgotten the verdict is not remembered, so that a fact that comes later revises what it most likely was.
        if mine().any(|record| record.trigger.as_deref() == Some("late")) {
            continue;
        }
        let count: &mut Counts = counts.entry(rule.name.clone()).or_default();
        for trace in &traces {
            let of_trace = || mine().filter(|record| record.trace_id == Some(*trace));
            match of_trace().map(|record| record.verdict).max().unwrap_or(Answer::NotApplicable) {
                Answer::Satisfied => count.satisfied += 1,
                Answer::Violated => count.violated += 1,
                Answer::NotApplicable => count.not_applicable += 1,
                Answer::Inconclusive => {
                    count.undecided += 1;
                    for reason in of_trace().flat_map(|record| &record.reasons).map(|r| r.word()).collect::<BTreeSet<_>>() {
                        *count.inconclusive.entry(reason.to_owned()).or_default() += 1;
                    }
                }
            }
        }
    }
    (signals, counts)
}
