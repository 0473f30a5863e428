//! The call table: which spans come below which calls, and what its knowledge says of calls without a child.

use fluo_lang::program::Step;

use super::truth::{Reason, Reasons};
use super::value::data_of;
use super::world::World;
use crate::model::{Attributes, Kind, SpanData, Status, attribute};

/// What tells calls apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallKey {
    /// `service.name` of the caller.
    pub service: Option<String>,
    /// The call's name.
    pub name: String,
    /// `server.address`.
    pub server_address: Option<String>,
    /// `rpc.service`.
    pub rpc_service: Option<String>,
    /// `peer.service`.
    pub peer_service: Option<String>,
    /// `messaging.destination.name`.
    pub destination: Option<String>,
}

/// How often a span of a selector came below a call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallEntry {
    /// The call.
    pub call: CallKey,
    /// The steps of the spanset that the missing span would belong to.
    pub selector: Vec<Step>,
    /// Complete traces that had the call.
    pub traces: u64,
    /// Those of them in which such a span lay below every such call.
    pub below: u64,
}

/// The table as an input of the evaluation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CallTable {
    /// Its entries.
    pub entries: Vec<CallEntry>,
}

impl CallKey {
    /// The key of a call.
    #[must_use]
    pub fn of(span: &SpanData) -> Self {
        let text = |attributes: &Attributes, key: &str| data_of(attribute(attributes, key)?, false).first().map(|(datum, _)| datum.text());
        Self {
            service: text(&span.resource.attributes, "service.name"),
            name: span.name.clone(),
            server_address: text(&span.attributes, "server.address"),
            rpc_service: text(&span.attributes, "rpc.service"),
            peer_service: text(&span.attributes, "peer.service"),
            destination: text(&span.attributes, "messaging.destination.name"),
        }
    }
}

/// Whether the trace has a call without child below which a span of the selector is expected: any call, or only calls below the
/// given span.
pub(super) fn dangling(world: &World<'_>, selector: &[Step], below: Option<usize>) -> Reasons {
    let expected = |at: usize| {
        let span = world.span(at);
        let calls = match span.kind {
            Kind::Client => span.status != Status::Error,
            Kind::Producer => true,
            _ => false,
        };
        calls && world.children(at).is_empty() && {
            let key = CallKey::of(span);
            world.calls.entries.iter().any(|entry| {
                entry.call == key && entry.selector == selector && entry.traces >= 100 && entry.below * 100 >= entry.traces * 99
            })
        }
    };
    let counts = |at: usize| below.is_none_or(|me| world.ancestors(at).contains(&me));
    if world.stream.is_none() && (0..world.spans.len()).any(|at| counts(at) && expected(at)) {
        Reasons::of(Reason::Dangling)
    } else {
        Reasons::NONE
    }
}
