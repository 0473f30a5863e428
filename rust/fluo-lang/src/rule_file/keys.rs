//! Mappings with known keys.

use std::collections::HashSet;
use std::rc::Rc;

use crate::check::words::did_you_mean;
use crate::codes;
use crate::source::Span;

use super::findings::Findings;
use super::node::{Content, Node, Plain};

/// A mapping whose keys have been checked: every key is known and stands once.
pub(super) struct Keys {
    entries: Vec<(String, Span, Rc<Node>)>,
}

impl Keys {
    /// Reads a mapping and reports unknown and duplicate keys. `what` names the thing in messages ("a rule").
    pub(super) fn read(findings: &mut Findings, pairs: &[(Rc<Node>, Rc<Node>)], what: &str, known: &[&str]) -> Self {
        let entries = unique(findings, pairs);
        for (key, span, _) in &entries {
            if !known.contains(&key.as_str()) {
                unknown(findings, key, *span, what, known);
            }
        }
        Self { entries: entries.into_iter().filter(|(key, ..)| known.contains(&key.as_str())).collect() }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Rc<Node>> {
        self.entries.iter().find(|(name, ..)| name == key).map(|(.., node)| node)
    }

    /// Where a key stands.
    pub(super) fn place(&self, key: &str) -> Option<Span> {
        self.entries.iter().find(|(name, ..)| name == key).map(|(_, span, _)| *span)
    }
}

fn unknown(findings: &mut Findings, key: &str, span: Span, what: &str, known: &[&str]) {
    let finding = findings.error(codes::UNKNOWN_KEY, span, format!("unknown key `{key}` in {what}"));
    let _ = match (key, did_you_mean(key, known)) {
        ("<<", _) => finding.help("YAML's merge keys are not read: put what rules share under `defaults:`"),
        (_, Some(meant)) => finding.help(format!("did you mean `{meant}`?")),
        (_, None) => finding.help(format!("known keys are {}", backticked(known))),
    };
}

/// A list of words for a message.
pub(super) fn backticked(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The entries of a mapping; keys that are no text are reported.
pub(super) fn all(findings: &mut Findings, pairs: &[(Rc<Node>, Rc<Node>)]) -> Vec<(String, Span, Rc<Node>)> {
    let mut entries = Vec::new();
    for (key, value) in pairs {
        match text_of(key) {
            Some(name) => entries.push((name, key.span, Rc::clone(value))),
            None => {
                let _ = findings.error(codes::WRONG_TYPE, key.span, "a key must be text").help("quote the key");
            }
        }
    }
    entries
}

/// The entries of a mapping with the first of duplicate keys; the others are reported.
pub(super) fn unique(findings: &mut Findings, pairs: &[(Rc<Node>, Rc<Node>)]) -> Vec<(String, Span, Rc<Node>)> {
    let mut entries = all(findings, pairs);
    let mut seen = HashSet::new();
    entries.retain(|(name, span, _)| {
        let first = seen.insert(name.clone());
        if !first {
            let _ = findings
                .error(codes::DUPLICATE_KEY, *span, format!("the key `{name}` stands here twice"))
                .label("again here")
                .help("keep one of the two");
        }
        first
    });
    entries
}

/// The text of an untagged scalar that is not null.
fn text_of(node: &Node) -> Option<String> {
    match &node.content {
        Content::Scalar(scalar) if node.tag.is_none() && scalar.plain() != Plain::Null => Some(scalar.text.clone()),
        _ => None,
    }
}
