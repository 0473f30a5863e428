//! Numbers over a window that follow it: a span is added when it enters and taken out when it leaves, so that what an instant costs does
//! not depend on the window's length.
//!
//! Sums and means are invertible (subtract on evict), extremes keep the monotone queue of those that a later one does not outdo, distinct
//! values and ranks count what is there. All of them are exact: a rank walks over chunks of sorted values instead of a sketch, because
//! the window holds its values anyway to take them out again.

use std::cmp::Ordering;
use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

use crate::eval::aggregate::is_negative;
use crate::eval::groups::combine;
use crate::exact::Total;
use crate::expr::read::Read;
use crate::plan::Function;
use crate::value::Val;

/// One number over one window.
#[derive(Debug, Clone)]
pub(super) struct Running {
    kind: Kind,
    /// Spans in the window of whose value something is unknown.
    unseen: usize,
    durations: usize,
    numbers: usize,
}

#[derive(Debug, Clone)]
enum Kind {
    Sum { total: Total, is_duration: bool, never_negative: bool },
    Mean(Total),
    Extreme { queue: VecDeque<(u64, Val<'static>)>, entered: u64, left: u64, greatest: bool },
    Rank { ranks: Ranks, q: f64 },
    Distinct { counts: HashMap<Box<[u8]>, u32, RandomState>, key_bytes: usize },
}

impl Running {
    /// The number that follows a window for this function; nothing for those that need none.
    pub(super) fn new(function: &Function) -> Option<Self> {
        let extreme = |greatest| Kind::Extreme { queue: VecDeque::new(), entered: 0, left: 0, greatest };
        let kind = match function {
            Function::Sum { is_duration, never_negative, .. } => {
                Kind::Sum { total: Total::default(), is_duration: *is_duration, never_negative: *never_negative }
            }
            Function::Avg(_) => Kind::Mean(Total::default()),
            Function::Min(_) => extreme(false),
            Function::Max(_) => extreme(true),
            Function::Quantile(_, q) => Kind::Rank { ranks: Ranks::default(), q: *q },
            Function::Distinct(_) => Kind::Distinct { counts: HashMap::default(), key_bytes: 0 },
            Function::Count | Function::Rate(_) | Function::Concurrent | Function::LongestRun(_) => return None,
        };
        Some(Self { kind, unseen: 0, durations: 0, numbers: 0 })
    }

    /// Whether a value takes part: of a sum that cannot fall those below zero do not.
    fn counts(&self, value: &Val<'_>) -> bool {
        !(matches!(self.kind, Kind::Sum { never_negative: true, .. }) && is_negative(value))
    }

    /// A span enters the window.
    pub(super) fn enter(&mut self, reads: &[&Read<'static>]) {
        self.unseen += usize::from(reads.iter().any(|read| !read.unknown.is_empty()));
        if let Kind::Distinct { counts, key_bytes } = &mut self.kind {
            for key in keys(reads) {
                let bytes = key.len();
                let count = counts.entry(key).or_default();
                *count += 1;
                *key_bytes += if *count == 1 { bytes } else { 0 };
            }
            return;
        }
        for value in measures(reads) {
            if !self.counts(value) {
                continue;
            }
            *if matches!(value, Val::Duration(_)) { &mut self.durations } else { &mut self.numbers } += 1;
            match &mut self.kind {
                Kind::Sum { total, .. } | Kind::Mean(total) => total.add(value),
                Kind::Extreme { queue, entered, greatest, .. } => {
                    let outdone = if *greatest { Ordering::Less } else { Ordering::Greater };
                    while queue.back().is_some_and(|(_, last)| last.order(value) == Some(outdone)) {
                        queue.pop_back();
                    }
                    queue.push_back((*entered, value.clone()));
                    *entered += 1;
                }
                Kind::Rank { ranks, .. } => ranks.add(value),
                Kind::Distinct { .. } => {}
            }
        }
    }

    /// A span leaves the window: the earliest in it.
    pub(super) fn leave(&mut self, reads: &[&Read<'static>]) {
        self.unseen -= usize::from(reads.iter().any(|read| !read.unknown.is_empty()));
        if let Kind::Distinct { counts, key_bytes } = &mut self.kind {
            for key in keys(reads) {
                if let Some(count) = counts.get_mut(&key) {
                    *count -= 1;
                    if *count == 0 {
                        counts.remove(&key);
                        *key_bytes -= key.len();
                    }
                }
            }
            return;
        }
        for value in measures(reads) {
            if !self.counts(value) {
                continue;
            }
            *if matches!(value, Val::Duration(_)) { &mut self.durations } else { &mut self.numbers } -= 1;
            match &mut self.kind {
                Kind::Sum { total, .. } | Kind::Mean(total) => total.remove(value),
                Kind::Extreme { queue, left, .. } => {
                    if queue.front().is_some_and(|(number, _)| number == left) {
                        queue.pop_front();
                    }
                    *left += 1;
                }
                Kind::Rank { ranks, .. } => ranks.remove(value),
                Kind::Distinct { .. } => {}
            }
        }
    }

    /// The number, where everything in the window is known; the outer nothing says that it has to be looked for by definition, the
    /// inner one that there are no values.
    pub(super) fn value(&self) -> Option<Answer> {
        if self.unseen > 0 {
            return None;
        }
        if let Kind::Distinct { counts, .. } = &self.kind {
            return Some(Answer::Value(Val::Int(i64::try_from(counts.len()).unwrap_or(i64::MAX))));
        }
        if self.durations > 0 && self.numbers > 0 {
            return Some(Answer::Missing);
        }
        let count = self.durations + self.numbers;
        let found = match &self.kind {
            Kind::Sum { total, is_duration, .. } => total.sum(*is_duration),
            _ if count == 0 => return Some(Answer::OfNothing),
            Kind::Mean(total) => total.mean(count),
            Kind::Extreme { queue, .. } => queue.front().map(|(_, value)| value.clone()),
            Kind::Rank { ranks, q } => ranks.nth(crate::exact::ceil_of_product(*q, count as u64).max(1) - 1),
            Kind::Distinct { .. } => None,
        };
        Some(found.map_or(Answer::Missing, Answer::Value))
    }

    /// Bytes held outside of itself, about.
    pub(super) fn heap_bytes(&self) -> usize {
        match &self.kind {
            Kind::Sum { .. } | Kind::Mean(_) => 0,
            Kind::Extreme { queue, .. } => queue.capacity() * size_of::<(u64, Val<'_>)>(),
            Kind::Rank { ranks, .. } => ranks.count * size_of::<Val<'_>>() * 3 / 2,
            Kind::Distinct { counts, key_bytes } => counts.capacity() * (size_of::<(Box<[u8]>, u32)>() + 1) + key_bytes,
        }
    }
}

/// What a running number comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    Value(Val<'static>),
    Missing,
    /// An aggregate of nothing.
    OfNothing,
}

fn measures<'r>(reads: &'r [&Read<'static>]) -> impl Iterator<Item = &'r Val<'static>> {
    let values = reads.first().and_then(|read| read.value.as_ref()).map_or(&[][..], Val::each);
    values.iter().filter(|value| matches!(value, Val::Duration(_)) || value.number().is_some())
}

fn keys(reads: &[&Read<'static>]) -> Vec<Box<[u8]>> {
    let values: Option<Vec<&Val<'_>>> = reads.iter().map(|read| read.value.as_ref()).collect();
    values.map_or_else(Vec::new, |values| combine(&values)).into_iter().map(|group| group.key).collect()
}

/// Values in their order, in chunks.
#[derive(Debug, Clone, Default)]
struct Ranks {
    chunks: Vec<Vec<Val<'static>>>,
    count: usize,
}

/// Values of a chunk at most; it is split in two then.
const CHUNK: usize = 256;

fn before(a: &Val<'_>, b: &Val<'_>) -> bool {
    a.order(b) == Some(Ordering::Less)
}

impl Ranks {
    fn add(&mut self, value: &Val<'static>) {
        self.count += 1;
        let at = self
            .chunks
            .partition_point(|chunk| chunk.last().is_some_and(|last| before(last, value)))
            .min(self.chunks.len().saturating_sub(1));
        match self.chunks.get_mut(at) {
            Some(chunk) => {
                let place = chunk.partition_point(|known| before(known, value));
                chunk.insert(place, value.clone());
                if chunk.len() > CHUNK {
                    let rest = chunk.split_off(CHUNK / 2);
                    self.chunks.insert(at + 1, rest);
                }
            }
            None => self.chunks.push(vec![value.clone()]),
        }
    }

    fn remove(&mut self, value: &Val<'_>) {
        let at = self.chunks.partition_point(|chunk| chunk.last().is_some_and(|last| before(last, value)));
        if let Some(chunk) = self.chunks.get_mut(at) {
            let place = chunk.partition_point(|known| before(known, value));
            if place < chunk.len() {
                chunk.remove(place);
                self.count -= 1;
            }
            if chunk.is_empty() {
                self.chunks.remove(at);
            }
        }
    }

    fn nth(&self, rank: u64) -> Option<Val<'static>> {
        let mut rank = usize::try_from(rank).ok()?;
        for chunk in &self.chunks {
            match rank.checked_sub(chunk.len()) {
                Some(rest) => rank = rest,
                None => return chunk.get(rank).cloned(),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Running};
    use crate::expr::read::Read;
    use crate::plan::Function;
    use crate::value::Val;

    #[test]
    fn a_number_that_follows_is_the_one_by_definition() {
        let functions = [
            Function::Sum { term: 0, never_negative: false, is_duration: false },
            Function::Avg(0),
            Function::Min(0),
            Function::Max(0),
            Function::Quantile(0, 0.7),
            Function::Distinct(vec![0]),
        ];
        let mut state = 5u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        let values: Vec<Read<'static>> = (0..2_000)
            .map(|_| match random() % 4 {
                0 => Read::MISSING,
                1 => Read::present(Val::Float((random() % 50) as f64 / 4.0 + 0.125)),
                _ => Read::present(Val::Int((random() % 30) as i64 - 10)),
            })
            .collect();
        for function in &functions {
            let mut running = Running::new(function).expect("a function of values");
            let (mut first, mut last) = (0, 0);
            while last < values.len() {
                if random() % 3 > 0 {
                    running.enter(&[&values[last]]);
                    last += 1;
                } else if first < last {
                    running.leave(&[&values[first]]);
                    first += 1;
                }
                let mut sample = crate::eval::aggregate::Sample::default();
                values[first..last].iter().for_each(|read| sample.add(read.clone(), true, crate::truth::Reasons::NONE));
                let expected = match function {
                    Function::Distinct(_) => crate::eval::distinct::distinct(
                        values[first..last].iter().map(|read| (vec![read.clone()], true, crate::truth::Reasons::NONE)),
                        crate::truth::Reasons::NONE,
                    ),
                    _ => crate::eval::aggregate::measured(&sample, function, crate::truth::Reasons::NONE),
                };
                let got = match running.value().expect("everything is known") {
                    Answer::Value(value) => crate::eval::cell::Cell::Exact(value),
                    Answer::Missing => crate::eval::cell::Cell::Missing,
                    Answer::OfNothing => crate::eval::cell::Cell::NotApplicable,
                };
                assert_eq!(got, expected, "{function:?} of {first}..{last}");
            }
        }
    }
}
