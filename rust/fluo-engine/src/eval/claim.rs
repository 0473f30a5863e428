//! Truth of claims and values of their terms.

use super::cell::{self, Cell};
use super::view::{Frame, View};
use crate::expr::read::Read;
use crate::expr::{ops, shape};
use fluo_lang::program::CompareOp;

use crate::plan::{Claim, ClaimTerm, Distinguished};
use crate::truth::{Reasons, Truth};
use crate::value::Val;
use crate::verdict::Reason;

impl<'t> View<'t> {
    /// The truth of a claim in a frame.
    pub(crate) fn truth(&self, claim: &'t Claim, frame: Frame<'_>) -> Truth {
        match claim {
            Claim::Const(value) => Truth::of(*value),
            Claim::Not(inner) => self.truth(inner, frame).not(),
            Claim::And(parts) => parts.iter().fold(Truth::True, |all, part| all.and(self.truth(part, frame))),
            Claim::Or(parts) => parts.iter().fold(Truth::False, |any, part| any.or(self.truth(part, frame))),
            Claim::NonEmpty { set, tested } => self.is_not_empty(*set, *tested, frame),
            Claim::Compare { op, left, right } => cell::compare(*op, &self.cell(left, frame), &self.cell(right, frame)),
            Claim::In { term, list, negated } => match self.cell(term, frame) {
                range @ Cell::Range { .. } => {
                    let equals = |item: &Val<'static>| cell::compare(CompareOp::Eq, &range, &Cell::Exact(item.borrowed()));
                    let found = list.iter().fold(Truth::False, |any, item| any.or(equals(item)));
                    if *negated { found.not() } else { found }
                }
                known => over(&known, |read| ops::is_in(read, list, *negated)),
            },
            Claim::Text { op, left, right } => {
                let (left, right) = (self.cell(left, frame), self.cell(right, frame));
                over(&left, |left| over(&right, |right| ops::text(*op, left, right)))
            }
            Claim::Matches { term, regex } => over(&self.cell(term, frame), |read| ops::matches(read, regex)),
            Claim::Exists(term) => match self.cell(term, frame) {
                Cell::NotApplicable => Truth::NotApplicable,
                Cell::Missing => Truth::False,
                Cell::Unknown(why) => Truth::Unknown(why),
                Cell::Exact(_) | Cell::Range { .. } => Truth::True,
            },
        }
    }

    /// Whether a set has a member; `tested` is the set whose absence has to be accounted for.
    fn is_not_empty(&self, set: u32, tested: u32, frame: Frame<'_>) -> Truth {
        if let Some(counter) = self.counter_of(set, frame) {
            return match (counter.yes > 0, self.hidden_of(tested, frame).and(counter.doubt)) {
                (true, _) => Truth::True,
                (_, why) if why.is_empty() => Truth::False,
                (_, why) => Truth::Unknown(why),
            };
        }
        let hidden = self.hidden_of(tested, frame);
        let unseen = if hidden.is_empty() { Truth::False } else { Truth::Unknown(hidden) };
        self.members_in(set, frame).iter().fold(unseen, |any, member| any.or(member.truth))
    }

    /// Why there may be spans of a set that nobody sees.
    pub(crate) fn hidden_of(&self, set: u32, frame: Frame<'_>) -> Reasons {
        let Some(plan) = self.set(set) else { return self.hidden };
        let mut hidden = self.hidden;
        if !hidden.has(Reasons::OPEN) {
            hidden = hidden.and(self.dangling(&plan.name, None));
        }
        if frame.instant.is_some() && plan.within.is_some() {
            let bad = self.leaves_out_bad_times(set, frame.group);
            if bad {
                hidden = hidden.and(Reasons::of(Reason::BadTime));
            }
        }
        hidden
    }

    /// Whether a span of the set (and group) has bad times: it is left out of windows and may belong into any.
    pub(super) fn leaves_out_bad_times(&self, set: u32, group: Option<&[u8]>) -> bool {
        let group = group.filter(|_| self.set(set).is_some_and(|plan| plan.grouped));
        self.members(set).iter().any(|member| {
            self.record(member.at).is_some_and(|r| !r.times_are_good())
                && group.is_none_or(|group| self.is_in_group(member.at, group) != Truth::False)
        })
    }

    /// The value of a term in a frame.
    pub(crate) fn cell(&self, term: &'t ClaimTerm, frame: Frame<'_>) -> Cell<'t> {
        match term {
            ClaimTerm::Literal(value) => Cell::Exact(value.borrowed()),
            ClaimTerm::Aggregate { set, function, .. } => self.aggregate(*set, function, frame),
            ClaimTerm::OfSpan { span, term, .. } => self.of_span(*span, *term, frame),
            ClaimTerm::Depth => self.depth(),
            ClaimTerm::TraceDuration => self.trace_duration(),
            ClaimTerm::Arith { op, left, right } => cell::arith(*op, &self.cell(left, frame), &self.cell(right, frame)),
            ClaimTerm::Neg(inner) => {
                let inner = self.cell(inner, frame);
                let zero = if matches!(inner, Cell::Exact(Val::Duration(_))) { Val::Duration(0) } else { Val::Int(0) };
                cell::arith(fluo_lang::program::ArithOp::Sub, &Cell::Exact(zero), &inner)
            }
            ClaimTerm::Coalesce(parts) => {
                for part in parts {
                    match self.cell(part, frame) {
                        Cell::Missing => {}
                        other => return other,
                    }
                }
                Cell::Missing
            }
            ClaimTerm::Lower(inner) => map_text(self.cell(inner, frame), |text| Some(ops::lower(text))),
            ClaimTerm::Extract(inner, regex) => map_text(self.cell(inner, frame), |text| ops::extract(text, regex)),
            ClaimTerm::Shape(inner) => map_text(self.cell(inner, frame), |text| Some(shape::shape(text))),
        }
    }

    fn of_span(&self, span: Distinguished, term: u32, frame: Frame<'_>) -> Cell<'t> {
        let at = match span {
            Distinguished::Root => self.root(),
            Distinguished::First(set) => match self.edge(set, frame, false) {
                Ok(Some(at)) => Ok(at),
                Ok(None) => return Cell::NotApplicable,
                Err(why) => Err(why),
            },
            Distinguished::Last(set) => match self.edge(set, frame, true) {
                Ok(Some(at)) => Ok(at),
                Ok(None) => return Cell::NotApplicable,
                Err(why) => Err(why),
            },
        };
        match at {
            Ok(at) => of_read(self.value(at, term)),
            Err(why) => Cell::Unknown(why),
        }
    }

    /// The first or last span of a set by start, then span id; `None` for an empty set.
    fn edge(&self, set: u32, frame: Frame<'_>, last: bool) -> Result<Option<usize>, Reasons> {
        let members = self.members_in(set, frame);
        let mut why = self.hidden_of(set, frame);
        let mut best: Option<(u64, u64, usize)> = None;
        for member in &members {
            why = why.and(member.doubt());
            let Some(record) = self.record(member.at) else {
                continue;
            };
            if !record.times_are_good() {
                why = why.and(Reasons::of(Reason::BadTime));
            }
            let key = (record.start, record.id, member.at);
            best = match best {
                Some(found) if (key > found) != last => Some(found),
                _ => Some(key),
            };
        }
        if why.is_empty() { Ok(best.map(|(_, _, at)| at)) } else { Err(why) }
    }
}

/// Applies a test of a value to what is known of it.
fn over(cell: &Cell<'_>, test: impl FnOnce(&Read<'_>) -> Truth) -> Truth {
    match cell {
        Cell::NotApplicable => Truth::NotApplicable,
        Cell::Missing => test(&Read::MISSING),
        Cell::Unknown(why) | Cell::Range { why, .. } => test(&Read::unknown(*why)),
        Cell::Exact(value) => test(&Read::present(value.borrowed())),
    }
}

fn of_read(read: Read<'_>) -> Cell<'_> {
    match read.value {
        _ if !read.unknown.is_empty() => Cell::Unknown(read.unknown),
        Some(value) => Cell::Exact(value),
        None => Cell::Missing,
    }
}

fn map_text<'a>(cell: Cell<'a>, function: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Cell<'a> {
    match cell {
        Cell::Exact(value) => of_read(Read::present(value).map_text(function)),
        Cell::Range { why, .. } => Cell::Unknown(why),
        other => other,
    }
}
