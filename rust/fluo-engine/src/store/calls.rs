//! The call table: which spans come below which calls, learned from complete traces.
//!
//! A call whose callee's spans were lost looks like a call that leads nowhere. The table knows better: where a span of a selector came
//! below nearly every call like this one, its absence below a call without child is no evidence.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use foldhash::quality::RandomState;

use serde::{Deserialize, Serialize};

use super::numbers::Numbers;
use crate::otlp::SpanView;
use crate::plan::Plan;
use crate::value::Val;

/// Different calls that are told apart at most; further ones never count as dangling.
const CAPACITY: usize = 4096;

/// Complete traces after which the table is believed, and the share in percent of those in which the span lay below.
const ENOUGH: u64 = 100;
const SHARE: u64 = 99;

/// Lessons after which one trace of eight is enough to keep the table up to date.
const SETTLED: u64 = 10_000;

/// The span attributes that tell calls apart, beside the service and the name.
pub(crate) const CALL_KEYS: [&str; 4] = ["server.address", "rpc.service", "peer.service", "messaging.destination.name"];

/// What tells calls apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallKey {
    /// `service.name` of the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Name of the calling span.
    pub name: String,
    /// `server.address`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_address: Option<String>,
    /// `rpc.service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpc_service: Option<String>,
    /// `peer.service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_service: Option<String>,
    /// `messaging.destination.name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
}

/// One row of the table in its printable form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallEntry {
    /// The call.
    pub call: CallKey,
    /// The spanset whose spans are expected below it, in canonical text.
    pub selector: String,
    /// Complete traces that had the call.
    pub traces: u64,
    /// Those in which a span of the set lay below every such call.
    pub below: u64,
}

/// The table of an engine.
#[derive(Debug)]
pub(crate) struct Calls {
    hasher: RandomState,
    table: RwLock<Table>,
    /// Whether something was ever expected below some call.
    expects: AtomicBool,
    /// Lessons taken in.
    learned: AtomicU64,
    /// The numbers of a full table, which change no more: asking for one takes no lock.
    full: OnceLock<HashMap<u64, u32, RandomState>>,
    /// Spans whose call found no room.
    missed: AtomicU64,
}

/// Rows, and where each call's is.
#[derive(Debug, Default)]
struct Table {
    places: HashMap<u64, u32, RandomState>,
    rows: Vec<Row>,
}

impl Table {
    /// The row of a call; calls are numbered from 1 on.
    fn row(&self, call: u32) -> Option<&Row> {
        self.rows.get((call as usize).checked_sub(1)?)
    }

    /// The number of the call with this hash, which is given a row where it has none yet.
    fn enter(&mut self, hash: u64, key: impl FnOnce() -> CallKey) -> u32 {
        if let Some(call) = self.places.get(&hash) {
            return *call;
        }
        self.rows.push(Row { key: key(), traces: 0, below: HashMap::new() });
        let call = u32::try_from(self.rows.len()).unwrap_or_default();
        self.places.insert(hash, call);
        call
    }
}

#[derive(Debug)]
struct Row {
    key: CallKey,
    traces: u64,
    below: HashMap<String, u64>,
}

impl Row {
    fn expects_any(&self) -> bool {
        self.traces >= ENOUGH && self.below.values().any(|below| below * 100 >= self.traces * SHARE)
    }
}

/// What a complete trace teaches: its calls, each with the spansets that lay below all of them.
#[derive(Debug)]
pub(crate) struct Lesson {
    pub(crate) call: u32,
    pub(crate) below: Vec<String>,
}

impl Calls {
    pub(crate) fn new(hasher: RandomState) -> Self {
        Self {
            hasher,
            table: RwLock::default(),
            expects: AtomicBool::new(false),
            learned: AtomicU64::new(0),
            full: OnceLock::new(),
            missed: AtomicU64::new(0),
        }
    }

    /// The number of a span's call; 0 for one that the table has no room for.
    pub(crate) fn intern(&self, plan: &Plan, span: &SpanView<'_, '_>, service: &[u8], known: &mut Numbers) -> u32 {
        let attribute = |at: usize| plan.call_slots.get(at).copied().flatten().and_then(|slot| span.attribute(slot));
        let mut parts = [const { None }; CALL_KEYS.len()];
        for (at, part) in parts.iter_mut().enumerate() {
            *part = attribute(at).and_then(crate::select::value);
        }
        let hash = self.id(service, span.name, parts.iter().map(|part| part.as_ref().map(Val::text)));
        known.get(hash, || self.number(hash, span.name, service, parts)).unwrap_or_default()
    }

    /// The number of the call with this hash; nothing where the table has no room for it.
    fn number(&self, hash: u64, name: &[u8], service: &[u8], parts: [Option<Val<'_>>; CALL_KEYS.len()]) -> Option<u32> {
        if let Some(full) = self.full.get() {
            return full.get(&hash).copied();
        }
        if let Some(call) = self.read().places.get(&hash) {
            return Some(*call);
        }
        let mut table = self.write();
        if table.rows.len() >= CAPACITY {
            return self.full.get_or_init(|| table.places.clone()).get(&hash).copied();
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let call = table.enter(hash, || {
            let [server_address, rpc_service, peer_service, destination] = parts.map(|part| part.map(|value| text(&value.text())));
            let service = (!service.is_empty()).then(|| text(service));
            CallKey { service, name: text(name), server_address, rpc_service, peer_service, destination }
        });
        Some(call)
    }

    /// Counts spans whose call found no room.
    pub(crate) fn count_missed(&self, missed: u64) {
        if missed > 0 {
            self.missed.fetch_add(missed, Ordering::Relaxed);
        }
    }

    /// Spans whose call found no room.
    pub(crate) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn id<'p>(&self, service: &[u8], name: &[u8], parts: impl Iterator<Item = Option<Cow<'p, [u8]>>>) -> u64 {
        let mut hash = self.hasher.build_hasher();
        hash.write(service);
        hash.write_usize(service.len());
        hash.write(name);
        hash.write_usize(name.len());
        for part in parts {
            match part {
                Some(part) => {
                    hash.write(&part);
                    hash.write_usize(part.len());
                }
                None => hash.write_usize(usize::MAX),
            }
        }
        hash.finish()
    }

    /// Whether something was ever expected below some call: as long as it was not, no call can dangle.
    pub(crate) fn expect_anything(&self) -> bool {
        self.expects.load(Ordering::Relaxed)
    }

    /// Whether anything is expected below the call.
    pub(crate) fn expects_any(&self, call: u32) -> bool {
        self.read().row(call).is_some_and(Row::expects_any)
    }

    fn take_note(&self, row: &Row) {
        if row.expects_any() {
            self.expects.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a trace should teach: every one until the table is settled, then one of eight by its id.
    pub(crate) fn is_curious(&self, trace: &[u8; 16]) -> bool {
        self.learned.load(Ordering::Relaxed) < SETTLED || self.hasher.hash_one(trace) & 7 == 0
    }

    /// Whether a span of the set is expected below the call.
    pub(crate) fn expects(&self, call: u32, selector: &str) -> bool {
        let table = self.read();
        let expects = |row: &Row| row.traces >= ENOUGH && row.below.get(selector).is_some_and(|below| below * 100 >= row.traces * SHARE);
        table.row(call).is_some_and(expects)
    }

    /// Takes in what complete traces taught.
    pub(crate) fn learn(&self, lessons: Vec<Lesson>) {
        if lessons.is_empty() {
            return;
        }
        self.learned.fetch_add(lessons.len() as u64, Ordering::Relaxed);
        let mut table = self.write();
        for lesson in lessons {
            let Some(row) = (lesson.call as usize).checked_sub(1).and_then(|at| table.rows.get_mut(at)) else { continue };
            row.traces += 1;
            for selector in lesson.below {
                *row.below.entry(selector).or_default() += 1;
            }
            self.take_note(row);
        }
    }

    /// The table in its printable form, sorted.
    pub(crate) fn entries(&self) -> Vec<CallEntry> {
        let table = self.read();
        let mut entries: Vec<CallEntry> = table
            .rows
            .iter()
            .flat_map(|row| {
                row.below.iter().map(|(selector, below)| CallEntry {
                    call: row.key.clone(),
                    selector: selector.clone(),
                    traces: row.traces,
                    below: *below,
                })
            })
            .collect();
        entries.sort_by(|a, b| (&a.call.service, &a.call.name, &a.selector).cmp(&(&b.call.service, &b.call.name, &b.selector)));
        entries
    }

    /// Adds rows as if their traces had been seen, as many as there is room for.
    pub(crate) fn set(&self, entries: &[CallEntry]) {
        let mut table = self.write();
        for entry in entries {
            let key = &entry.call;
            let parts = [&key.server_address, &key.rpc_service, &key.peer_service, &key.destination];
            let service = key.service.as_deref().unwrap_or_default().as_bytes();
            let parts = parts.into_iter().map(|part| part.as_ref().map(|p| Cow::Borrowed(p.as_bytes())));
            let hash = self.id(service, key.name.as_bytes(), parts);
            if table.rows.len() >= CAPACITY && !table.places.contains_key(&hash) {
                continue;
            }
            let call = table.enter(hash, || key.clone());
            let Some(row) = (call as usize).checked_sub(1).and_then(|at| table.rows.get_mut(at)) else { continue };
            row.traces = row.traces.max(entry.traces);
            row.below.insert(entry.selector.clone(), entry.below);
            self.take_note(row);
        }
    }
}
