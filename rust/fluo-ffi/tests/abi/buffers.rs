//! Buffers across calls and threads.

use fluo::{Buffer, Form, fluo_buffer_free};

use super::host::{Host, PAYMENT, Rules};
use super::messages::START;

#[test]
fn nothing_is_a_null_pointer() {
    let rules = Rules::file(PAYMENT);
    let host = Host::with(&rules, START);
    let (_, bytes, result) = host.drain(Form::Logs, START, 10);
    assert!(bytes.is_empty(), "`take` checks the null pointer");
    assert_eq!((result.signals, result.more), (0, 0));
}

#[test]
fn freeing_twice_and_freeing_nothing_do_nothing() {
    let mut buffer = Buffer::empty();
    for _ in 0..2 {
        // SAFETY: an empty buffer may be freed.
        unsafe { fluo_buffer_free(&mut buffer) };
    }
    // SAFETY: so may none.
    unsafe { fluo_buffer_free(std::ptr::null_mut()) };
}

#[test]
fn bytes_outlive_the_engine_and_may_be_freed_by_another_thread() {
    let rules = Rules::file(PAYMENT);
    let host = Host::with(&rules, START);
    let mut buffer = Buffer::empty();
    // SAFETY: the handle is alive.
    let status = unsafe { fluo::fluo_engine_stats(host.0, &mut buffer) };
    assert_eq!(status, fluo::Status::Ok);
    drop(host);
    drop(rules);
    let (data, len, cap) = (buffer.data as usize, buffer.len, buffer.cap);
    let length = std::thread::spawn(move || {
        let mut buffer = Buffer { data: data as *mut u8, len, cap };
        super::host::take(&mut buffer).len()
    });
    assert_eq!(length.join().expect("the thread"), len);
}
