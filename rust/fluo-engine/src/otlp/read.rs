//! The walk over a traces message.
//!
//! A message is a tree of frames. Fields may stand in any order and a resource or scope may come after its spans or in parts, so each
//! level is walked twice: once for what the spans below it need to know, skipping them by their length, and once for the spans.
//!
//! Damage is contained: a bad span loses that span, a bad frame the rest of its parent. A frame that runs past its parent is read as
//! far as it goes. Spans whose resource or scope was lost are left out, since they would be taken for spans of another service. What the
//! key table does not ask for is skipped by its length, and damage inside it goes unnoticed.

use super::items::{check_event, check_link};
use super::keys::{KeyTable, Keys};
use super::slots::{Held, Slots};
use super::value;
use super::view::{
    RESOURCE_ATTRIBUTE, ResourceView, SCOPE_ATTRIBUTE, SPAN_ATTRIBUTE, SPAN_EVENT, SPAN_LINK, ScopeView, SpanView, id, low_32,
};
use super::wire::{FIXED32, FIXED64, LEN, Malformed, Place, Reader, Result, VARINT, tag};
use crate::projection::OWN_SCOPE;

/// What was read of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadReport {
    /// Well-formed spans handed out.
    pub spans: u64,
    /// Malformed spans that were skipped.
    pub spans_rejected: u64,
    /// Malformed frames: the rest of the enclosing message was skipped.
    pub frames_rejected: u64,
    /// Spans of our own scope, skipped.
    pub spans_own: u64,
    /// Whether the outermost frame was broken: a part of the message could not even be found.
    pub message_broken: bool,
}

/// Memory that the reader uses again for every message; in the steady state it allocates nothing.
#[derive(Debug, Default)]
pub struct Scratch {
    span: Slots,
    resource: Slots,
    scope: Slots,
    resource_parts: Vec<Place>,
    scope_parts: Vec<Place>,
}

const RESOURCE_SPANS: u32 = tag(1, LEN);
const RESOURCE: u32 = tag(1, LEN);
const SCOPE_SPANS: u32 = tag(2, LEN);
const SCOPE: u32 = tag(1, LEN);
const SPANS: u32 = tag(2, LEN);
const SCHEMA_URL: u32 = tag(3, LEN);

const RESOURCE_DROPPED: u32 = tag(2, VARINT);
const RESOURCE_ENTITIES: u32 = tag(3, LEN);

const SCOPE_NAME: u32 = tag(1, LEN);
const SCOPE_VERSION: u32 = tag(2, LEN);
const SCOPE_DROPPED: u32 = tag(4, VARINT);

const TRACE_ID: u32 = tag(1, LEN);
const SPAN_ID: u32 = tag(2, LEN);
const TRACE_STATE: u32 = tag(3, LEN);
const PARENT_ID: u32 = tag(4, LEN);
const NAME: u32 = tag(5, LEN);
const KIND: u32 = tag(6, VARINT);
const START: u32 = tag(7, FIXED64);
const END: u32 = tag(8, FIXED64);
const DROPPED_ATTRIBUTES: u32 = tag(10, VARINT);
const DROPPED_EVENTS: u32 = tag(12, VARINT);
const DROPPED_LINKS: u32 = tag(14, VARINT);
const STATUS: u32 = tag(15, LEN);
const FLAGS: u32 = tag(16, FIXED32);

const STATUS_MESSAGE: u32 = tag(2, LEN);
const STATUS_CODE: u32 = tag(3, VARINT);

/// The greatest span kind and status code.
const KINDS: u8 = 5;
const STATUSES: u8 = 2;

/// Reads a serialized `TracesData` or `ExportTraceServiceRequest` and hands each well-formed span to `sink`, in the order of the
/// message. Views live as long as the call of `sink`; the bytes that they show live as long as the message. Never panics, whatever
/// the bytes are; a message of 4 GiB or more counts as one bad frame.
pub fn read_traces<'a>(bytes: &'a [u8], keys: &KeyTable, scratch: &mut Scratch, sink: impl FnMut(&SpanView<'a, '_>)) -> ReadReport {
    let mut walk = Walk { message: bytes, keys, sink, report: ReadReport::default(), resources: 0, scopes: 0 };
    if u32::try_from(bytes.len()).is_err() {
        walk.report.frames_rejected = 1;
        walk.report.message_broken = true;
        return walk.report;
    }
    scratch.span.resize(keys.span.len());
    scratch.resource.resize(keys.resource.len());
    scratch.scope.resize(keys.scope.len());
    if walk.traces(scratch).is_err() {
        walk.report.frames_rejected += 1;
        walk.report.message_broken = true;
    }
    walk.report
}

struct Walk<'a, 'k, F> {
    message: &'a [u8],
    keys: &'k KeyTable,
    sink: F,
    report: ReadReport,
    resources: u32,
    scopes: u32,
}

impl<'a, F: FnMut(&SpanView<'a, '_>)> Walk<'a, '_, F> {
    fn traces(&mut self, scratch: &mut Scratch) -> Result<()> {
        let mut reader = Reader::new(self.message);
        while !reader.is_empty() {
            let tag = reader.tag();
            if tag == RESOURCE_SPANS {
                let (frame, whole) = reader.container()?;
                self.resource_spans(frame, scratch);
                if !whole {
                    return Err(Malformed);
                }
            } else {
                reader.skip_unknown(tag, 1)?;
            }
        }
        Ok(())
    }

    fn resource_spans(&mut self, frame: &'a [u8], scratch: &mut Scratch) {
        scratch.resource.clear();
        scratch.resource_parts.clear();
        let mut frame = frame;
        let mut dropped = 0;
        let mut reader = Reader::new(frame);
        let read = loop {
            match next_part(&mut reader, RESOURCE, SCOPE_SPANS) {
                Ok(Some(part)) => {
                    if let Err(damage) = self.resource(part, &scratch.resource, &mut dropped) {
                        frame = before(frame, part);
                        break Err(damage);
                    }
                    scratch.resource_parts.push(Place::of(self.message, part));
                }
                Ok(None) => break Ok(()),
                Err(damage) => break Err(damage),
            }
        };
        if read.is_err() {
            self.report.frames_rejected += 1;
            // The resource may have stood in what was lost.
            if scratch.resource_parts.is_empty() {
                return;
            }
        }
        let resource = ResourceView {
            ordinal: self.resources,
            dropped_attributes: dropped,
            message: self.message,
            slots: &scratch.resource,
            parts: &scratch.resource_parts,
        };
        self.resources += 1;
        let mut reader = Reader::new(frame);
        while let Ok(Some((frame, _))) = next_container(&mut reader, SCOPE_SPANS, RESOURCE) {
            self.scope_spans(frame, &resource, &scratch.span, &scratch.scope, &mut scratch.scope_parts);
        }
    }

    fn resource(&self, part: &'a [u8], slots: &Slots, dropped: &mut u32) -> Result<()> {
        let mut reader = Reader::new(part);
        while !reader.is_empty() {
            let tag = reader.tag();
            match tag {
                RESOURCE_ATTRIBUTE => attribute(reader.bytes()?, &self.keys.resource, slots, self.message)?,
                RESOURCE_DROPPED => *dropped = low_32(reader.varint()?),
                RESOURCE_ENTITIES => _ = reader.bytes()?,
                _ => reader.skip_unknown(tag, 3)?,
            }
        }
        Ok(())
    }

    fn scope_spans(&mut self, frame: &'a [u8], resource: &ResourceView<'a, '_>, span_slots: &Slots, slots: &Slots, parts: &mut Vec<Place>) {
        slots.clear();
        parts.clear();
        let mut frame = frame;
        let mut name: &[u8] = &[];
        let mut version: &[u8] = &[];
        let mut dropped = 0;
        let mut reader = Reader::new(frame);
        loop {
            match next_part(&mut reader, SCOPE, SPANS) {
                Ok(Some(part)) => {
                    if self.scope(part, slots, &mut name, &mut version, &mut dropped).is_err() {
                        self.report.frames_rejected += 1;
                        if parts.is_empty() {
                            return;
                        }
                        frame = before(frame, part);
                        break;
                    }
                    parts.push(Place::of(self.message, part));
                }
                Ok(None) => break,
                // A scope is often absent and seldom read: unlike a resource it is not taken to be lost.
                Err(Malformed) => {
                    self.report.frames_rejected += 1;
                    break;
                }
            }
        }
        let own = name == OWN_SCOPE.as_bytes();
        let scope = ScopeView { ordinal: self.scopes, name, version, dropped_attributes: dropped, message: self.message, slots, parts };
        self.scopes += 1;
        let mut reader = Reader::new(frame);
        while let Ok(Some(span)) = next_part(&mut reader, SPANS, SCOPE) {
            if own {
                self.report.spans_own += 1;
            } else if self.span(span, resource, &scope, span_slots).is_ok() {
                self.report.spans += 1;
            } else {
                self.report.spans_rejected += 1;
            }
        }
    }

    fn scope(&self, part: &'a [u8], slots: &Slots, name: &mut &'a [u8], version: &mut &'a [u8], dropped: &mut u32) -> Result<()> {
        let mut reader = Reader::new(part);
        while !reader.is_empty() {
            let tag = reader.tag();
            match tag {
                SCOPE_NAME => *name = reader.bytes()?,
                SCOPE_VERSION => *version = reader.bytes()?,
                SCOPE_ATTRIBUTE => attribute(reader.bytes()?, &self.keys.scope, slots, self.message)?,
                SCOPE_DROPPED => *dropped = low_32(reader.varint()?),
                _ => reader.skip_unknown(tag, 4)?,
            }
        }
        Ok(())
    }

    fn span(&mut self, frame: &'a [u8], resource: &ResourceView<'a, '_>, scope: &ScopeView<'a, '_>, slots: &Slots) -> Result<()> {
        slots.clear();
        let nothing = Reader::new(&[]);
        let mut span = SpanView {
            trace_id: [0; 16],
            span_id: 0,
            parent_id: None,
            name: &[],
            kind: 0,
            start_nanos: 0,
            end_nanos: 0,
            status: 0,
            status_message: &[],
            flags: 0,
            dropped_attributes: 0,
            dropped_events: 0,
            dropped_links: 0,
            attributes: nothing,
            events: nothing,
            links: nothing,
            message: self.message,
            slots,
            resource,
            scope,
        };
        let no_attributes = self.keys.span.is_empty();
        let mut trace_id: &[u8] = &[];
        let mut span_id: &[u8] = &[];
        let mut parent_id: &[u8] = &[];
        let mut attributes = None;
        let mut events = None;
        let mut links = None;
        let mut reader = Reader::new(frame);
        let mut here = reader;
        while !reader.is_empty() {
            let tag = reader.tag();
            match tag {
                SPAN_ATTRIBUTE => {
                    attributes = attributes.or(Some(here));
                    let pair = reader.bytes()?;
                    if !no_attributes {
                        attribute(pair, &self.keys.span, slots, self.message)?;
                    }
                }
                TRACE_ID => trace_id = reader.bytes()?,
                SPAN_ID => span_id = reader.bytes()?,
                PARENT_ID => parent_id = reader.bytes()?,
                NAME => span.name = reader.bytes()?,
                KIND => span.kind = member(reader.varint()?, KINDS),
                START => span.start_nanos = reader.fixed64()?,
                END => span.end_nanos = reader.fixed64()?,
                STATUS => status(reader.bytes()?, &mut span)?,
                FLAGS => span.flags = reader.fixed32()?,
                SPAN_EVENT => {
                    events = events.or(Some(here));
                    let event = reader.bytes()?;
                    if self.keys.events {
                        check_event(event)?;
                    }
                }
                SPAN_LINK => {
                    links = links.or(Some(here));
                    let link = reader.bytes()?;
                    if self.keys.links {
                        check_link(link)?;
                    }
                }
                DROPPED_ATTRIBUTES => span.dropped_attributes = low_32(reader.varint()?),
                DROPPED_EVENTS => span.dropped_events = low_32(reader.varint()?),
                DROPPED_LINKS => span.dropped_links = low_32(reader.varint()?),
                TRACE_STATE => _ = reader.bytes()?,
                _ => reader.skip_unknown(tag, 16)?,
            }
            here = reader;
        }
        span.trace_id = id(trace_id)?;
        span.span_id = u64::from_be_bytes(id(span_id)?);
        span.parent_id = Some(u64::from_be_bytes(id(parent_id)?)).filter(|id| *id != 0);
        if span.trace_id == [0; 16] || span.span_id == 0 {
            return Err(Malformed);
        }
        span.attributes = attributes.unwrap_or(nothing);
        span.events = events.unwrap_or(nothing);
        span.links = links.unwrap_or(nothing);
        (self.sink)(&span);
        Ok(())
    }
}

/// Moves to the content of the next field with the tag `wanted` of a `ResourceSpans` or `ScopeSpans`, past its other two fields.
fn find(reader: &mut Reader<'_>, wanted: u32, other: u32) -> Result<bool> {
    while !reader.is_empty() {
        let tag = reader.tag();
        if tag == wanted {
            return Ok(true);
        } else if tag == other || tag == SCHEMA_URL {
            reader.bytes()?;
        } else {
            reader.skip_unknown(tag, 3)?;
        }
    }
    Ok(false)
}

fn next_part<'a>(reader: &mut Reader<'a>, wanted: u32, other: u32) -> Result<Option<&'a [u8]>> {
    if find(reader, wanted, other)? { reader.bytes().map(Some) } else { Ok(None) }
}

fn next_container<'a>(reader: &mut Reader<'a>, wanted: u32, other: u32) -> Result<Option<(&'a [u8], bool)>> {
    if find(reader, wanted, other)? { reader.container().map(Some) } else { Ok(None) }
}

/// The frame up to the content of one of its fields; the walk ends at that field.
fn before<'a>(frame: &'a [u8], part: &[u8]) -> &'a [u8] {
    let start = part.as_ptr().addr().wrapping_sub(frame.as_ptr().addr());
    frame.get(..start).unwrap_or_default()
}

/// Remembers an attribute that somebody reads.
#[inline(always)]
fn attribute(pair: &[u8], keys: &Keys, slots: &Slots, message: &[u8]) -> Result<()> {
    match value::plain(pair) {
        Some((key, value)) if keys.may_read(key) => plain_attribute(key, value, keys, slots, message),
        Some(_) => Ok(()),
        None => odd_attribute(pair, keys, slots, message),
    }
}

#[inline(never)]
fn plain_attribute(key: &[u8], value: &[u8], keys: &Keys, slots: &Slots, message: &[u8]) -> Result<()> {
    let filled = keys.slot(key).is_some_and(|slot| slots.fill(slot, Held::Value(Place::of(message, value))));
    if filled || keys.all { value::check_value(value, value::TOP) } else { Ok(()) }
}

#[inline(never)]
fn odd_attribute(pair: &[u8], keys: &Keys, slots: &Slots, message: &[u8]) -> Result<()> {
    let slot = keys.slot(value::key_of(pair)?);
    let filled = slot.is_some_and(|slot| slots.fill(slot, Held::Pair(Place::of(message, pair))));
    if filled || keys.all { value::check_key_value(pair, value::TOP) } else { Ok(()) }
}

fn status<'a>(part: &'a [u8], span: &mut SpanView<'a, '_>) -> Result<()> {
    let mut reader = Reader::new(part);
    while !reader.is_empty() {
        let tag = reader.tag();
        match tag {
            STATUS_MESSAGE => span.status_message = reader.bytes()?,
            STATUS_CODE => span.status = member(reader.varint()?, STATUSES),
            _ if tag >> 3 == 1 => reader.skip(tag)?,
            _ => reader.skip_unknown(tag, 3)?,
        }
    }
    Ok(())
}

/// A member of an enumeration; one that is not known is its first.
#[inline]
fn member(varint: u64, greatest: u8) -> u8 {
    u8::try_from(low_32(varint)).ok().filter(|member| *member <= greatest).unwrap_or(0)
}
