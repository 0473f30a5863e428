//! Bytes that claim to be OTLP into an engine whose rules read everything: nothing may panic, and what leaves must be OTLP.
//!
//! The first byte says how the message is told in two, so that a later part meets what an earlier one left.
#![no_main]

use std::sync::{Arc, LazyLock};

use fluo_engine::otlp::{encode_logs, encode_spans};
use fluo_engine::{Config, Engine};
use fluo_lang::limits::Limits;
use fluo_lang::program::RuleSet;
use fluo_lang::source::{Source, SourceKind};
use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::logs::v1::LogsData;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message as _;

const NOW: u64 = 1_767_225_600_000_000_000;

/// Rules that read every field, in every way that costs something.
const RULES: &str = r"
- name: everything
  never: trace.spans.where(attr('*') matches '1' or resource.k == 1 or scope_name == 'x' or status_message contains 'e')
  on_gap: signal
- name: items
  never: trace.spans.any(event('*', attr('*') contains '1') or link(attr('*') == 1))
- name: tree
  always: trace.spans.all(has_parent(name == 'a') or has_descendant(kind == client) or missing(parent_id))
  on_gap: signal
- name: order
  always: trace.spans.all(preceded_by(true, same=k, within=1s) or followed_by(service == 's') or overlaps(status == error))
  on_gap: signal
- name: groups
  never: trace.spans.by(k, parent_id).count() > 1
- name: numbers
  always: trace.spans.sum(k) + trace.spans.max(duration) / 1ms > 3 and trace.spans.p90(n) < 2 and trace.duration < 1s
- name: windows
  never: trace.spans.by(shape(s)).within(1s).count() > 0
- name: runs
  never: trace.spans.longest_run(name, k) > 1 or trace.spans.concurrent() > 2 or trace.depth > 3
- name: over-spans
  never: spans.where(exists(k) or kind == server).by(k).within(10s).count() > 0
";

static RULE_SET: LazyLock<Arc<RuleSet>> = LazyLock::new(|| {
    let source = Source { name: "rules".to_owned(), text: RULES.to_owned(), kind: SourceKind::File };
    let loaded = fluo_lang::load(&[source], &Limits::default());
    Arc::new(loaded.rules.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics)))
});

fuzz_target!(|bytes: &[u8]| {
    let Some((split, message)) = bytes.split_first() else { return };
    let config = Config { max_spans_per_trace: 64, max_groups: 16, memory_bytes: 1 << 20, ..Config::default() };
    let engine = Engine::new(Arc::clone(&RULE_SET), config, NOW).expect("a good configuration");
    let (first, second) = message.split_at(message.len() * usize::from(*split) / 256);
    for (at, part) in [(NOW, message), (NOW + 1, first), (NOW + 20_000_000_000, second), (NOW + 80_000_000_000, message)] {
        engine.tick(at);
        engine.ingest(0, at, part).expect("an open engine");
    }
    engine.tick(NOW + 100_000_000_000);
    engine.flush(NOW + 101_000_000_000);
    let (signals, more) = engine.drain_signals(usize::MAX);
    assert!(!more, "all signals were asked for");
    let logs = LogsData::decode(&*encode_logs(&signals, engine.extra_resource())).expect("logs");
    let records = logs.resource_logs.iter().flat_map(|r| &r.scope_logs).map(|s| s.log_records.len()).sum::<usize>();
    assert_eq!(records, signals.len(), "a record for each signal");
    TracesData::decode(&*encode_spans(&signals, engine.extra_resource())).expect("spans");
    let stats = engine.stats();
    assert_eq!((stats.traces_open, stats.signals_queued), (0, 0), "a flush decides everything");
});
