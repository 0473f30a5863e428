//! The claim of a group at one instant, and what a signal says of it.

use super::announce::{Deciding, News, gathered};
use super::lane::{Cursor, Lane};
use super::measure::{Pane, Panes};
use super::pass::Group;
use super::running::Running;
use crate::eval::explain::{MAX_EVIDENCE, show};
use crate::eval::facts;
use crate::eval::rule::{Outcome, judged};
use crate::plan::{LanePlan, SweepPlan};
use crate::truth::{Reasons, Truth};
use crate::verdict::Reason;

/// A group, and everything that its claim looks at.
#[derive(Clone, Copy)]
pub(super) struct Judge<'p> {
    pub(super) sweep: &'p SweepPlan,
    /// Its canonical key; none for what stands for all groups whose windows are empty.
    pub(super) key: Option<&'p [u8]>,
    pub(super) group: &'p Group,
    /// Lanes that all groups share; those of grouped lanes hold spans that may be in any group.
    pub(super) shared: &'p [Lane],
    pub(super) with_groups: bool,
}

impl<'p> Judge<'p> {
    /// Whether the group has a lane of its own.
    pub(super) const fn owns(&self, plan: &LanePlan) -> bool {
        plan.grouped || !self.with_groups
    }

    pub(super) fn lane(&self, at: usize) -> &'p Lane {
        static EMPTY: std::sync::LazyLock<Lane> = std::sync::LazyLock::new(Lane::default);
        let owned = self.sweep.lanes.get(at).is_some_and(|plan| self.owns(plan));
        let lanes = if owned { &self.group.lanes } else { self.shared };
        lanes.get(at).unwrap_or(&EMPTY)
    }

    pub(super) fn strays(&self, at: usize) -> Option<&'p Lane> {
        let grouped = self.sweep.lanes.get(at).is_some_and(|plan| plan.grouped);
        (grouped && self.with_groups).then(|| self.shared.get(at)).flatten()
    }

    /// `running` are the numbers that follow the windows at these cursors; none where they are to be found by definition.
    fn with_panes<R>(&self, cursors: &[Cursor], running: &[Vec<Running>], t: u64, look: impl FnOnce(&Panes<'_>) -> R) -> R {
        let panes: Vec<Pane<'_>> = self
            .sweep
            .lanes
            .iter()
            .zip(cursors)
            .enumerate()
            .map(|(at, (plan, cursor))| Pane {
                plan,
                lane: self.lane(at),
                cursor: *cursor,
                running: running.get(at).map_or(&[], Vec::as_slice),
                strays: self.strays(at),
            })
            .collect();
        let lost = if t < self.group.lost_until { Reasons::of(Reason::Cardinality) } else { Reasons::NONE };
        look(&Panes { sweep: self.sweep, panes: &panes, key: self.key, instant: t, lost })
    }

    /// What the claim comes to in these windows.
    pub(super) fn outcome(&self, cursors: &[Cursor], running: &[Vec<Running>], t: u64) -> Outcome {
        self.with_panes(cursors, running, t, |panes| {
            let guard = self.sweep.guard.as_ref().map_or(Truth::True, |guard| facts::truth(guard, panes));
            judged(guard, || facts::truth(&self.sweep.claim, panes)).0
        })
    }

    /// What a signal says of these windows.
    pub(super) fn news(&self, cursors: &[Cursor], running: &[Vec<Running>], t: u64, on_arrival: bool, deciding: Deciding) -> News {
        let mut spans: Vec<(u64, u64)> = Vec::new();
        let mut showing: Vec<&(String, String)> = Vec::new();
        let mut missing = Vec::new();
        for (at, (plan, cursor)) in self.sweep.lanes.iter().zip(cursors).enumerate() {
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
        let observed = self.with_panes(cursors, running, t, |panes| {
            let value = |term| show(&facts::value(term, panes));
            self.sweep.observed.iter().map(|(text, term)| (text.clone(), value(term))).collect()
        });
        News {
            window: Some((t.saturating_sub(self.sweep.widest), t)),
            deciding: (deciding != Deciding::default()).then_some(deciding),
            on_arrival,
            time: t,
            observed,
            evidence: spans.into_iter().map(|(_, span)| span).collect(),
            missing,
            shown: gathered(showing.into_iter()),
            ..News::default()
        }
    }
}
