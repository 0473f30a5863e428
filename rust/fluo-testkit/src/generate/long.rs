//! Long traces: hundreds of spans, now and then thousands, made of a few.

use proptest::prelude::*;
use proptest::sample::select;

use super::arrivals::FIRST;
use super::spans;
use crate::model::{AnyValue, Attributes, Batch, SpanData, SpanId, TraceId};

const MILLISECOND: u64 = 1_000_000;

/// How the spans of a long trace hang together.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// All below the first.
    Star,
    /// Each below an earlier one.
    Tree,
    /// Chains of so many spans below the first.
    Chains(u64),
}

/// A long trace in requests of some tens of spans within nine seconds: nothing settles in between.
pub fn trace(trace_id: TraceId) -> BoxedStrategy<Vec<Batch>> {
    let count = prop_oneof![30 => 60..300u64, 1 => 1_000..4_000u64];
    let form = select(vec![Form::Star, Form::Tree, Form::Chains(20), Form::Chains(60)]);
    (spans::trace(trace_id, 6), count, form, 1..80u64, any::<u64>(), 1..30u64)
        .prop_map(|(few, count, form, groups, seed, requests)| {
            let mut batches: Vec<Batch> = (0..requests).map(|n| Batch { at: FIRST + n * 300 * MILLISECOND, spans: Vec::new() }).collect();
            for at in 0..count {
                let Some(model) = usize::try_from(at).ok().and_then(|at| few.get(at % few.len())) else { continue };
                let request = usize::try_from(scatter(seed, at + count) % requests).unwrap_or(0);
                if let Some(batch) = batches.get_mut(request) {
                    batch.spans.push(span(model, at, form, groups, seed));
                }
            }
            batches.retain(|batch| !batch.spans.is_empty());
            batches
        })
        .boxed()
}

fn span(model: &SpanData, at: u64, form: Form, groups: u64, seed: u64) -> SpanData {
    let id = |at: u64| -> SpanId { (scatter(seed, at) | 1).to_be_bytes() };
    let above = match form {
        Form::Star => 0,
        Form::Tree => scatter(seed, at) % at.max(1),
        Form::Chains(length) if at.is_multiple_of(length) => 0,
        Form::Chains(_) => at.saturating_sub(1),
    };
    let group = i64::try_from(scatter(seed, at) % groups).unwrap_or(0);
    let mut attributes: Attributes = model.attributes.iter().filter(|(key, _)| key != "u").cloned().collect();
    attributes.push(("u".to_owned(), AnyValue::Int(group)));
    SpanData {
        span_id: id(at),
        parent_id: (at > 0).then(|| id(above)),
        start: if model.start == 0 { 0 } else { model.start + at * MILLISECOND },
        end: if model.end == 0 { 0 } else { model.end + at * MILLISECOND },
        attributes,
        ..model.clone()
    }
}

/// A number that looks random (`SplitMix64`).
const fn scatter(seed: u64, at: u64) -> u64 {
    let mut x = seed.wrapping_add(at.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
