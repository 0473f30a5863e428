//! A trace that began before the engine did may have spans that went to whoever stood here before.

use fluo_engine::stats::RuleStats;
use fluo_engine::{Config, Engine};
use fluo_testkit::model::SpanData;
use fluo_testkit::notation::BASE;

use super::{SECOND, ingest, rules, signals, spans, tick};

const RULES: &str = "- {name: pair, always: trace.has(charge) and trace.has(check)}\n\
     - {name: hears, always: trace.has(charge) and trace.has(check), on_gap: signal}\n\
     - {name: few, never: trace.count(charge) < 2, when: trace.has(charge)}\n\
     - {name: storm, never: trace.count(charge) > 1}\n";

fn engine(live: bool, now: u64) -> Engine {
    Engine::new(rules(RULES), Config { live, ..Config::default() }, now).expect("a valid configuration")
}

/// The verdicts of the first rule.
fn of_first(engine: &Engine) -> RuleStats {
    engine.stats().rules.into_iter().next().expect("a rule")
}

/// What the rules signal in the end, and which traces are counted as undecided because of the start by the first rule.
fn told(engine: &Engine) -> (Vec<String>, u64) {
    tick(engine, 200);
    let mut rules: Vec<String> = signals(engine).into_iter().map(|signal| signal.rule).collect();
    rules.sort();
    (rules, of_first(engine).inconclusive.get("start").copied().unwrap_or_default())
}

fn half(label: &str) -> Vec<SpanData> {
    spans(label, "root @web 1000..2000\n  charge @pay 1100..1200")
}

#[test]
fn nothing_is_concluded_from_what_a_trace_lacks_that_began_before_the_engine() {
    let (clear, doubted) = (vec!["few".to_owned(), "hears".to_owned(), "pair".to_owned()], vec!["hears".to_owned()]);
    for (live, began, expected) in [
        (true, BASE + 1_500_000_000, (doubted.clone(), 1)),
        (true, BASE + SECOND + 100_000_001, (doubted, 1)),
        // Within the difference that clocks may have.
        (true, BASE + SECOND + 100_000_000, (clear.clone(), 0)),
        (true, BASE, (clear.clone(), 0)),
        (false, BASE + 1_500_000_000, (clear, 0)),
    ] {
        let engine = engine(live, began);
        ingest(&engine, 3, &half("t"));
        assert_eq!(told(&engine), expected, "live {live}, {began}");
    }
}

#[test]
fn what_is_there_is_a_fact_all_the_same() {
    let engine = engine(true, BASE + 10 * SECOND);
    ingest(&engine, 11, &spans("t", "root @web 1000..2000\n  charge @pay 1100..1200\n  charge @pay 1300..1400\n  check 1..2"));
    assert_eq!(told(&engine), (vec!["storm".to_owned()], 0));
}

#[test]
fn any_span_that_comes_in_time_may_be_the_first() {
    // The span that began earliest is the last to come: before the trace is decided, and in its grace.
    for second in [5, 40] {
        let engine = engine(true, BASE + 500_000_000);
        let mut all = half("t");
        all.extend(
            spans("t", "root @web 1000..2000\n  early @pay #e 100..1500")
                .into_iter()
                .skip(1)
                .map(|span| SpanData { span_id: [9; 8], ..span }),
        );
        ingest(&engine, 3, &all[..2]);
        ingest(&engine, second, &all[2..]);
        tick(&engine, 200);
        let standing: i32 = signals(&engine)
            .iter()
            .filter(|signal| signal.rule == "pair")
            .map(|signal| if signal.event == fluo_engine::signal::Event::Violation { 1 } else { -1 })
            .sum();
        let first = of_first(&engine);
        let revised: u64 = first.revisions.iter().filter(|r| r.to_reason == "start").map(|r| r.count).sum();
        assert_eq!((standing, first.inconclusive["start"] + revised), (0, 1), "{second}");
    }
}

#[test]
fn a_top_whose_caller_may_have_come_before_is_no_root() {
    let text = "- {name: called, always: trace.has(charge).all(has_parent(kind == client))}\n\
         - {name: named, always: trace.root.name == visit, when: trace.has(charge)}\n";
    for (live, expected) in [(true, Vec::new()), (false, vec!["called", "named"])] {
        let config = Config { live, ..Config::default() };
        let engine = Engine::new(rules(text), config, BASE + 5 * SECOND).expect("a valid configuration");
        ingest(&engine, 6, &spans("t", "charge server ^?caller 1000..2000"));
        tick(&engine, 200);
        assert_eq!(signals(&engine).iter().map(|signal| signal.rule.as_str()).collect::<Vec<_>>(), expected, "live {live}");
    }
}

#[test]
fn a_restart_under_traffic_says_nothing_of_healthy_traces() {
    // Five traces a second, each a call that takes two seconds and whose parts come as they end, through a restart at the tenth second.
    let text =
        "visit @web 0..2000\n  charge @pay 100..400\n  check @fraud 50..90\n  call client @web 500..900\n    serve server @pay 510..890";
    let wanted = "- {name: pair, always: trace.has(charge) and trace.has(check)}\n\
         - {name: one, always: trace.has(charge).count() == 1, when: trace.has(visit)}\n\
         - {name: below, always: trace.spans.where(name == call).all(has_child(serve))}\n\
         - {name: root, always: trace.root.name == visit, when: trace.has(visit)}\n\
         - {name: deep, always: trace.depth >= 2, when: trace.has(visit)}\n";
    let mut arrivals: Vec<SpanData> = Vec::new();
    for number in 0..100u64 {
        let begins = number * SECOND / 5;
        let of_trace = spans(&format!("t{number}"), text).into_iter();
        arrivals.extend(of_trace.map(|span| SpanData { start: span.start + begins, end: span.end + begins, ..span }));
    }
    arrivals.sort_by_key(|span| span.end);
    let config = || Config { live: true, ..Config::default() };
    let mut engine = Engine::new(rules(wanted), config(), BASE).expect("a valid configuration");
    let mut restarted = false;
    for span in &arrivals {
        if !restarted && span.end >= BASE + 10 * SECOND {
            restarted = true;
            engine = Engine::new(rules(wanted), config(), span.end).expect("a valid configuration");
        }
        engine.ingest(0, span.end, &fluo_testkit::otlp::encode(std::slice::from_ref(span))).expect("an open engine");
    }
    tick(&engine, 300);
    assert!(restarted);
    assert_eq!(signals(&engine).iter().map(|signal| &signal.message).collect::<Vec<_>>(), Vec::<&String>::new());
    let first = of_first(&engine);
    assert!(first.inconclusive["start"] >= 9 && first.satisfied >= 40, "{first:?}");
}
