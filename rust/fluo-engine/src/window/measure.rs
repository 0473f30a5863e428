//! Numbers over the windows of a group at one instant.

use super::lane::{Cursor, Entry, Lane, Possible};
use super::running::{Answer, Running};
use crate::eval::aggregate::{Run, Sample, longest_run, measured};
use crate::eval::cell::{self, Cell};
use crate::eval::distinct::distinct;
use crate::eval::facts::{Facts, of_read};
use crate::expr::read::Read;
use crate::plan::{Distinguished, Function, LanePlan, SweepPlan};
use crate::truth::{Reasons, Truth};
use crate::value::Val;
use crate::verdict::Reason;

/// Spans of a window that are looked at again at every instant where something about it is in doubt.
const MOST_LOOKED_AT: usize = 4_096;

/// One window at the instant at hand.
#[derive(Clone, Copy)]
pub(super) struct Pane<'w> {
    pub(super) plan: &'w LanePlan,
    pub(super) lane: &'w Lane,
    pub(super) cursor: Cursor,
    /// The numbers that follow the window, at the places of [`LanePlan::running`]; none where they are to be found by definition.
    pub(super) running: &'w [Running],
    /// Spans that may be in any group.
    pub(super) strays: Option<&'w Lane>,
}

/// All windows of a group at one instant.
pub(super) struct Panes<'w> {
    pub(super) sweep: &'w SweepPlan,
    pub(super) panes: &'w [Pane<'w>],
    /// Canonical key of the group; none for any.
    pub(super) key: Option<&'w [u8]>,
    pub(super) instant: u64,
    /// Why spans that came may be forgotten.
    pub(super) lost: Reasons,
}

impl<'w> Panes<'w> {
    fn pane(&self, set: u32) -> Option<&Pane<'w>> {
        let (_, lane) = self.sweep.lane_of_set.iter().find(|(known, _)| *known == set)?;
        self.panes.get(*lane)
    }

    fn certain<'p>(&self, pane: &'p Pane<'w>) -> impl Iterator<Item = &'w Entry> + use<'w, 'p> {
        pane.lane.window(pane.cursor)
    }

    fn possible<'p>(&self, pane: &'p Pane<'w>) -> impl Iterator<Item = &'w Possible> + use<'w, 'p> {
        let (t, width) = (self.instant, pane.plan.width);
        let key = self.key;
        let strays = pane.strays.into_iter().flat_map(move |strays| strays.possible(t, width));
        let strays =
            strays.filter(move |stray| stray.whereabouts.as_ref().is_some_and(|places| key.is_none_or(|key| places.may_be_in(key))));
        pane.lane.possible(t, width).chain(strays)
    }

    /// Why the window may hold more than is known.
    fn hidden(&self, pane: &Pane<'_>) -> Reasons {
        let forgotten = if pane.plan.grouped { self.lost } else { Reasons::NONE };
        let of_any = pane.strays.map_or(Reasons::NONE, |strays| strays.lacks(self.instant));
        forgotten.and(of_any).and(pane.lane.lacks(self.instant))
    }

    fn doubt(&self, pane: &Pane<'w>) -> Reasons {
        self.possible(pane).fold(self.hidden(pane), |why, p| why.and(p.why))
    }

    /// What the number that follows the window says where it is known that spans are missing, or where too many would have to be
    /// looked at again at every instant because of a few doubtful ones.
    fn in_part(&self, pane: &Pane<'w>, function: &Function) -> Option<Cell<'w>> {
        let is_long = pane.cursor.inside - pane.cursor.out > MOST_LOOKED_AT;
        let at = pane.plan.running.iter().position(|known| known == function)?;
        let number = pane.running.get(at)?;
        if self.hidden(pane).is_empty() && !is_long {
            return None;
        }
        let doubt = self.doubt(pane);
        Some(match (number.value(), function) {
            _ if doubt.is_empty() => Cell::Unknown(Reasons::of(Reason::Dropped)),
            (Some(Answer::Value(Val::Int(low))), Function::Distinct(_)) => Cell::count(u64::try_from(low).unwrap_or(0), None, doubt),
            (Some(Answer::Value(value)), _) => {
                let mut sample = Sample::default();
                sample.add(Read { value: Some(value), ..Read::MISSING }, true, doubt);
                measured(&sample, function, doubt)
            }
            _ => Cell::Unknown(doubt),
        })
    }

    /// The number that follows the window, where everything in it is known.
    fn running(&self, pane: &Pane<'w>, function: &Function) -> Option<Cell<'w>> {
        if !self.hidden(pane).is_empty() || self.possible(pane).next().is_some() {
            return None;
        }
        let at = pane.plan.running.iter().position(|known| known == function)?;
        Some(match pane.running.get(at)?.value()? {
            Answer::Value(value) => Cell::Exact(value),
            Answer::Missing => Cell::Missing,
            Answer::OfNothing => Cell::NotApplicable,
        })
    }

    fn sample(&self, pane: &Pane<'w>, term: u32) -> Sample<'w> {
        let mut sample = Sample::default();
        for entry in self.certain(pane) {
            sample.add(read(pane.plan, entry, term), true, Reasons::NONE);
        }
        for possible in self.possible(pane) {
            sample.add(read(pane.plan, &possible.entry, term), false, possible.why);
        }
        sample
    }
}

/// The kept value of a term.
fn read<'w>(plan: &LanePlan, entry: &'w Entry, term: u32) -> Read<'w> {
    let column = plan.columns.iter().position(|column| *column == term);
    let read = column.and_then(|at| entry.row.as_deref()?.reads.get(at));
    read.map_or(Read::MISSING, |read| Read { value: read.value.as_ref().map(Val::borrowed), unknown: read.unknown, many: read.many })
}

impl<'w> Facts<'w> for Panes<'w> {
    fn is_not_empty(&self, set: u32, _tested: u32) -> Truth {
        let Some(pane) = self.pane(set) else { return Truth::False };
        if pane.cursor.out < pane.cursor.inside {
            return Truth::True;
        }
        let hidden = self.hidden(pane);
        let unseen = if hidden.is_empty() { Truth::False } else { Truth::Unknown(hidden) };
        self.possible(pane).fold(unseen, |any, p| any.or(Truth::Unknown(p.why)))
    }

    fn aggregate(&self, set: u32, function: &'w Function) -> Cell<'w> {
        let Some(pane) = self.pane(set) else { return Cell::Missing };
        let hidden = self.hidden(pane);
        if let Some(number) = self.running(pane, function).or_else(|| self.in_part(pane, function)) {
            return number;
        }
        match function {
            Function::Count => {
                let low = (pane.cursor.inside - pane.cursor.out) as u64;
                let high = hidden.is_empty().then(|| low + self.possible(pane).count() as u64);
                Cell::count(low, high, self.doubt(pane))
            }
            Function::Rate(width) => {
                let count = self.aggregate(set, &Function::Count);
                #[expect(clippy::cast_precision_loss, reason = "a window's length in seconds")]
                let seconds = Val::Float(*width as f64 / 1e9);
                cell::arith(fluo_lang::program::ArithOp::Div, &count, &Cell::Exact(seconds))
            }
            Function::Distinct(terms) => {
                let keys = |entry: &'w Entry| terms.iter().map(|term| read(pane.plan, entry, *term)).collect::<Vec<_>>();
                let certain = self.certain(pane).map(|entry| (keys(entry), true, Reasons::NONE));
                let possible = self.possible(pane).map(|p| (keys(&p.entry), false, p.why));
                distinct(certain.chain(possible), hidden)
            }
            Function::LongestRun(terms) => {
                let run = |entry: &'w Entry| {
                    let (start, trace) = entry.row.as_deref().map_or((0, [0; 16]), |row| (row.start, row.trace));
                    Run { order: (start, entry.span, trace), reads: terms.iter().map(|term| read(pane.plan, entry, *term)).collect() }
                };
                longest_run(self.certain(pane).map(run).collect(), self.doubt(pane))
            }
            // In flight at an instant is another monitor's.
            Function::Concurrent => Cell::Missing,
            Function::Sum { term, .. } | Function::Min(term) | Function::Max(term) | Function::Avg(term) | Function::Quantile(term, _) => {
                measured(&self.sample(pane, *term), function, hidden)
            }
        }
    }

    fn of_span(&self, span: Distinguished, term: u32) -> Cell<'w> {
        let (set, last) = match span {
            Distinguished::First(set) => (set, false),
            Distinguished::Last(set) => (set, true),
            Distinguished::Root => return Cell::Missing,
        };
        let Some(pane) = self.pane(set) else { return Cell::Missing };
        let why = self.doubt(pane);
        if !why.is_empty() {
            return Cell::Unknown(why);
        }
        let order = |entry: &&Entry| entry.row.as_deref().map(|row| (row.start, entry.span, row.trace));
        let found = if last { self.certain(pane).max_by_key(order) } else { self.certain(pane).min_by_key(order) };
        found.map_or(Cell::NotApplicable, |entry| of_read(read(pane.plan, entry, term)))
    }

    fn depth(&self) -> Cell<'w> {
        Cell::Missing
    }

    fn trace_duration(&self) -> Cell<'w> {
        Cell::Missing
    }
}
