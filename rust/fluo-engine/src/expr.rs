//! Expressions about one span: their compiled form and the one evaluator that serves both moments at which they are decided:
//! at ingest on the bytes of a span, later on what was kept of it.

pub(crate) mod finder;
pub(crate) mod ops;
pub(crate) mod read;
pub(crate) mod shape;

use fluo_lang::glob::Glob;
use fluo_lang::program::{ArithOp, CompareOp, ItemKind, Owner, TextOp};
use regex::bytes::Regex;

use crate::truth::Truth;
use crate::value::Val;
use finder::Finder;
use read::Read;

/// A compiled predicate.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Const(bool),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Compare {
        op: CompareOp,
        left: TermNode,
        right: TermNode,
    },
    In {
        term: TermNode,
        list: Vec<Val<'static>>,
        negated: bool,
    },
    Text {
        op: TextOp,
        left: TermNode,
        right: TermNode,
    },
    Matches {
        term: TermNode,
        regex: Finder,
    },
    Exists(TermNode),
    Missing(TermNode),
    /// The name of the span fits.
    Name(Glob),
    /// An event or a link of the span fits; only at ingest.
    Item {
        kind: ItemKind,
        name: Option<Glob>,
        predicate: Option<Box<Node>>,
    },
    /// A predicate that was decided at ingest; only on kept spans.
    Selector(u32),
    /// A predicate about the parent or the root, decided when that span was read; only on kept spans.
    OfOwner {
        owner: Owner,
        selector: u32,
        /// What it says of a span that has no such owner.
        without: bool,
    },
    /// A relation to other spans; only on kept spans.
    Relation(u32),
}

/// A compiled term.
#[derive(Debug, Clone)]
pub(crate) enum TermNode {
    Literal(Val<'static>),
    /// Only at ingest.
    Field(LocalField),
    /// A term that was evaluated at ingest; only on kept spans.
    Kept {
        owner: Owner,
        term: u32,
    },
    Arith {
        op: ArithOp,
        left: Box<TermNode>,
        right: Box<TermNode>,
    },
    Neg(Box<TermNode>),
    Coalesce(Vec<TermNode>),
    Lower(Box<TermNode>),
    Extract(Box<TermNode>, Regex),
    Shape(Box<TermNode>),
}

/// A field that can be read from the bytes of the span itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LocalField {
    Name,
    Service(Option<usize>),
    Kind,
    Status,
    StatusMessage,
    Duration,
    TraceId,
    SpanId,
    ParentId,
    ScopeName,
    /// Slots in search order in the span, then in the resource, then in the scope.
    Attribute {
        span: Vec<usize>,
        resource: Vec<usize>,
        scope: Vec<usize>,
    },
    /// Every attribute of the place whose key fits.
    Glob {
        place: fluo_lang::program::Place,
        glob: Glob,
    },
    /// The attribute of every event or link, by names in search order.
    OfItems {
        kind: ItemKind,
        key: ItemKey,
    },
    /// The attribute of the item at hand.
    OfItem(ItemKey),
    /// The name of the event at hand.
    ItemName,
    /// The trace id that the link at hand points to.
    ItemTraceId,
    /// The span id that the link at hand points to.
    ItemSpanId,
}

/// An attribute key of events and links.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ItemKey {
    Names(Vec<String>),
    Glob(Glob),
}

/// Where an evaluation gets its facts.
pub(crate) trait Env<'e> {
    /// A field of the span's own bytes.
    fn field(&self, field: &LocalField) -> Read<'e>;
    /// Whether the span's name fits.
    fn name_fits(&self, glob: &Glob) -> bool;
    /// Whether an event or a link fits.
    fn item(&self, kind: ItemKind, name: Option<&'e Glob>, predicate: Option<&'e Node>) -> Truth;
    /// A predicate that was decided at ingest.
    fn selector(&self, selector: u32) -> Truth;
    /// A predicate about the parent or the root; nothing where the span has none.
    fn selector_of(&self, owner: Owner, selector: u32) -> Option<Truth>;
    /// A term that was evaluated at ingest.
    fn kept(&self, owner: Owner, term: u32) -> Read<'e>;
    /// A relation to other spans.
    fn relation(&self, relation: u32) -> Truth;
}

/// A span of which nothing is there: what a predicate about a parent says of a span without one.
pub(crate) struct Nothing;

impl<'e> Env<'e> for Nothing {
    fn field(&self, _field: &LocalField) -> Read<'e> {
        Read::MISSING
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

/// Decides a predicate.
pub(crate) fn decide<'e>(node: &'e Node, env: &impl Env<'e>) -> Truth {
    match node {
        Node::Const(value) => Truth::of(*value),
        Node::Not(inner) => decide(inner, env).not(),
        Node::And(parts) => {
            let mut all = Truth::True;
            for part in parts {
                all = all.and(decide(part, env));
                if all == Truth::False {
                    break;
                }
            }
            all
        }
        Node::Or(parts) => {
            let mut any = Truth::False;
            for part in parts {
                any = any.or(decide(part, env));
                if any == Truth::True {
                    break;
                }
            }
            any
        }
        Node::Compare { op, left, right } => ops::compare(*op, &term(left, env), &term(right, env)),
        Node::In { term: tested, list, negated } => ops::is_in(&term(tested, env), list, *negated),
        Node::Text { op, left, right } => ops::text(*op, &term(left, env), &term(right, env)),
        Node::Matches { term: tested, regex } => ops::matches(&term(tested, env), regex),
        Node::Exists(tested) => term(tested, env).exists(),
        Node::Missing(tested) => term(tested, env).exists().not(),
        Node::Name(glob) => Truth::of(env.name_fits(glob)),
        Node::Item { kind, name, predicate } => env.item(*kind, name.as_ref(), predicate.as_deref()),
        Node::Selector(selector) => env.selector(*selector),
        Node::OfOwner { owner, selector, without } => env.selector_of(*owner, *selector).unwrap_or(Truth::of(*without)),
        Node::Relation(relation) => env.relation(*relation),
    }
}

/// Evaluates a term.
pub(crate) fn term<'e>(node: &'e TermNode, env: &impl Env<'e>) -> Read<'e> {
    match node {
        TermNode::Literal(value) => Read::present(value.borrowed()),
        TermNode::Field(field) => env.field(field),
        TermNode::Kept { owner, term } => env.kept(*owner, *term),
        TermNode::Arith { op, left, right } => ops::arith(*op, &term(left, env), &term(right, env)),
        TermNode::Neg(inner) => ops::negate(&term(inner, env)),
        TermNode::Coalesce(parts) => {
            for part in parts {
                let read = term(part, env);
                if read.value.is_some() || !read.unknown.is_empty() {
                    return read;
                }
            }
            Read::MISSING
        }
        TermNode::Lower(inner) => term(inner, env).map_text(|text| Some(ops::lower(text))),
        TermNode::Extract(inner, regex) => term(inner, env).map_text(|text| ops::extract(text, regex)).unless_empty(),
        TermNode::Shape(inner) => term(inner, env).map_text(|text| Some(shape::shape(text))),
    }
}
