//! What people read of a value: the value itself, cut where it is long.

use super::Val;

/// Bytes of a value's text that are shown at most; dots follow where there is more.
pub(crate) const MOST_SHOWN: usize = 256;

impl Val<'_> {
    /// The value's text for people: valid UTF-8, cut between characters after [`MOST_SHOWN`] bytes.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Digest(key) => super::key_shown(key),
            value => shown(&value.text()),
        }
    }
}

/// A text for people: see [`Val::shown`].
pub(crate) fn shown(text: &[u8]) -> String {
    // What is not valid takes three bytes for one at most.
    let whole = String::from_utf8_lossy(text.get(..MOST_SHOWN + 4).unwrap_or(text));
    if whole.len() <= MOST_SHOWN && text.len() <= MOST_SHOWN + 4 {
        return whole.into_owned();
    }
    let end = (0..=MOST_SHOWN).rev().find(|end| whole.is_char_boundary(*end)).unwrap_or_default();
    format!("{}…", whole.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{MOST_SHOWN, shown};

    #[test]
    fn a_text_is_cut_between_characters_and_always_valid() {
        for (text, expected) in [
            ("x".repeat(256).into_bytes(), "x".repeat(256)),
            ("x".repeat(257).into_bytes(), format!("{}…", "x".repeat(256))),
            (format!("{}é", "x".repeat(254)).into_bytes(), format!("{}é", "x".repeat(254))),
            (format!("{}é", "x".repeat(255)).into_bytes(), format!("{}…", "x".repeat(255))),
            ("é".repeat(5_000).into_bytes(), format!("{}…", "é".repeat(128))),
            (b"a\xffb".to_vec(), "a\u{fffd}b".to_owned()),
            ([0xff; 5_000].to_vec(), format!("{}…", "\u{fffd}".repeat(85))),
        ] {
            let found = shown(&text);
            assert_eq!(found, expected);
            assert!(found.len() <= MOST_SHOWN + '…'.len_utf8());
        }
    }
}
