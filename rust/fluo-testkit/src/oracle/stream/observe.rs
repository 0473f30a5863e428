//! Which spans count in windows.

use std::collections::BTreeSet;

use crate::model::SpanData;
use crate::oracle::clock::{EventClock, is_plausible};
use crate::oracle::{Config, End, Run};

/// The spans that count in windows, and how far event time was observed.
#[derive(Debug)]
pub(super) struct Observed<'a> {
    /// In the order of arrival.
    pub(super) spans: Vec<&'a SpanData>,
    /// The event clock at the end.
    pub(super) clock: u64,
    /// The watermark at the end.
    pub(super) watermark: u64,
    /// Spans older than the watermark.
    pub(super) late: Vec<&'a SpanData>,
    /// Spans whose times cannot be believed.
    pub(super) bad_time: Vec<&'a SpanData>,
}

/// Every span that is no repetition counts, whatever became of its trace, unless it is late or its times cannot be believed.
pub(super) fn observe<'a>(run: &'a Run, config: &Config) -> Observed<'a> {
    let mut clock = EventClock::default();
    let mut seen = BTreeSet::new();
    let mut observed = Observed { spans: Vec::new(), clock: 0, watermark: 0, late: Vec::new(), bad_time: Vec::new() };
    let mut last = 0;
    for batch in &run.batches {
        // The clock is read before the request is applied.
        let watermark = clock.watermark(batch.at, config);
        for span in &batch.spans {
            if !seen.insert((span.trace_id, span.span_id, span.is_entry())) {
                continue;
            }
            if !is_plausible(span, batch.at, config) {
                observed.bad_time.push(span);
            } else if span.end < watermark {
                observed.late.push(span);
            } else {
                observed.spans.push(span);
            }
        }
        clock.apply(batch.at, &batch.spans, config);
        last = batch.at;
    }
    let end = match run.end {
        End::Recording => last,
        End::Until(at) | End::Shutdown(at) => at,
    };
    observed.clock = clock.read(end).unwrap_or(0);
    observed.watermark = clock.watermark(end, config);
    observed
}
