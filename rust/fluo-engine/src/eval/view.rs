//! A trace as an evaluation sees it.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use fluo_lang::glob::Glob;
use fluo_lang::program::{ItemKind, Owner};

use super::groups::GroupMembers;
use super::spanset::Member;
use super::topology::Topology;
use crate::expr::read::Read;
use crate::expr::{self, Env, LocalField, Node};
use crate::plan::Plan;
use crate::shard::Shared;
use crate::store::combination::Combinations;
use crate::store::record::Record;
use crate::store::trace::{Call, TraceState};
use crate::truth::{Reasons, Truth};
use crate::verdict::Reason;

/// What an evaluation knows: the trace, and why there may be more of it.
pub(crate) struct View<'t> {
    pub(crate) plan: &'t Plan,
    pub(crate) trace: &'t TraceState,
    pub(crate) combinations: &'t Combinations,
    /// Why there may be spans that nobody sees; none for a trace that is known to be whole.
    pub(crate) hidden: Reasons,
    /// Whether the single span on top counts as the root although its parent has not come.
    pub(crate) lone_top: bool,
    shared: &'t Shared,
    /// The kept spans as they are asked for.
    records: OnceCell<Vec<Record>>,
    /// Calls of the trace below which nothing has come.
    childless: OnceCell<Vec<Call>>,
    /// The terms of `by` of the rule at hand.
    pub(super) by: RefCell<Vec<u32>>,
    topology: OnceCell<Topology>,
    pub(super) members: RefCell<HashMap<u32, Rc<Vec<Member>>>>,
    /// By set; a set belongs to one rule, so that its groups are those of that rule's `by`.
    pub(super) by_group: RefCell<HashMap<u32, Rc<GroupMembers>>>,
}

/// Stands for an instant at which windows hold whatever spans nobody saw; no span that was seen ends so late.
pub(crate) const UNSEEN: u64 = u64::MAX;

/// Which part of the trace a claim speaks of at the moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Frame<'f> {
    /// Canonical key of the group.
    pub(crate) group: Option<&'f [u8]>,
    /// The instant at which all windows end, Unix nanoseconds.
    pub(crate) instant: Option<u64>,
}

impl<'t> View<'t> {
    pub(crate) fn new(shared: &'t Shared, plan: &'t Plan, trace: &'t TraceState, combinations: &'t Combinations) -> Self {
        let (hidden, lone_top) = trace.completion.map_or((Reasons::OPEN, false), |c| (c.losses, c.lone_top));
        Self {
            plan,
            trace,
            combinations,
            hidden,
            lone_top,
            shared,
            records: OnceCell::new(),
            childless: OnceCell::new(),
            by: RefCell::default(),
            topology: OnceCell::new(),
            members: RefCell::default(),
            by_group: RefCell::default(),
        }
    }

    /// Parents and children of the kept spans.
    pub(crate) fn topology(&self) -> &Topology {
        self.topology.get_or_init(|| Topology::new(self.records()))
    }

    /// The kept spans, in the order in which they came.
    pub(crate) fn records(&self) -> &[Record] {
        self.records.get_or_init(|| self.trace.records().iter().collect())
    }

    /// A kept span.
    pub(crate) fn record(&self, at: usize) -> Option<&Record> {
        self.records().get(at)
    }

    /// The value of a term.
    pub(crate) fn value(&self, at: usize, term: u32) -> Read<'t> {
        if let Some(node) = self.plan.far(term) {
            return expr::term(node, &RecordEnv { view: self, at });
        }
        self.record(at).map_or(Read::MISSING, |record| self.trace.value(record, term))
    }

    /// Largest clock difference between emitters, nanoseconds.
    pub(super) fn max_skew(&self) -> u64 {
        self.shared.config.max_skew_ns
    }

    /// Groups of one rule that are judged in a trace at most.
    pub(super) fn max_groups(&self) -> usize {
        self.shared.config.max_groups
    }

    /// Whether a call of the trace (or, where a span is given, a call below it) leads nowhere although a span of the set is expected
    /// there.
    pub(super) fn dangling(&self, set: &str, below: Option<usize>) -> Reasons {
        if !self.shared.calls.expect_anything() {
            return Reasons::NONE;
        }
        let childless = self.childless.get_or_init(|| self.trace.childless_calls());
        let counts = |call: &Call| match below {
            None => true,
            // Where spans lie below each other, every one leaves a record.
            Some(above) => self.topology().ancestors(call.span as usize).contains(&above),
        };
        let dangles = childless.iter().any(|call| self.shared.calls.expects(call.row, set) && counts(call));
        if dangles { Reasons::of(Reason::Dangling) } else { Reasons::NONE }
    }

    /// Whether some call of the trace leads nowhere although the table expects something below it.
    pub(crate) fn may_dangle(&self) -> bool {
        if self.trace.calls().is_empty() || !self.shared.calls.expect_anything() {
            return false;
        }
        let childless = self.childless.get_or_init(|| self.trace.childless_calls());
        childless.iter().any(|call| self.shared.calls.expects_any(call.row))
    }

    /// The root of the trace, or why it is not known: before completion a second span without parent may come.
    pub(crate) fn root(&self) -> Result<usize, Reasons> {
        if self.hidden.has(Reasons::OPEN) {
            return Err(self.hidden);
        }
        let mut roots = self.records().iter().enumerate().filter(|(_, r)| r.parent == 0);
        match (roots.next(), roots.next()) {
            (Some((root, _)), None) => Ok(root),
            (None, _) if self.lone_top => self.topology().tops(self.records()).next().ok_or(self.hidden),
            _ if self.hidden.is_empty() => Err(Reasons::of(Reason::Gap)),
            _ => Err(self.hidden),
        }
    }

    /// The parent of a span: `None` where it has none, the reasons where it has not come.
    pub(crate) fn parent(&self, at: usize) -> Result<Option<usize>, Reasons> {
        let Some(record) = self.record(at) else {
            return Ok(None);
        };
        if record.parent == 0 {
            return Ok(None);
        }
        match self.topology().parent(at) {
            Some(parent) => Ok(Some(parent)),
            None if self.lone_top => Ok(None),
            None if self.hidden.is_empty() => Err(Reasons::of(Reason::Gap)),
            None => Err(self.hidden),
        }
    }
}

/// The facts of a kept span.
pub(crate) struct RecordEnv<'v, 't> {
    pub(crate) view: &'v View<'t>,
    pub(crate) at: usize,
}

impl RecordEnv<'_, '_> {
    /// The span whose field is read; `None` where there is none, the reasons where it has not come.
    fn owner(&self, owner: Owner) -> Result<Option<usize>, Reasons> {
        match owner {
            Owner::Span | Owner::Item => Ok(Some(self.at)),
            Owner::Parent => self.view.parent(self.at),
            Owner::Root => self.view.root().map(Some),
        }
    }
}

impl<'t> Env<'t> for RecordEnv<'_, 't> {
    // Fields, names and items are decided at ingest.
    fn field(&self, _field: &LocalField) -> Read<'t> {
        Read::MISSING
    }

    fn name_fits(&self, _glob: &Glob) -> bool {
        false
    }

    fn item(&self, _kind: ItemKind, _name: Option<&'t Glob>, _predicate: Option<&'t Node>) -> Truth {
        Truth::False
    }

    fn selector(&self, selector: u32) -> Truth {
        self.view.record(self.at).map_or(Truth::False, |record| self.view.combinations.fit(record.combination, selector))
    }

    fn selector_of(&self, owner: Owner, selector: u32) -> Option<Truth> {
        match self.owner(owner) {
            Ok(at) => at.map(|at| RecordEnv { view: self.view, at }.selector(selector)),
            Err(why) => Some(Truth::Unknown(why)),
        }
    }

    fn kept(&self, owner: Owner, term: u32) -> Read<'t> {
        match self.owner(owner) {
            Ok(Some(at)) => self.view.value(at, term),
            Ok(None) => Read::MISSING,
            Err(why) => Read::unknown(why),
        }
    }

    fn relation(&self, relation: u32) -> Truth {
        self.view.relation(self.at, relation)
    }
}
