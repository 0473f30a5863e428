//! Kept values as bytes: a term, a tag and what the tag says, one after the other.

use std::borrow::Cow;

use crate::expr::read::Read;
use crate::truth::Reasons;
use crate::value::Val;

const NOTHING: u8 = 0;
const STR: u8 = 1;
const INT: u8 = 2;
const FLOAT: u8 = 3;
const BOOL: u8 = 4;
const DURATION: u8 = 5;
const BYTES: u8 = 6;
const LIST: u8 = 7;
const DIGEST: u8 = 8;
const TAG: u8 = 15;
/// The list is one of several values.
const MANY: u8 = 1 << 4;
/// Reasons follow.
const UNKNOWN: u8 = 1 << 5;

/// Bytes of a kept value at most, beside its text or elements: a term, a tag, reasons, and a length or a number.
pub(crate) const MOST_BESIDE_TEXT: usize = 5 + 1 + 2 + 10;

/// Appends what a term read.
pub(crate) fn write(term: u32, read: &Read<'_>, out: &mut Vec<u8>) {
    write_varint(u64::from(term), out);
    let tag = read.value.as_ref().map_or(NOTHING, tag_of);
    let unknown = if read.unknown.is_empty() { 0 } else { UNKNOWN };
    out.push(tag | unknown | if read.many { MANY } else { 0 });
    if unknown != 0 {
        out.extend_from_slice(&read.unknown.bits().to_le_bytes());
    }
    if let Some(value) = &read.value {
        write_content(value, out);
    }
}

const fn tag_of(value: &Val<'_>) -> u8 {
    match value {
        Val::Str(_) => STR,
        Val::Int(_) => INT,
        Val::Float(_) => FLOAT,
        Val::Bool(_) => BOOL,
        Val::Duration(_) => DURATION,
        Val::Bytes(_) => BYTES,
        Val::List(_) => LIST,
        Val::Digest(_) => DIGEST,
    }
}

fn write_content(value: &Val<'_>, out: &mut Vec<u8>) {
    match value {
        Val::Str(bytes) | Val::Bytes(bytes) | Val::Digest(bytes) => {
            write_varint(bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        }
        Val::Int(number) | Val::Duration(number) => write_varint(zigzag(*number), out),
        Val::Float(number) => out.extend_from_slice(&number.to_le_bytes()),
        Val::Bool(flag) => out.push(u8::from(*flag)),
        Val::List(items) => {
            write_varint(items.len() as u64, out);
            for item in items {
                out.push(tag_of(item));
                write_content(item, out);
            }
        }
    }
}

fn write_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

const fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// The kept values of a span.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Values<'a> {
    rest: &'a [u8],
}

impl<'a> Values<'a> {
    pub(crate) const fn new(encoded: &'a [u8]) -> Self {
        Self { rest: encoded }
    }

    /// What a term read; missing where nothing was kept.
    pub(crate) fn get(mut self, wanted: u32) -> Read<'a> {
        while let Some(term) = self.varint().filter(|term| *term <= u64::from(wanted)) {
            if term == u64::from(wanted) {
                return self.read().unwrap_or(Read::MISSING);
            }
            if self.pass_over().is_none() {
                break;
            }
        }
        Read::MISSING
    }

    fn read(&mut self) -> Option<Read<'a>> {
        let head = self.byte()?;
        let unknown = if head & UNKNOWN == 0 { Reasons::NONE } else { Reasons::from_bits(u16::from_le_bytes(self.take()?)) };
        let value = if head & TAG == NOTHING { None } else { Some(self.content(head & TAG)?) };
        Some(Read { value, unknown, many: head & MANY != 0 })
    }

    fn pass_over(&mut self) -> Option<()> {
        let head = self.byte()?;
        if head & UNKNOWN != 0 {
            self.take::<2>()?;
        }
        self.pass_over_content(head & TAG)
    }

    fn pass_over_content(&mut self, tag: u8) -> Option<()> {
        match tag {
            NOTHING => {}
            STR | BYTES | DIGEST => drop(self.bytes()?),
            INT | DURATION => drop(self.varint()?),
            FLOAT => drop(self.take::<8>()?),
            BOOL => drop(self.byte()?),
            _ => {
                for _ in 0..self.varint()? {
                    let tag = self.byte()?;
                    self.pass_over_content(tag)?;
                }
            }
        }
        Some(())
    }

    fn content(&mut self, tag: u8) -> Option<Val<'a>> {
        Some(match tag {
            STR => Val::Str(Cow::Borrowed(self.bytes()?)),
            INT => Val::Int(unzigzag(self.varint()?)),
            FLOAT => Val::Float(f64::from_le_bytes(self.take()?)),
            BOOL => Val::Bool(self.byte()? != 0),
            DURATION => Val::Duration(unzigzag(self.varint()?)),
            DIGEST => Val::Digest(Cow::Borrowed(self.bytes()?)),
            BYTES => Val::Bytes(Cow::Borrowed(self.bytes()?)),
            _ => {
                let mut items = Vec::new();
                for _ in 0..self.varint()? {
                    let tag = self.byte()?;
                    items.push(self.content(tag)?);
                }
                Val::List(items)
            }
        })
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*head)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.varint()?).ok()?;
        let (head, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(head)
    }

    #[inline]
    fn varint(&mut self) -> Option<u64> {
        match self.rest.split_first() {
            Some((byte, rest)) if *byte < 0x80 => {
                self.rest = rest;
                Some(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

/// Every value, in the order of the terms.
impl<'a> Iterator for Values<'a> {
    type Item = (u32, Read<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let term = u32::try_from(self.varint()?).ok()?;
        Some((term, self.read()?))
    }
}

#[cfg(test)]
mod tests {
    use super::{Values, write};
    use crate::expr::read::Read;
    use crate::truth::Reasons;
    use crate::value::Val;
    use crate::verdict::Reason;

    #[test]
    fn values_come_out_as_they_went_in() {
        let dropped = Reasons::of(Reason::Dropped);
        let list = Val::List(vec![Val::Int(-1), Val::str(b"x"), Val::Bool(true)]);
        let reads = [
            (0, Read::present(Val::str(b"text"))),
            (1, Read::present(Val::Int(i64::MIN))),
            (2, Read::present(Val::Float(-0.5))),
            (7, Read::unknown(dropped)),
            (200, Read { value: Some(list), unknown: dropped, many: true }),
            (201, Read::present(Val::Duration(i64::MAX))),
            (70_000, Read::present(Val::Bytes(vec![0; 300].into()))),
            (70_001, Read::present(Val::Bool(false))),
            (70_002, Read::present(Val::Digest(b"#key".as_slice().into()))),
        ];
        let mut encoded = Vec::new();
        reads.iter().for_each(|(term, read)| write(*term, read, &mut encoded));
        let values = Values::new(&encoded);
        assert_eq!(values.collect::<Vec<_>>(), reads);
        for (term, read) in &reads {
            assert_eq!(values.get(*term), *read);
        }
        assert_eq!(values.get(3), Read::MISSING);
    }
}
