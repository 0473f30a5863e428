//! The monitors of rules over `spans` on their own, for measuring: spans that were read before, without traces, without bytes.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use fluo_lang::program::RuleSet;
use foldhash::quality::RandomState;

use super::Windows;
use crate::clock::Clocks;
use crate::config::Config;
use crate::generation::{Generation, Generations};
use crate::ingest::Message;
use crate::plan::Plan;
use crate::shard::{Outbox, Shared};
use crate::stats::{Places, Stats};
use crate::store::calls::Calls;
use crate::store::resource::Resources;

/// Monitors, and messages to hand to them.
#[derive(Debug)]
pub struct Alone {
    shared: Shared,
    plan: Arc<Plan>,
    messages: Vec<(Message, Vec<u32>, u64)>,
}

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ran {
    /// Signals given.
    pub signals: usize,
    /// Bytes held at the end.
    pub bytes: u64,
}

impl Alone {
    /// Reads messages: each is serialized OTLP.
    #[must_use]
    pub fn new(rules: Arc<RuleSet>, config: Config, messages: &[Vec<u8>]) -> Self {
        let plan = Arc::new(Plan::compile(rules));
        let hasher = RandomState::default();
        let shared = Shared {
            resources: Resources::new(hasher.clone()),
            calls: Calls::new(hasher.clone()),
            hasher,
            max_traces: config.max_traces,
            max_bytes: AtomicUsize::new(usize::MAX),
            config,
        };
        let generations = Generations::new(Arc::new(Generation::new(1, Arc::clone(&plan), Vec::new(), Windows::default())));
        let read = |bytes: &Vec<u8>| {
            let mut message = Message::default();
            message.read(&generations, &shared, bytes);
            let spans = message.current().map_or(&[][..], |batch| &batch.spans);
            let latest = spans.iter().map(|span| span.record.end).max().unwrap_or_default();
            let fresh = (0u32..).zip(spans).map(|(at, _)| at).collect();
            (message, fresh, latest)
        };
        let messages = messages.iter().map(read).collect();
        Self { shared, plan, messages }
    }

    /// Hands every message to new monitors, one after the other; the clocks follow the spans.
    #[must_use]
    pub fn run(&self) -> Ran {
        let windows = Windows::new(&self.plan, &self.shared.config);
        let mut out = Outbox::default();
        let clocks = Clocks::new(&self.shared.config, 0);
        for (message, fresh, latest) in &self.messages {
            let Some(batch) = message.current() else { continue };
            let moment = clocks.arrive(*latest);
            windows.advance(&self.shared, moment, &mut out);
            windows.apply(&self.shared, &clocks, batch, fresh, moment, &mut out);
            clocks.observe(batch.spans.iter().map(|span| &span.record), moment.now);
        }
        let mut stats = Stats::default();
        windows.add_to(&mut stats, &Places::default());
        Ran { signals: out.signals.len(), bytes: stats.bytes_held }
    }
}
