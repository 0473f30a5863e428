//! What a trace costs under a plan.

use super::{Kept, TraceGroups, TraceMemory, ValueMemory, values};
use crate::config::Config;
use crate::expr::{LocalField, TermNode};
use crate::near::Missed;
use crate::plan::{Notes, Plan, RulePlan};
use crate::store::record::Record;
use crate::store::trace::{Call, Counter, Decided, KeptValue, Light, TraceState};
use crate::value::MOST_ELEMENTS;

/// Bytes that a vector of so many elements may have reserved: it doubles as it grows, from four.
fn grown<T>(len: u64) -> u64 {
    if len == 0 { 0 } else { len.saturating_mul(2).max(4).saturating_mul(size_of::<T>() as u64) }
}

/// Bytes of an entry in the table of ids that a long trace has.
const SEEN: u64 = 5;

pub(super) fn costs(plan: &Plan, notes: &Notes, config: &Config) -> TraceMemory {
    let spans = config.max_spans_per_trace as u64;
    let values = values::of(plan, notes);
    let standing: u64 = plan.rules.iter().map(|rule| standing(plan, rule, config)).fold(0, u64::saturating_add);
    let watched: usize = plan.near.plans.iter().map(|near| near.parts.len()).sum();
    let nearest = grown::<Missed>(watched as u64);
    let trace = size_of::<TraceState>() as u64 + grown::<Counter>(notes.selectors.len() as u64) + nearest;
    let of_values: u64 = values.iter().map(|value| value.value_bytes.saturating_mul(2).saturating_add(value.text_bytes)).sum();
    let texts: u64 = values.iter().map(|value| value.text_bytes).sum();
    let at_most = [
        trace,
        grown::<Light>(spans),
        spans.saturating_mul(2 * SEEN),
        grown::<Call>(spans),
        grown::<Record>(spans),
        grown::<KeptValue>(spans.saturating_mul(values.len() as u64)),
        spans.saturating_mul(texts),
        grown::<Decided>(standing),
    ];
    debug_assert!(of_values >= texts, "values cost more than their texts");
    TraceMemory {
        trace_bytes: trace,
        nearest_bytes: nearest,
        span_bytes: size_of::<Light>() as u64,
        call_bytes: size_of::<Call>() as u64,
        kept_bytes: size_of::<Record>() as u64,
        kept: kept(plan, notes),
        groups: groups(plan, &values, config),
        values,
        max_spans: spans,
        at_most_bytes: at_most.into_iter().fold(0, u64::saturating_add),
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
    (!grouped.is_empty()).then_some(TraceGroups { group_bytes: size_of::<Decided>() as u64, max_groups: most })
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
