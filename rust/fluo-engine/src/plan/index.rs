//! Which selectors a span can satisfy at all: found by its service and its name, so that a thousand rules about other services and
//! names cost nothing.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::candidate::Candidate;
use crate::expr::{LocalField, Node, TermNode};
use crate::value::Val;
use fluo_lang::program::CompareOp;

type ByText<T> = HashMap<Box<[u8]>, T, RandomState>;

/// Selectors by the service and name that they demand.
#[derive(Debug, Default)]
pub(crate) struct SelectorIndex {
    by_service: ByText<ByName>,
    /// Those that demand no service.
    of_any_service: ByName,
    /// All that demand a service, whole, for spans whose service is not known or is no text.
    of_services: Vec<Candidate>,
}

/// Selectors by the name that they demand.
#[derive(Debug, Default)]
pub(crate) struct ByName {
    named: ByText<Vec<Candidate>>,
    /// Those that demand no name.
    others: Vec<Candidate>,
}

/// What the resource of a span says of its service.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Service<'p> {
    /// A text, with the selectors that demand it.
    Text(Option<&'p ByName>),
    /// Not there for certain: what demands a service is false.
    Missing,
    /// Lost, or no text: what demands a service has to be decided.
    Odd,
}

/// Texts of which a span has to have one, for a predicate not to be false.
#[derive(Debug, Clone, Default)]
pub(super) struct Demand {
    pub(super) texts: Option<Vec<Box<[u8]>>>,
    /// Whether having one of them is all that the predicate says.
    pub(super) is_all: bool,
}

impl SelectorIndex {
    pub(super) fn new(selectors: &[Node]) -> Self {
        let mut index = Self::default();
        for (id, node) in (0u32..).zip(selectors) {
            let conjuncts = conjuncts(node);
            let service = sharpest(&conjuncts, &|field| matches!(field, LocalField::Service(_)));
            let name = sharpest(&conjuncts, &|field| matches!(field, LocalField::Name));
            // What the index has found to hold is not decided again.
            let left = |service_holds: bool| {
                let held = [service.as_ref().filter(|_| service_holds), name.as_ref()];
                let held = held.into_iter().flatten().filter(|(_, demand)| demand.is_all).map(|(at, _)| *at);
                let held: Vec<usize> = held.collect();
                Candidate::new(id, (0..).zip(&conjuncts).filter(|(at, _)| !held.contains(at)).map(|(_, node)| *node))
            };
            let texts = |found: &Option<(usize, Demand)>| found.as_ref().and_then(|(_, demand)| demand.texts.clone());
            let names = texts(&name);
            match texts(&service) {
                Some(services) => {
                    index.of_services.push(Candidate::new(id, std::iter::once(node)));
                    for service in services {
                        index.by_service.entry(service).or_default().add(&left(true), names.as_deref());
                    }
                }
                None => index.of_any_service.add(&left(false), names.as_deref()),
            }
        }
        index
    }

    /// The selectors that demand this service.
    pub(crate) fn of_service(&self, service: &[u8]) -> Option<&ByName> {
        self.by_service.get(service)
    }

    /// Lists of the selectors that a span of this service and name may satisfy; no selector is in two of them.
    pub(crate) fn candidates<'p>(&'p self, service: Service<'p>, name: &[u8]) -> [&'p [Candidate]; 4] {
        let [named, others] = self.of_any_service.get(name);
        match service {
            Service::Text(None) | Service::Missing => [named, others, &[], &[]],
            Service::Text(Some(of_service)) => {
                let [more_named, more_others] = of_service.get(name);
                [named, others, more_named, more_others]
            }
            Service::Odd => [named, others, &self.of_services, &[]],
        }
    }
}

impl ByName {
    fn add(&mut self, candidate: &Candidate, names: Option<&[Box<[u8]>]>) {
        match names {
            Some(names) => names.iter().for_each(|name| self.named.entry(name.clone()).or_default().push(candidate.clone())),
            None => self.others.push(candidate.clone()),
        }
    }

    fn get(&self, name: &[u8]) -> [&[Candidate]; 2] {
        let named = if self.named.is_empty() { None } else { self.named.get(name) };
        [named.map_or(&[], Vec::as_slice), &self.others]
    }
}

/// The parts of which each has to hold.
pub(super) fn conjuncts(node: &Node) -> Vec<&Node> {
    match node {
        Node::And(parts) => parts.iter().flat_map(conjuncts).collect(),
        one => vec![one],
    }
}

/// The part that demands the fewest texts of a field, with its place.
pub(super) fn sharpest(conjuncts: &[&Node], field: &impl Fn(&LocalField) -> bool) -> Option<(usize, Demand)> {
    let demands = conjuncts.iter().enumerate().map(|(at, node)| (at, demand(node, field)));
    demands.filter(|(_, d)| d.texts.is_some()).min_by_key(|(_, d)| d.texts.as_ref().map_or(0, Vec::len))
}

/// What a predicate demands of a field.
fn demand(node: &Node, field: &impl Fn(&LocalField) -> bool) -> Demand {
    let one = |text: Option<Box<[u8]>>| Demand { is_all: text.is_some(), texts: text.map(|text| vec![text]) };
    match node {
        Node::Name(glob) if field(&LocalField::Name) => one(glob.literal().map(|name| name.as_bytes().into())),
        Node::Compare { op: CompareOp::Eq, left, right } => match (left, right) {
            (TermNode::Field(of), TermNode::Literal(value)) | (TermNode::Literal(value), TermNode::Field(of)) if field(of) => {
                one(exact(value))
            }
            _ => Demand::default(),
        },
        Node::In { term: TermNode::Field(of), list, negated: false } if field(of) => {
            let texts: Option<Vec<_>> = list.iter().map(exact).collect();
            Demand { is_all: texts.is_some(), texts: texts.map(distinct) }
        }
        Node::Or(parts) => {
            let all: Vec<Demand> = parts.iter().map(|part| demand(part, field)).collect();
            let is_all = all.iter().all(|d| d.is_all);
            let texts: Option<Vec<Vec<_>>> = all.into_iter().map(|d| d.texts).collect();
            Demand { is_all: is_all && texts.is_some(), texts: texts.map(|texts| distinct(texts.concat())) }
        }
        // Of several parts the whole still has to be decided.
        Node::And(_) => match sharpest(&conjuncts(node), field) {
            Some((_, demand)) => Demand { is_all: false, ..demand },
            None => Demand::default(),
        },
        _ => Demand::default(),
    }
}

fn distinct(mut texts: Vec<Box<[u8]>>) -> Vec<Box<[u8]>> {
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// The only text that equals the value, where there is only one: texts that read as numbers or truths equal other types too.
fn exact(value: &Val<'_>) -> Option<Box<[u8]>> {
    match value {
        Val::Str(text) if value.number().is_none() && text.as_ref() != b"true" && text.as_ref() != b"false" => Some(text.as_ref().into()),
        _ => None,
    }
}
