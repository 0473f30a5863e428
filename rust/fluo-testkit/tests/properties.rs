//! Properties of the reference evaluator, and the engine held against it.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use fluo_testkit::backend::{Answer, Backend, EngineBackend, OracleBackend, Scenario, VerdictRecord};
use fluo_testkit::generate::{arrivals, load, rules, spans};
use fluo_testkit::model::{Batch, SpanData};
use fluo_testkit::notation::{BASE, write};
use fluo_testkit::oracle::{self, CallEntry, CallKey, CallTable, Config, End, Run, TopIsRoot, Verdict};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config as Runner, TestRng, TestRunner};

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

/// How the engine differs from the reference evaluator in a scenario; empty where it does not. Nothing to say of a group and not
/// applicable are the same.
fn differences(scenario: &Scenario) -> Vec<String> {
    let report = |backend: &dyn Backend| {
        let mut records = backend.run(scenario).expect("runs").records;
        records.retain(|record| record.verdict != Answer::NotApplicable);
        records
    };
    let (engine, oracle) = (report(&EngineBackend), report(&OracleBackend));
    let mut found = Vec::new();
    for record in &oracle {
        let other = engine.iter().find(|r| (&r.rule, &r.group) == (&record.rule, &record.group));
        let same = other.is_some_and(|o| {
            o.verdict == record.verdict && (o.reasons == record.reasons || o.reasons.iter().any(|reason| record.reasons.contains(reason)))
        });
        if !same {
            let said = other.map(|o| (o.verdict, &o.reasons));
            found.push(format!("{} {:?}: oracle {:?} {:?}, engine {said:?}", record.rule, record.group, record.verdict, record.reasons));
        }
    }
    // A group that was possible for a while and then was none leaves its last verdict behind in the engine's record.
    for record in engine.iter().filter(|record| record.group.is_empty() || record.verdict != Answer::Inconclusive) {
        if !oracle.iter().any(|r| (&r.rule, &r.group) == (&record.rule, &record.group)) {
            found.push(format!("{} {:?}: oracle nothing, engine {:?} {:?}", record.rule, record.group, record.verdict, record.reasons));
        }
    }
    found
}

/// A scenario as a person reads it.
fn shown(scenario: &Scenario) -> String {
    let batches = scenario.run.batches.iter().map(|b| format!("at {}s\n{}", (b.at - BASE) / 1_000_000_000, write(&b.spans)));
    let calls: String = scenario.calls.entries.iter().map(|entry| format!("{entry:?}\n")).collect();
    format!("{}\n{}{calls}{:?} {:?}", scenario.sources[0].text, batches.collect::<String>(), scenario.config, scenario.run.end)
}

/// Draws the same cases every time, so that a change shows what it broke; `FLUO_CASES=10000` draws that many new ones.
fn runner(cases: u32) -> TestRunner {
    let more: Option<u32> = std::env::var("FLUO_CASES").ok().and_then(|n| n.parse().ok());
    let config = Runner {
        cases: more.unwrap_or(cases),
        failure_persistence: None,
        max_shrink_iters: 3000,
        max_shrink_time: 20_000,
        ..Runner::default()
    };
    let fixed = TestRng::deterministic_rng(config.rng_algorithm);
    if more.is_some() { TestRunner::new(config) } else { TestRunner::new_with_rng(config, fixed) }
}

/// Runs the property and shows the smallest case that breaks it.
fn hold(runner: &mut TestRunner, strategy: &impl Strategy<Value = Scenario>, differences: impl Fn(&Scenario) -> Vec<String>) {
    let outcome = runner.run(strategy, |scenario| {
        let differences = differences(&scenario);
        prop_assert!(differences.is_empty(), "{}\n{}", differences.join("\n"), shown(&scenario));
        Ok(())
    });
    if let Err(proptest::test_runner::TestError::Fail(why, _)) = outcome {
        panic!("{why}");
    }
}

/// Settings and ends that verdicts depend on.
fn circumstances() -> impl Strategy<Value = (Config, End)> {
    const SECOND: u64 = 1_000_000_000;
    let config = (
        prop::sample::select(vec![TopIsRoot::Age, TopIsRoot::Settle]),
        prop::sample::select(vec![0, SECOND / 10, SECOND]),
        prop_oneof![4 => Just(10_000usize), 1 => 1..6usize],
    );
    let end =
        prop_oneof![4 => Just(End::Recording), 1 => (0..70u64).prop_map(|s| End::Shutdown(arrivals::FIRST + 9 * SECOND + s * SECOND))];
    (config, end).prop_map(|((top_is_root, max_skew, max_spans_per_trace), end)| {
        (Config { top_is_root, max_skew, max_spans_per_trace, ..Config::default() }, end)
    })
}

#[test]
fn the_engine_gives_the_verdicts_of_the_reference_evaluator() {
    let batches = a_trace().prop_flat_map(|spans| prop_oneof![arrivals::in_time(spans.clone()), arrivals::with_late(spans)]);
    let strategy = (rules::trace_rule(), batches, circumstances()).prop_filter_map(
        "the language refuses the rule",
        |(rule, batches, (config, end))| {
            let (sources, rules) = load(&[rule])?;
            let last = batches.last().map_or(0, |batch| batch.at);
            let end = if let End::Shutdown(at) = end { End::Shutdown(at.max(last)) } else { end };
            let scenario = scenario(sources, rules, batches);
            Some(Scenario { config, run: Run { end, ..scenario.run.clone() }, ..scenario })
        },
    );
    hold(&mut runner(400), &strategy, differences);
}

/// A call table that says of some calls of the trace that some selector of the rule comes below them, always or nearly.
fn call_table() -> impl Strategy<Value = Vec<(prop::sample::Index, prop::sample::Index, u64)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 97..=100u64), 0..4)
}

#[test]
fn the_engine_and_the_reference_evaluator_agree_on_calls_without_callee() {
    let batches = a_trace().prop_flat_map(arrivals::in_time);
    let strategy =
        (rules::trace_rule(), batches, call_table()).prop_filter_map("the language refuses the rule", |(rule, batches, calls)| {
            let (sources, rules) = load(&[rule])?;
            let selectors: Vec<_> = rules.rules.iter().flat_map(oracle::selectors).collect();
            let spans: Vec<SpanData> = batches.iter().flat_map(|batch| batch.spans.clone()).collect();
            let entry = |(span, selector, below): (prop::sample::Index, prop::sample::Index, u64)| CallEntry {
                call: CallKey::of(span.get(&spans)),
                selector: selector.get(&selectors).clone(),
                traces: 100,
                below,
            };
            let mut entries: Vec<CallEntry> = if selectors.is_empty() { Vec::new() } else { calls.into_iter().map(entry).collect() };
            entries.sort_by_key(|entry| format!("{:?}{:?}", entry.call, entry.selector));
            entries.dedup_by(|a, b| a.call == b.call && a.selector == b.selector);
            Some(Scenario { calls: CallTable { entries }, ..scenario(sources, rules, batches) })
        });
    hold(&mut runner(300), &strategy, differences);
}

/// What broken times do to windows over `spans` is pinned by the corpus.
fn with_good_times(mut span: SpanData) -> SpanData {
    span.start = span.start.max(BASE);
    span.end = span.end.max(span.start);
    span
}

#[test]
fn the_engine_finds_the_violated_groups_of_rules_over_spans() {
    let traces = (0..4u8).map(|n| spans::trace([n + 1; 16], 5)).collect::<Vec<_>>();
    let batches = traces.prop_flat_map(|traces| arrivals::in_time(traces.concat().into_iter().map(with_good_times).collect()));
    let strategy = (rules::stream_rule(), batches).prop_filter_map("the engine does not take the rule", |(rule, batches)| {
        let (sources, rules) = load(&[rule])?;
        fluo_engine::unsupported(&rules).is_empty().then(|| scenario(sources, rules, batches))
    });
    let violated = |backend: &dyn Backend, scenario: &Scenario| {
        let records = backend.run(scenario).expect("runs").records.into_iter();
        records.filter(|r| r.verdict == Answer::Violated).map(|r| (r.rule, r.group)).collect::<std::collections::BTreeSet<_>>()
    };
    hold(&mut runner(400), &strategy, |scenario| {
        let (engine, oracle) = (violated(&EngineBackend, scenario), violated(&OracleBackend, scenario));
        engine
            .symmetric_difference(&oracle)
            .map(|(rule, group)| format!("{rule} {group:?}: violated for one only; engine {engine:?}"))
            .collect()
    });
}
