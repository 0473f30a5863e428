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

    /// The shift of each emitter's clock. Emitters are aligned from the root down: the first emitter met keeps its clock, each other
    /// one is shifted against the emitters that call it and are aligned already.
    fn shifts(&self) -> HashMap<u32, i128> {
        let topology = self.topology();
        let mut shifts: HashMap<u32, i128> = HashMap::new();
        let mut level: Vec<usize> = (0..self.records().len()).filter(|at| topology.parent(*at).is_none()).collect();
        for at in &level {
            if let Some(record) = self.record(*at) {
                shifts.entry(record.emitter).or_insert(0);
            }
        }
        while !level.is_empty() {
            let below: Vec<usize> = level.iter().flat_map(|at| topology.children(*at).iter().copied()).collect();
            let mut bounds: HashMap<u32, (i128, i128)> = HashMap::new();
            for at in &below {
                let (Some(server), Some(client)) = (self.record(*at), topology.parent(*at).and_then(|p| self.record(p))) else {
                    continue;
                };
                if shifts.contains_key(&server.emitter) {
                    continue;
                }
                let is_call = server.kind == kind::SERVER && client.kind == kind::CLIENT;
                let fits = server.end - server.start <= client.end - client.start;
                let entry = bounds.entry(server.emitter).or_insert((i128::MIN, i128::MAX));
                if is_call && fits {
                    let base = shifts.get(&client.emitter).copied().unwrap_or(0);
                    let low = i128::from(client.start) + base - i128::from(server.start);
                    let high = i128::from(client.end) + base - i128::from(server.end);
                    *entry = (entry.0.max(low), entry.1.min(high));
                }
            }
            for (emitter, (low, high)) in bounds {
                // The least shift inside the bounds; where no shift fits all calls, none.
                let shift = if low > high { 0 } else { 0i128.clamp(low, high) };
                shifts.insert(emitter, shift);
            }
            level = below;
        }
        shifts
    }
}
