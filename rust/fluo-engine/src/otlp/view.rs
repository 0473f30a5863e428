//! Views into a message: spans, resources, scopes, events and links.

use std::cell::Cell;

use super::value::{self, AnyValueRef};
use super::wire::{FIXED64, LEN, Place, Reader, Result, VARINT, tag};

/// A span, as it lies in the message.
#[derive(Debug)]
pub struct SpanView<'a, 's> {
    /// Not all zero.
    pub trace_id: [u8; 16],
    /// The eight bytes of the id, big-endian; not zero.
    pub span_id: u64,
    /// The parent's id; `None` where it is absent, empty or zero.
    pub parent_id: Option<u64>,
    /// The name; may be no UTF-8.
    pub name: &'a [u8],
    /// 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer; numbers beyond are 0.
    pub kind: u8,
    /// Start, Unix nanoseconds; 0 where it is missing.
    pub start_nanos: u64,
    /// End, Unix nanoseconds; 0 where it is missing.
    pub end_nanos: u64,
    /// 0 unset, 1 ok, 2 error; numbers beyond are 0.
    pub status: u8,
    /// The status message; may be no UTF-8.
    pub status_message: &'a [u8],
    /// W3C trace flags and what OTLP adds to them.
    pub flags: u32,
    /// Attributes that the SDK dropped.
    pub dropped_attributes: u32,
    /// Events that the SDK dropped.
    pub dropped_events: u32,
    /// Links that the SDK dropped.
    pub dropped_links: u32,
    /// From the first field of its kind on.
    pub(super) attributes: Reader<'a>,
    pub(super) events: Reader<'a>,
    pub(super) links: Reader<'a>,
    pub(super) message: &'a [u8],
    pub(super) slots: &'s Slots,
    pub(super) resource: &'s ResourceView<'a, 's>,
    pub(super) scope: &'s ScopeView<'a, 's>,
}

pub(super) const SPAN_ATTRIBUTE: u32 = tag(9, LEN);
pub(super) const SPAN_EVENT: u32 = tag(11, LEN);
pub(super) const SPAN_LINK: u32 = tag(13, LEN);

impl<'a, 's> SpanView<'a, 's> {
    /// The attribute in this slot of the key table.
    #[must_use]
    #[inline]
    pub fn attribute(&self, slot: usize) -> Option<AnyValueRef<'a>> {
        self.slots.value(slot, self.message)
    }

    /// Every attribute in order; only the first of equal keys counts.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'a, 'static> {
        Attributes { message: self.message, fields: self.attributes, tag: SPAN_ATTRIBUTE, more: &[] }
    }

    /// The events in order.
    #[must_use]
    pub fn events(&self) -> Events<'a> {
        Events(self.events)
    }

    /// The links in order.
    #[must_use]
    pub fn links(&self) -> Links<'a> {
        Links(self.links)
    }

    /// What the span's process says of itself.
    #[must_use]
    pub fn resource(&self) -> &'s ResourceView<'a, 's> {
        self.resource
    }

    /// The instrumentation that made the span.
    #[must_use]
    pub fn scope(&self) -> &'s ScopeView<'a, 's> {
        self.scope
    }
}

/// A resource, merged from its parts.
#[derive(Debug)]
pub struct ResourceView<'a, 's> {
    /// Number of the resource in its message, from 0 on; equal for spans of one resource.
    pub ordinal: u32,
    /// Attributes that the SDK dropped.
    pub dropped_attributes: u32,
    pub(super) message: &'a [u8],
    pub(super) slots: &'s Slots,
    pub(super) parts: &'s [Place],
}

pub(super) const RESOURCE_ATTRIBUTE: u32 = tag(1, LEN);

impl<'a, 's> ResourceView<'a, 's> {
    /// The attribute in this slot of the key table.
    #[must_use]
    #[inline]
    pub fn attribute(&self, slot: usize) -> Option<AnyValueRef<'a>> {
        self.slots.value(slot, self.message)
    }

    /// Every attribute in order; only the first of equal keys counts.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'a, 's> {
        Attributes { message: self.message, fields: Reader::new(&[]), tag: RESOURCE_ATTRIBUTE, more: self.parts }
    }
}

/// A scope, merged from its parts.
#[derive(Debug)]
pub struct ScopeView<'a, 's> {
    /// Number of the scope in its message, from 0 on; equal for spans of one scope of one resource.
    pub ordinal: u32,
    /// The name; may be no UTF-8, empty where it is missing.
    pub name: &'a [u8],
    /// The version; may be no UTF-8, empty where it is missing.
    pub version: &'a [u8],
    /// Attributes that the SDK dropped.
    pub dropped_attributes: u32,
    pub(super) message: &'a [u8],
    pub(super) slots: &'s Slots,
    pub(super) parts: &'s [Place],
}

pub(super) const SCOPE_ATTRIBUTE: u32 = tag(3, LEN);

impl<'a, 's> ScopeView<'a, 's> {
    /// The attribute in this slot of the key table.
    #[must_use]
    #[inline]
    pub fn attribute(&self, slot: usize) -> Option<AnyValueRef<'a>> {
        self.slots.value(slot, self.message)
    }

    /// Every attribute in order; only the first of equal keys counts.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'a, 's> {
        Attributes { message: self.message, fields: Reader::new(&[]), tag: SCOPE_ATTRIBUTE, more: self.parts }
    }
}

/// Keys and values of attributes, decoded as they are asked for, without allocating.
#[derive(Debug, Clone)]
pub struct Attributes<'a, 's> {
    message: &'a [u8],
    fields: Reader<'a>,
    tag: u32,
    /// Further parts of the message that the attributes stand in.
    more: &'s [Place],
}

impl<'a> Iterator for Attributes<'a, '_> {
    type Item = (&'a [u8], AnyValueRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(pair) = value::next_of(&mut self.fields, self.tag) {
                return value::key_value(pair, value::TOP).ok();
            }
            let (part, more) = self.more.split_first()?;
            self.more = more;
            self.fields = Reader::new(part.read(self.message));
        }
    }
}

fn first_of<'a>(mut attributes: Attributes<'a, '_>, key: &[u8]) -> Option<AnyValueRef<'a>> {
    attributes.find(|(name, _)| *name == key).map(|(_, value)| value)
}

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
        while let Some(tag) = reader.tag()? {
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
        Attributes { message: self.bytes, fields: Reader::new(self.bytes), tag: EVENT_ATTRIBUTE, more: &[] }
    }

    /// The first attribute with this key.
    #[must_use]
    pub fn attribute(&self, key: &[u8]) -> Option<AnyValueRef<'a>> {
        first_of(self.attributes(), key)
    }
}

/// Events of a span, decoded as they are asked for.
#[derive(Debug, Clone)]
pub struct Events<'a>(Reader<'a>);

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
const LINK_FLAGS: u32 = tag(6, super::wire::FIXED32);

impl<'a> LinkView<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut link = Self { trace_id: [0; 16], span_id: 0, flags: 0, dropped_attributes: 0, bytes };
        let mut trace_id: &[u8] = &[];
        let mut span_id: &[u8] = &[];
        let mut reader = Reader::new(bytes);
        while let Some(tag) = reader.tag()? {
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
        Attributes { message: self.bytes, fields: Reader::new(self.bytes), tag: LINK_ATTRIBUTE, more: &[] }
    }

    /// The first attribute with this key.
    #[must_use]
    pub fn attribute(&self, key: &[u8]) -> Option<AnyValueRef<'a>> {
        first_of(self.attributes(), key)
    }
}

/// Links of a span, decoded as they are asked for.
#[derive(Debug, Clone)]
pub struct Links<'a>(Reader<'a>);

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

/// An id: of its length, or absent in the form of no bytes, which reads as zeros.
#[inline]
pub(super) fn id<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    if bytes.is_empty() {
        return Ok([0; N]);
    }
    bytes.try_into().map_err(|_| super::wire::Malformed)
}

/// A varint that stands for 32 bits: protobuf drops the others.
#[inline]
pub(super) const fn low_32(varint: u64) -> u32 {
    (varint & 0xffff_ffff) as u32
}

/// Where the attributes of the key table lie in the message, for one span, resource or scope at a time.
///
/// Each slot carries the stamp of what it was filled for, so that nothing has to be cleared between spans. The cells let views
/// share the memory that the next span will be read into.
#[derive(Debug, Default)]
pub(super) struct Slots {
    stamp: Cell<u32>,
    slots: Vec<Cell<(u32, Place)>>,
}

impl Slots {
    /// Forgets everything and makes room for `len` slots.
    pub(super) fn resize(&mut self, len: usize) {
        self.slots.resize(len, Cell::default());
        self.clear();
    }

    /// Forgets everything.
    #[inline]
    pub(super) fn clear(&self) {
        let stamp = self.stamp.get().wrapping_add(1);
        self.stamp.set(stamp);
        if stamp == 0 {
            self.slots.iter().for_each(|slot| slot.set(Default::default()));
            self.stamp.set(1);
        }
    }

    /// Fills a slot with a pair; `false` where an earlier pair fills it already.
    #[inline]
    pub(super) fn fill(&self, slot: usize, place: Place) -> bool {
        let stamp = self.stamp.get();
        let free = self.slots.get(slot).filter(|cell| cell.get().0 != stamp);
        if let Some(cell) = free {
            cell.set((stamp, place));
        }
        free.is_some()
    }

    #[inline]
    fn value<'a>(&self, slot: usize, message: &'a [u8]) -> Option<AnyValueRef<'a>> {
        let (stamp, place) = self.slots.get(slot)?.get();
        if stamp != self.stamp.get() {
            return None;
        }
        value::key_value(place.read(message), value::TOP).ok().map(|(_, value)| value)
    }
}
