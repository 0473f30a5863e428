//! Values of a known type: texts, words out of a set, numbers, lists.

use std::rc::Rc;

use crate::check::words::did_you_mean;
use crate::codes;
use crate::raw::{RawScalar, Spanned};

use super::findings::Findings;
use super::keys::backticked;
use super::node::{Content, Node, Plain, Style};

/// What a node is, in words for a message.
pub(super) fn kind_of(node: &Node) -> &'static str {
    match &node.content {
        Content::List(_) => "a list",
        Content::Map(_) => "a mapping",
        Content::Scalar(scalar) => match scalar.plain() {
            Plain::Null => "empty",
            Plain::Bool(_) => "a boolean",
            Plain::Number => "a number",
            Plain::Text => "text",
        },
    }
}

/// Any scalar but null, as written. `what` names the value in messages ("`owner`").
pub(super) fn scalar(findings: &mut Findings, node: &Node, what: &str) -> Option<Spanned<RawScalar>> {
    if let Some(tag) = node.tag {
        let _ = findings.error(codes::WRONG_TYPE, tag, format!("{what} has a YAML tag")).help("quote the value");
        return None;
    }
    match &node.content {
        Content::Scalar(scalar) if scalar.plain() != Plain::Null => {
            let value = RawScalar { text: scalar.text.clone(), quoted: scalar.style != Style::Plain };
            Some(Spanned { value, span: node.span })
        }
        _ => {
            let _ = findings.error(codes::WRONG_TYPE, node.span, format!("{what} must be text, but it is {}", kind_of(node)));
            None
        }
    }
}

/// A text: any scalar but null.
pub(super) fn text(findings: &mut Findings, node: &Node, what: &str) -> Option<Spanned<String>> {
    scalar(findings, node, what).map(|found| Spanned { value: found.value.text, span: found.span })
}

/// One word out of a set.
pub(super) fn member<T: Copy>(findings: &mut Findings, node: &Node, key: &str, members: &[(&str, T)]) -> Option<T> {
    let word = text(findings, node, &format!("`{key}`"))?;
    if let Some((_, value)) = members.iter().find(|(name, _)| *name == word.value) {
        return Some(*value);
    }
    let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let finding = findings.error(codes::UNKNOWN_MEMBER, word.span, format!("`{}` is no {key}", word.value));
    let _ = match did_you_mean(&word.value, &names) {
        Some(meant) => finding.help(format!("did you mean `{meant}`?")),
        None => finding.help(format!("`{key}` is one of {}", backticked(&names))),
    };
    None
}

/// The elements of a list.
pub(super) fn list<'a>(findings: &mut Findings, node: &'a Node, what: &str) -> &'a [Rc<Node>] {
    match (&node.content, node.tag) {
        (Content::List(items), None) => items,
        (Content::Scalar(scalar), None) if scalar.plain() != Plain::Null => {
            let _ = findings
                .error(codes::WRONG_TYPE, node.span, format!("{what} must be a list, but it is {}", kind_of(node)))
                .help(format!("write `[{}]`", scalar.text));
            &[]
        }
        _ => {
            let _ = findings.error(codes::WRONG_TYPE, node.span, format!("{what} must be a list, but it is {}", kind_of(node)));
            &[]
        }
    }
}

/// A list of texts.
pub(super) fn texts(findings: &mut Findings, node: &Node, key: &str) -> Vec<String> {
    let what = format!("an element of `{key}`");
    list(findings, node, &format!("`{key}`")).iter().filter_map(|item| text(findings, item, &what)).map(|found| found.value).collect()
}

/// The entries of a mapping.
pub(super) fn pairs<'a>(findings: &mut Findings, node: &'a Node, what: &str) -> &'a [(Rc<Node>, Rc<Node>)] {
    match (&node.content, node.tag) {
        (Content::Map(pairs), None) => pairs,
        _ => {
            let _ = findings.error(codes::WRONG_TYPE, node.span, format!("{what} must be a mapping, but it is {}", kind_of(node)));
            &[]
        }
    }
}
