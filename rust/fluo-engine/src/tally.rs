//! Verdicts counted by rule.

use std::collections::BTreeMap;

use crate::eval::rule::Outcome;
use crate::stats::{Revision, RuleStats};
use crate::verdict::{Reason, Verdict};

/// The verdicts of one rule.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    satisfied: u64,
    violated: u64,
    not_applicable: u64,
    inconclusive: [u64; Reason::ALL.len()],
    /// Verdicts that became others.
    revisions: BTreeMap<(Verdict, Verdict), u64>,
    /// Whole traces that had news for the rule.
    pub(crate) looked_at: u64,
}

/// The verdict of an outcome at completion. What is unknown only because more spans could come is the engine's end.
pub(crate) fn verdict(outcome: Outcome) -> Verdict {
    match outcome {
        Outcome::Satisfied => Verdict::Satisfied,
        Outcome::Violated => Verdict::Violated,
        Outcome::NotApplicable => Verdict::NotApplicable,
        Outcome::Unknown(why) => Verdict::Inconclusive(why.first().unwrap_or(Reason::Shutdown)),
    }
}

impl Tally {
    fn slot(&mut self, verdict: Verdict) -> Option<&mut u64> {
        match verdict {
            Verdict::Satisfied => Some(&mut self.satisfied),
            Verdict::Violated => Some(&mut self.violated),
            Verdict::NotApplicable => Some(&mut self.not_applicable),
            Verdict::Inconclusive(reason) => self.inconclusive.get_mut(reason as usize),
        }
    }

    /// Counts a verdict.
    pub(crate) fn add(&mut self, verdict: Verdict) {
        if let Some(slot) = self.slot(verdict) {
            *slot += 1;
        }
    }

    /// Counts that a verdict became another. Both stay counted as they were, so that no count ever falls.
    pub(crate) fn revise(&mut self, from: Verdict, to: Verdict) {
        *self.revisions.entry((from, to)).or_default() += 1;
    }

    /// All verdicts: of `whole` traces those that had no news for the rule got its baseline.
    pub(crate) fn with_baseline(&self, baseline: Option<Verdict>, whole: u64) -> Self {
        let without_news = whole.saturating_sub(self.looked_at);
        let mut all = self.clone();
        if let Some(slot) = baseline.and_then(|verdict| all.slot(verdict)) {
            *slot += without_news;
        }
        all
    }

    /// Adds all verdicts of a rule that this one comes after.
    pub(crate) fn join(&mut self, before: &Self) {
        self.satisfied += before.satisfied;
        self.violated += before.violated;
        self.not_applicable += before.not_applicable;
        self.inconclusive.iter_mut().zip(before.inconclusive).for_each(|(count, more)| *count += more);
        for (change, count) in &before.revisions {
            *self.revisions.entry(*change).or_default() += count;
        }
    }

    /// Adds to statistics. Of `whole` traces those that had no news for the rule got its baseline.
    pub(crate) fn add_to(&self, stats: &mut RuleStats, baseline: Option<Verdict>, whole: u64) {
        self.with_baseline(baseline, whole).sum_into(stats);
    }

    fn sum_into(&self, stats: &mut RuleStats) {
        stats.satisfied += self.satisfied;
        stats.violated += self.violated;
        stats.not_applicable += self.not_applicable;
        for (reason, count) in Reason::ALL.into_iter().zip(self.inconclusive) {
            *stats.inconclusive.entry(reason.name()).or_default() += count;
        }
        for ((from, to), count) in &self.revisions {
            let (from, from_reason, to, to_reason) = (from.word(), from.reason(), to.word(), to.reason());
            let same = |r: &&mut Revision| (r.from, r.from_reason, r.to, r.to_reason) == (from, from_reason, to, to_reason);
            match stats.revisions.iter_mut().find(same) {
                Some(revision) => revision.count += count,
                None => stats.revisions.push(Revision { from, from_reason, to, to_reason, count: *count }),
            }
        }
    }
}

/// The inconclusive map of a rule that has decided nothing.
pub(crate) fn no_reasons() -> BTreeMap<&'static str, u64> {
    Reason::ALL.into_iter().map(|r| (r.name(), 0)).collect()
}
