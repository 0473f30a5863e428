//! OTLP bytes: a reader that looks only at what the rules need, and an encoder for what leaves.
//!
//! The reader never allocates a message: it walks the frames and hands out views into the bytes. The encoder is the only place
//! that knows the generated protobuf types.

mod encode;
mod items;
mod keys;
mod read;
mod slots;
mod value;
mod view;
mod wire;

pub use encode::{encode_logs, encode_spans};
pub use items::{EventView, Events, LinkView, Links};
pub use keys::KeyTable;
pub use read::{ReadReport, Scratch, read_traces};
pub use value::{AnyValueRef, KvListRef, ListRef};
pub use view::{Attributes, ResourceView, ScopeView, SpanView};
