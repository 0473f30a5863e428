//! What a whole trace teaches about calls.

use std::collections::{BTreeMap, HashSet};

use crate::eval::view::{RecordEnv, View};
use crate::expr::{Node, decide};
use crate::shard::Shared;
use crate::store::calls::Lesson;
use crate::store::shape::{NOBODY, Parents};
use crate::truth::Truth;

/// For each call of the trace the spansets of which a span lay below every such call. Only traces without any sign of loss teach.
pub(super) fn lessons(shared: &Shared, view: &View<'_>, parents: &mut Parents, out: &mut Vec<Lesson>) {
    let trace = view.trace;
    if trace.calls().is_empty() || !shared.config.learn_calls || !view.hidden.is_empty() || !shared.calls.is_curious(&trace.id) {
        return;
    }
    let hash = |id| shared.print(id);
    trace.shape(parents, hash);
    let mut calls: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for call in trace.calls() {
        calls.entry(call.row).or_default().push(call.span as usize);
    }
    let mut below: BTreeMap<&str, HashSet<usize>> = BTreeMap::new();
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
        let mut above = HashSet::new();
        for span in members.iter().filter_map(|at| trace.span_of_record(view.place(*at), hash)) {
            // A path that was walked before, or a circle, ends the walk.
            let mut parent = parents.places().get(span).copied();
            while let Some(place) = parent.filter(|place| *place != NOBODY && above.insert(*place as usize)) {
                parent = parents.places().get(place as usize).copied();
            }
        }
        below.insert(name, above);
    }
    out.extend(calls.into_iter().map(|(call, spans)| Lesson {
        call,
        below: below.iter().filter(|(_, above)| spans.iter().all(|s| above.contains(s))).map(|(name, _)| (*name).to_owned()).collect(),
    }));
}

/// The spans that satisfy a predicate for certain.
fn satisfying<'t>(view: &View<'t>, node: &'t Node) -> Vec<usize> {
    (0..view.records().len()).filter(|at| decide(node, &RecordEnv { view, at: *at }) == Truth::True).collect()
}
