//! Rules over `spans` with timed relations: what is claimed of each span of a set, and which spans it takes to tell.

use fluo_lang::print;
use fluo_lang::program::{Expr, Guard, Polarity, Quantifier, Relation, RelationKind, Rule, Scope, SpanRef, Spanset, Step, Term};

use super::compile::Compiler;
use super::predicate::is_local;
use super::window::{aggregates, filter, under_nots};
use super::{WindowKind, WindowPlan};
use crate::expr::Node;

/// A claim about each span of a set.
#[derive(Debug)]
pub(crate) struct SequencePlan {
    /// Holds, or fails, where the claim is broken; `None` for a set that has to be empty.
    pub(crate) predicate: Option<Node>,
    /// At which truth of the predicate the claim is broken.
    pub(crate) broken_at: bool,
    /// Where a span can stand in the claim. The first is the set that the claim is about; what a relation asks for comes after the
    /// place of the spans that it is asked of.
    pub(crate) places: Vec<Place>,
    pub(crate) relations: Vec<SequenceRelation>,
    /// The selectors that the nodes name, by their index here: it is the same in every plan of the rule.
    pub(crate) tests: Vec<u32>,
    /// Kept terms that have to be equal.
    pub(crate) terms: Vec<u32>,
}

/// A place in a claim that spans can take.
#[derive(Debug)]
pub(crate) struct Place {
    /// Holds of the spans in it. Selectors are indices of [`SequencePlan::tests`], relations of [`SequencePlan::relations`].
    pub(crate) node: Node,
    /// Tests of which a span satisfies one, or may, if it is in this place.
    pub(crate) entry: Vec<u32>,
}

/// A timed relation.
#[derive(Debug)]
pub(crate) struct SequenceRelation {
    /// Whether the other span comes before.
    pub(crate) back: bool,
    /// The place of the spans that it is asked of.
    pub(crate) subject: usize,
    /// The place of the other spans.
    pub(crate) other: usize,
    /// The place of the spans that must not lie between.
    pub(crate) without: Option<usize>,
    /// Nanoseconds.
    pub(crate) within: u64,
    /// Indices of [`SequencePlan::terms`].
    pub(crate) same: Vec<usize>,
    pub(crate) at_least: u64,
    /// The relation as the rule writes it.
    pub(crate) text: String,
    /// The other spans as the rule writes them.
    pub(crate) other_text: String,
}

/// The set that a claim is about, the predicate, and at which truth of it the claim is broken.
struct Obligation<'r> {
    set: &'r Spanset,
    predicate: Option<&'r Expr>,
    broken_at: bool,
}

/// Reads a claim as one about each span of a set.
fn obligation(rule: &Rule) -> Option<Obligation<'_>> {
    let (claim, violated_when) = under_nots(&rule.claim, rule.polarity == Polarity::Never);
    let (set, predicate, broken_at) = match (claim, violated_when) {
        (Expr::Quantified { quantifier: Quantifier::All, set, predicate }, false) => (set, Some(&**predicate), false),
        (Expr::Quantified { quantifier: Quantifier::None, set, predicate }, false)
        | (Expr::Quantified { quantifier: Quantifier::Any, set, predicate }, true) => (set, Some(&**predicate), true),
        (Expr::NonEmpty(set), true) | (Expr::Empty(set), false) => (set, None, true),
        _ => return None,
    };
    (set.within.is_none() && set.by.is_empty()).then_some(Obligation { set, predicate, broken_at })
}

/// Whether a claim over `spans` speaks of relations, and why it cannot be monitored if so.
pub(super) enum Relates {
    No,
    Monitored,
    /// What to write instead.
    Refused(&'static str),
}

/// How a rule speaks of relations.
pub(super) fn relates(rule: &Rule) -> Relates {
    let guard = match &rule.guard {
        Guard::Everywhere => None,
        Guard::When(guard) | Guard::Derived(guard) => Some(guard),
    };
    if !in_claim(&rule.claim) && !guard.is_some_and(in_claim) {
        return Relates::No;
    }
    if guard.is_some() {
        return Relates::Refused("relations over `spans` take no `when`: filter the spans that the claim is about with `.where(…)`");
    }
    match obligation(rule) {
        Some(_) => Relates::Monitored,
        None if !rule.by.is_empty() => {
            Relates::Refused("leave `.by(…)` out: `same` keeps the values apart, and every span has its own verdict")
        }
        None => Relates::Refused(
            "relations over `spans` are claimed of each span: `always: spans.where(A).all(R)`, `always: spans.where(A).none(R)` or \
             `never: spans.where(A).any(R)`, one in a rule",
        ),
    }
}

/// Whether a relation stands anywhere in a claim.
fn in_claim(expr: &Expr) -> bool {
    match expr {
        Expr::Not(inner) => in_claim(inner),
        Expr::And(parts) | Expr::Or(parts) => parts.iter().any(in_claim),
        Expr::Implies(a, b) => in_claim(a) || in_claim(b),
        Expr::NonEmpty(set) | Expr::Empty(set) => in_set(set),
        Expr::Quantified { set, predicate, .. } => in_set(set) || in_predicate(predicate),
        _ => {
            let mut terms = Vec::new();
            aggregates(expr, &mut terms);
            terms.iter().any(|term| match term {
                Term::Aggregate(aggregate) => in_set(&aggregate.set),
                Term::SpanField(of) => matches!(&of.span, SpanRef::First(set) | SpanRef::Last(set) if in_set(set)),
                _ => false,
            })
        }
    }
}

fn in_set(set: &Spanset) -> bool {
    set.steps.iter().any(|step| matches!(step, Step::Where(predicate) if in_predicate(predicate)))
}

fn in_predicate(expr: &Expr) -> bool {
    match expr {
        Expr::Relation(_) => true,
        Expr::Not(inner) => in_predicate(inner),
        Expr::And(parts) | Expr::Or(parts) => parts.iter().any(in_predicate),
        Expr::Implies(a, b) => in_predicate(a) || in_predicate(b),
        _ => false,
    }
}

impl Compiler {
    /// Compiles a rule over `spans` with relations.
    pub(super) fn sequence(&mut self, at: usize, rule: &Rule) -> Option<WindowPlan> {
        let claimed = obligation(rule)?;
        let mut draft = Draft { compiler: self, tests: Vec::new(), same: Vec::new(), places: Vec::new(), relations: Vec::new() };
        let set = draft.place(&filter(claimed.set));
        let predicate = claimed.predicate.map(|predicate| draft.node(predicate, set));
        Some(draft.finish(at, rule, predicate, claimed.broken_at))
    }
}

/// What grows while the claim is compiled.
struct Draft<'c> {
    compiler: &'c mut Compiler,
    tests: Vec<u32>,
    /// The terms of every `same`, each once.
    same: Vec<Term>,
    places: Vec<Place>,
    relations: Vec<SequenceRelation>,
}

impl Draft<'_> {
    /// The place of the spans that satisfy a predicate.
    fn place(&mut self, predicate: &Expr) -> usize {
        let at = self.places.len();
        self.places.push(Place { node: Node::Const(false), entry: Vec::new() });
        let node = self.node(predicate, at);
        let entry = match necessary(&node) {
            Some(tests) => tests,
            None => vec![self.test(&Expr::Const(true))],
        };
        if let Some(place) = self.places.get_mut(at) {
            *place = Place { node, entry };
        }
        at
    }

    fn test(&mut self, predicate: &Expr) -> u32 {
        let selector = self.compiler.selector(predicate);
        u32::try_from(found_or_added(&mut self.tests, selector)).unwrap_or(u32::MAX)
    }

    /// A predicate about the spans of a place.
    fn node(&mut self, expr: &Expr, place: usize) -> Node {
        if is_local(expr) {
            return Node::Selector(self.test(expr));
        }
        match expr {
            Expr::Not(inner) => Node::Not(Box::new(self.node(inner, place))),
            Expr::And(parts) => {
                let (local, other): (Vec<Expr>, Vec<Expr>) = parts.iter().cloned().partition(is_local);
                let local = if local.len() > 1 { vec![Expr::And(local)] } else { local };
                Node::And(local.iter().chain(&other).map(|part| self.node(part, place)).collect())
            }
            Expr::Or(parts) => Node::Or(parts.iter().map(|part| self.node(part, place)).collect()),
            Expr::Implies(a, b) => Node::Or(vec![Node::Not(Box::new(self.node(a, place))), self.node(b, place)]),
            Expr::Relation(relation) => Node::Relation(self.relation(relation, place)),
            // The checker lets nothing else stand here.
            _ => Node::Const(false),
        }
    }

    fn relation(&mut self, relation: &Relation, subject: usize) -> u32 {
        let plan = SequenceRelation {
            back: relation.kind == RelationKind::PrecededBy,
            subject,
            other: self.place(&relation.other),
            without: relation.without.as_ref().map(|without| self.place(without)),
            within: relation.within.unwrap_or_default(),
            same: relation.same.iter().map(|term| found_or_added(&mut self.same, term.clone())).collect(),
            at_least: relation.at_least,
            text: print::expr(&Expr::Relation(Box::new(relation.clone())), Scope::Spans),
            other_text: print::expr(&relation.other, Scope::Spans),
        };
        self.relations.push(plan);
        u32::try_from(self.relations.len() - 1).unwrap_or(u32::MAX)
    }

    /// Has the terms kept where they are compared or shown.
    fn finish(self, at: usize, rule: &Rule, predicate: Option<Node>, broken_at: bool) -> WindowPlan {
        let Self { compiler, tests, same, places, relations } = self;
        let selectors_of = |place: usize| {
            let entry = places.get(place).map_or(&[][..], |place| &place.entry);
            entry.iter().filter_map(|test| tests.get(*test as usize).copied()).collect::<Vec<u32>>()
        };
        let mut kept = |term: &Term, selectors: &[u32]| {
            let mut id = 0;
            for selector in selectors {
                id = compiler.kept(term, Some(*selector));
            }
            id
        };
        let terms = (0..).zip(&same).map(|(index, term)| {
            let compared = relations.iter().filter(|relation| relation.same.contains(&index));
            let selectors: Vec<u32> = compared.flat_map(|r| [selectors_of(r.subject), selectors_of(r.other)]).flatten().collect();
            kept(term, &selectors)
        });
        let terms = terms.collect();
        let mut selectors: Vec<u32> = (0..places.len()).flat_map(selectors_of).collect();
        selectors.sort_unstable();
        selectors.dedup();
        let show = rule.show.iter().map(|(name, field)| (name.clone(), kept(&Term::Field(field.clone()), &selectors))).collect();
        let plan = SequencePlan { predicate, broken_at, places, relations, tests, terms };
        let kind = WindowKind::Sequence(Box::new(plan));
        WindowPlan { rule: at, by: Vec::new(), show, repeat_after: None, selectors, kind }
    }
}

fn found_or_added<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|known| *known == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

/// Tests of which one holds, or may, where the predicate does; nothing where there are none.
fn necessary(node: &Node) -> Option<Vec<u32>> {
    match node {
        Node::Selector(test) => Some(vec![*test]),
        Node::And(parts) => parts.iter().filter_map(necessary).min_by_key(Vec::len),
        Node::Or(parts) => parts.iter().map(necessary).collect::<Option<Vec<_>>>().map(|all| all.concat()),
        _ => None,
    }
}
