//! What a decision may cost. Steps are counted and not timed, so that a trace has the same verdict on every machine.
//!
//! A step is a look at one span, at one pair of spans, or at one place of a list that is sorted or searched. Where a decision has taken
//! all that it may, whatever is asked further is unknown, and the rule's outcome is undecided: no verdict rests on a look that was cut.

use std::cell::Cell;

/// The steps of the decisions that one view gives.
#[derive(Debug)]
pub(crate) struct Steps {
    most: u64,
    taken: Cell<u64>,
    before: Cell<u64>,
    cut: Cell<u64>,
}

impl Steps {
    /// For decisions of so many steps at most.
    pub(super) const fn new(most: u64) -> Self {
        Self { most, taken: Cell::new(0), before: Cell::new(0), cut: Cell::new(0) }
    }

    /// A decision begins.
    pub(super) fn begin(&self) {
        self.before.set(self.all());
        self.taken.set(0);
    }

    /// Counts steps.
    pub(super) fn take(&self, count: usize) {
        self.take_all(count as u64);
    }

    /// Counts the steps of another view.
    pub(super) fn take_all(&self, count: u64) {
        self.taken.set(self.taken.get().saturating_add(count));
    }

    /// Counts the steps of sorting so many.
    pub(super) fn sort(&self, count: usize) {
        self.take(count * (count.checked_ilog2().unwrap_or(0) as usize + 1));
    }

    /// Whether the decision has taken more than it may.
    pub(super) const fn are_over(&self) -> bool {
        self.taken.get() > self.most
    }

    /// What is left of what the decision may take.
    pub(super) const fn left(&self) -> u64 {
        self.most.saturating_sub(self.taken.get())
    }

    /// Counts a decision that took more than it may.
    pub(super) fn count_cut(&self) {
        self.cut.set(self.cut.get() + 1);
    }

    /// Decisions that took more than they may.
    pub(crate) const fn cut(&self) -> u64 {
        self.cut.get()
    }

    /// Steps of all decisions so far.
    pub(crate) const fn all(&self) -> u64 {
        self.before.get().saturating_add(self.taken.get())
    }

    /// Steps of the decision so far.
    pub(super) const fn of_decision(&self) -> u64 {
        self.taken.get()
    }

    /// Forgets what was taken since there were so many.
    pub(super) fn reset(&self, of_decision: u64) {
        self.taken.set(of_decision);
    }
}
