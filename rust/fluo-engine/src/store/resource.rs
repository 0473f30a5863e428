//! Resources that signals name, interned and capped.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, RwLock};

use foldhash::quality::RandomState;

use crate::otlp::{KeyTable, ResourceView};
use crate::projection::EMITTER_KEYS;
use crate::select::value;

/// Resources told apart at most; later ones are not named in signals, but their emitters stay distinct.
const CAPACITY: usize = 65_536;

/// The id of a resource that is not held.
pub(crate) const UNNAMED: u32 = u32::MAX;

/// Which keys make up a resource's name in signals.
const NAMED: [&str; 4] = ["service.name", "service.namespace", "service.instance.id", "service.version"];

/// Attributes of the `service.*` namespace that a signal repeats.
pub(crate) type Named = Arc<[(String, String)]>;

/// The interned resources of an engine.
#[derive(Debug)]
pub(crate) struct Resources {
    hasher: RandomState,
    held: RwLock<Held>,
}

#[derive(Debug, Default)]
struct Held {
    ids: HashMap<Named, u32>,
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
        Self { hasher, held: RwLock::default() }
    }

    /// Interns a resource. The emitter is `service.name` with `service.instance.id`, else with whichever of pod, host and process
    /// are present.
    pub(crate) fn intern(&self, view: &ResourceView<'_, '_>, keys: &KeyTable) -> ResourceRef {
        let text = |key: &str| {
            let found = value(view.attribute(keys.resource_slot(key)?)?)?;
            Some(String::from_utf8_lossy(&found.text()).into_owned())
        };
        let mut hash = self.hasher.build_hasher();
        let mut write = |key: &str| {
            let found = text(key);
            if let Some(found) = &found {
                hash.write(key.as_bytes());
                hash.write(found.as_bytes());
                hash.write_u8(0xff);
            }
            found.is_some()
        };
        write("service.name");
        if !write("service.instance.id") {
            for key in EMITTER_KEYS.iter().filter(|k| !k.starts_with("service.")) {
                write(key);
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "the low half of the hash")]
        let emitter = hash.finish() as u32;
        let named: Named = NAMED.iter().filter_map(|key| Some(((*key).to_owned(), text(key)?))).collect();
        ResourceRef { emitter, resource: self.id(named) }
    }

    fn id(&self, named: Named) -> u32 {
        if let Ok(held) = self.held.read()
            && let Some(id) = held.ids.get(&named)
        {
            return *id;
        }
        let Ok(mut held) = self.held.write() else {
            return UNNAMED;
        };
        if let Some(id) = held.ids.get(&named) {
            return *id;
        }
        if held.named.len() >= CAPACITY {
            return UNNAMED;
        }
        let id = u32::try_from(held.named.len()).unwrap_or(UNNAMED);
        held.named.push(Arc::clone(&named));
        held.ids.insert(named, id);
        id
    }

    /// The attributes of a resource.
    pub(crate) fn named(&self, id: u32) -> Vec<(String, String)> {
        match self.held.read() {
            Ok(held) => held.named.get(id as usize).map(|n| n.to_vec()).unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }
}
