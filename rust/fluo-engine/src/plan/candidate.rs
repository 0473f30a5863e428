//! A selector that a span may satisfy, and the quickest way to decide what of it is not known yet.

use fluo_lang::glob::Glob;
use fluo_lang::program::{CompareOp, ItemKind, Owner};

use crate::expr::read::Read;
use crate::expr::{Env, LocalField, Node, TermNode, decide};
use crate::otlp::{AnyValueRef, SpanView};
use crate::select::SpanEnv;
use crate::store::record::{KINDS, STATUSES, kind_name, status_name};
use crate::truth::Truth;
use crate::value::Val;

/// A selector and the tests that are left: it holds where all of them do.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) selector: u32,
    tests: Box<[Test]>,
}

/// One test of a span's own bytes.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    /// One bit for each kind that passes.
    Kinds(u8),
    /// One bit for each status that passes.
    Statuses(u8),
    /// The name is this text, or is not.
    Name {
        text: Box<[u8]>,
        equal: bool,
    },
    /// An attribute that has to be there, compared with a literal or not.
    Attribute {
        field: AttributeField,
        passes: Passes,
        whole: Node,
    },
    Whole(Node),
}

/// Slots in search order in the span, then in the resource, then in the scope.
#[derive(Debug, Clone)]
pub(crate) struct AttributeField {
    span: Box<[usize]>,
    resource: Box<[usize]>,
    scope: Box<[usize]>,
}

/// Which values pass without a look at their rarer forms.
#[derive(Debug, Clone)]
pub(crate) enum Passes {
    AnyValue,
    Int(CompareOp, i64),
    Text {
        text: Box<[u8]>,
        equal: bool,
    },
    /// Every value takes the general way.
    Undecided,
}

impl Candidate {
    /// A selector that holds where all these parts do.
    pub(super) fn new<'n>(selector: u32, parts: impl Iterator<Item = &'n Node>) -> Self {
        let mut tests: Vec<Test> = parts.filter(|node| !matches!(node, Node::Const(true))).map(Test::new).collect();
        // The cheap ones first; `and` gives the same in any order.
        tests.sort_by_key(Test::cost);
        Self { selector, tests: tests.into() }
    }

    /// Decides what is left.
    #[inline]
    pub(crate) fn decide(&self, span: &SpanView<'_, '_>) -> Truth {
        let mut all = Truth::True;
        for test in &self.tests {
            all = all.and(test.decide(span));
            if all == Truth::False {
                break;
            }
        }
        all
    }
}

impl Test {
    /// The quickest way to decide a predicate.
    pub(super) fn new(node: &Node) -> Self {
        if reads_only(node, &LocalField::Kind) {
            return Self::Kinds(passing(node, KINDS, |kind| Word(kind_name(kind))));
        }
        if reads_only(node, &LocalField::Status) {
            return Self::Statuses(passing(node, STATUSES, |status| Word(status_name(status))));
        }
        if let Node::Compare { op, left: TermNode::Field(LocalField::Name), right: TermNode::Literal(value) } = node
            && let Passes::Text { text, equal } = Passes::compared(*op, value)
        {
            return Self::Name { text, equal };
        }
        let attribute = |term: &TermNode| match term {
            TermNode::Field(LocalField::Service(slot)) => {
                Some(AttributeField { span: Box::default(), resource: slot.iter().copied().collect(), scope: Box::default() })
            }
            TermNode::Field(LocalField::Attribute { span, resource, scope }) => {
                Some(AttributeField { span: span.as_slice().into(), resource: resource.as_slice().into(), scope: scope.as_slice().into() })
            }
            _ => None,
        };
        let found = match node {
            Node::Compare { op, left, right: TermNode::Literal(value) } => {
                attribute(left).map(|field| (field, Passes::compared(*op, value)))
            }
            Node::Exists(term) => attribute(term).map(|field| (field, Passes::AnyValue)),
            Node::In { term, negated: false, .. } | Node::Matches { term, .. } => attribute(term).map(|field| (field, Passes::Undecided)),
            Node::Text { left, right: TermNode::Literal(_), .. } => attribute(left).map(|field| (field, Passes::Undecided)),
            _ => None,
        };
        match found {
            Some((field, passes)) => Self::Attribute { field, passes, whole: node.clone() },
            None => Self::Whole(node.clone()),
        }
    }

    const fn cost(&self) -> u8 {
        match self {
            Self::Kinds(_) | Self::Statuses(_) | Self::Name { .. } => 0,
            Self::Attribute { .. } => 1,
            Self::Whole(_) => 2,
        }
    }

    #[inline]
    pub(crate) fn decide(&self, span: &SpanView<'_, '_>) -> Truth {
        match self {
            Self::Name { text, equal } => Truth::of((**text == *span.name) == *equal),
            Self::Kinds(passing) => Truth::of(passing >> span.kind & 1 == 1),
            Self::Statuses(passing) => Truth::of(passing >> span.status & 1 == 1),
            Self::Attribute { field, passes, whole } => match field.find(span) {
                None if field.is_whole(span) => Truth::False,
                found => found.and_then(|value| passes.decide(&value)).unwrap_or_else(|| decide(whole, &SpanEnv { span, item: None })),
            },
            Self::Whole(node) => decide(node, &SpanEnv { span, item: None }),
        }
    }
}

impl AttributeField {
    /// The first value in search order.
    #[inline]
    fn find<'a>(&self, span: &SpanView<'a, '_>) -> Option<AnyValueRef<'a>> {
        let is_value = |value: &AnyValueRef<'_>| !matches!(value, AnyValueRef::Empty);
        let of_span = self.span.iter().find_map(|slot| span.attribute(*slot).filter(is_value));
        of_span
            .or_else(|| self.resource.iter().find_map(|slot| span.resource().attribute(*slot).filter(is_value)))
            .or_else(|| self.scope.iter().find_map(|slot| span.scope().attribute(*slot).filter(is_value)))
    }

    /// Whether no attribute was dropped where the field is looked for.
    fn is_whole(&self, span: &SpanView<'_, '_>) -> bool {
        (self.span.is_empty() || span.dropped_attributes == 0)
            && (self.resource.is_empty() || span.resource().dropped_attributes == 0)
            && (self.scope.is_empty() || span.scope().dropped_attributes == 0)
    }
}

impl Passes {
    fn compared(op: CompareOp, value: &Val<'_>) -> Self {
        match (op, value) {
            (_, Val::Int(int)) => Self::Int(op, *int),
            (CompareOp::Eq | CompareOp::Ne, Val::Str(text)) if value.number().is_none() => {
                Self::Text { text: text.as_ref().into(), equal: op == CompareOp::Eq }
            }
            _ => Self::Undecided,
        }
    }

    /// Whether a value passes; `None` for forms that take the general way.
    #[inline]
    fn decide(&self, value: &AnyValueRef<'_>) -> Option<Truth> {
        let passes = match (self, value) {
            (Self::AnyValue, AnyValueRef::Str(_) | AnyValueRef::Int(_) | AnyValueRef::Bool(_)) => true,
            (Self::Int(op, literal), AnyValueRef::Int(int)) => match op {
                CompareOp::Eq => int == literal,
                CompareOp::Ne => int != literal,
                CompareOp::Lt => int < literal,
                CompareOp::Le => int <= literal,
                CompareOp::Gt => int > literal,
                CompareOp::Ge => int >= literal,
            },
            (Self::Text { text, equal }, AnyValueRef::Str(other)) => (**text == **other) == *equal,
            _ => return None,
        };
        Some(Truth::of(passes))
    }
}

/// Whether a predicate reads this field and nothing else.
fn reads_only(node: &Node, field: &LocalField) -> bool {
    let is = |term: &TermNode| matches!(term, TermNode::Field(of) if of == field);
    let is_literal = |term: &TermNode| matches!(term, TermNode::Literal(_));
    match node {
        Node::Not(inner) => reads_only(inner, field),
        Node::And(parts) | Node::Or(parts) => !parts.is_empty() && parts.iter().all(|part| reads_only(part, field)),
        Node::Compare { left, right, .. } | Node::Text { left, right, .. } => {
            (is(left) && is_literal(right)) || (is_literal(left) && is(right))
        }
        Node::In { term, .. } | Node::Matches { term, .. } | Node::Exists(term) | Node::Missing(term) => is(term),
        _ => false,
    }
}

/// One bit for each member of an enumeration for which a predicate holds; over a known word it is never unknown.
fn passing(node: &Node, members: u8, word: impl Fn(u8) -> Word) -> u8 {
    (0..members).fold(0, |bits, member| bits | (u8::from(decide(node, &word(member)) == Truth::True) << member))
}

/// A span of which only a kind or a status is read.
struct Word(&'static str);

impl<'e> Env<'e> for Word {
    fn field(&self, _field: &LocalField) -> Read<'e> {
        Read::present(Val::str(self.0.as_bytes()))
    }

    fn name_fits(&self, _glob: &Glob) -> bool {
        false
    }

    fn item(&self, _kind: ItemKind, _name: Option<&'e Glob>, _predicate: Option<&'e Node>) -> Truth {
        Truth::False
    }

    fn selector(&self, _selector: u32) -> Truth {
        Truth::False
    }

    fn selector_of(&self, _owner: Owner, _selector: u32) -> Option<Truth> {
        None
    }

    fn kept(&self, _owner: Owner, _term: u32) -> Read<'e> {
        Read::MISSING
    }

    fn relation(&self, _relation: u32) -> Truth {
        Truth::False
    }
}
