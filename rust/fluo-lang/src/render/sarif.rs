//! Diagnostics as a SARIF 2.1.0 log, for code scanning.

use serde_json::{Value, json};

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::pages;

use super::Report;
use super::json::severity;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) fn log(report: &Report<'_>) -> Value {
    // The log lists each code that occurs once; results refer to it by its place in the list.
    let mut used: Vec<&str> = report.diagnostics.iter().map(|found| found.code).collect();
    used.sort_unstable();
    used.dedup();
    let rules: Vec<Value> = used.iter().map(|code| rule(code)).collect();
    let results: Vec<Value> = report.diagnostics.iter().map(|found| result(report, found, &used)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "fluo",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &str) -> Value {
    let title = codes::ALL.iter().find(|known| known.id == code).map(|known| known.title).unwrap_or_default();
    let mut rule = json!({ "id": code, "shortDescription": { "text": title } });
    if let (Some(page), Some(fields)) = (pages::page(code), rule.as_object_mut()) {
        fields.insert("help".to_owned(), json!({ "text": page, "markdown": page }));
    }
    rule
}

fn result(report: &Report<'_>, found: &Diagnostic, used: &[&str]) -> Value {
    let place = report.place(found);
    let name = report.source_of(found).map(|source| source.name.as_str()).unwrap_or_default();
    let mut physical = json!({ "artifactLocation": { "uri": uri(name) } });
    let mut logical = Vec::new();
    match (&place.inline, physical.as_object_mut()) {
        (Some(inline), _) => logical.push(json!({ "fullyQualifiedName": inline.path, "kind": "value" })),
        (None, Some(fields)) => {
            let region = json!({
                "startLine": place.line,
                "startColumn": place.column,
                "endLine": place.end_line,
                "endColumn": place.end_column,
            });
            fields.insert("region".to_owned(), region);
        }
        (None, None) => {}
    }
    if let Some(rule) = &found.rule {
        logical.push(json!({ "name": rule, "kind": "rule" }));
    }
    let text = match &found.help {
        Some(help) => format!("{}\n{help}", found.message),
        None => found.message.clone(),
    };
    let mut location = json!({ "physicalLocation": physical });
    if let (false, Some(fields)) = (logical.is_empty(), location.as_object_mut()) {
        fields.insert("logicalLocations".to_owned(), Value::Array(logical));
    }
    json!({
        "ruleId": found.code,
        "ruleIndex": used.iter().position(|code| *code == found.code),
        "level": severity(found.severity),
        "message": { "text": text },
        "locations": [location],
    })
}

/// A path as a relative URI reference.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.replace('\\', "/").bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
