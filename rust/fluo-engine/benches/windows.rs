//! What rules over `spans` cost: spans a second on one core, and bytes a group, with spans in memory.
//!
//! `cargo bench -p fluo-engine --features alone --bench windows`, with `-- 'in flight'` the lines that have this in their names. Each
//! line is the best of several runs over the same spans.

use std::sync::Arc;
use std::time::Instant;

use fluo_engine::{Alone, Config};
use fluo_lang::limits::Limits;
use fluo_lang::program::RuleSet;
use fluo_lang::source::{Source, SourceKind};
use fluo_testkit::model::{AnyValue, SpanData};
use fluo_testkit::otlp;

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_700_000_000 * SECOND;

/// Spans of a message.
const MESSAGE: usize = 1_000;

/// Runs of a line.
const RUNS: usize = 5;

fn rules(text: &str) -> Arc<RuleSet> {
    let source = Source { name: "rules.yml".to_owned(), text: text.to_owned(), kind: SourceKind::File };
    Arc::new(fluo_lang::load::load(&[source], &Limits::default()).rules.unwrap_or_else(|| std::process::exit(2)))
}

/// A generator of numbers below a limit.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// So many spans at this rate a second, of users drawn from so many, nearly in the order of their ends, each lasting so long.
fn messages(spans: usize, users: u64, rate: u64, lasting: u64) -> Vec<Vec<u8>> {
    let mut random = Random(7);
    let all: Vec<SpanData> = (0..spans as u64)
        .map(|n| {
            let end = START + n * (SECOND / rate) + random.below(SECOND / 10);
            let mut trace_id = [0; 16];
            trace_id[8..].copy_from_slice(&(n + 1).to_be_bytes());
            SpanData {
                trace_id,
                span_id: (n + 1).to_be_bytes(),
                name: "login".to_owned(),
                start: end - lasting,
                end,
                attributes: vec![("user".to_owned(), AnyValue::String(format!("user-{}", random.below(users))))],
                ..SpanData::default()
            }
        })
        .collect();
    all.chunks(MESSAGE).map(otlp::encode).collect()
}

/// Measures and prints a line.
fn line(name: &str, text: &str, messages: &[Vec<u8>], groups: u64) {
    let wanted = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).all(|part| name.contains(&part));
    if !wanted {
        return;
    }
    let config = Config { max_groups: 2_000_000, memory_bytes: 8 << 30, ..Config::default() };
    let alone = Alone::new(rules(text), config, messages);
    let spans = messages.len() * MESSAGE;
    let mut best = f64::MAX;
    let mut ran = alone.run();
    for _ in 1..RUNS {
        let began = Instant::now();
        ran = alone.run();
        best = best.min(began.elapsed().as_secs_f64());
    }
    let nanos = best * 1e9 / spans as f64;
    let bytes = ran.bytes.checked_div(groups).map_or_else(String::new, |bytes| format!("{bytes} bytes a group"));
    println!("{name:<56} {:>6.2} M spans/s {nanos:>7.0} ns a span {:>8} signals  {bytes}", 1e3 / nanos, ran.signals);
}

fn main() {
    const COUNT: &str = "- {name: r, never: spans.where(name == login).by(user).within(1m).count() > 20}";
    let by_groups = [1, 1_000, 50_000, 1_000_000].map(|users| (users, messages(1_000_000, users, 10_000, 1)));
    for (users, messages) in &by_groups {
        line(&format!("one count rule, {users} users"), COUNT, messages, *users);
    }
    let [_, _, (_, fifty), (_, million)] = &by_groups;
    line("one count rule, 50000 users with 5 spans each", COUNT, by_groups[2].1.get(..250).unwrap_or_default(), 50_000);
    for (name, width) in [("one count rule, 50000 users, window of 1s", "1s"), ("one count rule, 50000 users, window of 1h", "1h")] {
        line(name, &COUNT.replace("1m", width), fifty, 50_000);
    }
    let many: String = (0..20)
        .map(|n| format!("- {{name: r{n}, never: spans.where(name == login).by(user).within({}s).count() > {n}00}}\n", n + 30))
        .collect();
    line("twenty count rules, 50000 users", &many, fifty, 0);
    line(
        "a lower bound for each user, 1000 users",
        "- {name: r, always: spans.where(name == login).by(user).within(1m).count() >= 1}",
        &by_groups[1].1,
        1_000,
    );
    line(
        "a ratio of two windows",
        "- {name: r, never: spans.where(name == login and status == error).within(1m).count() / spans.within(1m).count() > 0.5}",
        fifty,
        0,
    );
    line("p95 of a window of 20s", "- {name: r, never: spans.within(20s).p95(duration) > 5s}", &messages(20_000, 10, 1_000, SECOND), 0);
    line("100000 spans in flight", "- {name: r, always: spans.concurrent() <= 200000}", &messages(500_000, 10, 100_000, SECOND), 0);
    line("in flight for each of 1000000 users", "- {name: r, always: spans.by(user).concurrent() <= 20}", million, 1_000_000);
}
