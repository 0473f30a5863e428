//! Hashes of rules and rule sets.

use sha2::{Digest, Sha256};

use crate::print;
use crate::program::{Guard, MessagePart, Mode, OnGap, Polarity, Rule, Scope, Severity};

/// SHA-256 over a sequence of parts, each with its length before it, so that parts cannot flow into each other.
#[derive(Default)]
struct Parts(Sha256);

impl Parts {
    fn add(&mut self, part: &str) -> &mut Self {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part.as_bytes());
        self
    }

    fn all(&mut self, parts: &[String]) -> &mut Self {
        self.add(&parts.len().to_string());
        for part in parts {
            self.add(part);
        }
        self
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// The identity of a claim: what it says and when it is made, not how it is signalled.
pub(super) fn identity(polarity: Polarity, expression: &str, guard: &Guard, scope: Scope) -> [u8; 32] {
    let mut parts = Parts::default();
    parts.add(if polarity == Polarity::Always { "always" } else { "never" }).add(expression);
    match guard {
        Guard::When(when) => parts.add("when").add(&print::expr(when, scope)),
        Guard::Everywhere => parts.add("everywhere"),
        Guard::Derived(_) => parts.add("derived"),
    };
    parts.finish()
}

/// The hash of a rule set.
pub(super) fn rule_set(rules: &[Rule]) -> [u8; 32] {
    let mut parts = Parts::default();
    for rule in rules {
        parts.add(&rule.name);
        parts.0.update(rule.identity);
        parts.add(match rule.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
            Severity::Critical => "critical",
        });
        parts.add(match rule.mode {
            Mode::Enforce => "enforce",
            Mode::Shadow => "shadow",
            Mode::Disabled => "disabled",
        });
        parts.add(if rule.on_gap == OnGap::Signal { "signal" } else { "inconclusive" });
        parts.add(&format!("{:?} {:?}", rule.repeat_after, rule.evidence_limit));
        parts.all(&rule.show.iter().map(|(text, _)| text.clone()).collect::<Vec<_>>());
        let message = rule.message.iter().flat_map(|message| &message.parts).map(|part| match part {
            MessagePart::Text(text) => format!("t{text}"),
            MessagePart::Value(term) => format!("v{}", print::term(term, rule.scope)),
        });
        parts.all(&message.collect::<Vec<_>>());
        let meta = &rule.meta;
        for text in [&meta.description, &meta.runbook, &meta.owner] {
            parts.all(&text.iter().cloned().collect::<Vec<_>>());
        }
        for list in [&meta.tags, &meta.controls, &meta.references, &meta.false_positives] {
            parts.all(list);
        }
        parts.all(&meta.annotations.iter().flat_map(|(key, value)| [key.clone(), value.clone()]).collect::<Vec<_>>());
    }
    parts.finish()
}
