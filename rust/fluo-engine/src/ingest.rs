//! From the bytes of a message to what its spans leave behind: ids, times, picks and kept values. No lock is held here.

use crate::expr::term;
use crate::near::{self, Miss};
use crate::otlp::{ReadReport, ResourceView, Scratch, SpanView, read_traces};
use crate::plan::{Plan, Service};
use crate::select::SpanEnv;
use crate::store::calls::Calls;
use crate::store::combination::{Fit, Pick};
use crate::store::record::{Record, STATUS_ERROR, kind};
use crate::store::resource::{ResourceRef, Resources};
use crate::store::trace::KeptValue;
use crate::value::Val;

/// A span on its way to its trace.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) trace: [u8; 16],
    pub(crate) record: Record,
    /// The span's row in the call table; 0 for a span that is no call.
    pub(crate) call: u64,
    picks: (u32, u32),
    values: (u32, u32),
    misses: (u32, u32),
}

/// The spans of a message as one plan sees them. Reused for every message.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) spans: Vec<Incoming>,
    picks: Vec<Pick>,
    values: Vec<KeptValue>,
    misses: Vec<Miss>,
    scratch: Scratch,
    service: Vec<u8>,
    wanted: Vec<u32>,
}

impl Batch {
    /// Reads a message.
    pub(crate) fn read(&mut self, plan: &Plan, resources: &Resources, calls: &Calls, bytes: &[u8]) -> ReadReport {
        let Self { spans, picks, values, misses, scratch, service: service_text, wanted } = self;
        spans.clear();
        picks.clear();
        values.clear();
        misses.clear();
        let mut of_resource: Option<(u32, ResourceRef, Service<'_>, &[u32])> = None;
        read_traces(bytes, &plan.keys, scratch, |span| {
            let (interned, service, near) = match of_resource {
                Some((ordinal, interned, service, near)) if ordinal == span.resource().ordinal => (interned, service, near),
                _ => {
                    let interned = resources.intern(span.resource(), &plan.keys);
                    let service = service_of(plan, span.resource(), service_text);
                    let near = plan.near.index.of_service(service_text);
                    of_resource = Some((span.resource().ordinal, interned, service, near));
                    (interned, service, near)
                }
            };
            let first_pick = len(picks);
            let first_value = len(values);
            let first_miss = len(misses);
            select(plan, span, service, picks);
            let picked = picks.get(first_pick as usize..).unwrap_or_default();
            keep(plan, span, picked, wanted, values);
            if !plan.near.plans.is_empty() {
                near::misses(plan, near, span, picked, misses);
            }
            let call = if plan.reads_absence && is_call(span) { calls.intern(plan, span, service_text) } else { 0 };
            spans.push(Incoming {
                trace: span.trace_id,
                call,
                record: Record {
                    id: span.span_id,
                    parent: span.parent_id.unwrap_or_default(),
                    start: span.start_nanos,
                    end: span.end_nanos,
                    emitter: interned.emitter,
                    resource: interned.resource,
                    combination: 0,
                    values: 0,
                    value_count: 0,
                    kind: span.kind,
                    status: span.status,
                },
                picks: (first_pick, len(picks)),
                values: (first_value, len(values)),
                misses: (first_miss, len(misses)),
            });
        })
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
    pub(crate) fn values(&self, span: &Incoming) -> &[KeptValue] {
        self.values.get(span.values.0 as usize..span.values.1 as usize).unwrap_or_default()
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
fn keep(plan: &Plan, span: &SpanView<'_, '_>, picks: &[Pick], wanted: &mut Vec<u32>, values: &mut Vec<KeptValue>) {
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
        if read.value.is_some() || !read.unknown.is_empty() {
            values.push(KeptValue { term: *id, read: read.kept() });
        }
    }
}
