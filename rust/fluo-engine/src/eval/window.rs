//! `.within(D)` inside a trace: the claim is made at every instant, and all windows end at the same one.

use super::rule::Outcome;
use super::view::{Frame, UNSEEN, View};
use crate::plan::RulePlan;
use crate::truth::{Reasons, Truth};
use crate::verdict::Reason;

impl<'t> View<'t> {
    /// The worst outcome over all instants of the trace, with the first violating one.
    ///
    /// Instants run from the first end plus the widest window to the last end; a claim that more spans can only break is judged
    /// before that as well. Between two instants at which a span enters or leaves a window nothing changes, so only those are looked at.
    pub(super) fn over_instants(&self, rule: &'t RulePlan, group: Option<&[u8]>, widest: u64) -> (Outcome, bool, Option<u64>) {
        let trace = self.trace;
        let first = if rule.only_breaks { trace.first_end } else { trace.first_end.saturating_add(widest) };
        let mut worst = Outcome::NotApplicable;
        // A guard without windows of its own holds or not whatever the instant is.
        let mut guarded = !rule.guard_has_windows && self.guard(rule, Frame { group, instant: None }) == Truth::True;
        let mut violated_at = None;
        if trace.first_end != 0 && first <= trace.last_end {
            for instant in self.instants(rule, group, first, trace.last_end) {
                if self.steps.are_over() {
                    break;
                }
                let (outcome, holds) = self.at(rule, Frame { group, instant: Some(instant) });
                guarded |= holds && rule.guard_has_windows;
                worst = worst.worse(outcome);
                if outcome == Outcome::Violated {
                    violated_at = Some(instant);
                    break;
                }
            }
        }
        // While the trace is open there may be instants of any kind to come.
        if worst != Outcome::Violated && self.hidden.has(Reasons::OPEN) {
            return (worst.worse(Outcome::Unknown(Reasons::OPEN)), guarded, None);
        }
        if worst == Outcome::Violated || self.guard(rule, Frame { group, instant: None }) == Truth::False {
            return (worst, guarded, violated_at);
        }
        // Spans that nobody sees, and those with bad times, may lie in the windows and before and after all that was seen.
        let mut doubt = self.hidden;
        if rule.windowed_sets.iter().any(|set| self.leaves_out_bad_times(*set, group)) {
            doubt = doubt.and(Reasons::of(Reason::BadTime));
        }
        let is_decided = doubt.is_empty() || self.holds_unseen(rule, group, worst);
        if !is_decided {
            worst = worst.worse(Outcome::Unknown(doubt));
        }
        (worst, guarded, violated_at)
    }

    /// Whether windows of which nothing was seen, so that any spans may be in them, leave the outcome as it is.
    fn holds_unseen(&self, rule: &'t RulePlan, group: Option<&[u8]>, worst: Outcome) -> bool {
        let (unseen, _) = self.at(rule, Frame { group, instant: Some(UNSEEN) });
        unseen == Outcome::NotApplicable || (unseen, worst) == (Outcome::Satisfied, Outcome::Satisfied)
    }

    /// The instants in `[first, last]` at which some window of the rule changes, and `first` itself.
    fn instants(&self, rule: &RulePlan, group: Option<&[u8]>, first: u64, last: u64) -> Vec<u64> {
        let mut instants = vec![first];
        for set in &rule.windowed_sets {
            let Some(width) = self.set(*set).and_then(|s| s.within) else {
                continue;
            };
            let by_end = self.by_end(*set, group);
            instants.extend(by_end.ends.iter().flat_map(|end| [*end, end.saturating_add(width)]));
        }
        instants.retain(|t| (first..=last).contains(t));
        self.steps.sort(instants.len());
        instants.sort_unstable();
        instants.dedup();
        instants
    }
}
