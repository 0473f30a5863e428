//! What the rules of a file share: `defaults:` and `define:`.

use crate::program::{Mode, OnGap, Severity};
use crate::raw::{RawDefine, RawDefineValue, Spanned};

use super::expression::{self, Text};
use super::findings::Findings;
use super::keys::{self, Keys};
use super::node::{Content, Node};
use super::rule::{MODES, ON_GAPS, SEVERITIES};
use super::scalars;

const KEYS: &[&str] = &["severity", "mode", "tags", "controls", "on_gap", "runbook", "owner"];

/// A file's defaults.
#[derive(Default)]
pub(super) struct Defaults {
    pub(super) severity: Option<Severity>,
    pub(super) mode: Option<Mode>,
    pub(super) on_gap: Option<OnGap>,
    pub(super) runbook: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) controls: Vec<String>,
}

impl Defaults {
    /// Reads `defaults:`.
    pub(super) fn read(findings: &mut Findings, node: &Node) -> Self {
        let pairs = scalars::pairs(findings, node, "`defaults`");
        let keys = Keys::read(findings, pairs, "`defaults`", KEYS);
        let text = |findings: &mut Findings, key: &str| {
            keys.get(key).and_then(|value| scalars::text(findings, value, &format!("`{key}`"))).map(|found| found.value)
        };
        Self {
            severity: keys.get("severity").and_then(|value| scalars::member(findings, value, "severity", SEVERITIES)),
            mode: keys.get("mode").and_then(|value| scalars::member(findings, value, "mode", MODES)),
            on_gap: keys.get("on_gap").and_then(|value| scalars::member(findings, value, "on_gap", ON_GAPS)),
            runbook: text(findings, "runbook"),
            owner: text(findings, "owner"),
            tags: keys.get("tags").map(|value| scalars::texts(findings, value, "tags")).unwrap_or_default(),
            controls: keys.get("controls").map(|value| scalars::texts(findings, value, "controls")).unwrap_or_default(),
        }
    }
}

/// Reads `define:`, duplicate names included: the checker knows which of them rules use.
pub(super) fn defines(findings: &mut Findings, text: Text<'_>, node: &Node) -> Vec<RawDefine> {
    let pairs = scalars::pairs(findings, node, "`define`");
    keys::all(findings, pairs)
        .into_iter()
        .filter_map(|(name, span, value)| {
            let what = format!("the define `{name}`");
            let value = match (&value.content, value.tag) {
                (Content::List(items), None) => RawDefineValue::List {
                    items: items.iter().filter_map(|item| scalars::scalar(findings, item, &format!("an element of {what}"))).collect(),
                    span: value.span,
                },
                _ => RawDefineValue::Expr(expression::expression(findings, text, &value, &what)?),
            };
            Some(RawDefine { name: Spanned { value: name, span }, value })
        })
        .collect()
}
