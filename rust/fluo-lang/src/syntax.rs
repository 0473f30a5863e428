//! Expression text to syntax tree.
//!
//! A lexer in nom, a binding-power loop over its tokens. All errors of a text are reported at once; what could not be read stands
//! as [`ast::ExprKind::Error`]. Neither text length nor nesting can exhaust the stack.

pub mod ast;
mod error;
mod foreign;
mod lexer;
mod parser;
mod token;

#[cfg(test)]
mod tests;

pub use error::SyntaxError;

use crate::codes;
use crate::limits::Limits;
use crate::raw::ExprText;
use crate::source::Span;

/// Reads a text without comments.
///
/// Spans in the tree and in the errors are byte offsets into `text`. There is a tree for every text that is neither empty nor too
/// long; where there are errors it has holes.
#[must_use]
pub fn parse(text: &str, limits: &Limits) -> (Option<ast::Expr>, Vec<SyntaxError>) {
    parse_with(text, false, limits)
}

/// Reads the text of a scalar; spans are offsets into [`ExprText::text`].
#[must_use]
pub fn parse_text(text: &ExprText, limits: &Limits) -> (Option<ast::Expr>, Vec<SyntaxError>) {
    parse_with(&text.text, text.comments, limits)
}

fn parse_with(text: &str, comments: bool, limits: &Limits) -> (Option<ast::Expr>, Vec<SyntaxError>) {
    if text.len() > limits.text_bytes {
        let span = Span { start: 0, end: 0 };
        let error = SyntaxError::new(
            codes::TEXT_TOO_LONG,
            span,
            format!("the expression has {} bytes, the limit is {}", text.len(), limits.text_bytes),
        );
        return (None, vec![error.help("split the rule")]);
    }
    let (tokens, mut errors) = lexer::lex(text, comments);
    let (expr, more) = parser::parse(&tokens, limits.nesting());
    errors.extend(more);
    errors.sort_by_key(|e| e.span.start);
    (expr, errors)
}

/// Reads a whole text as a duration such as `1m30s`, in nanoseconds.
#[must_use]
pub fn parse_duration(text: &str) -> Option<i64> {
    let nanos = lexer::duration(text.trim()).ok()?;
    i64::try_from(nanos.0).ok()
}
