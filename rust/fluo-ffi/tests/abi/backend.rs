//! The C interface as a backend of the conformance corpus: scenarios go through the exported functions, answers come out of drained
//! OTLP bytes and of the statistics.

use std::collections::{BTreeMap, BTreeSet};

use fluo::Status;
use fluo_lang::print;
use fluo_lang::program::{Mode, OnGap, Rule, Scope};
use fluo_lang::source::SourceKind;
use fluo_testkit::backend::{Answer, Report, Scenario, VerdictRecord};
use fluo_testkit::model::{SpanId, TraceId};
use fluo_testkit::oracle::{End, Reason, TopIsRoot};
use fluo_testkit::otlp;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use serde_json::{Value, json};

use crate::host::{Host, Rules};
use crate::lessons::{is_lesson, lessons};

/// How often a host ticks: about every 50 ms.
const TICK: u64 = 50_000_000;
const SECOND: u64 = 1_000_000_000;

/// What a host gets to see of a scenario.
pub(crate) struct Outcome {
    /// What the signals say.
    pub(crate) report: Report,
    /// What stands signalled at the end: rule, trace unless the rule is about a group over all spans, group.
    pub(crate) signalled: BTreeSet<(String, Option<TraceId>, Vec<String>)>,
    /// Verdicts by rule, as the statistics count them.
    pub(crate) counts: BTreeMap<String, Counts>,
}

/// The verdicts of one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) satisfied: u64,
    pub(crate) violated: u64,
    pub(crate) not_applicable: u64,
    /// Claims that could not be told.
    pub(crate) undecided: u64,
    /// Those, by reason.
    pub(crate) inconclusive: BTreeMap<String, u64>,
}

/// Runs a scenario to its end.
///
/// # Errors
/// A sentence that says what the interface refused.
pub(crate) fn outcome(scenario: &Scenario) -> Result<Outcome, String> {
    let (rules, refused) = compile(scenario)?;
    let left: Vec<&Rule> = scenario.rules.rules.iter().filter(|rule| refused.iter().all(|(name, _)| *name != rule.name)).collect();
    let (records, counts) = if left.is_empty() { Default::default() } else { drive(scenario, &rules)? };
    Ok(Outcome {
        signalled: signalled(&left, &records),
        report: Report {
            records: verdicts(&left, &records, &counts)?,
            unsupported: refused,
            violations_only: left.iter().map(|rule| rule.name.clone()).collect(),
            told: None,
        },
        counts,
    })
}

/// Compiles the rules of a scenario; those that the engine refuses are left out and named with the reason.
fn compile(scenario: &Scenario) -> Result<(Rules, Vec<(String, String)>), String> {
    let request = |without: &[(String, String)]| {
        let sources: Vec<Value> = scenario
            .sources
            .iter()
            .map(|source| match source.kind {
                SourceKind::File if without.is_empty() => json!({"name": source.name, "text": source.text}),
                SourceKind::File => json!({"name": source.name, "text": pruned(&source.text, without).to_string()}),
                SourceKind::Inline => json!({"name": source.name, "inline": pruned(&source.text, without)}),
            })
            .collect();
        json!({ "sources": sources }).to_string()
    };
    let (status, rules, diagnostics) = Rules::compile(request(&[]).as_bytes());
    if let Some(rules) = rules {
        return Ok((rules, Vec::new()));
    }
    let found = diagnostics["diagnostics"].as_array().ok_or("no diagnostics")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let errors: Vec<&Value> = found.iter().filter(|d| d["severity"] == "error").collect();
    if status != Status::InvalidRules || errors.iter().any(|d| d["code"] != "F0901") {
        return Err(format!("the rules are refused with {status:?}: {diagnostics}"));
    }
    let refused: Vec<(String, String)> = errors.iter().map(|d| (text(&d["rule"]), text(&d["message"]))).collect();
    let (status, rules, diagnostics) = Rules::compile(request(&refused).as_bytes());
    rules.map(|rules| (rules, refused)).ok_or_else(|| format!("the rest of the rules is refused with {status:?}: {diagnostics}"))
}

/// A rule file without some of its rules, as JSON, which is YAML.
fn pruned(text: &str, without: &[(String, String)]) -> Value {
    let mut file: Value = serde_saphyr::from_str(text).expect("a rule file that was read before");
    let rules = match &mut file {
        Value::Object(map) => map.get_mut("rules"),
        list => Some(list),
    };
    if let Some(Value::Array(rules)) = rules {
        rules.retain(|rule| without.iter().all(|(name, _)| rule["name"] != **name));
    }
    file
}

fn config(scenario: &Scenario) -> String {
    let config = &scenario.config;
    json!({
        "settle_ns": config.settle,
        "max_duration_ns": config.max_duration,
        "late_grace_ns": config.late_grace,
        "top_is_root": match config.top_is_root {
            TopIsRoot::Age => "age",
            TopIsRoot::Settle => "settle",
        },
        "max_skew_ns": config.max_skew,
        "allowed_lateness_ns": config.allowed_lateness,
        "max_spans_per_trace": config.max_spans_per_trace,
        "live": config.live_since.is_some(),
        // A table that a case gives is taught; where it gives none, none grows.
        "learn_calls": !scenario.calls.entries.is_empty(),
    })
    .to_string()
}

/// Drives an engine as a host would: a tick every 50 ms, the messages in between, signals drained after each.
fn drive(scenario: &Scenario, rules: &Rules) -> Result<(Vec<LogRecord>, BTreeMap<String, Counts>), String> {
    let run = &scenario.run;
    let first = run.batches.first().map_or(0, |batch| batch.at);
    let taught_at = first - scenario.config.max_duration - 2 * SECOND;
    let start = if scenario.calls.entries.is_empty() { scenario.config.live_since.unwrap_or(first) } else { taught_at };
    let host = Host::new(rules, &config(scenario), start).map_err(|(status, why)| format!("{status:?}: {why}"))?;
    let mut session = Session { host, now: start, records: Vec::new() };
    if !scenario.calls.entries.is_empty() {
        session.ingest(&otlp::encode(&lessons(&scenario.calls, taught_at)?))?;
    }
    session.tick_until(first)?;
    let before = counts(&session.host.stats());
    for batch in &run.batches {
        session.tick_until(batch.at)?;
        session.ingest(&otlp::encode(&batch.spans))?;
    }
    let end = match run.end {
        End::Recording => session.now,
        End::Until(at) | End::Shutdown(at) => at,
    };
    session.tick_until(end)?;
    if let End::Shutdown(_) = run.end {
        session.flush()?;
    }
    // A host cannot say that a recording has ended. What rules over spans find after that is not what the case asks for.
    let about_spans: BTreeSet<&str> =
        scenario.rules.rules.iter().filter(|rule| rule.scope == Scope::Spans).map(|rule| rule.name.as_str()).collect();
    while session.is_busy() {
        session.tick(session.now + SECOND)?;
    }
    session.records.retain(|record| {
        let too_late = record.observed_time_unix_nano > end && about_spans.contains(text(record, "fluo.rule.name").as_str());
        !too_late && !<TraceId>::try_from(record.trace_id.as_slice()).is_ok_and(|trace| is_lesson(&trace))
    });
    let mut after = counts(&session.host.stats());
    for (rule, before) in before {
        after.entry(rule).or_default().subtract(&before);
    }
    Ok((session.records, after))
}

struct Session {
    host: Host,
    now: u64,
    records: Vec<LogRecord>,
}

impl Session {
    fn ingest(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.ok("ingest", self.host.ingest(0, self.now, bytes).0)?;
        self.drain();
        Ok(())
    }

    /// Ticks every 50 ms and at last at the time itself.
    fn tick_until(&mut self, until: u64) -> Result<(), String> {
        while self.now < until {
            self.tick((self.now + TICK).min(until))?;
        }
        Ok(())
    }

    fn tick(&mut self, now: u64) -> Result<(), String> {
        self.now = now;
        let (status, result) = self.host.tick(now);
        self.ok("tick", status)?;
        if result.signals_pending != 0 {
            self.drain();
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), String> {
        self.ok("flush", self.host.flush(self.now).0)?;
        self.drain();
        Ok(())
    }

    fn drain(&mut self) {
        self.records.extend(self.host.records(self.now));
    }

    /// Whether traces are open or may be revised.
    fn is_busy(&self) -> bool {
        let stats = self.host.stats();
        stats["traces_open"] != 0 || stats["traces_grace"] != 0
    }

    fn ok(&self, call: &str, status: Status) -> Result<(), String> {
        if status == Status::Ok { Ok(()) } else { Err(format!("{call} answers {status:?}")) }
    }
}

impl Counts {
    fn slot(&mut self, verdict: &Value, reason: &Value) -> &mut u64 {
        match verdict.as_str().expect("a verdict") {
            "satisfied" => &mut self.satisfied,
            "violated" => &mut self.violated,
            "not_applicable" => &mut self.not_applicable,
            _ => self.inconclusive.entry(reason.as_str().expect("a reason").to_owned()).or_default(),
        }
    }

    fn subtract(&mut self, other: &Self) {
        self.satisfied -= other.satisfied;
        self.violated -= other.violated;
        self.not_applicable -= other.not_applicable;
        self.undecided -= other.undecided;
        for (reason, count) in &other.inconclusive {
            *self.inconclusive.entry(reason.clone()).or_default() -= count;
        }
    }
}

fn counts(stats: &Value) -> BTreeMap<String, Counts> {
    let number = |value: &Value| value.as_u64().expect("a count");
    let one = |rule: &Value| {
        let reasons = rule["inconclusive"].as_object().expect("reasons with their counts");
        let inconclusive: BTreeMap<String, u64> = reasons.iter().map(|(word, count)| (word.clone(), number(count))).collect();
        let mut counts = Counts {
            satisfied: number(&rule["satisfied"]),
            violated: number(&rule["violated"]),
            not_applicable: number(&rule["not_applicable"]),
            undecided: 0,
            inconclusive,
        };
        let revisions = rule["revisions"].as_array().expect("a list of revisions");
        for revision in revisions {
            *counts.slot(&revision["to"], &revision["to_reason"]) += number(&revision["count"]);
        }
        for revision in revisions {
            // A fact that came after its trace was forgotten revises the verdict that the trace most likely had.
            let from = counts.slot(&revision["from"], &revision["from_reason"]);
            *from = from.saturating_sub(number(&revision["count"]));
        }
        counts.undecided = counts.inconclusive.values().sum();
        counts
    };
    let rules = stats["rules"].as_array().expect("a list of rules");
    rules.iter().map(|rule| (rule["name"].as_str().expect("a name").to_owned(), one(rule))).collect()
}

/// What stands signalled after retractions.
fn signalled(rules: &[&Rule], records: &[LogRecord]) -> BTreeSet<(String, Option<TraceId>, Vec<String>)> {
    let mut standing = BTreeSet::new();
    for record in records {
        let Some(rule) = rules.iter().find(|rule| rule.name == text(record, "fluo.rule.name")) else { continue };
        let about = (rule.name.clone(), trace_of(rule, record), group_of(rule, record));
        match record.event_name.as_str() {
            "fluo.violation.retracted" => _ = standing.remove(&about),
            _ => _ = standing.insert(about),
        }
    }
    standing
}

/// The verdicts that the signals tell, and those of rules in shadow, of which only the statistics tell.
fn verdicts(rules: &[&Rule], records: &[LogRecord], counts: &BTreeMap<String, Counts>) -> Result<Vec<VerdictRecord>, String> {
    let mut found: Vec<VerdictRecord> = Vec::new();
    // Where the episode stands that a violation of windows began: among those of which verdict.
    let mut began: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for record in records {
        let id = text(record, "fluo.violation.id");
        let name = text(record, "fluo.rule.name");
        let rule = rules.iter().find(|rule| rule.name == name).ok_or_else(|| format!("a signal of the unknown rule `{name}`"))?;
        let (trace, span, group) = (trace_of(rule, record), span_of(rule, record), group_of(rule, record));
        let same = |other: &VerdictRecord| (&other.rule, other.trace_id, other.span_id, &other.group) == (&name, trace, span, &group);
        let (start, end) = (number(record, "fluo.window.start"), number(record, "fluo.window.end"));
        match record.event_name.as_str() {
            "fluo.violation" if found.iter().any(same) && rule.scope == Scope::Spans => {
                let at = found.iter().position(same).ok_or("a violation without verdict")?;
                let known = found.get_mut(at).and_then(|r| r.episodes.as_mut()).ok_or("a violation without episodes")?;
                began.insert(id, (at, known.len()));
                known.push((end.ok_or("a violation without window")?, None));
            }
            "fluo.violation" if found.iter().any(same) => return Err(format!("`{name}` signals the same violation twice")),
            "fluo.violation" => {
                let undecided = undecided(rule, record);
                began.insert(id, (found.len(), 0));
                found.push(VerdictRecord {
                    rule: name.clone(),
                    trace_id: trace,
                    span_id: span,
                    verdict: if undecided.is_some() { Answer::Inconclusive } else { Answer::Violated },
                    gap_signal: Some(undecided.is_some()),
                    reasons: undecided.into_iter().collect(),
                    phase: Some(text(record, "fluo.verdict.phase")),
                    // What made a verdict definite is not what later decides its trace.
                    trigger: Some(text(record, "fluo.verdict.trigger")).filter(|trigger| trigger != "early"),
                    evidence: Some(evidence(record)?),
                    episodes: (rule.scope == Scope::Spans).then(|| end.map(|at| (at, None)).into_iter().collect()),
                    group,
                });
            }
            "fluo.violation.retracted" => {
                let known = found.iter().position(same).ok_or_else(|| format!("`{name}` retracts what it never said"))?;
                found.remove(known);
                began.retain(|_, (at, _)| *at != known);
                began.values_mut().for_each(|(at, _)| *at -= usize::from(*at > known));
            }
            "fluo.violation.resolved" => {
                let (at, episode) = began.remove(&id).ok_or_else(|| format!("`{name}` resolves what it never said"))?;
                let open = found.get_mut(at).and_then(|r| r.episodes.as_mut()).and_then(|e| e.get_mut(episode));
                *open.ok_or("a resolution without episode")? = (start.ok_or("a resolution without start")?, end);
            }
            other => return Err(format!("an event named `{other}`")),
        }
    }
    for record in &mut found {
        // Stretches that turned out to be one are resolved as that one, each under its own id.
        if let Some(episodes) = &mut record.episodes {
            episodes.sort_unstable();
            episodes.dedup();
        }
        // What late spans put in doubt stays signalled where the rule wants to hear of doubts: the statistics tell.
        let wants_doubts = rules.iter().any(|rule| rule.name == record.rule && rule.on_gap == OnGap::Signal);
        let counted = counts.get(&record.rule).filter(|counts| wants_doubts && record.verdict == Answer::Violated && counts.violated == 0);
        let doubts = counted.into_iter().flat_map(|counts| &counts.inconclusive).filter(|(_, count)| **count > 0);
        let reasons: Vec<Reason> = doubts.filter_map(|(word, _)| Reason::ALL.into_iter().find(|r| r.word() == word)).collect();
        if !reasons.is_empty() {
            (record.verdict, record.gap_signal, record.reasons) = (Answer::Inconclusive, Some(true), reasons.into_iter().collect());
        }
    }
    for rule in rules.iter().filter(|rule| rule.mode == Mode::Shadow) {
        if found.iter().any(|record| record.rule == rule.name) {
            return Err(format!("the rule `{}` is in shadow and signals", rule.name));
        }
        if counts.get(&rule.name).is_some_and(|counts| counts.violated > 0) {
            found.push(VerdictRecord {
                rule: rule.name.clone(),
                trace_id: None,
                span_id: None,
                group: Vec::new(),
                verdict: Answer::Violated,
                reasons: Vec::new(),
                phase: None,
                trigger: None,
                evidence: None,
                gap_signal: None,
                episodes: None,
            });
        }
    }
    Ok(found)
}

/// The reason of a signal that is none of a violation, but of a claim that could not be decided.
fn undecided(rule: &Rule, record: &LogRecord) -> Option<Reason> {
    let Some(Any::StringValue(body)) = record.body.as_ref().and_then(|body| body.value.as_ref()) else { return None };
    let sentence = body.strip_prefix(&format!("{} could not be decided", rule.name)).filter(|_| rule.on_gap == OnGap::Signal)?;
    Reason::ALL.into_iter().find(|reason| sentence.contains(&format!("({})", reason.word())))
}

/// Whether a signal of a rule over `spans` is about one span, and not about a window.
fn is_about_span(rule: &Rule, record: &LogRecord) -> bool {
    rule.scope == Scope::Spans && number(record, "fluo.window.end").is_none()
}

fn trace_of(rule: &Rule, record: &LogRecord) -> Option<TraceId> {
    let trace = record.trace_id.as_slice().try_into().ok();
    trace.filter(|_| rule.scope == Scope::Trace || is_about_span(rule, record))
}

fn span_of(rule: &Rule, record: &LogRecord) -> Option<SpanId> {
    record.span_id.as_slice().try_into().ok().filter(|_| is_about_span(rule, record))
}

fn group_of(rule: &Rule, record: &LogRecord) -> Vec<String> {
    let is_grouped = record.attributes.iter().any(|attribute| attribute.key.starts_with("fluo.group."));
    let fields = rule.by.iter().filter(|_| is_grouped);
    fields.map(|field| text(record, &format!("fluo.group.{}", print::term(field, rule.scope)))).collect()
}

fn evidence(record: &LogRecord) -> Result<Vec<SpanId>, String> {
    let Some(Any::ArrayValue(list)) = attribute(record, "fluo.evidence.span_ids") else { return Ok(Vec::new()) };
    let ids = list.values.iter().map(|value| match &value.value {
        Some(Any::StringValue(hex)) => u64::from_str_radix(hex, 16).map(u64::to_be_bytes).map_err(|_| format!("`{hex}` is no span id")),
        other => Err(format!("{other:?} is no span id")),
    });
    ids.collect()
}

fn attribute<'r>(record: &'r LogRecord, key: &str) -> Option<&'r Any> {
    record.attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()
}

fn text(record: &LogRecord, key: &str) -> String {
    match attribute(record, key) {
        Some(Any::StringValue(text)) => text.clone(),
        _ => String::new(),
    }
}

fn number(record: &LogRecord, key: &str) -> Option<u64> {
    match attribute(record, key) {
        Some(Any::IntValue(number)) => u64::try_from(*number).ok(),
        _ => None,
    }
}
