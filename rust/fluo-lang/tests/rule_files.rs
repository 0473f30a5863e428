//! Reading rule files: shapes, defaults, shorthand, and that one bad rule hides no other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail"
)]

use fluo_lang::program::{Mode, OnGap, Severity};
use fluo_lang::raw::{RawDefineValue, RawFile, RawWhen};
use fluo_lang::source::{Source, SourceId, SourceKind};
use fluo_lang::{codes, rule_file};

fn read(text: &str) -> (RawFile, Vec<(&'static str, String)>) {
    let source = Source { name: "rules.yml".to_owned(), text: text.to_owned(), kind: SourceKind::File };
    let (file, diagnostics) = rule_file::read(SourceId(0), &source);
    let found = diagnostics.iter().map(|found| (found.code, text[found.span.start as usize..found.span.end as usize].to_owned())).collect();
    (file, found)
}

fn names(file: &RawFile) -> Vec<&str> {
    file.rules.iter().map(|rule| rule.name.value.as_str()).collect()
}

#[test]
fn defaults_reach_every_rule_and_lists_add_up() {
    let (file, found) = read(
        "rules:\n- name: a\n  never: x\n  tags: [own, shared]\n- name: b\n  never: x\n  severity: info\n  mode: enforce\n\
         defaults: {severity: critical, mode: shadow, on_gap: signal, tags: [shared], controls: ['PCI-DSS:6.4.2'], owner: me, runbook: r}\n",
    );
    assert_eq!(found, []);
    let [a, b] = file.rules.as_slice() else { panic!("{file:?}") };
    assert_eq!((a.severity, a.mode, a.on_gap), (Severity::Critical, Mode::Shadow, OnGap::Signal));
    assert_eq!((b.severity, b.mode, b.on_gap), (Severity::Info, Mode::Enforce, OnGap::Signal));
    assert_eq!(a.meta.tags, ["shared", "own"]);
    assert_eq!(b.meta.tags, ["shared"]);
    assert_eq!((a.meta.owner.as_deref(), a.meta.runbook.as_deref()), (Some("me"), Some("r")));
    assert_eq!(a.meta.controls, ["PCI-DSS:6.4.2"]);
}

#[test]
fn a_bad_rule_hides_no_other() {
    let (file, found) =
        read("- name: a\n  alwyas: x\n- 5\n- never: y\n- name: b\n  when: 7\n  never: [z]\n  severity: loud\n- name: ok\n  never: x\n");
    assert_eq!(
        found,
        [
            (codes::UNKNOWN_KEY, "alwyas".to_owned()),
            (codes::NOT_A_RULE_FILE, "5".to_owned()),
            (codes::NO_NAME, "never".to_owned()),
            (codes::EXPRESSION_NOT_TEXT, "[z]".to_owned()),
            (codes::EXPRESSION_NOT_TEXT, "7".to_owned()),
            (codes::UNKNOWN_MEMBER, "loud".to_owned()),
        ]
    );
    assert_eq!(names(&file), ["a", "rule-2", "b", "ok"]);
    assert_eq!(file.rules.iter().map(|rule| rule.broken).collect::<Vec<_>>(), [true, true, true, false]);
}

#[test]
fn broken_yaml_in_one_rule_hides_no_other_rule() {
    let (file, found) = read(
        "defaults:\n  severity: error\nrules:\n  - name: a\n    never: x\n  - name: b\n    never: 'a' == b\n  - name: c\n    never: \"open\n  \
         - name: d\n    never: y\n    colour: red\n",
    );
    let codes: Vec<&str> = found.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [codes::TEXT_IS_YAML, codes::NOT_YAML, codes::UNKNOWN_KEY]);
    assert_eq!(names(&file), ["a", "d"]);
    assert!(file.rules.iter().all(|rule| rule.severity == Severity::Error));
}

#[test]
fn what_yaml_does_to_an_expression_is_said() {
    for (value, code, at) in [
        ("!trace.has(x)", codes::EXPRESSION_TAG, "!trace.has(x)"),
        ("!!str x", codes::EXPRESSION_TAG, "!!str"),
        ("a == b # c", codes::EXPRESSION_COMMENT, "# c"),
        ("null", codes::EXPRESSION_NOT_TEXT, "null"),
        ("~", codes::EXPRESSION_NOT_TEXT, "~"),
        ("", codes::EXPRESSION_NOT_TEXT, ""),
        ("1.5e3", codes::EXPRESSION_NOT_TEXT, "1.5e3"),
        ("{a: b}", codes::EXPRESSION_NOT_TEXT, "{a: b}"),
        ("true", codes::EXPRESSION_NOT_TEXT, "true"),
        ("&& b", codes::TEXT_IS_YAML, "&&"),
        ("*.x", codes::TEXT_IS_YAML, "*"),
        ("@x", codes::TEXT_IS_YAML, "@"),
        ("`x`", codes::TEXT_IS_YAML, "`"),
        ("%x", codes::TEXT_IS_YAML, "%"),
        ("a: b", codes::TEXT_IS_YAML, ":"),
        ("x == ': b'", codes::TEXT_IS_YAML, ":"),
        ("'a' == b", codes::TEXT_IS_YAML, "="),
        ("\"a\" == b", codes::TEXT_IS_YAML, "="),
        ("> 5", codes::TEXT_IS_YAML, ">"),
    ] {
        let (_, found) = read(&format!("- name: a\n  always: {value}\n- name: b\n  never: x\n"));
        assert_eq!(found, [(code, at.to_owned())], "{value}");
    }
}

#[test]
fn expressions_of_every_harmless_form_are_read() {
    for (value, text) in [
        ("a#b", "a#b"),
        ("'a # b'", "a # b"),
        ("\"a # b\"", "a # b"),
        ("'null'", "null"),
        ("'5'", "5"),
        ("&shared x == 1", "x == 1"),
        ("-x > 3", "-x > 3"),
        ("|\n    a # b\n", "a # b\n"),
        ("1m30s", "1m30s"),
    ] {
        let (file, found) = read(&format!("- name: a\n  always: {value}\n"));
        assert_eq!(found, [], "{value}");
        let read = file.rules[0].always.as_ref().unwrap();
        assert_eq!(read.text, text);
        assert_eq!(read.comments, value.starts_with('|'), "{value}");
    }
}

#[test]
fn when_may_be_a_boolean() {
    let (file, found) = read("- name: a\n  never: x\n  when: true  # always\n- name: b\n  never: x\n  when: 'true'\n");
    assert_eq!(found, []);
    assert!(matches!(&file.rules[0].when, Some(RawWhen::Bool(value)) if value.value));
    assert!(matches!(&file.rules[1].when, Some(RawWhen::Expr(text)) if text.text == "true"));
}

#[test]
fn the_shorthand_is_read_as_written() {
    let (file, found) = read(
        "- name: AuthFailuresRule\n  span:\n    service_name: auth-service\n    attributes:\n      http.status_code: \"401\"\n      \
         retries: 3\n  aggregation:\n    count: 10\n    by: [enduser.id]\n    window: 5m\n  condition: gt(count, 5)\n",
    );
    assert_eq!(found, []);
    let form = file.rules[0].shorthand.as_ref().unwrap();
    assert_eq!(form.service_name.as_ref().unwrap().value, "auth-service");
    let attributes: Vec<(&str, &str, bool)> =
        form.attributes.iter().map(|(key, value)| (key.value.as_str(), value.value.text.as_str(), value.value.quoted)).collect();
    assert_eq!(attributes, [("http.status_code", "401", true), ("retries", "3", false)]);
    assert_eq!(form.count.as_ref().unwrap().value, 10);
    assert_eq!(form.window.as_ref().unwrap().value, "5m");
    assert_eq!(form.by[0].text, "enduser.id");
    assert_eq!(form.condition.text, "gt(count, 5)");
}

#[test]
fn defines_are_texts_or_lists() {
    let (file, found) = read("define:\n  charge: name == 'x'\n  codes: [401, '403']\n  bad: 5\nrules: []\n");
    assert_eq!(found, [(codes::EXPRESSION_NOT_TEXT, "5".to_owned())]);
    assert!(matches!(&file.defines[0].value, RawDefineValue::Expr(text) if text.text == "name == 'x'"));
    let RawDefineValue::List { items, .. } = &file.defines[1].value else { panic!("{file:?}") };
    let items: Vec<(&str, bool)> = items.iter().map(|item| (item.value.text.as_str(), item.value.quoted)).collect();
    assert_eq!(items, [("401", false), ("403", true)]);
}

#[test]
fn anchors_are_shared_and_bombs_cost_nothing() {
    let (file, found) = read("- name: a\n  never: x\n  tags: &t [p, q]\n- name: b\n  never: x\n  tags: *t\n");
    assert_eq!(found, []);
    assert_eq!(file.rules[1].meta.tags, ["p", "q"]);
    let mut bomb = "- name: a\n  annotations:\n    a0: &a0 [x]\n".to_owned();
    for level in 1..60 {
        bomb.push_str(&format!("    a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 9].join(", ")));
    }
    let (_, found) = read(&bomb);
    assert_eq!(found.len(), 60);
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    let (_, found) = read(&format!("- name: a\n  never: {}\n", "[".repeat(100_000)));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, codes::NOT_YAML);
}

#[test]
fn an_empty_file_holds_no_rules() {
    for text in ["", "\n", "# nothing\n", "---\n", "rules:\n", "[]"] {
        let (file, found) = read(text);
        assert_eq!((file.rules.len(), found), (0, vec![]), "{text:?}");
    }
}
