//! `fluo replay`: rules over recorded traces, by the engine that runs in the collector.

mod options;
mod output;
mod read;
mod summary;

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use fluo_engine::engine::Engine;
use fluo_engine::signal::Signal;
use fluo_engine::{CallEntry, Config};
use fluo_lang::program::{RuleSet, Scope};
use fluo_lang::render::{Report, escaped};
use fluo_testkit::otlp_file::BadMessage;
use fluo_testkit::replay::drive;

use crate::check::counted;
use crate::exit::{Failure, Outcome};
use crate::{rules, sources};

/// How many unreadable messages are named; the rest is counted.
const NAMED: usize = 10;

/// Evaluate rules over recorded traces.
///
/// Reads what the collector's file exporter writes: OTLP JSON, one message a line, or protobuf with lengths, plain or compressed with
/// gzip or zstd. Time is the recordings' own: replaying them twice gives the same. Violations are no failure of the replay.
///
/// Exit code: 0 replayed, 1 errors in the rules, 2 wrong usage or files in which nothing can be read.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Recordings, merged by time, each in its own order.
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
    let calls = calls(&rules, arguments)?;
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
            let told = format!("{}:{}: {}{rest}", path.display(), bad.number, bad.reason);
            eprintln!("warning: {}", escaped(&told));
        }
    };
    let mut requests = read::Requests::open(&arguments.traces, &mut complain)?;
    let engine = engine(&rules, Config { learn_calls: false, ..arguments.engine.config() }, requests.start())?;
    engine.set_call_table(&calls);
    drive(&engine, &mut requests, &mut emit)?;
    let tally = requests.into_tally();
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

fn engine(rules: &Arc<RuleSet>, config: Config, start: u64) -> Result<Engine, Failure> {
    // Signals are taken after every step, so the queue holds those of one step, and none of them may be lost.
    let config = Config { signal_queue_size: usize::MAX, ..config };
    Engine::new(Arc::clone(rules), config, start).map_err(|error| Failure::new(error.to_string()))
}

/// What usually comes below which call: an input of the verdicts. It is learned from the whole recording first, so that a trace at its
/// beginning is judged by the same knowledge as one at its end, and each trace is counted once. Rules over `spans` teach nothing.
fn calls(rules: &RuleSet, arguments: &Arguments) -> Result<Vec<CallEntry>, Failure> {
    let mut teaching = rules.clone();
    teaching.rules.retain(|rule| rule.scope == Scope::Trace);
    if teaching.rules.is_empty() {
        return Ok(Vec::new());
    }
    let mut ignore = |_: &Path, _: &BadMessage| {};
    let mut requests = read::Requests::open(&arguments.traces, &mut ignore)?;
    let engine = engine(&Arc::new(teaching), arguments.engine.config(), requests.start())?;
    drive(&engine, &mut requests, &mut |_| Ok(()))?;
    Ok(engine.call_table())
}
