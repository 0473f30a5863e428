//! Canonical keys: equal values, and only they, have equal keys.

use super::{Number, ValueRef, number};

/// Appends the value's key. It is readable (`n:401`, `s:alice`, `b:true`, `d:1500`, `x:00ff`, `[…]`) and keeps its meaning from
/// version to version: violation ids are made of it. A NaN, which equals nothing, has the key `nan`.
pub fn group_key(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match number(value) {
        Some(Number::Int(n)) => text(out, &format!("n:{n}")),
        Some(Number::Float(f)) => float(out, f),
        None => match value {
            ValueRef::Str(b"true") | ValueRef::Bool(true) => text(out, "b:true"),
            ValueRef::Str(b"false") | ValueRef::Bool(false) => text(out, "b:false"),
            ValueRef::Str(bytes) => {
                text(out, "s:");
                out.extend_from_slice(bytes);
            }
            ValueRef::Duration(n) => text(out, &format!("d:{n}")),
            ValueRef::Bytes(bytes) => {
                text(out, "x:");
                for byte in bytes {
                    text(out, &format!("{byte:02x}"));
                }
            }
            ValueRef::List(items) => {
                out.push(b'[');
                tuple_key(items.iter().copied(), out);
                out.push(b']');
            }
            ValueRef::Int(_) | ValueRef::Float(_) => text(out, "nan"),
        },
    }
}

/// Appends the key of several values, each with its length before it, so that no two tuples share a key.
pub fn tuple_key<'a>(values: impl Iterator<Item = ValueRef<'a>>, out: &mut Vec<u8>) {
    let mut one = Vec::new();
    for value in values {
        one.clear();
        group_key(value, &mut one);
        text(out, &format!("{}:", one.len()));
        out.extend_from_slice(&one);
    }
}

/// A float with the value of an integer has the integer's key.
fn float(out: &mut Vec<u8>, f: f64) {
    let int = f as i64;
    if Number::Int(int) == Number::Float(f) {
        text(out, &format!("n:{int}"));
    } else {
        text(out, &format!("n:{f:?}"));
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}
