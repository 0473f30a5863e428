//! One line of the notation.

use super::NotationError;
use super::cursor::Cursor;
use crate::model::{Attributes, Kind, SpanId, Status, TraceId};

/// The parent that a line names.
pub(super) enum Parent {
    None,
    Label(String),
    Lost(String),
}

/// Dropped counts.
#[derive(Default)]
pub(super) struct Dropped {
    pub(super) attributes: u32,
    pub(super) events: u32,
    pub(super) links: u32,
    pub(super) resource: u32,
    pub(super) scope: u32,
}

/// An event as written.
#[derive(Default)]
pub(super) struct EventItem {
    pub(super) name: String,
    pub(super) time: Option<i64>,
    pub(super) attributes: Attributes,
    pub(super) dropped: u32,
}

/// A link as written.
#[derive(Default)]
pub(super) struct LinkItem {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) attributes: Attributes,
    pub(super) dropped: u32,
}

/// A line as written; times are nanoseconds after the base, `None` where not set.
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) indent: usize,
    pub(super) name: String,
    pub(super) service: Option<String>,
    pub(super) kind: Option<Kind>,
    pub(super) status: Option<Status>,
    pub(super) status_message: String,
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
    pub(super) attributes: Attributes,
    pub(super) resource: Option<Attributes>,
    pub(super) scope: Option<(String, Attributes)>,
    pub(super) events: Vec<EventItem>,
    pub(super) links: Vec<LinkItem>,
    pub(super) label: Option<String>,
    pub(super) parent: Option<Parent>,
    pub(super) id: Option<SpanId>,
    pub(super) at: Option<i64>,
    pub(super) again: Vec<i64>,
    pub(super) dropped: Dropped,
    pub(super) repeat: usize,
}

impl Line {
    pub(super) fn error(&self, message: String) -> NotationError {
        NotationError { line: self.number, column: self.indent + 1, message }
    }
}

/// Spans that a test may have: more say nothing more, and fill the memory of whoever slips.
pub(super) const MOST_SPANS: usize = 1_000_000;

/// Reads a line that is neither empty nor a comment.
pub(super) fn read(number: usize, text: &str) -> Result<Line, NotationError> {
    let mut at = Cursor::new(number, text);
    at.skip_space();
    let indent = at.column() - 1;
    let mut line = Line {
        number,
        indent,
        name: at.word("{")?,
        service: None,
        kind: None,
        status: None,
        status_message: String::new(),
        start: Some(0),
        end: Some(1_000_000),
        attributes: Attributes::new(),
        resource: None,
        scope: None,
        events: Vec::new(),
        links: Vec::new(),
        label: None,
        parent: None,
        id: None,
        at: None,
        again: Vec::new(),
        dropped: Dropped::default(),
        repeat: 1,
    };
    loop {
        at.skip_space();
        if at.at_end() || at.take("//") {
            return Ok(line);
        }
        item(&mut line, &mut at)?;
    }
}

fn item(line: &mut Line, at: &mut Cursor<'_>) -> Result<(), NotationError> {
    match at.peek() {
        Some('{') => line.attributes.extend(at.attributes()?),
        Some('@') => {
            at.expect("@")?;
            line.service = Some(at.word("{")?);
        }
        Some('#') => {
            at.expect("#")?;
            line.label = Some(at.word("{")?);
        }
        Some('*') => {
            at.expect("*")?;
            let place = at.error(format!("a test has at most {MOST_SPANS} spans"));
            line.repeat = at.number()?;
            if line.repeat > MOST_SPANS {
                return Err(place);
            }
        }
        Some('^') => line.parent = Some(parent(at)?),
        Some(c) if c.is_ascii_digit() || c == '-' => times(line, at)?,
        _ => {
            let begin = at.error("");
            let word = at.take_while(|c| c.is_ascii_alphabetic());
            worded(line, at, word).map_err(|e| if e.message.is_empty() { NotationError { message: unknown(word), ..begin } } else { e })?;
        }
    }
    Ok(())
}

fn unknown(word: &str) -> String {
    format!("`{word}` is neither a kind, a status nor another item of a span line")
}

/// An item that begins with a word; an error without message says that the word is unknown.
fn worded(line: &mut Line, at: &mut Cursor<'_>, word: &str) -> Result<(), NotationError> {
    if let Some(kind) = Kind::from_word(word) {
        line.kind = Some(kind);
        return Ok(());
    }
    match word {
        "unspecified" => line.kind = Some(Kind::Unspecified),
        "ok" | "error" | "unset" => {
            line.status = Some(match word {
                "ok" => Status::Ok,
                "error" => Status::Error,
                _ => Status::Unset,
            });
            if at.take("(") {
                line.status_message = at.quoted()?;
                at.expect(")")?;
            }
        }
        "none" => {
            at.expect("..")?;
            line.start = None;
            line.end = end(at)?;
        }
        "resource" => line.resource = Some(at.attributes()?),
        "scope" => {
            let name = if at.peek() == Some('(') { arguments(at)?.texts.into_iter().next().unwrap_or_default() } else { String::new() };
            let attributes = if at.peek() == Some('{') { at.attributes()? } else { Attributes::new() };
            line.scope = Some((name, attributes));
        }
        "event" => {
            let given = if at.peek() == Some('(') { arguments(at)? } else { Arguments::default() };
            let attributes = if at.peek() == Some('{') { at.attributes()? } else { Attributes::new() };
            let name = given.texts.into_iter().next().unwrap_or_default();
            line.events.push(EventItem { name, time: given.time, attributes, dropped: given.dropped });
        }
        "link" => {
            let given = if at.peek() == Some('(') { arguments(at)? } else { Arguments::default() };
            let attributes = if at.peek() == Some('{') { at.attributes()? } else { Attributes::new() };
            let mut ids = given.texts.iter();
            let trace_id = ids.next().map_or(Ok([0xaa; 16]), |text| id_bytes(at, text))?;
            let span_id = ids.next().map_or(Ok([0xbb; 8]), |text| id_bytes(at, text))?;
            line.links.push(LinkItem { trace_id, span_id, attributes, dropped: given.dropped });
        }
        "id" => {
            at.expect("=")?;
            let text = at.word("{")?;
            line.id = Some(id_bytes(at, &text)?);
        }
        "at" => {
            at.expect("=")?;
            line.at = Some(at.time()?);
        }
        "again" => {
            at.expect("=")?;
            line.again.push(at.time()?);
        }
        "dropped" => dropped(line, at)?,
        _ => return Err(at.error("")),
    }
    Ok(())
}

fn times(line: &mut Line, at: &mut Cursor<'_>) -> Result<(), NotationError> {
    let start = at.time()?;
    line.start = Some(start);
    if at.take("+") {
        line.end = Some(start + at.time()?);
        return Ok(());
    }
    at.expect("..")?;
    line.end = end(at)?;
    Ok(())
}

fn end(at: &mut Cursor<'_>) -> Result<Option<i64>, NotationError> {
    if at.take("none") { Ok(None) } else { at.time().map(Some) }
}

fn parent(at: &mut Cursor<'_>) -> Result<Parent, NotationError> {
    at.expect("^")?;
    if at.take("?") {
        return Ok(Parent::Lost(at.take_while(|c| c.is_alphanumeric()).to_owned()));
    }
    let label = at.word("{")?;
    Ok(if label == "none" { Parent::None } else { Parent::Label(label) })
}

#[derive(Default)]
struct Arguments {
    texts: Vec<String>,
    time: Option<i64>,
    dropped: u32,
}

/// `('NAME', 5, dropped=1)`.
fn arguments(at: &mut Cursor<'_>) -> Result<Arguments, NotationError> {
    at.expect("(")?;
    let mut given = Arguments::default();
    loop {
        at.skip_space();
        if at.take(")") {
            return Ok(given);
        }
        match at.peek() {
            Some('\'' | '"') => given.texts.push(at.quoted()?),
            Some(c) if c.is_ascii_digit() || c == '-' => given.time = Some(at.time()?),
            _ if at.take("dropped=") => given.dropped = at.number()?,
            _ => return Err(at.error("expected a quoted text, a time or `dropped=n`")),
        }
        at.skip_space();
        if !at.take(",") && at.peek() != Some(')') {
            return Err(at.error("expected `,` or `)`"));
        }
    }
}

fn dropped(line: &mut Line, at: &mut Cursor<'_>) -> Result<(), NotationError> {
    at.expect("(")?;
    loop {
        at.skip_space();
        if at.take(")") {
            return Ok(());
        }
        let begin = at.error("expected one of `attributes`, `events`, `links`, `resource`, `scope`");
        let what = at.take_while(|c| c.is_ascii_alphabetic());
        at.expect("=")?;
        let count = at.number()?;
        match what {
            "attributes" => line.dropped.attributes = count,
            "events" => line.dropped.events = count,
            "links" => line.dropped.links = count,
            "resource" => line.dropped.resource = count,
            "scope" => line.dropped.scope = count,
            _ => return Err(begin),
        }
        at.skip_space();
        if !at.take(",") && at.peek() != Some(')') {
            return Err(at.error("expected `,` or `)`"));
        }
    }
}

fn id_bytes<const N: usize>(at: &Cursor<'_>, text: &str) -> Result<[u8; N], NotationError> {
    let wrong = || at.error(format!("`{text}` is no id of {} hex digits", N * 2));
    if text.len() != N * 2 || !text.is_ascii() {
        return Err(wrong());
    }
    let mut id = [0; N];
    for (byte, pair) in id.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = std::str::from_utf8(pair).ok().and_then(|p| u8::from_str_radix(p, 16).ok()).ok_or_else(wrong)?;
    }
    Ok(id)
}
