//! What a call answers.

/// The answer of every function that can fail. The numbers are part of the interface: they are only ever added to.
#[must_use]
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// An argument breaks the contract of the function: a null pointer, an unknown number, a struct that is too small, a buffer that
    /// is not empty, JSON that cannot be read. Nothing was done.
    InvalidArgument = 1,
    /// The rules have errors; the diagnostics say which. No rule set was made.
    InvalidRules = 2,
    /// The configuration is refused; the error text says why. No engine was made.
    InvalidConfig = 3,
    /// The message is broken at its outermost level, so a part of it could not even be found. What could be read was applied and is
    /// counted in the result: do not send the message again.
    InvalidOtlp = 4,
    /// The message was written for another projection. Nothing was applied: read the projection again and write the message once
    /// more, or send it whole with epoch 0.
    StaleProjection = 5,
    /// The engine was flushed and takes no more spans.
    Closed = 6,
    /// An earlier call on this engine panicked. It does nothing any more and can only be freed.
    Poisoned = 254,
    /// This call panicked, which is a defect of the library. The engine is poisoned from now on; other engines are not affected.
    Panic = 255,
}
