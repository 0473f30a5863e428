//! Other encodings of a message: fields in any order, messages in parts, padded numbers, unknown fields. A protobuf reader has to
//! understand all of them, so prost says what they mean.

/// Which message a field holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Request,
    ResourceSpans,
    Resource,
    ScopeSpans,
    Scope,
    Span,
    Event,
    Link,
    Status,
    Pair,
    Any,
    List,
    Map,
}

impl Kind {
    fn child(self, number: u32) -> Option<Self> {
        Some(match (self, number) {
            (Self::Request, 1) => Self::ResourceSpans,
            (Self::ResourceSpans, 1) => Self::Resource,
            (Self::ResourceSpans, 2) => Self::ScopeSpans,
            (Self::ScopeSpans, 1) => Self::Scope,
            (Self::ScopeSpans, 2) => Self::Span,
            (Self::Span, 11) => Self::Event,
            (Self::Span, 13) => Self::Link,
            (Self::Span, 15) => Self::Status,
            (Self::Resource, 1) | (Self::Scope, 3) | (Self::Span, 9) | (Self::Event, 3) | (Self::Link, 4) | (Self::Map, 1) => Self::Pair,
            (Self::Pair, 2) | (Self::List, 1) => Self::Any,
            (Self::Any, 5) => Self::List,
            (Self::Any, 6) => Self::Map,
            _ => return None,
        })
    }

    /// Whether the field is given once at most, so that parts of it merge.
    fn singular(self, number: u32) -> bool {
        matches!((self, number), (Self::ResourceSpans | Self::ScopeSpans, 1) | (Self::Span, 15) | (Self::Pair, 2) | (Self::Any, 5 | 6))
    }
}

/// A message as a tree.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) fields: Vec<(u32, Payload)>,
}

#[derive(Debug, Clone)]
pub(crate) enum Payload {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
    Bytes(Vec<u8>),
    Message(Node),
    /// Bytes after the tag that are written as they are.
    Raw(u32, Vec<u8>),
}

/// A small generator of pseudo-random numbers.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }
}

fn varint(bytes: &[u8], at: &mut usize) -> u64 {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let byte = bytes[*at];
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

/// Takes a well-formed message apart.
pub(crate) fn parse(bytes: &[u8], kind: Kind) -> Node {
    let mut fields = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let tag = varint(bytes, &mut at) as u32;
        let number = tag >> 3;
        let mut take = |len: usize| {
            at += len;
            &bytes[at - len..at]
        };
        let payload = match tag & 7 {
            1 => Payload::Fixed64(take(8).try_into().unwrap()),
            5 => Payload::Fixed32(take(4).try_into().unwrap()),
            0 => Payload::Varint(varint(bytes, &mut at)),
            2 => {
                let len = varint(bytes, &mut at) as usize;
                let content = &bytes[at..at + len];
                at += len;
                match kind.child(number) {
                    Some(child) => Payload::Message(parse(content, child)),
                    None => Payload::Bytes(content.to_vec()),
                }
            }
            other => panic!("wire type {other}"),
        };
        fields.push((number, payload));
    }
    Node { kind, fields }
}

fn put_varint(out: &mut Vec<u8>, mut value: u64, least: usize) {
    let mut written = 1;
    while value >= 0x80 || written < least {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
        written += 1;
    }
    out.push(value as u8);
}

/// Pads one number in eight.
fn padding(dice: Option<&mut Dice>, most: usize) -> usize {
    dice.map_or(1, |dice| if dice.roll(8) == 0 { 1 + dice.roll(most) } else { 1 })
}

/// Writes a tree, with padded numbers where there are dice.
pub(crate) fn write(node: &Node, mut dice: Option<&mut Dice>) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, payload) in &node.fields {
        let (wire_type, content) = match payload {
            Payload::Varint(_) => (0, Vec::new()),
            Payload::Fixed64(bytes) => (1, bytes.to_vec()),
            Payload::Fixed32(bytes) => (5, bytes.to_vec()),
            Payload::Bytes(bytes) => (2, bytes.clone()),
            Payload::Message(message) => (2, write(message, dice.as_deref_mut())),
            Payload::Raw(wire_type, bytes) => (*wire_type, bytes.clone()),
        };
        put_varint(&mut out, u64::from(*number << 3 | wire_type), padding(dice.as_deref_mut(), 5));
        match payload {
            Payload::Varint(value) => put_varint(&mut out, *value, padding(dice.as_deref_mut(), 10)),
            Payload::Bytes(_) | Payload::Message(_) => put_varint(&mut out, content.len() as u64, padding(dice.as_deref_mut(), 10)),
            _ => {}
        }
        out.extend(content);
    }
    out
}

/// The order of the Go collector: descending, with a missing parent as a field of no bytes.
pub(crate) fn descending(node: &mut Node) {
    if node.kind == Kind::Span && node.fields.iter().all(|(number, _)| *number != 4) {
        node.fields.push((4, Payload::Bytes(Vec::new())));
    }
    node.fields.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    for (_, payload) in &mut node.fields {
        if let Payload::Message(message) = payload {
            descending(message);
        }
    }
}

/// Shuffles, splits, joins and adds, everywhere in the tree.
pub(crate) fn mutate(node: &mut Node, dice: &mut Dice) {
    for (_, payload) in &mut node.fields {
        if let Payload::Message(message) = payload {
            mutate(message, dice);
        }
    }
    split(node, dice);
    join(node, dice);
    for at in (1..node.fields.len()).rev() {
        if dice.roll(2) == 0 {
            node.fields.swap(at, dice.roll(at + 1));
        }
    }
    if dice.roll(6) == 0 {
        let at = dice.roll(node.fields.len() + 1);
        node.fields.insert(at, unknown(dice));
    }
}

/// Gives a message that may occur once in two parts.
fn split(node: &mut Node, dice: &mut Dice) {
    for at in 0..node.fields.len() {
        let (number, payload) = &mut node.fields[at];
        let number = *number;
        if let Payload::Message(message) = payload
            && node.kind.singular(number)
            && dice.roll(3) == 0
        {
            let rest = message.fields.split_off(dice.roll(message.fields.len() + 1));
            let part = Node { kind: message.kind, fields: rest };
            node.fields.push((number, Payload::Message(part)));
        }
    }
}

/// Makes one message of two: fields then occur twice, also those of which the last counts.
fn join(node: &mut Node, dice: &mut Dice) {
    for at in (1..node.fields.len()).rev() {
        if dice.roll(12) != 0 || node.fields[at].0 != node.fields[at - 1].0 {
            continue;
        }
        if let (_, Payload::Message(second)) = node.fields[at].clone()
            && let (_, Payload::Message(first)) = &mut node.fields[at - 1]
        {
            first.fields.extend(second.fields);
            node.fields.remove(at);
        }
    }
}

fn unknown(dice: &mut Dice) -> (u32, Payload) {
    let number = [17, 20, 1000, 536_870_911][dice.roll(4)];
    let mut group = Vec::new();
    put_varint(&mut group, 1 << 3, 1);
    group.push(7);
    put_varint(&mut group, 2 << 3 | 3, 1);
    put_varint(&mut group, 3 << 3 | 2, 1);
    group.extend([2, 1, 2]);
    put_varint(&mut group, 2 << 3 | 4, 1);
    put_varint(&mut group, u64::from(number << 3 | 4), 1);
    let payload = match dice.roll(5) {
        0 => Payload::Varint(u64::MAX),
        1 => Payload::Fixed64([1; 8]),
        2 => Payload::Fixed32([1; 4]),
        3 => Payload::Bytes(vec![0xff; dice.roll(300)]),
        _ => Payload::Raw(3, group),
    };
    (number, payload)
}
