//! The two clocks, never mixed: arrival time drives settling, ages and grace; event time drives windows.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::SECOND;

/// How far a span's end may lie beyond the arrival clock and still be believed.
const PLAUSIBLE_AHEAD: u64 = SECOND;

/// The clocks of an engine.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    arrival: AtomicU64,
    event: Mutex<EventClock>,
}

/// The greatest plausible span end seen, running on with arrival time while nothing comes.
#[derive(Debug, Default, Clone, Copy)]
struct EventClock {
    /// 0 before the first span.
    time: u64,
    /// The arrival time at which `time` was right.
    at: u64,
    /// Whether a recording has ended: no further span says anything of event time.
    stopped: bool,
}

impl EventClock {
    fn read(self, now: u64) -> u64 {
        if self.time == 0 || self.stopped { self.time } else { self.time.saturating_add(now.saturating_sub(self.at)) }
    }
}

impl Clocks {
    /// Arrival time never goes back.
    pub(crate) fn arrive(&self, now: u64) -> u64 {
        self.arrival.fetch_max(now, Ordering::Relaxed).max(now)
    }

    /// Event time at an arrival time; 0 before the first span.
    pub(crate) fn event_time(&self, now: u64) -> u64 {
        self.event.lock().map(|clock| clock.read(now)).unwrap_or_default()
    }

    /// Event time stops here.
    pub(crate) fn stop(&self, now: u64) {
        if let Ok(mut clock) = self.event.lock() {
            *clock = EventClock { time: clock.read(now), at: now, stopped: true };
        }
    }

    /// Takes note of the latest plausible end of a message.
    pub(crate) fn observe(&self, latest_end: u64, now: u64) {
        if latest_end == 0 {
            return;
        }
        if let Ok(mut clock) = self.event.lock() {
            *clock = EventClock { time: clock.read(now).max(latest_end), at: now.max(clock.at), ..*clock };
        }
    }

    /// Whether a span may have ended at this time.
    pub(crate) const fn is_plausible(end: u64, now: u64) -> bool {
        end != 0 && end <= now.saturating_add(PLAUSIBLE_AHEAD)
    }
}

#[cfg(test)]
mod tests {
    use super::Clocks;
    use crate::config::SECOND;

    #[test]
    fn arrival_time_never_goes_back_and_event_time_runs_on_with_it() {
        let clocks = Clocks::default();
        assert_eq!(clocks.arrive(5), 5);
        assert_eq!(clocks.arrive(3), 5);
        assert_eq!(clocks.event_time(5), 0);
        clocks.observe(100, 10);
        assert_eq!(clocks.event_time(10), 100);
        assert_eq!(clocks.event_time(17), 107);
        clocks.observe(50, 20);
        assert_eq!(clocks.event_time(20), 110);
        clocks.stop(22);
        assert_eq!(clocks.event_time(1_000), 112);
    }

    #[test]
    fn a_span_from_the_future_is_not_believed() {
        assert!(Clocks::is_plausible(10 * SECOND, 9 * SECOND));
        assert!(!Clocks::is_plausible(10 * SECOND + 1, 9 * SECOND));
        assert!(!Clocks::is_plausible(0, 9 * SECOND));
    }
}
