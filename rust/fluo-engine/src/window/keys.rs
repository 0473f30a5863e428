//! The groups of a span.

use crate::eval::groups::{combine, parts, write_single};
use crate::store::values::Values;
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
    pub(super) fn of(by: &[u32], values: Values<'_>) -> Option<(Self, Reasons)> {
        let why = by.iter().fold(Reasons::NONE, |why, term| why.and(values.get(*term).unknown));
        if why.is_empty() {
            return None;
        }
        let terms = by.iter().map(|term| {
            let read = values.get(*term);
            let key = |value: &Val<'_>| {
                let mut key = Vec::new();
                value.write_key(&mut key);
                key
            };
            (read.value.iter().flat_map(Val::each).map(key).collect(), !read.unknown.is_empty())
        });
        Some((Self { terms: terms.collect() }, why))
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
pub(super) fn each_key(by: &[u32], values: Values<'_>, keys: &mut Keys, mut call: impl FnMut(&[u8])) {
    if by.is_empty() {
        call(&[]);
        return;
    }
    // Most rules have one term, and most spans one value of it: no list of them has to be made.
    if let [term] = by {
        let Some(value) = values.get(*term).value else { return };
        return call_with(&[&value], keys, call);
    }
    let reads: Vec<Val<'_>> = by.iter().filter_map(|term| values.get(*term).value).collect();
    if reads.len() == by.len() {
        call_with(&reads.iter().collect::<Vec<_>>(), keys, call);
    }
}

fn call_with(values: &[&Val<'_>], keys: &mut Keys, mut call: impl FnMut(&[u8])) {
    if write_single(&mut keys.key, values) {
        call(&keys.key);
    } else {
        combine(values).iter().for_each(|group| call(&group.key));
    }
}
