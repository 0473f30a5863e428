//! A pass over the instants of a group at which some window of a claim changes.

use super::announce::{Deciding, News, gathered};
use super::episode::{Episodes, History};
use super::lane::{Cursor, Lane};
use super::measure::{Pane, Panes};
use super::running::Running;
use crate::eval::explain::{MAX_EVIDENCE, show};
use crate::eval::facts;
use crate::eval::rule::{Outcome, judged};
use crate::plan::{LanePlan, SweepPlan};
use crate::truth::{Reasons, Truth};
use crate::verdict::Reason;

/// A group without a span for as long as this, and for its widest window, is forgotten. Nanoseconds.
const FORGET: u64 = 3_600_000_000_000;

/// The state of a group.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) lanes: Box<[Lane]>,
    /// Every instant before this one is judged for good.
    pub(super) position: u64,
    pub(super) first_end: u64,
    pub(super) last_end: u64,
    /// The instant since which the claim is violated, as judged for good.
    pub(super) violated_since: Option<u64>,
    pub(super) episodes: Episodes,
    pub(super) history: History,
    pub(super) worst: Option<Outcome>,
    pub(super) newest: Deciding,
    /// Until when spans may be missing in the windows because the group was forgotten.
    pub(super) lost_until: u64,
    /// The bytes that the monitor counts for it.
    pub(super) counted: usize,
    /// Spans of the group that the look ahead has not taken in, and the first end among them.
    pub(super) unseen: usize,
    pub(super) ahead_from: Option<u64>,
}

/// A violated window.
pub(super) struct Broken {
    pub(super) from: u64,
    /// When it is over as far as is known.
    pub(super) to: u64,
    pub(super) anchor: u64,
    pub(super) news: News,
}

impl Group {
    /// Bytes held outside of itself.
    pub(super) fn heap_bytes(&self) -> usize {
        let lanes: usize = self.lanes.iter().map(|lane| size_of::<Lane>() + lane.heap_bytes()).sum();
        lanes + self.episodes.heap_bytes()
    }
}

/// One pass over the instants of a group.
pub(super) struct Pass<'p> {
    sweep: &'p SweepPlan,
    group: &'p Group,
    key: &'p [u8],
    shared: &'p [Lane],
    with_groups: bool,
    pub(super) cursors: Vec<Cursor>,
    /// The numbers that follow the windows of the group's own lanes.
    pub(super) running: Vec<Vec<Running>>,
    /// The instant at hand.
    t: u64,
    /// The first instant that is judged.
    from: u64,
    /// The last one, when the group is forgotten.
    pub(super) until: u64,
}

impl<'p> Pass<'p> {
    /// A pass over the instants that are not judged for good.
    pub(super) fn new(sweep: &'p SweepPlan, (key, group): (&'p [u8], &'p Group), shared: &'p [Lane], with_groups: bool) -> Self {
        let mut pass = Self {
            sweep,
            group,
            key,
            shared,
            with_groups,
            cursors: Vec::new(),
            running: Vec::new(),
            t: group.position,
            from: if sweep.only_breaks { group.first_end } else { group.first_end.saturating_add(sweep.widest) },
            until: if with_groups { group.last_end.saturating_add(sweep.widest.max(FORGET)) } else { u64::MAX },
        };
        let start = pass.t.saturating_sub(1);
        let cursor = |(at, plan): (usize, &LanePlan)| {
            if pass.owns(plan) { pass.lane(at).settled() } else { pass.lane(at).cursor_at(start, plan.width) }
        };
        pass.cursors = sweep.lanes.iter().enumerate().map(cursor).collect();
        pass
    }

    /// A pass that begins at this instant, ahead of what is judged for good. `running` are the group's numbers, where it has any: they
    /// have to follow all the way.
    pub(super) fn ahead(mut self, first: u64, running: Vec<Vec<Running>>) -> Self {
        self.running = running;
        if first > self.t {
            let start = first.saturating_sub(1);
            if self.running.iter().any(|numbers| !numbers.is_empty()) {
                self.go(start);
            } else {
                self.cursors = self.sweep.lanes.iter().enumerate().map(|(at, plan)| self.lane(at).cursor_at(start, plan.width)).collect();
            }
            self.t = first;
        }
        self
    }

    /// Whether the group has a lane of its own.
    fn owns(&self, plan: &LanePlan) -> bool {
        plan.grouped || !self.with_groups
    }

    fn lane(&self, at: usize) -> &'p Lane {
        static EMPTY: std::sync::LazyLock<Lane> = std::sync::LazyLock::new(Lane::default);
        let owned = self.sweep.lanes.get(at).is_some_and(|plan| self.owns(plan));
        let lanes = if owned { &self.group.lanes } else { self.shared };
        lanes.get(at).unwrap_or(&EMPTY)
    }

    fn strays(&self, at: usize) -> Option<&'p Lane> {
        let grouped = self.sweep.lanes.get(at).is_some_and(|plan| plan.grouped);
        (grouped && self.with_groups).then(|| self.shared.get(at)).flatten()
    }

    /// The next instant at which something changes.
    pub(super) fn next(&self) -> Option<u64> {
        let last = self.t.saturating_sub(1);
        let lanes = self.sweep.lanes.iter().zip(&self.cursors).enumerate().filter_map(|(at, (plan, cursor))| {
            let own = self.lane(at).next_change(*cursor, last, plan.width);
            let stray = self.strays(at).and_then(|strays| strays.next_change(Cursor::default(), last, plan.width));
            [own, stray].into_iter().flatten().min()
        });
        let edges = [self.from, self.until].into_iter().filter(|t| *t >= self.t && *t != u64::MAX);
        lanes.chain(edges).min().map(|t| t.max(self.t))
    }

    /// Goes on to an instant.
    pub(super) fn go(&mut self, t: u64) {
        self.t = t.saturating_add(1);
        for at in 0..self.cursors.len() {
            let Some(plan) = self.sweep.lanes.get(at) else { continue };
            let lane = self.lane(at);
            let running = self.running.get_mut(at).map_or(&mut [][..], Vec::as_mut_slice);
            if let Some(cursor) = self.cursors.get_mut(at) {
                lane.slide(cursor, running, plan, t);
            }
        }
    }

    fn with_panes<R>(&self, t: u64, look: impl FnOnce(&Panes<'_>) -> R) -> R {
        let panes: Vec<Pane<'_>> = self
            .sweep
            .lanes
            .iter()
            .zip(&self.cursors)
            .enumerate()
            .map(|(at, (plan, cursor))| Pane {
                plan,
                lane: self.lane(at),
                cursor: *cursor,
                running: self.running.get(at).map_or(&[], Vec::as_slice),
                strays: self.strays(at),
            })
            .collect();
        let lost = if t < self.group.lost_until { Reasons::of(Reason::Cardinality) } else { Reasons::NONE };
        look(&Panes { sweep: self.sweep, panes: &panes, key: self.key, instant: t, lost })
    }

    /// The outcome at an instant that [`Pass::go`] went to; `None` where the claim is not made yet.
    pub(super) fn outcome(&self, t: u64) -> Option<Outcome> {
        if t < self.from || t > self.until {
            return None;
        }
        Some(self.with_panes(t, |panes| {
            let guard = self.sweep.guard.as_ref().map_or(Truth::True, |guard| facts::truth(guard, panes));
            judged(guard, || facts::truth(&self.sweep.claim, panes)).0
        }))
    }

    /// What a signal says of the window at an instant.
    pub(super) fn broken(&self, t: u64, on_arrival: bool) -> Broken {
        let mut spans: Vec<(u64, u64)> = Vec::new();
        let mut showing: Vec<&(String, String)> = Vec::new();
        let mut missing = Vec::new();
        for (at, (plan, cursor)) in self.sweep.lanes.iter().zip(&self.cursors).enumerate() {
            let before = spans.len();
            for entry in self.lane(at).window(*cursor) {
                spans.push((entry.end, entry.span));
                showing.extend(entry.row.as_deref().into_iter().flat_map(|row| &row.shown));
                if spans.len() > before + MAX_EVIDENCE {
                    break;
                }
            }
            if spans.len() == before && !self.sweep.only_breaks && !missing.contains(&plan.text) {
                missing.push(plan.text.clone());
            }
        }
        spans.sort_unstable();
        spans.dedup();
        let anchor = spans.first().map_or(t, |(end, _)| *end);
        let observed = self.with_panes(t, |panes| {
            let value = |term| show(&facts::value(term, panes));
            self.sweep.observed.iter().map(|(text, term)| (text.clone(), value(term))).collect()
        });
        let news = News {
            window: Some((t.saturating_sub(self.sweep.widest), t)),
            deciding: (self.group.newest != Deciding::default()).then_some(self.group.newest),
            on_arrival,
            time: t,
            observed,
            evidence: spans.into_iter().map(|(_, span)| span).collect(),
            missing,
            shown: gathered(showing.into_iter()),
            ..News::default()
        };
        Broken { from: t, to: u64::MAX, anchor, news }
    }
}
