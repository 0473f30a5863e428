//! `fluo test`: the tests that lie beside rules, on the engine that runs in the collector.

use std::io::Write;
use std::path::Path;

use fluo_lang::render::escaped_lines;
use fluo_testkit::backend::EngineBackend;
use fluo_testkit::case;

use crate::check::counted;
use crate::exit::{Failure, Outcome};
use crate::sources::{self, Kind};

/// Run the tests of rules.
///
/// Exit code: 0 all passed, 1 some failed or cannot be run, 2 wrong usage or unreadable files.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Rule tests (*.test.yml, *.test.yaml), directories of them or quoted globs.
    #[arg(required = true)]
    files: Vec<String>,
    /// Only tests whose name contains this.
    #[arg(long, value_name = "TEXT")]
    run: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let paths = sources::paths(&arguments.files, Kind::Tests)?;
    let wanted = |name: &str| arguments.run.as_ref().is_none_or(|part| name.contains(part.as_str()));
    let mut out = std::io::stdout().lock();
    let (mut tests, mut expectations, mut failures) = (0, 0, 0);
    for path in &paths {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::at(path, error))?;
        let name = path.display().to_string();
        let folder = path.parent().unwrap_or(Path::new(""));
        match case::read(&name, &text, &|file| std::fs::read_to_string(folder.join(file))) {
            Ok(file) => {
                for test in file.tests.iter().filter(|test| wanted(&test.name)) {
                    tests += 1;
                    expectations += test.expectations.len();
                    for failure in case::run(test, &EngineBackend) {
                        failures += 1;
                        let told = format!("{name}:{}: test `{}`: `{}`: {}", failure.line, failure.test, failure.title, failure.message);
                        writeln!(out, "{}", escaped_lines(&told))?;
                    }
                }
            }
            Err(errors) => {
                failures += errors.len();
                for error in errors {
                    writeln!(out, "{}", escaped_lines(&error.to_string()))?;
                }
            }
        }
    }
    let parts = [counted(paths.len(), "file"), counted(tests, "test"), counted(expectations, "expectation"), counted(failures, "failure")];
    writeln!(out, "{}", parts.join(", "))?;
    Ok(if failures == 0 { Outcome::Clean } else { Outcome::Errors })
}
