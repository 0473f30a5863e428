//! `fluo test` as a user runs it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail"
)]

mod run;

use run::{fluo, in_folder};

const RULES: &str = "- name: payment-needs-fraud-check\n  always: trace.has(payment.charge) and trace.has(payment.fraud_check)\n";

const TESTS: &str = "\
tests:
  - name: a charge without a check
    trace: |
      checkout @shop server 0..100
        payment.charge client 10..40
    verdicts:
      payment-needs-fraud-check: violated
  - name: nothing was paid
    trace: |
      browse @shop server 0..100
    verdicts:
      payment-needs-fraud-check: not_applicable
";

#[test]
fn tests_are_found_beside_their_rules_and_pass() {
    let folder = in_folder(&[("rules/payment.yml", RULES), ("rules/payment.test.yml", TESTS)]);
    for files in ["rules", "rules/payment.test.yml", "rules/*.yml"] {
        let done = fluo(&folder, &["test", files]);
        assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (0, "1 file, 2 tests, 2 expectations, no failures\n", ""));
    }
    assert_eq!(fluo(&folder, &["test", "rules", "--run", "paid"]).out, "1 file, 1 test, 1 expectation, no failures\n");
    assert_eq!(fluo(&folder, &["check", "rules"]).code, 0);
    assert_eq!(fluo(&folder, &["check", "rules/payment.yml", "rules/payment.test.yml"]).code, 0);
}

#[test]
fn either_ending_names_a_pair() {
    for (rules, tests) in
        [("payment.yaml", "payment.test.yaml"), ("payment.yml", "payment.test.yaml"), ("payment.yaml", "payment.test.yml")]
    {
        let folder = in_folder(&[(rules, RULES), (tests, TESTS)]);
        for files in [".", tests, "*.y*ml", "payment.*"] {
            let done = fluo(&folder, &["test", files]);
            assert_eq!((done.code, done.out.as_str()), (0, "1 file, 2 tests, 2 expectations, no failures\n"), "{rules} {tests} {files}");
        }
        for files in [".", "*.y*ml"] {
            assert!(fluo(&folder, &["check", files]).out.starts_with("1 file, 1 rule, no errors"), "{rules} {tests} {files}");
        }
    }
    // With both, each goes with its own.
    let wrong = RULES.replace("and trace.has(payment.fraud_check)", "");
    let folder = in_folder(&[("p.yml", &wrong), ("p.yaml", RULES), ("p.test.yaml", TESTS)]);
    assert_eq!(fluo(&folder, &["test", "."]).code, 0);
}

#[test]
fn what_fails_is_shown_at_its_line() {
    let wrong = TESTS.replace("check: violated", "check: satisfied");
    let folder = in_folder(&[("payment.yml", RULES), ("payment.test.yml", &wrong), ("broken.test.yml", "tests: 5\n")]);
    let done = fluo(&folder, &["test", "."]);
    assert_eq!(done.code, 1);
    let line = "payment.test.yml:7: test `a charge without a check`: `payment-needs-fraud-check`: expected satisfied, got violated";
    assert!(done.out.contains(line), "{}", done.out);
    assert!(done.out.contains("broken.test.yml:1:"), "{}", done.out);
}

#[test]
fn what_cannot_be_read_exits_with_2() {
    let folder = in_folder(&[("payment.yml", RULES)]);
    for arguments in [&["test"][..], &["test", "."], &["test", "absent.test.yml"]] {
        assert_eq!(fluo(&folder, arguments).code, 2, "{arguments:?}");
    }
}
