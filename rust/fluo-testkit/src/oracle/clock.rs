//! The event clock and the watermark.

use super::Config;
use crate::model::SpanData;

/// A span that ends later than this after it arrived was stamped by a broken clock. Nanoseconds.
const PLAUSIBLE: u64 = 1_000_000_000;

/// The event clock: the greatest plausible span end seen, running on with arrival time.
#[derive(Debug, Clone, Default)]
pub(super) struct EventClock {
    /// Its reading when it was last set, and the arrival time of that.
    set: Option<(u64, u64)>,
    watermark: u64,
}

impl EventClock {
    /// The reading at an arrival time; `None` before any plausible span.
    pub(super) fn read(&self, now: u64) -> Option<u64> {
        self.set.map(|(time, at)| time.saturating_add(now.saturating_sub(at)))
    }

    /// Applies the spans of a request.
    pub(super) fn apply(&mut self, now: u64, spans: &[SpanData]) {
        let seen = spans.iter().filter(|span| is_plausible(span, now)).map(|span| span.end).max();
        if let Some(time) = self.read(now).max(seen) {
            self.set = Some((time, now));
        }
    }

    /// The watermark at an arrival time; it never goes back.
    pub(super) fn watermark(&mut self, now: u64, config: &Config) -> u64 {
        if let Some(time) = self.read(now) {
            self.watermark = self.watermark.max(time.saturating_sub(config.allowed_lateness));
        }
        self.watermark
    }
}

/// Whether a span's end can be believed at its arrival.
pub(super) const fn is_plausible(span: &SpanData, now: u64) -> bool {
    span.end != 0 && span.end <= now.saturating_add(PLAUSIBLE)
}
