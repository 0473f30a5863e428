//! Finds rule files and rule tests, and reads rule files.

use std::io::Read;
use std::path::{Path, PathBuf};

use fluo_lang::source::{Source, SourceKind};

use crate::exit::Failure;

/// Stands for the standard input.
const STDIN: &str = "-";

/// What lies in a folder of rules.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `*.yml` and `*.yaml`, but no tests.
    Rules,
    /// `*.test.yml` and `*.test.yaml`, beside the rules they test.
    Tests,
}

/// Reads the rule files that the arguments name; see [`paths`].
pub(crate) fn read(arguments: &[String]) -> Result<Vec<Source>, Failure> {
    paths(arguments, Kind::Rules)?.iter().map(|path| read_one(path)).collect()
}

/// The files of a kind that the arguments name: files, directories (all below, sorted) and globs. A file named twice counts once, and
/// one of the other kind is left out: `rules/*.yml` names both.
pub(crate) fn paths(arguments: &[String], kind: Kind) -> Result<Vec<PathBuf>, Failure> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for argument in arguments {
        for path in expand(argument)? {
            let tests = is_yaml(&path, ".test");
            if tests == (kind == Kind::Tests) && !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    let what = if kind == Kind::Rules { "rule files" } else { "rule tests (*.test.yml, *.test.yaml)" };
    if paths.is_empty() { Err(Failure::new(format!("there are no {what} in {}", arguments.join(" ")))) } else { Ok(paths) }
}

fn expand(argument: &str) -> Result<Vec<PathBuf>, Failure> {
    let path = Path::new(argument);
    let mut found = Vec::new();
    if path.is_dir() {
        walk(path, &mut found)?;
        found.sort();
    } else if path.exists() || !argument.contains(['*', '?', '[']) {
        found.push(path.to_owned());
    } else {
        for entry in glob::glob(argument).map_err(|error| Failure::at(path, error))? {
            let entry = entry.map_err(|error| Failure::new(error.to_string()))?;
            if entry.is_file() {
                found.push(entry);
            }
        }
    }
    Ok(found)
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let entries = std::fs::read_dir(directory).map_err(|error| Failure::at(directory, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| Failure::at(directory, error))?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(|error| Failure::at(directory, error))?);
        if kind.is_dir() {
            walk(&path, found)?;
        } else if is_yaml(&path, "") {
            found.push(path);
        }
    }
    Ok(())
}

/// Whether a file's name ends in `.yml` or `.yaml` with this before it.
fn is_yaml(path: &Path, before: &str) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml"));
    stem.is_some_and(|stem| stem.ends_with(before))
}

fn read_one(path: &Path) -> Result<Source, Failure> {
    let bytes = if path == Path::new(STDIN) {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(|error| Failure::at(path, error))?;
        bytes
    } else {
        std::fs::read(path).map_err(|error| Failure::at(path, error))?
    };
    // What is no UTF-8 is reported with the file's other mistakes, at its place.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // A byte order mark would count as a character of the first line.
    let text = text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned);
    Ok(Source { name: path.display().to_string(), text, kind: SourceKind::File })
}
