//! The groups of `by`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use super::spanset::Member;
use super::view::View;
use crate::plan::RulePlan;
use crate::truth::{Reasons, Truth};
use crate::value::{Val, duration_text, hex};
use crate::verdict::Reason;

/// A group: its canonical key and its values as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) key: Box<[u8]>,
    pub(crate) values: Vec<String>,
}

/// Which group of a rule: the hash of its key, which may be as long as values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupId([u8; 16]);

impl GroupId {
    /// The only group of a rule without groups.
    pub(crate) const NONE: Self = Self([0; 16]);

    /// The group of a canonical key.
    pub(crate) fn of(key: &[u8]) -> Self {
        if key.is_empty() { Self::NONE } else { Self(crate::value::hash(key)) }
    }
}

/// Separates the parts of a key of several terms; a part never ends with it, because its length follows.
fn push_part(key: &mut Vec<u8>, value: &Val<'_>) {
    let start = key.len();
    value.write_key(key);
    let len = u32::try_from(key.len() - start).unwrap_or(u32::MAX);
    key.extend_from_slice(&len.to_be_bytes());
}

/// Groups that one span belongs to at most: the combinations of several lists are many.
const MOST_GROUPS: usize = 4096;

/// How many combinations of their elements these values have.
fn combinations(values: &[&Val<'_>]) -> usize {
    values.iter().fold(1, |all, value| all.saturating_mul(value.each().len()))
}

/// The groups of a span with these values: one for each combination of their elements, each once, as many as a span may have.
pub(crate) fn combine(values: &[&Val<'_>]) -> Vec<Group> {
    let mut groups: Vec<(Vec<u8>, Vec<String>)> = vec![(Vec::new(), Vec::new())];
    for value in values {
        groups.truncate(MOST_GROUPS / value.each().len().max(1));
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

/// Writes the key of the only group of a span with these values; nothing where some value is a list.
pub(crate) fn write_single(key: &mut Vec<u8>, values: &[&Val<'_>]) -> bool {
    key.clear();
    for value in values {
        if matches!(value, Val::List(_)) {
            return false;
        }
        push_part(key, value);
    }
    true
}

/// The values that a key stands for, as text.
pub(crate) fn texts(key: &[u8]) -> Vec<String> {
    let text = |part: &[u8]| match part.split_first() {
        Some((b'd', nanos)) => {
            nanos.try_into().map_or_else(|_| String::new(), |nanos| duration_text(i128::from(i64::from_be_bytes(nanos))))
        }
        Some((b'b', bytes)) => hex(bytes),
        Some((_, text)) => String::from_utf8_lossy(text).into_owned(),
        None => String::new(),
    };
    parts(key).into_iter().map(text).collect()
}

/// The parts of a key, in the order of the terms.
pub(crate) fn parts(mut key: &[u8]) -> Vec<&[u8]> {
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

/// The members of a set by their groups, so that many groups cost no more than many members.
#[derive(Debug, Default)]
pub(super) struct GroupMembers {
    of: HashMap<Box<[u8]>, Vec<Member>>,
    /// Those that may be in groups that nobody sees.
    anywhere: Vec<Member>,
}

impl View<'_> {
    /// The groups that a span belongs to by these terms, and why there may be others. A list puts the span into the group of each of
    /// its elements; a missing value leaves it out.
    pub(crate) fn groups_of(&self, at: usize, by: &[u32]) -> (Vec<Group>, Reasons) {
        let reads: Vec<_> = by.iter().map(|term| self.value(at, *term)).collect();
        let unknown = reads.iter().fold(Reasons::NONE, |why, read| why.and(read.unknown));
        let values: Option<Vec<&Val<'_>>> = reads.iter().map(|read| read.value.as_ref()).collect();
        let Some(values) = values else { return (Vec::new(), unknown) };
        let cut = if combinations(&values) > MOST_GROUPS { Reasons::of(Reason::Cardinality) } else { Reasons::NONE };
        (combine(&values), unknown.and(cut))
    }

    /// The members of a grouped set that are in a group or may be, with how sure that is.
    pub(super) fn members_of_group(&self, set: u32, group: &[u8]) -> Vec<Member> {
        let known = self.by_group.borrow().get(&set).map(Rc::clone);
        let by_group = known.unwrap_or_else(|| {
            let made = Rc::new(self.group_members(set));
            self.by_group.borrow_mut().insert(set, Rc::clone(&made));
            made
        });
        let mut members: Vec<Member> = by_group.of.get(group).into_iter().flatten().chain(&by_group.anywhere).copied().collect();
        members.sort_by_key(|member| member.at);
        members.dedup_by_key(|member| member.at);
        members.retain_mut(|member| {
            member.truth = member.truth.and(self.is_in_group(member.at, group));
            member.truth != Truth::False
        });
        members
    }

    fn group_members(&self, set: u32) -> GroupMembers {
        let mut found = GroupMembers::default();
        for member in self.members(set).iter() {
            let (groups, doubt) = self.groups_of(member.at, &self.by.borrow());
            for group in groups {
                found.of.entry(group.key).or_default().push(*member);
            }
            if !doubt.is_empty() {
                found.anywhere.push(*member);
            }
        }
        found
    }

    /// Whether a span belongs to a group of the rule at hand.
    pub(super) fn is_in_group(&self, at: usize, group: &[u8]) -> Truth {
        let by = self.by.borrow();
        by.iter().zip(parts(group)).fold(Truth::True, |all, (term, part)| {
            let read = self.value(at, *term);
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
        rule.grouped_sets.iter().flat_map(|set| self.members_of_group(*set, group)).any(|m| m.is_certain())
    }

    /// Every group of which the rule's grouped sets have a member or may have one.
    pub(crate) fn groups(&self, rule: &RulePlan) -> Vec<Group> {
        let mut found = BTreeMap::new();
        for set in &rule.grouped_sets {
            for member in self.members(*set).iter() {
                for group in self.groups_of(member.at, &rule.by).0 {
                    found.insert(group.key.clone(), group);
                }
            }
        }
        found.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{combine, parts, texts, write_single};
    use crate::value::Val;

    #[test]
    fn a_key_comes_apart_into_its_parts() {
        let list = Val::List(vec![Val::Int(1), Val::str(b"x")]);
        let groups = combine(&[&list, &Val::str(b"abc")]);
        let keys: Vec<Vec<&[u8]>> = groups.iter().map(|g| parts(&g.key)).collect();
        assert_eq!(keys, [[b"s1".as_slice(), b"sabc"], [b"sx".as_slice(), b"sabc"]]);
        let values: Vec<Vec<String>> = groups.iter().map(|g| texts(&g.key)).collect();
        assert_eq!(values, [["1", "abc"], ["x", "abc"]]);
    }

    #[test]
    fn the_key_of_single_values_is_that_of_their_group() {
        let values = [Val::Duration(1_500_000_000), Val::Bool(true), Val::Bytes(b"\x01\xff".as_slice().into())];
        let refs: Vec<&Val<'_>> = values.iter().collect();
        let mut key = Vec::new();
        assert!(write_single(&mut key, &refs));
        assert_eq!(combine(&refs).first().map(|g| g.key.to_vec()), Some(key.clone()));
        assert_eq!(texts(&key), ["1.5s", "true", "01ff"]);
        assert!(!write_single(&mut key, &[&Val::List(Vec::new())]));
    }
}
