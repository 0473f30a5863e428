//! What a span costs the engine from its bytes to its verdicts, beside prost decoding the same bytes.
//!
//! `cargo bench -p fluo-engine --bench ingest`; the throughput is in spans. Traces of 20 spans come in two messages each, settle and
//! are decided, and leave their grace while the next ones come.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use fluo_lang::program::RuleSet;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

#[allow(dead_code, reason = "each benchmark uses a part")]
mod traffic;

use traffic::{SPANS, disjoint, engine, messages, messages_of, replay, replay_at, rules, typical};

/// The rules of the quickstart.
const QUICKSTART: &str = include_str!("../../../examples/quickstart/rules/shop.yml");

fn one(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, rules: &Arc<RuleSet>, messages: &[Vec<u8>]) {
    group.bench_function(name, |b| {
        b.iter_batched_ref(|| engine(rules), |engine| replay(engine.as_ref(), messages), BatchSize::PerIteration);
    });
}

fn ingest(c: &mut Criterion) {
    let (whole, projected) = (messages(12), messages(3));
    let mut group = c.benchmark_group("ingest");
    group.throughput(Throughput::Elements(SPANS)).sample_size(10);
    for (form, messages) in [("whole", &whole), ("projected", &projected)] {
        one(&mut group, &format!("{form}, quickstart"), &rules(QUICKSTART), messages);
        for count in [10, 1000] {
            one(&mut group, &format!("{form}, {count} typical rules"), &typical(count), messages);
            one(&mut group, &format!("{form}, {count} disjoint rules"), &disjoint(count), messages);
        }
        group.bench_function(format!("{form}, prost decode"), |b| {
            b.iter(|| {
                for message in messages {
                    black_box(ExportTraceServiceRequest::decode(message.as_slice()).is_ok());
                }
            });
        });
    }
    group.finish();
}

/// So many threads share one engine, each with traces of its own. Time goes on with what all have sent: by a clock of its own a thread
/// that is ahead would let the traces of the other settle before they are whole.
fn threads(c: &mut Criterion) {
    let rules = typical(10);
    let mut group = c.benchmark_group("threads");
    group.sample_size(10);
    for threads in [1, 2] {
        let of: Vec<_> = (0..threads).map(|n| messages_of(12, n << 32)).collect();
        group.throughput(Throughput::Elements(SPANS * threads));
        group.bench_function(threads.to_string(), |b| {
            b.iter_batched_ref(
                || engine(&rules),
                |engine| {
                    let engine = engine.as_ref();
                    let sent = &AtomicU64::new(0);
                    thread::scope(|scope| {
                        for messages in &of {
                            scope.spawn(move || replay_at(engine, messages, || sent.fetch_add(1, Relaxed) / threads));
                        }
                    });
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// The limit: reading the same bytes once, which no engine can avoid.
fn memory(c: &mut Criterion) {
    let whole = messages(12);
    let mut group = c.benchmark_group("memory");
    group.throughput(Throughput::Elements(SPANS)).sample_size(10);
    println!("whole: {} bytes a span", whole.iter().map(Vec::len).sum::<usize>() as u64 / SPANS);
    group.bench_function("sum of all bytes", |b| {
        b.iter(|| black_box(&whole).iter().map(|m| sum(m)).fold(0, u64::wrapping_add));
    });
    group.finish();
}

/// The sum of the 64-bit words.
fn sum(bytes: &[u8]) -> u64 {
    bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).fold(0, u64::wrapping_add)
}

criterion_group!(benches, ingest, threads, memory);
criterion_main!(benches);
