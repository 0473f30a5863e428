//! Time order of two spans (language reference, "Time order between processes").
//!
//! Times of one emitter are compared directly. Times of different emitters never are, as long as a chain of calls tells more: the
//! spans from each side up to below their lowest common ancestor are looked through for two of one emitter.

use super::topology::is_handover;
use super::view::View;
use crate::store::record::Record;
use crate::truth::{Reasons, Truth};
use crate::verdict::Reason;

const SKEW: Truth = Truth::Unknown(Reasons::of(Reason::ClockSkew));

/// A span and its ancestors upwards.
struct Path {
    /// The span itself first.
    spans: Vec<usize>,
    /// Whether it ends at a span without parent.
    known: bool,
    /// Whether it runs in a circle, in which nothing says what is above what.
    circular: bool,
}

impl View<'_> {
    /// Whether `a` ended at or before the start of `b`.
    pub(super) fn is_before(&self, a: usize, b: usize) -> Truth {
        let (Some(first), Some(second)) = (self.record(a), self.record(b)) else {
            return Truth::False;
        };
        if !first.times_are_good() || !second.times_are_good() {
            return Truth::Unknown(Reasons::of(Reason::BadTime));
        }
        if first.emitter == second.emitter {
            return Truth::of(first.end <= second.start);
        }
        let (path_a, path_b) = (self.path(a), self.path(b));
        // Whether a path runs in a circle is known when it has reached its top.
        let is_open = self.hidden.has(Reasons::OPEN) && !(path_a.known && path_b.known);
        if is_open || path_a.circular || path_b.circular {
            return self.by_raw_gap(first, second);
        }
        let meeting = path_a.spans.iter().enumerate().find_map(|(i, x)| Some((i, path_b.spans.iter().position(|y| x == y)?)));
        if let Some((below_a, below_b)) = meeting {
            return self.by_calls(&path_a, below_a, &path_b, below_b).unwrap_or_else(|| self.by_raw_gap(first, second));
        }
        if path_a.known && path_b.known {
            let (below_a, below_b) = (path_a.spans.len(), path_b.spans.len());
            return self.by_calls(&path_a, below_a, &path_b, below_b).unwrap_or_else(|| self.by_raw_gap(first, second));
        }
        self.by_raw_gap(first, second)
    }

    /// What the calls below the meeting point say; `None` where the two sides share no emitter there.
    fn by_calls(&self, a: &Path, below_a: usize, b: &Path, below_b: usize) -> Option<Truth> {
        // An ancestor that was reached without a handover overlaps its descendant.
        if below_a == 0 && !self.has_handover(b, below_b) {
            return Some(Truth::False);
        }
        if below_b == 0 && !self.has_handover(a, below_a) {
            return Some(Truth::False);
        }
        let (mut before, mut not_before) = (false, false);
        for x in self.until_handover(a, below_a) {
            for y in self.until_handover(b, below_b) {
                if x.emitter != y.emitter || !x.times_are_good() || !y.times_are_good() {
                    continue;
                }
                before |= x.end <= y.start;
                not_before |= y.end <= x.start;
            }
        }
        match (before, not_before) {
            (true, false) => Some(Truth::True),
            (false, true) => Some(Truth::False),
            (false, false) if !self.share_emitter(a, below_a, b, below_b) => None,
            _ => Some(SKEW),
        }
    }

    /// Whether the two paths have a common emitter below the meeting point.
    fn share_emitter(&self, a: &Path, below_a: usize, b: &Path, below_b: usize) -> bool {
        let emitters = |path: &Path, below: usize| -> Vec<u32> {
            path.spans.iter().take(below).filter_map(|at| Some(self.record(*at)?.emitter)).collect()
        };
        let of_b = emitters(b, below_b);
        emitters(a, below_a).iter().any(|emitter| of_b.contains(emitter))
    }

    /// At completion a raw gap above the allowed skew decides.
    fn by_raw_gap(&self, first: &Record, second: &Record) -> Truth {
        if self.hidden.has(Reasons::OPEN) {
            return Truth::Unknown(Reasons::OPEN);
        }
        if second.start > first.end.saturating_add(self.max_skew()) {
            Truth::True
        } else if first.start > second.end.saturating_add(self.max_skew()) {
            Truth::False
        } else {
            SKEW
        }
    }

    fn path(&self, at: usize) -> Path {
        let mut spans = vec![at];
        spans.extend(self.topology().ancestors(at));
        let top = spans.last().copied().unwrap_or(at);
        let known = self.record(top).is_some_and(|top| top.parent == 0 || self.lone_top);
        let circular = self.topology().parent(top).is_some();
        Path { spans, known, circular }
    }

    /// The spans of a path below the meeting point that contain its first span in time.
    fn until_handover(&self, path: &Path, below: usize) -> Vec<&Record> {
        let mut spans: Vec<&Record> = Vec::new();
        for at in path.spans.iter().take(below) {
            let Some(record) = self.record(*at) else {
                break;
            };
            if spans.last().is_some_and(|child| is_handover(record, child)) {
                break;
            }
            spans.push(record);
        }
        spans
    }

    /// Whether a handover lies on the path between its first span and the meeting point.
    fn has_handover(&self, path: &Path, below: usize) -> bool {
        let records: Vec<&Record> = path.spans.iter().take(below + 1).filter_map(|at| self.record(*at)).collect();
        records.windows(2).any(|pair| matches!(pair, [child, parent] if is_handover(parent, child)))
    }

    /// Whether two spans overlap in time; touching is not overlapping, and a span of length zero overlaps nothing.
    pub(super) fn overlap(&self, a: usize, b: usize) -> Truth {
        let (Some(first), Some(second)) = (self.record(a), self.record(b)) else {
            return Truth::False;
        };
        let bad = Truth::Unknown(Reasons::of(Reason::BadTime));
        let empty = |r: &Record| r.times_are_good() && r.start == r.end;
        if empty(first) || empty(second) {
            return Truth::False;
        }
        if !first.times_are_good() || !second.times_are_good() {
            return bad;
        }
        self.is_before(a, b).or(self.is_before(b, a)).not()
    }

    /// Whether the gap from the end of `a` to the start of `b` is at most `limit`.
    pub(super) fn is_within(&self, a: usize, b: usize, limit: u64) -> Truth {
        let (Some(first), Some(second)) = (self.record(a), self.record(b)) else {
            return Truth::False;
        };
        if !first.times_are_good() || !second.times_are_good() {
            return Truth::Unknown(Reasons::of(Reason::BadTime));
        }
        let gap = i128::from(second.start) - i128::from(first.end);
        let limit = i128::from(limit);
        if first.emitter != second.emitter && (gap - limit).abs() <= i128::from(self.max_skew()) {
            return SKEW;
        }
        Truth::of(gap <= limit)
    }
}
