//! What `fluo check --memory` promises is kept, whatever is sent.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use fluo_engine::memory::{Costs, Kept, memory};
use fluo_engine::{Config, Engine};
use fluo_lang::program::{Mode, Rule, RuleSet, Scope};
use fluo_testkit::case::{self, TestFile};
use fluo_testkit::model::{AnyValue, SpanData};
use fluo_testkit::notation::BASE;
use fluo_testkit::otlp;

use super::{SECOND, ingest, rules, signals, spans, tick};

/// Limits small enough to be reached by every rule of the corpus.
fn limits() -> Config {
    Config { max_spans_per_trace: 30, max_groups: 20, ..Config::default() }
}

fn corpus() -> Vec<TestFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).expect("the corpus is there").map(|e| e.expect("readable").path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(".test.yml"));
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).expect("readable");
        case::read(&path.to_string_lossy(), &text, &|rules| std::fs::read_to_string(folder.join(rules))).expect("a test file")
    };
    paths.iter().map(read).collect()
}

/// How the spans of a test are blown up.
#[derive(Clone, Copy, Debug)]
enum Attack {
    /// Every text is far longer than what is kept, and another one on each span.
    LongTexts,
    /// Every attribute is a long list of different texts: many groups.
    LongLists,
    /// Every span has hundreds of events whose attributes are as many values.
    ManyEvents,
}

fn blown_up(value: &AnyValue, attack: Attack, number: usize) -> AnyValue {
    match attack {
        Attack::LongTexts => AnyValue::String(format!("{}{number}", "x".repeat(9_000))),
        Attack::LongLists => AnyValue::Array((0..135).map(|n| AnyValue::String(format!("element-{number}-{n}"))).collect()),
        Attack::ManyEvents => value.clone(),
    }
}

/// More spans than a trace may have, made of those of a test: its selectors fit, its values are large. Every third stays as it is, so
/// that predicates over values fit, too. Few parents are there.
fn attack(templates: &[SpanData], keys: &BTreeSet<String>, attack: Attack) -> Vec<SpanData> {
    let count = limits().max_spans_per_trace + 5;
    let mut spans: Vec<SpanData> = templates.iter().cycle().take(count).cloned().collect();
    for (number, span) in (1..).zip(&mut spans) {
        span.trace_id = [7; 16];
        span.span_id = (number as u64).to_be_bytes();
        span.parent_id = (number > 1).then(|| (number as u64 / 2).to_be_bytes());
        if number % 3 == 0 {
            continue;
        }
        span.attributes.retain(|(key, _)| keys.contains(key));
        for key in keys {
            if !span.attributes.iter().any(|(known, _)| known == key) {
                span.attributes.push((key.clone(), AnyValue::String(format!("value {number}"))));
            }
        }
        for (_, value) in &mut span.attributes {
            *value = blown_up(value, attack, number);
        }
        if let Attack::ManyEvents = attack {
            let template = span.events.first().cloned().unwrap_or_default();
            span.events = (0..135)
                .map(|n| {
                    let mut event = template.clone();
                    for key in keys {
                        event.attributes.retain(|(known, _)| known != key);
                        event.attributes.push((key.clone(), AnyValue::String(format!("event-{number}-{n}"))));
                    }
                    event
                })
                .collect();
        }
    }
    spans
}

/// The attribute names that an engine's rules read, but those that it reads for every rule.
fn keys(engine: &Engine) -> BTreeSet<String> {
    fn texts(json: &serde_json::Value, found: &mut BTreeSet<String>) {
        match json {
            serde_json::Value::String(text) => _ = found.insert(text.clone()),
            serde_json::Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
            serde_json::Value::Object(fields) => fields.values().for_each(|value| texts(value, found)),
            _ => {}
        }
    }
    let json: serde_json::Value = serde_json::from_slice(&engine.projection_json()).expect("JSON");
    let mut found = BTreeSet::new();
    texts(&json, &mut found);
    let always = ["k8s.", "host.", "process.", "service.", "server.address", "rpc.service", "peer.service", "messaging."];
    found.retain(|key| !always.iter().any(|prefix| key.starts_with(prefix)));
    found
}

#[test]
fn no_trace_takes_more_than_its_rule_says() {
    let config = limits();
    let (mut tried, mut fullest) = (BTreeSet::new(), 0.0f64);
    for test in corpus().iter().flat_map(|file| &file.tests) {
        let templates: Vec<SpanData> = test.scenario.run.batches.iter().flat_map(|batch| batch.spans.clone()).take(25).collect();
        let rules = test.scenario.rules.rules.iter().filter(|rule| rule.scope == Scope::Trace && rule.mode != Mode::Disabled);
        let rules: Vec<_> = rules.filter(|rule| tried.insert(rule.identity)).collect();
        if templates.is_empty() || rules.is_empty() {
            continue;
        }
        let reads_items = |rule: &Rule| rule.expression.contains("event") || rule.expression.contains("link");
        for rule in &rules {
            let alone = Arc::new(RuleSet { rules: vec![(*rule).clone()], hash: [0; 32] });
            let Some(Costs::Trace(costs)) = memory(&alone, &config).rules.pop().map(|rule| rule.costs) else { panic!("a trace") };
            let bound = costs.at_most_bytes;
            for kind in [Attack::LongTexts, Attack::LongLists, Attack::ManyEvents] {
                if matches!(kind, Attack::ManyEvents) && !reads_items(rule) {
                    continue;
                }
                let engine = Engine::new(Arc::clone(&alone), config.clone(), BASE).expect("a valid configuration");
                let spans = attack(&templates, &keys(&engine), kind);
                let (early, late) = spans.split_at(config.max_spans_per_trace - 5);
                let mut check = |when: &str| {
                    let held = engine.bytes_of_trace(&[7; 16]).expect("the trace is held") as u64;
                    assert!(held <= bound, "{held} bytes {when}, but `{}` promises {bound} ({kind:?}): {costs:?}", rule.expression);
                    fullest = fullest.max(held as f64 / bound as f64);
                };
                for part in early.chunks(9) {
                    engine.ingest(0, BASE + SECOND, &otlp::encode(part)).expect("an open engine");
                    check("while it is open");
                }
                engine.tick(BASE + 65 * SECOND);
                check("when it is decided");
                engine.ingest(0, BASE + 66 * SECOND, &otlp::encode(late)).expect("an open engine");
                check("after late spans");
            }
        }
    }
    assert!(tried.len() > 600, "{} rules", tried.len());
    assert!(fullest > 0.5, "the bound is far from what can happen: at most {fullest} of it is taken");
}

#[test]
fn the_report_says_what_is_kept_and_why() {
    let rules = rules(
        "- {name: counts, never: 'trace.count(a) > 8'}\n\
         - {name: below, always: 'trace.spans.where(a).all(has_ancestor(b, same=order.id))'}\n\
         - {name: parents, never: trace.has(parent.kind == server and kind == server)}\n\
         - {name: tenants, never: 'trace.spans.where(exists(t.id) and parent.t.id != t.id).count() > 0'}\n\
         - {name: users, never: 'trace.spans.where(a).by(user.id).count() > 3'}\n",
    );
    let report = memory(&rules, &Config::default());
    let costs: Vec<_> = report
        .rules
        .iter()
        .map(|rule| match &rule.costs {
            Costs::Trace(costs) => costs.clone(),
            Costs::Spans(_) => panic!("a rule over traces"),
        })
        .collect();
    let kept: Vec<&Kept> = costs.iter().map(|c| &c.kept).collect();
    let every = |because: &[&str]| Kept::EverySpan(because.iter().map(|b| (*b).to_owned()).collect());
    assert_eq!(kept[0], &Kept::Matching(vec!["'a'".to_owned()]));
    assert_eq!(kept[1], &every(&["has_ancestor"]));
    assert_eq!(kept[2], &every(&["parent.kind"]));
    assert!(costs[2].values.is_empty(), "a comparison of the parent with a constant keeps nothing: {:?}", costs[2].values);
    let values: Vec<(&str, &[&str])> = costs.iter().flat_map(|c| &c.values).map(|v| (v.term.as_str(), v.because.as_slice())).collect();
    assert_eq!(values[0], ("order.id", ["`same` compares it"].as_slice()));
    assert!(values[1..3].iter().all(|(term, _)| *term == "t.id") || values[1].0 == "t.id", "{values:?}");
    let users = costs.last().expect("five rules");
    assert_eq!(
        users.values.iter().map(|v| (v.term.as_str(), v.only_on.as_slice())).collect::<Vec<_>>(),
        [("user.id", &["'a'".to_owned()][..])]
    );
    assert!(users.groups.as_ref().is_some_and(|g| g.max_groups == 100_000));
}

#[test]
fn a_value_too_long_to_keep_still_groups_and_compares() {
    let engine = super::engine(
        "- {name: groups, never: 'trace.spans.where(q).by(sql.text).count() > 1'}\n\
         - {name: parent, never: 'trace.has(q and parent.sql.text == sql.text)'}\n\
         - {name: inside, never: trace.has(q and sql.text contains end)}\n\
         - {name: beside, never: 'trace.has(q and parent.sql.text contains end)'}\n",
        Config::default(),
    );
    let mut all = spans("t", "root 0..9\n  q 1..2\n    q 1..2\n  q 3..4");
    let long = "SELECT ".repeat(3_000);
    for (span, end) in all.iter_mut().skip(1).zip(["end", "end", "other"]) {
        span.attributes.push(("sql.text".to_owned(), AnyValue::String(format!("{long}{end}"))));
    }
    ingest(&engine, 1, &all);
    tick(&engine, 20);
    let mut violated: Vec<_> = signals(&engine).into_iter().map(|s| (s.rule, s.evidence.len())).collect();
    violated.sort();
    let expected = [("beside", 2), ("groups", 2), ("inside", 1), ("parent", 2)];
    assert_eq!(violated, expected.map(|(rule, spans)| (rule.to_owned(), spans)));
}

#[test]
fn groups_beyond_the_limit_are_counted_and_not_judged() {
    let text = "- {name: groups, never: 'trace.spans.where(q).by(user.id).count() > 1'}";
    let lines: String = (0..30).map(|n| format!("\n  q 1..2 {{user.id=u{n}}}")).collect();
    let all = spans("t", &format!("root 0..9{lines}"));
    let mut outcomes = Vec::new();
    for backwards in [false, true] {
        let engine = super::engine(text, Config { max_groups: 20, record_verdicts: true, ..Config::default() });
        let mut all = all.clone();
        if backwards {
            all.reverse();
        }
        all.chunks(4).for_each(|part| ingest(&engine, 1, part));
        tick(&engine, 20);
        let stats = engine.stats();
        assert_eq!((stats.groups_evicted, stats.rules[0].inconclusive["cardinality"]), (10, 1));
        let mut verdicts: Vec<_> = engine.drain_verdicts().into_iter().map(|v| (v.group, v.verdict)).collect();
        verdicts.sort_by(|a, b| a.0.cmp(&b.0));
        outcomes.push(verdicts);
    }
    assert_eq!(outcomes[0].len(), 21);
    assert_eq!(outcomes[0], outcomes[1], "which groups are judged does not depend on what came first");
}
