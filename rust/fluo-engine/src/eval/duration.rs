//! `trace.duration`: last end minus first start of all spans, each emitter's clock shifted by the least that puts its server spans
//! inside their client spans.

use std::collections::HashMap;

use super::cell::Cell;
use super::view::View;
use crate::store::record::{Record, kind};
use crate::truth::Reasons;
use crate::value::Val;
use crate::verdict::Reason;

impl<'t> View<'t> {
    /// The duration of the trace; unknown while it is open, after a gap, and where a time is bad.
    pub(super) fn trace_duration(&self) -> Cell<'t> {
        let mut why = self.hidden;
        if self.records().iter().any(|r| !r.times_are_good()) {
            why = why.and(Reasons::of(Reason::BadTime));
        }
        if !why.is_empty() {
            return Cell::Unknown(why);
        }
        let shifts = self.shifts();
        let shifted = |time: u64, record: &Record| i128::from(time) + shifts.get(&record.emitter).copied().unwrap_or(0);
        let start = self.records().iter().map(|r| shifted(r.start, r)).min();
        let end = self.records().iter().map(|r| shifted(r.end, r)).max();
        match (start, end) {
            (Some(start), Some(end)) => Cell::Exact(Val::Duration(i64::try_from(end - start).unwrap_or(i64::MAX))),
            _ => Cell::NotApplicable,
        }
    }

    /// The shift of each emitter's clock. Emitters are aligned from the root down: an emitter when the level of its highest span is
    /// reached, by all the calls that emitters of higher levels made to it.
    fn shifts(&self) -> HashMap<u32, i128> {
        let levels = self.levels();
        let mut calls: HashMap<u32, Vec<(&Record, &Record)>> = HashMap::new();
        for (at, server) in self.records().iter().enumerate().filter(|(_, record)| record.kind == kind::SERVER) {
            let Some(client) = self.topology().parent(at).and_then(|parent| self.record(parent)) else { continue };
            let is_from_above = levels.get(&client.emitter) < levels.get(&server.emitter);
            // A server span longer than its call lies inside it nowhere.
            let fits = server.end - server.start <= client.end - client.start;
            if client.kind == kind::CLIENT && is_from_above && fits {
                calls.entry(server.emitter).or_default().push((server, client));
            }
        }
        let mut order: Vec<(usize, u32)> = levels.into_iter().map(|(emitter, level)| (level, emitter)).collect();
        order.sort_unstable();
        let mut shifts: HashMap<u32, i128> = HashMap::new();
        for (_, emitter) in order {
            let (mut low, mut high) = (i128::MIN, i128::MAX);
            for (server, client) in calls.remove(&emitter).unwrap_or_default() {
                let base = shifts.get(&client.emitter).copied().unwrap_or(0);
                low = low.max(i128::from(client.start) + base - i128::from(server.start));
                high = high.min(i128::from(client.end) + base - i128::from(server.end));
            }
            // The least shift inside the bounds; where no shift fits all calls, none.
            shifts.insert(emitter, if low > high { 0 } else { 0i128.clamp(low, high) });
        }
        shifts
    }

    /// The level of each emitter's highest span, the tops being 0.
    fn levels(&self) -> HashMap<u32, usize> {
        let topology = self.topology();
        let mut levels: HashMap<u32, usize> = HashMap::new();
        let mut spans: Vec<usize> = (0..self.records().len()).filter(|at| topology.parent(*at).is_none()).collect();
        let mut level = 0;
        while !spans.is_empty() {
            for record in spans.iter().filter_map(|at| self.record(*at)) {
                levels.entry(record.emitter).or_insert(level);
            }
            spans = spans.iter().flat_map(|at| topology.children(*at).iter().copied()).collect();
            level += 1;
        }
        levels
    }
}
