//! `fluo explain`: the page of a code, or rules in full.

mod fields;
mod rule;

use std::io::Write;

use fluo_lang::limits::Limits;
use fluo_lang::render::{Report, escaped_lines};
use fluo_lang::{load, pages};

use crate::exit::{Failure, Outcome};
use crate::sources;

/// Print what a diagnostic's code means, or what rules say in full.
///
/// A rule is shown with its defines and its shorthand written out, with the condition under which it applies, and with the fields that
/// it reads.
///
/// Exit code: 0 explained, 1 errors in the rules, 2 wrong usage, an unknown code or rule, or unreadable files.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A code such as F0001, or rule files, directories and quoted globs.
    #[arg(required = true, value_name = "CODE|FILES")]
    what: Vec<String>,
    /// Only this rule.
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let mut out = std::io::stdout().lock();
    if let [code] = arguments.what.as_slice()
        && is_code(code)
    {
        let page = pages::page(&code.to_uppercase()).ok_or_else(|| Failure::new(format!("there is no code `{code}`")))?;
        write!(out, "{page}")?;
        return Ok(Outcome::Clean);
    }
    let sources = sources::read(&arguments.what)?;
    let loaded = load(&sources, &Limits::default());
    let Some(rules) = loaded.rules else {
        eprint!("{}", Report::new(&sources, &loaded.diagnostics).text(false));
        return Ok(Outcome::Errors);
    };
    let wanted = |name: &str| arguments.rule.as_ref().is_none_or(|wanted| wanted == name);
    let explained: Vec<String> = rules.rules.iter().filter(|rule| wanted(&rule.name)).map(rule::text).collect();
    match &arguments.rule {
        Some(name) if explained.is_empty() => return Err(Failure::new(format!("there is no rule `{name}`"))),
        _ => write!(out, "{}", escaped_lines(&explained.join("\n")))?,
    }
    Ok(Outcome::Clean)
}

/// Whether an argument is a code and no file: `F` and four digits.
fn is_code(argument: &str) -> bool {
    let digits = argument.strip_prefix(['F', 'f']);
    digits.is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()))
}
