//! Whatever the scalar style, an offset in a decoded expression leads back to the right place in the file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail"
)]

use fluo_lang::raw::ExprText;
use fluo_lang::rule_file;
use fluo_lang::source::{Source, SourceId, SourceKind};
use proptest::prelude::*;

/// How the text is written. Words are unique, so a word's place in the file is where `find` finds it.
#[derive(Debug, Clone, Copy)]
enum Style {
    Plain,
    Single,
    Double,
    Literal { chomp: &'static str, indicator: bool },
    Folded { chomp: &'static str, indicator: bool },
}

fn style() -> impl Strategy<Value = Style> {
    let chomp = prop_oneof![Just(""), Just("-"), Just("+")];
    prop_oneof![
        Just(Style::Plain),
        Just(Style::Single),
        Just(Style::Double),
        (chomp.clone(), any::<bool>()).prop_map(|(chomp, indicator)| Style::Literal { chomp, indicator }),
        (chomp, any::<bool>()).prop_map(|(chomp, indicator)| Style::Folded { chomp, indicator }),
    ]
}

/// What stands between two words.
#[derive(Debug, Clone, Copy)]
enum Gap {
    Spaces(usize),
    Break {
        empty: usize,
        more_indented: usize,
    },
    /// An escape or a doubled quote, where the style has one; a space elsewhere.
    Escape(usize),
}

fn gap() -> impl Strategy<Value = Gap> {
    prop_oneof![
        4 => (1usize..4).prop_map(Gap::Spaces),
        2 => (0usize..3, 0usize..4).prop_map(|(empty, more_indented)| Gap::Break { empty, more_indented }),
        2 => (0usize..12).prop_map(Gap::Escape),
    ]
}

const DOUBLE_ESCAPES: [&str; 12] =
    ["\\t", "\\n", " \\u00e4 ", " \\ud83d\\ude00 ", "\\x20", "\\U0001F600", "\\\"", "\\\\", "\\/ ", "\\_", "\\L", " \\\n        "];

/// Writes the words in a style.
fn write(style: Style, words: &[String], gaps: &[Gap], key_indent: usize) -> String {
    let indent = " ".repeat(key_indent + 4);
    let mut body = String::new();
    for (at, word) in words.iter().enumerate() {
        body.push_str(word);
        let Some(gap) = (at + 1 < words.len()).then(|| gaps[at % gaps.len()]) else { break };
        match (gap, style) {
            (Gap::Spaces(count), _) => body.push_str(&" ".repeat(count)),
            (Gap::Break { empty, more_indented }, Style::Literal { .. } | Style::Folded { .. }) => {
                body.push_str(&"\n".repeat(empty + 1));
                body.push_str(&indent);
                body.push_str(&" ".repeat(more_indented));
            }
            (Gap::Break { empty, more_indented }, _) => {
                body.push_str(&"  \n".repeat(empty + 1));
                body.push_str(&indent);
                body.push_str(&" ".repeat(more_indented));
            }
            (Gap::Escape(which), Style::Double) => body.push_str(DOUBLE_ESCAPES[which % DOUBLE_ESCAPES.len()]),
            (Gap::Escape(_), Style::Single) => body.push_str("''"),
            (Gap::Escape(_), _) => body.push_str(" == 'ü' \t"),
        }
    }
    match style {
        Style::Plain => body,
        Style::Single => format!("'{body}'"),
        Style::Double => format!("\"{body}\""),
        Style::Literal { chomp, indicator } | Style::Folded { chomp, indicator } => {
            let sign = if matches!(style, Style::Literal { .. }) { '|' } else { '>' };
            let digit = if indicator { "4" } else { "" };
            format!("{sign}{digit}{chomp}  # header\n{indent}{body}\n\n")
        }
    }
}

fn expression(text: &str) -> ExprText {
    let source = Source { name: "rules.yml".to_owned(), text: text.to_owned(), kind: SourceKind::File };
    let (file, diagnostics) = rule_file::read(SourceId(0), &source);
    assert!(diagnostics.is_empty(), "{diagnostics:?} in\n{text}");
    file.rules[1].always.clone().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn every_word_of_an_expression_leads_back_to_where_it_stands(
        style in style(),
        count in 1usize..40,
        gaps in prop::collection::vec(gap(), 1..12),
        key_indent in 0usize..5,
        crlf in any::<bool>(),
    ) {
        let words: Vec<String> = (0..count).map(|at| format!("w{at}ü{at}w")).collect();
        let margin = " ".repeat(key_indent);
        let scalar = write(style, &words, &gaps, key_indent + 2);
        let mut text = format!("{margin}- name: ä-first\n{margin}  never: 'x'\n{margin}- name: second\n{margin}  always: {scalar}\n{margin}  owner: me\n");
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        let found = expression(&text);
        for word in &words {
            let decoded = found.text.find(word.as_str()).unwrap();
            let expected = text.find(word.as_str()).unwrap();
            let span = found.positions.to_source(u32::try_from(decoded).unwrap(), u32::try_from(decoded + word.len()).unwrap());
            prop_assert_eq!(span.start as usize, expected, "{} in\n{}", word, text);
            prop_assert_eq!(span.end as usize, expected + word.len(), "{} in\n{}", word, text);
        }
    }
}

#[test]
fn the_end_of_a_text_is_a_place_in_the_file() {
    let text = "- name: a\n- name: b\n  always: >\n    trace.has(a)\n    and (\n";
    let found = expression(text);
    let end = u32::try_from(found.text.trim_end().len()).unwrap();
    assert_eq!(found.positions.to_source(end, end).start as usize, text.trim_end().len());
}

#[test]
fn an_expression_of_a_json_list_leads_back_into_the_json() {
    let text = r#"[{"name":"a"},{"name":"b","always":"trace.has(\"\u00fc\") and\n\u003cx\u003e nonsense"}]"#;
    let source = Source { name: "rules".to_owned(), text: text.to_owned(), kind: SourceKind::Inline };
    let (file, diagnostics) = rule_file::read(SourceId(0), &source);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let found = file.rules[1].always.clone().unwrap();
    let decoded = found.text.find("nonsense").unwrap();
    let span = found.positions.to_source(u32::try_from(decoded).unwrap(), u32::try_from(decoded + 8).unwrap());
    assert_eq!(&text[span.start as usize..span.end as usize], "nonsense");
    let place = rule_file::locate(text, span);
    assert_eq!(place.path, "rules[1].always");
    assert_eq!(place.rule, Some(1));
    assert_eq!((place.range.start as usize, place.range.end as usize), (decoded, decoded + 8));
}
