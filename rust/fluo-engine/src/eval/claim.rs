//! Claims over what is known of a trace.

use super::cell::Cell;
use super::facts::{self, Facts, of_read};
use super::view::{Frame, UNSEEN, View};
use crate::plan::{Claim, ClaimTerm, Distinguished, Function};
use crate::store::record::is_entry;
use crate::truth::{Reasons, Truth};
use crate::verdict::Reason;

/// A trace in a frame.
struct Framed<'v, 't> {
    view: &'v View<'t>,
    frame: Frame<'v>,
}

impl<'t> Facts<'t> for Framed<'_, 't> {
    fn is_not_empty(&self, set: u32, tested: u32) -> Truth {
        self.view.is_not_empty(set, tested, self.frame)
    }

    fn aggregate(&self, set: u32, function: &'t Function) -> Cell<'t> {
        self.view.aggregate(set, function, self.frame)
    }

    fn of_span(&self, span: Distinguished, term: u32) -> Cell<'t> {
        self.view.of_span(span, term, self.frame)
    }

    fn depth(&self) -> Cell<'t> {
        self.view.depth()
    }

    fn trace_duration(&self) -> Cell<'t> {
        let duration = || {
            self.view.steps.take(self.view.records().len());
            self.view.trace_duration()
        };
        self.view.told.duration.get_or_init(duration).clone()
    }
}

impl<'t> View<'t> {
    /// The truth of a claim in a frame.
    pub(crate) fn truth(&self, claim: &'t Claim, frame: Frame<'_>) -> Truth {
        facts::truth(claim, &Framed { view: self, frame })
    }

    /// The value of a term in a frame.
    pub(crate) fn cell(&self, term: &'t ClaimTerm, frame: Frame<'_>) -> Cell<'t> {
        facts::value(term, &Framed { view: self, frame })
    }

    /// Whether a set has a member; `tested` is the set whose absence has to be accounted for. Of whole sets told once for each
    /// evaluation.
    fn is_not_empty(&self, set: u32, tested: u32, frame: Frame<'_>) -> Truth {
        if self.counter_of(set, frame).is_some() || !self.is_whole(set, frame) || !self.is_whole(tested, frame) {
            return self.is_filled(set, tested, frame);
        }
        if let Some(known) = self.told.filled.borrow().get(&(set, tested)) {
            return *known;
        }
        let is = self.is_filled(set, tested, frame);
        self.told.filled.borrow_mut().insert((set, tested), is);
        is
    }

    fn is_filled(&self, set: u32, tested: u32, frame: Frame<'_>) -> Truth {
        if let Some(counter) = self.counter_of(set, frame) {
            return match (counter.yes > 0, self.hidden_of(tested, frame).and(counter.doubt)) {
                (true, _) => Truth::True,
                (_, why) if why.is_empty() => Truth::False,
                (_, why) => Truth::Unknown(why),
            };
        }
        let hidden = self.hidden_of(tested, frame);
        let unseen = if hidden.is_empty() { Truth::False } else { Truth::Unknown(hidden) };
        if let Some((t, width)) = frame.instant.and_then(|t| Some((t, self.set(set)?.within?))) {
            return self.by_end(set, frame.group).count(t, width, &self.steps).any().or(unseen);
        }
        self.members_in(set, frame).iter().fold(unseen, |any, member| any.or(member.truth))
    }

    /// Why there may be spans of a set that nobody sees.
    pub(crate) fn hidden_of(&self, set: u32, frame: Frame<'_>) -> Reasons {
        let Some(plan) = self.set(set) else { return self.hidden };
        let mut hidden = self.hidden;
        if !hidden.has(Reasons::OPEN) {
            hidden = hidden.and(self.dangling(&plan.name, None));
        }
        if plan.within.is_some()
            && let Some(instant) = frame.instant
            && (instant == UNSEEN || self.leaves_out_bad_times(set, frame.group))
        {
            hidden = hidden.and(Reasons::of(Reason::BadTime));
        }
        hidden
    }

    /// Whether a span of the set (and group) has bad times: it is left out of windows and may belong into any.
    pub(super) fn leaves_out_bad_times(&self, set: u32, group: Option<&[u8]>) -> bool {
        self.by_end(set, group).leaves_out
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

    /// The first or last span of a set by start, then span id, of both halves of a call the caller's first; `None` for an empty set. Of a
    /// whole set found once for each evaluation.
    fn edge(&self, set: u32, frame: Frame<'_>, last: bool) -> Result<Option<usize>, Reasons> {
        if !self.is_whole(set, frame) {
            return self.find_edge(set, frame, last);
        }
        if let Some(known) = self.told.edges.borrow().get(&(set, last)) {
            return *known;
        }
        let edge = self.find_edge(set, frame, last);
        self.told.edges.borrow_mut().insert((set, last), edge);
        edge
    }

    fn find_edge(&self, set: u32, frame: Frame<'_>, last: bool) -> Result<Option<usize>, Reasons> {
        let members = self.members_in(set, frame);
        let mut why = self.hidden_of(set, frame);
        let mut best: Option<(u64, u64, bool, usize)> = None;
        for member in &members {
            why = why.and(member.doubt());
            let Some(record) = self.record(member.at) else {
                continue;
            };
            if !record.times_are_good() {
                why = why.and(Reasons::of(Reason::BadTime));
            }
            let key = (record.start, record.id, is_entry(record.kind), member.at);
            best = match best {
                Some(found) if (key > found) != last => Some(found),
                _ => Some(key),
            };
        }
        if why.is_empty() { Ok(best.map(|(.., at)| at)) } else { Err(why) }
    }
}
