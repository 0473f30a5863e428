//! The way from a decoded scalar back into its file, for every scalar style.
//!
//! Decoding changes only three things: escapes, runs of white space with a line break in them (folding, indentation, CRLF), and the
//! quotes around. Everything else stands in the file byte for byte, so the map is built by walking the file's bytes and counting
//! what each piece decodes to.

use crate::raw::PositionMap;
use crate::source::Span;

use super::node::Style;

/// The map of a scalar that stands at `span` in `source`.
pub(super) fn map(source: &str, span: Span, style: Style, decoded: &str) -> PositionMap {
    let quotes = u32::from(matches!(style, Style::Single | Style::Double));
    let start = span.start.saturating_add(quotes);
    let end = span.end.saturating_sub(quotes).max(start);
    let raw = source.get(start as usize..end as usize).unwrap_or_default();
    let mut walk = Walk { raw: raw.as_bytes(), decoded: decoded.as_bytes(), at: 0, done: 0, start, map: PositionMap::verbatim(start) };
    while let Some(byte) = walk.peek() {
        match (style, byte) {
            (Style::Double, b'\\') => walk.escape(),
            (Style::Single, b'\'') => walk.piece(2, 1),
            (_, b' ' | b'\t' | b'\r' | b'\n') => walk.space(style),
            _ => walk.piece(1, 1),
        }
    }
    walk.map
}

/// A walk over the raw bytes.
struct Walk<'a> {
    raw: &'a [u8],
    decoded: &'a [u8],
    /// Offset in the raw bytes.
    at: usize,
    /// Offset in the decoded bytes.
    done: usize,
    /// Where the raw bytes stand in the source.
    start: u32,
    map: PositionMap,
}

impl Walk<'_> {
    fn peek(&self) -> Option<u8> {
        self.raw.get(self.at).copied()
    }

    /// Goes over `raw` bytes that decode to `decoded` bytes.
    fn piece(&mut self, raw: usize, decoded: usize) {
        self.mark();
        self.at += raw;
        self.done += decoded;
        self.mark();
    }

    fn mark(&mut self) {
        let at = u32::try_from(self.at).unwrap_or(u32::MAX);
        self.map.push(u32::try_from(self.done).unwrap_or(u32::MAX), self.start.saturating_add(at));
    }

    /// An escape of a double-quoted scalar.
    fn escape(&mut self) {
        match self.raw.get(self.at + 1) {
            Some(b'\r' | b'\n') => {
                // An escaped line break decodes to nothing, empty lines after it to one break each.
                let run = 1 + spaces(self.raw.get(self.at + 1..).unwrap_or_default());
                let breaks = breaks(self.raw.get(self.at..self.at + run).unwrap_or_default());
                self.piece(run, breaks.saturating_sub(1));
            }
            Some(b'x') => self.character(4),
            Some(b'u') => {
                // JSON writes a character beyond the basic plane as two escapes.
                let pair = self.decoded.get(self.done).is_some_and(|lead| *lead >= 0xf0);
                self.character(if pair { 12 } else { 6 });
            }
            Some(b'U') => self.character(10),
            _ => self.character(2),
        }
    }

    /// `raw` bytes that decode to one character.
    fn character(&mut self, raw: usize) {
        let width = match self.decoded.get(self.done) {
            Some(0xf0..) => 4,
            Some(0xe0..) => 3,
            Some(0xc0..) => 2,
            _ => 1,
        };
        self.piece(raw, width);
    }

    /// A run of white space.
    fn space(&mut self, style: Style) {
        let rest = self.raw.get(self.at..).unwrap_or_default();
        let run = spaces(rest);
        let breaks = breaks(rest.get(..run).unwrap_or_default());
        let decoded = match (breaks, style) {
            (0, _) => run,
            // In a block no white space comes from elsewhere: the two runs are one.
            (_, Style::Literal | Style::Folded) => spaces(self.decoded.get(self.done..).unwrap_or_default()),
            (1, _) => 1,
            (more, _) => more - 1,
        };
        self.piece(run, decoded);
    }
}

/// The length of the white space at the front.
fn spaces(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).count()
}

/// How many line breaks the bytes hold; CRLF is one.
fn breaks(bytes: &[u8]) -> usize {
    let mut count = 0;
    let mut last = 0;
    for byte in bytes {
        count += usize::from(*byte == b'\r' || (*byte == b'\n' && last != b'\r'));
        last = *byte;
    }
    count
}
