use super::{BASE, parse};
use crate::model::{AnyValue, Kind, Status};
use crate::otlp;

#[test]
fn indentation_makes_parents_and_resources_are_inherited() {
    let trace =
        parse("t", "'GET /' @shop server 0..100\n  a client 10..40 {n=1}\n    b @pay server 12..38 error('no')\n  c\nd ^?x\n  e ^a", BASE)
            .expect("reads");
    let by = |name: &str| trace.spans.iter().find(|s| s.data.name == name).expect("present").data.clone();
    let root = by("GET /");
    assert_eq!((root.parent_id, root.kind, root.end - root.start), (None, Kind::Server, 100_000_000));
    assert_eq!(by("a").parent_id, Some(root.span_id));
    assert_eq!(by("a").resource, root.resource);
    assert_eq!(by("b").parent_id, Some(by("a").span_id));
    assert_eq!(by("b").resource.attributes, [("service.name".to_owned(), AnyValue::String("pay".to_owned()))]);
    assert_eq!((by("b").status, by("b").status_message.as_str()), (Status::Error, "no"));
    assert_eq!(by("c").parent_id, Some(root.span_id));
    assert!(by("d").parent_id.is_some_and(|id| trace.spans.iter().all(|s| s.data.span_id != id)));
    assert_eq!(by("e").parent_id, Some(by("a").span_id));
}

#[test]
fn every_kind_of_value_survives_the_way_through_otlp() {
    let trace = parse(
        "t",
        "a {i=1, f=1.5, s=word, q='two words', b=true, l=[1, 'x'], y=x'00ff', m={k=1}, u=~, 'odd key'=-2} \
         event('E', 5){k=1} event('F', dropped=2) link{k=2} resource{host.name=h} scope('lib'){v=1} \
         dropped(attributes=1, events=2, links=3, resource=4, scope=5) 5..none at=2s again=3s again=4s",
        BASE,
    )
    .expect("reads");
    let span = &trace.spans[0];
    assert_eq!(span.data.attributes.len(), 10);
    assert_eq!((span.data.dropped_attributes, span.data.resource.dropped_attributes, span.data.end), (1, 4, 0));
    assert_eq!((span.at, span.again.as_slice()), (Some(2_000_000_000), [3_000_000_000, 4_000_000_000].as_slice()));
    let back = otlp::decode(&otlp::encode(std::slice::from_ref(&span.data))).expect("decodes");
    assert_eq!(back, std::slice::from_ref(&span.data));
}

#[test]
fn repeated_spans_have_ids_of_their_own() {
    let trace = parse("t", "r\n  a *3\n  b", BASE).expect("reads");
    let mut ids: Vec<_> = trace.spans.iter().map(|s| s.data.span_id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 5);
    assert!(trace.spans[1..].iter().all(|s| s.data.parent_id == Some(trace.spans[0].data.span_id)));
}

#[test]
fn errors_point_at_the_place() {
    for (text, line, column, part) in [
        ("a\n  b sever", 2, 5, "`sever`"),
        ("a {k=}", 1, 6, "a value"),
        ("a {k=1", 1, 7, "`,` or `}`"),
        ("a ^b", 1, 1, "labelled `b`"),
        ("a *99999999999", 1, 4, "at most 1000000 spans"),
        ("a *600000\nb *600000", 2, 1, "at most 1000000 spans"),
        ("a 'b", 1, 3, "neither"),
        ("a 5..x", 1, 6, "a time"),
        ("a *2\n  b", 2, 3, "children"),
        ("a id=12", 1, 8, "16 hex digits"),
    ] {
        let error = parse("t", text, BASE).expect_err(text);
        assert_eq!((error.line, error.column), (line, column), "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
    }
}
