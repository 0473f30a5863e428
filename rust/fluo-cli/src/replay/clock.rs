//! Arrival time in a replay.
//!
//! A recording does not say when its requests came, but a request comes soon after its last span ends. So the clock follows the ends
//! of the spans, never goes back, and is not led astray by a host whose clock is wrong: a span that ends more than five minutes
//! ahead moves nothing, unless its whole request and the next two say so too (then the recording has a pause there).

/// How far a request may move the clock by itself.
const JUMP: u64 = 5 * 60 * 1_000_000_000;

/// How many requests in a row make a jump.
const CONFIRMATIONS: usize = 3;

/// Follows the ends of spans.
#[derive(Debug, Default)]
pub(crate) struct ReplayClock {
    now: Option<u64>,
    /// The last ends of the requests in a row that lay beyond the jump.
    beyond: Vec<u64>,
}

impl ReplayClock {
    /// The arrival time of the next request, in Unix nanoseconds, given the ends of its spans; 0 as long as no span had an end.
    pub(crate) fn advance(&mut self, ends: &[u64]) -> u64 {
        let mut ends: Vec<u64> = ends.iter().copied().filter(|end| *end > 0).collect();
        ends.sort_unstable();
        let Some(last) = ends.last().copied() else { return self.now() };
        let now = match self.now {
            Some(now) => now,
            // One wrong clock in the first request must not set the time of all.
            None => ends.get(ends.len() / 2).copied().unwrap_or(last),
        };
        let reach = now.saturating_add(JUMP);
        let mut next = now;
        if let Some(end) = ends.iter().rev().find(|end| **end <= reach) {
            next = now.max(*end);
            self.beyond.clear();
        } else {
            self.beyond.push(last);
            if self.beyond.len() >= CONFIRMATIONS {
                next = self.beyond.iter().copied().min().unwrap_or(now);
                self.beyond.clear();
            }
        }
        self.now = Some(next);
        next
    }

    /// The time now.
    pub(crate) fn now(&self) -> u64 {
        self.now.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::{JUMP, ReplayClock};

    const S: u64 = 1_000_000_000;
    const T: u64 = 1_700_000_000 * S;

    fn run(requests: &[&[u64]]) -> Vec<u64> {
        let mut clock = ReplayClock::default();
        requests.iter().map(|ends| clock.advance(ends).saturating_sub(T) / S).collect()
    }

    #[test]
    fn the_clock_follows_the_latest_end_and_never_goes_back() {
        assert_eq!(run(&[&[T + S], &[T + 3 * S, T + 2 * S], &[T], &[], &[T + 4 * S]]), [1, 3, 3, 3, 4]);
    }

    #[test]
    fn one_span_or_one_request_far_ahead_moves_nothing() {
        let far = T + 1_000_000 * S;
        assert_eq!(run(&[&[T + S], &[T + 2 * S, far], &[far], &[far], &[T + 3 * S], &[far], &[far]]), [1, 2, 2, 2, 3, 3, 3]);
    }

    #[test]
    fn two_later_requests_confirm_a_pause_in_the_recording() {
        let after = T + JUMP + 60 * S;
        assert_eq!(run(&[&[T], &[after], &[after + S], &[after + 2 * S], &[after + 3 * S]]), [0, 0, 0, 360, 363]);
    }

    #[test]
    fn a_step_within_the_reach_counts_at_once() {
        assert_eq!(run(&[&[T], &[T + JUMP]]), [0, 300]);
    }

    #[test]
    fn a_wrong_clock_in_the_first_request_does_not_set_the_time() {
        assert_eq!(run(&[&[T, T + S, T + 9_000_000 * S], &[T + 2 * S]]), [1, 2]);
        assert_eq!(run(&[&[0], &[T]]), [0, 0]);
    }
}
