//! The groups of a span.

use crate::eval::groups::{each_key, parts};
use crate::expr::read::Read;
use crate::store::values::Values;
use crate::truth::Reasons;
use crate::value::Val;

/// Room for building keys, used again for every span.
#[derive(Debug, Default)]
pub(super) struct Keys {
    key: Vec<u8>,
}

/// Where a span may belong of whose values something was dropped.
#[derive(Debug, Clone, Default)]
pub(super) struct Whereabouts {
    /// Of each term the keys of the known values, and whether there may be others.
    terms: Vec<(Vec<Vec<u8>>, bool)>,
}

impl Whereabouts {
    /// Whether the span may be in the group with this key although it is not known to be.
    pub(super) fn may_be_in(&self, key: &[u8]) -> bool {
        let parts = parts(key);
        let known = |(term, part): (&(Vec<Vec<u8>>, bool), &&[u8])| term.0.iter().any(|value| value == part);
        let may = self.terms.iter().zip(&parts).all(|pair| known(pair) || pair.0.1);
        may && !self.terms.iter().zip(&parts).all(known)
    }
}

/// What a span says of the terms by which a rule groups.
pub(super) enum Place<'v> {
    /// No term.
    Everywhere,
    /// Most rules have one, and no list has to be made.
    By(Read<'v>),
    ByAll(Vec<Read<'v>>),
}

impl<'v> Place<'v> {
    /// The place of a span with these values.
    pub(super) fn of(by: &[u32], values: Values<'v>) -> Self {
        match by {
            [] => Self::Everywhere,
            [term] => Self::By(values.get(*term)),
            terms => Self::ByAll(terms.iter().map(|term| values.get(*term)).collect()),
        }
    }

    fn reads(&self) -> &[Read<'v>] {
        match self {
            Self::Everywhere => &[],
            Self::By(read) => std::slice::from_ref(read),
            Self::ByAll(reads) => reads,
        }
    }

    /// Where the span may belong, and why that is not known; nothing where it is.
    pub(super) fn whereabouts(&self) -> Option<(Whereabouts, Reasons)> {
        let why = self.reads().iter().fold(Reasons::NONE, |why, read| why.and(read.unknown));
        if why.is_empty() {
            return None;
        }
        let key = |value: &Val<'_>| {
            let mut key = Vec::new();
            value.write_key(&mut key);
            key
        };
        let keys = |read: &Read<'v>| (read.value.iter().flat_map(Val::each).map(key).collect(), !read.unknown.is_empty());
        Some((Whereabouts { terms: self.reads().iter().map(keys).collect() }, why))
    }

    /// Calls with the canonical key of each group of the span, once for each. A list puts the span into each of its elements' groups; a
    /// missing value leaves it out.
    pub(super) fn each_key(&self, keys: &mut Keys, mut call: impl FnMut(&[u8])) {
        match self {
            Self::Everywhere => call(&[]),
            Self::By(read) => {
                if let Some(value) = &read.value {
                    each_key(&[value], &mut keys.key, call);
                }
            }
            Self::ByAll(reads) => {
                if let Some(values) = reads.iter().map(|read| read.value.as_ref()).collect::<Option<Vec<_>>>() {
                    each_key(&values, &mut keys.key, call);
                }
            }
        }
    }
}
