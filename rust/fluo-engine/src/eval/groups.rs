//! The groups of `by`.

use std::collections::BTreeMap;

use super::view::View;
use crate::plan::RulePlan;
use crate::store::record::Record;
use crate::truth::{Reasons, Truth};
use crate::value::Val;

/// A group: its canonical key and its values as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) key: Box<[u8]>,
    pub(crate) values: Vec<String>,
}

/// Separates the parts of a key of several terms; a part never ends with it, because its length follows.
fn push_part(key: &mut Vec<u8>, value: &Val<'_>) {
    let start = key.len();
    value.write_key(key);
    let len = u32::try_from(key.len() - start).unwrap_or(u32::MAX);
    key.extend_from_slice(&len.to_be_bytes());
}

/// The groups of a span with these values: one for each combination of their elements.
pub(crate) fn combine(values: &[&Val<'_>]) -> Vec<Group> {
    let mut groups: Vec<(Vec<u8>, Vec<String>)> = vec![(Vec::new(), Vec::new())];
    for value in values {
        groups = groups
            .iter()
            .flat_map(|(key, texts)| {
                value.each().iter().map(|element| {
                    let (mut key, mut texts) = (key.clone(), texts.clone());
                    push_part(&mut key, element);
                    texts.push(String::from_utf8_lossy(&element.text()).into_owned());
                    (key, texts)
                })
            })
            .collect();
    }
    groups.into_iter().map(|(key, values)| Group { key: key.into(), values }).collect()
}

impl View<'_> {
    /// The groups that a span belongs to by these terms, or why they are not known. A list puts the span into the group of each of
    /// its elements; a missing value leaves it out.
    pub(crate) fn groups_of(&self, record: &Record, by: &[u32]) -> Result<Vec<Group>, Reasons> {
        let reads: Vec<_> = by.iter().map(|term| self.trace.value(record, *term)).collect();
        let unknown = reads.iter().fold(Reasons::NONE, |why, read| why.and(read.unknown));
        if !unknown.is_empty() {
            return Err(unknown);
        }
        let values: Option<Vec<&Val<'_>>> = reads.iter().map(|read| read.value.as_ref()).collect();
        Ok(values.map_or_else(Vec::new, |values| combine(&values)))
    }

    /// Whether a span belongs to a group of the rule at hand.
    pub(super) fn is_in_group(&self, at: usize, group: &[u8]) -> Truth {
        let Some(record) = self.record(at) else {
            return Truth::False;
        };
        match self.groups_of(record, &self.by.borrow()) {
            Ok(groups) => Truth::of(groups.iter().any(|g| *g.key == *group)),
            Err(why) => Truth::Unknown(why),
        }
    }

    /// Every group of which the rule's grouped sets have a member or may have one.
    pub(crate) fn groups(&self, rule: &RulePlan) -> Vec<Group> {
        let mut found = BTreeMap::new();
        for set in &rule.grouped_sets {
            for member in self.members(*set).iter() {
                let groups = self.record(member.at).map(|r| self.groups_of(r, &rule.by));
                for group in groups.and_then(Result::ok).into_iter().flatten() {
                    found.insert(group.key.clone(), group);
                }
            }
        }
        found.into_values().collect()
    }
}
