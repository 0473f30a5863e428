//! The engine as a backend, through its façade.

use std::sync::Arc;

use fluo_engine::signal::{Phase, Trigger};
use fluo_engine::stats::{RuleStats, Stats};
use fluo_engine::{Engine, Reason as EngineReason, Signal, Verdict as EngineVerdict};
use fluo_lang::program::{RuleSet, Scope, Spanset};

use super::standing::{Standing, standing};
use super::{Answer, Backend, Report, Scenario, VerdictRecord};
use crate::oracle::{CallEntry, End, Reason, TopIsRoot};
use crate::otlp;

/// The engine, in this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct EngineBackend;

impl Backend for EngineBackend {
    fn name(&self) -> &'static str {
        "engine"
    }

    fn run(&self, scenario: &Scenario) -> Result<Report, String> {
        let unsupported: Vec<(String, String)> = fluo_engine::unsupported(&scenario.rules)
            .into_iter()
            .filter_map(|diagnostic| Some((diagnostic.rule?, diagnostic.message)))
            .collect();
        let mut rules = scenario.rules.clone();
        rules.rules.retain(|rule| unsupported.iter().all(|(name, _)| *name != rule.name));
        let engine = drive(scenario, rules, true, Ticks::WhenDue)?;
        let records = verdicts(&engine, scenario);
        Ok(Report { records, unsupported, told: Some(told(&engine, scenario)?), ..Report::default() })
    }
}

impl EngineBackend {
    /// The signals of a scenario, in the order in which they leave the engine. Rules that the engine refuses give none. The engine
    /// runs as hosts run it: it records no verdicts, so it passes over rules for which a trace has no news.
    ///
    /// # Errors
    /// A sentence that says why the engine could not run.
    pub fn signals(&self, scenario: &Scenario) -> Result<Vec<Signal>, String> {
        Ok(drive(scenario, supported(scenario), false, Ticks::WhenDue)?.drain_signals(usize::MAX).0)
    }

    /// What leaves the engine, and its counters at the end, when the host lets time pass this often while nothing comes. Rules that the
    /// engine refuses give nothing.
    ///
    /// # Errors
    /// A sentence that says why the engine could not run.
    pub fn watch(&self, scenario: &Scenario, ticks: Ticks) -> Result<(Vec<Signal>, Stats), String> {
        let engine = drive(scenario, supported(scenario), false, ticks)?;
        Ok((engine.drain_signals(usize::MAX).0, engine.stats()))
    }

    /// An engine for a scenario that has read nothing yet, whose clock stands at `start`. Rules that the engine refuses are left out.
    ///
    /// # Errors
    /// A sentence that says why the engine could not be made.
    pub fn idle(&self, scenario: &Scenario, start: u64) -> Result<Engine, String> {
        made(scenario, supported(scenario), config(scenario), start)
    }

    /// The verdicts and signals of an engine that holds so many groups of a rule at most.
    ///
    /// # Errors
    /// A sentence that says why the engine could not run.
    pub fn crowded(&self, scenario: &Scenario, max_groups: usize) -> Result<(Vec<VerdictRecord>, Vec<Signal>), String> {
        let config = fluo_engine::Config { record_verdicts: true, max_groups, ..config(scenario) };
        let engine = drive_with(scenario, supported(scenario), config, Ticks::WhenDue)?;
        let signals = engine.drain_signals(usize::MAX).0;
        Ok((verdicts(&engine, scenario), signals))
    }

    /// The signals of a scenario, as [`EngineBackend::signals`] gives them, and the verdicts that the engine counted.
    ///
    /// # Errors
    /// A sentence that says why the engine could not run.
    pub fn signals_and_counts(&self, scenario: &Scenario) -> Result<(Vec<Signal>, Vec<RuleStats>), String> {
        let engine = drive(scenario, supported(scenario), false, Ticks::WhenDue)?;
        Ok((engine.drain_signals(usize::MAX).0, engine.stats().rules))
    }

    /// Every verdict that the engine records, in the order in which it gives them: early ones, final ones and revisions.
    ///
    /// # Errors
    /// A sentence that says why the engine could not run.
    pub fn history(&self, scenario: &Scenario) -> Result<Vec<VerdictRecord>, String> {
        Ok(drive(scenario, supported(scenario), true, Ticks::WhenDue)?.drain_verdicts().into_iter().map(record).collect())
    }
}

/// The rules that the engine takes.
fn supported(scenario: &Scenario) -> RuleSet {
    let refused: Vec<Option<String>> = fluo_engine::unsupported(&scenario.rules).into_iter().map(|d| d.rule).collect();
    let mut rules = scenario.rules.clone();
    rules.rules.retain(|rule| !refused.contains(&Some(rule.name.clone())));
    rules
}

/// The violations of rules with windows that the engine signals.
fn told(engine: &Engine, scenario: &Scenario) -> Result<Vec<Standing>, String> {
    let rule = |name: &str| scenario.rules.rules.iter().find(|rule| rule.name == name);
    let signals = engine.drain_signals(usize::MAX).0;
    // A rule with relations signals spans, which have no windows.
    let windows = signals.iter().filter(|s| s.window.is_some() && rule(&s.rule).is_some_and(|rule| rule.scope == Scope::Spans));
    let (found, wrong) = standing(windows, &|name| rule(name).is_some_and(|rule| rule.repeat_after.is_some()));
    if !wrong.is_empty() {
        return Err(wrong.join("; "));
    }
    let mut found: Vec<Standing> = found.into_iter().map(|(_, standing)| standing).collect();
    found.sort_unstable();
    Ok(found)
}

/// Keeps the last verdict of each rule, trace and group; of a rule over `spans`, whose groups come and go, the worst.
fn verdicts(engine: &Engine, scenario: &Scenario) -> Vec<VerdictRecord> {
    let over_spans: Vec<String> = scenario.rules.rules.iter().filter(|r| r.scope == Scope::Spans).map(|r| r.name.clone()).collect();
    let mut last: Vec<VerdictRecord> = Vec::new();
    for mut record in engine.drain_verdicts().into_iter().map(record) {
        let place = |r: &VerdictRecord| (r.rule.clone(), r.trace_id, r.span_id, r.group.clone());
        if let Some(at) = last.iter().position(|r| place(r) == place(&record)) {
            let before = last.remove(at);
            if over_spans.contains(&record.rule) {
                record = worse(before, record);
            }
        }
        last.push(record);
    }
    last
}

/// Two verdicts of one group as one.
fn worse(before: VerdictRecord, mut after: VerdictRecord) -> VerdictRecord {
    let mut episodes: Vec<_> = before.episodes.iter().chain(&after.episodes).flatten().copied().collect();
    episodes.sort_unstable();
    episodes.dedup();
    if before.verdict > after.verdict {
        (after.verdict, after.reasons) = (before.verdict, before.reasons);
    } else if before.verdict == after.verdict {
        after.reasons.extend(before.reasons);
    }
    VerdictRecord { episodes: Some(episodes), ..after }
}

fn made(scenario: &Scenario, rules: RuleSet, config: fluo_engine::Config, start: u64) -> Result<Engine, String> {
    let engine = Engine::new(Arc::new(rules), config, start).map_err(|e| e.to_string())?;
    engine.set_call_table(&scenario.calls.entries.iter().map(call_entry).collect::<Vec<_>>());
    Ok(engine)
}

/// When the host lets time pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ticks {
    /// When something is due.
    WhenDue,
    /// Every so many nanoseconds, as a collector does, as far as there are not too many of them, and when something is due.
    Every(u64),
}

/// Ticks between two requests at most.
const MOST_TICKS: u64 = 40;

/// Drives an engine through the run, to its end.
fn drive(scenario: &Scenario, rules: RuleSet, record_verdicts: bool, ticks: Ticks) -> Result<Engine, String> {
    drive_with(scenario, rules, fluo_engine::Config { record_verdicts, ..config(scenario) }, ticks)
}

fn drive_with(scenario: &Scenario, rules: RuleSet, config: fluo_engine::Config, ticks: Ticks) -> Result<Engine, String> {
    let run = &scenario.run;
    let first = run.batches.first().map_or(0, |batch| batch.at);
    let start = scenario.config.live_since.unwrap_or(first);
    let engine = made(scenario, rules, config, start)?;
    let mut now = start;
    for batch in &run.batches {
        pass(&engine, ticks, now, batch.at);
        engine.ingest(0, batch.at, &otlp::encode(&batch.spans)).map_err(|e| e.to_string())?;
        now = batch.at;
    }
    match run.end {
        End::Recording => engine.end_recording(now),
        End::Until(at) => {
            pass(&engine, ticks, now, at);
            engine.tick(at);
            engine.end_recording(at);
        }
        End::Shutdown(at) => {
            pass(&engine, ticks, now, at);
            engine.flush(at);
        }
    }
    tick_until(&engine, u64::MAX);
    Ok(engine)
}

/// Lets arrival time pass from one instant to another.
fn pass(engine: &Engine, ticks: Ticks, from: u64, to: u64) {
    if let Ticks::Every(step) = ticks {
        for tick in (1..=MOST_TICKS).map(|n| from.saturating_add(step.saturating_mul(n))).take_while(|tick| *tick < to) {
            tick_until(engine, tick);
            engine.tick(tick);
        }
    }
    tick_until(engine, to);
}

/// Lets the engine decide what is due up to this arrival time, deadline by deadline.
pub(super) fn tick_until(engine: &Engine, until: u64) {
    let mut last = 0;
    while let Some(deadline) = engine.next_deadline().filter(|at| *at <= until && *at > last) {
        engine.tick(deadline);
        last = deadline;
    }
}

fn config(scenario: &Scenario) -> fluo_engine::Config {
    let config = &scenario.config;
    fluo_engine::Config {
        settle_ns: config.settle,
        max_duration_ns: config.max_duration,
        late_grace_ns: config.late_grace,
        top_is_root: match config.top_is_root {
            TopIsRoot::Age => fluo_engine::config::TopIsRoot::Age,
            TopIsRoot::Settle => fluo_engine::config::TopIsRoot::Settle,
        },
        max_skew_ns: config.max_skew,
        allowed_lateness_ns: config.allowed_lateness,
        max_spans_per_trace: config.max_spans_per_trace,
        live: config.live_since.is_some(),
        learn_calls: false,
        ..fluo_engine::Config::default()
    }
}

/// A row of the call table in the engine's terms: it names spansets by their canonical text.
fn call_entry(entry: &CallEntry) -> fluo_engine::CallEntry {
    let selector = Spanset { steps: entry.selector.clone(), within: None, by: Vec::new() };
    let call = &entry.call;
    fluo_engine::CallEntry {
        call: fluo_engine::CallKey {
            service: call.service.clone(),
            name: call.name.clone(),
            server_address: call.server_address.clone(),
            rpc_service: call.rpc_service.clone(),
            peer_service: call.peer_service.clone(),
            destination: call.destination.clone(),
        },
        selector: fluo_lang::print::spanset(&selector, Scope::Trace),
        traces: entry.traces,
        below: entry.below,
    }
}

fn record(record: fluo_engine::VerdictRecord) -> VerdictRecord {
    let (verdict, reasons) = match record.verdict {
        EngineVerdict::Satisfied => (Answer::Satisfied, Vec::new()),
        EngineVerdict::Violated => (Answer::Violated, Vec::new()),
        EngineVerdict::NotApplicable => (Answer::NotApplicable, Vec::new()),
        EngineVerdict::Inconclusive(_) => (Answer::Inconclusive, record.reasons.into_iter().map(reason_of).collect()),
    };
    VerdictRecord {
        rule: record.rule,
        trace_id: record.trace_id,
        span_id: record.span_id.map(u64::to_be_bytes),
        group: record.group,
        verdict,
        reasons,
        phase: Some(phase(record.phase).to_owned()),
        trigger: Some(trigger(record.trigger).to_owned()),
        evidence: None,
        gap_signal: None,
        episodes: record.trace_id.is_none().then_some(record.episodes),
    }
}

const fn reason_of(reason: EngineReason) -> Reason {
    match reason {
        EngineReason::Gap => Reason::Gap,
        EngineReason::Dangling => Reason::Dangling,
        EngineReason::Start => Reason::Start,
        EngineReason::Dropped => Reason::Dropped,
        EngineReason::Late => Reason::Late,
        EngineReason::Limit => Reason::Limit,
        EngineReason::Shutdown => Reason::Shutdown,
        EngineReason::ClockSkew => Reason::ClockSkew,
        EngineReason::BadTime => Reason::BadTime,
        EngineReason::Cardinality => Reason::Cardinality,
    }
}

const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Early => "early",
        Phase::Complete => "complete",
        Phase::Late => "late",
    }
}

const fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Early => "early",
        Trigger::Complete => "complete",
        Trigger::Age => "age",
        Trigger::Shutdown => "shutdown",
        Trigger::Limit => "limit",
        Trigger::Late => "late",
    }
}
