//! What it costs to keep a span, by what is kept of it, and what it costs to decide its trace, by the kind of the claim.
//!
//! `cargo bench -p fluo-engine --bench store`; the throughput is in spans.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

#[allow(dead_code, reason = "each benchmark uses a part")]
mod traffic;

use traffic::{SPANS, engine, messages, replay, rules};

/// What is kept of a span: docs/performance.md names the classes.
const CLASSES: [(&str, &str); 4] = [
    ("unselected", "never: trace.spans.where(service == 'elsewhere' and name == 'nothing').count() > 3"),
    ("absence", "when: trace.has(service == 'elsewhere')\n  always: trace.has(name == 'nothing')"),
    ("related", "never: trace.has(service == 'elsewhere').any(has_ancestor(name == 'nothing'))"),
    ("selected", "never: trace.spans.where(exists(server.address)).by(service).distinct(server.address) > 100"),
];

/// Claims on spans that every trace has.
const CLAIMS: [(&str, &str); 5] = [
    ("count", "never: trace.spans.where(service == 'auth').count() > 50"),
    ("presence", "always: trace.has(payment.charge_card) and trace.has(payment.fraud_check)"),
    ("groups", "never: trace.spans.where(service == 'auth').by(parent_id).count() > 50"),
    ("ancestor", "never: trace.has(payment.charge_card).any(has_ancestor(payment.fraud_check))"),
    ("order", "never: trace.has(payment.charge_card).all(preceded_by(payment.fraud_check, within=1h))"),
];

fn run(c: &mut Criterion, name: &str, of: &[(&str, &str)]) {
    let messages = messages(3);
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(SPANS)).sample_size(10);
    for (name, claim) in of {
        let rules = rules(&format!("- name: {name}\n  {claim}\n"));
        group.bench_function(*name, |b| {
            b.iter_batched_ref(|| engine(&rules), |engine| replay(engine.as_ref(), &messages), BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn store(c: &mut Criterion) {
    run(c, "store", &CLASSES);
}

fn monitors(c: &mut Criterion) {
    run(c, "monitors", &CLAIMS);
}

criterion_group!(benches, store, monitors);
criterion_main!(benches);
