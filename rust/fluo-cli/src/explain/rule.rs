//! A rule in full.

use fluo_lang::print;
use fluo_lang::program::{Guard, Mode, OnGap, Polarity, Rule, Scope, Severity};

use super::fields;

/// The long form of a rule, a line for each thing to know about it.
pub(crate) fn text(rule: &Rule) -> String {
    let mut out = format!("{}\n", rule.name);
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            out.push_str(&format!("  {name:<12} {value}\n"));
        }
    };
    line("about", rule.meta.description.as_deref().unwrap_or_default());
    let polarity = match rule.polarity {
        Polarity::Always => "always",
        Polarity::Never => "never",
    };
    line(polarity, &print::expr(&rule.claim, rule.scope));
    line("applies", &applies(rule));
    let by: Vec<String> = rule.by.iter().map(|term| print::term(term, rule.scope)).collect();
    if !by.is_empty() {
        line("for each", &by.join(", "));
    }
    let read: Vec<String> = fields::of(rule).into_iter().collect();
    line("reads", &read.join(", "));
    let shown: Vec<&str> = rule.show.iter().map(|(written, _)| written.as_str()).collect();
    line("shows", &shown.join(", "));
    line("severity", severity(rule.severity));
    line("mode", mode(rule.mode));
    if rule.on_gap == OnGap::Signal {
        line("on gap", "signals where lost spans forbid a verdict");
    }
    if let Some(again) = rule.repeat_after.and_then(|nanos| i64::try_from(nanos).ok()) {
        line("again after", &print::duration(again));
    }
    if let Some(limit) = rule.evidence_limit {
        line("evidence", &format!("at most {limit} spans"));
    }
    line("owner", rule.meta.owner.as_deref().unwrap_or_default());
    line("runbook", rule.meta.runbook.as_deref().unwrap_or_default());
    line("tags", &rule.meta.tags.join(", "));
    line("controls", &rule.meta.controls.join(", "));
    out
}

/// When the claim is made, in words.
fn applies(rule: &Rule) -> String {
    match (&rule.guard, rule.scope) {
        (Guard::Everywhere, Scope::Trace) => "to every trace".to_owned(),
        (Guard::Everywhere, Scope::Spans) => "at every time".to_owned(),
        (Guard::When(guard), _) => format!("when {}", print::expr(guard, rule.scope)),
        (Guard::Derived(guard), _) => format!("when {}, because the claim names these spans", print::expr(guard, rule.scope)),
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
        Severity::Critical => "critical",
    }
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Shadow => "shadow: evaluated and counted, nothing is signalled",
        Mode::Disabled => "disabled: not evaluated",
    }
}
