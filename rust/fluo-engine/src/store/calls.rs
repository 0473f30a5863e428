//! The call table: which spans come below which calls, learned from complete traces.
//!
//! A call whose callee's spans were lost looks like a call that leads nowhere. The table knows better: where a span of a selector came
//! below nearly every call like this one, its absence below a call without child is no evidence.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use crate::otlp::{AnyValueRef, SpanView};
use crate::plan::Plan;

/// Different calls that are told apart at most; further ones never count as dangling.
const CAPACITY: usize = 4096;

/// Complete traces after which the table is believed, and the share in percent of those in which the span lay below.
const ENOUGH: u64 = 100;
const SHARE: u64 = 99;

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
    rows: RwLock<HashMap<u64, Row>>,
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
        Self { hasher, rows: RwLock::default() }
    }

    /// The id of a span's call; 0 for one that the table has no room for.
    pub(crate) fn intern(&self, plan: &Plan, span: &SpanView<'_, '_>, service: &[u8]) -> u64 {
        let attribute = |at: usize| match plan.call_slots.get(at).copied().flatten().and_then(|slot| span.attribute(slot)) {
            Some(AnyValueRef::Empty) | None => None,
            Some(any) => crate::select::value(any).map(|v| v.text().into_owned()),
        };
        let parts = [attribute(0), attribute(1), attribute(2), attribute(3)];
        let id = self.hasher.hash_one((service, span.name, &parts)) | 1;
        let known = |rows: &HashMap<u64, Row>| rows.contains_key(&id);
        if known(&self.rows.read().unwrap_or_else(PoisonError::into_inner)) {
            return id;
        }
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        if rows.len() >= CAPACITY {
            return 0;
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let [server_address, rpc_service, peer_service, destination] = parts.map(|part| part.as_deref().map(text));
        let service = (!service.is_empty()).then(|| text(service));
        let key = CallKey { service, name: text(span.name), server_address, rpc_service, peer_service, destination };
        rows.entry(id).or_insert_with(|| Row { key, traces: 0, below: HashMap::new() });
        id
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
            let bytes = |part: &Option<String>| part.as_ref().map(|p| p.as_bytes().to_vec());
            let parts = [bytes(&key.server_address), bytes(&key.rpc_service), bytes(&key.peer_service), bytes(&key.destination)];
            let service = key.service.as_deref().unwrap_or_default().as_bytes();
            let id = self.hasher.hash_one((service, key.name.as_bytes(), &parts)) | 1;
            let row = rows.entry(id).or_insert_with(|| Row { key: key.clone(), traces: 0, below: HashMap::new() });
            row.traces = row.traces.max(entry.traces);
            row.below.insert(entry.selector.clone(), entry.below);
        }
    }
}
