//! What is kept of a span.

use super::pool::{Pool, most_room};
use super::values::Values;

/// A kept span: everything that a relation, a window or an aggregate may ask later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) id: u64,
    /// 0 for a span without parent.
    pub(crate) parent: u64,
    /// Unix nanoseconds; 0 where the SDK sent none.
    pub(crate) start: u64,
    /// Unix nanoseconds; before `start` where the clock was set back.
    pub(crate) end: u64,
    /// Keyed hash of what makes up the emitter.
    pub(crate) emitter: u32,
    /// Interned resource, for the signal.
    pub(crate) resource: u32,
    /// Interned combination of selectors.
    pub(crate) combination: u32,
    /// Where its kept values begin and end.
    pub(crate) values: (u32, u32),
    pub(crate) kind: u8,
    pub(crate) status: u8,
}

/// OTLP numbers of the kinds that the semantics speak of.
pub(crate) mod kind {
    pub(crate) const SERVER: u8 = 2;
    pub(crate) const CLIENT: u8 = 3;
    pub(crate) const PRODUCER: u8 = 4;
    pub(crate) const CONSUMER: u8 = 5;
}

/// The OTLP number of status `error`.
pub(crate) const STATUS_ERROR: u8 = 2;

/// How many kinds and statuses there are: the reader hands out numbers below these.
pub(crate) const KINDS: u8 = 6;
pub(crate) const STATUSES: u8 = 3;

/// The language's word for a kind; 0 is internal too.
pub(crate) const fn kind_name(kind: u8) -> &'static str {
    match kind {
        kind::SERVER => "server",
        kind::CLIENT => "client",
        kind::PRODUCER => "producer",
        kind::CONSUMER => "consumer",
        _ => "internal",
    }
}

/// The language's word for a status.
pub(crate) const fn status_name(status: u8) -> &'static str {
    match status {
        1 => "ok",
        STATUS_ERROR => "error",
        _ => "unset",
    }
}

impl Record {
    /// Whether the span has both times, in order.
    pub(crate) const fn times_are_good(&self) -> bool {
        self.start != 0 && self.end != 0 && self.end >= self.start
    }

    /// Whether a repetition of the span is the same span: ids, times, kind, status and selectors.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        self.parent == other.parent
            && self.start == other.start
            && self.end == other.end
            && self.kind == other.kind
            && self.status == other.status
            && self.combination == other.combination
    }
}

/// The combination of a span that no selector picks; also the first number that does not fit.
pub(crate) const NO_COMBINATION: u32 = (1 << 24) - 1;

/// A duration that does not fit stands among the odd ends.
const ODD: u64 = (1 << 48) - 1;

/// A record as it lies in its trace, 40 bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packed {
    id: u64,
    parent: u64,
    start: u64,
    /// 48 bits of nanoseconds from start to end, or [`ODD`].
    duration_low: u32,
    duration_high: u16,
    /// Which of the trace's origins.
    origin: u16,
    /// 24 bits of the combination, then kind and status.
    bits: u32,
    /// Where the kept values begin; they end where those of the next record begin.
    values: u32,
}

impl Packed {
    const fn is_entry(&self) -> bool {
        is_entry(((self.bits >> 24) & 0xf) as u8)
    }
}

/// Bytes of a record without its values.
pub(crate) const BYTES: usize = size_of::<Packed>();

/// Bytes that so many records take at most, with so many bytes of values.
pub(crate) fn at_most(spans: usize, values: usize) -> usize {
    let odd = size_of::<OddEnds>() + (spans.saturating_add(spans / 2).max(4)) * size_of::<(u32, u64)>();
    most_room(spans, 1) * (BYTES + size_of::<Origin>()) + most_room(values, VALUES_UNIT) + odd
}

/// Bytes of values that a list grows by.
const VALUES_UNIT: usize = 16;

/// Who sent a span: emitter and resource.
type Origin = (u32, u32);

/// The kept spans of a trace.
#[derive(Debug, Default, Clone)]
pub(crate) struct Records {
    packed: Vec<Packed>,
    values: Vec<u8>,
    /// Who sent the spans, each once.
    origins: Vec<Origin>,
    odd_ends: Option<Box<OddEnds>>,
}

/// Ends that do not follow their start within 78 hours, by place.
#[derive(Debug, Default, Clone)]
struct OddEnds(Vec<(u32, u64)>);

/// Memory for the records of the next traces.
#[derive(Debug)]
pub(crate) struct RecordPools {
    packed: Pool<Packed>,
    values: Pool<u8>,
    origins: Pool<Origin>,
}

impl RecordPools {
    pub(crate) fn new() -> Self {
        Self { packed: Pool::of_pairs(1), values: Pool::of_pairs(VALUES_UNIT), origins: Pool::of_pairs(1) }
    }

    /// Takes the memory of a forgotten trace.
    pub(crate) fn give(&mut self, records: Records) {
        self.packed.give(records.packed);
        self.values.give(records.values);
        self.origins.give(records.origins);
    }

    /// Gives everything back to the allocator.
    pub(crate) fn clear(&mut self) {
        self.packed.clear();
        self.values.clear();
        self.origins.clear();
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.packed.bytes() + self.values.bytes() + self.origins.bytes()
    }
}

impl Records {
    /// No span.
    pub(crate) const NONE: Self = Self { packed: Vec::new(), values: Vec::new(), origins: Vec::new(), odd_ends: None };

    /// How many spans are kept.
    pub(crate) const fn len(&self) -> usize {
        self.packed.len()
    }

    /// Keeps a span with the values of it, encoded; `false` where the trace has more origins or values than can be told apart.
    pub(crate) fn push(&mut self, record: &Record, values: &[u8], pools: &mut RecordPools) -> bool {
        let origin = (record.emitter, record.resource);
        let known = self.origins.iter().rposition(|known| *known == origin);
        let (Ok(place), Ok(values_at)) = (u16::try_from(known.unwrap_or(self.origins.len())), u32::try_from(self.values.len())) else {
            return false;
        };
        if known.is_none() {
            pools.origins.make_room(&mut self.origins, 1);
            self.origins.push(origin);
        }
        let duration = record.end.checked_sub(record.start).filter(|duration| *duration < ODD).unwrap_or(ODD);
        if duration == ODD {
            let at = u32::try_from(self.packed.len()).unwrap_or(u32::MAX);
            let ends = &mut self.odd_ends.get_or_insert_default().0;
            if ends.len() == ends.capacity() {
                ends.reserve_exact((ends.len() / 2).max(4));
            }
            ends.push((at, record.end));
        }
        pools.packed.make_room(&mut self.packed, 1);
        pools.values.make_room(&mut self.values, values.len());
        self.values.extend_from_slice(values);
        self.packed.push(Packed {
            id: record.id,
            parent: record.parent,
            start: record.start,
            duration_low: (duration & 0xffff_ffff) as u32,
            duration_high: (duration >> 32) as u16,
            origin: place,
            bits: record.combination.min(NO_COMBINATION) | (u32::from(record.kind) << 24) | (u32::from(record.status) << 28),
            values: values_at,
        });
        true
    }

    /// A kept span.
    #[inline]
    pub(crate) fn get(&self, at: usize) -> Option<Record> {
        let packed = self.packed.get(at)?;
        let duration = u64::from(packed.duration_low) | (u64::from(packed.duration_high) << 32);
        let end = if duration == ODD { self.odd_end(at) } else { packed.start + duration };
        let values_end = match self.packed.get(at + 1) {
            Some(next) => next.values,
            None => u32::try_from(self.values.len()).unwrap_or(u32::MAX),
        };
        let (emitter, resource) = self.origins.get(usize::from(packed.origin)).copied().unwrap_or_default();
        Some(Record {
            id: packed.id,
            parent: packed.parent,
            start: packed.start,
            end,
            emitter,
            resource,
            combination: packed.bits & NO_COMBINATION,
            values: (packed.values, values_end),
            kind: ((packed.bits >> 24) & 0xf) as u8,
            status: (packed.bits >> 28) as u8,
        })
    }

    fn odd_end(&self, at: usize) -> u64 {
        // They are in the order of the places.
        let ends = self.odd_ends.as_ref().map_or(&[][..], |ends| &ends.0);
        let found = ends.binary_search_by_key(&at, |(place, _)| *place as usize);
        found.ok().and_then(|found| ends.get(found)).map_or(0, |(_, end)| *end)
    }

    /// The kept spans in the order in which they came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Record> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// Ids and parents, 0 where there is none, in the order in which they came.
    pub(crate) fn ids(&self) -> impl ExactSizeIterator<Item = (u64, u64)> {
        self.packed.iter().map(|packed| (packed.id, packed.parent))
    }

    /// The combination of each, in the order in which they came.
    pub(crate) fn combinations(&self) -> impl Iterator<Item = u32> {
        self.packed.iter().map(|packed| packed.bits & NO_COMBINATION)
    }

    /// Whether the spans of one place are server or consumer spans.
    pub(crate) fn is_entry(&self, at: usize) -> bool {
        self.packed.get(at).is_some_and(Packed::is_entry)
    }

    /// Where a span lies: the server or consumer span with this id, or the other one.
    pub(crate) fn place_of(&self, id: u64, entry: bool) -> Option<usize> {
        self.packed.iter().position(|packed| packed.id == id && packed.is_entry() == entry)
    }

    /// The values kept of a span.
    pub(crate) fn values_of(&self, record: &Record) -> Values<'_> {
        Values::new(self.encoded(record))
    }

    /// The values kept of a span, encoded.
    pub(crate) fn encoded(&self, record: &Record) -> &[u8] {
        self.values.get(record.values.0 as usize..record.values.1 as usize).unwrap_or_default()
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.packed.capacity() * size_of::<Packed>()
            + self.values.capacity()
            + self.origins.capacity() * size_of::<Origin>()
            + self.odd_ends.as_ref().map_or(0, |ends| size_of::<OddEnds>() + ends.0.capacity() * size_of::<(u32, u64)>())
    }
}

/// Whether a kind is one of spans whose parent lies in another process.
pub(crate) const fn is_entry(kind: u8) -> bool {
    matches!(kind, kind::SERVER | kind::CONSUMER)
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::{Packed, Record, RecordPools, Records};

    #[test]
    fn a_record_has_the_size_that_the_budget_counts_with() {
        assert_eq!(size_of::<Packed>(), 40);
    }

    #[test]
    fn what_was_packed_comes_out_again() {
        const SOME: Record = Record {
            id: u64::MAX,
            parent: 1,
            start: 1_767_225_600_000_000_000,
            end: 1_767_225_600_000_000_007,
            emitter: 7,
            resource: 8,
            combination: 70_000,
            values: (0, 0),
            kind: 5,
            status: 2,
        };
        let records = [
            SOME,
            Record { id: 2, end: 0, kind: 0, status: 0, ..SOME },
            Record { id: 3, start: 0, resource: 9, ..SOME },
            Record { id: 4, end: SOME.start - 1, ..SOME },
            Record { id: 5, end: SOME.start + (1 << 48), ..SOME },
            Record { id: 6, end: SOME.start + (1 << 48) - 2, ..SOME },
            Record { id: 7, start: 0, end: 0, ..SOME },
        ];
        let (mut held, mut pools) = (Records::default(), RecordPools::new());
        for (record, at) in records.iter().zip(0u8..) {
            assert!(held.push(record, &vec![at; usize::from(at)], &mut pools));
        }
        for (at, record) in records.iter().enumerate() {
            let found = held.get(at).expect("kept");
            assert_eq!(held.encoded(&found), vec![at as u8; at]);
            assert_eq!(Record { values: (0, 0), ..found }, *record);
        }
        assert!(held.get(records.len()).is_none());
    }
}
