use proptest::prelude::*;

use super::ast::{BinaryOp, Expr, ExprKind};
use super::{parse, parse_duration};
use crate::codes;
use crate::limits::Limits;
use crate::program::{ArithOp, CompareOp};

/// The tree as nested parentheses.
fn shape(expr: &Expr) -> String {
    let list = |op: &str, items: &[Expr]| format!("({op} {})", items.iter().map(shape).collect::<Vec<_>>().join(" "));
    match &expr.kind {
        ExprKind::Error => "<error>".to_owned(),
        ExprKind::Bool(b) => b.to_string(),
        ExprKind::Int(n) => n.to_string(),
        ExprKind::Float(f) => format!("{f:?}"),
        ExprKind::Duration(n) => format!("{n}ns"),
        ExprKind::String(s) => format!("{:?}", s.value),
        ExprKind::List(items) => list("list", items),
        ExprKind::Paren(inner) => shape(inner),
        ExprKind::Not(inner) => format!("(not {})", shape(inner)),
        ExprKind::Neg(inner) => format!("(neg {})", shape(inner)),
        ExprKind::And(items) => list("and", items),
        ExprKind::Or(items) => list("or", items),
        ExprKind::Implies(a, b) => format!("(implies {} {})", shape(a), shape(b)),
        ExprKind::Binary { op, left, right, .. } => {
            let op = match op {
                BinaryOp::Compare(CompareOp::Eq) => "==".to_owned(),
                BinaryOp::Compare(CompareOp::Lt) => "<".to_owned(),
                BinaryOp::Arith(ArithOp::Sub) => "-".to_owned(),
                BinaryOp::Arith(ArithOp::Mul) => "*".to_owned(),
                BinaryOp::Arith(ArithOp::Add) => "+".to_owned(),
                other => format!("{other:?}"),
            };
            format!("({op} {} {})", shape(left), shape(right))
        }
        ExprKind::Chain(chain) => {
            let mut text = match &chain.head {
                super::ast::Head::Word => String::new(),
                super::ast::Head::Define(name) => format!("${}", name.name),
                super::ast::Head::Paren(inner) => shape(inner),
            };
            for segment in &chain.segments {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&segment.name.name);
                if let Some(args) = &segment.args {
                    let args: Vec<_> = args
                        .items
                        .iter()
                        .map(|arg| match &arg.name {
                            Some(name) => format!("{}={}", name.name, shape(&arg.value)),
                            None => shape(&arg.value),
                        })
                        .collect();
                    text.push_str(&format!("({})", args.join(", ")));
                }
            }
            text
        }
    }
}

fn reads(text: &str, expected: &str) {
    let (expr, errors) = parse(text, &Limits::default());
    assert_eq!(errors, [], "{text}");
    assert_eq!(shape(&expr.unwrap()), expected, "{text}");
}

#[track_caller]
fn refuses(text: &str, expected: &[(&str, u32)]) {
    let (_, errors) = parse(text, &Limits::default());
    let found: Vec<_> = errors.iter().map(|e| (e.code, e.span.start)).collect();
    assert_eq!(found, expected, "{text}: {errors:#?}");
}

#[test]
fn operators_bind_as_the_reference_says() {
    reads("a or b and not c == 1", "(or a (and b (not (== c 1))))");
    reads("a implies b implies c", "(implies a (implies b c))");
    reads("a and b and c or d", "(or (and a b c) d)");
    reads("1 - 2 - 3 * -x", "(- (- 1 2) (* 3 (neg x)))");
    reads("!a && b || c", "(or (and (not a) b) c)");
    reads("not a in [1]", "(not (In a (list 1)))");
    reads("a not in ['x', y]", "(NotIn a (list \"x\" y))");
    reads("a - 1 < b + 2", "(< (- a 1) (+ b 2))");
}

#[test]
fn chains_cross_lines_and_later_segments_may_begin_with_a_digit() {
    reads("trace.spans\n  .where(a.b == 1)\n  .count()", "trace.spans.where((== a.b 1)).count()");
    reads("http.status.2xx.5m", "http.status.2xx.5m");
    reads("$auth.within(1m).count()", "$auth.within(60000000000ns).count()");
    reads("($a).count()", "$a.count()");
    reads("preceded_by(x, same=[a, b], within=10ms)", "preceded_by(x, same=(list a b), within=10000000ns)");
}

#[test]
fn literals() {
    reads("-9223372036854775808", "-9223372036854775808");
    reads("9223372036854775808", "9.223372036854776e18");
    reads("1.5e-3", "0.0015");
    reads("1e+2", "100.0");
    reads("-1m30s", "-90000000000ns");
    reads("1.5s", "1500000000ns");
    reads("0.1d", "8640000000000ns");
    reads(r#"'it\'s \\ \u{41}\t\d'"#, r#""it's \\ A\t\\d""#);
    reads("['a', b, -3]", r#"(list "a" b -3)"#);
    assert_eq!(parse_duration("24h"), Some(86_400_000_000_000));
    assert_eq!(parse_duration("5"), None);
}

#[test]
fn mistakes_have_codes_and_places() {
    refuses("", &[(codes::EMPTY, 0)]);
    refuses("   ", &[(codes::EMPTY, 3)]);
    refuses("a < b < c", &[(codes::CHAINED_COMPARISON, 6)]);
    refuses("a AND b", &[(codes::KEYWORD_CASE, 2)]);
    refuses("NOT a", &[(codes::KEYWORD_CASE, 0)]);
    refuses("a = 1", &[(codes::FOREIGN_OPERATOR, 2)]);
    refuses("a =~ 'x'", &[(codes::FOREIGN_OPERATOR, 2)]);
    refuses("a == 5min", &[(codes::NUMBER, 5)]);
    refuses("a == 30s1m", &[(codes::NUMBER, 5)]);
    refuses("a == 5µs", &[(codes::NUMBER, 5)]);
    refuses("a == 999999d", &[(codes::NUMBER, 5)]);
    refuses("a == 'x", &[(codes::UNTERMINATED, 5)]);
    refuses("a == 'x\ny'", &[(codes::UNTERMINATED, 5), (codes::UNTERMINATED, 9)]);
    refuses("a == '\\u{d800}'", &[(codes::ESCAPE, 6)]);
    refuses("a == 1 # why", &[(codes::COMMENT, 7)]);
    refuses("a ==", &[(codes::UNEXPECTED_END, 4)]);
    refuses("(a", &[(codes::UNCLOSED, 0)]);
    refuses("[a", &[(codes::UNCLOSED, 0)]);
    refuses("a)", &[(codes::UNEXPECTED, 1)]);
    refuses("a b", &[(codes::UNEXPECTED, 2)]);
    refuses("a == €", &[(codes::CHARACTER, 5)]);
    refuses("a.", &[(codes::UNEXPECTED_END, 2)]);
}

#[test]
fn one_mistake_hides_no_other() {
    refuses("f(a ==, b) and x == 5min and (c = 1)", &[(codes::UNEXPECTED, 6), (codes::NUMBER, 20), (codes::FOREIGN_OPERATOR, 32)]);
}

#[test]
fn comments_are_read_in_blocks_only() {
    let text = crate::raw::ExprText { comments: true, ..crate::raw::ExprText::verbatim("a # first\n and '#b' # last", 0) };
    let (expr, errors) = super::parse_text(&text, &Limits::default());
    assert_eq!(errors, []);
    assert_eq!(shape(&expr.unwrap()), r##"(and a "#b")"##);
}

#[test]
fn neither_depth_nor_length_reaches_the_stack() {
    for unit in ["(", "not ", "-", "[", "f(", "a implies ", "a + ", "a.b(c, "] {
        let text = unit.repeat(100_000 / unit.len().min(2));
        let limits = Limits { text_bytes: usize::MAX, ..Limits::default() };
        let (expr, errors) = parse(&text, &limits);
        assert!(errors.iter().any(|e| e.code == codes::NESTING), "{unit}: {errors:?}");
        drop(expr);
    }
    let flat = "a and ".repeat(50_000) + "a";
    let (expr, errors) = parse(&flat, &Limits { text_bytes: usize::MAX, ..Limits::default() });
    assert_eq!(errors, []);
    assert!(matches!(expr.unwrap().kind, ExprKind::And(items) if items.len() == 50_001));
    refuses(&"a".repeat(65 * 1024), &[(codes::TEXT_TOO_LONG, 0)]);
}

proptest! {
    #[test]
    fn token_soup_never_panics_and_every_place_lies_in_the_text(words in proptest::collection::vec(
        proptest::sample::select(vec![
            "a", "and", "or", "not", "in", "implies", "(", ")", "[", "]", ",", ".", "==", "<", "=", "'x'", "\"", "\\", "1", "5m", "1.5", "$d",
            "trace", "spans", "where", "count", "-", "*", "/", "#", "\n", "é", "AND", "true", "matches", "event", "=~", " ",
        ]), 0..40))
    {
        let text = words.concat();
        let (_, errors) = parse(&text, &Limits::default());
        for error in errors {
            prop_assert!(text.get(error.span.start as usize..error.span.end as usize).is_some(), "{text}: {error:?}");
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        let _ = parse(&text, &Limits::default());
    }
}
