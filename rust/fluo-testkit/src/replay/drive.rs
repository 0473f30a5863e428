//! Requests into an engine, with time as the recording tells it.

use fluo_engine::signal::Signal;
use fluo_engine::{Engine, IngestError};

use super::Request;

/// How many signals are taken from the engine at once.
const DRAIN: usize = 1024;

/// Hands the requests to an engine, each at its time, and lets time run on until every trace is decided. `emit` gets each signal as
/// soon as it is made.
///
/// # Errors
/// What `requests` and `emit` give, and what the engine refuses.
pub fn drive<E: From<IngestError>>(
    engine: &Engine,
    requests: impl Iterator<Item = Result<Request, E>>,
    emit: &mut dyn FnMut(&Signal) -> Result<(), E>,
) -> Result<(), E> {
    let mut now = 0;
    for request in requests {
        let request = request?;
        now = request.at;
        run_to(engine, now, emit)?;
        engine.ingest(0, now, &request.bytes)?;
        drain(engine, emit)?;
    }
    engine.end_recording(now);
    let end = run_to(engine, u64::MAX, emit)?.max(now);
    engine.flush(end);
    drain(engine, emit)
}

/// Lets the engine decide what falls due up to a time, each thing at its own time. Returns the last of these times, 0 if there was
/// none.
///
/// # Errors
/// What `emit` gives.
pub fn run_to<E>(engine: &Engine, until: u64, emit: &mut dyn FnMut(&Signal) -> Result<(), E>) -> Result<u64, E> {
    let mut last = 0;
    while let Some(due) = engine.next_deadline() {
        // Something that stays due after its time has come would hold the replay for ever.
        let now = if due > last { due } else { last.saturating_add(1) };
        if now > until || now == u64::MAX {
            break;
        }
        engine.tick(now);
        drain(engine, emit)?;
        last = now;
    }
    Ok(last)
}

fn drain<E>(engine: &Engine, emit: &mut dyn FnMut(&Signal) -> Result<(), E>) -> Result<(), E> {
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
