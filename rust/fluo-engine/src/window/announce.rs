//! From what a monitor found to the signal that people read.

use fluo_lang::print;
use fluo_lang::program::{Message, MessagePart, Mode, Rule, Term};

use super::base::{Base, Context};
use super::episode::Episode;
use crate::eval::explain::MAX_EVIDENCE;
use crate::identity::violation_id;
use crate::report;
use crate::signal::{Event, Phase, Signal, Trigger};
use crate::store::values::Values;

/// The span that a signal points to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Deciding {
    pub(super) trace: [u8; 16],
    pub(super) span: u64,
    pub(super) end: u64,
    pub(super) resource: u32,
}

/// What a monitor has to say of a group.
#[derive(Debug, Default)]
pub(super) struct News {
    /// The window `(start, end]`, or the stretch `[from, to)` that is over.
    pub(super) window: Option<(u64, u64)>,
    pub(super) deciding: Option<Deciding>,
    /// Whether it was decided when the span came, and not by the watermark.
    pub(super) on_arrival: bool,
    /// Event time of the fact.
    pub(super) time: u64,
    /// Each aggregate with its value.
    pub(super) observed: Vec<(String, String)>,
    /// What was seen, as parts of the sentence.
    pub(super) seen: Vec<String>,
    /// The spans in the window, the earliest first.
    pub(super) evidence: Vec<u64>,
    pub(super) missing: Vec<String>,
    pub(super) shown: Vec<(String, String)>,
}

impl Base {
    /// The id of a violation of a group that begins, as far as is known when it is signalled, at this instant.
    pub(super) fn id(&self, key: &[u8], anchor: u64) -> [u8; 16] {
        self.rule().map_or([0; 16], |rule| violation_id(rule, None, key, Some(anchor)))
    }

    /// Says that a group holds again, for every id under which the episode was signalled.
    pub(super) fn resolve(&self, episode: &Episode, group: &[String], context: &mut Context<'_>) {
        let ids = if self.ended { &[][..] } else { &episode.ids };
        for id in ids {
            let news = News { window: Some((episode.from, episode.to)), time: episode.to, ..News::default() };
            self.announce(Event::Resolved, *id, group, news, context);
        }
    }

    /// Hands a signal out, unless the rule only watches.
    pub(super) fn announce(&self, event: Event, id: [u8; 16], group: &[String], news: News, context: &mut Context<'_>) {
        let Some(rule) = self.rule().filter(|r| r.mode == Mode::Enforce) else {
            return;
        };
        let group: Vec<(String, String)> = rule.by.iter().map(|term| print::term(term, rule.scope)).zip(group.iter().cloned()).collect();
        let (phase, trigger) = match event {
            Event::Retracted => (Phase::Late, Trigger::Complete),
            _ if news.on_arrival => (Phase::Early, Trigger::Early),
            _ => (Phase::Complete, Trigger::Complete),
        };
        let base = report::base(rule, event, id, phase, trigger, context.now, self.plan.ruleset.hash);
        let limit = rule.evidence_limit.map_or(MAX_EVIDENCE, |l| l as usize).min(MAX_EVIDENCE);
        let mut seen: Vec<String> = news.observed.iter().map(|(text, value)| format!("{text} was {value}")).collect();
        seen.extend(news.seen);
        let place = news.deciding.map_or_else(String::new, |d| format!("with trace {}", crate::value::hex(&d.trace)));
        let message = match &rule.message {
            Some(message) if event == Event::Violation => inserted(message, rule, &group, &news.observed),
            _ => report::sentence(rule, event, &place, &group, &seen, None),
        };
        let signal = Signal {
            trace_id: news.deciding.map_or([0; 16], |d| d.trace),
            span_id: news.deciding.map(|d| d.span),
            time: news.time,
            group,
            window: news.window,
            observed: news.observed,
            evidence_truncated: news.evidence.len() > limit,
            evidence: news.evidence.into_iter().take(limit).collect(),
            missing: news.missing,
            shown: news.shown,
            resource: news.deciding.map(|d| context.shared.resources.named(d.resource)).unwrap_or_default(),
            message,
            ..base
        };
        context.out.signals.push(signal);
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

/// What the rule shows of a span: name and value.
pub(super) fn shown(show: &[(String, u32)], values: Values<'_>) -> Vec<(String, String)> {
    show.iter()
        .filter_map(|(name, term)| {
            let value = values.get(*term).value?;
            Some((name.clone(), value.shown()))
        })
        .collect()
}

/// Each name with its different values, in the order of the names.
pub(super) fn gathered<'s>(shown: impl Iterator<Item = &'s (String, String)>) -> Vec<(String, String)> {
    let mut all: std::collections::BTreeMap<&str, Vec<&str>> = std::collections::BTreeMap::new();
    for (name, value) in shown {
        let values = all.entry(name).or_default();
        if !values.contains(&value.as_str()) {
            values.push(value);
        }
    }
    all.into_iter().map(|(name, values)| (name.to_owned(), values.join(", "))).collect()
}
