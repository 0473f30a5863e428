//! One engine, many threads.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use fluo::{Form, Status};

use super::host::{Host, PAYMENT, Rules, records};
use super::messages::{SETTLED, START, message, spans};

const WRITERS: u64 = 8;
const TRACES_EACH: u64 = 150;

#[test]
fn every_violation_comes_out_once_whoever_ingests_and_drains() {
    let rules = Rules::file(PAYMENT);
    let host = Host::with(&rules, START);
    let writing = AtomicBool::new(true);
    thread::scope(|scope| {
        // While others write: the clock, the statistics, the projection.
        scope.spawn(|| {
            while writing.load(Ordering::Relaxed) {
                assert_eq!(host.tick(START).0, Status::Ok);
                host.stats();
                host.projection();
                thread::yield_now();
            }
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let host = &host;
                scope.spawn(move || {
                    for number in 0..TRACES_EACH {
                        let trace = writer * TRACES_EACH + number + 1;
                        let names: &[&str] = if trace.is_multiple_of(2) {
                            &["checkout", "payment.charge_card", "payment.fraud_check"]
                        } else {
                            &["checkout", "payment.charge_card"]
                        };
                        // One message for each span, so that traces are put together while others are.
                        for span in spans(trace, names) {
                            let (status, result) = host.ingest(0, START, &message(vec![span]));
                            assert_eq!((status, result.spans), (Status::Ok, 1));
                        }
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().expect("a writer");
        }
        writing.store(false, Ordering::Relaxed);
    });

    let violations = WRITERS * TRACES_EACH / 2;
    // A tick may leave work for the next one.
    while host.stats()["traces_open"] != 0 {
        assert_eq!(host.tick(SETTLED).0, Status::Ok);
    }
    let stats = host.stats();
    assert_eq!((&stats["spans_received"], &stats["signals_emitted"]), (&(violations * 5).into(), &violations.into()));

    let drained = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let (status, bytes, result) = host.drain(Form::Logs, SETTLED, 7);
                    assert_eq!(status, Status::Ok);
                    drained.lock().expect("no drain panicked").extend(records(&bytes));
                    if result.more == 0 {
                        break;
                    }
                }
            });
        }
    });
    let drained = drained.into_inner().expect("no drain panicked");
    let traces: BTreeSet<&[u8]> = drained.iter().map(|record| &record.trace_id[..]).collect();
    assert_eq!((drained.len() as u64, traces.len() as u64), (violations, violations));
}

#[test]
fn rules_may_be_swapped_under_load() {
    let rules = [Rules::file(PAYMENT), Rules::file("- name: slow\n  never: trace.spans.where(duration > 1h).count() > 0\n")];
    let host = Host::with(&rules[0], START);
    thread::scope(|scope| {
        for writer in 0..4_u64 {
            let host = &host;
            scope.spawn(move || {
                let mut epoch = host.projection()["epoch"].as_u64().expect("an epoch");
                for number in 0..200 {
                    let bytes = message(spans(writer * 1000 + number + 1, &["checkout", "payment.charge_card"]));
                    match host.ingest(epoch, START, &bytes) {
                        (Status::Ok, result) => assert_eq!(result.spans, 2),
                        (Status::StaleProjection, _) => {
                            epoch = host.projection()["epoch"].as_u64().expect("an epoch");
                            assert_eq!(host.ingest(0, START, &bytes).0, Status::Ok, "a whole message is always accepted");
                        }
                        (status, _) => panic!("{status:?}"),
                    }
                }
            });
        }
        for round in 0..50_usize {
            assert_eq!(host.swap(&rules[(round + 1) % 2], START), Status::Ok);
            thread::yield_now();
        }
    });
    assert_eq!(host.stats()["spans_received"], 4 * 200 * 2);
}
