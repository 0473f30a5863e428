//! Rule text of checked constructs, for sentences.

use fluo_lang::print;
use fluo_lang::program::{Scope, Spanset, Step};

/// The name of a set by its steps, in canonical text.
pub(crate) fn name(steps: &[Step]) -> String {
    print::spanset(&Spanset { steps: steps.to_vec(), within: None, by: Vec::new() }, Scope::Trace)
}

/// What the spans of a set over a trace have in common: its predicate, where it is only one.
pub(crate) fn common(set: &Spanset) -> String {
    match set.steps.as_slice() {
        [] => "anything".to_owned(),
        [Step::Where(predicate)] => print::expr(predicate, Scope::Trace),
        _ => print::spanset(set, Scope::Trace),
    }
}
