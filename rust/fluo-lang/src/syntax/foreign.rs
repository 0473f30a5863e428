//! Operators of other languages, and what to write here.

const SIGNS: [(&str, &str); 12] = [
    ("=~", "a regular expression is tested with `matches`: `http.route matches '^/api'`"),
    ("!~", "write `not (… matches '…')`"),
    ("===", "write `==`"),
    ("!==", "write `!=`"),
    ("<>", "write `!=`"),
    ("=>", "write `>=`, or `implies`"),
    ("->", "write `implies`"),
    ("=<", "write `<=`"),
    ("?", "there is no conditional operator; `coalesce(f, 'none')` gives a default"),
    ("**", "there is no power operator"),
    (";", "a rule has one expression; join two with `and`"),
    ("{", "there are no braces in an expression; a spanset is filtered with `trace.spans.where(…)`"),
];

const TEXT: &str = "write `==`, `contains`, `starts_with`, `ends_with` or `matches`";
const RELATION: &str = "a relation is asked of the spans of a spanset: `trace.has(a.b).any(preceded_by(c.d))`";

const WORDS: [(&str, &str); 29] = [
    ("is", "write `==`; `exists(f)` and `missing(f)` ask whether there is a value"),
    ("eq", "write `==`"),
    ("equals", "write `==`"),
    ("ne", "write `!=`"),
    ("gt", "write `>`"),
    ("gte", "write `>=`"),
    ("lt", "write `<`"),
    ("lte", "write `<=`"),
    ("like", TEXT),
    ("ilike", TEXT),
    ("rlike", "write `matches`"),
    ("regex", "write `matches`"),
    ("regexp", "write `matches`"),
    ("match", "write `matches`"),
    ("startswith", "write `starts_with`"),
    ("endswith", "write `ends_with`"),
    ("has", "write `contains`, or `trace.has(a.b)` for a spanset"),
    ("includes", "write `contains`"),
    ("between", "write `a <= x and x <= b`"),
    ("xor", "write `(a or b) and not (a and b)`"),
    ("unless", "write `and not (…)`"),
    ("then", "write `implies`, or put the condition into `when:`"),
    ("where", "a spanset is filtered by a method: `trace.spans.where(…)`"),
    ("by", "a spanset is grouped by a method: `trace.spans.by(…)`"),
    ("preceded_by", RELATION),
    ("followed_by", RELATION),
    ("has_child", RELATION),
    ("has_parent", RELATION),
    ("overlaps", RELATION),
];

/// The sign at the front of the text, and what to write instead.
pub(super) fn sign(input: &str) -> Option<(&'static str, &'static str)> {
    SIGNS.into_iter().find(|(op, _)| input.starts_with(op))
}

/// What to write instead of a word that stands where an operator does.
pub(super) fn word(word: &str) -> Option<&'static str> {
    WORDS.into_iter().find(|(theirs, _)| word.eq_ignore_ascii_case(theirs)).map(|(_, help)| help)
}
