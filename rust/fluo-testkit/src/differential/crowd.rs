//! More groups than an engine may hold.
//!
//! Which groups it gives up is its own business. What it still says has to be right: what is violated was violated, what holds held, and
//! whatever it cannot know is inconclusive.

use std::collections::BTreeMap;

use crate::backend::{Answer, EngineBackend, Scenario, VerdictRecord, standing};
use crate::oracle::{self, ToldOfGroup};

/// Holds what an engine with so many groups a rule at most says of a stream against what was so. Gives whether anything was violated.
pub fn crowded(scenario: &Scenario, max_groups: usize, differences: &mut Vec<String>) -> bool {
    let findings = oracle::evaluate(&scenario.rules, &scenario.config, &scenario.calls, &scenario.run);
    let right: BTreeMap<(String, Vec<String>), VerdictRecord> =
        findings.into_iter().map(|finding| ((finding.rule.clone(), finding.group.clone()), finding.into())).collect();
    let told = oracle::told(&scenario.rules, &scenario.config, &scenario.calls, &scenario.run);
    let (records, signals) = match EngineBackend.crowded(scenario, max_groups) {
        Ok(ran) => ran,
        Err(why) => {
            differences.push(format!("engine: {why}"));
            return true;
        }
    };
    for record in records.iter().filter(|record| matches!(record.verdict, Answer::Violated | Answer::Satisfied)) {
        let known = right.get(&(record.rule.clone(), record.group.clone())).map(|right| right.verdict);
        if known != Some(record.verdict) {
            let known = known.map_or("nothing", Answer::word);
            differences.push(format!("{} {:?}: {known}, crowded engine {}", record.rule, record.group, record.verdict.word()));
        }
    }
    let (found, wrong) = standing(signals.iter(), &|_| false);
    differences.extend(wrong);
    for (_, standing) in found {
        let of = |group: &&ToldOfGroup| group.rule == standing.rule && group.group == standing.group;
        let mut episodes = told.groups.iter().filter(of).flat_map(|group| &group.episodes);
        let end = standing.resolved.map(|(_, to)| to);
        let from = standing.resolved.map_or(standing.begin, |(from, _)| from);
        let is_part =
            |(first, last): &(u64, Option<u64>)| *first <= from && last.is_none_or(|last| end.map_or(from < last, |end| end <= last));
        if !episodes.any(is_part) {
            differences
                .push(format!("{} {:?}: crowded engine tells of [{from}, {end:?}), which was no violation", standing.rule, standing.group));
        }
    }
    told.groups.iter().any(|group| !group.begins.is_empty())
}
