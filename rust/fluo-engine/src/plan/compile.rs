//! From a checked rule set to a plan.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use fluo_lang::print;
use fluo_lang::program::{Expr, Guard, MessagePart, Mode, Polarity, RuleSet, Scope, Spanset, Term};

use super::claim::Sets;
use super::direction::Directions;
use super::early::Early;
use super::predicate::is_local_term;
use super::{Claim, ClaimTerm, FAR, Function, KeptTerm, Near, Plan, RelationPlan, RulePlan, SelectorIndex, SetPlan, StepPlan, fields};
use crate::expr::{Node, TermNode};
use crate::otlp::KeyTable;
use crate::store::calls::CALL_KEYS;

/// What grows while rules are compiled. Selectors and terms are shared between rules: equal ones are held once.
pub(super) struct Compiler {
    pub(super) keys: KeyTable,
    pub(super) selectors: Vec<Node>,
    pub(super) selector_ids: HashMap<String, u32>,
    pub(super) terms: Vec<KeptTerm>,
    pub(super) far_terms: Vec<TermNode>,
    pub(super) term_ids: HashMap<String, u32>,
    pub(super) sets: Vec<SetPlan>,
    pub(super) relations: Vec<RelationPlan>,
    pub(super) notes: Notes,
}

/// What rules wrote, for reports: a plan has no use for it.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Text of each selector.
    pub(crate) selectors: Vec<String>,
    /// Text of each kept term.
    pub(crate) terms: Vec<String>,
    /// What every span leaves a record for, as rules write it.
    pub(crate) whole: BTreeSet<String>,
}

impl Plan {
    /// Compiles a rule set.
    pub(crate) fn compile(ruleset: Arc<RuleSet>) -> Self {
        Self::beside(ruleset, &[])
    }

    /// Compiles a rule set beside others: one walk over a message, by the union of the tables, serves all of them.
    pub(crate) fn beside(ruleset: Arc<RuleSet>, tables: &[&KeyTable]) -> Self {
        Self::compiled(ruleset, tables).0
    }

    /// Compiles a rule set, and says what of it the rules wrote where.
    pub(crate) fn with_notes(ruleset: Arc<RuleSet>) -> (Self, Notes) {
        Self::compiled(ruleset, &[])
    }

    fn compiled(ruleset: Arc<RuleSet>, tables: &[&KeyTable]) -> (Self, Notes) {
        let reads_absence = ruleset.rules.iter().any(fields::reads_absence);
        let projection = fields::projection(&ruleset);
        let mut compiler = Compiler {
            keys: KeyTable::beside(&projection, tables),
            selectors: Vec::new(),
            selector_ids: HashMap::new(),
            terms: Vec::new(),
            far_terms: Vec::new(),
            term_ids: HashMap::new(),
            sets: Vec::new(),
            relations: Vec::new(),
            notes: Notes::default(),
        };
        let mut rules = Vec::new();
        let mut touched = Vec::new();
        let mut windows = Vec::new();
        let mut never_silent = Vec::new();
        let mut near = Near::default();
        for (at, rule) in ruleset.rules.iter().enumerate() {
            if rule.mode == Mode::Disabled {
                continue;
            }
            if rule.scope == Scope::Spans {
                windows.extend(compiler.window(at, rule));
                continue;
            }
            let uses_before = compiler.uses();
            let claim = compiler.claim(&rule.claim, &rule.by);
            let claim = if rule.polarity == Polarity::Never { Claim::Not(Box::new(claim)) } else { claim };
            let guard = match &rule.guard {
                Guard::Everywhere => None,
                Guard::When(guard) | Guard::Derived(guard) => Some(compiler.claim(guard, &rule.by)),
            };
            compiler.watch(&mut near, &claim);
            let guard_is_derived = matches!(rule.guard, Guard::Derived(_));
            let mut sets = Sets::default();
            guard.iter().for_each(|g| sets.of(g));
            let is_windowed = |set: &u32| compiler.sets.get(*set as usize).is_some_and(|set| set.within.is_some());
            let guard_has_windows = !guard_is_derived && sets.ids.iter().any(is_windowed);
            sets.of(&claim);
            let show = rule.show.iter().map(|(name, field)| (name.clone(), compiler.kept(&Term::Field(field.clone()), None))).collect();
            let mut inserted = Vec::new();
            for part in rule.message.iter().flat_map(|m| &m.parts) {
                if let MessagePart::Value(term) = part {
                    inserted.push((print::term(term, Scope::Trace), compiler.claim_term(term, &rule.by)));
                }
            }
            let grouped_sets: Vec<u32> =
                sets.ids.iter().copied().filter(|s| compiler.sets.get(*s as usize).is_some_and(|s| s.grouped)).collect();
            let by: Vec<u32> = rule.by.iter().map(|term| compiler.kept_on_sets(term, &grouped_sets)).collect();
            let widest = sets.ids.iter().filter_map(|s| compiler.sets.get(*s as usize)?.within).max();
            let by_counters = sets.only_counts
                && widest.is_none()
                && sets.ids.iter().all(|s| compiler.sets.get(*s as usize).is_some_and(|s| s.selector.is_some() && !s.grouped));
            let windowed_sets =
                sets.ids.iter().copied().filter(|s| compiler.sets.get(*s as usize).is_some_and(|s| s.within.is_some())).collect();
            let directions = Directions { sets: &compiler.sets, relations: &compiler.relations };
            let only_breaks = directions.only_breaks(&claim, guard.as_ref());
            let violated_early = Early { sets: &compiler.sets, relations: &compiler.relations }.violated(&claim, guard.as_ref());
            // Without picks a claim with windows says the same of every trace only where it is not made, or made at every instant alike.
            let depends_on_length = widest.is_some() && !guard_is_derived && !only_breaks;
            if sets.speaks_of_trace
                || depends_on_length
                || !sets.ids.iter().all(|s| compiler.sets.get(*s as usize).is_some_and(|s| is_silent(s, &compiler.selectors)))
            {
                never_silent.push(u32::try_from(rules.len()).unwrap_or(u32::MAX));
            }
            let all_sets = sets.ids.clone();
            let all_relations = count(uses_before.1)..count(compiler.relations.len());
            touched.push(compiler.selectors_since(&uses_before, &sets));
            rules.push(RulePlan {
                rule: at,
                claim,
                guard,
                guard_is_derived,
                guard_has_windows,
                by,
                grouped_sets,
                widest,
                all_sets,
                all_relations,
                windowed_sets,
                only_breaks,
                by_counters,
                violated_early,
                inserted,
                show,
            });
        }
        let mut rules_of_selector = vec![Vec::new(); compiler.selectors.len()];
        for (rule, selectors) in (0u32..).zip(&touched) {
            for selector in selectors {
                if let Some(rules) = rules_of_selector.get_mut(*selector as usize) {
                    rules.push(rule);
                }
            }
        }
        let without_selectors = (0u32..).zip(&touched).filter(|(_, s)| s.is_empty()).map(|(rule, _)| rule).collect();
        let index = SelectorIndex::new(&compiler.selectors);
        let mut terms_of_selector = vec![Vec::new(); compiler.selectors.len()];
        let mut terms_of_all = Vec::new();
        for (term, kept) in (0u32..).zip(&compiler.terms) {
            match &kept.only_on {
                None => terms_of_all.push(term),
                Some(selectors) => {
                    for selector in selectors {
                        if let Some(terms) = terms_of_selector.get_mut(*selector as usize) {
                            terms.push(term);
                        }
                    }
                }
            }
        }
        let plan = Self {
            ruleset,
            rules,
            index,
            terms: compiler.terms,
            far_terms: compiler.far_terms,
            terms_of_selector,
            terms_of_all,
            sets: compiler.sets,
            relations: compiler.relations,
            near,
            windows,
            rules_of_selector,
            without_selectors,
            never_silent,
            call_slots: CALL_KEYS.iter().map(|key| compiler.keys.span_slot(key)).collect(),
            reads_absence,
            keep_all: !compiler.notes.whole.is_empty(),
            projection,
            keys: compiler.keys,
        };
        (plan, compiler.notes)
    }
}

impl Compiler {
    /// The id of a local predicate; equal predicates share one.
    pub(super) fn selector(&mut self, expr: &Expr) -> u32 {
        let key = format!("{expr:?}");
        if let Some(id) = self.selector_ids.get(&key) {
            return *id;
        }
        let node = self.local(expr);
        let id = u32::try_from(self.selectors.len()).unwrap_or(u32::MAX);
        self.selectors.push(node);
        self.notes.selectors.push(print::expr(expr, Scope::Trace));
        self.selector_ids.insert(key, id);
        id
    }

    /// The number of a term. A local one is kept; `only_on` names the selectors whose spans need it, `None` means all spans. One that
    /// reads the parent or the root is computed from what is kept of those.
    pub(super) fn kept(&mut self, term: &Term, only_on: Option<u32>) -> u32 {
        let key = format!("{term:?}");
        if !is_local_term(term) {
            return self.far(term, key);
        }
        if let Some(id) = self.term_ids.get(&key).copied() {
            if let Some(kept) = self.terms.get_mut(id as usize) {
                match (&mut kept.only_on, only_on) {
                    (Some(selectors), Some(selector)) if !selectors.contains(&selector) => selectors.push(selector),
                    (only, None) => *only = None,
                    _ => {}
                }
            }
            return id;
        }
        let node = self.local_term(term);
        let id = u32::try_from(self.terms.len()).unwrap_or(u32::MAX);
        self.notes.terms.push(print::term(term, Scope::Trace));
        self.terms.push(KeptTerm { node, only_on: only_on.map(|s| vec![s]) });
        self.term_ids.insert(key, id);
        id
    }

    /// The number of a term that is not local.
    fn far(&mut self, term: &Term, key: String) -> u32 {
        if let Some(id) = self.term_ids.get(&key) {
            return *id;
        }
        let node = self.term(term);
        let id = FAR | count(self.far_terms.len());
        self.far_terms.push(node);
        self.term_ids.insert(key, id);
        id
    }

    /// The number of a term that is read on the spans of these sets.
    pub(super) fn kept_on_sets(&mut self, term: &Term, sets: &[u32]) -> u32 {
        let selectors: Option<Vec<u32>> = sets.iter().map(|set| self.sets.get(*set as usize)?.selector).collect();
        match selectors.as_deref() {
            Some([first, rest @ ..]) => {
                let id = self.kept(term, Some(*first));
                rest.iter().for_each(|selector| _ = self.kept(term, Some(*selector)));
                id
            }
            _ => self.kept(term, None),
        }
    }

    /// Lets every span leave a record, because of what a rule wrote.
    pub(super) fn keep_every_span(&mut self, because: &str) {
        self.notes.whole.insert(because.to_owned());
    }

    /// The id of a spanset, which the rule may have written in another way.
    pub(super) fn named_set(&mut self, set: &Spanset, written: &Spanset, by: &[Term]) -> u32 {
        let mut steps: Vec<StepPlan> = Vec::new();
        for step in &set.steps {
            match step {
                fluo_lang::program::Step::Where(predicate) => {
                    let node = self.predicate(predicate);
                    steps.push(StepPlan::Where(node));
                }
                fluo_lang::program::Step::Navigate(axis) => {
                    self.keep_every_span(&format!(".{}", axis.word()));
                    steps.push(StepPlan::Navigate(*axis));
                }
            }
        }
        if steps.is_empty() {
            // All spans of the trace: the selector that picks every span.
            let all = self.selector(&Expr::Const(true));
            steps.push(StepPlan::Where(Node::Selector(all)));
        }
        let selector = match steps.as_slice() {
            [StepPlan::Where(Node::Selector(id))] => Some(*id),
            _ => None,
        };
        let grouped = !set.by.is_empty() && !by.is_empty();
        let id = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        self.sets.push(SetPlan {
            written: written.clone(),
            steps,
            within: set.within,
            grouped,
            name: crate::text::name(&written.steps),
            selector,
        });
        id
    }

    fn uses(&self) -> (usize, usize) {
        (self.sets.len(), self.relations.len())
    }

    /// Every selector that occurs in what was compiled since.
    fn selectors_since(&self, before: &(usize, usize), sets: &Sets) -> Vec<u32> {
        let mut found = Vec::new();
        for set in self.sets.get(before.0..).unwrap_or_default() {
            for step in &set.steps {
                if let StepPlan::Where(node) = step {
                    collect(node, &mut found);
                }
            }
        }
        for relation in self.relations.get(before.1..).unwrap_or_default() {
            collect(&relation.other, &mut found);
            relation.without.iter().for_each(|n| collect(n, &mut found));
        }
        debug_assert!(sets.ids.iter().all(|s| (*s as usize) < self.sets.len()), "sets are known");
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// Whether a set is empty for certain in a trace in which no selector picked a span.
fn is_silent(set: &SetPlan, selectors: &[Node]) -> bool {
    matches!(set.steps.first(), Some(StepPlan::Where(node)) if is_false_without_picks(node, selectors))
}

fn is_false_without_picks(node: &Node, selectors: &[Node]) -> bool {
    match node {
        Node::Selector(id) => !matches!(selectors.get(*id as usize), Some(Node::Const(_)) | None),
        Node::And(parts) => parts.iter().any(|part| is_false_without_picks(part, selectors)),
        Node::Or(parts) => parts.iter().all(|part| is_false_without_picks(part, selectors)),
        Node::Const(value) => !value,
        _ => false,
    }
}

/// The selectors that a node names.
fn collect(node: &Node, found: &mut Vec<u32>) {
    match node {
        Node::Selector(id) | Node::OfOwner { selector: id, .. } => found.push(*id),
        Node::Not(inner) => collect(inner, found),
        Node::And(parts) | Node::Or(parts) => parts.iter().for_each(|n| collect(n, found)),
        _ => {}
    }
}

/// A literal node.
pub(super) fn literal(value: &fluo_lang::value::Value) -> TermNode {
    TermNode::Literal(value.into())
}

impl ClaimTerm {
    /// Whether the term is a count of a set, which counters know.
    pub(super) const fn count_of(&self) -> Option<u32> {
        match self {
            Self::Aggregate { set, function: Function::Count, .. } => Some(*set),
            _ => None,
        }
    }
}
