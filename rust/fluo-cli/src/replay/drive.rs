//! Feeds a recording to an engine, with time as the recording tells it.

use std::path::{Path, PathBuf};

use fluo_engine::engine::Engine;
use fluo_engine::signal::Signal;
use fluo_testkit::otlp_file::{self, BadMessage};

use crate::exit::Failure;

use super::clock::ReplayClock;

/// How many signals are taken from the engine at once.
const DRAIN: usize = 1024;

/// What was read.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    /// Messages handed to the engine.
    pub(crate) messages: u64,
    /// Messages that could not be read.
    pub(crate) bad: u64,
    /// A file in which no message could be read.
    pub(crate) unread: Option<PathBuf>,
}

/// The arrival time of the first message that has one. Opens every file: a misspelt name should not cost the time of the others.
pub(crate) fn start(files: &[PathBuf]) -> Result<u64, Failure> {
    let mut clock = ReplayClock::default();
    for path in files {
        let mut messages = otlp_file::open(path).map_err(|error| Failure::at(path, error))?.flatten();
        while clock.now() == 0 {
            let Some(message) = messages.next() else { break };
            clock.advance(&message.ends);
        }
    }
    Ok(clock.now())
}

/// Replays the files one after another and lets time run on until every trace is decided. `emit` gets each signal as soon as it is
/// made, `complain` each message that cannot be read.
pub(crate) fn replay(
    engine: &Engine,
    files: &[PathBuf],
    emit: &mut dyn FnMut(&Signal) -> Result<(), Failure>,
    complain: &mut dyn FnMut(&Path, &BadMessage),
) -> Result<Tally, Failure> {
    let mut clock = ReplayClock::default();
    let mut tally = Tally::default();
    for path in files {
        let before = tally.messages;
        let bad = tally.bad;
        for message in otlp_file::open(path).map_err(|error| Failure::at(path, error))? {
            match message {
                Ok(message) => {
                    tally.messages += 1;
                    let now = clock.advance(&message.ends);
                    run_to(engine, now, emit)?;
                    engine.ingest(0, now, &message.bytes).map_err(|error| Failure::at(path, format!("{error:?}")))?;
                    drain(engine, emit)?;
                }
                Err(bad) => {
                    tally.bad += 1;
                    complain(path, &bad);
                }
            }
        }
        if tally.messages == before && tally.bad > bad {
            tally.unread.get_or_insert_with(|| path.clone());
        }
    }
    engine.end_recording(clock.now());
    let end = run_to(engine, u64::MAX, emit)?.max(clock.now());
    engine.flush(end);
    drain(engine, emit)?;
    Ok(tally)
}

/// Lets the engine decide what falls due up to a time, each thing at its own time. Returns the last of these times.
fn run_to(engine: &Engine, until: u64, emit: &mut dyn FnMut(&Signal) -> Result<(), Failure>) -> Result<u64, Failure> {
    let mut last = 0;
    while let Some(due) = engine.next_deadline() {
        // Something that stays due after its time has come would hold the replay for ever.
        let now = if due > last { due } else { last.saturating_add(1) };
        if now >= until {
            break;
        }
        engine.tick(now);
        drain(engine, emit)?;
        last = now;
    }
    Ok(last)
}

fn drain(engine: &Engine, emit: &mut dyn FnMut(&Signal) -> Result<(), Failure>) -> Result<(), Failure> {
    loop {
        let (signals, more) = engine.drain_signals(DRAIN);
        for signal in &signals {
            emit(signal)?;
        }
        if !more {
            return Ok(());
        }
    }
}
