//! From the YAML to something that can run.

use std::collections::BTreeSet;

use fluo_lang::diagnostic::DiagnosticSeverity;
use fluo_lang::limits::Limits;
use fluo_lang::program::{Expr, RuleSet, Step};
use fluo_lang::render::Report;
use fluo_lang::source::{Source, SourceKind};
use serde_saphyr::Spanned;

use super::expectation::{Expectation, Reasoned};
use super::{CaseError, Test, TestFile, form};
use crate::backend::{Answer, Scenario};
use crate::model::Batch;
use crate::notation::{self, BASE, Trace};
use crate::oracle::{CallEntry, CallKey, CallTable, Config, End, Reason, Run, TopIsRoot};

/// Collects what is wrong with a test.
struct Context<'a> {
    file: &'a str,
    text: &'a str,
    test: Option<String>,
    errors: Vec<CaseError>,
}

impl Context<'_> {
    fn error(&mut self, line: u64, column: u64, message: impl Into<String>) {
        self.errors.push(CaseError { file: self.file.to_owned(), line, column, test: self.test.clone(), message: message.into() });
    }

    fn time(&mut self, text: &Spanned<String>) -> u64 {
        match notation::time(&text.value).ok().and_then(|t| u64::try_from(t).ok()) {
            Some(time) => time,
            None => {
                self.error(text.referenced.line(), text.referenced.column(), format!("`{}` is no duration such as `10s`", text.value));
                0
            }
        }
    }

    /// The line and column in the file of a place in a scalar: block scalars begin in the line after their key.
    fn place(&self, scalar: &Spanned<String>, line: usize, column: usize) -> (u64, u64) {
        let (first, offset) = block(self.text, scalar);
        let line = first + u64::try_from(line).unwrap_or(1) - 1;
        (line, u64::try_from(column).unwrap_or(1) + offset)
    }
}

/// The first line of a scalar's content in the file and by how many columns it is indented.
fn block(text: &str, scalar: &Spanned<String>) -> (u64, u64) {
    let line = scalar.referenced.line();
    let nth = |n: u64| text.lines().nth(usize::try_from(n).unwrap_or(0).saturating_sub(1)).unwrap_or_default();
    let head = nth(line).trim_end();
    if ["|", "|-", "|+", ">", ">-"].iter().any(|mark| head.ends_with(mark)) {
        let first = nth(line + 1);
        (line + 1, (first.len() - first.trim_start().len()) as u64)
    } else {
        (line, scalar.referenced.column().saturating_sub(1))
    }
}

pub(super) fn build(
    name: &str,
    text: &str,
    file: form::File,
    rule_file: &dyn Fn(&str) -> std::io::Result<String>,
) -> Result<TestFile, Vec<CaseError>> {
    let mut context = Context { file: name, text, test: None, errors: Vec::new() };
    let mut shared: Vec<Source> = file.rules.iter().map(|rules| source(name, rules)).collect();
    for path in &file.rule_files {
        match rule_file(&path.value) {
            Ok(text) => shared.push(Source { name: path.value.clone(), text, kind: SourceKind::File }),
            Err(e) => {
                context.error(path.referenced.line(), path.referenced.column(), format!("rule file `{}` cannot be read: {e}", path.value))
            }
        }
    }
    let beside = || beside(name, rule_file);
    if file.tests.is_empty() {
        context.error(1, 1, "the file has no tests");
    }
    let mut names = BTreeSet::new();
    let mut tests = Vec::new();
    for test in file.tests {
        context.test = Some(test.value.name.clone());
        let line = test.referenced.line();
        if !names.insert(test.value.name.clone()) {
            context.error(line, test.referenced.column(), "another test of this file has the same name");
        }
        let mut sources = shared.clone();
        sources.extend(test.value.rules.iter().map(|rules| source(name, rules)));
        let needs_rules = !test.value.verdicts.is_empty() || !test.value.expect.is_empty();
        if sources.is_empty() && needs_rules {
            match beside() {
                Some(source) => sources.push(source),
                None => {
                    context.error(line, test.referenced.column(), "the test has no `rules`, and no rule file stands beside the test file")
                }
            }
        }
        tests.extend(build_test(&mut context, test.value, line, sources));
    }
    if context.errors.is_empty() { Ok(TestFile { name: name.to_owned(), tests }) } else { Err(context.errors) }
}

/// The rule file beside a test file: `payments.yml` or `payments.yaml`, whichever of the two the test file is called after first.
fn beside(name: &str, rule_file: &dyn Fn(&str) -> std::io::Result<String>) -> Option<Source> {
    let (stem, endings) = match name.strip_suffix(".test.yml") {
        Some(stem) => (stem, ["yml", "yaml"]),
        None => (name.strip_suffix(".test.yaml")?, ["yaml", "yml"]),
    };
    let stem = stem.rsplit(['/', std::path::MAIN_SEPARATOR]).next().unwrap_or(stem);
    endings.into_iter().find_map(|ending| {
        let name = format!("{stem}.{ending}");
        let text = rule_file(&name).ok()?;
        Some(Source { name, text, kind: SourceKind::File })
    })
}

/// Rules that stand in the test file: the text of a rule file, or a list.
fn source(name: &str, rules: &serde_json::Value) -> Source {
    let name = format!("rules in {name}");
    match rules {
        serde_json::Value::String(text) => Source { name, text: text.clone(), kind: SourceKind::File },
        serde_json::Value::Array(_) => Source { name, text: rules.to_string(), kind: SourceKind::Inline },
        // A mapping is a rule file too, and JSON is YAML.
        _ => Source { name, text: rules.to_string(), kind: SourceKind::File },
    }
}

fn build_test(context: &mut Context<'_>, test: form::Test, line: u64, mut sources: Vec<Source>) -> Option<Test> {
    let traces = read_traces(context, &test);
    let config = read_config(context, &test.config);
    let end = read_end(context, test.end.as_ref());
    let expressions = read_expressions(context, &test);
    if let Some(name) = &test.on
        && !traces.is_empty()
        && !traces.iter().flat_map(|trace| &trace.spans).any(|span| span.data.name == *name)
    {
        context.error(line, 1, format!("`on: {name}`, but no span has this name"));
    }
    if !expressions.is_empty() {
        let rules: Vec<serde_json::Value> = expressions
            .iter()
            .map(|(expression, text)| serde_json::json!({"name": expression.rule, "always": text, "when": true}))
            .collect();
        let text = serde_json::Value::Array(rules).to_string();
        sources.push(Source { name: format!("expressions in {}", context.file), text, kind: SourceKind::Inline });
    }
    let mut expectations: Vec<Expectation> = expressions.into_iter().map(|(expression, _)| expression).collect();
    expectations.extend(read_verdicts(context, &test, &traces));
    if expectations.is_empty() {
        context.error(line, 1, "the test expects nothing");
    }
    let rules = load(context, line, &sources, &expectations);
    let calls = read_calls(context, &test.call_table);
    let rules = rules?;
    for expectation in &expectations {
        if !rules.rules.iter().any(|rule| rule.name == expectation.rule) {
            context.error(expectation.line, 1, format!("no rule is named `{}`", expectation.rule));
        }
    }
    let labels = traces
        .iter()
        .flat_map(|trace| trace.spans.iter().filter_map(|span| Some((trace.id, span.data.span_id, span.label.clone()?))))
        .collect();
    let run = Run { batches: batches(&traces), end };
    let scenario = Scenario { sources, rules, config, calls, run };
    Some(Test { name: test.name, pins: test.pins, line, scenario, expectations, labels })
}

fn read_traces(context: &mut Context<'_>, test: &form::Test) -> Vec<Trace> {
    let single = test.trace.iter().map(|text| ("t".to_owned(), text));
    let all: Vec<(String, &Spanned<String>)> = single.chain(test.traces.iter().map(|(label, text)| (label.clone(), text))).collect();
    let mut traces = Vec::new();
    for (label, text) in all {
        match notation::parse(&label, &text.value, BASE) {
            Ok(trace) => traces.push(trace),
            Err(e) => {
                let (line, column) = context.place(text, e.line, e.column);
                context.error(line, column, e.message);
            }
        }
    }
    traces
}

/// The requests: what has the same arrival comes together, in the order of the lines.
fn batches(traces: &[Trace]) -> Vec<Batch> {
    let spans = || traces.iter().flat_map(|trace| &trace.spans);
    let unless_said = spans().map(|span| span.data.end).max().unwrap_or(BASE).max(BASE);
    let mut batches: Vec<Batch> = Vec::new();
    for span in spans() {
        let first = span.at.map_or(unless_said, |at| BASE.saturating_add_signed(at));
        for at in std::iter::once(first).chain(span.again.iter().map(|at| BASE.saturating_add_signed(*at))) {
            match batches.iter_mut().find(|batch| batch.at == at) {
                Some(batch) => batch.spans.push(span.data.clone()),
                None => batches.push(Batch { at, spans: vec![span.data.clone()] }),
            }
        }
    }
    batches.sort_by_key(|batch| batch.at);
    batches
}

fn read_config(context: &mut Context<'_>, form: &form::Config) -> Config {
    let default = Config::default();
    let mut time = |text: &Option<Spanned<String>>, otherwise: u64| text.as_ref().map_or(otherwise, |text| context.time(text));
    Config {
        settle: time(&form.settle, default.settle),
        max_duration: time(&form.max_duration, default.max_duration),
        late_grace: time(&form.late_grace, default.late_grace),
        top_is_root: match form.top_is_root {
            Some(form::TopIsRoot::Settle) => TopIsRoot::Settle,
            Some(form::TopIsRoot::Age) | None => TopIsRoot::Age,
        },
        max_skew: time(&form.max_skew, default.max_skew),
        allowed_lateness: time(&form.allowed_lateness, default.allowed_lateness),
        live_since: form.live_since.as_ref().map(|text| BASE + context.time(text)),
        max_spans_per_trace: form.max_spans_per_trace.unwrap_or(default.max_spans_per_trace),
    }
}

fn read_end(context: &mut Context<'_>, form: Option<&form::End>) -> End {
    match form {
        Some(form::End { until: Some(at), .. }) => End::Until(BASE + context.time(at)),
        Some(form::End { shutdown: Some(at), .. }) => End::Shutdown(BASE + context.time(at)),
        _ => End::Recording,
    }
}

/// The expressions with what is expected of them, and the text of the rules that they become.
fn read_expressions(context: &mut Context<'_>, test: &form::Test) -> Vec<(Expectation, String)> {
    let mut found: Vec<(Expectation, String)> = Vec::new();
    let plain = |answer| Reasoned { answer, reason: None };
    let mut lists = vec![
        (test.holds.as_ref(), plain(Answer::Satisfied)),
        (test.fails.as_ref(), plain(Answer::Violated)),
        (test.not_applicable.as_ref(), plain(Answer::NotApplicable)),
    ];
    for (word, lines) in &test.unknown {
        match Reason::from_word(word) {
            Some(reason) => lists.push((Some(lines), Reasoned { answer: Answer::Inconclusive, reason: Some(reason) })),
            None => context.error(lines.referenced.line(), 1, format!("`{word}` is no reason")),
        }
    }
    for (scalar, verdict) in lists {
        let Some(scalar) = scalar else { continue };
        for (number, raw) in scalar.value.lines().enumerate() {
            let expression = raw.trim();
            if expression.is_empty() || expression.starts_with('#') {
                continue;
            }
            let (line, _) = context.place(scalar, number + 1, 1);
            let text = match &test.on {
                Some(span) => format!("trace.spans.where(name == '{span}').any({expression})"),
                None => expression.to_owned(),
            };
            let rule = format!("line-{line}-{}", found.len() + 1);
            found.push((expectation(rule, expression.to_owned(), line, verdict), text));
        }
    }
    found
}

fn expectation(rule: String, title: String, line: u64, verdict: Reasoned) -> Expectation {
    Expectation {
        title,
        line,
        rule,
        trace: None,
        span: None,
        group: None,
        verdict,
        evidence: None,
        trigger: None,
        phase: None,
        signal: None,
        episodes: None,
        signals: None,
    }
}

fn read_verdicts(context: &mut Context<'_>, test: &form::Test, traces: &[Trace]) -> Vec<Expectation> {
    let mut found = Vec::new();
    for (rule, text) in &test.verdicts {
        let line = text.referenced.line();
        match Reasoned::read(&text.value) {
            Some(verdict) => found.push(expectation(rule.clone(), rule.clone(), line, verdict)),
            None => context.error(line, text.referenced.column(), format!("`{}` is no verdict", text.value)),
        }
    }
    for expect in &test.expect {
        let (line, column) = (expect.referenced.line(), expect.referenced.column());
        match read_expect(&expect.value, line, traces) {
            Ok(expectation) => found.push(expectation),
            Err(message) => context.error(line, column, message),
        }
    }
    found
}

fn read_expect(form: &form::Expect, line: u64, traces: &[Trace]) -> Result<Expectation, String> {
    let mut verdict = Reasoned::read(&form.verdict).ok_or_else(|| format!("`{}` is no verdict", form.verdict))?;
    if let Some(word) = &form.reason {
        verdict.reason = Some(Reason::from_word(word).ok_or_else(|| format!("`{word}` is no reason"))?);
    }
    let trace = match &form.trace {
        Some(label) => Some(traces.iter().find(|trace| trace.label == *label).ok_or_else(|| format!("no trace is called `{label}`"))?),
        None => None,
    };
    let span = |label: &String| {
        let spans = traces.iter().filter(|t| trace.is_none_or(|wanted| wanted.id == t.id)).flat_map(|t| &t.spans);
        let mut fitting = spans.filter(|span| span.label.as_ref() == Some(label)).map(|span| span.data.span_id);
        fitting.next().ok_or_else(|| format!("no span is called `{label}`"))
    };
    Ok(Expectation {
        trace: trace.map(|trace| trace.id),
        span: form.span.as_ref().map(span).transpose()?,
        group: form.group.clone(),
        evidence: form.evidence.as_ref().map(|labels| labels.iter().map(span).collect::<Result<_, _>>()).transpose()?,
        trigger: form.trigger.clone(),
        phase: form.phase.clone(),
        signal: form.signal,
        episodes: form.episodes.as_ref().map(|texts| episodes(texts)).transpose()?,
        signals: form.signals.as_ref().map(|texts| episodes(texts)).transpose()?,
        ..expectation(form.rule.clone(), form.rule.clone(), line, verdict)
    })
}

fn episodes(texts: &[String]) -> Result<Vec<(u64, Option<u64>)>, String> {
    texts.iter().map(|text| episode(text)).collect()
}

/// `6s..66s`, or `6s..` for an episode that was not seen to end.
fn episode(text: &str) -> Result<(u64, Option<u64>), String> {
    let wrong = || format!("`{text}` is no episode such as `6s..66s`");
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let time = |text: &str| notation::time(text).map(|t| BASE.saturating_add_signed(t)).map_err(|_| wrong());
    Ok((time(from)?, if to.is_empty() { None } else { Some(time(to)?) }))
}

fn load(context: &mut Context<'_>, line: u64, sources: &[Source], expectations: &[Expectation]) -> Option<RuleSet> {
    let loaded = fluo_lang::load(sources, &Limits::default());
    let report = Report::new(sources, &loaded.diagnostics);
    for diagnostic in loaded.diagnostics.iter().filter(|d| d.severity == DiagnosticSeverity::Error) {
        let expectation = expectations.iter().find(|e| Some(&e.rule) == diagnostic.rule.as_ref());
        let (line, title) = expectation.map_or((line, diagnostic.rule.clone()), |e| (e.line, Some(e.title.clone())));
        let title = title.map_or_else(String::new, |title| format!("`{title}`: "));
        // A list of rules has no lines.
        let file = sources.get(diagnostic.source.0 as usize).filter(|source| source.kind == SourceKind::File);
        let place = file.map_or_else(String::new, |file| format!("{}: ", report.place(diagnostic).short(file)));
        let help = diagnostic.help.as_ref().map_or_else(String::new, |help| format!(" ({help})"));
        context.error(line, 1, format!("{title}{place}{}{help}", diagnostic.message));
    }
    loaded.rules
}

fn read_calls(context: &mut Context<'_>, table: &[form::Call]) -> CallTable {
    let mut entries = Vec::new();
    for call in table {
        let (line, column) = (call.selector.referenced.line(), call.selector.referenced.column());
        match selector(&call.selector.value) {
            Ok(selector) => entries.push(CallEntry {
                call: CallKey {
                    service: call.service.clone(),
                    name: call.call.clone(),
                    server_address: call.server_address.clone(),
                    rpc_service: call.rpc_service.clone(),
                    peer_service: call.peer_service.clone(),
                    destination: call.destination.clone(),
                },
                selector,
                traces: call.traces,
                below: call.below,
            }),
            Err(message) => context.error(line, column, message),
        }
    }
    CallTable { entries }
}

/// The steps of a spanset, by the predicate of its spans or as a spanset.
fn selector(text: &str) -> Result<Vec<Step>, String> {
    let set = if text.trim_start().starts_with("trace.") { text.to_owned() } else { format!("trace.has({text})") };
    let rules = serde_json::json!([{"name": "selector", "never": set}]).to_string();
    let loaded = fluo_lang::load(&[Source { name: "selector".to_owned(), text: rules, kind: SourceKind::Inline }], &Limits::default());
    let wrong = || format!("`{text}` is no selector of spans");
    match loaded.rules.ok_or_else(wrong)?.rules.into_iter().next().map(|rule| rule.claim) {
        Some(Expr::NonEmpty(set)) => Ok(set.steps),
        _ => Err(wrong()),
    }
}
