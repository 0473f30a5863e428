//! The words of the language, and what was probably meant by others.

use crate::program::FieldKey;

/// The intrinsics of a span.
pub(crate) const INTRINSICS: [&str; 10] =
    ["name", "service", "kind", "status", "status_message", "duration", "trace_id", "span_id", "parent_id", "scope_name"];

/// The members of `kind`.
pub(crate) const KINDS: [&str; 5] = ["internal", "server", "client", "producer", "consumer"];

/// The members of `status`.
pub(crate) const STATUSES: [&str; 3] = ["unset", "ok", "error"];

/// First words with a meaning of their own: a dotted name that begins with one is no attribute and no span name.
pub(crate) const PREFIXES: [&str; 11] =
    ["span", "resource", "scope", "event", "link", "parent", "root", "trace", "spans", "traces", "attr"];

/// Words that are operators or literals.
pub(crate) const KEYWORDS: [&str; 11] =
    ["and", "or", "not", "in", "implies", "contains", "starts_with", "ends_with", "matches", "true", "false"];

/// The methods of a spanset.
pub(crate) const METHODS: [&str; 30] = [
    "where",
    "by",
    "within",
    "count",
    "distinct",
    "sum",
    "min",
    "max",
    "avg",
    "p50",
    "p90",
    "p95",
    "p99",
    "quantile",
    "rate",
    "concurrent",
    "longest_run",
    "exists",
    "empty",
    "any",
    "all",
    "none",
    "children",
    "parents",
    "descendants",
    "ancestors",
    "first",
    "last",
    "has",
    "spans",
];

/// What may follow `trace.`.
pub(crate) const TRACE_MEMBERS: [&str; 6] = ["spans", "has", "count", "root", "depth", "duration"];

/// The functions of a predicate.
pub(crate) const FUNCTIONS: [&str; 17] = [
    "exists",
    "missing",
    "attr",
    "event",
    "link",
    "coalesce",
    "lower",
    "extract",
    "shape",
    "has_parent",
    "has_child",
    "has_ancestor",
    "has_descendant",
    "has_sibling",
    "preceded_by",
    "followed_by",
    "overlaps",
];

/// Words of other languages, and ours.
const ELSEWHERE: [(&str, &str); 30] = [
    ("filter", "where"),
    ("select", "where"),
    ("group_by", "by"),
    ("groupby", "by"),
    ("over", "within"),
    ("window", "within"),
    ("last_minutes", "within"),
    ("size", "count"),
    ("len", "count"),
    ("length", "count"),
    ("count_distinct", "distinct"),
    ("unique", "distinct"),
    ("mean", "avg"),
    ("average", "avg"),
    ("median", "p50"),
    ("percentile", "quantile"),
    ("is_empty", "empty"),
    ("child", "children"),
    ("parent", "parents"),
    ("descendant", "descendants"),
    ("ancestor", "ancestors"),
    ("before", "followed_by"),
    ("after", "preceded_by"),
    ("startswith", "starts_with"),
    ("regex", "matches"),
    ("attribute", "attr"),
    ("attributes", "attr"),
    ("service_name", "service"),
    ("span_kind", "kind"),
    ("span_name", "name"),
];

/// The intrinsic of a word.
pub(crate) fn intrinsic(word: &str) -> Option<FieldKey> {
    Some(match word {
        "name" => FieldKey::Name,
        "service" => FieldKey::Service,
        "kind" => FieldKey::Kind,
        "status" => FieldKey::Status,
        "status_message" => FieldKey::StatusMessage,
        "duration" => FieldKey::Duration,
        "trace_id" => FieldKey::TraceId,
        "span_id" => FieldKey::SpanId,
        "parent_id" => FieldKey::ParentId,
        "scope_name" => FieldKey::ScopeName,
        _ => return None,
    })
}

/// Whether a text is a word.
pub(crate) fn is_word(text: &str) -> bool {
    is_segment(text) && !text.starts_with(|c: char| c.is_ascii_digit())
}

fn is_segment(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether a text can be written as a dotted or single word that begins with none of the language's own words.
pub(crate) fn is_plain_path(text: &str) -> bool {
    let mut segments = text.split('.');
    segments.next().is_some_and(|first| is_word(first) && !PREFIXES.contains(&first) && !KEYWORDS.contains(&first))
        && segments.all(is_segment)
}

/// Whether a text can be written without quotes as the name of a span.
pub(crate) fn is_bare_name(text: &str) -> bool {
    let first = text.split('.').next().unwrap_or_default();
    text.contains('.') && is_plain_path(text) && intrinsic(first).is_none()
}

/// The known word that was meant, where another language calls it so or it is near enough.
pub(crate) fn did_you_mean<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let lower = word.to_ascii_lowercase();
    let foreign = ELSEWHERE.iter().find(|(theirs, _)| *theirs == lower).map(|(_, ours)| *ours);
    if let Some(ours) = foreign.and_then(|ours| known.iter().find(|k| **k == ours)) {
        return Some(ours);
    }
    let limit = match word.len() {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    };
    known
        .iter()
        .map(|candidate| (distance(&lower, candidate), *candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits between two words: insertions, deletions, replacements and swaps of neighbours. Words beyond 64 bytes are not looked at.
pub(crate) fn distance(left: &str, right: &str) -> usize {
    if left.len() > 64 || right.len() > 64 {
        return usize::MAX;
    }
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    let at = |row: &[usize], k: usize| row.get(k).copied().unwrap_or(usize::MAX / 2);
    for (i, l) in left.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let mut best = (at(&row, j) + usize::from(l != r)).min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            if i > 0 && j > 0 && left.get(i - 1) == Some(r) && right.get(j - 1) == Some(l) {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    at(&row, right.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_and_foreign_words_are_understood_and_far_ones_are_not() {
        for (word, known, meant) in [
            ("cuont", &METHODS[..], Some("count")),
            ("filter", &METHODS[..], Some("where")),
            ("servce", &INTRINSICS[..], Some("service")),
            ("preceeded_by", &FUNCTIONS[..], Some("preceded_by")),
            ("amount", &INTRINSICS[..], None),
            ("user", &INTRINSICS[..], None),
            ("x", &INTRINSICS[..], None),
        ] {
            assert_eq!(did_you_mean(word, known), meant, "{word}");
        }
    }

    #[test]
    fn names_that_need_no_quotes() {
        for name in ["payment.charge", "a.2xx"] {
            assert!(is_bare_name(name), "{name}");
        }
        for name in ["charge", "service.call", "not.me", "trace.x", "a.", "2a.b", "a b.c", "payment.*", ""] {
            assert!(!is_bare_name(name), "{name}");
        }
        assert!(is_plain_path("service.name"), "as a field");
    }
}
