//! What a rule over `spans` costs.

use super::{counting, flight, sequence, sweep};
use crate::config::Config;
use crate::memory::{GroupMemory, ValueMemory};
use crate::plan::{WindowKind, WindowPlan};
use crate::value::LONGEST_KEY;

/// Bytes of a group and of a counted span.
pub(crate) fn costs(window: &WindowPlan, values: Vec<ValueMemory>, config: &Config) -> GroupMemory {
    let (group, span, most) = match &window.kind {
        WindowKind::Count(count) => counting::bytes_of(count, config),
        WindowKind::Flight(_) => flight::bytes_of(),
        WindowKind::Sweep(sweep) => sweep::bytes_of(sweep),
        WindowKind::Sequence(sequence) => sequence::bytes_of(sequence),
    };
    let terms = match &window.kind {
        WindowKind::Sequence(sequence) => sequence.terms.len(),
        _ => window.by.len(),
    };
    // Each part of the key stands with its length.
    let key = terms * (LONGEST_KEY + size_of::<u32>());
    GroupMemory {
        group_bytes: (group + key) as u64,
        span_bytes: span as u64,
        max_spans: most,
        max_groups: if terms == 0 { 1 } else { config.max_groups as u64 },
        values,
    }
}
