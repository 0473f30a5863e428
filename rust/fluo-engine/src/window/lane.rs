//! The spans that one selector picks for one group, through one window.
//!
//! They are kept in the order of their ends. What the watermark has passed is in order for good, so that windows over it slide by two
//! cursors: a span enters when its end comes and leaves a width later, each once. Spans that come out of order only have to find their
//! place among those that the watermark has not passed. That is the reorder buffer before an in-order window of Tangwongsan, Hirzel and
//! Schneider's survey (Sliding-Window Aggregation Algorithms, 2019): the right choice here because an average or a lower bound may not
//! be decided before the watermark anyway.

use std::collections::VecDeque;

use super::announce::Deciding;
use super::keys::Whereabouts;
use super::running::Running;
use crate::expr::read::Read;
use crate::plan::{Function, LanePlan};
use crate::truth::Reasons;
use crate::verdict::Reason;

/// Spans of which it is not known whether they are in a lane that are looked at one by one for every instant.
const MOST_POSSIBLE: usize = 512;

/// A span in a lane.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) end: u64,
    pub(super) span: u64,
    /// What aggregates or the signal read of it.
    pub(super) row: Option<Box<Row>>,
}

impl Entry {
    /// What a function reads of the span.
    fn reads(&self, plan: &LanePlan, function: &Function) -> Vec<&Read<'static>> {
        static MISSING: Read<'static> = Read::MISSING;
        let read = |term: &u32| {
            let column = plan.columns.iter().position(|column| column == term);
            column.and_then(|at| self.row.as_deref()?.reads.get(at)).unwrap_or(&MISSING)
        };
        match function {
            Function::Distinct(terms) | Function::LongestRun(terms) => terms.iter().map(read).collect(),
            Function::Sum { term, .. } | Function::Min(term) | Function::Max(term) | Function::Avg(term) | Function::Quantile(term, _) => {
                vec![read(term)]
            }
            Function::Count | Function::Rate(_) | Function::Concurrent => Vec::new(),
        }
    }
}

/// What is kept of a span beside its end.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) start: u64,
    pub(super) trace: [u8; 16],
    /// Values of the lane's columns, in their order.
    pub(super) reads: Box<[Read<'static>]>,
    /// What a signal shows of it.
    pub(super) shown: Vec<(String, String)>,
}

/// A span that may be in the lane.
#[derive(Debug, Clone)]
pub(super) struct Possible {
    pub(super) entry: Entry,
    pub(super) why: Reasons,
    /// Where it may belong, if that is not known.
    pub(super) whereabouts: Option<Whereabouts>,
}

/// A window over a lane at one instant: entries `out..inside` are in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) out: usize,
    pub(super) inside: usize,
}

/// The spans of a lane, sorted by end.
#[derive(Debug, Default)]
pub(super) struct Lane {
    entries: VecDeque<Entry>,
    possible: Vec<Possible>,
    /// The window at the last instant that was judged for good; what had left it is dropped.
    pub(super) inside: usize,
    /// The numbers that follow that window.
    pub(super) running: Vec<Running>,
    /// Windows that end before this instant may hold spans that were dropped for want of room.
    shed_until: u64,
    /// Why they may.
    shed_why: Reasons,
    rows: usize,
}

impl Lane {
    /// Puts a span in its place.
    pub(super) fn add(&mut self, entry: Entry) {
        self.rows += entry.row.as_deref().map_or(0, Row::bytes);
        let at = match self.entries.back() {
            Some(last) if (last.end, last.span) > (entry.end, entry.span) => {
                self.entries.partition_point(|e| (e.end, e.span) < (entry.end, entry.span))
            }
            _ => self.entries.len(),
        };
        if at == self.entries.len() {
            self.entries.push_back(entry);
        } else {
            self.entries.insert(at, entry);
        }
    }

    /// Puts in a span that may not belong here.
    pub(super) fn add_possible(&mut self, possible: Possible, width: u64) {
        self.rows += possible.entry.row.as_deref().map_or(0, Row::bytes);
        self.possible.push(possible);
        if self.possible.len() > MOST_POSSIBLE {
            self.shed_possible(width);
        }
    }

    /// Takes the earlier half of the doubtful spans for one doubt about every window that may hold one of them.
    fn shed_possible(&mut self, width: u64) {
        self.possible.sort_unstable_by_key(|p| p.entry.end);
        for gone in self.possible.drain(..MOST_POSSIBLE / 2) {
            self.rows -= gone.entry.row.as_deref().map_or(0, Row::bytes);
            self.shed_until = self.shed_until.max(gone.entry.end.saturating_add(width));
            self.shed_why = self.shed_why.and(gone.why);
        }
    }

    /// Why the window that ends at an instant may hold more than the lane has.
    pub(super) fn lacks(&self, instant: u64) -> Reasons {
        if instant < self.shed_until { self.shed_why } else { Reasons::NONE }
    }

    /// The first instant after `t` at which the window of this width changes, as seen from a cursor.
    pub(super) fn next_change(&self, cursor: Cursor, t: u64, width: u64) -> Option<u64> {
        let comes = self.entries.get(cursor.inside).map(|e| e.end);
        let leaves = if cursor.out < cursor.inside { self.entries.get(cursor.out).map(|e| e.end.saturating_add(width)) } else { None };
        let possible = self.possible.iter().flat_map(|p| [p.entry.end, p.entry.end.saturating_add(width)]).filter(|at| *at > t);
        let whole = Some(self.shed_until).filter(|at| *at > t);
        [comes, leaves, whole].into_iter().flatten().chain(possible).min()
    }

    /// Moves a cursor on to an instant, and the numbers that follow it.
    pub(super) fn slide(&self, cursor: &mut Cursor, running: &mut [Running], plan: &LanePlan, t: u64) {
        while let Some(entry) = self.entries.get(cursor.inside).filter(|e| e.end <= t) {
            cursor.inside += 1;
            for (number, function) in running.iter_mut().zip(&plan.running) {
                number.enter(&entry.reads(plan, function));
            }
        }
        while cursor.out < cursor.inside
            && let Some(entry) = self.entries.get(cursor.out).filter(|e| e.end.saturating_add(plan.width) <= t)
        {
            cursor.out += 1;
            for (number, function) in running.iter_mut().zip(&plan.running) {
                number.leave(&entry.reads(plan, function));
            }
        }
    }

    /// An empty lane with the numbers that follow its window.
    pub(super) fn with_numbers(plan: &LanePlan) -> Self {
        Self { running: plan.running.iter().filter_map(Running::new).collect(), ..Self::default() }
    }

    /// The cursor at any instant.
    pub(super) fn cursor_at(&self, t: u64, width: u64) -> Cursor {
        let out = self.entries.partition_point(|e| e.end.saturating_add(width) <= t);
        Cursor { out, inside: self.entries.partition_point(|e| e.end <= t) }
    }

    /// The spans in a window.
    pub(super) fn window(&self, cursor: Cursor) -> impl Iterator<Item = &Entry> {
        self.entries.range(cursor.out.min(self.entries.len())..cursor.inside.min(self.entries.len()))
    }

    /// The spans that may be in the window that ends at an instant.
    pub(super) fn possible(&self, t: u64, width: u64) -> impl Iterator<Item = &Possible> {
        self.possible.iter().filter(move |p| p.entry.end <= t && t - p.entry.end < width)
    }

    /// The spans that may be in the lane with an end between two instants, both included.
    pub(super) fn possible_since(&self, from: u64, to: u64) -> impl Iterator<Item = &Possible> {
        self.possible.iter().filter(move |p| from <= p.entry.end && p.entry.end <= to)
    }

    /// Whether spans come after the window at a cursor, which ends at `t`.
    pub(super) fn has_more(&self, cursor: Cursor, t: u64) -> bool {
        cursor.inside < self.entries.len() || self.possible.iter().any(|p| p.entry.end > t)
    }

    /// Whether nothing is in it, and nothing may be.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.possible.is_empty()
    }

    /// The first end from an instant on.
    pub(super) fn first_end_from(&self, t: u64) -> Option<u64> {
        self.entries.get(self.entries.partition_point(|e| e.end < t)).map(|e| e.end)
    }

    /// The last end up to an instant.
    pub(super) fn last_end_to(&self, t: u64) -> Option<u64> {
        self.entries.get(self.entries.partition_point(|e| e.end <= t).checked_sub(1)?).map(|e| e.end)
    }

    /// The end in the middle of those between two instants, both included, and how many there are.
    pub(super) fn middle_end(&self, from: u64, to: u64) -> (usize, Option<u64>) {
        let first = self.entries.partition_point(|e| e.end < from);
        let count = self.entries.partition_point(|e| e.end <= to).saturating_sub(first);
        (count, self.entries.get(first + count / 2).filter(|_| count > 0).map(|e| e.end))
    }

    /// The first instant after `t` at which a span leaves the window of this width.
    pub(super) fn next_leaving(&self, t: u64, width: u64) -> Option<u64> {
        self.entries.get(self.entries.partition_point(|e| e.end.saturating_add(width) <= t)).map(|e| e.end.saturating_add(width))
    }

    /// Drops what has left the window that ends at `t` for good, and of what is in it all but the newest `cap`.
    pub(super) fn settle(&mut self, cursor: Cursor, t: u64, width: u64, cap: Option<usize>) {
        let surplus = cap.map_or(0, |cap| (cursor.inside - cursor.out).saturating_sub(cap));
        let gone = cursor.out + surplus;
        for entry in self.entries.drain(..gone.min(self.entries.len())) {
            self.rows -= entry.row.as_deref().map_or(0, Row::bytes);
        }
        self.inside = cursor.inside - gone;
        if !self.possible.is_empty() {
            let rows = &mut self.rows;
            self.possible.retain(|p| {
                let stays = p.entry.end.saturating_add(width) > t;
                if !stays {
                    *rows -= p.entry.row.as_deref().map_or(0, Row::bytes);
                }
                stays
            });
        }
        if self.entries.len() * 4 < self.entries.capacity() {
            self.entries.shrink_to(self.entries.len() * 2);
        }
    }

    /// Drops the earlier half of the spans for want of room; gives the first and the last end among them, nothing where there are none.
    pub(super) fn shed(&mut self, plan: &LanePlan) -> Option<(u64, u64)> {
        let first = self.entries.front()?.end;
        let until = self.entries.get(self.entries.len() / 2)?.end;
        let gone = self.entries.partition_point(|entry| entry.end <= until);
        for (at, entry) in self.entries.drain(..gone).enumerate() {
            self.rows -= entry.row.as_deref().map_or(0, Row::bytes);
            if at < self.inside {
                for (number, function) in self.running.iter_mut().zip(&plan.running) {
                    number.leave(&entry.reads(plan, function));
                }
            }
        }
        self.inside = self.inside.saturating_sub(gone);
        self.entries.shrink_to(self.entries.len() * 3 / 2);
        self.shed_until = self.shed_until.max(until.saturating_add(plan.width));
        self.shed_why = self.shed_why.and(Reasons::of(Reason::Cardinality));
        Some((first, until))
    }

    /// Where the next judgement begins.
    pub(super) const fn settled(&self) -> Cursor {
        Cursor { out: 0, inside: self.inside }
    }

    /// The end of the latest span.
    pub(super) fn last_end(&self) -> Option<u64> {
        self.entries.back().map(|entry| entry.end)
    }

    /// The number of spans held.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let running: usize = self.running.iter().map(|number| size_of::<Running>() + number.heap_bytes()).sum();
        self.entries.capacity() * size_of::<Entry>() + self.possible.capacity() * size_of::<Possible>() + self.rows + running
    }
}

impl Row {
    fn bytes(&self) -> usize {
        let reads = self.reads.iter().map(|read| size_of::<Read<'_>>() + read.value.as_ref().map_or(0, crate::value::Val::heap_bytes));
        let shown = self.shown.iter().map(|(name, value)| size_of::<(String, String)>() + name.len() + value.len());
        size_of::<Self>() + reads.sum::<usize>() + shown.sum::<usize>()
    }
}

/// The newest of two spans by end, for the signal.
pub(super) fn newest(known: Deciding, span: Deciding) -> Deciding {
    if (span.end, span.span) > (known.end, known.span) { span } else { known }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Entry, Lane};
    use crate::plan::LanePlan;

    fn plan(width: u64) -> LanePlan {
        LanePlan {
            selector: 0,
            width,
            grouped: false,
            cap: None,
            columns: Vec::new(),
            running: Vec::new(),
            ordered: false,
            text: String::new(),
        }
    }

    fn lane(ends: &[u64]) -> Lane {
        let mut lane = Lane::default();
        for end in ends {
            lane.add(Entry { end: *end, span: *end, row: None });
        }
        lane
    }

    #[test]
    fn a_window_slides_over_spans_in_the_order_of_their_ends() {
        let lane = lane(&[30, 10, 20]);
        let mut cursor = Cursor::default();
        let mut seen = Vec::new();
        let mut t = 0;
        while let Some(next) = lane.next_change(cursor, t, 15) {
            t = next;
            lane.slide(&mut cursor, &mut [], &plan(15), t);
            assert_eq!(cursor, lane.cursor_at(t, 15));
            seen.push((t, lane.window(cursor).map(|e| e.end).collect::<Vec<_>>()));
        }
        let expected: [(u64, &[u64]); 6] = [(10, &[10]), (20, &[10, 20]), (25, &[20]), (30, &[20, 30]), (35, &[30]), (45, &[])];
        assert_eq!(seen, expected.map(|(t, ends)| (t, ends.to_vec())));
    }

    #[test]
    fn what_is_settled_keeps_as_many_as_can_matter() {
        let mut lane = lane(&[10, 20, 30, 40]);
        let cursor = lane.cursor_at(35, 100);
        lane.settle(cursor, 35, 100, Some(2));
        assert_eq!((lane.len(), lane.inside), (3, 2));
        let cursor = lane.cursor_at(125, 100);
        lane.settle(cursor, 125, 100, Some(2));
        assert_eq!((lane.len(), lane.inside), (2, 2));
    }
}
