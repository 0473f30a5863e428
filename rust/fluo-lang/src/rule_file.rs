//! Rule files: YAML in, raw rules out, every text with its way back into the file.
//!
//! The reader refuses what is wrong about the file (YAML, keys, types of values) and leaves everything about the language to the
//! checker. It never stops at the first error: a rule that cannot be read is left out or marked as broken, and where the file is no
//! YAML at all, the parts of it that are get read by themselves.

mod broken;
mod characters;
mod defaults;
mod expression;
mod findings;
mod keys;
mod locate;
mod node;
mod positions;
mod rule;
mod scalars;
mod shorthand;
mod trap;

use std::rc::Rc;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::raw::{RawFile, RawRule};
use crate::source::{Source, SourceId, SourceKind};

use broken::PartKind;
use defaults::Defaults;
use expression::Text;
use findings::Findings;
use keys::Keys;
use node::{Content, Node, Plain};

pub use locate::{InlinePlace, locate};

const FILE_KEYS: &[&str] = &["rules", "defaults", "define"];

/// Reads a source. The raw file holds what could be read, the diagnostics say what could not.
#[must_use]
pub fn read(id: SourceId, source: &Source) -> (RawFile, Vec<Diagnostic>) {
    let mut findings = Findings::new(id);
    let text = characters::readable(&mut findings, &source.text);
    let mut reader = Reader {
        text: Text { source: &text, inline: source.kind == SourceKind::Inline },
        findings,
        file: RawFile { source: id, defines: Vec::new(), rules: Vec::new() },
        defaults: Defaults::default(),
    };
    match node::compose(&text, 0) {
        Ok(Some(root)) => reader.root(&root),
        Ok(None) => {}
        Err(error) => reader.broken(&error),
    }
    (reader.file, reader.findings.list)
}

/// A source being read.
struct Reader<'a> {
    text: Text<'a>,
    findings: Findings,
    file: RawFile,
    defaults: Defaults,
}

impl Reader<'_> {
    fn root(&mut self, root: &Node) {
        match (&root.content, root.tag) {
            (Content::List(items), None) => self.rules(items),
            (Content::Map(pairs), None) if !self.text.inline => self.sections(pairs),
            (Content::Scalar(scalar), None) if scalar.plain() == Plain::Null && !self.text.inline => {}
            _ => {
                let what = if self.text.inline { "inline rules must be a list" } else { "a rule file must be a list of rules" };
                let message = format!("{what}, but this is {}", scalars::kind_of(root));
                let span = broken::character_at(self.text.source, root.span.start);
                let _ = self.findings.error(codes::NOT_A_RULE_FILE, span, message).help("a rule begins with `- name: …`");
            }
        }
    }

    /// A mapping with `rules`, `defaults`, `define`.
    fn sections(&mut self, pairs: &[(Rc<Node>, Rc<Node>)]) {
        let is_rule = |(key, _): &(Rc<Node>, Rc<Node>)| matches!(&key.content, Content::Scalar(key) if matches!(key.text.as_str(), "name" | "always" | "never" | "when"));
        if let Some((key, _)) = pairs.iter().find(|pair| is_rule(pair)) {
            let message = "a rule file must be a list of rules, but this is a rule";
            let _ = self.findings.error(codes::NOT_A_RULE_FILE, key.span, message).help("begin the rule with `- `");
            return;
        }
        let keys = Keys::read(&mut self.findings, pairs, "a rule file", FILE_KEYS);
        // Defaults first, wherever they stand: they are part of every rule of the file.
        if let Some(node) = keys.get("defaults") {
            self.defaults = Defaults::read(&mut self.findings, node);
        }
        if let Some(node) = keys.get("define") {
            let defines = defaults::defines(&mut self.findings, self.text, node);
            self.file.defines.extend(defines);
        }
        if let Some(node) = keys.get("rules") {
            match &node.content {
                Content::Scalar(scalar) if scalar.plain() == Plain::Null => {}
                _ => {
                    let items = scalars::list(&mut self.findings, node, "`rules`").to_vec();
                    self.rules(&items);
                }
            }
        }
    }

    fn rules(&mut self, items: &[Rc<Node>]) {
        for item in items {
            let number = self.file.rules.len() + 1;
            let rule: Option<RawRule> = rule::read(&mut self.findings, self.text, item, number, &self.defaults);
            self.file.rules.extend(rule);
        }
    }

    /// Reads the parts of a file that is no YAML as a whole, so that one bad rule hides no other.
    fn broken(&mut self, error: &node::YamlError) {
        let parts = if self.text.inline { Vec::new() } else { broken::parts(self.text.source) };
        let mut composed = Vec::new();
        let mut failed = false;
        for part in parts {
            let text = self.text.source.get(part.range.clone()).unwrap_or_default();
            match node::compose(text, u32::try_from(part.range.start).unwrap_or(u32::MAX)) {
                // Text is what is left of something broken.
                Ok(Some(root)) if !matches!(root.content, Content::Scalar(_)) => composed.push((part.kind, root)),
                Ok(_) => {}
                Err(error) => {
                    failed = true;
                    broken::report(&mut self.findings, self.text.source, &error);
                }
            }
        }
        if !failed {
            // No part is wrong by itself: only the whole is.
            broken::report(&mut self.findings, self.text.source, error);
        }
        let (rules, sections): (Vec<_>, Vec<_>) = composed.into_iter().partition(|(kind, _)| *kind == PartKind::Rule);
        for (_, root) in sections.into_iter().chain(rules) {
            self.root(&root);
        }
    }
}
