//! The shorthand form: `span`, `aggregation`, `condition`.

use crate::codes;
use crate::raw::{ExprText, RawShorthand, Spanned};
use crate::source::Span;

use super::expression::{self, Text};
use super::findings::Findings;
use super::keys::{self, Keys};
use super::{rule, scalars};

const SPAN_KEYS: &[&str] = &["service_name", "name", "kind", "status", "attributes"];
const AGGREGATION_KEYS: &[&str] = &["window", "by", "count"];

/// Reads the shorthand keys of a rule; `None` where it has none of them.
pub(super) fn read(findings: &mut Findings, text: Text<'_>, keys: &Keys) -> Option<RawShorthand> {
    let places = ["span", "aggregation", "condition"].map(|key| keys.place(key));
    let first = places.iter().flatten().min_by_key(|span| span.start)?;
    let mut form = RawShorthand {
        service_name: None,
        name: None,
        kind: None,
        status: None,
        attributes: Vec::new(),
        window: None,
        by: Vec::new(),
        count: None,
        condition: keys
            .get("condition")
            .and_then(|node| expression::expression(findings, text, node, "`condition`"))
            .unwrap_or_else(|| ExprText::verbatim("", first.start)),
        span: Span { start: first.start, end: first.end },
    };
    if let Some(node) = keys.get("span") {
        let pairs = scalars::pairs(findings, node, "`span`");
        let span = Keys::read(findings, pairs, "`span`", SPAN_KEYS);
        let word = |findings: &mut Findings, key: &str| span.get(key).and_then(|value| scalars::text(findings, value, &format!("`{key}`")));
        form.service_name = word(findings, "service_name");
        form.name = word(findings, "name");
        form.kind = word(findings, "kind");
        form.status = word(findings, "status");
        if let Some(attributes) = span.get("attributes") {
            let pairs = scalars::pairs(findings, attributes, "`attributes`");
            form.attributes = keys::unique(findings, pairs)
                .into_iter()
                .filter_map(|(key, place, value)| {
                    let value = scalars::scalar(findings, &value, &format!("the attribute `{key}`"))?;
                    Some((Spanned { value: key, span: place }, value))
                })
                .collect();
        }
    }
    if let Some(node) = keys.get("aggregation") {
        let pairs = scalars::pairs(findings, node, "`aggregation`");
        let aggregation = Keys::read(findings, pairs, "`aggregation`", AGGREGATION_KEYS);
        form.window = aggregation.get("window").and_then(|value| scalars::text(findings, value, "`window`"));
        form.by = aggregation.get("by").map(|value| rule::expressions(findings, text, value, "by")).unwrap_or_default();
        form.count = aggregation.get("count").and_then(|value| {
            let written = scalars::text(findings, value, "`count`")?;
            match written.value.parse() {
                Ok(count) => Some(Spanned { value: count, span: written.span }),
                Err(_) => {
                    let message = format!("`count` must be a whole number, but it is `{}`", written.value);
                    let _ = findings.error(codes::WRONG_TYPE, written.span, message);
                    None
                }
            }
        });
    }
    Some(form)
}
