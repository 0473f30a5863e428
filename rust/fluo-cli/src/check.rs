//! `fluo check`: everything that is wrong with rule files, at once.

mod memory;

use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use fluo_engine::memory::Memory;
use fluo_lang::check::Size;
use fluo_lang::diagnostic::DiagnosticSeverity;
use fluo_lang::render::{JsonReport, Report, escaped_json, escaped_lines};
use serde::Serialize;

use crate::exit::{Failure, Outcome};
use crate::limits::LimitOptions;
use crate::{rules, sources};

/// Report everything that is wrong with rule files.
///
/// Exit code: 0 nothing wrong, 1 errors, 2 wrong usage or unreadable files, 3 only warnings with `--deny warnings`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Rule files, directories (every *.yml and *.yaml below, but *.test.yml and *.test.yaml) or quoted globs; `-` is the standard input.
    #[arg(required = true)]
    files: Vec<String>,
    /// How findings are written.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// What makes the check fail beside errors.
    #[arg(long, value_enum)]
    deny: Option<Deny>,
    /// Report what each rule costs in memory, for a trace or for a group, and refuse what cannot be bounded by these limits.
    #[arg(long)]
    memory: bool,
    #[command(flatten)]
    limits: LimitOptions,
}

/// The JSON form: the diagnostics, and with `--memory` what the rules cost.
#[derive(Serialize)]
struct Json {
    #[serde(flatten)]
    report: JsonReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<Memory>,
    /// What the rules come to when they are loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<Size>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Like a compiler, with carets.
    Text,
    /// One JSON object.
    Json,
    /// A SARIF 2.1.0 log.
    Sarif,
    /// GitHub workflow commands.
    Github,
}

#[derive(Clone, Copy, ValueEnum)]
enum Deny {
    /// Warnings too.
    Warnings,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let sources = sources::read(&arguments.files)?;
    let mut loaded = rules::to_run(&sources);
    let memory = loaded.rules.as_ref().filter(|_| arguments.memory).map(|rules| {
        let config = arguments.limits.config();
        let memory = fluo_engine::memory(rules, &config);
        loaded.diagnostics.extend(memory.refused(rules, &config));
        memory
    });
    if loaded.diagnostics.iter().any(|found| found.severity == DiagnosticSeverity::Error) {
        loaded.rules = None;
    }
    let report = Report::new(&sources, &loaded.diagnostics);
    let (rules, hash) = loaded.rules.as_ref().map_or((0, [].as_slice()), |rules| (rules.rules.len(), rules.hash.as_slice()));
    let mut out = std::io::stdout().lock();
    match arguments.format {
        Format::Text => {
            let text = report.text(std::io::stdout().is_terminal());
            let costs = memory.as_ref().map(|memory| escaped_lines(&memory::text(memory, loaded.size)).into_owned()).unwrap_or_default();
            write!(
                out,
                "{text}{}{costs}{}{}",
                if text.is_empty() { "" } else { "\n" },
                if costs.is_empty() { "" } else { "\n" },
                summary(sources.len(), loaded.rules.is_some().then_some(rules), &report)
            )?;
        }
        Format::Json => {
            let size = memory.as_ref().map(|_| loaded.size);
            let json = serde_json::to_string(&Json { report: report.data(rules, hash), memory, size })
                .map_err(|error| Failure::new(error.to_string()))?;
            writeln!(out, "{}", escaped_json(&json))?;
        }
        Format::Sarif => writeln!(out, "{}", report.sarif())?,
        Format::Github => write!(out, "{}", report.github())?,
    }
    out.flush()?;
    Ok(match (report.errors(), report.warnings(), arguments.deny) {
        (0, 1.., Some(Deny::Warnings)) => Outcome::DeniedWarnings,
        (0, ..) => Outcome::Clean,
        _ => Outcome::Errors,
    })
}

/// Such as `3 files, 12 rules, 2 errors, 1 warning`.
fn summary(files: usize, rules: Option<usize>, report: &Report<'_>) -> String {
    let mut parts = vec![counted(files, "file")];
    parts.extend(rules.map(|rules| counted(rules, "rule")));
    parts.push(counted(report.errors(), "error"));
    parts.push(counted(report.warnings(), "warning"));
    format!("{}\n", parts.join(", "))
}

/// A number and its noun.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        more => format!("{more} {noun}s"),
    }
}
