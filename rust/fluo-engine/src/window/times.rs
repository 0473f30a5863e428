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

/// Looks for violated windows among those that begin with neighbouring spans.
struct Search<'e> {
    events: &'e [Event],
    least: usize,
    width: u64,
    /// Violated stretches, disjoint and sorted, each with the place of the first span of its first window.
    found: Vec<(u64, u64, usize)>,
    /// Ranges of windows that were looked at.
    steps: usize,
}

impl Search<'_> {
    fn end(&self, at: usize) -> Option<u64> {
        self.events.get(at).map(|event| event.end)
    }

    /// Looks at the windows that begin with the spans from `low` to `high`. None of `least` spans each is shorter than the time from
    /// the last span of the first window to the first span of the last one, and none longer than the time that all take.
    fn look_at(&mut self, low: usize, high: usize) {
        self.steps += 1;
        let ends = (self.end(low), self.end(high), self.end(low + self.least - 1), self.end(high + self.least - 1));
        let (Some(first), Some(last_first), Some(first_last), Some(last)) = ends else { return };
        if low > high || first_last.saturating_sub(last_first) >= self.width {
            return;
        }
        if last - first < self.width {
            let (from, to) = (first_last, last_first.saturating_add(self.width));
            match self.found.last_mut() {
                Some((_, until, _)) if from <= *until => *until = to.max(*until),
                _ => self.found.push((from, to, low)),
            }
        } else if low < high {
            let middle = low + (high - low) / 2;
            self.look_at(low, middle);
            self.look_at(middle + 1, high);
        }
    }
}

impl Times {
    /// Puts a span in its place, and hands each stretch of instants that is violated with it to `known`, which answers whether it
    /// belongs to a known episode. Gives those that do not.
    ///
    /// Costs O(log n) where the spans are far from the bound; windows around the span that are near it are bisected.
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
        let mut search = Search { events: &self.events, least, width, found: Vec::new(), steps: 0 };
        if let Some(last) = self.events.len().checked_sub(least) {
            search.look_at(at.saturating_sub(least - 1), at.min(last));
        }
        let mut broken = Vec::new();
        for (from, to, first) in search.found {
            if !known(from, to) {
                let spans = self.events.get(first..first + least).unwrap_or_default().to_vec();
                broken.push(Broken { from, to, spans });
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
    use super::{Event, Search, Times};
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
    fn a_span_costs_few_looks_however_large_the_bound_and_however_far_it_is_out_of_order() {
        for (count, least) in [(1_000usize, 600usize), (100_000, 60_000)] {
            let events: Vec<Event> = (0..count as u64).map(|end| event(2 * end)).collect();
            let mut steps = 0;
            for at in (0..count).step_by(count / 50) {
                // Of a window of as many instants as there are spans one in two instants has one: five sixths of the bound.
                let mut search = Search { events: &events, least, width: count as u64, found: Vec::new(), steps: 0 };
                search.look_at(at.saturating_sub(least - 1), at.min(count - least));
                assert!(search.found.is_empty());
                steps += search.steps;
            }
            assert!(steps < 50 * 20, "{steps} looks for 50 spans under a bound of {least}");
        }
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
