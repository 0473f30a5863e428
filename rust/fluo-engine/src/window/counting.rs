//! A monitor for a bound from above on the number of spans in a sliding window, for each group.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use foldhash::quality::RandomState;

use super::group::{Broken, Episode, Event, Group};
use crate::config::Config;
use crate::eval::explain::MAX_EVIDENCE;
use crate::identity::violation_id;
use crate::ingest::Incoming;
use crate::plan::{Plan, WindowPlan};
use crate::report;
use crate::shard::{Moment, Outbox, Shared};
use crate::signal::{Event as Announced, Phase, Signal, Trigger};
use crate::stats::Stats;
use crate::store::trace::KeptValue;
use crate::tally::Tally;
use crate::value::Val;
use crate::verdict::{Verdict, VerdictRecord};
use fluo_lang::print;
use fluo_lang::program::{Message, MessagePart, Mode, Rule, Term};

/// The state of one rule.
#[derive(Debug)]
pub(crate) struct Monitor {
    plan: Arc<Plan>,
    window: WindowPlan,
    lateness: u64,
    max_groups: usize,
    /// Event time up to which everything has come; never goes back.
    watermark: u64,
    groups: HashMap<Box<[u8]>, Group, RandomState>,
    /// When the watermark next changes something in a group; entries that are out of date are skipped.
    due: BinaryHeap<Reverse<(u64, Box<[u8]>)>>,
    tally: Tally,
    late: u64,
    bad_time: u64,
    evicted: u64,
}

impl Monitor {
    pub(super) fn new(plan: &Arc<Plan>, window: &WindowPlan, config: &Config) -> Self {
        Self {
            plan: Arc::clone(plan),
            window: window.clone(),
            lateness: config.allowed_lateness_ns,
            max_groups: config.max_groups,
            watermark: 0,
            groups: HashMap::default(),
            due: BinaryHeap::new(),
            tally: Tally::default(),
            late: 0,
            bad_time: 0,
            evicted: 0,
        }
    }

    /// Whether the rule of another plan is this one, unchanged.
    pub(super) fn is_for(&self, plan: &Plan, window: &WindowPlan) -> bool {
        match (self.rule(), plan.ruleset.rules.get(window.rule)) {
            (Some(own), Some(other)) => own.name == other.name && own.identity == other.identity,
            _ => false,
        }
    }

    /// Goes on under another plan.
    pub(super) fn follow(&mut self, plan: &Arc<Plan>, window: &WindowPlan) {
        self.plan = Arc::clone(plan);
        self.window = window.clone();
    }

    /// The selector that picks the counted spans.
    pub(super) const fn selector(&self) -> u32 {
        self.window.selector
    }

    fn rule(&self) -> Option<&Rule> {
        self.plan.ruleset.rules.get(self.window.rule)
    }

    /// Counts a span.
    pub(super) fn add(
        &mut self,
        shared: &Shared,
        span: &Incoming,
        values: &[KeptValue],
        plausible: bool,
        moment: Moment,
        out: &mut Outbox,
    ) {
        if !plausible {
            self.bad_time += 1;
            return;
        }
        if span.record.end < self.watermark {
            self.late += 1;
            return;
        }
        let event = Event { end: span.record.end, span: span.record.id, trace: span.trace, resource: span.record.resource };
        for (key, texts) in keys(&self.window.by, values) {
            if !self.groups.contains_key(&key) {
                if self.groups.len() >= self.max_groups {
                    self.evict();
                }
                self.groups.insert(key.clone(), Group::new(texts));
            }
            let Some(group) = self.groups.get_mut(&key) else {
                continue;
            };
            group.show(event, shown(&self.window.show, values));
            if let Some(broken) = group.add(event, self.window.least, self.window.width) {
                self.violated(shared, &key, &broken, moment.now, out);
            }
            self.arm(key);
        }
    }

    fn arm(&mut self, key: Box<[u8]>) {
        let Some(group) = self.groups.get_mut(&key) else {
            return;
        };
        if let Some(due) = group.next_due(self.window.width)
            && due < group.due
        {
            group.due = due;
            self.due.push(Reverse((due, key)));
        }
    }

    /// Forgets the group whose spans leave their window first.
    fn evict(&mut self) {
        while let Some(Reverse((due, key))) = self.due.pop() {
            if self.groups.get(&key).is_some_and(|g| g.due == due) {
                self.groups.remove(&key);
                self.evicted += 1;
                return;
            }
        }
    }

    /// Moves the watermark.
    pub(super) fn advance(&mut self, shared: &Shared, event_time: u64, now: u64, out: &mut Outbox) {
        self.watermark = self.watermark.max(event_time.saturating_sub(self.lateness));
        while let Some(Reverse((due, _))) = self.due.peek() {
            if *due > self.watermark {
                break;
            }
            let Some(Reverse((due, key))) = self.due.pop() else {
                break;
            };
            let Some(group) = self.groups.get_mut(&key).filter(|g| g.due == due) else {
                continue;
            };
            let over = group.advance(self.watermark, self.window.width);
            group.due = u64::MAX;
            let forget = group.next_due(self.window.width).is_none();
            for episode in over {
                self.resolved(shared, &key, &episode, now, out);
            }
            if forget {
                self.groups.remove(&key);
            } else {
                self.arm(key);
            }
        }
    }

    fn violated(&mut self, shared: &Shared, key: &[u8], broken: &Broken, now: u64, out: &mut Outbox) {
        self.tally.add(Verdict::Violated);
        let anchor = broken.spans.first().map(|e| e.end);
        let Some(rule) = self.rule() else { return };
        let id = violation_id(rule, None, key, anchor);
        if let Some(signal) = self.signal(shared, key, Announced::Violation, id, broken, now) {
            out.signals.push(signal);
        }
        self.record(shared, key, out);
        if let Some(group) = self.groups.get_mut(key) {
            group.begin(Episode { from: broken.from, to: broken.to, violation_id: id });
        }
    }

    fn resolved(&self, shared: &Shared, key: &[u8], episode: &Episode, now: u64, out: &mut Outbox) {
        let over = Broken { from: episode.from, to: episode.to, spans: Vec::new() };
        out.signals.extend(self.signal(shared, key, Announced::Resolved, episode.violation_id, &over, now));
    }

    fn signal(&self, shared: &Shared, key: &[u8], event: Announced, id: [u8; 16], broken: &Broken, now: u64) -> Option<Signal> {
        let rule = self.rule().filter(|r| r.mode == Mode::Enforce)?;
        let state = self.groups.get(key)?;
        let group: Vec<(String, String)> =
            rule.by.iter().map(|term| print::term(term, rule.scope)).zip(state.values.iter().cloned()).collect();
        let phase = if event == Announced::Violation { Phase::Early } else { Phase::Complete };
        let trigger = if event == Announced::Violation { Trigger::Early } else { Trigger::Complete };
        let base = report::base(rule, event, id, phase, trigger, now, self.plan.ruleset.hash);
        let limit = rule.evidence_limit.map_or(MAX_EVIDENCE, |l| l as usize).min(MAX_EVIDENCE);
        let count = broken.spans.len();
        let last = broken.spans.last();
        let observed = if count > 0 { vec![(self.window.text.clone(), count.to_string())] } else { Vec::new() };
        let seen: Vec<String> = observed.iter().map(|(text, value)| format!("{text} was {value}")).collect();
        let place = last.map_or_else(String::new, |e| format!("with trace {}", crate::value::hex(&e.trace)));
        let message = match &rule.message {
            Some(message) if event == Announced::Violation => inserted(message, rule, &group, &observed),
            _ => report::sentence(rule, event, &place, &group, &seen, None),
        };
        Some(Signal {
            trace_id: last.map_or([0; 16], |e| e.trace),
            span_id: last.map(|e| e.span),
            time: last.map_or(broken.to, |e| e.end),
            group,
            window: Some(match event {
                Announced::Resolved => (broken.from, broken.to),
                _ => (broken.from.saturating_sub(self.window.width), broken.from),
            }),
            observed,
            evidence: broken.spans.iter().take(limit).map(|e| e.span).collect(),
            evidence_truncated: count > limit,
            shown: state.shown(&broken.spans),
            resource: last.map(|e| shared.resources.named(e.resource)).unwrap_or_default(),
            message,
            ..base
        })
    }

    fn record(&self, shared: &Shared, key: &[u8], out: &mut Outbox) {
        if let (true, Some(rule)) = (shared.config.record_verdicts, self.rule()) {
            out.verdicts.push(VerdictRecord {
                rule: rule.name.clone(),
                trace_id: None,
                group: self.groups.get(key).map(|g| g.values.clone()).unwrap_or_default(),
                verdict: Verdict::Violated,
                reasons: Vec::new(),
                phase: Phase::Early,
                trigger: Trigger::Early,
            });
        }
    }

    /// Adds counters and gauges.
    pub(super) fn add_to(&self, stats: &mut Stats) {
        stats.spans_late += self.late;
        stats.spans_bad_time += self.bad_time;
        stats.groups_evicted += self.evicted;
        let held: usize = self.groups.iter().map(|(key, group)| key.len() + group.bytes()).sum();
        stats.bytes_held += held as u64;
        if let Some(rule) = self.rule()
            && let Some(of_rule) = stats.rules.iter_mut().find(|r| r.name == rule.name)
        {
            self.tally.add_to(of_rule, None, 0);
        }
    }
}

/// The rule's own sentence, with observed values and the group's values in their places.
fn inserted(message: &Message, rule: &Rule, group: &[(String, String)], observed: &[(String, String)]) -> String {
    let value = |term: &Term| {
        let text = print::term(term, rule.scope);
        observed.iter().chain(group).find(|(name, _)| *name == text).map_or_else(|| "unknown".to_owned(), |(_, value)| value.clone())
    };
    let parts = message.parts.iter().map(|part| match part {
        MessagePart::Text(text) => text.clone(),
        MessagePart::Value(term) => value(term),
    });
    parts.collect()
}

/// What the rule shows of a span.
fn shown(show: &[(String, u32)], values: &[KeptValue]) -> Vec<(String, String)> {
    show.iter()
        .filter_map(|(name, term)| {
            let value = values.iter().find(|v| v.term == *term)?.read.value.as_ref()?;
            Some((name.clone(), String::from_utf8_lossy(&value.text()).into_owned()))
        })
        .collect()
}

/// The groups of a span by these terms: canonical key and values as text. A list puts the span into each of its elements' groups.
fn keys(by: &[u32], values: &[KeptValue]) -> Vec<(Box<[u8]>, Vec<String>)> {
    let reads: Option<Vec<&Val<'static>>> = by.iter().map(|term| values.iter().find(|v| v.term == *term)?.read.value.as_ref()).collect();
    let Some(reads) = reads else {
        return Vec::new();
    };
    crate::eval::groups::combine(&reads).into_iter().map(|group| (group.key, group.values)).collect()
}
