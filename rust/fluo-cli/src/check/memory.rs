//! What rules cost in memory, for people.

use fluo_engine::memory::{Costs, GroupMemory, Kept, Memory, RuleMemory, TraceMemory, ValueMemory, size};
use fluo_lang::check::Size;
use fluo_lang::limits::Limits;

/// The report: a paragraph a rule, one for all rules over traces together, and one for what the rules come to before any span.
pub(super) fn text(memory: &Memory, loaded: Size) -> String {
    let mut parts: Vec<String> = memory.rules.iter().map(of_rule).collect();
    if let Some(traces) = memory.traces.as_ref().filter(|_| parts.len() > 1) {
        parts.push(of_trace("all rules over traces together", traces));
    }
    if !parts.is_empty() {
        parts.push(of_load(loaded));
    }
    parts.concat()
}

fn of_load(loaded: Size) -> String {
    let limits = Limits::default();
    let mut out = Paragraph::new("all rules as they are loaded");
    out.line("parts", &format!("{} with defines inserted, of {} at most", loaded.nodes, limits.total_nodes));
    if loaded.regex_bytes > 0 {
        let most = size(limits.total_regex_bytes as u64);
        out.line("patterns", &format!("{} of regular expressions, of {most} at most", size(loaded.regex_bytes as u64)));
    }
    out.0
}

fn of_rule(rule: &RuleMemory) -> String {
    match &rule.costs {
        Costs::Trace(costs) => of_trace(&rule.rule, costs),
        Costs::Spans(costs) => of_groups(&rule.rule, costs),
    }
}

fn of_trace(name: &str, costs: &TraceMemory) -> String {
    let mut out = Paragraph::new(name);
    out.line(
        "a trace",
        &format!(
            "{}, {} more for each span, {} more for each client or producer span",
            size(costs.trace_bytes),
            size(costs.span_bytes),
            size(costs.call_bytes)
        ),
    );
    let kept = size(costs.kept_bytes);
    out.line(
        "keeps",
        &match &costs.kept {
            Kept::EverySpan(because) => format!("every span of every trace because of {}: {kept} each", and(because)),
            Kept::Matching(predicates) if predicates.is_empty() => "no spans".to_owned(),
            Kept::Matching(predicates) => format!("the spans that match {}: {kept} each", or(predicates)),
        },
    );
    if costs.nearest_bytes > 0 {
        out.line("nearest", &format!("{} of a trace tell the nearest miss of a missing span", size(costs.nearest_bytes)));
    }
    values(&mut out, &costs.values);
    if let Some(groups) = &costs.groups {
        out.line(
            "groups",
            &format!("{} for each one that was signalled, {} in a trace at most", size(groups.group_bytes), groups.max_groups),
        );
    }
    out.line("at most", &format!("{} for a trace of {} spans", size(costs.at_most_bytes), costs.max_spans));
    out.0
}

fn of_groups(name: &str, costs: &GroupMemory) -> String {
    let mut out = Paragraph::new(name);
    out.line("a group", &format!("{}, {} groups at most", size(costs.group_bytes), costs.max_groups));
    let most = costs.max_spans.map_or_else(|| "all that lie in the window".to_owned(), |most| format!("{most} of a group at most"));
    out.line("a span", &format!("{} (twice that while the list grows), {most}", size(costs.span_bytes)));
    values(&mut out, &costs.values);
    out.0
}

fn values(out: &mut Paragraph, values: &[ValueMemory]) {
    for value in values {
        let place =
            if value.only_on.is_empty() { "every kept span".to_owned() } else { format!("spans that match {}", or(&value.only_on)) };
        let because = if value.because.is_empty() { String::new() } else { format!(", because {}", value.because.join(" and ")) };
        let text = if value.text_bytes == 0 { String::new() } else { format!(" and its text, {} at most", size(value.text_bytes)) };
        out.line("value", &format!("{} on {place}{because}: {}{text}", value.term, size(value.value_bytes)));
    }
}

struct Paragraph(String);

impl Paragraph {
    fn new(name: &str) -> Self {
        Self(format!("{name}\n"))
    }

    fn line(&mut self, name: &str, text: &str) {
        self.0.push_str(&format!("  {name:<8} {text}\n"));
    }
}

fn and(words: &[String]) -> String {
    words.join(", ")
}

fn or(predicates: &[String]) -> String {
    predicates.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(" or ")
}
