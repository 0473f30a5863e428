//! Properties of the reference evaluator, and the engine held against it.

use fluo_testkit::backend::{Answer, Backend, EngineBackend, OracleBackend, Scenario, VerdictRecord};
use fluo_testkit::generate::{arrivals, load, rules, spans};
use fluo_testkit::model::{Batch, SpanData};
use fluo_testkit::notation::{BASE, write};
use fluo_testkit::oracle::{self, CallTable, Config, End, Run, Verdict};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config as Runner, TestRunner};

const TRACE: [u8; 16] = [9; 16];

fn a_trace() -> impl Strategy<Value = Vec<SpanData>> {
    spans::trace(TRACE, 9)
}

fn some_rules() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(rules::trace_rule(), 1..4)
}

fn scenario(sources: Vec<fluo_lang::source::Source>, rules: fluo_lang::program::RuleSet, batches: Vec<Batch>) -> Scenario {
    let run = Run { batches, end: End::Recording };
    Scenario { sources, rules, config: Config::default(), calls: CallTable::default(), run }
}

/// Records without what may depend on arrival.
fn answers(backend: &dyn Backend, scenario: &Scenario) -> Vec<(String, Vec<String>, Answer)> {
    let mut answers: Vec<_> =
        backend.run(scenario).expect("runs").records.into_iter().map(|r: VerdictRecord| (r.rule, r.group, r.verdict)).collect();
    answers.sort();
    answers
}

#[test]
fn most_generated_rules_load() {
    let mut runner = TestRunner::deterministic();
    let loaded = (0..500).filter(|_| {
        let rule = rules::trace_rule().new_tree(&mut runner).expect("generates").current();
        load(&[rule]).is_some()
    });
    let loaded = loaded.count();
    assert!(loaded >= 400, "{loaded} of 500");
}

proptest! {
    #![proptest_config(Runner { cases: 150, failure_persistence: None, ..Runner::default() })]

    /// Batches, order and repetitions do not matter.
    #[test]
    fn final_verdicts_depend_on_the_set_of_spans_only(
        rules in some_rules(),
        (one, other) in a_trace().prop_flat_map(|spans| (arrivals::in_time(spans.clone()), arrivals::with_late(spans))),
    ) {
        let Some((sources, rules)) = load(&rules) else { return Ok(()) };
        let one = scenario(sources.clone(), rules.clone(), one);
        let other = scenario(sources, rules, other);
        prop_assert_eq!(answers(&OracleBackend, &one), answers(&OracleBackend, &other));
    }

    /// A definite verdict over a part of the spans is the final one, where the trace has one root at most.
    #[test]
    fn early_verdicts_are_final(rules in some_rules(), spans in a_trace(), part in 0..9usize) {
        let Some((_, rules)) = load(&rules) else { return Ok(()) };
        let part = &spans[..part.min(spans.len())];
        let early = oracle::early(&rules, &Config::default(), &CallTable::default(), part);
        let run = Run { batches: vec![Batch { at: arrivals::FIRST, spans: spans.clone() }], end: End::Recording };
        let last = oracle::evaluate(&rules, &Config::default(), &CallTable::default(), &run);
        for finding in early {
            let found = last.iter().find(|f| f.rule == finding.rule && f.group == finding.group);
            prop_assert_eq!(found.map(|f| f.verdict), Some(finding.verdict), "{:?}", finding);
        }
        prop_assert!(last.iter().all(|f| f.verdict != Verdict::NotApplicable || f.episodes.is_empty()));
    }
}

/// How the engine differs from the reference evaluator in a scenario; empty where it does not.
fn differences(scenario: &Scenario) -> Vec<String> {
    let report = |backend: &dyn Backend| {
        let mut records = backend.run(scenario).expect("runs").records;
        records.sort_by(|a, b| (&a.rule, &a.group).cmp(&(&b.rule, &b.group)));
        records
    };
    let (engine, oracle) = (report(&EngineBackend), report(&OracleBackend));
    let mut found = Vec::new();
    for record in &oracle {
        let other = engine.iter().find(|r| (&r.rule, &r.group) == (&record.rule, &record.group));
        let same = other.is_some_and(|o| o.verdict == record.verdict && o.reasons.iter().all(|reason| record.reasons.contains(reason)));
        if !same {
            let said = other.map(|o| (o.verdict, &o.reasons));
            found.push(format!("{} {:?}: oracle {:?} {:?}, engine {said:?}", record.rule, record.group, record.verdict, record.reasons));
        }
    }
    for record in &engine {
        if !oracle.iter().any(|r| (&r.rule, &r.group) == (&record.rule, &record.group)) {
            found.push(format!("{} {:?}: oracle nothing, engine {:?} {:?}", record.rule, record.group, record.verdict, record.reasons));
        }
    }
    found
}

/// A scenario as a person reads it.
fn shown(scenario: &Scenario) -> String {
    let batches = scenario.run.batches.iter().map(|b| format!("at {}s\n{}", (b.at - BASE) / 1_000_000_000, write(&b.spans)));
    format!("{}\n{}", scenario.sources[0].text, batches.collect::<String>())
}

#[test]
fn the_engine_gives_the_verdicts_of_the_reference_evaluator() {
    let cases = std::env::var("FLUO_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let mut runner = TestRunner::new(Runner { cases, failure_persistence: None, max_shrink_iters: 3000, ..Runner::default() });
    let strategy =
        (rules::trace_rule(), a_trace().prop_flat_map(|spans| prop_oneof![arrivals::in_time(spans.clone()), arrivals::with_late(spans)]));
    let outcome = runner.run(&strategy, |(rule, batches)| {
        let Some((sources, rules)) = load(&[rule]) else { return Ok(()) };
        let scenario = scenario(sources, rules, batches);
        let differences = differences(&scenario);
        prop_assert!(differences.is_empty(), "{}\n{}", differences.join("\n"), shown(&scenario));
        Ok(())
    });
    if let Err(proptest::test_runner::TestError::Fail(why, _)) = outcome {
        panic!("{why}");
    }
}
