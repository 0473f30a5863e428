//! What is known of a trace (or of all spans) when something is evaluated.

use super::Config;
use super::calls::CallTable;
use super::tree::{Above, Family, Tree, Way, WayEnd};
use super::truth::{Reason, Reasons};
use crate::model::SpanData;

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
    /// What stands above and below each span.
    pub(super) tree: Tree,
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

impl<'a> World<'a> {
    /// The world of one trace.
    pub(super) fn trace(spans: &[&'a SpanData], stage: Stage, config: &'a Config, calls: &'a CallTable) -> Self {
        let mut spans = spans.to_vec();
        spans.sort_by_key(|span| (span.start, span.identity()));
        let tree = Tree::new(&spans, stage);
        let open = match stage {
            Stage::Open => Reasons::OPEN,
            Stage::Decided { lost, .. } if tree.has_gap => lost.with(Reasons::of(Reason::Gap)),
            Stage::Decided { lost, .. } => lost,
        };
        Self { spans, tree, open, complete: stage != Stage::Open, stream: None, config, calls }
    }

    /// The world of the `spans` scope.
    pub(super) fn stream(spans: &[&'a SpanData], stretch: Stretch, config: &'a Config, calls: &'a CallTable) -> Self {
        let mut spans = spans.to_vec();
        spans.sort_by_key(|span| (span.start, span.span_id, span.trace_id, span.is_entry()));
        let tree = Tree::none(spans.len());
        Self { spans, tree, open: Reasons::NONE, complete: true, stream: Some(stretch), config, calls }
    }

    pub(super) fn span(&self, at: usize) -> &'a SpanData {
        self.spans.get(at).copied().unwrap_or(&EMPTY)
    }

    /// What stands above a span.
    pub(super) fn above(&self, at: usize) -> Above {
        self.tree.above.get(at).copied().unwrap_or(Above::Nothing)
    }

    /// The spans that stand directly below a span.
    pub(super) fn children(&self, at: usize) -> &[usize] {
        self.tree.children.get(at).map_or(&[], Vec::as_slice)
    }

    /// The spans that stand above a span for certain, nearest first; before completion others may come between.
    pub(super) fn ancestors(&self, at: usize) -> &[usize] {
        self.tree.ancestors.get(at).map_or(&[], Vec::as_slice)
    }

    /// The way from a span to the top, as far as nothing can come between.
    pub(super) fn way(&self, at: usize) -> &Way {
        self.tree.ways.get(at).unwrap_or(&EMPTY_WAY)
    }

    /// What a span shares with its siblings.
    pub(super) fn family(&self, at: usize) -> Option<Family> {
        self.tree.families.get(at).copied().flatten()
    }

    /// The root of the trace, or why it is not known. Before completion it is not: a second span without parent may come.
    pub(super) fn root(&self) -> Result<usize, Reasons> {
        if !self.complete {
            return Err(self.open);
        }
        let mut tops = self.tree.above.iter().enumerate().filter(|(_, above)| **above == Above::Nothing).map(|(at, _)| at);
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

static EMPTY_WAY: Way = Way { spans: Vec::new(), end: WayEnd::Top };

static EMPTY: std::sync::LazyLock<SpanData> = std::sync::LazyLock::new(SpanData::default);

/// Whether the times of a span can be used at all: set and not reversed.
pub(super) const fn has_good_times(span: &SpanData) -> bool {
    span.start != 0 && span.end != 0 && span.start <= span.end
}
