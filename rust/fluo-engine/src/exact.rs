//! Sums and means that are computed exactly and rounded once.

use num_bigint::{BigInt, Sign};
use num_traits::{Signed, ToPrimitive, Zero};

use crate::value::{Number, Val};

/// Doubles are integers of this many binary places after the point.
const PLACES: i64 = 1074;

/// What values add up to, exactly; they may be taken out again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Total {
    /// Durations, and how many.
    nanos: i128,
    durations: usize,
    /// Integers, and how many.
    ints: i128,
    int_count: usize,
    /// Doubles in units of 2^-1074, and how many.
    fixed: BigInt,
    floats: usize,
    /// Infinities.
    infinite: usize,
}

impl Total {
    /// Adds a value; what is no number and no duration adds nothing.
    pub(crate) fn add(&mut self, value: &Val<'_>) {
        self.change(value, true);
    }

    /// Takes a value out that was added.
    pub(crate) fn remove(&mut self, value: &Val<'_>) {
        self.change(value, false);
    }

    fn change(&mut self, value: &Val<'_>, add: bool) {
        let count = |count: &mut usize| if add { *count += 1 } else { *count = count.saturating_sub(1) };
        let sign = if add { 1 } else { -1 };
        match (value, value.number()) {
            (Val::Duration(nanos), _) => {
                self.nanos += i128::from(*nanos) * sign;
                count(&mut self.durations);
            }
            (_, Some(Number::Int(int))) => {
                self.ints += i128::from(int) * sign;
                count(&mut self.int_count);
            }
            (_, Some(Number::Float(float))) => match fixed(float) {
                Some(fixed) => {
                    if add {
                        self.fixed += fixed;
                    } else {
                        self.fixed -= fixed;
                    }
                    count(&mut self.floats);
                }
                None => count(&mut self.infinite),
            },
            _ => {}
        }
    }

    fn is_mixed(&self) -> bool {
        self.durations > 0 && self.int_count + self.floats + self.infinite > 0
    }

    /// Everything in units of 2^-1074.
    fn in_places(&self) -> BigInt {
        (BigInt::from(self.ints) << PLACES) + &self.fixed
    }

    /// The sum; of nothing it is zero. Integers stay integers; a sum outside 64 bits, of an infinity, or of durations and numbers is
    /// missing.
    pub(crate) fn sum(&self, is_duration: bool) -> Option<Val<'static>> {
        if self.is_mixed() || self.infinite > 0 {
            return None;
        }
        if self.floats > 0 {
            return finite(ratio(&self.in_places(), &(BigInt::from(1) << PLACES)));
        }
        if self.durations > 0 || (is_duration && self.int_count == 0) {
            return i64::try_from(self.nanos).ok().map(Val::Duration);
        }
        i64::try_from(self.ints).ok().map(Val::Int)
    }

    /// The mean of so many values, rounded once to a double; of durations, to the nearest nanosecond.
    pub(crate) fn mean<'a>(&self, count: usize) -> Option<Val<'a>> {
        let count = i128::try_from(count).ok().filter(|n| *n > 0)?;
        if self.is_mixed() || self.infinite > 0 {
            return None;
        }
        if self.durations > 0 {
            // Half a nanosecond rounds away from zero.
            let doubled = self.nanos * 2 + if self.nanos < 0 { -count } else { count };
            return i64::try_from(doubled / (count * 2)).ok().map(Val::Duration);
        }
        if self.floats > 0 {
            finite(ratio(&self.in_places(), &(BigInt::from(count) << PLACES)))
        } else {
            finite(ratio(&BigInt::from(self.ints), &BigInt::from(count)))
        }
    }
}

fn total(values: &[Val<'_>]) -> Total {
    let mut total = Total::default();
    values.iter().for_each(|value| total.add(value));
    total
}

/// A double in units of 2^-1074; nothing for an infinity.
fn fixed(value: f64) -> Option<BigInt> {
    if !value.is_finite() {
        return None;
    }
    let bits = value.to_bits();
    let exponent = i64::try_from((bits >> 52) & 0x7ff).ok()?;
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, shift) = if exponent == 0 { (fraction, 0) } else { (fraction | (1 << 52), exponent - 1) };
    let size = BigInt::from(mantissa) << shift;
    Some(if value.is_sign_negative() { -size } else { size })
}

/// The sum of values; see [`Total::sum`].
pub(crate) fn sum(values: &[Val<'_>], is_duration: bool) -> Option<Val<'static>> {
    total(values).sum(is_duration)
}

/// The mean of values; see [`Total::mean`].
pub(crate) fn mean<'a>(values: &[Val<'_>]) -> Option<Val<'a>> {
    total(values).mean(values.len())
}

/// A duration times a number, to the nearest nanosecond, halves away from zero.
pub(crate) fn times(nanos: i64, factor: Number) -> Option<i64> {
    match factor {
        Number::Int(factor) => nanos.checked_mul(factor),
        Number::Float(factor) => rounded(&(fixed(factor)? * nanos), &(BigInt::from(1) << PLACES)),
    }
}

/// A duration divided by a number, to the nearest nanosecond, halves away from zero; nothing for a division by zero.
pub(crate) fn divided(nanos: i64, divisor: Number) -> Option<i64> {
    let divisor = match divisor {
        Number::Int(divisor) => BigInt::from(divisor) << PLACES,
        Number::Float(divisor) => fixed(divisor)?,
    };
    rounded(&(BigInt::from(nanos) << PLACES), &divisor)
}

/// The integer nearest to a quotient, halves away from zero.
fn rounded(numerator: &BigInt, denominator: &BigInt) -> Option<i64> {
    if denominator.is_zero() {
        return None;
    }
    let (size, divisor) = (numerator.abs(), denominator.abs());
    let nearest: BigInt = (size * 2 + &divisor) / (divisor * 2);
    let negative = numerator.is_negative() != denominator.is_negative();
    if negative { (-nearest).to_i64() } else { nearest.to_i64() }
}

fn finite<'a>(value: f64) -> Option<Val<'a>> {
    value.is_finite().then_some(Val::Float(value))
}

/// The double nearest to `numerator / denominator`, ties to even.
fn ratio(numerator: &BigInt, denominator: &BigInt) -> f64 {
    if numerator.is_zero() {
        return 0.0;
    }
    let size = numerator.abs();
    // A quotient of at least 66 bits and a sticky bit round like the exact value.
    let bits = |n: &BigInt| i64::try_from(n.bits()).unwrap_or(i64::MAX);
    let shift = 66 - (bits(&size) - bits(denominator));
    let (scaled, divisor) = if shift >= 0 { (size << shift, denominator.clone()) } else { (size, denominator << -shift) };
    let quotient = &scaled / &divisor;
    let sticky = u128::from(!(scaled - &quotient * divisor).is_zero());
    let rounded = (quotient.to_u128().unwrap_or(u128::MAX) << 1) | sticky;
    let value = scale(rounded, -(shift + 1));
    if numerator.sign() == Sign::Minus { -value } else { value }
}

/// `mantissa · 2^exponent`, rounded once also where the result is subnormal.
#[expect(clippy::cast_precision_loss, reason = "rounding to the nearest double is the point")]
fn scale(mantissa: u128, exponent: i64) -> f64 {
    let top = 127 - i64::from(mantissa.leading_zeros()) + exponent;
    if top < -1022 {
        // The last place is 2^-1074: drop what lies below it, keeping a sticky bit.
        let drop = u32::try_from(-PLACES - exponent).unwrap_or(u32::MAX);
        if drop >= 128 {
            return 0.0;
        }
        let kept = mantissa >> drop;
        let rest = mantissa & ((1u128 << drop) - 1);
        let half = 1u128 << drop.saturating_sub(1);
        let up = rest > half || (rest == half && kept & 1 == 1);
        return f64::from_bits(u64::try_from(kept + u128::from(up)).unwrap_or(0));
    }
    let power = i32::try_from(exponent).unwrap_or(i32::MAX);
    // Both factors are powers of two: neither product rounds again.
    (mantissa as f64) * 2f64.powi(power / 2) * 2f64.powi(power - power / 2)
}

/// `⌈q·n⌉` with `q` as the shortest decimal that reads back as it.
pub(crate) fn ceil_of_product(q: f64, n: u64) -> u64 {
    let text = q.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits: u128 = format!("{whole}{fraction}").parse().unwrap_or(0);
    let scale = 10u128.saturating_pow(u32::try_from(fraction.len()).unwrap_or(0));
    u64::try_from(digits.saturating_mul(u128::from(n)).div_ceil(scale)).unwrap_or(n)
}

#[cfg(test)]
mod tests {
    use super::{ceil_of_product, mean, sum};
    use crate::value::Val;

    fn floats(values: &[f64]) -> Vec<Val<'static>> {
        values.iter().map(|f| Val::Float(*f)).collect()
    }

    #[test]
    fn sums_are_exact_whatever_the_order() {
        assert_eq!(sum(&floats(&[1e100, 1.0, -1e100]), false), Some(Val::Float(1.0)));
        assert_eq!(sum(&floats(&[0.1; 10]), false), Some(Val::Float(1.0)));
        assert_eq!(sum(&[Val::Int(i64::MAX), Val::Float(1.0), Val::Int(-i64::MAX)], false), Some(Val::Float(1.0)));
        assert_eq!(sum(&[Val::Int(i64::MAX), Val::Int(1)], false), None);
        assert_eq!(sum(&[Val::Duration(2), Val::Int(1)], false), None);
        assert_eq!(sum(&floats(&[5e-324, 5e-324]), false), Some(Val::Float(1e-323)));
    }

    #[test]
    fn means_round_once() {
        assert_eq!(mean(&[Val::Int(1), Val::Int(2)]), Some(Val::Float(1.5)));
        assert_eq!(mean(&[Val::Int(i64::MAX), Val::Int(i64::MAX - 2)]), Some(Val::Float(9_223_372_036_854_775_806.0)));
        assert_eq!(mean(&floats(&[0.1, 0.1, 0.1])), Some(Val::Float(0.1)));
        assert_eq!(mean(&[Val::Duration(3), Val::Duration(4)]), Some(Val::Duration(4)));
        assert_eq!(mean(&floats(&[5e-324, 0.0])), Some(Val::Float(0.0)));
    }

    #[test]
    fn ranks_are_those_of_the_decimal() {
        assert_eq!(ceil_of_product(0.1, 30), 3);
        assert_eq!(ceil_of_product(0.95, 20), 19);
        assert_eq!(ceil_of_product(0.99, 10), 10);
        assert_eq!(ceil_of_product(1.0, 7), 7);
    }
}
