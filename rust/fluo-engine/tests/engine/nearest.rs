//! The nearest miss: what a signal tells of spans that are almost what a claim wants.

use fluo_engine::Config;
use fluo_testkit::model::SpanData;

use super::{engine, ingest, signals, spans, tick};

/// The nearest misses of the only signal, and its sentence.
fn told(rule: &str, batches: &[&[SpanData]]) -> (Vec<String>, String) {
    let engine = engine(rule, Config::default());
    for (second, batch) in (1..).zip(batches) {
        ingest(&engine, second, batch);
    }
    tick(&engine, 70);
    let mut found = signals(&engine);
    assert_eq!(found.len(), 1, "{found:?}");
    let signal = found.remove(0);
    (signal.nearest, signal.message)
}

const AUTH: &str = "- {name: denied, always: trace.has(login) and trace.has(service == 'auth' and code == 401)}";
const SHOP: &str = "root @shop 0..9\n  login 1..2\n  check @auth 1..2 {code=200}\n  check @auth 2..3 {code=403}\n  check @auth 3..4\n  check @cart 4..5 {code=500}";

#[test]
fn the_sentence_counts_what_matched_and_names_the_nearest_value() {
    let (nearest, message) = told(AUTH, &[&spans("t", SHOP)]);
    assert_eq!(nearest, ["3 spans matched service == 'auth', none had code == 401; nearest 403"]);
    assert!(message.contains(&format!("; {}", nearest[0])), "{message}");
    assert!(!message.contains("no span matched"), "{message}");
}

#[test]
fn it_is_the_same_in_any_order_and_with_repetitions() {
    let all = spans("t", SHOP);
    let whole = told(AUTH, &[&all]);
    for step in 1..all.len() {
        let mut shuffled = all.clone();
        shuffled.rotate_left(step);
        shuffled.swap(0, step / 2);
        let (early, late) = shuffled.split_at(step);
        assert_eq!(told(AUTH, &[early, late, early]), whole, "{step}");
    }
}

#[test]
fn it_tells_of_what_had_come() {
    let engine = engine(
        "- {name: denied, always: trace.has(login) and trace.has(service == 'auth' and code == 401), on_gap: signal}",
        Config::default(),
    );
    let all = spans("t", SHOP);
    ingest(&engine, 1, &all[..3]);
    tick(&engine, 20);
    assert_eq!(signals(&engine)[0].nearest, ["1 span matched service == 'auth', none had code == 401; nearest 200"]);
    // A further miss changes no verdict, so that nothing is signalled again.
    ingest(&engine, 21, &all[3..]);
    assert!(signals(&engine).is_empty());
}

#[test]
fn names_lists_patterns_and_missing_values() {
    for (claim, trace, expected) in [
        (
            "trace.has(service == 'auth' and name == 'check')",
            "login @auth 1..2\n  chekc @auth 1..2\n  logout @auth 1..2",
            "3 spans matched service == 'auth', none had name == 'check'; nearest chekc",
        ),
        (
            "trace.has(a and tier in [gold, silver])",
            "login 0..9\n  a 1..2 {tier=bronze}\n  a 1..2 {tier=golden}",
            "2 spans matched 'a', none had tier in ['gold', 'silver']; nearest golden",
        ),
        ("trace.has(a and exists(tier))", "login 0..9\n  a 1..2\n  a 1..2", "2 spans matched 'a', none had exists(tier)"),
        ("trace.has(a and tier == gold)", "login 0..9\n  a 1..2\n  a 1..2", "2 spans matched 'a', none had tier == 'gold'"),
        (
            "trace.has(a and duration < 5ms)",
            "login 0..90\n  a 1..20\n  a 1..9",
            "2 spans matched 'a', none had duration < 5ms; nearest 8ms",
        ),
        (
            "trace.count(a and x == 1) >= 2",
            "login 0..9\n  a 1..2 {x=1}\n  a 1..2 {x=7}\n  a 1..2 {x=3}",
            "2 other spans matched 'a', but not x == 1; nearest 3",
        ),
        (
            "trace.spans.where(a).any(x == 1)",
            "login 0..9\n  a 1..2 {x=9}\n  b 1..2 {x=1}",
            "1 span matched 'a', none had x == 1; nearest 9",
        ),
        (
            "trace.has(a and x == 1 and y == 2)",
            "login 0..9\n  a 1..2 {x=1, y=5}\n  a 1..2 {x=8, y=2}\n  a 1..2 {x=1, y=4}",
            "2 spans matched 'a' and x == 1, none had y == 2; nearest 4",
        ),
    ] {
        let (nearest, _) =
            told(&format!("- {{name: r, when: trace.has(service != '' or name == 'login'), always: \"{claim}\"}}"), &[&spans("t", trace)]);
        assert_eq!(nearest, [expected], "{claim}");
    }
}

#[test]
fn nothing_is_told_where_nothing_comes_near() {
    for claim in ["trace.has(a and x == 1 and y == 2)", "trace.has(charge)"] {
        let rule = format!("- {{name: r, when: true, always: \"{claim}\"}}");
        let (nearest, message) = told(&rule, &[&spans("t", "login 0..9\n  a 1..2 {x=3, y=4}")]);
        assert!(nearest.is_empty() && message.contains("no span matched"), "{message}");
    }
}
