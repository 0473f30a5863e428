//! What engine and reference evaluator say of a scenario, side by side.

use std::collections::{BTreeMap, BTreeSet};

use fluo_engine::signal::Event;
use fluo_engine::stats::RuleStats;
use fluo_lang::program::Mode;

use crate::backend::{Answer, Backend as _, EngineBackend, OracleBackend, Scenario, VerdictRecord};
use crate::model::{SpanId, TraceId};
use crate::oracle::Reason;

/// What a verdict is about.
type Subject = (String, Option<TraceId>, Vec<String>);

fn subject(record: &VerdictRecord) -> Subject {
    (record.rule.clone(), record.trace_id, record.group.clone())
}

/// Compares the final verdicts of both sides, and the engine's early ones with its final ones. Nothing to say of a group and not
/// applicable are the same. The reasons of an inconclusive verdict have to have one in common: neither side has to name all.
///
/// Gives whether there was any verdict.
pub fn final_verdicts(scenario: &Scenario, differences: &mut Vec<String>) -> bool {
    let oracle = match OracleBackend.run(scenario) {
        Ok(report) => applicable(report.records),
        Err(why) => return failed("oracle", &why, differences),
    };
    let (engine, history) = match (EngineBackend.run(scenario), EngineBackend.history(scenario)) {
        (Ok(report), Ok(history)) => (applicable(report.records), history),
        (Err(why), _) | (_, Err(why)) => return failed("engine", &why, differences),
    };
    for record in &oracle {
        let other = engine.iter().find(|other| subject(other) == subject(record));
        if !other.is_some_and(|other| same(record, other)) {
            let said = other.map_or_else(|| "nothing".to_owned(), said_of);
            differences.push(format!("{}: oracle {}, engine {said}", place(record), said_of(record)));
        }
    }
    for record in engine.iter().filter(|record| !oracle.iter().any(|other| subject(other) == subject(record))) {
        differences.push(format!("{}: oracle nothing, engine {}", place(record), said_of(record)));
    }
    for (at, early) in history.iter().enumerate().filter(|(_, record)| record.phase.as_deref() == Some("early")) {
        for later in history.iter().skip(at + 1).filter(|later| subject(later) == subject(early) && later.verdict != early.verdict) {
            differences.push(format!("{}: early {}, later {}", place(early), said_of(early), said_of(later)));
        }
    }
    !oracle.is_empty()
}

/// Compares what the engine signals in the end, run as hosts run it, with what the reference evaluator finds violated, or undecided
/// in a rule that says `on_gap: signal`.
pub fn signals(scenario: &Scenario, differences: &mut Vec<String>) {
    let (Ok(report), Ok((signals, counts))) = (OracleBackend.run(scenario), EngineBackend.signals_and_counts(scenario)) else {
        differences.push("one side could not run".to_owned());
        return;
    };
    counted(scenario, &report.records, &counts, differences);
    let is_enforced = |name: &str| scenario.rules.rules.iter().any(|rule| rule.name == name && rule.mode == Mode::Enforce);
    let is_signalled =
        |record: &&VerdictRecord| (record.verdict == Answer::Violated || record.gap_signal == Some(true)) && is_enforced(&record.rule);
    let expected: BTreeSet<Subject> = report.records.iter().filter(is_signalled).map(subject).collect();
    let mut standing = BTreeSet::new();
    for signal in signals {
        let about = (signal.rule, Some(signal.trace_id), signal.group.into_iter().map(|(_, value)| value).collect::<Vec<_>>());
        let is_news = match signal.event {
            Event::Violation => standing.insert(about.clone()),
            Event::Retracted | Event::Resolved => standing.remove(&about),
        };
        if !is_news {
            differences.push(format!("{} {:?}: {} twice", about.0, about.2, signal.event.name()));
        }
    }
    for (rule, _, group) in expected.difference(&standing) {
        differences.push(format!("{rule} {group:?}: not signalled"));
    }
    for (rule, _, group) in standing.difference(&expected) {
        differences.push(format!("{rule} {group:?}: signalled"));
    }
}

/// Compares how often the engine counted each verdict with the worst verdicts of each trace: every trace is counted once for a rule,
/// and what late spans made of it are revisions, which lead to the verdict that stands.
fn counted(scenario: &Scenario, records: &[VerdictRecord], counts: &[RuleStats], differences: &mut Vec<String>) {
    let traces: BTreeSet<TraceId> = scenario.run.batches.iter().flat_map(|batch| &batch.spans).map(|span| span.trace_id).collect();
    for rule in counts {
        let mut standing = [0u64; 4];
        for trace in &traces {
            let of_trace = records.iter().filter(|record| record.rule == rule.name && record.trace_id == Some(*trace));
            let worst = of_trace.map(|record| record.verdict).max().unwrap_or(Answer::NotApplicable);
            if let Some(count) = standing.get_mut(worst as usize) {
                *count += 1;
            }
        }
        let by_answer = |stats: &RuleStats| [stats.not_applicable, stats.satisfied, stats.inconclusive.values().sum(), stats.violated];
        let (given, stand) = (by_answer(rule), by_answer(&rule.standing()));
        if given.iter().sum::<u64>() != traces.len() as u64 {
            differences.push(format!("{}: {} traces, counted as {given:?}", rule.name, traces.len()));
        }
        // Of a trace that was forgotten the verdict is not remembered, so that a fact that comes later revises what it most likely was.
        let is_revised = |record: &VerdictRecord| record.rule == rule.name && record.trigger.as_deref() == Some("late");
        if stand != standing && !records.iter().any(is_revised) {
            differences.push(format!("{}: verdicts of traces {standing:?}, counted as {stand:?}", rule.name));
        }
    }
}

/// Compares the reference evaluator's answers on two arrivals of the same spans.
pub(super) fn same_answers(one: &Scenario, other: &Scenario, differences: &mut Vec<String>) -> bool {
    let answers = |scenario: &Scenario| -> BTreeSet<(Subject, Answer)> {
        let records = OracleBackend.run(scenario).map(|report| applicable(report.records)).unwrap_or_default();
        records.iter().map(|record| (subject(record), record.verdict)).collect()
    };
    let (one, other) = (answers(one), answers(other));
    for ((rule, _, group), answer) in one.symmetric_difference(&other) {
        differences.push(format!("{rule} {group:?}: {} on one arrival only", answer.word()));
    }
    !one.is_empty()
}

/// What both sides say of a group of a rule over `spans`: the verdict, and when it was violated.
type Windows = BTreeMap<(String, Vec<String>), (Answer, Vec<(u64, Option<u64>)>)>;

/// Compares verdicts and episodes of rules over `spans`. Gives whether any group was violated.
pub fn windows(scenario: &Scenario, differences: &mut Vec<String>) -> bool {
    let (oracle, engine) = match (OracleBackend.run(scenario), EngineBackend.run(scenario)) {
        (Ok(oracle), Ok(engine)) => (oracle, engine),
        (Err(why), _) | (_, Err(why)) => return failed("one side", &why, differences),
    };
    let found = |records: Vec<VerdictRecord>| -> Windows {
        records.into_iter().map(|r| ((r.rule, r.group), (r.verdict, r.episodes.unwrap_or_default()))).collect()
    };
    let (oracle, engine) = (found(oracle.records), found(engine.records));
    for group in oracle.keys().chain(engine.keys()).collect::<BTreeSet<_>>() {
        if oracle.get(group) != engine.get(group) {
            differences.push(format!("{} {:?}: oracle {:?}, engine {:?}", group.0, group.1, oracle.get(group), engine.get(group)));
        }
    }
    oracle.values().any(|(answer, _)| *answer == Answer::Violated)
}

/// The span that a verdict of a rule over `spans` with relations is about.
type OfSpan = (String, Option<TraceId>, Option<SpanId>);

/// Compares the verdicts about each span that rules over `spans` with relations give, and what the engine signals in the end with what
/// the reference evaluator finds violated. Gives whether any span had a verdict that was no doubt.
pub fn sequences(scenario: &Scenario, differences: &mut Vec<String>) -> bool {
    let (oracle, engine) = match (OracleBackend.run(scenario), EngineBackend.run(scenario)) {
        (Ok(oracle), Ok(engine)) => (oracle, engine),
        (Err(why), _) | (_, Err(why)) => return failed("one side", &why, differences),
    };
    let found = |records: Vec<VerdictRecord>| -> BTreeMap<OfSpan, VerdictRecord> {
        records.into_iter().map(|r| ((r.rule.clone(), r.trace_id, r.span_id), r)).collect()
    };
    let (oracle, engine) = (found(oracle.records), found(engine.records));
    for span in oracle.keys().chain(engine.keys()).collect::<BTreeSet<_>>() {
        let (one, other) = (oracle.get(span), engine.get(span));
        if !one.zip(other).is_some_and(|(one, other)| same(one, other)) {
            let said = |record: Option<&VerdictRecord>| record.map_or_else(|| "nothing".to_owned(), said_of);
            differences.push(format!("{span:?}: oracle {}, engine {}", said(one), said(other)));
        }
    }
    let mut standing = BTreeSet::new();
    for signal in EngineBackend.signals(scenario).unwrap_or_default() {
        let about = (signal.rule, Some(signal.trace_id), signal.span_id.map(u64::to_be_bytes));
        let is_news = if signal.event == Event::Violation { standing.insert(about.clone()) } else { standing.remove(&about) };
        if !is_news {
            differences.push(format!("{about:?}: {} twice", signal.event.name()));
        }
    }
    let violated: BTreeSet<OfSpan> = oracle.iter().filter(|(_, r)| r.verdict == Answer::Violated).map(|(span, _)| span.clone()).collect();
    for span in violated.symmetric_difference(&standing) {
        differences.push(format!("{span:?}: {}", if violated.contains(span) { "not signalled" } else { "signalled" }));
    }
    oracle.values().any(|record| record.verdict != Answer::Inconclusive)
}

fn failed(side: &str, why: &str, differences: &mut Vec<String>) -> bool {
    differences.push(format!("{side}: {why}"));
    true
}

fn applicable(mut records: Vec<VerdictRecord>) -> Vec<VerdictRecord> {
    records.retain(|record| record.verdict != Answer::NotApplicable);
    records
}

fn same(one: &VerdictRecord, other: &VerdictRecord) -> bool {
    let reasons_meet = one.reasons == other.reasons || one.reasons.iter().any(|reason| other.reasons.contains(reason));
    one.verdict == other.verdict && reasons_meet
}

fn place(record: &VerdictRecord) -> String {
    format!("{} {:?}", record.rule, record.group)
}

fn said_of(record: &VerdictRecord) -> String {
    let reasons: Vec<&str> = record.reasons.iter().copied().map(Reason::word).collect();
    if reasons.is_empty() { record.verdict.word().to_owned() } else { format!("{}({})", record.verdict.word(), reasons.join(", ")) }
}
