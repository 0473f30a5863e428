//! Timed relations between spans of different clocks.
//!
//! Which of two spans was first is told by the calls that enclose them, below the span under which their ways up meet: see
//! [`super::order`]. So spans are looked for by where the ways meet. Below such a span they are sorted once, those with the same clocks on
//! their ways together. Where exactly one clock is on both ways, or none, one search decides about all of them; where several are, each
//! pair is looked at.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use fluo_lang::program::RelationKind;

use super::related::Related;
use super::tally::{Sorted, Tally};
use super::timed::{Interval, Lane, Timed};
use super::topology::is_handover;
use super::view::View;
use crate::truth::Reasons;
use crate::verdict::Reason;

const SKEW: Reasons = Reasons::of(Reason::ClockSkew);

/// What the calls on a way up say by one clock: the earliest end and the latest start; nothing where they lie beyond a handover or have
/// bad times.
pub(super) type Vote = Option<Interval>;

/// The clocks on a way up that are on other ways too, in ascending order.
pub(super) type Votes = BTreeMap<u32, Vote>;

/// Spans whose ways up meet below one span (or nowhere): all of them, and by the branch in which they lie.
#[derive(Debug, Default)]
pub(super) struct Star {
    all: Branch,
    branches: HashMap<usize, Branch>,
}

/// Spans by the clocks on their ways: their own where others may have it, then all.
#[derive(Debug, Default)]
struct Branch(HashMap<(Option<u32>, Vec<u32>), Kin>);

/// Spans with the same clocks on their ways.
#[derive(Debug, Default)]
struct Kin {
    /// The spans, each with its branch.
    spans: Vec<(usize, usize)>,
    /// By their own times.
    raw: Lane,
    /// By what their calls say, for each clock; and the calls without length, by the instant.
    votes: Vec<(Lane, Sorted)>,
    /// Spans whose calls contradict each other or say nothing, each with its branch.
    odd: Vec<(usize, usize)>,
}

/// A span on its way into a branch.
struct Entry {
    at: usize,
    branch: usize,
    tally: Tally,
    own: Interval,
    votes: Votes,
}

/// The span that asks, below the span where the ways meet.
struct Asking<'q> {
    at: usize,
    branch: usize,
    emitter: u32,
    span: Interval,
    votes: Votes,
    related: &'q Related,
}

impl<'t> View<'t> {
    /// How many spans of other clocks a span is related to.
    pub(super) fn ask_other_clocks(&self, timed: &Timed, at: usize, related: &Related) -> Tally {
        let tour = self.tour();
        let mut tally = Tally::default();
        let mut branch = at;
        if self.is_placed(at) {
            tally = self.ask_kindred(timed, at, related);
            let mut way = at;
            while let Some((fork, child)) = tour.fork(way) {
                self.steps.take(1);
                tally = tally.plus(self.ask_star(timed, Some(fork), at, child, related));
                way = fork;
                if self.steps.are_over() {
                    return tally;
                }
            }
            branch = tour.top(at);
        }
        if tour.parts > 1 || !self.is_placed(at) { tally.plus(self.ask_star(timed, None, at, branch, related)) } else { tally }
    }

    /// The same of those above and below it. Without a handover between them they overlap.
    fn ask_kindred(&self, timed: &Timed, at: usize, related: &Related) -> Tally {
        let (tour, emitter) = (self.tour(), self.record(at).map(|record| record.emitter));
        let overlaps = related.kind == RelationKind::Overlaps;
        if !tour.has_handovers {
            if !overlaps {
                return Tally::default();
            }
            let (all, own) = (self.nest_of(timed, None), self.nest_of(timed, emitter));
            let above = all.above(at, tour, &self.steps).less(own.above(at, tour, &self.steps));
            return above.plus(all.below(at, tour, &self.steps).less(own.below(at, tour, &self.steps)));
        }
        let all = self.nest_of(timed, None);
        if all.above(at, tour, &self.steps).plus(all.below(at, tour, &self.steps)).is_empty() {
            return Tally::default();
        }
        let is_kindred = |other: &usize| {
            self.steps.take(1);
            (tour.is_above(at, *other) || tour.is_above(*other, at)) && self.record(*other).map(|record| record.emitter) != emitter
        };
        self.pairs(at, related, timed.spans.iter().map(|(other, _)| *other).filter(is_kindred))
    }

    /// The same of those whose ways up meet its own below one span, or nowhere.
    fn ask_star(&self, timed: &Timed, fork: Option<usize>, at: usize, branch: usize, related: &Related) -> Tally {
        let Some(record) = self.record(at) else { return Tally::default() };
        let star = self.star(timed, fork, related);
        let mirrored = related.is_mirrored();
        let asking = Asking {
            at,
            branch,
            emitter: record.emitter,
            span: Interval::of(record, mirrored),
            votes: self.votes(at, fork, branch, mirrored),
            related,
        };
        let others = self.ask_branch(&star.all, &asking, true);
        star.branches.get(&branch).map_or(others, |own| others.less(self.ask_branch(own, &asking, false)))
    }

    fn ask_branch(&self, branch: &Branch, asking: &Asking<'_>, with_pairs: bool) -> Tally {
        let mut tally = Tally::default();
        let pairs = |spans: &[(usize, usize)]| {
            let others = spans.iter().filter(|(_, branch)| with_pairs && *branch != asking.branch).map(|(other, _)| *other);
            self.pairs(asking.at, asking.related, others)
        };
        for ((own, clocks), kin) in branch.0.iter().filter(|((own, _), _)| *own != Some(asking.emitter)) {
            self.steps.take(1 + clocks.len());
            let mut common = clocks.iter().enumerate().filter_map(|(place, clock)| Some((place, asking.votes.get(clock)?)));
            let found = match (common.next(), common.next()) {
                (None, _) => self.by_raw_times(&kin.raw, asking),
                (Some((place, Some(vote))), None) if asking.related.within.is_none() && vote.lo <= vote.hi => {
                    let by_calls = kin.votes.get(place).map(|votes| self.by_votes(votes, *vote, asking));
                    by_calls.unwrap_or_default().plus(pairs(&kin.odd))
                }
                _ => pairs(&kin.spans),
            };
            debug_assert!(own.is_none_or(|own| clocks.contains(&own)), "the own clock is on the way");
            tally = tally.plus(found);
        }
        tally
    }

    /// Where no clock is on both ways a gap above the skew decides, after completion.
    fn by_raw_times(&self, lane: &Lane, asking: &Asking<'_>) -> Tally {
        if self.hidden.has(Reasons::OPEN) {
            return Tally::default();
        }
        self.steps.take(5 * lane.ends.search());
        let (span, skew) = (asking.span, i128::from(self.max_skew()));
        let not_after = lane.starts.up_to(span.hi + skew);
        let before = lane.ends.below(span.lo - skew);
        match asking.related.within.map(i128::from) {
            _ if asking.related.kind == RelationKind::Overlaps => not_after.less(before).in_doubt(SKEW),
            None => before.plus(not_after.less(before).in_doubt(SKEW)),
            Some(limit) => {
                let maybe = not_after.less(lane.ends.below(span.lo - limit - skew));
                let certain = if limit > 2 * skew { before.less(lane.ends.up_to(span.lo - limit + skew)) } else { Tally::default() };
                certain.plus(maybe.less(certain).in_doubt(SKEW))
            }
        }
    }

    /// Where one clock is on both ways the calls decide that it timed.
    fn by_votes(&self, (lane, instants): &(Lane, Sorted), vote: Interval, asking: &Asking<'_>) -> Tally {
        self.steps.take(4 * lane.ends.search());
        let before = lane.ends.up_to(vote.lo);
        // Calls without length at one instant are before and after each other.
        let both = if vote.lo == vote.hi { instants.up_to(vote.lo).less(instants.below(vote.lo)) } else { Tally::default() };
        let doubtful = lane.starts.below(vote.hi).plus(both).plus(both).less(before).in_doubt(SKEW);
        if asking.related.kind == RelationKind::Overlaps { doubtful } else { before.less(both).plus(doubtful) }
    }

    /// The spans of a pool whose ways up meet below one span, or nowhere.
    fn star(&self, timed: &Timed, fork: Option<usize>, related: &Related) -> Rc<Star> {
        if let Some(known) = timed.stars.borrow().get(&fork) {
            return Rc::clone(known);
        }
        let made = Rc::new(self.make_star(timed, fork, related));
        timed.stars.borrow_mut().insert(fork, Rc::clone(&made));
        made
    }

    fn make_star(&self, timed: &Timed, fork: Option<usize>, related: &Related) -> Star {
        let mirrored = related.is_mirrored();
        let mut entries: Vec<Entry> = Vec::new();
        self.steps.take(timed.spans.len());
        for (at, truth) in &timed.spans {
            if self.steps.are_over() {
                break;
            }
            let (Some(record), Some(branch)) = (self.record(*at), self.branch(*at, fork)) else { continue };
            let votes = self.votes(*at, fork, branch, mirrored);
            entries.push(Entry { at: *at, branch, tally: Tally::of(*truth), own: Interval::of(record, mirrored), votes });
        }
        let mut by_branch: HashMap<usize, Vec<&Entry>> = HashMap::new();
        for entry in &entries {
            by_branch.entry(entry.branch).or_default().push(entry);
        }
        let branches = by_branch.into_iter().map(|(branch, entries)| (branch, self.make_branch(&entries))).collect();
        Star { all: self.make_branch(&entries.iter().collect::<Vec<_>>()), branches }
    }

    fn make_branch(&self, entries: &[&Entry]) -> Branch {
        let mut kin: HashMap<(Option<u32>, Vec<u32>), Vec<&Entry>> = HashMap::new();
        for entry in entries {
            let own = self.record(entry.at).map(|record| record.emitter).filter(|emitter| entry.votes.contains_key(emitter));
            kin.entry((own, entry.votes.keys().copied().collect())).or_default().push(entry);
        }
        let made = kin.into_iter().map(|((own, clocks), entries)| {
            let kin = self.make_kin(&clocks, &entries);
            ((own, clocks), kin)
        });
        Branch(made.collect())
    }

    fn make_kin(&self, clocks: &[u32], entries: &[&Entry]) -> Kin {
        let is_odd = |entry: &&Entry| entry.votes.values().any(|vote| vote.is_none_or(|vote| vote.lo > vote.hi));
        let of_clock = |clock: &u32| {
            let regular = entries.iter().filter(|entry| !is_odd(entry));
            let votes: Vec<(Interval, Tally)> = regular.filter_map(|e| Some((e.votes.get(clock).copied().flatten()?, e.tally))).collect();
            let instants = votes.iter().filter(|(vote, _)| vote.lo == vote.hi).map(|(vote, tally)| (vote.lo, *tally));
            (Lane::new(self, &votes), Sorted::new(instants.collect(), &self.steps))
        };
        Kin {
            spans: entries.iter().map(|entry| (entry.at, entry.branch)).collect(),
            raw: Lane::new(self, &entries.iter().map(|entry| (entry.own, entry.tally)).collect::<Vec<_>>()),
            votes: clocks.iter().map(of_clock).collect(),
            odd: entries.iter().filter(|entry| is_odd(entry)).map(|entry| (entry.at, entry.branch)).collect(),
        }
    }

    /// The branch below a span, or below nothing, in which another lies; `None` where it lies elsewhere.
    pub(super) fn branch(&self, at: usize, fork: Option<usize>) -> Option<usize> {
        let tour = self.tour();
        let Some(fork) = fork else { return Some(if self.is_placed(at) { tour.top(at) } else { at }) };
        if at == fork || !tour.is_above(fork, at) || !self.is_placed(at) {
            return None;
        }
        let children = self.topology().children(fork);
        let after = children.partition_point(|child| tour.place(*child) <= tour.place(at));
        children.get(after.checked_sub(1)?).copied()
    }

    /// Whether the calls above a span count: they do not where they run in a circle, nor while they may turn out to.
    pub(super) fn is_placed(&self, at: usize) -> bool {
        !self.tour().is_circular(at) && (!self.hidden.has(Reasons::OPEN) || self.is_known(at))
    }

    /// Whether the way up ends at a span that has no parent.
    pub(super) fn is_known(&self, at: usize) -> bool {
        self.parent(self.tour().top(at)) == Ok(None)
    }

    /// The clocks on the way from a span up to the branch that it lies in, as far as they are outside of the branch too.
    pub(super) fn votes(&self, at: usize, fork: Option<usize>, branch: usize, mirrored: bool) -> Votes {
        let tour = self.tour();
        let mut votes = Votes::new();
        let is_placed = self.is_placed(at);
        let (from, to) = if is_placed { tour.range(branch) } else { (tour.place(at), tour.place(at) + 1) };
        let is_elsewhere = |clock: u32| self.clocks().get(&clock).is_some_and(|(first, last)| *first < from || *last >= to);
        let own = self.record(at).map(|record| record.emitter);
        if fork.is_none() && !(is_placed && self.is_known(at)) {
            // No call says anything; only who has the same clock is told apart.
            votes.extend(own.filter(|clock| is_elsewhere(*clock)).map(|clock| (clock, None)));
            return votes;
        }
        let (mut way, mut is_beyond) = (at, false);
        loop {
            self.steps.take(1);
            let Some(record) = self.record(way) else { break };
            if is_elsewhere(record.emitter) {
                let vote = votes.entry(record.emitter).or_insert(None);
                if !is_beyond && record.times_are_good() {
                    let span = Interval::of(record, mirrored);
                    let joined = vote.map_or(span, |vote| Interval { lo: vote.lo.max(span.lo), hi: vote.hi.min(span.hi) });
                    *vote = Some(joined);
                }
            }
            let Some(parent) = self.topology().parent(way).filter(|_| way != branch) else { break };
            is_beyond |= self.record(parent).is_some_and(|parent| is_handover(parent, record));
            way = parent;
        }
        votes
    }
}
