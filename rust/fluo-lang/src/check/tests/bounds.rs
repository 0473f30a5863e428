//! What loading may cost: limits on all rules together, and on what is said of them.

use std::fmt::Write as _;

use crate::check::Size;
use crate::codes;
use crate::diagnostic::DiagnosticSeverity;
use crate::limits::Limits;
use crate::load::{Loaded, load};
use crate::source::{Source, SourceKind};

fn loaded(text: &str) -> Loaded {
    load(&[Source { name: "rules.yml".to_owned(), text: text.to_owned(), kind: SourceKind::File }], &Limits::default())
}

fn codes_of(loaded: &Loaded) -> Vec<&'static str> {
    loaded.diagnostics.iter().map(|found| found.code).collect()
}

/// Rules that all use one define of so many conditions.
fn with_define(conditions: usize, rules: usize) -> String {
    let all: Vec<String> = (0..conditions).map(|n| format!("name == 'x{n}'")).collect();
    let mut text = format!("define:\n  d: \"{}\"\nrules:\n", all.join(" or "));
    for n in 0..rules {
        let _ = writeln!(text, "- name: r{n}\n  never: trace.has($d)");
    }
    text
}

#[test]
fn rules_that_are_too_large_together_are_refused_once_and_nothing_more_is_read() {
    let limits = Limits::default();
    let found = loaded(&with_define(3_000, 10_000));
    assert_eq!(codes_of(&found), [codes::TOTAL_TOO_LARGE]);
    // What is beyond the limit has not been looked at: that is what bounds the work.
    assert_eq!(found.size.nodes, limits.total_nodes + 1);

    let mut doubling = "define:\n  d0: name == 'a'\n".to_owned();
    for n in 1..=12 {
        let _ = writeln!(doubling, "  d{n}: $d{0} and $d{0}", n - 1);
    }
    doubling.push_str("rules:\n");
    for n in 0..500 {
        let _ = writeln!(doubling, "- name: r{n}\n  never: trace.has($d12)");
    }
    assert_eq!(codes_of(&loaded(&doubling)), [codes::TOTAL_TOO_LARGE]);
}

#[test]
fn what_rules_come_to_is_the_sum_of_what_each_does() {
    let one = loaded(&with_define(10, 1)).size.nodes;
    assert_eq!(loaded(&with_define(10, 7)).size, Size { nodes: 7 * one, regex_bytes: 0 });
}

#[test]
fn patterns_are_bounded_together() {
    let many = |pattern: &str| {
        let mut text = String::new();
        for n in 0..1_000 {
            let _ = writeln!(text, "- name: r{n}\n  never: trace.has(name matches '{pattern}{n}')");
        }
        loaded(&text)
    };
    assert_eq!(codes_of(&many("^order-[0-9]+-")), [] as [&str; 0]);
    let limits = Limits::default();
    let large = many("(a|b|c){1,4000}");
    assert_eq!(codes_of(&large), [codes::REGEXES_TOO_LARGE]);
    assert!(large.size.regex_bytes <= limits.total_regex_bytes + limits.regex_bytes, "{:?}", large.size);
    // Those that are refused one by one cost as much to look at.
    let refused = many(r"[\pL]{1,100}x");
    let most = limits.total_regex_bytes / limits.regex_bytes + 1;
    assert_eq!(refused.diagnostics.len(), most + 1, "{:?}", codes_of(&refused));
}

#[test]
fn of_very_many_findings_the_first_are_shown_and_the_others_counted() {
    let mut text = "define:\n".to_owned();
    for n in 0..2_000 {
        let _ = writeln!(text, "  define_number_{n}: name == 'a'");
    }
    text.push_str("rules:\n");
    for n in 0..2_000 {
        let _ = writeln!(text, "- name: r{n}\n  never: trace.has($defin_number_{n})");
    }
    let found = loaded(&text);
    let count = |severity| found.diagnostics.iter().filter(|d| d.severity == severity).count();
    assert_eq!((count(DiagnosticSeverity::Error), count(DiagnosticSeverity::Warning)), (1_001, 1_000));
    let last = found.diagnostics.last().unwrap();
    assert_eq!((last.code, last.message.as_str()), (codes::TOO_MANY_FINDINGS, "1000 more errors and 1000 more warnings from here on"));
    // Each look for what was meant costs as much as there are defines.
    let proposals = found.diagnostics.iter().filter(|d| d.help.as_deref().is_some_and(|help| help.starts_with("did you mean"))).count();
    assert_eq!(proposals, 100);
}

#[test]
fn thousands_of_conditions_are_not_compared_pair_by_pair() {
    let joined = |one: &dyn Fn(usize) -> String, by: &str| (0..2_000).map(one).collect::<Vec<_>>().join(by);
    let mut text = String::new();
    for (rule, expression) in [
        joined(&|n| format!("trace.has(a{n}.b)"), " or ") + " or trace.depth < 3",
        format!("trace.spans.all(kind == server and {})", joined(&|n| format!("x{n} not in [a]"), " and ")),
        format!("trace.spans.all(kind == server and {})", joined(&|n| format!("x != {n}"), " and ")),
    ]
    .iter()
    .enumerate()
    {
        let _ = writeln!(text, "- name: r{rule}\n  always: {expression}");
    }
    assert!(loaded(&text).rules.is_some());
}
