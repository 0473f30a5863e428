//! What a whole trace teaches about calls.

use std::collections::{BTreeMap, HashSet};

use crate::eval::view::{RecordEnv, View};
use crate::expr::{Node, decide};
use crate::shard::Shared;
use crate::store::calls::Lesson;
use crate::truth::Truth;

/// For each call of the trace the spansets of which a span lay below every such call. Only traces without any sign of loss teach.
pub(super) fn lessons(shared: &Shared, view: &View<'_>) -> Vec<Lesson> {
    let trace = view.trace;
    if !shared.config.learn_calls || !view.hidden.is_empty() || trace.calls().is_empty() || !shared.calls.is_curious(&trace.id) {
        return Vec::new();
    }
    let mut calls: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for call in trace.calls() {
        calls.entry(call.key).or_default().push(trace.print_of(call.span, |id| shared.print(id)));
    }
    let mut below: BTreeMap<&str, HashSet<u32>> = BTreeMap::new();
    let plan = view.plan;
    let with_news = super::decide::with_news(trace, plan);
    let rules = || with_news.iter().filter_map(|rule| plan.rules.get(*rule as usize));
    let sets = rules().flat_map(|rule| &rule.all_sets).filter_map(|id| Some((*id, plan.sets.get(*id as usize)?)));
    let relations = || rules().flat_map(|rule| rule.all_relations.clone()).filter_map(|id| plan.relations.get(id as usize));
    for (name, members) in sets
        .map(|(id, set)| (&set.name, view.members(id).iter().filter(|m| m.is_certain()).map(|m| m.at).collect::<Vec<_>>()))
        .chain(relations().map(|relation| (&relation.other_name, satisfying(view, &relation.other))))
        .chain(relations().filter_map(|r| Some((&r.without_name, satisfying(view, r.without.as_ref()?)))))
    {
        if members.is_empty() || below.contains_key(name.as_str()) {
            continue;
        }
        let above = members.iter().filter_map(|at| view.record(*at)).flat_map(|r| trace.prints_above(r.id, |id| shared.print(id)));
        below.insert(name, above.collect());
    }
    calls
        .into_iter()
        .map(|(call, spans)| Lesson {
            call,
            below: below.iter().filter(|(_, above)| spans.iter().all(|s| above.contains(s))).map(|(name, _)| (*name).to_owned()).collect(),
        })
        .collect()
}

/// The spans that satisfy a predicate for certain.
fn satisfying<'t>(view: &View<'t>, node: &'t Node) -> Vec<usize> {
    (0..view.trace.records.len()).filter(|at| decide(node, &RecordEnv { view, at: *at }) == Truth::True).collect()
}
