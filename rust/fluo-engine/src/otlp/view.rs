//! Views into a message: spans, resources and scopes.

use super::items::{Events, Links};
use super::slots::Slots;
use super::value::{self, AnyValueRef};
use super::wire::{LEN, Malformed, Place, Reader, Result, tag};

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

impl<'a> Attributes<'a, '_> {
    /// The attributes of a message, in the fields with this tag.
    pub(super) const fn within(bytes: &'a [u8], tag: u32) -> Self {
        Self { message: bytes, fields: Reader::new(bytes), tag, more: &[] }
    }
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

/// An id: of its length, or absent in the form of no bytes, which reads as zeros.
#[inline]
pub(super) fn id<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    if bytes.is_empty() {
        return Ok([0; N]);
    }
    bytes.try_into().map_err(|_| Malformed)
}

/// A varint that stands for 32 bits: protobuf drops the others.
#[inline]
pub(super) const fn low_32(varint: u64) -> u32 {
    (varint & 0xffff_ffff) as u32
}
