//! Signals as log records.

use fluo_lang::program::Severity;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, LogsData, ResourceLogs, ScopeLogs, SeverityNumber};
use prost::Message;

use super::{Added, attributes, by_resource, scope, span_id, trace_id};
use crate::signal::Signal;

/// Signals as a serialized `LogsData`, which is an `ExportLogsServiceRequest` too: one event record each, in order within each
/// resource. `resource` is what the configuration adds to every resource; it takes precedence.
#[must_use]
pub fn encode_logs(signals: &[Signal], resource: &Added) -> Vec<u8> {
    let resource_logs = by_resource(signals, resource)
        .into_iter()
        .map(|(resource, signals)| ResourceLogs {
            resource: Some(resource),
            scope_logs: vec![ScopeLogs {
                scope: Some(scope()),
                log_records: signals.into_iter().map(record).collect(),
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        })
        .collect();
    LogsData { resource_logs }.encode_to_vec()
}

fn record(signal: &Signal) -> LogRecord {
    LogRecord {
        time_unix_nano: signal.time,
        observed_time_unix_nano: signal.observed_time,
        severity_number: severity_number(signal.severity).into(),
        severity_text: attributes::severity(signal.severity).to_owned(),
        body: Some(AnyValue { value: Some(attributes::text(&signal.message)) }),
        attributes: attributes::of(signal),
        trace_id: trace_id(signal.trace_id),
        span_id: span_id(signal.span_id),
        event_name: signal.event.name().to_owned(),
        ..LogRecord::default()
    }
}

const fn severity_number(severity: Severity) -> SeverityNumber {
    match severity {
        Severity::Info => SeverityNumber::Info,
        Severity::Warning => SeverityNumber::Warn,
        Severity::Error => SeverityNumber::Error,
        Severity::Critical => SeverityNumber::Fatal,
    }
}
