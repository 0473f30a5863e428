//! Timed relations by sorted starts and ends: spans of the asking span's clock here, those of others in [`super::crossing`].

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use fluo_lang::program::RelationKind;

use super::crossing::Star;
use super::related::{Pool, Related};
use super::tally::{Nest, Sorted, Tally};
use super::view::View;
use crate::store::record::Record;
use crate::truth::{Reasons, Truth};
use crate::verdict::Reason;

/// From start to end, or in a mirror from end to start, so that what looks forward in time looks back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) lo: i128,
    pub(super) hi: i128,
}

impl Interval {
    pub(super) fn of(record: &Record, mirrored: bool) -> Self {
        let (start, end) = (i128::from(record.start), i128::from(record.end));
        if mirrored { Self { lo: -end, hi: -start } } else { Self { lo: start, hi: end } }
    }
}

/// Spans by their starts and by their ends.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) starts: Sorted,
    pub(super) ends: Sorted,
}

impl Lane {
    pub(super) fn new(view: &View<'_>, spans: &[(Interval, Tally)]) -> Self {
        Self {
            starts: Sorted::new(spans.iter().map(|(span, tally)| (span.lo, *tally)).collect(), &view.steps),
            ends: Sorted::new(spans.iter().map(|(span, tally)| (span.hi, *tally)).collect(), &view.steps),
        }
    }
}

/// The spans of one emitter.
#[derive(Debug)]
struct Clocked {
    lane: Lane,
    spans: Vec<(usize, Tally)>,
}

/// The spans of a pool by their times.
#[derive(Debug)]
pub(super) struct Timed {
    /// Those whose times are bad.
    bad: Tally,
    /// The others of which some time matters, each with its clock.
    pub(super) spans: Vec<(usize, Truth)>,
    by_emitter: HashMap<u32, Clocked>,
    /// The spans with good times by their places in the trees, of one emitter and of all.
    nests: RefCell<HashMap<Option<u32>, Rc<Nest>>>,
    /// By the span below which they lie in different branches.
    pub(super) stars: RefCell<HashMap<Option<usize>, Rc<Star>>>,
    /// Whether one of them may lie between itself and others.
    is_between_itself: bool,
}

impl<'t> View<'t> {
    fn timed<'p>(&self, pool: &'p Pool, related: &Related) -> &'p Timed {
        pool.timed.get_or_init(|| {
            let overlaps = related.kind == RelationKind::Overlaps;
            let (mut bad, mut spans, mut clocks) = (Tally::default(), Vec::new(), HashMap::<u32, Vec<(usize, Tally)>>::new());
            self.steps.take(pool.spans.len());
            for (at, truth) in &pool.spans {
                let Some(record) = self.record(*at) else { continue };
                let tally = Tally::of(*truth);
                if !record.times_are_good() {
                    bad = bad.plus(tally);
                } else if !overlaps || record.start < record.end {
                    clocks.entry(record.emitter).or_default().push((*at, tally));
                    spans.push((*at, *truth));
                }
            }
            let between = related.between.as_ref();
            Timed {
                bad,
                is_between_itself: between.is_some_and(|b| spans.iter().any(|(at, _)| self.is_between_itself(*at, b))),
                spans,
                by_emitter: clocks.into_iter().map(|(emitter, spans)| (emitter, self.clocked(spans, related))).collect(),
                nests: RefCell::default(),
                stars: RefCell::default(),
            }
        })
    }

    fn clocked(&self, spans: Vec<(usize, Tally)>, related: &Related) -> Clocked {
        let timed = |(at, tally): &(usize, Tally)| Some((Interval::of(self.record(*at)?, related.is_mirrored()), *tally));
        let lane = Lane::new(self, &spans.iter().filter_map(timed).collect::<Vec<_>>());
        Clocked { lane, spans }
    }

    /// How many spans of a pool a span is related to in time; `own` is what the pool holds of itself.
    pub(super) fn ask_times(&self, pool: &Pool, at: usize, related: &Related, own: Tally) -> Tally {
        let Some(record) = self.record(at) else { return Tally::default() };
        let timed = self.timed(pool, related);
        let overlaps = related.kind == RelationKind::Overlaps;
        let bad_time = Reasons::of(Reason::BadTime);
        let is_good = record.times_are_good();
        if overlaps && is_good && record.start == record.end {
            return Tally::default();
        }
        if let Some(between) = &related.between {
            let is_simple = is_good && timed.bad.is_empty() && !timed.is_between_itself;
            let lane = timed.by_emitter.get(&record.emitter).filter(|_| is_simple && timed.by_emitter.len() == 1);
            let own = Interval::of(record, related.is_mirrored());
            let from = related.within.map_or(i128::MIN + 1, |limit| own.lo - i128::from(limit));
            return lane
                .and_then(|clocked| self.undisturbed(&clocked.lane.ends, from, at, own, between))
                .unwrap_or_else(|| self.pairs(at, related, pool.spans.iter().map(|(other, _)| *other)));
        }
        if !is_good {
            let solid = timed.spans.iter().fold(Tally::default(), |all, (_, truth)| all.plus(Tally::of(*truth)));
            self.steps.take(timed.spans.len());
            return solid.plus(timed.bad).less(own).in_doubt(bad_time);
        }
        let own_clock = timed.by_emitter.get(&record.emitter);
        let mut tally = own_clock.map_or_else(Tally::default, |clocked| self.ask_clock(&clocked.lane, record, related, own));
        if timed.by_emitter.len() > usize::from(own_clock.is_some()) {
            tally = tally.plus(self.ask_other_clocks(timed, at, related));
        }
        tally.plus(timed.bad.in_doubt(bad_time))
    }

    /// The same of spans of one clock.
    fn ask_clock(&self, lane: &Lane, record: &Record, related: &Related, own: Tally) -> Tally {
        self.steps.take(2 * lane.ends.search());
        let span = Interval::of(record, related.is_mirrored());
        if related.kind == RelationKind::Overlaps {
            return lane.starts.below(span.hi).less(lane.ends.up_to(span.lo)).less(own);
        }
        let too_early = related.within.map_or_else(Tally::default, |limit| lane.ends.below(span.lo - i128::from(limit)));
        let found = lane.ends.up_to(span.lo).less(too_early);
        if span.lo == span.hi { found.less(own) } else { found }
    }

    /// Those with good times by their places in the trees.
    pub(super) fn nest_of(&self, timed: &Timed, emitter: Option<u32>) -> Rc<Nest> {
        if let Some(known) = timed.nests.borrow().get(&emitter) {
            return Rc::clone(known);
        }
        let made = match emitter {
            None => {
                let spans = timed.spans.iter().map(|(at, truth)| (*at, Tally::of(*truth)));
                Rc::new(Nest::new(spans, self.tour(), &self.steps))
            }
            Some(emitter) => {
                let spans = timed.by_emitter.get(&emitter).map_or(&[][..], |clocked| &clocked.spans);
                Rc::new(Nest::new(spans.iter().copied(), self.tour(), &self.steps))
            }
        };
        timed.nests.borrow_mut().insert(emitter, Rc::clone(&made));
        made
    }
}
