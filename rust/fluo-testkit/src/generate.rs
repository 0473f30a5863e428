//! Random rules, traces and arrivals for property tests.
//!
//! Rules are text in the language, so that the whole way from the text to the verdict is tested; nearly all of them load. Rules and
//! traces draw names, keys and values from one small vocabulary, so that they have something to do with each other.

pub mod arrivals;
pub mod long;
pub mod rules;
pub mod spans;
pub mod streams;
pub mod twists;

use fluo_lang::limits::Limits;
use fluo_lang::program::RuleSet;
use fluo_lang::source::{Source, SourceKind};

/// Loads generated rules; the language refuses a few.
#[must_use]
pub fn load(rules: &[String]) -> Option<(Vec<Source>, RuleSet)> {
    let text: String = rules.iter().enumerate().map(|(n, rule)| format!("- name: r{n}\n{rule}")).collect();
    let sources = vec![Source { name: "generated".to_owned(), text, kind: SourceKind::File }];
    let rules = fluo_lang::load(&sources, &Limits::default()).rules?;
    Some((sources, rules))
}
