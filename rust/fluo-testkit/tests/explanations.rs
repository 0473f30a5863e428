//! What signals cite, held against the reference evaluator.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::cell::Cell;
use std::path::{Path, PathBuf};

use fluo_engine::Signal;
use fluo_engine::signal::Event;
use fluo_lang::program::{OnGap, Scope};
use fluo_testkit::backend::{EngineBackend, Scenario};
use fluo_testkit::case;
use fluo_testkit::explanation::{Flaw, check, in_scope, is_checkable};
use fluo_testkit::generate::{arrivals, load, rules, spans};
use fluo_testkit::model::{Batch, SpanData, hex};
use fluo_testkit::notation::{BASE, parse, write};
use fluo_testkit::oracle::{CallTable, Config, End, Run};
use proptest::prelude::*;
use proptest::test_runner::{Config as Runner, TestCaseError, TestError, TestRng, TestRunner};

/// How many violations were seen and how many of them were checked.
#[derive(Debug, Default)]
struct Seen {
    violations: Cell<usize>,
    /// Of rules whose claims are Boolean, counts or relations.
    checkable: Cell<usize>,
    /// Of these, those whose evidence is cut.
    cut: Cell<usize>,
    checked: Cell<usize>,
}

fn more(counter: &Cell<usize>) {
    counter.set(counter.get() + 1);
}

/// Runs the scenario through the engine and says which explanations of its violations are wrong.
fn flaws(scenario: &Scenario, seen: &Seen) -> Vec<String> {
    let signals = EngineBackend.signals(scenario).expect("runs");
    let rule_of = |signal: &Signal| scenario.rules.rules.iter().find(|rule| rule.name == signal.rule).expect("a rule of the scenario");
    let mut found = Vec::new();
    for signal in signals.iter().filter(|s| s.event == Event::Violation) {
        let rule = rule_of(signal);
        if rule.scope != Scope::Trace {
            continue;
        }
        more(&seen.violations);
        if is_checkable(rule) {
            more(&seen.checkable);
            if signal.evidence_truncated {
                more(&seen.cut);
            }
        }
        if !in_scope(rule, signal) {
            continue;
        }
        more(&seen.checked);
        // A span that came later may stand between those that are cited.
        let come = scenario.run.batches.iter().filter(|batch| batch.at <= signal.observed_time).flat_map(|batch| &batch.spans);
        let spans: Vec<SpanData> = come.filter(|span| span.trace_id == signal.trace_id).cloned().collect();
        if let Err(flaws) = check(rule, &scenario.config, &spans, signal) {
            let flaws: Vec<String> = flaws.iter().map(ToString::to_string).collect();
            let cited: Vec<String> = signal.evidence.iter().map(|id| hex(&id.to_be_bytes())).collect();
            let about = (&signal.rule, signal.phase, &signal.group, signal.window);
            found.push(format!("{about:?}: {}; cited {cited:?}\n{}", flaws.join(", "), signal.message));
        }
    }
    found
}

/// Draws the same cases every time; `FLUO_CASES=10000` draws that many new ones.
fn runner(cases: u32) -> TestRunner {
    let more: Option<u32> = std::env::var("FLUO_CASES").ok().and_then(|n| n.parse().ok());
    let config = Runner { cases: more.unwrap_or(cases), failure_persistence: None, max_shrink_iters: 3000, ..Runner::default() };
    let fixed = TestRng::deterministic_rng(config.rng_algorithm);
    if more.is_some() { TestRunner::new(config) } else { TestRunner::new_with_rng(config, fixed) }
}

fn scenarios() -> impl Strategy<Value = Scenario> {
    let batches = spans::trace([9; 16], 9).prop_flat_map(|spans| prop_oneof![arrivals::in_time(spans.clone()), arrivals::with_late(spans)]);
    (rules::trace_rule(), batches).prop_filter_map("the language refuses the rule", |(rule, batches)| {
        let (sources, mut rules) = load(&[rule])?;
        // A signal of a claim that could not be decided looks like one of a broken claim.
        rules.rules.iter_mut().for_each(|rule| rule.on_gap = OnGap::Inconclusive);
        let run = Run { batches, end: End::Recording };
        Some(Scenario { sources, rules, config: Config::default(), calls: CallTable::default(), run })
    })
}

#[test]
fn what_is_cited_violates_the_rule_and_nothing_of_it_can_be_left_out() {
    let seen = Seen::default();
    let outcome = runner(3_000).run(&scenarios(), |scenario| {
        let flaws = flaws(&scenario, &seen);
        let spans: Vec<SpanData> = scenario.run.batches.iter().flat_map(|b| b.spans.clone()).collect();
        let text = scenario.sources.iter().map(|s| s.text.as_str()).collect::<String>();
        prop_assert!(flaws.is_empty(), "{}\n{text}\n{}", flaws.join("\n"), write(&spans));
        Ok::<(), TestCaseError>(())
    });
    if let Err(TestError::Fail(why, _)) = outcome {
        panic!("{why}");
    }
    assert!(seen.checked.get() >= 300, "{seen:?}");
    assert_eq!(seen.checked.get() + seen.cut.get(), seen.checkable.get(), "{seen:?}");
    // What rests on a single top span that counts as the root is marked as cut.
    assert!(seen.cut.get() * 150 <= seen.checkable.get(), "{seen:?}");
}

#[test]
fn the_violations_of_the_corpus_explain_themselves() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&corpus).expect("the corpus is there").map(|e| e.expect("readable").path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(".test.yml"));
    let seen = Seen::default();
    let mut found = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("readable");
        let file = case::read("corpus", &text, &|rules| std::fs::read_to_string(corpus.join(rules))).expect("reads");
        for test in &file.tests {
            found.extend(flaws(&test.scenario, &seen).into_iter().map(|flaw| format!("{}: {}: {flaw}", path.display(), test.name)));
        }
    }
    assert!(found.is_empty(), "{}: {}", found.len(), found.join("\n"));
    assert!(seen.checked.get() >= 300 && seen.cut.get() == 0, "{seen:?}");
}

#[test]
fn evidence_that_is_too_little_or_too_much_is_found_out() {
    let (sources, rules) = load(&["  never: trace.spans.where(has_child(name == 'b')).count() > 1\n".to_owned()]).expect("loads");
    let trace = parse("t", "top\n  a\n    b\n  a\n    b\n  a\n    b\n", BASE).expect("parses");
    let trace: Vec<SpanData> = trace.spans.into_iter().map(|span| span.data).collect();
    let run = Run { batches: vec![Batch { at: arrivals::FIRST, spans: trace.clone() }], end: End::Recording };
    let scenario = Scenario { sources, rules, config: Config::default(), calls: CallTable::default(), run };
    let signals = EngineBackend.signals(&scenario).expect("runs");
    let [signal] = signals.as_slice() else { panic!("{signals:?}") };
    let rule = scenario.rules.rules.first().expect("a rule");
    let cite = |evidence: &[u64]| check(rule, &scenario.config, &trace, &Signal { evidence: evidence.to_vec(), ..signal.clone() });
    assert!(in_scope(rule, signal));
    assert_eq!(signal.evidence.len(), 4, "two calls and what is below each");
    assert_eq!(cite(&signal.evidence), Ok(()));
    let ids: Vec<u64> = trace.iter().map(|span| u64::from_be_bytes(span.span_id)).collect();
    assert!(cite(&signal.evidence[1..]).is_err_and(|flaws| flaws == [Flaw::TooLittle]));
    let with_top = [signal.evidence.clone(), ids[..1].to_vec()].concat();
    assert_eq!(cite(&with_top), Err(vec![Flaw::TooMuch(trace[0].span_id)]));
    assert_eq!(cite(&ids).map_err(|flaws| flaws.len()), Err(ids.len()));
}
