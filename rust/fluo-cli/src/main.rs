//! The program `fluo`.

mod check;
mod exit;
mod explain;
mod limits;
mod replay;
mod rules;
mod sources;
mod test;
mod time;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Checks rules about the behaviour of distributed systems, and evaluates them over recorded traces.
#[derive(Parser)]
#[command(name = "fluo", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Report everything that is wrong with rule files.
    Check(check::Arguments),
    /// Print what a diagnostic's code means, or what rules say in full.
    Explain(explain::Arguments),
    /// Run the tests of rules.
    Test(test::Arguments),
    /// Evaluate rules over recorded traces.
    Replay(replay::Arguments),
}

fn main() -> ExitCode {
    // Clap ends usage errors with 2, as we do.
    let outcome = match Arguments::parse().command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
    };
    exit::code(outcome)
}
