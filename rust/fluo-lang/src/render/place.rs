//! Lines and columns.

use crate::rule_file::{InlinePlace, locate};
use crate::source::{Source, SourceKind, Span};

/// Where a span stands, in what people count: lines and characters from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The line of the first character; 0 in an inline source.
    pub line: usize,
    /// The character in the line, or in the text of the value at `inline`.
    pub column: usize,
    /// The line of the last character; 0 in an inline source.
    pub end_line: usize,
    /// One past the last character in its line.
    pub end_column: usize,
    /// The value that the span stands in, in an inline source.
    pub inline: Option<InlinePlace>,
}

/// Where the lines of a text begin.
pub(super) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(breaks).collect() }
    }

    /// The line (from 1) of an offset, and the offset of the line's first byte.
    fn line(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset);
        (line, self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0))
    }
}

impl Place {
    pub(super) fn find(source: &Source, lines: &Lines, span: Span) -> Self {
        if source.kind == SourceKind::Inline {
            let inline = locate(&source.text, span);
            let column = characters(&inline.text, 0, inline.range.start as usize) + 1;
            let end_column = characters(&inline.text, 0, inline.range.end as usize) + 1;
            return Self { line: 0, column, end_line: 0, end_column, inline: Some(inline) };
        }
        let at = |offset: u32| {
            let offset = (offset as usize).min(source.text.len());
            let (line, start) = lines.line(offset);
            (line, characters(&source.text, start, offset) + 1)
        };
        let ((line, column), (end_line, end_column)) = (at(span.start), at(span.end.max(span.start)));
        Self { line, column, end_line, end_column, inline: None }
    }

    /// The place in one word: `rules.yml:3:14`, or `rules[2].always:14` for an inline source.
    #[must_use]
    pub fn short(&self, source: &Source) -> String {
        match &self.inline {
            Some(inline) if inline.text.is_empty() => inline.path.clone(),
            Some(inline) => format!("{}:{}", inline.path, self.column),
            None => format!("{}:{}:{}", source.name, self.line, self.column),
        }
    }
}

/// The number of characters in a range of bytes.
fn characters(text: &str, start: usize, end: usize) -> usize {
    text.bytes().skip(start).take(end.saturating_sub(start)).filter(|byte| byte & 0xc0 != 0x80).count()
}
