//! The attributes of a signal.

use std::fmt::Write;

use fluo_lang::program::Severity;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};

use crate::signal::Signal;

/// The word for a severity, as rules have it.
pub(super) const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
        Severity::Critical => "critical",
    }
}

/// All attributes of a signal; lists that hold nothing and facts that are not known are left out.
pub(super) fn of(signal: &Signal) -> Vec<KeyValue> {
    let mut out = Attributes::default();
    out.put("fluo.violation.id", hex(&signal.violation_id));
    out.put("fluo.rule.name", &*signal.rule);
    out.put("fluo.rule.kind", signal.kind);
    out.put("fluo.rule.expression", &*signal.expression);
    out.put("fluo.rule.severity", severity(signal.severity));
    out.list("fluo.rule.tags", &signal.tags);
    out.list("fluo.rule.controls", &signal.controls);
    out.put("fluo.ruleset.hash", hex(&signal.ruleset_hash));
    out.put("fluo.verdict.phase", signal.phase.name());
    out.put("fluo.verdict.trigger", signal.trigger.name());
    if let Some(complete) = signal.trace_complete {
        out.push("fluo.trace.complete", Value::BoolValue(complete));
    }
    if let Some(spans) = signal.trace_spans {
        out.push("fluo.trace.spans", count(spans));
    }
    if let Some((start, end)) = signal.window {
        out.push("fluo.window.start", count(start));
        out.push("fluo.window.end", count(end));
    }
    out.named("fluo.group.", &signal.group);
    out.named("fluo.observed.", &signal.observed);
    let evidence: Vec<String> = signal.evidence.iter().map(|id| format!("{id:016x}")).collect();
    out.list("fluo.evidence.span_ids", &evidence);
    if signal.evidence_truncated {
        out.push("fluo.evidence.truncated", Value::BoolValue(true));
    }
    out.list("fluo.evidence.missing", &signal.missing);
    out.list("fluo.evidence.nearest", &signal.nearest);
    out.named("fluo.show.", &signal.shown);
    out.named("fluo.rule.", &signal.carried);
    out.0
}

/// Attributes in order, each key once.
#[derive(Default)]
struct Attributes(Vec<KeyValue>);

impl Attributes {
    fn put(&mut self, key: &str, value: impl Into<String>) {
        self.push(key, Value::StringValue(value.into()));
    }

    fn push(&mut self, key: &str, value: Value) {
        self.0.push(pair(key.to_owned(), value));
    }

    fn list(&mut self, key: &str, values: &[String]) {
        if !values.is_empty() {
            self.push(key, list(values.iter().map(String::as_str)));
        }
    }

    /// Adds texts under keys that come from the rule: one that occurs with several values becomes a list of them, and what would hide
    /// an attribute that is there already is left out.
    fn named(&mut self, prefix: &str, values: &[(String, String)]) {
        let mut grouped: Vec<(String, Vec<&str>)> = Vec::new();
        for (name, value) in values {
            let key = format!("{prefix}{name}");
            match grouped.iter_mut().find(|(known, _)| *known == key) {
                Some((_, values)) if values.contains(&value.as_str()) => {}
                Some((_, values)) => values.push(value),
                None => grouped.push((key, vec![value])),
            }
        }
        for (key, values) in grouped {
            if self.0.iter().all(|attribute| attribute.key != key) {
                let value = match values.as_slice() {
                    [value] => text(value),
                    _ => list(values.iter().copied()),
                };
                self.push(&key, value);
            }
        }
    }
}

pub(super) fn pair(key: String, value: Value) -> KeyValue {
    KeyValue { key, value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

pub(super) fn text(value: &str) -> Value {
    Value::StringValue(value.to_owned())
}

fn list<'v>(values: impl Iterator<Item = &'v str>) -> Value {
    let values = values.map(|value| AnyValue { value: Some(text(value)) }).collect();
    Value::ArrayValue(ArrayValue { values })
}

/// A count or a time; OTLP's numbers end with `i64::MAX`.
fn count(value: u64) -> Value {
    Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a string cannot fail.
        _ = write!(out, "{byte:02x}");
        out
    })
}
