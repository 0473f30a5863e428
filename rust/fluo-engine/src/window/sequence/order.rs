//! Order in time of two spans of any traces: directly where one clock made both times, else by a gap that no skew explains.

use super::kept::Kept;
use crate::truth::{Reasons, Truth};
use crate::verdict::Reason;

const SKEW: Truth = Truth::Unknown(Reasons::of(Reason::ClockSkew));

/// Whether the first ended at or before the start of the second.
pub(super) fn is_before(first: &Kept, second: &Kept, max_skew: u64) -> Truth {
    if first.emitter == second.emitter {
        Truth::of(first.end <= second.start)
    } else if second.start > first.end.saturating_add(max_skew) {
        Truth::True
    } else if first.start > second.end.saturating_add(max_skew) {
        Truth::False
    } else {
        SKEW
    }
}

/// Whether the gap from the end of the first to the start of the second is at most `limit`.
pub(super) fn is_within(first: &Kept, second: &Kept, limit: u64, max_skew: u64) -> Truth {
    let excess = i128::from(second.start) - i128::from(first.end) - i128::from(limit);
    if first.emitter != second.emitter && excess.unsigned_abs() <= u128::from(max_skew) { SKEW } else { Truth::of(excess <= 0) }
}

#[cfg(test)]
mod tests {
    use super::{SKEW, is_before, is_within};
    use crate::truth::Truth;
    use crate::window::sequence::kept::Kept;

    fn span(emitter: u32, start: u64, end: u64) -> Kept {
        Kept { emitter, start, end, ..Kept::default() }
    }

    #[test]
    fn one_clock_compares_directly_and_two_only_beyond_their_skew() {
        let (first, second) = (span(1, 0, 10), span(1, 10, 20));
        assert_eq!((is_before(&first, &second, 5), is_before(&second, &first, 5)), (Truth::True, Truth::False));
        assert_eq!(is_before(&first, &span(2, 15, 20), 5), SKEW);
        assert_eq!(is_before(&first, &span(2, 16, 20), 5), Truth::True);
        assert_eq!(is_before(&span(2, 16, 20), &first, 5), Truth::False);
        assert_eq!(is_before(&span(2, 5, 90), &first, 5), SKEW);
    }

    #[test]
    fn a_gap_near_the_limit_is_in_doubt_between_two_clocks() {
        let first = span(1, 0, 10);
        assert_eq!((is_within(&first, &span(1, 40, 50), 30, 5), is_within(&first, &span(1, 41, 50), 30, 5)), (Truth::True, Truth::False));
        assert_eq!((is_within(&first, &span(2, 34, 50), 30, 5), is_within(&first, &span(2, 35, 50), 30, 5)), (Truth::True, SKEW));
        assert_eq!((is_within(&first, &span(2, 45, 50), 30, 5), is_within(&first, &span(2, 46, 50), 30, 5)), (SKEW, Truth::False));
    }
}
