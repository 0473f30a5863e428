//! Counters and gauges of an engine.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Engine, IngestReport, lock, mode, severity};
use crate::stats::{Places, RuleStats, Stats};
use crate::tally::no_reasons;
use crate::window::LeftOut;

/// Counters that no shard keeps.
#[derive(Debug, Default)]
pub(super) struct Counters {
    spans: AtomicU64,
    selected: AtomicU64,
    rejected: AtomicU64,
    frames: AtomicU64,
    own: AtomicU64,
    /// Spans that windows left out.
    late: AtomicU64,
    bad_time: AtomicU64,
}

impl Counters {
    /// Counts what a message was.
    pub(super) fn add(&self, report: &IngestReport, left_out: LeftOut) {
        for (counter, count) in [
            (&self.spans, report.spans),
            (&self.selected, report.spans_selected),
            (&self.rejected, report.spans_rejected),
            (&self.frames, report.frames_rejected),
            (&self.own, report.spans_own),
            (&self.late, left_out.late),
            (&self.bad_time, left_out.bad_time),
        ] {
            if count > 0 {
                counter.fetch_add(count, Ordering::Relaxed);
            }
        }
    }
}

impl Engine {
    /// Counters and gauges.
    pub fn stats(&self) -> Stats {
        let in_use = self.in_use();
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut stats = Stats {
            spans_received: load(&self.counters.spans),
            spans_selected: load(&self.counters.selected),
            spans_rejected: load(&self.counters.rejected),
            frames_rejected: load(&self.counters.frames),
            spans_own: load(&self.counters.own),
            spans_late: load(&self.counters.late),
            spans_bad_time: load(&self.counters.bad_time),
            rulesets_draining: in_use.draining.len() as u64,
            calls_over_limit: self.shared.calls.missed(),
            resources_over_limit: self.shared.resources.missed(),
            signals_emitted: self.queue.emitted(),
            signals_dropped: self.queue.dropped(),
            signals_queued: self.queue.len() as u64,
            epoch: in_use.epoch,
            ruleset_hash: crate::value::hex(&in_use.current.plan.ruleset.hash),
            rules: in_use
                .current
                .plan
                .ruleset
                .rules
                .iter()
                .map(|r| RuleStats {
                    name: r.name.clone(),
                    severity: severity(r.severity).to_owned(),
                    mode: mode(r.mode),
                    inconclusive: no_reasons(),
                    ..RuleStats::default()
                })
                .collect(),
            ..Stats::default()
        };
        let places = Places::of(&stats);
        for shard in &self.shards {
            let shard = lock(shard);
            let counts = &shard.counts;
            stats.spans_duplicate += counts.duplicates;
            stats.spans_conflicting += counts.conflicts;
            stats.spans_late += counts.late;
            stats.spans_over_limit += counts.over_limit;
            stats.traces_completed += counts.completed;
            stats.traces_evicted += counts.evicted;
            stats.groups_evicted += counts.groups_evicted;
            stats.decision_steps += counts.steps;
            stats.decisions_over_limit += counts.cut;
            stats.traces_open += counts.open;
            stats.traces_grace += counts.grace;
            stats.bytes_held += shard.bytes() as u64;
            shard.add_verdicts(&mut stats, &places);
        }
        in_use.current.windows.add_to(&mut stats, &places);
        stats
    }
}
