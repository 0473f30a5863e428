//! Resources that signals name, interned and capped.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, RwLock};

use foldhash::quality::RandomState;

use super::numbers::Numbers;
use crate::otlp::{KeyTable, ResourceView};
use crate::projection::EMITTER_KEYS;
use crate::select::value;
use crate::value::Val;

/// Resources told apart at most; later ones are not named in signals, but their emitters stay distinct.
const CAPACITY: usize = 65_536;

/// The id of a resource that is not held.
pub(crate) const UNNAMED: u32 = u32::MAX;

/// Which keys make up a resource's name in signals.
const NAMED: [&str; 4] = ["service.name", "service.namespace", "service.instance.id", "service.version"];

/// Attributes of the `service.*` namespace that a signal repeats.
type Named = Vec<(String, String)>;

/// The interned resources of an engine.
#[derive(Debug)]
pub(crate) struct Resources {
    hasher: RandomState,
    held: RwLock<Held>,
    /// The ids of a full table, which change no more: asking for one takes no lock.
    full: OnceLock<HashMap<u64, u32>>,
    /// Resources of messages that found no room.
    missed: AtomicU64,
}

#[derive(Debug, Default)]
struct Held {
    /// By the keyed hash of what names them.
    ids: HashMap<u64, u32>,
    named: Vec<Named>,
}

/// What a span keeps of its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResourceRef {
    /// Keyed hash of what makes up the emitter.
    pub(crate) emitter: u32,
    /// Interned id, or [`UNNAMED`].
    pub(crate) resource: u32,
}

impl Resources {
    pub(crate) fn new(hasher: RandomState) -> Self {
        Self { hasher, held: RwLock::default(), full: OnceLock::new(), missed: AtomicU64::new(0) }
    }

    /// Interns a resource. The emitter is `service.name` with `service.instance.id`, else with whichever of pod, host and process
    /// are present.
    pub(crate) fn intern(&self, view: &ResourceView<'_, '_>, keys: &KeyTable, known: &mut Numbers) -> ResourceRef {
        let mut hash = self.hasher.build_hasher();
        hash_of(view, keys, "service.name", &mut hash);
        if !hash_of(view, keys, "service.instance.id", &mut hash) {
            for key in EMITTER_KEYS.iter().filter(|k| !k.starts_with("service.")) {
                hash_of(view, keys, key, &mut hash);
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "the low half of the hash")]
        let emitter = hash.finish() as u32;
        let mut hash = self.hasher.build_hasher();
        for key in NAMED {
            hash_of(view, keys, key, &mut hash);
        }
        let named = hash.finish();
        ResourceRef { emitter, resource: known.get(named, || self.number(named, view, keys)).unwrap_or(UNNAMED) }
    }

    /// The id of a resource with this hash; nothing where there is no room for it.
    fn number(&self, hash: u64, view: &ResourceView<'_, '_>, keys: &KeyTable) -> Option<u32> {
        if let Some(full) = self.full.get() {
            return full.get(&hash).copied();
        }
        let known = self.held.read().ok()?.ids.get(&hash).copied();
        if known.is_some() {
            return known;
        }
        let text = |key: &str| Some(String::from_utf8_lossy(&read(view, keys, key)?.text()).into_owned());
        let mut held = self.held.write().ok()?;
        if let Some(id) = held.ids.get(&hash) {
            return Some(*id);
        }
        if held.named.len() >= CAPACITY {
            self.full.get_or_init(|| held.ids.clone());
            return None;
        }
        let id = u32::try_from(held.named.len()).ok()?;
        held.named.push(NAMED.iter().filter_map(|key| Some(((*key).to_owned(), text(key)?))).collect());
        held.ids.insert(hash, id);
        Some(id)
    }

    /// Counts resources that found no room.
    pub(crate) fn count_missed(&self, missed: u64) {
        if missed > 0 {
            self.missed.fetch_add(missed, Ordering::Relaxed);
        }
    }

    /// How often a resource found no room.
    pub(crate) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// The attributes of a resource.
    pub(crate) fn named(&self, id: u32) -> Vec<(String, String)> {
        match self.held.read() {
            Ok(held) => held.named.get(id as usize).cloned().unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }
}

fn read<'a>(view: &ResourceView<'a, '_>, keys: &KeyTable, key: &str) -> Option<Val<'a>> {
    value(view.attribute(keys.resource_slot(key)?)?)
}

/// Adds a key with its value to a hash; `false` where the resource has none.
fn hash_of(view: &ResourceView<'_, '_>, keys: &KeyTable, key: &str, hash: &mut impl Hasher) -> bool {
    let Some(found) = read(view, keys, key) else { return false };
    hash.write(key.as_bytes());
    hash.write(&found.text());
    hash.write_u8(0xff);
    true
}
