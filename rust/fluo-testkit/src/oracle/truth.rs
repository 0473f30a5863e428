//! Four truth values: true, false, unknown for reasons, and not applicable.

/// Why something cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// A parent never came, there are several spans without parent, or a cycle.
    Gap,
    /// A call has no child although the call table expects one.
    Dangling,
    /// The trace began before the engine did.
    Start,
    /// Attributes, events or links were dropped.
    Dropped,
    /// The trace was old when its first span came.
    Late,
    /// A limit cut the trace.
    Limit,
    /// The evaluation ended before the trace or window did.
    Shutdown,
    /// Two clocks cannot be compared.
    ClockSkew,
    /// A time is missing, zero or reversed.
    BadTime,
    /// More groups than allowed.
    Cardinality,
}

impl Reason {
    /// Every reason, in the order in which one is named where several hold.
    pub const ALL: [Self; 10] = [
        Self::Gap,
        Self::Dangling,
        Self::Start,
        Self::Dropped,
        Self::Late,
        Self::Limit,
        Self::Shutdown,
        Self::ClockSkew,
        Self::BadTime,
        Self::Cardinality,
    ];

    /// The word in expectations.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Dangling => "dangling",
            Self::Start => "start",
            Self::Dropped => "dropped",
            Self::Late => "late",
            Self::Limit => "limit",
            Self::Shutdown => "shutdown",
            Self::ClockSkew => "clock_skew",
            Self::BadTime => "bad_time",
            Self::Cardinality => "cardinality",
        }
    }

    /// The reason that a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }

    /// Whether the reason says that something was lost, which is what `on_gap: signal` is about.
    #[must_use]
    pub const fn is_loss(self) -> bool {
        matches!(self, Self::Gap | Self::Dangling | Self::Start | Self::Dropped | Self::Late | Self::Limit | Self::Shutdown)
    }
}

/// A set of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Reasons(u16);

impl Reasons {
    /// No reason.
    pub const NONE: Self = Self(0);
    /// The trace is not complete yet: more spans may come.
    pub const OPEN: Self = Self(1 << 15);

    /// The set of one reason.
    #[must_use]
    pub const fn of(reason: Reason) -> Self {
        Self(1 << reason as u16)
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the reason is among them.
    #[must_use]
    pub const fn has(self, reason: Reason) -> bool {
        self.0 & (1 << reason as u16) != 0
    }

    /// The reasons in the order of [`Reason::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.into_iter().filter(move |reason| self.has(*reason))
    }
}

/// A truth value over what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    /// No.
    False,
    /// Yes.
    True,
    /// It depends on what is not known.
    Unknown(Reasons),
    /// It turns on an aggregate of nothing.
    NotApplicable,
}

impl Truth {
    /// The truth of something that is known.
    #[must_use]
    pub(super) const fn of(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }

    /// The other way round.
    #[must_use]
    pub(super) const fn negate(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            other => other,
        }
    }

    /// `and`: false whatever the other is; then unknown; then not applicable.
    #[must_use]
    pub(super) fn and(self, other: Self) -> Self {
        use Truth::{False, NotApplicable, True, Unknown};
        match (self, other) {
            (False, _) | (_, False) => False,
            (Unknown(a), Unknown(b)) => Unknown(a.with(b)),
            (Unknown(a), _) | (_, Unknown(a)) => Unknown(a),
            (NotApplicable, _) | (_, NotApplicable) => NotApplicable,
            (True, True) => True,
        }
    }

    /// `or`, dual to `and`.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        self.negate().and(other.negate()).negate()
    }

    /// False, unless it could be otherwise for these reasons.
    #[must_use]
    pub(super) const fn false_unless(reasons: Reasons) -> Self {
        if reasons.is_empty() { Self::False } else { Self::Unknown(reasons) }
    }
}
