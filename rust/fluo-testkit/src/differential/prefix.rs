//! What is definite while spans may still come, held against every way in which the trace may go on.

use crate::backend::{Answer, EngineBackend, Scenario};
use crate::model::{Batch, SpanData};
use crate::oracle::{self, End, Finding, Run, Verdict};

use super::spans;

/// Of the scenario's spans the first `part` have come. Whatever engine and reference evaluator take for definite then must be the
/// final verdict on every set of spans that holds those: each of the other spans comes or does not.
///
/// Gives whether anything was definite.
pub fn contradictions(scenario: &Scenario, part: usize, differences: &mut Vec<String>) -> bool {
    let spans = spans(scenario);
    let (come, may_come) = spans.split_at(part.min(spans.len()));
    let definite = definite(scenario, come, differences);
    if definite.is_empty() {
        return false;
    }
    for choice in 0..1u32 << may_come.len().min(16) {
        let also = (0u32..).zip(may_come).filter(|(at, _)| choice & 1 << at != 0).map(|(_, span)| span);
        let whole: Vec<SpanData> = come.iter().chain(also).cloned().collect();
        let run = arrival(scenario, whole);
        let found = oracle::evaluate(&scenario.rules, &scenario.config, &scenario.calls, &run);
        for (side, rule, group, answer) in &definite {
            let last = found.iter().find(|f| f.rule == *rule && f.group == *group).map_or(Answer::NotApplicable, answer_of);
            if last != *answer {
                let ids: Vec<u8> = run.batches.iter().flat_map(|batch| &batch.spans).map(|span| span.span_id[7]).collect();
                differences.push(format!("{rule} {group:?}: {side} early {}, with the spans {ids:?} {}", answer.word(), last.word()));
            }
        }
    }
    true
}

/// What each side takes for definite: side, rule, group, answer.
fn definite(scenario: &Scenario, come: &[SpanData], differences: &mut Vec<String>) -> Vec<(&'static str, String, Vec<String>, Answer)> {
    let early = oracle::early(&scenario.rules, &scenario.config, &scenario.calls, come);
    let mut definite: Vec<_> = early.iter().map(|f| ("oracle", f.rule.clone(), f.group.clone(), answer_of(f))).collect();
    if come.is_empty() {
        return definite;
    }
    let so_far = Scenario { run: arrival(scenario, come.to_vec()), ..scenario.clone() };
    match EngineBackend.history(&so_far) {
        Ok(history) => definite.extend(
            history.into_iter().filter(|record| record.phase.as_deref() == Some("early")).map(|r| ("engine", r.rule, r.group, r.verdict)),
        ),
        Err(why) => differences.push(format!("engine: {why}")),
    }
    definite
}

/// The spans in one request, with the scenario's time of arrival.
fn arrival(scenario: &Scenario, spans: Vec<SpanData>) -> Run {
    let at = scenario.run.batches.first().map_or(0, |batch| batch.at);
    Run { batches: vec![Batch { at, spans }], end: End::Recording }
}

const fn answer_of(finding: &Finding) -> Answer {
    match finding.verdict {
        Verdict::NotApplicable => Answer::NotApplicable,
        Verdict::Satisfied => Answer::Satisfied,
        Verdict::Inconclusive(_) => Answer::Inconclusive,
        Verdict::Violated => Answer::Violated,
    }
}
