//! Whatever a file holds, reading it ends, says what is wrong at a place in the file, and can be rendered.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail"
)]

use fluo_lang::limits::Limits;
use fluo_lang::load;
use fluo_lang::render::Report;
use fluo_lang::source::{Source, SourceKind};
use proptest::prelude::*;

const FILE: &str = "\
defaults: &d
  severity: error
  tags: [a, 'ü']
define:
  charge: name == 'payment.charge'
  codes: [401, '403']
rules:
  - name: küche
    always: >-
      trace.has($charge)
        and trace.has(payment.check)
    when: true
    message: \"took {trace.duration} \\u00e4 \\\n      end\"
  - name: b
    never: |
      # comment
      trace.spans.where(service == 'auth').count() > 50
    annotations: {x: y}
  - name: short
    span:
      service_name: auth
      attributes: {http.status_code: \"401\"}
    aggregation: {count: 10}
    condition: gt(count, 5)
";

/// Pieces that YAML and the language have opinions about.
const PIECES: &[&str] = &[
    "'", "\"", ": ", " #", "\n", "\r\n", "\t", "- ", "&a ", "*a", "!", "|", ">", "[", "]", "{", "}", "ü", "\u{feff}", "---\n", "\\", "%",
    "@", "", "\0", "  ",
];

fn damage() -> impl Strategy<Value = Vec<(usize, usize, usize)>> {
    prop::collection::vec((0..FILE.len(), 0usize..6, 0..PIECES.len()), 0..6)
}

fn damaged(text: &str, damage: &[(usize, usize, usize)]) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for (at, cut, piece) in damage {
        let at = at % (characters.len() + 1);
        let end = (at + cut).min(characters.len());
        characters.splice(at..end, PIECES[*piece].chars());
    }
    characters.into_iter().collect()
}

fn holds(text: String, kind: SourceKind) -> Result<(), TestCaseError> {
    let sources = [Source { name: "rules.yml".to_owned(), text, kind }];
    let loaded = load(&sources, &Limits::default());
    let text = &sources[0].text;
    for found in &loaded.diagnostics {
        let (start, end) = (found.span.start as usize, found.span.end as usize);
        prop_assert!(start <= end && end <= text.len(), "{found:?}\n{text}");
        prop_assert!(text.is_char_boundary(start) && text.is_char_boundary(end), "{found:?}\n{text}");
        prop_assert!(!found.message.is_empty() && !found.message.ends_with('.'), "{found:?}");
    }
    let report = Report::new(&sources, &loaded.diagnostics);
    prop_assert!(report.text(false).matches("[F0").count() >= loaded.diagnostics.len());
    prop_assert_eq!(report.sarif().matches("\"ruleIndex\"").count(), loaded.diagnostics.len());
    prop_assert_eq!(report.github().lines().count(), loaded.diagnostics.len());
    prop_assert_eq!(report.data(0, &[]).diagnostics.len(), loaded.diagnostics.len());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_is_read(damage in damage(), crlf in any::<bool>()) {
        let text = if crlf { FILE.replace('\n', "\r\n") } else { FILE.to_owned() };
        holds(damaged(&text, &damage), SourceKind::File)?;
    }

    #[test]
    fn a_damaged_inline_list_is_read(damage in damage()) {
        let text = r#"[{"name":"a","always":"trace.has(x.y) and\n  5 == \"\u00fc\\\"","tags":["t"]},{"name":"b","never":"trace.duration > 5"}]"#;
        holds(damaged(text, &damage), SourceKind::Inline)?;
    }
}

#[test]
fn ten_thousand_broken_rules_are_told_in_time() {
    let text: String = (0..10_000).map(|at| format!("- name: rule-{at}\n  never: 'a' == b\n  colour: {at}\n")).collect();
    let sources = [Source { name: "rules.yml".to_owned(), text, kind: SourceKind::File }];
    let started = std::time::Instant::now();
    let loaded = load(&sources, &Limits { findings: usize::MAX, ..Limits::default() });
    assert_eq!(loaded.diagnostics.len(), 10_000);
    assert!(Report::new(&sources, &loaded.diagnostics).text(false).contains("rules.yml:29999:"));
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
