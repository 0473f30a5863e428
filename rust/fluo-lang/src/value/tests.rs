use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;
use crate::program::ArithOp;

fn s(text: &str) -> ValueRef<'_> {
    ValueRef::Str(text.as_bytes())
}

#[test]
fn a_status_code_is_one_value_however_it_is_sent() {
    let forms = [s("401"), ValueRef::Int(401), ValueRef::Float(401.0)];
    for a in forms {
        for b in forms {
            assert!(equal(a, b), "{a:?} {b:?}");
        }
    }
}

#[test]
fn canonical_decimals() {
    for text in ["0", "7", "-7", "10", "0.5", "-0.5", "1.05", "9223372036854775807", "99999999999999999999", "-0.1"] {
        assert!(canonical_decimal(text.as_bytes()).is_some(), "{text}");
    }
    for text in ["", "-", "-0", "00", "01", "1.", "1.0", "1.50", ".5", "+1", "1e3", " 1", "1 ", "0x1", "-0.0", "1..2", "١"] {
        assert!(canonical_decimal(text.as_bytes()).is_none(), "{text}");
    }
    assert!(!equal(s("1.0"), ValueRef::Int(1)), "not canonical, so a string");
    assert!(equal(s("0.1"), ValueRef::Float(0.1)));
    assert!(equal(s("0.1000000000000000055"), ValueRef::Float(0.1)), "the double nearest to it");
    assert_eq!(order(s("9"), s("10")), Some(Ordering::Less), "both canonical: as numbers");
    assert_eq!(order(s("9"), s("10a")), Some(Ordering::Greater), "else by code point");
}

#[test]
fn integers_are_exact_beside_doubles() {
    let big = (1 << 53) + 1;
    assert!(!equal(ValueRef::Int(big), ValueRef::Float(big as f64)));
    assert_eq!(order(ValueRef::Int(i64::MAX), ValueRef::Float(9_223_372_036_854_775_808.0)), Some(Ordering::Less));
    assert_eq!(order(ValueRef::Int(i64::MIN), ValueRef::Float(-9_223_372_036_854_775_808.0)), Some(Ordering::Equal));
    assert_eq!(order(ValueRef::Int(-1), ValueRef::Float(-1.5)), Some(Ordering::Greater));
    assert_eq!(order(ValueRef::Int(1), ValueRef::Float(1.5)), Some(Ordering::Less));
    assert!(equal(ValueRef::Int(0), ValueRef::Float(-0.0)));
    assert_eq!(order(ValueRef::Int(1), ValueRef::Float(f64::NAN)), None);
}

#[test]
fn different_types_are_unequal_and_unordered() {
    let values = [s("a"), ValueRef::Int(1), ValueRef::Bool(true), ValueRef::Duration(1), ValueRef::Bytes(b"a")];
    for (i, a) in values.iter().enumerate() {
        for (j, b) in values.iter().enumerate() {
            assert_eq!(equal(*a, *b), i == j, "{a:?} {b:?}");
            if i != j {
                assert_eq!(order(*a, *b), None, "{a:?} {b:?}");
            }
        }
    }
    assert!(equal(s("true"), ValueRef::Bool(true)));
    assert_eq!(order(ValueRef::Bool(false), ValueRef::Bool(true)), None);
}

#[test]
fn arithmetic_is_exact_or_missing() {
    let int = |n| Operand::Number(Number::Int(n));
    let float = |f| Operand::Number(Number::Float(f));
    let d = Operand::Duration;
    for (op, a, b, result) in [
        (ArithOp::Div, int(5), int(2), Some(float(2.5))),
        (ArithOp::Div, int(5), int(0), None),
        (ArithOp::Add, int(i64::MAX), int(1), None),
        (ArithOp::Add, int(1), float(0.5), Some(float(1.5))),
        (ArithOp::Rem, int(-7), int(3), Some(int(-1))),
        (ArithOp::Add, d(1), d(2), Some(d(3))),
        (ArithOp::Mul, d(3), float(1.5), Some(d(5))),
        (ArithOp::Mul, int(2), d(3), Some(d(6))),
        (ArithOp::Div, d(3), int(2), Some(d(2))),
        (ArithOp::Div, d(-3), int(2), Some(d(-2))),
        (ArithOp::Div, d(3), d(2), Some(float(1.5))),
        (ArithOp::Add, d(1), int(1), None),
        (ArithOp::Mul, d(i64::MAX), float(2.0), None),
        (ArithOp::Mul, float(1e300), float(1e300), None),
    ] {
        assert_eq!(arith(op, a, b), result, "{op:?} {a:?} {b:?}");
    }
    assert_eq!(Operand::of(s("12")), Some(int(12)));
    assert_eq!(Operand::of(s("x")), None);
    assert_eq!(negate(int(i64::MIN)), None);
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        "(-?[0-9]{1,3}(\\.[0-9]{1,2})?)|true|false|[a-c]{0,2}".prop_map(Value::String),
        (-20i64..20).prop_map(Value::Int),
        any::<i64>().prop_map(Value::Int),
        (-40i32..40).prop_map(|n| Value::Float(f64::from(n) / 4.0)),
        any::<bool>().prop_map(Value::Bool),
        (-3i64..3).prop_map(Value::Duration),
    ]
}

proptest! {
    #[test]
    fn order_agrees_with_equality(a in any_value(), b in any_value()) {
        let (a, b) = (a.view(), b.view());
        prop_assert_eq!(equal(a, b), equal(b, a));
        if let Some(ordering) = order(a, b) {
            prop_assert_eq!(ordering == Ordering::Equal, equal(a, b));
            prop_assert_eq!(order(b, a), Some(ordering.reverse()));
        }
    }
}
