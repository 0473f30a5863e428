//! Loads rules as the collector's components do: what the engine cannot monitor is refused, too.

use fluo_lang::limits::Limits;
use fluo_lang::source::Source;
use fluo_lang::{Loaded, load};

/// Loads all sources as one rule set that is to be run.
pub(crate) fn to_run(sources: &[Source]) -> Loaded {
    let mut loaded = load(sources, &Limits::default());
    let refused = loaded.rules.as_ref().map(fluo_engine::unsupported).unwrap_or_default();
    if !refused.is_empty() {
        loaded.rules = None;
        loaded.diagnostics.extend(refused);
    }
    loaded
}
