//! `trace.depth` and `trace.duration`.

use std::collections::BTreeMap;

use super::order::{Emitter, emitter};
use super::quantity::Quantity;
use super::tree::Above;
use super::truth::{Reason, Reasons};
use super::value::Datum;
use super::world::{World, has_good_times};
use crate::model::Kind;

/// The longest way from a span to the top, the root being 1. What is above or below a lost span can only make it longer; a circle
/// is walked once.
pub(super) fn depth(world: &World<'_>) -> Quantity {
    let deepest = (0..world.spans.len()).map(|at| world.ancestors(at).len() + 1).max().unwrap_or(0);
    let deepest = Datum::Int(i64::try_from(deepest).unwrap_or(i64::MAX));
    let high = world.open.is_empty().then(|| deepest.clone());
    Quantity::between(Some(deepest), high, world.open)
}

/// Last end minus first start, each emitter's clock shifted by the least that puts its server spans inside their client spans.
pub(super) fn trace_duration(world: &World<'_>) -> Quantity {
    let mut doubt = world.open;
    if world.spans.iter().any(|span| !has_good_times(span)) {
        doubt = doubt.with(Reasons::of(Reason::BadTime));
    }
    if !doubt.is_empty() {
        return Quantity::unknown(doubt);
    }
    let shifts = shifts(world);
    let shifted = |at: usize, time: u64| i128::from(time) + shifts.get(&emitter(world.span(at))).copied().unwrap_or(0);
    let first = (0..world.spans.len()).map(|at| shifted(at, world.span(at).start)).min();
    let last = (0..world.spans.len()).map(|at| shifted(at, world.span(at).end)).max();
    match (first, last) {
        (Some(first), Some(last)) => {
            i64::try_from(last - first).map_or_else(|_| Quantity::missing(), |d| Quantity::known(Datum::Duration(d)))
        }
        _ => Quantity::Nothing,
    }
}

/// The shift of each emitter's clock. Emitters are aligned from the root down: an emitter when the level of its highest span is
/// reached, by the calls that emitters of higher levels made.
fn shifts(world: &World<'_>) -> BTreeMap<Emitter, i128> {
    let mut levels: BTreeMap<Emitter, usize> = BTreeMap::new();
    for at in 0..world.spans.len() {
        let level = levels.entry(emitter(world.span(at))).or_insert(usize::MAX);
        *level = (*level).min(world.ancestors(at).len());
    }
    let mut order: Vec<(usize, Emitter)> = levels.iter().map(|(emitter, level)| (*level, emitter.clone())).collect();
    order.sort();
    let mut shifts = BTreeMap::new();
    for (level, this) in order {
        let mut low = i128::MIN;
        let mut high = i128::MAX;
        for at in 0..world.spans.len() {
            let server = world.span(at);
            let Above::Span(parent) = world.above(at) else { continue };
            let client = world.span(parent);
            let caller = emitter(client);
            let call = server.kind == Kind::Server && client.kind == Kind::Client;
            let from_above = levels.get(&caller).is_some_and(|of_caller| *of_caller < level);
            if !call || emitter(server) != this || !from_above || server.end - server.start > client.end - client.start {
                continue;
            }
            let by: i128 = shifts.get(&caller).copied().unwrap_or(0);
            low = low.max(i128::from(client.start) + by - i128::from(server.start));
            high = high.min(i128::from(client.end) + by - i128::from(server.end));
        }
        shifts.insert(this, if low > high { 0 } else { 0i128.clamp(low, high) });
    }
    shifts
}
