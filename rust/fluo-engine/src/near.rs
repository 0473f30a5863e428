//! Near misses: spans that satisfy all conjuncts of a wanted selector but one. What is kept of them in a trace does not depend on the
//! order in which they come: how many there were, and the value that came nearest.

use crate::expr::term;
use crate::otlp::SpanView;
use crate::plan::{NearPart, Plan};
use crate::select::SpanEnv;
use crate::store::combination::Pick;
use crate::truth::Truth;
use crate::value::Val;

/// Bytes of a value that are kept.
const SHOWN: usize = 39;

/// A value as text, cut to what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Shown {
    bytes: [u8; SHOWN],
    len: u8,
}

/// A span that misses one conjunct only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Miss {
    /// Index in the watched selectors of the plan.
    near: u32,
    /// The conjunct that it misses.
    part: u8,
    value: Option<Value>,
}

/// A value and how far it is from what was wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Value {
    distance: f64,
    text: Shown,
}

/// What a trace keeps of the spans that miss one conjunct of a selector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Missed {
    near: u32,
    part: u8,
    count: u32,
    nearest: Option<Value>,
}

impl Value {
    /// Whether this value is shown rather than another: the nearer, then the first by its bytes.
    fn beats(&self, other: &Self) -> bool {
        self.distance.total_cmp(&other.distance).then_with(|| self.text.cmp(&other.text)).is_lt()
    }
}

impl Shown {
    fn new(text: &[u8]) -> Self {
        let mut shown = Self { bytes: [0; SHOWN], len: u8::MAX };
        for (to, from) in shown.bytes.iter_mut().zip(text) {
            *to = *from;
        }
        if let Ok(len) = u8::try_from(text.len())
            && usize::from(len) <= SHOWN
        {
            shown.len = len;
        }
        shown
    }

    /// The text; one that was cut ends with dots.
    fn text(&self) -> String {
        match self.bytes.get(..usize::from(self.len)) {
            Some(whole) => String::from_utf8_lossy(whole).into_owned(),
            None => format!("{}…", String::from_utf8_lossy(&self.bytes).trim_end_matches('\u{fffd}')),
        }
    }
}

/// Adds the near misses of a span. `of_service` are the watched selectors that demand the span's service, which is a text or not.
pub(crate) fn misses(plan: &Plan, of_service: &[u32], service_is_text: bool, span: &SpanView<'_, '_>, picks: &[Pick], out: &mut Vec<Miss>) {
    let [of_name, any] = plan.near.index.of_name(span.name);
    for (list, is_held) in [(of_service, service_is_text), (of_name, true), (any, false)] {
        for near in list {
            let Some(watched) = plan.near.plans.get(*near as usize) else { continue };
            if picks.iter().any(|pick| pick.selector == watched.selector) {
                continue;
            }
            let held = watched.held.filter(|_| is_held);
            if let Some((part, failing)) = only_failing(&watched.parts, held, span) {
                out.push(Miss { near: *near, part, value: nearest(failing, span) });
            }
        }
    }
}

/// The conjunct that alone does not hold. One is known to hold.
fn only_failing<'p>(parts: &'p [NearPart], held: Option<u8>, span: &SpanView<'_, '_>) -> Option<(u8, &'p NearPart)> {
    let mut failing = None;
    for (at, part) in (0u8..).zip(parts).filter(|(at, _)| Some(*at) != held) {
        match part.test.decide(span) {
            Truth::True => {}
            Truth::False if failing.is_none() => failing = Some((at, part)),
            _ => return None,
        }
    }
    failing
}

/// Of the values that a conjunct looks at the one that is nearest to what it wants.
fn nearest(part: &NearPart, span: &SpanView<'_, '_>) -> Option<Value> {
    let read = term(part.value.as_ref()?, &SpanEnv { span, item: None });
    let mut best: Option<Value> = None;
    for value in read.value.as_ref()?.each() {
        let distance = part.wanted.iter().map(|wanted| distance(value, wanted)).min_by(f64::total_cmp).unwrap_or_default();
        let found = Value { distance, text: Shown::new(&value.text()) };
        if best.as_ref().is_none_or(|best| found.beats(best)) {
            best = Some(found);
        }
    }
    best
}

/// How far apart two values are: numbers and durations by their difference, which no text is nearer than; texts by the bytes between
/// what they have in common at both ends.
#[expect(clippy::cast_precision_loss, reason = "how far, not how much")]
fn distance(a: &Val<'_>, b: &Val<'_>) -> f64 {
    if let (Val::Duration(a), Val::Duration(b)) = (a, b) {
        return a.abs_diff(*b) as f64;
    }
    if let Some(a) = a.number()
        && let Some(b) = b.number()
    {
        return (a.to_f64() - b.to_f64()).abs();
    }
    let (a, b) = (a.text(), b.text());
    let same = |(a, b): &(&u8, &u8)| a == b;
    let front = a.iter().zip(b.iter()).take_while(same).count();
    let rest = a.len().min(b.len()) - front;
    let back = a.iter().rev().zip(b.iter().rev()).take(rest).take_while(same).count();
    (a.len().max(b.len()) - front - back) as f64
}

impl Missed {
    /// Adds the near misses of a span to those of its trace.
    pub(crate) fn add(all: &mut Vec<Self>, misses: &[Miss]) {
        for miss in misses {
            let place = all.binary_search_by_key(&(miss.near, miss.part), |known| (known.near, known.part));
            let at = place.unwrap_or_else(|at| at);
            if place.is_err() {
                all.insert(at, Self { near: miss.near, part: miss.part, count: 0, nearest: miss.value });
            }
            let Some(known) = all.get_mut(at) else { continue };
            known.count = known.count.saturating_add(1);
            if let Some(value) = miss.value
                && known.nearest.as_ref().is_none_or(|best| value.beats(best))
            {
                known.nearest = Some(value);
            }
        }
    }

    /// The nearest miss of a selector in words: the conjunct that most spans miss alone, the first written one of several. `members` is
    /// how many spans the selector did pick.
    pub(crate) fn sentence(all: &[Self], plan: &Plan, selector: u32, members: usize) -> Option<String> {
        let (near, watched) = plan.near.of_selector(selector)?;
        let of_selector = all.iter().filter(|missed| missed.near == near);
        let missed = of_selector.max_by_key(|missed| (missed.count, std::cmp::Reverse(missed.part)))?;
        let part = watched.parts.get(usize::from(missed.part))?;
        let spans = if missed.count == 1 { "span" } else { "spans" };
        let (count, rest, text) = (missed.count, &part.rest, &part.text);
        let nearest = missed.nearest.map(|value| format!("; nearest {}", value.text.text())).unwrap_or_default();
        Some(if members == 0 {
            format!("{count} {spans} matched {rest}, none had {text}{nearest}")
        } else {
            format!("{count} other {spans} matched {rest}, but not {text}{nearest}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Shown, distance};
    use crate::value::Val;

    #[test]
    fn near_is_what_a_reader_calls_near() {
        let wanted = Val::Int(401);
        let near = |value: &Val<'_>| distance(value, &wanted);
        assert!(near(&Val::Int(403)) < near(&Val::str(b"200")) && near(&Val::str(b"402")) < near(&Val::Float(403.0)));
        let name = Val::str(b"payment.fraud_check");
        let words = [&b"payment.fraud-check"[..], b"payment.check", b"cart.add"];
        let distances: Vec<f64> = words.iter().map(|word| distance(&Val::str(word), &name)).collect();
        assert!(distances.is_sorted() && distances[0] == 1.0, "{distances:?}");
        assert_eq!(distance(&Val::Duration(5), &Val::Duration(-5)), 10.0);
        assert_eq!(distance(&Val::str(b"aa"), &Val::str(b"aaa")), 1.0);
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        assert_eq!(Shown::new(b"short").text(), "short");
        assert_eq!(Shown::new("é".repeat(30).as_bytes()).text(), format!("{}…", "é".repeat(19)));
        assert_eq!(Shown::new(&[b'x'; 39]).text(), "x".repeat(39));
        assert_eq!(Shown::new(&[b'x'; 300]).text(), format!("{}…", "x".repeat(39)));
    }
}
