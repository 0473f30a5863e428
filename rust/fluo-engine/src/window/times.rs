//! The ends of a group's spans under a bound from above on their number.
//!
//! With the ends sorted, `least` spans fall into one window exactly where the end `least - 1` places further on lies less than the
//! window's width away. So a span that comes out of order needs a look at its `2 · least - 1` neighbours only, wherever it falls:
//! cheaper here than the trees of out-of-order aggregation (FiBA, Tangwongsan, Hirzel and Schneider, VLDB 2019), which pay O(log d) for
//! a displacement of d and keep every span of the window.
//!
//! A span between `least` earlier and `least` later ones that all lie within one width is never missed: every window that holds it
//! holds the earlier or the later ones, and is violated without it. Such spans are dropped, so that a group keeps O(`least`) ends
//! whatever the rate.

use crate::store::pool::Pool;

/// A counted span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    pub(super) end: u64,
    pub(super) span: u64,
}

/// A window that broke the bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) from: u64,
    pub(super) to: u64,
    /// The spans in the window, in order of their ends.
    pub(super) spans: Vec<Event>,
}

/// The ends, sorted.
#[derive(Debug, Default)]
pub(super) struct Times {
    events: Vec<Event>,
}

impl Times {
    /// Puts a span in its place, and hands the stretches of instants that are violated with it to `stretch`, which answers whether
    /// they belong to a known episode. Gives the windows that do not, each with all that it meets.
    pub(super) fn add(
        &mut self,
        event: Event,
        (least, width): (usize, u64),
        pool: &mut Pool<Event>,
        mut known: impl FnMut(u64, u64) -> bool,
    ) -> Vec<Broken> {
        // Spans come nearly in order: a look at the last one, in memory that is written next, is mostly enough.
        let is_last = self.events.last().is_none_or(|last| *last < event);
        let at = if is_last { self.events.len() } else { self.events.partition_point(|e| *e < event) };
        if at >= least && self.spread(at - least, at + least - 1).is_some_and(|spread| spread < width) {
            return Vec::new();
        }
        pool.make_room(&mut self.events, 1);
        self.events.insert(at, event);
        let mut broken: Vec<Broken> = Vec::new();
        for first in at.saturating_sub(least - 1)..=at {
            let (Some(start), Some(end)) = (self.events.get(first), self.events.get(first + least - 1)) else {
                break;
            };
            if end.end - start.end >= width {
                continue;
            }
            let (from, to) = (end.end, start.end.saturating_add(width));
            match broken.last_mut() {
                _ if known(from, to) => {}
                Some(broken) if from <= broken.to => broken.to = broken.to.max(to),
                _ => {
                    let spans = self.events.get(first..first + least).unwrap_or_default().to_vec();
                    broken.push(Broken { from, to, spans });
                }
            }
        }
        self.drop_redundant(at, least, width);
        broken
    }

    /// Drops a span that the one at this place has made redundant.
    fn drop_redundant(&mut self, at: usize, least: usize, width: u64) {
        if let Some(between) = at.checked_sub(least)
            && let Some(first) = between.checked_sub(least)
            && self.spread(first, at).is_some_and(|spread| spread < width)
        {
            self.events.remove(between);
        }
    }

    /// The time between two ends.
    fn spread(&self, first: usize, last: usize) -> Option<u64> {
        Some(self.events.get(last)?.end - self.events.get(first)?.end)
    }

    /// The ends, sorted.
    pub(super) fn ends(&self) -> impl Iterator<Item = u64> {
        self.events.iter().map(|e| e.end)
    }

    /// Whether the next span makes the list grow.
    pub(super) const fn is_full(&self) -> bool {
        self.events.len() == self.events.capacity()
    }

    pub(super) fn last_end(&self) -> Option<u64> {
        self.events.last().map(|e| e.end)
    }

    pub(super) const fn len(&self) -> usize {
        self.events.len()
    }

    /// Forgets the spans that no window which ends after the watermark can hold; a violated window needs the newest `least` of those
    /// before the watermark at most.
    pub(super) fn forget(&mut self, watermark: u64, (least, width): (usize, u64), pool: &mut Pool<Event>, mut gone: impl FnMut(Event)) {
        let outside = self.events.partition_point(|e| e.end.saturating_add(width) <= watermark);
        let passed = self.events.partition_point(|e| e.end < watermark);
        for event in self.events.drain(..outside.max(passed.saturating_sub(least))) {
            gone(event);
        }
        pool.shrink(&mut self.events);
    }

    /// Gives the room of the list back.
    pub(super) fn give(self, pool: &mut Pool<Event>) {
        pool.give(self.events);
    }

    /// Drops the earlier half for want of room; gives the end of the last one dropped, and how many they were.
    pub(super) fn shed(&mut self, mut gone: impl FnMut(Event)) -> Option<(u64, usize)> {
        let half = self.events.len().div_ceil(2);
        let last = self.events.get(half.checked_sub(1)?)?.end;
        self.events.drain(..half).for_each(&mut gone);
        self.events.shrink_to(self.events.len() * 3 / 2);
        Some((last, half))
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.events.capacity() * size_of::<Event>()
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, Times};
    use crate::store::pool::Pool;

    fn event(end: u64) -> Event {
        Event { end, span: end }
    }

    fn fires(ends: &[u64]) -> usize {
        let (mut times, mut pool) = (Times::default(), Pool::new(1));
        ends.iter().filter(|end| !times.add(event(**end), (3, 60), &mut pool, |_, _| false).is_empty()).count()
    }

    #[test]
    fn the_window_is_open_at_its_start() {
        assert_eq!(fires(&[100, 120, 160]), 0);
        assert_eq!(fires(&[100, 120, 159]), 1);
        assert_eq!(fires(&[159, 100, 120]), 1);
    }

    /// The instants at which three spans lie in one window, by definition.
    fn violated(ends: &[u64]) -> Vec<u64> {
        (0..1_000).filter(|t| ends.iter().filter(|end| **end <= *t && *t - **end < 60).count() >= 3).collect()
    }

    #[test]
    fn dropped_spans_change_nothing_and_bound_what_is_kept() {
        let mut ends = Vec::new();
        let mut state = 7u64;
        let (mut times, mut pool) = (Times::default(), Pool::new(1));
        for _ in 0..2_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let end = (state >> 33) % 600;
            ends.push(end);
            times.add(event(end), (3, 60), &mut pool, |_, _| false);
        }
        assert_eq!(violated(&times.ends().collect::<Vec<_>>()), violated(&ends));
        assert!(times.len() < 90, "{}", times.len());
    }

    #[test]
    fn behind_the_watermark_the_newest_are_enough() {
        let (mut times, mut pool) = (Times::default(), Pool::new(1));
        for end in [100, 130, 140, 150, 155] {
            times.add(event(end), (3, 60), &mut pool, |_, _| false);
        }
        times.forget(152, (3, 60), &mut pool, |_| {});
        assert_eq!(times.ends().collect::<Vec<_>>(), [130, 140, 150, 155]);
        times.forget(195, (3, 60), &mut pool, |_| {});
        assert_eq!(times.ends().collect::<Vec<_>>(), [140, 150, 155]);
    }
}
