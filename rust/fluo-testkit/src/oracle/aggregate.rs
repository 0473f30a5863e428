//! Numbers over spansets.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use fluo_lang::program::{Aggregate, AggregateFn, Field, FieldKey, Term};
use fluo_lang::value::Value;
use num_rational::BigRational;
use num_traits::Zero;

use super::number::{Exact, Num, nanoseconds, nearest_double, rank};
use super::quantity::Quantity;
use super::reading::{Subject, term};
use super::sign::never_negative;
use super::spanset::{Members, View, groups_of, members};
use super::truth::{Reason, Reasons};
use super::value::{Datum, Key};
use super::world::{World, has_good_times};

/// The value of an aggregate under the view.
pub(super) fn aggregate(world: &World<'_>, aggregate: &Aggregate, view: View<'_>) -> Quantity {
    let members = members(world, &aggregate.set, view);
    match &aggregate.function {
        AggregateFn::Count => counted(&members, |spans| int(spans.len())),
        AggregateFn::Rate => counted(&members, |spans| per_second(spans.len(), aggregate.set.within)),
        AggregateFn::Distinct(terms) => distinct(world, &members, terms),
        AggregateFn::Concurrent => concurrent(world, members, view),
        AggregateFn::Sum(t) if never_negative(&aggregate.set, t) => {
            sum(&Sample::take(world, &members, t).without_negative(), is_duration(t), true)
        }
        AggregateFn::Sum(t) => sum(&Sample::take(world, &members, t), is_duration(t), false),
        AggregateFn::Min(t) => extreme(&Sample::take(world, &members, t), Ordering::Less),
        AggregateFn::Max(t) => extreme(&Sample::take(world, &members, t), Ordering::Greater),
        AggregateFn::Avg(t) => average(&Sample::take(world, &members, t)),
        AggregateFn::Quantile(t, q) => quantile(&Sample::take(world, &members, t), *q),
        AggregateFn::LongestRun(terms) => longest_run(world, &members, terms),
    }
}

/// The values of a term over the members: numbers, durations and canonical decimals; anything else is skipped.
struct Sample {
    /// Of the spans that are surely in the set.
    certain: Vec<Datum>,
    /// Of those that may be.
    doubtful: Vec<Datum>,
    /// Why there may be further values.
    open: Reasons,
    /// Why the doubtful ones are.
    why: Reasons,
}

impl Sample {
    fn take(world: &World<'_>, members: &Members, of: &Term) -> Self {
        let certain_spans = members.certain();
        let mut sample = Self { certain: Vec::new(), doubtful: Vec::new(), open: members.open, why: members.doubt() };
        for at in members.possible() {
            let reading = term(world, Subject::span(at), of);
            let numbers =
                reading.values.into_iter().map(|(value, _)| value).filter(|v| v.number().is_some() || matches!(v, Datum::Duration(_)));
            if certain_spans.contains(&at) {
                sample.certain.extend(numbers);
            } else {
                sample.doubtful.extend(numbers);
            }
            sample.open = sample.open.with(reading.open);
        }
        sample.why = sample.why.with(sample.open);
        sample
    }

    /// Leaves out the negative elements of lists that satisfy by another element a condition that keeps the term from being negative.
    fn without_negative(mut self) -> Self {
        self.certain.retain(|value| !is_negative(value));
        self.doubtful.retain(|value| !is_negative(value));
        self
    }

    fn is_exact(&self) -> bool {
        self.open.is_empty() && self.doubtful.is_empty() && self.why.is_empty()
    }
}

fn int(n: usize) -> Datum {
    Datum::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "counts and windows are far below 2^53 seconds and spans")]
fn per_second(n: usize, within: Option<u64>) -> Datum {
    Datum::Float(n as f64 / (within.unwrap_or(1_000_000_000) as f64 / 1e9))
}

/// A number that grows with the set.
fn counted(members: &Members, number: impl Fn(&[usize]) -> Datum) -> Quantity {
    let high = members.open.is_empty().then(|| number(&members.possible()));
    Quantity::between(Some(number(&members.certain())), high, members.doubt())
}

fn distinct(world: &World<'_>, members: &Members, terms: &[Term]) -> Quantity {
    let values =
        |spans: Vec<usize>| -> usize { spans.into_iter().flat_map(|at| groups_of(world, at, terms)).collect::<BTreeSet<Vec<Key>>>().len() };
    let unread = members
        .possible()
        .into_iter()
        .fold(Reasons::NONE, |all, at| terms.iter().fold(all, |all, t| all.with(term(world, Subject::span(at), t).open)));
    let open = members.open.with(unread);
    let high = open.is_empty().then(|| int(values(members.possible())));
    Quantity::between(Some(int(values(members.certain()))), high, members.doubt().with(unread))
}

/// Most spans in flight at one instant; in the `spans` scope the number in flight at the view's instant.
fn concurrent(world: &World<'_>, mut members: Members, view: View<'_>) -> Quantity {
    // One with bad times may be in flight at any instant, if it is in the set: it is in doubt for both.
    let (good, bad): (Vec<_>, Vec<_>) = members.list.into_iter().partition(|(at, _)| has_good_times(world.span(*at)));
    if !bad.is_empty() {
        let why = Members { list: bad, open: Reasons::of(Reason::BadTime) }.doubt();
        members.open = members.open.with(why);
    }
    members.list = good;
    let at_instant = view.instant.filter(|_| world.stream.is_some());
    counted(&members, |spans| {
        let in_flight = |t: u64| spans.iter().filter(|at| world.span(**at).start <= t && t < world.span(**at).end).count();
        // It is greatest at some span's start.
        int(at_instant.map_or_else(|| spans.iter().map(|at| in_flight(world.span(*at).start)).max().unwrap_or(0), in_flight))
    })
}

/// The exact sum, rounded once.
fn sum(sample: &Sample, duration: bool, grows: bool) -> Quantity {
    let total = |values: &mut dyn Iterator<Item = &Datum>| round_sum(values, duration);
    if sample.is_exact() {
        return total(&mut sample.certain.iter()).map_or_else(Quantity::missing, Quantity::known);
    }
    let negative = |v: &&Datum| is_negative(v);
    let low = total(&mut sample.certain.iter().chain(sample.doubtful.iter().filter(negative)));
    let high = total(&mut sample.certain.iter().chain(sample.doubtful.iter().filter(|v| !negative(v))));
    match (sample.open.is_empty(), grows, low, high) {
        (true, _, Some(low), Some(high)) => Quantity::between(Some(low), Some(high), sample.why),
        (false, true, Some(low), _) => Quantity::between(Some(low), None, sample.why),
        _ => Quantity::unknown(sample.why),
    }
}

/// `None` where the sum overflows, which is missing.
fn round_sum(values: &mut dyn Iterator<Item = &Datum>, duration: bool) -> Option<Datum> {
    use num_traits::ToPrimitive;
    let values: Vec<&Datum> = values.collect();
    let mut total = BigRational::zero();
    for value in &values {
        total += exact_of(value)?;
    }
    if duration || values.iter().any(|v| matches!(v, Datum::Duration(_))) {
        return nanoseconds(&total);
    }
    if values.iter().all(|v| matches!(v.number(), Some(Num::Int(_)))) {
        return total.to_integer().to_i64().map(Datum::Int);
    }
    nearest_double(&total)
}

fn is_negative(value: &Datum) -> bool {
    match value {
        Datum::Duration(d) => *d < 0,
        other => other.number().is_some_and(|number| number.exact() < Num::Int(0).exact()),
    }
}

fn exact_of(value: &Datum) -> Option<BigRational> {
    match value {
        Datum::Duration(d) => Some(BigRational::from_integer((*d).into())),
        other => match other.number()?.exact() {
            Exact::Finite(exact) => Some(exact),
            Exact::Infinity | Exact::NegativeInfinity => None,
        },
    }
}

/// The smallest or greatest value: it bounds itself on the side where further values can only move it away.
fn extreme(sample: &Sample, side: Ordering) -> Quantity {
    let pick = |values: &mut dyn Iterator<Item = &Datum>| -> Option<Datum> {
        values.fold(None, |best: Option<Datum>, value| match best {
            Some(best) if value.order(&best) != Some(side) => Some(best),
            _ => Some(value.clone()),
        })
    };
    let sure = pick(&mut sample.certain.iter());
    if sample.is_exact() {
        return sure.map_or(Quantity::Nothing, |v| Quantity::known(plain(&v)));
    }
    // With nothing certain there may be nothing at all.
    let Some(sure) = sure else { return Quantity::unknown(sample.why) };
    let far = if sample.open.is_empty() { pick(&mut sample.certain.iter().chain(&sample.doubtful)) } else { None };
    let (sure, far) = (Some(plain(&sure)), far.as_ref().map(plain));
    if side == Ordering::Greater { Quantity::between(sure, far, sample.why) } else { Quantity::between(far, sure, sample.why) }
}

/// A canonical decimal as the number it is.
fn plain(value: &Datum) -> Datum {
    match (value, value.number()) {
        (Datum::Str(_), Some(Num::Int(i))) => Datum::Int(i),
        (Datum::Str(_), Some(Num::Float(f))) => Datum::Float(f),
        _ => value.clone(),
    }
}

fn average(sample: &Sample) -> Quantity {
    if !sample.is_exact() {
        return Quantity::unknown(sample.why);
    }
    if sample.certain.is_empty() {
        return Quantity::Nothing;
    }
    let mut total = BigRational::zero();
    for value in &sample.certain {
        let Some(exact) = exact_of(value) else { return Quantity::missing() };
        total += exact;
    }
    let mean = total / BigRational::from_integer(sample.certain.len().into());
    let rounded = if matches!(sample.certain.first(), Some(Datum::Duration(_))) { nanoseconds(&mean) } else { nearest_double(&mean) };
    rounded.map_or_else(Quantity::missing, Quantity::known)
}

/// The smallest value with at least ⌈q·n⌉ values not above it.
fn quantile(sample: &Sample, q: f64) -> Quantity {
    if !sample.is_exact() {
        return Quantity::unknown(sample.why);
    }
    let mut values = sample.certain.clone();
    values.sort_by(|a, b| a.order(b).unwrap_or(Ordering::Equal));
    match values.get(rank(q, values.len()).saturating_sub(1)) {
        Some(value) => Quantity::known(plain(value)),
        None => Quantity::Nothing,
    }
}

/// The longest stretch in start order with equal values; a span without a value ends it.
fn longest_run(world: &World<'_>, members: &Members, terms: &[Term]) -> Quantity {
    let mut doubt = members.doubt();
    let mut longest = 0usize;
    let mut run = 0usize;
    let mut last = BTreeSet::new();
    for at in members.possible() {
        if !has_good_times(world.span(at)) {
            doubt = doubt.with(Reasons::of(Reason::BadTime));
        }
        doubt = terms.iter().fold(doubt, |all, t| all.with(term(world, Subject::span(at), t).open));
        let values = groups_of(world, at, terms);
        run = if values.is_empty() {
            0
        } else if values == last {
            run + 1
        } else {
            1
        };
        last = values;
        longest = longest.max(run);
    }
    if doubt.is_empty() { Quantity::known(int(longest)) } else { Quantity::unknown(doubt) }
}

/// Whether a term is a duration by what it says.
pub(super) fn is_duration(term: &Term) -> bool {
    use fluo_lang::program::ArithOp;
    match term {
        Term::Literal(Value::Duration(_)) | Term::Field(Field { key: FieldKey::Duration, .. }) | Term::TraceDuration => true,
        Term::Neg(inner) => is_duration(inner),
        Term::Coalesce(all) => all.iter().any(is_duration),
        Term::Arith { op, left, right } => match op {
            ArithOp::Div => is_duration(left) && !is_duration(right),
            _ => is_duration(left) || is_duration(right),
        },
        _ => false,
    }
}
