//! A diagnostic as text with a caret under its place: the only file that names the rendering crate.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, DiagnosticSeverity};
use crate::source::Source;

use super::escape::{escaped, escaped_lines};
use super::place::Place;

/// How many lines of a span are shown at most.
const SHOWN_LINES: usize = 8;

pub(super) fn render(diagnostic: &Diagnostic, source: Option<&Source>, place: &Place, color: bool) -> String {
    let level = match diagnostic.severity {
        DiagnosticSeverity::Error => Level::ERROR,
        DiagnosticSeverity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(escaped(&diagnostic.message).into_owned()).id(diagnostic.code));
    let mut counted = None;
    if let Some(source) = source {
        (group, counted) = with_snippet(group, diagnostic, source, place);
    }
    if let Some(rule) = &diagnostic.rule {
        group = group.element(Level::NOTE.message(escaped(&format!("in rule `{rule}`")).into_owned()));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(escaped_lines(help).into_owned()));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let text = renderer.render(&[group]);
    match (counted, source) {
        // The renderer counts lines of an inline value, which is counted in characters, and characters after they were escaped.
        (Some(counted), Some(source)) => text.replacen(&counted, &escaped(&place.short(source)), 1),
        _ => text,
    }
}

/// Adds the place and the lines around it; the place as the renderer prints it comes back.
fn with_snippet<'a>(group: Group<'a>, diagnostic: &Diagnostic, source: &Source, place: &Place) -> (Group<'a>, Option<String>) {
    match &place.inline {
        Some(inline) if inline.text.is_empty() => (group.element(Origin::path(escaped(&place.short(source)).into_owned())), None),
        Some(inline) => {
            let range = inline.range.start as usize..inline.range.end as usize;
            let window = window(&inline.text, &range);
            let line = inline.text.get(..window.start).map_or(1, |before| before.matches('\n').count() + 1);
            let shown = Shown::of(&inline.text, &window, &range);
            let counted = shown.origin(&inline.path, line);
            (
                group.element(shown.snippet(diagnostic).line_start(line).path(escaped(&inline.path).into_owned()).line_numbering(false)),
                Some(counted),
            )
        }
        None => {
            let range = diagnostic.span.start as usize..diagnostic.span.end as usize;
            let window = window(&source.text, &range);
            let shown = Shown::of(&source.text, &window, &range);
            let counted = shown.origin(&source.name, place.line);
            (group.element(shown.snippet(diagnostic).line_start(place.line).path(escaped(&source.name).into_owned())), Some(counted))
        }
    }
}

/// Lines that are shown, and the range in them that is pointed at.
struct Shown {
    text: String,
    range: Range<usize>,
}

impl Shown {
    fn of(text: &str, window: &Range<usize>, range: &Range<usize>) -> Self {
        let end = range.end.clamp(range.start, window.end.max(range.start));
        let part = |part: Range<usize>| text.get(part).map(source_lines).unwrap_or_default();
        let (before, within) = (part(window.start..range.start), part(range.start..end));
        let range = before.len()..before.len() + within.len();
        Self { text: [before, within, part(end..window.end)].concat(), range }
    }

    /// The place as the renderer prints it, where the text begins in this line.
    fn origin(&self, path: &str, line: usize) -> String {
        let before = self.text.get(..self.range.start).unwrap_or_default();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{}:{}:{column}", escaped(path), line + before.matches('\n').count())
    }

    fn snippet<'a>(self, diagnostic: &Diagnostic) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let label = diagnostic.label.as_deref().map(|label| escaped(label).into_owned());
        Snippet::source(self.text).annotation(AnnotationKind::Primary.span(self.range).label(label))
    }
}

/// Lines of the user's, which may end in a carriage return and a line feed.
fn source_lines(text: &str) -> String {
    text.split("\r\n").map(escaped_lines).collect::<Vec<_>>().join("\r\n")
}

/// The lines that a range touches, at most [`SHOWN_LINES`]. Only these are given to the renderer, which looks at all that it is given
/// for every finding.
fn window(text: &str, range: &Range<usize>) -> Range<usize> {
    let bytes = text.as_bytes();
    let upto = range.start.min(bytes.len());
    let before = bytes.get(..upto).unwrap_or_default();
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let mut end = start;
    for _ in 0..SHOWN_LINES {
        let rest = bytes.get(end..).unwrap_or_default();
        end += rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        if end >= range.end {
            break;
        }
    }
    start..end
}
