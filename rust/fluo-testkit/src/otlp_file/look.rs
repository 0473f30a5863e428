//! What a replay has to know of a message before the engine reads it: whose spans it holds and when they ended.
//!
//! A walk over the wire format without a message in memory: a decoder would make of two bytes a struct of a hundred.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

/// The ends of the spans of one emitter, that is of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emitted {
    /// Tells emitters apart: a hash of the resource, the same in every run.
    pub emitter: u64,
    /// The ends of its spans in Unix nanoseconds, ascending, without those that have none.
    pub ends: Vec<u64>,
}

/// The most resources, scopes and spans in a message: each may cost a reader much more than the two bytes that it takes.
pub(super) const MAX_PARTS: usize = 4_000_000;

/// What a look at a message finds.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// In the order of the message.
    pub(super) emitted: Vec<Emitted>,
    /// Metrics or logs, which begin like traces.
    pub(super) is_other_signal: bool,
    /// Spans in the field that `scope_spans` replaced.
    pub(super) has_old_scopes: bool,
    /// Resources, scopes and spans that were looked at.
    pub(super) parts: usize,
}

/// Looks at a message up to where it is damaged or has more parts than [`MAX_PARTS`]. Linear in its length.
pub(super) fn at(message: &[u8]) -> Found {
    let mut found = Found::default();
    let mut places: HashMap<u64, usize> = HashMap::new();
    let (mut spans, mut others) = (0u64, 0u64);
    for frame in children(message, 1) {
        found.parts += 1 + children(frame, 2).count();
        if found.parts > MAX_PARTS {
            break;
        }
        found.has_old_scopes |= children(frame, OLD_SCOPES).next().is_some();
        let mut hasher = DefaultHasher::new();
        children(frame, 1).for_each(|resource| hasher.write(resource));
        let emitter = hasher.finish();
        for item in children(frame, 2).flat_map(|scope| children(scope, 2)) {
            found.parts += 1;
            let item = Item::read(item);
            spans += u64::from(item.may_be_span);
            others += u64::from(!item.may_be_span);
            if item.end == 0 {
                continue;
            }
            let place = *places.entry(emitter).or_insert_with(|| {
                found.emitted.push(Emitted { emitter, ends: Vec::new() });
                found.emitted.len() - 1
            });
            if let Some(emitted) = found.emitted.get_mut(place) {
                emitted.ends.push(item.end);
            }
        }
    }
    found.emitted.iter_mut().for_each(|emitted| emitted.ends.sort_unstable());
    found.is_other_signal = spans == 0 && others > 0;
    if found.is_other_signal {
        found.emitted.clear();
    }
    found
}

/// The number of `instrumentation_library_spans` in a frame.
const OLD_SCOPES: u64 = 1000;

/// What stands where a span stands in a message of traces.
struct Item {
    /// Its end, where it has one.
    end: u64,
    /// Whether it has what a span has and a metric or a log record has not: a trace id of 16 bytes, or times where a span has them.
    /// Something without any content may be a span too: that it is malformed is for the engine to say.
    may_be_span: bool,
}

impl Item {
    fn read(bytes: &[u8]) -> Self {
        let (mut end, mut is_span, mut is_named) = (0, false, false);
        for (number, value) in Fields(bytes) {
            match (number, value) {
                (1, Value::Bytes(id)) => {
                    is_named = true;
                    is_span |= id.len() == 16 && !id.is_ascii();
                }
                // The two times of a log record.
                (1 | 11, Value::Fixed64(_)) => is_named = true,
                (7 | 8, Value::Fixed64(time)) => {
                    is_span = true;
                    end = if number == 8 { time } else { end };
                }
                _ => {}
            }
        }
        Self { end, may_be_span: is_span || !is_named }
    }
}

/// Whether bytes begin as a text does.
pub(super) fn is_text(head: &[u8]) -> bool {
    let head = head.get(..64).unwrap_or(head);
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A character that the cut goes through.
        Err(error) if error.error_len().is_none() => {
            head.get(..error.valid_up_to()).and_then(|h| std::str::from_utf8(h).ok()).unwrap_or("")
        }
        Err(_) => return false,
    };
    !text.is_empty() && !text.chars().any(|c| c.is_control() && !c.is_ascii_whitespace())
}

/// The submessages of a message with this field number.
fn children(message: &[u8], wanted: u64) -> impl Iterator<Item = &[u8]> {
    Fields(message).filter_map(move |(number, value)| match value {
        Value::Bytes(bytes) if number == wanted => Some(bytes),
        _ => None,
    })
}

/// The fields of a message, up to the first that is malformed.
struct Fields<'a>(&'a [u8]);

enum Value<'a> {
    Bytes(&'a [u8]),
    Fixed64(u64),
    Other,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => self.varint().map(|_| Value::Other)?,
            1 => Value::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Other)?,
            _ => return None,
        };
        Some((tag >> 3, value))
    }
}

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field with bytes in it.
    fn put(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![(number << 3) | 2, u8::try_from(bytes.len()).unwrap()];
        out.extend(bytes);
        out
    }

    fn message(item: &[u8]) -> Vec<u8> {
        put(1, &[put(1, b"resource"), put(2, &put(2, item))].concat())
    }

    #[test]
    fn metrics_and_logs_are_told_from_traces() {
        let metric = [put(1, b"system.cpu.time"), put(3, b"s"), put(7, &[1])].concat();
        let of_sixteen_letters = put(1, b"system.disk.time");
        let log = [vec![0x09, 1, 2, 3, 4, 5, 6, 7, 8], put(3, b"INFO")].concat();
        for item in [metric, of_sixteen_letters, log] {
            assert!(at(&message(&item)).is_other_signal);
        }
        let span = [put(1, &[7; 15]), put(5, b"name"), vec![0x41, 9, 0, 0, 0, 0, 0, 0, 0]].concat();
        for item in [span, put(1, &[0xa7; 16]), Vec::new()] {
            assert!(!at(&message(&item)).is_other_signal);
        }
        assert!(!at(&[]).is_other_signal);
    }

    #[test]
    fn a_text_is_known_by_its_beginning() {
        for text in ["<html>", "trace ü", "a", &"ü".repeat(40)] {
            assert!(is_text(text.as_bytes()), "{text}");
        }
        for bytes in [&b""[..], &[0, 0, 1, 2], b"text\0", &[0x0a, 0xff, 0xff]] {
            assert!(!is_text(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn a_damaged_message_is_read_as_far_as_it_goes() {
        let mut bytes = message(&[0x41, 9, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(at(&bytes).emitted.first().map(|e| e.ends.clone()), Some(vec![9]));
        bytes.extend([0x0a, 0xff, 0xff]);
        assert_eq!(at(&bytes).emitted.first().map(|e| e.ends.clone()), Some(vec![9]));
        assert!(at(&[0x0a, 0xff, 0xff]).emitted.is_empty());
    }
}
