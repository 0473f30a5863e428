//! The format of rule tests, for users (`fluo test`) and for the conformance corpus alike.
//!
//! A test file is YAML:
//!
//! ```yaml
//! rule_files: [payments.yml]        # or `rules:`, a list of rules or the text of a rule file
//! tests:
//!   - name: a charge without a check
//!     pins: "§4 applicability"      # what of the language reference it pins; optional
//!     trace: |                      # or `traces:`, a mapping of names to traces
//!       checkout @shop server 0..100
//!         payment.charge_card client 10..40 {amount=1200}
//!     verdicts:
//!       payment-needs-fraud-check: violated
//! ```
//!
//! [`crate::notation`] describes the traces. Spans arrive together when the last has ended, unless a line says `at=…`.
//! A test without rules of its own or of its file is about the rule file beside it: `payments.test.yml` about `payments.yml`,
//! `payments.test.yaml` about `payments.yaml`, else about the file with the other ending.
//!
//! `verdicts` maps rules to `satisfied`, `violated`, `not_applicable`, `inconclusive` or `inconclusive(gap)`. `expect` says more:
//!
//! ```yaml
//!     expect:
//!       - {rule: r, trace: t1, group: [alice], verdict: violated, evidence: [charge], trigger: complete, phase: late}
//!       - {rule: w, verdict: violated, episodes: [6s..66s], signals: [6s..66s]}
//! ```
//!
//! Without `trace` or `group` the worst verdict of the rule is meant. A violation that no expectation speaks of fails the test.
//!
//! To test expressions rather than rules, write them line by line: each becomes `always: EXPR` with `when: true`. With `on: a` the
//! lines are predicates about the span named `a`.
//!
//! ```yaml
//!     holds: |
//!       trace.count(payment.charge_card) == 1
//!     fails: |
//!       trace.has(payment.refund)
//!     unknown: {gap: "trace.has(payment.refund)"}
//!     not_applicable: |
//!       trace.has(payment.refund).avg(amount) > 3
//! ```
//!
//! `config` overrides `settle`, `max_duration`, `late_grace`, `top_is_root`, `max_skew`, `allowed_lateness`,
//! `max_spans_per_trace`, and `live_since` says when an engine that is no replay started; `end` is `{until: 5m}` or `{shutdown: 5s}`; `call_table` lists what usually comes below which calls.

mod build;
mod expectation;
mod form;
mod run;

use std::path::Path;

use crate::backend::Scenario;

pub use expectation::{Expectation, Reasoned};
pub use run::{Failure, run};

/// A test file, ready to run.
#[derive(Debug, Clone)]
pub struct TestFile {
    /// Its name, for reports.
    pub name: String,
    /// Its tests, in order.
    pub tests: Vec<Test>,
}

/// A test, ready to run.
#[derive(Debug, Clone)]
pub struct Test {
    /// Its name, unique in the file.
    pub name: String,
    /// What of the language reference it pins.
    pub pins: Option<String>,
    /// Its line in the file, from 1.
    pub line: u64,
    /// What backends are given.
    pub scenario: Scenario,
    /// The verdicts that are expected, each a case of its own.
    pub expectations: Vec<Expectation>,
    /// Names of the spans, for reports: trace, span and label.
    pub(crate) labels: Vec<(crate::model::TraceId, crate::model::SpanId, String)>,
}

/// Why a test file cannot be read or a test in it cannot be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseError {
    /// The file.
    pub file: String,
    /// Line from 1; 0 where there is no place.
    pub line: u64,
    /// Column from 1; 0 where there is no place.
    pub column: u64,
    /// The test, where it belongs to one.
    pub test: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for CaseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if let Some(test) = &self.test {
            write!(f, ": test `{test}`")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for CaseError {}

/// Reads a test file. `rule_file` reads a rule file by the name that stands in the test file.
///
/// # Errors
/// Everything that is wrong with the file, its traces, rules and expectations.
pub fn read(name: &str, text: &str, rule_file: &dyn Fn(&str) -> std::io::Result<String>) -> Result<TestFile, Vec<CaseError>> {
    let file: form::File = serde_saphyr::from_str(text).map_err(|e| {
        let place = e.location();
        vec![CaseError {
            file: name.to_owned(),
            line: place.map_or(0, |l| l.line()),
            column: place.map_or(0, |l| l.column()),
            test: None,
            message: e.to_string(),
        }]
    })?;
    build::build(name, text, file, rule_file)
}

/// Reads every test file (`*.test.yml`, `*.test.yaml`) of a folder, in the order of their names.
///
/// # Errors
/// Everything that is wrong with the files, and files that cannot be read.
pub fn read_folder(folder: &Path) -> Result<Vec<TestFile>, Vec<CaseError>> {
    let unreadable = |file: String, e: &std::io::Error| vec![CaseError { file, line: 0, column: 0, test: None, message: e.to_string() }];
    let listed = std::fs::read_dir(folder).map_err(|e| unreadable(folder.display().to_string(), &e))?;
    let mut names: Vec<String> = listed.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.retain(|name| name.ends_with(".test.yml") || name.ends_with(".test.yaml"));
    names.sort();
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    for name in names {
        let text = std::fs::read_to_string(folder.join(&name)).map_err(|e| unreadable(name.clone(), &e));
        match text.and_then(|text| read(&name, &text, &|rules| std::fs::read_to_string(folder.join(rules)))) {
            Ok(file) => files.push(file),
            Err(found) => errors.extend(found),
        }
    }
    if errors.is_empty() { Ok(files) } else { Err(errors) }
}
