//! The id of a violation: equal facts, equal id.

use sha2::{Digest, Sha256};

use fluo_lang::program::Rule;

/// First 16 bytes of SHA-256 over the rule's name and identity, the trace (or nothing), the canonical group key and the window's
/// anchor (or nothing). No clock, trigger, phase, witness, severity or message takes part. Each part goes in with its length, so
/// that no two different lists of parts look alike.
pub(crate) fn violation_id(rule: &Rule, trace: Option<&[u8; 16]>, group: &[u8], anchor: Option<u64>) -> [u8; 16] {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(rule.name.as_bytes());
    part(&rule.identity);
    part(trace.map_or(&[][..], |t| t));
    part(group);
    part(anchor.map(u64::to_be_bytes).as_ref().map_or(&[][..], |a| a));
    let digest = hash.finalize();
    let mut id = [0; 16];
    for (to, from) in id.iter_mut().zip(digest) {
        *to = from;
    }
    id
}
