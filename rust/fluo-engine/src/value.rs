//! Values at run time and how they compare (language reference §3, Values).

mod kept;

use std::borrow::Cow;
use std::cmp::Ordering;

pub(crate) use kept::{KEPT_BYTES, LONGEST_KEY, MOST_ELEMENTS, hash};

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
    /// What is kept of a text or of bytes that are too long to be kept: enough to tell whether they equal others.
    Digest {
        /// See [`Val::digest`].
        hash: [u8; 16],
        /// Bytes of the value.
        len: u32,
    },
}

/// A number: durations are none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    /// Exact comparison, also between an integer and a double.
    pub(crate) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(&b),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Self::Int(a), Self::Float(b)) => int_with_float(a, b),
            (Self::Float(a), Self::Int(b)) => int_with_float(b, a).reverse(),
        }
    }

    /// The nearest double.
    #[expect(clippy::cast_precision_loss, reason = "the nearest double is what is asked for")]
    pub(crate) const fn to_f64(self) -> f64 {
        match self {
            Self::Int(i) => i as f64,
            Self::Float(f) => f,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the double is integral and inside the range of i64")]
fn int_with_float(int: i64, float: f64) -> Ordering {
    // 2^63, the first double beyond every i64.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if float >= LIMIT {
        return Ordering::Less;
    }
    if float < -LIMIT {
        return Ordering::Greater;
    }
    let whole = float.floor();
    match int.cmp(&(whole as i64)) {
        Ordering::Equal if float > whole => Ordering::Less,
        other => other,
    }
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

    /// The value as a number: integers, doubles and canonical decimals.
    pub(crate) fn number(&self) -> Option<Number> {
        match self {
            Self::Int(i) => Some(Number::Int(*i)),
            Self::Float(f) => Some(Number::Float(*f)),
            Self::Str(s) => canonical_decimal(s),
            _ => None,
        }
    }

    /// Equality of single values; lists are taken apart by the caller.
    pub(crate) fn equals(&self, other: &Val<'_>) -> bool {
        match (self, other) {
            (Self::Str(a), Val::Str(b)) => {
                a == b || matches!((canonical_decimal(a), canonical_decimal(b)), (Some(a), Some(b)) if a.compare(b).is_eq())
            }
            (Self::Duration(a), Val::Duration(b)) => a == b,
            (Self::Bytes(a), Val::Bytes(b)) => a == b,
            (Self::Bool(a), Val::Bool(b)) => a == b,
            (Self::Bool(a), Val::Str(s)) | (Self::Str(s), Val::Bool(a)) => s.as_ref() == bool_text(*a).as_bytes(),
            (Self::Digest { .. }, _) | (_, Val::Digest { .. }) => {
                matches!((self.digest(), other.digest()), (Some(a), Some(b)) if a == b)
            }
            _ => {
                matches!((self.number(), other.number()), (Some(a), Some(b)) if a.compare(b).is_eq())
            }
        }
    }

    /// Order of single values; `None` where they are unordered.
    pub(crate) fn order(&self, other: &Val<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::Duration(a), Val::Duration(b)) => Some(a.cmp(b)),
            (Self::Str(a), Val::Str(b)) => match (canonical_decimal(a), canonical_decimal(b)) {
                (Some(a), Some(b)) => Some(a.compare(b)),
                _ => Some(a.cmp(b)),
            },
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => Some(a.compare(b)),
                _ => None,
            },
        }
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
            Self::Digest { hash, len } => Cow::Owned(format!("{len} bytes, SHA-256 {}…", hex(hash)).into_bytes()),
        }
    }

    /// Appends the canonical key: equal values, and only they, have equal keys. Used by `by`, `same` and `distinct`. A long one is
    /// hashed, so that a key has at most [`LONGEST_KEY`] bytes.
    pub(crate) fn write_key(&self, out: &mut Vec<u8>) {
        let start = out.len();
        if let Self::Digest { hash, .. } = self {
            out.push(kept::HASHED);
            out.extend_from_slice(hash);
            return;
        }
        self.write_whole_key(out);
        if out.len() - start > LONGEST_KEY {
            let hash = kept::hash(out.get(start..).unwrap_or_default());
            out.truncate(start);
            out.push(kept::HASHED);
            out.extend_from_slice(&hash);
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
            Self::Digest { hash, len } => Val::Digest { hash: *hash, len: *len },
        }
    }

    /// Bytes that the value holds outside of itself.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Str(s) => s.len(),
            Self::Bytes(b) => b.len(),
            Self::List(items) => items.iter().map(|item| size_of::<Self>() + item.heap_bytes()).sum(),
            Self::Int(_) | Self::Float(_) | Self::Bool(_) | Self::Duration(_) | Self::Digest { .. } => 0,
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
            Self::Digest { hash, len } => Val::Digest { hash, len },
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

/// Reads a canonical decimal, `-?(0|[1-9]\d*)(\.\d*[1-9])?` without `-0`: an integer that fits is that integer, anything else the
/// nearest double.
pub(crate) fn canonical_decimal(text: &[u8]) -> Option<Number> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    match digits.first()? {
        b'0'..=b'9' => {}
        _ => return None,
    }
    let dot = digits.iter().position(|b| *b == b'.');
    let (whole, fraction) = match dot {
        Some(at) => (digits.get(..at)?, Some(digits.get(at + 1..)?)),
        None => (digits, None),
    };
    let leading_zero = whole.first() == Some(&b'0');
    if whole.is_empty() || (leading_zero && whole.len() > 1) || !whole.iter().all(u8::is_ascii_digit) {
        return None;
    }
    if let Some(fraction) = fraction
        && (!fraction.iter().all(u8::is_ascii_digit) || !matches!(fraction.last(), Some(b'1'..=b'9')))
    {
        return None;
    }
    if fraction.is_none() && leading_zero && digits.len() != text.len() {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    if fraction.is_none()
        && let Ok(int) = text.parse()
    {
        return Some(Number::Int(int));
    }
    let float: f64 = text.parse().ok()?;
    float.is_finite().then_some(Number::Float(float))
}

#[cfg(test)]
mod tests {
    use super::{Number, Val, canonical_decimal, duration_text};
    use std::cmp::Ordering;

    #[test]
    fn only_canonical_decimals_are_numbers() {
        for text in ["0", "401", "-7", "0.5", "-0.25", "10", "123456789012345678901234567890", "1.001"] {
            assert!(canonical_decimal(text.as_bytes()).is_some(), "{text}");
        }
        for text in ["", "-", "-0", "007", "1.", ".5", "1.0", "1.50", "+1", "1e3", " 1", "0x1", "1.2.3", "--1", "NaN"] {
            assert_eq!(canonical_decimal(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_one_exact_domain() {
        let big = 9_007_199_254_740_993;
        assert_eq!(Number::Int(big).compare(Number::Float(9_007_199_254_740_992.0)), Ordering::Greater);
        assert_eq!(Number::Int(i64::MAX).compare(Number::Float(9_223_372_036_854_775_808.0)), Ordering::Less);
        assert_eq!(Number::Int(-2).compare(Number::Float(-1.5)), Ordering::Less);
        assert_eq!(Number::Float(-1.5).compare(Number::Int(-2)), Ordering::Greater);
        for same in [Val::Int(401), Val::Float(401.0), Val::str(b"401")] {
            assert!(same.equals(&Val::str(b"401")) && Val::Int(401).equals(&same));
            let mut key = Vec::new();
            same.write_key(&mut key);
            assert_eq!(key, b"s401");
        }
        assert!(!Val::str(b"401.0").equals(&Val::Int(401)));
        assert!(Val::str(b"true").equals(&Val::Bool(true)) && !Val::Bool(true).equals(&Val::Int(1)));
    }

    #[test]
    fn strings_order_by_code_point_unless_both_are_decimals() {
        assert_eq!(Val::str(b"9").order(&Val::str(b"10")), Some(Ordering::Less));
        assert_eq!(Val::str(b"9").order(&Val::str(b"10a")), Some(Ordering::Greater));
        assert_eq!(Val::Bool(true).order(&Val::Bool(false)), None);
        assert_eq!(Val::Duration(5).order(&Val::Int(5)), None);
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
