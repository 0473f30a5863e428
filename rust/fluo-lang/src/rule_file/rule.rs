//! One rule of a file.

use crate::codes;
use crate::program::{Meta, Mode, OnGap, Severity};
use crate::raw::{RawRule, Spanned};

use super::defaults::Defaults;
use super::expression::{self, Text};
use super::findings::Findings;
use super::keys::{self, Keys};
use super::node::{Content, Node};
use super::{scalars, shorthand};

/// The keys of a rule, in the order of the reference.
pub(super) const KEYS: &[&str] = &[
    "name",
    "always",
    "never",
    "when",
    "severity",
    "mode",
    "on_gap",
    "repeat_after",
    "show",
    "message",
    "description",
    "runbook",
    "owner",
    "tags",
    "controls",
    "references",
    "false_positives",
    "annotations",
    "span",
    "aggregation",
    "condition",
];

/// The members of `severity`.
pub(super) const SEVERITIES: &[(&str, Severity)] =
    &[("info", Severity::Info), ("warning", Severity::Warning), ("error", Severity::Error), ("critical", Severity::Critical)];

/// The members of `mode`.
pub(super) const MODES: &[(&str, Mode)] = &[("enforce", Mode::Enforce), ("shadow", Mode::Shadow), ("disabled", Mode::Disabled)];

/// The members of `on_gap`.
pub(super) const ON_GAPS: &[(&str, OnGap)] = &[("inconclusive", OnGap::Inconclusive), ("signal", OnGap::Signal)];

/// Reads one element of the list of rules. `None` where it is no mapping.
pub(super) fn read(findings: &mut Findings, text: Text<'_>, node: &Node, number: usize, defaults: &Defaults) -> Option<RawRule> {
    findings.rule = None;
    let (Content::Map(pairs), None) = (&node.content, node.tag) else {
        let message = format!("a rule must be a mapping, but this is {}", scalars::kind_of(node));
        let _ = findings.error(codes::NOT_A_RULE_FILE, node.span, message).help("a rule begins with `- name: …`");
        return None;
    };
    findings.rule = pairs.iter().find_map(|(key, value)| match (&key.content, &value.content) {
        (Content::Scalar(key), Content::Scalar(value)) if key.text == "name" => Some(value.text.clone()),
        _ => None,
    });
    let before = findings.count();
    let keys = Keys::read(findings, pairs, "a rule", KEYS);
    let name = name(findings, &keys, node, number);
    let expression = |findings: &mut Findings, key: &str| {
        keys.get(key).and_then(|value| expression::expression(findings, text, value, &format!("`{key}`")))
    };
    let mut rule = RawRule {
        always: expression(findings, "always"),
        never: expression(findings, "never"),
        shorthand: shorthand::read(findings, text, &keys),
        when: keys.get("when").and_then(|value| expression::when(findings, text, value)),
        severity: member(findings, &keys, "severity", SEVERITIES).or(defaults.severity).unwrap_or(Severity::Warning),
        mode: member(findings, &keys, "mode", MODES).or(defaults.mode).unwrap_or(Mode::Enforce),
        on_gap: member(findings, &keys, "on_gap", ON_GAPS).or(defaults.on_gap).unwrap_or(OnGap::Inconclusive),
        repeat_after: keys.get("repeat_after").and_then(|value| scalars::text(findings, value, "`repeat_after`")),
        show: keys.get("show").map(|value| expressions(findings, text, value, "show")).unwrap_or_default(),
        message: expression(findings, "message"),
        meta: meta(findings, &keys, defaults),
        broken: false,
        name,
    };
    rule.broken = findings.count() > before;
    findings.rule = None;
    Some(rule)
}

/// A list of expressions.
pub(super) fn expressions(findings: &mut Findings, text: Text<'_>, node: &Node, key: &str) -> Vec<crate::raw::ExprText> {
    let what = format!("an element of `{key}`");
    scalars::list(findings, node, &format!("`{key}`"))
        .iter()
        .filter_map(|item| expression::expression(findings, text, item, &what))
        .collect()
}

fn name(findings: &mut Findings, keys: &Keys, node: &Node, number: usize) -> Spanned<String> {
    let given = keys.get("name").map(|value| scalars::text(findings, value, "`name`"));
    match given {
        Some(Some(name)) => name,
        Some(None) => Spanned { value: format!("rule-{number}"), span: node.span },
        None => {
            let span = match &node.content {
                Content::Map(pairs) => pairs.first().map_or(node.span, |(key, _)| key.span),
                _ => node.span,
            };
            let _ = findings.error(codes::NO_NAME, span, "a rule without `name`").help("give every rule a unique name");
            Spanned { value: format!("rule-{number}"), span }
        }
    }
}

fn member<T: Copy>(findings: &mut Findings, keys: &Keys, key: &str, members: &[(&str, T)]) -> Option<T> {
    keys.get(key).and_then(|value| scalars::member(findings, value, key, members))
}

fn meta(findings: &mut Findings, keys: &Keys, defaults: &Defaults) -> Meta {
    let text = |findings: &mut Findings, key: &str| {
        keys.get(key).and_then(|value| scalars::text(findings, value, &format!("`{key}`"))).map(|found| found.value)
    };
    let texts = |findings: &mut Findings, key: &str| keys.get(key).map(|value| scalars::texts(findings, value, key)).unwrap_or_default();
    Meta {
        description: text(findings, "description"),
        runbook: text(findings, "runbook").or_else(|| defaults.runbook.clone()),
        owner: text(findings, "owner").or_else(|| defaults.owner.clone()),
        tags: joined(&defaults.tags, texts(findings, "tags")),
        controls: joined(&defaults.controls, texts(findings, "controls")),
        references: texts(findings, "references"),
        false_positives: texts(findings, "false_positives"),
        annotations: keys.get("annotations").map(|value| annotations(findings, value)).unwrap_or_default(),
    }
}

/// The file's list and the rule's own, each word once.
fn joined(defaults: &[String], own: Vec<String>) -> Vec<String> {
    let mut all = defaults.to_vec();
    for word in own {
        if !all.contains(&word) {
            all.push(word);
        }
    }
    all
}

fn annotations(findings: &mut Findings, node: &Node) -> std::collections::BTreeMap<String, String> {
    let pairs = scalars::pairs(findings, node, "`annotations`");
    keys::unique(findings, pairs)
        .into_iter()
        .filter_map(|(key, _, value)| {
            let text = scalars::text(findings, &value, &format!("the annotation `{key}`"))?;
            Some((key, text.value))
        })
        .collect()
}
