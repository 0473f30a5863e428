//! Values at run time (language reference §3, Values). How they compare is the language's: [`fluo_lang::value`].

mod kept;
mod shown;

use std::borrow::Cow;
use std::cmp::Ordering;

pub(crate) use fluo_lang::value::{Number, canonical_decimal};
use fluo_lang::value::{ValueRef, equal, order};
pub(crate) use kept::{KEPT_BYTES, LONGEST_KEY, MOST_ELEMENTS, hash, key_shown};
pub(crate) use shown::{MOST_SHOWN, shown};

/// A value that was read or computed. NaN never occurs: it is missing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Val<'a> {
    Str(Cow<'a, [u8]>),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// Nanoseconds.
    Duration(i64),
    Bytes(Cow<'a, [u8]>),
    /// Never holds a list: nested ones are opened.
    List(Vec<Val<'a>>),
    /// What is kept of a text or of bytes that are too long to be kept: the canonical key, which tells whether they equal others and
    /// shows how they begin.
    Digest(Cow<'a, [u8]>),
}

impl<'a> Val<'a> {
    /// A string value.
    pub(crate) const fn str(text: &'a [u8]) -> Self {
        Self::Str(Cow::Borrowed(text))
    }

    /// A double; NaN is missing.
    pub(crate) const fn float(value: f64) -> Option<Self> {
        if value.is_nan() { None } else { Some(Self::Float(value)) }
    }

    /// The value as the language compares it; nothing for a list, whose elements are compared, and for what is only a hash.
    #[inline]
    fn view(&self) -> Option<ValueRef<'_>> {
        Some(match self {
            Self::Str(text) => ValueRef::Str(text),
            Self::Int(i) => ValueRef::Int(*i),
            Self::Float(f) => ValueRef::Float(*f),
            Self::Bool(b) => ValueRef::Bool(*b),
            Self::Duration(d) => ValueRef::Duration(*d),
            Self::Bytes(bytes) => ValueRef::Bytes(bytes),
            Self::List(_) | Self::Digest(_) => return None,
        })
    }

    /// The value as a number: integers, doubles and canonical decimals.
    pub(crate) fn number(&self) -> Option<Number> {
        fluo_lang::value::number(self.view()?)
    }

    /// Equality of single values; lists are taken apart by the caller.
    pub(crate) fn equals(&self, other: &Val<'_>) -> bool {
        match (self.view(), other.view()) {
            (Some(a), Some(b)) => equal(a, b),
            _ => matches!((self.digest(), other.digest()), (Some(a), Some(b)) if a == b),
        }
    }

    /// Order of single values; `None` where they are unordered.
    pub(crate) fn order(&self, other: &Val<'_>) -> Option<Ordering> {
        order(self.view()?, other.view()?)
    }

    /// The canonical text that string operators, messages and signals see.
    pub(crate) fn text(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Str(s) => Cow::Borrowed(s),
            Self::Int(i) => Cow::Owned(i.to_string().into_bytes()),
            Self::Float(f) => Cow::Owned(float_text(*f).into_bytes()),
            Self::Bool(b) => Cow::Borrowed(bool_text(*b).as_bytes()),
            Self::Duration(d) => Cow::Owned(duration_text(i128::from(*d)).into_bytes()),
            Self::Bytes(b) => Cow::Owned(hex(b).into_bytes()),
            Self::List(items) => {
                let mut text = vec![b'['];
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        text.extend_from_slice(b", ");
                    }
                    text.extend_from_slice(&item.text());
                }
                text.push(b']');
                Cow::Owned(text)
            }
            Self::Digest(key) => Cow::Owned(key_shown(key).into_bytes()),
        }
    }

    /// Appends the canonical key: equal values, and only they, have equal keys. Used by `by`, `same` and `distinct`. Of a long one the
    /// hash tells it apart and the head shows it, so that a key has at most [`LONGEST_KEY`] bytes.
    pub(crate) fn write_key(&self, out: &mut Vec<u8>) {
        let start = out.len();
        if let Self::Digest(key) = self {
            out.extend_from_slice(key);
            return;
        }
        self.write_whole_key(out);
        if out.len() - start > kept::LONGEST_PLAIN_KEY {
            let whole = out.split_off(start);
            kept::write_hashed(&whole, out);
        }
    }

    fn write_whole_key(&self, out: &mut Vec<u8>) {
        match self {
            Self::Duration(d) => {
                out.push(b'd');
                out.extend_from_slice(&d.to_be_bytes());
            }
            Self::Bytes(b) => {
                out.push(b'b');
                out.extend_from_slice(b);
            }
            Self::Str(s) => {
                out.push(b's');
                match canonical_decimal(s) {
                    Some(Number::Float(f)) => out.extend_from_slice(float_text(f).as_bytes()),
                    _ => out.extend_from_slice(s),
                }
            }
            other => {
                out.push(b's');
                out.extend_from_slice(&other.text());
            }
        }
    }

    /// The values one by one: a list's elements, or the value itself.
    pub(crate) fn each(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            one => std::slice::from_ref(one),
        }
    }

    /// The same value on borrowed bytes.
    pub(crate) fn borrowed(&self) -> Val<'_> {
        match self {
            Self::Str(s) => Val::Str(Cow::Borrowed(s)),
            Self::Bytes(b) => Val::Bytes(Cow::Borrowed(b)),
            Self::List(items) => Val::List(items.iter().map(Val::borrowed).collect()),
            Self::Int(i) => Val::Int(*i),
            Self::Float(f) => Val::Float(*f),
            Self::Bool(b) => Val::Bool(*b),
            Self::Duration(d) => Val::Duration(*d),
            Self::Digest(key) => Val::Digest(Cow::Borrowed(key)),
        }
    }

    /// Bytes that the value holds outside of itself.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Str(s) => s.len(),
            Self::Bytes(b) => b.len(),
            Self::List(items) => items.iter().map(|item| size_of::<Self>() + item.heap_bytes()).sum(),
            Self::Digest(key) => key.len(),
            Self::Int(_) | Self::Float(_) | Self::Bool(_) | Self::Duration(_) => 0,
        }
    }

    /// A copy that owns its bytes.
    pub(crate) fn into_owned(self) -> Val<'static> {
        match self {
            Self::Str(s) => Val::Str(Cow::Owned(s.into_owned())),
            Self::Bytes(b) => Val::Bytes(Cow::Owned(b.into_owned())),
            Self::List(items) => Val::List(items.into_iter().map(Val::into_owned).collect()),
            Self::Int(i) => Val::Int(i),
            Self::Float(f) => Val::Float(f),
            Self::Bool(b) => Val::Bool(b),
            Self::Duration(d) => Val::Duration(d),
            Self::Digest(key) => Val::Digest(Cow::Owned(key.into_owned())),
        }
    }
}

impl From<&fluo_lang::value::Value> for Val<'static> {
    fn from(value: &fluo_lang::value::Value) -> Self {
        use fluo_lang::value::Value;
        match value {
            Value::String(s) => Val::Str(Cow::Owned(s.clone().into_bytes())),
            Value::Int(i) => Val::Int(*i),
            Value::Float(f) => Val::Float(*f),
            Value::Bool(b) => Val::Bool(*b),
            Value::Duration(d) => Val::Duration(*d),
        }
    }
}

const fn bool_text(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// The shortest decimal that reads back as the double, without exponent; minus zero is zero.
pub(crate) fn float_text(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { value.to_string() }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
    }
    text
}

/// A duration as a rule writes it: the greatest unit that divides without rest, up to milliseconds with a fraction.
pub(crate) fn duration_text(nanos: i128) -> String {
    const UNITS: [(i128, &str); 4] = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"), (1, "ns")];
    if nanos == 0 {
        return "0s".to_owned();
    }
    let sign = if nanos < 0 { "-" } else { "" };
    let size = nanos.abs();
    let (unit, name) = UNITS.into_iter().find(|(unit, _)| size >= *unit).unwrap_or((1, "ns"));
    let fraction = format!("{:09}", size % unit * (1_000_000_000 / unit));
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{sign}{}{name}", size / unit) } else { format!("{sign}{}.{fraction}{name}", size / unit) }
}

#[cfg(test)]
mod tests {
    use super::{Val, duration_text};
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Val<'static>> {
        prop_oneof![
            "(-?[0-9]{1,3}(\\.[0-9]{1,2})?)|true|false|[a-c]{0,2}".prop_map(|text| Val::Str(text.into_bytes().into())),
            (-20i64..20).prop_map(Val::Int),
            any::<i64>().prop_map(Val::Int),
            (-40i32..40).prop_map(|n| Val::Float(f64::from(n) / 4.0)),
            any::<bool>().prop_map(Val::Bool),
            (-3i64..3).prop_map(Val::Duration),
        ]
    }

    proptest! {
        #[test]
        fn keys_agree_with_equality(a in any_value(), b in any_value()) {
            let key = |value: &Val<'_>| {
                let mut key = Vec::new();
                value.write_key(&mut key);
                key
            };
            prop_assert_eq!(a.equals(&b), key(&a) == key(&b));
        }
    }

    #[test]
    fn equal_values_have_equal_keys() {
        for same in [Val::Int(401), Val::Float(401.0), Val::str(b"401")] {
            assert!(same.equals(&Val::str(b"401")) && Val::Int(401).equals(&same));
            let mut key = Vec::new();
            same.write_key(&mut key);
            assert_eq!(key, b"s401");
        }
        assert!(!Val::str(b"401.0").equals(&Val::Int(401)));
    }

    #[test]
    fn durations_read_like_literals() {
        for (nanos, text) in
            [(1_500_000_000, "1.5s"), (3_000_000, "3ms"), (60_000_000_000, "60s"), (10, "10ns"), (-2_500, "-2.5us"), (0, "0s")]
        {
            assert_eq!(duration_text(nanos), text);
        }
    }
}
