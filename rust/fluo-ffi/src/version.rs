//! Which interface and which build this is.

use std::ffi::c_char;

/// Version of the interface. It changes when a program written for one version could misbehave with the other; adding functions,
/// status numbers, JSON keys or fields at the end of a result struct does not change it.
pub const FLUO_ABI_VERSION: u32 = 1;

const ID: &str = env!("FLUO_BUILD_ID");
const MARK_LEN: usize = "fluo-build-id:".len();
const MARKED_LEN: usize = MARK_LEN + ID.len() + 1;

/// The build id behind a mark by which it is found in the archive: `grep -aoE 'fluo-build-id:[0-9a-f]+' libfluo.a`.
#[used]
static MARKED: [u8; MARKED_LEN] = array(concat!("fluo-build-id:", env!("FLUO_BUILD_ID"), "\0"));

/// The bytes by value, so that the text stands in the archive once.
const fn array(text: &str) -> [u8; MARKED_LEN] {
    let mut bytes = [0; MARKED_LEN];
    bytes.copy_from_slice(text.as_bytes());
    bytes
}

/// Answers the FLUO_ABI_VERSION of the library. A host that was compiled with another number must not call anything else.
#[unsafe(no_mangle)]
pub extern "C" fn fluo_abi_version() -> u32 {
    FLUO_ABI_VERSION
}

/// Answers the build id of the library: lower-case hexadecimal digits, NUL-terminated, different for archives built from different
/// sources, settings or compilers. Ownership: static text, never freed.
#[unsafe(no_mangle)]
pub extern "C" fn fluo_build_id() -> *const c_char {
    MARKED.split_at(MARK_LEN).1.as_ptr().cast()
}
