//! Random arrivals of given spans.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::model::{Batch, SpanData};
use crate::notation::BASE;

const SECOND: u64 = 1_000_000_000;

/// When the first request of generated arrivals comes: after every generated span has ended. Unix nanoseconds.
pub const FIRST: u64 = BASE + 20 * SECOND;

/// The spans in random order, split into random requests within nine seconds, some of them repeated: nothing settles in between.
pub fn in_time(spans: Vec<SpanData>) -> BoxedStrategy<Vec<Batch>> {
    let count = spans.len();
    let order = Just(spans).prop_shuffle();
    let slots = prop::collection::vec((0..4u64, prop::option::weighted(0.1, 0..4u64)), count);
    (order, slots)
        .prop_map(|(spans, slots)| {
            let mut batches: Vec<Batch> = (0..4).map(|slot| Batch { at: FIRST + slot * 3 * SECOND, spans: Vec::new() }).collect();
            for (span, (slot, again)) in spans.iter().zip(slots) {
                for slot in std::iter::once(slot).chain(again) {
                    if let Some(batch) = batches.get_mut(usize::try_from(slot).unwrap_or(0)) {
                        batch.spans.push(span.clone());
                    }
                }
            }
            batches.retain(|batch| !batch.spans.is_empty());
            batches
        })
        .boxed()
}

/// The spans in random order with gaps that let the trace settle or age before the last come, but none after the grace.
pub fn with_late(spans: Vec<SpanData>) -> BoxedStrategy<Vec<Batch>> {
    delayed(spans, prop_oneof![3 => Just(0u64), 1 => 1..60u64].boxed())
}

/// The spans in random order, some of them long after the grace, and some of those together: as where a trace id is kept for hours.
pub fn with_strays(spans: Vec<SpanData>) -> BoxedStrategy<Vec<Batch>> {
    let delay = prop_oneof![4 => Just(0u64), 1 => 1..60u64, 2 => select(vec![70, 71, 130, 131, 132, 200]), 1 => 60..9_000u64];
    delayed(spans, delay.boxed())
}

/// The requests, and some of their spans again after the grace.
pub fn with_repetitions_after_the_grace(batches: BoxedStrategy<Vec<Batch>>) -> BoxedStrategy<Vec<Batch>> {
    let again = prop::collection::btree_map(130..400u64, any::<Index>(), 1..4);
    (batches, again)
        .prop_map(|(mut batches, again)| {
            let spans: Vec<SpanData> = batches.iter().flat_map(|batch| batch.spans.clone()).collect();
            let repeated = again.into_iter().map(|(delay, which)| (FIRST + delay * SECOND, which.get(&spans).clone()));
            batches.extend(repeated.map(|(at, span)| Batch { at, spans: vec![span] }));
            batches
        })
        .boxed()
}

/// The spans in random order, each so many seconds late.
fn delayed(spans: Vec<SpanData>, delay: BoxedStrategy<u64>) -> BoxedStrategy<Vec<Batch>> {
    let count = spans.len();
    let order = Just(spans).prop_shuffle();
    (order, prop::collection::vec(delay, count))
        .prop_map(|(spans, delays)| {
            let mut batches: Vec<Batch> = Vec::new();
            for (span, delay) in spans.into_iter().zip(delays) {
                let at = FIRST + delay * SECOND;
                match batches.iter_mut().find(|batch| batch.at == at) {
                    Some(batch) => batch.spans.push(span),
                    None => batches.push(Batch { at, spans: vec![span] }),
                }
            }
            batches.sort_by_key(|batch| batch.at);
            batches
        })
        .boxed()
}

/// Each span a while after it has ended, most of them soon: spans overtake each other.
pub fn live(spans: Vec<SpanData>) -> BoxedStrategy<Vec<Batch>> {
    let count = spans.len();
    let delay = prop_oneof![4 => 0..4u64, 2 => 0..60u64, 1 => 0..400u64];
    prop::collection::vec((delay, prop::option::weighted(0.1, 0..100u64)), count)
        .prop_map(move |delays| {
            let mut batches: BTreeMap<u64, Vec<SpanData>> = BTreeMap::new();
            for (span, (delay, again)) in spans.iter().zip(delays) {
                for delay in std::iter::once(delay).chain(again) {
                    let at = span.end.max(span.start).max(BASE) + delay * 1_000_000;
                    batches.entry(at).or_default().push(span.clone());
                }
            }
            batches.into_iter().map(|(at, spans)| Batch { at, spans }).collect()
        })
        .boxed()
}
