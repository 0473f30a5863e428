//! Rules in, diagnostics out.

use fluo::Status;
use serde_json::json;

use super::host::{PAYMENT, Rules};

#[test]
fn a_good_rule_set_is_counted_and_hashed() {
    let request = json!({"sources": [{"name": "a.yml", "text": PAYMENT}]}).to_string();
    let (status, rules, diagnostics) = Rules::compile(request.as_bytes());
    assert_eq!(status, Status::Ok, "{diagnostics:#}");
    assert!(rules.is_some());
    assert_eq!(diagnostics["rules"], 1);
    let hash = diagnostics["hash"].as_str().expect("a hash");
    assert!(hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{hash}");
}

#[test]
fn every_error_of_every_source_is_reported_with_its_place() {
    let request = json!({"sources": [
        {"name": "good.yml", "text": PAYMENT},
        {"name": "rules/bad.yml", "text": "- name: broken\n  never: trace.has(\n- name: also-broken\n  never: trace.nothing() > 1\n"},
        {"name": "rules", "inline": [
            {"name": "fine", "never": "trace.spans.count() > 9"},
            {"name": "odd", "never": "trace.spans.count() >> 9"},
        ]},
    ]});
    let (status, rules, report) = Rules::compile(request.to_string().as_bytes());
    assert_eq!(status, Status::InvalidRules);
    assert!(rules.is_none());
    assert_eq!((&report["rules"], &report["hash"]), (&json!(0), &json!("")));
    let diagnostics = report["diagnostics"].as_array().expect("a list");
    let find = |rule: &str| diagnostics.iter().find(|d| d["rule"] == rule).unwrap_or_else(|| panic!("{rule}: {report:#}"));

    let broken = find("broken");
    assert_eq!((&broken["source"], &broken["severity"]), (&json!("rules/bad.yml"), &json!("error")));
    assert!(broken["line"].as_u64() >= Some(2), "{broken:#}");
    assert_eq!((&find("also-broken")["source"], &find("also-broken")["line"]), (&json!("rules/bad.yml"), &json!(4)));

    let odd = find("odd");
    assert_eq!((&odd["source"], &odd["line"]), (&json!("rules"), &json!(0)));
    assert!(odd["column"].as_u64() > Some(1), "{odd:#}");
    assert!(odd["rendered"].as_str().expect("text").contains("rules[1].never"), "{odd:#}");
    for diagnostic in diagnostics {
        assert!(diagnostic["code"].as_str().is_some_and(|code| code.starts_with('F')), "{diagnostic:#}");
        assert!(diagnostic["rendered"].as_str().is_some_and(|text| text.contains("error")), "{diagnostic:#}");
    }
}

#[test]
fn a_request_of_another_form_is_an_invalid_argument_with_a_reason() {
    for (request, why) in [
        (&b"rules: []"[..], "cannot be read"),
        (b"", "cannot be read"),
        (b"{}", "sources"),
        (br#"{"sources":[],"more":1}"#, "more"),
        (br#"{"sources":[{"name":"a"}]}"#, "either `text` or `inline`"),
        (br#"{"sources":[{"name":"a","text":"","inline":[]}]}"#, "either `text` or `inline`"),
        (br#"{"sources":[{"name":"a","file":"a.yml"}]}"#, "file"),
        (b"{\"sources\":[{\"name\":\"\xff\",\"text\":\"\"}]}", "cannot be read"),
    ] {
        let (status, rules, report) = Rules::compile(request);
        let shown = String::from_utf8_lossy(request);
        assert_eq!(status, Status::InvalidArgument, "{shown}");
        assert!(rules.is_none());
        let message = report["diagnostics"][0]["message"].as_str().expect("a message");
        assert!(message.contains(why), "{shown}: {message}");
    }
}

#[test]
fn duplicate_keys_of_inline_rules_are_seen() {
    let request = br#"{"sources":[{"name":"rules","inline":[{"name":"twice","name":"twice","never":"trace.spans.count() > 9"}]}]}"#;
    let (status, _, report) = Rules::compile(request);
    assert_eq!(status, Status::InvalidRules, "{report:#}");
}
