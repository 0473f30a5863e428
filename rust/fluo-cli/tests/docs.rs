//! The documentation is held to what it says: every example in it is run.
//!
//! The word after `yaml` says what a block is:
//!
//! - `rule`: rules that load and that the engine can run, without a warning;
//! - `warns F0701`: the same, with this warning;
//! - `broken F0305`: rules that are refused with this error and no other;
//! - `test`: a file of rule tests, run on the engine and on the reference evaluator.
//!
//! `file=NAME` puts the block into the folder in which the page's `console` blocks run: a line `$ fluo …` is a command, what follows is
//! its output, a line `...` stands for any lines and `…` for any part of a line. What a table's column `Fluo` shows stands in a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use fluo_lang::diagnostic::DiagnosticSeverity;
use fluo_lang::limits::Limits;
use fluo_lang::source::{Source, SourceKind};
use fluo_testkit::backend::{Backend, EngineBackend, OracleBackend};
use fluo_testkit::case::{self, TestFile};

/// Pages on which every YAML block must say what it is.
const STRICT: [&str; 4] = ["docs/rules.md", "docs/testing.md", "docs/coming-from.md", "docs/cookbook.md"];

/// A fenced block.
struct Block {
    page: &'static str,
    line: usize,
    info: String,
    text: String,
}

impl Block {
    fn place(&self) -> String {
        format!("{}:{}", self.page, self.line)
    }

    fn is(&self, kind: &str) -> bool {
        self.info.split_whitespace().take(2).eq(["yaml", kind])
    }

    /// The word after the kind, as in `broken F0305`.
    fn code(&self) -> &str {
        self.info.split_whitespace().nth(2).unwrap_or_default()
    }

    fn file(&self) -> Option<&str> {
        self.info.split_whitespace().find_map(|word| word.strip_prefix("file="))
    }

    /// The codes of the findings about the block's rules: errors and warnings.
    fn codes(&self) -> (Vec<String>, Vec<String>) {
        let source = Source { name: self.place(), text: self.text.clone(), kind: SourceKind::File };
        let loaded = fluo_lang::load(&[source], &Limits::default());
        let mut found = loaded.diagnostics;
        found.extend(loaded.rules.as_ref().map(fluo_engine::unsupported).unwrap_or_default());
        let of = |severity| found.iter().filter(|d| d.severity == severity).map(|d| d.code.to_owned()).collect();
        (of(DiagnosticSeverity::Error), of(DiagnosticSeverity::Warning))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every page and its text.
fn pages() -> Vec<(&'static str, String)> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    found.sort();
    let names = found.iter().map(|path| format!("docs/{}", path.file_name().unwrap().to_string_lossy()));
    let names: Vec<String> = ["README.md".to_owned(), "ARCHITECTURE.md".to_owned()].into_iter().chain(names).collect();
    names
        .into_iter()
        .map(|name| {
            let text = std::fs::read_to_string(root().join(&name)).unwrap();
            (&*name.leak(), text)
        })
        .collect()
}

fn blocks() -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for (page, text) in pages() {
        let mut inside = false;
        for (number, line) in text.lines().enumerate() {
            match (line.strip_prefix("```"), inside) {
                (Some(info), false) => {
                    inside = true;
                    blocks.push(Block { page, line: number + 1, info: info.trim().to_owned(), text: String::new() });
                }
                (Some(_), true) => inside = false,
                (None, true) => {
                    let block = blocks.last_mut().unwrap();
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                (None, false) => {}
            }
        }
        assert!(!inside, "{page}: a block has no end");
    }
    blocks
}

fn check(failures: &[String]) {
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_block_of_the_language_pages_is_run() {
    let known = |block: &Block| ["rule", "warns", "broken", "test"].iter().any(|kind| block.is(kind)) || block.file().is_some();
    let unknown = |block: &&Block| STRICT.contains(&block.page) && block.info.starts_with("yaml") && !known(block);
    check(&blocks().iter().filter(unknown).map(|block| format!("{}: `{}` is never run", block.place(), block.info)).collect::<Vec<_>>());
}

#[test]
fn rules_load_and_broken_ones_do_not() {
    let blocks = blocks();
    let mut failures = Vec::new();
    let mut ran: BTreeMap<&str, usize> = BTreeMap::new();
    for (kind, block) in ["rule", "warns", "broken"].iter().flat_map(|kind| blocks.iter().map(move |b| (*kind, b))).filter(|(k, b)| b.is(k))
    {
        *ran.entry(kind).or_default() += 1;
        let (errors, warnings) = block.codes();
        let fits = match kind {
            "rule" => errors.is_empty() && warnings.is_empty(),
            "warns" => errors.is_empty() && !warnings.is_empty() && warnings.iter().all(|code| code == block.code()),
            _ => !errors.is_empty() && errors.iter().all(|code| code == block.code()),
        };
        if !fits {
            failures.push(format!("{}: `{}` gives errors {errors:?} and warnings {warnings:?}", block.place(), block.info));
        }
    }
    check(&failures);
    assert!(["rule", "warns", "broken"].iter().all(|kind| ran.get(kind).is_some_and(|n| *n >= 5)), "{ran:?}");
}

/// The test blocks, read.
fn tests() -> Vec<TestFile> {
    let mut failures = Vec::new();
    let mut files = Vec::new();
    for block in blocks().iter().filter(|block| block.is("test")) {
        match case::read(&block.place(), &block.text, &|_| Err(std::io::ErrorKind::NotFound.into())) {
            Ok(file) => files.push(file),
            Err(errors) => failures.extend(errors.iter().map(ToString::to_string)),
        }
    }
    check(&failures);
    files
}

#[test]
fn tests_pass_on_the_engine_and_on_the_reference_evaluator() {
    let files = tests();
    let mut failures = Vec::new();
    for file in &files {
        for backend in [&OracleBackend as &dyn Backend, &EngineBackend] {
            failures.extend(file.run(backend).iter().map(|failure| format!("{}: {}: {failure}", backend.name(), file.name)));
        }
        for test in &file.tests {
            let mut found = fluo_engine::unsupported(&test.scenario.rules);
            if file.name.starts_with("docs/cookbook.md") {
                // F0707 is there on purpose, and the text says so.
                found.extend(
                    fluo_lang::load(&test.scenario.sources, &Limits::default()).diagnostics.into_iter().filter(|d| d.code != "F0707"),
                );
            }
            failures.extend(found.iter().map(|d| format!("{}: test `{}`: {:?}: {} {}", file.name, test.name, d.rule, d.code, d.message)));
        }
    }
    check(&failures);
    let cases: usize = files.iter().map(TestFile::cases).sum();
    assert!(cases >= 150, "{cases} cases");
}

/// What stands in code in the column `Fluo` of a page's tables.
fn compared(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut in_table = false;
    for line in text.lines() {
        let cells: Vec<&str> = line.trim().trim_matches('|').split(" | ").map(str::trim).collect();
        match cells.last() {
            Some(&"Fluo") => in_table = true,
            Some(cell) if in_table && line.starts_with('|') => {
                found.extend(cell.split('`').skip(1).step_by(2).map(str::to_owned));
            }
            _ => in_table = false,
        }
    }
    found
}

#[test]
fn what_is_set_side_by_side_is_tested() {
    let blocks = blocks();
    let mut failures = Vec::new();
    let mut count = 0;
    for (page, text) in pages() {
        let tested: Vec<&str> = blocks.iter().filter(|b| b.page == page && b.is("test")).map(|b| b.text.as_str()).collect();
        for code in compared(&text) {
            count += 1;
            if !tested.iter().any(|block| block.contains(&code)) {
                failures.push(format!("{page}: `{code}` stands in no test"));
            }
        }
    }
    check(&failures);
    assert!(count >= 40, "{count} comparisons");
}

/// Whether the output fits: `...` is any lines, `…` any part of a line.
fn fits(wanted: &[String], got: &[String]) -> bool {
    match (wanted, got) {
        ([], []) => true,
        ([line, rest @ ..], _) if line == "..." => (0..=got.len()).any(|skip| fits(rest, &got[skip..])),
        ([line, rest @ ..], [first, others @ ..]) => line_fits(line, first) && fits(rest, others),
        _ => false,
    }
}

fn line_fits(wanted: &str, got: &str) -> bool {
    match wanted.split_once('…') {
        None => wanted.trim_end() == got.trim_end(),
        Some((begin, rest)) => {
            let Some(after) = got.strip_prefix(begin) else { return false };
            (0..=after.len()).filter_map(|at| after.get(at..)).any(|after| line_fits(rest, after))
        }
    }
}

#[test]
fn commands_print_what_the_pages_show() {
    let blocks = blocks();
    let mut failures = Vec::new();
    let mut count = 0;
    for console in blocks.iter().filter(|block| block.info == "console") {
        let folder = tempfile::tempdir().unwrap();
        for block in blocks.iter().filter(|block| block.page == console.page) {
            if let Some(file) = block.file() {
                std::fs::write(folder.path().join(file), &block.text).unwrap();
            }
        }
        std::os::unix::fs::symlink(root().canonicalize().unwrap().join("examples"), folder.path().join("examples")).unwrap();
        for part in console.text.split("$ ").filter(|part| !part.trim().is_empty()) {
            count += 1;
            let (command, shown) = part.split_once('\n').unwrap_or((part, ""));
            let arguments: Vec<&str> = command.split_whitespace().collect();
            let ["fluo", arguments @ ..] = arguments.as_slice() else {
                failures.push(format!("{}: `{command}` is no command of fluo", console.place()));
                continue;
            };
            let output = Command::new(env!("CARGO_BIN_EXE_fluo")).args(arguments).current_dir(folder.path()).output().unwrap();
            let got = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            let lines = |text: &str| -> Vec<String> { text.trim_end().lines().map(str::to_owned).collect() };
            let (wanted, got) = (lines(shown), lines(&got));
            if !fits(&wanted, &got) {
                failures.push(format!("{}: `{command}` prints\n{}", console.place(), got.join("\n")));
            }
        }
    }
    check(&failures);
    assert!(count >= 4, "{count} commands");
}

#[test]
fn links_lead_somewhere() {
    let mut failures = Vec::new();
    let mut count = 0;
    for (page, text) in pages() {
        for target in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target) {
            if target.contains("://") {
                continue;
            }
            count += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { root().join(page) } else { root().join(page).parent().unwrap().join(file) };
            let found = path.exists() && (anchor.is_empty() || anchors(&std::fs::read_to_string(&path).unwrap()).contains(anchor));
            if !found {
                failures.push(format!("{page}: `{target}` leads nowhere"));
            }
        }
    }
    check(&failures);
    assert!(count >= 10, "{count} links");
}

/// The anchors that a page's headings get.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim().to_lowercase());
    headings
        .map(|heading| {
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// The words of a text that begin so: as far as letters, digits, dots and underscores go.
fn words<'t>(text: &'t str, prefix: &str) -> BTreeSet<&'t str> {
    let starts = text.match_indices(prefix).map(|(at, _)| &text[at..]);
    starts.map(|rest| rest.split(|c: char| !(c.is_ascii_alphanumeric() || "._".contains(c))).next().unwrap_or_default()).collect()
}

#[test]
fn names_of_attributes_and_metrics_are_the_right_ones() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let signals = read("docs/signals.md");
    let encoder = read("rust/fluo-engine/src/otlp/encode/attributes.rs");
    let mut failures = Vec::new();
    let attributes: Vec<&str> = encoder.split('"').filter(|literal| literal.starts_with("fluo.")).collect();
    failures.extend(attributes.iter().filter(|name| !signals.contains(**name)).map(|name| format!("signals.md says nothing of `{name}`")));

    let own = read("go-shim/fluoconnector/documentation.md");
    let edge = read("go-shim/fluoconnector/metrics.go");
    let exists = |name: &str| own.contains(&format!("### {name}\n")) || edge.contains(&format!("\"{name}\""));
    let metrics: Vec<String> = pages()
        .iter()
        .flat_map(|(_, text)| words(text, "otelcol_connector_fluo_").into_iter().map(str::to_owned).collect::<Vec<_>>())
        .chain(
            ["fluo.verdicts", "fluo.spans", "fluo.traces", "fluo.signals"]
                .iter()
                .flat_map(|prefix| words(&signals, prefix))
                .map(str::to_owned),
        )
        .filter(|name| name != "otelcol_connector_fluo_")
        .collect();
    failures.extend(metrics.iter().filter(|name| !exists(name)).map(|name| format!("there is no metric `{name}`")));
    check(&failures);
    assert!(attributes.len() >= 20 && metrics.len() >= 12, "{} attributes, {} metrics", attributes.len(), metrics.len());
}
