//! The syntax tree of one expression text.
//!
//! The tree says what was written, not what it means: whether a word is a field, a literal or the name of a span depends on where
//! it stands and is decided by the checker. Spans are byte offsets into the parsed text. The height of a tree is bounded by the
//! nesting limit, so recursion over it (and dropping it) is safe.

use crate::program::{ArithOp, CompareOp, TextOp};
use crate::source::Span;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A place that could not be read; an error has been reported.
    Error,
    /// `true`, `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float, or an integer beyond 64 bits.
    Float(f64),
    /// A duration, nanoseconds.
    Duration(i64),
    /// A quoted string.
    String(Text),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// A name, a field, a call, a chain of methods.
    Chain(Chain),
    /// `(e)`: kept, because positions and hints want it.
    Paren(Box<Expr>),
    /// `not e`.
    Not(Box<Expr>),
    /// `-e`, where `e` is no literal.
    Neg(Box<Expr>),
    /// `a and b and c`: two or more.
    And(Vec<Expr>),
    /// `a or b or c`: two or more.
    Or(Vec<Expr>),
    /// `a implies b`.
    Implies(Box<Expr>, Box<Expr>),
    /// A comparison or an arithmetic operation.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Where the operator stands.
        op_span: Span,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
}

/// A decoded string literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The value. An escape that the language does not know stands in it as written, backslash included: that is what a regular
    /// expression wants.
    pub value: String,
    /// The first unknown escape: an error wherever the string is no regular expression.
    pub unknown_escape: Option<Span>,
}

/// Binary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    /// `== != < <= > >=`.
    Compare(CompareOp),
    /// `in`.
    In,
    /// `not in`.
    NotIn,
    /// `contains starts_with ends_with`.
    Text(TextOp),
    /// `matches`.
    Matches,
    /// `+ - * / %`.
    Arith(ArithOp),
}

/// A head and what follows it after dots.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// What the chain starts with.
    pub head: Head,
    /// The parts after it; for [`Head::Word`] the first is the word itself.
    pub segments: Vec<Segment>,
}

/// How a chain starts.
#[derive(Debug, Clone, PartialEq)]
pub enum Head {
    /// With a word: the first segment.
    Word,
    /// With `$name`.
    Define(Ident),
    /// With a parenthesis; there is at least one segment.
    Paren(Box<Expr>),
}

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ident {
    /// The name.
    pub name: String,
    /// Where.
    pub span: Span,
}

/// One part of a chain: `where(…)`, `children`, `http`.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// The word.
    pub name: Ident,
    /// The arguments; `None` where no parenthesis follows.
    pub args: Option<Args>,
}

/// The arguments of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Args {
    /// In order.
    pub items: Vec<Arg>,
    /// The parentheses and what is between them.
    pub span: Span,
}

/// One argument.
#[derive(Debug, Clone, PartialEq)]
pub struct Arg {
    /// `name=`.
    pub name: Option<Ident>,
    /// The value.
    pub value: Expr,
}

impl Expr {
    /// The expression without the parentheses around it.
    #[must_use]
    pub fn bare(&self) -> &Self {
        let mut at = self;
        while let ExprKind::Paren(inner) = &at.kind {
            at = inner;
        }
        at
    }

    /// The words of a chain that is nothing but words: `http.route`, `user`.
    #[must_use]
    pub fn words(&self) -> Option<&[Segment]> {
        match &self.kind {
            ExprKind::Chain(chain) if chain.head == Head::Word && chain.segments.iter().all(|s| s.args.is_none()) => Some(&chain.segments),
            _ => None,
        }
    }
}

/// The segments' words joined by dots.
#[must_use]
pub fn dotted(segments: &[Segment]) -> String {
    let mut text = String::new();
    for segment in segments {
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(&segment.name.name);
    }
    text
}
