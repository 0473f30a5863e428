//! The examples of the language reference, word for word, and what the rest of it promises.

use super::{load, rule, rules, summary};
use crate::program::{Expr, Guard, MessagePart, Owner, Scope, Term};
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

const SHORTHAND: &str = r#"
- name: AuthFailuresRule
  span:
    service_name: auth-service
    attributes:
      http.status_code: "401"
      error.type: "AuthenticationError"
  aggregation:
    count: 10
  condition: gt(count, 5)
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
    assert_eq!(found, ["F0705 auth-retry-storm", "F0705 auth-calls-per-minute", "F0708 login-failures-per-user"]);
}

#[test]
fn the_shorthand_form_means_its_long_form() {
    let short = rules(SHORTHAND).remove(0);
    let long = rule(
        "never",
        "spans.where(service == 'auth-service' and http.status_code == '401' and error.type == 'AuthenticationError').within(1m).count() > 5",
    );
    assert_eq!(short.claim, long.claim);
    assert_eq!(short.expression, long.expression);
    assert_eq!(short.identity, long.identity);
    assert_eq!((short.scope, short.evidence_limit, long.evidence_limit), (Scope::Spans, Some(10), None));
    let all = rules(
        "- name: r\n  span: {name: GET /x, kind: server, status: error, attributes: {status: 3, a b: true}}\n  aggregation: {window: 5m, by: [enduser.id]}\n  condition: lte(count, 2.5)\n",
    );
    assert_eq!(
        all[0].expression,
        "spans.where(name == 'GET /x' and kind == server and status == error and attr('status') == 3 and attr('a b') == true)\
         .by(enduser.id).within(5m).count() <= 2.5"
    );
}

/// What every part of the language comes to.
#[test]
fn the_whole_language() {
    let claims = [
        // Precedence, keywords and signs.
        "trace.has(a.b) implies trace.has(c.d) or trace.has(e.f) and not trace.has(g.h)",
        "!trace.has(a.b) && trace.has(c.d) || trace.has(e.f)",
        "trace.has(a.b) and (trace.has(c.d) and trace.has(e.f)) or (trace.has(g.h) or trace.has(i.j))",
        // Literals.
        "trace.spans.any(a.b == 'it\\'s' or a.b in [x, 'y z', 3, 1.5, true, http.x] or duration > 1m30s or a.b == -9223372036854775808)",
        // Comparisons and their right sides.
        "trace.spans.any(user == bob and amount > 1000 and a.b == c.d and x != (y) and kind == server and status == error)",
        "trace.spans.any(amount > limit.soft * 2 + 1 and amount > attr(limit) and http.route starts_with '/api' and a.b contains x)",
        "trace.spans.any(a.b ends_with z and a.b matches '^\\d{3}$' and exists(a.b) and missing(c) and x.y not in [a, b])",
        "trace.spans.any(a.b - c.d < 3 and -(x.y) % 2 == 1 and 1 - 2 - 3 < x.z and duration / 2 > 1s and duration / parent.duration > 0.5)",
        // Span names.
        "trace.has(payment.charge_card and amount > 1000)",
        "trace.has('payment.*' or not 'GET /x' or a.2xx)",
        "trace.has(attr(verified) or span.attr('x y') or verified == true)",
        // Value functions.
        "trace.spans.any(coalesce(a.b, c, 'none') == 'x' and lower(user) == 'bob' and extract(http.route, '^/(\\w+)') == api and shape(a.b) == '?')",
        // Fields.
        "trace.spans.any(name == 'x' and service == 'y' and status_message == 'z' and parent_id == '0123456789abcdef' and scope_name == 's')",
        "trace.spans.any(span.a.b == 1 and resource.c == 2 and scope.d == 3 and event.e == 4 and link.f == 5)",
        "trace.spans.any(attr('any key') == 1 and attr('a*') == 2 and resource.attr('b') == 3 and attr('status') == 4 and service.name == 'x')",
        "trace.spans.any(event('LOGIN_ERROR', user == bob and name starts_with L and status == 3) and event(login.failed) and link(trace_id == '0123456789abcdef0123456789abcdef' and k == 1))",
        "trace.spans.any(parent.http.route == 'x' and root.service == 'y' and parent.resource.a == 1 and service != parent.service and parent.attr('p q') == 1)",
        "trace.spans.any(http.status_code == 401 and db.statement contains x)",
        // Spansets.
        "trace.spans.count() < 100",
        "trace.spans.where(a.b).where(c.d).count() == 3",
        "trace.count(a.b) == 1 and trace.has(x.y).count() > 3 and trace.has(charge.it).where(amount > 1000)",
        "trace.spans.by(user).within(1m).where(a.b).count() <= 3 and trace.spans.count() < 5",
        "trace.spans.where(a.b).distinct(user, x.y) < 3 and trace.spans.sum(duration) > 1s and trace.spans.sum(bytes.n) > 10",
        "trace.spans.where(a.b).min(x.y) < trace.spans.where(a.b).max(x.y) - trace.spans.avg(duration) / 1s",
        "trace.spans.p50(duration) < 1s and trace.spans.p90(duration) < 1s and trace.spans.p95(duration) < 1s and trace.spans.p99(duration) < 1s and trace.spans.quantile(duration, 0.75) < 1s",
        "trace.spans.where(a.b).within(10s).rate() <= 2.5 and trace.spans.where(a.b).concurrent() < 3 and trace.spans.longest_run(shape(db.query.text)) < 3",
        "trace.spans.where(a.b).exists() and trace.spans.where(c.d).empty()",
        "trace.spans.where(a.b).any(c.d) and trace.spans.where(a.b).all(kind == client) and trace.spans.where(a.b).none(c.d)",
        "trace.spans.where(a.b).children.where(c.d).parents.descendants.ancestors.count() == 1",
        "trace.spans.where(a.b).first.name == 'x' and trace.spans.last.http.route == 'y' and trace.spans.first.parent.name == 'z'",
        "trace.root.http.route == '/x' and trace.root.kind == server and exists(trace.root.attr('a b')) and lower(trace.root.name) in [a, b]",
        "trace.depth < 10 and trace.duration < 5s and trace.spans.sum(duration) / trace.duration < 0.5",
        // Relations.
        "trace.spans.where(a.b).all(has_parent(c.d) and has_child(c.d, at_least=2) and has_ancestor(e.f, same=user) and has_descendant(g.h) and has_sibling(i.j))",
        "trace.spans.where(a.b).all(preceded_by(c.d, within=10s, same=[order.id, user], without=e.f) or followed_by(c.d) or overlaps(c.d))",
        "trace.spans.where(a.b).all(has_parent(has_parent(c.d and amount > 3)))",
        // Non-emptiness.
        "trace.count(a.b) >= 2",
        "trace.has(a.b).within(1m).count() >= 1",
    ];
    let mut text = String::new();
    for claim in claims {
        let rule = rule("never", claim);
        text.push_str(&format!("{claim}\n{}\n", summary(&rule)));
    }
    let over_spans = [
        "spans.where(name == 'backup').within(24h).count() >= 1",
        "spans.where(kind == server and http.route == '/x').by(service, http.route).within(5m).p99(duration) < 500ms",
        "spans.where(kind == server).by(enduser.id).within(1h).distinct(client.address) <= 3",
        "spans.where(order.placed).all(followed_by(order.shipped, within=1h, same=order.id))",
        "spans.where(kind == server and status == error).within(1m).count() / spans.where(kind == server).within(1m).count() < 0.05",
        "not spans.where(kind == server and preceded_by(a.b, within=1m, same=user))",
        "50 >= spans.where(kind == server).concurrent()",
    ];
    for claim in over_spans {
        let rule = rule("always", claim);
        text.push_str(&format!("{claim}\n{}\n", summary(&rule)));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn when_decides_and_may_be_a_boolean() {
    let one = |when: &str| rules(&format!("- name: r\n  always: trace.has(a.b)\n  when: {when}\n")).remove(0).guard;
    assert_eq!(one("true"), Guard::Everywhere);
    assert_eq!(one("\"true\""), Guard::Everywhere);
    assert!(matches!(one("trace.has(c.d)"), Guard::When(Expr::NonEmpty(_))));
    assert_eq!(one("false"), Guard::When(Expr::Const(false)));
}

#[test]
fn the_guard_ignores_windows_counts_each_spanset_once_and_reads_the_left_of_implies() {
    let guard = |claim: &str| match rule("always", claim).guard {
        Guard::Derived(e) => crate::print::expr(&e, Scope::Trace),
        other => format!("{other:?}"),
    };
    assert_eq!(guard("trace.has(a.b).within(1m).count() < 3 and trace.has(a.b).count() < 9"), "trace.has(a.b)");
    assert_eq!(guard("trace.has(a.b) implies trace.has(c.d)"), "trace.has(a.b)");
    assert_eq!(guard("trace.has(a.b).children.count() < 3"), "trace.spans.where(a.b).children");
    assert_eq!(guard("trace.has(a.b).any(c.d)"), "trace.has(a.b)");
    assert_eq!(guard("trace.depth < 3"), "Everywhere");
    assert_eq!(guard("trace.spans.count() < 3"), "Everywhere");
    assert_eq!(guard("trace.root.name == 'x'"), "Everywhere");
    assert_eq!(guard("trace.has(a.b).first.name == 'x'"), "trace.has(a.b)");
}

#[test]
fn defines_are_inserted_as_if_in_parentheses() {
    let found = rules(
        r#"
define:
  slow: duration > 1s or status == error
  auth: trace.spans.where(service == 'auth' and $slow)
  codes: [401, 'x', yes, 1.5]
  more: "[a, b.c]"
  bound: 2 + 3
  window: 5m
  charge: payment.charge
  digits: "'\\d+'"
rules:
  - name: a
    never: $auth.where(not $slow).within($window).count() > $bound * 2
  - name: b
    never: trace.has(http.response.status_code in $codes or user in $more or $charge or a.b matches $digits)
  - name: c
    always: $auth
    when: $auth.count() > 3
"#,
    );
    let text: String = found.iter().map(summary).collect();
    insta::assert_snapshot!(text);
}

#[test]
fn a_message_inserts_what_the_rule_observes() {
    let found = rules(
        r#"
- name: a
  never: spans.where(kind == server).by(enduser.id).within(1m).count() > 5
  message: "user {enduser.id} {{failed}}: {spans.where(kind == server).by(enduser.id).within(1m).count() * 2} times"
- name: b
  always: trace.has(a.b) and trace.depth < 3
  message: "{trace.count(a.b)} of depth {trace.depth}"
"#,
    );
    let parts = &found[0].message.as_ref().unwrap().parts;
    assert_eq!(parts[0], MessagePart::Text("user ".to_owned()));
    assert!(matches!(&parts[1], MessagePart::Value(Term::Field(f)) if f.owner == Owner::Span));
    assert_eq!(parts[2], MessagePart::Text(" {failed}: ".to_owned()));
    assert!(matches!(&parts[3], MessagePart::Value(Term::Arith { .. })));
    assert_eq!(found[1].message.as_ref().unwrap().parts.len(), 3);
}

#[test]
fn comments_and_line_breaks_in_a_block() {
    let rule = rule("never", "trace.spans   # all of them\n  .where(service == 'a#b')\n  # and\n  .count() > 5");
    assert_eq!(rule.expression, "trace.spans.where(service == 'a#b').count() > 5");
}

#[test]
fn kept_literals_are_what_was_written() {
    let rule = rule("never", "trace.spans.any(a.b == \"401\" and c.d == 401.0)");
    let Expr::Quantified { predicate, .. } = rule.claim else { panic!("{rule:?}") };
    let Expr::And(items) = *predicate else { panic!("{predicate:?}") };
    let literals: Vec<_> = items
        .iter()
        .map(|item| match item {
            Expr::Compare { right: Term::Literal(value), .. } => value.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(literals, [Value::String("401".to_owned()), Value::Float(401.0)]);
}

#[test]
fn identity_is_the_claims_and_the_hash_is_the_files() {
    let base = "- name: r\n  never: trace.has(a.b)\n";
    let id = |text: &str| rules(text)[0].identity;
    let hash = |text: &str| load(text).rules.unwrap().hash;
    assert_eq!(id(base), id("- name: other\n  severity: error\n  never: (trace.spans.where( 'a.b' ))\n"));
    assert_ne!(id(base), id("- name: r\n  never: trace.has(a.c)\n"));
    assert_ne!(id(base), id("- name: r\n  never: trace.has(a.b)\n  when: trace.has(c.d)\n"));
    assert_ne!(hash(base), hash("- name: r\n  severity: error\n  never: trace.has(a.b)\n"));
    assert_eq!(hash(base), hash("rules:\n- never: trace.has(a.b)\n  name: r\n"));
}
