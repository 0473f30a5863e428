//! Random streams in the steady state: few emitters, many windows.
//!
//! A stream is made of runs: an emitter, or all of them in turn, send so many spans with one step from end to end. Steps are multiples
//! of the widths of generated windows, so that spans end on the bounds of windows and together; some are longer than any window, few
//! longer than what a group is remembered for.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::spans::span;
use crate::model::{Batch, SpanData};
use crate::notation::BASE;

const MILLISECOND: u64 = 1_000_000;
const HOUR: u64 = 3_600_000;

/// Steps of this length make runs of few spans, milliseconds.
const LONG: u64 = 100;

/// When the first span ends, milliseconds after [`BASE`]: clocks may be behind.
const FIRST: u64 = 10_000;

/// Something that sends spans.
#[derive(Debug, Clone)]
struct Emitter {
    /// What most of its spans are like.
    usual: SpanData,
    /// How far its clock is ahead, milliseconds.
    ahead: i64,
}

/// Spans one after another.
#[derive(Debug, Clone)]
struct RunOfSpans {
    /// Who sends them; `None` for all in turn.
    emitter: Option<Index>,
    /// From end to end, milliseconds.
    step: u64,
    spans: Vec<Sent>,
}

/// A span that is sent.
#[derive(Debug, Clone)]
struct Sent {
    /// Where it is not what its emitter usually sends.
    other: Option<SpanData>,
    /// Milliseconds.
    duration: u64,
    /// From its end to its arrival, milliseconds, beside what the export waits.
    delay: u64,
    /// When it comes once more, milliseconds after it came.
    again: Option<u64>,
    /// Whether it has the id of the one before it.
    same_id: bool,
}

/// Which spans share a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Traces {
    Each,
    Shared,
    OfEmitter,
}

/// The requests of a stream of at most `most` spans. Spans wait for the next export, some longer; some come twice.
pub fn steady(most: usize) -> BoxedStrategy<Vec<Batch>> {
    let ahead = prop_oneof![12 => Just(0i64), 1 => Just(3), 1 => Just(30), 1 => Just(200), 1 => Just(-30), 1 => Just(4_000_000)];
    let emitters = prop::collection::vec((span(), ahead).prop_map(|(usual, ahead)| Emitter { usual, ahead }), 1..4);
    let runs = prop::collection::vec(run(), 1..12);
    let traces = select(vec![Traces::Each, Traces::Each, Traces::Shared, Traces::OfEmitter]);
    let export = select(vec![0u64, 0, 1, 10, 50]);
    (emitters, runs, traces, export)
        .prop_map(move |(emitters, runs, traces, export)| requests(&emitters, &runs, traces, export, most))
        .boxed()
}

/// Whether some span comes twice.
#[must_use]
pub fn repeats(batches: &[Batch]) -> bool {
    let mut seen = BTreeSet::new();
    batches.iter().flat_map(|batch| &batch.spans).any(|span| !seen.insert((span.trace_id, span.span_id, span.is_entry())))
}

fn run() -> impl Strategy<Value = RunOfSpans> {
    let step = prop_oneof![
        4 => Just(5u64),
        2 => Just(10),
        2 => Just(0),
        2 => Just(20),
        1 => select(vec![1, 2, 3, 40, 45]),
        1 => Just(100),
        1 => select(vec![HOUR - 40, HOUR, HOUR + 5, HOUR + 1_000]),
    ];
    // Long steps make short runs.
    let spans = prop::collection::vec(sent(), 1..12);
    (prop::option::weighted(0.7, any::<Index>()), step, spans).prop_map(|(emitter, step, mut spans)| {
        if step >= LONG {
            spans.truncate(2);
        }
        RunOfSpans { emitter, step, spans }
    })
}

fn sent() -> impl Strategy<Value = Sent> {
    let other = prop::option::weighted(0.15, span());
    let duration = prop_oneof![3 => Just(1u64), 3 => Just(5), 1 => Just(0), 1 => Just(10), 1 => Just(30), 1 => Just(100)];
    let delay = prop_oneof![8 => Just(0u64), 1 => Just(5), 1 => Just(15), 1 => Just(50), 1 => Just(120)];
    let again = prop::option::weighted(0.1, select(vec![0u64, 3, 40, 400]));
    (other, duration, delay, again, prop::bool::weighted(0.04)).prop_map(|(other, duration, delay, again, same_id)| Sent {
        other,
        duration,
        delay,
        again,
        same_id,
    })
}

fn requests(emitters: &[Emitter], runs: &[RunOfSpans], traces: Traces, export: u64, most: usize) -> Vec<Batch> {
    let mut arrivals: BTreeMap<u64, Vec<SpanData>> = BTreeMap::new();
    let mut now = FIRST;
    let mut number = 0u64;
    let all = runs.iter().flat_map(|run| run.spans.iter().enumerate().map(move |(nth, sent)| (run, nth, sent)));
    for (run, nth, sent) in all.take(most) {
        now += run.step;
        let at = run.emitter.map_or_else(|| nth % emitters.len(), |index| index.index(emitters.len()));
        let Some(emitter) = emitters.get(at) else { continue };
        // An id is known as long as its trace is.
        if !(sent.same_id && number > 0 && run.step < LONG) {
            number += 1;
        }
        let mut span = sent.other.clone().unwrap_or_else(|| emitter.usual.clone());
        let shown = |ms: u64| BASE + ms.saturating_add_signed(emitter.ahead) * MILLISECOND;
        (span.start, span.end) = (shown(now - sent.duration), shown(now));
        span.span_id = number.to_be_bytes();
        span.trace_id = match traces {
            Traces::Each => u128::from(number).to_be_bytes(),
            Traces::Shared => [7; 16],
            Traces::OfEmitter => [8 + u8::try_from(at).unwrap_or(0); 16],
        };
        let ready = now + sent.delay;
        let at = if export == 0 { ready } else { ready.div_ceil(export) * export };
        arrivals.entry(at).or_default().push(span.clone());
        if let Some(again) = sent.again {
            arrivals.entry(at + again).or_default().push(span);
        }
    }
    arrivals.into_iter().map(|(at, spans)| Batch { at: BASE + at * MILLISECOND, spans }).collect()
}
