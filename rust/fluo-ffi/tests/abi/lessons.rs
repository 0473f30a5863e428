//! Teaching an engine its call table the only way that a host can: with complete traces.

use std::sync::Arc;

use fluo_lang::print;
use fluo_lang::program::{Scope, Spanset, Step};
use fluo_testkit::model::{AnyValue, Attributes, Kind, Resource, SpanData, TraceId};
use fluo_testkit::oracle::{CallEntry, CallKey, CallTable};

const MILLISECOND: u64 = 1_000_000;

/// The spans of complete traces that teach the table: every call in as many traces as the table says, with a span of each selector
/// below it in as many. They have ended by `end`.
///
/// # Errors
/// A selector of which it is not known how a span of it looks.
pub(crate) fn lessons(table: &CallTable, end: u64) -> Result<Vec<SpanData>, String> {
    let mut spans = Vec::new();
    let mut taught: Vec<&CallKey> = Vec::new();
    let mut trace = 0;
    for entry in &table.entries {
        if taught.contains(&&entry.call) {
            continue;
        }
        taught.push(&entry.call);
        let rows: Vec<&CallEntry> = table.entries.iter().filter(|other| other.call == entry.call).collect();
        for lesson in 0..rows.iter().map(|row| row.traces).max().unwrap_or(0) {
            trace += 1;
            spans.extend(one(&entry.call, rows.iter().filter(|row| lesson < row.below), trace, end)?);
        }
    }
    Ok(spans)
}

/// Whether a trace is one of a lesson.
pub(crate) fn is_lesson(trace: &TraceId) -> bool {
    trace.starts_with(b"lesson--")
}

/// One trace: a root, the call below it, and below that a span for each row.
fn one<'r>(call: &CallKey, rows: impl Iterator<Item = &'r &'r CallEntry>, trace: u64, end: u64) -> Result<Vec<SpanData>, String> {
    let text = |key: &str, value: &Option<String>| Some((key.to_owned(), AnyValue::String(value.clone()?)));
    let resource = Arc::new(Resource { attributes: text("service.name", &call.service).into_iter().collect(), ..Resource::default() });
    let span = |number: u64, below: u64, name: &str| SpanData {
        trace_id: [*b"lesson--", trace.to_be_bytes()].concat().try_into().expect("sixteen bytes"),
        span_id: number.to_be_bytes(),
        parent_id: (below > 0).then(|| below.to_be_bytes()),
        name: name.to_owned(),
        start: end - 100 * MILLISECOND + number * MILLISECOND,
        end: end - number * MILLISECOND,
        resource: Arc::clone(&resource),
        ..SpanData::default()
    };
    let attributes: Attributes = [
        ("server.address", &call.server_address),
        ("rpc.service", &call.rpc_service),
        ("peer.service", &call.peer_service),
        ("messaging.destination.name", &call.destination),
    ]
    .into_iter()
    .filter_map(|(key, value)| text(key, value))
    .collect();
    let mut spans = vec![span(1, 0, "lesson"), SpanData { kind: Kind::Client, attributes, ..span(2, 1, &call.name) }];
    for row in rows {
        let name = name_of(&row.selector)?;
        spans.push(span(spans.len() as u64 + 1, 2, &name));
    }
    Ok(spans)
}

/// The name of the spans that a selector asks for, where it asks for a name only.
fn name_of(selector: &[Step]) -> Result<String, String> {
    let text = print::spanset(&Spanset { steps: selector.to_vec(), within: None, by: Vec::new() }, Scope::Trace);
    let inner = text.strip_prefix("trace.spans.where(").and_then(|rest| rest.strip_suffix(')'));
    let name = inner.map(|inner| inner.strip_prefix("name == ").unwrap_or(inner).trim_matches('\''));
    name.filter(|name| name.chars().all(|c| c.is_alphanumeric() || "._-".contains(c)))
        .map(str::to_owned)
        .ok_or_else(|| format!("no lesson is known for the selector `{text}`"))
}
