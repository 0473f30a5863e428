//! The conformance corpus on the reference evaluator and on the engine.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;

use fluo_lang::program::Scope;
use fluo_testkit::backend::{Backend as _, EngineBackend, OracleBackend};
use fluo_testkit::case::{self, TestFile};

fn files() -> Vec<TestFile> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    case::read_folder(&corpus).unwrap_or_else(|errors| {
        panic!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    })
}

#[test]
fn the_reference_evaluator_passes_the_corpus() {
    let files = files();
    let failures: Vec<String> =
        files.iter().flat_map(|file| file.run(&OracleBackend).into_iter().map(|f| format!("{}: {f}", file.name))).collect();
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn the_corpus_is_large_and_says_what_it_pins() {
    let files = files();
    let cases: usize = files.iter().map(TestFile::cases).sum();
    assert!(cases >= 1_200, "{cases} cases");
    for file in &files {
        for test in &file.tests {
            assert!(test.pins.as_ref().is_some_and(|pins| !pins.is_empty()), "{}: test `{}` pins nothing", file.name, test.name);
        }
    }
}

#[test]
fn the_engine_passes_the_corpus() {
    let files = files();
    let failures: Vec<String> =
        files.iter().flat_map(|file| file.run(&EngineBackend).into_iter().map(|f| format!("{}: {f}", file.name))).collect();
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn the_engine_refuses_rules_over_spans_only() {
    let files = files();
    let mut refused = 0;
    for test in files.iter().flat_map(|file| &file.tests) {
        let report = EngineBackend.run(&test.scenario).expect("runs");
        for (name, why) in report.unsupported {
            let rule = test.scenario.rules.rules.iter().find(|rule| rule.name == name).expect("a rule of the test");
            assert_eq!(rule.scope, Scope::Spans, "`{name}` of test `{}`: {why}", test.name);
            refused += 1;
        }
    }
    assert!(refused < 12, "{refused} rules of the corpus are refused");
}
