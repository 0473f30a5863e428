//! The claim of a rule over the spans that a signal cites.

use std::collections::{BTreeMap, BTreeSet};

use fluo_lang::program::Rule;

use super::judge::judge;
use super::spanset::{View, groups_of};
use super::truth::Reasons;
use super::value::Key;
use super::world::{Stage, World};
use super::{CallTable, Config, Verdict};
use crate::model::{Identity, SpanData, SpanId};

/// Whether the cited spans of a trace violate a rule over traces by themselves, for the group with these values (none for a rule
/// without `by`) and with all windows ending at `instant`, Unix nanoseconds (`None` for a rule without `within`).
///
/// That the trace is closed is given: there are no other spans, and a parent that is not cited is no gap. What stands above a cited
/// span and is not cited itself is not known. `trace` is what came of the trace; of a span that came again the first counts.
#[must_use]
pub fn violated_by(
    rule: &Rule,
    config: &Config,
    trace: &[SpanData],
    cited: &BTreeSet<SpanId>,
    group: &[String],
    instant: Option<u64>,
) -> bool {
    let mut first: BTreeMap<Identity, &SpanData> = BTreeMap::new();
    for span in trace {
        first.entry(span.identity()).or_insert(span);
    }
    let calls = CallTable::default();
    let among_cited: Vec<&SpanData> = first.iter().filter(|((id, _), _)| cited.contains(id)).map(|(_, span)| *span).collect();
    let part = closed(&among_cited, config, &calls);
    let violated = |group: Option<&[Key]>| judge(&part, rule, View { group, instant, whole: false }) == Verdict::Violated;
    if rule.by.is_empty() {
        return violated(None);
    }
    let all: Vec<&SpanData> = first.into_values().collect();
    let whole = closed(&all, config, &calls);
    let groups: BTreeSet<Vec<Key>> = (0..whole.spans.len()).flat_map(|at| groups_of(&whole, at, &rule.by)).collect();
    groups.iter().filter(|keys| keys.iter().map(Key::text).eq(group.iter().cloned())).any(|keys| violated(Some(keys)))
}

/// These spans as a whole trace.
fn closed<'a>(spans: &[&'a SpanData], config: &'a Config, calls: &'a CallTable) -> World<'a> {
    // Cut off: a span does not count as the root because its parent is not among them.
    let stage = Stage::Decided { lost: Reasons::NONE, cut_off: true };
    World { open: Reasons::NONE, ..World::trace(spans, stage, config, calls) }
}
