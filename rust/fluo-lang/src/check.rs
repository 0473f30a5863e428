//! Rules as written to rules that can be evaluated: names, types, scopes, applicability, hints.
//!
//! Everything that is wrong is reported at once. Lowering goes on beside an error wherever what follows does not depend on it.

mod applicability;
mod args;
mod claim;
mod compare;
mod context;
mod defines;
mod fields;
mod hash;
mod lints;
mod message;
mod opposites;
mod ranges;
mod relation;
mod rule;
mod shorthand;
mod terms;
mod truth;
mod types;
pub(crate) mod words;

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use context::{Findings, Note};
use defines::Defines;
use rule::Surroundings;

use crate::codes;
use crate::diagnostic::{Diagnostic, DiagnosticSeverity};
use crate::limits::Limits;
use crate::program::{Rule, RuleSet};
use crate::raw::{RawFile, RawRule};
use crate::source::SourceId;

/// What checking came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The rules without errors, in order. Whether they may be used is for the caller to decide: with any error anywhere they may not.
    pub rules: Vec<Rule>,
    /// Errors and hints, in the order of their places.
    pub diagnostics: Vec<Diagnostic>,
    /// What the rules come to.
    pub size: Size,
}

/// What the rules of a load come to together, as far as they were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Size {
    /// Syntax nodes, defines inserted.
    pub nodes: usize,
    /// Bytes of the compiled regular expressions.
    pub regex_bytes: usize,
}

/// Checks the rules of all files as one rule set. The work is bounded by the limits: where the rules are too many or too large together,
/// that is said and what follows is not read.
#[must_use]
pub fn check_rules(files: &[RawFile], limits: &Limits) -> Checked {
    let mut findings = Findings::default();
    let mut rules = Vec::new();
    let mut names = HashSet::new();
    let mut count = 0usize;
    'files: for file in files {
        let defines = Defines::read(file, limits, &mut findings);
        let around = Surroundings { limits, source: file.source, defines: &defines };
        for raw in &file.rules {
            count += 1;
            if count > limits.rules {
                let note = Note::new(codes::TOO_MANY_RULES, format!("there are more than {} rules", limits.rules));
                report(note, raw, file.source, &mut findings);
                break 'files;
            }
            check_name(raw, file.source, &mut names, &mut findings);
            rules.extend(rule::lower(raw, &around, &mut findings));
            if findings.refused {
                break 'files;
            }
        }
        defines.report_unused(file.source, &mut findings);
    }
    let size = findings.size;
    let mut diagnostics = findings.list;
    diagnostics.sort_by_key(|d| (d.source, d.span.start, d.span.end));
    Checked { rules, diagnostics, size }
}

/// The rule set of checked rules.
#[must_use]
pub fn rule_set(rules: Vec<Rule>) -> RuleSet {
    let hash = hash::rule_set(&rules);
    RuleSet { rules, hash }
}

fn check_name<'a>(raw: &'a RawRule, source: SourceId, names: &mut HashSet<&'a str>, findings: &mut Findings) {
    let name = &raw.name.value;
    let malformed = name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    if malformed && !raw.broken {
        let note = Note::new(codes::RULE_NAME, format!("`{}` is no name for a rule", name.escape_debug()))
            .help("a name consists of letters, digits, `_`, `.` and `-`");
        report(note, raw, source, findings);
    } else if !names.insert(name) && !raw.broken {
        let note = Note::new(codes::DUPLICATE_RULE, format!("another rule is named `{name}`"));
        report(note, raw, source, findings);
    }
}

fn report(note: Note, raw: &RawRule, source: SourceId, findings: &mut Findings) {
    findings.push(note.at(DiagnosticSeverity::Error, Some(raw.name.value.clone()), source, raw.name.span));
}
