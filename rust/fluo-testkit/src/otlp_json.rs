//! OTLP JSON to OTLP messages.
//!
//! Read here and not by a derived deserializer, because recordings come from many writers: 64-bit integers as strings or numbers, enum
//! members as numbers or names, doubles as `"NaN"` and `"Infinity"`, keys in camel case or as in the protocol files, absent and null
//! members, empty arrays without their `values`, the name that `scopeSpans` had before 2022. Unknown members are skipped, as the
//! protocol demands.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value as Any};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use serde_json::{Map, Value};

/// Why a JSON text is no traces message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// Where, such as `resourceSpans[0].scopeSpans[2].spans[1].traceId`; empty for the text itself.
    pub path: String,
    /// What is wrong.
    pub reason: String,
}

impl std::fmt::Display for JsonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.is_empty() { f.write_str(&self.reason) } else { write!(f, "`{}`: {}", self.path, self.reason) }
    }
}

impl std::error::Error for JsonError {}

type Read<T> = Result<T, JsonError>;

fn wrong<T>(reason: impl Into<String>) -> Read<T> {
    Err(JsonError { path: String::new(), reason: reason.into() })
}

/// Puts a step before the path of an error.
fn below<T>(step: &str, read: Read<T>) -> Read<T> {
    read.map_err(|error| {
        let dot = if error.path.is_empty() || error.path.starts_with('[') { "" } else { "." };
        JsonError { path: format!("{step}{dot}{}", error.path), ..error }
    })
}

/// Reads the JSON of one traces message (`TracesData` or `ExportTraceServiceRequest`: they look the same); `None` for a message of
/// another signal.
///
/// # Errors
/// No JSON, no object, or a member that cannot be read. Nothing is taken from a message with an error.
pub fn read(text: &str) -> Result<Option<ExportTraceServiceRequest>, JsonError> {
    let value: Value = serde_json::from_str(text).or_else(|error| wrong(format!("not JSON: {error}")))?;
    read_value(&value)
}

/// Reads one traces message from parsed JSON.
///
/// # Errors
/// See [`read`].
pub fn read_value(value: &Value) -> Result<Option<ExportTraceServiceRequest>, JsonError> {
    let object = Object::of(value)?;
    if !object.has("resourceSpans") && ["resourceLogs", "resourceMetrics", "resourceProfiles"].iter().any(|key| object.has(key)) {
        return Ok(None);
    }
    if !object.has("resourceSpans") && !object.0.is_empty() {
        return wrong("this message has no `resourceSpans`: it is none of OTLP");
    }
    Ok(Some(ExportTraceServiceRequest { resource_spans: object.list("resourceSpans", resource_spans)? }))
}

/// A JSON object whose members are looked up by their name in camel case.
struct Object<'a>(&'a Map<String, Value>);

impl<'a> Object<'a> {
    fn of(value: &'a Value) -> Read<Self> {
        match value {
            Value::Object(map) => Ok(Self(map)),
            _ => wrong("not an object"),
        }
    }

    /// A member that is present and not null, by either of its names.
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key).or_else(|| self.0.get(&snake(key))).filter(|value| !value.is_null())
    }

    fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// A member, or the default where it is absent.
    fn member<T: Default>(&self, key: &str, read: impl Fn(&'a Value) -> Read<T>) -> Read<T> {
        self.get(key).map_or(Ok(T::default()), |value| below(key, read(value)))
    }

    /// A member that is a list.
    fn list<T>(&self, key: &str, read: impl Fn(&'a Value) -> Read<T>) -> Read<Vec<T>> {
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items.iter().enumerate().map(|(at, item)| below(&format!("{key}[{at}]"), read(item))).collect(),
            Some(_) => below(key, wrong("not an array")),
        }
    }
}

/// `startTimeUnixNano` as the protocol files write it.
fn snake(key: &str) -> String {
    let mut out = String::new();
    for c in key.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn resource_spans(value: &Value) -> Read<ResourceSpans> {
    let object = Object::of(value)?;
    let resource = |value: &Value| {
        let object = Object::of(value)?;
        Ok(Some(Resource {
            attributes: object.list("attributes", key_value)?,
            dropped_attributes_count: object.member("droppedAttributesCount", unsigned32)?,
            ..Resource::default()
        }))
    };
    Ok(ResourceSpans {
        resource: object.member("resource", resource)?,
        scope_spans: [object.list("scopeSpans", scope_spans)?, object.list("instrumentationLibrarySpans", scope_spans)?].concat(),
        schema_url: object.member("schemaUrl", text)?,
    })
}

fn scope_spans(value: &Value) -> Read<ScopeSpans> {
    let object = Object::of(value)?;
    let scope = |value: &Value| {
        let object = Object::of(value)?;
        Ok(Some(InstrumentationScope {
            name: object.member("name", text)?,
            version: object.member("version", text)?,
            attributes: object.list("attributes", key_value)?,
            dropped_attributes_count: object.member("droppedAttributesCount", unsigned32)?,
        }))
    };
    Ok(ScopeSpans {
        scope: object.member(if object.has("scope") { "scope" } else { "instrumentationLibrary" }, scope)?,
        spans: object.list("spans", span)?,
        schema_url: object.member("schemaUrl", text)?,
    })
}

fn span(value: &Value) -> Read<Span> {
    let object = Object::of(value)?;
    let status = |value: &Value| {
        let object = Object::of(value)?;
        Ok(Some(Status { message: object.member("message", text)?, code: object.member("code", status_code)? }))
    };
    Ok(Span {
        trace_id: object.member("traceId", hex)?,
        span_id: object.member("spanId", hex)?,
        trace_state: object.member("traceState", text)?,
        parent_span_id: object.member("parentSpanId", hex)?,
        flags: object.member("flags", unsigned32)?,
        name: object.member("name", text)?,
        kind: object.member("kind", kind)?,
        start_time_unix_nano: object.member("startTimeUnixNano", unsigned64)?,
        end_time_unix_nano: object.member("endTimeUnixNano", unsigned64)?,
        attributes: object.list("attributes", key_value)?,
        dropped_attributes_count: object.member("droppedAttributesCount", unsigned32)?,
        events: object.list("events", event)?,
        dropped_events_count: object.member("droppedEventsCount", unsigned32)?,
        links: object.list("links", link)?,
        dropped_links_count: object.member("droppedLinksCount", unsigned32)?,
        status: object.member("status", status)?,
    })
}

fn event(value: &Value) -> Read<Event> {
    let object = Object::of(value)?;
    Ok(Event {
        time_unix_nano: object.member("timeUnixNano", unsigned64)?,
        name: object.member("name", text)?,
        attributes: object.list("attributes", key_value)?,
        dropped_attributes_count: object.member("droppedAttributesCount", unsigned32)?,
    })
}

fn link(value: &Value) -> Read<Link> {
    let object = Object::of(value)?;
    Ok(Link {
        trace_id: object.member("traceId", hex)?,
        span_id: object.member("spanId", hex)?,
        trace_state: object.member("traceState", text)?,
        attributes: object.list("attributes", key_value)?,
        dropped_attributes_count: object.member("droppedAttributesCount", unsigned32)?,
        flags: object.member("flags", unsigned32)?,
    })
}

fn key_value(value: &Value) -> Read<KeyValue> {
    let object = Object::of(value)?;
    Ok(KeyValue {
        key: object.member("key", text)?,
        value: object.member("value", |value| any_value(value).map(Some))?,
        ..KeyValue::default()
    })
}

fn any_value(value: &Value) -> Read<AnyValue> {
    let object = Object::of(value)?;
    let read = |key: &str, convert: fn(&Value) -> Read<Any>| object.get(key).map(|value| below(key, convert(value)));
    let found = read("stringValue", |v| text(v).map(Any::StringValue))
        .or_else(|| read("intValue", |v| signed64(v).map(Any::IntValue)))
        .or_else(|| read("boolValue", |v| boolean(v).map(Any::BoolValue)))
        .or_else(|| read("doubleValue", |v| double(v).map(Any::DoubleValue)))
        .or_else(|| read("bytesValue", |v| base64(v).map(Any::BytesValue)))
        .or_else(|| read("arrayValue", |v| Ok(Any::ArrayValue(ArrayValue { values: Object::of(v)?.list("values", any_value)? }))))
        .or_else(|| read("kvlistValue", |v| Ok(Any::KvlistValue(KeyValueList { values: Object::of(v)?.list("values", key_value)? }))));
    Ok(AnyValue { value: found.transpose()? })
}

fn text(value: &Value) -> Read<String> {
    value.as_str().map_or_else(|| wrong("not a string"), |text| Ok(text.to_owned()))
}

fn boolean(value: &Value) -> Read<bool> {
    value.as_bool().map_or_else(|| wrong("not a boolean"), Ok)
}

fn unsigned64(value: &Value) -> Read<u64> {
    match value {
        Value::String(text) => text.parse().or_else(|_| wrong(format!("`{text}` is no unsigned 64-bit integer"))),
        Value::Number(number) => number.as_u64().map_or_else(|| wrong(format!("`{number}` is no unsigned 64-bit integer")), Ok),
        _ => wrong("not an integer"),
    }
}

fn signed64(value: &Value) -> Read<i64> {
    match value {
        Value::String(text) => text.parse().or_else(|_| wrong(format!("`{text}` is no 64-bit integer"))),
        Value::Number(number) => number.as_i64().map_or_else(|| wrong(format!("`{number}` is no 64-bit integer")), Ok),
        _ => wrong("not an integer"),
    }
}

fn unsigned32(value: &Value) -> Read<u32> {
    let wide = unsigned64(value)?;
    u32::try_from(wide).or_else(|_| wrong(format!("`{wide}` is no unsigned 32-bit integer")))
}

fn double(value: &Value) -> Read<f64> {
    match value {
        Value::Number(number) => number.as_f64().map_or_else(|| wrong(format!("`{number}` is no double")), Ok),
        Value::String(text) => match text.as_str() {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            other => other.parse().or_else(|_| wrong(format!("`{other}` is no double"))),
        },
        _ => wrong("not a number"),
    }
}

fn kind(value: &Value) -> Read<i32> {
    member(value, |name| SpanKind::from_str_name(name).map(|kind| kind as i32))
}

fn status_code(value: &Value) -> Read<i32> {
    member(value, |name| StatusCode::from_str_name(name).map(|code| code as i32))
}

/// An enum member: its number or its name.
fn member(value: &Value, named: impl Fn(&str) -> Option<i32>) -> Read<i32> {
    match value {
        Value::String(name) => match named(name) {
            Some(number) => Ok(number),
            None => name.parse().or_else(|_| wrong(format!("`{name}` is no member"))),
        },
        Value::Number(number) => {
            let narrow = number.as_i64().and_then(|wide| i32::try_from(wide).ok());
            narrow.map_or_else(|| wrong(format!("`{number}` is no member")), Ok)
        }
        _ => wrong("not a member's number or name"),
    }
}

/// An id: hex digits of either case, or nothing.
fn hex(value: &Value) -> Read<Vec<u8>> {
    let digits = text(value)?;
    let bytes: Option<Vec<u8>> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some((digit(*high)? << 4) | digit(*low)?),
            _ => None,
        })
        .collect();
    bytes.map_or_else(|| wrong(format!("`{digits}` is not hex")), Ok)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Base64 with either alphabet, padded or not.
fn base64(value: &Value) -> Read<Vec<u8>> {
    let encoded = text(value)?;
    let mut out = Vec::with_capacity(encoded.len() / 4 * 3);
    let (mut bits, mut held) = (0u32, 0);
    for byte in encoded.trim_end_matches('=').bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return wrong(format!("`{encoded}` is not base64")),
        };
        bits = (bits << 6) | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((bits >> held) & 0xff).unwrap_or_default());
            bits &= (1 << held) - 1;
        }
    }
    // Six bits alone are no byte, and bits left over are zero in what an encoder writes.
    if held >= 6 || bits != 0 { wrong(format!("`{encoded}` is not base64")) } else { Ok(out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(span: &str) -> Result<Span, JsonError> {
        let text = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}"#);
        read(&text).map(|request| request.unwrap().resource_spans[0].scope_spans[0].spans[0].clone())
    }

    fn value(json: &str) -> Result<Option<Any>, JsonError> {
        one(&format!(r#"{{"attributes":[{{"key":"k","value":{json}}}]}}"#)).map(|span| span.attributes[0].value.clone().unwrap().value)
    }

    #[test]
    fn every_kind_of_value_is_read() {
        for (json, expected) in [
            (r#"{"stringValue":"ü"}"#, Some(Any::StringValue("ü".to_owned()))),
            (r#"{"stringValue":""}"#, Some(Any::StringValue(String::new()))),
            (r#"{"intValue":"-9223372036854775808"}"#, Some(Any::IntValue(i64::MIN))),
            (r#"{"intValue":5}"#, Some(Any::IntValue(5))),
            (r#"{"int_value":"5"}"#, Some(Any::IntValue(5))),
            (r#"{"boolValue":false}"#, Some(Any::BoolValue(false))),
            (r#"{"doubleValue":0.1}"#, Some(Any::DoubleValue(0.1))),
            (r#"{"doubleValue":7}"#, Some(Any::DoubleValue(7.0))),
            (r#"{"doubleValue":"-Infinity"}"#, Some(Any::DoubleValue(f64::NEG_INFINITY))),
            (r#"{"bytesValue":"AP/+"}"#, Some(Any::BytesValue(vec![0, 255, 254]))),
            (r#"{"bytesValue":"AP8="}"#, Some(Any::BytesValue(vec![0, 255]))),
            (r#"{"bytesValue":"AP8"}"#, Some(Any::BytesValue(vec![0, 255]))),
            (r#"{"bytesValue":"_-8="}"#, Some(Any::BytesValue(vec![255, 239]))),
            (r#"{"bytesValue":""}"#, Some(Any::BytesValue(Vec::new()))),
            (r#"{"arrayValue":{}}"#, Some(Any::ArrayValue(ArrayValue { values: Vec::new() }))),
            (
                r#"{"arrayValue":{"values":[{"intValue":"1"},{}]}}"#,
                Some(Any::ArrayValue(ArrayValue { values: vec![AnyValue { value: Some(Any::IntValue(1)) }, AnyValue { value: None }] })),
            ),
            (
                r#"{"kvlistValue":{"values":[{"key":"a"}]}}"#,
                Some(Any::KvlistValue(KeyValueList { values: vec![KeyValue { key: "a".to_owned(), ..KeyValue::default() }] })),
            ),
            (r#"{"newValue":1}"#, None),
            ("{}", None),
        ] {
            assert_eq!(value(json).unwrap(), expected, "{json}");
        }
    }

    #[test]
    fn members_are_numbers_or_names_and_ids_are_hex() {
        let read =
            one(r#"{"traceId":"0AF7651916CD43DD8448EB211C80319C","spanId":"b7ad6b7169203331","parentSpanId":"","kind":"SPAN_KIND_CLIENT",
                "startTimeUnixNano":"18446744073709551615","end_time_unix_nano":7,"status":{"code":"STATUS_CODE_ERROR"},"flags":769,
                "name":null,"unknown":{"a":[1]}}"#)
            .unwrap();
        assert_eq!(read.trace_id, [0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c]);
        assert_eq!((read.kind, read.status.unwrap().code, read.flags), (3, 2, 769));
        assert_eq!((read.start_time_unix_nano, read.end_time_unix_nano), (u64::MAX, 7));
        assert_eq!(one(r#"{"kind":3}"#).unwrap().kind, 3);
    }

    #[test]
    fn errors_say_where() {
        for (json, path) in [
            (r#"{"traceId":"xy"}"#, ".traceId"),
            (r#"{"traceId":"abc"}"#, ".traceId"),
            (r#"{"kind":"CLIENT"}"#, ".kind"),
            (r#"{"startTimeUnixNano":"-1"}"#, ".startTimeUnixNano"),
            (r#"{"attributes":{"a":1}}"#, ".attributes"),
            (r#"{"events":[{},{"name":5}]}"#, ".events[1].name"),
            (
                r#"{"attributes":[{"key":"a","value":{"arrayValue":{"values":[{"bytesValue":"?"}]}}}]}"#,
                ".attributes[0].value.arrayValue.values[0].bytesValue",
            ),
            ("[]", ""),
        ] {
            assert_eq!(one(json).unwrap_err().path, format!("resourceSpans[0].scopeSpans[0].spans[0]{path}"), "{json}");
        }
        assert_eq!(read("{").unwrap_err().path, "");
        assert_eq!(read(r#"{"resourceLogs":[]}"#), Ok(None));
    }
}
