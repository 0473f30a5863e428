//! Maps are no values of the language: they read as their JSON text.

use crate::otlp::AnyValueRef;
use crate::value::{float_text, hex};

/// A value of the wire as compact JSON. The keys of a map have no order on the wire; here they have that of their bytes, and pairs of
/// one key, which OTLP forbids, stay as they came.
pub(crate) fn text(any: AnyValueRef<'_>) -> String {
    match any {
        AnyValueRef::Empty => "null".to_owned(),
        AnyValueRef::Str(text) => quoted(text),
        AnyValueRef::Bool(b) => b.to_string(),
        AnyValueRef::Int(i) => i.to_string(),
        AnyValueRef::Double(f) => float_text(f),
        AnyValueRef::Bytes(b) => quoted(hex(b).as_bytes()),
        AnyValueRef::Array(items) => format!("[{}]", items.map(text).collect::<Vec<_>>().join(",")),
        AnyValueRef::KvList(pairs) => {
            let mut pairs: Vec<_> = pairs.collect();
            pairs.sort_by_key(|(key, _)| *key);
            let pairs: Vec<String> = pairs.into_iter().map(|(key, value)| format!("{}:{}", quoted(key), text(value))).collect();
            format!("{{{}}}", pairs.join(","))
        }
    }
}

fn quoted(text: &[u8]) -> String {
    serde_json::Value::String(String::from_utf8_lossy(text).into_owned()).to_string()
}
