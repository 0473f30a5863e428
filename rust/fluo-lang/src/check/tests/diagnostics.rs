//! Every code, with the text it points at.

use std::fmt::Write;

use super::{file, load};
use crate::codes;
use crate::diagnostic::DiagnosticSeverity;
use crate::limits::Limits;
use crate::source::{Source, SourceKind};

/// Expressions of an `always` (or `never`) rule, the code they get and the text it points at.
const EXPRESSIONS: &[(&str, &str, &str, &str)] = &[
    // Syntax.
    ("never", "trace.has(a.b) ^ trace.has(c.d)", codes::CHARACTER, "^"),
    ("never", "trace.spans.within(5min).count() > 5", codes::NUMBER, "5min"),
    ("never", "trace.has('a.b)", codes::UNTERMINATED, "'a.b)"),
    ("never", r"trace.has('a\db')", codes::ESCAPE, r"\d"),
    ("never", r"trace.spans.any(a.b == 'C:\dir')", codes::ESCAPE, r"\d"),
    ("never", "trace.spans.any(a.b =~ 'x')", codes::FOREIGN_OPERATOR, "=~"),
    ("never", "trace.spans.any(a.b = 'x')", codes::FOREIGN_OPERATOR, "="),
    ("never", "trace.has(a.b) AND trace.has(c.d)", codes::KEYWORD_CASE, "AND"),
    ("never", "trace.has(a.b) trace.has(c.d)", codes::UNEXPECTED, "trace"),
    ("never", "trace.has(a.b", codes::UNCLOSED, "("),
    ("never", "1 < trace.spans.count() < 3", codes::CHAINED_COMPARISON, "<"),
    // Names.
    ("never", "$storm.count() > 5", codes::UNKNOWN_DEFINE, "$storm"),
    ("never", "trace.spans.filter(a.b).count() > 5", codes::UNKNOWN_METHOD, "filter"),
    ("never", "trace.span.count() > 5", codes::UNKNOWN_METHOD, "span"),
    ("never", "trace.spans.cuont() > 5", codes::UNKNOWN_METHOD, "cuont"),
    ("never", "trace.spans.any(http.route.contains('x'))", codes::UNKNOWN_METHOD, "contains"),
    ("never", "trace.spans.count().count() > 5", codes::UNKNOWN_METHOD, "count"),
    ("never", "trace.has(preceeded_by(a.b))", codes::UNKNOWN_FUNCTION, "preceeded_by"),
    ("never", "trace.spans.any(kind == srever)", codes::ENUM_MEMBER, "srever"),
    ("never", "trace.spans.any(kind == 'Server')", codes::ENUM_MEMBER, "'Server'"),
    ("never", "trace.spans.any(status in [ok, failed])", codes::ENUM_MEMBER, "failed"),
    ("never", "trace.has(status)", codes::RESERVED_NAME, "status"),
    ("never", "trace.has(service.start)", codes::RESERVED_NAME, "service.start"),
    ("never", "trace.has(parent.x.y)", codes::RESERVED_NAME, "parent.x.y"),
    ("never", "payment.charge", codes::BARE_FIELD, "payment.charge"),
    ("never", "service == 'x'", codes::BARE_FIELD, "service"),
    ("never", "'payment.charge'", codes::BARE_FIELD, "'payment.charge'"),
    ("never", "has_parent(a.b)", codes::BARE_FIELD, "has_parent"),
    ("never", "trace.has(trace.has(a.b))", codes::SCOPE_IN_PREDICATE, "trace.has(a.b)"),
    ("never", "trace.spans.any(amount > trace.depth)", codes::SCOPE_IN_PREDICATE, "trace.depth"),
    ("never", "trace.spans.any(parent.service == service)", codes::INTRINSIC_LITERAL, "service"),
    ("never", "trace.spans.any(span == 1)", codes::UNKNOWN_FIELD, "span"),
    ("never", "trace.spans.any(parent.parent.name == x)", codes::UNKNOWN_FIELD, "parent.parent.name"),
    ("never", "traces.count() > 5", codes::RESERVED_SCOPE, "traces"),
    ("never", "trace.spans.any(status >= 500)", codes::SHADOWED, "500"),
    ("never", "trace.spans.any(kind == 3)", codes::SHADOWED, "3"),
    // Types.
    ("never", "trace.spans.count()", codes::NOT_A_TRUTH, "trace.spans.count()"),
    ("never", "trace.has(5)", codes::NOT_A_TRUTH, "5"),
    ("never", "trace.has(lower(a.b))", codes::NOT_A_TRUTH, "lower"),
    ("never", "trace.spans > 5", codes::NOT_A_VALUE, "trace.spans"),
    ("never", "trace.spans.any((a.b == 1) == true)", codes::NOT_A_VALUE, "a.b == 1"),
    ("never", "trace.spans.any(a.b in http.x)", codes::NOT_A_LIST, "http.x"),
    ("never", "trace.spans.any(duration == 'slow')", codes::TYPES, "duration == 'slow'"),
    ("never", "trace.spans.any(duration > http.timeout)", codes::TYPES, "duration > http.timeout"),
    ("never", "trace.spans.count() == 'many'", codes::TYPES, "trace.spans.count() == 'many'"),
    ("never", "trace.spans.any(duration > 500)", codes::DURATION_UNIT, "duration > 500"),
    ("never", "trace.spans.any(duration in [1, 2s])", codes::DURATION_UNIT, "1"),
    ("never", "trace.spans.any(duration + 5 > 1s)", codes::DURATION_UNIT, "+"),
    ("never", "trace.spans.within(60).count() > 5", codes::DURATION_UNIT, "60"),
    ("never", "trace.spans.any(verified > true)", codes::NO_ORDER, "verified > true"),
    ("never", "trace.spans.any(kind > server)", codes::NO_ORDER, "kind > server"),
    ("never", "trace.spans.any(a.b > 1 / 0)", codes::ARITHMETIC, "/"),
    ("never", "trace.spans.sum(kind) > 5", codes::ARITHMETIC, "kind"),
    ("never", "trace.spans.any(duration * duration > 1s)", codes::ARITHMETIC, "*"),
    ("never", "trace.spans.any(a.b matches '(')", codes::REGEX, "'('"),
    ("never", r"trace.spans.any(a.b matches '(a)\1')", codes::REGEX, r"'(a)\1'"),
    ("never", "trace.spans.any(extract(a.b, 'x') == y)", codes::REGEX, "'x'"),
    ("never", "trace.spans.any(a.b matches '.{5000}{50}')", codes::REGEX_TOO_LARGE, "'.{5000}{50}'"),
    ("never", "trace.spans.count(a.b) > 5", codes::ARGUMENTS, "count"),
    ("never", "trace.spans.count > 5", codes::ARGUMENTS, "count"),
    ("never", "trace.has(a.b, c.d)", codes::ARGUMENTS, "(a.b, c.d)"),
    ("never", "trace.spans.any(event(user == x))", codes::ARGUMENTS, "user == x"),
    ("never", "trace.spans.children() and trace.has(a.b)", codes::ARGUMENTS, "children"),
    ("never", "trace.has(has_parent(a.b, within=1s))", codes::OPTION, "within"),
    ("never", "trace.has(preceded_by(a.b, withn=1s))", codes::OPTION, "withn"),
    ("never", "trace.has(preceded_by(a.b, same=x.y, same=x.y))", codes::OPTION, "same"),
    ("never", "spans.any(preceded_by(a.b, within=1s))", codes::OPTION, "preceded_by(a.b, within=1s)"),
    ("never", "trace.spans.where(limit=5)", codes::FOREIGN_OPERATOR, "limit"),
    ("never", "trace.has(has_child(service = auth))", codes::FOREIGN_OPERATOR, "service"),
    ("never", "trace.spans.any(a.b matches c.d)", codes::NOT_A_LITERAL, "c.d"),
    ("never", "trace.spans.quantile(duration, 95) > 1s", codes::NOT_A_LITERAL, "95"),
    ("never", "trace.has(preceded_by(a.b, at_least=0))", codes::NOT_A_LITERAL, "0"),
    ("never", "trace.spans.any(a.b in [c + 1])", codes::NOT_A_LITERAL, "c + 1"),
    ("never", "trace.spans.any(1000 < amount)", codes::LITERAL_LEFT, "amount"),
    ("never", "trace.spans.any(service == auth-service)", codes::HYPHEN, "auth-service"),
    ("never", "trace.spans.any(a.b == [x, y])", codes::LIST_EQUALITY, "[x, y]"),
    ("never", "trace.spans.any(event('E', parent.x == 1))", codes::ITEM_PREDICATE, "parent.x"),
    ("never", "trace.spans.any(event('E', has_child(a.b)))", codes::ITEM_PREDICATE, "has_child(a.b)"),
    ("never", "trace.spans.any(event('E', login.ok))", codes::ITEM_PREDICATE, "login.ok"),
    ("never", "trace.spans.by('user').count() > 5", codes::NOT_A_FIELD, "'user'"),
    ("never", "trace.root == 'x'", codes::NOT_A_FIELD, "root"),
    // Scopes.
    ("never", "trace.has(a.b) and spans.within(1m).count() > 5", codes::MIXED_SCOPES, "spans"),
    ("never", "spans.where(kind == server).count() > 5", codes::NEEDS_WITHIN, "spans.where(kind == server).count()"),
    ("never", "spans.where(a.b)", codes::NEEDS_WITHIN, "spans.where(a.b)"),
    ("never", "spans.any(kind == server)", codes::NEEDS_WITHIN, "spans.any(kind == server)"),
    ("never", "trace.spans.rate() > 5", codes::NEEDS_WITHIN, "trace.spans.rate()"),
    ("never", "trace.spans.by(user).by(user).count() > 5", codes::REPEATED_METHOD, "by"),
    ("never", "trace.spans.within(1m).within(1m).count() > 5", codes::REPEATED_METHOD, "within"),
    ("never", "trace.spans.by(user).count() > 5 and trace.spans.by(order).count() > 5", codes::BY_DIFFERS, "by"),
    ("never", "spans.where(parent.service == 'x').within(1m).count() > 5", codes::TRACE_ONLY, "parent.service"),
    ("never", "spans.where(has_child(a.b)).within(1m).count() > 5", codes::TRACE_ONLY, "has_child"),
    ("never", "spans.where(overlaps(a.b)).within(1m).count() > 5", codes::TRACE_ONLY, "overlaps"),
    ("never", "spans.where(a.b).children.within(1m).count() > 5", codes::TRACE_ONLY, "children"),
    ("always", "spans.where(kind == server).concurrent() >= 5", codes::CONCURRENT_BOUND, "spans.where(kind == server).concurrent() >= 5"),
    ("never", "spans.where(kind == server).concurrent() < 5", codes::CONCURRENT_BOUND, "spans.where(kind == server).concurrent() < 5"),
    (
        "never",
        "spans.where(kind == server).concurrent() * 2 > 5",
        codes::CONCURRENT_BOUND,
        "spans.where(kind == server).concurrent() * 2 > 5",
    ),
    ("never", "trace.spans.by(user).children.count() > 5", codes::MISPLACED_METHOD, "children"),
    ("never", "spans.within(1m).concurrent() > 5", codes::MISPLACED_METHOD, "spans.within(1m).concurrent()"),
    ("never", "(trace.depth).count() > 5", codes::NOT_A_SPANSET, "trace.depth"),
    ("never", "trace == 5", codes::NOT_A_SPANSET, "trace"),
    // Applicability.
    ("always", "trace.has(a.b)", codes::NEVER_VIOLABLE, "trace.has(a.b)"),
    (
        "always",
        "trace.has(a.b) or trace.count(c.d) >= 1 or not trace.has(e.f).empty()",
        codes::NEVER_VIOLABLE,
        "trace.has(a.b) or trace.count(c.d) >= 1 or not trace.has(e.f).empty()",
    ),
    ("always", "0 < trace.count(c.d)", codes::NEVER_VIOLABLE, "0 < trace.count(c.d)"),
];

/// Expressions that load, the hint they get and the text it points at.
const HINTS: &[(&str, &str, &str, &str)] = &[
    ("never", "trace.has(a.b).sum(n) > 5", codes::SUM_WAITS, "trace.has(a.b).sum(n)"),
    ("always", "500 > trace.has(a.b).sum(n)", codes::SUM_WAITS, "trace.has(a.b).sum(n)"),
    ("always", "spans.where(kind == server).within(1m).sum(n) <= 5", codes::SUM_WAITS, "spans.where(kind == server).within(1m).sum(n)"),
    ("never", "trace.has(charge)", codes::BARE_NAME, "charge"),
    ("never", "trace.has(a.b).all(status == error)", codes::NEVER_ALL, "all"),
    ("never", "trace.has(kind == server and user not in [bob, eve])", codes::NOT_IN, "user not in [bob, eve]"),
    ("always", "trace.spans.where(kind == server).none(user not in [bob])", codes::NOT_IN, "user not in [bob]"),
    ("always", "trace.count(a.b) > 5 implies trace.has(c.d)", codes::VACUOUS_IMPLIES, "trace.count(a.b) > 5 implies trace.has(c.d)"),
    ("never", "trace.has(a.b) implies trace.has(c.d)", codes::VACUOUS_IMPLIES, "trace.has(a.b) implies trace.has(c.d)"),
    ("always", "trace.has(a.b).all(kind == client implies status == ok)", codes::VACUOUS_IMPLIES, "all"),
    ("never", "trace.spans.where(service == 'auth').count() > 50", codes::BOTH_SIDES, "trace.spans.where(service == 'auth').count()"),
    (
        "never",
        "trace.has(status == error and http.status_code == 404)",
        codes::STATUS_OF_4XX,
        "status == error and http.status_code == 404",
    ),
    ("never", r"trace.has(kind == server and attr('*') matches '\d{16}')", codes::ALL_ATTRIBUTES, "attr"),
    (
        "never",
        "trace.spans.where(http.route == '/x').count() > 3",
        codes::DROPPED_ATTRIBUTES,
        "trace.spans.where(http.route == '/x').count()",
    ),
    (
        "always",
        "trace.spans.where(kind == consumer and service == 'a').all(preceded_by(kind == consumer and service == 'b'))",
        codes::ORDER_UNDECIDABLE,
        "all",
    ),
    ("never", "trace.spans.count() < 0", codes::CONSTANT_RULE, "trace.spans.count() < 0"),
    ("always", "trace.count(a.b) >= 0", codes::CONSTANT_RULE, "trace.count(a.b) >= 0"),
    ("always", "false", codes::CONSTANT_RULE, "false"),
    ("never", "trace.has(a.b and c.d)", codes::NEVER_HOLDS, "a.b and c.d"),
    ("never", "trace.has(service == 'a' and service == 'b')", codes::NEVER_HOLDS, "service == 'a' and service == 'b'"),
    ("never", "trace.has(kind == server and a.b in [])", codes::NEVER_HOLDS, "[]"),
    ("never", "trace.has(trace_id == 'ABC')", codes::NEVER_HOLDS, "trace_id == 'ABC'"),
    ("never", "trace.has(kind == server and x > 5 and x < 3)", codes::NEVER_HOLDS, "kind == server and x > 5 and x < 3"),
    ("never", "trace.has(kind == server and x.y >= 5 and 5 > x.y)", codes::NEVER_HOLDS, "kind == server and x.y >= 5 and 5 > x.y"),
    ("never", "trace.has(kind == server and x == 4 and x > 5)", codes::NEVER_HOLDS, "kind == server and x == 4 and x > 5"),
    ("never", "trace.has(kind == server and (x > 5 or x < 7))", codes::NEVER_HOLDS, "x > 5 or x < 7"),
    ("never", "trace.has(kind == server and (x != 'a' or x != 'b'))", codes::NEVER_HOLDS, "x != 'a' or x != 'b'"),
    ("never", "trace.count(a.b) > 5 and trace.count(a.b) < 3", codes::NEVER_HOLDS, "trace.count(a.b) > 5 and trace.count(a.b) < 3"),
    ("never", "trace.has(duration > 5s and duration <= 5s)", codes::NEVER_HOLDS, "duration > 5s and duration <= 5s"),
    ("never", "trace.has(duration < 0s)", codes::NEVER_HOLDS, "duration < 0s"),
    ("never", "trace.has(duration >= -1ms)", codes::NEVER_HOLDS, "duration >= -1ms"),
    ("never", "trace.has(trace_id == 5)", codes::NEVER_HOLDS, "trace_id == 5"),
    ("never", "trace.count(a.b) == 1.5", codes::NEVER_HOLDS, "trace.count(a.b) == 1.5"),
    ("never", "trace.has(kind == server and exists(x) and missing(x))", codes::NEVER_HOLDS, "kind == server and exists(x) and missing(x)"),
    ("never", "trace.has(kind == server and missing(x) and x == 3)", codes::NEVER_HOLDS, "kind == server and missing(x) and x == 3"),
    ("never", "trace.has(status == ok and not (status == ok))", codes::NEVER_HOLDS, "status == ok and not (status == ok)"),
    (
        "never",
        "trace.has(kind == server and (status == ok or not (status == ok)))",
        codes::NEVER_HOLDS,
        "status == ok or not (status == ok)",
    ),
    (
        "never",
        "trace.has(kind in [client, producer] and kind == server)",
        codes::NEVER_HOLDS,
        "kind in [client, producer] and kind == server",
    ),
    ("never", "trace.has(name == 'payment.*')", codes::GLOB_COMPARED, "name == 'payment.*'"),
    ("never", "trace.has(span.kind == server)", codes::SCOPED_INTRINSIC, "span.kind"),
    ("always", "trace.has(a.b) or trace.depth < 3", codes::CONSTANT_RULE, "trace.has(a.b) or trace.depth < 3"),
    ("never", "trace.has(kind == server and 'a' == 'b')", codes::NEVER_HOLDS, "'a' == 'b'"),
    ("never", "trace.has(servce == 'x')", codes::NEAR_INTRINSIC, "servce"),
    ("never", "trace.has(service_name == 'x')", codes::NEAR_INTRINSIC, "service_name"),
    ("never", "trace.has(kind == server and x == null)", codes::NULL_WORD, "null"),
];

/// Claims that are right: no hint.
const QUIET: &[(&str, &str)] = &[
    ("always", "trace.has(a.b) implies trace.has(c.d)"),
    ("never", "trace.has(kind == server and not (user in [bob]))"),
    ("always", "trace.spans.where(kind == server).all(user not in [bob])"),
    ("never", "trace.has(a.b) and trace.has(a.b).all(status == error)"),
    ("always", "trace.has(a.b).all(status == ok)"),
    ("never", "trace.spans.where(service == 'auth' and kind == server).count() > 50"),
    ("never", "trace.has(status == error and kind == client and http.status_code == 404)"),
    ("never", "trace.has('a.*' and 'b.*')"),
    ("never", "trace.has(kind == server and tier not in [gold] and exists(tier))"),
    ("never", "trace.has(kind == server and http.route == '/x')"),
    ("never", "trace.has(amount > 1000 and user == bob and charge.it)"),
    ("always", "trace.spans.where(kind == server and service == 'a').all(preceded_by(service == 'b'))"),
    ("never", "trace.spans.where(service == 'auth').p95(duration) > 1s"),
    ("never", "trace.has(kind == server and x > 3 and x < 5)"),
    ("never", "trace.has(kind == server and (x < 3 or x > 5))"),
    ("never", "trace.has(kind == server and x >= 5 and x <= 5)"),
    ("never", "trace.has(kind == server and event.x > 5 and event.x < 3)"),
    ("never", "trace.has(kind == server and x > 'b' and x < 5)"),
    ("never", "trace.has(kind == server and tag == 'a' and tag == 'b')"),
    ("never", "trace.has(kind == server and x != 'a' and x != 'b')"),
    ("never", "trace.has(a.b and n >= 0).sum(n) > 5"),
    ("never", "trace.has(a.b).sum(n) < 5"),
    ("never", "trace.has(a.b).sum(duration) > 5s"),
    ("never", "trace.has(duration > 0s)"),
    ("never", "trace.has(kind == server and missing(x) and exists(y))"),
    ("never", "trace.has(kind in [client, server] and kind == server)"),
    ("never", "trace.has(kind == server and (missing(x) or x == 3))"),
];

/// Whole files.
const FILES: &[(&str, &str, &str)] = &[
    ("- name: r\n  never: ''\n", codes::EMPTY, "''"),
    ("- name: r\n  never: 'trace.has(a.b) # why'\n", codes::COMMENT, "# why"),
    ("- name: r\n  never: trace.has(a.b) and\n", codes::UNEXPECTED_END, ""),
    ("define: {a: $b, b: $a}\nrules:\n- name: r\n  never: trace.has($a)\n", codes::DEFINE_CYCLE, "a"),
    ("define: {a: $b, b: $a}\nrules:\n- name: r\n  never: trace.has($a)\n", codes::DEFINE_CYCLE, "b"),
    ("define: {a b: x.y}\nrules:\n- name: r\n  never: trace.has(a.b)\n", codes::DEFINE_NAME, "a b"),
    ("define: {a: x.y}\nrules:\n- name: r\n  never: trace.has(a.b)\n", codes::UNUSED_DEFINE, "a"),
    ("- name: a b\n  never: trace.has(a.b)\n", codes::RULE_NAME, "a b"),
    ("- name: r\n  never: trace.has(a.b)\n- name: r\n  never: trace.has(c.d)\n", codes::DUPLICATE_RULE, "r"),
    ("- name: r\n  never: trace.has(a.b)\n  when: false\n", codes::CONSTANT_RULE, "trace.has(a.b)"),
    ("- name: r\n  when: trace.has(a.b)\n  never: spans.where(a.b).within(1m).count() > 5\n", codes::MIXED_SCOPES, "trace"),
    ("- name: r\n  severity: error\n", codes::NO_CLAIM, "r"),
    ("- name: r\n  never: trace.has(a.b)\n  always: trace.has(a.b)\n", codes::TWO_CLAIMS, "r"),
    ("- name: r\n  span: {name: x}\n  condition: gt(count, 5)\n  always: trace.has(a.b)\n", codes::TWO_CLAIMS, "r"),
    ("- name: r\n  never: trace.has(a.b)\n  message: 'a {trace.depth'\n", codes::MESSAGE, "{"),
    ("- name: r\n  never: trace.has(a.b)\n  message: 'a {trace.depth}'\n", codes::MESSAGE_VALUE, "trace.depth"),
    ("- name: r\n  never: trace.has(a.b)\n  message: 'a {user.id}'\n", codes::MESSAGE_VALUE, "user.id"),
    ("- name: r\n  never: trace.has(a.b)\n  show: [lower(user)]\n", codes::SHOW, "lower(user)"),
    ("- name: r\n  span: {name: x}\n  condition: count > 5\n", codes::CONDITION, "count > 5"),
    ("- name: r\n  span: {kind: srever}\n  condition: gt(count, 5)\n", codes::ENUM_MEMBER, "srever"),
    ("- name: r\n  span: {name: x}\n  aggregation: {window: fast}\n  condition: gt(count, 5)\n", codes::DURATION_UNIT, "fast"),
    ("- name: r\n  never: trace.has(a.b)\n  repeat_after: 1h\n", codes::REPEAT_AFTER, "1h"),
    ("- name: r\n  never: spans.within(1m).count() > 5\n  repeat_after: often\n", codes::REPEAT_AFTER, "often"),
];

fn found(text: &str, limits: &Limits) -> Vec<(&'static str, DiagnosticSeverity, String)> {
    let source = Source { name: "rules.yml".to_owned(), text: text.to_owned(), kind: SourceKind::File };
    let loaded = crate::load(&[source], limits);
    let slice = |start: u32, end: u32| text.get(start as usize..end as usize).unwrap_or("<outside>").trim().to_owned();
    loaded.diagnostics.iter().map(|d| (d.code, d.severity, slice(d.span.start, d.span.end))).collect()
}

#[test]
fn every_mistake_has_its_code_and_its_place() {
    let mut wrong = String::new();
    for (key, expression, code, place) in EXPRESSIONS {
        let all = found(&file(key, expression), &Limits::default());
        let errors: Vec<_> = all.iter().filter(|d| d.1 == DiagnosticSeverity::Error).collect();
        if !matches!(errors.as_slice(), [only] if only.0 == *code && only.2 == *place) {
            let _ = writeln!(wrong, "{expression}: expected {code} at `{place}`, found {errors:?}");
        }
    }
    for (text, code, place) in FILES {
        let all = found(text, &Limits::default());
        if !all.iter().any(|d| d.0 == *code && d.2 == *place) {
            let _ = writeln!(wrong, "{text}: expected {code} at `{place}`, found {all:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_hint_has_its_code_and_its_place() {
    let mut wrong = String::new();
    for (key, expression, code, place) in HINTS {
        let all = found(&file(key, expression), &Limits::default());
        let fits = all.iter().any(|d| d.0 == *code && d.2 == *place);
        if !fits || all.iter().any(|d| d.1 == DiagnosticSeverity::Error) {
            let _ = writeln!(wrong, "{expression}: expected {code} at `{place}`, found {all:?}");
        }
    }
    for (key, expression) in QUIET {
        let all = found(&file(key, expression), &Limits::default());
        if !all.is_empty() {
            let _ = writeln!(wrong, "{expression}: found {all:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn limits_are_errors_of_their_own() {
    let limits = Limits { text_bytes: 60, nesting: 8, rules: 2, regex_bytes: 1 << 12, list_items: 3, ..Limits::default() };
    let one = |text: &str| found(&file("never", text), &limits).first().map(|d| d.0);
    assert_eq!(one(&format!("trace.has({})", "a.b or ".repeat(20))), Some(codes::TEXT_TOO_LONG));
    assert_eq!(one("trace.has(((((((((((a.b)))))))))))"), Some(codes::NESTING));
    assert_eq!(one("trace.has(kind == server and a.b in [1, 2, 3, 4])"), Some(codes::LIST_TOO_LONG));
    assert_eq!(one(r"trace.has(kind == server and a.b matches '\pL{9}')"), Some(codes::REGEX_TOO_LARGE));
    let many = "- name: a\n  never: trace.has(a.b)\n- name: b\n  never: trace.has(a.b)\n- name: c\n  never: trace.has(a.b)\n";
    assert_eq!(found(many, &limits).first().map(|d| d.0), Some(codes::TOO_MANY_RULES));
    // A define that doubles itself ten times over is a thousand times as large.
    let mut bomb = "define:\n  a0: x.y or z.w\n".to_owned();
    for n in 1..20 {
        let _ = writeln!(bomb, "  a{n}: $a{} or $a{}", n - 1, n - 1);
    }
    bomb.push_str("rules:\n- name: r\n  never: trace.has($a19)\n");
    assert!(found(&bomb, &Limits::default()).iter().any(|d| d.0 == codes::TOO_LARGE));
    // Defines that nest into each other stop before the stack does.
    let mut tower = "define:\n  a0: x.y\n".to_owned();
    for n in 1..5000 {
        let _ = writeln!(tower, "  a{n}: not (a.b and $a{})", n - 1);
    }
    tower.push_str("rules:\n- name: r\n  never: trace.has($a4999)\n");
    assert!(found(&tower, &Limits::default()).iter().any(|d| d.0 == codes::NESTING));
}

#[test]
fn the_deepest_rule_that_loads_fits_the_stack_of_a_small_thread() {
    let worst = [
        format!("trace.has({}a.b{})", "has_parent(".repeat(120), ")".repeat(120)),
        format!("trace.has({}a.b{})", "(".repeat(120), ")".repeat(120)),
        format!("trace.has({}a.b)", "not ".repeat(120)),
        format!("trace.has({}a.b{})", "(x.y or z.w and ".repeat(120), ")".repeat(120)),
        format!("trace.has({}a.b{})", "has_child(x.y or z.w and ".repeat(120), ")".repeat(120)),
        format!("trace.has(x.y > {}a.b{})", "1 + (".repeat(55), ")".repeat(55)),
        format!("trace.has(x.y > {}a.b{})", "lower(".repeat(110), ")".repeat(110)),
        format!("{}trace.has(a.b){}", "(x.y implies ".replace("x.y", "trace.has(c.d)").repeat(55), ")".repeat(55)),
    ];
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    let run = move || {
        for claim in worst {
            let loaded = load(&file("never", &claim));
            assert!(loaded.rules.is_some(), "{claim}: {:?}", loaded.diagnostics);
        }
    };
    thread.spawn(run).unwrap().join().unwrap();
}

#[test]
fn ten_thousand_rules_load_in_a_moment() {
    let mut text = String::new();
    for n in 0..10_000 {
        let _ = write!(text, "- name: r{n}\n  never: trace.spans.where(service == 'auth{n}' and status == error).by(a.b).count() > {n}\n");
    }
    let started = std::time::Instant::now();
    assert_eq!(load(&text).rules.unwrap().rules.len(), 10_000);
    assert!(started.elapsed() < std::time::Duration::from_secs(60), "{:?}", started.elapsed());
}

#[test]
fn one_bad_rule_hides_no_others_errors() {
    let text = "- name: a\n  never: trace.spans.any(kind == srever) and trace.spans.cuont() > 3 and $x\n  when: trace.has(\n  message: '{trace.nope}'\n- name: b\n  always: trace.has(status)\n";
    let found: Vec<_> = found(text, &Limits::default()).into_iter().map(|d| d.0).collect();
    for code in [codes::ENUM_MEMBER, codes::UNKNOWN_METHOD, codes::UNKNOWN_DEFINE, codes::UNCLOSED, codes::RESERVED_NAME] {
        assert!(found.contains(&code), "{code}: {found:?}");
    }
}

#[test]
fn one_mistake_hides_no_other_in_its_expression() {
    for (expression, expected) in [
        (
            "trace.spans.wher(kind == serverr).cont() > 3 and trace.foo",
            &["a spanset has no method `wher`", "`serverr` is no", "a spanset has no method `cont`", "`trace` has no `foo`"][..],
        ),
        ("spans.wher(kind == serverr).withn(1m).any(kind == clientt)", &["`wher`", "`serverr`", "`withn`", "`clientt`"]),
        ("trace.spans.count(kind == serverr) > 3", &["`count` takes no predicate", "`serverr` is no"]),
        ("trace.has(preceded_by(kind == serverr, wthin=1 + true))", &["`serverr` is no", "no option `wthin`", "a truth value"]),
        ("kind == serverr and duration > 5", &["outside a predicate", "`serverr` is no", "outside a predicate", "no unit"]),
    ] {
        let loaded = load(&file("never", expression));
        let mut rest = loaded.diagnostics.iter().map(|found| found.message.as_str());
        for part in expected {
            assert!(rest.any(|message| message.contains(part)), "{expression}: no `{part}` in order in {:?}", loaded.diagnostics);
        }
    }
    let text = "- name: a\n  never: trace.spans.any(kind == srever)\n  message: '{trace.nope} {duration}'\n";
    let all: Vec<_> = found(text, &Limits::default()).into_iter().map(|d| d.0).collect();
    assert_eq!(all, [codes::ENUM_MEMBER, codes::UNKNOWN_METHOD]);
}

#[test]
fn help_over_spans_proposes_nothing_that_needs_a_trace() {
    for expression in ["spans.within(1m).count(kind == server) > 3", "spans.where(trace.has(a.b)).within(1m).count() > 3"] {
        let loaded = load(&file("never", expression));
        assert!(!loaded.diagnostics.is_empty());
        for help in loaded.diagnostics.iter().filter_map(|found| found.help.as_deref()) {
            assert!(!help.contains("trace.count") && !help.contains("has_child"), "{expression}: {help}");
        }
    }
}

#[test]
fn places_survive_every_style_of_scalar() {
    for text in [
        "- name: r\n  never: trace.spans.any(kind == srever)\n",
        "- name: r\n  never: \"trace.spans.any(\\u006bind == srever)\"\n",
        "- name: r\n  never: 'trace.spans.any(kind == srever)'\n",
        "- name: r\n  never: |\n    trace.spans\n      .any(kind == srever)\n",
        "- name: r\n  never: >-\n    trace.spans\n    .any(kind\n    == srever)\n",
    ] {
        let all = found(text, &Limits::default());
        assert!(matches!(all.as_slice(), [(codes::ENUM_MEMBER, _, place)] if place == "srever"), "{text}: {all:?}");
    }
}

#[test]
fn a_mistake_in_a_define_is_reported_once_and_there() {
    let text = "define: {d: kind == srever}\nrules:\n- name: a\n  never: trace.has($d)\n- name: b\n  never: trace.has($d)\n";
    assert_eq!(found(text, &Limits::default()), [(codes::ENUM_MEMBER, DiagnosticSeverity::Error, "srever".to_owned())]);
}

#[test]
fn every_code_of_the_language_has_a_case_here() {
    let limits = [
        codes::TEXT_TOO_LONG,
        codes::NESTING,
        codes::TOO_MANY_RULES,
        codes::LIST_TOO_LONG,
        codes::TOO_LARGE,
        codes::TOTAL_TOO_LARGE,
        codes::REGEXES_TOO_LARGE,
        codes::TOO_MANY_FINDINGS,
    ];
    let known: Vec<&str> = EXPRESSIONS
        .iter()
        .map(|case| case.2)
        .chain(HINTS.iter().map(|case| case.2))
        .chain(FILES.iter().map(|case| case.1))
        .chain(limits)
        .collect();
    // YAML refuses duplicate keys before a define could be given twice.
    let elsewhere = [codes::DUPLICATE_DEFINE];
    let missing: Vec<_> = codes::ALL
        .iter()
        .map(|code| code.id)
        .filter(|id| ("F0101".."F0900").contains(id) && !known.contains(id) && !elsewhere.contains(id))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
