//! Maps are no values of the language: they read as their JSON text.

use crate::otlp::AnyValueRef;
use crate::value::{float_text, hex};

/// A value of the wire as compact JSON, keys in the order of the wire.
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
            let pairs: Vec<String> = pairs.map(|(key, value)| format!("{}:{}", quoted(key), text(value))).collect();
            format!("{{{}}}", pairs.join(","))
        }
    }
}

fn quoted(text: &[u8]) -> String {
    serde_json::Value::String(String::from_utf8_lossy(text).into_owned()).to_string()
}
