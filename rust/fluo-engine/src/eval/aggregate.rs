//! Aggregates of a spanset: exact where every member is known, an interval where more may come or a membership is in doubt.

use super::cell::Cell;
use super::distinct::distinct;
use super::spanset::Member;
use super::view::{Frame, View};
use crate::exact;
use crate::expr::read::Read;
use crate::plan::Function;
use crate::store::record::is_entry;
use crate::truth::Reasons;
use crate::value::{Number, Val};
use crate::verdict::Reason;

/// How many spans a single selector picked, where counters know it.
pub(crate) struct Count {
    pub(crate) yes: u64,
    pub(crate) maybe: u64,
    /// Why some are in doubt.
    pub(crate) doubt: Reasons,
}

/// Numbers, durations and canonical strings under a term, told apart by how sure they are; the rest is skipped.
#[derive(Default)]
pub(crate) struct Sample<'t> {
    certain: Vec<Val<'t>>,
    possible: Vec<Val<'t>>,
    /// Whether some value is not known at all.
    unseen: bool,
    /// Why there are possible or unseen ones.
    why: Reasons,
}

impl<'t> Sample<'t> {
    /// Adds what was read of a member.
    pub(crate) fn add(&mut self, read: Read<'t>, certain: bool, doubt: Reasons) {
        self.why = self.why.and(doubt).and(read.unknown);
        self.unseen |= !read.unknown.is_empty();
        let into = if certain { &mut self.certain } else { &mut self.possible };
        match read.value {
            Some(Val::List(items)) => into.extend(items.into_iter().filter(is_measure)),
            Some(value) if is_measure(&value) => into.push(value),
            _ => {}
        }
    }
}

/// The sum, an extreme, the mean or a quantile of a sample, of which `hidden` says why it may not be all.
pub(crate) fn measured<'t>(values: &Sample<'t>, function: &Function, hidden: Reasons) -> Cell<'t> {
    match function {
        Function::Sum { never_negative, is_duration, .. } => sum(values, hidden, *never_negative, *is_duration),
        Function::Min(_) => extreme(values, hidden, false),
        Function::Max(_) => extreme(values, hidden, true),
        Function::Quantile(_, q) => settled(values, hidden, |certain| quantile(certain, *q)),
        _ => settled(values, hidden, exact::mean),
    }
}

/// A member of a run.
pub(crate) struct Run<'t> {
    /// Start, span id, then the trace id where spans of several traces run together, else which half of a call it is.
    pub(crate) order: (u64, u64, [u8; 16]),
    pub(crate) reads: Vec<Read<'t>>,
}

/// The longest stretch, in start order, with equal present values.
pub(crate) fn longest_run<'t>(mut spans: Vec<Run<'_>>, doubt: Reasons) -> Cell<'t> {
    let why = spans.iter().flat_map(|run| &run.reads).fold(doubt, |why, read| why.and(read.unknown));
    if !why.is_empty() {
        return Cell::Unknown(why);
    }
    spans.sort_unstable_by_key(|run| run.order);
    let (mut longest, mut run) = (0u64, 0u64);
    let mut before: Option<Vec<u8>> = None;
    for span in &spans {
        let mut key = Some(Vec::new());
        for read in &span.reads {
            key = match (key, &read.value) {
                (Some(mut key), Some(value)) if !value.each().is_empty() => {
                    value.each().iter().for_each(|v| v.write_key(&mut key));
                    key.push(0xff);
                    Some(key)
                }
                _ => None,
            };
        }
        run = match &key {
            Some(key) if before.as_ref() == Some(key) => run + 1,
            Some(_) => 1,
            None => 0,
        };
        before = key;
        longest = longest.max(run);
    }
    Cell::count(longest, Some(longest), Reasons::NONE)
}

impl<'t> View<'t> {
    /// The counters of a set that is just what one selector picks, in a frame that does not narrow it.
    pub(crate) fn counter_of(&self, set: u32, frame: Frame<'_>) -> Option<Count> {
        let plan = self.set(set)?;
        let selector = plan.selector?;
        if (frame.group.is_some() && plan.grouped) || (frame.instant.is_some() && plan.within.is_some()) {
            return None;
        }
        let counter = self.trace.counter(selector);
        let mut doubt = Reasons::NONE;
        for (times, reason) in [(counter.dropped, Reason::Dropped), (counter.bad_time, Reason::BadTime)] {
            if times > 0 {
                doubt = doubt.and(Reasons::of(reason));
            }
        }
        Some(Count { yes: u64::from(counter.yes), maybe: u64::from(counter.dropped) + u64::from(counter.bad_time), doubt })
    }

    /// The value of an aggregate in a frame; of a whole set computed once for each evaluation.
    pub(super) fn aggregate(&self, set: u32, function: &Function, frame: Frame<'_>) -> Cell<'t> {
        // What counters tell needs no memory.
        let is_counted = matches!(function, Function::Count) && self.counter_of(set, frame).is_some();
        if is_counted || !self.is_whole(set, frame) {
            return self.compute(set, function, frame);
        }
        let key = (set, std::ptr::from_ref(function).addr());
        if let Some(known) = self.told.aggregates.borrow().get(&key) {
            return known.clone();
        }
        let computed = self.compute(set, function, frame);
        self.told.aggregates.borrow_mut().insert(key, computed.clone());
        computed
    }

    fn compute(&self, set: u32, function: &Function, frame: Frame<'_>) -> Cell<'t> {
        let hidden = self.hidden_of(set, frame);
        match function {
            Function::Count => {
                let count = self.counter_of(set, frame).unwrap_or_else(|| self.count(set, frame));
                let high = hidden.is_empty().then_some(count.yes + count.maybe);
                Cell::count(count.yes, high, hidden.and(count.doubt))
            }
            Function::Rate(width) => {
                let count = self.compute(set, &Function::Count, frame);
                #[expect(clippy::cast_precision_loss, reason = "a window's length in seconds")]
                let seconds = Val::Float(*width as f64 / 1e9);
                super::cell::arith(fluo_lang::program::ArithOp::Div, &count, &Cell::Exact(seconds))
            }
            Function::Distinct(terms) => self.distinct(&self.members_in(set, frame), terms, hidden),
            Function::Concurrent => self.concurrent(&self.members_in(set, frame), hidden),
            Function::LongestRun(terms) => self.run(&self.members_in(set, frame), terms, hidden),
            Function::Sum { term, .. } | Function::Min(term) | Function::Max(term) | Function::Avg(term) | Function::Quantile(term, _) => {
                let mut sample = Sample::default();
                for member in self.members_in(set, frame) {
                    sample.add(self.value(member.at, *term), member.is_certain(), member.doubt());
                }
                measured(&sample, function, hidden)
            }
        }
    }

    /// Members counted; those of a window by a search.
    fn count(&self, set: u32, frame: Frame<'_>) -> Count {
        let Some((t, width)) = frame.instant.and_then(|t| Some((t, self.set(set)?.within?))) else {
            return counted(&self.members_in(set, frame));
        };
        let tally = self.by_end(set, frame.group).count(t, width, &self.steps);
        Count { yes: u64::from(tally.certain), maybe: u64::from(tally.possible), doubt: tally.reasons() }
    }

    fn reads(&self, at: usize, terms: &[u32]) -> Vec<Read<'t>> {
        terms.iter().map(|term| self.value(at, *term)).collect()
    }

    fn distinct(&self, members: &[Member], terms: &[u32], hidden: Reasons) -> Cell<'t> {
        if let [term] = terms {
            return distinct(members.iter().map(|m| ([self.value(m.at, *term)], m.is_certain(), m.doubt())), hidden);
        }
        distinct(members.iter().map(|m| (self.reads(m.at, terms), m.is_certain(), m.doubt())), hidden)
    }

    fn run(&self, members: &[Member], terms: &[u32], hidden: Reasons) -> Cell<'t> {
        let mut why = hidden;
        let mut spans = Vec::with_capacity(members.len());
        for member in members {
            let Some(record) = self.record(member.at) else {
                continue;
            };
            why = why.and(member.doubt());
            if !record.times_are_good() {
                why = why.and(Reasons::of(Reason::BadTime));
            }
            spans
                .push(Run { order: (record.start, record.id, [u8::from(is_entry(record.kind)); 16]), reads: self.reads(member.at, terms) });
        }
        longest_run(spans, why)
    }

    /// Depth of the trace: grows while spans come.
    pub(super) fn depth(&self) -> Cell<'t> {
        let depth = || {
            self.steps.take(self.records().len());
            let low = self.topology().depth() as u64;
            Cell::count(low, self.hidden.is_empty().then_some(low), self.hidden)
        };
        self.told.depth.get_or_init(depth).clone()
    }
}

/// Members counted.
fn counted(members: &[Member]) -> Count {
    let yes = members.iter().filter(|m| m.is_certain()).count() as u64;
    let doubt = members.iter().fold(Reasons::NONE, |why, m| why.and(m.doubt()));
    Count { yes, maybe: members.len() as u64 - yes, doubt }
}

fn is_measure(value: &Val<'_>) -> bool {
    matches!(value, Val::Duration(_)) || value.number().is_some()
}

/// A function that is known only when every value is.
fn settled<'t>(values: &Sample<'t>, hidden: Reasons, function: impl Fn(&[Val<'t>]) -> Option<Val<'t>>) -> Cell<'t> {
    let why = values.why.and(hidden);
    if !why.is_empty() {
        return Cell::Unknown(why);
    }
    if values.certain.is_empty() {
        return Cell::NotApplicable;
    }
    function(&values.certain).map_or(Cell::Missing, Cell::Exact)
}

fn sum<'t>(values: &Sample<'t>, hidden: Reasons, never_negative: bool, is_duration: bool) -> Cell<'t> {
    let why = values.why.and(hidden);
    // A list satisfies `f >= 0` by one of its elements; so that the sum cannot fall, those below zero add nothing.
    let counts = |v: &&Val<'t>| !(never_negative && is_negative(v));
    let total = |extra: Option<bool>| {
        let chosen = values.possible.iter().filter(|v| extra.is_some_and(|negative| is_negative(v) == negative));
        exact::sum(&values.certain.iter().chain(chosen).filter(counts).cloned().collect::<Vec<_>>(), is_duration)
    };
    if why.is_empty() {
        return total(None).map_or(Cell::Missing, Cell::Exact);
    }
    // What nobody sees may be anything, but a duration is never negative.
    let unbounded = values.unseen || !hidden.is_empty();
    match (unbounded, never_negative, total(Some(true)), total(Some(false))) {
        (false, _, Some(low), Some(high)) => Cell::range(Some(low), Some(high), why),
        (true, true, Some(low), _) => Cell::range(Some(low), None, why),
        _ => Cell::Unknown(why),
    }
}

/// Whether a number or duration is below zero.
pub(crate) fn is_negative(value: &Val<'_>) -> bool {
    match value {
        Val::Duration(d) => *d < 0,
        other => other.number().is_some_and(|n| n.order(Number::Int(0)).is_lt()),
    }
}

/// The greatest or smallest value. More spans can only push it outwards.
fn extreme<'t>(values: &Sample<'t>, hidden: Reasons, greatest: bool) -> Cell<'t> {
    let outermost = |candidates: &mut dyn Iterator<Item = &Val<'t>>| {
        let mut best: Option<Val<'t>> = None;
        for value in candidates {
            let better = match &best {
                None => true,
                Some(best) => value.order(best) == Some(if greatest { std::cmp::Ordering::Greater } else { std::cmp::Ordering::Less }),
            };
            if better {
                best = Some(value.clone());
            }
        }
        best
    };
    let inner = outermost(&mut values.certain.iter());
    let why = values.why.and(hidden);
    if why.is_empty() {
        return inner.map_or(Cell::NotApplicable, Cell::Exact);
    }
    let Some(inner) = inner else {
        return Cell::Unknown(why);
    };
    let unbounded = values.unseen || !hidden.is_empty();
    let outer = if unbounded { None } else { outermost(&mut values.certain.iter().chain(&values.possible)) };
    if greatest { Cell::range(Some(inner), outer, why) } else { Cell::range(outer, Some(inner), why) }
}

/// The smallest value with at least ⌈q·n⌉ values ≤ it. `q` is taken as the decimal that the rule wrote, so that `0.1` of 30 is 3.
fn quantile<'t>(values: &[Val<'t>], q: f64) -> Option<Val<'t>> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.order(b).unwrap_or(std::cmp::Ordering::Equal));
    let rank = exact::ceil_of_product(q, sorted.len() as u64).max(1);
    sorted.into_iter().nth(usize::try_from(rank - 1).ok()?)
}
