//! Rule sets are swapped whole; open traces finish under the rules they began with.

use fluo_engine::{Config, IngestError};
use fluo_testkit::notation::BASE;
use fluo_testkit::otlp;

use super::{SECOND, engine, ingest, rules, signals, spans, tick};

#[test]
fn an_open_trace_keeps_its_rules_and_a_new_one_gets_the_new() {
    let engine = engine("- {name: old, never: trace.has(a)}", Config::default());
    let old = spans("old", "root 0..9\n  a 1..2\n  b 1..2");
    ingest(&engine, 1, &old[..1]);
    engine.swap(rules("- {name: new, never: trace.has(b)}"), BASE + 2 * SECOND);
    ingest(&engine, 3, &old[1..]);
    ingest(&engine, 3, &spans("new", "root 0..9\n  a 1..2\n  b 1..2"));
    let found = signals(&engine);
    assert_eq!(found.iter().map(|s| s.rule.as_str()).collect::<Vec<_>>(), ["old", "new"]);
    tick(&engine, 200);
    assert!(signals(&engine).is_empty());
}

#[test]
fn the_projection_is_the_union_until_the_old_rules_are_drained() {
    let engine = engine("- {name: old, never: trace.spans.where(alpha == 1).count() > 0}", Config::default());
    ingest(&engine, 1, &spans("old", "root 0..9"));
    engine.swap(rules("- {name: new, never: trace.spans.where(beta == 1).count() > 0}"), BASE + 2 * SECOND);
    let json = String::from_utf8(engine.projection_json()).expect("text");
    assert!(json.contains("alpha") && json.contains("beta"), "{json}");
    let message = otlp::encode(&spans("u", "root 0..9"));
    assert_eq!(engine.ingest(1, BASE, &message), Err(IngestError::StaleProjection));
    tick(&engine, 100);
    tick(&engine, 300);
    let json = String::from_utf8(engine.projection_json()).expect("text");
    assert!(!json.contains("alpha") && json.contains("beta"), "{json}");
}

#[test]
fn an_unchanged_rule_keeps_its_window() {
    let count = "- {name: many, never: spans.where(name == a).within(1m).count() > 3}\n";
    let engine = engine(count, Config::default());
    ingest(&engine, 1, &spans("t", "root 0..9\n  a 1..2 *3"));
    engine.swap(rules(&format!("{count}- {{name: other, never: trace.has(zzz)}}\n")), BASE + 2 * SECOND);
    ingest(&engine, 3, &spans("u", "root 0..9\n  a 1..2"));
    assert_eq!(signals(&engine).len(), 1);
}

#[test]
fn a_fifth_draining_rule_set_waits_and_the_latest_wins() {
    let engine = engine("- {name: r0, never: trace.has(a)}", Config::default());
    for n in 1..=8u64 {
        ingest(&engine, n, &spans(&format!("t{n}"), "root 0..9"));
        engine.swap(rules(&format!("- {{name: r{n}, never: trace.has(a)}}")), BASE + n * SECOND);
    }
    let name = |engine: &fluo_engine::Engine| engine.stats().rules[0].name.clone();
    assert_eq!(name(&engine), "r4");
    tick(&engine, 200);
    tick(&engine, 400);
    assert_eq!(name(&engine), "r8");
}
