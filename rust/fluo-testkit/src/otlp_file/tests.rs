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
