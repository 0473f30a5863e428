mod bounds;
mod diagnostics;
mod examples;
mod roundtrip;

use crate::diagnostic::{Diagnostic, DiagnosticSeverity};
use crate::limits::Limits;
use crate::program::{Guard, Rule};
use crate::source::{Source, SourceKind};

/// Loads a rule file.
fn load(text: &str) -> crate::Loaded {
    let source = Source { name: "rules.yml".to_owned(), text: text.to_owned(), kind: SourceKind::File };
    crate::load(&[source], &Limits::default())
}

fn errors(found: &[Diagnostic]) -> Vec<&Diagnostic> {
    found.iter().filter(|d| d.severity == DiagnosticSeverity::Error).collect()
}

/// The rules of a file that loads.
#[track_caller]
fn rules(text: &str) -> Vec<Rule> {
    let loaded = load(text);
    assert!(errors(&loaded.diagnostics).is_empty(), "{text}\n{:#?}", loaded.diagnostics);
    loaded.rules.unwrap().rules
}

/// The one rule with this key and expression.
#[track_caller]
fn rule(key: &str, expression: &str) -> Rule {
    rules(&file(key, expression)).remove(0)
}

fn file(key: &str, expression: &str) -> String {
    format!("- name: r\n  {key}: |\n    {}\n", expression.replace('\n', "\n    "))
}

/// What a rule comes to, one line each: scope and polarity, claim, guard.
fn summary(rule: &Rule) -> String {
    let print = |e| crate::print::expr(e, rule.scope);
    let guard = match &rule.guard {
        Guard::Everywhere => "everywhere".to_owned(),
        Guard::When(e) => format!("when {}", print(e)),
        Guard::Derived(e) => format!("where {}", print(e)),
    };
    format!("{:?} {:?}\n  {}\n  {guard}\n", rule.polarity, rule.scope, rule.expression)
}
