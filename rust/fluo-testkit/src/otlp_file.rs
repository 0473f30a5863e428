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
mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    fn message(end: u64) -> String {
        format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"ü","endTimeUnixNano":"{end}"}}]}}]}}]}}"#
        )
    }

    fn proto(end: u64) -> Vec<u8> {
        otlp_json::read(&message(end)).unwrap().unwrap().encode_to_vec()
    }

    fn all(bytes: &[u8]) -> Vec<Result<u64, (usize, bool)>> {
        read(Box::new(Cursor::new(bytes.to_vec())))
            .unwrap()
            .map(|item| match item {
                Ok(found) => {
                    assert_eq!(found.bytes, proto(found.last_end()));
                    Ok(found.last_end())
                }
                Err(bad) => Err((bad.number, bad.fatal)),
            })
            .collect()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn behind_lengths(messages: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
        messages.flat_map(|bytes| [u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec(), bytes]).flatten().collect()
    }

    fn lengths(ends: &[u64]) -> Vec<u8> {
        behind_lengths(ends.iter().map(|end| proto(*end)))
    }

    fn reasons(bytes: &[u8]) -> Vec<String> {
        read(Box::new(Cursor::new(bytes.to_vec()))).unwrap().filter_map(Result::err).map(|bad| bad.reason).collect()
    }

    #[test]
    fn messages_that_were_compressed_one_by_one_are_read() {
        let frames = |messages: &[Vec<u8>]| behind_lengths(messages.iter().map(|message| zstd(message)));
        assert_eq!(all(&frames(&[message(1).into_bytes(), message(2).into_bytes()])), [Ok(1), Ok(2)]);
        assert_eq!(all(&frames(&[proto(1), proto(2)])), [Ok(1), Ok(2)]);
        let mut damaged = frames(&[proto(1), proto(2), proto(3)]);
        let second = zstd(&proto(1)).len() + 8;
        damaged[second] ^= 0xff;
        assert_eq!(all(&damaged), [Ok(1), Err((2, false)), Ok(3)]);
        // Blocks of 128 KiB, each of them one byte that is repeated.
        let block = |is_last: u32| [&((1 << 20) | 2 | is_last).to_le_bytes()[..3], b" "].concat();
        let bomb = [&ZSTD[..], &[0, 0x58], &block(0).repeat(MAX_MESSAGE >> 17), &block(1)].concat();
        let bomb = behind_lengths(std::iter::once(bomb));
        assert_eq!(reasons(&bomb), ["a message of more than 64 MiB: this is no recording of traces"]);
    }

    #[test]
    fn what_is_no_recording_is_given_up_after_a_bounded_look() {
        let reason = |byte: &[u8], times: usize| reasons(&gzip(&byte.repeat(times))).pop().unwrap();
        assert!(reason(&[0], 1 << 20).starts_with("10000 messages in a row are empty"));
        assert!(reason(b"\n", 1 << 20).starts_with("10000 messages in a row are empty"));
        assert!(reason(b"{}\n", 1 << 20).starts_with("10000 messages in a row are empty"));
        assert!(reason(b"?\n{}\n", 1 << 20).contains("this is text"));
        assert_eq!(reasons(&format!("{{}}\n{}", "?\n".repeat(1 << 16)).into_bytes()).len(), MAX_BARREN);
        for text in [&b" "[..], b"{", b"{\"a\":"] {
            assert!(reason(text, MAX_MESSAGE / text.len() + 2).contains("64 MiB"));
        }
        let many = [&b"{\"resourceSpans\":["[..], &b"{},".repeat(1 << 21), b"{}]}"].concat();
        assert_eq!(reasons(&gzip(&many)), ["a message of more than 4000000 JSON values: this is no request of traces"]);
        let frames = behind_lengths(std::iter::once([0x0a, 0].repeat(1 << 23)));
        assert_eq!(reasons(&frames), ["a message of more than 4000000 resources, scopes and spans"]);
        assert!(reason(b"A", 1 << 20).contains("this is text and neither OTLP JSON nor protobuf"));
        assert!(reason(&[0xff], 1 << 20).contains("a length of 4294967295 bytes"));
    }

    #[test]
    fn other_signals_are_told_apart() {
        let text = format!("{{\"resourceMetrics\":[]}}\n{}\n{{\"resourceLogs\":[]}}\n", message(1));
        let holds: Vec<Holds> = read(Box::new(Cursor::new(text.into_bytes()))).unwrap().map(|m| m.unwrap().holds).collect();
        assert_eq!(holds, [Holds::OtherSignal, Holds::Traces, Holds::OtherSignal]);
    }

    #[test]
    fn the_old_name_of_scopes_is_read_in_json_and_named_in_protobuf() {
        let old = message(1).replace("scopeSpans", "instrumentationLibrarySpans");
        assert_eq!(all(old.as_bytes()), [Ok(1)]);
        let bytes = proto(1);
        // The frame's field 2, its length in one byte, becomes field 1000.
        assert_eq!((bytes[0], bytes[2]), (0x0a, 0x12));
        let renamed = [&[0x0a, bytes[1] + 1, 0xc2, 0x3e][..], &bytes[3..]].concat();
        assert!(reasons(&behind_lengths(std::iter::once(renamed)))[0].contains("`instrumentation_library_spans`"));
    }

    #[test]
    fn every_layout_is_told_apart_by_content() {
        let lines = format!("{}\n\n{}\r\n{}", message(1), message(2), message(3));
        let pretty = format!("{}\n{}\n", message(1), message(2)).replace("[{", "[\n  {").replace("{\"resource", "{\n\"resource");
        for (bytes, ends) in [(lines.into_bytes(), vec![1, 2, 3]), (pretty.into_bytes(), vec![1, 2]), (lengths(&[1, 2]), vec![1, 2])] {
            let expected: Vec<Result<u64, (usize, bool)>> = ends.into_iter().map(Ok).collect();
            assert_eq!(all(&bytes), expected);
            assert_eq!(all(&gzip(&bytes)), expected);
            assert_eq!(all(&zstd(&bytes)), expected);
            assert_eq!(all(&[zstd(&bytes), zstd(b"\n")].concat()).len(), expected.len() + usize::from(bytes.starts_with(&[0])));
        }
        assert_eq!(all(b""), []);
        assert_eq!(all(b"\n \n"), []);
    }

    #[test]
    fn what_is_near_to_a_recording_is_told_apart() {
        let mut marked = vec![0xef, 0xbb, 0xbf];
        marked.extend(message(1).into_bytes());
        assert_eq!(all(&marked), [Ok(1)]);
        let reason = |text: &str| read(Box::new(Cursor::new(text.as_bytes().to_vec()))).unwrap().next().unwrap().unwrap_err().reason;
        assert!(reason(&format!("[{}]", message(1))).contains("a JSON array"));
        assert!(reason("{\"data\":[]}").contains("no `resourceSpans`"));
    }

    #[test]
    fn gzip_members_that_were_appended_are_read_on() {
        let mut bytes = gzip(format!("{}\n", message(1)).as_bytes());
        bytes.extend(gzip(format!("{}\n", message(2)).as_bytes()));
        assert_eq!(all(&bytes), [Ok(1), Ok(2)]);
    }

    #[test]
    fn a_bad_line_costs_itself_and_a_bad_length_the_rest() {
        let lines = format!("{}\n{{\"resourceSpans\":[{{]}}\n{}\n\u{1}\n", message(1), message(2));
        assert_eq!(all(lines.as_bytes()), [Ok(1), Err((2, false)), Ok(2), Err((4, false))]);
        let mut cut = lengths(&[1, 2]);
        cut.truncate(cut.len() - 3);
        assert_eq!(all(&cut), [Ok(1), Err((2, true))]);
        let mut cut_gzip = gzip(format!("{}\n", message(1)).repeat(50).as_bytes());
        cut_gzip.truncate(cut_gzip.len() - 12);
        assert!(matches!(all(&cut_gzip).last(), Some(Err((_, true)))));
        assert_eq!(all(&[0xff; 64]), [Err((1, true))]);
    }

    #[test]
    fn bytes_that_only_the_engine_can_judge_are_handed_on() {
        let mut bytes = vec![0, 0, 0, 3, 0x0a, 0xff, 0xff];
        bytes.extend(lengths(&[7]));
        let found: Vec<Message> = read(Box::new(Cursor::new(bytes))).unwrap().map(Result::unwrap).collect();
        assert_eq!(found[0], Message { bytes: vec![0x0a, 0xff, 0xff], emitted: Vec::new(), holds: Holds::Traces });
        assert_eq!(found[1].last_end(), 7);
    }
}
