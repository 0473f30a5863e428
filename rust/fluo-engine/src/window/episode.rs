//! Stretches of event time in which a group is violated, from the first signal to the resolution.

/// A stretch `[from, to)` of instants at which a claim does not hold, that was signalled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Episode {
    pub(super) from: u64,
    /// As far as is known; [`u64::MAX`] where no end is in sight.
    pub(super) to: u64,
    /// The ids under which it was signalled: several where stretches turned out to be one. All are resolved at its end.
    pub(super) ids: Vec<[u8; 16]>,
    /// Event time of the last signal about it.
    signalled: u64,
}

/// The episodes of a group that are not resolved: disjoint, not touching, sorted.
#[derive(Debug, Default)]
pub(super) struct Episodes {
    open: Vec<Episode>,
}

impl Episodes {
    /// Bytes of an episode with one id.
    pub(super) const BYTES: usize = size_of::<Episode>() + size_of::<[u8; 16]>();

    /// Lets an episode that the stretch touches grow by it; false where there is none. Episodes that meet become one, which keeps the
    /// ids of both.
    pub(super) fn extend(&mut self, from: u64, to: u64) -> bool {
        let first = self.open.partition_point(|e| e.to < from);
        let after = self.open.partition_point(|e| e.from <= to);
        let mut met = self.open.drain(first..after.max(first));
        let Some(mut one) = met.next() else { return false };
        one.from = one.from.min(from);
        one.to = one.to.max(to);
        for other in met {
            one.to = one.to.max(other.to);
            one.signalled = one.signalled.max(other.signalled);
            one.ids.extend(other.ids);
        }
        self.open.insert(first, one);
        true
    }

    /// The episode that goes on at this instant.
    pub(super) fn at(&self, instant: u64) -> Option<&Episode> {
        let last = self.open.partition_point(|e| e.from <= instant).checked_sub(1)?;
        self.open.get(last).filter(|e| instant < e.to)
    }

    /// The episode that goes on at this instant or has just ended: a stretch that begins here is a part of it.
    pub(super) fn touched_by(&self, instant: u64) -> Option<&Episode> {
        let last = self.open.partition_point(|e| e.from <= instant).checked_sub(1)?;
        self.open.get(last).filter(|e| instant <= e.to)
    }

    /// The first episode that begins after this instant.
    pub(super) fn after(&self, instant: u64) -> Option<&Episode> {
        self.open.get(self.open.partition_point(|e| e.from <= instant))
    }

    /// Begins an episode that touches none, signalled under this id.
    pub(super) fn begin(&mut self, from: u64, to: u64, id: [u8; 16]) {
        let at = self.open.partition_point(|e| e.from < from);
        self.open.insert(at, Episode { from, to, ids: vec![id], signalled: from });
    }

    /// Ends the first episode if it lies before this instant for good, and gives it.
    pub(super) fn over_before(&mut self, instant: u64) -> Option<Episode> {
        if self.open.first()?.to < instant { Some(self.open.remove(0)) } else { None }
    }

    /// Lets all that began before this instant end there as one, and gives it.
    pub(super) fn close(&mut self, instant: u64) -> Option<Episode> {
        let over = self.open.partition_point(|e| e.from < instant);
        let mut closed = self.open.drain(..over);
        let mut one = closed.next()?;
        one.to = instant;
        one.ids.extend(closed.flat_map(|other| other.ids));
        Some(one)
    }

    pub(super) fn first(&self) -> Option<&Episode> {
        self.open.first()
    }

    /// The ones that are not resolved.
    pub(super) fn open(&self) -> &[Episode] {
        &self.open
    }

    /// The ids of episodes that go on at `instant` and about which nothing was said for `after`: they count as signalled now. Of one
    /// that has several ids the first stands for it.
    pub(super) fn repeat(&mut self, instant: u64, after: u64) -> Vec<[u8; 16]> {
        let mut again = Vec::new();
        for episode in &mut self.open {
            if episode.from <= instant && instant < episode.to && instant.saturating_sub(episode.signalled) >= after {
                episode.signalled = instant;
                again.extend(episode.ids.first());
            }
        }
        again
    }

    /// When [`Episodes::repeat`] next has something to say.
    pub(super) fn next_repeat(&self, after: u64) -> Option<u64> {
        self.open.iter().map(|e| e.signalled.saturating_add(after)).min()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let ids: usize = self.open.iter().map(|e| e.ids.capacity() * size_of::<[u8; 16]>()).sum();
        self.open.capacity() * size_of::<Episode>() + ids
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

    const A: [u8; 16] = [1; 16];
    const B: [u8; 16] = [2; 16];

    fn stretches(episodes: &Episodes) -> Vec<(u64, u64, Vec<[u8; 16]>)> {
        episodes.open().iter().map(|e| (e.from, e.to, e.ids.clone())).collect()
    }

    #[test]
    fn stretches_that_touch_become_one_with_all_ids() {
        let mut episodes = Episodes::default();
        episodes.begin(30, 40, B);
        episodes.begin(10, 20, A);
        assert!(!episodes.extend(21, 29));
        assert!(episodes.extend(5, 10));
        assert!(episodes.extend(20, 30));
        assert_eq!(stretches(&episodes), [(5, 40, vec![A, B])]);
        assert_eq!(episodes.over_before(40), None);
        assert_eq!(episodes.over_before(41).map(|e| e.ids), Some(vec![A, B]));
    }

    #[test]
    fn an_instant_is_in_an_episode_before_its_end_and_touches_it_at_its_end() {
        let mut episodes = Episodes::default();
        episodes.begin(10, 20, A);
        episodes.begin(30, 40, B);
        let from = |episode: Option<&Episode>| episode.map(|e| e.from);
        assert_eq!([9, 10, 19, 20].map(|t| from(episodes.at(t))), [None, Some(10), Some(10), None]);
        assert_eq!([20, 21, 40].map(|t| from(episodes.touched_by(t))), [Some(10), None, Some(30)]);
        assert_eq!([9, 10, 30].map(|t| from(episodes.after(t))), [Some(10), Some(30), None]);
    }

    #[test]
    fn what_began_before_an_instant_ends_there_as_one() {
        let mut episodes = Episodes::default();
        episodes.begin(10, 20, A);
        episodes.begin(30, 40, B);
        episodes.begin(50, 60, [3; 16]);
        assert_eq!(episodes.close(40).map(|e| (e.from, e.to, e.ids)), Some((10, 40, vec![A, B])));
        assert_eq!(stretches(&episodes).len(), 1);
    }

    #[test]
    fn a_violation_that_lasts_is_repeated() {
        let mut episodes = Episodes::default();
        episodes.begin(100, u64::MAX, A);
        assert!(episodes.repeat(159, 60).is_empty());
        assert_eq!(episodes.next_repeat(60), Some(160));
        assert_eq!(episodes.repeat(160, 60), [A]);
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
