//! Which spans nearly match a selector that a claim wants: what an explanation tells where none does.

use std::collections::HashMap;

use fluo_lang::print;
use fluo_lang::program::{CompareOp, Expr, Field, FieldKey, Owner, Scope, Step, Term};
use foldhash::fast::RandomState;

use super::candidate::Test;
use super::compile::Compiler;
use super::index::sharpest;
use super::predicate::is_local_term;
use super::{Claim, ClaimTerm, Function, SetPlan};
use crate::expr::{LocalField, Node, TermNode};
use crate::value::Val;

/// Selectors that are watched at most for one service, for one name, and for spans of any: each is looked at for every such span, so
/// that a thousand rules about one service would cost a thousand looks.
const MOST_WATCHED: usize = 6;

/// Conjuncts of a selector that is watched at most.
const MOST_PARTS: usize = 8;

/// A selector of which a claim wants a span, taken apart.
#[derive(Debug)]
pub(crate) struct NearPlan {
    pub(crate) selector: u32,
    pub(crate) parts: Vec<NearPart>,
    /// The conjunct that holds for every span under whose service, else name, the selector is found.
    pub(crate) held: Option<u8>,
}

/// One conjunct.
#[derive(Debug)]
pub(crate) struct NearPart {
    pub(crate) test: Test,
    /// The conjunct, and all others, as a rule writes them.
    pub(crate) text: String,
    pub(crate) rest: String,
    /// What the conjunct looks at, where that is one value.
    pub(crate) value: Option<TermNode>,
    /// What it wants it to be, where it says so.
    pub(crate) wanted: Vec<Val<'static>>,
}

/// The watched selectors that a span of a service and name may nearly match.
#[derive(Debug, Default)]
pub(crate) struct NearIndex {
    by_service: HashMap<Box<[u8]>, Vec<u32>, RandomState>,
    by_name: HashMap<Box<[u8]>, Vec<u32>, RandomState>,
    any: Vec<u32>,
}

impl NearIndex {
    /// Watched selectors for spans of this service.
    pub(crate) fn of_service(&self, service: &[u8]) -> &[u32] {
        self.by_service.get(service).map_or(&[], Vec::as_slice)
    }

    /// Watched selectors for spans of this name, and for all spans.
    pub(crate) fn of_name(&self, name: &[u8]) -> [&[u32]; 2] {
        let named = if self.by_name.is_empty() { None } else { self.by_name.get(name) };
        [named.map_or(&[], Vec::as_slice), &self.any]
    }

    /// Adds a selector under the service that it demands, else under the name, and says which conjunct that proves; nothing where there
    /// is no room for it.
    fn add(&mut self, near: u32, parts: &[Node]) -> Option<Option<u8>> {
        let nodes: Vec<&Node> = parts.iter().collect();
        let demanded = |field: &dyn Fn(&LocalField) -> bool| {
            let (at, demand) = sharpest(&nodes, &field)?;
            let held = if demand.is_all { u8::try_from(at).ok() } else { None };
            Some((demand.texts?, held))
        };
        let room = |index: &HashMap<Box<[u8]>, Vec<u32>, RandomState>, texts: &[Box<[u8]>]| {
            texts.iter().all(|text| index.get(text).is_none_or(|watched| watched.len() < MOST_WATCHED))
        };
        if let Some((services, held)) = demanded(&|field| matches!(field, LocalField::Service(_))) {
            if !room(&self.by_service, &services) {
                return None;
            }
            services.into_iter().for_each(|service| self.by_service.entry(service).or_default().push(near));
            Some(held)
        } else if let Some((names, held)) = demanded(&|field| matches!(field, LocalField::Name)) {
            if !room(&self.by_name, &names) {
                return None;
            }
            names.into_iter().for_each(|name| self.by_name.entry(name).or_default().push(near));
            Some(held)
        } else if self.any.len() < MOST_WATCHED {
            self.any.push(near);
            Some(None)
        } else {
            None
        }
    }
}

/// What is watched.
#[derive(Debug, Default)]
pub(crate) struct Near {
    pub(crate) plans: Vec<NearPlan>,
    pub(crate) index: NearIndex,
}

impl Near {
    /// The plan of a watched selector, with its place.
    pub(crate) fn of_selector(&self, selector: u32) -> Option<(u32, &NearPlan)> {
        (0..).zip(&self.plans).find(|(_, plan)| plan.selector == selector)
    }
}

impl Compiler {
    /// Watches the selectors of which a claim needs spans to hold, where each has several conjuncts.
    pub(super) fn watch(&mut self, near: &mut Near, claim: &Claim) {
        let mut sets = Vec::new();
        wanted(claim, true, &mut sets);
        for set in sets {
            let Some((selector, parts)) = self.sets.get(set as usize).and_then(|set| Some((set.selector?, parts(set)))) else { continue };
            if parts.len() < 2 || parts.len() > MOST_PARTS || near.of_selector(selector).is_some() {
                continue;
            }
            let nodes: Vec<Node> = parts.iter().map(|part| self.local(part)).collect();
            let plans: Vec<NearPart> = nodes.iter().enumerate().filter_map(|(at, node)| self.near_part(node, &parts, at)).collect();
            let id = u32::try_from(near.plans.len()).unwrap_or(u32::MAX);
            if let Some(held) = near.index.add(id, &nodes) {
                near.plans.push(NearPlan { selector, parts: plans, held });
            }
        }
    }

    fn near_part(&self, node: &Node, parts: &[Expr], at: usize) -> Option<NearPart> {
        let part = parts.get(at)?;
        let mut rest: Vec<Expr> = parts.to_vec();
        rest.remove(at);
        let rest = if rest.len() == 1 { rest.pop()? } else { Expr::And(rest) };
        let (value, wanted) = match part {
            Expr::Compare { left, right: Term::Literal(wanted), .. } | Expr::Text { left, right: Term::Literal(wanted), .. } => {
                (self.single(left), vec![wanted.into()])
            }
            Expr::Compare { left: Term::Literal(wanted), right, .. } => (self.single(right), vec![wanted.into()]),
            Expr::In { term, list, .. } => (self.single(term), list.iter().map(Into::into).collect()),
            Expr::Matches { term, .. } => (self.single(term), Vec::new()),
            Expr::Name(glob) => {
                let name = Term::Field(Field { owner: Owner::Span, key: FieldKey::Name });
                (self.single(&name), vec![Val::Str(glob.text().as_bytes().to_vec().into())])
            }
            _ => (None, Vec::new()),
        };
        let text = |expr: &Expr| print::expr(expr, Scope::Trace);
        Some(NearPart { test: Test::new(node), text: text(part), rest: text(&rest), value, wanted })
    }

    fn single(&self, term: &Term) -> Option<TermNode> {
        is_local_term(term).then(|| self.local_term(term))
    }
}

/// The conjuncts of a set that one selector picks.
fn parts(set: &SetPlan) -> Vec<Expr> {
    fn flat(expr: &Expr, parts: &mut Vec<Expr>) {
        match expr {
            Expr::And(inner) => inner.iter().for_each(|part| flat(part, parts)),
            one => parts.push(one.clone()),
        }
    }
    let mut parts = Vec::new();
    for step in &set.written.steps {
        if let Step::Where(predicate) = step {
            flat(predicate, &mut parts);
        }
    }
    parts
}

/// The sets that have to have members, or more of them, for the claim to have this value.
fn wanted(claim: &Claim, value: bool, sets: &mut Vec<u32>) {
    match claim {
        Claim::Not(inner) => wanted(inner, !value, sets),
        Claim::And(parts) | Claim::Or(parts) => parts.iter().for_each(|part| wanted(part, value, sets)),
        Claim::NonEmpty { set, .. } if value => sets.push(*set),
        Claim::Compare { op, left, right } => {
            let (left_wants_more, right_wants_more) = match (op, value) {
                (CompareOp::Gt | CompareOp::Ge, true) | (CompareOp::Lt | CompareOp::Le, false) => (true, false),
                (CompareOp::Gt | CompareOp::Ge, false) | (CompareOp::Lt | CompareOp::Le, true) => (false, true),
                (CompareOp::Eq, true) | (CompareOp::Ne, false) => (true, true),
                _ => (false, false),
            };
            for (term, more) in [(left, left_wants_more), (right, right_wants_more)] {
                if let (true, ClaimTerm::Aggregate { set, function: Function::Count, .. }) = (more, term) {
                    sets.push(*set);
                }
            }
        }
        _ => {}
    }
}
