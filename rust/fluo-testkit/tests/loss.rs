//! What loss, skewed clocks and disorder may do to the verdicts on real recordings.
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use fluo_engine::{CallEntry, Reason, Verdict};
use fluo_lang::limits::Limits;
use fluo_lang::program::RuleSet;
use fluo_lang::source::{Source, SourceKind};
use fluo_testkit::backend::replay::{self, Decided, Subject};
use fluo_testkit::model::{AnyValue, Batch, Kind, Resource, SpanData, TraceId, attribute};

const SECOND: u64 = 1_000_000_000;

/// Complete traces from which on a row of the call table counts; a shorter recording is repeated for learning.
const LESSONS: usize = 200;

/// What people ask of the shop, beside the quickstart's rules: absence, order, relations.
const SHOP: &str = "
- name: checkout-verifies
  when: trace.has(service == 'frontend' and name == 'POST /checkout')
  always: trace.has(service == 'auth' and name == 'POST /verify')
- name: checkout-charges-once
  when: trace.has(service == 'frontend' and name == 'POST /checkout')
  always: trace.count(service == 'payment' and name == 'POST /charge') == 1
- name: charge-after-check
  always: trace.has(payment.charge_card).all(preceded_by(payment.fraud_check))
- name: verified-before-charge
  always: trace.has(service == 'payment' and kind == server).all(preceded_by(service == 'auth' and kind == server))
- name: logged-in-before-checkout
  always: trace.has(service == 'checkout' and kind == server).all(preceded_by(service == 'auth-service' and kind == server))
- name: no-login-after-charge
  never: trace.has(payment.charge_card).any(followed_by(service == 'auth-service'))
- name: no-check-after-charge
  never: trace.has(payment.charge_card).any(followed_by(payment.fraud_check))
- name: charge-below-checkout
  always: trace.has(payment.charge_card).all(has_ancestor(service == 'checkout' and kind == server))
- name: charge-is-called
  always: trace.has(service == 'payment' and kind == server).all(has_parent(kind == client))
- name: n-plus-one
  never: trace.spans.where(kind == client).by(service, name).count() > 10
";

/// The same for HotROD.
const HOTROD: &str = "
- name: customer-first
  always: trace.has(service == 'driver' and kind == server).all(preceded_by(service == 'customer' and kind == server))
- name: routes-after-drivers
  always: trace.has(service == 'route' and kind == server).all(preceded_by(service == 'driver' and kind == server))
- name: no-driver-after-route
  never: trace.has(service == 'route' and kind == server).any(followed_by(service == 'driver' and kind == server))
- name: routes-below-frontend
  always: trace.has(service == 'route' and kind == server).all(has_ancestor(service == 'frontend' and kind == server))
- name: dispatch-asks-customer
  when: trace.has('driver.DriverService/FindNearest')
  always: trace.has(service == 'customer' and kind == server)
- name: dispatch-finds-drivers
  when: trace.has(service == 'frontend' and name == 'driver.DriverService/FindNearest')
  always: trace.has(service == 'driver' and kind == server)
";

/// Names in which a verdict of an order rule shows.
const ORDER_RULES: &[&str] = &[
    "charge-after-check",
    "verified-before-charge",
    "logged-in-before-checkout",
    "no-login-after-charge",
    "no-check-after-charge",
    "customer-first",
    "routes-after-drivers",
    "no-driver-after-route",
];

/// SplitMix64: the same damage every time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A recording, the rules about it, and what the engine says where nothing is damaged.
struct Recording {
    name: &'static str,
    rules: Arc<RuleSet>,
    batches: Vec<Batch>,
    calls: Vec<CallEntry>,
    whole: Decided,
    traces: usize,
    /// How often it is damaged anew: the longer recording less often.
    seeds: u64,
}

impl Recording {
    fn decide(&self, batches: &[Batch]) -> Decided {
        replay::decide(&self.rules, batches, Some(&self.calls)).expect("the engine runs")
    }

    /// Violations that the undamaged recording does not have.
    fn false_violations(&self, decided: &Decided) -> Vec<Subject> {
        let truth: BTreeSet<&Subject> = self.whole.violated().collect();
        decided.violated().filter(|subject| !truth.contains(subject)).cloned().collect()
    }
}

fn quickstart(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/quickstart").join(path)
}

fn open(name: &'static str, more: &str, seeds: u64) -> Recording {
    let text = std::fs::read_to_string(quickstart(&format!("rules/{name}.yml"))).expect("the quickstart's rules");
    let source = |name: &str, text: &str| Source { name: name.to_owned(), text: text.to_owned(), kind: SourceKind::File };
    let loaded = fluo_lang::load(&[source("quickstart", &text), source("more", more)], &Limits::default());
    let rules = Arc::new(loaded.rules.expect("the rules load"));
    assert!(fluo_engine::unsupported(&rules).is_empty());
    let mut batches = replay::frames(&quickstart(&format!("traces/{name}.jsonl.gz"))).expect("the recording is there");
    batches.iter_mut().flat_map(|batch| &mut batch.spans).for_each(name_callee);
    let traces: BTreeSet<TraceId> = batches.iter().flat_map(|batch| &batch.spans).map(|span| span.trace_id).collect();
    let times = u8::try_from(LESSONS.div_ceil(traces.len())).expect("small");
    let calls = replay::decide(&rules, &repeated(&batches, times), None).expect("the engine runs").calls;
    let whole = replay::decide(&rules, &batches, Some(&calls)).expect("the engine runs");
    assert!(whole.violated().next().is_some(), "{name}: nothing is violated, so nothing could be lost");
    Recording { name, rules, batches, calls, whole, traces: traces.len(), seeds }
}

static RECORDINGS: LazyLock<[Recording; 2]> = LazyLock::new(|| [open("shop", SHOP, 40), open("hotrod", HOTROD, 6)]);

/// Gives each callee an address of its own, as a deployment does: both recordings were made on one host, where only the port tells
/// callees apart, and the call table does not look at ports.
fn name_callee(span: &mut SpanData) {
    let value = |key: &str| attribute(&span.attributes, key).cloned();
    let (Some(AnyValue::String(host)), Some(AnyValue::Int(port))) = (value("server.address"), value("server.port")) else { return };
    for (_, address) in span.attributes.iter_mut().filter(|(key, _)| key == "server.address") {
        *address = AnyValue::String(format!("{host}-{port}"));
    }
}

/// The recording several times over at one time, each with traces of its own.
fn repeated(batches: &[Batch], times: u8) -> Vec<Batch> {
    let copy = |batch: &Batch, nth: u8| {
        let spans = batch.spans.iter().cloned().map(|mut span| {
            span.trace_id[0] ^= nth;
            span
        });
        Batch { at: batch.at, spans: spans.collect() }
    };
    batches.iter().flat_map(|batch| (0..times).map(move |nth| copy(batch, nth))).collect()
}

fn without_batches(batches: &[Batch], percent: u64, seed: u64) -> Vec<Batch> {
    let mut dice = Dice(seed);
    batches.iter().filter(|_| !dice.percent(percent)).cloned().collect()
}

fn without_spans(batches: &[Batch], percent: u64, seed: u64) -> Vec<Batch> {
    let mut dice = Dice(seed);
    let mut batches = batches.to_vec();
    for batch in &mut batches {
        batch.spans.retain(|_| !dice.percent(percent));
    }
    batches
}

/// Every resource with a clock of its own that is wrong by at most `most` nanoseconds.
fn with_clocks(batches: &[Batch], most: u64, seed: u64) -> Vec<Batch> {
    let mut dice = Dice(seed);
    let mut clocks: Vec<(Arc<Resource>, i64)> = Vec::new();
    let mut offset = |span: &SpanData| {
        if let Some((_, offset)) = clocks.iter().find(|(resource, _)| *resource == span.resource) {
            return *offset;
        }
        let offset = i64::try_from(dice.below(2 * most + 1)).expect("small") - i64::try_from(most).expect("small");
        clocks.push((Arc::clone(&span.resource), offset));
        offset
    };
    let mut batches = batches.to_vec();
    for span in batches.iter_mut().flat_map(|batch| &mut batch.spans) {
        let offset = offset(span);
        (span.start, span.end) = (span.start.saturating_add_signed(offset), span.end.saturating_add_signed(offset));
    }
    batches
}

/// The spans in disorder: requests split, shuffled within, delayed by up to `most` nanoseconds, some of them sent again.
fn disordered(batches: &[Batch], most: u64, seed: u64) -> Vec<Batch> {
    let mut dice = Dice(seed);
    let mut arrivals: BTreeMap<(u64, u64), Batch> = BTreeMap::new();
    for batch in batches {
        for span in &batch.spans {
            let times = if dice.percent(10) { 2 } else { 1 };
            for _ in 0..times {
                // Delays in whole steps, so that spans of many requests come together.
                let delay = if dice.percent(70) { 0 } else { dice.below(6) * most / 5 };
                let part = (batch.at + delay, dice.below(3));
                arrivals.entry(part).or_insert_with(|| Batch { at: part.0, spans: Vec::new() }).spans.push(span.clone());
            }
        }
    }
    let mut arrivals: Vec<Batch> = arrivals.into_values().collect();
    for spans in arrivals.iter_mut().map(|batch| &mut batch.spans) {
        for last in (1..spans.len()).rev() {
            let other = usize::try_from(dice.below(last as u64 + 1)).expect("small");
            spans.swap(last, other);
        }
    }
    arrivals
}

/// Traces of which only a part below one server span came: at the greatest age that span counts as the root, since nobody can tell
/// whether its caller is traced at all. What was lost above and beside it is then taken for never made.
fn lone_tops(batches: &[Batch]) -> BTreeSet<TraceId> {
    let spans = || batches.iter().flat_map(|batch| &batch.spans);
    let came: BTreeSet<_> = spans().map(|span| (span.trace_id, span.span_id)).collect();
    let mut tops: BTreeMap<TraceId, Vec<&SpanData>> = BTreeMap::new();
    for span in spans().filter(|span| span.parent_id.is_none_or(|parent| !came.contains(&(span.trace_id, parent)))) {
        tops.entry(span.trace_id).or_default().push(span);
    }
    tops.retain(|_, tops| matches!(tops[..], [top] if top.parent_id.is_some() && top.kind == Kind::Server));
    tops.into_keys().collect()
}

/// Traces of which a leaf was lost that is no callee: a span without children whose parent is no call. Neither a missing parent nor a
/// call without child shows it, so that the rest is what a trace looks like in which that span was never made.
fn lost_leaves(whole: &[Batch], damaged: &[Batch]) -> BTreeSet<TraceId> {
    let spans = |batches: &'_ [Batch]| batches.iter().flat_map(|batch| batch.spans.clone()).collect::<Vec<_>>();
    let (all, left) = (spans(whole), spans(damaged));
    let came: BTreeSet<_> = left.iter().map(|span| (span.trace_id, span.span_id)).collect();
    let parents: BTreeSet<_> = all.iter().filter_map(|span| Some((span.trace_id, span.parent_id?))).collect();
    let calls = all.iter().filter(|span| matches!(span.kind, Kind::Client | Kind::Producer));
    let calls: BTreeSet<_> = calls.map(|span| (span.trace_id, span.span_id)).collect();
    let is_lost_leaf = |span: &&SpanData| {
        let id = (span.trace_id, span.span_id);
        !came.contains(&id) && !parents.contains(&id) && span.parent_id.is_some_and(|parent| !calls.contains(&(span.trace_id, parent)))
    };
    all.iter().filter(is_lost_leaf).map(|span| span.trace_id).collect()
}

/// What a disturbance must leave as it is: not that a rule says nothing, which goes unsaid where groups were possible for a while.
fn said(decided: &Decided) -> BTreeMap<&Subject, &(Verdict, Vec<Reason>)> {
    decided.verdicts.iter().filter(|(_, (verdict, _))| *verdict != Verdict::NotApplicable).collect()
}

#[test]
fn lost_batches_bring_no_false_violation_and_cost_few_true_ones() {
    for recording in RECORDINGS.iter() {
        for percent in [1, 2] {
            let (mut kept, mut truths, mut below_lone_tops) = (0, 0, 0);
            for seed in 0..recording.seeds {
                let damaged = without_batches(&recording.batches, percent, seed);
                let lone = lone_tops(&damaged);
                let decided = recording.decide(&damaged);
                let (tolerated, wrong): (Vec<_>, Vec<_>) =
                    recording.false_violations(&decided).into_iter().partition(|(_, trace, _)| trace.is_some_and(|id| lone.contains(&id)));
                below_lone_tops += tolerated.len() as u64;
                assert!(wrong.is_empty(), "{} {percent} % seed {seed}: {wrong:?}", recording.name);
                kept += decided.violated().count();
                truths += recording.whole.violated().count();
            }
            println!(
                "{}, {percent} % of the batches lost: {kept} of {truths} true violations kept, {below_lone_tops} false below lone tops",
                recording.name
            );
            let traces = recording.traces as u64 * recording.seeds;
            assert!(below_lone_tops * 1000 <= traces, "{}: {below_lone_tops} of {traces}", recording.name);
            assert!(kept < truths, "nothing was lost");
            assert!(percent != 1 || kept * 100 >= truths * 95, "{}: {kept} of {truths}", recording.name);
        }
    }
}

/// A lost leaf that is no callee leaves no trace of itself, so the share cannot be zero; nothing else brings a false violation.
#[test]
fn lost_spans_bring_few_false_violations() {
    for recording in RECORDINGS.iter() {
        let mut wrong: BTreeMap<String, u64> = BTreeMap::new();
        for seed in 0..recording.seeds {
            let damaged = without_spans(&recording.batches, 1, seed);
            let (leaves, lone) = (lost_leaves(&recording.batches, &damaged), lone_tops(&damaged));
            for (rule, trace, _) in recording.false_violations(&recording.decide(&damaged)) {
                let trace = trace.expect("a rule over traces");
                assert!(leaves.contains(&trace) || lone.contains(&trace), "{} seed {seed}: {rule} could have known", recording.name);
                *wrong.entry(rule).or_default() += 1;
            }
        }
        let traces = recording.traces as u64 * recording.seeds;
        let claims = traces * recording.rules.rules.len() as u64;
        println!("{}, 1 % of the spans lost: falsely violated of {traces} traces: {wrong:?}", recording.name);
        assert!(wrong.values().sum::<u64>() * 1000 <= claims * 5, "{}: {wrong:?} of {claims}", recording.name);
        assert!(wrong.values().all(|count| count * 100 <= traces), "{}: {wrong:?} of {traces}", recording.name);
    }
}

#[test]
fn disorder_changes_nothing() {
    for recording in RECORDINGS.iter() {
        let whole = said(&recording.whole);
        for seed in 0..recording.seeds / 5 {
            let decided = recording.decide(&disordered(&recording.batches, 25 * SECOND, seed));
            let decided = said(&decided);
            let different: Vec<_> = whole.iter().filter(|(subject, said)| decided.get(*subject) != Some(said)).take(5).collect();
            assert!(different.is_empty(), "{} seed {seed}: {different:?}", recording.name);
            assert_eq!(decided.len(), whole.len(), "{} seed {seed}", recording.name);
        }
    }
}

/// Every span that was sent has its call above it, so that the two recordings need no clock to tell what came first.
#[test]
fn wrong_clocks_change_no_verdict_of_a_trace() {
    for recording in RECORDINGS.iter() {
        let of_traces = |decided: &Decided| {
            let said = said(decided).into_iter().filter(|((_, trace, _), _)| trace.is_some());
            said.map(|(subject, said)| (subject.clone(), said.clone())).collect::<BTreeMap<_, _>>()
        };
        let whole = of_traces(&recording.whole);
        let ordered = whole.keys().filter(|(rule, ..)| ORDER_RULES.contains(&rule.as_str())).count();
        assert!(ordered > recording.traces, "{}: {ordered} verdicts on order", recording.name);
        for seed in 0..recording.seeds / 5 {
            let decided = of_traces(&recording.decide(&with_clocks(&recording.batches, 2 * SECOND, seed)));
            let different: Vec<_> = whole.iter().filter(|(subject, said)| decided.get(*subject) != Some(said)).take(5).collect();
            assert!(different.is_empty(), "{} seed {seed}: {different:?}", recording.name);
        }
    }
}

/// What is lost may be what shows the order, so that times have to be compared after all: clocks within `max_skew` then bring nothing
/// false either.
#[test]
fn lost_batches_and_wrong_clocks_together_bring_no_false_violation() {
    const HALF_OF_MAX_SKEW: u64 = SECOND / 20;
    for recording in RECORDINGS.iter() {
        for seed in 0..recording.seeds / 2 {
            let damaged = with_clocks(&without_batches(&recording.batches, 2, seed), HALF_OF_MAX_SKEW, seed);
            let lone = lone_tops(&damaged);
            let mut wrong = recording.false_violations(&recording.decide(&damaged));
            wrong.retain(|(_, trace, _)| !trace.is_some_and(|id| lone.contains(&id)));
            assert!(wrong.is_empty(), "{} seed {seed}: {wrong:?}", recording.name);
        }
    }
}
