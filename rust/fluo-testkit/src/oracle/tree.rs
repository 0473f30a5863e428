//! The spans of a trace as a tree.
//!
//! Both halves of a call may have one span id (as Zipkin propagates it): the entry half, a server or consumer span, stands below the
//! other half, and what names the shared id as its parent stands below the entry half. So a half that is still to come changes what
//! stands above other spans: as long as it may, a parent that was found is not known to be the one.

use std::collections::BTreeMap;

use super::TopIsRoot;
use super::world::Stage;
use crate::model::{Identity, SpanData, SpanId};

/// What stands above a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Above {
    /// Nothing: the span has no parent.
    Nothing,
    /// The parent.
    Span(usize),
    /// A parent that has not come, or may be another one.
    Lost,
}

/// The way from a span to the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    /// The spans above it, nearest first.
    pub(super) spans: Vec<usize>,
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

/// What siblings have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// The parent.
    Of(usize),
    /// The id of a parent, which has come or not.
    Named(SpanId),
}

/// What stands above and below each span.
pub(super) struct Tree {
    pub(super) above: Vec<Above>,
    pub(super) children: Vec<Vec<usize>>,
    pub(super) ways: Vec<Way>,
    /// The spans above each span, others between them or not.
    pub(super) ancestors: Vec<Vec<usize>>,
    pub(super) families: Vec<Option<Family>>,
    /// Whether a parent never came, there are several tops that no caller explains, or a circle.
    pub(super) has_gap: bool,
}

impl Tree {
    /// The tree of these spans. Before completion it holds what no further span can change.
    pub(super) fn new(spans: &[&SpanData], stage: Stage) -> Self {
        let found = found(spans);
        let mut above = found.clone();
        let mut unseen_caller = false;
        match stage {
            Stage::Open => above.iter_mut().enumerate().filter(|(at, _)| !is_final(spans, &found, *at)).for_each(|(_, a)| *a = Above::Lost),
            Stage::Decided { cut_off: true, .. } => {}
            Stage::Decided { .. } => {
                let tops = tops_below_one_caller(spans, &found);
                unseen_caller = !tops.is_empty();
                above.iter_mut().enumerate().filter(|(at, _)| tops.contains(at)).for_each(|(_, a)| *a = Above::Nothing);
            }
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
        let several = above.iter().filter(|a| **a == Above::Nothing).count() > 1 && !unseen_caller;
        let has_gap = several || ways.iter().any(|way| way.end != WayEnd::Top);
        let ancestors = match stage {
            Stage::Open => {
                let up = above_for_certain(spans, &found);
                (0..spans.len()).map(|at| way(&up, at).spans).collect()
            }
            Stage::Decided { .. } => ways.iter().map(|way| way.spans.clone()).collect(),
        };
        let families = (0..spans.len()).map(|at| family(spans, &above, stage, at)).collect();
        Self { above, children, ways, ancestors, families, has_gap }
    }

    /// No tree: so many spans that have nothing to do with each other.
    pub(super) fn none(count: usize) -> Self {
        Self {
            above: vec![Above::Nothing; count],
            children: vec![Vec::new(); count],
            ways: vec![Way { spans: Vec::new(), end: WayEnd::Top }; count],
            ancestors: vec![Vec::new(); count],
            families: vec![None; count],
            has_gap: false,
        }
    }
}

/// What stands above each span among those that have come.
fn found(spans: &[&SpanData]) -> Vec<Above> {
    let index: BTreeMap<Identity, usize> = spans.iter().enumerate().map(|(at, span)| (span.identity(), at)).collect();
    let parent = |at: usize, span: &SpanData| {
        let other_half = index.get(&(span.span_id, false)).filter(|_| span.is_entry());
        if let Some(other_half) = other_half {
            return Above::Span(*other_half);
        }
        let Some(id) = span.parent_id else { return Above::Nothing };
        // An entry half that names its own id means the other half.
        let entry = index.get(&(id, true)).filter(|entry| **entry != at);
        entry.or_else(|| index.get(&(id, false))).map_or(Above::Lost, |parent| Above::Span(*parent))
    };
    spans.iter().enumerate().map(|(at, span)| parent(at, span)).collect()
}

/// Whether no further span changes what stands above this one: the other half of an entry span has come, or the entry half that another
/// span names, or it names none.
fn is_final(spans: &[&SpanData], found: &[Above], at: usize) -> bool {
    let entry = |at: usize| spans.get(at).is_some_and(|span| span.is_entry());
    match found.get(at) {
        Some(Above::Nothing) => !entry(at),
        Some(Above::Span(parent)) => entry(at) != entry(*parent) && (!entry(at) || is_other_half(spans, at, *parent)),
        _ => false,
    }
}

fn is_other_half(spans: &[&SpanData], entry: usize, other: usize) -> bool {
    spans.get(entry).zip(spans.get(other)).is_some_and(|(a, b)| a.span_id == b.span_id && a.is_entry() && !b.is_entry())
}

/// What stands above each span, next to it or higher, whatever comes: only above an entry span is nothing certain before its other half
/// has come.
fn above_for_certain(spans: &[&SpanData], found: &[Above]) -> Vec<Above> {
    let certain = |at: usize, above: &Above| match above {
        Above::Span(parent) if !spans.get(at).is_some_and(|span| span.is_entry()) || is_other_half(spans, at, *parent) => *above,
        _ => Above::Lost,
    };
    found.iter().enumerate().map(|(at, above)| certain(at, above)).collect()
}

/// The spans that stand at the top although they name a parent: server or consumer spans that all name one and the same, which has not
/// come, and no other top beside them.
fn tops_below_one_caller(spans: &[&SpanData], above: &[Above]) -> Vec<usize> {
    let tops: Vec<usize> = above.iter().enumerate().filter(|(_, above)| !matches!(above, Above::Span(_))).map(|(at, _)| at).collect();
    let caller = |at: &usize| spans.get(*at).filter(|span| span.is_entry()).and_then(|span| span.parent_id);
    let first = tops.first().and_then(caller);
    let one = first.is_some() && tops.iter().all(|at| above.get(*at) == Some(&Above::Lost) && caller(at) == first);
    if one { tops } else { Vec::new() }
}

/// Whether a trace with these spans has its root and misses no parent, so that `settle` can complete it.
pub(super) fn is_whole(spans: &[&SpanData], top_is_root: TopIsRoot) -> bool {
    let above = found(spans);
    let tops = if top_is_root == TopIsRoot::Settle { tops_below_one_caller(spans, &above) } else { Vec::new() };
    let lost = above.iter().enumerate().any(|(at, above)| *above == Above::Lost && !tops.contains(&at));
    (above.contains(&Above::Nothing) || !tops.is_empty()) && !lost
}

fn family(spans: &[&SpanData], above: &[Above], stage: Stage, at: usize) -> Option<Family> {
    let span = spans.get(at)?;
    match above.get(at)? {
        // Whichever half of the parent comes, spans that name one id stand below one span.
        _ if stage == Stage::Open && !span.is_entry() => span.parent_id.map(Family::Named),
        Above::Span(parent) => Some(Family::Of(*parent)),
        _ if stage == Stage::Open => None,
        _ => span.parent_id.map(Family::Named),
    }
}

fn way(above: &[Above], from: usize) -> Way {
    let mut spans = Vec::new();
    let mut at = from;
    loop {
        match above.get(at) {
            Some(Above::Span(parent)) if *parent == from || spans.contains(parent) => return Way { spans, end: WayEnd::Cycle },
            Some(Above::Span(parent)) => {
                spans.push(*parent);
                at = *parent;
            }
            Some(Above::Lost) => return Way { spans, end: WayEnd::Lost },
            Some(Above::Nothing) | None => return Way { spans, end: WayEnd::Top },
        }
    }
}
