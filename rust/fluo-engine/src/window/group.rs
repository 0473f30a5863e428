//! One group of a counting window: the ends of its spans, and the stretches of time in which its bound is broken.
//!
//! With the ends sorted, `least` spans fall into one window exactly where the end `least - 1` places further on lies less than the
//! window's width away. So a span that comes out of order needs a look at its `2 · least - 1` neighbours only; it is put in its place
//! by moving what is behind it, which for spans that come nearly in order is next to nothing.

use std::collections::BTreeMap;

/// A counted span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    pub(super) end: u64,
    pub(super) span: u64,
    pub(super) trace: [u8; 16],
    pub(super) resource: u32,
}

/// A stretch `[from, to)` of instants at which the bound is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Episode {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) violation_id: [u8; 16],
}

/// The state of a group.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Values of `by`, as text.
    pub(super) values: Vec<String>,
    /// Sorted.
    events: Vec<Event>,
    /// What a signal shows of the counted spans, where the rule asks for it: name and value.
    shown: BTreeMap<Event, Vec<(String, String)>>,
    /// Disjoint, sorted; those that the watermark has not passed.
    episodes: Vec<Episode>,
    /// When the watermark next changes something here.
    pub(super) due: u64,
}

/// A window that broke the bound and belongs to no episode yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) from: u64,
    pub(super) to: u64,
    /// The spans in the window, in order of their ends.
    pub(super) spans: Vec<Event>,
}

impl Group {
    pub(super) fn new(values: Vec<String>) -> Self {
        Self { values, due: u64::MAX, ..Self::default() }
    }

    /// Counts a span. Gives the first window that it breaks outside of the known episodes; known ones that it prolongs grow.
    pub(super) fn add(&mut self, event: Event, least: usize, width: u64) -> Option<Broken> {
        let at = self.events.partition_point(|e| *e < event);
        self.events.insert(at, event);
        if least == 0 {
            return None;
        }
        let mut broken: Option<Broken> = None;
        for first in at.saturating_sub(least - 1)..=at {
            let (Some(start), Some(end)) = (self.events.get(first), self.events.get(first + least - 1)) else {
                continue;
            };
            if end.end - start.end >= width {
                continue;
            }
            let (from, to) = (end.end, start.end.saturating_add(width));
            if !self.prolong(from, to) {
                match &mut broken {
                    Some(broken) if from <= broken.to => broken.to = broken.to.max(to),
                    Some(_) => {}
                    None => {
                        let spans = self.events.get(first..first + least).unwrap_or_default().to_vec();
                        broken = Some(Broken { from, to, spans });
                    }
                }
            }
        }
        broken
    }

    /// Lets an episode that the stretch touches grow by it. Episodes that meet become one, which keeps the earlier id.
    fn prolong(&mut self, from: u64, to: u64) -> bool {
        let touches = |e: &Episode| from <= e.to && e.from <= to;
        let Some(first) = self.episodes.iter().position(touches) else {
            return false;
        };
        let last = self.episodes.iter().rposition(touches).unwrap_or(first);
        let end = self.episodes.get(last).map_or(to, |e| e.to.max(to));
        if let Some(episode) = self.episodes.get_mut(first) {
            episode.from = episode.from.min(from);
            episode.to = episode.to.max(end);
        }
        self.episodes.drain(first + 1..=last);
        true
    }

    /// Keeps what a signal shows of a counted span.
    pub(super) fn show(&mut self, event: Event, shown: Vec<(String, String)>) {
        if !shown.is_empty() {
            self.shown.insert(event, shown);
        }
    }

    /// What is shown of these spans: each name with its different values.
    pub(super) fn shown(&self, events: &[Event]) -> Vec<(String, String)> {
        let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in events.iter().filter_map(|event| self.shown.get(event)).flatten() {
            let values = all.entry(name).or_default();
            if !values.contains(&value.as_str()) {
                values.push(value);
            }
        }
        all.into_iter().map(|(name, values)| (name.to_owned(), values.join(", "))).collect()
    }

    /// Begins an episode.
    pub(super) fn begin(&mut self, episode: Episode) {
        let at = self.episodes.partition_point(|e| e.from < episode.from);
        self.episodes.insert(at, episode);
    }

    /// Lets the watermark pass: gives the episodes that are over (a span may still come that ends at the watermark itself), and forgets the spans that no coming window can hold.
    pub(super) fn advance(&mut self, watermark: u64, width: u64) -> Vec<Episode> {
        let over = self.episodes.partition_point(|e| e.to < watermark);
        let over: Vec<Episode> = self.episodes.drain(..over).collect();
        let gone = self.events.partition_point(|e| e.end.saturating_add(width) <= watermark);
        for event in self.events.drain(..gone) {
            self.shown.remove(&event);
        }
        if self.events.len() * 4 < self.events.capacity() {
            self.events.shrink_to(self.events.len() * 2);
        }
        over
    }

    /// When the watermark next changes something here; `None` for a group that can be forgotten.
    pub(super) fn next_due(&self, width: u64) -> Option<u64> {
        let event = self.events.first().map(|e| e.end.saturating_add(width));
        let episode = self.episodes.first().map(|e| e.to.saturating_add(1));
        match (event, episode) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.events.capacity() * size_of::<Event>()
            + self.episodes.capacity() * size_of::<Episode>()
            + self
                .shown
                .values()
                .flatten()
                .map(|(name, value)| size_of::<(Event, String, String)>() + name.len() + value.len())
                .sum::<usize>()
            + self.values.iter().map(String::capacity).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::{Episode, Event, Group};

    fn event(end: u64) -> Event {
        Event { end, span: end, trace: [1; 16], resource: 0 }
    }

    fn run(ends: &[u64]) -> (Group, usize) {
        let mut group = Group::new(Vec::new());
        let mut signals = 0;
        for end in ends {
            if let Some(broken) = group.add(event(*end), 3, 60) {
                signals += 1;
                group.begin(Episode { from: broken.from, to: broken.to, violation_id: [0; 16] });
            }
        }
        (group, signals)
    }

    #[test]
    fn the_window_is_open_at_its_start() {
        assert_eq!(run(&[100, 120, 160]).1, 0);
        assert_eq!(run(&[100, 120, 159]).1, 1);
    }

    #[test]
    fn episodes_do_not_depend_on_the_order_of_arrival() {
        let ends = [100, 110, 120, 130, 300, 310, 320, 500];
        let expected = run(&ends).0.advance(1_000, 60);
        assert_eq!(expected.iter().map(|e| (e.from, e.to)).collect::<Vec<_>>(), [(120, 170), (320, 360)]);
        let mut shuffled = ends;
        for step in 1..ends.len() {
            shuffled.rotate_left(step);
            shuffled.swap(0, step);
            let episodes = run(&shuffled).0.advance(1_000, 60);
            assert_eq!(episodes.iter().map(|e| (e.from, e.to)).collect::<Vec<_>>(), [(120, 170), (320, 360)], "{shuffled:?}");
        }
    }

    #[test]
    fn a_group_without_spans_can_be_forgotten() {
        let (mut group, _) = run(&[100]);
        assert_eq!(group.next_due(60), Some(160));
        group.advance(160, 60);
        assert_eq!(group.next_due(60), None);
    }
}
