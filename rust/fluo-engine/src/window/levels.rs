//! How many spans are in flight at each instant: a step function of event time.
//!
//! A span is known only when it has ended, so it raises the steps between its start and its end, far behind the newest. The steps lie
//! in chunks of sorted points (square-root decomposition): a chunk that the span covers whole is raised by one addition, so that a span
//! costs two looks into chunks and as many additions as chunks lie between, however many are in flight.

/// Points of a chunk at most; it is split in two then.
const CHUNK: usize = 512;

/// The steps.
#[derive(Debug, Default)]
pub(super) struct Levels {
    chunks: Vec<Chunk>,
    /// Points that the chunks have room for.
    room: usize,
}

/// Neighbouring points. The level from a point to the next is the chunk's raise and its own.
#[derive(Debug, Clone)]
struct Chunk {
    /// Sorted, at least one.
    points: Vec<Point>,
    raise: u32,
    /// Smallest and greatest own level.
    least: u32,
    most: u32,
}

#[derive(Debug, Clone, Copy)]
struct Point {
    time: u64,
    level: u32,
}

impl Chunk {
    fn first(&self) -> u64 {
        self.points.first().map_or(u64::MAX, |p| p.time)
    }

    fn measure(&mut self) {
        self.least = self.points.iter().map(|p| p.level).min().unwrap_or(0);
        self.most = self.points.iter().map(|p| p.level).max().unwrap_or(0);
    }
}

impl Clone for Levels {
    fn clone(&self) -> Self {
        let chunks = self.chunks.clone();
        Self { room: chunks.iter().map(|chunk| chunk.points.capacity()).sum(), chunks }
    }
}

impl Levels {
    /// Bytes of a step.
    pub(super) const POINT_BYTES: usize = size_of::<Point>();

    /// The place of the last point at or before an instant.
    fn find(&self, time: u64) -> Option<(usize, usize)> {
        let chunk = self.chunks.partition_point(|chunk| chunk.first() <= time).checked_sub(1)?;
        let at = self.chunks.get(chunk)?.points.partition_point(|p| p.time <= time).checked_sub(1)?;
        Some((chunk, at))
    }

    /// The number in flight at an instant.
    #[cfg(test)]
    fn level(&self, time: u64) -> u32 {
        let found = self.find(time).and_then(|(chunk, at)| {
            let chunk = self.chunks.get(chunk)?;
            Some(chunk.raise + chunk.points.get(at)?.level)
        });
        found.unwrap_or(0)
    }

    /// Puts a point at an instant, unless one is there.
    fn split_at(&mut self, time: u64) {
        let Some((chunk, at)) = self.find(time) else {
            let point = Point { time, level: 0 };
            match self.chunks.first_mut() {
                Some(first) => {
                    // The level before the first point is zero whatever the chunk's raise.
                    let raise = std::mem::take(&mut first.raise);
                    first.points.iter_mut().for_each(|p| p.level += raise);
                    self.room += put(&mut first.points, 0, point);
                    first.measure();
                }
                None => {
                    self.room += 1;
                    self.chunks.push(Chunk { points: vec![point], raise: 0, least: 0, most: 0 });
                }
            }
            self.split_chunk(0);
            return;
        };
        if let Some(found) = self.chunks.get_mut(chunk)
            && let Some(point) = found.points.get(at).copied()
            && point.time != time
        {
            self.room += put(&mut found.points, at + 1, Point { time, level: point.level });
            self.split_chunk(chunk);
        }
    }

    fn split_chunk(&mut self, at: usize) {
        let Some(chunk) = self.chunks.get_mut(at).filter(|chunk| chunk.points.len() > CHUNK) else {
            return;
        };
        let points = chunk.points.split_off(CHUNK / 2);
        self.room += points.capacity();
        chunk.measure();
        let mut second = Chunk { points, raise: chunk.raise, least: 0, most: 0 };
        second.measure();
        self.chunks.insert(at + 1, second);
    }

    /// Raises the level by `count` in `[start, end)`, and gives the stretches that reach `bound` by that, in order, those that touch
    /// as one.
    pub(super) fn raise(&mut self, start: u64, end: u64, count: u32, bound: u32) -> Vec<(u64, u64)> {
        let mut reached: Vec<(u64, u64)> = Vec::new();
        if start >= end || count == 0 {
            return reached;
        }
        self.split_at(start);
        self.split_at(end);
        let Some((first, from)) = self.find(start) else { return reached };
        let Some((last, to)) = self.find(end) else { return reached };
        for at in first..=last {
            let next = self.chunks.get(at + 1).map(Chunk::first);
            let Some(chunk) = self.chunks.get_mut(at) else { break };
            let low = if at == first { from } else { 0 };
            let high = if at == last { to } else { chunk.points.len() };
            if low == 0 && high == chunk.points.len() {
                chunk.raise += count;
            } else {
                chunk.points.iter_mut().take(high).skip(low).for_each(|p| p.level += count);
                chunk.measure();
            }
            let (least, most) = (chunk.raise + chunk.least, chunk.raise + chunk.most);
            if most < bound || least >= bound.saturating_add(count) {
                continue;
            }
            for place in low..high {
                let Some(point) = chunk.points.get(place) else { break };
                let level = chunk.raise + point.level;
                if level < bound || level >= bound.saturating_add(count) {
                    continue;
                }
                let until = chunk.points.get(place + 1).map(|p| p.time).or(next).unwrap_or(end);
                match reached.last_mut() {
                    Some((_, to)) if *to == point.time => *to = until,
                    _ => reached.push((point.time, until)),
                }
            }
        }
        reached
    }

    /// The first instant from `time` on at which the level is below `bound`.
    pub(super) fn below(&self, time: u64, bound: u32) -> u64 {
        let Some((first, from)) = self.find(time) else { return time };
        for (at, chunk) in self.chunks.iter().enumerate().skip(first) {
            if chunk.raise + chunk.least >= bound {
                continue;
            }
            let from = if at == first { from } else { 0 };
            if let Some(point) = chunk.points.iter().skip(from).find(|point| chunk.raise + point.level < bound) {
                return point.time.max(time);
            }
        }
        time
    }

    /// Forgets what lies before an instant.
    pub(super) fn forget_before(&mut self, time: u64) {
        let Some((chunk, at)) = self.find(time) else { return };
        let gone: usize = self.chunks.drain(..chunk).map(|chunk| chunk.points.capacity()).sum();
        self.room -= gone;
        if let Some(first) = self.chunks.first_mut()
            && at > CHUNK / 4
        {
            first.points.drain(..at);
            first.measure();
        }
    }

    /// Bytes held outside of itself.
    pub(super) const fn heap_bytes(&self) -> usize {
        self.chunks.capacity() * size_of::<Chunk>() + self.room * size_of::<Point>()
    }
}

/// Puts in a point; gives for how many more there is room since.
fn put(points: &mut Vec<Point>, at: usize, point: Point) -> usize {
    let before = points.capacity();
    points.insert(at, point);
    points.capacity() - before
}

#[cfg(test)]
mod tests {
    use super::Levels;

    #[test]
    fn stretches_that_reach_the_bound_are_given_once() {
        let mut levels = Levels::default();
        assert!(levels.raise(0, 100, 1, 2).is_empty());
        assert_eq!(levels.raise(20, 40, 1, 2), [(20, 40)]);
        assert_eq!(levels.raise(10, 30, 1, 2), [(10, 20)]);
        assert_eq!(levels.raise(5, 200, 1, 2), [(5, 10), (40, 100)]);
        assert!(levels.raise(60, 60, 1, 1).is_empty());
        assert_eq!(levels.level(25), 4);
    }

    #[test]
    fn levels_are_those_of_the_definition() {
        let mut state = 3u64;
        let mut random = |limit: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % limit
        };
        let (mut levels, mut spans) = (Levels::default(), Vec::new());
        let mut violated = std::collections::BTreeSet::new();
        for _ in 0..1_500 {
            let start = random(3_000);
            let end = start + random(60);
            spans.push((start, end));
            for (from, to) in levels.raise(start, end, 1, 20) {
                for t in from..to {
                    assert!(violated.insert(t), "{t} was reached twice");
                }
            }
        }
        for t in 0..3_100 {
            let expected = spans.iter().filter(|(start, end)| *start <= t && t < *end).count();
            assert_eq!(levels.level(t) as usize, expected, "at {t}");
            assert_eq!(violated.contains(&t), expected >= 20, "at {t}");
        }
        for (time, bound) in [(0, 20), (500, 5), (1_500, 18), (1_500, 1), (2_990, 1), (3_200, 1)] {
            let expected = (time..).find(|t| levels.level(*t) < bound);
            assert_eq!(Some(levels.below(time, bound)), expected, "below {bound} from {time}");
        }
        let before = levels.room;
        levels.forget_before(1_500);
        assert!(levels.room < before);
        assert_eq!(levels.level(2_000) as usize, spans.iter().filter(|(start, end)| *start <= 2_000 && 2_000 < *end).count());
    }
}
