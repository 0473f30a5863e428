//! Signals for people and for programs.

use std::fmt::Write as _;

use fluo_engine::signal::{Event, Signal};
use fluo_lang::program::Severity;
use serde_json::{Map, Value, json};

use crate::time::rfc3339;

/// One signal as a JSON object, with its line break.
pub(crate) fn json_line(signal: &Signal) -> String {
    let object = json!({
        "event": signal.event.name(),
        "violation_id": hex(&signal.violation_id),
        "rule": signal.rule,
        "kind": signal.kind,
        "severity": severity(signal.severity),
        "phase": signal.phase.name(),
        "trigger": signal.trigger.name(),
        "trace_id": trace_id(signal),
        "span_id": signal.span_id.map(span_id),
        "time_unix_nano": signal.time,
        "group": map(&signal.group),
        "window_start": signal.window.map(|(start, _)| start),
        "window_end": signal.window.map(|(_, end)| end),
        "observed": map(&signal.observed),
        "evidence_span_ids": signal.evidence.iter().copied().map(span_id).collect::<Vec<_>>(),
        "missing": signal.missing,
        "nearest": signal.nearest,
        "message": signal.message,
    });
    format!("{object}\n")
}

/// One signal as a few lines of text, an empty line behind it.
pub(crate) fn text(signal: &Signal) -> String {
    let what = match signal.event {
        Event::Violation => severity(signal.severity),
        Event::Retracted => "retracted",
        Event::Resolved => "resolved",
    };
    let mut out = format!("{what}[{}]: {}\n", signal.rule, signal.message);
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(out, "  {name:<9} {value}");
        }
    };
    line("at", &format!("{} ({}, {})", rfc3339(signal.time), signal.phase.name(), signal.trigger.name()));
    if let Some((start, end)) = signal.window {
        line("window", &format!("{} to {}", rfc3339(start), rfc3339(end)));
    }
    line("group", &pairs(&signal.group));
    line("observed", &pairs(&signal.observed));
    line("missing", &signal.missing.join(", "));
    line("nearest", &signal.nearest.join(", "));
    let spans: Vec<String> = signal.evidence.iter().copied().map(span_id).collect();
    line("evidence", &format!("{}{}", spans.join(" "), if signal.evidence_truncated { " …" } else { "" }));
    let place = [trace_id(signal).map(|id| format!("trace {id}")), signal.span_id.map(|id| format!("span {}", span_id(id)))];
    line("where", &place.into_iter().flatten().collect::<Vec<_>>().join(", "));
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

fn map(pairs: &[(String, String)]) -> Value {
    Value::Object(pairs.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect::<Map<_, _>>())
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
