//! What people see of rules over `spans` with windows: signals, resolutions, counts.
//!
//! When signals leave, how often one is repeated and which spans they cite may differ between two engines. What may not: each violation
//! that is signalled begins where an episode began as far as was known when it was decided; its id is resolved once, with the episode
//! that it is part of; after that it never comes again; and the spans that do not count in windows are counted once.

use std::collections::BTreeMap;

use fluo_engine::Signal;
use fluo_engine::signal::Event;
use fluo_lang::program::Scope;

use crate::backend::{EngineBackend, Scenario, Ticks};
use crate::model::{Batch, SpanData};
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
    let signals: Vec<Signal> = signals.into_iter().filter(|signal| over_spans(&signal.rule)).collect();
    for group in &expected.groups {
        let of_group: Vec<&Signal> = signals.iter().filter(|signal| signal.rule == group.rule && values(signal) == group.group).collect();
        let mut wrong = Vec::new();
        of(&expected, group, &of_group, &mut wrong);
        differences.extend(wrong.into_iter().map(|what| format!("{how}{} {:?}: {what}", group.rule, group.group)));
    }
    for signal in &signals {
        if !expected.groups.iter().any(|group| signal.rule == group.rule && values(signal) == group.group) {
            differences.push(format!("{how}{} {:?}: signalled of an unknown group", signal.rule, values(signal)));
        }
    }
    if stats.spans_bad_time != expected.bad_time {
        differences.push(format!("{how}{} badly timed spans, engine {}", expected.bad_time, stats.spans_bad_time));
    }
    // A span that comes after its trace was decided is late too.
    if is_one_span_each(&scenario.run) && stats.spans_late != expected.late {
        differences.push(format!("{how}{} late spans, engine {}", expected.late, stats.spans_late));
    }
    let mut ids: Ids = signals.iter().map(|signal| (signal.rule.clone(), values(signal), signal.violation_id)).collect();
    ids.sort_unstable();
    ids.dedup();
    (expected, ids)
}

fn values(signal: &Signal) -> Vec<String> {
    signal.group.iter().map(|(_, value)| value.clone()).collect()
}

fn is_one_span_each(run: &Run) -> bool {
    let mut spans: BTreeMap<_, &SpanData> = BTreeMap::new();
    run.batches.iter().flat_map(|batch| &batch.spans).all(|span| {
        let first = spans.entry(span.trace_id).or_insert(span);
        (first.span_id, first.is_entry()) == (span.span_id, span.is_entry())
    })
}

/// A violation that was signalled.
struct Standing {
    begin: u64,
    resolved: Option<(u64, u64)>,
}

/// Holds the signals of a group, in the order in which they left, against what is expected.
fn of(expected: &Told, group: &ToldOfGroup, signals: &[&Signal], wrong: &mut Vec<String>) {
    let mut by_id: BTreeMap<[u8; 16], Standing> = BTreeMap::new();
    for signal in signals {
        let Some((from, to)) = signal.window else {
            wrong.push(format!("{} without a window", signal.event.name()));
            continue;
        };
        match (signal.event, by_id.get_mut(&signal.violation_id)) {
            (Event::Violation, None) => _ = by_id.insert(signal.violation_id, Standing { begin: to, resolved: None }),
            (Event::Violation, Some(_)) => wrong.push(format!("an id signalled again at {}", ms(to))),
            (Event::Resolved, Some(standing)) if standing.resolved.is_none() => standing.resolved = Some((from, to)),
            (Event::Resolved, Some(_)) => wrong.push(format!("resolved twice with {}", episode((from, Some(to))))),
            (Event::Resolved, None) => wrong.push(format!("resolved and never signalled, {}", episode((from, Some(to))))),
            (Event::Retracted, _) => wrong.push("retracted".to_owned()),
        }
    }
    let mut begins: Vec<u64> = by_id.values().map(|standing| standing.begin).collect();
    begins.sort_unstable();
    let mut wanted = group.begins.clone();
    wanted.sort_unstable();
    if begins != wanted {
        wrong.push(format!("signals of {}, engine {}", list(&wanted), list(&begins)));
        return;
    }
    for standing in by_id.values() {
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

fn ms(t: u64) -> String {
    format!("{}ms", t.saturating_sub(BASE) / 1_000_000)
}

fn list(times: &[u64]) -> String {
    format!("[{}]", times.iter().map(|t| ms(*t)).collect::<Vec<_>>().join(", "))
}

fn episode((from, to): (u64, Option<u64>)) -> String {
    format!("[{}, {})", ms(from), to.map_or_else(|| "…".to_owned(), ms))
}
