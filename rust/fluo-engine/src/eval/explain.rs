//! Why a claim is broken: the clause that failed, the spans that it rests on, what was expected and missing, observed values.
//!
//! Only what is needed is cited: spans that break a claim by being there. What breaks it by not being there is named as missing, and
//! rests on the trace being closed.

mod narrow;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use fluo_lang::program::{Axis, CompareOp, Owner};

use super::cell::Cell;
use super::view::{Frame, RecordEnv, View};
use crate::expr::{Node, TermNode, decide};
use crate::near::Missed;
use crate::plan::{self, Claim, ClaimTerm, Distinguished, Function, RulePlan, StepPlan};
use crate::truth::Truth;

/// Spans that a signal cites at most, unless the rule says less.
pub(crate) const MAX_EVIDENCE: usize = 64;

/// Why a claim is broken.
#[derive(Debug, Default)]
pub(crate) struct Explanation {
    /// Cited spans.
    pub(crate) spans: BTreeSet<usize>,
    /// Whether more spans would have to be cited.
    pub(crate) truncated: bool,
    /// Aggregates and their observed values, in the order of the claim.
    pub(crate) observed: Vec<(String, String)>,
    /// What had to be there and was not.
    pub(crate) missing: Vec<String>,
    /// The nearest misses of it.
    pub(crate) nearest: Vec<String>,
    /// What was seen, as parts of a sentence.
    pub(crate) seen: Vec<String>,
}

/// Collects an explanation.
struct Blame<'v, 't> {
    view: &'v View<'t>,
    frame: Frame<'v>,
    limit: usize,
    found: Explanation,
}

impl<'t> View<'t> {
    /// Explains why a rule's claim does not hold in a frame.
    pub(crate) fn explain(&self, rule: &'t RulePlan, frame: Frame<'_>, limit: usize) -> Explanation {
        // Other rules may have been looked at since this one.
        self.by.borrow_mut().clone_from(&rule.by);
        if self.explaining.are_over() {
            return Explanation { truncated: true, ..Explanation::default() };
        }
        self.steps.begin();
        let mut blame = Blame { view: self, frame, limit: limit.min(MAX_EVIDENCE), found: Explanation::default() };
        blame.claim(&rule.claim, false);
        if let Some(guard) = &rule.guard {
            blame.guard(guard);
        }
        blame.found.truncated |= self.steps.are_over();
        self.explaining.take_all(self.steps.of_decision());
        self.steps.reset(0);
        blame.found
    }
}

impl<'t> Blame<'_, 't> {
    /// Explains why the claim has this truth value, which it has.
    fn claim(&mut self, claim: &'t Claim, value: bool) {
        match claim {
            Claim::Const(_) => {}
            Claim::Not(inner) => self.claim(inner, !value),
            Claim::And(parts) => self.parts(parts, value, value),
            Claim::Or(parts) => self.parts(parts, value, !value),
            Claim::NonEmpty { set, tested } => self.emptiness(*set, *tested, value),
            Claim::Compare { op, left, right } => self.comparison(*op, left, right, value),
            Claim::In { term, .. } | Claim::Matches { term, .. } | Claim::Exists(term) => self.term(term),
            Claim::Text { left, right, .. } => {
                self.term(left);
                self.term(right);
            }
        }
    }

    /// All parts take part in the value, or the first that has it decides.
    fn parts(&mut self, parts: &'t [Claim], value: bool, all: bool) {
        let has_value = |part: &&'t Claim| self.view.truth(part, self.frame) == Truth::of(value);
        if all {
            parts.iter().for_each(|part| self.claim(part, value));
        } else if let Some(part) = parts.iter().find(has_value) {
            self.claim(part, value);
        }
    }

    /// What makes the claim's guard hold, where it holds: one witness is enough, its absence is no news.
    fn guard(&mut self, guard: &'t Claim) {
        let (missing, nearest) = (std::mem::take(&mut self.found.missing), std::mem::take(&mut self.found.nearest));
        if self.view.truth(guard, self.frame) == Truth::True {
            self.claim(guard, true);
        }
        (self.found.missing, self.found.nearest) = (missing, nearest);
    }

    fn emptiness(&mut self, set: u32, tested: u32, filled: bool) {
        let members = self.certain(set);
        let text = self.text(set);
        if filled {
            self.cite(set, &members, 1);
            let count = members.len();
            self.see(format!("{count} {} matched {text}", spans(count)));
            return;
        }
        let among = self.certain(tested).len();
        if self.nearest(set, 0) {
            // It says more than that there was none.
        } else if tested != set && among > 0 {
            self.see(format!("{among} {} matched {}, none of them {text}", spans(among), self.text(tested)));
        } else {
            self.see(format!("no span matched {text}"));
        }
        self.found.missing.push(text);
    }

    fn comparison(&mut self, op: CompareOp, left: &'t ClaimTerm, right: &'t ClaimTerm, value: bool) {
        self.term(left);
        self.term(right);
        let (count, bound, op) = match (counted(left), counted(right)) {
            (Some(set), None) => (set, self.view.cell(right, self.frame), op),
            (None, Some(set)) => (set, self.view.cell(left, self.frame), plan::mirrored(op)),
            _ => return self.everything(left, right),
        };
        let members = self.certain(count);
        let text = self.text(count);
        let Some(needed) = needed(op, value, &bound, members.len()) else {
            self.nearest(count, members.len());
            self.found.missing.push(format!("{} {} of {text}", expected(op, value), show(&bound)));
            return;
        };
        self.cite(count, &members, needed);
    }

    /// Cites the spans behind every aggregate of a comparison that is not about one count.
    fn everything(&mut self, left: &'t ClaimTerm, right: &'t ClaimTerm) {
        for term in [left, right] {
            for set in sets(term) {
                let members = self.certain(set);
                self.cite(set, &members, members.len());
            }
        }
    }

    /// Notes the observed values of a term's aggregates.
    fn term(&mut self, term: &'t ClaimTerm) {
        match term {
            ClaimTerm::Literal(_) => {}
            ClaimTerm::Arith { left, right, .. } => {
                self.term(left);
                self.term(right);
            }
            ClaimTerm::Neg(inner) | ClaimTerm::Lower(inner) | ClaimTerm::Extract(inner, _) | ClaimTerm::Shape(inner) => self.term(inner),
            ClaimTerm::Coalesce(parts) => parts.iter().for_each(|t| self.term(t)),
            other => {
                if let (ClaimTerm::OfSpan { span: Distinguished::Root, .. }, Ok(root)) = (other, self.view.root()) {
                    self.span(root);
                }
                let (text, value) = (other.text(), show(&self.view.cell(other, self.frame)));
                if !self.found.observed.iter().any(|(known, _)| *known == text) {
                    self.see(format!("{text} was {value}"));
                    self.found.observed.push((text, value));
                }
            }
        }
    }

    /// Tells the nearest miss of a set that one selector picks, where there is one and the frame is the whole trace.
    fn nearest(&mut self, set: u32, members: usize) -> bool {
        let Some(plan) = self.view.set(set) else { return false };
        let narrowed = (self.frame.group.is_some() && plan.grouped) || (self.frame.instant.is_some() && plan.within.is_some());
        let Some(selector) = plan.selector.filter(|_| !narrowed) else { return false };
        let Some(sentence) = Missed::sentence(self.view.trace.near(), self.view.plan, selector, members) else { return false };
        if !self.found.nearest.contains(&sentence) {
            self.found.nearest.push(sentence.clone());
        }
        self.see(sentence);
        true
    }

    fn see(&mut self, sentence: String) {
        if !self.found.seen.contains(&sentence) {
            self.found.seen.push(sentence);
        }
    }

    fn text(&self, set: u32) -> String {
        self.view.set(set).map(|s| crate::text::common(&s.written)).unwrap_or_default()
    }

    /// The certain members of a set, earliest end first.
    fn certain(&self, set: u32) -> Vec<usize> {
        let mut members: Vec<usize> = self.view.members_in(set, self.frame).iter().filter(|m| m.is_certain()).map(|m| m.at).collect();
        members.sort_by_key(|at| self.view.record(*at).map(|r| (r.end, r.id)));
        members
    }

    /// Cites the first members of a set, and what they are members by.
    fn cite(&mut self, set: u32, members: &[usize], count: usize) {
        for at in members.iter().take(count) {
            self.span(*at);
            if let Some(plan) = self.view.set(set) {
                self.steps(&plan.steps, *at);
                if plan.grouped {
                    self.grouped(*at);
                }
            }
        }
    }

    /// Cites the parent or root that puts a span into its group.
    fn grouped(&mut self, at: usize) {
        let by = self.view.by.borrow().clone();
        for node in by.into_iter().filter_map(|term| self.view.plan.far(term)) {
            self.owners(node, at);
        }
    }

    fn span(&mut self, at: usize) {
        if self.found.spans.len() < self.limit {
            self.found.spans.insert(at);
        } else if !self.found.spans.contains(&at) {
            self.found.truncated = true;
        }
    }

    /// Cites what makes a span a member after these steps.
    fn steps(&mut self, steps: &'t [StepPlan], at: usize) {
        let Some((last, before)) = steps.split_last() else {
            return;
        };
        match last {
            StepPlan::Where(node) => {
                self.node(node, at, true);
                self.steps(before, at);
            }
            StepPlan::Navigate(axis) => {
                let origins = self.view.origins(before);
                let is_origin = |at: &usize| origins.get(*at).copied().unwrap_or(false);
                let topology = self.view.topology();
                let way: Vec<usize> = match axis {
                    Axis::Children => topology.parent(at).into_iter().collect(),
                    Axis::Parents => topology.children(at).iter().copied().filter(is_origin).take(1).collect(),
                    Axis::Descendants => up_to(&self.view.ancestors(at), is_origin),
                    Axis::Ancestors => {
                        self.view.steps.take(origins.len());
                        let below = topology.descendants(at).into_iter().find(|d| is_origin(d));
                        below.map_or_else(Vec::new, |below| {
                            let mut way = up_to(&self.view.ancestors(below), |a| *a == at);
                            way.insert(0, below);
                            way
                        })
                    }
                };
                for step in &way {
                    self.span(*step);
                }
                if let Some(origin) = way.iter().rev().find(|w| is_origin(w)) {
                    self.steps(before, *origin);
                }
            }
        }
    }

    /// Cites the spans by which a predicate has this value on a span.
    fn node(&mut self, node: &'t Node, at: usize, value: bool) {
        match node {
            Node::Not(inner) => self.node(inner, at, !value),
            Node::And(parts) if value => parts.iter().for_each(|p| self.node(p, at, value)),
            Node::Or(parts) if !value => parts.iter().for_each(|p| self.node(p, at, value)),
            Node::And(parts) | Node::Or(parts) => {
                let env = RecordEnv { view: self.view, at };
                if let Some(part) = parts.iter().find(|p| decide(p, &env) == Truth::of(value)) {
                    self.node(part, at, value);
                }
            }
            Node::Compare { left, right, .. } | Node::Text { left, right, .. } => {
                self.owners(left, at);
                self.owners(right, at);
            }
            Node::In { term, .. } | Node::Matches { term, .. } | Node::Exists(term) | Node::Missing(term) => self.owners(term, at),
            Node::OfOwner { owner, .. } => self.owner(*owner, at),
            Node::Relation(relation) if value => self.witnesses(*relation, at),
            _ => {}
        }
    }

    /// Cites the parent or the root of a span.
    fn owner(&mut self, owner: Owner, at: usize) {
        let span = match owner {
            Owner::Span | Owner::Item => None,
            Owner::Parent => self.view.parent(at).ok().flatten(),
            Owner::Root => self.view.root().ok(),
        };
        if let Some(span) = span {
            self.span(span);
        }
    }

    /// Cites the parent or root whose field a term reads.
    fn owners(&mut self, term: &TermNode, at: usize) {
        match term {
            TermNode::Kept { owner, .. } => self.owner(*owner, at),
            TermNode::Arith { left, right, .. } => {
                self.owners(left, at);
                self.owners(right, at);
            }
            TermNode::Neg(inner) | TermNode::Lower(inner) | TermNode::Extract(inner, _) | TermNode::Shape(inner) => self.owners(inner, at),
            TermNode::Coalesce(parts) => parts.iter().for_each(|t| self.owners(t, at)),
            _ => {}
        }
    }

    /// Cites as many related spans as the relation asks for.
    fn witnesses(&mut self, relation: u32, at: usize) {
        let Some(related) = self.view.related(relation) else {
            return;
        };
        let candidates = self.view.candidates(at, related.kind).into_iter().filter(|other| *other != at);
        let fitting = candidates.filter(|other| self.view.fits(at, *other, &related) == Truth::True);
        let fitting: Vec<usize> = fitting.take(usize::try_from(related.at_least).unwrap_or(usize::MAX)).collect();
        for other in fitting {
            self.span(other);
            if let Some(plan) = self.view.plan.relations.get(relation as usize) {
                self.node(&plan.other, other, true);
            }
            for step in self.view.way_between(at, other) {
                self.span(step);
            }
        }
    }
}

impl<'t> View<'t> {
    /// Which spans these steps lead to for certain; computed once for each evaluation.
    fn origins(&self, steps: &'t [StepPlan]) -> Rc<Vec<bool>> {
        let key = (steps.as_ptr().addr(), steps.len());
        if let Some(known) = self.origins.borrow().get(&key) {
            return Rc::clone(known);
        }
        let mut are = vec![false; self.records().len()];
        for member in self.walk(steps).iter().filter(|member| member.is_certain()) {
            if let Some(is) = are.get_mut(member.at) {
                *is = true;
            }
        }
        let are = Rc::new(are);
        self.origins.borrow_mut().insert(key, Rc::clone(&are));
        are
    }

    fn ancestors(&self, at: usize) -> Vec<usize> {
        let ancestors = self.topology().ancestors(at);
        self.steps.take(ancestors.len());
        ancestors
    }
}

impl View<'_> {
    /// The spans on the paths of two spans up to where they meet: what their relation in the tree, and their order across emitters,
    /// rests on.
    fn way_between(&self, a: usize, b: usize) -> Vec<usize> {
        let topology = self.topology();
        let path = |at: usize| {
            let mut path = vec![at];
            path.extend(topology.ancestors(at));
            self.steps.take(path.len());
            path
        };
        let same_emitter = self.record(a).map(|r| r.emitter) == self.record(b).map(|r| r.emitter);
        let (left, right) = (path(a), path(b));
        let places: HashMap<usize, usize> = right.iter().enumerate().map(|(place, span)| (*span, place)).collect();
        let meeting = left.iter().enumerate().find_map(|(i, x)| Some((i, *places.get(x)?)));
        match meeting {
            Some((i, j)) if !same_emitter || i == 0 || j == 0 => left.into_iter().take(i + 1).chain(right.into_iter().take(j)).collect(),
            _ => Vec::new(),
        }
    }
}

/// The path up to and with the first that fits.
fn up_to(path: &[usize], fits: impl Fn(&usize) -> bool) -> Vec<usize> {
    let end = path.iter().position(fits).map_or(0, |at| at + 1);
    path.iter().take(end).copied().collect()
}

fn spans(count: usize) -> &'static str {
    if count == 1 { "span" } else { "spans" }
}

/// The set whose size a term is.
fn counted(term: &ClaimTerm) -> Option<u32> {
    match term {
        ClaimTerm::Aggregate { set, function: Function::Count, .. } => Some(*set),
        _ => None,
    }
}

/// The sets that a term speaks of.
fn sets(term: &ClaimTerm) -> Vec<u32> {
    match term {
        ClaimTerm::Aggregate { set, .. } => vec![*set],
        ClaimTerm::OfSpan { span: Distinguished::First(set) | Distinguished::Last(set), .. } => vec![*set],
        ClaimTerm::Arith { left, right, .. } => [sets(left), sets(right)].concat(),
        ClaimTerm::Neg(inner) | ClaimTerm::Lower(inner) | ClaimTerm::Extract(inner, _) | ClaimTerm::Shape(inner) => sets(inner),
        ClaimTerm::Coalesce(parts) => parts.iter().flat_map(sets).collect(),
        _ => Vec::new(),
    }
}

/// How many spans make `count op bound` have its value; `None` where it has it because there are too few.
fn needed(op: CompareOp, value: bool, bound: &Cell<'_>, count: usize) -> Option<usize> {
    let Cell::Exact(bound) = bound else {
        return Some(count);
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a bound of a count; anything else is cut to what is there"
    )]
    let least_above = |including: bool| {
        let bound = bound.number().map_or(0.0, crate::value::Number::to_f64);
        let least = if including { bound.ceil() } else { bound.floor() + 1.0 };
        (least.max(0.0) as usize).min(count)
    };
    let above = bound.number().is_some_and(|b| crate::value::Number::Int(i64::try_from(count).unwrap_or(i64::MAX)).order(b).is_gt());
    match (op, value) {
        (CompareOp::Gt, true) | (CompareOp::Le, false) => Some(least_above(false)),
        (CompareOp::Ge, true) | (CompareOp::Lt, false) => Some(least_above(true)),
        (CompareOp::Eq, true) | (CompareOp::Ne, false) => Some(count),
        (CompareOp::Eq, false) | (CompareOp::Ne, true) if above => Some(least_above(false)),
        _ => None,
    }
}

/// How many spans would have had to be there.
const fn expected(op: CompareOp, value: bool) -> &'static str {
    match (op, value) {
        (CompareOp::Gt, false) | (CompareOp::Le, true) => "more than",
        (CompareOp::Eq, false) => "exactly",
        (CompareOp::Ne, true) => "other than",
        _ => "at least",
    }
}

/// A value for people.
pub(crate) fn show(cell: &Cell<'_>) -> String {
    let text = crate::value::Val::shown;
    match cell {
        Cell::NotApplicable => "nothing".to_owned(),
        Cell::Missing => "missing".to_owned(),
        Cell::Unknown(_) => "unknown".to_owned(),
        Cell::Exact(value) => text(value),
        Cell::Range { low: Some(low), high: None, .. } => text(low),
        Cell::Range { low: None, high: Some(high), .. } => format!("at most {}", text(high)),
        Cell::Range { low: Some(low), high: Some(high), .. } => format!("{} to {}", text(low), text(high)),
        Cell::Range { low: None, high: None, .. } => "unknown".to_owned(),
    }
}
