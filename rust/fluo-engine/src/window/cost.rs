//! What a rule over `spans` costs.

use super::group::{Event, Group};
use crate::config::Config;
use crate::memory::{GroupMemory, ValueMemory};
use crate::plan::WindowPlan;
use crate::value::LONGEST_KEY;

/// Bytes of a group and of a counted span.
pub(crate) fn costs(window: &WindowPlan, values: Vec<ValueMemory>, config: &Config) -> GroupMemory {
    // The key stands in the table of groups and among the times at which groups change, each part with its length; its values are
    // held as text.
    let part = (LONGEST_KEY + size_of::<u32>()) as u64;
    let texts: u64 = values.iter().map(|value| value.text_bytes + size_of::<String>() as u64).sum();
    let key = window.by.len() as u64 * part;
    GroupMemory {
        group_bytes: size_of::<(Box<[u8]>, Group)>() as u64 + 2 * key + texts + size_of::<(u64, Box<[u8]>)>() as u64,
        span_bytes: size_of::<Event>() as u64,
        max_groups: config.max_groups as u64,
        values,
    }
}
