//! What is held between messages: open traces, by shard, and what their spans have in common.

pub(crate) mod calls;
pub(crate) mod combination;
pub(crate) mod record;
pub(crate) mod resource;
pub(crate) mod trace;
