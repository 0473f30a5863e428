//! The number of living engines. Alone in its process, because the counter belongs to the process.
#![allow(unsafe_code, reason = "these tests stand where a C host stands")]

use std::ptr;

use fluo::{Buffer, Status, fluo_engine_free, fluo_engine_live_count, fluo_engine_new, fluo_ruleset_compile, fluo_ruleset_free};

#[test]
fn every_engine_counts_until_it_is_freed() {
    let request = br#"{"sources":[{"name":"rules","inline":[{"name":"many","never":"trace.spans.count() > 9"}]}]}"#;
    let (mut rules, mut engines) = (ptr::null_mut(), [ptr::null_mut(); 3]);
    // SAFETY: all pointers are to locals or null.
    let status = unsafe { fluo_ruleset_compile(request.as_ptr(), request.len(), &mut rules, ptr::null_mut()) };
    assert_eq!((status, fluo_engine_live_count()), (Status::Ok, 0));
    for (number, engine) in engines.iter_mut().enumerate() {
        // SAFETY: the rule set is alive, the rest points to locals or is null.
        let status = unsafe { fluo_engine_new(rules, ptr::null(), 0, 1, engine, ptr::null_mut::<Buffer>()) };
        assert_eq!((status, fluo_engine_live_count()), (Status::Ok, number + 1));
    }
    let mut refused = ptr::null_mut();
    // SAFETY: as above.
    let status = unsafe { fluo_engine_new(rules, b"?".as_ptr(), 1, 1, &mut refused, ptr::null_mut()) };
    assert_eq!((status, fluo_engine_live_count()), (Status::InvalidConfig, 3));
    // SAFETY: engines do not need the rule set any more.
    unsafe { fluo_ruleset_free(rules) };
    for (number, engine) in engines.into_iter().enumerate() {
        // SAFETY: made above, freed once.
        unsafe { fluo_engine_free(engine) };
        assert_eq!(fluo_engine_live_count(), 2 - number);
    }
}
