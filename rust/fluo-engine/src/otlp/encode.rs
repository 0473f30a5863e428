//! Signals as serialized OTLP: one log record each, or one span each.

mod attributes;
mod logs;
mod spans;

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;

use self::attributes::text;
use crate::projection::OWN_SCOPE;
use crate::signal::Signal;

pub use logs::encode_logs;
pub use spans::encode_spans;

/// Attributes that the configuration adds to the resource of every signal; they take precedence over the signal's own.
type Added = BTreeMap<String, String>;

fn scope() -> InstrumentationScope {
    InstrumentationScope { name: OWN_SCOPE.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned(), ..InstrumentationScope::default() }
}

/// The signals by their resource, in the order in which resources first occur.
fn by_resource<'s>(signals: &'s [Signal], added: &Added) -> Vec<(Resource, Vec<&'s Signal>)> {
    let mut places: BTreeMap<&[(String, String)], usize> = BTreeMap::new();
    let mut out: Vec<(Resource, Vec<&Signal>)> = Vec::new();
    for signal in signals {
        let place = *places.entry(&signal.resource).or_insert(out.len());
        if let Some((_, members)) = out.get_mut(place) {
            members.push(signal);
        } else {
            out.push((resource(&signal.resource, added), vec![signal]));
        }
    }
    out
}

fn resource(own: &[(String, String)], added: &Added) -> Resource {
    let own = own.iter().filter(|(key, _)| !added.contains_key(key));
    let attributes: Vec<KeyValue> =
        own.map(|(k, v)| (k, v)).chain(added).map(|(key, value)| attributes::pair(key.clone(), text(value))).collect();
    Resource { attributes, ..Resource::default() }
}

fn trace_id(id: [u8; 16]) -> Vec<u8> {
    if id == [0; 16] { Vec::new() } else { id.to_vec() }
}

fn span_id(id: Option<u64>) -> Vec<u8> {
    id.map(|id| id.to_be_bytes().to_vec()).unwrap_or_default()
}
