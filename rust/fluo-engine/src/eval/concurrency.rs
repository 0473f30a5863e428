//! `.concurrent()` in a trace: most spans in flight at one instant, each in flight during `[start, end)`.

use super::cell::Cell;
use super::spanset::Member;
use super::view::View;
use crate::truth::Reasons;
use crate::verdict::Reason;

impl<'t> View<'t> {
    /// The greatest number of members in flight at once. A span of length zero is never in flight; one with bad times may be at any
    /// instant.
    pub(super) fn concurrent(&self, members: &[Member], hidden: Reasons) -> Cell<'t> {
        let mut why = hidden;
        let (mut certain, mut possible) = (Vec::new(), Vec::new());
        let mut hidden = hidden;
        for member in members {
            let Some(record) = self.record(member.at) else {
                continue;
            };
            why = why.and(member.doubt());
            if !record.times_are_good() {
                hidden = hidden.and(Reasons::of(Reason::BadTime));
                continue;
            }
            possible.push((record.start, record.end));
            if member.is_certain() {
                certain.push((record.start, record.end));
            }
        }
        let low = most_at_once(&certain);
        let high = most_at_once(&possible);
        Cell::count(low, hidden.is_empty().then_some(high), why.and(hidden))
    }
}

/// Sweeps over starts and ends; an end frees its place before a start at the same instant takes one.
fn most_at_once(spans: &[(u64, u64)]) -> u64 {
    let mut edges: Vec<(u64, i8)> = Vec::with_capacity(spans.len() * 2);
    for (start, end) in spans.iter().filter(|(start, end)| end > start) {
        edges.push((*start, 1));
        edges.push((*end, -1));
    }
    edges.sort_unstable();
    let (mut now, mut most) = (0i64, 0i64);
    for (_, step) in edges {
        now += i64::from(step);
        most = most.max(now);
    }
    most.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::most_at_once;

    #[test]
    fn touching_spans_are_not_in_flight_together() {
        assert_eq!(most_at_once(&[(1, 2), (2, 3)]), 1);
        assert_eq!(most_at_once(&[(1, 3), (2, 4), (3, 5)]), 2);
        assert_eq!(most_at_once(&[(1, 1), (1, 1)]), 0);
        assert_eq!(most_at_once(&[]), 0);
    }
}
