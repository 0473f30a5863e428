//! Arguments that break the contract are answered, not followed.

use std::ptr;

use fluo::{
    Buffer, DrainResult, EngineHandle, Form, IngestResult, Kind, RulesetHandle, Status, fluo_engine_drain, fluo_engine_flush,
    fluo_engine_free, fluo_engine_ingest, fluo_engine_new, fluo_engine_projection, fluo_engine_stats, fluo_engine_swap, fluo_engine_tick,
    fluo_ruleset_compile, fluo_ruleset_free,
};

use super::host::{Host, PAYMENT, Rules, drain_result, ingest_result, take};
use super::messages::{START, charge};

const TRACES: u32 = Kind::Traces as u32;
const LOGS: u32 = Form::Logs as u32;

#[test]
fn null_pointers_are_invalid_arguments() {
    let rules = Rules::file(PAYMENT);
    let host = Host::with(&rules, START);
    let engine: *const EngineHandle = host.0;
    let (no_engine, no_rules) = (ptr::null::<EngineHandle>(), ptr::null::<RulesetHandle>());
    let mut made = ptr::null_mut();
    let mut compiled = ptr::null_mut();
    let (mut buffer, mut result, mut drained) = (Buffer::empty(), ingest_result(), drain_result());
    let (buffer_out, none): (*mut Buffer, *const u8) = (&raw mut buffer, ptr::null());
    let (result_out, drained_out): (*mut IngestResult, *mut DrainResult) = (&raw mut result, &raw mut drained);
    let answers = [
        // SAFETY: null is part of the contract, and so for every call below.
        unsafe { fluo_ruleset_compile(b"{}".as_ptr(), 2, ptr::null_mut(), buffer_out) },
        // SAFETY: see above.
        unsafe { fluo_ruleset_compile(none, 2, &raw mut compiled, buffer_out) },
        // SAFETY: see above.
        unsafe { fluo_engine_new(no_rules, none, 0, START, &raw mut made, buffer_out) },
        // SAFETY: see above.
        unsafe { fluo_engine_new(rules.0, none, 0, START, ptr::null_mut(), buffer_out) },
        // SAFETY: see above.
        unsafe { fluo_engine_new(rules.0, none, 1, START, &raw mut made, buffer_out) },
        // SAFETY: see above.
        unsafe { fluo_engine_swap(no_engine, rules.0, START, buffer_out) },
        // SAFETY: see above.
        unsafe { fluo_engine_swap(engine, no_rules, START, buffer_out) },
        // SAFETY: see above.
        unsafe { fluo_engine_projection(no_engine, buffer_out) },
        // SAFETY: see above.
        unsafe { fluo_engine_projection(engine, ptr::null_mut()) },
        // SAFETY: see above.
        unsafe { fluo_engine_ingest(no_engine, TRACES, 0, START, none, 0, result_out) },
        // SAFETY: see above.
        unsafe { fluo_engine_ingest(engine, TRACES, 0, START, none, 1, result_out) },
        // SAFETY: see above.
        unsafe { fluo_engine_ingest(engine, TRACES, 0, START, none, 0, ptr::null_mut()) },
        // SAFETY: see above.
        unsafe { fluo_engine_tick(no_engine, START, result_out) },
        // SAFETY: see above.
        unsafe { fluo_engine_tick(engine, START, ptr::null_mut()) },
        // SAFETY: see above.
        unsafe { fluo_engine_flush(no_engine, START, result_out) },
        // SAFETY: see above.
        unsafe { fluo_engine_flush(engine, START, ptr::null_mut()) },
        // SAFETY: see above.
        unsafe { fluo_engine_drain(no_engine, LOGS, START, 1, buffer_out, drained_out) },
        // SAFETY: see above.
        unsafe { fluo_engine_drain(engine, LOGS, START, 1, ptr::null_mut(), drained_out) },
        // SAFETY: see above.
        unsafe { fluo_engine_drain(engine, LOGS, START, 1, buffer_out, ptr::null_mut()) },
        // SAFETY: see above.
        unsafe { fluo_engine_stats(no_engine, buffer_out) },
        // SAFETY: see above.
        unsafe { fluo_engine_stats(engine, ptr::null_mut()) },
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer, Status::InvalidArgument, "call {number}");
    }
    assert!(made.is_null() && compiled.is_null() && buffer.data.is_null());
    let (status, _) = host.ingest(0, START, &charge(1, true));
    assert_eq!(status, Status::Ok, "the refused flush did not close the engine");
}

#[test]
fn null_may_be_freed_and_error_text_may_be_unwanted() {
    // SAFETY: null is part of the contract.
    unsafe { fluo_ruleset_free(ptr::null_mut()) };
    // SAFETY: null is part of the contract.
    unsafe { fluo_engine_free(ptr::null_mut()) };

    let mut rules = ptr::null_mut();
    // SAFETY: diagnostics may be null.
    let status = unsafe { fluo_ruleset_compile(b"nonsense".as_ptr(), 8, &mut rules, ptr::null_mut()) };
    assert_eq!(status, Status::InvalidArgument);
    let rules = Rules::file(PAYMENT);
    let mut engine = ptr::null_mut();
    // SAFETY: the error text may be null.
    let status = unsafe { fluo_engine_new(rules.0, b"[]".as_ptr(), 2, START, &mut engine, ptr::null_mut()) };
    assert_eq!(status, Status::InvalidConfig);
}

#[test]
fn an_out_handle_is_null_after_an_error() {
    let stale = std::ptr::NonNull::<RulesetHandle>::dangling().as_ptr();
    let mut rules = stale;
    // SAFETY: all pointers are to locals or null.
    let status = unsafe { fluo_ruleset_compile(b"{}".as_ptr(), 2, &mut rules, ptr::null_mut()) };
    assert_eq!(status, Status::InvalidArgument);
    assert!(rules.is_null());
}

#[test]
fn numbers_that_name_nothing_are_refused_and_take_no_signals() {
    let rules = Rules::file(PAYMENT);
    let host = Host::with(&rules, START);
    let bytes = charge(1, false);
    assert_eq!(host.ingest(0, START, &bytes).0, Status::Ok);
    let (_, result) = host.tick(super::messages::SETTLED);
    assert_eq!(result.signals_pending, 1);
    let mut result = ingest_result();
    let mut drained = drain_result();
    let mut buffer = Buffer::empty();
    for number in [0, 2, 3, 255, u32::MAX] {
        // SAFETY: the handle is alive, the rest points to locals.
        let status = unsafe { fluo_engine_ingest(host.0, number, 0, START, bytes.as_ptr(), bytes.len(), &mut result) };
        assert_eq!(status, Status::InvalidArgument, "kind {number}");
    }
    for number in [0, 3, 255, u32::MAX] {
        // SAFETY: the handle is alive, the rest points to locals.
        let status = unsafe { fluo_engine_drain(host.0, number, START, 9, &mut buffer, &mut drained) };
        assert_eq!(status, Status::InvalidArgument, "form {number}");
    }
    assert!(buffer.data.is_null());
    assert_eq!(host.records(START).len(), 1);
}

#[test]
fn a_buffer_that_is_not_empty_is_refused_and_kept() {
    let rules = Rules::file(PAYMENT);
    let host = Host::with(&rules, START);
    let mut buffer = Buffer::empty();
    // SAFETY: the handle is alive.
    assert_eq!(unsafe { fluo_engine_stats(host.0, &mut buffer) }, Status::Ok);
    let data = buffer.data;
    // SAFETY: the handle is alive.
    assert_eq!(unsafe { fluo_engine_stats(host.0, &mut buffer) }, Status::InvalidArgument);
    assert_eq!(buffer.data, data);
    assert!(!take(&mut buffer).is_empty());
}

#[test]
fn a_struct_that_is_too_small_is_refused_before_anything_is_done() {
    let rules = Rules::file(PAYMENT);
    let host = Host::with(&rules, START);
    let bytes = charge(1, true);
    for size in [0, 8, size_of::<IngestResult>() - 1] {
        let mut result = IngestResult { size, spans: 77, ..IngestResult::default() };
        // SAFETY: the handle is alive, the rest points to locals.
        let status = unsafe { fluo_engine_ingest(host.0, TRACES, 0, START, bytes.as_ptr(), bytes.len(), &mut result) };
        assert_eq!((status, result.spans), (Status::InvalidArgument, 77), "size {size}");
    }
    assert_eq!(host.stats()["spans_received"], 0);
}

#[test]
fn the_tail_of_a_longer_struct_is_left_alone() {
    #[repr(C)]
    struct Later {
        known: IngestResult,
        added: [u64; 4],
    }
    let rules = Rules::file(PAYMENT);
    let host = Host::with(&rules, START);
    let bytes = charge(1, true);
    let mut later = Later { known: IngestResult { size: size_of::<Later>(), ..IngestResult::default() }, added: [7; 4] };
    let out = (&raw mut later).cast::<IngestResult>();
    // SAFETY: the handle is alive, the struct is as large as it says.
    let status = unsafe { fluo_engine_ingest(host.0, TRACES, 0, START, bytes.as_ptr(), bytes.len(), out) };
    assert_eq!((status, later.known.spans), (Status::Ok, 3));
    assert_eq!((later.known.size, later.added), (size_of::<Later>(), [7; 4]));
}
