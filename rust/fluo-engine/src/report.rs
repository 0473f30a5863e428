//! From an outcome to the signal that people read.

use std::collections::HashSet;

use crate::eval::explain::{Explanation, MAX_EVIDENCE, show};
use crate::eval::rule::{GroupOutcome, Outcome};
use crate::eval::view::{Frame, View};
use crate::identity::violation_id;
use crate::plan::RulePlan;
use crate::shard::Shared;
use crate::signal::{Event, Phase, Signal, Trigger};
use crate::store::record::{Record, is_entry};
use crate::value::hex;
use fluo_lang::print;
use fluo_lang::program::{MessagePart, Polarity, Rule};

/// The signal of an outcome of a rule over traces.
#[expect(clippy::too_many_arguments, reason = "the parts of one signal; a struct would only rename them")]
pub(crate) fn signal(
    shared: &Shared,
    view: &View<'_>,
    rule: &RulePlan,
    outcome: &GroupOutcome,
    event: Event,
    phase: Phase,
    trigger: Trigger,
    now: u64,
) -> Option<Signal> {
    let source = view.plan.source(rule)?;
    let key = outcome.group.as_ref().map_or(&[][..], |g| &g.key);
    let frame = Frame { group: outcome.group.as_ref().map(|g| &*g.key), instant: outcome.instant };
    let limit = source.evidence_limit.map_or(MAX_EVIDENCE, |limit| limit as usize);
    let why = view.explain_rule(rule, outcome.outcome, frame, limit);
    let mut cited: Vec<_> = why.spans.iter().filter_map(|at| view.record(*at).copied()).collect();
    cited.sort_by_key(|r| (r.start, r.id, is_entry(r.kind)));
    let deciding = cited.iter().max_by_key(|r| (r.end, r.id)).or_else(|| view.latest());
    let group: Vec<(String, String)> = match &outcome.group {
        Some(group) => source.by.iter().map(|term| print::term(term, source.scope)).zip(group.values()).collect(),
        None => Vec::new(),
    };
    let window = match (outcome.instant, rule.widest) {
        (Some(end), Some(width)) => Some((end.saturating_sub(width), end)),
        _ => None,
    };
    let mut signal = Signal {
        trace_id: view.trace.id,
        span_id: deciding.map(|r| r.id),
        time: deciding.map_or(view.trace.last_end, |r| r.end),
        group,
        window,
        observed: why.observed,
        evidence: ids(&cited),
        evidence_truncated: why.truncated,
        missing: why.missing,
        nearest: why.nearest,
        shown: shown(view, rule, &why.spans),
        trace_complete: (phase != Phase::Early).then(|| view.hidden.is_empty()),
        trace_spans: Some(u64::from(view.trace.spans)),
        resource: deciding.map(|r| shared.resources.named(r.resource)).unwrap_or_default(),
        ..base(source, event, violation_id(source, Some(&view.trace.id), key, None), phase, trigger, now, view.plan.ruleset.hash)
    };
    let reason = match outcome.outcome {
        Outcome::Unknown(why) => why.first(),
        _ => None,
    };
    let place = format!("in trace {}", hex(&view.trace.id));
    signal.message = match (&source.message, event) {
        (Some(message), Event::Violation) => message
            .parts
            .iter()
            .map(|part| match part {
                MessagePart::Text(text) => text.clone(),
                MessagePart::Value(term) => view.observed(rule, term, frame).unwrap_or_else(|| "unknown".to_owned()),
            })
            .collect(),
        _ => sentence(source, event, &place, &signal.group, &why.seen, reason.map(crate::verdict::Reason::name)),
    };
    Some(signal)
}

/// The ids of the cited spans, each once: both halves of a call may have one.
fn ids(cited: &[Record]) -> Vec<u64> {
    let mut seen = HashSet::new();
    cited.iter().map(|record| record.id).filter(|id| seen.insert(*id)).collect()
}

impl View<'_> {
    /// The observed value of a term of the rule's message.
    fn observed(&self, rule: &RulePlan, term: &fluo_lang::program::Term, frame: Frame<'_>) -> Option<String> {
        let wanted = print::term(term, fluo_lang::program::Scope::Trace);
        let rule = self.plan.rules.iter().find(|r| r.rule == rule.rule)?;
        let (_, term) = rule.inserted.iter().find(|(text, _)| *text == wanted)?;
        Some(show(&self.cell(term, frame)))
    }

    /// Explains a rule of this view's plan.
    fn explain_rule(&self, rule: &RulePlan, outcome: Outcome, frame: Frame<'_>, limit: usize) -> Explanation {
        let compiled = self.plan.rules.binary_search_by_key(&rule.rule, |r| r.rule);
        match compiled.ok().and_then(|at| self.plan.rules.get(at)) {
            Some(rule) if outcome == Outcome::Violated => self.explain_violation(rule, frame, limit),
            Some(rule) => self.explain(rule, frame, limit),
            None => Explanation::default(),
        }
    }
}

/// What a signal has whatever its scope.
pub(crate) fn base(
    source: &Rule,
    event: Event,
    violation_id: [u8; 16],
    phase: Phase,
    trigger: Trigger,
    now: u64,
    ruleset_hash: [u8; 32],
) -> Signal {
    Signal {
        event,
        violation_id,
        rule: source.name.clone(),
        kind: kind(source.polarity),
        expression: source.expression.clone(),
        severity: source.severity,
        tags: source.meta.tags.clone(),
        controls: source.meta.controls.clone(),
        ruleset_hash,
        phase,
        trigger,
        trace_id: [0; 16],
        span_id: None,
        time: 0,
        observed_time: now,
        group: Vec::new(),
        window: None,
        observed: Vec::new(),
        evidence: Vec::new(),
        evidence_truncated: false,
        missing: Vec::new(),
        nearest: Vec::new(),
        shown: Vec::new(),
        trace_complete: None,
        trace_spans: None,
        resource: Vec::new(),
        carried: carried(source),
        message: String::new(),
    }
}

const fn kind(polarity: Polarity) -> &'static str {
    match polarity {
        Polarity::Always => "always",
        Polarity::Never => "never",
    }
}

/// The keys that a rule carries along and that a signal repeats.
fn carried(rule: &Rule) -> Vec<(String, String)> {
    let meta = &rule.meta;
    let one = [("description", &meta.description), ("runbook", &meta.runbook), ("owner", &meta.owner)];
    let mut carried: Vec<(String, String)> = one.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?))).collect();
    for (key, values) in [("references", &meta.references), ("false_positives", &meta.false_positives)] {
        if !values.is_empty() {
            carried.push((key.to_owned(), values.join(", ")));
        }
    }
    carried.extend(meta.annotations.iter().map(|(key, value)| (format!("annotations.{key}"), value.clone())));
    carried
}

/// The sentence of a signal: what was claimed, what was seen and where.
pub(crate) fn sentence(
    source: &Rule,
    event: Event,
    place: &str,
    group: &[(String, String)],
    seen: &[String],
    reason: Option<&str>,
) -> String {
    let group: Vec<String> = group.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    let of_group = if group.is_empty() { String::new() } else { format!(" for {}", group.join(", ")) };
    let name = &source.name;
    let claim = format!("{} {}", kind(source.polarity), source.expression);
    let seen = if seen.is_empty() { String::new() } else { format!("; {}", seen.join("; ")) };
    match (event, reason) {
        (Event::Violation, None) => format!("{name} is violated {place}{of_group}: {claim}{seen}"),
        (Event::Violation, Some(reason)) => {
            format!("{name} could not be decided {place}{of_group} ({reason}): {claim}{seen}")
        }
        (Event::Retracted, _) => {
            format!("{name} is not violated {place}{of_group} after all, a late span came: {claim}")
        }
        (Event::Resolved, _) => format!("{name} holds again{of_group}: {claim}"),
    }
}

fn shown(view: &View<'_>, rule: &RulePlan, spans: &std::collections::BTreeSet<usize>) -> Vec<(String, String)> {
    let mut shown: Vec<(String, String)> = Vec::new();
    for (name, term) in &rule.show {
        let mut values: Vec<String> = Vec::new();
        for at in spans {
            if let Some(value) = view.value(*at, *term).value {
                let text = value.shown();
                if !values.contains(&text) {
                    values.push(text);
                }
            }
        }
        if !values.is_empty() {
            shown.push((name.clone(), values.join(", ")));
        }
    }
    shown
}
