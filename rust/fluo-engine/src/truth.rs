//! Three-valued truth with the reasons of what is unknown, and a fourth value for claims about nothing.

use crate::verdict::Reason;

/// A set of reasons why something is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reasons(u16);

impl Reasons {
    /// More spans may come: the only reason that time removes.
    pub(crate) const OPEN: Self = Self(1 << 15);
    /// No reason.
    pub(crate) const NONE: Self = Self(0);

    /// The set of one reason.
    pub(crate) const fn of(reason: Reason) -> Self {
        Self(1 << reason as u16)
    }

    /// The set as bits.
    pub(crate) const fn bits(self) -> u16 {
        self.0
    }

    /// A set from its bits.
    pub(crate) const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// Both sets.
    #[must_use]
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is none.
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the reason is among them.
    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether one of them says that spans or parts of spans are not there, which is what `on_gap: signal` is about.
    pub(crate) fn has_loss(self) -> bool {
        [Reason::Gap, Reason::Dangling, Reason::Start, Reason::Dropped, Reason::Late, Reason::Limit, Reason::Shutdown]
            .into_iter()
            .any(|reason| self.has(Self::of(reason)))
    }

    /// All of them but [`Reasons::OPEN`].
    pub(crate) fn all(self) -> Vec<Reason> {
        Reason::ALL.into_iter().filter(|r| self.has(Self::of(*r))).collect()
    }

    /// The one that a verdict names: the first in the order of [`Reason::ALL`].
    pub(crate) fn first(self) -> Option<Reason> {
        Reason::ALL.into_iter().find(|r| self.has(Self::of(*r)))
    }
}

/// A truth value over what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    False,
    True,
    Unknown(Reasons),
    /// Turns on an aggregate of nothing.
    NotApplicable,
}

impl Truth {
    pub(crate) const fn of(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }

    #[must_use]
    pub(crate) const fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::True => Self::False,
            other => other,
        }
    }

    /// `and`: false wins, then unknown, then not applicable.
    #[must_use]
    pub(crate) const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::False, _) | (_, Self::False) => Self::False,
            (Self::Unknown(a), Self::Unknown(b)) => Self::Unknown(a.and(b)),
            (Self::Unknown(a), _) | (_, Self::Unknown(a)) => Self::Unknown(a),
            (Self::NotApplicable, _) | (_, Self::NotApplicable) => Self::NotApplicable,
            (Self::True, Self::True) => Self::True,
        }
    }

    /// `or`, by duality.
    #[must_use]
    pub(crate) const fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }
}

#[cfg(test)]
mod tests {
    use super::{Reasons, Truth};
    use crate::verdict::Reason;

    #[test]
    fn a_deciding_side_wins_over_whatever_the_other_is() {
        let unknown = Truth::Unknown(Reasons::of(Reason::Gap));
        for other in [Truth::True, Truth::False, unknown, Truth::NotApplicable] {
            assert_eq!(Truth::False.and(other), Truth::False);
            assert_eq!(other.and(Truth::False), Truth::False);
            assert_eq!(Truth::True.or(other), Truth::True);
            assert_eq!(other.or(Truth::True), Truth::True);
        }
        assert_eq!(unknown.and(Truth::NotApplicable), unknown);
        assert_eq!(Truth::True.and(Truth::NotApplicable), Truth::NotApplicable);
        assert_eq!(Truth::False.or(Truth::NotApplicable), Truth::NotApplicable);
    }

    #[test]
    fn reasons_add_up_and_the_first_is_named() {
        let both = Reasons::of(Reason::Late).and(Reasons::of(Reason::Gap));
        assert_eq!(both.first(), Some(Reason::Gap));
        assert_eq!(Reasons::OPEN.first(), None);
    }
}
