//! Attribute values, decoded where they lie.
//!
//! What a projection carries is checked by [`check_key_value`] when its span is read, so the iterators here meet damage only in
//! what nobody asked for; there they end.

use super::wire::{FIXED64, LEN, Reader, Result, VARINT, tag};

/// A container that is nested this deeply reads as [`AnyValueRef::Empty`].
const MAX_DEPTH: u8 = 32;

const KEY: u32 = tag(1, LEN);
const VALUE: u32 = tag(2, LEN);
/// The value of a list and the pair of a key-value list.
const ELEMENT: u32 = tag(1, LEN);

const STRING: u32 = tag(1, LEN);
const BOOL: u32 = tag(2, VARINT);
const INT: u32 = tag(3, VARINT);
const DOUBLE: u32 = tag(4, FIXED64);
const ARRAY: u32 = tag(5, LEN);
const KV_LIST: u32 = tag(6, LEN);
const BYTES: u32 = tag(7, LEN);

/// A value of an attribute.
#[derive(Debug, Clone, Copy)]
pub enum AnyValueRef<'a> {
    /// No value, or one that is nested too deeply.
    Empty,
    /// Text; bytes that are no UTF-8 are kept as they are.
    Str(&'a [u8]),
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A list of values.
    Array(ListRef<'a>),
    /// A list of keys and values.
    KvList(KvListRef<'a>),
}

/// The values of a list, in order. Iterating does not allocate.
#[derive(Debug, Clone, Copy)]
pub struct ListRef<'a>(Elements<'a>);

impl<'a> Iterator for ListRef<'a> {
    type Item = AnyValueRef<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let element = self.0.next(ARRAY)?;
        let mut value = AnyValueRef::Empty;
        merge(&mut value, element, Reader::new(&[]), self.0.depth).ok()?;
        Some(value)
    }
}

/// The keys and values of a key-value list, in order. Iterating does not allocate.
#[derive(Debug, Clone, Copy)]
pub struct KvListRef<'a>(Elements<'a>);

impl<'a> Iterator for KvListRef<'a> {
    type Item = (&'a [u8], AnyValueRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let element = self.0.next(KV_LIST)?;
        key_value(element, self.0.depth).ok()
    }
}

/// The elements of a container that may be split: protobuf merges a message that is given in several parts, so a list goes on in
/// later fields of its value and in later values of its pair.
#[derive(Debug, Clone, Copy)]
struct Elements<'a> {
    container: Reader<'a>,
    /// The rest of the value that the container stands in.
    value: Reader<'a>,
    /// The rest of the pair that the value stands in.
    pair: Reader<'a>,
    /// The depth of the elements.
    depth: u8,
}

impl<'a> Elements<'a> {
    fn next(&mut self, container: u32) -> Option<&'a [u8]> {
        loop {
            if let Some(element) = next_of(&mut self.container, ELEMENT) {
                return Some(element);
            }
            if let Some(part) = next_of(&mut self.value, container) {
                self.container = Reader::new(part);
            } else {
                self.value = Reader::new(next_of(&mut self.pair, VALUE)?);
            }
        }
    }
}

/// The next field with this tag; damage is an end.
#[inline]
pub(super) fn next_of<'a>(reader: &mut Reader<'a>, wanted: u32) -> Option<&'a [u8]> {
    while !reader.is_empty() {
        let tag = reader.tag();
        if tag == wanted {
            return reader.bytes().ok();
        }
        reader.skip(tag).ok()?;
    }
    None
}

/// Key and value of a pair that holds each once and nothing else, in either order, with lengths of one byte, or two for what comes
/// last, as nearly all pairs are; the general reading is left to the caller.
#[inline(always)]
pub(super) fn plain(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let [first, len, rest @ ..] = pair else {
        return None;
    };
    if *len >= 0x80 {
        return None;
    }
    let (one, rest) = rest.split_at_checked(usize::from(*len))?;
    let [second, len, other @ ..] = rest else {
        return None;
    };
    let other = if *len < 0x80 {
        (other.len() == usize::from(*len)).then_some(other)?
    } else {
        let [high, other @ ..] = other else {
            return None;
        };
        let len = usize::from(*len & 0x7f) | (usize::from(*high) << 7);
        (*high < 0x80 && other.len() == len).then_some(other)?
    };
    let tags = (u32::from(*first), u32::from(*second));
    if tags == (KEY, VALUE) {
        Some((one, other))
    } else if tags == (VALUE, KEY) {
        Some((other, one))
    } else {
        None
    }
}

/// A value that is one scalar; the general reading is left to the caller.
#[inline]
fn scalar(value: &[u8]) -> Option<AnyValueRef<'_>> {
    let mut reader = Reader::new(value);
    let scalar = match reader.tag() {
        STRING => AnyValueRef::Str(reader.bytes().ok()?),
        INT => AnyValueRef::Int(reader.varint().ok()?.cast_signed()),
        BOOL => AnyValueRef::Bool(reader.varint().ok()? != 0),
        DOUBLE => AnyValueRef::Double(f64::from_bits(reader.fixed64().ok()?)),
        _ => return None,
    };
    reader.is_empty().then_some(scalar)
}

/// Reads a pair. A value that is not there is empty.
#[inline]
pub(super) fn key_value(pair: &[u8], depth: u8) -> Result<(&[u8], AnyValueRef<'_>)> {
    if let Some((key, value)) = plain(pair)
        && let Some(scalar) = scalar(value)
    {
        return Ok((key, scalar));
    }
    any_key_value(pair, depth)
}

/// Reads the value of a [`plain`] pair.
#[inline]
pub(super) fn value(value: &[u8], depth: u8) -> Result<AnyValueRef<'_>> {
    if let Some(scalar) = scalar(value) {
        return Ok(scalar);
    }
    let mut out = AnyValueRef::Empty;
    merge(&mut out, value, Reader::new(&[]), depth)?;
    Ok(out)
}

fn any_key_value(pair: &[u8], depth: u8) -> Result<(&[u8], AnyValueRef<'_>)> {
    let mut key: &[u8] = &[];
    let mut value = AnyValueRef::Empty;
    let mut reader = Reader::new(pair);
    while !reader.is_empty() {
        let tag = reader.tag();
        match tag {
            KEY => key = reader.bytes()?,
            VALUE => {
                let part = reader.bytes()?;
                merge(&mut value, part, reader, depth)?;
            }
            _ => reader.skip_unknown(tag, 2)?,
        }
    }
    Ok((key, value))
}

/// Depth of an attribute's own value.
pub(super) const TOP: u8 = 1;

/// The key of a pair whose value is not looked at.
pub(super) fn key_of(pair: &[u8]) -> Result<&[u8]> {
    let mut key: &[u8] = &[];
    let mut reader = Reader::new(pair);
    while !reader.is_empty() {
        let tag = reader.tag();
        match tag {
            KEY => key = reader.bytes()?,
            VALUE => _ = reader.bytes()?,
            _ => reader.skip_unknown(tag, 2)?,
        }
    }
    Ok(key)
}

/// Adds a part of a value to what was read of it before: the last member counts, equal containers are joined. `pair` is the rest of
/// the pair that the part stands in.
fn merge<'a>(value: &mut AnyValueRef<'a>, part: &'a [u8], pair: Reader<'a>, depth: u8) -> Result<()> {
    let mut reader = Reader::new(part);
    while !reader.is_empty() {
        let tag = reader.tag();
        match tag {
            STRING => *value = AnyValueRef::Str(reader.bytes()?),
            BOOL => *value = AnyValueRef::Bool(reader.varint()? != 0),
            INT => *value = AnyValueRef::Int(reader.varint()?.cast_signed()),
            DOUBLE => *value = AnyValueRef::Double(f64::from_bits(reader.fixed64()?)),
            BYTES => *value = AnyValueRef::Bytes(reader.bytes()?),
            ARRAY | KV_LIST => {
                let container = Reader::new(reader.bytes()?);
                let elements = Elements { container, value: reader, pair, depth: depth.saturating_add(1) };
                match value {
                    _ if depth >= MAX_DEPTH => *value = AnyValueRef::Empty,
                    // Joined: what began before comes here by itself.
                    AnyValueRef::Array(_) if tag == ARRAY => {}
                    AnyValueRef::KvList(_) if tag == KV_LIST => {}
                    _ if tag == ARRAY => *value = AnyValueRef::Array(ListRef(elements)),
                    _ => *value = AnyValueRef::KvList(KvListRef(elements)),
                }
            }
            _ => reader.skip_unknown(tag, 7)?,
        }
    }
    Ok(())
}

/// Checks a pair down to the greatest depth that is read.
pub(super) fn check_key_value(pair: &[u8], depth: u8) -> Result<()> {
    let mut reader = Reader::new(pair);
    while !reader.is_empty() {
        let tag = reader.tag();
        match tag {
            KEY => _ = reader.bytes()?,
            VALUE => check_value(reader.bytes()?, depth)?,
            _ => reader.skip_unknown(tag, 2)?,
        }
    }
    Ok(())
}

/// Checks a value down to the greatest depth that is read.
#[inline]
pub(super) fn check_value(value: &[u8], depth: u8) -> Result<()> {
    if scalar(value).is_some() { Ok(()) } else { check_any_value(value, depth) }
}

#[inline(never)]
fn check_any_value(value: &[u8], depth: u8) -> Result<()> {
    let mut reader = Reader::new(value);
    while !reader.is_empty() {
        let tag = reader.tag();
        match tag {
            STRING | BYTES => _ = reader.bytes()?,
            BOOL | INT => _ = reader.varint()?,
            DOUBLE => _ = reader.fixed64()?,
            ARRAY | KV_LIST => {
                let container = reader.bytes()?;
                if depth < MAX_DEPTH {
                    check_elements(container, tag, depth + 1)?;
                }
            }
            _ => reader.skip_unknown(tag, 7)?,
        }
    }
    Ok(())
}

fn check_elements(container: &[u8], kind: u32, depth: u8) -> Result<()> {
    let mut reader = Reader::new(container);
    while !reader.is_empty() {
        let tag = reader.tag();
        match tag {
            ELEMENT if kind == ARRAY => check_value(reader.bytes()?, depth)?,
            ELEMENT => check_key_value(reader.bytes()?, depth)?,
            _ => reader.skip_unknown(tag, 1)?,
        }
    }
    Ok(())
}
