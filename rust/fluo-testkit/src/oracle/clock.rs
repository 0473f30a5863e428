//! The event clock and the watermark.

use super::Config;
use super::world::has_good_times;
use crate::model::SpanData;

/// The event clock: the greatest span end seen, never beyond what arrival time allows, running on with arrival time.
#[derive(Debug, Clone, Default)]
pub(super) struct EventClock {
    /// Its reading when it was last set, and the arrival time of that.
    set: Option<(u64, u64)>,
    watermark: u64,
}

impl EventClock {
    /// The reading at an arrival time; `None` before any span that counts.
    pub(super) fn read(&self, now: u64) -> Option<u64> {
        self.set.map(|(time, at)| time.saturating_add(now.saturating_sub(at)))
    }

    /// Applies the spans of a request.
    pub(super) fn apply(&mut self, now: u64, spans: &[SpanData], config: &Config) {
        let ends = spans.iter().filter(|span| is_plausible(span, now, config)).map(|span| span.end);
        let seen = ends.map(|end| end.min(now.saturating_add(config.max_skew))).max();
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

/// Whether a span's times can be believed at its arrival. A span that was just seen makes the clock read its end, as far as
/// `max_skew` beyond its arrival; `allowed_lateness` beyond that it counts at its own time.
pub(super) fn is_plausible(span: &SpanData, now: u64, config: &Config) -> bool {
    has_good_times(span) && span.end <= now.saturating_add(config.max_skew).saturating_add(config.allowed_lateness)
}
