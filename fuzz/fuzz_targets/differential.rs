//! Rules and a trace as text, engine against reference evaluator.
#![no_main]

use fluo_testkit::differential::{judge, read};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|text: &str| -> Corpus {
    let Ok(questions) = read(text) else { return Corpus::Reject };
    for question in questions {
        if let Err(differences) = judge(&question) {
            panic!("{}\n{question}", differences.join("\n"));
        }
    }
    Corpus::Keep
});
