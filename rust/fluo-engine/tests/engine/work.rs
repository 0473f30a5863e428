//! A bound on work: for the worst shapes that a trace can have each rule takes at most c · n · log n steps, counted, in whatever way its
//! spans come.

use std::sync::Arc;

use fluo_engine::{Config, Engine};
use fluo_lang::program::{Rule, RuleSet, Scope};
use fluo_testkit::model::{AnyValue, Kind, Resource, SpanData, Status};
use fluo_testkit::notation::BASE;
use fluo_testkit::otlp;

use super::{SECOND, rules, tick};

const COOKBOOK: &str = include_str!("../../../../docs/cookbook.md");

/// Rules of kinds that the cookbook has none of.
const MORE: &str = "
- {name: nested, never: 'trace.has(a).any(has_child(has_descendant(preceded_by(has_sibling(name == b), at_least=9999999))))'}
- {name: nested-tree, never: 'trace.has(a).any(has_ancestor(has_descendant(has_child(has_parent(name == c)))))'}
- {name: sibling, always: 'trace.has(a).all(has_sibling(b, same=order.id))'}
- {name: siblings, never: 'trace.has(a).any(has_sibling(b, at_least=9999999))'}
- {name: ancestor, always: 'trace.has(a).all(has_ancestor(b, same=order.id))'}
- {name: overlaps, never: 'trace.has(a).any(overlaps(b, at_least=9999999))'}
- {name: overlaps-same, never: 'trace.has(a).all(overlaps(b, same=order.id))'}
- {name: follows, always: 'trace.has(a).all(followed_by(b))'}
- {name: below, never: trace.has(a).descendants.count() > 9999999}
- {name: above, never: trace.has(a).ancestors.count() > 9999999}
- {name: groups, never: trace.spans.by(order.id).count() > 9999999}
- {name: group-values, never: 'trace.has(a).by(order.id).max(duration) > 1h or trace.has(b).by(order.id).distinct(enduser.id) > 3'}
- {name: group-share, never: 'trace.has(a).by(order.id).count() > 2 * trace.has(b).count()'}
- {name: group-relations, never: 'trace.spans.where(preceded_by(a)).by(order.id).count() > 9999999'}
- {name: windows, never: trace.has(a).within(1s).count() > 9999999}
- {name: group-windows, never: trace.has(a).by(order.id).within(1s).count() > 9999999}
- {name: in-flight, never: trace.has(a).concurrent() > 9999999}
- {name: root-field, never: 'trace.spans.any(name == root.name and duration > root.duration)'}
- {name: deep, never: trace.depth > 99999 or trace.duration > 1d}
";

/// Rules that have the bound where the clocks are one. Elsewhere pairs are looked at, as many as a decision may cost.
const ONE_CLOCK: &str = "
- {name: soon, always: 'trace.has(a).all(followed_by(b, within=5ms))'}
- {name: without, always: 'trace.has(a).all(preceded_by(b, without=c))'}
- {name: without-after, always: 'trace.has(a).all(followed_by(b, without=c, within=5ms))'}
";

#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Chain,
    Star,
    /// Calls below the root, each with what answers it.
    Pairs,
    /// Calls and answers in one chain.
    Ladder,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Clocks {
    One,
    /// Those of the answers, or of every second span.
    Two,
    /// Every span, or every answer, its own.
    Each,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Times {
    Ascending,
    Equal,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Values {
    Same,
    Each,
}

type Form = (Shape, Clocks, Times, Values);

const FORMS: [Form; 9] = [
    (Shape::Chain, Clocks::One, Times::Ascending, Values::Same),
    (Shape::Chain, Clocks::Each, Times::Equal, Values::Same),
    (Shape::Star, Clocks::One, Times::Equal, Values::Same),
    (Shape::Star, Clocks::Each, Times::Ascending, Values::Same),
    (Shape::Star, Clocks::One, Times::Ascending, Values::Each),
    (Shape::Pairs, Clocks::Two, Times::Equal, Values::Same),
    (Shape::Pairs, Clocks::Each, Times::Ascending, Values::Same),
    (Shape::Pairs, Clocks::Each, Times::Equal, Values::Each),
    (Shape::Ladder, Clocks::Two, Times::Ascending, Values::Same),
];

/// The rules over traces of a text, each alone.
fn alone(text: &str) -> Vec<Arc<RuleSet>> {
    let all = rules(text);
    let of = |rule: &Rule| Arc::new(RuleSet { rules: vec![rule.clone()], hash: all.hash });
    all.rules.iter().filter(|rule| rule.scope == Scope::Trace).map(of).collect()
}

/// The rules of the cookbook over traces.
fn cookbook() -> Vec<Arc<RuleSet>> {
    let blocks = COOKBOOK.split("```yaml test\n").skip(1).filter_map(|rest| rest.split("```").next());
    let of_block = |block: &str| block.split("tests:\n").next().map(str::to_owned);
    let found: Vec<_> = blocks.filter_map(of_block).flat_map(|text| alone(&text)).collect();
    assert!(found.len() >= 17, "{} rules", found.len());
    found
}

/// A trace in which as many spans as possible are of interest to a rule.
fn trace(rule: &Rule, form: Form, count: u64) -> Vec<SpanData> {
    let (shape, clocks, times, values) = form;
    let text = format!("{rule:?}");
    let names = [
        "payment.charge_card",
        "payment.fraud_check",
        "order.cancel",
        "payment.refund",
        "shipping.book",
        "auth.check",
        "human.approval",
        "a",
        "b",
        "c",
    ];
    let mut names: Vec<&str> = names.into_iter().filter(|name| text.contains(&format!("\"{name}\""))).collect();
    for (pattern, name) in [
        ("admin.*", "admin.x"),
        ("execute_tool *", "execute_tool x"),
        ("execute_tool delete_*", "execute_tool delete_x"),
        ("chat *", "chat x"),
    ] {
        if text.contains(pattern) {
            names.push(name);
        }
    }
    if names.is_empty() {
        names.push("x");
    }
    let service = ["auth", "ledger"].into_iter().find(|name| text.contains(&format!("\"{name}\""))).unwrap_or("shop");
    let resource = |clock: u64| {
        let attributes =
            [("service.name", service.to_owned()), ("service.instance.id", clock.to_string()), ("service.version", clock.to_string())];
        Arc::new(Resource {
            attributes: attributes.into_iter().map(|(k, v)| (k.to_owned(), AnyValue::String(v))).collect(),
            dropped_attributes: 0,
        })
    };
    let common = [resource(0), resource(1)];
    (0..count)
        .map(|n| {
            let is_answer = n % 2 == 0;
            let parent = match shape {
                _ if n == 0 => None,
                Shape::Chain | Shape::Ladder => Some(n - 1),
                Shape::Pairs if is_answer => Some(n - 1),
                Shape::Star | Shape::Pairs => Some(0),
            };
            let kind = match shape {
                Shape::Pairs | Shape::Ladder if is_answer => Kind::Server,
                Shape::Pairs | Shape::Ladder => Kind::Client,
                _ if text.contains("Server") => Kind::Server,
                _ => Kind::Client,
            };
            let resource = match clocks {
                Clocks::Each if shape != Shape::Pairs || is_answer => resource(n + 1),
                Clocks::Two if is_answer => Arc::clone(&common[1]),
                _ => Arc::clone(&common[0]),
            };
            let value = if values == Values::Same { 1 } else { i64::try_from(n).expect("few") };
            let attribute = |key: &str, value: AnyValue| (key.to_owned(), value);
            let millis = match times {
                Times::Equal => (10, 20),
                // In a chain what is below lies inside, in a star it follows.
                Times::Ascending if matches!(shape, Shape::Chain | Shape::Ladder) => (n, 3 * count - n),
                Times::Ascending if n == 0 => (0, 3 * count),
                Times::Ascending => (n, n + 1),
            };
            SpanData {
                trace_id: [7; 16],
                span_id: (n + 1).to_be_bytes(),
                parent_id: parent.map(|parent| (parent + 1).to_be_bytes()),
                name: names.iter().cycle().nth(usize::try_from(n).expect("few") % names.len()).expect("some").to_string(),
                kind,
                status: if n % 3 == 0 { Status::Error } else { Status::Ok },
                start: BASE + millis.0 * 1_000_000,
                end: BASE + millis.1 * 1_000_000,
                attributes: vec![
                    attribute("order.id", AnyValue::Int(value)),
                    attribute("enduser.id", AnyValue::Int(value)),
                    attribute("tenant.id", AnyValue::Int(value)),
                    attribute("gen_ai.tool.call.id", AnyValue::Int(value)),
                    attribute("payment.status", AnyValue::String("captured".to_owned())),
                    attribute("auth.result", AnyValue::String("allowed".to_owned())),
                    attribute("approval.granted", AnyValue::Bool(true)),
                    attribute("approval", AnyValue::Bool(true)),
                    attribute("http.request.resend_count", AnyValue::Int(1)),
                    attribute("db.query.text", AnyValue::String("SELECT 1".to_owned())),
                ],
                resource,
                ..SpanData::default()
            }
        })
        .collect()
}

/// Steps that a rule takes for a trace that comes in messages of so many spans; decisions that were given up.
fn work(rules: &Arc<RuleSet>, spans: &[SpanData], message: usize) -> (u64, u64) {
    let engine = Engine::new(Arc::clone(rules), Config::default(), BASE).expect("a valid configuration");
    for part in spans.chunks(message) {
        engine.ingest(0, BASE + SECOND, &otlp::encode(part)).expect("an open engine");
    }
    tick(&engine, 200);
    let stats = engine.stats();
    assert_eq!(stats.traces_completed, 1);
    (stats.decision_steps, stats.decisions_over_limit)
}

/// n · log n.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn linearithmic(count: u64) -> f64 {
    count as f64 * (count as f64).log2()
}

/// The most times n · log n steps that a decision may take.
const MOST: f64 = 50.0;

/// Holds each rule to the bound: in each form for a thousand spans, and for ten thousand in one form after the other, or in each where
/// the build is quick.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn hold(rules: &[Arc<RuleSet>], forms: &[Form]) {
    let mut broken = Vec::new();
    for (number, set) in rules.iter().enumerate() {
        let rule = set.rules.first().expect("a rule");
        for (place, form) in forms.iter().enumerate() {
            let is_turn = !cfg!(debug_assertions) || number % forms.len() == place;
            for count in if is_turn { &[1_000, 10_000][..] } else { &[1_000] } {
                let (steps, cut) = work(set, &trace(rule, *form, *count), 10_000);
                let factor = steps as f64 / linearithmic(*count);
                if factor > MOST || cut > 0 {
                    broken.push(format!("{} {form:?}, {count} spans: {factor:.1} n log n, {cut} given up", rule.name));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn rules_of_the_cookbook_take_n_log_n_steps() {
    hold(&cookbook(), &FORMS);
}

#[test]
fn other_kinds_of_rules_take_n_log_n_steps() {
    hold(&alone(MORE), &FORMS);
}

#[test]
fn what_may_not_lie_between_takes_n_log_n_steps_by_one_clock() {
    let of_one_clock: Vec<Form> = FORMS.into_iter().filter(|(_, clocks, ..)| *clocks == Clocks::One).collect();
    hold(&alone(ONE_CLOCK), &of_one_clock);
}

#[test]
fn a_trace_that_grows_costs_no_more_than_some_looks_at_the_whole() {
    let form = (Shape::Star, Clocks::One, Times::Ascending, Values::Same);
    for rule in alone(MORE).iter().chain(&alone(ONE_CLOCK)).chain(&cookbook()) {
        let spans = trace(&rule.rules[0], form, 1_000);
        let (at_once, _) = work(rule, &spans, 1_000);
        for message in [1, 30] {
            let (steps, _) = work(rule, &spans, message);
            assert!(steps < 12 * at_once + 60_000, "{}: {steps} steps, {at_once} at once", rule.rules[0].name);
        }
    }
}

#[test]
fn a_decision_that_costs_too_much_is_given_up() {
    let text = "- {name: r, never: 'trace.has(a).any(followed_by(b, within=5ms)) or trace.has(z)', on_gap: signal}\n\
                - {name: cheap, never: trace.count(a) > 100}";
    let rules = rules(text);
    let spans = trace(&rules.rules[0], (Shape::Pairs, Clocks::Each, Times::Equal, Values::Same), 1_000);
    let mut orders = vec![spans.clone(), spans.iter().rev().cloned().collect()];
    orders[1].rotate_left(300);
    for spans in orders {
        let engine = Engine::new(Arc::clone(&rules), Config { max_steps_per_decision: 20_000, ..Config::default() }, BASE).expect("valid");
        engine.ingest(0, BASE + SECOND, &otlp::encode(&spans)).expect("an open engine");
        tick(&engine, 200);
        let stats = engine.stats();
        assert_eq!(stats.rules[0].inconclusive["limit"], 1);
        assert_eq!(stats.rules[1].violated, 1, "what counters tell costs nothing");
        assert!(stats.decisions_over_limit > 0);
        let found: Vec<(String, Option<bool>)> = super::signals(&engine).into_iter().map(|s| (s.rule, s.trace_complete)).collect();
        assert_eq!(found, [("cheap".to_owned(), None), ("r".to_owned(), Some(true))]);
    }
}
