//! The part of the conformance corpus that a collector can be asked, as JSON on standard output: `make test-e2e` sends it through a
//! built one. Every test is in it that does not depend on when something arrives, on a call table, or on rules that the engine
//! refuses; the others are listed with the reason.
#![allow(clippy::print_stdout, reason = "a program that prints JSON")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use fluo_engine::signal::Event;
use fluo_lang::print;
use fluo_lang::program::{Mode, Scope};
use fluo_testkit::backend::{Answer, Backend as _, EngineBackend, OracleBackend, Scenario, VerdictRecord};
use fluo_testkit::case::{self, Test};
use fluo_testkit::model::hex;
use fluo_testkit::oracle::{End, Run, TopIsRoot};
use fluo_testkit::otlp;
use serde_json::{Value, json};

const SECOND: u64 = 1_000_000_000;

/// How long a collector may run on at most after the last span: what rules over spans find must not change meanwhile.
const RUNS_ON: u64 = 60 * SECOND;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: collector_cases FOLDER");
        return ExitCode::from(2);
    };
    let files = match case::read_folder(Path::new(&folder)) {
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
            match export(section, test) {
                Ok(case) => cases.push(case),
                Err(why) => left_out.push(json!({"section": section, "name": test.name, "why": why})),
            }
        }
    }
    println!("{}", json!({"cases": cases, "left_out": left_out}));
    ExitCode::SUCCESS
}

/// What to send and what to expect.
fn export(section: &str, test: &Test) -> Result<Value, String> {
    let scenario = &test.scenario;
    let [batch] = scenario.run.batches.as_slice() else { return Err("spans arrive at different times".to_owned()) };
    if scenario.run.end != End::Recording {
        return Err("it says how the run ends".to_owned());
    }
    if !scenario.calls.entries.is_empty() {
        return Err("it gives a call table".to_owned());
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
    let signals: Vec<Value> = signals
        .into_iter()
        .map(|about| {
            let id = ids.get(&about).ok_or_else(|| format!("the engine does not signal {about:?}"))?;
            Ok(json!({"rule": about.0, "trace_id": about.1, "group": about.2, "violation_id": id}))
        })
        .collect::<Result<_, String>>()?;
    let config = &scenario.config;
    Ok(json!({
        "section": section,
        "name": test.name,
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
        "signals": signals,
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

/// The ids of the violations that the engine signals.
fn violation_ids(scenario: &Scenario) -> Result<BTreeMap<About, String>, String> {
    let is_over_spans = |name: &str| scenario.rules.rules.iter().any(|rule| rule.name == name && rule.scope == Scope::Spans);
    let mut ids = BTreeMap::new();
    for signal in EngineBackend.signals(scenario)?.into_iter().filter(|signal| signal.event == Event::Violation) {
        let trace = if is_over_spans(&signal.rule) { String::new() } else { hex(&signal.trace_id) };
        ids.entry((signal.rule, trace, signal.group.into_iter().collect())).or_insert_with(|| hex(&signal.violation_id));
    }
    Ok(ids)
}
