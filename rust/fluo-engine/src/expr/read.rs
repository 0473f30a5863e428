//! What reading a field or computing a term gives.

use std::borrow::Cow;

use crate::truth::{Reasons, Truth};
use crate::value::Val;
use crate::verdict::Reason;

/// A value, or its absence, and what is unknown about it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Read<'a> {
    /// The value; `None` where it is missing or wholly unknown.
    pub(crate) value: Option<Val<'a>>,
    /// Why there may be a value, or further values, that nobody sees.
    pub(crate) unknown: Reasons,
    /// Whether the list is one of values (of all events, links or fitting keys) and not one value that is a list.
    pub(crate) many: bool,
}

impl<'a> Read<'a> {
    /// Definitely not there.
    pub(crate) const MISSING: Self = Self { value: None, unknown: Reasons::NONE, many: false };

    /// A known value.
    pub(crate) const fn present(value: Val<'a>) -> Self {
        Self { value: Some(value), unknown: Reasons::NONE, many: false }
    }

    /// A value that may be missing.
    pub(crate) const fn maybe(value: Option<Val<'a>>) -> Self {
        Self { value, unknown: Reasons::NONE, many: false }
    }

    /// Nothing is known.
    pub(crate) const fn unknown(reasons: Reasons) -> Self {
        Self { value: None, unknown: reasons, many: false }
    }

    /// Whether there is a value.
    pub(crate) fn exists(&self) -> Truth {
        match (&self.value, self.unknown) {
            (Some(_), _) => Truth::True,
            (None, unknown) if unknown.is_empty() => Truth::False,
            (None, unknown) => Truth::Unknown(unknown),
        }
    }

    /// What is kept of the read when its span's bytes are gone. Elements that were left out of a list may be anything.
    pub(crate) fn kept(self) -> Read<'static> {
        let Some(value) = self.value else {
            return Read { value: None, unknown: self.unknown, many: self.many };
        };
        let (value, cut) = value.kept();
        let unknown = if cut { self.unknown.and(Reasons::of(Reason::Limit)) } else { self.unknown };
        Read { value: Some(value), unknown, many: self.many }
    }

    /// Why a test of more than equality may come out otherwise than on what is kept: of a long text only its hash is.
    pub(crate) fn blur(&self) -> Reasons {
        match &self.value {
            Some(value) if value.is_blurred() => Reasons::of(Reason::Limit),
            _ => Reasons::NONE,
        }
    }

    /// Applies a function of text to every element; elements for which it gives nothing fall away. An empty list stays one.
    pub(crate) fn map_text(self, function: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Read<'a> {
        let unknown = self.unknown.and(self.blur());
        let apply = |value: &Val<'_>| match value {
            Val::Digest(_) => None,
            value => function(&value.text()).map(|text| Val::Str(Cow::Owned(text))),
        };
        let value = self.value.and_then(|value| match &value {
            Val::List(items) => {
                let mapped: Vec<_> = items.iter().filter_map(apply).collect();
                (items.is_empty() || !mapped.is_empty()).then_some(Val::List(mapped))
            }
            one => apply(one),
        });
        Read { value, unknown, many: self.many }
    }

    /// The same, an empty list being missing.
    #[must_use]
    pub(crate) fn unless_empty(self) -> Self {
        let value = self.value.filter(|value| !matches!(value, Val::List(items) if items.is_empty()));
        Read { value, ..self }
    }
}
