//! A trace as an evaluation sees it.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use fluo_lang::glob::Glob;
use fluo_lang::program::{ItemKind, Owner};

use super::cell::Cell;
use super::groups::GroupMembers;
use super::related::Related;
use super::spanset::{ByEnd, Member};
use super::steps::Steps;
use super::topology::Topology;
use super::tour::{Links, Tour};
use crate::expr::read::Read;
use crate::expr::{self, Env, LocalField, Node};
use crate::plan::Plan;
use crate::shard::Shared;
use crate::store::combination::Combinations;
use crate::store::record::{Record, is_entry};
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
    /// Whether the spans on top count as the root although their parent, which is one, has not come.
    pub(crate) lone_top: bool,
    /// What the decision at hand has cost.
    pub(crate) steps: Steps,
    /// What explaining its outcomes has cost.
    pub(crate) explaining: Steps,
    pub(super) shared: &'t Shared,
    /// The kept spans, and where each lies in the trace.
    records: OnceCell<(Vec<Record>, Vec<usize>)>,
    /// Calls of the trace below which nothing has come.
    childless: OnceCell<Vec<Call>>,
    /// The terms of `by` of the rule at hand.
    pub(super) by: RefCell<Vec<u32>>,
    topology: OnceCell<Topology>,
    tour: OnceCell<Tour>,
    lineage: OnceCell<Tour>,
    /// The first and the last place of each emitter's spans in the tour.
    clocks: OnceCell<HashMap<u32, (u32, u32)>>,
    root: OnceCell<Result<usize, Reasons>>,
    latest: OnceCell<Option<usize>>,
    /// By the set's name: the spans below which a call leads nowhere although a span of the set is expected there.
    dangling: RefCell<HashMap<String, Rc<Dangling>>>,
    pub(super) relations: RefCell<HashMap<u32, Rc<Related>>>,
    /// By the steps of a set: which spans they lead to.
    pub(super) origins: RefCell<HashMap<(usize, usize), Marks>>,
    pub(super) members: RefCell<HashMap<u32, Rc<Vec<Member>>>>,
    /// By set; a set belongs to one rule, so that its groups are those of that rule's `by`.
    pub(super) by_group: RefCell<HashMap<u32, Rc<GroupMembers>>>,
    /// By set: the members of the group at hand by their ends.
    pub(super) by_end: RefCell<HashMap<u32, GroupByEnd>>,
    /// What was told of whole sets, which is the same in every frame.
    pub(super) told: Told<'t>,
}

/// Whether each span is meant.
type Marks = Rc<Vec<bool>>;

/// A group (nothing for a whole set) and its members by their ends.
type GroupByEnd = (Option<Box<[u8]>>, Rc<ByEnd>);

/// The first or the last span of a set; `None` for an empty one, the reasons where it is not known.
pub(super) type Edge = Result<Option<usize>, Reasons>;

/// Answers about whole sets and the trace.
#[derive(Default)]
pub(super) struct Told<'t> {
    /// By set and address of the function in the plan.
    pub(super) aggregates: RefCell<HashMap<(u32, usize), Cell<'t>>>,
    /// By set and the set whose absence has to be accounted for.
    pub(super) filled: RefCell<HashMap<(u32, u32), Truth>>,
    /// By set and whether it is the last span: the first or last one.
    pub(super) edges: RefCell<HashMap<(u32, bool), Edge>>,
    pub(super) depth: OnceCell<Cell<'t>>,
    pub(super) duration: OnceCell<Cell<'t>>,
}

/// Calls that lead nowhere.
#[derive(Debug, Default)]
struct Dangling {
    any: bool,
    /// The spans that such a call lies below.
    above: OnceCell<Vec<bool>>,
}

/// What is asked when a decision has taken all steps that it may.
pub(super) const CUT: Truth = Truth::Unknown(Reasons::of(Reason::Limit));

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
        let (hidden, lone_top) = trace.completion.map_or((Reasons::OPEN, false), |c| (c.losses, c.tops_are_root));
        Self {
            plan,
            trace,
            combinations,
            steps: Steps::new(shared.config.max_steps_per_decision),
            explaining: Steps::new(shared.config.max_steps_per_decision),
            hidden,
            lone_top,
            shared,
            records: OnceCell::new(),
            childless: OnceCell::new(),
            by: RefCell::default(),
            topology: OnceCell::new(),
            tour: OnceCell::new(),
            lineage: OnceCell::new(),
            clocks: OnceCell::new(),
            root: OnceCell::new(),
            latest: OnceCell::new(),
            dangling: RefCell::default(),
            relations: RefCell::default(),
            origins: RefCell::default(),
            members: RefCell::default(),
            by_group: RefCell::default(),
            by_end: RefCell::default(),
            told: Told::default(),
        }
    }

    /// Parents and children of the kept spans.
    pub(crate) fn topology(&self) -> &Topology {
        self.topology.get_or_init(|| Topology::new(self.records(), self.hidden.has(Reasons::OPEN)))
    }

    /// The trees as a walk.
    pub(super) fn tour(&self) -> &Tour {
        self.tour.get_or_init(|| Tour::new(Links::Known(self.topology()), self.records()))
    }

    /// The walk by what stays above each span. While the trace is open another half may come between a span and the one above it;
    /// afterwards it is the tour.
    pub(super) fn lineage(&self) -> &Tour {
        if !self.hidden.has(Reasons::OPEN) {
            return self.tour();
        }
        self.lineage.get_or_init(|| Tour::new(Links::Lasting(self.topology()), self.records()))
    }

    /// The first and the last place of each emitter's spans in the tour.
    pub(super) fn clocks(&self) -> &HashMap<u32, (u32, u32)> {
        self.clocks.get_or_init(|| {
            let mut clocks: HashMap<u32, (u32, u32)> = HashMap::new();
            for (at, record) in self.records().iter().enumerate() {
                let place = self.tour().place(at);
                let known = clocks.entry(record.emitter).or_insert((place, place));
                *known = (known.0.min(place), known.1.max(place));
            }
            clocks
        })
    }

    fn sorted(&self) -> &(Vec<Record>, Vec<usize>) {
        self.records.get_or_init(|| {
            let mut spans: Vec<(Record, usize)> = self.trace.records().iter().zip(0..).collect();
            spans.sort_unstable_by_key(|(record, place)| (record.start, record.id, *place));
            spans.into_iter().unzip()
        })
    }

    /// The kept spans by their starts and ids: what a decision costs does not depend on the order in which they came.
    pub(crate) fn records(&self) -> &[Record] {
        &self.sorted().0
    }

    /// Where a span lies among the records of the trace.
    pub(crate) fn place(&self, at: usize) -> usize {
        self.sorted().1.get(at).copied().unwrap_or(usize::MAX)
    }

    /// The span that ends last.
    pub(crate) fn latest(&self) -> Option<&Record> {
        let latest = || (0..self.records().len()).max_by_key(|at| self.record(*at).map(|r| (r.end, r.id)));
        self.latest.get_or_init(latest).and_then(|at| self.record(at))
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
        let known = self.dangling.borrow().get(set).cloned();
        let known = known.unwrap_or_else(|| {
            let made = Rc::new(Dangling { any: self.dangling_calls(set).next().is_some(), ..Dangling::default() });
            self.dangling.borrow_mut().insert(set.to_owned(), Rc::clone(&made));
            made
        });
        let dangles = match below {
            _ if !known.any => false,
            None => true,
            Some(at) => known.above.get_or_init(|| self.above_dangling(set)).get(at) == Some(&true),
        };
        if dangles { Reasons::of(Reason::Dangling) } else { Reasons::NONE }
    }

    /// Calls that lead nowhere although a span of the set is expected below them.
    fn dangling_calls<'a>(&'a self, set: &'a str) -> impl Iterator<Item = &'a Call> {
        let childless = self.childless.get_or_init(|| self.trace.childless_calls());
        childless.iter().filter(|call| self.shared.calls.expects(call.row, set))
    }

    /// The spans that such a call lies below. Where spans lie below each other, every one leaves a record.
    fn above_dangling(&self, set: &str) -> Vec<bool> {
        let mut sorted = vec![usize::MAX; self.records().len()];
        for at in 0..sorted.len() {
            if let Some(place) = sorted.get_mut(self.place(at)) {
                *place = at;
            }
        }
        let mut above = vec![false; sorted.len()];
        for call in self.dangling_calls(set).filter_map(|call| sorted.get(call.span as usize)) {
            let mut way = *call;
            // What was marked has all above it marked. A call in a circle lies below itself no more than others do.
            while let Some(parent) = self.topology().parent(way).filter(|parent| parent != call) {
                match above.get_mut(parent) {
                    Some(marked) if !*marked => *marked = true,
                    _ => break,
                }
                way = parent;
            }
        }
        above
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
        *self.root.get_or_init(|| self.find_root())
    }

    fn find_root(&self) -> Result<usize, Reasons> {
        if self.hidden.has(Reasons::OPEN) {
            return Err(self.hidden);
        }
        let topology = self.topology();
        let mut roots = topology.roots(self.records());
        let mut tops = topology.tops(self.records());
        // Of several tops none is the root: that is their caller, which has not come.
        let lone_top = if self.lone_top { tops.next().filter(|_| tops.next().is_none()) } else { None };
        match (roots.next().or(lone_top), roots.next()) {
            (Some(root), None) => Ok(root),
            _ if self.hidden.is_empty() => Err(Reasons::of(Reason::Gap)),
            _ => Err(self.hidden),
        }
    }

    /// The parent of a span: `None` where it has none, the reasons where it has not come.
    pub(crate) fn parent(&self, at: usize) -> Result<Option<usize>, Reasons> {
        let Some(record) = self.record(at) else {
            return Ok(None);
        };
        match self.topology().parent(at) {
            Some(parent) => Ok(Some(parent)),
            // The other half of a server or consumer span may still come.
            None if record.parent == 0 && !(self.hidden.has(Reasons::OPEN) && is_entry(record.kind)) => Ok(None),
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
