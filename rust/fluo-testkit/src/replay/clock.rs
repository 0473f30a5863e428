//! Arrival time in a replay.
//!
//! A recording does not say when its requests came, but a request comes soon after its last span ends. So the clock follows the ends
//! of the spans and never goes back. It must not be led astray by a host whose clock is wrong: what a request says counts only up to
//! the running median over emitters of their latest ends. An emitter that is silent now says nothing about how late it is, so of each
//! emitter the next end is taken that the reader sees ahead; one that is not heard of there has no vote.
//!
//! A jump of more than five minutes counts where the next two requests confirm it: then the recording has a pause there.

use std::collections::HashMap;

use crate::otlp_file::Emitted;

/// How far a request may move the clock by itself. Nanoseconds.
const JUMP: u64 = 5 * 60 * 1_000_000_000;

/// How many of the next requests confirm a jump.
pub(super) const CONFIRMATIONS: usize = 2;

/// Follows the ends of spans.
#[derive(Debug, Default)]
pub struct ReplayClock {
    now: Option<u64>,
}

impl ReplayClock {
    /// The arrival time, in Unix nanoseconds, of the first of these requests, given what it and those that follow say; 0 as long as no
    /// span had an end. The time is n log n in the emitters of all these requests.
    pub fn advance(&mut self, ahead: &[&[Emitted]]) -> u64 {
        let Some((first, next)) = ahead.split_first() else { return self.now() };
        let now = self.now.or_else(|| beginning(ahead));
        let Some(mut now) = now else { return 0 };
        // After a jump more is within reach.
        for _ in 0..2 {
            let reach = now.saturating_add(JUMP);
            let Some(said) = latest(first, reach) else { break };
            let mut time = said.min(median(ahead, reach, now).unwrap_or(said));
            if time > reach {
                let mut confirming = next.iter().filter_map(|request| middle(claims(request, reach), now)).take(CONFIRMATIONS);
                let Some(least) = confirming.try_fold(time, |least, says| (says > reach).then(|| least.min(says))) else { break };
                time = least;
            }
            now = now.max(time);
        }
        self.now = Some(now);
        now
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now.unwrap_or(0)
    }
}

/// The first time: no later than the first request says, and no later than most emitters.
fn beginning(ahead: &[&[Emitted]]) -> Option<u64> {
    let requests = ahead.iter().filter_map(|request| middle(claims(request, 0), 0)).collect();
    let most_requests = middle(requests, 0)?;
    let most_emitters = median(ahead, 0, most_requests)?;
    Some(latest(ahead.first()?, most_emitters).map_or(most_emitters, |said| said.min(most_emitters)))
}

/// What an emitter says of the time: its latest end that is within reach, else the middle one, lest one wild span speak for it.
fn claim(emitted: &Emitted, reach: u64) -> Option<u64> {
    let within = emitted.ends.partition_point(|end| *end <= reach);
    let at = within.checked_sub(1).unwrap_or(emitted.ends.len().saturating_sub(1) / 2);
    emitted.ends.get(at).copied()
}

fn claims(request: &[Emitted], reach: u64) -> Vec<u64> {
    request.iter().filter_map(|emitted| claim(emitted, reach)).collect()
}

/// The latest time that an emitter of a request says.
fn latest(request: &[Emitted], reach: u64) -> Option<u64> {
    claims(request, reach).into_iter().max()
}

/// The median over emitters of what each says first.
fn median(ahead: &[&[Emitted]], reach: u64, near: u64) -> Option<u64> {
    let mut first: HashMap<u64, u64> = HashMap::new();
    for emitted in ahead.iter().copied().flatten() {
        if let Some(says) = claim(emitted, reach) {
            first.entry(emitted.emitter).or_insert(says);
        }
    }
    middle(first.into_values().collect(), near)
}

/// The median; of two in the middle the one that is nearer to the time so far, so that one of two cannot lead the other astray.
fn middle(mut times: Vec<u64>, near: u64) -> Option<u64> {
    times.sort_unstable();
    let upper = *times.get(times.len() / 2)?;
    let lower = *times.get(times.len().saturating_sub(1) / 2)?;
    Some(if lower.abs_diff(near) <= upper.abs_diff(near) { lower } else { upper })
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;
    const T: u64 = 1_700_000_000 * S;
    const DAY: u64 = 86_400;

    /// The times, in seconds after T, of requests that each have one emitter's ends, with all that follows in sight.
    fn run(requests: &[(u64, &[u64])]) -> Vec<u64> {
        let said: Vec<Vec<Emitted>> = requests
            .iter()
            .map(|(emitter, ends)| {
                let mut ends: Vec<u64> = ends.iter().map(|end| T + end * S).collect();
                ends.sort_unstable();
                if ends.is_empty() { Vec::new() } else { vec![Emitted { emitter: *emitter, ends }] }
            })
            .collect();
        let ahead: Vec<&[Emitted]> = said.iter().map(Vec::as_slice).collect();
        let mut clock = ReplayClock::default();
        (0..ahead.len()).map(|at| clock.advance(&ahead[at..]).saturating_sub(T) / S).collect()
    }

    #[test]
    fn the_clock_follows_the_latest_end_and_never_goes_back() {
        assert_eq!(run(&[(1, &[1]), (1, &[3, 2]), (1, &[0]), (1, &[]), (1, &[4])]), [1, 3, 3, 3, 4]);
        // What comes before the first span comes no earlier than that.
        assert_eq!(run(&[(1, &[]), (1, &[5])]), [5, 5]);
    }

    #[test]
    fn one_span_or_one_request_far_ahead_moves_nothing() {
        let far = 1_000_000;
        assert_eq!(run(&[(1, &[1]), (1, &[2, far]), (1, &[far]), (1, &[far]), (1, &[3])]), [1, 2, 2, 2, 3]);
    }

    #[test]
    fn a_pause_counts_before_its_first_request_is_applied() {
        assert_eq!(run(&[(1, &[0]), (1, &[600]), (1, &[601]), (1, &[602])]), [0, 600, 601, 602]);
        assert_eq!(run(&[(1, &[0]), (1, &[600]), (1, &[1200])]), [0, 600, 1200]);
        assert_eq!(run(&[(1, &[0]), (2, &[600, 9_000_000, 601]), (3, &[600]), (4, &[602])]), [0, 601, 601, 602]);
    }

    #[test]
    fn a_step_within_the_reach_counts_at_once() {
        assert_eq!(run(&[(1, &[0]), (1, &[300]), (1, &[1])]), [0, 300, 300]);
    }

    #[test]
    fn no_emitter_leads_the_others() {
        for ahead in [60, 240, DAY] {
            let wrong = |at: u64| ahead + at;
            let two = run(&[(1, &[0]), (2, &[wrong(0)]), (1, &[1]), (2, &[wrong(1)]), (2, &[wrong(2)]), (2, &[wrong(3)]), (1, &[2])]);
            assert_eq!(two, [0, 1, 1, 2, 2, 2, 2], "{ahead}");
            let three = run(&[(2, &[wrong(0)]), (1, &[0]), (3, &[1]), (2, &[wrong(1)]), (1, &[3]), (3, &[4]), (2, &[wrong(5)]), (1, &[6])]);
            assert!(three.iter().all(|at| *at <= 6) && three[5] == 4, "{ahead}: {three:?}");
        }
    }

    #[test]
    fn an_emitter_that_is_behind_holds_none_back() {
        let late = |at: u64| run(&[(1, &[DAY]), (2, &[at]), (1, &[DAY + 5]), (2, &[at + 5]), (1, &[DAY + 10])]);
        assert_eq!(late(0), [DAY, DAY, DAY + 5, DAY + 5, DAY + 10]);
        assert_eq!(late(DAY - 60), [DAY, DAY, DAY + 5, DAY + 5, DAY + 10]);
    }

    #[test]
    fn those_that_fell_silent_have_no_vote() {
        let mut requests: Vec<(u64, &[u64])> = vec![(1, &[0]), (2, &[1]), (3, &[2])];
        let later: Vec<[u64; 1]> = (1..100).map(|at| [at * 60]).collect();
        requests.extend(later.iter().map(|ends| (4, ends.as_slice())));
        assert_eq!(run(&requests)[3..], later.iter().map(|ends| ends[0]).collect::<Vec<_>>());
    }

    #[test]
    fn a_wrong_clock_in_the_first_request_does_not_set_the_time() {
        assert_eq!(run(&[(1, &[0, 1, 9_000_000]), (1, &[2])]), [1, 2]);
        assert_eq!(run(&[(2, &[DAY]), (1, &[0]), (3, &[1])]), [1, 1, 1]);
        assert_eq!(run(&[(2, &[DAY]), (1, &[0]), (1, &[1])]), [0, 0, 1]);
    }
}
