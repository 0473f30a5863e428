//! Which spans of a trace count, and when and why it is decided.

use std::collections::{BTreeMap, BTreeSet};

use super::clock::EventClock;
use super::tree::is_whole;
use super::truth::{Reason, Reasons};
use super::world::Stage;
use super::{Config, End, Run, Trigger};
use crate::model::{Identity, SpanData, TraceId};

/// A trace that was decided.
#[derive(Debug)]
pub(super) struct Decided<'a> {
    pub(super) trace_id: TraceId,
    /// The spans that came in time, the late ones within the grace included, each once.
    pub(super) spans: Vec<&'a SpanData>,
    pub(super) trigger: Trigger,
    /// What may be concluded from absence.
    pub(super) stage: Stage,
    /// The spans that came after the grace, those together that were held together.
    pub(super) strays: Vec<Vec<&'a SpanData>>,
}

/// A trace that is followed through its arrivals.
struct Followed<'a> {
    spans: Vec<&'a SpanData>,
    seen: BTreeSet<Identity>,
    first: u64,
    last: u64,
    late: bool,
    cut: bool,
    done: Option<(u64, Trigger)>,
    strays: Vec<Strays<'a>>,
}

/// Spans that came after the grace and were held together: for as long as the grace from the first of them on.
struct Strays<'a> {
    since: u64,
    spans: BTreeMap<Identity, &'a SpanData>,
}

impl Followed<'_> {
    /// When the trace is decided if nothing more comes.
    fn deadline(&self, config: &Config) -> (u64, Trigger) {
        let age = (self.first.saturating_add(config.max_duration), Trigger::Age);
        let settled = (self.last.saturating_add(config.settle), Trigger::Complete);
        if is_whole(&self.spans, config.top_is_root) && settled.0 < age.0 { settled } else { age }
    }

    fn decide_until(&mut self, now: u64, config: &Config) {
        let soonest = self.first.saturating_add(config.max_duration).min(self.last.saturating_add(config.settle));
        if self.done.is_none() && soonest <= now {
            let deadline = self.deadline(config);
            if deadline.0 <= now {
                self.done = Some(deadline);
            }
        }
    }
}

/// Decides every trace of the run.
pub(super) fn decide<'a>(run: &'a Run, config: &Config) -> Vec<Decided<'a>> {
    let mut traces: BTreeMap<TraceId, Followed<'a>> = BTreeMap::new();
    let mut clock = EventClock::default();
    for batch in &run.batches {
        let event_time = clock.read(batch.at);
        for span in &batch.spans {
            let trace = traces.entry(span.trace_id).or_insert_with(|| Followed {
                spans: Vec::new(),
                seen: BTreeSet::new(),
                first: batch.at,
                last: batch.at,
                late: span.end != 0 && event_time.is_some_and(|t| span.end.saturating_add(config.late_grace) < t),
                cut: false,
                done: None,
                strays: Vec::new(),
            });
            trace.decide_until(batch.at, config);
            take(trace, span, batch.at, config);
        }
        clock.apply(batch.at, &batch.spans, config);
    }
    traces.into_iter().map(|(id, trace)| finish(id, trace, run.end, config)).collect()
}

fn take<'a>(trace: &mut Followed<'a>, span: &'a SpanData, now: u64, config: &Config) {
    if let Some((at, trigger)) = trace.done {
        if now > at.saturating_add(config.late_grace) {
            hold(trace, span, now, config);
            return;
        }
        if trigger == Trigger::Limit {
            return;
        }
    }
    if !trace.seen.insert(span.identity()) {
        return;
    }
    if trace.spans.len() >= config.max_spans_per_trace {
        // Of a decided trace the late spans are kept as far as there is room; only counted beyond.
        if trace.done.is_none() {
            trace.cut = true;
            trace.done = Some((now, Trigger::Limit));
        }
        return;
    }
    trace.spans.push(span);
    if trace.done.is_none() {
        trace.last = now;
    }
}

fn hold<'a>(trace: &mut Followed<'a>, span: &'a SpanData, now: u64, config: &Config) {
    let held = trace.strays.last_mut().filter(|strays| now <= strays.since.saturating_add(config.late_grace));
    match held {
        Some(strays) => _ = strays.spans.entry(span.identity()).or_insert(span),
        None => trace.strays.push(Strays { since: now, spans: BTreeMap::from([(span.identity(), span)]) }),
    }
}

fn finish<'a>(trace_id: TraceId, mut trace: Followed<'a>, end: End, config: &Config) -> Decided<'a> {
    let at_end = match end {
        End::Shutdown(at) => at,
        End::Recording | End::Until(_) => u64::MAX,
    };
    trace.decide_until(at_end, config);
    let trigger = trace.done.map_or(Trigger::Shutdown, |(_, trigger)| trigger);
    let is_older = trace.spans.iter().any(|span| is_older_than_the_engine(span, config));
    let reasons = [
        (trace.late, Reason::Late),
        (trace.cut, Reason::Limit),
        (trigger == Trigger::Shutdown, Reason::Shutdown),
        (is_older, Reason::Start),
    ];
    let lost = reasons.into_iter().filter(|(holds, _)| *holds).fold(Reasons::NONE, |all, (_, reason)| all.with(Reasons::of(reason)));
    let cut_off = is_older || matches!(trigger, Trigger::Shutdown | Trigger::Limit);
    let strays = trace.strays.into_iter().map(|strays| strays.spans.into_values().collect()).collect();
    Decided { trace_id, spans: trace.spans, trigger, stage: Stage::Decided { lost, cut_off }, strays }
}

/// Whether a span shows that its trace began before the engine did, so that spans of it may have gone elsewhere.
fn is_older_than_the_engine(span: &SpanData, config: &Config) -> bool {
    let began = if span.start == 0 { span.end } else { span.start };
    config.live_since.is_some_and(|since| began != 0 && began.saturating_add(config.max_skew) < since)
}
