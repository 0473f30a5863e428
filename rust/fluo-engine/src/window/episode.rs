//! Stretches of event time in which a group is violated, from the first signal to the resolution.

/// A stretch `[from, to)` of instants at which a claim does not hold, that was signalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Episode {
    pub(super) from: u64,
    /// As far as is known; [`u64::MAX`] where no end is in sight.
    pub(super) to: u64,
    pub(super) violation_id: [u8; 16],
    /// Event time of the last signal about it.
    pub(super) signalled: u64,
}

/// The episodes of a group that are not resolved: disjoint, sorted.
#[derive(Debug, Default)]
pub(super) struct Episodes {
    open: Vec<Episode>,
}

impl Episodes {
    /// Lets an episode that the stretch touches grow by it. Episodes that meet become one, which keeps the earlier id.
    pub(super) fn prolong(&mut self, from: u64, to: u64) -> bool {
        let touches = |e: &Episode| from <= e.to && e.from <= to;
        let Some(first) = self.open.iter().position(touches) else {
            return false;
        };
        let last = self.open.iter().rposition(touches).unwrap_or(first);
        let end = self.open.get(last).map_or(to, |e| e.to.max(to));
        if let Some(episode) = self.open.get_mut(first) {
            episode.from = episode.from.min(from);
            episode.to = episode.to.max(end);
        }
        self.open.drain(first + 1..=last);
        true
    }

    /// Whether an episode goes on at this instant, or has just ended.
    pub(super) fn covers(&self, instant: u64) -> bool {
        self.open.iter().any(|e| e.from <= instant && instant <= e.to)
    }

    /// Begins an episode.
    pub(super) fn begin(&mut self, episode: Episode) {
        let at = self.open.partition_point(|e| e.from < episode.from);
        self.open.insert(at, episode);
    }

    /// Ends what lies before this instant for good, and gives it.
    pub(super) fn over_before(&mut self, instant: u64) -> Vec<Episode> {
        let over = self.open.partition_point(|e| e.to < instant);
        self.open.drain(..over).collect()
    }

    /// Lets whatever goes on at this instant end there, and gives it.
    pub(super) fn close(&mut self, instant: u64) -> Vec<Episode> {
        let over = self.open.partition_point(|e| e.from < instant);
        let closed = self.open.drain(..over).map(|e| Episode { to: e.to.min(instant), ..e });
        closed.collect()
    }

    pub(super) fn first(&self) -> Option<&Episode> {
        self.open.first()
    }

    /// The ones that are not resolved.
    pub(super) fn open(&self) -> &[Episode] {
        &self.open
    }

    /// Episodes that go on at `instant` and about which nothing was said for `after`: they count as signalled now.
    pub(super) fn repeat(&mut self, instant: u64, after: u64) -> Vec<Episode> {
        let mut again = Vec::new();
        for episode in &mut self.open {
            if episode.from <= instant && instant < episode.to && instant.saturating_sub(episode.signalled) >= after {
                episode.signalled = instant;
                again.push(*episode);
            }
        }
        again
    }

    /// When [`Episodes::repeat`] next has something to say.
    pub(super) fn next_repeat(&self, after: u64) -> Option<u64> {
        self.open.iter().map(|e| e.signalled.saturating_add(after)).min()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.open.capacity() * size_of::<Episode>()
    }
}

/// Every stretch in which a group was violated, kept where verdicts are recorded.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    stretches: Vec<(u64, Option<u64>)>,
}

impl History {
    /// Notes a stretch; without end where none was seen.
    pub(super) fn add(&mut self, from: u64, to: Option<u64>) {
        self.stretches.push((from, to));
    }

    /// All of them, sorted, those that touch as one.
    pub(super) fn all(&self) -> Vec<(u64, Option<u64>)> {
        let mut sorted = self.stretches.clone();
        sorted.sort_unstable();
        let mut all: Vec<(u64, Option<u64>)> = Vec::new();
        for (from, to) in sorted {
            match all.last_mut() {
                Some((_, None)) => {}
                Some((_, Some(end))) if from <= *end => match to {
                    Some(to) => *end = to.max(*end),
                    None => {
                        let start = all.pop().map_or(from, |(start, _)| start);
                        all.push((start, None));
                    }
                },
                _ => all.push((from, to)),
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::{Episode, Episodes, History};

    fn episode(from: u64, to: u64) -> Episode {
        Episode { from, to, violation_id: [0; 16], signalled: from }
    }

    #[test]
    fn stretches_that_touch_become_one() {
        let mut episodes = Episodes::default();
        episodes.begin(episode(10, 20));
        episodes.begin(episode(30, 40));
        assert!(!episodes.prolong(21, 29));
        assert!(episodes.prolong(20, 30));
        assert_eq!(episodes.open(), [episode(10, 40)]);
        assert!(episodes.over_before(40).is_empty());
        assert_eq!(episodes.over_before(41).len(), 1);
    }

    #[test]
    fn a_violation_that_lasts_is_repeated() {
        let mut episodes = Episodes::default();
        episodes.begin(episode(100, u64::MAX));
        assert!(episodes.repeat(159, 60).is_empty());
        assert_eq!(episodes.next_repeat(60), Some(160));
        assert_eq!(episodes.repeat(160, 60).len(), 1);
        assert!(episodes.repeat(170, 60).is_empty());
    }

    #[test]
    fn a_history_joins_what_touches() {
        let mut history = History::default();
        for (from, to) in [(50, Some(60)), (10, Some(20)), (20, Some(30)), (60, None)] {
            history.add(from, to);
        }
        assert_eq!(history.all(), [(10, Some(30)), (50, None)]);
    }
}
