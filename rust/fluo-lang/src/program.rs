//! The checked form of a rule set: the contract between the language and whatever evaluates it.
//!
//! Everything here is resolved: defines are inserted, bare words are literals or fields, aliases of semantic conventions are
//! listed, the shorthand form is written out. An evaluator needs no rule text and makes no decision about names.
//!
//! One [`Expr`] type serves two levels. At *claim level* (the value of `always`, `never`, `when`) it speaks of the scope:
//! [`Expr::NonEmpty`], [`Expr::Quantified`] and terms with aggregates occur. At *span level* (inside a predicate) it speaks of one
//! span: [`Expr::Name`], [`Expr::Item`], [`Expr::Relation`] and terms with fields occur. The checker guarantees that no
//! construct stands at the wrong level.

pub mod sign;
pub mod visit;

use std::collections::BTreeMap;

use crate::glob::Glob;
use crate::source::{SourceId, Span};
use crate::value::Value;

/// A checked rule set: every rule that is not `disabled` and some that are, in file order.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSet {
    /// The rules, names unique.
    pub rules: Vec<Rule>,
    /// SHA-256 over the identity and the carried keys of every rule, in order: equal rule sets have equal hashes.
    pub hash: [u8; 32],
}

/// One claim about behaviour.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Unique in the rule set.
    pub name: String,
    /// What the claim ranges over.
    pub scope: Scope,
    /// Whether the claim must hold or must not hold.
    pub polarity: Polarity,
    /// The claim.
    pub claim: Expr,
    /// When the claim is made.
    pub guard: Guard,
    /// The `by` that all grouped aggregates of the rule share; empty for a rule without groups.
    pub by: Vec<Term>,
    /// How bad a violation is.
    pub severity: Severity,
    /// Whether violations are emitted.
    pub mode: Mode,
    /// What happens where loss forbids a verdict.
    pub on_gap: OnGap,
    /// Nanoseconds after which a group that is still violated is signalled again (`spans` scope).
    pub repeat_after: Option<u64>,
    /// Fields of the witness spans to carry into the signal, with the text they were written as.
    pub show: Vec<(String, Field)>,
    /// How many spans a signal cites as evidence at most, where the rule says so.
    pub evidence_limit: Option<u32>,
    /// The sentence for the signal, where the rule brings one.
    pub message: Option<Message>,
    /// Keys that are carried along and never evaluated.
    pub meta: Meta,
    /// The claim in canonical form with defines inserted, without its polarity.
    pub expression: String,
    /// SHA-256 over polarity, canonical claim and canonical `when`: part of a violation's id.
    pub identity: [u8; 32],
    /// Where the rule came from, for diagnostics that are found later than the checker.
    pub origin: Origin,
}

/// Where a rule stands in its source.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// The source.
    pub source: SourceId,
    /// The span of the rule's name.
    pub name: Span,
    /// The span of the claim's text.
    pub claim: Span,
}

/// What a rule ranges over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One trace; a verdict for every trace.
    Trace,
    /// All spans that the engine sees.
    Spans,
}

/// `always` or `never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polarity {
    /// An invariant: violated where the claim is false.
    Always,
    /// A pattern: violated where the claim is true.
    Never,
}

/// When the claim is made (language reference §4).
#[derive(Debug, Clone, PartialEq)]
pub enum Guard {
    /// For every trace (or group).
    Everywhere,
    /// Where this expression of the rule's `when` holds.
    When(Expr),
    /// Where this expression, derived from the claim's own spansets, holds.
    Derived(Expr),
}

/// The severity of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// The default.
    Warning,
    /// Broken behaviour.
    Error,
    /// Broken behaviour that needs somebody now.
    Critical,
}

/// The mode of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Violations are emitted.
    Enforce,
    /// Evaluated and counted, no violation emitted.
    Shadow,
    /// Checked at load only.
    Disabled,
}

/// What a rule does where lost spans forbid a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnGap {
    /// Counted as inconclusive.
    Inconclusive,
    /// Signalled, marked as incomplete.
    Signal,
}

/// Keys that are carried along.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Meta {
    /// What the rule is about.
    pub description: Option<String>,
    /// Where to read what to do.
    pub runbook: Option<String>,
    /// Who looks after it.
    pub owner: Option<String>,
    /// Free words.
    pub tags: Vec<String>,
    /// Compliance controls such as `PCI-DSS:6.4.2`.
    pub controls: Vec<String>,
    /// Links.
    pub references: Vec<String>,
    /// Known benign causes.
    pub false_positives: Vec<String>,
    /// Anything else.
    pub annotations: BTreeMap<String, String>,
}

/// A parsed `message`.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Text and inserted values, in order.
    pub parts: Vec<MessagePart>,
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum MessagePart {
    /// Literal text.
    Text(String),
    /// The observed value of a claim-level term whose observations occur in the claim or in `when`, or of a term of [`Rule::by`].
    Value(Term),
}

/// An expression with a truth value.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// `true`, `false`.
    Const(bool),
    /// `not e`.
    Not(Box<Expr>),
    /// `a and b and …`; two or more.
    And(Vec<Expr>),
    /// `a or b or …`; two or more.
    Or(Vec<Expr>),
    /// `a implies b`.
    Implies(Box<Expr>, Box<Expr>),
    /// `left op right`. On the claim level the terms hold aggregates, on the span level fields.
    Compare {
        /// The operator.
        op: CompareOp,
        /// Left operand.
        left: Term,
        /// Right operand.
        right: Term,
    },
    /// `term in [..]`, `term not in [..]`.
    In {
        /// The tested value.
        term: Term,
        /// The list; never holds a list.
        list: Vec<Value>,
        /// `not in`.
        negated: bool,
    },
    /// `contains`, `starts_with`, `ends_with`.
    Text {
        /// The operator.
        op: TextOp,
        /// Left operand.
        left: Term,
        /// Right operand.
        right: Term,
    },
    /// `term matches 'regex'`.
    Matches {
        /// The tested value.
        term: Term,
        /// Pattern, known to compile.
        regex: Pattern,
    },
    /// `exists(f)`; `missing(f)` is its negation and stands as [`Expr::Missing`].
    Exists(Term),
    /// `missing(f)`.
    Missing(Term),
    /// Span level: the span's name fits.
    Name(Glob),
    /// Span level: `event(NAME, P)` or `link(P)`: one item has the name and satisfies the predicate.
    Item {
        /// Events or links.
        kind: ItemKind,
        /// The event's name; always `None` for links.
        name: Option<Glob>,
        /// A predicate over the item: its fields are [`Owner::Item`].
        predicate: Option<Box<Expr>>,
    },
    /// Span level: a relation to other spans.
    Relation(Box<Relation>),
    /// Claim level: the spanset is not empty.
    NonEmpty(Spanset),
    /// Claim level: `.empty()`.
    Empty(Spanset),
    /// Claim level: `.any(P)`, `.all(P)`, `.none(P)`.
    Quantified {
        /// Which.
        quantifier: Quantifier,
        /// Over which spans.
        set: Spanset,
        /// The predicate.
        predicate: Box<Expr>,
    },
}

/// Comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// Text operators. `contains` on a list asks for an equal element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum TextOp {
    Contains,
    StartsWith,
    EndsWith,
}

/// Quantifiers over a spanset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Quantifier {
    Any,
    All,
    None,
}

/// What [`Expr::Item`] looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ItemKind {
    Event,
    Link,
}

/// A regular expression that is known to compile within the limits (unanchored, linear time).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// The source text.
    pub source: String,
}

/// A term: an expression with a value that is no truth (or a field whose value may be a boolean).
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// A constant.
    Literal(Value),
    /// Span level: a field.
    Field(Field),
    /// Claim level: an aggregate of a spanset.
    Aggregate(Box<Aggregate>),
    /// Claim level: `trace.root.f`, `S.first.f`, `S.last.f`.
    SpanField(Box<SpanField>),
    /// Claim level: `trace.depth`.
    Depth,
    /// Claim level: `trace.duration`.
    TraceDuration,
    /// Arithmetic.
    Arith {
        /// The operator.
        op: ArithOp,
        /// Left operand.
        left: Box<Term>,
        /// Right operand.
        right: Box<Term>,
    },
    /// Unary minus.
    Neg(Box<Term>),
    /// `coalesce(a, b, …)`: the first that is not missing.
    Coalesce(Vec<Term>),
    /// `lower(t)`.
    Lower(Box<Term>),
    /// `extract(t, 'regex')`: the first group.
    Extract(Box<Term>, Pattern),
    /// `shape(t)`: numbers, ids, quoted literals and lists of them become `?`.
    Shape(Box<Term>),
}

/// Arithmetic operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ArithOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

/// A set of spans: all spans of the scope, taken through the steps in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanset {
    /// `where` and navigation, in order.
    pub steps: Vec<Step>,
    /// `.within(D)`, nanoseconds.
    pub within: Option<u64>,
    /// `.by(f, …)`: empty, or equal to the rule's [`Rule::by`].
    pub by: Vec<Term>,
}

impl Spanset {
    /// All spans of the scope.
    #[must_use]
    pub fn all() -> Self {
        Self { steps: Vec::new(), within: None, by: Vec::new() }
    }
}

/// One step of a spanset.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Those that satisfy the predicate.
    Where(Expr),
    /// The related spans.
    Navigate(Axis),
}

/// Where a spanset goes by navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Axis {
    Children,
    Parents,
    Descendants,
    Ancestors,
}

/// A number over a spanset.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// Over which spans.
    pub set: Spanset,
    /// Which number.
    pub function: AggregateFn,
}

/// The aggregate functions.
#[derive(Debug, Clone, PartialEq)]
pub enum AggregateFn {
    /// Number of spans.
    Count,
    /// Number of distinct tuples of values.
    Distinct(Vec<Term>),
    /// Exact sum.
    Sum(Term),
    /// Smallest value.
    Min(Term),
    /// Greatest value.
    Max(Term),
    /// Mean, rounded once.
    Avg(Term),
    /// The smallest value with at least ⌈q·n⌉ values ≤ it; `0 < q <= 1`.
    Quantile(Term, f64),
    /// Spans a second; the spanset has `within`.
    Rate,
    /// Most spans in flight at one instant (trace), number in flight (spans).
    Concurrent,
    /// Longest stretch, in start order, with equal present values.
    LongestRun(Vec<Term>),
}

/// A field of one distinguished span.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanField {
    /// Which span.
    pub span: SpanRef,
    /// Its field.
    pub field: Field,
}

/// A distinguished span.
#[derive(Debug, Clone, PartialEq)]
pub enum SpanRef {
    /// The trace's root.
    Root,
    /// The first of a spanset by start, then span id.
    First(Spanset),
    /// The last of a spanset by start, then span id.
    Last(Spanset),
}

/// A field of a span (or of an event or a link inside [`Expr::Item`]).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// Whose field.
    pub owner: Owner,
    /// Which.
    pub key: FieldKey,
}

/// Whose field is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The span itself.
    Span,
    /// The span's parent.
    Parent,
    /// The root of the trace.
    Root,
    /// The event or link of the enclosing [`Expr::Item`].
    Item,
}

/// Which field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FieldKey {
    /// The name of the span (or of the event).
    Name,
    /// The resource's `service.name`.
    Service,
    /// `internal server client producer consumer`, a string.
    Kind,
    /// `unset ok error`, a string.
    Status,
    /// Text of the status; an empty one is missing.
    StatusMessage,
    /// End minus start.
    Duration,
    /// Lower-case hex (of the linked span inside `link(P)`).
    TraceId,
    /// Lower-case hex (of the linked span inside `link(P)`).
    SpanId,
    /// Lower-case hex; missing for a span without parent.
    ParentId,
    /// Name of the instrumentation scope; an empty one is missing.
    ScopeName,
    /// An attribute.
    Attribute(Attribute),
}

/// How an attribute is found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attribute {
    /// Where to look.
    pub place: Place,
    /// Which key.
    pub key: AttributeKey,
}

/// Where an attribute is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// The span's, else the resource's.
    Any,
    /// The span's only.
    Span,
    /// The resource's only.
    Resource,
    /// The instrumentation scope's only.
    Scope,
    /// Of every event of the span: several values.
    Event,
    /// Of every link of the span: several values.
    Link,
    /// Of the item of the enclosing [`Expr::Item`]; goes with [`Owner::Item`].
    Item,
}

/// Which attribute key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AttributeKey {
    /// These names in this order: as written, then the semantic conventions' other names.
    Names(Vec<String>),
    /// Every key that fits: several values.
    Glob(Glob),
}

/// A relation of a span to other spans.
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    /// Which.
    pub kind: RelationKind,
    /// What the other span must satisfy.
    pub other: Expr,
    /// `within=D`: largest gap, nanoseconds (timed relations).
    pub within: Option<u64>,
    /// `same=…`: equal, present values on both.
    pub same: Vec<Term>,
    /// `at_least=n`; 1 unless given.
    pub at_least: u64,
    /// `without=C`: no such span lies between (timed relations).
    pub without: Option<Expr>,
}

/// The relations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum RelationKind {
    HasParent,
    HasChild,
    HasAncestor,
    HasDescendant,
    HasSibling,
    PrecededBy,
    FollowedBy,
    Overlaps,
}

impl RelationKind {
    /// The word in rules.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::HasParent => "has_parent",
            Self::HasChild => "has_child",
            Self::HasAncestor => "has_ancestor",
            Self::HasDescendant => "has_descendant",
            Self::HasSibling => "has_sibling",
            Self::PrecededBy => "preceded_by",
            Self::FollowedBy => "followed_by",
            Self::Overlaps => "overlaps",
        }
    }
}

impl Axis {
    /// The method in rules.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Children => "children",
            Self::Parents => "parents",
            Self::Descendants => "descendants",
            Self::Ancestors => "ancestors",
        }
    }
}
