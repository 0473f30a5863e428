//! Spans back into the notation, for reports of generated cases.

use std::fmt::Write;

use super::BASE;
use crate::model::{AnyValue, Attributes, Kind, SpanData, Status, hex};

/// The spans as flat lines of the notation: every parent is named, times are milliseconds after the base.
#[must_use]
pub fn write(spans: &[SpanData]) -> String {
    spans.iter().map(|span| line(span, spans) + "\n").collect()
}

fn line(span: &SpanData, all: &[SpanData]) -> String {
    let mut text = format!("{} id={}", quoted(&span.name), hex(&span.span_id));
    let mut add = |item: String| {
        text.push(' ');
        text.push_str(&item);
    };
    add(format!("#s{}", number(&span.span_id)));
    add(match span.parent_id {
        None => "^none".to_owned(),
        Some(id) if all.iter().any(|other| other.span_id == id) => format!("^s{}", number(&id)),
        Some(id) => format!("^?p{}", hex(&id)),
    });
    if span.kind != Kind::Internal {
        add(if span.kind == Kind::Unspecified { "unspecified".to_owned() } else { span.kind.word().to_owned() });
    }
    if span.status != Status::Unset {
        add(span.status.word().to_owned());
    }
    add(format!("{}..{}", time(span.start), time(span.end)));
    let (service, rest): (Attributes, Attributes) = span.resource.attributes.iter().cloned().partition(|(key, _)| key == "service.name");
    for (_, value) in service {
        add(format!("@{}", value_text(&value)));
    }
    if !rest.is_empty() {
        add(format!("resource{}", map(&rest)));
    }
    if !span.attributes.is_empty() {
        add(map(&span.attributes));
    }
    for event in &span.events {
        let dropped = if event.dropped_attributes > 0 { format!(", dropped={}", event.dropped_attributes) } else { String::new() };
        add(format!("event({}{dropped}){}", quoted(&event.name), map(&event.attributes)));
    }
    for link in &span.links {
        add(format!("link{}", map(&link.attributes)));
    }
    let counts = [
        ("attributes", span.dropped_attributes),
        ("events", span.dropped_events),
        ("links", span.dropped_links),
        ("resource", span.resource.dropped_attributes),
        ("scope", span.scope.dropped_attributes),
    ];
    let counts: Vec<String> = counts.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{what}={count}")).collect();
    if !counts.is_empty() {
        add(format!("dropped({})", counts.join(", ")));
    }
    text
}

fn number(id: &[u8; 8]) -> u64 {
    u64::from_be_bytes(*id)
}

fn time(at: u64) -> String {
    if at == 0 {
        return "none".to_owned();
    }
    let nanos = i128::from(at) - i128::from(BASE);
    if nanos % 1_000_000 == 0 { (nanos / 1_000_000).to_string() } else { format!("{nanos}ns") }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn map(attributes: &Attributes) -> String {
    let mut text = String::from("{");
    for (at, (key, value)) in attributes.iter().enumerate() {
        let comma = if at > 0 { ", " } else { "" };
        let _ = write!(text, "{comma}{}={}", quoted(key), value_text(value));
    }
    text + "}"
}

fn value_text(value: &AnyValue) -> String {
    match value {
        AnyValue::Empty => "~".to_owned(),
        AnyValue::String(s) => quoted(s),
        AnyValue::Bool(b) => b.to_string(),
        AnyValue::Int(i) => i.to_string(),
        AnyValue::Double(f) if f.is_nan() => "nan".to_owned(),
        AnyValue::Double(f) => format!("{f:?}"),
        AnyValue::Bytes(b) => format!("x'{}'", hex(b)),
        AnyValue::Array(items) => format!("[{}]", items.iter().map(value_text).collect::<Vec<_>>().join(", ")),
        AnyValue::Map(m) => map(m),
    }
}
