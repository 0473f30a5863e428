//! The reader sees what prost sees.

use fluo_engine::projection::{KeySet, Projection};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message;

use crate::generate::request;
use crate::mutate::{Dice, Kind, descending, mutate, parse, write};
use crate::seen::{oracle, read, read_with};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn as_prost_writes(request in request()) {
        let bytes = request.encode_to_vec();
        prop_assert_eq!(Some(read(&bytes)), oracle(&bytes));
    }

    #[test]
    fn in_any_other_encoding(request in request(), seed in any::<u64>()) {
        let mut tree = parse(&request.encode_to_vec(), Kind::Request);
        let mut dice = Dice(seed);
        mutate(&mut tree, &mut dice);
        let bytes = write(&tree, Some(&mut dice));
        let expected = oracle(&bytes);
        prop_assert!(expected.is_some(), "prost reads what the mutation wrote");
        prop_assert_eq!(Some(read(&bytes)), expected);
    }

    /// The Go collector writes every field in descending order and a missing parent as a field of no bytes.
    #[test]
    fn as_the_collector_writes(request in request()) {
        let mut tree = parse(&request.encode_to_vec(), Kind::Request);
        descending(&mut tree);
        let bytes = write(&tree, Some(&mut Dice(1)));
        prop_assert_eq!(Some(read(&bytes)), oracle(&bytes));
    }

    /// Which keys are asked for changes the slots only.
    #[test]
    fn whatever_the_keys(request in request()) {
        let bytes = request.encode_to_vec();
        let all = KeySet { all: true, ..KeySet::default() };
        let mut everything = crate::seen::projection();
        everything = everything.union(&Projection { span: all.clone(), resource: all.clone(), scope: all, ..Projection::default() });
        prop_assert_eq!(read_with(&everything, &bytes), read(&bytes));
    }
}

/// The generator must not be so tame that the properties above say nothing.
#[test]
fn the_generator_reaches_every_corner() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut spans, mut rejected, mut own) = (0, 0, 0);
    let mut corners = [0; 8];
    for _ in 0..200 {
        let request: ExportTraceServiceRequest = request().new_tree(&mut runner).unwrap().current();
        let (seen, report) = oracle(&request.encode_to_vec()).unwrap();
        spans += report.spans;
        rejected += report.spans_rejected;
        own += report.spans_own;
        for span in seen {
            let hits = [
                span.ids.2.is_none(),
                span.ids.2.is_some(),
                span.slots[0].iter().any(Option::is_some),
                span.slots[1].iter().any(Option::is_some),
                span.slots[2].iter().any(Option::is_some),
                !span.events.is_empty(),
                !span.links.is_empty(),
                span.name.len() > 127,
            ];
            corners.iter_mut().zip(hits).for_each(|(count, hit)| *count += u64::from(hit));
        }
    }
    assert!(spans > 200 && rejected > 20 && own > 10, "{spans} {rejected} {own}");
    assert!(corners.iter().all(|count| *count > 10), "{corners:?}");
}
