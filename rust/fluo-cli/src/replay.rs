//! `fluo replay`: rules over recorded traces, by the engine that runs in the collector.

mod clock;
mod drive;
mod options;
mod output;
mod summary;

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use fluo_engine::engine::Engine;
use fluo_engine::signal::Signal;
use fluo_lang::render::Report;
use fluo_testkit::otlp_file::BadMessage;

use crate::check::counted;
use crate::exit::{Failure, Outcome};
use crate::{rules, sources};

/// How many unreadable messages are named; the rest is counted.
const NAMED: usize = 10;

/// Evaluate rules over recorded traces.
///
/// Reads what the collector's file exporter writes: OTLP JSON, one message a line, or protobuf with lengths, plain or gzipped. Time is
/// the recording's own: replaying a file twice gives the same. Violations are no failure of the replay.
///
/// Exit code: 0 replayed, 1 errors in the rules, 2 wrong usage or files in which nothing can be read.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Recordings, replayed one after another as one.
    #[arg(required = true)]
    traces: Vec<PathBuf>,
    /// A rule file, a directory of them or a quoted glob; may be given several times.
    #[arg(long, required = true, value_name = "FILES")]
    rules: Vec<String>,
    /// How signals are written.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    engine: options::EngineOptions,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Sentences, and a table of verdicts at the end.
    Text,
    /// One JSON object a signal.
    Jsonl,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let sources = sources::read(&arguments.rules)?;
    let loaded = rules::to_run(&sources);
    let report = Report::new(&sources, &loaded.diagnostics);
    let Some(loaded_rules) = loaded.rules else {
        eprint!("{}", report.text(false));
        return Ok(Outcome::Errors);
    };
    let rules = Arc::new(loaded_rules);
    let start = drive::start(&arguments.traces)?;
    let engine = || Engine::new(Arc::clone(&rules), arguments.engine.config(), start).map_err(|error| Failure::new(error.to_string()));
    // What usually comes below which call is an input of the verdicts. It is learned from the whole recording first, so that a trace at
    // its beginning is judged by the same knowledge as one at its end.
    let learning = engine()?;
    drive::replay(&learning, &arguments.traces, &mut |_| Ok(()), &mut |_, _| {})?;
    let calls = learning.call_table();
    drop(learning);
    let engine = engine()?;
    engine.set_call_table(&calls);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut emit = |signal: &Signal| {
        let written = match arguments.format {
            Format::Text => output::text(signal),
            Format::Jsonl => output::json_line(signal),
        };
        out.write_all(written.as_bytes()).map_err(Failure::from)
    };
    let mut named = 0;
    let mut complain = |path: &Path, bad: &BadMessage| {
        named += 1;
        if named <= NAMED || bad.fatal {
            let rest = if bad.fatal { "; the rest of this file is not read" } else { "; skipped" };
            eprintln!("warning: {}:{}: {}{rest}", path.display(), bad.number, bad.reason);
        }
    };
    let tally = drive::replay(&engine, &arguments.traces, &mut emit, &mut complain)?;
    if arguments.format == Format::Text {
        out.write_all(summary::text(&engine.stats(), &tally).as_bytes())?;
    } else if tally.bad > 0 {
        eprintln!("warning: {} could not be read", counted(usize::try_from(tally.bad).unwrap_or(usize::MAX), "message"));
    }
    out.flush()?;
    match tally.unread {
        Some(path) => Err(Failure::at(&path, "no message of this file could be read")),
        None => Ok(Outcome::Clean),
    }
}
