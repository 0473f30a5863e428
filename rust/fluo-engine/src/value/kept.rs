//! What is kept of a value after its span was read: little, whatever was sent.

use sha2::{Digest as _, Sha256};

use super::{Number, Val, canonical_decimal};

/// Bytes of text, bytes or elements that are kept of one value at most. `contains` and `matches` on a span's own fields are decided
/// when it is read, on the whole value.
pub(crate) const KEPT_BYTES: usize = 4096;

/// Elements of a list that are kept at most.
pub(crate) const MOST_ELEMENTS: usize = KEPT_BYTES / size_of::<Val<'static>>();

/// Bytes of a canonical key at most.
pub(crate) const LONGEST_KEY: usize = 64;

/// Begins a key that stands for a longer one.
pub(super) const HASHED: u8 = b'#';

/// First 16 bytes of SHA-256: the same in every process, since violation ids are made of keys.
pub(crate) fn hash(bytes: &[u8]) -> [u8; 16] {
    let mut hash = [0; 16];
    for (to, from) in hash.iter_mut().zip(Sha256::digest(bytes)) {
        *to = from;
    }
    hash
}

impl Val<'_> {
    /// The hash of the canonical key and the length of a text or of bytes that a key does not hold as they are.
    pub(super) fn digest(&self) -> Option<([u8; 16], u32)> {
        let len = match self {
            Self::Str(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Digest { hash, len } => return Some((*hash, *len)),
            _ => return None,
        };
        if len < LONGEST_KEY {
            return None;
        }
        let mut key = Vec::with_capacity(len + 1);
        self.write_whole_key(&mut key);
        Some((hash(&key), u32::try_from(len).unwrap_or(u32::MAX)))
    }

    /// Whether only hash and length are known of the value, or of an element of it.
    pub(crate) fn is_blurred(&self) -> bool {
        self.each().iter().any(|one| matches!(one, Self::Digest { .. }))
    }

    /// What is kept of the value, and whether elements of a list had to be left out.
    pub(crate) fn kept(self) -> (Val<'static>, bool) {
        let Self::List(items) = self else {
            return (self.kept_within(KEPT_BYTES).unwrap_or(Val::List(Vec::new())), false);
        };
        let mut room = KEPT_BYTES;
        let mut kept = Vec::with_capacity(items.len().min(MOST_ELEMENTS));
        for item in items {
            let Some(left) = room.checked_sub(size_of::<Val<'static>>()) else {
                return (Val::List(kept), true);
            };
            let Some(item) = item.kept_within(left) else {
                return (Val::List(kept), true);
            };
            room = left - item.heap_bytes();
            kept.push(item);
        }
        kept.shrink_to_fit();
        (Val::List(kept), false)
    }

    /// A copy that owns so many bytes at most; nothing for a short text that does not fit.
    fn kept_within(self, room: usize) -> Option<Val<'static>> {
        let number = |text: &[u8]| match canonical_decimal(text)? {
            Number::Int(int) => Some(Val::Int(int)),
            Number::Float(float) => Some(Val::Float(float)),
        };
        if self.heap_bytes() <= room {
            return Some(self.exactly_owned());
        }
        match &self {
            Self::Str(text) if text.len() > LONGEST_KEY => number(text).or_else(|| self.blurred()),
            _ => self.blurred(),
        }
    }

    fn blurred(&self) -> Option<Val<'static>> {
        self.digest().map(|(hash, len)| Val::Digest { hash, len })
    }

    /// A copy that owns its bytes and nothing beside them.
    fn exactly_owned(self) -> Val<'static> {
        match self.into_owned() {
            Val::Str(text) => Val::Str(text.into_owned().into_boxed_slice().into_vec().into()),
            Val::Bytes(bytes) => Val::Bytes(bytes.into_owned().into_boxed_slice().into_vec().into()),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT_BYTES, MOST_ELEMENTS};
    use crate::value::Val;

    fn text(len: usize, last: u8) -> Vec<u8> {
        let mut text = vec![b'x'; len - 1];
        text.push(last);
        text
    }

    #[test]
    fn a_long_text_is_kept_as_hash_and_length_and_stays_equal_to_itself() {
        let (long, other, short) = (text(5_000, b'a'), text(5_000, b'b'), text(KEPT_BYTES, b'a'));
        let (kept, cut) = Val::str(&long).kept();
        assert!(!cut && matches!(kept, Val::Digest { len: 5_000, .. }) && kept.heap_bytes() == 0);
        assert!(kept.equals(&Val::str(&long)) && Val::str(&long).equals(&kept) && kept.equals(&Val::str(&long).kept().0));
        assert!(!kept.equals(&Val::str(&other)) && !kept.equals(&Val::str(&other).kept().0));
        assert!(!kept.equals(&Val::Bytes(long.clone().into()).kept().0), "bytes are no text");
        assert!(matches!(Val::str(&short).kept().0, Val::Str(_)), "what fits is kept as it is");
        let key = |value: &Val<'_>| {
            let mut key = Vec::new();
            value.write_key(&mut key);
            key
        };
        assert_eq!(key(&kept), key(&Val::str(&long)));
        assert_ne!(key(&kept), key(&Val::str(&other)));
    }

    #[test]
    fn a_long_decimal_stays_a_number() {
        let decimal = format!("0.{}1", "0".repeat(300)).repeat(1) + &"7".repeat(5_000);
        let (kept, _) = Val::str(decimal.as_bytes()).kept();
        assert!(matches!(kept, Val::Float(f) if f > 0.0 && f < 1e-300) && kept.equals(&Val::str(decimal.as_bytes())));
    }

    #[test]
    fn a_list_is_cut_where_it_is_full() {
        let numbers = |n: i64| Val::List((0..n).map(Val::Int).collect());
        let fits = i64::try_from(MOST_ELEMENTS).expect("small");
        assert_eq!(numbers(fits).kept(), (numbers(fits), false));
        assert_eq!(numbers(fits + 1).kept(), (numbers(fits), true));
        let words = [text(3_000, b'a'), text(3_000, b'b'), text(20, b'c')];
        let list = Val::List(words.iter().map(|w| Val::str(w)).collect());
        let (Val::List(kept), cut) = list.kept() else { panic!("a list") };
        assert!(!cut && matches!(kept.as_slice(), [Val::Str(_), Val::Digest { .. }, Val::Str(_)]), "{kept:?}");
    }
}
