//! Signals for people and for programs.

use std::fmt::Write as _;

use fluo_engine::signal::{Event, Signal};
use fluo_lang::program::Severity;
use fluo_lang::render::{escaped, escaped_json};
use serde_json::{Map, Value, json};

use crate::time::rfc3339;

/// One signal as a JSON object, with its line break: everything that the collector's log record carries.
pub(crate) fn json_line(signal: &Signal) -> String {
    let mut object = json!({
        "event": signal.event.name(),
        "violation_id": hex(&signal.violation_id),
        "rule": signal.rule,
        "kind": signal.kind,
        "expression": signal.expression,
        "severity": severity(signal.severity),
        "tags": signal.tags,
        "controls": signal.controls,
        "ruleset_hash": hex(&signal.ruleset_hash),
        "phase": signal.phase.name(),
        "trigger": signal.trigger.name(),
        "trace_id": trace_id(signal),
        "trace_complete": signal.trace_complete,
        "trace_spans": signal.trace_spans,
        "span_id": signal.span_id.map(span_id),
        "time_unix_nano": signal.time,
        "observed_time_unix_nano": signal.observed_time,
        "group": map(&signal.group),
        "window_start": signal.window.map(|(start, _)| start),
        "window_end": signal.window.map(|(_, end)| end),
        "observed": map(&signal.observed),
        "evidence_span_ids": signal.evidence.iter().copied().map(span_id).collect::<Vec<_>>(),
        "evidence_truncated": signal.evidence_truncated,
        "missing": signal.missing,
        "nearest": signal.nearest,
        "show": map(&signal.shown),
        "resource": map(&signal.resource),
        "message": signal.message,
    });
    // Description, runbook, owner and what else the rule has to say, under the names that it has there.
    if let Some(object) = object.as_object_mut() {
        let mut annotations = Map::new();
        for (key, value) in &signal.carried {
            match key.strip_prefix("annotations.") {
                Some(key) => annotations.insert(key.to_owned(), Value::from(value.as_str())),
                None => object.insert(key.clone(), Value::from(value.as_str())),
            };
        }
        if !annotations.is_empty() {
            object.insert("annotations".to_owned(), Value::Object(annotations));
        }
    }
    format!("{}\n", escaped_json(&object.to_string()))
}

/// One signal as a few lines of text, an empty line behind it.
pub(crate) fn text(signal: &Signal) -> String {
    let what = match signal.event {
        Event::Violation => severity(signal.severity),
        Event::Retracted => "retracted",
        Event::Resolved => "resolved",
    };
    let mut out = format!("{what}[{}]: {}\n", escaped(&signal.rule), escaped(&signal.message));
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(out, "  {name:<9} {}", escaped(value));
        }
    };
    line("at", &format!("{} ({}, {})", rfc3339(signal.time), signal.phase.name(), signal.trigger.name()));
    if let Some((start, end)) = signal.window {
        line("window", &format!("{} to {}", rfc3339(start), rfc3339(end)));
    }
    line("group", &pairs(&signal.group));
    line("observed", &pairs(&signal.observed));
    line("show", &pairs(&signal.shown));
    line("missing", &signal.missing.join(", "));
    line("nearest", &signal.nearest.join(", "));
    let spans: Vec<String> = signal.evidence.iter().copied().map(span_id).collect();
    line("evidence", &format!("{}{}", spans.join(" "), if signal.evidence_truncated { " …" } else { "" }));
    let place = [trace_id(signal).map(|id| format!("trace {id}")), signal.span_id.map(|id| format!("span {}", span_id(id)))];
    line("where", &place.into_iter().flatten().collect::<Vec<_>>().join(", "));
    for name in ["owner", "runbook"] {
        let carried = signal.carried.iter().find(|(key, _)| key == name);
        line(name, carried.map_or("", |(_, value)| value));
    }
    line("id", &hex(&signal.violation_id));
    out.push('\n');
    out
}

/// The word for a severity.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
        Severity::Critical => "critical",
    }
}

fn pairs(pairs: &[(String, String)]) -> String {
    pairs.iter().map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join(", ")
}

/// Texts by their names; one that occurs with several values has a list of them, as in the log record.
fn map(pairs: &[(String, String)]) -> Value {
    let mut values: Map<String, Value> = Map::new();
    for (key, value) in pairs {
        let value = Value::from(value.as_str());
        match values.get_mut(key) {
            None => {
                values.insert(key.clone(), value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(values)
}

fn trace_id(signal: &Signal) -> Option<String> {
    (signal.trace_id != [0; 16]).then(|| hex(&signal.trace_id))
}

fn span_id(id: u64) -> String {
    format!("{id:016x}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
