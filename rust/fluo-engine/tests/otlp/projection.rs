//! The projection, and the slots of its keys.

use std::collections::BTreeSet;

use fluo_engine::otlp::{KeyTable, Scratch, read_traces};
use fluo_engine::projection::{EMITTER_KEYS, KeySet, Projection};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::collection::btree_set;
use proptest::option;
use proptest::prelude::*;
use prost::Message;

fn key_set(keys: &[&str]) -> KeySet {
    KeySet { all: false, keys: keys.iter().map(|key| (*key).to_owned()).collect() }
}

#[test]
fn the_json_form_is_that_of_the_interface() {
    let least = r#"{"epoch":7,"span":{"all":false,"keys":[]},"resource":{"all":false,"keys":["host.id","host.name","k8s.pod.name","k8s.pod.uid","process.pid","service.instance.id","service.name","service.namespace","service.version"]},"scope":{"name":false,"all":false,"keys":[]},"event":{"carry":false,"all":false,"keys":[]},"link":{"carry":false,"all":false,"keys":[]},"status_message":false,"dropped":false}"#;
    assert_eq!(String::from_utf8(Projection::default().to_json(7)).unwrap(), least);
    let most = Projection {
        span: KeySet { all: true, ..key_set(&["a\"b"]) },
        resource: key_set(&["cloud.region"]),
        scope_name: true,
        scope: key_set(&["s"]),
        event: Some(key_set(&["e"])),
        link: Some(KeySet { all: true, ..KeySet::default() }),
        status_message: true,
        dropped: true,
    };
    let json = String::from_utf8(most.to_json(1)).unwrap();
    let parts = [
        r#""span":{"all":true,"keys":["a\"b"]}"#,
        r#""keys":["cloud.region","host.id","#,
        r#""scope":{"name":true,"all":false,"keys":["s"]}"#,
        r#""event":{"carry":true,"all":false,"keys":["e"]}"#,
        r#""link":{"carry":true,"all":true,"keys":[]}"#,
        r#""status_message":true,"dropped":true}"#,
    ];
    for part in parts {
        assert!(json.contains(part), "{part} in {json}");
    }
}

fn keys() -> impl Strategy<Value = KeySet> {
    (any::<bool>(), btree_set("[a-c]{1,2}", 0..4)).prop_map(|(all, keys)| KeySet { all, keys })
}

fn projections() -> impl Strategy<Value = Projection> {
    let flags = any::<(bool, bool, bool)>();
    (keys(), keys(), keys(), option::of(keys()), option::of(keys()), flags).prop_map(|(span, resource, scope, event, link, flags)| {
        Projection { span, resource, scope, event, link, scope_name: flags.0, status_message: flags.1, dropped: flags.2 }
    })
}

/// Attribute keys that share beginnings, ends and lengths, so that some of them fall together in the table.
fn attribute_keys(most: usize) -> impl Strategy<Value = BTreeSet<String>> {
    btree_set("(|http\\.request\\.|db\\.)[a-d]{0,12}(|\\.some\\.name|\\.id)", 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn union_is_commutative_associative_and_idempotent(a in projections(), b in projections(), c in projections()) {
        prop_assert_eq!(a.union(&b), b.union(&a));
        prop_assert_eq!(a.union(&b).union(&c), a.union(&b.union(&c)));
        prop_assert_eq!(a.union(&a), a.clone());
        prop_assert_eq!(a.union(&Projection::default()), a);
    }

    #[test]
    fn slots_are_dense_and_exact(keys in attribute_keys(150), others in attribute_keys(50)) {
        let projection = Projection { span: KeySet { all: false, keys: keys.clone() }, ..Projection::default() };
        let table = KeyTable::new(&projection);
        let slots: BTreeSet<usize> = keys.iter().map(|key| table.span_slot(key).unwrap()).collect();
        prop_assert_eq!(slots, (0..keys.len()).collect::<BTreeSet<_>>());
        prop_assert_eq!(table.span_slots(), keys.len());
        for other in others.difference(&keys) {
            prop_assert_eq!(table.span_slot(other), None);
        }
    }
}

#[test]
fn emitter_keys_always_have_slots() {
    let table = KeyTable::new(&Projection::default());
    let slots: BTreeSet<usize> = EMITTER_KEYS.iter().map(|key| table.resource_slot(key).unwrap()).collect();
    assert_eq!(slots.len(), EMITTER_KEYS.len());
    assert_eq!((table.span_slots(), table.scope_slots(), table.resource_slots()), (0, 0, EMITTER_KEYS.len()));
}

/// One scratch memory serves tables of any size, and nothing of one message is seen in the next.
#[test]
fn scratch_memory_is_shared_between_tables() {
    let message = |keys: &[&str]| {
        let attributes = keys.iter().map(|key| KeyValue { key: (*key).to_owned(), ..KeyValue::default() }).collect();
        let span = Span { trace_id: vec![1; 16], span_id: vec![1; 8], attributes, ..Span::default() };
        let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
        ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }] }.encode_to_vec()
    };
    let mut scratch = Scratch::default();
    let mut found = |wanted: &[&str], sent: &[&str]| {
        let table = KeyTable::new(&Projection { span: key_set(wanted), ..Projection::default() });
        let mut slots = Vec::new();
        read_traces(&message(sent), &table, &mut scratch, |span| {
            slots = wanted.iter().map(|key| span.attribute(table.span_slot(key).unwrap()).is_some()).collect();
        });
        slots
    };
    assert_eq!(found(&["a"], &["a"]), [true]);
    assert_eq!(found(&["a", "b", "c"], &["c"]), [false, false, true]);
    assert_eq!(found(&["b"], &["a"]), [false]);
    assert_eq!(found(&["a", "b", "c"], &[]), [false, false, false]);
}
