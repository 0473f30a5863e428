//! What comes before and after each span, over all traces.

use fluo_engine::signal::{Event, Phase};
use fluo_engine::{Config, Reason, Signal, Verdict};
use fluo_testkit::model::{AnyValue, SpanData};
use fluo_testkit::notation::BASE;

use super::{SECOND, engine, ingest, rules, signals, spans, tick};

const GUESSED: &str = "- name: guessed\n  never: spans.where(login.ok).any(preceded_by(login.failed, at_least=2, within=1m, same=user))\n  show: [user, client]\n";
const CAPTURED: &str =
    "- name: captured\n  always: spans.where(name == charge).all(followed_by(name == capture, within=10s, same=order))\n";

/// A span of a trace of its own that lasts from one second after the base to another.
fn span(n: u64, name: &str, start: u64, end: u64, attributes: &[(&str, &str)]) -> SpanData {
    let mut span = spans(&format!("s{n}"), &format!("'{name}' @svc 0..1")).remove(0);
    (span.start, span.end) = (BASE + start * SECOND, BASE + end * SECOND);
    span.span_id = n.to_be_bytes();
    span.attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), AnyValue::String((*value).to_owned()))).collect();
    span
}

fn observed(signal: &Signal) -> Vec<(&str, &str)> {
    signal.observed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn what_further_spans_cannot_repair_fires_on_arrival_and_cites_what_was_counted() {
    let engine = engine(GUESSED, Config::default());
    for (n, name, at) in [(1, "login.failed", 100), (2, "login.failed", 101), (3, "login.failed", 102), (4, "login.ok", 104)] {
        ingest(&engine, at + 1, &[span(n, name, at, at + 1, &[("user", "ann"), ("client", &format!("c{n}"))])]);
    }
    ingest(&engine, 106, &[span(5, "login.ok", 105, 106, &[("user", "bob")])]);
    let found = signals(&engine);
    assert_eq!(found.len(), 1);
    let signal = &found[0];
    assert_eq!((signal.event, signal.phase, signal.span_id), (Event::Violation, Phase::Early, Some(4)));
    assert_eq!(signal.trace_id, span(4, "x", 0, 1, &[]).trace_id);
    assert_eq!(signal.evidence, [2, 3, 4], "the nearest two, and the span itself");
    assert_eq!(observed(signal), [("preceded_by(login.failed, within=1m, same=user, at_least=2)", "3")]);
    assert!(signal.missing.is_empty());
    assert_eq!(signal.shown, [("client".to_owned(), "c2, c3, c4".to_owned()), ("user".to_owned(), "ann".to_owned())]);
}

#[test]
fn a_late_attempt_completes_the_pattern_and_ids_do_not_depend_on_the_order() {
    let all = [span(1, "login.failed", 100, 101, &[("user", "ann")]), span(2, "login.failed", 101, 102, &[("user", "ann")])];
    let ok = span(3, "login.ok", 104, 105, &[("user", "ann")]);
    let ids = |order: &[&SpanData]| -> Vec<_> {
        let engine = engine(GUESSED, Config::default());
        for one in order {
            ingest(&engine, 106, std::slice::from_ref(*one));
        }
        signals(&engine).into_iter().map(|signal| signal.violation_id).collect()
    };
    let one = ids(&[&all[0], &all[1], &ok]);
    assert_eq!(one.len(), 1);
    assert_eq!(one, ids(&[&ok, &all[1], &all[0]]));
    assert_eq!(one, ids(&[&all[1], &ok, &all[0]]));
}

#[test]
fn an_absence_is_signalled_when_the_watermark_has_passed_and_names_what_is_missing() {
    let engine = engine(CAPTURED, Config::default());
    ingest(&engine, 101, &[span(1, "charge", 100, 101, &[("order", "o1")]), span(2, "charge", 100, 101, &[("order", "o2")])]);
    ingest(&engine, 106, &[span(3, "capture", 105, 106, &[("order", "o1")])]);
    tick(&engine, 141);
    assert!(signals(&engine).is_empty());
    tick(&engine, 142);
    let found = signals(&engine);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].span_id, found[0].phase), (Some(2), Phase::Complete));
    assert_eq!((found[0].evidence.as_slice(), found[0].missing.as_slice()), ([2].as_slice(), ["name == 'capture'".to_owned()].as_slice()));
    assert_eq!(observed(&found[0]), [("followed_by(name == 'capture', within=10s, same=order)", "0")]);
    let stats = engine.stats();
    assert_eq!((stats.rules[0].satisfied, stats.rules[0].violated), (1, 1));
}

#[test]
fn a_span_that_lasted_long_takes_the_violation_back() {
    let engine = engine(CAPTURED, Config { record_verdicts: true, ..Config::default() });
    ingest(&engine, 101, &[span(1, "charge", 100, 101, &[("order", "o1")])]);
    tick(&engine, 142);
    ingest(&engine, 151, &[span(2, "capture", 105, 151, &[("order", "o1")])]);
    let found = signals(&engine);
    assert_eq!(
        found.iter().map(|s| (s.event, s.phase)).collect::<Vec<_>>(),
        [(Event::Violation, Phase::Complete), (Event::Retracted, Phase::Late)]
    );
    assert_eq!(found[0].violation_id, found[1].violation_id);
    let verdicts: Vec<_> = engine.drain_verdicts().into_iter().map(|record| (record.span_id, record.verdict)).collect();
    assert_eq!(verdicts, [(Some(1), Verdict::Satisfied)]);
    let rule = &engine.stats().rules[0];
    assert_eq!((rule.satisfied, rule.violated), (0, 1), "the verdict about the span was given once");
    assert_eq!(rule.revisions.iter().map(|r| (r.from, r.to, r.count)).collect::<Vec<_>>(), [("violated", "satisfied", 1)]);
    assert_eq!((rule.standing().satisfied, rule.standing().violated), (1, 0));
}

#[test]
fn at_the_end_of_a_recording_nothing_fires_for_want_of_more() {
    let engine = engine(CAPTURED, Config { record_verdicts: true, ..Config::default() });
    ingest(&engine, 101, &[span(1, "charge", 100, 101, &[("order", "o1")])]);
    engine.end_recording(BASE + 120 * SECOND);
    assert!(signals(&engine).is_empty());
    let verdicts: Vec<_> = engine.drain_verdicts().into_iter().map(|record| record.verdict).collect();
    assert_eq!(verdicts, [Verdict::Inconclusive(Reason::Shutdown)]);
}

#[test]
fn spans_are_kept_as_long_as_a_claim_may_look_at_them() {
    let held = |rule: &str, last: u64| {
        let engine = engine(rule, Config::default());
        for n in 0..500 {
            ingest(&engine, 149, &[span(n + 1, "login.failed", 148, 149, &[("user", &format!("u{n}"))])]);
        }
        tick(&engine, last);
        engine.stats().bytes_held
    };
    // Another rule over `spans` that keeps nothing for long, and the same of each trace.
    let short = "- name: short\n  never: spans.where(login.failed or login.ok).by(user).within(1s).count() > 5\n  show: [client]\n";
    let by_sequence = |last| held(GUESSED, last).saturating_sub(held(short, last));
    // One minute of `within`, one of the longest span on either side, the skew on both, and the lateness.
    let over = 149 + 60 + 120 + 1 + 30;
    let (kept, left) = (by_sequence(over - 1), by_sequence(over));
    assert!(kept > 500 * 200, "{kept} bytes are kept");
    assert!(left < 20_000, "{left} of {kept} bytes are left");
}

#[test]
fn what_was_dropped_for_want_of_room_makes_nobody_guilty() {
    let config = Config { memory_bytes: 200_000, record_verdicts: true, ..Config::default() };
    let engine =
        engine("- name: announced\n  always: spans.where(name == run).all(preceded_by(name == plan, within=1m, same=id))\n", config);
    ingest(&engine, 1, &[span(9_999, "other", 0, 1, &[])]);
    ingest(&engine, 101, &[span(1, "plan", 100, 101, &[("id", "wanted")])]);
    for n in 0..400 {
        let mut plan = span(n + 10, "plan", 102, 109, &[("id", &format!("{n}"))]);
        plan.end += n;
        ingest(&engine, 110, &[plan]);
    }
    ingest(&engine, 121, &[span(2, "run", 120, 121, &[("id", "wanted")]), span(3, "run", 120, 121, &[("id", "399")])]);
    tick(&engine, 400);
    assert!(engine.stats().groups_evicted > 0);
    assert!(signals(&engine).is_empty());
    let mut verdicts: Vec<_> = engine.drain_verdicts().into_iter().map(|record| (record.span_id, record.verdict)).collect();
    verdicts.sort_by_key(|(span, _)| *span);
    assert_eq!(verdicts, [(Some(2), Verdict::Inconclusive(Reason::Cardinality)), (Some(3), Verdict::Satisfied)]);
}

#[test]
fn a_reload_keeps_what_an_unchanged_rule_has_seen() {
    let engine = engine(GUESSED, Config::default());
    ingest(&engine, 101, &[span(1, "login.failed", 100, 101, &[("user", "ann")])]);
    ingest(&engine, 103, &[span(2, "login.failed", 102, 103, &[("user", "ann")])]);
    let other = "- {name: more, never: spans.where(name == other and size > 3).within(1m).count() > 2}\n";
    engine.swap(rules(&format!("{other}{GUESSED}")), BASE + 104 * SECOND);
    ingest(&engine, 106, &[span(3, "login.ok", 105, 106, &[("user", "ann")])]);
    assert_eq!(signals(&engine).into_iter().map(|signal| signal.evidence).collect::<Vec<_>>(), [vec![1, 2, 3]]);
}

#[test]
fn claims_that_are_not_about_each_span_are_refused_with_what_to_write() {
    let relation = "preceded_by(a.b, within=1m, same=user)";
    for (rule, help) in [
        (format!("always: spans.where(a.c).any({relation})"), "claimed of each span"),
        (format!("always: spans.where(a.c).all({relation}) and spans.where(a.d).all({relation})"), "one in a rule"),
        (format!("never: spans.where({relation}).within(1m).count() > 3"), "claimed of each span"),
        (format!("always: spans.where(a.c).by(user).all({relation})"), "leave `.by(…)` out"),
        (format!("always: spans.where(a.c).all({relation})\n  when: spans.within(1m).count() > 3"), "no `when`"),
    ] {
        let refused = fluo_engine::unsupported(&rules(&format!("- name: r\n  {rule}\n")));
        let said = refused.first().and_then(|diagnostic| diagnostic.help.as_deref()).unwrap_or_default();
        assert!(said.contains(help), "{rule}: {said:?}");
    }
    for rule in [format!("always: spans.where(a.c).all({relation})"), format!("always: not spans.where(a.c and {relation})")] {
        assert!(fluo_engine::unsupported(&rules(&format!("- name: r\n  {rule}\n"))).is_empty(), "{rule}");
    }
}
