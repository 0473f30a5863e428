//! The engine through its façade: spans and times in, signals and counts out.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod clocks;
mod completion;
mod early;
mod identity;
mod limits;
mod memory;
mod nearest;
mod reload;
mod reload_threads;
mod restart;
mod sequences;
mod signals;
mod steady;
mod tables;
mod windows;
mod work;

use std::sync::Arc;

use fluo_engine::{Config, Engine, Signal};
use fluo_lang::limits::Limits;
use fluo_lang::program::RuleSet;
use fluo_lang::source::{Source, SourceKind};
use fluo_testkit::model::SpanData;
use fluo_testkit::notation::{self, BASE};
use fluo_testkit::otlp;

/// Nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// A rule set from YAML.
fn rules(text: &str) -> Arc<RuleSet> {
    let source = Source { name: "rules.yml".to_owned(), text: text.to_owned(), kind: SourceKind::File };
    let loaded = fluo_lang::load::load(&[source], &Limits::default());
    Arc::new(loaded.rules.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics)))
}

/// An engine that began at the base time.
fn engine(text: &str, config: Config) -> Engine {
    Engine::new(rules(text), config, BASE).expect("a valid configuration")
}

/// The spans of a trace in the test kit's notation.
fn spans(label: &str, text: &str) -> Vec<SpanData> {
    notation::parse(label, text, BASE).expect("a trace").spans.into_iter().map(|s| s.data).collect()
}

/// Hands spans in as one message, so many seconds after the base.
fn ingest(engine: &Engine, seconds: u64, spans: &[SpanData]) {
    engine.ingest(0, BASE + seconds * SECOND, &otlp::encode(spans)).expect("an open engine");
}

/// Lets time pass until so many seconds after the base.
fn tick(engine: &Engine, seconds: u64) {
    engine.tick(BASE + seconds * SECOND);
}

/// The signals that wait.
fn signals(engine: &Engine) -> Vec<Signal> {
    let (signals, more) = engine.drain_signals(1_000);
    assert!(!more, "all signals fit");
    signals
}
