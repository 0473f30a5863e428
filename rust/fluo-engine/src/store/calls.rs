//! The call table: which spans come below which calls, learned from complete traces.
//!
//! A call whose callee's spans were lost looks like a call that leads nowhere. The table knows better: where a span of a selector came
//! below nearly every call like this one, its absence below a call without child is no evidence.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use foldhash::quality::RandomState;

use serde::{Deserialize, Serialize};

use crate::otlp::SpanView;
use crate::plan::Plan;
use crate::value::Val;

/// Different calls that are told apart at most; further ones never count as dangling.
const CAPACITY: usize = 4096;

/// Complete traces after which the table is believed, and the share in percent of those in which the span lay below.
const ENOUGH: u64 = 100;
const SHARE: u64 = 99;

/// Lessons after which one trace of eight is enough to keep the table up to date.
const SETTLED: u64 = 1_000;

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
    rows: RwLock<HashMap<u64, Row, RandomState>>,
    /// How often traces taught.
    learned: AtomicU64,
}

#[derive(Debug)]
struct Row {
    key: CallKey,
    traces: u64,
    below: HashMap<String, u64>,
}

/// What a complete trace teaches: its calls, each with the spansets that lay below all of them.
#[derive(Debug)]
pub(crate) struct Lesson {
    pub(crate) call: u64,
    pub(crate) below: Vec<String>,
}

impl Calls {
    pub(crate) fn new(hasher: RandomState) -> Self {
        Self { hasher, rows: RwLock::default(), learned: AtomicU64::new(0) }
    }

    /// The id of a span's call; 0 for one that the table has no room for.
    pub(crate) fn intern(&self, plan: &Plan, span: &SpanView<'_, '_>, service: &[u8]) -> u64 {
        let attribute = |at: usize| plan.call_slots.get(at).copied().flatten().and_then(|slot| span.attribute(slot));
        let mut parts = [const { None }; CALL_KEYS.len()];
        for (at, part) in parts.iter_mut().enumerate() {
            *part = attribute(at).and_then(crate::select::value);
        }
        let id = self.id(service, span.name, parts.iter().map(|part| part.as_ref().map(Val::text)));
        let known = |rows: &HashMap<u64, Row, RandomState>| rows.contains_key(&id);
        if known(&self.rows.read().unwrap_or_else(PoisonError::into_inner)) {
            return id;
        }
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        if rows.len() >= CAPACITY {
            return 0;
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let [server_address, rpc_service, peer_service, destination] = parts.map(|part| part.map(|value| text(&value.text())));
        let service = (!service.is_empty()).then(|| text(service));
        let key = CallKey { service, name: text(span.name), server_address, rpc_service, peer_service, destination };
        rows.entry(id).or_insert_with(|| Row { key, traces: 0, below: HashMap::new() });
        id
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
        hash.finish() | 1
    }

    /// Whether anything is expected below the call.
    pub(crate) fn expects_any(&self, call: u64) -> bool {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        rows.get(&call).is_some_and(|row| row.traces >= ENOUGH && row.below.values().any(|below| below * 100 >= row.traces * SHARE))
    }

    /// Whether a trace should teach: every one until the table is settled, then one of eight by its id.
    pub(crate) fn is_curious(&self, trace: &[u8; 16]) -> bool {
        self.learned.load(Ordering::Relaxed) < SETTLED || self.hasher.hash_one(trace) & 7 == 0
    }

    /// Whether a span of the set is expected below the call.
    pub(crate) fn expects(&self, call: u64, selector: &str) -> bool {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        rows.get(&call)
            .is_some_and(|row| row.traces >= ENOUGH && row.below.get(selector).is_some_and(|below| below * 100 >= row.traces * SHARE))
    }

    /// Takes in what complete traces taught.
    pub(crate) fn learn(&self, lessons: Vec<Lesson>) {
        if lessons.is_empty() {
            return;
        }
        self.learned.fetch_add(1, Ordering::Relaxed);
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        for lesson in lessons {
            let Some(row) = rows.get_mut(&lesson.call) else { continue };
            row.traces += 1;
            for selector in lesson.below {
                *row.below.entry(selector).or_default() += 1;
            }
        }
    }

    /// The table in its printable form, sorted.
    pub(crate) fn entries(&self) -> Vec<CallEntry> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        let mut entries: Vec<CallEntry> = rows
            .values()
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

    /// Adds rows as if their traces had been seen.
    pub(crate) fn set(&self, entries: &[CallEntry]) {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            let key = &entry.call;
            let parts = [&key.server_address, &key.rpc_service, &key.peer_service, &key.destination];
            let service = key.service.as_deref().unwrap_or_default().as_bytes();
            let id =
                self.id(service, key.name.as_bytes(), parts.into_iter().map(|part| part.as_ref().map(|p| Cow::Borrowed(p.as_bytes()))));
            let row = rows.entry(id).or_insert_with(|| Row { key: key.clone(), traces: 0, below: HashMap::new() });
            row.traces = row.traces.max(entry.traces);
            row.below.insert(entry.selector.clone(), entry.below);
        }
    }
}
