//! What happens to traces in the wild and hides mistakes: ids that both halves of a call share, callers that send no spans, clocks that
//! are wrong by hours.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::model::{AnyValue, Kind, SpanData, SpanId};

const HOUR: i64 = 3_600_000_000_000;

/// What happens to a trace.
#[derive(Debug, Clone)]
pub enum Twist {
    /// Spans take the ids of others, as the entry half of a call does.
    SharedIds(Vec<(Index, Index, Naming)>),
    /// So many of the first spans are entry spans below one caller that sends no spans; the bits make some of them something else.
    UnseenCaller(usize, u8),
    /// The clock of a service is wrong by so many nanoseconds.
    WrongClock(&'static str, i64),
}

/// What an entry half names as its parent.
#[derive(Debug, Clone, Copy)]
pub enum Naming {
    /// What it named before.
    Own,
    /// What the other half names.
    AsTheOther,
    /// The id that both share.
    TheShared,
    /// Nothing.
    Nothing,
}

/// Mostly nothing.
pub fn twist() -> impl Strategy<Value = Option<Twist>> {
    let naming = select(vec![Naming::Own, Naming::AsTheOther, Naming::AsTheOther, Naming::TheShared, Naming::Nothing]);
    let pairs = prop::collection::vec((any::<Index>(), any::<Index>(), naming), 1..4);
    prop_oneof![
        6 => Just(None),
        2 => pairs.prop_map(|pairs| Some(Twist::SharedIds(pairs))),
        1 => (1..4usize, prop_oneof![4 => Just(0u8), 1 => 0..8u8]).prop_map(|(tops, others)| Some(Twist::UnseenCaller(tops, others))),
        1 => (select(vec!["s1", "s2", "s3"]), select(vec![-3 * HOUR, 2 * HOUR, 3_000_000_000, -3_000_000_000]))
            .prop_map(|(service, by)| Some(Twist::WrongClock(service, by))),
    ]
}

/// Lets it happen.
pub fn apply(twist: &Twist, spans: &mut [SpanData]) {
    match twist {
        Twist::SharedIds(pairs) => pairs.iter().for_each(|(entry, other, naming)| {
            let (entry, other) = (entry.index(spans.len()), other.index(spans.len()));
            share_id(spans, entry, other, *naming);
        }),
        Twist::UnseenCaller(tops, others) => {
            for (at, span) in spans.iter_mut().take(*tops).enumerate() {
                span.parent_id = Some([0xff, 9, 0, 0, 0, 0, 0, 1]);
                if others & 1 << at == 0 {
                    span.kind = if at % 2 == 0 { Kind::Consumer } else { Kind::Server };
                }
            }
        }
        Twist::WrongClock(service, by) => {
            let is_of = |span: &&mut SpanData| {
                let name = span.resource.attributes.iter().find(|(key, _)| key == "service.name");
                name.is_some_and(|(_, value)| *value == AnyValue::String((*service).to_owned()))
            };
            for span in spans.iter_mut().filter(is_of) {
                for time in [&mut span.start, &mut span.end] {
                    *time = if *time == 0 { 0 } else { time.saturating_add_signed(*by) };
                }
            }
        }
    }
}

/// Gives one span the id of another, and what named the old id names the shared one. No two spans become one and the same.
fn share_id(spans: &mut [SpanData], entry: usize, other: usize, naming: Naming) {
    let (Some(old), Some(half)) = (spans.get(entry).map(|span| span.span_id), spans.get(other).cloned()) else { return };
    let shared = half.span_id;
    let many = |id: SpanId| spans.iter().filter(|span| span.span_id == id).count() > 1;
    if old == shared || many(old) || many(shared) {
        return;
    }
    for span in spans.iter_mut().filter(|span| span.parent_id == Some(old)) {
        span.parent_id = Some(shared);
    }
    if let Some(span) = spans.get_mut(other)
        && span.is_entry()
    {
        span.kind = if span.kind == Kind::Consumer { Kind::Producer } else { Kind::Client };
    }
    if let Some(span) = spans.get_mut(entry) {
        span.span_id = shared;
        if !span.is_entry() {
            span.kind = Kind::Server;
        }
        match naming {
            Naming::Own => {}
            Naming::AsTheOther => span.parent_id = half.parent_id,
            Naming::TheShared => span.parent_id = Some(shared),
            Naming::Nothing => span.parent_id = None,
        }
    }
}
