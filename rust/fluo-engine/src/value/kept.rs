//! What is kept of a value after its span was read: little, whatever was sent.

use sha2::{Digest as _, Sha256};

use std::borrow::Cow;

use super::{MOST_SHOWN, Number, Val, canonical_decimal, hex, shown};

/// Bytes of text, bytes or elements that are kept of one value at most. `contains` and `matches` on a span's own fields are decided
/// when it is read, on the whole value.
pub(crate) const KEPT_BYTES: usize = 4096;

/// Elements of a list that are kept at most.
pub(crate) const MOST_ELEMENTS: usize = KEPT_BYTES / size_of::<Val<'static>>();

/// Bytes of a canonical key that is written whole: a tag, and a text that is shown whole.
pub(super) const LONGEST_PLAIN_KEY: usize = 1 + MOST_SHOWN;

/// Bytes of a key that are kept of a longer one: as many as are shown, and a character more to tell that it goes on.
const HEAD: usize = LONGEST_PLAIN_KEY + 4;

/// Bytes of a canonical key at most: a mark, a hash and a head.
pub(crate) const LONGEST_KEY: usize = 1 + 16 + HEAD;

/// Begins a key that stands for a longer one.
const HASHED: u8 = b'#';

/// Writes the key that stands for a longer one.
pub(super) fn write_hashed(whole: &[u8], out: &mut Vec<u8>) {
    out.push(HASHED);
    out.extend_from_slice(&hash(whole));
    out.extend_from_slice(whole.get(..HEAD).unwrap_or(whole));
}

/// What people read of a key that is no duration's.
pub(crate) fn key_shown(key: &[u8]) -> String {
    match key.split_first() {
        Some((&HASHED, rest)) => key_shown(rest.get(16..).unwrap_or_default()),
        Some((b'b', bytes)) => shown(hex(bytes).as_bytes()),
        Some((_, text)) => shown(text),
        None => String::new(),
    }
}

/// First 16 bytes of SHA-256: the same in every process, since violation ids are made of keys.
pub(crate) fn hash(bytes: &[u8]) -> [u8; 16] {
    let mut hash = [0; 16];
    for (to, from) in hash.iter_mut().zip(Sha256::digest(bytes)) {
        *to = from;
    }
    hash
}

impl Val<'_> {
    /// The canonical key of a text or of bytes that it does not hold as they are.
    pub(super) fn digest(&self) -> Option<Cow<'_, [u8]>> {
        let len = match self {
            Self::Str(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Digest(key) => return Some(Cow::Borrowed(key)),
            _ => return None,
        };
        if len < LONGEST_PLAIN_KEY {
            return None;
        }
        let mut key = Vec::with_capacity(LONGEST_KEY);
        self.write_key(&mut key);
        Some(Cow::Owned(key))
    }

    /// Whether only a key is known of the value, or of an element of it.
    pub(crate) fn is_blurred(&self) -> bool {
        self.each().iter().any(|one| matches!(one, Self::Digest(_)))
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
            Self::Str(text) if text.len() > LONGEST_PLAIN_KEY => number(text).or_else(|| self.blurred(room)),
            _ => self.blurred(room),
        }
    }

    fn blurred(&self, room: usize) -> Option<Val<'static>> {
        self.digest().filter(|key| key.len() <= room).map(|key| Val::Digest(Cow::Owned(key.into_owned())))
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
    use super::{KEPT_BYTES, LONGEST_KEY, MOST_ELEMENTS, MOST_SHOWN, key_shown};
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
        assert!(!cut && matches!(kept, Val::Digest(_)) && kept.heap_bytes() == LONGEST_KEY);
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
        assert_eq!(key(&kept).len(), LONGEST_KEY);
        let expected = format!("{}…", "x".repeat(MOST_SHOWN));
        assert_eq!((kept.shown(), key_shown(&key(&kept))), (expected.clone(), expected));
    }

    #[test]
    fn a_key_shows_the_value_that_it_stands_for() {
        for len in [1, 63, 64, 255, 256, 257, 300, 5_000] {
            for value in [Val::Str(text(len, b'a').into()), Val::Bytes(text(len, 7).into()), Val::Str("é".repeat(len).into_bytes().into())]
            {
                let mut key = Vec::new();
                value.write_key(&mut key);
                assert!(key.len() <= LONGEST_KEY);
                assert_eq!(key_shown(&key), value.shown(), "{len}");
                assert_eq!(value.clone().kept().0.shown(), value.shown(), "{len}");
            }
        }
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
        assert!(!cut && matches!(kept.as_slice(), [Val::Str(_), Val::Digest(_), Val::Str(_)]), "{kept:?}");
    }
}
