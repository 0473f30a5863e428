//! What is known of a trace (or of all spans) when something is evaluated.

use std::collections::BTreeMap;

use super::calls::CallTable;
use super::truth::{Reason, Reasons};
use super::{Config, TopIsRoot};
use crate::model::{Kind, SpanData, SpanId};

/// What stands above a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Above {
    /// Nothing: the span has no parent.
    Nothing,
    /// The parent.
    Span(usize),
    /// A parent that has not come.
    Lost,
}

/// Whether and how a trace was completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// More spans may come.
    Open,
    /// The trace is decided; the reasons say what forbids to conclude absence beside gaps, and a trace that a limit or a
    /// shutdown cut off has no span that counts as the root in place of a parent that would have come.
    Decided { lost: Reasons, cut_off: bool },
}

/// Spans and what may be concluded from them.
pub(super) struct World<'a> {
    /// The spans, sorted by start and id so that nothing depends on the order of arrival.
    pub(super) spans: Vec<&'a SpanData>,
    /// For each span what stands above it.
    pub(super) above: Vec<Above>,
    /// For each span those that name it as parent.
    pub(super) children: Vec<Vec<usize>>,
    /// For each span its ancestors from the parent upwards, and how the way ends.
    pub(super) ways: Vec<Way>,
    /// Why spans may be missing; empty where absence can be concluded.
    pub(super) open: Reasons,
    /// Whether the trace was completed.
    pub(super) complete: bool,
    /// In the `spans` scope, which has no tree, how far event time was observed.
    pub(super) stream: Option<Stretch>,
    pub(super) config: &'a Config,
    pub(super) calls: &'a CallTable,
}

/// The stretch of event time of which every span has come. Unix nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    /// The earliest end of a span.
    pub(super) first: u64,
    /// The watermark.
    pub(super) last: u64,
}

/// The way from a span to the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    /// The ancestors, nearest first.
    pub(super) ancestors: Vec<usize>,
    /// How it ends.
    pub(super) end: WayEnd,
}

/// How the way to the top ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WayEnd {
    /// At a span without parent.
    Top,
    /// At a parent that has not come.
    Lost,
    /// It runs in a circle.
    Cycle,
}

impl<'a> World<'a> {
    /// The world of one trace.
    pub(super) fn trace(spans: &[&'a SpanData], stage: Stage, config: &'a Config, calls: &'a CallTable) -> Self {
        let mut spans = spans.to_vec();
        spans.sort_by_key(|span| (span.start, span.span_id));
        let index: BTreeMap<SpanId, usize> = spans.iter().enumerate().map(|(at, span)| (span.span_id, at)).collect();
        let mut above: Vec<Above> = spans
            .iter()
            .map(|span| match span.parent_id {
                None => Above::Nothing,
                Some(id) => index.get(&id).map_or(Above::Lost, |at| Above::Span(*at)),
            })
            .collect();
        if matches!(stage, Stage::Decided { cut_off: false, .. })
            && let Some(top) = lone_top(&spans, &above)
            && let Some(slot) = above.get_mut(top)
        {
            *slot = Above::Nothing;
        }
        let mut children = vec![Vec::new(); spans.len()];
        for (child, above) in above.iter().enumerate() {
            if let Above::Span(parent) = above
                && let Some(list) = children.get_mut(*parent)
            {
                list.push(child);
            }
        }
        let ways: Vec<Way> = (0..spans.len()).map(|at| way(&above, at)).collect();
        let gap = ways.iter().any(|way| way.end != WayEnd::Top) || above.iter().filter(|a| **a == Above::Nothing).count() > 1;
        let open = match stage {
            Stage::Open => Reasons::OPEN,
            Stage::Decided { lost, .. } if gap => lost.with(Reasons::of(Reason::Gap)),
            Stage::Decided { lost, .. } => lost,
        };
        Self { spans, above, children, ways, open, complete: stage != Stage::Open, stream: None, config, calls }
    }

    /// The world of the `spans` scope.
    pub(super) fn stream(spans: &[&'a SpanData], stretch: Stretch, config: &'a Config, calls: &'a CallTable) -> Self {
        let mut spans = spans.to_vec();
        spans.sort_by_key(|span| (span.start, span.span_id, span.trace_id, span.is_entry()));
        let count = spans.len();
        let no_way = Way { ancestors: Vec::new(), end: WayEnd::Top };
        Self {
            spans,
            above: vec![Above::Nothing; count],
            children: vec![Vec::new(); count],
            ways: vec![no_way; count],
            open: Reasons::NONE,
            complete: true,
            stream: Some(stretch),
            config,
            calls,
        }
    }

    pub(super) fn span(&self, at: usize) -> &'a SpanData {
        self.spans.get(at).copied().unwrap_or(&EMPTY)
    }

    pub(super) fn above(&self, at: usize) -> Above {
        self.above.get(at).copied().unwrap_or(Above::Nothing)
    }

    pub(super) fn children(&self, at: usize) -> &[usize] {
        self.children.get(at).map_or(&[], Vec::as_slice)
    }

    pub(super) fn ancestors(&self, at: usize) -> &[usize] {
        self.ways.get(at).map_or(&[], |way| way.ancestors.as_slice())
    }

    pub(super) fn way_end(&self, at: usize) -> WayEnd {
        self.ways.get(at).map_or(WayEnd::Top, |way| way.end)
    }

    /// The root of the trace, or why it is not known. Before completion it is not: a second span without parent may come.
    pub(super) fn root(&self) -> Result<usize, Reasons> {
        if !self.complete {
            return Err(self.open);
        }
        let mut tops = self.above.iter().enumerate().filter(|(_, above)| **above == Above::Nothing).map(|(at, _)| at);
        match (tops.next(), tops.next()) {
            (Some(root), None) => Ok(root),
            _ => Err(self.lost()),
        }
    }

    /// Why a parent, or the root, that has not come may still be there.
    pub(super) fn lost(&self) -> Reasons {
        if self.open.is_empty() { Reasons::of(Reason::Gap) } else { self.open }
    }
}

static EMPTY: std::sync::LazyLock<SpanData> = std::sync::LazyLock::new(SpanData::default);

/// Whether the times of a span can be used at all: set and not reversed.
pub(super) const fn has_good_times(span: &SpanData) -> bool {
    span.start != 0 && span.end != 0 && span.start <= span.end
}

/// The span that counts as the root although it names a parent: the only top of the trace, and a server or consumer span.
pub(super) fn lone_top(spans: &[&SpanData], above: &[Above]) -> Option<usize> {
    let mut tops = above.iter().enumerate().filter(|(_, above)| !matches!(above, Above::Span(_)));
    match (tops.next(), tops.next()) {
        (Some((at, Above::Lost)), None) => spans.get(at).filter(|s| matches!(s.kind, Kind::Server | Kind::Consumer)).map(|_| at),
        _ => None,
    }
}

/// Whether a trace with these spans has its root and misses no parent, so that `settle` can complete it.
pub(super) fn is_whole(spans: &[&SpanData], top_is_root: TopIsRoot) -> bool {
    let ids: Vec<SpanId> = spans.iter().map(|span| span.span_id).collect();
    let above: Vec<Above> = spans
        .iter()
        .map(|span| match span.parent_id {
            None => Above::Nothing,
            Some(id) => ids.iter().position(|other| *other == id).map_or(Above::Lost, Above::Span),
        })
        .collect();
    let lone = (top_is_root == TopIsRoot::Settle).then(|| lone_top(spans, &above)).flatten();
    let lost = above.iter().enumerate().any(|(at, above)| *above == Above::Lost && Some(at) != lone);
    (above.contains(&Above::Nothing) || lone.is_some()) && !lost
}

fn way(above: &[Above], from: usize) -> Way {
    let mut ancestors = Vec::new();
    let mut at = from;
    loop {
        match above.get(at) {
            Some(Above::Span(parent)) if *parent == from || ancestors.contains(parent) => {
                return Way { ancestors, end: WayEnd::Cycle };
            }
            Some(Above::Span(parent)) => {
                ancestors.push(*parent);
                at = *parent;
            }
            Some(Above::Lost) => return Way { ancestors, end: WayEnd::Lost },
            Some(Above::Nothing) | None => return Way { ancestors, end: WayEnd::Top },
        }
    }
}
