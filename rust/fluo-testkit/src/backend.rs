//! One corpus for everything that gives verdicts.

mod engine;
pub mod replay;
mod standing;

use fluo_lang::program::RuleSet;
use fluo_lang::source::Source;

pub use engine::{EngineBackend, Ticks};
pub use standing::{Standing, standing};

use crate::model::{SpanId, TraceId};
use crate::oracle::{self, CallTable, Config, Reason, Run, Trigger, Verdict};

/// What a backend is given: rules, what arrived, and everything else that verdicts may depend on.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The rules as written, for backends that take text.
    pub sources: Vec<Source>,
    /// The rules, checked.
    pub rules: RuleSet,
    /// The configuration.
    pub config: Config,
    /// The call table that the evaluation starts with.
    pub calls: CallTable,
    /// What arrived.
    pub run: Run,
}

/// A final verdict as a backend reports it. What a backend cannot tell is `None` and not compared.
#[derive(Debug, Clone, PartialEq)]
pub struct VerdictRecord {
    /// The rule.
    pub rule: String,
    /// The trace, unless the verdict is about a group over all traces.
    pub trace_id: Option<TraceId>,
    /// The span, for verdicts of rules over `spans` that are about one.
    pub span_id: Option<SpanId>,
    /// Canonical values of the group; empty for a rule without groups.
    pub group: Vec<String>,
    /// The verdict.
    pub verdict: Answer,
    /// For an inconclusive verdict the reasons that the backend names, at least one.
    pub reasons: Vec<Reason>,
    /// When it was given: `early`, `complete`, `late`.
    pub phase: Option<String>,
    /// What made it be given: `early`, `complete`, `age`, `shutdown`, `limit`, `late`.
    pub trigger: Option<String>,
    /// The spans cited as evidence.
    pub evidence: Option<Vec<SpanId>>,
    /// Whether an inconclusive verdict is signalled because the rule says `on_gap: signal`.
    pub gap_signal: Option<bool>,
    /// When the group was violated, Unix nanoseconds of event time; an episode that was not seen to end has none.
    pub episodes: Option<Vec<(u64, Option<u64>)>>,
}

/// The four answers, from best to worst for a claim's trace or group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the language reference, §5, says what each is")]
pub enum Answer {
    NotApplicable,
    Satisfied,
    Inconclusive,
    Violated,
}

impl Answer {
    /// The word in expectations.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotApplicable => "not_applicable",
            Self::Satisfied => "satisfied",
            Self::Inconclusive => "inconclusive",
            Self::Violated => "violated",
        }
    }

    /// The answer that a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::NotApplicable, Self::Satisfied, Self::Inconclusive, Self::Violated].into_iter().find(|answer| answer.word() == word)
    }
}

/// What a backend has to say of a scenario.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// The final verdict of every (rule, trace, group).
    pub records: Vec<VerdictRecord>,
    /// Rules that the backend cannot run in this scenario, with the reason: nothing is expected of them.
    pub unsupported: Vec<(String, String)>,
    /// Rules of which only violations are reported: no record means that there was none.
    pub violations_only: Vec<String>,
    /// The violations of rules over `spans` with windows that people were told of, sorted; `None` where the backend cannot tell.
    pub told: Option<Vec<Standing>>,
}

/// Something that gives verdicts.
pub trait Backend {
    /// What it is called in reports.
    fn name(&self) -> &str;

    /// Runs the scenario to its end.
    ///
    /// # Errors
    /// A sentence that says why the backend could not run.
    fn run(&self, scenario: &Scenario) -> Result<Report, String>;
}

/// The reference evaluator as a backend.
#[derive(Debug, Clone, Copy, Default)]
pub struct OracleBackend;

impl Backend for OracleBackend {
    fn name(&self) -> &'static str {
        "oracle"
    }

    fn run(&self, scenario: &Scenario) -> Result<Report, String> {
        let findings = oracle::evaluate(&scenario.rules, &scenario.config, &scenario.calls, &scenario.run);
        let told = oracle::told(&scenario.rules, &scenario.config, &scenario.calls, &scenario.run);
        Ok(Report { records: findings.into_iter().map(VerdictRecord::from).collect(), told: Some(expected(&told)), ..Report::default() })
    }
}

/// What people are told, as the reference evaluator has it. Each id of an episode is resolved when the watermark has passed its end.
fn expected(told: &oracle::Told) -> Vec<Standing> {
    let mut all = Vec::new();
    for group in &told.groups {
        for begin in &group.begins {
            let of = |(from, to): &&(u64, Option<u64>)| from <= begin && to.is_none_or(|to| *begin < to);
            let whole = group.episodes.iter().find(of);
            let resolved = whole.and_then(|(from, to)| Some((*from, to.filter(|to| *to < told.watermark)?)));
            all.push(Standing { rule: group.rule.clone(), group: group.group.clone(), begin: *begin, resolved });
        }
    }
    all.sort_unstable();
    all
}

impl From<oracle::Finding> for VerdictRecord {
    fn from(finding: oracle::Finding) -> Self {
        let (verdict, reasons) = match finding.verdict {
            Verdict::NotApplicable => (Answer::NotApplicable, Vec::new()),
            Verdict::Satisfied => (Answer::Satisfied, Vec::new()),
            Verdict::Inconclusive(why) => (Answer::Inconclusive, why.iter().collect()),
            Verdict::Violated => (Answer::Violated, Vec::new()),
        };
        Self {
            rule: finding.rule,
            trace_id: finding.trace_id,
            span_id: finding.span_id,
            group: finding.group,
            verdict,
            reasons,
            phase: None,
            trigger: finding.trigger.map(|trigger| {
                match trigger {
                    Trigger::Complete => "complete",
                    Trigger::Age => "age",
                    Trigger::Shutdown => "shutdown",
                    Trigger::Limit => "limit",
                    Trigger::Late => "late",
                }
                .to_owned()
            }),
            evidence: None,
            gap_signal: Some(finding.gap_signal),
            episodes: Some(finding.episodes),
        }
    }
}
