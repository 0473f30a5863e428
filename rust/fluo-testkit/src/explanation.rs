//! Explanations are checked, not believed: what a signal cites has to break the rule by itself, and nothing of it can be left out.
//!
//! The check is the reference evaluator's: it evaluates the rule on the cited spans alone, as a trace that is known to be closed
//! ([`oracle::violated_by`]).

use std::collections::BTreeSet;

use fluo_engine::Signal;
use fluo_engine::signal::{Event, Phase};
use fluo_lang::program::{AggregateFn, Expr, Guard, OnGap, Rule, Scope, SpanRef, Term};

use crate::model::{SpanData, SpanId, hex};
use crate::oracle::{self, Config};

/// What is wrong with an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The cited spans alone do not violate the rule.
    TooLittle,
    /// Without this span they violate it as well.
    TooMuch(SpanId),
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLittle => write!(f, "the cited spans alone do not violate the rule"),
            Self::TooMuch(span) => write!(f, "without the cited span `{}` the rule is violated as well", hex(span)),
        }
    }
}

/// Whether a signal of the rule promises evidence that can be checked.
///
/// It has to be a violation whose evidence is not cut, of a rule over traces whose claim and `when` speak of presence, counts,
/// relations and fields of the root. Behind other aggregates (sums, means, quantiles, the trace's depth) stand all their spans,
/// which a signal does not single out. After completion a rule with `on_gap: signal` is left out: a signal of a claim that could not
/// be decided rests on what is not known, and looks like one of a claim that is broken. What rests on a span that counts as the root
/// although it names a parent is marked as cut: the span by itself does not say that it is the root.
#[must_use]
pub fn in_scope(rule: &Rule, signal: &Signal) -> bool {
    signal.event == Event::Violation
        && !signal.evidence_truncated
        && (rule.on_gap != OnGap::Signal || signal.phase == Phase::Early)
        && is_checkable(rule)
}

/// Whether the rule is one of those whose evidence can be checked.
#[must_use]
pub fn is_checkable(rule: &Rule) -> bool {
    let guard = match &rule.guard {
        Guard::Everywhere => true,
        Guard::When(e) | Guard::Derived(e) => of_claim(e),
    };
    rule.scope == Scope::Trace && guard && of_claim(&rule.claim)
}

/// Checks the evidence of a signal that is [in scope](in_scope). `trace` holds the spans of the signal's trace.
///
/// # Errors
/// Every flaw of the evidence.
pub fn check(rule: &Rule, config: &Config, trace: &[SpanData], signal: &Signal) -> Result<(), Vec<Flaw>> {
    let cited: BTreeSet<SpanId> = signal.evidence.iter().map(|id| id.to_be_bytes()).collect();
    let group: Vec<String> = signal.group.iter().map(|(_, value)| value.clone()).collect();
    let instant = signal.window.map(|(_, end)| end);
    let violated = |cited: &BTreeSet<SpanId>| oracle::violated_by(rule, config, trace, cited, &group, instant);
    let mut flaws = Vec::new();
    if !violated(&cited) {
        flaws.push(Flaw::TooLittle);
    }
    // Both halves of a call may have one id, which then cites two spans: neither can be left out alone.
    let halves = |id: &SpanId| trace.iter().filter(|span| span.span_id == *id).map(SpanData::is_entry).collect::<BTreeSet<_>>().len();
    if cited.iter().any(|id| halves(id) > 1) {
        return if flaws.is_empty() { Ok(()) } else { Err(flaws) };
    }
    for span in &cited {
        let mut rest = cited.clone();
        rest.remove(span);
        if violated(&rest) {
            flaws.push(Flaw::TooMuch(*span));
        }
    }
    if flaws.is_empty() { Ok(()) } else { Err(flaws) }
}

fn of_claim(expr: &Expr) -> bool {
    match expr {
        Expr::Const(_) | Expr::NonEmpty(_) | Expr::Empty(_) | Expr::Quantified { .. } => true,
        Expr::Not(inner) => of_claim(inner),
        Expr::And(parts) | Expr::Or(parts) => parts.iter().all(of_claim),
        Expr::Implies(a, b) => of_claim(a) && of_claim(b),
        Expr::Compare { left, right, .. } | Expr::Text { left, right, .. } => of_term(left) && of_term(right),
        Expr::In { term, .. } | Expr::Matches { term, .. } | Expr::Exists(term) | Expr::Missing(term) => of_term(term),
        // These stand inside predicates.
        Expr::Name(_) | Expr::Item { .. } | Expr::Relation(_) => false,
    }
}

fn of_term(term: &Term) -> bool {
    match term {
        Term::Literal(_) => true,
        Term::Aggregate(aggregate) => matches!(aggregate.function, AggregateFn::Count),
        Term::SpanField(field) => matches!(field.span, SpanRef::Root),
        Term::Field(_) | Term::Depth | Term::TraceDuration => false,
        Term::Arith { left, right, .. } => of_term(left) && of_term(right),
        Term::Neg(inner) | Term::Lower(inner) | Term::Extract(inner, _) | Term::Shape(inner) => of_term(inner),
        Term::Coalesce(parts) => parts.iter().all(of_term),
    }
}
