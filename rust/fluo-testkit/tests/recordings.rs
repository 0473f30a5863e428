//! The engine against the reference evaluator on recordings of real programs.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fluo_testkit::backend::{Answer, Backend, EngineBackend, OracleBackend, Scenario};
use fluo_testkit::generate::load;
use fluo_testkit::model::{Batch, SpanData, TraceId};
use fluo_testkit::oracle::{CallTable, Config, End, Run};
use fluo_testkit::{otlp, otlp_file};

/// What people ask of traces: presence, counts, order, structure, groups, durations.
const RULES: &[&str] = &[
    "always: trace.has(kind == server).all(has_parent(kind == client) or missing(parent_id))",
    "always: trace.spans.all(status != error)",
    "never: trace.count(kind == client) > 10",
    "never: trace.spans.where(kind == client).by(parent_id, name).count() > 3",
    "never: trace.spans.by(service).where(status == error).count() > 0",
    "always: trace.duration < 500ms",
    "always: trace.depth <= 4",
    "always: trace.spans.where(kind == client).p95(duration) < 100ms",
    "always: trace.spans.where(kind == client).all(has_child(kind == server, same=trace_id))",
    "always: trace.root.kind == server",
    "never: trace.spans.where(kind == server).any(preceded_by(kind == server and status == error))",
    "always: trace.spans.where(kind == client).all(not overlaps(kind == client and has_sibling(kind == client)))",
    "always: trace.spans.where(kind == server).all(service != parent.service)",
    "never: trace.spans.where(kind == server).within(20ms).count() > 5",
    "always: trace.spans.where(http.response.status_code >= 500).empty()",
    "never: trace.spans.concurrent() > 12",
    "always: trace.spans.where(kind == server).any(followed_by(kind == client, within=10ms)) or trace.count(kind == client) < 3",
    "never: trace.has(attr('*') matches '[0-9]{16}')",
    "never: trace.spans.where(kind == client).longest_run(name) > 5",
    "always: trace.spans.where(exists(parent_id)).all(trace_id == root.trace_id)",
];

/// The oracle compares every span with every other: as many traces as it decides in a moment, and fewer than the call table needs
/// to say anything.
const TRACES: usize = 60;

fn batches(file: &str) -> Vec<Batch> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/quickstart/traces").join(file);
    let mut kept: BTreeSet<TraceId> = BTreeSet::new();
    let mut now = 0;
    let mut batches = Vec::new();
    for message in otlp_file::open(&path).expect("the recording is there") {
        let message = message.expect("well formed");
        let mut spans: Vec<SpanData> = otlp::decode(&message.bytes).expect("well formed");
        now = now.max(spans.iter().map(|span| span.end).max().unwrap_or(0));
        for span in &spans {
            if kept.len() < TRACES {
                kept.insert(span.trace_id);
            }
        }
        spans.retain(|span| kept.contains(&span.trace_id));
        if !spans.is_empty() {
            batches.push(Batch { at: now, spans });
        }
    }
    batches
}

fn verdicts(backend: &dyn Backend, scenario: &Scenario) -> BTreeMap<(String, TraceId, Vec<String>), Answer> {
    let records = backend.run(scenario).expect("runs").records;
    let decided = records.into_iter().filter(|record| record.verdict != Answer::NotApplicable);
    decided.filter_map(|record| Some(((record.rule, record.trace_id?, record.group), record.verdict))).collect()
}

fn agree(file: &str) {
    let rules: Vec<String> = RULES.iter().map(|rule| format!("  {rule}\n")).collect();
    let (sources, rules) = load(&rules).expect("loads");
    let run = Run { batches: batches(file), end: End::Recording };
    let scenario = Scenario { sources, rules, config: Config::default(), calls: CallTable::default(), run };
    let (engine, oracle) = (verdicts(&EngineBackend, &scenario), verdicts(&OracleBackend, &scenario));
    assert!(oracle.values().any(|v| *v == Answer::Violated) && oracle.values().any(|v| *v == Answer::Satisfied));
    let wrong: Vec<_> = oracle.iter().filter(|(key, answer)| engine.get(*key) != Some(*answer)).collect();
    assert!(wrong.is_empty(), "{} of {}: {:?}", wrong.len(), oracle.len(), wrong.iter().take(10).collect::<Vec<_>>());
    assert_eq!(engine.len(), oracle.len());
}

#[test]
fn on_the_recording_of_hotrod() {
    agree("hotrod.jsonl.gz");
}

#[test]
fn on_the_recording_of_the_shop() {
    agree("shop.jsonl.gz");
}
