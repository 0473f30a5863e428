//! What all groups of a rule share, without a look at each of them for every change of it.
//!
//! A group whose windows are empty is *idle*: what its claim comes to depends only on what all groups share, so one pass over an empty
//! group stands for all of them. Groups are looked at one by one while they are not idle, and all of them only where that pass finds a
//! violation, which is then one of each.

use super::judge::Judge;
use super::pass::{Group, Pass, Presence};
use super::sweep::Sweep;
use crate::eval::rule::Outcome;
use crate::plan::{SweepPlan, WindowPlan};
use crate::truth::Reasons;
use crate::window::base::Context;

/// Groups that are all looked at whatever they do.
const FEW: usize = 256;

/// Groups that are not idle, and what the claim came to for those that are.
#[derive(Debug, Default)]
pub(super) struct Idle {
    /// Slots of the groups that are not idle; some may be out of date.
    active: Vec<u32>,
    /// Instants before this one are judged for idle groups.
    passed: u64,
    /// Until when the claim held at some instant for them, and until when it was in doubt, and why.
    satisfied: u64,
    doubted: u64,
    why: Reasons,
}

impl Idle {
    pub(super) const fn heap_bytes(&self) -> usize {
        self.active.capacity() * size_of::<u32>()
    }
}

impl Sweep {
    /// Lets a group be looked at for every change of what all groups share.
    pub(super) fn awaken(&mut self, at: u32) {
        let Some(group) = self.groups.get_mut(at).filter(|group| !group.active) else { return };
        group.active = true;
        if let Some(presence) = &mut group.presence {
            let position = group.position;
            let since = [(self.idle.satisfied, Outcome::Satisfied), (self.idle.doubted, Outcome::Unknown(self.idle.why))];
            for (_, outcome) in since.into_iter().filter(|(until, _)| *until > position) {
                presence.worst = Some(presence.worst.map_or(outcome, |worst| worst.worse(outcome)));
            }
        }
        group.position = group.position.max(self.idle.passed);
        self.idle.active.push(at);
        if self.idle.active.len() > 2 * self.groups.len() + FEW {
            self.list_active();
        }
    }

    /// Lists the groups that are not idle anew: some were forgotten, or have got another slot.
    pub(super) fn list_active(&mut self) {
        self.idle.active = self.groups.all().filter(|(_, group)| group.active).map(|(at, _)| at).collect();
    }

    /// Notes that a group is idle, if it is.
    pub(super) fn rest(&mut self, sweep: &SweepPlan, at: u32) {
        let wait = if sweep.only_breaks { 0 } else { sweep.widest };
        let all_grouped = sweep.lanes.iter().all(|lane| lane.grouped);
        let Some(group) = self.groups.get_mut(at) else { return };
        // Spans that may be of the group make a claim undecided at most: they neither begin nor end a violation.
        let is_calm = |p: &Presence| p.first.saturating_add(wait) < group.position && (p.since.is_none() || all_grouped);
        let is_idle = group.presence.as_ref().is_some_and(is_calm)
            && group.lost_until < group.position
            && group.lanes.iter().all(super::lane::Lane::is_empty);
        group.active = !is_idle;
    }

    /// Judges what changed for all groups before an instant.
    pub(super) fn pass_over_shared(&mut self, window: &WindowPlan, sweep: &SweepPlan, time: u64, context: &mut Context<'_>) {
        let mut listed = std::mem::take(&mut self.idle.active);
        if self.groups.len() <= FEW || !self.pass_over_idle(sweep, time) {
            listed = self.groups.all().map(|(at, _)| at).collect();
        }
        for at in &listed {
            self.pass_over(window, sweep, *at, time, context);
        }
        while let Some(at) = self.groups.due_before(time) {
            self.pass_over(window, sweep, at, time, context);
        }
        listed.append(&mut self.idle.active);
        listed.sort_unstable();
        listed.dedup();
        listed.retain(|at| self.groups.get(*at).is_some_and(|group| group.active));
        self.idle.active = listed;
        self.idle.passed = self.idle.passed.max(time);
    }

    /// Judges what all groups share for those that have nothing else; false where it has to be judged for each of them.
    fn pass_over_idle(&mut self, sweep: &SweepPlan, time: u64) -> bool {
        let presence = Presence { last: u64::MAX, ..Presence::new(0, 0) };
        let group = Group { position: self.idle.passed, presence: Some(presence), ..Group::default() };
        let judge = Judge { sweep, key: None, group: &group, shared: &self.shared, with_groups: true };
        let mut pass = Pass::new(judge, false);
        while pass.step(time, &mut Vec::new()) {}
        match pass.presence.and_then(|presence| presence.worst) {
            Some(Outcome::Violated) => return sweep.lanes.iter().all(|lane| lane.grouped),
            Some(Outcome::Satisfied) => self.idle.satisfied = time,
            Some(Outcome::Unknown(why)) => (self.idle.doubted, self.idle.why) = (time, self.idle.why.and(why)),
            _ => {}
        }
        true
    }
}
