//! The rule sets in use. A call pins them, so that a message is judged by the very plans that read it; open traces finish under the rules
//! that they began with.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::otlp::KeyTable;
use crate::plan::Plan;
use crate::projection::Projection;
use crate::verdict::Verdict;
use crate::window::Windows;

/// Older rule sets that traces may follow at the same time; a further swap waits.
const DRAINING: usize = 4;

/// A rule set in use.
#[derive(Debug)]
pub(crate) struct Generation {
    /// Ascending.
    pub(crate) number: u64,
    pub(crate) plan: Arc<Plan>,
    /// The verdict of each rule over a whole trace without picks.
    pub(crate) baselines: Vec<Option<Verdict>>,
    /// What watches the rules over `spans`, as long as the rule set is the current one.
    pub(crate) windows: Windows,
    /// Shards that hold traces which follow it.
    shards: AtomicUsize,
}

impl Generation {
    pub(crate) const fn new(number: u64, plan: Arc<Plan>, baselines: Vec<Option<Verdict>>, windows: Windows) -> Self {
        Self { number, plan, baselines, windows, shards: AtomicUsize::new(0) }
    }

    /// The first trace began in a shard.
    pub(crate) fn enter(&self) {
        self.shards.fetch_add(1, Ordering::Relaxed);
    }

    /// The last trace was forgotten in a shard.
    pub(crate) fn leave(&self) {
        self.shards.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether no trace follows it any more.
    pub(crate) fn is_drained(&self) -> bool {
        self.shards.load(Ordering::Relaxed) == 0
    }
}

/// The rule sets in use at one time.
#[derive(Debug)]
pub(crate) struct Generations {
    /// The one that new traces follow.
    pub(crate) current: Arc<Generation>,
    /// Those that only traces follow which began under them.
    pub(crate) draining: Vec<Arc<Generation>>,
    /// The number of the projection.
    pub(crate) epoch: u64,
    /// The first epoch from which on every projection carried all that is read now.
    since: u64,
    /// What all of them read.
    pub(crate) projection: Projection,
    /// The keys of all of them, where the current one's are not enough.
    keys: Option<KeyTable>,
}

impl Generations {
    /// A rule set alone.
    pub(crate) fn new(current: Arc<Generation>) -> Self {
        let projection = current.plan.projection.clone();
        Self { current, draining: Vec::new(), epoch: 1, since: 1, projection, keys: None }
    }

    /// These rule sets in place of the ones in use. A rule set that takes the place of another is a new epoch, and so is a projection that
    /// is another one.
    fn followed_by(&self, current: Arc<Generation>, draining: Vec<Arc<Generation>>) -> Self {
        let projection = draining.iter().fold(current.plan.projection.clone(), |all, older| all.union(&older.plan.projection));
        let is_same = projection == self.projection && current.number == self.current.number;
        let epoch = if is_same { self.epoch } else { self.epoch + 1 };
        let since = if self.projection.covers(&projection) { self.since } else { epoch };
        let mut tables = vec![&current.plan.keys];
        tables.extend(draining.iter().map(|older| &older.plan.keys));
        let keys = (!draining.is_empty()).then(|| KeyTable::union(&tables));
        Self { current, draining, epoch, since, projection, keys }
    }

    /// The same without rule sets that no trace follows any more.
    pub(crate) fn without_drained(&self) -> Self {
        self.followed_by(Arc::clone(&self.current), self.not_drained().cloned().collect())
    }

    /// The same with another current rule set. Older ones drain as long as traces follow them.
    pub(crate) fn with(&self, current: Arc<Generation>) -> Self {
        let older = std::iter::once(&self.current).filter(|last| !last.is_drained());
        self.followed_by(current, older.chain(self.not_drained()).cloned().collect())
    }

    fn not_drained(&self) -> impl Iterator<Item = &Arc<Generation>> {
        self.draining.iter().filter(|older| !older.is_drained())
    }

    /// Whether some rule set may be dropped.
    pub(crate) fn has_drained(&self) -> bool {
        self.not_drained().count() < self.draining.len()
    }

    /// Whether another rule set may become the current one.
    pub(crate) fn has_room(&self) -> bool {
        self.not_drained().count() < DRAINING
    }

    /// Whether a message that was projected for this epoch, or whole (0), carries all that is read.
    pub(crate) fn takes(&self, epoch: u64) -> bool {
        epoch == 0 || (self.since..=self.epoch).contains(&epoch)
    }

    /// All rule sets, the current one first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Generation>> {
        std::iter::once(&self.current).chain(&self.draining)
    }

    /// The keys by which one walk over a message serves all rule sets.
    pub(crate) fn keys(&self) -> &KeyTable {
        self.keys.as_ref().unwrap_or(&self.current.plan.keys)
    }

    /// The tables beside which another rule set is compiled.
    pub(crate) fn tables(&self) -> Vec<&KeyTable> {
        self.all().map(|generation| &generation.plan.keys).collect()
    }
}
