//! Files that are no YAML: what to say, and how to go on with the parts that are.

use std::ops::Range;

use crate::codes;
use crate::source::Span;

use super::findings::Findings;
use super::node::{Trouble, YamlError};
use super::{rule, trap};

/// Reports a YAML error in the file's terms.
pub(super) fn report(findings: &mut Findings, source: &str, error: &YamlError) {
    if let Some(trap) = trap::behind(source, error.at, error.trouble, rule::KEYS) {
        let code = if matches!(error.trouble, Trouble::Colon | Trouble::Key) { codes::TEXT_IS_YAML } else { codes::NOT_YAML };
        let _ = findings.error(code, trap.span, trap.message).help(trap.help);
        return;
    }
    let span = character_at(source, error.at);
    let trouble = match error.trouble {
        Trouble::Key if follows_comment(source, error.at) => Trouble::Comment,
        other => other,
    };
    let (code, message, help) = match trouble {
        Trouble::Colon => (
            codes::TEXT_IS_YAML,
            "`: ` begins a mapping value here and ends the text before it".to_owned(),
            "quote the whole text, or put it into a block: `always: |` and the text on the next line",
        ),
        Trouble::AfterQuote => (
            codes::TEXT_IS_YAML,
            "YAML takes a text that begins with a quote as a quoted text, and this stands after it".to_owned(),
            "put an expression that begins with a quote into a block: `always: |` and the text on the next line",
        ),
        Trouble::Indicator => {
            (codes::TEXT_IS_YAML, format!("a text cannot begin with {} in YAML", character(source, error.at)), "quote it, or use `|`")
        }
        Trouble::Alias => (
            codes::TEXT_IS_YAML,
            "a text that begins with `*` or `&` is a YAML alias or anchor, and there is none of this name".to_owned(),
            "quote it, or use `|`",
        ),
        Trouble::BlockHeader => (
            codes::TEXT_IS_YAML,
            "`|` or `>` begins a block here, whose text stands on the next lines".to_owned(),
            "put the text on the next line, indented",
        ),
        Trouble::Comment => (
            codes::EXPRESSION_COMMENT,
            "a comment ends the text before it, and more text follows".to_owned(),
            "put the text into a block: there `#` begins a comment of the expression",
        ),
        Trouble::Tab => (codes::NOT_YAML, error.message.clone(), "indent with spaces"),
        Trouble::Quote => {
            (codes::NOT_YAML, "a quoted text that began before this has no end".to_owned(), "close the quote where the text ends")
        }
        Trouble::Documents => (codes::DOCUMENTS, error.message.clone(), "one file holds one document: make it two files"),
        Trouble::Key | Trouble::Escape | Trouble::Other => {
            (codes::NOT_YAML, error.message.clone(), "YAML cannot be read here; the rules before and after this one were read")
        }
    };
    let _ = findings.error(code, span, message).help(help);
}

/// Whether the line before the one at an offset ends in a comment.
fn follows_comment(source: &str, at: u32) -> bool {
    let before = source.get(..at as usize).unwrap_or_default();
    before.lines().rev().nth(1).is_some_and(|line| line.trim_start().starts_with('#') || line.contains(" #"))
}

/// The span of the character at an offset; empty at white space and at the end.
pub(super) fn character_at(source: &str, at: u32) -> Span {
    let rest = source.get(at as usize..).unwrap_or_default();
    let width = rest.chars().next().filter(|c| !c.is_whitespace()).map_or(0, char::len_utf8);
    Span::sized(at as usize, width)
}

/// The character at an offset, for a message.
fn character(source: &str, at: u32) -> String {
    match source.get(at as usize..).and_then(|rest| rest.chars().next()) {
        Some('`') => "a backtick".to_owned(),
        Some(character) => format!("`{}`", character.escape_debug()),
        None => "nothing".to_owned(),
    }
}

/// The lines of a text with the offset of each.
pub(super) fn lines(source: &str) -> impl Iterator<Item = (usize, &str)> {
    source.split_inclusive('\n').scan(0, |next, line| {
        let start = *next;
        *next += line.len();
        Some((start, line))
    })
}

/// A part of a broken file that may be read by itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Where it stands.
    pub(super) range: Range<usize>,
    /// What it is.
    pub(super) kind: PartKind,
}

/// What a part holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PartKind {
    /// A list of one rule.
    Rule,
    /// A mapping with one top-level key.
    Section,
}

/// Cuts a file that is no YAML into rules and sections by its lines: a line that begins with a word at the left margin begins a
/// section, a line that begins with `- ` at the indentation of the first such line of its section begins a rule.
pub(super) fn parts(source: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut rules = true;
    let mut indentation = None;
    for (start, line) in lines(source) {
        let end = start + line.len();
        let text = line.trim_start_matches(' ');
        let indent = line.len() - text.len();
        let item = text.starts_with("- ") || text.trim_end() == "-";
        let kind = if rules && item && indentation.is_none_or(|expected| expected == indent) {
            indentation = Some(indent);
            Some(PartKind::Rule)
        } else if indent == 0 && text.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '\'')) {
            rules = text.starts_with("rules:");
            indentation = None;
            Some(PartKind::Section)
        } else {
            None
        };
        match (kind, parts.last_mut()) {
            (Some(kind), _) => parts.push(Part { range: start..end, kind }),
            (None, Some(part)) => part.range.end = end,
            (None, None) => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::{Part, PartKind, parts};

    #[test]
    fn a_file_is_cut_at_its_sections_and_rules() {
        let text = "# head\ndefaults:\n  tags:\n    - a\nrules:\n  - name: a\n    show:\n      - x\n  - name: b\n";
        let cut: Vec<(&str, bool)> =
            parts(text).into_iter().map(|Part { range, kind }| (text.get(range).unwrap(), kind == PartKind::Rule)).collect();
        assert_eq!(
            cut,
            [
                ("defaults:\n  tags:\n    - a\n", false),
                ("rules:\n", false),
                ("  - name: a\n    show:\n      - x\n", true),
                ("  - name: b\n", true),
            ]
        );
    }
}
