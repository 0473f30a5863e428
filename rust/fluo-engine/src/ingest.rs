//! From the bytes of a message to what its spans leave behind: ids, times, picks and kept values. No lock is held here.

use crate::expr::term;
use crate::generation::{Generation, Generations};
use crate::near::{self, Miss};
use crate::otlp::{ReadReport, ResourceView, Scratch, SpanView, read_traces};
use crate::plan::{Plan, Service};
use crate::select::SpanEnv;
use crate::shard::Shared;
use crate::store::combination::{Fit, Pick};
use crate::store::numbers::Numbers;
use crate::store::record::{NO_COMBINATION, Record, STATUS_ERROR, kind};
use crate::store::resource::ResourceRef;
use crate::store::values::Values;
use crate::value::{KEPT_BYTES, Val};

/// A span on its way to its trace.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) trace: [u8; 16],
    pub(crate) record: Record,
    /// The number of the span's call; 0 for a span that is no call.
    pub(crate) call: u32,
    /// Keyed hashes of the trace's id, the span's and its parent's.
    pub(crate) hash: u64,
    pub(crate) print: u64,
    pub(crate) parent_print: u64,
    picks: (u32, u32),
    encoded: (u32, u32),
    misses: (u32, u32),
}

/// A span in the order of the hashes of traces, those of one trace in the order of the message: the upper half of the hash, then the
/// index of the span. One word sorts twice as fast as two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ordered(u64);

impl Ordered {
    const fn new(hash: u64, index: u32) -> Self {
        Self((hash & !(u32::MAX as u64)) | index as u64)
    }

    /// The upper half of the trace's hash.
    pub(crate) const fn upper(self) -> u64 {
        self.0 >> 32
    }

    /// The index of the span.
    pub(crate) const fn index(self) -> usize {
        (self.0 & u32::MAX as u64) as usize
    }
}

/// A message as the rule sets in use see it. Its memory is used again for every message.
#[derive(Debug, Default)]
pub(crate) struct Message {
    /// One for each rule set, the current one's first, all with the same spans at the same places.
    batches: Vec<Batch>,
    order: Vec<Ordered>,
    /// The spans that were no repetitions; for whoever applies the message.
    pub(crate) fresh: Vec<u32>,
    scratch: Scratch,
    service: Vec<u8>,
    wanted: Vec<u32>,
    calls: Numbers,
    resources: Numbers,
}

/// The spans of a message as one plan sees them.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The number of the plan's generation.
    generation: u64,
    pub(crate) spans: Vec<Incoming>,
    picks: Vec<Pick>,
    /// What the plan keeps of the spans, encoded.
    encoded: Vec<u8>,
    misses: Vec<Miss>,
}

impl Message {
    /// Reads a message by all rule sets in use, in one walk.
    pub(crate) fn read(&mut self, generations: &Generations, shared: &Shared, bytes: &[u8]) -> ReadReport {
        let Self { batches, order, fresh, scratch, service: service_text, wanted, calls, resources } = self;
        order.clear();
        fresh.clear();
        batches.resize_with(1 + generations.draining.len(), Batch::default);
        for (batch, generation) in batches.iter_mut().zip(generations.all()) {
            batch.begin(generation.number);
        }
        let Some((batch, older)) = batches.split_first_mut() else { return ReadReport::default() };
        let plan = &*generations.current.plan;
        let mut of_resource: Option<(u32, ResourceRef, Service<'_>, &[u32])> = None;
        let report = read_traces(bytes, generations.keys(), scratch, |span| {
            let (interned, service, near) = match of_resource {
                Some((ordinal, interned, service, near)) if ordinal == span.resource().ordinal => (interned, service, near),
                _ => {
                    let interned = shared.resources.intern(span.resource(), &plan.keys, resources);
                    let service = service_of(plan, span.resource(), service_text);
                    let near = plan.near.index.of_service(service_text);
                    of_resource = Some((span.resource().ordinal, interned, service, near));
                    (interned, service, near)
                }
            };
            let is_call = is_call(span);
            let call = if plan.reads_absence && is_call { shared.calls.intern(plan, span, service_text, calls) } else { 0 };
            let parent = span.parent_id.unwrap_or_default();
            let hash = match batch.spans.last() {
                Some(last) if last.trace == span.trace_id => last.hash,
                _ => shared.trace_hash(&span.trace_id),
            };
            order.push(Ordered::new(hash, len(&batch.spans)));
            let incoming = Incoming {
                trace: span.trace_id,
                hash,
                print: shared.print(span.span_id),
                parent_print: if parent == 0 { 0 } else { shared.print(parent) },
                call,
                record: Record {
                    id: span.span_id,
                    parent,
                    start: span.start_nanos,
                    end: span.end_nanos,
                    emitter: interned.emitter,
                    resource: interned.resource,
                    combination: NO_COMBINATION,
                    values: (0, 0),
                    kind: span.kind,
                    status: span.status,
                },
                picks: (0, 0),
                encoded: (0, 0),
                misses: (0, 0),
            };
            for (batch, generation) in older.iter_mut().zip(&generations.draining) {
                let plan = &*generation.plan;
                let service = match service {
                    Service::Text(_) => Service::Text(plan.index.of_service(service_text)),
                    other => other,
                };
                let call = match call {
                    0 if plan.reads_absence && is_call => shared.calls.intern(plan, span, service_text, calls),
                    call if plan.reads_absence => call,
                    _ => 0,
                };
                let near = plan.near.index.of_service(service_text);
                batch.add(plan, span, (service, near), Incoming { call, ..incoming.clone() }, wanted);
            }
            batch.add(plan, span, (service, near), incoming, wanted);
        });
        shared.calls.count_missed(calls.take_misses());
        shared.resources.count_missed(resources.take_misses());
        order.sort_unstable();
        report
    }

    /// The spans as the current rule set sees them.
    pub(crate) fn current(&self) -> Option<&Batch> {
        self.batches.first()
    }

    /// The spans as a generation sees them: one of those by which the message was read.
    pub(crate) fn of(&self, generation: &Generation) -> Option<&Batch> {
        self.batches.iter().find(|batch| batch.generation == generation.number)
    }

    /// The spans by the hashes of their traces, those of one trace in the order of the message.
    pub(crate) fn order(&self) -> &[Ordered] {
        &self.order
    }
}

impl Batch {
    /// How many spans some selector picked.
    pub(crate) fn selected(&self) -> u64 {
        self.spans.iter().filter(|span| !self.picks(span).is_empty()).count() as u64
    }

    /// Forgets the last message.
    fn begin(&mut self, generation: u64) {
        self.generation = generation;
        self.spans.clear();
        self.picks.clear();
        self.encoded.clear();
        self.misses.clear();
    }

    /// Takes what the plan reads of a span. `wanted` is memory to use again.
    fn add(
        &mut self,
        plan: &Plan,
        span: &SpanView<'_, '_>,
        (service, near): (Service<'_>, &[u32]),
        incoming: Incoming,
        wanted: &mut Vec<u32>,
    ) {
        let Self { spans, picks, encoded, misses, .. } = self;
        let (first_pick, first_byte, first_miss) = (len(picks), len(encoded), len(misses));
        select(plan, span, service, picks);
        let picked = picks.get(first_pick as usize..).unwrap_or_default();
        keep(plan, span, picked, wanted, encoded);
        if !plan.near.plans.is_empty() {
            near::misses(plan, near, matches!(service, Service::Text(_)), span, picked, misses);
        }
        spans.push(Incoming {
            picks: (first_pick, len(picks)),
            encoded: (first_byte, len(encoded)),
            misses: (first_miss, len(misses)),
            ..incoming
        });
    }

    /// What the plan keeps of a span of the batch, encoded.
    pub(crate) fn encoded(&self, span: &Incoming) -> &[u8] {
        self.encoded.get(span.encoded.0 as usize..span.encoded.1 as usize).unwrap_or_default()
    }

    /// The selectors that a span of the batch satisfies or may satisfy, ascending.
    pub(crate) fn picks(&self, span: &Incoming) -> &[Pick] {
        self.picks.get(span.picks.0 as usize..span.picks.1 as usize).unwrap_or_default()
    }

    /// The watched selectors of which a span of the batch misses one conjunct.
    pub(crate) fn misses(&self, span: &Incoming) -> &[Miss] {
        self.misses.get(span.misses.0 as usize..span.misses.1 as usize).unwrap_or_default()
    }

    /// The values that the plan keeps of a span of the batch.
    pub(crate) fn values(&self, span: &Incoming) -> Values<'_> {
        Values::new(self.encoded(span))
    }
}

/// Whether something is expected below the span: a client span whose call did not fail, or a producer span.
const fn is_call(span: &SpanView<'_, '_>) -> bool {
    (span.kind == kind::CLIENT && span.status != STATUS_ERROR) || span.kind == kind::PRODUCER
}

fn len<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

/// The bytes of a resource's service, and what the plan's index knows of it.
fn service_of<'p>(plan: &'p Plan, resource: &ResourceView<'_, '_>, text: &mut Vec<u8>) -> Service<'p> {
    text.clear();
    let found = plan.keys.resource_slot("service.name").and_then(|slot| resource.attribute(slot)).and_then(crate::select::value);
    match found {
        Some(value) => {
            text.extend_from_slice(&value.text());
            if matches!(value, Val::Str(_)) { Service::Text(plan.index.of_service(text)) } else { Service::Odd }
        }
        // A resource that lost attributes may be of any service.
        None if resource.dropped_attributes > 0 => Service::Odd,
        None => Service::Missing,
    }
}

/// Decides the selectors that the span can satisfy at all.
fn select(plan: &Plan, span: &SpanView<'_, '_>, service: Service<'_>, picks: &mut Vec<Pick>) {
    let first = picks.len();
    for candidates in plan.index.candidates(service, span.name) {
        for candidate in candidates {
            if let Some(fit) = Fit::of(candidate.decide(span)) {
                picks.push(Pick { selector: candidate.selector, fit });
            }
        }
    }
    if let Some(found) = picks.get_mut(first..)
        && found.len() > 1
    {
        found.sort_unstable();
    }
}

/// Evaluates the terms that some rule reads on this span later. `wanted` is memory to use again.
fn keep(plan: &Plan, span: &SpanView<'_, '_>, picks: &[Pick], wanted: &mut Vec<u32>, encoded: &mut Vec<u8>) {
    if plan.terms.is_empty() || (picks.is_empty() && !plan.keep_all) {
        return;
    }
    wanted.clear();
    wanted.extend_from_slice(&plan.terms_of_all);
    for pick in picks {
        wanted.extend(plan.terms_of_selector.get(pick.selector as usize).into_iter().flatten());
    }
    wanted.sort_unstable();
    wanted.dedup();
    let env = SpanEnv { span, item: None };
    for id in wanted {
        let Some(kept) = plan.terms.get(*id as usize) else { continue };
        let read = term(&kept.node, &env);
        if read.value.is_none() && read.unknown.is_empty() {
            continue;
        }
        // Most values are short and need no copy of their own.
        let fits = read.value.as_ref().is_none_or(|value| !matches!(value, Val::List(_)) && value.heap_bytes() <= KEPT_BYTES);
        let read = if fits { read } else { read.kept() };
        crate::store::values::write(*id, &read, encoded);
    }
}
