use super::{duration, literal, pattern, string};
use crate::syntax::parse_duration;
use crate::value::Value;

#[test]
fn durations_read_back() {
    for nanos in [1, 999, 1_500, 90_000_000_000, 86_400_000_000_001, i64::MAX] {
        assert_eq!(parse_duration(&duration(nanos)), Some(nanos));
    }
    assert_eq!(duration(90_000_000_000), "1m30s");
    assert_eq!(duration(-1_500_000), "-1ms500us");
    assert_eq!(duration(0), "0s");
}

#[test]
fn literals_read_as_themselves() {
    assert_eq!(string("it's \\ a\n\u{1}é"), r"'it\'s \\ a\n\u{1}é'");
    assert_eq!(literal(&Value::Float(401.0)), "401.0");
}

#[test]
fn patterns_keep_their_backslashes() {
    assert_eq!(pattern(r"^\d+\.\w'$"), r"'^\d+\.\w\'$'");
    assert_eq!(pattern(r"a\nb\\c\"), r"'a\\nb\\\c\\'", "doubled only where a string would read an escape");
}
