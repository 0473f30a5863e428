//! The engine's functions.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fluo_engine::otlp::{encode_logs, encode_spans};
use fluo_engine::{Config, Engine, IngestError, IngestReport};

use crate::boundary::{HandleOut, Poison, ResultOut, SizedResult, guarded, lent, take_back};
use crate::buffer::{Buffer, borrowed, optional, required};
use crate::ruleset::RulesetHandle;
use crate::status::Status;

/// Engines alive in this process.
static LIVE: AtomicUsize = AtomicUsize::new(0);

/// A running engine: a rule set, the open traces and windows, and the signals that wait to be drained.
///
/// Any number of threads may call functions on one engine at once; only fluo_engine_free() must come after all of them have
/// returned. The engine has no clock and starts no thread: it does something only inside a call, and knows the time only from the
/// `now_unix_nano` of its calls. Times that go back are taken for the latest one seen.
pub struct EngineHandle {
    engine: Engine,
    poison: Poison,
    _live: Live,
}

/// Counts an engine for as long as it exists, however it ends.
struct Live;

impl Live {
    fn new() -> Self {
        LIVE.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the bytes given to fluo_engine_ingest() are.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A serialized `opentelemetry.proto.trace.v1.TracesData` or `ExportTraceServiceRequest`, which are the same on the wire.
    Traces = 1,
}

impl Kind {
    fn from_number(number: u32) -> Result<Self, Status> {
        [Self::Traces].into_iter().find(|kind| *kind as u32 == number).ok_or(Status::InvalidArgument)
    }
}

/// How fluo_engine_drain() writes signals.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A serialized `opentelemetry.proto.logs.v1.LogsData` (as a message the same as `ExportLogsServiceRequest`): a log record for
    /// each signal.
    Logs = 1,
    /// A serialized `opentelemetry.proto.trace.v1.TracesData`: for each signal a span below the deciding one, with a span event.
    Spans = 2,
}

impl Form {
    fn from_number(number: u32) -> Result<Self, Status> {
        [Self::Logs, Self::Spans].into_iter().find(|form| *form as u32 == number).ok_or(Status::InvalidArgument)
    }
}

/// What a call of fluo_engine_ingest(), fluo_engine_tick() or fluo_engine_flush() found and did; the counts are of this call alone.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct IngestResult {
    /// Set by the caller to the size of the struct. Later versions of the library may know more fields; they are written only
    /// where the caller's struct has room for them.
    pub size: usize,
    /// Well-formed spans read.
    pub spans: u64,
    /// Spans that at least one selector of a rule picked.
    pub spans_selected: u64,
    /// Malformed spans, each skipped.
    pub spans_rejected: u64,
    /// Malformed frames: the rest of the message that held each was skipped.
    pub frames_rejected: u64,
    /// Spans that Fluo itself had written, skipped.
    pub spans_own: u64,
    /// The projection's current epoch. Where it differs from the one that the next message is being written for, read
    /// fluo_engine_projection() again.
    pub epoch: u64,
    /// 1 where signals wait for fluo_engine_drain(), else 0.
    pub signals_pending: u8,
}

impl SizedResult for IngestResult {
    fn size_mut(&mut self) -> &mut usize {
        &mut self.size
    }
}

impl From<IngestReport> for IngestResult {
    fn from(report: IngestReport) -> Self {
        Self {
            size: mem::size_of::<Self>(),
            spans: report.spans,
            spans_selected: report.spans_selected,
            spans_rejected: report.spans_rejected,
            frames_rejected: report.frames_rejected,
            spans_own: report.spans_own,
            epoch: report.epoch,
            signals_pending: u8::from(report.signals_pending),
        }
    }
}

/// What a call of fluo_engine_drain() took.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct DrainResult {
    /// Set by the caller to the size of the struct, see fluo_ingest_result.
    pub size: usize,
    /// Signals written.
    pub signals: u64,
    /// 1 where more signals wait, else 0.
    pub more: u8,
}

impl SizedResult for DrainResult {
    fn size_mut(&mut self) -> &mut usize {
        &mut self.size
    }
}

/// Makes an engine for a rule set.
///
/// `config_json` is a JSON object; every key is optional and an unknown one is an error. No bytes at all stand for an empty object.
/// The keys with their defaults:
/// - `settle_ns` 10000000000: quiet time after which a trace that misses nothing is complete;
/// - `max_duration_ns` 60000000000: age at which a trace is decided whatever is missing;
/// - `late_grace_ns` 60000000000: time after that in which a late span revises the verdict;
/// - `top_is_root` "age" (or "settle"): when a lone server or consumer span whose parent is missing is taken for the root;
/// - `max_skew_ns` 100000000: difference between clocks that raw comparisons between emitters have to respect;
/// - `allowed_lateness_ns` 30000000000: how far windows over all spans wait behind the event clock;
/// - `memory_bytes` 268435456: bytes that the engine may hold;
/// - `max_traces` 1000000, `max_spans_per_trace` 10000, `max_groups` 100000 (of one rule), `signal_queue_size` 10000;
/// - `max_steps_per_decision` 10000000: looks at spans and pairs of spans that deciding one rule about one trace may take;
/// - `live` false: whether spans come as they are made, so that nothing may be concluded from what a trace lacks that began before
///   `now_unix_nano`, since whoever stood here before has its spans. A host of live traffic sets it, one of recordings does not;
/// - `resource` {}: attributes, all strings, added to the resource of every signal.
///
/// `now_unix_nano` is the current time in nanoseconds since the Unix epoch, or the start of the recording in a replay.
///
/// Ownership: on FLUO_STATUS_OK the caller owns `*out` and gives it back with fluo_engine_free(); otherwise `*out` is NULL. The rule
/// set stays the caller's and may be freed at once. `error` may be NULL; it must be zero-initialised otherwise, receives one line
/// of UTF-8 text on FLUO_STATUS_INVALID_CONFIG and must be freed whatever the status is.
/// Threads: any.
/// Errors: FLUO_STATUS_INVALID_ARGUMENT, FLUO_STATUS_INVALID_CONFIG, FLUO_STATUS_PANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fluo_engine_new(
    ruleset: *const RulesetHandle,
    config_json: *const u8,
    config_len: usize,
    now_unix_nano: u64,
    out: *mut *mut EngineHandle,
    error: *mut Buffer,
) -> Status {
    guarded(|| {
        // SAFETY: the caller promises that `out` is null or writable.
        let out = unsafe { HandleOut::check(out) }?;
        // SAFETY: the caller promises that `error` is null or points to its buffer.
        let error = unsafe { optional(error) }?;
        // SAFETY: the caller promises that the handle is null or alive.
        let ruleset = unsafe { lent(ruleset) }?;
        // SAFETY: the caller promises that so many bytes are readable.
        let config = unsafe { borrowed(config_json, config_len) }?;

        match make_engine(ruleset, config, now_unix_nano) {
            Ok(engine) => {
                out.give(EngineHandle { engine, poison: Poison::default(), _live: Live::new() });
                Ok(())
            }
            Err(why) => {
                if let Some(error) = error {
                    error.give(why.into_bytes());
                }
                Err(Status::InvalidConfig)
            }
        }
    })
}

fn make_engine(ruleset: &RulesetHandle, config: &[u8], now: u64) -> Result<Engine, String> {
    let config = Config::from_json(config).map_err(|e| e.to_string())?;
    if config.record_verdicts {
        return Err("`record_verdicts` is not available here: nothing would take the verdicts away".to_owned());
    }
    Engine::new(Arc::clone(&ruleset.rules), config, now).map_err(|e| e.to_string())
}

/// Frees an engine with everything it holds, undrained signals included. NULL is allowed.
///
/// Ownership: takes the engine. Threads: any, but no other call on this engine may be under way or follow. Works on a poisoned
/// engine too. Errors: none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fluo_engine_free(engine: *mut EngineHandle) {
    // SAFETY: the caller promises that the handle is null or that this is its last use.
    unsafe { take_back(engine) };
}

/// Replaces the rule set. Traces that are open finish under the rules they began with; rules that are equal in both sets keep their
/// windows. The projection's epoch may change, so that messages written for the old one are refused as stale.
///
/// Ownership: the rule set stays the caller's and may be freed at once. `error` as in fluo_engine_new().
/// Threads: any, also while other threads ingest. Two swaps at once leave the rules of one of them.
/// Errors: FLUO_STATUS_INVALID_ARGUMENT, FLUO_STATUS_POISONED, FLUO_STATUS_PANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fluo_engine_swap(
    engine: *const EngineHandle,
    ruleset: *const RulesetHandle,
    now_unix_nano: u64,
    error: *mut Buffer,
) -> Status {
    // SAFETY: the caller promises that the handle is null or alive.
    let engine = unsafe { lent(engine) };
    on(engine, |engine| {
        // SAFETY: the caller promises that `error` is null or points to its buffer.
        let _error = unsafe { optional(error) }?;
        // SAFETY: the caller promises that the handle is null or alive.
        let ruleset = unsafe { lent(ruleset) }?;
        engine.swap(Arc::clone(&ruleset.rules), now_unix_nano);
        Ok(())
    })
}

/// Says what the loaded rules read of a span, so that the caller may leave the rest out of the messages it ingests.
///
/// Writes JSON:
/// `{"epoch":1,"span":{"all":false,"keys":[..]},"resource":{"all":false,"keys":[..]},"scope":{"name":false,"all":false,"keys":[..]},
/// "event":{"carry":false,"all":false,"keys":[..]},"link":{"carry":false,"all":false,"keys":[..]},"status_message":false,"dropped":true}`.
/// A projected message is a valid OTLP message that carries of every span the trace id, span id, parent span id, flags, name, kind,
/// start, end and status code, and beyond that: attributes whose key is listed (any, where `all`); the scope's name where
/// `scope.name`; events with name, time and listed attributes where `event.carry`; links with both ids and listed attributes where
/// `link.carry`; the status message where `status_message`; the dropped counts above zero where `dropped`. Scopes named
/// `github.com/fluo-otel/fluo` are left out whole. Verdicts on projected messages are those on whole ones.
///
/// Ownership: `out_json` must be zero-initialised and be freed by the caller.
/// Threads: any. Errors: FLUO_STATUS_INVALID_ARGUMENT, FLUO_STATUS_POISONED, FLUO_STATUS_PANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fluo_engine_projection(engine: *const EngineHandle, out_json: *mut Buffer) -> Status {
    // SAFETY: the caller promises that the handle is null or alive.
    let engine = unsafe { lent(engine) };
    on(engine, |engine| {
        // SAFETY: the caller promises that `out_json` is null or points to its buffer.
        let out = unsafe { required(out_json) }?;
        out.give(engine.projection_json());
        Ok(())
    })
}

/// Applies one message.
///
/// `kind` is a fluo_kind. `epoch` is that of the projection by which the message was written; 0 for a whole message, which is always
/// accepted. `now_unix_nano` is the time of arrival. `data` may be NULL where `len` is 0. Broken bytes never make a call fail as a
/// whole: a bad span loses that span, a bad frame the rest of its parent, and both are counted. No signal leaves inside this call:
/// where the result says so, call fluo_engine_drain() afterwards, from this or another thread.
///
/// Ownership: the bytes stay the caller's and are not looked at after the call. `out` must not be NULL; its `size` must be set.
/// Threads: any number at once.
/// Errors: FLUO_STATUS_INVALID_OTLP (what could be read was applied and is in the result), FLUO_STATUS_STALE_PROJECTION (nothing
/// was applied), FLUO_STATUS_CLOSED, FLUO_STATUS_INVALID_ARGUMENT, FLUO_STATUS_POISONED, FLUO_STATUS_PANIC. The result is written
/// only with FLUO_STATUS_OK and FLUO_STATUS_INVALID_OTLP.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fluo_engine_ingest(
    engine: *const EngineHandle,
    kind: u32,
    epoch: u64,
    now_unix_nano: u64,
    data: *const u8,
    len: usize,
    out: *mut IngestResult,
) -> Status {
    // SAFETY: the caller promises that the handle is null or alive.
    let engine = unsafe { lent(engine) };
    on(engine, |engine| {
        // SAFETY: the caller promises that `out` is null or points to its struct.
        let out = unsafe { ResultOut::check(out) }?;
        let Kind::Traces = Kind::from_number(kind)?;
        // SAFETY: the caller promises that so many bytes are readable.
        let bytes = unsafe { borrowed(data, len) }?;
        match engine.ingest(epoch, now_unix_nano, bytes) {
            Ok(report) => {
                let broken = report.message_broken;
                out.write(report.into());
                if broken { Err(Status::InvalidOtlp) } else { Ok(()) }
            }
            Err(IngestError::StaleProjection) => Err(Status::StaleProjection),
            Err(IngestError::Closed) => Err(Status::Closed),
        }
    })
}

/// Lets time pass: decides traces that have settled or aged and moves windows on. To be called about every 50 ms, and in a replay
/// after every message.
///
/// Ownership: `out` as in fluo_engine_ingest(). Threads: any number at once.
/// Errors: FLUO_STATUS_INVALID_ARGUMENT, FLUO_STATUS_POISONED, FLUO_STATUS_PANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fluo_engine_tick(engine: *const EngineHandle, now_unix_nano: u64, out: *mut IngestResult) -> Status {
    // SAFETY: the caller promises that the handle is null or alive.
    let engine = unsafe { lent(engine) };
    on(engine, |engine| {
        // SAFETY: the caller promises that `out` is null or points to its struct.
        let out = unsafe { ResultOut::check(out) }?;
        out.write(engine.tick(now_unix_nano).into());
        Ok(())
    })
}

/// Decides every open trace (trigger `shutdown`) and closes the engine: later messages answer FLUO_STATUS_CLOSED. What was decided
/// still has to be drained; the statistics stay readable. Waits for calls under way, so that what they decide is there to be drained.
///
/// Ownership: `out` as in fluo_engine_ingest(). Threads: any number at once.
/// Errors: FLUO_STATUS_INVALID_ARGUMENT, FLUO_STATUS_POISONED, FLUO_STATUS_PANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fluo_engine_flush(engine: *const EngineHandle, now_unix_nano: u64, out: *mut IngestResult) -> Status {
    // SAFETY: the caller promises that the handle is null or alive.
    let engine = unsafe { lent(engine) };
    on(engine, |engine| {
        // SAFETY: the caller promises that `out` is null or points to its struct.
        let out = unsafe { ResultOut::check(out) }?;
        out.write(engine.flush(now_unix_nano).into());
        Ok(())
    })
}

/// Takes signals from the queue, oldest first, and writes them as one OTLP message.
///
/// `form` is a fluo_form. `now_unix_nano` is the current time; what is written does not depend on it: a signal's observed time is the
/// one at which it was made. At most `max_signals` are taken; the rest waits. Where nothing waits the buffer stays empty, which is a
/// valid message without content. Signals that were taken are gone from the engine: deliver them or count them as lost. Encoding
/// holds up no other call.
///
/// Ownership: `out` must be zero-initialised and be freed by the caller; `result` as `out` of fluo_engine_ingest().
/// Threads: any number at once; each signal goes to one of them.
/// Errors: FLUO_STATUS_INVALID_ARGUMENT (nothing was taken), FLUO_STATUS_POISONED, FLUO_STATUS_PANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fluo_engine_drain(
    engine: *const EngineHandle,
    form: u32,
    now_unix_nano: u64,
    max_signals: u64,
    out: *mut Buffer,
    result: *mut DrainResult,
) -> Status {
    // SAFETY: the caller promises that the handle is null or alive.
    let engine = unsafe { lent(engine) };
    on(engine, |engine| {
        // SAFETY: the caller promises that `out` is null or points to its buffer.
        let out = unsafe { required(out) }?;
        // SAFETY: the caller promises that `result` is null or points to its struct.
        let result = unsafe { ResultOut::check(result) }?;
        let form = Form::from_number(form)?;
        // A part of the interface since draining may come to depend on the time; what is written today does not.
        let _ = now_unix_nano;
        let (signals, more) = engine.drain_signals(usize::try_from(max_signals).unwrap_or(usize::MAX));
        out.give(match form {
            Form::Logs => encode_logs(&signals, engine.extra_resource()),
            Form::Spans => encode_spans(&signals, engine.extra_resource()),
        });
        result.write(DrainResult { size: 0, signals: signals.len() as u64, more: u8::from(more) });
        Ok(())
    })
}

/// Writes counters and gauges as JSON.
///
/// Counters are cumulative since the engine was made: `spans_received`, `spans_selected`, `spans_rejected`, `frames_rejected`,
/// `spans_own`, `spans_duplicate`, `spans_conflicting`, `spans_late`, `spans_bad_time`, `traces_completed`, `traces_evicted`,
/// `spans_over_limit`, `calls_over_limit`, `resources_over_limit`, `decision_steps`, `decisions_over_limit`, `signals_emitted`,
/// `signals_dropped`, `groups_evicted`. Gauges: `traces_open`, `traces_grace`, `bytes_held`,
/// `signals_queued`, `epoch`. Then `ruleset_hash` and `rules`: for each rule its `name`, `severity`, `mode`, and how many verdicts were
/// `satisfied`, `violated`, `not_applicable` and, by reason, `inconclusive`, each counted once, when it is given; and `revisions`, a
/// list of what late spans made of them: `{"from":"violated","from_reason":"","to":"satisfied","to_reason":"","count":1}`. Later
/// versions may add keys.
///
/// Ownership: `out_json` must be zero-initialised and be freed by the caller.
/// Threads: any. Errors: FLUO_STATUS_INVALID_ARGUMENT, FLUO_STATUS_POISONED, FLUO_STATUS_PANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fluo_engine_stats(engine: *const EngineHandle, out_json: *mut Buffer) -> Status {
    // SAFETY: the caller promises that the handle is null or alive.
    let engine = unsafe { lent(engine) };
    on(engine, |engine| {
        // SAFETY: the caller promises that `out_json` is null or points to its buffer.
        let out = unsafe { required(out_json) }?;
        out.give(serde_json::to_vec(&engine.stats()).map_err(|_| Status::Panic)?);
        Ok(())
    })
}

/// Answers how many engines are alive in this process, for leak tests. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn fluo_engine_live_count() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// Runs a call on an engine.
fn on(handle: Result<&EngineHandle, Status>, call: impl FnOnce(&Engine) -> Result<(), Status>) -> Status {
    match handle {
        Ok(handle) => handle.poison.guarded(|| call(&handle.engine)),
        Err(status) => status,
    }
}
