//! The examples of the language reference, word for word.

use super::{load, rule, rules, summary};
use crate::program::{CompareOp, Expr, Guard, Polarity, Term};
use crate::value::Value;

const SECTION_1: &str = r#"
- name: payment-needs-fraud-check
  always: trace.has(payment.charge_card) and trace.has(payment.fraud_check)
- name: auth-retry-storm
  never: trace.spans.where(service == 'auth').count() > 50
- name: auth-calls-per-minute
  always: trace.spans.where(service == 'auth').within(1m).count() <= 5
- name: auth-concurrency
  always: spans.where(service == 'auth' and kind == server).concurrent() <= 50
- name: charge-after-check
  always: trace.spans.where(payment.charge_card).all(preceded_by(payment.fraud_check, same=order.id))
- name: n-plus-one
  never: trace.spans.where(kind == client and exists(db.query.text)).by(parent_id, shape(db.query.text)).count() > 10
- name: login-failures-per-user
  never: spans.where(http.response.status_code == 401).by(enduser.id).within(1m).count() > 5
- name: guessed-password
  never: spans.where(login.ok).any(preceded_by(login.failed, at_least=10, within=10m, same=enduser.id))
"#;

#[test]
fn the_examples_of_section_1() {
    let text: String = rules(SECTION_1).iter().map(summary).collect();
    insta::assert_snapshot!(text);
}

#[test]
fn the_examples_of_section_1_get_only_the_hints_that_are_meant() {
    let found = load(SECTION_1).diagnostics;
    let found: Vec<_> = found.iter().map(|d| format!("{} {}", d.code, d.rule.as_deref().unwrap_or(""))).collect();
    assert_eq!(
        found,
        ["F0705 auth-retry-storm", "F0705 auth-calls-per-minute", "F0708 login-failures-per-user"]
    );
}
