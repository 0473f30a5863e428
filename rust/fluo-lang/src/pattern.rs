//! Regular expressions: one way to compile them for everybody.

use regex::bytes::{Regex, RegexBuilder};

/// Compiles a pattern: unanchored, linear in the text, over bytes that should be UTF-8.
///
/// # Errors
/// Where the pattern is malformed, or its program would be larger than `size` bytes.
pub fn compile(source: &str, size: usize) -> Result<Regex, regex::Error> {
    bounded(source, size).build()
}

/// Compiles a pattern whose classes, boundaries and letters without case are those of ASCII.
///
/// # Errors
/// As [`compile`], and where the pattern asks for something of Unicode.
pub fn compile_ascii(source: &str, size: usize) -> Result<Regex, regex::Error> {
    bounded(source, size).unicode(false).build()
}

fn bounded(source: &str, size: usize) -> RegexBuilder {
    let mut builder = RegexBuilder::new(source);
    builder.size_limit(size).dfa_size_limit(size);
    builder
}
