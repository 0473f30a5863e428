//! Memory that crosses the boundary: bytes borrowed from the caller and bytes owned by the library.

use std::{mem, ptr, slice};

use crate::boundary::no_unwind;
use crate::status::Status;

/// Bytes that the library allocated for the caller.
///
/// The caller declares it zero-initialised (`fluo_buffer b = {0};`) and passes its address; a function that fills it expects all
/// fields to be zero, which keeps it from overwriting bytes that nobody could free any more. `data` is NULL when there are no bytes.
/// The bytes belong to the caller, may be read from any thread, outlive every engine and rule set, and are given back with
/// fluo_buffer_free() and nothing else: not with free(), and not after changing a field. They are not NUL-terminated.
#[repr(C)]
#[derive(Debug)]
pub struct Buffer {
    /// First byte, or NULL.
    pub data: *mut u8,
    /// Bytes to read.
    pub len: usize,
    /// Bytes allocated; only fluo_buffer_free() needs it.
    pub cap: usize,
}

impl Buffer {
    /// No bytes.
    #[must_use]
    pub const fn empty() -> Self {
        Self { data: ptr::null_mut(), len: 0, cap: 0 }
    }

    /// Hands bytes over to the caller. An empty vector becomes a null pointer, because hosts that check pointers (Go does) trip over
    /// the dangling address that Rust uses for it.
    pub(crate) fn give(&mut self, bytes: Vec<u8>) {
        if bytes.is_empty() {
            *self = Self::empty();
            return;
        }
        let mut bytes = mem::ManuallyDrop::new(bytes);
        *self = Self { data: bytes.as_mut_ptr(), len: bytes.len(), cap: bytes.capacity() };
    }

    /// Takes the bytes back and leaves the buffer empty.
    ///
    /// # Safety
    /// The fields are those that [`Buffer::give`] wrote, or all zero.
    unsafe fn take(&mut self) -> Vec<u8> {
        let Self { data, len, cap } = mem::replace(self, Self::empty());
        if data.is_null() {
            return Vec::new();
        }
        // SAFETY: `give` disassembled a vector into exactly these three fields, and the buffer no longer refers to them.
        unsafe { Vec::from_raw_parts(data, len, cap) }
    }
}

/// An out-parameter that must be given.
///
/// # Safety
/// `out` is null or points to a buffer that nobody else uses for the length of the call.
pub(crate) unsafe fn required<'a>(out: *mut Buffer) -> Result<&'a mut Buffer, Status> {
    // SAFETY: the caller of this function promises what `as_mut` asks for.
    let buffer = unsafe { out.as_mut() }.ok_or(Status::InvalidArgument)?;
    if buffer.data.is_null() && buffer.len == 0 && buffer.cap == 0 { Ok(buffer) } else { Err(Status::InvalidArgument) }
}

/// An out-parameter that may be NULL when the caller does not want the text.
///
/// # Safety
/// As [`required`].
pub(crate) unsafe fn optional<'a>(out: *mut Buffer) -> Result<Option<&'a mut Buffer>, Status> {
    if out.is_null() {
        return Ok(None);
    }
    // SAFETY: passed on from the caller of this function.
    unsafe { required(out) }.map(Some)
}

/// Bytes borrowed from the caller until the call returns. NULL is allowed for no bytes.
///
/// # Safety
/// `data` points to `len` readable bytes that nobody writes to for the length of the call, or is null.
pub(crate) unsafe fn borrowed<'a>(data: *const u8, len: usize) -> Result<&'a [u8], Status> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() || isize::try_from(len).is_err() {
        return Err(Status::InvalidArgument);
    }
    // SAFETY: not null, at most isize::MAX bytes, and the caller promises that they are readable and unchanged.
    Ok(unsafe { slice::from_raw_parts(data, len) })
}

/// Gives the bytes of a buffer back and sets all its fields to zero, after which it can be filled or freed again.
///
/// Ownership: the bytes are gone; the struct itself stays the caller's. NULL and an empty buffer are allowed and do nothing.
/// Threads: any thread, not necessarily the one that filled the buffer; not two threads on one buffer at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fluo_buffer_free(buffer: *mut Buffer) {
    no_unwind(|| {
        // SAFETY: the caller passes null or the only pointer to one of its buffers.
        if let Some(buffer) = unsafe { buffer.as_mut() } {
            // SAFETY: the fields are private to the library by the header's contract, so they are as `give` left them.
            drop(unsafe { buffer.take() });
        }
    });
}
