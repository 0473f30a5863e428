//! What a trace costs under a plan.

use super::{Kept, TraceGroups, TraceMemory, ValueMemory, values};
use crate::config::Config;
use crate::expr::{LocalField, TermNode};
use crate::plan::{Notes, Plan, RulePlan};
use crate::store::trace::at_most;
use crate::value::MOST_ELEMENTS;

pub(super) fn costs(plan: &Plan, notes: &Notes, config: &Config) -> TraceMemory {
    let spans = config.max_spans_per_trace;
    let values = values::of(plan, notes);
    let standing: u64 = plan.rules.iter().map(|rule| standing(plan, rule, config)).fold(0, u64::saturating_add);
    let standing = usize::try_from(standing).unwrap_or(usize::MAX);
    let of_values = values.iter().map(|value| value.value_bytes.saturating_add(value.text_bytes)).fold(0, u64::saturating_add);
    let of_values = usize::try_from(of_values).unwrap_or(usize::MAX);
    let nearest = at_most::near(plan.near.plans.iter().map(|near| near.parts.len()).sum());
    let trace = at_most::trace(notes.selectors.len()) + nearest;
    let at_most = [
        trace,
        at_most::lights(spans),
        at_most::calls(spans),
        at_most::records(spans, spans.saturating_mul(of_values)),
        at_most::decided(standing),
    ];
    TraceMemory {
        trace_bytes: trace as u64,
        nearest_bytes: nearest as u64,
        span_bytes: if plan.keep_all { 0 } else { at_most::LIGHT as u64 },
        call_bytes: at_most::CALL as u64,
        kept_bytes: at_most::RECORD as u64,
        kept: kept(plan, notes),
        groups: groups(plan, &values, config),
        values,
        max_spans: spans as u64,
        at_most_bytes: at_most.into_iter().fold(0, usize::saturating_add) as u64,
    }
}

/// Verdicts of a rule that a trace may hold: one, or those of its groups that were given early and those signalled at the end.
fn standing(plan: &Plan, rule: &RulePlan, config: &Config) -> u64 {
    if rule.grouped_sets.is_empty() { 1 } else { most_groups(plan, rule, config).saturating_mul(2).saturating_add(1) }
}

/// Groups of a rule in one trace at most: a span is in one for each combination of the elements of its values.
fn most_groups(plan: &Plan, rule: &RulePlan, config: &Config) -> u64 {
    let terms = rule.by.iter().filter_map(|term| plan.terms.get(*term as usize));
    let of_span = terms.fold(1u64, |all, term| all.saturating_mul(if is_one(&term.node) { 1 } else { MOST_ELEMENTS as u64 }));
    (config.max_spans_per_trace as u64).saturating_mul(of_span).min(config.max_groups as u64)
}

/// Whether a term never has several elements.
fn is_one(term: &TermNode) -> bool {
    match term {
        TermNode::Literal(_) | TermNode::Arith { .. } | TermNode::Neg(_) => true,
        TermNode::Field(field) => !matches!(
            field,
            LocalField::Attribute { .. }
                | LocalField::Glob { .. }
                | LocalField::OfItems { .. }
                | LocalField::OfItem(_)
                | LocalField::Service(_)
        ),
        TermNode::Kept { .. } => false,
        TermNode::Coalesce(parts) => parts.iter().all(is_one),
        TermNode::Lower(inner) | TermNode::Extract(inner, _) | TermNode::Shape(inner) => is_one(inner),
    }
}

fn groups(plan: &Plan, values: &[ValueMemory], config: &Config) -> Option<TraceGroups> {
    let grouped: Vec<&RulePlan> = plan.rules.iter().filter(|rule| !rule.grouped_sets.is_empty()).collect();
    debug_assert!(grouped.is_empty() || !values.is_empty(), "what groups is kept");
    let most = grouped.iter().map(|rule| most_groups(plan, rule, config)).fold(0, u64::saturating_add);
    (!grouped.is_empty()).then_some(TraceGroups { group_bytes: at_most::VERDICT as u64, max_groups: most })
}

fn kept(plan: &Plan, notes: &Notes) -> Kept {
    // The selector that picks every span, as it is written.
    let asks_about_all = notes.selectors.iter().any(|text| text == "true");
    match (plan.keep_all, asks_about_all) {
        (true, _) => Kept::EverySpan(notes.whole.iter().cloned().collect()),
        (false, true) => Kept::EverySpan(vec!["trace.spans".to_owned()]),
        (false, false) => Kept::Matching(notes.selectors.clone()),
    }
}
