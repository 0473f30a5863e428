//! From the bytes of a message to what its spans leave behind: ids, times, picks and kept values. No lock is held here.

use crate::expr::{decide, term};
use crate::otlp::{ReadReport, Scratch, SpanView, read_traces};
use crate::plan::Plan;
use crate::select::SpanEnv;
use crate::store::calls::Calls;
use crate::store::combination::{Fit, Pick};
use crate::store::record::{Record, STATUS_ERROR, kind};
use crate::store::resource::{ResourceRef, Resources};
use crate::store::trace::KeptValue;
use crate::truth::Truth;

/// A span on its way to its trace.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) trace: [u8; 16],
    pub(crate) record: Record,
    /// The span's row in the call table; 0 for a span that is no call.
    pub(crate) call: u64,
    picks: (u32, u32),
    values: (u32, u32),
}

/// The spans of a message as one plan sees them. Reused for every message.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) spans: Vec<Incoming>,
    picks: Vec<Pick>,
    values: Vec<KeptValue>,
    scratch: Scratch,
}

impl Batch {
    /// Reads a message.
    pub(crate) fn read(&mut self, plan: &Plan, resources: &Resources, calls: &Calls, bytes: &[u8]) -> ReadReport {
        let Self { spans, picks, values, scratch } = self;
        spans.clear();
        picks.clear();
        values.clear();
        let mut resource: Option<(u32, ResourceRef, Vec<u8>)> = None;
        read_traces(bytes, &plan.keys, scratch, |span| {
            if resource.as_ref().is_none_or(|(ordinal, _, _)| *ordinal != span.resource().ordinal) {
                let interned = resources.intern(span.resource(), &plan.keys);
                resource = Some((span.resource().ordinal, interned, service_of(plan, span)));
            }
            let Some((_, interned, service)) = &resource else {
                return;
            };
            let first_pick = len(picks);
            let first_value = len(values);
            select(plan, span, service, picks);
            keep(plan, span, picks.get(first_pick as usize..).unwrap_or_default(), values);
            let call = if plan.reads_absence && is_call(span) { calls.intern(plan, span, service) } else { 0 };
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
            });
        })
    }

    /// The selectors that a span of the batch satisfies or may satisfy, ascending.
    pub(crate) fn picks(&self, span: &Incoming) -> &[Pick] {
        self.picks.get(span.picks.0 as usize..span.picks.1 as usize).unwrap_or_default()
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

fn service_of(plan: &Plan, span: &SpanView<'_, '_>) -> Vec<u8> {
    let any = plan.keys.resource_slot("service.name").and_then(|slot| span.resource().attribute(slot));
    any.and_then(crate::select::value).map(|v| v.text().into_owned()).unwrap_or_default()
}

/// Decides the selectors that the span can satisfy at all.
fn select(plan: &Plan, span: &SpanView<'_, '_>, service: &[u8], picks: &mut Vec<Pick>) {
    let env = SpanEnv { span, item: None };
    let first = picks.len();
    let index = &plan.index;
    // A resource that lost attributes may be of any service.
    let of_service: &[u32] = if service.is_empty() { index.of_services() } else { index.of_service(service) };
    for candidates in [index.of_name(span.name), of_service, index.others()] {
        for selector in candidates {
            let Some(node) = plan.selectors.get(*selector as usize) else {
                continue;
            };
            let truth = if matches!(node, crate::expr::Node::Const(true)) { Truth::True } else { decide(node, &env) };
            if let Some(fit) = Fit::of(truth) {
                picks.push(Pick { selector: *selector, fit });
            }
        }
    }
    if let Some(found) = picks.get_mut(first..) {
        found.sort_unstable();
    }
}

/// Evaluates the terms that some rule reads on this span later.
fn keep(plan: &Plan, span: &SpanView<'_, '_>, picks: &[Pick], values: &mut Vec<KeptValue>) {
    let env = SpanEnv { span, item: None };
    for (id, kept) in (0u32..).zip(&plan.terms) {
        let wanted = match &kept.only_on {
            None => plan.keep_all || !picks.is_empty(),
            Some(selectors) => picks.iter().any(|p| selectors.contains(&p.selector)),
        };
        if !wanted {
            continue;
        }
        let read = term(&kept.node, &env);
        if read.value.is_some() || !read.unknown.is_empty() {
            let read =
                crate::expr::read::Read { value: read.value.map(crate::value::Val::into_owned), unknown: read.unknown, many: read.many };
            values.push(KeptValue { term: id, read });
        }
    }
}
