//! What a replay found, as a table.

use std::collections::BTreeMap;

use fluo_engine::stats::{RuleStats, Stats};

use crate::check::counted;

use super::read::Tally;

/// The table of verdicts by rule and the lines below it.
pub(crate) fn text(stats: &Stats, tally: &Tally) -> String {
    let header = ["rule", "severity", "violated", "satisfied", "not applicable", "inconclusive"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(header).chain(stats.rules.iter().map(|rule| row(&rule.standing()))).collect();
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in &rows {
        for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
            // Words to the left, numbers to the right.
            let padding = " ".repeat(width - cell.chars().count());
            match at {
                0 => out.push_str(&format!("{cell}{padding}")),
                1 => out.push_str(&format!("  {cell}{padding}")),
                5 => out.push_str(&format!("  {cell}")),
                _ => out.push_str(&format!("  {padding}{cell}")),
            }
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out.push_str(&format!("\n{}\n", counts(stats, tally).join(", ")));
    out
}

fn row(rule: &RuleStats) -> [String; 6] {
    [
        rule.name.clone(),
        rule.severity.clone(),
        rule.violated.to_string(),
        rule.satisfied.to_string(),
        rule.not_applicable.to_string(),
        inconclusive(&rule.inconclusive),
    ]
}

/// Such as `7 (gap 5, late 2)`.
fn inconclusive(reasons: &BTreeMap<&'static str, u64>) -> String {
    let total: u64 = reasons.values().sum();
    let named: Vec<String> = reasons.iter().filter(|(_, count)| **count > 0).map(|(reason, count)| format!("{reason} {count}")).collect();
    if named.is_empty() { total.to_string() } else { format!("{total} ({})", named.join(", ")) }
}

/// Everything else that was counted; losses only where there are some.
fn counts(stats: &Stats, tally: &Tally) -> Vec<String> {
    let number = |count: u64, noun: &str| counted(usize::try_from(count).unwrap_or(usize::MAX), noun);
    let mut parts = vec![
        number(tally.messages, "message"),
        number(stats.spans_received, "span"),
        number(stats.traces_completed, "trace"),
        number(stats.signals_emitted, "signal"),
    ];
    if tally.without_traces > 0 {
        parts.push(format!("{} without traces", number(tally.without_traces, "message")));
    }
    for (count, noun) in [
        (tally.bad, "unreadable message"),
        (stats.spans_rejected, "malformed span"),
        (stats.frames_rejected, "malformed frame"),
        (stats.spans_duplicate, "repeated span"),
        (stats.spans_conflicting, "conflicting span"),
        (stats.spans_late, "late span"),
        (stats.spans_bad_time, "badly timed span"),
        (stats.spans_own, "own span"),
        (stats.spans_over_limit, "cut-off span"),
        (stats.traces_evicted, "evicted trace"),
        (stats.decisions_over_limit, "cut-off decision"),
        (stats.groups_evicted, "evicted group"),
        (stats.signals_dropped, "lost signal"),
    ] {
        if count > 0 {
            parts.push(number(count, noun));
        }
    }
    parts
}
