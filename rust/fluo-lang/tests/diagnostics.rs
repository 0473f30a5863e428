//! Golden diagnostics: `tests/diagnostics/CODE[-what].txt` holds a rule file, a line of tildes, and what is printed about it.
//!
//! `FLUO_BLESS=1` writes the second half anew. A name with `.inline.` holds inline rules (JSON).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail"
)]

use std::path::{Path, PathBuf};

use fluo_lang::limits::Limits;
use fluo_lang::render::Report;
use fluo_lang::source::{Source, SourceKind};
use fluo_lang::{codes, load, pages};

const RULER: &str = "~~~~~~~~~~\n";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/diagnostics")
}

fn cases() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn rendered(path: &Path, input: &str) -> String {
    let inline = path.to_string_lossy().contains(".inline.");
    let (name, kind) = if inline { ("rules", SourceKind::Inline) } else { ("rules.yml", SourceKind::File) };
    let sources = [Source { name: name.to_owned(), text: input.to_owned(), kind }];
    let loaded = load(&sources, &limits(&code_of(path)));
    Report::new(&sources, &loaded.diagnostics).text(false)
}

#[test]
fn every_diagnostic_looks_as_recorded() {
    let mut wrong = Vec::new();
    for path in cases() {
        let text = std::fs::read_to_string(&path).unwrap();
        let (input, expected) = text.split_once(RULER).unwrap_or((&text, ""));
        let found = rendered(&path, input);
        let code = code_of(&path);
        assert!(found.contains(&format!("[{code}]")), "{} does not show its code:\n{found}", path.display());
        if std::env::var_os("FLUO_BLESS").is_some() {
            std::fs::write(&path, format!("{input}{RULER}{found}")).unwrap();
        } else if found != expected {
            wrong.push(format!("{}:\n--- recorded\n{expected}--- now\n{found}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What the engine refuses is shown by the tests of the program.
fn is_the_engines(code: &str) -> bool {
    code.starts_with("F09")
}

#[test]
fn every_code_has_a_recorded_diagnostic() {
    let names: Vec<String> = cases().iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    let missing: Vec<&str> = codes::ALL
        .iter()
        .map(|code| code.id)
        .filter(|code| !is_the_engines(code) && !names.iter().any(|name| name.starts_with(code)))
        .collect();
    assert!(missing.is_empty(), "no file in tests/diagnostics for {missing:?}");
}

/// What crosses a limit is shown with limits that fit on a page.
fn limits(code: &str) -> Limits {
    if code.starts_with("F02") {
        let small = Limits { text_bytes: 200, nesting: 8, rules: 3, regex_bytes: 4096, list_items: 3, ..Limits::default() };
        match code {
            "F0207" => Limits { total_nodes: 100, ..Limits::default() },
            "F0208" => Limits { total_regex_bytes: 2 << 10, ..Limits::default() },
            "F0209" => Limits { findings: 3, ..Limits::default() },
            _ => small,
        }
    } else {
        Limits::default()
    }
}

fn code_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().chars().take(5).collect()
}

/// The codes that loading an example of a code's page gives.
fn codes_of(code: &str, example: &str) -> Vec<&'static str> {
    let sources = [Source { name: "rules.yml".to_owned(), text: example.to_owned(), kind: SourceKind::File }];
    load(&sources, &limits(code)).diagnostics.iter().map(|found| found.code).collect()
}

fn examples<'a>(page: &'a str, heading: &str) -> Vec<&'a str> {
    let from = page.find(heading).unwrap_or_else(|| panic!("no {heading} in\n{page}"));
    let end = page[from + 1..].find("\nRight:").map_or(page.len(), |at| from + 1 + at);
    page[from..end].split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn every_code_has_a_page_whose_examples_show_it() {
    let mut wrong = Vec::new();
    for code in codes::ALL {
        let Some(page) = pages::page(code.id) else {
            wrong.push(format!("no page for {}", code.id));
            continue;
        };
        if !page.starts_with(&format!("# {}: {}\n", code.id, code.title)) {
            wrong.push(format!("the page of {} begins otherwise", code.id));
        }
        for example in examples(page, "\nWrong:") {
            let found = codes_of(code.id, example);
            if !found.contains(&code.id) && !is_the_engines(code.id) {
                wrong.push(format!("{} is not found, but {found:?} in\n{example}", code.id));
            }
        }
        for example in examples(page, "\nRight:") {
            let found = codes_of(code.id, example);
            if !found.is_empty() {
                wrong.push(format!("{found:?} in the right example of {}:\n{example}", code.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
