//! Recordings through the engine: what it decides of every trace, and what it learns of calls.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use fluo_engine::{CallEntry, Config, Engine, Reason, Verdict};
use fluo_lang::program::RuleSet;

use super::engine::tick_until;
use crate::model::{Batch, TraceId};
use crate::{otlp, otlp_file};

/// What a verdict is about: rule, trace (`None` over `spans`), values of the group.
pub type Subject = (String, Option<TraceId>, Vec<String>);

/// What came out of a replay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decided {
    /// The last verdict of every subject, with all reasons of an inconclusive one.
    pub verdicts: BTreeMap<Subject, (Verdict, Vec<Reason>)>,
    /// The call table at the end.
    pub calls: Vec<CallEntry>,
}

impl Decided {
    /// The subjects that are violated.
    pub fn violated(&self) -> impl Iterator<Item = &Subject> {
        self.verdicts.iter().filter(|(_, (verdict, _))| *verdict == Verdict::Violated).map(|(subject, _)| subject)
    }
}

/// Reads a recording, each frame of a request a batch of its own. A request arrives when the latest span so far has ended.
///
/// # Errors
/// A file that cannot be read, or a message in it.
pub fn frames(path: &Path) -> Result<Vec<Batch>, String> {
    let mut now = 0;
    let mut batches = Vec::new();
    for message in otlp_file::open(path).map_err(|e| e.to_string())? {
        let message = message.map_err(|bad| format!("message {}: {}", bad.number, bad.reason))?;
        now = now.max(message.last_end());
        let spans = otlp::decode(&message.bytes).map_err(|e| e.to_string())?;
        for frame in spans.chunk_by(|a, b| Arc::ptr_eq(&a.resource, &b.resource)) {
            batches.push(Batch { at: now, spans: frame.to_vec() });
        }
    }
    Ok(batches)
}

/// Runs the batches through an engine with the default configuration, to the end of the recording. Their arrival times must not go
/// back. With a call table the engine learns nothing; without one it learns as it decides.
///
/// # Errors
/// What the engine refuses.
pub fn decide(rules: &Arc<RuleSet>, batches: &[Batch], calls: Option<&[CallEntry]>) -> Result<Decided, String> {
    let (start, end) = (batches.first().map_or(0, |batch| batch.at), batches.last().map_or(0, |batch| batch.at));
    let config = Config { learn_calls: calls.is_none(), record_verdicts: true, ..Config::default() };
    let engine = Engine::new(Arc::clone(rules), config, start).map_err(|e| e.to_string())?;
    engine.set_call_table(calls.unwrap_or_default());
    for batch in batches {
        tick_until(&engine, batch.at);
        engine.ingest(0, batch.at, &otlp::encode(&batch.spans)).map_err(|e| e.to_string())?;
    }
    engine.end_recording(end);
    tick_until(&engine, u64::MAX);
    let records = engine.drain_verdicts().into_iter();
    let verdicts = records.map(|r| ((r.rule, r.trace_id, r.group), (r.verdict, r.reasons))).collect();
    Ok(Decided { verdicts, calls: engine.call_table() })
}
