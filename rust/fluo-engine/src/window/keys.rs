//! The groups of a span.

use crate::eval::groups::{combine, parts, write_single};
use crate::store::trace::KeptValue;
use crate::truth::Reasons;
use crate::value::Val;

/// Room for building keys, used again for every span.
#[derive(Debug, Default)]
pub(super) struct Keys {
    key: Vec<u8>,
}

/// Where a span may belong of whose values something was dropped.
#[derive(Debug, Clone)]
pub(super) struct Whereabouts {
    /// Of each term the keys of the known values, and whether there may be others.
    terms: Vec<(Vec<Vec<u8>>, bool)>,
}

impl Whereabouts {
    /// The whereabouts of a span with these values, and why they are not known; nothing where they are.
    pub(super) fn of(by: &[u32], values: &[KeptValue]) -> Option<(Self, Reasons)> {
        if values.iter().all(|value| value.read.unknown.is_empty()) {
            return None;
        }
        let mut why = Reasons::NONE;
        let terms = by.iter().map(|term| {
            let Some(read) = values.iter().find(|value| value.term == *term).map(|value| &value.read) else {
                return (Vec::new(), false);
            };
            why = why.and(read.unknown);
            let key = |value: &Val<'_>| {
                let mut key = Vec::new();
                value.write_key(&mut key);
                key
            };
            (read.value.iter().flat_map(Val::each).map(key).collect(), !read.unknown.is_empty())
        });
        let terms = terms.collect();
        (!why.is_empty()).then_some((Self { terms }, why))
    }

    /// Whether the span may be in the group with this key although it is not known to be.
    pub(super) fn may_be_in(&self, key: &[u8]) -> bool {
        let parts = parts(key);
        let known = |(term, part): (&(Vec<Vec<u8>>, bool), &&[u8])| term.0.iter().any(|value| value == part);
        let may = self.terms.iter().zip(&parts).all(|pair| known(pair) || pair.0.1);
        may && !self.terms.iter().zip(&parts).all(known)
    }
}

/// Calls with the canonical key of each group of a span by these terms, once for each. A list puts the span into each of its elements'
/// groups; a missing value leaves it out.
pub(super) fn each_key(by: &[u32], values: &[KeptValue], keys: &mut Keys, mut call: impl FnMut(&[u8])) {
    if by.is_empty() {
        call(&[]);
        return;
    }
    // Most rules have one term, and most spans one value of it: no list of them has to be made.
    if let Some(key) = only_key(by, values, keys) {
        return call(key);
    }
    let mut reads: Vec<&Val<'_>> = Vec::with_capacity(by.len());
    for term in by {
        let read = values.iter().find(|v| v.term == *term).map(|v| &v.read);
        reads.extend(read.and_then(|read| read.value.as_ref()));
    }
    if reads.len() < by.len() {
        return;
    }
    if write_single(&mut keys.key, &reads) {
        call(&keys.key);
    } else {
        for group in combine(&reads) {
            call(&group.key);
        }
    }
}

/// The key of a span with one term that has one value.
fn only_key<'k>(by: &[u32], values: &[KeptValue], keys: &'k mut Keys) -> Option<&'k [u8]> {
    let value = only(by, values).filter(|value| !matches!(value, Val::List(_)))?;
    write_single(&mut keys.key, &[value]);
    Some(&keys.key)
}

/// The value of the only term.
fn only<'v>(by: &[u32], values: &'v [KeptValue]) -> Option<&'v Val<'static>> {
    let [term] = by else { return None };
    values.iter().find(|value| value.term == *term)?.read.value.as_ref()
}
