//! What the loaded rules read of a span, so that a host may leave out the rest.

use std::collections::BTreeSet;

use serde::Serialize;

/// Resource attributes that tell emitters apart; carried whatever the rules read.
pub const EMITTER_KEYS: [&str; 9] = [
    "service.name",
    "service.namespace",
    "service.instance.id",
    "service.version",
    "k8s.pod.uid",
    "k8s.pod.name",
    "host.id",
    "host.name",
    "process.pid",
];

/// The scope name of everything that Fluo emits; spans of this scope are never read.
pub const OWN_SCOPE: &str = "github.com/fluo-otel/fluo";

/// Attribute keys of one place: some, or all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KeySet {
    /// Whether every attribute is read, whatever its key.
    pub all: bool,
    /// The keys that are read by name; kept beside `all`, since each has a slot of its own.
    pub keys: BTreeSet<String>,
}

impl KeySet {
    /// Adds what `other` reads.
    pub fn extend(&mut self, other: &Self) {
        self.all |= other.all;
        self.keys.extend(other.keys.iter().cloned());
    }

    /// Whether nothing is read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.all && self.keys.is_empty()
    }
}

/// The fields that the loaded rules read beyond those that every message carries: ids, parent, flags, name, kind, times,
/// status code and [`EMITTER_KEYS`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Projection {
    /// Attributes of spans.
    pub span: KeySet,
    /// Attributes of resources, besides [`EMITTER_KEYS`].
    pub resource: KeySet,
    /// Whether the scope's name is read.
    pub scope_name: bool,
    /// Attributes of scopes.
    pub scope: KeySet,
    /// Events with their names, times and these attributes; `None` where no rule reads events.
    pub event: Option<KeySet>,
    /// Links with their ids and these attributes; `None` where no rule reads links.
    pub link: Option<KeySet>,
    /// Whether the status message is read.
    pub status_message: bool,
    /// Whether the counts of dropped attributes, events and links are read.
    pub dropped: bool,
}

impl Projection {
    /// What either of two projections carries.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            span: both(&self.span, &other.span),
            resource: both(&self.resource, &other.resource),
            scope_name: self.scope_name || other.scope_name,
            scope: both(&self.scope, &other.scope),
            event: either(self.event.as_ref(), other.event.as_ref()),
            link: either(self.link.as_ref(), other.link.as_ref()),
            status_message: self.status_message || other.status_message,
            dropped: self.dropped || other.dropped,
        }
    }

    /// Whether this carries all that another does.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.union(other) == *self
    }

    /// The JSON form of the C interface, for the given epoch; [`EMITTER_KEYS`] are among the resource keys.
    #[must_use]
    pub fn to_json(&self, epoch: u64) -> Vec<u8> {
        let mut resource = self.resource.clone();
        resource.keys.extend(EMITTER_KEYS.map(str::to_owned));
        let json = Json {
            epoch,
            span: &self.span,
            resource: &resource,
            scope: ScopeJson { name: self.scope_name, keys: &self.scope },
            event: carried(self.event.as_ref()),
            link: carried(self.link.as_ref()),
            status_message: self.status_message,
            dropped: self.dropped,
        };
        // Strings, numbers and flags cannot fail to serialize.
        serde_json::to_vec(&json).unwrap_or_default()
    }
}

fn both(left: &KeySet, right: &KeySet) -> KeySet {
    let mut out = left.clone();
    out.extend(right);
    out
}

fn either(left: Option<&KeySet>, right: Option<&KeySet>) -> Option<KeySet> {
    match (left, right) {
        (Some(left), Some(right)) => Some(both(left, right)),
        (one, other) => one.or(other).cloned(),
    }
}

fn carried(keys: Option<&KeySet>) -> CarriedJson {
    CarriedJson { carry: keys.is_some(), keys: keys.cloned().unwrap_or_default() }
}

#[derive(Serialize)]
struct Json<'a> {
    epoch: u64,
    span: &'a KeySet,
    resource: &'a KeySet,
    scope: ScopeJson<'a>,
    event: CarriedJson,
    link: CarriedJson,
    status_message: bool,
    dropped: bool,
}

#[derive(Serialize)]
struct ScopeJson<'a> {
    name: bool,
    #[serde(flatten)]
    keys: &'a KeySet,
}

#[derive(Serialize)]
struct CarriedJson {
    carry: bool,
    #[serde(flatten)]
    keys: KeySet,
}
