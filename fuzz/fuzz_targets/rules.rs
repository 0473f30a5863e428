//! Text that claims to be a rule file. What loads also compiles into an engine, and its canonical text means the same.
#![no_main]

use std::sync::Arc;

use fluo_engine::{Config, Engine};
use fluo_lang::limits::Limits;
use fluo_lang::program::{Guard, Polarity, Rule, RuleSet};
use fluo_lang::render::Report;
use fluo_lang::source::{Source, SourceKind};
use fluo_lang::{load, print};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(bytes) else { return Corpus::Reject };
    for kind in [SourceKind::File, SourceKind::Inline] {
        let sources = [Source { name: "fuzzed".to_owned(), text: text.to_owned(), kind }];
        let loaded = load(&sources, &Limits::default());
        // Every message can be shown, whatever text it points into.
        let report = Report::new(&sources, &loaded.diagnostics).data(0, &[]);
        assert_eq!(report.diagnostics.len(), loaded.diagnostics.len());
        let Some(rules) = loaded.rules else { continue };
        for rule in &rules.rules {
            means_the_same(rule);
        }
        let mut supported: RuleSet = rules;
        let refused: Vec<Option<String>> = fluo_engine::unsupported(&supported).into_iter().map(|d| d.rule).collect();
        supported.rules.retain(|rule| !refused.contains(&Some(rule.name.clone())));
        let engine = Engine::new(Arc::new(supported), Config::default(), 0).expect("a good configuration");
        engine.flush(0);
    }
    Corpus::Keep
});

/// The canonical text of a claim loads again and is the same claim.
fn means_the_same(rule: &Rule) {
    let key = if rule.polarity == Polarity::Always { "always" } else { "never" };
    let indented = |text: String| text.replace('\n', "\n    ");
    let claim = print::expr(&rule.claim, rule.scope);
    let guard = match &rule.guard {
        Guard::When(guard) => print::expr(guard, rule.scope),
        Guard::Derived(_) | Guard::Everywhere => String::new(),
    };
    let when = if guard.is_empty() { String::new() } else { format!("  when: |-\n    {}\n", indented(guard.clone())) };
    let text = format!("- name: again\n  {key}: |-\n    {}\n{when}", indented(claim.clone()));
    let again = load(&[Source { name: "again".to_owned(), text: text.clone(), kind: SourceKind::File }], &Limits::default());
    let again = again.rules.unwrap_or_else(|| panic!("canonical text does not load: {:?}\n{text}", again.diagnostics));
    let [again] = again.rules.as_slice() else { panic!("not one rule:\n{text}") };
    assert_eq!(print::expr(&again.claim, again.scope), claim, "another claim from\n{text}");
}
