//! What a signal says.

use fluo_engine::Config;
use fluo_engine::signal::Event;

use super::{engine, ingest, signals, spans, tick};

#[test]
fn a_signal_explains_itself() {
    let engine = engine(
        "- name: pair\n  always: trace.has(charge) and trace.has(check)\n  severity: error\n  controls: ['PCI-DSS:6.4.2']\n  show: [order.id]\n",
        Config::default(),
    );
    ingest(&engine, 1, &spans("t", "root @web 0..100\n  charge @pay 10..20 {order.id=o7}"));
    tick(&engine, 20);
    let found = signals(&engine);
    let signal = &found[0];
    assert_eq!(signal.missing, ["'check'"]);
    assert_eq!(signal.evidence, [2]);
    assert_eq!(signal.span_id, Some(2));
    assert_eq!(signal.shown, [("order.id".to_owned(), "o7".to_owned())]);
    assert_eq!(signal.resource, [("service.name".to_owned(), "pay".to_owned())]);
    assert_eq!(signal.trace_spans, Some(2));
    for part in ["pair", "no span matched 'check'", "1 span matched 'charge'", "always trace.has('charge') and trace.has('check')"] {
        assert!(signal.message.contains(part), "{}", signal.message);
    }
}

#[test]
fn ids_depend_on_the_facts_alone() {
    let rule = |extra: &str| format!("- {{name: many, never: trace.count(a) > 2{extra}}}");
    let all = spans("t", "root 0..9\n  a 1..2 *4");
    let id = |text: &str, order: &[usize]| {
        let engine = engine(text, Config::default());
        for (second, at) in (1..).zip(order) {
            ingest(&engine, second, &all[*at..=*at]);
        }
        tick(&engine, 100);
        let found = signals(&engine);
        assert_eq!(found.len(), 1);
        found[0].violation_id
    };
    let one = id(&rule(""), &[0, 1, 2, 3, 4]);
    assert_eq!(one, id(&rule(""), &[4, 2, 0, 3, 1]));
    assert_eq!(one, id(&rule(", severity: critical, message: 'look'"), &[0, 1, 2, 3, 4]));
    assert_ne!(one, id(&rule("").replace("> 2", "> 1"), &[0, 1, 2, 3, 4]));
}

#[test]
fn a_group_has_its_own_signal() {
    let engine = engine("- {name: per-user, never: trace.spans.where(name == login).by(user).count() > 1}", Config::default());
    ingest(&engine, 1, &spans("t", "root 0..9\n  login 1..2 {user=ann} *2\n  login 1..2 {user=bob}\n  login 3..4 {user=cem} *3"));
    tick(&engine, 20);
    let mut groups: Vec<_> = signals(&engine).into_iter().map(|s| s.group).collect();
    groups.sort();
    assert_eq!(groups, [[("user".to_owned(), "ann".to_owned())], [("user".to_owned(), "cem".to_owned())]]);
}

#[test]
fn a_message_of_ones_own_inserts_what_was_observed() {
    let engine = engine("- {name: many, never: trace.count(a) > 2, message: 'saw {trace.count(a)} of {{a}}'}", Config::default());
    ingest(&engine, 1, &spans("t", "root 0..9\n  a 1..2 *4"));
    assert_eq!(signals(&engine)[0].message, "saw 4 of {a}");
}

#[test]
fn a_shadow_rule_is_counted_and_silent() {
    let engine = engine("- {name: many, never: trace.count(a) > 2, mode: shadow}", Config::default());
    ingest(&engine, 1, &spans("t", "root 0..9\n  a 1..2 *4"));
    tick(&engine, 20);
    assert!(signals(&engine).is_empty());
    assert_eq!(engine.stats().rules[0].violated, 1);
}

#[test]
fn what_people_read_is_the_value_itself_cut_between_characters() {
    let engine = engine(
        "- {name: in-trace, never: 'trace.has(q).by(sql).count() >= 2', show: [sql]}\n\
         - {name: across, never: 'spans.where(q).by(sql).within(1m).count() >= 2', show: [sql]}\n\
         - {name: low, never: 'spans.where(q).by(sql).within(1m).sum(n) >= 1', show: [sql]}\n",
        Config::default(),
    );
    // In bytes: what is kept whole, hashed, kept as a hash alone.
    for (second, (len, letter)) in
        (1..).zip([(63, "x"), (64, "x"), (65, "é"), (256, "x"), (257, "x"), (300, "é"), (5_000, "é"), (9_001, "x")])
    {
        let whole = letter.repeat(len / letter.len());
        let value = if letter == "é" { format!("{whole}!") } else { whole };
        let mut all = spans(&format!("t{len}{letter}"), "q 1..2 {n=1}\nq 3..4 {n=1}");
        for span in &mut all {
            span.attributes.push(("sql".to_owned(), fluo_testkit::model::AnyValue::String(value.clone())));
        }
        ingest(&engine, second, &all);
        let found = signals(&engine);
        let cut = if value.len() > 256 { format!("{}…", value.get(..256).expect("between characters")) } else { value };
        let mut rules: Vec<&str> = found.iter().map(|signal| signal.rule.as_str()).collect();
        rules.sort_unstable();
        assert_eq!(rules, ["across", "in-trace"], "{len}");
        for signal in &found {
            assert_eq!(signal.group, [("sql".to_owned(), cut.clone())], "{} {len}", signal.rule);
            assert_eq!(signal.shown, [("sql".to_owned(), cut.clone())], "{} {len}", signal.rule);
            if signal.rule == "across" {
                assert!(signal.message.contains(&cut), "{}", signal.message);
            }
        }
    }
    tick(&engine, 100);
    let found = signals(&engine);
    assert_eq!(found.iter().filter(|signal| signal.rule == "low" && signal.event == Event::Violation).count(), 8);
    assert!(found.iter().all(|signal| signal.group.iter().all(|(_, value)| value.len() <= 256 + '…'.len_utf8())));
}
