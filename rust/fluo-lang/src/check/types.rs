//! Types of terms, as far as they are known before a span has been seen.

use crate::program::{FieldKey, Place, Term};
use crate::value::{Value, canonical_decimal};

/// A term and its type.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Typed {
    pub(super) term: Term,
    pub(super) ty: Ty,
}

/// What is known about a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ty {
    /// An attribute: anything but a duration.
    Attribute,
    /// Anything.
    Any,
    /// A number.
    Number,
    /// A duration.
    Duration,
    /// Text that is not known.
    Text,
    /// A member of `kind`.
    Kind,
    /// A member of `status`.
    Status,
    /// A trace's or span's id.
    Id,
    /// A truth value.
    Bool,
    /// Text that is known and no number.
    Word,
}

impl Typed {
    pub(super) fn literal(value: Value) -> Self {
        let ty = match &value {
            Value::String(text) if canonical_decimal(text.as_bytes()).is_some() => Ty::Text,
            Value::String(_) => Ty::Word,
            Value::Int(_) | Value::Float(_) => Ty::Number,
            Value::Bool(_) => Ty::Bool,
            Value::Duration(_) => Ty::Duration,
        };
        Self { term: Term::Literal(value), ty }
    }

    pub(super) fn is_literal(&self) -> bool {
        matches!(self.term, Term::Literal(_))
    }
}

/// The type of a field.
pub(super) fn of_field(key: &FieldKey) -> Ty {
    match key {
        FieldKey::Name | FieldKey::Service | FieldKey::StatusMessage | FieldKey::ScopeName => Ty::Text,
        FieldKey::Kind => Ty::Kind,
        FieldKey::Status => Ty::Status,
        FieldKey::Duration => Ty::Duration,
        FieldKey::TraceId | FieldKey::SpanId | FieldKey::ParentId => Ty::Id,
        FieldKey::Attribute(_) => Ty::Attribute,
    }
}

impl Ty {
    /// What a value of this type is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Attribute => "an attribute",
            Self::Any => "a value",
            Self::Number => "a number",
            Self::Duration => "a duration",
            Self::Text | Self::Word => "a string",
            Self::Kind => "a span kind",
            Self::Status => "a status",
            Self::Id => "an id",
            Self::Bool => "a truth value",
        }
    }

    /// Whether values of the two types may be equal.
    pub(super) fn may_equal(self, other: Self) -> bool {
        use Ty::*;
        match (self, other) {
            (Any, _) | (_, Any) => true,
            (Duration, Duration) => true,
            (Duration, _) | (_, Duration) => false,
            (Attribute, _) | (_, Attribute) => true,
            (Number, Text | Id) | (Text | Id, Number) => true,
            (Kind, Kind) | (Status, Status) => true,
            (Kind, Status) | (Status, Kind) => false,
            (Text, Kind | Status | Id | Bool) | (Kind | Status | Id | Bool, Text) => true,
            (Word, Kind | Status | Id | Bool) | (Kind | Status | Id | Bool, Word) => true,
            (a, b) => a == b || matches!((a, b), (Text, Word) | (Word, Text)),
        }
    }

    /// Whether values of this type have an order.
    pub(super) fn has_order(self) -> bool {
        !matches!(self, Self::Bool | Self::Kind | Self::Status)
    }

    /// What an aggregate that takes numbers makes of it; `None` where there is no number in it.
    pub(super) fn aggregated(self) -> Option<Self> {
        match self {
            Self::Duration => Some(Self::Duration),
            Self::Attribute | Self::Number | Self::Text => Some(Self::Number),
            Self::Any | Self::Kind | Self::Status | Self::Id | Self::Bool | Self::Word => None,
        }
    }

    /// The type of one of two values.
    pub(super) fn either(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::Duration, _) | (_, Self::Duration) => Self::Any,
            _ => Self::Attribute,
        }
    }
}

/// Whether the attribute stands for all attributes of a span.
pub(super) fn reads_all(place: Place, pattern: &str) -> bool {
    pattern == "*" && matches!(place, Place::Any | Place::Span | Place::Resource)
}
