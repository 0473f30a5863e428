//! Time order between spans, also of different processes (language reference §3, Relations).

use super::tree::WayEnd;
use super::truth::{Reason, Reasons, Truth};
use super::value::{Datum, Key, data_of};
use super::world::{World, has_good_times};
use crate::model::{Kind, SpanData, attribute};

/// Resource keys that tell emitters apart where there is no `service.instance.id`: pod, host and process.
const PLACE_KEYS: [&str; 5] = ["k8s.pod.uid", "k8s.pod.name", "host.id", "host.name", "process.pid"];

/// Whose clock made a span's times.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Emitter(Vec<Option<Key>>);

/// The emitter of a span.
pub(super) fn emitter(span: &SpanData) -> Emitter {
    let read = |key: &str| {
        let value = attribute(&span.resource.attributes, key)?;
        data_of(value, false).first().map(|(datum, _): &(Datum, bool)| datum.key())
    };
    let service = read("service.name");
    let instance = read("service.instance.id");
    if instance.is_some() {
        return Emitter(vec![service, instance]);
    }
    Emitter([service, None].into_iter().chain(PLACE_KEYS.map(read)).collect())
}

/// Whether span `a` ended at or before span `b` started.
pub(super) fn before(world: &World<'_>, a: usize, b: usize) -> Truth {
    let (first, second) = (world.span(a), world.span(b));
    if !has_good_times(first) || !has_good_times(second) {
        return Truth::Unknown(Reasons::of(Reason::BadTime));
    }
    if emitter(first) == emitter(second) {
        return Truth::of(first.end <= second.start);
    }
    let Some((below_a, below_b)) = paths(world, a, b) else {
        return undecided(world, a, b);
    };
    if below_a.is_empty() || below_b.is_empty() {
        let path = if below_a.is_empty() { &below_b } else { &below_a };
        let top = if below_a.is_empty() { a } else { b };
        return if synchronous(world, path, Some(top)) { Truth::False } else { raw(world, a, b) };
    }
    let mut votes = Vec::new();
    for (i, x) in below_a.iter().enumerate() {
        for (j, y) in below_b.iter().enumerate() {
            let reachable = synchronous(world, below_a.get(..=i).unwrap_or_default(), None)
                && synchronous(world, below_b.get(..=j).unwrap_or_default(), None);
            let (x, y) = (world.span(*x), world.span(*y));
            if !reachable || emitter(x) != emitter(y) || !has_good_times(x) || !has_good_times(y) {
                continue;
            }
            votes.extend((x.end <= y.start).then_some(true));
            votes.extend((y.end <= x.start).then_some(false));
        }
    }
    match (votes.contains(&true), votes.contains(&false)) {
        (true, false) => Truth::True,
        (false, true) => Truth::False,
        (true, true) => Truth::Unknown(Reasons::of(Reason::ClockSkew)),
        (false, false) => {
            let share = below_a.iter().any(|x| below_b.iter().any(|y| emitter(world.span(*x)) == emitter(world.span(*y))));
            if share { Truth::Unknown(Reasons::of(Reason::ClockSkew)) } else { raw(world, a, b) }
        }
    }
}

/// Whether the two overlap. Touching is not overlapping; a span of length zero overlaps nothing.
pub(super) fn overlap(world: &World<'_>, a: usize, b: usize) -> Truth {
    let (first, second) = (world.span(a), world.span(b));
    let is_point = |span: &SpanData| has_good_times(span) && span.start == span.end;
    if is_point(first) || is_point(second) {
        return Truth::False;
    }
    if !has_good_times(first) || !has_good_times(second) {
        return Truth::Unknown(Reasons::of(Reason::BadTime));
    }
    if emitter(first) == emitter(second) {
        return Truth::of(first.start.max(second.start) < first.end.min(second.end));
    }
    if let Some((below_a, below_b)) = paths(world, a, b)
        && (below_a.is_empty() || below_b.is_empty())
    {
        let (path, top) = if below_a.is_empty() { (&below_b, a) } else { (&below_a, b) };
        if synchronous(world, path, Some(top)) {
            return Truth::True;
        }
    }
    match (before(world, a, b), before(world, b, a)) {
        (Truth::True, _) | (_, Truth::True) => Truth::False,
        (Truth::Unknown(p), Truth::Unknown(q)) => Truth::Unknown(p.with(q)),
        (Truth::Unknown(p), _) | (_, Truth::Unknown(p)) => Truth::Unknown(p),
        _ => Truth::Unknown(Reasons::of(Reason::ClockSkew)),
    }
}

/// Whether the gap between the end of `a` and the start of `b` is at most `limit` nanoseconds.
pub(super) fn gap_within(world: &World<'_>, a: usize, b: usize, limit: u64) -> Truth {
    let (first, second) = (world.span(a), world.span(b));
    if !has_good_times(first) || !has_good_times(second) {
        return Truth::Unknown(Reasons::of(Reason::BadTime));
    }
    let gap = i128::from(second.start) - i128::from(first.end);
    let excess = gap - i128::from(limit);
    if emitter(first) == emitter(second) {
        return Truth::of(excess <= 0);
    }
    if excess.unsigned_abs() <= u128::from(world.config.max_skew) {
        return Truth::Unknown(Reasons::of(Reason::ClockSkew));
    }
    Truth::of(excess < 0)
}

/// The paths of two spans below their lowest common ancestor, each from the span upwards; empty for a span that is that
/// ancestor. Without a common ancestor they go up to the tops. `None` where a path is not known as far as that: it runs in a circle,
/// or it may still turn out to, as long as it does not end at a span without parent.
fn paths(world: &World<'_>, a: usize, b: usize) -> Option<(Vec<usize>, Vec<usize>)> {
    let known = |at: usize| match world.way(at).end {
        WayEnd::Top => true,
        WayEnd::Lost => world.complete,
        WayEnd::Cycle => false,
    };
    if world.stream.is_some() || !known(a) || !known(b) {
        return None;
    }
    let up = |at: usize| -> Vec<usize> { std::iter::once(at).chain(world.way(at).spans.iter().copied()).collect() };
    let (path_a, path_b) = (up(a), up(b));
    match path_a.iter().find(|x| path_b.contains(x)) {
        Some(common) => {
            let below = |path: &[usize]| path.iter().copied().take_while(|x| x != common).collect();
            Some((below(&path_a), below(&path_b)))
        }
        None if world.way(a).end == WayEnd::Top && world.way(b).end == WayEnd::Top => Some((path_a, path_b)),
        None => None,
    }
}

/// Whether no edge on the way up, and from its last span to `top`, is one from a producer to a consumer.
fn synchronous(world: &World<'_>, path: &[usize], top: Option<usize>) -> bool {
    let nodes: Vec<usize> = path.iter().copied().chain(top).collect();
    nodes
        .iter()
        .zip(nodes.iter().skip(1))
        .all(|(child, parent)| !(world.span(*child).kind == Kind::Consumer && world.span(*parent).kind == Kind::Producer))
}

/// Paths that are not known: before completion they may become so, afterwards only the raw gap is left.
fn undecided(world: &World<'_>, a: usize, b: usize) -> Truth {
    if world.complete { raw(world, a, b) } else { Truth::Unknown(world.open) }
}

/// At completion a raw gap above the largest skew decides between clocks that share nothing.
fn raw(world: &World<'_>, a: usize, b: usize) -> Truth {
    if !world.complete {
        return Truth::Unknown(world.open);
    }
    let (first, second) = (world.span(a), world.span(b));
    let skew = u128::from(world.config.max_skew);
    if u128::from(second.start) > u128::from(first.end) + skew {
        Truth::True
    } else if u128::from(first.start) > u128::from(second.end) + skew {
        Truth::False
    } else {
        Truth::Unknown(Reasons::of(Reason::ClockSkew))
    }
}
