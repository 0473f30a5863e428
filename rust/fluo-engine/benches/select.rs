//! What it costs to find the selectors that a span satisfies, by number of rules.
//!
//! `cargo bench -p fluo-engine --bench select`; the throughput is in spans. The engine has seen every span before: it walks the
//! message, matches the selectors, finds each span again and is done. With no matching rule that is the cost of the rest.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

#[allow(dead_code, reason = "each benchmark uses a part")]
mod traffic;

use traffic::{BASE, SPANS, disjoint, engine, messages, typical};

fn select(c: &mut Criterion) {
    let messages = messages(3);
    let mut group = c.benchmark_group("select");
    group.throughput(Throughput::Elements(SPANS)).sample_size(10);
    for (shape, rules) in [("typical", typical as fn(usize) -> _), ("disjoint", disjoint)] {
        for count in [1, 10, 100, 1000] {
            let engine = engine(&rules(count));
            let again = || {
                for message in &messages {
                    black_box(engine.as_ref().is_some_and(|engine| engine.ingest(0, BASE, message).is_ok()));
                }
            };
            again();
            group.bench_function(BenchmarkId::new(shape, count), |b| b.iter(again));
        }
    }
    group.finish();
}

criterion_group!(benches, select);
criterion_main!(benches);
