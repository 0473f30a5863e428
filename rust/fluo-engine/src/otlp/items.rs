//! Events and links of a span.

use super::value::{self, AnyValueRef};
use super::view::{Attributes, SPAN_EVENT, SPAN_LINK, id, low_32};
use super::wire::{FIXED32, FIXED64, LEN, Reader, Result, VARINT, tag};

/// An event of a span.
#[derive(Debug, Clone, Copy)]
pub struct EventView<'a> {
    /// When, Unix nanoseconds; 0 where it is missing.
    pub time_nanos: u64,
    /// The name; may be no UTF-8.
    pub name: &'a [u8],
    /// Attributes that the SDK dropped.
    pub dropped_attributes: u32,
    bytes: &'a [u8],
}

const EVENT_TIME: u32 = tag(1, FIXED64);
const EVENT_NAME: u32 = tag(2, LEN);
const EVENT_ATTRIBUTE: u32 = tag(3, LEN);
const EVENT_DROPPED: u32 = tag(4, VARINT);

impl<'a> EventView<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut event = Self { time_nanos: 0, name: &[], dropped_attributes: 0, bytes };
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let tag = reader.tag();
            match tag {
                EVENT_TIME => event.time_nanos = reader.fixed64()?,
                EVENT_NAME => event.name = reader.bytes()?,
                EVENT_ATTRIBUTE => _ = reader.bytes()?,
                EVENT_DROPPED => event.dropped_attributes = low_32(reader.varint()?),
                _ => reader.skip_unknown(tag, 4)?,
            }
        }
        Ok(event)
    }

    /// Every attribute in order; only the first of equal keys counts.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'a, 'static> {
        Attributes::within(self.bytes, EVENT_ATTRIBUTE)
    }

    /// The first attribute with this key.
    #[must_use]
    pub fn attribute(&self, key: &[u8]) -> Option<AnyValueRef<'a>> {
        first_of(self.attributes(), key)
    }
}

/// Events of a span, decoded as they are asked for.
#[derive(Debug, Clone)]
pub struct Events<'a>(pub(super) Reader<'a>);

impl<'a> Iterator for Events<'a> {
    type Item = EventView<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        EventView::read(value::next_of(&mut self.0, SPAN_EVENT)?).ok()
    }
}

/// A link of a span.
#[derive(Debug, Clone, Copy)]
pub struct LinkView<'a> {
    /// The linked trace; all zero where it is missing.
    pub trace_id: [u8; 16],
    /// The linked span; zero where it is missing.
    pub span_id: u64,
    /// W3C trace flags and what OTLP adds to them.
    pub flags: u32,
    /// Attributes that the SDK dropped.
    pub dropped_attributes: u32,
    bytes: &'a [u8],
}

const LINK_TRACE_ID: u32 = tag(1, LEN);
const LINK_SPAN_ID: u32 = tag(2, LEN);
const LINK_TRACE_STATE: u32 = tag(3, LEN);
const LINK_ATTRIBUTE: u32 = tag(4, LEN);
const LINK_DROPPED: u32 = tag(5, VARINT);
const LINK_FLAGS: u32 = tag(6, FIXED32);

impl<'a> LinkView<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut link = Self { trace_id: [0; 16], span_id: 0, flags: 0, dropped_attributes: 0, bytes };
        let mut trace_id: &[u8] = &[];
        let mut span_id: &[u8] = &[];
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let tag = reader.tag();
            match tag {
                LINK_TRACE_ID => trace_id = reader.bytes()?,
                LINK_SPAN_ID => span_id = reader.bytes()?,
                LINK_TRACE_STATE | LINK_ATTRIBUTE => _ = reader.bytes()?,
                LINK_DROPPED => link.dropped_attributes = low_32(reader.varint()?),
                LINK_FLAGS => link.flags = reader.fixed32()?,
                _ => reader.skip_unknown(tag, 6)?,
            }
        }
        link.trace_id = id(trace_id)?;
        link.span_id = u64::from_be_bytes(id(span_id)?);
        Ok(link)
    }

    /// Every attribute in order; only the first of equal keys counts.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'a, 'static> {
        Attributes::within(self.bytes, LINK_ATTRIBUTE)
    }

    /// The first attribute with this key.
    #[must_use]
    pub fn attribute(&self, key: &[u8]) -> Option<AnyValueRef<'a>> {
        first_of(self.attributes(), key)
    }
}

/// Links of a span, decoded as they are asked for.
#[derive(Debug, Clone)]
pub struct Links<'a>(pub(super) Reader<'a>);

impl<'a> Iterator for Links<'a> {
    type Item = LinkView<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        LinkView::read(value::next_of(&mut self.0, SPAN_LINK)?).ok()
    }
}

/// Checks an event with its attributes.
pub(super) fn check_event(bytes: &[u8]) -> Result<()> {
    EventView::read(bytes)?;
    check_attributes(bytes, EVENT_ATTRIBUTE)
}

/// Checks a link with its attributes.
pub(super) fn check_link(bytes: &[u8]) -> Result<()> {
    LinkView::read(bytes)?;
    check_attributes(bytes, LINK_ATTRIBUTE)
}

fn check_attributes(bytes: &[u8], attribute: u32) -> Result<()> {
    let mut reader = Reader::new(bytes);
    while let Some(pair) = value::next_of(&mut reader, attribute) {
        value::check_key_value(pair, value::TOP)?;
    }
    Ok(())
}

fn first_of<'a>(mut attributes: Attributes<'a, '_>, key: &[u8]) -> Option<AnyValueRef<'a>> {
    attributes.find(|(name, _)| *name == key).map(|(_, value)| value)
}
