//! A host in the shape that every binding has: handles that free themselves, buffers turned into bytes.

use std::ptr;

use fluo::{
    Buffer, DrainResult, EngineHandle, Form, IngestResult, Kind, RulesetHandle, Status, fluo_buffer_free, fluo_engine_drain,
    fluo_engine_flush, fluo_engine_free, fluo_engine_ingest, fluo_engine_new, fluo_engine_projection, fluo_engine_stats, fluo_engine_swap,
    fluo_engine_tick, fluo_ruleset_compile, fluo_ruleset_free,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, LogsData};
use prost::Message as _;
use serde_json::{Value, json};

/// Claims a fraud check for every charge.
pub(crate) const PAYMENT: &str = "- name: payment-needs-fraud-check
  always: trace.has(payment.charge_card) and trace.has(payment.fraud_check)
";

/// A compiled rule set.
pub(crate) struct Rules(pub(crate) *mut RulesetHandle);

impl Drop for Rules {
    fn drop(&mut self) {
        // SAFETY: made by `fluo_ruleset_compile` and owned by `self`.
        unsafe { fluo_ruleset_free(self.0) };
    }
}

impl Rules {
    /// Compiles whatever JSON: the status, the rule set where there is one, and the diagnostics.
    pub(crate) fn compile(sources: &[u8]) -> (Status, Option<Self>, Value) {
        let mut out = ptr::null_mut();
        let mut diagnostics = Buffer::empty();
        // SAFETY: all pointers are to locals.
        let status = unsafe { fluo_ruleset_compile(sources.as_ptr(), sources.len(), &mut out, &mut diagnostics) };
        assert_eq!(out.is_null(), status != Status::Ok, "a handle exactly on success");
        let diagnostics = serde_json::from_slice(&take(&mut diagnostics)).expect("diagnostics are JSON");
        (status, (!out.is_null()).then_some(Self(out)), diagnostics)
    }

    /// Compiles one rule file that has no errors.
    pub(crate) fn file(text: &str) -> Self {
        let request = json!({"sources": [{"name": "rules.yml", "text": text}]});
        let (status, rules, diagnostics) = Self::compile(request.to_string().as_bytes());
        assert_eq!(status, Status::Ok, "{diagnostics:#}");
        rules.expect("a rule set")
    }
}

/// An engine.
pub(crate) struct Host(pub(crate) *mut EngineHandle);

// SAFETY: the interface promises that an engine may be used from any thread.
unsafe impl Send for Host {}
// SAFETY: and from many at once.
unsafe impl Sync for Host {}

impl Drop for Host {
    fn drop(&mut self) {
        // SAFETY: made by `fluo_engine_new` and owned by `self`.
        unsafe { fluo_engine_free(self.0) };
    }
}

impl Host {
    /// Makes an engine; the error text where it is refused.
    pub(crate) fn new(rules: &Rules, config: &str, now: u64) -> Result<Self, (Status, String)> {
        let mut out = ptr::null_mut();
        let mut error = Buffer::empty();
        // SAFETY: the handle is alive, the rest points to locals.
        let status = unsafe { fluo_engine_new(rules.0, config.as_ptr(), config.len(), now, &mut out, &mut error) };
        assert_eq!(out.is_null(), status != Status::Ok, "a handle exactly on success");
        let error = String::from_utf8(take(&mut error)).expect("error text is UTF-8");
        if status == Status::Ok { Ok(Self(out)) } else { Err((status, error)) }
    }

    /// An engine with default settings.
    pub(crate) fn with(rules: &Rules, now: u64) -> Self {
        Self::new(rules, "{}", now).expect("an engine")
    }

    pub(crate) fn ingest(&self, epoch: u64, now: u64, bytes: &[u8]) -> (Status, IngestResult) {
        let mut result = ingest_result();
        // SAFETY: the handle is alive, the rest points to locals.
        let status = unsafe { fluo_engine_ingest(self.0, Kind::Traces as u32, epoch, now, bytes.as_ptr(), bytes.len(), &mut result) };
        (status, result)
    }

    pub(crate) fn tick(&self, now: u64) -> (Status, IngestResult) {
        let mut result = ingest_result();
        // SAFETY: the handle is alive, the rest points to a local.
        let status = unsafe { fluo_engine_tick(self.0, now, &mut result) };
        (status, result)
    }

    pub(crate) fn flush(&self, now: u64) -> (Status, IngestResult) {
        let mut result = ingest_result();
        // SAFETY: the handle is alive, the rest points to a local.
        let status = unsafe { fluo_engine_flush(self.0, now, &mut result) };
        (status, result)
    }

    pub(crate) fn swap(&self, rules: &Rules, now: u64) -> Status {
        let mut error = Buffer::empty();
        // SAFETY: both handles are alive.
        let status = unsafe { fluo_engine_swap(self.0, rules.0, now, &mut error) };
        take(&mut error);
        status
    }

    pub(crate) fn projection(&self) -> Value {
        let mut out = Buffer::empty();
        // SAFETY: the handle is alive.
        let status = unsafe { fluo_engine_projection(self.0, &mut out) };
        assert_eq!(status, Status::Ok);
        serde_json::from_slice(&take(&mut out)).expect("the projection is JSON")
    }

    pub(crate) fn stats(&self) -> Value {
        let mut out = Buffer::empty();
        // SAFETY: the handle is alive.
        let status = unsafe { fluo_engine_stats(self.0, &mut out) };
        assert_eq!(status, Status::Ok);
        serde_json::from_slice(&take(&mut out)).expect("statistics are JSON")
    }

    pub(crate) fn drain(&self, form: Form, now: u64, max: u64) -> (Status, Vec<u8>, DrainResult) {
        let mut out = Buffer::empty();
        let mut result = drain_result();
        // SAFETY: the handle is alive, the rest points to locals.
        let status = unsafe { fluo_engine_drain(self.0, form as u32, now, max, &mut out, &mut result) };
        (status, take(&mut out), result)
    }

    /// Every log record that waits.
    pub(crate) fn records(&self, now: u64) -> Vec<LogRecord> {
        let (status, bytes, result) = self.drain(Form::Logs, now, u64::MAX);
        assert_eq!((status, result.more), (Status::Ok, 0));
        let records = records(&bytes);
        assert_eq!(records.len() as u64, result.signals, "as many records as signals");
        records
    }
}

/// The log records of a message.
pub(crate) fn records(bytes: &[u8]) -> Vec<LogRecord> {
    let data = LogsData::decode(bytes).expect("logs");
    data.resource_logs.into_iter().flat_map(|r| r.scope_logs).flat_map(|s| s.log_records).collect()
}

/// A result struct as a caller prepares it.
pub(crate) fn ingest_result() -> IngestResult {
    IngestResult { size: size_of::<IngestResult>(), ..IngestResult::default() }
}

/// A result struct as a caller prepares it.
pub(crate) fn drain_result() -> DrainResult {
    DrainResult { size: size_of::<DrainResult>(), ..DrainResult::default() }
}

/// Copies a buffer and gives it back.
pub(crate) fn take(buffer: &mut Buffer) -> Vec<u8> {
    let bytes = if buffer.data.is_null() {
        assert_eq!(buffer.len, 0);
        Vec::new()
    } else {
        assert!(0 < buffer.len && buffer.len <= buffer.cap);
        // SAFETY: the library filled the buffer.
        unsafe { std::slice::from_raw_parts(buffer.data, buffer.len) }.to_vec()
    };
    // SAFETY: as filled by the library, or empty.
    unsafe { fluo_buffer_free(buffer) };
    assert!(buffer.data.is_null() && buffer.len == 0 && buffer.cap == 0, "freeing empties the buffer");
    bytes
}
