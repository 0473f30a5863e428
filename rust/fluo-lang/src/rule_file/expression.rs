//! Scalars that hold an expression, and what YAML does to expressions that are not quoted.

use crate::codes;
use crate::raw::{ExprText, RawWhen, Spanned};
use crate::source::Span;

use super::findings::Findings;
use super::node::{Content, Node, Plain, Scalar, Style};
use super::positions;
use super::scalars::kind_of;

const QUOTE: &str = "quote it, or use `|`";

/// The source a scalar stands in.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    /// All of it.
    pub(super) source: &'a str,
    /// Whether it is JSON from another configuration, where the scalar's style is lost.
    pub(super) inline: bool,
}

/// `when`: an expression or a boolean.
pub(super) fn when(findings: &mut Findings, text: Text<'_>, node: &Node) -> Option<RawWhen> {
    if let (Content::Scalar(scalar), None) = (&node.content, node.tag)
        && let Plain::Bool(value) = scalar.plain()
    {
        return Some(RawWhen::Bool(Spanned { value, span: node.span }));
    }
    expression(findings, text, node, "`when`").map(RawWhen::Expr)
}

/// An expression: a string scalar. `what` names the value in messages ("`always`").
pub(super) fn expression(findings: &mut Findings, text: Text<'_>, node: &Node, what: &str) -> Option<ExprText> {
    if let Some(tag) = node.tag {
        tagged(findings, text, tag, node.span);
        return None;
    }
    let scalar = match &node.content {
        Content::Scalar(scalar) if scalar.plain() == Plain::Text => scalar,
        _ => {
            let message = format!("{what} must be text, but YAML reads {} here", with_article(kind_of(node)));
            let _ = findings.error(codes::EXPRESSION_NOT_TEXT, node.span, message).help(QUOTE);
            return None;
        }
    };
    if let Some(anchor) = node.anchor
        && !is_name(text.source.get(anchor.start as usize + 1..anchor.end as usize).unwrap_or_default())
    {
        let _ = findings
            .error(codes::TEXT_IS_YAML, anchor, format!("`{}` is a YAML anchor and no part of {what}", slice(text.source, anchor)))
            .help(QUOTE);
        return None;
    }
    if let Some(comment) = cut_by_comment(text.source, node.span, scalar) {
        let _ = findings
            .error(codes::EXPRESSION_COMMENT, comment, format!("`#` begins a YAML comment here: {what} ends before it"))
            .label("not part of the text")
            .help("quote the text if this belongs to it; a comment goes on a line of its own, or into a `|` block");
        return None;
    }
    Some(ExprText {
        text: scalar.text.clone(),
        positions: positions::map(text.source, node.span, scalar.style, &scalar.text),
        origin: node.span,
        comments: scalar.style == Style::Literal || (text.inline && scalar.text.contains('\n')),
    })
}

fn with_article(kind: &str) -> &str {
    if kind == "empty" { "nothing" } else { kind }
}

fn tagged(findings: &mut Findings, text: Text<'_>, tag: Span, value: Span) {
    let written = slice(text.source, tag);
    let rest = Span { start: tag.start, end: tag.end.max(value.end) };
    let bare = slice(text.source, rest).trim_start_matches('!').trim();
    let finding = findings.error(codes::EXPRESSION_TAG, tag, format!("`{written}` is a YAML tag"));
    let _ = match bare.lines().count() {
        1 if !written.starts_with("!!") => finding.help(format!("write `not {bare}`, or quote the expression")),
        _ => finding.help("write `not` for `!`, or quote the expression"),
    };
}

/// The comment on the line where a plain scalar ends.
fn cut_by_comment(source: &str, span: Span, scalar: &Scalar) -> Option<Span> {
    if scalar.style != Style::Plain {
        return None;
    }
    let line = source.get(span.end as usize..)?.lines().next()?;
    let comment = line.trim_start();
    if !comment.starts_with('#') || comment.len() == line.len() {
        return None;
    }
    let start = span.end + u32::try_from(line.len() - comment.len()).unwrap_or(0);
    Some(Span { start, end: start + u32::try_from(comment.trim_end().len()).unwrap_or(0) })
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

fn slice(source: &str, span: Span) -> &str {
    source.get(span.start as usize..span.end as usize).unwrap_or_default()
}
