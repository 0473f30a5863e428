//! The protobuf wire format: tags, varints, lengths, groups.

/// Bytes that are no protobuf message, or a known field in another wire type than its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

pub(super) type Result<T> = std::result::Result<T, Malformed>;

/// How deeply groups may nest in what is skipped.
const MAX_GROUPS: u32 = 32;

pub(super) const VARINT: u32 = 0;
pub(super) const FIXED64: u32 = 1;
pub(super) const LEN: u32 = 2;
const GROUP_START: u32 = 3;
const GROUP_END: u32 = 4;
pub(super) const FIXED32: u32 = 5;

/// The tag of a field: its number and wire type as they stand on the wire.
pub(super) const fn tag(number: u32, wire_type: u32) -> u32 {
    (number << 3) | wire_type
}

/// A position in a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    #[inline]
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next field's tag; 0, which no field has and which cannot be skipped, where it is malformed or missing.
    #[inline]
    pub(super) fn tag(&mut self) -> u32 {
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                u32::from(*byte)
            }
            _ => self.long_tag(),
        }
    }

    #[inline(never)]
    fn long_tag(&mut self) -> u32 {
        self.varint().ok().and_then(|tag| u32::try_from(tag).ok()).unwrap_or(0)
    }

    #[inline]
    pub(super) fn varint(&mut self) -> Result<u64> {
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            [low, high, rest @ ..] if *high < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*low & 0x7f) | (u64::from(*high) << 7))
            }
            _ => self.long_varint(),
        }
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Result<u64> {
        let mut value = 0;
        let mut shift = 0;
        while let [byte, rest @ ..] = self.rest {
            self.rest = rest;
            // The tenth byte holds the last of 64 bits.
            if shift == 63 && *byte > 1 {
                return Err(Malformed);
            }
            value |= u64::from(*byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Ok(value);
            }
            shift += 7;
        }
        Err(Malformed)
    }

    /// A length-delimited field's content.
    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'a [u8]> {
        let len = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
        let (head, rest) = self.rest.split_at_checked(len).ok_or(Malformed)?;
        self.rest = rest;
        Ok(head)
    }

    /// Like [`Reader::bytes`], but content that ends too early is handed out as far as it goes; the flag says whether it is whole.
    pub(super) fn container(&mut self) -> Result<(&'a [u8], bool)> {
        let mut ahead = *self;
        if let Ok(bytes) = ahead.bytes() {
            *self = ahead;
            return Ok((bytes, true));
        }
        self.varint()?;
        Ok((std::mem::take(&mut self.rest), false))
    }

    #[inline]
    pub(super) fn fixed64(&mut self) -> Result<u64> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(Malformed)?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*head))
    }

    #[inline]
    pub(super) fn fixed32(&mut self) -> Result<u32> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(Malformed)?;
        self.rest = rest;
        Ok(u32::from_le_bytes(*head))
    }

    /// Skips a field whose tag was read and that the caller does not know. `known` are the numbers, from 1 on, that the caller
    /// reads: to meet one of them here means that it came in another wire type.
    #[inline(never)]
    pub(super) fn skip_unknown(&mut self, tag: u32, known: u32) -> Result<()> {
        if tag >> 3 <= known {
            return Err(Malformed);
        }
        self.skip(tag)
    }

    /// Skips a field whose tag was read.
    pub(super) fn skip(&mut self, tag: u32) -> Result<()> {
        let mut groups = [0; MAX_GROUPS as usize];
        let mut depth = 0;
        let mut tag = tag;
        loop {
            let number = tag >> 3;
            if number == 0 {
                return Err(Malformed);
            }
            match tag & 7 {
                VARINT => _ = self.varint()?,
                FIXED64 => _ = self.fixed64()?,
                LEN => _ = self.bytes()?,
                FIXED32 => _ = self.fixed32()?,
                GROUP_START => {
                    *groups.get_mut(depth).ok_or(Malformed)? = number;
                    depth += 1;
                }
                GROUP_END => {
                    depth = depth.checked_sub(1).ok_or(Malformed)?;
                    if groups.get(depth) != Some(&number) {
                        return Err(Malformed);
                    }
                }
                _ => return Err(Malformed),
            }
            if depth == 0 {
                return Ok(());
            }
            tag = self.tag();
        }
    }
}

/// A place in the message, kept in scratch memory that outlives it. Messages are below 4 GiB.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    start: u32,
    len: u32,
}

impl Place {
    pub(super) const NOWHERE: Self = Self { start: 0, len: 0 };

    /// Where `part`, which must be a part of `message`, lies.
    #[inline]
    pub(super) fn of(message: &[u8], part: &[u8]) -> Self {
        let start = part.as_ptr().addr().wrapping_sub(message.as_ptr().addr());
        // The reader refuses messages of 4 GiB and more.
        Self { start: start as u32, len: part.len() as u32 }
    }

    #[inline]
    pub(super) fn read(self, message: &[u8]) -> &[u8] {
        let start = self.start as usize;
        message.get(start..start.saturating_add(self.len as usize)).unwrap_or_default()
    }
}
