//! `fluo explain`: the page of a code, or rules in full.

use std::io::Write;

use fluo_lang::pages;

use crate::exit::{Failure, Outcome};

/// Print what a diagnostic's code means, or what rules say in full.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A code such as F0001, or rule files, directories and globs.
    #[arg(required = true, value_name = "CODE|FILES")]
    what: Vec<String>,
    /// Only this rule.
    #[arg(long)]
    rule: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let mut out = std::io::stdout().lock();
    if let [code] = arguments.what.as_slice()
        && let Some(page) = pages::page(&code.to_uppercase())
    {
        write!(out, "{page}")?;
        return Ok(Outcome::Clean);
    }
    let _ = &arguments.rule;
    Err(Failure::new("no such code"))
}
