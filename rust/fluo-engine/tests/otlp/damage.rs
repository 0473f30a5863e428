//! Damaged bytes: no panic, and what stands before the damage is seen.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message;

use crate::generate::request;
use crate::mutate::{Dice, Kind, mutate, parse, write};
use crate::seen::{Seen, oracle, read};

/// Where each span of a canonical message ends.
fn ends(request: &ExportTraceServiceRequest) -> Vec<usize> {
    fn framed(len: usize) -> usize {
        1 + prost::length_delimiter_len(len) + len
    }
    let mut ends = Vec::new();
    let mut at = 0;
    for resource_spans in &request.resource_spans {
        let next = at + framed(resource_spans.encoded_len());
        at = next - resource_spans.encoded_len();
        at += resource_spans.resource.as_ref().map_or(0, |r| framed(r.encoded_len()));
        for scope_spans in &resource_spans.scope_spans {
            let after = at + framed(scope_spans.encoded_len());
            at = after - scope_spans.encoded_len();
            at += scope_spans.scope.as_ref().map_or(0, |s| framed(s.encoded_len()));
            for span in &scope_spans.spans {
                at += framed(span.encoded_len());
                ends.push(at);
            }
            at = after;
        }
        at = next;
    }
    ends
}

/// A request of well-formed spans of other scopes than ours, each with a resource and a scope before it: where there is none, damage
/// could make one of what follows.
fn clean() -> impl Strategy<Value = ExportTraceServiceRequest> {
    request().prop_map(|mut request| {
        for resource_spans in &mut request.resource_spans {
            resource_spans.resource.get_or_insert_default();
            for (at, span) in resource_spans.scope_spans.iter_mut().flat_map(|s| &mut s.spans).enumerate() {
                span.trace_id = vec![1; 16];
                span.span_id = vec![1 + at as u8; 8];
                span.parent_span_id.clear();
            }
            for scope_spans in &mut resource_spans.scope_spans {
                scope_spans.scope.get_or_insert_default().name.clear();
            }
        }
        request
    })
}

/// A span without its surroundings: a later field may still turn into another part of its resource or scope.
fn alone(span: &Seen) -> impl PartialEq + std::fmt::Debug + use<> {
    let Seen { ids, name, times, status, attributes, events, links, slots, .. } = span.clone();
    (ids, name, times, status, attributes, events, links, slots[0].clone())
}

fn prefix_is_seen(request: &ExportTraceServiceRequest, damage: usize, bytes: &[u8]) -> Result<(), TestCaseError> {
    let (before, _) = oracle(&request.encode_to_vec()).unwrap();
    let ends = ends(request);
    assert_eq!(before.len(), ends.len());
    let untouched = ends.iter().filter(|end| **end <= damage).count();
    let (seen, _) = read(bytes);
    prop_assert!(seen.len() >= untouched, "{} of {untouched}", seen.len());
    for (span, expected) in seen.iter().zip(&before).take(untouched) {
        prop_assert_eq!(alone(span), alone(expected));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_cut_message_gives_what_came(request in clean(), at in any::<prop::sample::Index>()) {
        let bytes = request.encode_to_vec();
        let at = at.index(bytes.len() + 1);
        prefix_is_seen(&request, at, &bytes[..at])?;
        let (_, report) = read(&bytes[..at]);
        let whole_frames = (0..=request.resource_spans.len())
            .map(|n| ExportTraceServiceRequest { resource_spans: request.resource_spans[..n].to_vec() }.encoded_len());
        prop_assert_eq!(report.frames_rejected == 0, whole_frames.into_iter().any(|len| len == at));
    }

    #[test]
    fn a_changed_byte_costs_nothing_before_it(request in clean(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = request.encode_to_vec();
        prop_assume!(!bytes.is_empty());
        let at = at.index(bytes.len());
        bytes[at] = byte;
        prefix_is_seen(&request, at, &bytes)?;
    }

    #[test]
    fn nothing_panics(request in request(), seed in any::<u64>(), hits in 1..12usize) {
        let mut dice = Dice(seed);
        let mut tree = parse(&request.encode_to_vec(), Kind::Request);
        mutate(&mut tree, &mut dice);
        let mut bytes = write(&tree, Some(&mut dice));
        for _ in 0..hits {
            if bytes.is_empty() {
                break;
            }
            let at = dice.roll(bytes.len());
            match dice.roll(4) {
                0 => bytes[at] ^= 1 << dice.roll(8),
                1 => bytes[at] = [0, 0x7f, 0x80, 0xff][dice.roll(4)],
                2 => _ = bytes.remove(at),
                _ => bytes.insert(at, dice.roll(256) as u8),
            }
        }
        read(&bytes);
    }

    #[test]
    fn noise_does_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes);
    }
}
