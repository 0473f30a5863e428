//! Spans as plain data: what the builder writes, what the reference evaluator reads.

use std::sync::Arc;

/// Identity of a trace.
pub type TraceId = [u8; 16];
/// Identity of a span in its trace.
pub type SpanId = [u8; 8];
/// Identity of a span in its trace where both halves of a call have one id: the id, and whether it is the entry half.
pub type Identity = (SpanId, bool);

/// An attribute value, every kind that OTLP knows.
#[derive(Debug, Clone, PartialEq)]
pub enum AnyValue {
    /// A value that was not set.
    Empty,
    /// Text.
    String(String),
    /// A truth value.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A double.
    Double(f64),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// A list.
    Array(Vec<AnyValue>),
    /// A map, in the order received.
    Map(Attributes),
}

/// Attributes in the order received; of equal keys the first counts.
pub type Attributes = Vec<(String, AnyValue)>;

/// The kind of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(missing_docs, reason = "the names are OTLP's")]
pub enum Kind {
    /// Not set; reads as internal.
    Unspecified,
    #[default]
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

impl Kind {
    /// The word that rules and the notation use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unspecified | Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }

    /// The kind that a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Internal, Self::Server, Self::Client, Self::Producer, Self::Consumer].into_iter().find(|kind| kind.word() == word)
    }
}

/// The status of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(missing_docs, reason = "the names are OTLP's")]
pub enum Status {
    #[default]
    Unset,
    Ok,
    Error,
}

impl Status {
    /// The word that rules and the notation use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}

/// The resource that a span was made by.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resource {
    /// Its attributes.
    pub attributes: Attributes,
    /// How many attributes were dropped.
    pub dropped_attributes: u32,
}

/// The instrumentation scope that a span was made by.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// How many attributes were dropped.
    pub dropped_attributes: u32,
}

/// An event of a span.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Unix nanoseconds.
    pub time: u64,
    /// Its attributes.
    pub attributes: Attributes,
    /// How many attributes were dropped.
    pub dropped_attributes: u32,
}

/// A link of a span.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Link {
    /// The linked trace.
    pub trace_id: TraceId,
    /// The linked span.
    pub span_id: SpanId,
    /// Its attributes.
    pub attributes: Attributes,
    /// How many attributes were dropped.
    pub dropped_attributes: u32,
}

/// A span with everything that rules can read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SpanData {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// Its parent's id; `None` for a span without parent.
    pub parent_id: Option<SpanId>,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Its status.
    pub status: Status,
    /// The text of the status.
    pub status_message: String,
    /// Start, Unix nanoseconds.
    pub start: u64,
    /// End, Unix nanoseconds.
    pub end: u64,
    /// Its attributes.
    pub attributes: Attributes,
    /// How many attributes were dropped.
    pub dropped_attributes: u32,
    /// Its events.
    pub events: Vec<Event>,
    /// How many events were dropped.
    pub dropped_events: u32,
    /// Its links.
    pub links: Vec<Link>,
    /// How many links were dropped.
    pub dropped_links: u32,
    /// The resource.
    pub resource: Arc<Resource>,
    /// The instrumentation scope.
    pub scope: Arc<Scope>,
}

impl SpanData {
    /// Whether it is the entry half of a call: both halves may have one span id.
    #[must_use]
    pub const fn is_entry(&self) -> bool {
        matches!(self.kind, Kind::Server | Kind::Consumer)
    }

    /// What tells it from the other spans of its trace.
    #[must_use]
    pub const fn identity(&self) -> Identity {
        (self.span_id, self.is_entry())
    }
}

/// Spans that arrived together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Arrival time, Unix nanoseconds.
    pub at: u64,
    /// The spans in the order of the message.
    pub spans: Vec<SpanData>,
}

/// Lower-case hex of an id.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value of an attribute: that of the first such key, unless it was not set.
#[must_use]
pub fn attribute<'a>(attributes: &'a Attributes, key: &str) -> Option<&'a AnyValue> {
    attributes.iter().find(|(k, _)| k == key).map(|(_, value)| value).filter(|value| **value != AnyValue::Empty)
}
