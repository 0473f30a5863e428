//! What it costs to write a signal as OTLP.
//!
//! `cargo bench -p fluo-engine --bench encode`; the throughput is in signals.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fluo_engine::otlp::{encode_logs, encode_spans};

#[allow(dead_code, reason = "each benchmark uses a part")]
mod traffic;

use traffic::{BASE, SECOND, engine, messages, replay, rules};

/// A claim that every trace breaks.
const BROKEN: &str = "- {name: broken, severity: error, never: trace.has(payment.charge_card).count() > 0}";
const SIGNALS: usize = 512;

fn encode(c: &mut Criterion) {
    let engine = engine(&rules(BROKEN));
    replay(engine.as_ref(), &messages(3));
    let Some(engine) = engine else { return };
    let (signals, _) = engine.drain_signals(SIGNALS);
    assert_eq!(signals.len(), SIGNALS, "every trace breaks the rule");
    let resource = engine.extra_resource();
    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Elements(SIGNALS as u64));
    group.bench_function("logs", |b| b.iter(|| encode_logs(black_box(&signals), resource)));
    group.bench_function("spans", |b| b.iter(|| encode_spans(black_box(&signals), resource)));
    group.finish();
    black_box(engine.tick(BASE + 1000 * SECOND));
}

criterion_group!(benches, encode);
criterion_main!(benches);
