//! The groups of `by`.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::spanset::Member;
use super::view::View;
use crate::plan::RulePlan;
use crate::truth::{Reasons, Truth};
use crate::value::{Val, duration_text, key_shown};
use crate::verdict::Reason;

/// A group, by its canonical key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Group {
    pub(crate) key: Box<[u8]>,
}

impl Group {
    /// The group's values as text.
    pub(crate) fn values(&self) -> Vec<String> {
        texts(&self.key)
    }
}

impl Borrow<[u8]> for Group {
    fn borrow(&self) -> &[u8] {
        &self.key
    }
}

/// Which group of a rule: the hash of its key, which may be as long as values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
pub(super) fn combinations(values: &[&Val<'_>]) -> usize {
    values.iter().fold(1, |all, value| all.saturating_mul(value.each().len()))
}

/// The groups of a span with these values: one for each combination of their elements, each once, as many as a span may have.
pub(crate) fn combine(values: &[&Val<'_>]) -> Vec<Group> {
    let mut key = Vec::new();
    if write_single(&mut key, values) {
        return vec![Group { key: key.into() }];
    }
    let mut keys: Vec<Vec<u8>> = vec![Vec::new()];
    for value in values {
        keys.truncate(MOST_GROUPS / value.each().len().max(1));
        let longer = |key: &Vec<u8>| -> Vec<Vec<u8>> {
            let with = |element| {
                let mut key = key.clone();
                push_part(&mut key, element);
                key
            };
            value.each().iter().map(with).collect()
        };
        keys = keys.iter().flat_map(longer).collect();
    }
    let mut seen = BTreeSet::new();
    keys.retain(|key| seen.insert(key.clone()));
    keys.into_iter().map(|key| Group { key: key.into() }).collect()
}

/// Calls with the key of each of the groups of a span with these values, once for each, and says whether there are more. `room` is to
/// build one in: most spans are in one group, for which no list has to be made.
pub(crate) fn each_key(values: &[&Val<'_>], room: &mut Vec<u8>, mut call: impl FnMut(&[u8])) -> Reasons {
    if write_single(room, values) {
        call(room);
        return Reasons::NONE;
    }
    combine(values).iter().for_each(|group| call(&group.key));
    if combinations(values) > MOST_GROUPS { Reasons::of(Reason::Cardinality) } else { Reasons::NONE }
}

/// Writes the key of the only group of a span with these values; nothing where some value is a list.
fn write_single(key: &mut Vec<u8>, values: &[&Val<'_>]) -> bool {
    key.clear();
    for value in values {
        if matches!(value, Val::List(_)) {
            return false;
        }
        push_part(key, value);
    }
    true
}

/// The values that a key stands for, as people read them.
pub(crate) fn texts(key: &[u8]) -> Vec<String> {
    let text = |part: &[u8]| match part.split_first() {
        Some((b'd', nanos)) => {
            nanos.try_into().map_or_else(|_| String::new(), |nanos| duration_text(i128::from(i64::from_be_bytes(nanos))))
        }
        _ => key_shown(part),
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
    of: BTreeMap<Group, Vec<Member>>,
    /// Those that may be in groups that nobody sees.
    anywhere: Vec<Member>,
}

impl View<'_> {
    /// Calls with the key of each group that a span belongs to by these terms, once for each, and says why there may be others. A
    /// list puts the span into the group of each of its elements; a missing value leaves it out. `room` is to build a key in.
    pub(crate) fn each_group(&self, at: usize, by: &[u32], room: &mut Vec<u8>, call: impl FnMut(&[u8])) -> Reasons {
        // Most rules have one term.
        if let [term] = by {
            let read = self.value(at, *term);
            return read.value.as_ref().map_or(read.unknown, |value| read.unknown.and(each_key(&[value], room, call)));
        }
        let reads: Vec<_> = by.iter().map(|term| self.value(at, *term)).collect();
        let unknown = reads.iter().fold(Reasons::NONE, |why, read| why.and(read.unknown));
        let values: Option<Vec<&Val<'_>>> = reads.iter().map(|read| read.value.as_ref()).collect();
        values.map_or(unknown, |values| unknown.and(each_key(&values, room, call)))
    }

    fn by_group(&self, set: u32) -> Rc<GroupMembers> {
        if let Some(known) = self.by_group.borrow().get(&set) {
            return Rc::clone(known);
        }
        let made = Rc::new(self.group_members(set));
        self.by_group.borrow_mut().insert(set, Rc::clone(&made));
        made
    }

    /// The members of a grouped set that are in a group or may be, with how sure that is.
    pub(super) fn members_of_group(&self, set: u32, group: &[u8]) -> Vec<Member> {
        let by_group = self.by_group(set);
        let mut members = by_group.of.get(group).cloned().unwrap_or_default();
        if by_group.anywhere.is_empty() {
            return members;
        }
        let known = members.len();
        self.steps.take(known + by_group.anywhere.len());
        for member in &by_group.anywhere {
            let truth = member.truth.and(self.is_in_group(member.at, group));
            // They were put in in the order of the spans.
            let certain = members.get(..known).unwrap_or_default();
            if truth != Truth::False && certain.binary_search_by_key(&member.at, |certain| certain.at).is_err() {
                members.push(Member { truth, ..*member });
            }
        }
        members.sort_by_key(|member| member.at);
        members
    }

    fn group_members(&self, set: u32) -> GroupMembers {
        let mut found = GroupMembers::default();
        let by = self.by.borrow();
        let mut room = Vec::new();
        self.steps.sort(self.members(set).len());
        for member in self.members(set).iter() {
            let doubt = self.each_group(member.at, &by, &mut room, |key| match found.of.get_mut(key) {
                Some(members) => members.push(*member),
                None => drop(found.of.insert(Group { key: key.into() }, vec![*member])),
            });
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

    /// Why a group of possible members alone may be none; nothing for one that some span is in for certain.
    pub(super) fn doubt_of_group(&self, rule: &RulePlan, group: &[u8]) -> Option<Reasons> {
        let mut doubt = Reasons::NONE;
        for set in &rule.grouped_sets {
            for member in self.members_of_group(*set, group) {
                if member.is_certain() {
                    return None;
                }
                doubt = doubt.and(member.doubt());
            }
        }
        Some(doubt)
    }

    /// Every group of which the grouped sets of the rule at hand have a member or may have one, in the order of their keys.
    pub(crate) fn groups(&self, rule: &RulePlan) -> Vec<Group> {
        if let [set] = rule.grouped_sets.as_slice() {
            return self.by_group(*set).of.keys().cloned().collect();
        }
        let found: BTreeSet<Group> =
            rule.grouped_sets.iter().flat_map(|set| self.by_group(*set).of.keys().cloned().collect::<Vec<_>>()).collect();
        found.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Group, combine, parts, texts, write_single};
    use crate::value::Val;

    #[test]
    fn a_key_comes_apart_into_its_parts() {
        let list = Val::List(vec![Val::Int(1), Val::str(b"x")]);
        let groups = combine(&[&list, &Val::str(b"abc")]);
        let keys: Vec<Vec<&[u8]>> = groups.iter().map(|g| parts(&g.key)).collect();
        assert_eq!(keys, [[b"s1".as_slice(), b"sabc"], [b"sx".as_slice(), b"sabc"]]);
        let values: Vec<Vec<String>> = groups.iter().map(Group::values).collect();
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
