//! The C interface of Fluo. `include/fluo.h` is generated from this crate; what a caller has to know stands there.
//!
//! This is the only crate with unsafe code. Raw pointers are turned into references, slices and owned values in `boundary` and
//! `buffer`; the other files hold no logic of their own beyond the order in which arguments are checked. Every function checks its
//! arguments before it changes anything and runs behind [`std::panic::catch_unwind`]: an unwinding panic never reaches the host.
//!
//! The library keeps no state outside its handles but one counter of living engines. It installs no panic hook, no allocator and no
//! logger, starts no thread and has no thread-local state, so that any number of hosts in one process can link it.
#![allow(unsafe_code, reason = "C callers pass raw pointers; this crate is where they become references")]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block)]
#![allow(clippy::missing_safety_doc, reason = "the prose of each function is the contract with C callers and becomes the header")]

mod boundary;

// From here on in the order in which the header declares things.
mod version;

mod status;

mod ruleset;

mod engine;

mod buffer;

#[cfg(feature = "faults")]
mod faults;

pub use buffer::{Buffer, fluo_buffer_free};
pub use engine::{
    DrainResult, EngineHandle, Form, IngestResult, Kind, fluo_engine_drain, fluo_engine_flush, fluo_engine_free, fluo_engine_ingest,
    fluo_engine_live_count, fluo_engine_new, fluo_engine_projection, fluo_engine_stats, fluo_engine_swap, fluo_engine_tick,
};
#[cfg(feature = "faults")]
pub use faults::fluo_fault_over_read;
pub use ruleset::{RulesetHandle, fluo_ruleset_compile, fluo_ruleset_free};
pub use status::Status;
pub use version::{FLUO_ABI_VERSION, fluo_abi_version, fluo_build_id};
