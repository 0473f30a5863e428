//! Finds and reads rule files.

use std::path::{Path, PathBuf};

use fluo_lang::source::{Source, SourceKind};

use crate::exit::Failure;

/// Reads the rule files that the arguments name: files, directories (all `*.yml` and `*.yaml` below but `*.test.yml`, sorted) and
/// globs. A file named twice is read once.
pub(crate) fn read(arguments: &[String]) -> Result<Vec<Source>, Failure> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for argument in arguments {
        for path in expand(argument)? {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    paths.iter().map(|path| read_one(path)).collect()
}

fn expand(argument: &str) -> Result<Vec<PathBuf>, Failure> {
    let path = Path::new(argument);
    if path.is_dir() {
        let mut found = Vec::new();
        walk(path, &mut found)?;
        found.sort();
        return if found.is_empty() { Err(Failure::at(path, "no rule files in this directory")) } else { Ok(found) };
    }
    if path.exists() || !argument.contains(['*', '?', '[']) {
        return Ok(vec![path.to_owned()]);
    }
    let matches = glob::glob(argument).map_err(|error| Failure::at(path, error))?;
    let mut found = Vec::new();
    for entry in matches {
        let entry = entry.map_err(|error| Failure::new(error.to_string()))?;
        if entry.is_file() {
            found.push(entry);
        }
    }
    if found.is_empty() { Err(Failure::at(path, "no file fits this pattern")) } else { Ok(found) }
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let entries = std::fs::read_dir(directory).map_err(|error| Failure::at(directory, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| Failure::at(directory, error))?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(|error| Failure::at(directory, error))?);
        if kind.is_dir() {
            walk(&path, found)?;
        } else if is_rule_file(&path) {
            found.push(path);
        }
    }
    Ok(())
}

/// Rule tests lie beside the rules they test.
fn is_rule_file(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml"));
    stem.is_some_and(|stem| !stem.ends_with(".test"))
}

fn read_one(path: &Path) -> Result<Source, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::at(path, error))?;
    let text =
        String::from_utf8(bytes).map_err(|error| Failure::at(path, format!("not UTF-8 at byte {}", error.utf8_error().valid_up_to())))?;
    // A byte order mark would count as a character of the first line.
    let text = text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned);
    Ok(Source { name: path.display().to_string(), text, kind: SourceKind::File })
}
