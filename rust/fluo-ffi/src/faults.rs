//! Failing on purpose, for the tests of the safety nets. Not part of any archive that is given to users.

/// Reads the byte one past the end of `data`. An address sanitizer must stop the program here; where none watches, the answer has no
/// meaning.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fluo_fault_over_read(data: *const u8, len: usize) -> u32 {
    // SAFETY: none, which is the point: the sanitizer that the caller runs under has to notice.
    let place = unsafe { data.add(len) };
    // SAFETY: see above.
    u32::from(unsafe { place.read_volatile() })
}
