//! Counting windows over all spans.

use fluo_engine::signal::Event;
use fluo_engine::{Config, Signal};
use fluo_testkit::model::SpanData;
use fluo_testkit::notation::BASE;

use super::{SECOND, engine, ingest, signals, spans, tick};

const RULE: &str = "- {name: many, never: spans.where(name == a).within(1m).count() > 2}";

/// One span of its own trace that ends so many seconds after the base.
fn span(n: u64, end: u64) -> SpanData {
    let mut span = spans(&format!("w{n}"), "a @svc 0..1 {user=u1}").remove(0);
    span.end = BASE + end * SECOND;
    span.start = span.end - 1;
    span.span_id = (n + 1).to_be_bytes();
    span
}

fn run(ends: &[u64]) -> Vec<Signal> {
    let engine = engine(RULE, Config { allowed_lateness_ns: 300 * SECOND, ..Config::default() });
    for (n, end) in (0..).zip(ends) {
        ingest(&engine, 700, &[span(n, *end)]);
    }
    tick(&engine, 2_000);
    signals(&engine)
}

#[test]
fn the_third_span_in_a_minute_fires_once_and_the_group_resolves() {
    let found = run(&[400, 420, 450, 455, 600]);
    assert_eq!(found.iter().map(|s| s.event).collect::<Vec<_>>(), [Event::Violation, Event::Resolved]);
    assert_eq!(found[0].evidence, [1, 2, 3]);
    assert_eq!(found[0].violation_id, found[1].violation_id);
    assert_eq!(found[1].window, Some((BASE + 450 * SECOND, BASE + 480 * SECOND)));
    assert!(run(&[400, 420, 460, 481]).is_empty(), "the window is open at its start");
}

#[test]
fn episodes_are_the_same_in_any_order_within_the_lateness() {
    let episodes = |ends: &[u64]| -> Vec<_> { run(ends).into_iter().filter(|s| s.event == Event::Resolved).map(|s| s.window).collect() };
    let expected = episodes(&[400, 410, 420, 430, 600, 610, 620]);
    assert_eq!(expected.len(), 2);
    for ends in [[620, 400, 610, 410, 600, 420, 430], [430, 620, 420, 610, 410, 600, 400], [600, 610, 430, 420, 410, 400, 620]] {
        assert_eq!(episodes(&ends), expected, "{ends:?}");
    }
}

#[test]
fn ids_do_not_depend_on_the_batches() {
    let ids = |batches: &[&[u64]]| {
        let engine = engine(RULE, Config::default());
        let mut n = 0;
        for batch in batches {
            let spans: Vec<SpanData> = batch
                .iter()
                .map(|end| {
                    n += 1;
                    span(n, *end)
                })
                .collect();
            ingest(&engine, 100, &spans);
        }
        signals(&engine).into_iter().map(|s| s.violation_id).collect::<Vec<_>>()
    };
    let one = ids(&[&[80, 85, 90, 95, 99]]);
    assert_eq!(one.len(), 1);
    assert_eq!(one, ids(&[&[80], &[85], &[90], &[95], &[99]]));
    assert_eq!(one, ids(&[&[80, 85], &[90, 95, 99]]));
}

#[test]
fn spans_of_broken_clocks_and_stragglers_are_counted_and_left_out() {
    let engine = engine(RULE, Config::default());
    ingest(&engine, 100, &[span(1, 90), span(2, 95)]);
    ingest(&engine, 100, &[span(3, 2_000_000_000), span(4, 30), span(5, 31)]);
    assert!(signals(&engine).is_empty());
    let stats = engine.stats();
    assert_eq!((stats.spans_bad_time, stats.spans_late), (1, 2));
}

#[test]
fn each_group_counts_for_itself() {
    let engine = engine("- {name: many, never: spans.where(name == a).by(user).within(1m).count() > 2}", Config::default());
    let of = |n: u64, user: &str| {
        let mut span = span(n, 90);
        span.attributes = vec![("user".to_owned(), fluo_testkit::model::AnyValue::String(user.to_owned()))];
        span
    };
    let all: Vec<SpanData> = ["ann", "bob", "ann", "bob", "ann"].into_iter().zip(1..).map(|(user, n)| of(n, user)).collect();
    ingest(&engine, 100, &all);
    let found = signals(&engine);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].group, [("user".to_owned(), "ann".to_owned())]);
}

#[test]
fn a_window_shows_and_says_what_its_rule_asks_for() {
    let engine = engine(
        "- name: many\n  never: spans.where(name == a).by(user).within(1m).count() > 2\n  show: [user, service]\n  message: '{spans.where(name == a).by(user).within(1m).count()} by {user}'\n",
        Config::default(),
    );
    ingest(&engine, 100, &[span(1, 90), span(2, 91), span(3, 92)]);
    let found = signals(&engine);
    assert_eq!(found[0].message, "3 by u1");
    assert_eq!(found[0].shown, [("service".to_owned(), "svc".to_owned()), ("user".to_owned(), "u1".to_owned())]);
}

#[test]
fn what_cannot_be_monitored_is_refused() {
    for (rule, refused) in [
        ("never: spans.where(name == a).within(1m).count() > 2", false),
        ("always: spans.where(name == a).within(1m).count() >= 1", true),
        ("never: spans.where(name == a).within(1m).count() > 2\n  repeat_after: 1h", true),
    ] {
        let rules = super::rules(&format!("- name: r\n  {rule}\n"));
        assert_eq!(fluo_engine::unsupported(&rules).len(), usize::from(refused), "{rule}");
    }
}
