//! What a test expects, and whether a backend's records say so.

use crate::backend::{Answer, Report, Standing, VerdictRecord};
use crate::model::{SpanId, TraceId};
use crate::oracle::Reason;

/// A verdict with the reason that is asked for, if any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reasoned {
    /// The verdict.
    pub answer: Answer,
    /// One of the reasons of an inconclusive verdict.
    pub reason: Option<Reason>,
}

/// An expected verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// What a report calls it: the rule, or the expression.
    pub title: String,
    /// Its line in the file, from 1.
    pub line: u64,
    /// The rule.
    pub rule: String,
    /// The trace; without it every trace counts.
    pub trace: Option<TraceId>,
    /// The span that the verdict is about, for rules over `spans` with relations.
    pub span: Option<SpanId>,
    /// The group; without it every group counts.
    pub group: Option<Vec<String>>,
    /// The verdict: the worst of those that count.
    pub verdict: Reasoned,
    /// The spans that must be cited.
    pub evidence: Option<Vec<SpanId>>,
    /// The trigger.
    pub trigger: Option<String>,
    /// The phase.
    pub phase: Option<String>,
    /// Whether an inconclusive verdict is signalled.
    pub signal: Option<bool>,
    /// When the group was violated.
    pub episodes: Option<Vec<(u64, Option<u64>)>>,
    /// Of each violation of the group that is signalled when it begins, as known then, and the end that its resolution names.
    pub signals: Option<Vec<(u64, Option<u64>)>>,
}

impl Reasoned {
    /// Reads `violated`, `inconclusive(gap)` and the like.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        match text.trim().split_once('(') {
            None => Some(Self { answer: Answer::from_word(text.trim())?, reason: None }),
            Some((word, rest)) => {
                let reason = Reason::from_word(rest.strip_suffix(')')?.trim())?;
                (word.trim() == Answer::Inconclusive.word()).then_some(Self { answer: Answer::Inconclusive, reason: Some(reason) })
            }
        }
    }
}

impl std::fmt::Display for Reasoned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.answer.word())?;
        match self.reason {
            Some(reason) => write!(f, "({})", reason.word()),
            None => Ok(()),
        }
    }
}

impl Expectation {
    /// Whether the record is one that the expectation is about.
    #[must_use]
    pub fn is_about(&self, record: &VerdictRecord) -> bool {
        self.rule == record.rule
            && (self.trace.is_none() || self.trace == record.trace_id)
            && (self.span.is_none() || self.span == record.span_id)
            && self.group.as_ref().is_none_or(|group| *group == record.group)
    }

    /// What is wrong with what a backend reports; `None` where it is as expected.
    #[must_use]
    pub fn check(&self, report: &Report) -> Option<String> {
        if report.unsupported.iter().any(|(rule, _)| *rule == self.rule) {
            return None;
        }
        let about: Vec<&VerdictRecord> = report.records.iter().filter(|record| self.is_about(record)).collect();
        let Some(worst) = about.iter().max_by_key(|record| record.verdict) else {
            // Nothing to say and not applicable are the same to everybody but an auditor.
            let may_be_silent = match self.verdict.answer {
                Answer::NotApplicable => true,
                Answer::Satisfied | Answer::Inconclusive => report.violations_only.contains(&self.rule),
                Answer::Violated => false,
            };
            return (!may_be_silent).then(|| format!("expected {}, got no verdict", self.verdict));
        };
        let reason_fits = self.verdict.reason.is_none_or(|reason| worst.reasons.contains(&reason));
        if worst.verdict != self.verdict.answer || !reason_fits {
            return Some(format!("expected {}, got {}", self.verdict, said(worst)));
        }
        let text = |what: &str, wanted: &Option<String>, got: &Option<String>| match (wanted, got) {
            (Some(wanted), Some(got)) if wanted != got => Some(format!("expected {what} {wanted}, got {got}")),
            _ => None,
        };
        text("trigger", &self.trigger, &worst.trigger)
            .or_else(|| text("phase", &self.phase, &worst.phase))
            .or_else(|| self.rest(worst))
            .or_else(|| self.told(report))
    }

    /// What is wrong with what people are told.
    fn told(&self, report: &Report) -> Option<String> {
        let (wanted, told) = (self.signals.as_ref()?, report.told.as_ref()?);
        let own = told.iter().filter(|one| one.rule == self.rule && self.group.as_ref().is_none_or(|group| *group == one.group));
        let own: Vec<&Standing> = own.collect();
        let mut got: Vec<_> = own.iter().map(|one| (one.begin, one.resolved.map(|(_, to)| to))).collect();
        let mut wanted = wanted.clone();
        got.sort_unstable();
        wanted.sort_unstable();
        if got != wanted {
            return Some(format!("expected the signals {wanted:?}, got {got:?}"));
        }
        let episodes = self.episodes.as_ref()?;
        let strange = own.iter().filter_map(|one| one.resolved).find(|(from, to)| !episodes.contains(&(*from, Some(*to))))?;
        Some(format!("expected the episodes {episodes:?}, got a resolution of {strange:?}"))
    }

    fn rest(&self, worst: &VerdictRecord) -> Option<String> {
        if let (Some(wanted), Some(got)) = (&self.evidence, &worst.evidence) {
            let sorted = |ids: &[SpanId]| {
                let mut ids = ids.to_vec();
                ids.sort_unstable();
                ids
            };
            if sorted(wanted) != sorted(got) {
                return Some(format!("expected {} spans as evidence, got other ones ({})", wanted.len(), got.len()));
            }
        }
        if let (Some(wanted), Some(got)) = (self.signal, worst.gap_signal)
            && wanted != got
        {
            return Some(format!("expected {} signal", if wanted { "a" } else { "no" }));
        }
        if let (Some(wanted), Some(got)) = (&self.episodes, &worst.episodes)
            && wanted != got
        {
            return Some(format!("expected the episodes {wanted:?}, got {got:?}"));
        }
        None
    }
}

/// A record's verdict in words.
pub(super) fn said(record: &VerdictRecord) -> String {
    let reasons: Vec<&str> = record.reasons.iter().map(|reason| reason.word()).collect();
    if reasons.is_empty() { record.verdict.word().to_owned() } else { format!("{}({})", record.verdict.word(), reasons.join(", ")) }
}
