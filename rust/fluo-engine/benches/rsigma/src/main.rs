//! The stream of `benches/windows.rs` with the same claim, by rsigma-eval: more than 20 logins of one user within a minute.
//!
//! `cargo run --release` in this folder. Events are in memory; each line is the best of several runs over the same events.

use std::hint::black_box;
use std::time::Instant;

use rsigma_eval::{CorrelationConfig, CorrelationEngine, EvaluationResult, JsonEvent, ProcessResultExt as _};
use rsigma_parser::parse_sigma_yaml;
use serde_json::{Value, json};

/// Events of a stream, and how many there are a second.
const EVENTS: u64 = 1_000_000;
const RATE: u64 = 10_000;

/// Runs of a line.
const RUNS: usize = 5;

const START: i64 = 1_700_000_000;

const RULES: &str = "\
title: login
id: login
logsource: {category: test}
detection:
  selection: {name: login}
  condition: selection
level: low
---
title: few logins
id: few
correlation:
  type: event_count
  rules: [login]
  group-by: [user]
  timespan: 60s
  condition: {gt: 20}
level: high
";

fn events(users: u64) -> Vec<Value> {
    let mut random = 7u64;
    let mut draw = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % users
    };
    (0..EVENTS).map(|_| json!({"name": "login", "user": format!("user-{}", draw())})).collect()
}

fn engine() -> Result<CorrelationEngine, Box<dyn std::error::Error>> {
    // Groups as many as there are users, and a signal for each episode rather than for each event.
    let config = CorrelationConfig { max_state_entries: 2_000_000, suppress: Some(60), emit_detections: false, ..Default::default() };
    let mut engine = CorrelationEngine::new(config);
    engine.add_collection(&parse_sigma_yaml(RULES)?)?;
    Ok(engine)
}

/// Seconds of the best run, and how many correlations fired.
fn best(mut run: impl FnMut() -> (f64, usize)) -> (f64, usize) {
    (0..RUNS).map(|_| run()).fold((f64::MAX, 0), |(best, _), (seconds, fired)| (best.min(seconds), fired))
}

fn line(name: &str, (seconds, fired): (f64, usize)) {
    let nanos = seconds * 1e9 / EVENTS as f64;
    println!("rsigma-eval, {name:<43} {:>6.2} M events/s {nanos:>5.0} ns an event {fired:>6} fired", 1e3 / nanos);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for users in [1, 1_000, 50_000, 1_000_000] {
        let values = events(users);
        let all: Vec<JsonEvent> = values.iter().map(JsonEvent::borrow).collect();
        let time = |at: usize| START + (at as u64 / RATE) as i64;
        let whole = best(|| {
            let Ok(mut engine) = engine() else { return (f64::MAX, 0) };
            let began = Instant::now();
            let mut fired = 0;
            for (at, event) in all.iter().enumerate() {
                fired += black_box(engine.process_event_at(event, time(at))).correlations().count();
            }
            (began.elapsed().as_secs_f64(), fired)
        });
        line(&format!("{users} users, found and counted"), whole);
        let counted = best(|| {
            let Ok(mut engine) = engine() else { return (f64::MAX, 0) };
            let found: Vec<Vec<EvaluationResult>> = all.iter().map(|event| engine.evaluate(event)).collect();
            let began = Instant::now();
            let mut fired = 0;
            for ((at, event), found) in all.iter().enumerate().zip(found) {
                fired += black_box(engine.process_with_detections(event, found, time(at))).correlations().count();
            }
            (began.elapsed().as_secs_f64(), fired)
        });
        line(&format!("{users} users, counted"), counted);
    }
    Ok(())
}
