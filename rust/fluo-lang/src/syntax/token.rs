//! Tokens.

use super::ast::Text;
use crate::source::Span;

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
}

/// The kinds of token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    /// A word: a keyword, a name or one segment of one.
    Word(String),
    /// `$name`.
    Define(String),
    /// A number without unit: the digits, so that a minus before it is part of its range.
    Number(Number),
    /// A number with unit.
    Duration(Nanos),
    /// A quoted string.
    String(Text),
    /// An operator or a bracket.
    Sym(Sym),
    /// Something the lexer has reported.
    Bad,
    /// The end of the text.
    End,
}

/// A number's magnitude.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    /// An integer that fits.
    Int(u64),
    /// A float, or a greater integer.
    Float(f64),
}

/// A duration's magnitude in nanoseconds, at most 2^63.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nanos(pub(crate) u64);

/// Operators and brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sym {
    Open,
    Close,
    OpenList,
    CloseList,
    Comma,
    Dot,
    Assign,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Not,
    And,
    Or,
}
