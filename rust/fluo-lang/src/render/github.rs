//! Diagnostics as GitHub workflow commands: annotations on the lines of a change.

use crate::diagnostic::Diagnostic;
use crate::source::Source;

use super::escape::escaped;
use super::json::severity;
use super::place::Place;

/// One command with its line break.
pub(super) fn command(diagnostic: &Diagnostic, source: Option<&Source>, place: &Place) -> String {
    let mut message = diagnostic.message.clone();
    if let Some(rule) = &diagnostic.rule {
        message.push_str(&format!("\nin rule `{rule}`"));
    }
    if let Some(help) = &diagnostic.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    let name = source.map(|source| source.name.as_str()).unwrap_or_default();
    let position = match &place.inline {
        Some(_) => String::new(),
        None => format!(",line={},col={},endLine={},endColumn={}", place.line, place.column, place.end_line, place.end_column),
    };
    format!(
        "::{} file={}{position},title={}::{}\n",
        severity(diagnostic.severity),
        property(name),
        property(diagnostic.code),
        data(&message)
    )
}

fn data(text: &str) -> String {
    escaped(&text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")).into_owned()
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
