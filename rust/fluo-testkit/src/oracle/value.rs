//! Values: what equals what, what orders, and the text that string operators see.

use std::cmp::Ordering;

use fluo_lang::value::Value;

use super::number::{Exact, Num, canonical_decimal};
use crate::model::{AnyValue, hex};

/// One value that is no list.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Datum {
    Str(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Duration(i64),
    Bytes(Vec<u8>),
}

/// What a value is equal by: two values are equal exactly if their keys are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Number(Exact),
    Bool(bool),
    Duration(i64),
    Bytes(Vec<u8>),
    Text(String),
}

impl Datum {
    pub(super) fn of_literal(value: &Value) -> Self {
        match value {
            Value::String(s) => Self::Str(s.clone()),
            Value::Int(i) => Self::Int(*i),
            Value::Float(f) => Self::Float(*f),
            Value::Bool(b) => Self::Bool(*b),
            Value::Duration(d) => Self::Duration(*d),
        }
    }

    pub(super) fn key(&self) -> Key {
        match self {
            Self::Int(_) | Self::Float(_) => self.number().map_or(Key::Text(String::new()), |n| Key::Number(n.exact())),
            Self::Bool(b) => Key::Bool(*b),
            Self::Duration(d) => Key::Duration(*d),
            Self::Bytes(b) => Key::Bytes(b.clone()),
            Self::Str(s) => match (canonical_decimal(s), s.as_str()) {
                (Some(number), _) => Key::Number(number.exact()),
                (None, "true") => Key::Bool(true),
                (None, "false") => Key::Bool(false),
                (None, text) => Key::Text(text.to_owned()),
            },
        }
    }

    /// The value as a number: integers, doubles and canonical decimals.
    pub(super) fn number(&self) -> Option<Num> {
        match self {
            Self::Int(i) => Some(Num::Int(*i)),
            Self::Float(f) => Some(Num::Float(*f)),
            Self::Str(s) => canonical_decimal(s),
            Self::Bool(_) | Self::Duration(_) | Self::Bytes(_) => None,
        }
    }

    pub(super) fn equals(&self, other: &Self) -> bool {
        self.key() == other.key()
    }

    /// `None` where the two are unordered.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        if let (Some(a), Some(b)) = (self.number(), other.number()) {
            return Some(a.exact().cmp(&b.exact()));
        }
        match (self, other) {
            (Self::Duration(a), Self::Duration(b)) => Some(a.cmp(b)),
            (Self::Str(a), Self::Str(b)) => Some(a.chars().cmp(b.chars())),
            _ => None,
        }
    }

    /// The canonical text.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Str(s) => s.clone(),
            Self::Int(i) => i.to_string(),
            Self::Float(f) if *f == 0.0 => "0".to_owned(),
            Self::Float(f) => f.to_string(),
            Self::Bool(b) => b.to_string(),
            Self::Duration(d) => duration_text(*d),
            Self::Bytes(b) => hex(b),
        }
    }
}

/// Bytes of a value that people are shown at most.
const SHOWN: usize = 256;

impl Key {
    /// The canonical text of every value with this key, as people are shown it: dots stand for what is too long.
    pub(super) fn text(&self) -> String {
        let whole = self.whole_text();
        let cut = (0..=SHOWN).rev().find_map(|end| whole.get(..end)).unwrap_or_default();
        if whole.len() > SHOWN { format!("{cut}…") } else { whole }
    }

    fn whole_text(&self) -> String {
        use num_traits::ToPrimitive;
        match self {
            Self::Number(Exact::Finite(exact)) if exact.is_integer() => exact.to_string(),
            Self::Number(Exact::Finite(exact)) => exact.to_f64().unwrap_or_default().to_string(),
            Self::Number(Exact::Infinity) => "inf".to_owned(),
            Self::Number(Exact::NegativeInfinity) => "-inf".to_owned(),
            Self::Bool(b) => b.to_string(),
            Self::Duration(d) => duration_text(*d),
            Self::Bytes(b) => hex(b),
            Self::Text(text) => text.clone(),
        }
    }
}

/// A duration as a rule would write it: in the greatest unit up to seconds that is not above it.
fn duration_text(nanos: i64) -> String {
    let size = nanos.unsigned_abs();
    let (unit, name) = match size {
        0 | 1_000_000_000.. => (1_000_000_000, "s"),
        1_000_000.. => (1_000_000, "ms"),
        1_000.. => (1_000, "us"),
        _ => (1, "ns"),
    };
    let fraction = format!("{:09}", size % unit * (1_000_000_000 / unit));
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{}{}{point}{fraction}{name}", if nanos < 0 { "-" } else { "" }, size / unit)
}

/// The values of an attribute, lists opened, each with whether it stood in a list. A double that is no number is missing.
pub(super) fn data_of(value: &AnyValue, in_list: bool) -> Vec<(Datum, bool)> {
    let one = match value {
        AnyValue::Empty => return Vec::new(),
        AnyValue::Array(items) => return items.iter().flat_map(|item| data_of(item, true)).collect(),
        AnyValue::Double(f) if f.is_nan() => return Vec::new(),
        AnyValue::Double(f) => Datum::Float(*f),
        AnyValue::String(s) => Datum::Str(s.clone()),
        AnyValue::Bool(b) => Datum::Bool(*b),
        AnyValue::Int(i) => Datum::Int(*i),
        AnyValue::Bytes(b) => Datum::Bytes(b.clone()),
        AnyValue::Map(_) => Datum::Str(json(value)),
    };
    vec![(one, in_list)]
}

/// Maps are no values of the language; they read as their JSON text with the keys in order.
fn json(value: &AnyValue) -> String {
    let quoted = |text: &str| serde_json::Value::String(text.to_owned()).to_string();
    match value {
        AnyValue::Empty => "null".to_owned(),
        AnyValue::String(s) => quoted(s),
        AnyValue::Bool(b) => b.to_string(),
        AnyValue::Int(i) => i.to_string(),
        AnyValue::Double(f) => Datum::Float(*f).text(),
        AnyValue::Bytes(b) => quoted(&hex(b)),
        AnyValue::Array(items) => format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(",")),
        AnyValue::Map(map) => {
            let mut sorted: Vec<_> = map.iter().collect();
            sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
            let entries: Vec<String> = sorted.into_iter().map(|(key, value)| format!("{}:{}", quoted(key), json(value))).collect();
            format!("{{{}}}", entries.join(","))
        }
    }
}
