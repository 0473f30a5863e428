//! A diagnostic as text with a caret under its place: the only file that names the rendering crate.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, DiagnosticSeverity};
use crate::rule_file::InlinePlace;
use crate::source::Source;

use super::place::Place;

/// How many lines of a span are shown at most.
const SHOWN_LINES: usize = 8;

pub(super) fn render(diagnostic: &Diagnostic, source: Option<&Source>, place: &Place, color: bool) -> String {
    let level = match diagnostic.severity {
        DiagnosticSeverity::Error => Level::ERROR,
        DiagnosticSeverity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(diagnostic.message.as_str()).id(diagnostic.code));
    if let Some(source) = source {
        group = with_snippet(group, diagnostic, source, place);
    }
    if let Some(rule) = &diagnostic.rule {
        group = group.element(Level::NOTE.message(clean(&format!("in rule `{rule}`"))));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(clean(help)));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let text = renderer.render(&[group]);
    match (&place.inline, source) {
        // The renderer counts lines; the text of an inline value is counted in characters.
        (Some(inline), Some(source)) if !inline.text.is_empty() => match inline_origin(inline) {
            Some(counted) => text.replacen(&counted, &place.short(source), 1),
            None => text,
        },
        _ => text,
    }
}

/// The place of an inline finding as the renderer prints it.
fn inline_origin(inline: &InlinePlace) -> Option<String> {
    let before = inline.text.get(..inline.range.start as usize)?;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next()?.chars().count() + 1;
    Some(format!("{}:{line}:{column}", inline.path))
}

/// The user's text may hold terminal escapes.
fn clean(text: &str) -> String {
    annotate_snippets::normalize_untrusted_str(text)
}

fn with_snippet<'a>(group: Group<'a>, diagnostic: &'a Diagnostic, source: &'a Source, place: &Place) -> Group<'a> {
    match &place.inline {
        Some(inline) if inline.text.is_empty() => group.element(Origin::path(place.short(source))),
        Some(inline) => {
            let range = inline.range.start as usize..inline.range.end as usize;
            let window = window(&inline.text, &range);
            let snippet = snippet(inline.text.get(window.clone()).unwrap_or_default().to_owned(), &window, &range, diagnostic);
            let line = inline.text.get(..window.start).map_or(1, |before| before.matches('\n').count() + 1);
            group.element(snippet.line_start(line).path(inline.path.clone()).line_numbering(false))
        }
        None => {
            let range = diagnostic.span.start as usize..diagnostic.span.end as usize;
            let window = window(&source.text, &range);
            let snippet = snippet(source.text.get(window.clone()).unwrap_or_default().to_owned(), &window, &range, diagnostic);
            group.element(snippet.line_start(place.line).path(source.name.as_str()))
        }
    }
}

fn snippet<'a>(
    text: String,
    window: &Range<usize>,
    range: &Range<usize>,
    diagnostic: &'a Diagnostic,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let start = range.start.saturating_sub(window.start).min(text.len());
    let end = range.end.saturating_sub(window.start).clamp(start, text.len());
    let annotation = AnnotationKind::Primary.span(start..end).label(diagnostic.label.as_deref().map(clean));
    Snippet::source(text).annotation(annotation)
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
