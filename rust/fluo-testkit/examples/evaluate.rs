//! How often order rules that held on one healthy run are violated on another, on public recordings with real clock offsets:
//! `make evaluate PUBLIC=/folder`. The folder holds `deathstarbench.jsonl.gz`; all its traffic is healthy, so that every violation is
//! a false one.
#![allow(clippy::print_stdout, reason = "a program that prints a table")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use fluo_engine::{CallEntry, Verdict};
use fluo_lang::limits::Limits;
use fluo_lang::program::RuleSet;
use fluo_lang::source::{Source, SourceKind};
use fluo_testkit::backend::replay::{self, Decided};
use fluo_testkit::model::{AnyValue, Batch, SpanData, TraceId, attribute};

const RECORDING: &str = "deathstarbench.jsonl.gz";

/// Between two runs the times jump by at least this, forwards or back. Nanoseconds.
const JUMP: u64 = 300_000_000_000;

/// Traces that a rule must apply to before it counts as learned.
const SUPPORT: u64 = 30;

/// Service and name of spans.
type Step = (String, String);

/// How a rule fared on a run: traces that it applies to, those it holds on, those it is violated on. The rest is undecided.
#[derive(Debug, Clone, Copy, Default)]
struct Fared {
    applies: u64,
    holds: u64,
    violated: u64,
}

impl Fared {
    const fn is_learned(self) -> bool {
        self.applies >= SUPPORT && self.holds == self.applies
    }
}

/// Verdicts on every (first, then) pair of steps.
type Verdicts = BTreeMap<(Step, Step), Fared>;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: evaluate FOLDER");
        return ExitCode::from(2);
    };
    let file = Path::new(&folder).join(RECORDING);
    if !file.exists() {
        println!("there is no {RECORDING} in the folder: nothing to evaluate");
        return ExitCode::SUCCESS;
    }
    match replay::frames(&file).and_then(|frames| evaluate(&runs(frames))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Splits the recording where the times jump.
fn runs(frames: Vec<Batch>) -> Vec<Vec<Batch>> {
    let end = |batch: &Batch| batch.spans.iter().map(|span| span.end).max().unwrap_or(0);
    let mut runs: Vec<Vec<Batch>> = Vec::new();
    let mut last = 0;
    for mut frame in frames {
        let ended = end(&frame);
        if runs.is_empty() || ended.abs_diff(last) > JUMP {
            runs.push(Vec::new());
        }
        last = ended;
        if let Some(run) = runs.last_mut() {
            frame.at = run.last().map_or(0, |batch| batch.at).max(ended);
            run.push(frame);
        }
    }
    runs
}

fn step(span: &SpanData) -> Step {
    let service = match attribute(&span.resource.attributes, "service.name") {
        Some(AnyValue::String(service)) => service.clone(),
        _ => String::new(),
    };
    (service, span.name.clone())
}

fn evaluate(runs: &[Vec<Batch>]) -> Result<(), String> {
    let mut seen = Vec::new();
    for run in runs {
        let steps: BTreeSet<Step> = run.iter().flat_map(|batch| &batch.spans).map(step).collect();
        let pairs: Vec<(Step, Step)> = steps.iter().flat_map(|a| steps.iter().map(move |b| (a.clone(), b.clone()))).collect();
        let pairs: Vec<(Step, Step)> = pairs.into_iter().filter(|(a, b)| a.0 != b.0).collect();
        seen.push((traces(run), pairs.clone(), by_engine(run, &pairs)?, by_timestamps(run, &pairs)));
    }
    println!("run traces | by the engine: rules, undecided, violations, worst rule | by timestamps: rules, violations, worst rule");
    for (at, (traces, _, engine, naive)) in seen.iter().enumerate() {
        let others = || seen.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other);
        let by_engine = judge(engine, others().map(|other| &other.2));
        let by_time = judge(naive, others().map(|other| &other.3));
        println!(
            "{:3} {:6} | {:4} {:6.2} % {:7} of {:8} {:5.1} % | {:4} {:8} of {:8} {:5.1} %",
            at + 1,
            traces.len(),
            by_engine.rules,
            share(by_engine.applied - by_engine.held - by_engine.violated, by_engine.applied),
            by_engine.violated,
            by_engine.applied,
            by_engine.worst,
            by_time.rules,
            by_time.violated,
            by_time.applied,
            by_time.worst,
        );
    }
    Ok(())
}

/// What became of the rules of one run on the others.
#[derive(Default)]
struct Judgement {
    rules: usize,
    applied: u64,
    held: u64,
    violated: u64,
    /// The greatest share in percent of the traces of one run that one rule is violated on.
    worst: f64,
}

fn judge<'a>(learned: &Verdicts, others: impl Iterator<Item = &'a Verdicts>) -> Judgement {
    let rules: BTreeSet<_> = learned.iter().filter(|(_, fared)| fared.is_learned()).map(|(pair, _)| pair).collect();
    let mut judgement = Judgement { rules: rules.len(), ..Judgement::default() };
    for fared in others.flatten().filter(|(pair, _)| rules.contains(pair)).map(|(_, fared)| fared) {
        judgement.applied += fared.applies;
        judgement.held += fared.holds;
        judgement.violated += fared.violated;
        judgement.worst = judgement.worst.max(share(fared.violated, fared.applies));
    }
    judgement
}

/// In percent.
#[expect(clippy::cast_precision_loss, reason = "counts of traces are far below 2^52")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

fn traces(run: &[Batch]) -> BTreeMap<TraceId, Vec<&SpanData>> {
    let mut traces: BTreeMap<TraceId, Vec<&SpanData>> = BTreeMap::new();
    for span in run.iter().flat_map(|batch| &batch.spans) {
        traces.entry(span.trace_id).or_default().push(span);
    }
    traces
}

/// Every `then` span has a `first` span that ended before it began, by the engine: its call table is learned from the run first.
fn by_engine(run: &[Batch], pairs: &[(Step, Step)]) -> Result<Verdicts, String> {
    let rules = rules(pairs)?;
    let calls: Vec<CallEntry> = replay::decide(&rules, run, None)?.calls;
    let decided: Decided = replay::decide(&rules, run, Some(&calls))?;
    let mut verdicts = Verdicts::new();
    for ((rule, ..), (verdict, _)) in &decided.verdicts {
        let pair = rule.get(1..).and_then(|at| at.parse::<usize>().ok()).and_then(|at| pairs.get(at)).ok_or("an unknown rule")?;
        let fared = verdicts.entry(pair.clone()).or_default();
        fared.applies += u64::from(*verdict != Verdict::NotApplicable);
        fared.holds += u64::from(*verdict == Verdict::Satisfied);
        fared.violated += u64::from(*verdict == Verdict::Violated);
    }
    Ok(verdicts)
}

fn rules(pairs: &[(Step, Step)]) -> Result<Arc<RuleSet>, String> {
    let select = |(service, name): &Step| format!("service == '{service}' and name == '{name}'");
    let rule = |(at, (first, then)): (usize, &(Step, Step))| {
        let (first, then) = (select(first), select(then));
        format!("- name: r{at}\n  when: trace.has({first}) and trace.has({then})\n  always: trace.has({then}).all(preceded_by({first}))\n")
    };
    let text = pairs.iter().enumerate().map(rule).collect();
    let loaded = fluo_lang::load(&[Source { name: "learned".to_owned(), text, kind: SourceKind::File }], &Limits::default());
    loaded.rules.map(Arc::new).ok_or_else(|| format!("the rules do not load: {:?}", loaded.diagnostics.first()))
}

/// The same by comparing timestamps.
fn by_timestamps(run: &[Batch], pairs: &[(Step, Step)]) -> Verdicts {
    let mut verdicts = Verdicts::new();
    for spans in traces(run).values() {
        let mut steps: BTreeMap<Step, Vec<&SpanData>> = BTreeMap::new();
        for span in spans {
            steps.entry(step(span)).or_default().push(span);
        }
        for pair in pairs {
            let (Some(first), Some(then)) = (steps.get(&pair.0), steps.get(&pair.1)) else { continue };
            let holds = then.iter().all(|b| first.iter().any(|a| a.end <= b.start));
            let fared = verdicts.entry(pair.clone()).or_default();
            fared.applies += 1;
            fared.holds += u64::from(holds);
            fared.violated += u64::from(!holds);
        }
    }
    verdicts
}
