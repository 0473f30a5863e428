//! The step from C into Rust: panics stop here, pointers become references here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{mem, ptr};

use crate::status::Status;

/// Runs `call`; `None` when it panicked.
///
/// `AssertUnwindSafe` holds because whatever a panicking call may have left half done is either local to it or behind a [`Poison`]
/// that is set before anyone else can look.
fn catch<T>(call: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(value) => Some(value),
        Err(payload) => {
            // Dropping a payload can panic in its turn. What that panic carries is leaked, or this would have no end.
            if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                mem::forget(again);
            }
            None
        }
    }
}

/// Runs a call that has no handle to poison.
pub(crate) fn guarded(call: impl FnOnce() -> Result<(), Status>) -> Status {
    flatten(catch(call))
}

/// Runs a call that cannot report anything.
pub(crate) fn no_unwind(call: impl FnOnce()) {
    let _panicked = catch(call).is_none();
}

fn flatten(outcome: Option<Result<(), Status>>) -> Status {
    match outcome {
        Some(Ok(())) => Status::Ok,
        Some(Err(status)) => status,
        None => Status::Panic,
    }
}

/// Whether a call on one handle ever panicked. The state behind the handle may be half changed then, so nobody looks at it again.
#[derive(Debug, Default)]
pub(crate) struct Poison(AtomicBool);

impl Poison {
    /// Runs a call on the handle that this belongs to, unless an earlier one panicked.
    pub(crate) fn guarded(&self, call: impl FnOnce() -> Result<(), Status>) -> Status {
        if self.0.load(Ordering::Acquire) {
            return Status::Poisoned;
        }
        let outcome = catch(call);
        if outcome.is_none() {
            self.0.store(true, Ordering::Release);
        }
        flatten(outcome)
    }
}

/// A handle that the caller lends for the length of a call.
///
/// # Safety
/// `handle` is null or came from [`HandleOut::give`] and is taken back by nobody before the call returns.
pub(crate) unsafe fn lent<'a, T>(handle: *const T) -> Result<&'a T, Status> {
    // SAFETY: passed on from the caller of this function.
    unsafe { handle.as_ref() }.ok_or(Status::InvalidArgument)
}

/// Takes a handle back and drops it; NULL is allowed.
///
/// # Safety
/// `handle` is null or came from [`HandleOut::give`] and is used by nobody any more.
pub(crate) unsafe fn take_back<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: made by `Box::into_raw`, and the caller gives up the only pointer to it.
        let owned = unsafe { Box::from_raw(handle) };
        no_unwind(|| drop(owned));
    }
}

/// Where a new handle goes.
pub(crate) struct HandleOut<T>(*mut *mut T);

impl<T> HandleOut<T> {
    /// Checks the place and writes NULL to it, so that the caller finds nothing stale there after an error.
    ///
    /// # Safety
    /// `out` is null or points to a pointer that stays writable, and is used by nobody else, for the length of the call.
    pub(crate) unsafe fn check(out: *mut *mut T) -> Result<Self, Status> {
        if out.is_null() {
            return Err(Status::InvalidArgument);
        }
        // SAFETY: not null, and writable by the promise of the caller of this function.
        unsafe { out.write(ptr::null_mut()) };
        Ok(Self(out))
    }

    /// Gives a new handle to the caller, who owns it until [`take_back`].
    pub(crate) fn give(self, value: T) {
        // SAFETY: `check` was told that the place stays writable for the length of the call.
        unsafe { self.0.write(Box::into_raw(Box::new(value))) };
    }
}

/// A result struct that begins with the size that the caller believes it to have, so that fields can be added behind the last.
pub(crate) trait SizedResult {
    /// The first field of the struct.
    fn size_mut(&mut self) -> &mut usize;
}

/// Where a result struct goes.
pub(crate) struct ResultOut<T> {
    place: *mut T,
    size: usize,
}

impl<T: SizedResult> ResultOut<T> {
    /// Checks the place before anything is done that would have to be reported there.
    ///
    /// # Safety
    /// `out` is null or points to a struct that begins with its size in bytes; so many bytes stay writable, and are used by nobody
    /// else, for the length of the call.
    pub(crate) unsafe fn check(out: *mut T) -> Result<Self, Status> {
        if out.is_null() {
            return Err(Status::InvalidArgument);
        }
        // SAFETY: not null, and the struct begins with a `usize` by the promise of the caller of this function.
        let size = unsafe { out.cast::<usize>().read() };
        if size < mem::size_of::<T>() {
            return Err(Status::InvalidArgument);
        }
        Ok(Self { place: out, size })
    }

    /// Writes the fields that this version of the library knows and leaves what lies behind them alone.
    pub(crate) fn write(self, mut value: T) {
        *value.size_mut() = self.size;
        // SAFETY: `check` made sure that the caller's struct is large enough, and was told that it stays writable.
        unsafe { self.place.write(value) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A panic payload that panics again when it is dropped.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }

    #[test]
    fn a_panic_becomes_a_status_and_closes_only_its_own_handle() {
        let (one, other) = (Poison::default(), Poison::default());
        assert_eq!(one.guarded(|| Ok(())), Status::Ok);
        assert_eq!(one.guarded(|| Err(Status::Closed)), Status::Closed);
        assert_eq!(one.guarded(|| panic!("on purpose")), Status::Panic);
        let mut called = false;
        let after = one.guarded(|| {
            called = true;
            Ok(())
        });
        assert_eq!((after, called), (Status::Poisoned, false));
        assert_eq!(other.guarded(|| Ok(())), Status::Ok);
    }

    #[test]
    fn a_payload_that_panics_in_its_turn_does_not_get_out() {
        assert_eq!(guarded(|| std::panic::panic_any(Bomb)), Status::Panic);
        no_unwind(|| std::panic::panic_any(Bomb));
    }

    #[test]
    fn a_handle_whose_drop_panics_is_still_taken_back() {
        let mut handle = ptr::null_mut();
        // SAFETY: the place is a local.
        let out = unsafe { HandleOut::check(&raw mut handle) };
        out.map(|out| out.give(Bomb)).expect("a place");
        // SAFETY: made above, taken back once.
        unsafe { take_back(handle) };
    }
}
