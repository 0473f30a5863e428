//! Places in inline rules, which have no lines that a user knows.

use crate::raw::PositionMap;
use crate::source::Span;

use super::node::{Content, Node, compose};
use super::positions;

/// Where something stands in a list of inline rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlinePlace {
    /// Such as `rules[2].always`.
    pub path: String,
    /// Such as `2`, where the place is inside a rule.
    pub rule: Option<usize>,
    /// The decoded text of the scalar at the place; empty where there is none.
    pub text: String,
    /// The range in `text`.
    pub range: Span,
}

/// Finds the innermost value of a JSON list of rules that a span begins in.
#[must_use]
pub fn locate(source: &str, span: Span) -> InlinePlace {
    let mut place = InlinePlace { path: "rules".to_owned(), rule: None, text: String::new(), range: Span::default() };
    if let Ok(Some(root)) = compose(source, 0) {
        descend(&root, source, span, &mut place);
    }
    place
}

fn descend(node: &Node, source: &str, span: Span, place: &mut InlinePlace) {
    let inside = |candidate: &Node| candidate.span.start <= span.start && span.start < candidate.span.end.max(candidate.span.start + 1);
    match &node.content {
        Content::List(items) => {
            if let Some((number, item)) = items.iter().enumerate().find(|(_, item)| inside(item)) {
                place.path.push_str(&format!("[{number}]"));
                place.rule = place.rule.or(Some(number));
                descend(item, source, span, place);
            }
        }
        Content::Map(pairs) => {
            if let Some((key, value)) = pairs.iter().find(|(key, value)| inside(key) || inside(value)) {
                if let Content::Scalar(name) = &key.content {
                    place.path.push('.');
                    place.path.push_str(&name.text);
                }
                if inside(value) {
                    descend(value, source, span, place);
                }
            }
        }
        Content::Scalar(scalar) => {
            let map = positions::map(source, node.span, scalar.style, &scalar.text);
            let length = u32::try_from(scalar.text.len()).unwrap_or(u32::MAX);
            let start = decoded(&map, length, span.start);
            let end = if span.end > span.start { decoded(&map, length, span.end - 1).saturating_add(1) } else { start };
            place.text.clone_from(&scalar.text);
            place.range = Span { start, end: end.clamp(start, length) };
        }
    }
}

/// The first decoded offset that stands at or after a place: offsets only go up.
fn decoded(map: &PositionMap, length: u32, at: u32) -> u32 {
    let (mut low, mut high) = (0, length);
    while low < high {
        let middle = low + (high - low) / 2;
        if map.offset(middle) < at {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
