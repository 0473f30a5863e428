//! What is kept of a span.

/// A kept span: everything that a relation, a window or an aggregate may ask later, 56 bytes.
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
    /// First of the kept values.
    pub(crate) values: u32,
    /// How many values are kept.
    pub(crate) value_count: u16,
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
}

#[cfg(test)]
mod tests {
    use super::Record;

    #[test]
    fn a_record_has_the_size_that_the_budget_counts_with() {
        assert_eq!(size_of::<Record>(), 56);
    }
}
