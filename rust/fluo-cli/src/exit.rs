//! How a command ends.

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

use fluo_lang::render::escaped_lines;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done, nothing to complain about: 0.
    Clean,
    /// The rules have errors, or a test of them failed: 1.
    Errors,
    /// Only warnings, and they were denied: 3.
    DeniedWarnings,
}

/// Why a command could not do its work: 2, as for wrong usage.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What to tell the user.
    Told(String),
    /// Whoever read the output has read enough, as `head` does: no failure.
    ReaderGone,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Told(message.into())
    }

    /// A failure about a file.
    pub(crate) fn at(path: &Path, reason: impl Display) -> Self {
        Self::Told(format!("{}: {reason}", path.display()))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::Told(format!("cannot write the output: {error}")),
        }
    }
}

impl From<fluo_engine::IngestError> for Failure {
    fn from(error: fluo_engine::IngestError) -> Self {
        Self::Told(error.to_string())
    }
}

/// The exit code of a command; a failure is printed.
pub(crate) fn code(outcome: Result<Outcome, Failure>) -> ExitCode {
    match outcome {
        Ok(Outcome::Clean) | Err(Failure::ReaderGone) => ExitCode::SUCCESS,
        Ok(Outcome::Errors) => ExitCode::from(1),
        Ok(Outcome::DeniedWarnings) => ExitCode::from(3),
        Err(Failure::Told(message)) => {
            eprintln!("error: {}", escaped_lines(&message));
            ExitCode::from(2)
        }
    }
}
