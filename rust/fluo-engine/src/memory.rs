//! What a rule costs in memory, before it runs: for each trace, or for each group of a rule over `spans`.
//!
//! The numbers come from the compiled plan and from the sizes of what the store keeps, so that they are those of the engine that
//! runs the rule. The bound holds for whatever is sent: [`crate::Engine::bytes_of_trace`] never exceeds it. It counts what vectors
//! reserve while they grow.

mod trace;
mod values;

use std::sync::Arc;

use fluo_lang::codes;
use fluo_lang::diagnostic::{Diagnostic, DiagnosticSeverity};
use fluo_lang::program::{Mode, RuleSet, Scope};
use serde::Serialize;

use crate::config::Config;
use crate::plan::Plan;

/// What a rule set costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Memory {
    /// Each rule as if it were alone, in rule order; `disabled` ones cost nothing and are left out.
    pub rules: Vec<RuleMemory>,
    /// All rules over traces together: selectors, records and values are shared. `None` where there is none.
    pub traces: Option<TraceMemory>,
}

/// What one rule costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleMemory {
    /// The rule's name.
    pub rule: String,
    /// For each trace, or for each group.
    #[serde(flatten)]
    pub costs: Costs,
}

/// What a rule costs, by its scope.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Costs {
    /// A rule over traces: for each trace.
    Trace(TraceMemory),
    /// A rule over `spans`: for each group.
    Spans(GroupMemory),
}

/// Bytes that one trace takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TraceMemory {
    /// A trace, whatever its spans.
    pub trace_bytes: u64,
    /// What of that is for the nearest misses of wanted spans, which signals tell.
    pub nearest_bytes: u64,
    /// Every span of it.
    pub span_bytes: u64,
    /// Every client or producer span, in addition: what may dangle.
    pub call_bytes: u64,
    /// Every span that leaves a record, in addition, without its values.
    pub kept_bytes: u64,
    /// Which spans leave a record.
    pub kept: Kept,
    /// The values that a record keeps.
    pub values: Vec<ValueMemory>,
    /// The groups of the rule, where it has `by`.
    pub groups: Option<TraceGroups>,
    /// Spans of a trace that are kept at most: `max_spans_per_trace`.
    pub max_spans: u64,
    /// Bytes of a trace at most.
    pub at_most_bytes: u64,
}

/// Which spans leave a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// Every span of every trace, because of what the rule says: relations, navigation, the root and the like.
    EverySpan(Vec<String>),
    /// The spans that satisfy one of these predicates, or may.
    Matching(Vec<String>),
}

/// A value that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueMemory {
    /// The field or term as a rule writes it.
    pub term: String,
    /// Why it is kept.
    pub because: Vec<&'static str>,
    /// Predicates of the spans that keep it; empty where every record does.
    pub only_on: Vec<String>,
    /// Bytes of a value, beside its text or elements.
    pub value_bytes: u64,
    /// Bytes of its text or elements at most: what is longer is kept as hash and length.
    pub text_bytes: u64,
}

/// The groups of a rule in a trace: only those that were signalled or decided early are held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TraceGroups {
    /// Bytes of a group that stands.
    pub group_bytes: u64,
    /// Groups that are judged in a trace at most; further ones are inconclusive (`cardinality`).
    pub max_groups: u64,
}

/// Bytes that one group of a rule over `spans` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupMemory {
    /// A group, its key and values included.
    pub group_bytes: u64,
    /// Every span that is kept, for the length of the window and `allowed_lateness`.
    pub span_bytes: u64,
    /// Spans that are kept of a group at most, whatever the rate; `None` where all in the window are.
    pub max_spans: Option<u64>,
    /// Groups at most: `max_groups`, or one; the one that got no span for longest makes room.
    pub max_groups: u64,
    /// The values that are kept of a counted span.
    pub values: Vec<ValueMemory>,
}

/// What the rules cost under a configuration.
#[must_use]
pub fn memory(rules: &RuleSet, config: &Config) -> Memory {
    let costs = rules.rules.iter().filter(|rule| rule.mode != Mode::Disabled).filter_map(|rule| {
        let alone = RuleSet { rules: vec![rule.clone()], hash: rules.hash };
        let (plan, notes) = Plan::with_notes(Arc::new(alone));
        let costs = match rule.scope {
            Scope::Trace => Costs::Trace(trace::costs(&plan, &notes, config)),
            Scope::Spans => Costs::Spans(crate::window::costs(plan.windows.first()?, values::of(&plan, &notes), config)),
        };
        Some(RuleMemory { rule: rule.name.clone(), costs })
    });
    let costs: Vec<RuleMemory> = costs.collect();
    let has_traces = costs.iter().any(|rule| matches!(rule.costs, Costs::Trace(_)));
    let (plan, notes) = Plan::with_notes(Arc::new(rules.clone()));
    Memory { traces: has_traces.then(|| trace::costs(&plan, &notes, config)), rules: costs }
}

impl Memory {
    /// The rules of which one trace may need more than the engine may hold at all: its bound cannot be kept, the trace would be
    /// decided and forgotten by the limit. `rules` is what the report was made of.
    #[must_use]
    pub fn refused(&self, rules: &RuleSet, config: &Config) -> Vec<Diagnostic> {
        let too_much = |found: &RuleMemory| match &found.costs {
            Costs::Trace(costs) if costs.at_most_bytes > config.memory_bytes => Some((found.rule.clone(), costs.clone())),
            _ => None,
        };
        self.rules
            .iter()
            .filter_map(too_much)
            .filter_map(|(name, costs)| {
                let rule = rules.rules.iter().find(|rule| rule.name == name)?;
                Some(Diagnostic {
                    code: codes::NEEDS_TOO_MUCH,
                    severity: DiagnosticSeverity::Error,
                    message: format!(
                        "one trace may need {} for this rule, and the engine has {}",
                        size(costs.at_most_bytes),
                        size(config.memory_bytes)
                    ),
                    help: Some(advice(&costs)),
                    rule: Some(name),
                    source: rule.origin.source,
                    span: rule.origin.claim,
                    label: Some(format!("{} spans may be kept of a trace", costs.max_spans)),
                })
            })
            .collect()
    }
}

/// What would lower the bound most.
fn advice(costs: &TraceMemory) -> String {
    match costs.values.iter().max_by_key(|value| value.text_bytes) {
        Some(value) if value.text_bytes > 0 => {
            format!(
                "`{}` is kept with up to {} a span: keep fewer values, or lower `max_spans_per_trace`",
                value.term,
                size(value.text_bytes)
            )
        }
        _ => "lower `max_spans_per_trace` or `max_groups`, or raise `memory_mib`".to_owned(),
    }
}

/// A number of bytes for people: `312 bytes`, `41.2 MiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.into_iter().find(|(unit, _)| bytes >= *unit) {
        #[expect(clippy::cast_precision_loss, reason = "one digit after the point")]
        Some((unit, name)) => {
            let text = format!("{:.1}", bytes as f64 / unit as f64);
            format!("{} {name}", text.strip_suffix(".0").unwrap_or(&text))
        }
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in [(0, "0 bytes"), (1023, "1023 bytes"), (4096, "4 KiB"), (1_500_000, "1.4 MiB"), (3 << 30, "3 GiB")] {
            assert_eq!(size(bytes), text);
        }
    }
}
