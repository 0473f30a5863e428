//! Trace recordings: what a collector's file exporter writes, and what `curl` saves.
//!
//! JSON (one message a line, or one after another however they are laid out) or protobuf (each message behind its length as four
//! bytes, most significant first), as it is, gzipped or compressed with zstd, told apart by content; and what the file exporter makes
//! with `compression: zstd`, a length and a zstd frame for each message. Messages are read one at a time. Whatever a file holds, no
//! more than [`MAX_MESSAGE`] bytes of it are held at once, and what is no recording is given up after a bounded look.

mod look;
mod zstd;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

use crate::otlp_json;

pub use look::Emitted;

/// The longest message that is read, in bytes as it stands in the file and decompressed. Receivers take 4 to 20 MiB by default.
pub const MAX_MESSAGE: usize = 64 << 20;

/// The most JSON values in a message: in memory each takes many times what it takes in the file.
const MAX_MEMBERS: usize = 4_000_000;

/// How many messages in a row may be blank, empty or unreadable before the file is taken for no recording.
const MAX_BARREN: usize = 10_000;

/// The first bytes of a zstd frame.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// One message of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// The serialized message; empty where it holds no traces.
    pub bytes: Vec<u8>,
    /// The ends of its spans by emitter, as far as the bytes can be read.
    pub emitted: Vec<Emitted>,
    /// What it is about.
    pub holds: Holds,
}

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Holds {
    /// Spans, or what only the engine can judge.
    Traces,
    /// Metrics, logs or profiles: the file exporter writes the signals of all its pipelines into one file.
    OtherSignal,
    /// Nothing at all.
    #[default]
    Nothing,
}

impl Message {
    /// A message from its bytes; nothing is copied or checked.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> Self {
        let found = look::at(&bytes);
        Self::found(bytes, found)
    }

    fn found(bytes: Vec<u8>, found: look::Found) -> Self {
        if bytes.is_empty() {
            return Self::default();
        }
        if found.is_other_signal {
            return Self { holds: Holds::OtherSignal, ..Self::default() };
        }
        Self { bytes, emitted: found.emitted, holds: Holds::Traces }
    }

    /// The latest end of its spans in Unix nanoseconds; 0 where there is none.
    #[must_use]
    pub fn last_end(&self) -> u64 {
        self.emitted.iter().filter_map(|emitted| emitted.ends.last()).copied().max().unwrap_or(0)
    }
}

/// What could not be read.
#[derive(Debug)]
pub struct BadMessage {
    /// The number of the line or of the message, from 1.
    pub number: usize,
    /// What is wrong with it.
    pub reason: String,
    /// Whether reading ends here, because nothing says where the next message begins.
    pub fatal: bool,
}

/// The messages of a recording, in order.
pub struct Messages {
    input: Box<dyn BufRead>,
    layout: Layout,
    number: usize,
    /// Messages in a row that were blank, empty or unreadable.
    barren: usize,
    ended: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// One JSON message a line.
    Lines,
    /// JSON messages with line breaks inside.
    Values,
    /// Protobuf with lengths.
    Lengths,
    /// Zstd frames with lengths, of JSON or protobuf.
    Frames,
}

/// Opens a recording and finds out how it is written.
///
/// # Errors
/// The file cannot be read.
pub fn open(path: &Path) -> std::io::Result<Messages> {
    read(Box::new(BufReader::with_capacity(1 << 16, File::open(path)?)))
}

/// Reads a recording from anywhere.
///
/// # Errors
/// See [`open`].
pub fn read(mut input: Box<dyn BufRead>) -> std::io::Result<Messages> {
    let head = input.fill_buf()?;
    if head.starts_with(&[0x1f, 0x8b]) {
        input = Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(input)));
    } else if head.starts_with(&ZSTD) {
        input = Box::new(BufReader::with_capacity(1 << 16, zstd::Frames::new(input)));
    }
    if input.fill_buf()?.starts_with(&[0xef, 0xbb, 0xbf]) {
        // A byte order mark.
        input.consume(3);
    }
    let head = input.fill_buf()?;
    let layout = match head.iter().copied().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') if opens_over_lines(head) => Layout::Values,
        Some(b'{') | None => Layout::Lines,
        Some(_) if head.get(4..8) == Some(&ZSTD) => Layout::Frames,
        Some(_) if head.first().is_some_and(u8::is_ascii_whitespace) => Layout::Lines,
        Some(_) => Layout::Lengths,
    };
    Ok(Messages { input, layout, number: 0, barren: 0, ended: false })
}

/// Whether the first line is only the beginning of a JSON value.
fn opens_over_lines(head: &[u8]) -> bool {
    let line = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).find(|line| !line.is_empty()).unwrap_or_default();
    let whole_line = head.len() > line.len();
    whole_line && line.len() < 4096 && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_err_and(|error| error.is_eof())
}

impl Iterator for Messages {
    type Item = Result<Message, BadMessage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        if self.barren >= MAX_BARREN {
            return self.fatal(format!("{MAX_BARREN} messages in a row are empty or cannot be read: this is no recording of traces"));
        }
        let read = match self.layout {
            Layout::Lines => self.line(),
            Layout::Values => self.value(),
            Layout::Lengths | Layout::Frames => self.length(),
        }?;
        let is_barren = read.as_ref().map_or(true, |message| message.holds == Holds::Nothing);
        self.barren = if is_barren { self.barren + 1 } else { 0 };
        Some(read)
    }
}

impl Messages {
    fn line(&mut self) -> Option<Result<Message, BadMessage>> {
        let mut line = Vec::new();
        loop {
            line.clear();
            self.number += 1;
            match self.input.by_ref().take(MAX_MESSAGE as u64 + 1).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(read) if read > MAX_MESSAGE => return self.fatal(too_long("a line")),
                Ok(_) => {}
                Err(error) => return self.fatal(error.to_string()),
            }
            let line = line.trim_ascii();
            if !line.is_empty() {
                return Some(self.json(line));
            }
            self.barren += 1;
            if self.barren >= MAX_BARREN {
                return self.next();
            }
        }
    }

    /// Values over several lines: nothing says where the next one begins after an error.
    fn value(&mut self) -> Option<Result<Message, BadMessage>> {
        self.number += 1;
        let mut limited = self.input.by_ref().take(MAX_MESSAGE as u64);
        let mut values = serde_json::Deserializer::from_reader(&mut limited).into_iter::<serde_json::Value>();
        let read = values.next();
        drop(values);
        let is_long = limited.limit() == 0;
        match read {
            None if is_long => self.fatal(too_long("a message")),
            None => None,
            Some(Ok(value)) => Some(self.converted(otlp_json::read_value(&value))),
            Some(Err(_)) if is_long => self.fatal(too_long("a message")),
            Some(Err(error)) => self.fatal(format!("not JSON: {error}")),
        }
    }

    /// A message behind its length.
    fn length(&mut self) -> Option<Result<Message, BadMessage>> {
        self.number += 1;
        let (is_array, is_text) = match self.input.fill_buf() {
            Ok([]) => return None,
            Ok(head) => (head.starts_with(b"["), self.number == 1 && look::is_text(head)),
            Err(error) => return self.fatal(error.to_string()),
        };
        let mut prefix = [0; 4];
        let read = self.input.read_exact(&mut prefix);
        let length = u32::from_be_bytes(prefix) as usize;
        match read {
            _ if is_array && is_text => {
                return self.fatal("a JSON array: write its messages one after another, without brackets and commas".to_owned());
            }
            _ if is_text => return self.fatal("this is text and neither OTLP JSON nor protobuf".to_owned()),
            Err(error) => return self.fatal(cut(&error, "the file ends inside a length")),
            Ok(()) if length > MAX_MESSAGE => {
                return self.fatal(format!("a length of {length} bytes: this is neither OTLP JSON nor OTLP protobuf with lengths"));
            }
            Ok(()) => {}
        }
        let mut bytes = Vec::new();
        match self.input.by_ref().take(length as u64).read_to_end(&mut bytes) {
            Ok(read) if read == length => Some(match self.layout {
                Layout::Frames => self.frame(&bytes),
                _ => self.protobuf(bytes),
            }),
            Ok(read) => self.fatal(format!("the file ends after {read} of {length} bytes")),
            Err(error) => self.fatal(error.to_string()),
        }
    }

    /// A message that was compressed by itself.
    fn frame(&self, frame: &[u8]) -> Result<Message, BadMessage> {
        match zstd::decompress(frame, MAX_MESSAGE) {
            Ok(Some(bytes)) => match bytes.trim_ascii_start().first() {
                Some(b'{') => self.json(bytes.trim_ascii()),
                _ => self.protobuf(bytes),
            },
            Ok(None) => self.bad(too_long("a message")),
            Err(error) => self.bad(format!("not zstd: {error}")),
        }
    }

    fn protobuf(&self, bytes: Vec<u8>) -> Result<Message, BadMessage> {
        let found = look::at(&bytes);
        if found.has_old_scopes {
            return self
                .bad("its spans stand in `instrumentation_library_spans`, the old name of `scope_spans`: read in JSON only".to_owned());
        }
        if found.parts > look::MAX_PARTS {
            return self.bad(format!("a message of more than {} resources, scopes and spans", look::MAX_PARTS));
        }
        Ok(Message::found(bytes, found))
    }

    fn json(&self, line: &[u8]) -> Result<Message, BadMessage> {
        match std::str::from_utf8(line) {
            Ok(_) if members(line) > MAX_MEMBERS => {
                self.bad(format!("a message of more than {MAX_MEMBERS} JSON values: this is no request of traces"))
            }
            Ok(text) => self.converted(otlp_json::read(text)),
            Err(_) => self.bad("not UTF-8".to_owned()),
        }
    }

    fn converted(&self, read: Result<Option<ExportTraceServiceRequest>, otlp_json::JsonError>) -> Result<Message, BadMessage> {
        match read {
            Ok(Some(request)) => Ok(Message::of(request.encode_to_vec())),
            Ok(None) => Ok(Message { holds: Holds::OtherSignal, ..Message::default() }),
            Err(error) => self.bad(error.to_string()),
        }
    }

    fn bad(&self, reason: String) -> Result<Message, BadMessage> {
        Err(BadMessage { number: self.number, reason, fatal: false })
    }

    fn fatal(&mut self, reason: String) -> Option<Result<Message, BadMessage>> {
        self.ended = true;
        Some(Err(BadMessage { number: self.number, reason, fatal: true }))
    }
}

/// No fewer than the values in a JSON text less the depth of its nesting: none begins without a bracket or a comma before it.
fn members(json: &[u8]) -> usize {
    json.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count()
}

fn too_long(what: &str) -> String {
    format!("{what} of more than {} MiB: this is no recording of traces", MAX_MESSAGE >> 20)
}

fn cut(error: &std::io::Error, reason: &str) -> String {
    if error.kind() == std::io::ErrorKind::UnexpectedEof { reason.to_owned() } else { error.to_string() }
}

#[cfg(test)]
mod tests;
