//! What a case draws.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::Question;
use crate::backend::Scenario;
use crate::generate::{arrivals, load, long, rules, spans, streams};
use crate::model::{AnyValue, Batch, Resource, SpanData};
use crate::notation::BASE;
use crate::oracle::{self, CallEntry, CallKey, CallTable, Config, End, Run, TopIsRoot};

const SECOND: u64 = 1_000_000_000;
const MILLISECOND: u64 = 1_000_000;
const TRACE: [u8; 16] = [9; 16];

/// Spans of a trace at most.
const SPANS: usize = 9;

/// Spans of a stream in the steady state at most.
const MANY: usize = 48;

/// The usual times of a trace: how long it settles, lasts, and waits for late spans, milliseconds.
const LASTING: (u64, u64, u64) = (10_000, 60_000, 60_000);

/// Spans at most where every completion is tried.
const FEW: usize = 6;

/// What a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Final verdicts and signals, under random settings, ends and call tables.
    Verdicts,
    /// Two arrivals of the same spans.
    Arrivals,
    /// What is definite early, and every completion.
    Prefix,
    /// Rules over `spans` with windows.
    Windows,
    /// Rules over `spans` with relations.
    Sequences,
    /// Rules over `spans` with windows in the steady state.
    Steady,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Verdicts, Self::Arrivals, Self::Prefix, Self::Windows, Self::Sequences, Self::Steady];

    /// The kind that a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let words = ["verdicts", "arrivals", "prefix", "windows", "sequences", "steady"];
        words.iter().position(|known| *known == word).and_then(|at| Self::ALL.get(at).copied())
    }

    /// The kind of a case by its number: of sixteen five ask for verdicts, four for arrivals, three for prefixes, one for windows, two for
    /// the steady state and one for sequences.
    #[must_use]
    pub const fn of(number: u64) -> Self {
        match number % 16 {
            0..=2 | 8..=9 => Self::Verdicts,
            3..=4 | 11..=12 => Self::Arrivals,
            5..=6 | 13 => Self::Prefix,
            7 => Self::Windows,
            10 | 14 => Self::Steady,
            _ => Self::Sequences,
        }
    }
}

/// Random questions of a kind.
pub fn question(kind: Kind) -> BoxedStrategy<Question> {
    match kind {
        Kind::Verdicts => verdicts(),
        Kind::Arrivals => other_arrivals(),
        Kind::Prefix => prefixes(),
        Kind::Windows => windows(),
        Kind::Sequences => sequences(),
        Kind::Steady => steady(),
    }
}

fn scenario(rules: &[String], batches: Vec<Batch>) -> Option<Scenario> {
    let (sources, rules) = load(rules)?;
    let run = Run { batches, end: End::Recording };
    Some(Scenario { sources, rules, config: Config::default(), calls: CallTable::default(), run })
}

fn any_arrival(spans: Vec<SpanData>) -> BoxedStrategy<Vec<Batch>> {
    prop_oneof![arrivals::in_time(spans.clone()), arrivals::with_late(spans)].boxed()
}

fn verdicts() -> BoxedStrategy<Question> {
    let calls = || prop_oneof![2 => Just(Vec::new()), 1 => call_table()];
    let traces = (0..2u8).map(|n| spans::trace([n + 1; 16], SPANS)).collect::<Vec<_>>();
    let batches = prop_oneof![
        5 => spans::trace(TRACE, SPANS).prop_flat_map(any_arrival),
        2 => spans::trace(TRACE, SPANS).prop_flat_map(arrivals::with_strays),
        1 => traces.prop_flat_map(|traces| arrivals::with_strays(traces.concat())),
    ];
    let usual = (rules::trace_rule(), batches, circumstances(), calls());
    // A case of hundreds of spans takes as long as a hundred others.
    let long = (rules::long_rule(), long::trace(TRACE), circumstances(), Just(Vec::new()));
    prop_oneof![400 => usual.boxed(), 1 => long.boxed()]
        .prop_filter_map("the language refuses the rule", |(rule, batches, (config, end), calls)| {
            let last = batches.last().map_or(0, |batch| batch.at);
            let end = if let End::Shutdown(at) = end { End::Shutdown(at.max(last)) } else { end };
            let scenario = scenario(&[rule], batches)?;
            let calls = entries(&scenario, calls);
            Some(Question::Verdicts(Scenario { config, calls, run: Run { end, ..scenario.run.clone() }, ..scenario }))
        })
        .boxed()
}

/// Settings and ends that verdicts depend on.
fn circumstances() -> impl Strategy<Value = (Config, End)> {
    let config = (
        select(vec![TopIsRoot::Age, TopIsRoot::Settle]),
        select(vec![0, SECOND / 10, SECOND]),
        prop_oneof![8 => Just(10_000usize), 2 => 1..6usize, 1 => 50..100usize],
        live_since(),
        // Settle, greatest duration and grace in seconds.
        select(vec![(10, 60, 60), (10, 60, 60), (10, 60, 60), (1, 5, 5), (10, 30, 0), (3, 3, 100)]),
    );
    let end =
        prop_oneof![4 => Just(End::Recording), 1 => (0..70u64).prop_map(|s| End::Shutdown(arrivals::FIRST + 9 * SECOND + s * SECOND))];
    (config, end).prop_map(|((top_is_root, max_skew, max_spans_per_trace, live_since, (settle, longest, grace)), end)| {
        let (settle, max_duration, late_grace) = (settle * SECOND, longest * SECOND, grace * SECOND);
        (Config { settle, max_duration, late_grace, top_is_root, max_skew, max_spans_per_trace, live_since, ..Config::default() }, end)
    })
}

/// Mostly a replay; else an engine that starts before, in the middle of and after what generated spans tell.
fn live_since() -> impl Strategy<Value = Option<u64>> {
    let start = select(vec![0, 30, 100, 130, 200, 1_000, 19_000, 20_000u64]).prop_map(|at| Some(BASE + at * MILLISECOND));
    prop_oneof![3 => Just(None), 1 => start]
}

/// Rows that say of a span's call that spans of a selector come below it in so many of a hundred traces.
fn call_table() -> impl Strategy<Value = Vec<(Index, Index, u64)>> {
    prop::collection::vec((any::<Index>(), any::<Index>(), 97..=100u64), 1..4)
}

fn entries(scenario: &Scenario, drawn: Vec<(Index, Index, u64)>) -> CallTable {
    let selectors: Vec<_> = scenario.rules.rules.iter().flat_map(oracle::selectors).collect();
    let spans = super::spans(scenario);
    if selectors.is_empty() {
        return CallTable::default();
    }
    let entry = |(span, selector, below): (Index, Index, u64)| CallEntry {
        call: CallKey::of(span.get(&spans)),
        selector: selector.get(&selectors).clone(),
        traces: 100,
        below,
    };
    let mut entries: Vec<CallEntry> = drawn.into_iter().map(entry).collect();
    entries.sort_by_cached_key(|entry| format!("{:?}{:?}", entry.call, entry.selector));
    entries.dedup_by(|a, b| a.call == b.call && a.selector == b.selector);
    CallTable { entries }
}

fn other_arrivals() -> BoxedStrategy<Question> {
    let arrivals = spans::trace(TRACE, SPANS).prop_flat_map(|spans| {
        let more: Vec<SpanData> = spans.iter().map(with_more).collect();
        let more = any_arrival(more);
        let other = prop_oneof![4 => more.clone(), 1 => arrivals::with_repetitions_after_the_grace(more)];
        (Just(spans.clone()), any_arrival(spans), other)
    });
    (prop::collection::vec(rules::trace_rule(), 1..3), arrivals, live_since())
        .prop_filter_map("the language refuses the rules", |(rules, (plain, one, other), live_since)| {
            // Under `attr('*')` every attribute is read.
            let reads_all = rules.iter().any(|rule| rule.contains("attr('*')"));
            let one = scenario(&rules, one)?;
            let one = Scenario { config: Config { live_since, ..one.config.clone() }, ..one };
            let mut other = Scenario { run: Run { batches: other, end: End::Recording }, ..one.clone() };
            if reads_all {
                for span in other.run.batches.iter_mut().flat_map(|batch| &mut batch.spans) {
                    if let Some(before) = plain.iter().find(|before| before.identity() == span.identity()) {
                        *span = before.clone();
                    }
                }
            }
            Some(Question::Arrivals(Box::new((one, other))))
        })
        .boxed()
}

/// The span with more attributes, which no rule reads, and maps with their keys in another order.
fn with_more(span: &SpanData) -> SpanData {
    let more = || ("unrelated".to_owned(), AnyValue::String("1".to_owned()));
    let mut span = span.clone();
    for (_, value) in &mut span.attributes {
        if let AnyValue::Map(members) = value {
            members.reverse();
        }
    }
    span.attributes.insert(0, more());
    span.events.iter_mut().for_each(|event| event.attributes.push(more()));
    let mut resource = Resource::clone(&span.resource);
    resource.attributes.push(more());
    span.resource = Arc::new(resource);
    span
}

fn prefixes() -> BoxedStrategy<Question> {
    let trace = spans::trace(TRACE, FEW).prop_flat_map(|spans| Just(spans).prop_shuffle());
    // One rule in ten has something definite to say of a part of a trace.
    (prop::collection::vec(rules::trace_rule(), 1..6), trace, 0..=FEW)
        .prop_filter_map("the language refuses the rules", |(rules, spans, part)| {
            Some(Question::Prefix(scenario(&rules, vec![Batch { at: arrivals::FIRST, spans }])?, part))
        })
        .boxed()
}

fn windows() -> BoxedStrategy<Question> {
    let traces = (0..4u8).map(|n| spans::trace([n + 1; 16], 5)).collect::<Vec<_>>();
    let batches = traces.prop_flat_map(|traces| any_arrival(traces.concat()));
    let lateness = select(vec![0, 20, 60, 30_000u64]);
    // Both clocks may run on past the last span, where absence shows.
    let on = prop::option::of(0..200u64);
    (prop::collection::vec(rules::stream_rule(), 1..4), batches, lateness, on)
        .prop_filter_map("the engine does not take the rules", |(rules, batches, lateness, on)| {
            let last = batches.last().map_or(0, |batch| batch.at);
            let scenario = scenario(&rules, batches)?;
            let config = Config { allowed_lateness: lateness * MILLISECOND, ..Config::default() };
            let end = on.map_or(End::Recording, |on| End::Until(last + on * MILLISECOND));
            let scenario = Scenario { config, run: Run { end, ..scenario.run.clone() }, ..scenario };
            fluo_engine::unsupported(&scenario.rules).is_empty().then_some(Question::Windows(scenario))
        })
        .boxed()
}

fn sequences() -> BoxedStrategy<Question> {
    let traces = (0..4u8).map(|n| spans::trace([n + 1; 16], 5)).collect::<Vec<_>>();
    let batches = traces.prop_flat_map(|traces| {
        let spans = one_of_each_id(traces.concat());
        prop_oneof![3 => arrivals::live(spans.clone()), 1 => any_arrival(spans)]
    });
    let times = (select(vec![0, 20, 60, 30_000u64]), select(vec![0, 5, 100u64]), select(vec![5, 30, 60_000u64]));
    // Both clocks may run on past the last span, where absence shows.
    let on = prop::option::weighted(0.7, 0..600u64);
    (prop::collection::vec(rules::sequence_rule(), 1..4), batches, times, on)
        .prop_filter_map("the engine does not take the rules", |(rules, batches, (lateness, skew, longest), on)| {
            let last = batches.last().map_or(0, |batch| batch.at);
            let scenario = scenario(&rules, batches)?;
            let config = Config {
                settle: longest.min(10_000) * MILLISECOND,
                max_duration: longest * MILLISECOND,
                allowed_lateness: lateness * MILLISECOND,
                max_skew: skew * MILLISECOND,
                ..Config::default()
            };
            let end = on.map_or(End::Recording, |on| End::Until(last + on * MILLISECOND));
            let scenario = Scenario { config, run: Run { end, ..scenario.run.clone() }, ..scenario };
            fluo_engine::unsupported(&scenario.rules).is_empty().then_some(Question::Sequences(scenario))
        })
        .boxed()
}

fn steady() -> BoxedStrategy<Question> {
    let times = (
        select(vec![0, 20, 60, 300u64]),
        select(vec![0, 5, 100u64]),
        // Traces are decided and forgotten while their spans go on, or not.
        select(vec![(10, 300, 60), (1, 300, 0), LASTING]),
        prop_oneof![5 => Just(10_000usize), 1 => Just(3)],
    );
    let on = prop::option::weighted(0.7, prop_oneof![6 => 0..600u64, 1 => Just(3_600_300u64)]);
    let crowd = prop::option::weighted(0.2, 1..3usize);
    (prop::collection::vec(rules::stream_rule(), 1..4), streams::steady(MANY), times, on, any::<bool>(), crowd)
        .prop_filter_map("the engine does not take the rules", |(rules, batches, times, on, shut, crowd)| {
            let (lateness, skew, brief, max_spans_per_trace) = times;
            // A repetition is known as one as long as its trace is.
            let (settle, longest, grace) = if streams::repeats(&batches) { LASTING } else { brief };
            let last = batches.last().map_or(0, |batch| batch.at);
            let scenario = scenario(&rules, batches)?;
            let config = Config {
                settle: settle * MILLISECOND,
                max_duration: longest * MILLISECOND,
                late_grace: grace * MILLISECOND,
                allowed_lateness: lateness * MILLISECOND,
                max_skew: skew * MILLISECOND,
                max_spans_per_trace,
                ..Config::default()
            };
            let end = match on.map(|on| last + on * MILLISECOND) {
                None => End::Recording,
                Some(at) if shut => End::Shutdown(at),
                Some(at) => End::Until(at),
            };
            let scenario = Scenario { config, run: Run { end, ..scenario.run.clone() }, ..scenario };
            let question = match crowd {
                Some(groups) => Question::Crowded(scenario.clone(), groups),
                None => Question::Steady(scenario.clone()),
            };
            fluo_engine::unsupported(&scenario.rules).is_empty().then_some(question)
        })
        .boxed()
}

/// Without the second half of a call that shares its id: a verdict about a span names it by its id alone.
fn one_of_each_id(mut spans: Vec<SpanData>) -> Vec<SpanData> {
    let mut seen = BTreeSet::new();
    spans.retain(|span| seen.insert((span.trace_id, span.span_id)));
    spans
}
