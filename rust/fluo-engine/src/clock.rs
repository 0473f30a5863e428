//! The two clocks, never mixed: arrival time drives settling, ages and grace; event time drives windows.

use std::sync::{Mutex, PoisonError};

use crate::config::{Config, SECOND};
use crate::shard::Moment;
use crate::store::record::Record;

/// How far a host's clock has to fall behind arrival time to be taken for one that was set back. Calls of several threads that meet
/// lie closer together.
const SET_BACK: u64 = 60 * SECOND;

/// The clocks of an engine. Any thread may read and move them.
#[derive(Debug)]
pub(crate) struct Clocks {
    max_skew: u64,
    lateness: u64,
    read: Mutex<Reading>,
}

/// What the clocks show.
#[derive(Debug, Default, Clone, Copy)]
struct Reading {
    /// Arrival time: the host's clock and `ahead`, never going back.
    arrival: u64,
    /// By how much arrival time has come to be ahead of the host's clock, because that was set back.
    ahead: u64,
    /// The greatest plausible span end, running on with arrival time; 0 before the first span.
    event: u64,
    /// The arrival time at which `event` was right.
    at: u64,
    /// Whether a recording has ended: no further span says anything of event time.
    stopped: bool,
}

impl Reading {
    /// Arrival time follows the host's clock, and runs on with it where that was set back.
    fn arrive(&mut self, now: u64) {
        let now = now.saturating_add(self.ahead);
        if now.saturating_add(SET_BACK) < self.arrival {
            self.ahead = self.ahead.saturating_add(self.arrival - now);
        }
        self.arrival = self.arrival.max(now);
    }

    fn event_time(self, now: u64) -> u64 {
        if self.event == 0 || self.stopped { self.event } else { self.event.saturating_add(now.saturating_sub(self.at)) }
    }
}

/// What a span's time says of its part in windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timeliness {
    /// It counts at its own time.
    InTime,
    /// It ended before the watermark.
    Late,
    /// Its times are missing, reversed or beyond the plausible.
    BadTime,
}

impl Clocks {
    /// The clocks of an engine that begins at this arrival time.
    pub(crate) fn new(config: &Config, now: u64) -> Self {
        let read = Mutex::new(Reading { arrival: now, ..Reading::default() });
        Self { max_skew: config.max_skew_ns, lateness: config.allowed_lateness_ns, read }
    }

    fn with<R>(&self, change: impl FnOnce(&mut Reading) -> R) -> R {
        change(&mut self.read.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the clocks when the host's shows `now`. Arrival time never goes back; a host's clock that is set back by more than a
    /// minute moves it on from where it is, so that nothing waits until that clock has caught up.
    pub(crate) fn arrive(&self, now: u64) -> Moment {
        self.with(|read| {
            read.arrive(now);
            Moment { now: read.arrival, event_time: read.event_time(read.arrival) }
        })
    }

    /// Event time at an arrival time; 0 before the first span.
    pub(crate) fn event_time(&self, now: u64) -> u64 {
        self.with(|read| read.event_time(now))
    }

    /// Event time stops here.
    pub(crate) fn stop(&self, now: u64) -> Moment {
        self.with(|read| {
            read.arrive(now);
            let event = read.event_time(read.arrival);
            *read = Reading { event, at: read.arrival, stopped: true, ..*read };
            Moment { now: read.arrival, event_time: event }
        })
    }

    /// Takes note of the spans of a message: event time is the greatest end among them that can be believed, and at most `max_skew`
    /// beyond arrival time, so that no sender's clock moves it.
    pub(crate) fn observe<'r>(&self, records: impl Iterator<Item = &'r Record>, now: u64) {
        let Some(latest) = records.filter(|record| self.is_plausible(record, now)).map(|record| record.end).max() else { return };
        let latest = latest.min(now.saturating_add(self.max_skew));
        self.with(|read| {
            if !read.stopped {
                *read = Reading { event: read.event_time(now).max(latest), at: now.max(read.at), ..*read };
            }
        });
    }

    /// The watermark at an event time: windows up to it are closed.
    pub(crate) const fn watermark(&self, event_time: u64) -> u64 {
        event_time.saturating_sub(self.lateness)
    }

    /// Whether a span counts in windows, by the clocks before its message.
    pub(crate) const fn timeliness(&self, record: &Record, moment: Moment) -> Timeliness {
        if !self.is_plausible(record, moment.now) {
            Timeliness::BadTime
        } else if record.end < self.watermark(moment.event_time) {
            Timeliness::Late
        } else {
            Timeliness::InTime
        }
    }

    /// Whether a span may have run at this time: it may end `allowed_lateness` beyond what event time can be.
    const fn is_plausible(&self, record: &Record, now: u64) -> bool {
        record.times_are_good() && record.end <= now.saturating_add(self.max_skew).saturating_add(self.lateness)
    }
}

#[cfg(test)]
mod tests {
    use super::{Clocks, SET_BACK, Timeliness};
    use crate::config::{Config, SECOND};
    use crate::store::record::{NO_COMBINATION, Record};

    const SKEW: u64 = SECOND / 10;
    const LATENESS: u64 = 30 * SECOND;
    /// When the clocks begin.
    const T: u64 = 1_000 * SECOND;

    fn clocks() -> Clocks {
        Clocks::new(&Config::default(), T)
    }

    fn span(start: u64, end: u64) -> Record {
        let (kind, status, values, combination) = (0, 0, (0, 0), NO_COMBINATION);
        Record { id: 1, parent: 0, start, end, emitter: 0, resource: 0, combination, values, kind, status }
    }

    fn ends(end: u64) -> Record {
        span(end.min(1), end)
    }

    #[test]
    fn arrival_time_never_goes_back_and_event_time_runs_on_with_it() {
        let clocks = clocks();
        assert_eq!(clocks.arrive(T - 2).now, T);
        assert_eq!(clocks.event_time(T), 0);
        clocks.observe([ends(T - 100)].iter(), T);
        assert_eq!(clocks.event_time(T), T - 100);
        assert_eq!(clocks.arrive(T + 7).event_time, T - 93);
        clocks.observe([ends(T - 200)].iter(), T + 20);
        assert_eq!(clocks.event_time(T + 20), T - 80);
        assert_eq!(clocks.stop(T + 22).event_time, T - 78);
        clocks.observe([ends(T)].iter(), T + 30);
        assert_eq!(clocks.event_time(T + 1_000), T - 78);
    }

    #[test]
    fn a_clock_that_is_set_back_goes_on() {
        let clocks = clocks();
        let hour = 3_600 * SECOND;
        assert_eq!(clocks.arrive(T + hour).now, T + hour);
        assert_eq!(clocks.arrive(T + hour - SET_BACK).now, T + hour, "threads that meet");
        assert_eq!(clocks.arrive(T).now, T + hour);
        assert_eq!(clocks.arrive(T + SECOND).now, T + hour + SECOND);
        assert_eq!(clocks.arrive(u64::MAX).now, u64::MAX);
        assert_eq!(clocks.arrive(T).now, u64::MAX);
    }

    #[test]
    fn no_sender_moves_event_time_beyond_the_skew() {
        let clocks = clocks();
        clocks.observe([ends(T + LATENESS)].iter(), T);
        assert_eq!(clocks.event_time(T), T + SKEW);
        clocks.observe([ends(T + SKEW + LATENESS + 1), ends(0), span(T + 9, T + 1)].iter(), T);
        assert_eq!(clocks.event_time(T), T + SKEW);
    }

    #[test]
    fn a_span_counts_from_the_watermark_to_the_lateness_beyond_event_time() {
        let clocks = clocks();
        clocks.observe([ends(T)].iter(), T);
        let moment = clocks.arrive(T);
        let of = |end: u64| clocks.timeliness(&ends(end), moment);
        assert_eq!(of(T - LATENESS), Timeliness::InTime);
        assert_eq!(of(T - LATENESS - 1), Timeliness::Late);
        assert_eq!(of(T + SKEW + LATENESS), Timeliness::InTime);
        assert_eq!(of(T + SKEW + LATENESS + 1), Timeliness::BadTime);
        assert_eq!(of(0), Timeliness::BadTime);
    }
}
