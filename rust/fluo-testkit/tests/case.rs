//! The rule-test format: what it accepts, where its errors point, what fails a test.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use fluo_testkit::backend::OracleBackend;
use fluo_testkit::case::{self, TestFile};
use fluo_testkit::generate::spans;
use fluo_testkit::notation::{BASE, parse, trace_id, write};
use proptest::prelude::*;

fn no_file(_: &str) -> std::io::Result<String> {
    Err(std::io::Error::other("no such file"))
}

fn read(text: &str) -> Result<TestFile, Vec<String>> {
    case::read("x.test.yml", text, &no_file).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

const RULES: &str = "
rules:
  - {name: few, never: \"trace.count(retry) > 1\"}
tests:
";

fn failures(test: &str) -> Vec<String> {
    let file = read(&format!("{RULES}{test}")).expect("reads");
    file.run(&OracleBackend).iter().map(ToString::to_string).collect()
}

#[test]
fn a_test_that_expects_what_happens_passes() {
    let test = "
  - name: storm
    trace: |
      root @s 0..100
        retry *2
    verdicts: {few: violated}
";
    assert_eq!(failures(test), Vec::<String>::new());
}

#[test]
fn what_is_not_as_expected_is_said() {
    let wrong = failures("  - name: storm\n    trace: |\n      retry\n    verdicts: {few: violated}\n");
    assert_eq!(wrong, ["line 8: test `storm`: `few`: expected violated, got satisfied"]);
    let reason = failures("  - name: lost\n    trace: |\n      retry ^?x\n    verdicts: {few: inconclusive(late)}\n");
    assert_eq!(reason, ["line 8: test `lost`: `few`: expected inconclusive(late), got inconclusive(gap)"]);
    let noisy = failures("  - name: noisy\n    trace: |\n      retry\n        retry\n    holds: |\n      trace.has(retry)\n");
    assert_eq!(noisy, ["line 5: test `noisy`: `few`: got violated, which no expectation speaks of"]);
}

#[test]
fn errors_point_into_the_file() {
    let errors = |text: &str| read(text).expect_err("refused").join("\n");
    let trace = errors("tests:\n  - name: a\n    trace: |\n      root\n        child clinet\n    holds: |\n      trace.has(root.x)\n");
    assert!(trace.starts_with("x.test.yml:5:15: test `a`: `clinet` is neither"), "{trace}");
    let expression = errors("tests:\n  - name: a\n    trace: |\n      r\n    holds: |\n      trace.has(b)\n      trace.hass(b)\n");
    assert!(expression.starts_with("x.test.yml:7:1: test `a`: `trace.hass(b)`: "), "{expression}");
    let verdict = errors(&format!("{RULES}  - name: a\n    trace: |\n      r\n    verdicts: {{few: broken}}\n"));
    assert!(verdict.contains("`broken` is no verdict") && verdict.starts_with("x.test.yml:8:"), "{verdict}");
    let unknown = errors(&format!("{RULES}  - name: a\n    trace: |\n      r\n    verdicts: {{other: violated}}\n"));
    assert!(unknown.contains("no rule is named `other`"), "{unknown}");
    let key = errors("tests:\n  - name: a\n    tracee: r\n");
    assert!(key.starts_with("x.test.yml:3:5: ") && key.contains("tracee"), "{key}");
    let file = errors("rule_files: [none.yml]\ntests:\n  - name: a\n    trace: |\n      r\n    verdicts: {few: satisfied}\n");
    assert!(file.starts_with("x.test.yml:1:14: rule file `none.yml` cannot be read"), "{file}");
    let span =
        errors(&format!("{RULES}  - name: a\n    trace: |\n      r\n    expect: [{{rule: few, verdict: satisfied, evidence: [z]}}]\n"));
    assert!(span.contains("no span is called `z`"), "{span}");
    let nothing = errors(&format!("{RULES}  - name: a\n    trace: |\n      r\n"));
    assert!(nothing.contains("the test expects nothing"), "{nothing}");
}

#[test]
fn the_rule_file_beside_the_test_file_is_taken() {
    let beside = |name: &str| {
        assert_eq!(name, "payments.yml");
        Ok("- name: few\n  never: trace.count(retry) > 0\n".to_owned())
    };
    let text = "tests:\n  - name: a\n    trace: |\n      r\n        retry\n    verdicts: {few: violated}\n";
    let file = case::read("rules/payments.test.yml", text, &beside).expect("reads");
    assert_eq!((file.cases(), file.run(&OracleBackend)), (1, Vec::new()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// What a report prints of a generated trace is the trace.
    #[test]
    fn written_spans_read_back(spans in spans::trace(trace_id("t"), 8)) {
        let text = write(&spans);
        let back: Vec<_> = parse("t", &text, BASE).expect("reads").spans.into_iter().map(|span| span.data).collect();
        // Lost parents, links and scopes get new identities; NaN is not equal to itself.
        for (span, back) in spans.iter().zip(&back) {
            prop_assert_eq!((&span.name, span.kind, span.status, span.start, span.end), (&back.name, back.kind, back.status, back.start, back.end));
            prop_assert_eq!(format!("{:?}", span.attributes), format!("{:?}", back.attributes));
            prop_assert_eq!(&span.resource, &back.resource);
            prop_assert_eq!(span.parent_id.is_some(), back.parent_id.is_some());
            prop_assert_eq!((span.events.len(), span.links.len(), span.dropped_attributes), (back.events.len(), back.links.len(), back.dropped_attributes));
        }
        prop_assert_eq!(spans.len(), back.len());
    }
}
