//! Rules as read from a file, before anything in them has been understood: what the reader of rule files hands to the checker.
//!
//! The reader knows YAML (keys, scalars, duplicates, `defaults:`); the checker knows the language. So the reader refuses unknown and
//! duplicate keys and values of the wrong YAML type, merges `defaults:` and decodes scalars; everything that is an expression,
//! a name, a duration or a claim arrives here as text with a way back to its place in the file.

use crate::program::{Meta, Mode, OnGap, Severity};
use crate::source::{SourceId, Span};

/// A value and where it stands in its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub span: Span,
}

/// A file's rules and defines.
#[derive(Debug, Clone, PartialEq)]
pub struct RawFile {
    /// The source all spans of this file belong to.
    pub source: SourceId,
    /// The entries of `define:`, in order. The checker refuses duplicate names and cycles.
    pub defines: Vec<RawDefine>,
    /// The rules, in order, `disabled` ones too. The checker refuses bad and duplicate names (across files).
    pub rules: Vec<RawRule>,
}

/// One entry of `define:`.
#[derive(Debug, Clone, PartialEq)]
pub struct RawDefine {
    /// The name, without `$`.
    pub name: Spanned<String>,
    /// What `$name` stands for.
    pub value: RawDefineValue,
}

/// The value of a define.
#[derive(Debug, Clone, PartialEq)]
pub enum RawDefineValue {
    /// Text: a predicate, a spanset, a term or a list such as `[a, 'b']`.
    Expr(ExprText),
    /// A YAML list of scalars.
    List {
        /// The elements.
        items: Vec<Spanned<RawScalar>>,
        /// The whole list.
        span: Span,
    },
}

/// A YAML scalar whose meaning the language decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawScalar {
    /// The decoded text.
    pub text: String,
    /// Whether it was written in quotes: then it is a string whatever it looks like. A plain scalar that looks like an integer, a
    /// float, `true` or `false` is that value.
    pub quoted: bool,
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RawRule {
    /// The name as written. For a rule without name the reader reports the error and gives a made-up one (with the span of the
    /// rule's first key and [`RawRule::broken`] set).
    pub name: Spanned<String>,
    /// `always`.
    pub always: Option<ExprText>,
    /// `never`.
    pub never: Option<ExprText>,
    /// `span`, `aggregation`, `condition`.
    pub shorthand: Option<RawShorthand>,
    /// `when`.
    pub when: Option<RawWhen>,
    /// With the file's default merged in.
    pub severity: Severity,
    /// With the file's default merged in.
    pub mode: Mode,
    /// With the file's default merged in.
    pub on_gap: OnGap,
    /// A duration such as `1h`, read by the checker.
    pub repeat_after: Option<Spanned<String>>,
    /// The fields of `show`, each an expression text.
    pub show: Vec<ExprText>,
    /// The template, braces not yet looked at.
    pub message: Option<ExprText>,
    /// Keys that are carried along, with the file's defaults merged in (lists added up).
    pub meta: Meta,
    /// Set where the reader has reported an error in this rule: the checker still reports what it finds, but does not complain about
    /// what is absent (such as a claim that was not readable).
    pub broken: bool,
}

/// `when`.
#[derive(Debug, Clone, PartialEq)]
pub enum RawWhen {
    /// A string scalar.
    Expr(ExprText),
    /// A YAML boolean.
    Bool(Spanned<bool>),
}

/// The shorthand form, one field for each key.
#[derive(Debug, Clone, PartialEq)]
pub struct RawShorthand {
    /// `span.service_name`.
    pub service_name: Option<Spanned<String>>,
    /// `span.name`.
    pub name: Option<Spanned<String>>,
    /// `span.kind`.
    pub kind: Option<Spanned<String>>,
    /// `span.status`.
    pub status: Option<Spanned<String>>,
    /// `span.attributes`, in order.
    pub attributes: Vec<(Spanned<String>, Spanned<RawScalar>)>,
    /// `aggregation.window`, a duration.
    pub window: Option<Spanned<String>>,
    /// `aggregation.by`, each an expression text.
    pub by: Vec<ExprText>,
    /// `aggregation.count`: how many matching spans a signal cites at most.
    pub count: Option<Spanned<u32>>,
    /// `condition`, such as `gt(count, 5)`; an empty text where it is absent.
    pub condition: ExprText,
    /// The whole form (or its first key), for errors that have no better place.
    pub span: Span,
}

/// The decoded text of a scalar that holds an expression (or a message template).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprText {
    /// The decoded text.
    pub text: String,
    /// The way back into the source.
    pub positions: PositionMap,
    /// The whole scalar in the source.
    pub origin: Span,
    /// Whether `#` starts a comment: only in a literal block scalar (`|`).
    pub comments: bool,
}

impl ExprText {
    /// Text that stands in its source byte for byte from `start` on.
    #[must_use]
    pub fn verbatim(text: impl Into<String>, start: u32) -> Self {
        let text = text.into();
        let end = start.saturating_add(u32::try_from(text.len()).unwrap_or(u32::MAX));
        Self { text, positions: PositionMap::verbatim(start), origin: Span { start, end }, comments: false }
    }

    /// The part between two offsets, with its own way back.
    #[must_use]
    pub(crate) fn slice(&self, start: usize, end: usize) -> Self {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let text = self.text.get(start..end).unwrap_or_default().to_owned();
        let origin = self.positions.to_source(offset(start), offset(end));
        Self { text, positions: self.positions.after(offset(start)), origin, comments: self.comments }
    }
}

/// Maps byte offsets of a decoded scalar to byte offsets of its source.
///
/// Held as runs: within a run both sides advance byte for byte; an escape, a fold or an indentation starts a new run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PositionMap {
    /// `(decoded offset, source offset)` of each run's first byte, ascending on the left.
    runs: Vec<(u32, u32)>,
}

impl PositionMap {
    /// One run that starts at `source`.
    #[must_use]
    pub fn verbatim(source: u32) -> Self {
        Self { runs: vec![(0, source)] }
    }

    /// Starts a run: from the decoded offset on, bytes stand at the source offset and after. Runs are added in ascending order of
    /// the decoded offset; one that continues its predecessor is merged.
    pub fn push(&mut self, decoded: u32, source: u32) {
        match self.runs.last_mut() {
            Some(last) if last.0 == decoded => *last = (decoded, source),
            Some(last) if source.checked_sub(last.1) == decoded.checked_sub(last.0) => {}
            _ => self.runs.push((decoded, source)),
        }
    }

    /// The map of what follows a decoded offset.
    fn after(&self, start: u32) -> Self {
        let mut after = Self::verbatim(self.offset(start));
        for (decoded, source) in self.runs.iter().filter(|(decoded, _)| *decoded > start) {
            after.push(decoded - start, *source);
        }
        after
    }

    /// The source offset of a decoded offset.
    #[must_use]
    pub fn offset(&self, decoded: u32) -> u32 {
        let run = self.runs.partition_point(|(start, _)| *start <= decoded);
        match run.checked_sub(1).and_then(|at| self.runs.get(at)) {
            Some((start, source)) => source.saturating_add(decoded - start),
            None => decoded,
        }
    }

    /// The source range of a range of decoded bytes. Its end is measured from the last byte inside, so that a range before a line
    /// break or an escape does not reach into the next run.
    #[must_use]
    pub fn to_source(&self, start: u32, end: u32) -> Span {
        let first = self.offset(start);
        let last = if end > start { self.offset(end - 1).saturating_add(1) } else { first };
        Span { start: first, end: last.max(first) }
    }
}

#[cfg(test)]
mod tests {
    use super::{PositionMap, Span};

    #[test]
    fn a_range_maps_through_runs_and_never_reaches_into_the_next_one() {
        // Decoded `ab\ncd`, in the source at 10 with an indentation of 4 before the second line.
        let mut map = PositionMap::verbatim(10);
        map.push(3, 17);
        assert_eq!(map.to_source(0, 2), Span { start: 10, end: 12 });
        assert_eq!(map.to_source(0, 3), Span { start: 10, end: 13 });
        assert_eq!(map.to_source(3, 5), Span { start: 17, end: 19 });
        assert_eq!(map.to_source(1, 4), Span { start: 11, end: 18 });
        assert_eq!(map.to_source(5, 5), Span { start: 19, end: 19 });
    }

    #[test]
    fn a_run_that_continues_its_predecessor_is_merged() {
        let mut map = PositionMap::verbatim(5);
        map.push(4, 9);
        assert_eq!(map, PositionMap::verbatim(5));
    }
}
