//! What is held between messages: open traces, by shard, and what their spans have in common.

pub(crate) mod calls;
pub(crate) mod combination;
pub(crate) mod numbers;
pub(crate) mod pool;
pub(crate) mod record;
pub(crate) mod resource;
mod seen;
pub(crate) mod shape;
pub(crate) mod table;
pub(crate) mod trace;
pub(crate) mod values;
