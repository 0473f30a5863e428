//! From the first message to the last signal.

use fluo::{Form, Status, fluo_abi_version, fluo_build_id};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message as _;

use super::host::{Host, PAYMENT, Rules, records};
use super::messages::{SECOND, SETTLED, START, charge, message, spans};

/// Reads what [`PAYMENT`] does not.
const ORDERS: &str = "- name: large-order
  never: trace.spans.where(order.lines > 100).count() > 0
";

#[test]
fn a_violation_is_one_signal_and_a_satisfied_trace_none() {
    let rules = Rules::file(PAYMENT);
    let host = Host::with(&rules, START);
    drop(rules);
    let (status, result) = host.ingest(0, START, &charge(1, false));
    assert_eq!((status, result.spans, result.spans_selected), (Status::Ok, 2, 1));
    assert_eq!(result.signals_pending, 0, "absence is concluded at completion only");
    let (status, result) = host.ingest(0, START, &charge(2, true));
    assert_eq!((status, result.spans, result.spans_selected), (Status::Ok, 3, 2));
    let (status, result) = host.tick(START + SECOND);
    assert_eq!((status, result.signals_pending), (Status::Ok, 0));
    let (status, result) = host.tick(SETTLED);
    assert_eq!((status, result.signals_pending), (Status::Ok, 1));

    let records = host.records(SETTLED);
    let [record] = &records[..] else { panic!("one signal: {records:#?}") };
    assert_eq!(record.event_name, "fluo.violation");
    assert_eq!(record.trace_id.last(), Some(&1));
    let stats = host.stats();
    assert_eq!((&stats["spans_received"], &stats["signals_emitted"], &stats["signals_queued"]), (&5.into(), &1.into(), &0.into()));
    assert_eq!(stats["rules"][0]["name"], "payment-needs-fraud-check");
    assert_eq!((&stats["rules"][0]["violated"], &stats["rules"][0]["satisfied"]), (&1.into(), &1.into()));
}

#[test]
fn signals_come_as_spans_too() {
    let rules = Rules::file(PAYMENT);
    let host = Host::with(&rules, START);
    assert_eq!(host.ingest(0, START, &charge(1, false)).0, Status::Ok);
    assert_eq!(host.tick(SETTLED).0, Status::Ok);
    let (status, bytes, result) = host.drain(Form::Spans, SETTLED, 10);
    assert_eq!((status, result.signals), (Status::Ok, 1));
    let data = TracesData::decode(&bytes[..]).expect("traces");
    let scope = &data.resource_spans[0].scope_spans[0];
    assert_eq!(scope.scope.as_ref().expect("a scope").name, "github.com/fluo-otel/fluo");
    assert_eq!(scope.spans[0].events[0].name, "fluo.violation");

    let (status, result) = host.ingest(0, SETTLED, &bytes);
    assert_eq!((status, result.spans, result.spans_own), (Status::Ok, 0, 1), "our own spans are not fed back");
}

#[test]
fn a_drain_takes_no_more_than_asked() {
    let rules = Rules::file(PAYMENT);
    let host = Host::with(&rules, START);
    for trace in 1..=5 {
        assert_eq!(host.ingest(0, START, &charge(trace, false)).0, Status::Ok);
    }
    assert_eq!(host.tick(SETTLED).1.signals_pending, 1);
    let mut taken = Vec::new();
    for (asked, got, more) in [(0, 0, 1), (2, 2, 1), (2, 2, 1), (2, 1, 0), (2, 0, 0)] {
        let (status, bytes, result) = host.drain(Form::Logs, SETTLED, asked);
        assert_eq!((status, result.signals, result.more), (Status::Ok, got, more));
        taken.extend(records(&bytes).into_iter().map(|record| record.trace_id));
    }
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), 5);
}

#[test]
fn a_message_for_an_old_projection_is_refused_whole() {
    let rules = Rules::file(PAYMENT);
    let host = Host::with(&rules, START);
    let old = host.projection()["epoch"].as_u64().expect("an epoch");
    assert_ne!(old, 0, "0 stands for whole messages");
    assert_eq!(host.ingest(old, START, &charge(1, false)).0, Status::Ok);

    assert_eq!(host.swap(&Rules::file(ORDERS), START), Status::Ok);
    let projection = host.projection();
    let new = projection["epoch"].as_u64().expect("an epoch");
    assert_ne!(old, new);
    assert!(projection["span"]["keys"].as_array().expect("keys").contains(&"order.lines".into()), "{projection:#}");
    let before = host.stats();
    let (status, _) = host.ingest(old, START, &charge(2, false));
    assert_eq!(status, Status::StaleProjection);
    assert_eq!(host.stats(), before, "nothing was applied");
    for epoch in [new, 0] {
        let (status, result) = host.ingest(epoch, START, &charge(3 + epoch, false));
        assert_eq!((status, result.spans, result.epoch), (Status::Ok, 2, new));
    }
    // The trace that began under the first rules ends under them; those that came later know only the second.
    assert_eq!(host.tick(SETTLED).0, Status::Ok);
    let violated: Vec<Option<u8>> = host.records(SETTLED).iter().map(|record| record.trace_id.last().copied()).collect();
    assert_eq!(violated, [Some(1)]);
}

#[test]
fn after_the_flush_only_reading_is_left() {
    let rules = Rules::file(PAYMENT);
    let host = Host::with(&rules, START);
    assert_eq!(host.ingest(0, START, &charge(1, false)).0, Status::Ok);
    assert_eq!(host.stats()["traces_open"], 1);
    assert_eq!(host.flush(START + SECOND).0, Status::Ok);
    assert_eq!(host.ingest(0, START + SECOND, &charge(2, false)).0, Status::Closed);
    assert_eq!(host.stats()["traces_open"], 0);
    assert_eq!(host.drain(Form::Logs, START, 10).0, Status::Ok);
    assert_eq!(host.tick(START + 2 * SECOND).0, Status::Ok);
}

#[test]
fn configurations_are_read_and_checked() {
    let rules = Rules::file(PAYMENT);
    for (config, why) in [
        (r#"{"settle":1}"#, "settle"),
        (r#"{"settle_ns":0}"#, "settle_ns"),
        (r#"{"top_is_root":"never"}"#, "never"),
        ("{", "cannot be read"),
        (r#"{"record_verdicts":true}"#, "record_verdicts"),
    ] {
        let Err((status, text)) = Host::new(&rules, config, START) else { panic!("{config} is accepted") };
        assert_eq!(status, Status::InvalidConfig, "{config}");
        assert!(text.contains(why), "{config}: {text}");
    }
    assert!(Host::new(&rules, "", START).is_ok(), "no bytes are an empty object");

    let host = Host::new(&rules, r#"{"settle_ns":1000000000,"resource":{"deployment.environment":"prod"}}"#, START).expect("an engine");
    assert_eq!(host.ingest(0, START, &charge(1, false)).0, Status::Ok);
    assert_eq!(host.tick(START + 2 * SECOND).1.signals_pending, 1);
    let (_, bytes, _) = host.drain(Form::Logs, START, 10);
    let data = opentelemetry_proto::tonic::logs::v1::LogsData::decode(&bytes[..]).expect("logs");
    let keys: Vec<&str> = data.resource_logs[0].resource.as_ref().expect("a resource").attributes.iter().map(|a| a.key.as_str()).collect();
    assert!(keys.contains(&"deployment.environment"), "{keys:?}");
}

#[test]
fn damage_is_counted_and_contained() {
    let rules = Rules::file(PAYMENT);
    let host = Host::with(&rules, START);

    let mut bad = spans(1, &["checkout", "payment.charge_card"]);
    bad[0].trace_id.pop();
    let (status, result) = host.ingest(0, START, &message(bad));
    assert_eq!((status, result.spans, result.spans_rejected), (Status::Ok, 1, 1));

    let whole = charge(2, true);
    let (status, result) = host.ingest(0, START, &[&whole[..], &[0x0a, 0xff, 0x7f]].concat());
    assert_eq!(status, Status::InvalidOtlp);
    assert_eq!((result.spans, result.frames_rejected > 0), (3, true), "what could be read was applied");

    let (status, result) = host.ingest(0, START, &[]);
    assert_eq!((status, result.spans, result.frames_rejected), (Status::Ok, 0, 0));
}

#[test]
fn no_bytes_do_harm() {
    let rules = Rules::file(PAYMENT);
    let host = Host::with(&rules, START);
    let good = charge(1, true);
    let mut random: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    for round in 0..20_000_u64 {
        let mut bytes = good.clone();
        for _ in 0..=round % 4 {
            let at = usize::try_from(next()).expect("64 bits") % bytes.len();
            bytes[at] = next().to_le_bytes()[0];
        }
        bytes.truncate(bytes.len() - usize::try_from(next()).expect("64 bits") % 8);
        let (status, _) = host.ingest(0, START, &bytes);
        assert!(matches!(status, Status::Ok | Status::InvalidOtlp), "{status:?} for {bytes:?}");
    }
    assert_eq!(host.tick(SETTLED).0, Status::Ok);
}

#[test]
fn the_library_says_which_it_is() {
    assert_eq!(fluo_abi_version(), fluo::FLUO_ABI_VERSION);
    // SAFETY: static text that ends in NUL.
    let id = unsafe { std::ffi::CStr::from_ptr(fluo_build_id()) }.to_str().expect("text");
    assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
}
