//! Running a test on a backend.

use super::expectation::said;
use super::{Test, TestFile};
use crate::backend::{Answer, Backend};

/// Something that is not as a test expects it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The test.
    pub test: String,
    /// Line of the expectation, or of the test.
    pub line: u64,
    /// The rule or expression.
    pub title: String,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: test `{}`: `{}`: {}", self.line, self.test, self.title, self.message)
    }
}

/// Runs a test on a backend. Empty means that everything is as expected.
#[must_use]
pub fn run(test: &Test, backend: &dyn Backend) -> Vec<Failure> {
    let failure = |line: u64, title: &str, message: String| Failure { test: test.name.clone(), line, title: title.to_owned(), message };
    let report = match backend.run(&test.scenario) {
        Ok(report) => report,
        Err(why) => return vec![failure(test.line, backend.name(), why)],
    };
    let mut failures: Vec<Failure> = test
        .expectations
        .iter()
        .filter_map(|expectation| Some(failure(expectation.line, &expectation.title, expectation.check(&report)?)))
        .collect();
    for record in report.records.iter().filter(|record| record.verdict == Answer::Violated) {
        if !test.expectations.iter().any(|expectation| expectation.is_about(record)) {
            let span =
                record.span_id.and_then(|id| test.labels.iter().find(|(trace, span, _)| Some(*trace) == record.trace_id && *span == id));
            let place = span.map_or_else(String::new, |(_, _, label)| format!(" for span `{label}`"));
            failures.push(failure(test.line, &record.rule, format!("got {}{place}, which no expectation speaks of", said(record))));
        }
    }
    failures
}

impl TestFile {
    /// Number of expected verdicts.
    #[must_use]
    pub fn cases(&self) -> usize {
        self.tests.iter().map(|test| test.expectations.len()).sum()
    }

    /// Runs every test on a backend.
    #[must_use]
    pub fn run(&self, backend: &dyn Backend) -> Vec<Failure> {
        self.tests.iter().flat_map(|test| run(test, backend)).collect()
    }
}
