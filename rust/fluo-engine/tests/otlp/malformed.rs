//! Each malformed thing by itself, with what it costs.

use fluo_engine::otlp::ReadReport;

use crate::seen::{Value, read};

/// A length-delimited field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    if content.len() < 128 {
        out.push(content.len() as u8);
    } else {
        out.extend([(content.len() & 0x7f) as u8 | 0x80, (content.len() >> 7) as u8]);
    }
    out.extend(content);
    out
}

fn join(parts: &[Vec<u8>]) -> Vec<u8> {
    parts.concat()
}

fn ids() -> Vec<u8> {
    join(&[field(1, &[1; 16]), field(2, &[2; 8])])
}

/// A message with one span between two good ones.
fn among(span: &[u8]) -> Vec<u8> {
    let good = field(2, &ids());
    let scope_spans = join(&[good.clone(), field(2, span), good]);
    field(1, &join(&[field(1, &[]), field(2, &scope_spans)]))
}

fn with(more: &[u8]) -> Vec<u8> {
    join(&[ids(), more.to_vec()])
}

#[test]
fn a_bad_span_loses_that_span() {
    let nested_group = [[0x0b; 33].as_slice(), &[0x0c; 33]].concat();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("no ids", vec![]),
        ("no span id", field(1, &[1; 16])),
        ("a zero trace id", join(&[field(1, &[0; 16]), field(2, &[2; 8])])),
        ("a zero span id", join(&[field(1, &[1; 16]), field(2, &[0; 8])])),
        ("a short trace id", join(&[field(1, &[1; 15]), field(2, &[2; 8])])),
        ("a long span id", join(&[field(1, &[1; 16]), field(2, &[2; 9])])),
        ("a parent id of another length", with(&field(4, &[3; 7]))),
        ("a name that is a number", with(&[5 << 3, 1])),
        ("a kind that is text", with(&field(6, b"x"))),
        ("a start that is a varint", with(&[7 << 3, 1])),
        ("flags that are a varint", with(&[0x80, 0x01, 1])),
        ("a cut start", with(&[7 << 3 | 1, 0, 0])),
        ("a cut tag", with(&[0x80])),
        ("a cut varint", with(&[6 << 3, 0x80])),
        ("a varint of eleven bytes", with(&[6 << 3, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01])),
        ("a varint of 65 bits", with(&[6 << 3, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02])),
        ("a tag of 33 bits", with(&[0xf8, 0xff, 0xff, 0xff, 0x1f, 0])),
        ("a length beyond the span", with(&[5 << 3 | 2, 200])),
        ("a length of 64 bits", with(&[5 << 3 | 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])),
        ("field number zero", with(&[2, 0])),
        ("wire type six", with(&[0xa6, 0x01])),
        ("wire type seven", with(&[0xa7, 0x01])),
        ("the end of a group that never began", with(&[0xa4, 0x01])),
        ("a group that never ends", with(&[0xa3, 0x01, 0x08, 0x01])),
        ("a group that ends as another", with(&[0xa3, 0x01, 0xac, 0x01])),
        ("groups nested too deeply", with(&[&[0xa3, 0x01], nested_group.as_slice(), &[0xa4, 0x01]].concat())),
        ("a status that is cut", with(&field(15, &[2 << 3 | 2, 9]))),
        ("an attribute that is cut", with(&field(9, &[0x0a, 9]))),
        ("a wanted value that is cut", with(&field(9, &join(&[field(1, b"order.id"), field(2, &[0x0a, 9])])))),
        ("a wanted list with a cut element", with(&field(9, &join(&[field(1, b"order.id"), field(2, &field(5, &field(1, &[0x0a, 9])))])))),
        ("an event that is cut", with(&field(11, &[0x12, 9]))),
        ("an event's attribute that is cut", with(&field(11, &field(3, &field(2, &[0x0a, 9]))))),
        ("a link with a short id", with(&field(13, &field(1, &[1; 3])))),
    ];
    for (what, span) in cases {
        let (seen, report) = read(&among(&span));
        let expected = ReadReport { spans: 2, spans_rejected: 1, ..ReadReport::default() };
        assert_eq!(report, expected, "{what}");
        assert!(seen.iter().all(|span| span.ids == ([1; 16], 0x0202_0202_0202_0202, None)), "{what}");
    }
}

#[test]
fn odd_but_well_formed_spans_are_read() {
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("an empty parent", with(&field(4, &[]))),
        ("a zero parent", with(&field(4, &[0; 8]))),
        ("a group", with(&[0xa3, 0x01, 0x08, 0x01, 0xa4, 0x01])),
        ("a kind beyond", with(&[6 << 3, 6])),
        ("a negative kind", with(&[6 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])),
        ("a reserved status field", with(&field(15, &field(1, b"x")))),
        ("damage in a value that nobody reads", with(&field(9, &join(&[field(1, b"other"), field(2, &[0x0a, 9])])))),
    ];
    for (what, span) in cases {
        let (seen, report) = read(&among(&span));
        assert_eq!(report, ReadReport { spans: 3, ..ReadReport::default() }, "{what}");
        assert_eq!((seen[1].ids.2, seen[1].kind), (None, 0), "{what}");
    }
}

#[test]
fn a_bad_frame_loses_the_rest_of_its_parent() {
    let span = field(2, &ids());
    let good = field(1, &join(&[field(1, &[]), field(2, &span)]));
    let scoped = |more: &[u8]| field(1, &join(&[field(1, &[]), field(2, &join(&[field(1, &[]), span.clone(), more.to_vec()]))]));
    let cases: Vec<(&str, Vec<u8>, u64, u64)> = vec![
        ("a span beyond its scope", join(&[scoped(&[0x12, 50, 0]), good.clone()]), 2, 1),
        ("an unknown field that is cut", join(&[scoped(&[0x2a, 50, 0]), good.clone()]), 2, 1),
        ("spans that are a number", join(&[scoped(&[0x10, 1]), good.clone()]), 2, 1),
        ("spans after such", join(&[scoped(&join(&[vec![0x10, 1], span.clone()])), good.clone()]), 2, 1),
        ("a second scope that is cut", join(&[scoped(&field(1, &[0x0a, 9])), good.clone()]), 2, 1),
        ("a second resource that is cut", field(1, &join(&[field(1, &[]), field(2, &span), field(1, &[0x0a, 9]), field(2, &span)])), 1, 1),
        ("a resource that is cut", join(&[field(1, &join(&[field(2, &span), field(1, &[0x0a, 9])])), good.clone()]), 1, 1),
        ("damage where the resource may have stood", join(&[field(1, &join(&[field(2, &span), vec![0x0a, 9]])), good.clone()]), 1, 1),
        (
            "a scope that is cut",
            join(&[field(1, &join(&[field(1, &[]), field(2, &join(&[span.clone(), field(1, &[0x0a, 9])]))])), good.clone()]),
            1,
            1,
        ),
        ("resources that are a number", join(&[good.clone(), vec![0x08, 1], good.clone()]), 1, 1),
        ("a request that is cut", join(&[good.clone(), good[..good.len() - 1].to_vec()]), 1, 3),
        ("a scope that runs past its resource", field(1, &join(&[field(1, &[]), vec![0x12, 100], span.clone()])), 1, 1),
        ("nothing but a tag", vec![0x0a], 0, 1),
    ];
    for (what, bytes, spans, frames_rejected) in cases {
        let (_, report) = read(&bytes);
        assert_eq!((report.spans, report.frames_rejected, report.spans_rejected), (spans, frames_rejected, 0), "{what}");
    }
}

#[test]
fn text_that_is_no_utf_8_is_kept() {
    let attribute = field(9, &join(&[field(1, b"order.id"), field(2, &field(1, &[0xff, 0xfe]))]));
    let (seen, _) = read(&among(&with(&join(&[field(5, &[0xc0]), attribute]))));
    assert_eq!(seen[1].name, [0xc0]);
    assert_eq!(seen[1].attributes, [(b"order.id".to_vec(), Value::Str(vec![0xff, 0xfe]))]);
}

#[test]
fn deep_values_end_at_the_limit() {
    let nested = |containers: usize| {
        let mut value = field(1, b"core");
        for _ in 0..containers {
            value = field(5, &field(1, &value));
        }
        field(9, &join(&[field(1, b"order.id"), field(2, &value)]))
    };
    let depth = |mut value: Value| {
        let mut depth = 0;
        while let Value::List(mut inner) = value {
            depth += 1;
            value = inner.pop().unwrap();
        }
        (depth, value)
    };
    let seen = |containers| {
        let (seen, report) = read(&among(&with(&nested(containers))));
        assert_eq!(report.spans, 3);
        depth(seen[1].slots[0][1].clone().unwrap())
    };
    assert_eq!(seen(31), (31, Value::Str(b"core".to_vec())));
    assert_eq!(seen(32), (31, Value::Empty));
    assert_eq!(seen(60), (31, Value::Empty));
}
