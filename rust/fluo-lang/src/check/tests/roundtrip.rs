//! Printing and reading back gives the same program; nothing that is written can make the checker panic.

use proptest::prelude::*;
use proptest::sample::select;

use super::{file, load, rule};
use crate::program::Polarity;

fn field() -> impl Strategy<Value = String> {
    select(vec![
        "http.route",
        "order.id",
        "amount",
        "name",
        "service",
        "kind",
        "status",
        "duration",
        "trace_id",
        "http.status_code",
        "db.query.text",
        "attr('any key')",
        "attr('status')",
        "attr('a*')",
        "attr(limit)",
        "attr('and')",
        "span.a.b",
        "resource.service.name",
        "scope.x",
        "event.e",
        "link.l",
        "parent.http.route",
        "parent.duration",
        "root.service",
        "parent.attr('p q')",
        "span.attr('x')",
        "coalesce(a.b, user, 'none')",
        "lower(a.b)",
        "extract(a.b, 'x(\\d+)\\\\')",
        "shape(db.query.text)",
        "service.name",
    ])
    .prop_map(str::to_owned)
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_filter("a number", |f| f.is_finite()).prop_map(|f| format!("{f:?}")),
        any::<bool>().prop_map(|b| b.to_string()),
        "[a-z]{1,3}".prop_map(|s| format!("'{s}'")),
        any::<String>().prop_map(|s| crate::print::string(&s)),
        any::<i64>().prop_filter("a literal", |n| *n != i64::MIN).prop_map(crate::print::duration),
        select(vec!["word", "server", "error", "'it\\'s'", "1m30s", "5ms", "-3", "401", "\"401\""]).prop_map(str::to_owned),
    ]
}

fn arithmetic() -> impl Strategy<Value = String> {
    prop_oneof![field(), literal()].prop_recursive(2, 8, 2, |inner| {
        (inner.clone(), select(vec!["+", "-", "*", "/", "%"]), inner, any::<bool>())
            .prop_map(|(a, op, b, wrap)| if wrap { format!("-({a} {op} {b})") } else { format!("({a}) {op} ({b})") })
    })
}

fn predicate() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (field(), select(vec!["==", "!=", "<", "<=", ">", ">="]), literal()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (arithmetic(), select(vec!["==", "<", ">="]), arithmetic()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (field(), select(vec!["contains", "starts_with", "ends_with"]), literal()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (field(), select(vec!["in", "not in"]), proptest::collection::vec(literal(), 0..4))
            .prop_map(|(a, op, list)| format!("{a} {op} [{}]", list.join(", "))),
        (field(), select(vec!["'^a'", "'\\d+'", "'\\\\.'", "\"[a-z]\\'\""])).prop_map(|(a, r)| format!("{a} matches {r}")),
        field().prop_map(|f| format!("exists({f})")),
        field().prop_map(|f| format!("missing({f})")),
        select(vec![
            "payment.charge",
            "'GET /x'",
            "'payment.*'",
            "'service.x'",
            "''",
            "attr(verified)",
            "span.attr('v')",
            "true",
            "false",
            "word"
        ])
        .prop_map(str::to_owned),
        select(vec!["event('E', user == bob and name == x)", "event(login.x)", "link(trace_id == 'x')", "event('*', exists(a.b))"])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), select(vec!["and", "or", "implies", "&&", "||"]), inner.clone())
                .prop_map(|(a, op, b)| format!("({a}) {op} ({b})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("{a} and {b} or {c}")),
            inner.clone().prop_map(|a| format!("not ({a})")),
            (select(vec!["has_parent", "has_child", "has_sibling", "overlaps"]), inner.clone()).prop_map(|(r, a)| format!("{r}({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("preceded_by({a}, within=5s, same=[order.id, user], without={b})")),
            inner.prop_map(|a| format!("followed_by({a}, at_least=2, same=lower(user))")),
        ]
    })
}

fn spanset(scope: &'static str) -> impl Strategy<Value = String> {
    let nav = if scope == "spans" { vec![""] } else { vec!["", ".children", ".ancestors.where(x.y)"] };
    (predicate(), select(nav), any::<bool>(), any::<bool>()).prop_map(move |(p, nav, by, within)| {
        let by = if by { ".by(order.id, shape(name))" } else { "" };
        let within = if within || scope == "spans" { ".within(1m)" } else { "" };
        format!("{scope}.where({p}){nav}{by}{within}")
    })
}

fn claim(scope: &'static str) -> impl Strategy<Value = String> {
    let number = (
        spanset(scope),
        select(vec![
            "count()",
            "distinct(user)",
            "sum(amount)",
            "min(a.b)",
            "max(a.b)",
            "avg(amount)",
            "p95(amount)",
            "quantile(amount, 0.3)",
            "longest_run(user, x.y)",
        ]),
    )
        .prop_map(|(set, f)| format!("{set}.{f}"));
    let leaf = prop_oneof![
        (number, select(vec!["<", ">=", "=="]), select(vec!["5", "2.5 * 3", "'7'", "-1"])).prop_map(|(n, op, x)| format!("{n} {op} {x}")),
        spanset(scope),
        (spanset(scope), select(vec!["any", "all", "none"]), predicate()).prop_map(|(s, q, p)| format!("{s}.{q}({p})")),
        spanset(scope).prop_map(|s| format!("{s}.empty()")),
        spanset(scope).prop_map(|s| format!("{s}.first.name == x")),
        spanset(scope).prop_map(|s| format!("{s}.exists()")),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            (inner.clone(), select(vec!["and", "or", "implies"]), inner.clone()).prop_map(|(a, op, b)| format!("({a}) {op} ({b})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("{a} or {b} and {c}")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
}

/// Reads a claim; where it is a program, reads its text again. Says whether it was one.
fn reads_back(claim: &str) -> Result<bool, TestCaseError> {
    let loaded = load(&file("never", claim));
    let Some(rules) = loaded.rules else { return Ok(false) };
    let first = &rules.rules[0];
    let again = rule("never", &first.expression);
    prop_assert_eq!(&first.claim, &again.claim, "{}\n{}", claim, first.expression);
    prop_assert_eq!(&first.expression, &again.expression);
    prop_assert_eq!(first.identity, again.identity);
    prop_assert_eq!(first.polarity, Polarity::Never);
    Ok(true)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn a_program_reads_back_from_its_text(claim in claim("trace.spans")) {
        reads_back(&claim)?;
    }

    #[test]
    fn a_predicate_reads_back_from_its_text(predicate in predicate()) {
        reads_back(&format!("trace.has({predicate})"))?;
    }

    #[test]
    fn a_program_over_spans_reads_back(claim in claim("spans")) {
        reads_back(&claim)?;
    }

    #[test]
    fn no_message_panics(message in "([a-z{}' \"\\\\]|trace\\.depth|\\{user\\}|é){0,20}") {
        let message = message.replace('\'', "''");
        let _ = load(&format!("- name: r\n  never: trace.spans.by(user).count() > trace.depth\n  message: '{message}'\n  show: [a.b, '{message}']\n"));
    }

    #[test]
    fn token_soup_never_panics(words in proptest::collection::vec(select(vec![
        "trace", "spans", ".spans", ".where(", ".by(", ".within(", ".count()", ".any(", ".all(", ".first", ".name", ".children", "trace.has(", ")",
        "a.b", "user", "kind", "status", "duration", "==", ">", "in", "not", "and", "or", "implies", "[", "]", ",", "1", "5m", "'x'", "'a*'",
        "attr(", "event(", "preceded_by(", "same=", "within=", "parent.", "root.", "coalesce(", "$d", "$e", "-", "*", "/", "matches", "exists(", "(",
    ]), 0..30)) {
        let text = words.join(" ");
        let _ = load(&format!("define:\n  d: a.b\n  e: trace.has(a.b)\nrules:\n- name: r\n  always: |\n    {text}\n  when: |\n    {text}\n  show: [\"{}\"]\n", text.replace('"', "")));
    }
}

#[test]
fn most_generated_claims_are_programs() {
    // The properties above say nothing about claims that are refused; this says that few are.
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut programs = 0;
    for _ in 0..200 {
        let claim = claim("trace.spans").new_tree(&mut runner).unwrap().current();
        programs += usize::from(reads_back(&claim).unwrap());
    }
    assert!(programs > 40, "{programs} of 200");
}
