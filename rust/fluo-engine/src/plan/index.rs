//! Which selectors a span can satisfy at all: found by its name and its service, so that a thousand rules about other services
//! cost nothing.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::expr::{LocalField, Node, TermNode};
use crate::value::Val;
use fluo_lang::program::CompareOp;

/// Selectors by the name or service that they demand.
#[derive(Debug, Default)]
pub(crate) struct SelectorIndex {
    by_name: HashMap<Box<[u8]>, Vec<u32>, RandomState>,
    by_service: HashMap<Box<[u8]>, Vec<u32>, RandomState>,
    /// All of `by_service`.
    of_services: Vec<u32>,
    /// Those that demand neither.
    others: Vec<u32>,
}

impl SelectorIndex {
    pub(super) fn new(selectors: &[Node]) -> Self {
        let mut index = Self::default();
        for (id, node) in (0u32..).zip(selectors) {
            let (name, service) = demands(node);
            // A name is the sharper sieve: spans of one service are many.
            match (name, service) {
                (Some(name), _) => index.by_name.entry(name.into()).or_default().push(id),
                (None, Some(service)) => {
                    index.of_services.push(id);
                    index.by_service.entry(service.into()).or_default().push(id);
                }
                (None, None) => index.others.push(id),
            }
        }
        index
    }

    /// Selectors that demand this name.
    pub(crate) fn of_name(&self, name: &[u8]) -> &[u32] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// Selectors that demand this service.
    pub(crate) fn of_service(&self, service: &[u8]) -> &[u32] {
        self.by_service.get(service).map_or(&[], Vec::as_slice)
    }

    /// Selectors that demand some service, for spans whose service is not known.
    pub(crate) fn of_services(&self) -> &[u32] {
        &self.of_services
    }

    /// Selectors that any span may satisfy.
    pub(crate) fn others(&self) -> &[u32] {
        &self.others
    }
}

/// The name and the service without which the predicate is false for certain.
fn demands(node: &Node) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    match node {
        Node::Name(glob) => (glob.literal().map(|n| n.as_bytes().to_vec()), None),
        Node::Compare { op: CompareOp::Eq, left, right } => match (left, right) {
            (TermNode::Field(field), TermNode::Literal(value)) | (TermNode::Literal(value), TermNode::Field(field)) => match field {
                LocalField::Name => (exact(value), None),
                LocalField::Service(_) => (None, exact(value)),
                _ => (None, None),
            },
            _ => (None, None),
        },
        Node::And(parts) => parts.iter().map(demands).fold((None, None), |(name, service), (n, s)| (name.or(n), service.or(s))),
        _ => (None, None),
    }
}

/// The only text that equals the value, where there is only one: texts that read as numbers or truths equal other types too, and
/// service names of other types exist in the wild.
fn exact(value: &Val<'_>) -> Option<Vec<u8>> {
    match value {
        Val::Str(text) if value.number().is_none() && text.as_ref() != b"true" && text.as_ref() != b"false" => Some(text.to_vec()),
        _ => None,
    }
}
