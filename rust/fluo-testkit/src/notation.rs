//! A short, readable notation for traces.
//!
//! One line is one span, indentation makes parents:
//!
//! ```text
//! 'POST /checkout' @shop server 0..100 {user=u1}
//!   payment.charge_card client 10..40 {amount=1200} #charge
//!     charge @payments server 12..38 error('card refused')
//!   auth *51
//! ```
//!
//! A line begins with the span's name, bare or quoted, then in any order:
//!
//! | item | meaning |
//! |---|---|
//! | `@shop` | the service; a line without it has its parent's resource |
//! | `server` `client` `producer` `consumer` `internal` | the kind, `internal` unless given |
//! | `ok` `error` `unset`, `error('text')` | the status |
//! | `10..40`, `10+30`, `1s..2m`, `none..40` | start and end (or duration) after the base; milliseconds unless a unit is given; `none` is a time that was not set; `0..1` unless given |
//! | `{k=1, 'any key'=text, l=[1, 'a'], b=x'00ff', m={a=1}, u=~}` | attributes: numbers, `true`, `false`, text bare or quoted, lists, bytes, maps, a value that was not set |
//! | `resource{…}` `scope('name'){…}` | resource attributes beside `service.name`, the instrumentation scope |
//! | `event('NAME', 5){…}` `link('trace hex', 'span hex'){…}` | an event with its time, a link; arguments are optional |
//! | `#a` | a label for `^a` and for the evidence in expectations |
//! | `^a` `^none` `^?x` | the parent: a label, nothing, a span `x` that never comes |
//! | `id=00000000000000a1` | the span id; otherwise lines count up from 1 |
//! | `at=2s`, `again=5s` | arrival, a repeated arrival |
//! | `dropped(attributes=1, events=2, links=1, resource=1, scope=1)` | dropped counts; inside `event(…)` and `link(…)` `dropped=1` |
//! | `*51` | as many such spans with ids of their own |

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{AnyValue, Event, Kind, Link, Resource, Scope, SpanData, SpanId, Status, TraceId};

mod cursor;
mod line;
mod write;

use line::{Line, Parent};

pub use write::write;

/// 2026-01-01T00:00:00Z: where relative times start unless a case says otherwise. Unix nanoseconds.
pub const BASE: u64 = 1_767_225_600_000_000_000;

/// A trace as the notation gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// What the case calls it.
    pub label: String,
    /// Its id, made from the label.
    pub id: TraceId,
    /// Its spans in the order of the lines.
    pub spans: Vec<TraceSpan>,
}

/// A span of the notation.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSpan {
    /// Its label: the `#label`, else its name where no other span has it.
    pub label: Option<String>,
    /// The span.
    pub data: SpanData,
    /// Arrival after the base, nanoseconds.
    pub at: Option<i64>,
    /// Repeated arrivals after the base, nanoseconds.
    pub again: Vec<i64>,
}

/// Why a trace cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotationError {
    /// Line in the text, from 1.
    pub line: usize,
    /// Column in the line in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for NotationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for NotationError {}

/// Reads a trace. `base` is where its times start, Unix nanoseconds.
///
/// # Errors
/// The first thing that is not as the notation wants it.
pub fn parse(label: &str, text: &str, base: u64) -> Result<Trace, NotationError> {
    let id = trace_id(label);
    let lines = read_lines(text)?;
    let mut spans: Vec<TraceSpan> = Vec::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut explicit_parents = Vec::new();
    let mut next_id = 1u64;
    for line in &lines {
        while open.last().is_some_and(|(indent, _)| *indent >= line.indent) {
            open.pop();
        }
        let above = open.last().and_then(|(_, at)| spans.get(*at)).cloned();
        for _ in 0..line.repeat {
            let span_id = line.id.unwrap_or_else(|| next_id.to_be_bytes());
            next_id += 1;
            let data = build(line, id, span_id, above.as_ref().map(|s| &s.data), base);
            if line.parent.is_some() {
                explicit_parents.push((spans.len(), line));
            }
            spans.push(TraceSpan { label: line.label.clone(), data, at: line.at, again: line.again.clone() });
        }
        if line.repeat == 1 {
            open.push((line.indent, spans.len() - 1));
        }
    }
    label_by_name(&mut spans);
    let ids: BTreeMap<String, SpanId> = spans.iter().filter_map(|s| Some((s.label.clone()?, s.data.span_id))).collect();
    for (at, line) in explicit_parents {
        let parent = match &line.parent {
            Some(Parent::Label(label)) => Some(*ids.get(label).ok_or_else(|| line.error(format!("no span is labelled `{label}`")))?),
            Some(Parent::Lost(name)) => Some(lost_id(name)),
            _ => None,
        };
        if let Some(span) = spans.get_mut(at) {
            span.data.parent_id = parent;
        }
    }
    Ok(Trace { label: label.to_owned(), id, spans })
}

/// Reads a time or duration such as `10`, `1.5s` or `2m`: milliseconds where no unit is given. Nanoseconds.
///
/// # Errors
/// Text that is no time, with the column of what is wrong.
pub fn time(text: &str) -> Result<i64, NotationError> {
    let mut at = cursor::Cursor::new(1, text);
    let time = at.time()?;
    if at.at_end() { Ok(time) } else { Err(at.error("expected nothing more")) }
}

/// The trace id that a label gets.
#[must_use]
pub fn trace_id(label: &str) -> TraceId {
    let high = fnv(label.as_bytes(), 0xcbf2_9ce4_8422_2325);
    let low = fnv(label.as_bytes(), 0x8422_2325_cbf2_9ce4);
    let mut id = [0; 16];
    for (to, from) in id.iter_mut().zip(high.to_be_bytes().into_iter().chain(low.to_be_bytes())) {
        *to = from;
    }
    id
}

/// The id of a span that never comes.
fn lost_id(name: &str) -> SpanId {
    (fnv(name.as_bytes(), 0xcbf2_9ce4_8422_2325) | 1 << 63).to_be_bytes()
}

fn fnv(bytes: &[u8], seed: u64) -> u64 {
    bytes.iter().fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn read_lines(text: &str) -> Result<Vec<Line>, NotationError> {
    let (mut lines, mut all) = (Vec::new(), 0);
    for (number, raw) in text.lines().enumerate() {
        let content = raw.trim_start();
        if content.is_empty() || content.starts_with("//") {
            continue;
        }
        let line = line::read(number + 1, raw)?;
        all += line.repeat;
        if all > line::MOST_SPANS {
            return Err(line.error(format!("a test has at most {} spans", line::MOST_SPANS)));
        }
        if line.repeat != 1 && line.label.is_some() {
            return Err(line.error("a repeated span cannot have a label".to_owned()));
        }
        if lines.last().is_some_and(|above: &Line| above.repeat != 1 && above.indent < line.indent) {
            return Err(line.error("a repeated span cannot have children".to_owned()));
        }
        lines.push(line);
    }
    Ok(lines)
}

/// Names that occur once are labels too.
fn label_by_name(spans: &mut [TraceSpan]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for span in spans.iter() {
        *seen.entry(span.data.name.clone()).or_default() += 1;
    }
    for label in spans.iter().filter_map(|s| s.label.clone()).collect::<Vec<_>>() {
        seen.insert(label, 2);
    }
    for span in spans {
        if span.label.is_none() && seen.get(&span.data.name) == Some(&1) {
            span.label = Some(span.data.name.clone());
        }
    }
}

fn build(line: &Line, trace_id: TraceId, span_id: SpanId, above: Option<&SpanData>, base: u64) -> SpanData {
    SpanData {
        trace_id,
        span_id,
        parent_id: above.map(|p| p.span_id),
        name: line.name.clone(),
        kind: line.kind.unwrap_or(Kind::Internal),
        status: line.status.unwrap_or(Status::Unset),
        status_message: line.status_message.clone(),
        start: absolute(line.start, base),
        end: absolute(line.end, base),
        attributes: line.attributes.clone(),
        dropped_attributes: line.dropped.attributes,
        events: line
            .events
            .iter()
            .map(|e| Event {
                name: e.name.clone(),
                time: absolute(e.time.or(line.start), base),
                attributes: e.attributes.clone(),
                dropped_attributes: e.dropped,
            })
            .collect(),
        dropped_events: line.dropped.events,
        links: line
            .links
            .iter()
            .map(|l| Link { trace_id: l.trace_id, span_id: l.span_id, attributes: l.attributes.clone(), dropped_attributes: l.dropped })
            .collect(),
        dropped_links: line.dropped.links,
        resource: resource(line, above),
        scope: scope(line, above),
    }
}

fn resource(line: &Line, above: Option<&SpanData>) -> Arc<Resource> {
    if line.service.is_none() && line.resource.is_none() && line.dropped.resource == 0 {
        return above.map(|p| Arc::clone(&p.resource)).unwrap_or_default();
    }
    let inherited = || above.and_then(|p| p.resource.attributes.iter().find(|(k, _)| k == "service.name").cloned());
    let service = line.service.clone().map(|s| ("service.name".to_owned(), AnyValue::String(s))).or_else(inherited);
    let attributes = service.into_iter().chain(line.resource.iter().flatten().cloned()).collect();
    Arc::new(Resource { attributes, dropped_attributes: line.dropped.resource })
}

fn scope(line: &Line, above: Option<&SpanData>) -> Arc<Scope> {
    match &line.scope {
        None if line.dropped.scope == 0 => above.map(|p| Arc::clone(&p.scope)).unwrap_or_default(),
        written => {
            let (name, attributes) = written.clone().unwrap_or_default();
            Arc::new(Scope { name, version: String::new(), attributes, dropped_attributes: line.dropped.scope })
        }
    }
}

fn absolute(relative: Option<i64>, base: u64) -> u64 {
    relative.map_or(0, |offset| base.saturating_add_signed(offset))
}

#[cfg(test)]
mod tests;
