//! `fluo explain FILES` as a user runs it.
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

const RULES: &str = "\
define:
  charge: name == 'payment.charge_card'
rules:
- name: payment-needs-fraud-check
  always: trace.has($charge) and trace.has(payment.fraud_check)
  severity: critical
  controls: ['PCI-DSS:6.4.2']
- name: AuthFailuresRule
  span:
    service_name: auth-service
    attributes:
      http.status_code: \"401\"
      error.type: \"AuthenticationError\"
  aggregation:
    count: 10
  condition: gt(count, 5)
";

#[test]
fn rules_are_written_out() {
    let folder = in_folder(&[("rules.yml", RULES)]);
    let done = fluo(&folder, &["explain", "rules.yml"]);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert_eq!(
        done.out,
        "\
payment-needs-fraud-check
  always       trace.has(name == 'payment.charge_card') and trace.has(payment.fraud_check)
  applies      when trace.has(name == 'payment.charge_card') or trace.has(payment.fraud_check), because the claim names these spans
  reads        name
  severity     critical
  mode         enforce
  controls     PCI-DSS:6.4.2

AuthFailuresRule
  never        spans.where(service == 'auth-service' and http.status_code == '401' and error.type == 'AuthenticationError').within(1m).count() > 5
  applies      at every time
  reads        error.type, http.status_code or http.response.status_code, service
  severity     warning
  mode         enforce
  evidence     at most 10 spans
"
    );
}

#[test]
fn one_rule_is_picked_by_its_name() {
    let folder = in_folder(&[("rules.yml", RULES)]);
    let done = fluo(&folder, &["explain", "rules.yml", "--rule", "AuthFailuresRule"]);
    assert_eq!(done.code, 0);
    assert!(done.out.starts_with("AuthFailuresRule\n") && !done.out.contains("payment"), "{}", done.out);
    let done = fluo(&folder, &["explain", "rules.yml", "--rule", "absent"]);
    assert_eq!((done.code, done.err.as_str()), (2, "error: there is no rule `absent`\n"));
}

#[test]
fn rules_with_errors_are_not_explained() {
    let folder = in_folder(&[("rules.yml", "- name: a\n  nver: x\n")]);
    let done = fluo(&folder, &["explain", "rules.yml"]);
    assert_eq!((done.code, done.out.as_str()), (1, ""));
    assert!(done.err.contains("F0004"), "{}", done.err);
}
