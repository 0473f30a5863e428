//! Counting windows over all spans.

use fluo_engine::signal::Event;
use fluo_engine::{Config, Reason, Signal};
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

/// What a rule signals of spans that come in this order, one message each, and of a watermark that goes on to the end.
fn told(rule: &str, spans: &[SpanData], until: u64) -> Vec<(Event, Option<(u64, u64)>)> {
    let engine = engine(rule, Config { allowed_lateness_ns: 30 * SECOND, ..Config::default() });
    for span in spans {
        ingest(&engine, (span.end - BASE) / SECOND, std::slice::from_ref(span));
    }
    tick(&engine, until);
    let seconds = |t: u64| (t - BASE) / SECOND;
    signals(&engine).into_iter().map(|s| (s.event, s.window.map(|(a, b)| (seconds(a.max(BASE)), seconds(b))))).collect()
}

#[test]
fn absence_fires_once_without_any_span_and_resolves() {
    let rule = "- {name: beat, always: spans.where(name == a).within(1m).count() >= 1}";
    let found = told(rule, &[span(1, 10), span(2, 50), span(3, 400)], 480);
    assert_eq!(found, [(Event::Violation, Some((50, 110))), (Event::Resolved, Some((110, 400)))]);
    assert_eq!(told(rule, &[span(1, 10), span(2, 50)], 139), []);
    assert_eq!(told(rule, &[span(1, 10), span(2, 50)], 141), [(Event::Violation, Some((50, 110)))]);
}

#[test]
fn a_violation_that_lasts_is_signalled_again_after_the_time_the_rule_says() {
    let rule = "- {name: beat, always: spans.where(name == a).within(1m).count() >= 1, repeat_after: 2m}";
    let absent = engine(rule, Config::default());
    ingest(&absent, 50, &[span(1, 10), span(2, 50)]);
    for second in (60..440).step_by(10) {
        tick(&absent, second);
    }
    let told: Vec<_> = signals(&absent).iter().map(|s| (s.event, s.window.map(|(_, end)| (end - BASE) / SECOND))).collect();
    assert_eq!(told, [(Event::Violation, Some(110)), (Event::Violation, Some(239)), (Event::Violation, Some(359))]);
    let engine = engine("- {name: many, never: spans.where(name == a).within(10m).count() > 2, repeat_after: 2m}", Config::default());
    ingest(&engine, 100, &[span(1, 90), span(2, 91), span(3, 92)]);
    assert_eq!(signals(&engine).len(), 1);
    for second in (100..400).step_by(10) {
        tick(&engine, second);
    }
    let again = signals(&engine);
    assert_eq!(again.iter().map(|s| s.event).collect::<Vec<_>>(), [Event::Violation, Event::Violation]);
}

#[test]
fn spans_in_flight_at_once_are_counted_across_traces() {
    let rule = "- {name: flight, always: spans.where(name == a).concurrent() <= 2}";
    let from = |n: u64, start: u64, end: u64| SpanData { start: BASE + start * SECOND, ..span(n, end) };
    let found = told(rule, &[from(1, 10, 40), from(2, 20, 50), from(3, 45, 60), from(4, 30, 70)], 200);
    assert_eq!(
        found,
        [
            (Event::Violation, Some((30, 30))),
            (Event::Violation, Some((45, 45))),
            (Event::Resolved, Some((30, 40))),
            (Event::Resolved, Some((45, 50)))
        ]
    );
}

#[test]
fn groups_over_the_limit_are_evicted_counted_and_remembered_as_doubt() {
    let config = Config { max_groups: 2, record_verdicts: true, ..Config::default() };
    let engine = engine("- {name: many, never: spans.where(name == a).by(user).within(1m).count() > 1}", config);
    let of = |n: u64, end: u64, user: &str| {
        let mut span = span(n, end);
        span.attributes = vec![("user".to_owned(), fluo_testkit::model::AnyValue::String(user.to_owned()))];
        span
    };
    ingest(&engine, 100, &[of(1, 90, "ann"), of(2, 91, "bob"), of(3, 92, "cid"), of(4, 93, "ann")]);
    assert!(signals(&engine).is_empty(), "a group that may have been violated is not signalled");
    assert_eq!(engine.stats().groups_evicted, 2);
    engine.end_recording(BASE + 100 * SECOND);
    let verdicts: std::collections::BTreeSet<_> =
        engine.drain_verdicts().into_iter().map(|v| (v.group.concat(), format!("{:?}", v.verdict))).collect();
    let inconclusive = |user: &str| (user.to_owned(), "Inconclusive(Cardinality)".to_owned());
    assert_eq!(verdicts, [inconclusive("ann"), inconclusive("bob"), ("cid".to_owned(), "Satisfied".to_owned())].into());
}

#[test]
fn hostile_cardinality_stays_in_the_budget_and_other_rules_keep_their_answers() {
    let rules = "- {name: many, never: spans.where(name == a).by(user).within(1m).count() > 3}\n- {name: steady, never: spans.where(name == a).by(service).within(1m).count() > 20000}";
    let engine = engine(rules, Config { memory_bytes: 4 << 20, max_groups: 1_000_000, ..Config::default() });
    for batch in 0..30u64 {
        let spans: Vec<SpanData> = (0..1_000u64)
            .map(|i| {
                let mut span = span(batch * 1_000 + i, 90);
                span.attributes = vec![("user".to_owned(), fluo_testkit::model::AnyValue::String(format!("user-{batch}-{i}")))];
                span
            })
            .collect();
        ingest(&engine, 100, &spans);
    }
    let stats = engine.stats();
    assert!(stats.bytes_held <= 4 << 20, "{}", stats.bytes_held);
    assert!(stats.groups_evicted > 1_000);
    assert_eq!(signals(&engine).iter().map(|s| s.rule.as_str()).collect::<Vec<_>>(), ["steady"]);
}

#[test]
fn a_rule_whose_one_group_outgrows_the_budget_says_that_it_cannot_tell() {
    // So many thousand spans of half a minute each, what is asked of them, and whether that is known although the earlier ones
    // were dropped.
    for (thousands, claim, known) in [
        (40, "never: spans.where(name == a).within(1m).count() > 35000", false),
        (15, "never: spans.where(name == a).within(1m).p95(duration) > 1h", false),
        (15, "never: spans.where(name == a).within(1m).distinct(user) > 14000", false),
        (15, "always: spans.where(name == a).within(1m).count() >= 100", true),
        (15, "never: spans.by(service).within(1m).count() / spans.within(1m).count() > 2", false),
        (40, "always: spans.where(name == a).concurrent() <= 39000", false),
        (40, "always: spans.where(name == a).concurrent() <= 4000", true),
    ] {
        let rule = format!("- {{name: r, {claim}}}");
        let engine = engine(&rule, Config { memory_bytes: 1 << 20, record_verdicts: true, ..Config::default() });
        for batch in 0..thousands {
            let spans: Vec<SpanData> = (0..1_000u64)
                .map(|i| {
                    let mut span = span(batch * 1_000 + i, 90);
                    span.end += (batch * 1_000 + i) * 200_000;
                    span.start = span.end - 30 * SECOND;
                    span.attributes = vec![("user".to_owned(), fluo_testkit::model::AnyValue::String(format!("user-{batch}-{i}")))];
                    span
                })
                .collect();
            ingest(&engine, 100, &spans);
            assert!(engine.stats().bytes_held <= 1 << 20, "{claim}: {}", engine.stats().bytes_held);
        }
        engine.end_recording(BASE + 200 * SECOND);
        let verdicts = engine.drain_verdicts();
        let inconclusive = verdicts.iter().any(|v| v.reasons.contains(&Reason::Cardinality));
        assert_eq!(inconclusive, !known, "{claim}: {verdicts:?}");
    }
}

#[test]
fn too_many_spans_of_unknown_group_leave_a_doubt() {
    use fluo_testkit::model::AnyValue;
    let text = |key: &str, value: &str| (key.to_owned(), AnyValue::String(value.to_owned()));
    for claim in
        ["spans.where(name == a).by(region, user).within(1m).count() <= 2", "spans.where(name == a).by(region, user).concurrent() <= 2"]
    {
        let rule = format!("- name: r\n  always: {claim}\n");
        let engine = engine(&rule, Config { record_verdicts: true, ..Config::default() });
        // Two that may be of the group that comes last, and many that are not.
        let strays = (0..1_200u64).map(|n| {
            let mut span = span(n, 90);
            span.start -= 30 * SECOND;
            span.attributes = vec![text("region", if n < 2 { "eu" } else { "us" })];
            span.dropped_attributes = 1;
            span
        });
        ingest(&engine, 100, &strays.collect::<Vec<_>>());
        let mut last = span(2_000, 91);
        last.start -= 30 * SECOND;
        last.attributes = vec![text("region", "eu"), text("user", "ann")];
        ingest(&engine, 101, &[last]);
        engine.end_recording(BASE + 200 * SECOND);
        let verdicts = engine.drain_verdicts();
        assert_eq!(verdicts.iter().map(|v| v.reasons.as_slice()).collect::<Vec<_>>(), [[Reason::Dropped]], "{claim}: {verdicts:?}");
    }
}

#[test]
fn what_cannot_be_monitored_is_refused() {
    for (rule, refused) in [
        ("never: spans.where(name == a).within(1m).count() > 2", false),
        ("always: spans.where(name == a).within(1m).count() >= 1\n  repeat_after: 1h", false),
        ("always: spans.where(name == a).concurrent() <= 2", false),
        ("always: spans.where(name == a).concurrent() <= 2 and spans.where(name == b).within(1m).count() > 0", true),
    ] {
        let rules = super::rules(&format!("- name: r\n  {rule}\n"));
        assert_eq!(fluo_engine::unsupported(&rules).len(), usize::from(refused), "{rule}");
    }
}
