//! The part of the conformance corpus that a collector can be asked, as JSON on standard output: `make test-e2e` sends it through a
//! built one. Every test is in it that does not depend on when something arrives, on a call table, or on rules that the engine
//! refuses; the others are listed with the reason. With `--random COUNT` so many random cases follow.
#![allow(clippy::print_stdout, reason = "a program that prints JSON")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use fluo_engine::signal::Event;
use fluo_lang::print;
use fluo_lang::program::{Mode, Scope};
use fluo_testkit::backend::{Answer, Backend as _, EngineBackend, OracleBackend, Scenario, VerdictRecord};
use fluo_testkit::case;
use fluo_testkit::differential::{Cases, Question};
use fluo_testkit::model::Batch;
use fluo_testkit::model::hex;
use fluo_testkit::oracle::{CallTable, End, Run, TopIsRoot};
use fluo_testkit::otlp;
use serde_json::{Value, json};

const SECOND: u64 = 1_000_000_000;

/// How long a collector may run on at most after the last span: what rules over spans find must not change meanwhile.
const RUNS_ON: u64 = 60 * SECOND;

/// The seed of the random cases: the same ones every time.
const SEED: u64 = 1;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (folder, wanted) = match arguments.as_slice() {
        [folder] => (*folder, Some(0)),
        [folder, "--random", count] => (*folder, count.parse().ok()),
        _ => ("", None),
    };
    let Some(wanted) = wanted else {
        eprintln!("usage: collector_cases FOLDER [--random COUNT]");
        return ExitCode::from(2);
    };
    let files = match case::read_folder(Path::new(folder)) {
        Ok(files) => files,
        Err(errors) => {
            errors.iter().for_each(|error| eprintln!("{error}"));
            return ExitCode::FAILURE;
        }
    };
    let (mut cases, mut left_out) = (Vec::new(), Vec::new());
    for file in &files {
        let section = file.name.strip_suffix(".test.yml").unwrap_or(&file.name);
        for test in &file.tests {
            match export(section, &test.name, &test.scenario) {
                Ok(case) => cases.push(case),
                Err(why) => left_out.push(json!({"section": section, "name": test.name, "why": why})),
            }
        }
    }
    cases.extend(random().take(wanted));
    println!("{}", json!({"cases": cases, "left_out": left_out}));
    ExitCode::SUCCESS
}

/// Random cases of rules over traces that a collector can be asked and that signal something, all spans of each in one request.
fn random() -> impl Iterator<Item = Value> {
    let drawn = Cases::new(SEED);
    (0..).filter_map(move |number| {
        // What a window makes of minutes in one request depends on the clock, which live is another than in a replay.
        let Question::Verdicts(scenario) = drawn.question(number)? else { return None };
        let at = scenario.run.batches.last()?.at;
        let spans = scenario.run.batches.iter().flat_map(|batch| batch.spans.iter().cloned()).collect();
        let run = Run { batches: vec![Batch { at, spans }], end: End::Recording };
        let case = export("random", &format!("case {number}"), &Scenario { calls: CallTable::default(), run, ..scenario }).ok()?;
        let signals = case.get("signals")?.as_array()?.len();
        (signals > 0).then_some(case)
    })
}

/// What to send and what to expect.
fn export(section: &str, name: &str, scenario: &Scenario) -> Result<Value, String> {
    let [batch] = scenario.run.batches.as_slice() else { return Err("spans arrive at different times".to_owned()) };
    if scenario.run.end != End::Recording {
        return Err("it says how the run ends".to_owned());
    }
    if !scenario.calls.entries.is_empty() {
        return Err("it gives a call table".to_owned());
    }
    if scenario.config.live_since.is_some() {
        return Err("it says when the engine began".to_owned());
    }
    if let Some(refused) = fluo_engine::unsupported(&scenario.rules).first() {
        return Err(format!("the engine refuses a rule: {}", refused.message));
    }
    let signals = expected(scenario)?;
    let runs_on = Scenario { run: Run { end: End::Until(batch.at + RUNS_ON), ..scenario.run.clone() }, ..scenario.clone() };
    if signals != expected(&runs_on)? {
        return Err("it depends on when observation ends".to_owned());
    }
    let ids = violation_ids(scenario)?;
    let mut told = Vec::new();
    for about in signals {
        let ids = ids.get(&about).ok_or_else(|| format!("the engine does not signal {about:?}"))?;
        told.extend(ids.iter().map(|id| json!({"rule": about.0, "trace_id": about.1, "group": about.2, "violation_id": id})));
    }
    let config = &scenario.config;
    Ok(json!({
        "section": section,
        "name": name,
        "rules": scenario.sources.iter().map(|source| &source.text).collect::<Vec<_>>(),
        "settings": {
            "top_is_root": match config.top_is_root {
                TopIsRoot::Age => "age",
                TopIsRoot::Settle => "settle",
            },
            "max_skew": format!("{}ns", config.max_skew),
            "allowed_lateness": format!("{}ns", config.allowed_lateness),
            "max_spans_per_trace": config.max_spans_per_trace,
        },
        "request": hex(&otlp::encode(&batch.spans)),
        "signals": told,
    }))
}

/// Rule, trace (empty for rules over `spans`), group by field.
type About = (String, String, BTreeMap<String, String>);

/// What the reference evaluator finds violated, or undecided in a rule that says `on_gap: signal`.
fn expected(scenario: &Scenario) -> Result<BTreeSet<About>, String> {
    let about = |record: &VerdictRecord| {
        let rule = scenario.rules.rules.iter().find(|rule| rule.name == record.rule && rule.mode == Mode::Enforce)?;
        let trace = record.trace_id.filter(|_| rule.scope == Scope::Trace);
        let fields = rule.by.iter().map(|field| print::term(field, rule.scope));
        Some((rule.name.clone(), trace.map_or_else(String::new, |id| hex(&id)), fields.zip(record.group.iter().cloned()).collect()))
    };
    let records = OracleBackend.run(scenario)?.records;
    let signalled = records.iter().filter(|record| record.verdict == Answer::Violated || record.gap_signal == Some(true));
    Ok(signalled.filter_map(about).collect())
}

/// The ids of the violations that the engine signals and does not retract: several for a rule over `spans`.
fn violation_ids(scenario: &Scenario) -> Result<BTreeMap<About, BTreeSet<String>>, String> {
    let is_over_spans = |name: &str| scenario.rules.rules.iter().any(|rule| rule.name == name && rule.scope == Scope::Spans);
    let mut ids: BTreeMap<About, BTreeSet<String>> = BTreeMap::new();
    for signal in EngineBackend.signals(scenario)? {
        let trace = if is_over_spans(&signal.rule) { String::new() } else { hex(&signal.trace_id) };
        let of_rule = ids.entry((signal.rule, trace, signal.group.into_iter().collect())).or_default();
        match signal.event {
            Event::Violation => _ = of_rule.insert(hex(&signal.violation_id)),
            Event::Retracted => _ = of_rule.remove(&hex(&signal.violation_id)),
            Event::Resolved => {}
        }
    }
    ids.retain(|_, ids| !ids.is_empty());
    Ok(ids)
}
