//! Random cases, engine against reference evaluator, on every core:
//! `make differential CASES=10000000 SEED=7`, from a case on with `FROM=5000000`, one case alone: `make differential SEED=7 CASE=123`,
//! and the cases of one kind: `make differential KIND=steady`. With `--known FILE` the cases listed there may differ: they are counted
//! apart and fail nothing.
#![allow(clippy::print_stdout, reason = "a program that reports")]

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use fluo_testkit::differential::{Cases, Kind, Outcome};

/// Cases that differ are shown up to this number.
const SHOWN: usize = 5;

/// Cases that a thread takes at a time.
const CHUNK: u64 = 64;

/// Cases after which a long run says how far it is.
const STEP: u64 = 1_000_000;

/// What was asked for.
struct Request {
    seed: u64,
    /// The cases from one to before another.
    from: u64,
    cases: u64,
    /// One case alone.
    only: Option<u64>,
    /// Cases of one kind alone.
    kind: Option<Kind>,
    /// Cases that are known to differ.
    known: BTreeSet<u64>,
}

/// What came out so far.
#[derive(Default)]
struct Tally {
    next: AtomicU64,
    agreed: AtomicU64,
    telling: AtomicU64,
    not_drawn: AtomicU64,
    /// The cases that differ.
    differ: Mutex<Vec<u64>>,
    /// Those of them that are known to.
    known: AtomicU64,
}

fn main() -> ExitCode {
    let request = match request() {
        Ok(request) => request,
        Err(why) => {
            eprintln!("{why}\nusage: differential [--seed N] [--cases N] [--from N] [--case N] [--kind NAME] [--known FILE]");
            return ExitCode::from(2);
        }
    };
    let (first, end) = request.only.map_or((request.from, request.cases), |only| (only, only + 1));
    println!("seed {}, cases {first} to {end}", request.seed);
    let started = Instant::now();
    let tally = Tally { next: AtomicU64::new(first), ..Tally::default() };
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| work(&request, end, &tally));
        }
    });
    report(&tally, started)
}

fn request() -> Result<Request, String> {
    let mut request = Request { seed: 1, from: 0, cases: 100_000, only: None, kind: None, known: BTreeSet::new() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or_default();
        if word == "--kind" {
            request.kind = Some(Kind::from_word(&value).ok_or_else(|| format!("`{value}` is no kind of cases"))?);
            continue;
        }
        if word == "--known" {
            let text = std::fs::read_to_string(&value).map_err(|error| format!("`{value}`: {error}"))?;
            let numbers = text.lines().map(|line| line.split('#').next().unwrap_or_default()).flat_map(str::split_whitespace);
            request.known = numbers.map(|n| n.parse().map_err(|_| format!("`{n}` in `{value}` is no case"))).collect::<Result<_, _>>()?;
            continue;
        }
        let number = value.parse().map_err(|_| format!("`{word}` needs a number"))?;
        match word.as_str() {
            "--seed" => request.seed = number,
            "--cases" => request.cases = number,
            "--from" => request.from = number,
            "--case" => request.only = Some(number),
            _ => return Err(format!("unknown option `{word}`")),
        }
    }
    Ok(request)
}

/// Judges cases until there are no more.
fn work(request: &Request, end: u64, tally: &Tally) {
    let seed = request.seed;
    let cases = Cases::new(seed);
    loop {
        let from = tally.next.fetch_add(CHUNK, Ordering::Relaxed);
        if from / STEP < (from + CHUNK) / STEP && from < end {
            eprintln!("at case {from} of {end}");
        }
        let wanted = |number: &u64| request.kind.is_none_or(|kind| Kind::of(*number) == kind);
        for number in (from..(from + CHUNK).min(end)).filter(wanted) {
            match catch_unwind(AssertUnwindSafe(|| cases.run(number))) {
                Ok(Outcome::Agreed { is_telling }) => {
                    tally.agreed.fetch_add(1, Ordering::Relaxed);
                    tally.telling.fetch_add(u64::from(is_telling), Ordering::Relaxed);
                }
                Ok(Outcome::NotDrawn) => _ = tally.not_drawn.fetch_add(1, Ordering::Relaxed),
                Ok(Outcome::Differs { .. }) if request.known.contains(&number) => _ = tally.known.fetch_add(1, Ordering::Relaxed),
                Ok(Outcome::Differs { differences, question }) => {
                    differs(seed, tally, number, &format!("{}\n{question}", differences.join("\n")))
                }
                Err(_) => {
                    let question = cases.question(number).map_or_else(String::new, |question| question.to_string());
                    differs(seed, tally, number, &format!("it panics\n{question}"));
                }
            }
        }
        if from >= end {
            return;
        }
    }
}

/// Shows a case that differs, at once: a long run may be stopped for it.
fn differs(seed: u64, tally: &Tally, number: u64, what: &str) {
    let mut differ = tally.differ.lock().unwrap_or_else(PoisonError::into_inner);
    differ.push(number);
    if differ.len() <= SHOWN {
        println!("\ncase {number} of seed {seed} differs (alone: make differential SEED={seed} CASE={number})\n{what}");
    }
}

fn report(tally: &Tally, started: Instant) -> ExitCode {
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let differ = tally.differ.lock().unwrap_or_else(PoisonError::into_inner);
    if !differ.is_empty() {
        println!("\nthe cases {differ:?} differ");
    }
    println!(
        "{} cases had verdicts to disagree on, {} could not be drawn, {} s",
        load(&tally.telling),
        load(&tally.not_drawn),
        started.elapsed().as_secs()
    );
    if load(&tally.known) > 0 {
        println!("{} cases differ that are known to", load(&tally.known));
    }
    println!("differential: {} passed, {} failed", load(&tally.agreed), differ.len());
    // A run that has nothing to compare has found nothing.
    let is_empty = load(&tally.agreed) == 0;
    if differ.is_empty() && !is_empty { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
