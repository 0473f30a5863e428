//! Trace recordings: what a collector's file exporter writes, and what `curl` saves.
//!
//! JSON (one message a line, or one after another however they are laid out) or protobuf (each message behind its length as four
//! bytes, most significant first), as it is or gzipped, told apart by content. Messages are read one at a time.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

use crate::otlp_json;

/// The longest message that is read from a file: a length beyond it is taken for damage.
const MAX_MESSAGE: u32 = 1 << 30;

/// One message of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The serialized message.
    pub bytes: Vec<u8>,
    /// The end of each of its spans, in Unix nanoseconds, in order; empty where the bytes cannot be decoded as a whole.
    pub ends: Vec<u64>,
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
}

/// Opens a recording and finds out how it is written.
///
/// # Errors
/// The file cannot be read, or is compressed in a way that is not read here.
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
    } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || head.get(4..8) == Some(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let reason = "compressed with zstd, which is not read: decompress it, or record with `compression: none` or gzip it";
        return Err(std::io::Error::new(std::io::ErrorKind::Unsupported, reason));
    }
    if input.fill_buf()?.starts_with(&[0xef, 0xbb, 0xbf]) {
        // A byte order mark.
        input.consume(3);
    }
    let first = input.fill_buf()?.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    let layout = match first {
        Some(b'{') if opens_over_lines(input.fill_buf()?) => Layout::Values,
        Some(b'{') | None => Layout::Lines,
        Some(_) if input.fill_buf()?.first().is_some_and(u8::is_ascii_whitespace) => Layout::Lines,
        Some(_) => Layout::Lengths,
    };
    Ok(Messages { input, layout, number: 0, ended: false })
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
        match self.layout {
            Layout::Lines => self.line(),
            Layout::Values => self.value(),
            Layout::Lengths => self.length(),
        }
    }
}

impl Messages {
    fn line(&mut self) -> Option<Result<Message, BadMessage>> {
        loop {
            let mut line = Vec::new();
            match self.input.read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return self.fatal(error.to_string()),
            }
            self.number += 1;
            let line = line.trim_ascii();
            if !line.is_empty() {
                return Some(self.json(line));
            }
        }
    }

    /// Values over several lines: nothing says where the next one begins after an error.
    fn value(&mut self) -> Option<Result<Message, BadMessage>> {
        self.number += 1;
        let mut values = serde_json::Deserializer::from_reader(&mut self.input).into_iter::<serde_json::Value>();
        match values.next()? {
            Ok(value) => Some(self.converted(otlp_json::read_value(&value))),
            Err(error) => self.fatal(format!("not JSON: {error}")),
        }
    }

    fn length(&mut self) -> Option<Result<Message, BadMessage>> {
        let mut prefix = [0; 4];
        match self.input.fill_buf() {
            Ok([]) => return None,
            Ok(_) => {}
            Err(error) => return self.fatal(error.to_string()),
        }
        self.number += 1;
        if let Err(error) = self.input.read_exact(&mut prefix) {
            return self.fatal(cut(&error, "the file ends inside a length"));
        }
        let length = u32::from_be_bytes(prefix);
        if prefix.starts_with(b"[") && length > MAX_MESSAGE {
            return self.fatal("a JSON array: write its messages one after another, without brackets and commas".to_owned());
        }
        if length > MAX_MESSAGE {
            return self.fatal(format!("a length of {length} bytes: this is neither OTLP JSON nor OTLP protobuf with lengths"));
        }
        let mut bytes = Vec::new();
        match self.input.by_ref().take(u64::from(length)).read_to_end(&mut bytes) {
            Ok(read) if read == length as usize => {
                let ends = ExportTraceServiceRequest::decode(bytes.as_slice()).map(|request| ends(&request)).unwrap_or_default();
                Some(Ok(Message { bytes, ends }))
            }
            Ok(read) => self.fatal(format!("the file ends after {read} of {length} bytes")),
            Err(error) => self.fatal(error.to_string()),
        }
    }

    fn json(&self, line: &[u8]) -> Result<Message, BadMessage> {
        match std::str::from_utf8(line) {
            Ok(text) => self.converted(otlp_json::read(text)),
            Err(_) => Err(BadMessage { number: self.number, reason: "not UTF-8".to_owned(), fatal: false }),
        }
    }

    fn converted(&self, read: Result<ExportTraceServiceRequest, otlp_json::JsonError>) -> Result<Message, BadMessage> {
        match read {
            Ok(request) => Ok(Message { bytes: request.encode_to_vec(), ends: ends(&request) }),
            Err(error) => Err(BadMessage { number: self.number, reason: error.to_string(), fatal: false }),
        }
    }

    fn fatal(&mut self, reason: String) -> Option<Result<Message, BadMessage>> {
        self.ended = true;
        Some(Err(BadMessage { number: self.number, reason, fatal: true }))
    }
}

fn cut(error: &std::io::Error, reason: &str) -> String {
    if error.kind() == std::io::ErrorKind::UnexpectedEof { reason.to_owned() } else { error.to_string() }
}

fn ends(request: &ExportTraceServiceRequest) -> Vec<u64> {
    let scopes = request.resource_spans.iter().flat_map(|frame| &frame.scope_spans);
    scopes.flat_map(|scope| &scope.spans).map(|span| span.end_time_unix_nano).collect()
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
        otlp_json::read(&message(end)).unwrap().encode_to_vec()
    }

    fn all(bytes: &[u8]) -> Vec<Result<u64, (usize, bool)>> {
        read(Box::new(Cursor::new(bytes.to_vec())))
            .unwrap()
            .map(|item| match item {
                Ok(found) => {
                    assert_eq!(found.bytes, proto(found.ends[0]));
                    Ok(found.ends[0])
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

    fn lengths(ends: &[u64]) -> Vec<u8> {
        let mut out = Vec::new();
        for end in ends {
            let bytes = proto(*end);
            out.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
            out.extend(bytes);
        }
        out
    }

    #[test]
    fn every_layout_is_told_apart_by_content() {
        let lines = format!("{}\n\n{}\r\n{}", message(1), message(2), message(3));
        let pretty = format!("{}\n{}\n", message(1), message(2)).replace("[{", "[\n  {").replace("{\"resource", "{\n\"resource");
        for (bytes, ends) in [(lines.into_bytes(), vec![1, 2, 3]), (pretty.into_bytes(), vec![1, 2]), (lengths(&[1, 2]), vec![1, 2])] {
            let expected: Vec<Result<u64, (usize, bool)>> = ends.into_iter().map(Ok).collect();
            assert_eq!(all(&bytes), expected);
            assert_eq!(all(&gzip(&bytes)), expected);
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
        assert_eq!(found[0], Message { bytes: vec![0x0a, 0xff, 0xff], ends: Vec::new() });
        assert_eq!(found[1].ends, [7]);
    }
}
