//! What the collector's own library writes as JSON is read as the messages that it writes as protobuf.
//!
//! `data/pdata.jsonl` and `data/pdata.proto` were written by pdata v1.64.0 from the same three messages: every field and every kind of
//! value set, ids and times only, and nothing at all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail"
)]

use std::path::Path;

use fluo_testkit::otlp_file;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

fn read(name: &str) -> Vec<ExportTraceServiceRequest> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    otlp_file::open(&path).unwrap().map(|message| ExportTraceServiceRequest::decode(message.unwrap().bytes.as_slice()).unwrap()).collect()
}

#[test]
fn json_and_protobuf_of_one_message_are_one() {
    let (json, proto) = (read("pdata.jsonl"), read("pdata.proto"));
    assert_eq!(json.len(), 3);
    assert_eq!(json.len(), proto.len());
    for (json, proto) in json.iter().zip(&proto) {
        // As text, because a NaN equals nothing.
        assert_eq!(format!("{json:#?}"), format!("{proto:#?}"));
    }
    let spans = &json[0].resource_spans[0].scope_spans[0].spans;
    assert_eq!((spans.len(), spans[3].attributes.len(), spans[3].dropped_links_count), (6, 20, u32::MAX));
}
