//! The engine held against the reference evaluator on random cases.
//!
//! A case is a number under a seed: the same two give the same rules, spans and arrivals, whatever ran before, so that a case that
//! differs can be looked at alone. What is asked depends on the number:
//!
//! - final verdicts: of random rules over random traces in random batches, order and repetitions, under random settings, ends and
//!   call tables, engine and reference evaluator say the same; the engine never contradicts a verdict that it gave early; and
//!   run as hosts run it, it signals exactly what is violated, or undecided in a rule that wants to hear of it;
//! - arrivals: the same spans in other batches, order, repetitions and with attributes that no rule reads get the same verdicts;
//! - prefixes: of a trace of at most six spans some have come; a verdict that is definite then is that of every completion;
//! - windows: rules over `spans` give the same verdicts, and the same stretches of time in which a group was violated;
//! - steady state: the same of streams of many windows, and what people see is what is expected: which violations are signalled, where
//!   they begin, with which episode each is resolved, and how many spans do not count; an engine with room for fewer groups says nothing
//!   that is wrong;
//! - sequences: rules over `spans` with relations give each span the same verdict, and signal exactly those that break the claim.

mod compare;
mod crowd;
mod draw;
mod prefix;
mod text;
mod told;

use std::fmt;
use std::ops::ControlFlow;

use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::{Config as Runner, RngAlgorithm, TestRng, TestRunner};

use crate::backend::Scenario;
use crate::model::SpanData;
use crate::notation::{BASE, write};

pub use compare::{final_verdicts, sequences, signals, windows};
pub use crowd::crowded;
pub use draw::{Kind, question};
pub use prefix::contradictions;
pub use text::{TextError, read, written};
pub use told::told;

/// How often a case that differs is made simpler at most.
const SIMPLER: usize = 3_000;

/// What a case asks.
#[derive(Debug, Clone)]
pub enum Question {
    /// Whether final verdicts and signals are the same on both sides.
    Verdicts(Scenario),
    /// Whether both sides say the same of two arrivals of the same spans.
    Arrivals(Box<(Scenario, Scenario)>),
    /// Whether what is definite when only so many of the spans have come is so for every completion.
    Prefix(Scenario, usize),
    /// Whether groups of rules over `spans` have the same verdicts, and were violated at the same times.
    Windows(Scenario),
    /// Whether each span that a rule over `spans` with relations is about has the same verdict.
    Sequences(Scenario),
    /// Whether people see the same of rules over `spans` with windows, in streams of many windows.
    Steady(Scenario),
    /// Whether what an engine with so many groups of a rule at most says of such streams is right.
    Crowded(Scenario, usize),
}

/// What a case comes to.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Both sides agree. `is_telling` where the case had something to disagree on.
    Agreed {
        /// Whether some verdict was given that the other side could have contradicted.
        is_telling: bool,
    },
    /// The language refuses too many of the rules that were drawn.
    NotDrawn,
    /// They do not; the case as simple as it could be made.
    Differs {
        /// What is different, a line each.
        differences: Vec<String>,
        /// The case.
        question: Box<Question>,
    },
}

/// The cases of a seed.
pub struct Cases {
    seed: u64,
    strategies: [(Kind, BoxedStrategy<Question>); Kind::ALL.len()],
}

impl fmt::Debug for Cases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cases").field("seed", &self.seed).finish_non_exhaustive()
    }
}

impl Cases {
    /// The cases of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, strategies: Kind::ALL.map(|kind| (kind, question(kind))) }
    }

    /// Draws a case; nothing where the language refuses too many of the rules that were drawn.
    #[must_use]
    pub fn question(&self, number: u64) -> Option<Question> {
        Some(self.draw(number)?.current())
    }

    /// Draws and judges a case.
    #[must_use]
    pub fn run(&self, number: u64) -> Outcome {
        let Some(mut tree) = self.draw(number) else { return Outcome::NotDrawn };
        match judge(&tree.current()) {
            Ok(is_telling) => Outcome::Agreed { is_telling },
            Err(differences) => simplest(&mut *tree, differences),
        }
    }

    fn draw(&self, number: u64) -> Option<Box<dyn ValueTree<Value = Question>>> {
        let mut seed = [0; 32];
        for (to, from) in seed.iter_mut().zip([self.seed.to_le_bytes(), number.to_le_bytes()].concat()) {
            *to = from;
        }
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let mut runner = TestRunner::new_with_rng(Runner { failure_persistence: None, max_local_rejects: 64, ..Runner::default() }, rng);
        let kind = Kind::of(number);
        self.strategies.iter().find(|(of, _)| *of == kind).and_then(|(_, strategy)| strategy.new_tree(&mut runner).ok())
    }
}

/// Makes a case that differs simpler as long as it differs.
fn simplest(tree: &mut dyn ValueTree<Value = Question>, mut differences: Vec<String>) -> Outcome {
    let mut question = tree.current();
    let step = |tree: &mut dyn ValueTree<Value = Question>, differs: bool| {
        let goes_on = if differs { tree.simplify() } else { tree.complicate() };
        if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let mut differs = true;
    for _ in 0..SIMPLER {
        if step(tree, differs).is_break() {
            break;
        }
        let simpler = tree.current();
        match judge(&simpler) {
            Ok(_) => differs = false,
            Err(found) => (differs, differences, question) = (true, found, simpler),
        }
    }
    Outcome::Differs { differences, question: Box::new(question) }
}

/// Answers a question: whether there was something to disagree on.
///
/// # Errors
/// The differences, a line each.
pub fn judge(question: &Question) -> Result<bool, Vec<String>> {
    let mut differences = Vec::new();
    let is_telling = match question {
        Question::Verdicts(scenario) => {
            let telling = final_verdicts(scenario, &mut differences);
            signals(scenario, &mut differences);
            telling
        }
        Question::Arrivals(both) => {
            let telling = final_verdicts(&both.0, &mut differences);
            telling | final_verdicts(&both.1, &mut differences) | compare::same_answers(&both.0, &both.1, &mut differences)
        }
        Question::Prefix(scenario, part) => contradictions(scenario, *part, &mut differences),
        Question::Windows(scenario) => windows(scenario, &mut differences),
        Question::Sequences(scenario) => sequences(scenario, &mut differences),
        Question::Crowded(scenario, groups) => crowded(scenario, *groups, &mut differences),
        Question::Steady(scenario) => windows(scenario, &mut differences) | told(scenario, &mut differences),
    };
    if differences.is_empty() { Ok(is_telling) } else { Err(differences) }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verdicts(scenario) | Self::Windows(scenario) | Self::Sequences(scenario) | Self::Steady(scenario) => show(scenario, f),
            Self::Crowded(scenario, groups) => {
                show(scenario, f)?;
                write!(f, "\nwith {groups} groups at most")
            }
            Self::Arrivals(both) => {
                show(&both.0, f)?;
                f.write_str("\nthe other arrival\n")?;
                show_arrival(&both.1, f)
            }
            Self::Prefix(scenario, part) => {
                show(scenario, f)?;
                write!(f, "\nof which the first {part} have come")
            }
        }
    }
}

/// A scenario as a person reads it.
fn show(scenario: &Scenario, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for source in &scenario.sources {
        writeln!(f, "{}", source.text)?;
    }
    show_arrival(scenario, f)?;
    for entry in &scenario.calls.entries {
        writeln!(f, "{entry:?}")?;
    }
    write!(f, "{:?} {:?}", scenario.config, scenario.run.end)
}

fn show_arrival(scenario: &Scenario, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for batch in &scenario.run.batches {
        writeln!(f, "at {}ms", batch.at.saturating_sub(BASE) / 1_000_000)?;
        f.write_str(&write(&batch.spans))?;
    }
    Ok(())
}

/// All spans of a scenario in the order of arrival.
fn spans(scenario: &Scenario) -> Vec<SpanData> {
    scenario.run.batches.iter().flat_map(|batch| batch.spans.clone()).collect()
}
