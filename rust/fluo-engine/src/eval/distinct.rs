//! How many different tuples of values there are.

use std::ops::Range;

use super::cell::Cell;
use super::groups::each_key;
use crate::expr::read::Read;
use crate::truth::Reasons;
use crate::value::Val;

/// The canonical keys of tuples, one after the other.
#[derive(Default)]
struct Keys {
    bytes: Vec<u8>,
    /// Where each key is, and whether its span is a member for certain.
    all: Vec<(Range<usize>, bool)>,
    scratch: Vec<u8>,
}

impl Keys {
    fn add(&mut self, values: &[&Val<'_>], is_certain: bool) {
        let mut scratch = std::mem::take(&mut self.scratch);
        each_key(values, &mut scratch, |key| self.push(key, is_certain));
        self.scratch = scratch;
    }

    fn push(&mut self, key: &[u8], is_certain: bool) {
        // Spans of one group mostly say the same.
        if self.all.last().is_some_and(|(last, certain)| *certain == is_certain && self.key(last) == key) {
            return;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.all.push((start..self.bytes.len(), is_certain));
    }

    fn key(&self, at: &Range<usize>) -> &[u8] {
        self.bytes.get(at.clone()).unwrap_or_default()
    }

    /// How many there are for certain, and how many at most.
    fn count(mut self) -> (u64, u64) {
        let mut all = std::mem::take(&mut self.all);
        all.sort_unstable_by(|(a, a_certain), (b, b_certain)| self.key(a).cmp(self.key(b)).then(b_certain.cmp(a_certain)));
        let different = all.chunk_by(|(a, _), (b, _)| self.key(a) == self.key(b));
        different.fold((0, 0), |(low, high), same| (low + u64::from(same.first().is_some_and(|(_, certain)| *certain)), high + 1))
    }
}

/// Counts different tuples: of each member the tuple, whether it is a member for certain, and the doubt.
pub(crate) fn distinct<'t, R: AsRef<[Read<'t>]>>(members: impl Iterator<Item = (R, bool, Reasons)>, hidden: Reasons) -> Cell<'t> {
    let mut keys = Keys::default();
    let mut why = hidden;
    let mut unseen = false;
    for (reads, is_certain, doubt) in members {
        why = why.and(doubt);
        let reads = reads.as_ref();
        for read in reads {
            unseen |= !read.unknown.is_empty();
            why = why.and(read.unknown);
        }
        if let [Read { value: Some(value), .. }] = reads {
            keys.add(&[value], is_certain);
        } else if let Some(values) = reads.iter().map(|read| read.value.as_ref()).collect::<Option<Vec<&Val<'_>>>>() {
            keys.add(&values, is_certain);
        }
    }
    let (low, high) = keys.count();
    Cell::count(low, (hidden.is_empty() && !unseen).then_some(high), why)
}

#[cfg(test)]
mod tests {
    use super::distinct;
    use crate::eval::cell::Cell;
    use crate::expr::read::Read;
    use crate::truth::Reasons;
    use crate::value::Val;
    use crate::verdict::Reason;

    #[test]
    fn a_tuple_counts_once_and_is_certain_where_one_member_is() {
        let doubt = Reasons::of(Reason::Dropped);
        let of = |text: &'static str, is_certain| {
            ([Read::present(Val::str(text.as_bytes()))], is_certain, if is_certain { Reasons::NONE } else { doubt })
        };
        let members = [of("a", true), of("b", false), of("a", true), of("b", true), of("c", false), of("a", false)];
        assert_eq!(distinct(members.into_iter(), Reasons::NONE), Cell::count(2, Some(3), doubt));
        let list = || Read::present(Val::List(vec![Val::str(b"a"), Val::Int(1), Val::str(b"a")]));
        let pairs = [[list(), list()], [list(), Read::present(Val::Int(1))]];
        let members = pairs.into_iter().map(|pair| (pair, true, Reasons::NONE));
        assert_eq!(distinct(members, Reasons::NONE), Cell::count(4, Some(4), Reasons::NONE));
        let none: [([Read<'_>; 1], bool, Reasons); 1] = [([Read::MISSING], true, Reasons::NONE)];
        assert_eq!(distinct(none.into_iter(), Reasons::NONE), Cell::count(0, Some(0), Reasons::NONE));
    }
}
