//! What people see of rules over `spans` with windows: signals, resolutions, counts.
//!
//! When signals leave, how often one is repeated and which spans they cite may differ between two engines. What may not: each violation
//! that is signalled begins where an episode began as far as was known when it was decided; its id is resolved once, with the episode
//! that it is part of; after that it never comes again; and the spans that do not count in windows are counted once.

use std::collections::BTreeSet;

use fluo_lang::program::Scope;

use crate::backend::{EngineBackend, Scenario, Standing, Ticks, standing};
use crate::model::Batch;
use crate::notation::BASE;
use crate::oracle::{self, Run, Told, ToldOfGroup};

/// Nanoseconds between the ticks of a host.
const TICK: u64 = 7_000_000;

/// Compares what both sides tell of a stream, as it came and span by span. Gives whether anything was violated.
pub fn told(scenario: &Scenario, differences: &mut Vec<String>) -> bool {
    let single = Scenario { run: one_by_one(&scenario.run), ..scenario.clone() };
    let (whole, whole_ids) = told_once(scenario, "", differences);
    let (parts, part_ids) = told_once(&single, "span by span: ", differences);
    if whole.counted == parts.counted && (whole.clock, whole.watermark) == (parts.clock, parts.watermark) && whole_ids != part_ids {
        differences.push("other ids span by span".to_owned());
    }
    whole.groups.iter().any(|group| !group.begins.is_empty())
}

/// The same spans in the same order, each in a request of its own.
fn one_by_one(run: &Run) -> Run {
    let alone = |batch: &Batch| batch.spans.iter().map(|span| Batch { at: batch.at, spans: vec![span.clone()] }).collect::<Vec<_>>();
    Run { batches: run.batches.iter().flat_map(alone).collect(), end: run.end }
}

type Ids = Vec<(String, Vec<String>, [u8; 16])>;

fn told_once(scenario: &Scenario, how: &str, differences: &mut Vec<String>) -> (Told, Ids) {
    let expected = oracle::told(&scenario.rules, &scenario.config, &scenario.calls, &scenario.run);
    let (signals, stats) = match EngineBackend.watch(scenario, Ticks::Every(TICK)) {
        Ok(ran) => ran,
        Err(why) => {
            differences.push(format!("engine: {why}"));
            return (expected, Ids::new());
        }
    };
    let over_spans = |name: &str| scenario.rules.rules.iter().any(|rule| rule.name == name && rule.scope == Scope::Spans);
    let (found, wrong) = standing(signals.iter().filter(|signal| over_spans(&signal.rule)), &|_| false);
    differences.extend(wrong.into_iter().map(|what| format!("{how}{what}")));
    for group in &expected.groups {
        let own = found.iter().map(|(_, standing)| standing).filter(|one| one.rule == group.rule && one.group == group.group);
        let mut wrong = Vec::new();
        of(&expected, group, &own.collect::<Vec<_>>(), &mut wrong);
        differences.extend(wrong.into_iter().map(|what| format!("{how}{} {:?}: {what}", group.rule, group.group)));
    }
    for (_, standing) in &found {
        if !expected.groups.iter().any(|group| standing.rule == group.rule && standing.group == group.group) {
            differences.push(format!("{how}{} {:?}: signalled of an unknown group", standing.rule, standing.group));
        }
    }
    // Of a set's spans only those that also satisfy what is asked of them all need be wanted.
    let some_may_do = scenario.sources.iter().any(|source| [".any(", ".all(", ".none("].iter().any(|method| source.text.contains(method)));
    let differ = |wanted: u64, got: u64| if some_may_do { got > wanted } else { got != wanted };
    if differ(expected.bad_time, stats.spans_bad_time) {
        differences.push(format!("{how}{} badly timed spans, engine {}", expected.bad_time, stats.spans_bad_time));
    }
    // A span that comes after its trace was decided is late too, and so is one that comes again when its trace is forgotten.
    if is_one_span_each(&scenario.run) && differ(expected.late, stats.spans_late) {
        differences.push(format!("{how}{} late spans, engine {}", expected.late, stats.spans_late));
    }
    let mut ids: Ids = found.into_iter().map(|(id, standing)| (standing.rule, standing.group, id)).collect();
    ids.sort_unstable();
    (expected, ids)
}

/// Whether every trace has one span that comes once.
fn is_one_span_each(run: &Run) -> bool {
    let mut traces = BTreeSet::new();
    run.batches.iter().flat_map(|batch| &batch.spans).all(|span| traces.insert(span.trace_id))
}

/// Holds the violations of a group that were signalled against what is expected.
fn of(expected: &Told, group: &ToldOfGroup, told: &[&Standing], wrong: &mut Vec<String>) {
    let mut begins: Vec<u64> = told.iter().map(|standing| standing.begin).collect();
    begins.sort_unstable();
    let mut wanted = group.begins.clone();
    wanted.sort_unstable();
    if group.in_flight && begins != wanted {
        return joined(group, told, wrong);
    }
    if begins != wanted {
        wrong.push(format!("signals of {}, engine {}", list(&wanted), list(&begins)));
        return;
    }
    for standing in told {
        let within = |(from, to): &&(u64, Option<u64>)| *from <= standing.begin && to.is_none_or(|to| standing.begin < to);
        let whole = group.episodes.iter().find(within).copied();
        match (whole, standing.resolved) {
            // It is over for certain when no span can come that lasted into it.
            (Some((_, Some(to))), None) if to.saturating_add(expected.longest) >= expected.watermark => {}
            (Some((from, Some(to))), Some(said)) if said == (from, to) && to <= expected.clock => {}
            (Some((_, None)) | None, None) => {}
            (whole, said) => wrong.push(format!(
                "of the episode {} that was signalled at {}: {}",
                whole.map_or_else(|| "none".to_owned(), episode),
                ms(standing.begin),
                said.map_or_else(|| "never resolved".to_owned(), |(from, to)| format!("resolved as {}", episode((from, Some(to)))))
            )),
        }
    }
}

/// A span that lasts long may join stretches that were resolved: then each signal and resolution is about a part of an episode, and each
/// episode was told of.
fn joined(group: &ToldOfGroup, told: &[&Standing], wrong: &mut Vec<String>) {
    let is_part = |standing: &Standing, (from, to): (u64, Option<u64>)| {
        let (first, last) = standing.resolved.unwrap_or((standing.begin, standing.begin));
        from <= first.min(standing.begin) && to.is_none_or(|to| standing.begin < to && last <= to)
    };
    for standing in told {
        if !group.episodes.iter().any(|episode| is_part(standing, *episode)) {
            wrong.push(format!("signalled at {}, which is part of no episode", ms(standing.begin)));
        }
    }
    for whole in &group.episodes {
        if !told.iter().any(|standing| is_part(standing, *whole)) {
            wrong.push(format!("nothing is told of the episode {}", episode(*whole)));
        }
    }
}

fn ms(t: u64) -> String {
    format!("{}ms", t.saturating_sub(BASE) / 1_000_000)
}

fn list(times: &[u64]) -> String {
    format!("[{}]", times.iter().map(|t| ms(*t)).collect::<Vec<_>>().join(", "))
}

fn episode((from, to): (u64, Option<u64>)) -> String {
    format!("[{}, {})", ms(from), to.map_or_else(|| "…".to_owned(), ms))
}
