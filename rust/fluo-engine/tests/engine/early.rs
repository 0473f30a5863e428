//! Verdicts that no further span can change are given at once.

use fluo_engine::Config;
use fluo_engine::signal::{Phase, Trigger};

use super::{engine, ingest, signals, spans, tick};

#[test]
fn the_51st_span_decides_whatever_form_the_claim_has() {
    for claim in [
        "never: trace.has(login) and trace.spans.where(service == 'auth').count() > 50",
        "always: not (trace.spans.where(service == 'auth').count() > 50)",
        "never: not (trace.spans.where(service == 'auth').count() <= 50)",
        "always: \"trace.spans.where(service == 'auth').count() > 50 implies false\"\n  when: true",
        "always: trace.spans.where(service == 'auth').count() <= 50",
        "always: 50 >= trace.count(service == 'auth')",
    ] {
        let engine = engine(&format!("- name: storm\n  {claim}\n"), Config::default());
        // The root never comes: nothing but the count can decide.
        let all = spans("t", "login @web 0..5 ^?root\n  auth @auth server 10..20 *51");
        ingest(&engine, 1, &all[..51]);
        assert_eq!(signals(&engine).len(), 0, "{claim}: 50 spans of auth");
        ingest(&engine, 2, &all[51..]);
        let signals = signals(&engine);
        assert_eq!(signals.len(), 1, "{claim}");
        assert_eq!((signals[0].phase, signals[0].trigger), (Phase::Early, Trigger::Early), "{claim}");
        assert_eq!(signals[0].evidence.len(), if claim.contains("login") { 52 } else { 51 }, "{claim}");
        assert_eq!(signals[0].trace_complete, None);
        tick(&engine, 200);
        assert_eq!(super::signals(&engine).len(), 0, "{claim}: a verdict is given once");
    }
}

#[test]
fn an_absence_waits_for_completion() {
    let engine = engine("- {name: pair, always: trace.has(charge) and trace.has(check)}", Config::default());
    ingest(&engine, 1, &spans("t", "root @web 0..100\n  charge @pay 10..20"));
    tick(&engine, 10);
    assert!(signals(&engine).is_empty());
    tick(&engine, 11);
    let signals = signals(&engine);
    assert_eq!(signals.len(), 1);
    assert_eq!((signals[0].phase, signals[0].trigger), (Phase::Complete, Trigger::Complete));
    assert_eq!(signals[0].missing, ["'check'"]);
    assert_eq!(signals[0].trace_complete, Some(true));
}

#[test]
fn a_presence_decides_a_satisfied_claim_and_counts_once() {
    let engine = engine("- {name: pair, always: trace.has(charge) and trace.has(check)}", Config::default());
    ingest(&engine, 1, &spans("t", "root @web 0..100\n  charge 10..20\n  check 5..6"));
    tick(&engine, 100);
    assert!(signals(&engine).is_empty());
    let stats = engine.stats();
    assert_eq!((stats.rules[0].satisfied, stats.rules[0].violated, stats.rules[0].not_applicable), (1, 0, 0));
}

#[test]
fn a_group_that_is_only_possible_waits() {
    let engine =
        engine("- {name: never, never: trace.spans.where(name == a and has_child(name == b)).by(k).count() >= 0}", Config::default());
    // Whose child a span is can be told while a trace is open where the parent is a server: another span may still share its id.
    let all = spans("t", "root 0..100\n  a server 10..20 {k=1}\n  a server 10..20 {k=2} #x\n    b 11..12");
    ingest(&engine, 1, &all[..3]);
    assert!(signals(&engine).is_empty(), "no span is in a group for certain");
    ingest(&engine, 2, &all[3..]);
    assert_eq!(signals(&engine).len(), 1, "the second is now");
    tick(&engine, 100);
    assert!(signals(&engine).is_empty(), "the first never was");
}
