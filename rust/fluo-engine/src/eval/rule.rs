//! The verdict of a rule over what is known of a trace.

use super::groups::{Group, GroupId};
use super::view::{Frame, View};
use crate::plan::RulePlan;
use crate::truth::{Reasons, Truth};
use crate::verdict::Reason;

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Satisfied,
    Violated,
    Unknown(Reasons),
    NotApplicable,
}

impl Outcome {
    /// How bad it is for the trace, whose verdict is that of its worst group.
    const fn rank(self) -> u8 {
        match self {
            Self::Violated => 3,
            Self::Unknown(_) => 2,
            Self::Satisfied => 1,
            Self::NotApplicable => 0,
        }
    }

    /// The worse of two.
    #[must_use]
    pub(crate) const fn worse(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown(a), Self::Unknown(b)) => Self::Unknown(a.and(b)),
            _ if other.rank() > self.rank() => other,
            _ => self,
        }
    }
}

/// The outcome for one group, or for a rule without groups.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GroupOutcome {
    pub(crate) group: Option<Group>,
    pub(crate) outcome: Outcome,
    /// Whether the guard holds for certain.
    pub(crate) guarded: bool,
    /// The instant at which the claim is violated, for rules with windows.
    pub(crate) instant: Option<u64>,
    /// How many groups the outcome stands for beside its own: those beyond the limit.
    pub(crate) left_out: u64,
}

impl GroupOutcome {
    /// Canonical key of the group; empty for a rule without groups.
    pub(crate) fn group_key(&self) -> &[u8] {
        self.group.as_ref().map_or(&[], |group| &group.key)
    }

    /// Which group it is.
    pub(crate) fn group_id(&self) -> GroupId {
        GroupId::of(self.group_key())
    }
}

impl<'t> View<'t> {
    /// The outcomes of a rule: one for each of its groups, or one.
    pub(crate) fn outcomes(&self, rule: &'t RulePlan) -> Vec<GroupOutcome> {
        if rule.grouped_sets.is_empty() {
            return vec![self.single_outcome(rule)];
        }
        self.begin(rule);
        let mut groups = self.groups(rule);
        if self.steps.are_over() {
            return vec![self.cut(rule)];
        }
        if groups.is_empty() {
            let why = self.doubt_of_groups(rule);
            let applies = self.guard(rule, Frame::default());
            let outcome = if why.is_empty() || applies == Truth::False { Outcome::NotApplicable } else { Outcome::Unknown(why) };
            let guarded = match rule.widest.filter(|_| rule.guard_has_windows) {
                Some(widest) => self.over_instants(rule, None, widest).1,
                None => applies == Truth::True,
            };
            if self.steps.are_over() {
                return vec![self.cut(rule)];
            }
            return vec![GroupOutcome { group: None, outcome, guarded, instant: None, left_out: 0 }];
        }
        // Which groups are judged depends on their keys only, not on what came first.
        let left_out = groups.len().saturating_sub(self.max_groups());
        groups.truncate(self.max_groups());
        let mut outcomes: Vec<GroupOutcome> = Vec::with_capacity(groups.len() + 1);
        for group in groups {
            let mut outcome = self.outcome(rule, Some(group));
            // A group that may not exist is at most inconclusive.
            if outcome.outcome == Outcome::Violated
                && let Some(doubt) = self.doubt_of_group(rule, outcome.group_key())
            {
                (outcome.outcome, outcome.instant) = (Outcome::Unknown(doubt), None);
            }
            if self.steps.are_over() {
                // What was judged before stands. In which order the groups come depends on their keys only.
                outcomes.push(self.cut(rule));
                break;
            }
            outcomes.push(outcome);
        }
        if left_out > 0 {
            let outcome = Outcome::Unknown(Reasons::of(Reason::Cardinality));
            let guarded = rule.guard.is_none();
            outcomes.push(GroupOutcome { group: None, outcome, guarded, instant: None, left_out: left_out as u64 });
        }
        outcomes
    }

    /// The outcome of a rule without groups.
    pub(crate) fn single_outcome(&self, rule: &'t RulePlan) -> GroupOutcome {
        self.begin(rule);
        let outcome = self.outcome(rule, None);
        if self.steps.are_over() { self.cut(rule) } else { outcome }
    }

    /// A decision about a rule begins.
    fn begin(&self, rule: &RulePlan) {
        self.by.borrow_mut().clone_from(&rule.by);
        self.steps.begin();
        self.explaining.begin();
    }

    /// The outcome of a decision that took more steps than it may: whatever was found, nothing rests on it.
    fn cut(&self, rule: &RulePlan) -> GroupOutcome {
        self.steps.count_cut();
        let outcome = Outcome::Unknown(Reasons::of(Reason::Limit));
        GroupOutcome { group: None, outcome, guarded: rule.guard.is_none(), instant: None, left_out: 0 }
    }

    /// Why there may be groups although none was found.
    fn doubt_of_groups(&self, rule: &RulePlan) -> Reasons {
        let (mut why, mut room) = (self.hidden, Vec::new());
        for set in &rule.grouped_sets {
            why = why.and(self.hidden_of(*set, Frame::default()));
            for member in self.members(*set).iter() {
                why = why.and(self.each_group(member.at, &rule.by, &mut room, |_| {}));
            }
        }
        why
    }

    fn outcome(&self, rule: &'t RulePlan, group: Option<Group>) -> GroupOutcome {
        let key = group.as_ref().map(|g| &*g.key);
        let (outcome, guarded, instant) = match rule.widest {
            Some(widest) => self.over_instants(rule, key, widest),
            None => {
                let (outcome, guarded) = self.at(rule, Frame { group: key, instant: None });
                (outcome, guarded, None)
            }
        };
        GroupOutcome { group, outcome, guarded, instant, left_out: 0 }
    }

    /// Whether the claim is made in a frame.
    pub(super) fn guard(&self, rule: &'t RulePlan, frame: Frame<'_>) -> Truth {
        let frame = if rule.guard_is_derived { Frame { instant: None, ..frame } } else { frame };
        rule.guard.as_ref().map_or(Truth::True, |guard| self.truth(guard, frame))
    }

    /// The outcome in one frame, and whether the guard holds for certain.
    pub(super) fn at(&self, rule: &'t RulePlan, frame: Frame<'_>) -> (Outcome, bool) {
        let guard = self.guard(rule, frame);
        judged(guard, || self.truth(&rule.claim, frame))
    }
}

/// The outcome of a claim under its guard, and whether the guard holds for certain. The claim is asked only where it may be made.
pub(crate) fn judged(guard: Truth, claim: impl FnOnce() -> Truth) -> (Outcome, bool) {
    if matches!(guard, Truth::False | Truth::NotApplicable) {
        return (Outcome::NotApplicable, false);
    }
    let outcome = match (guard, claim()) {
        (_, Truth::NotApplicable) => Outcome::NotApplicable,
        (Truth::Unknown(why), Truth::Unknown(more)) => Outcome::Unknown(why.and(more)),
        (Truth::Unknown(why), _) => Outcome::Unknown(why),
        (_, Truth::True) => Outcome::Satisfied,
        (_, Truth::False) => Outcome::Violated,
        (_, Truth::Unknown(why)) => Outcome::Unknown(why),
    };
    (outcome, guard == Truth::True)
}
