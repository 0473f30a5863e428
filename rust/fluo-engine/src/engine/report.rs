//! What a call says to its caller.

/// What a call found and did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IngestReport {
    /// Well-formed spans read.
    pub spans: u64,
    /// Spans that at least one selector picked.
    pub spans_selected: u64,
    /// Malformed spans that were skipped.
    pub spans_rejected: u64,
    /// Malformed frames: the rest of the enclosing message was skipped.
    pub frames_rejected: u64,
    /// Spans of our own scope, skipped.
    pub spans_own: u64,
    /// Whether the outermost frame was broken: a part of the message could not even be found.
    pub message_broken: bool,
    /// The projection's current epoch.
    pub epoch: u64,
    /// Whether signals wait to be drained.
    pub signals_pending: bool,
}

/// Why a message was not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IngestError {
    /// The message was projected for another epoch; nothing was applied.
    StaleProjection,
    /// The engine was flushed for shutdown.
    Closed,
}

impl std::fmt::Display for IngestError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::StaleProjection => "the message was projected for another rule set",
            Self::Closed => "the engine was shut down",
        })
    }
}

impl std::error::Error for IngestError {}
