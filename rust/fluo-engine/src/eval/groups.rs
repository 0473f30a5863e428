//! The groups of `by`.

use std::collections::{BTreeMap, BTreeSet};

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

/// The groups of a span with these values: one for each combination of their elements, each once.
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
    let mut seen = BTreeSet::new();
    groups.retain(|(key, _)| seen.insert(key.clone()));
    groups.into_iter().map(|(key, values)| Group { key: key.into(), values }).collect()
}

/// The parts of a key, in the order of the terms.
fn parts(mut key: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some((rest, len)) = key.split_last_chunk::<4>() {
        let len = u32::from_be_bytes(*len) as usize;
        let Some(start) = rest.len().checked_sub(len) else { break };
        let (before, part) = rest.split_at(start);
        parts.push(part);
        key = before;
    }
    parts.reverse();
    parts
}

impl View<'_> {
    /// The groups that a span belongs to by these terms, and why there may be others. A list puts the span into the group of each of
    /// its elements; a missing value leaves it out.
    pub(crate) fn groups_of(&self, record: &Record, by: &[u32]) -> (Vec<Group>, Reasons) {
        let reads: Vec<_> = by.iter().map(|term| self.trace.value(record, *term)).collect();
        let unknown = reads.iter().fold(Reasons::NONE, |why, read| why.and(read.unknown));
        let values: Option<Vec<&Val<'_>>> = reads.iter().map(|read| read.value.as_ref()).collect();
        (values.map_or_else(Vec::new, |values| combine(&values)), unknown)
    }

    /// Whether a span belongs to a group of the rule at hand.
    pub(super) fn is_in_group(&self, at: usize, group: &[u8]) -> Truth {
        let Some(record) = self.record(at) else { return Truth::False };
        let by = self.by.borrow();
        by.iter().zip(parts(group)).fold(Truth::True, |all, (term, part)| {
            let read = self.trace.value(record, *term);
            let equals = |value: &Val<'_>| {
                let mut key = Vec::new();
                value.write_key(&mut key);
                key == part
            };
            let fits = match &read.value {
                Some(value) if value.each().iter().any(equals) => Truth::True,
                _ if read.unknown.is_empty() => Truth::False,
                _ => Truth::Unknown(read.unknown),
            };
            all.and(fits)
        })
    }

    /// Whether some span is in a grouped set of the rule, and in the group, for certain: a group of possible members may turn out to be
    /// none.
    pub(crate) fn is_certain_group(&self, rule: &RulePlan, group: &[u8]) -> bool {
        let sets = rule.grouped_sets.iter();
        sets.flat_map(|set| self.members(*set).to_vec()).any(|m| m.is_certain() && self.is_in_group(m.at, group) == Truth::True)
    }

    /// Every group of which the rule's grouped sets have a member or may have one.
    pub(crate) fn groups(&self, rule: &RulePlan) -> Vec<Group> {
        let mut found = BTreeMap::new();
        for set in &rule.grouped_sets {
            for record in self.members(*set).iter().filter_map(|member| self.record(member.at)) {
                for group in self.groups_of(record, &rule.by).0 {
                    found.insert(group.key.clone(), group);
                }
            }
        }
        found.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{combine, parts};
    use crate::value::Val;

    #[test]
    fn a_key_comes_apart_into_its_parts() {
        let list = Val::List(vec![Val::Int(1), Val::str(b"x")]);
        let groups = combine(&[&list, &Val::str(b"abc")]);
        let keys: Vec<Vec<&[u8]>> = groups.iter().map(|g| parts(&g.key)).collect();
        assert_eq!(keys, [[b"s1".as_slice(), b"sabc"], [b"sx".as_slice(), b"sabc"]]);
    }
}
