//! Rules over `spans`: which monitor watches which claim.

use fluo_lang::codes;
use fluo_lang::diagnostic::{Diagnostic, DiagnosticSeverity};
use fluo_lang::print;
use fluo_lang::program::{
    AggregateFn, CompareOp, Expr, Guard, MessagePart, Mode, Polarity, Rule, RuleSet, Scope, SpanRef, Spanset, Step, Term,
};
use fluo_lang::value::Value;

use super::compile::Compiler;
use super::direction::Directions;
use super::sequence::{Relates, relates};
use super::{Claim, ClaimTerm, CountPlan, Distinguished, FlightPlan, Function, LanePlan, SweepPlan, WindowKind, WindowPlan};
use crate::value::Val;

/// A bound from above: the set and the least number that breaks the claim.
struct Bound<'r> {
    set: &'r Spanset,
    /// Length of the window in which spans are counted; `None` for those in flight.
    width: Option<u64>,
    least: usize,
    term: &'r Term,
}

/// Reads the claim of a rule over `spans` as a bound from above on one number of spans.
fn bound(rule: &Rule) -> Option<Bound<'_>> {
    if !matches!(rule.guard, Guard::Everywhere) {
        return None;
    }
    let (expr, violated_when) = under_nots(&rule.claim, rule.polarity == Polarity::Never);
    let Expr::Compare { op, left, right } = expr else {
        return None;
    };
    let (term, op, limit) = match (left, right) {
        (term @ Term::Aggregate(_), Term::Literal(limit)) => (term, *op, limit),
        (Term::Literal(limit), term @ Term::Aggregate(_)) => (term, mirrored(*op), limit),
        _ => return None,
    };
    let Term::Aggregate(aggregate) = term else {
        return None;
    };
    let limit = match limit {
        Value::Int(limit) => usize::try_from(*limit).ok()?,
        _ => return None,
    };
    let least = match (op, violated_when) {
        (CompareOp::Gt, true) | (CompareOp::Le, false) => limit.checked_add(1)?,
        (CompareOp::Ge, true) | (CompareOp::Lt, false) if limit > 0 => limit,
        _ => return None,
    };
    let set = &aggregate.set;
    match aggregate.function {
        AggregateFn::Count => Some(Bound { set, width: Some(set.within?), least, term }),
        AggregateFn::Concurrent => Some(Bound { set, width: None, least, term }),
        _ => None,
    }
}

/// What stands below `not`s, and the truth value at which the claim is violated.
pub(super) fn under_nots(expr: &Expr, violated_when: bool) -> (&Expr, bool) {
    match expr {
        Expr::Not(inner) => under_nots(inner, !violated_when),
        other => (other, violated_when),
    }
}

/// The operator with its sides exchanged.
pub(crate) const fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Le => CompareOp::Ge,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Le,
        other => other,
    }
}

/// The predicate of a set whose steps only filter.
pub(super) fn filter(set: &Spanset) -> Expr {
    let mut parts: Vec<Expr> =
        set.steps.iter().filter_map(|step| if let Step::Where(predicate) = step { Some(predicate.clone()) } else { None }).collect();
    match parts.len() {
        1 => parts.pop().unwrap_or(Expr::Const(true)),
        0 => Expr::Const(true),
        _ => Expr::And(parts),
    }
}

impl Compiler {
    /// Compiles a rule over `spans`.
    pub(super) fn window(&mut self, at: usize, rule: &Rule) -> Option<WindowPlan> {
        match relates(rule) {
            Relates::Monitored => return self.sequence(at, rule),
            Relates::Refused(_) => return None,
            Relates::No => {}
        }
        let (selectors, kind) = if let Some(bound) = bound(rule) {
            let selector = self.selector(&filter(bound.set));
            let text = print::term(bound.term, Scope::Spans);
            let kind = match bound.width {
                Some(width) => WindowKind::Count(CountPlan { selector, width, least: bound.least, text }),
                None => WindowKind::Flight(FlightPlan { selector, least: u32::try_from(bound.least).unwrap_or(u32::MAX), text }),
            };
            (vec![selector], kind)
        } else if sweeps(rule) {
            let sweep = self.sweep(rule)?;
            let mut selectors: Vec<u32> = sweep.lanes.iter().map(|lane| lane.selector).collect();
            selectors.sort_unstable();
            selectors.dedup();
            (selectors, WindowKind::Sweep(Box::new(sweep)))
        } else {
            return None;
        };
        let mut kept = |term: &Term| {
            let mut id = 0;
            for selector in &selectors {
                id = self.kept(term, Some(*selector));
            }
            id
        };
        let by = rule.by.iter().map(&mut kept).collect();
        let show = rule.show.iter().map(|(name, field)| (name.clone(), kept(&Term::Field(field.clone())))).collect();
        Some(WindowPlan { rule: at, by, show, repeat_after: rule.repeat_after, selectors, kind })
    }

    fn sweep(&mut self, rule: &Rule) -> Option<SweepPlan> {
        let claim = self.claim(&rule.claim, &rule.by);
        let claim = if rule.polarity == Polarity::Never { Claim::Not(Box::new(claim)) } else { claim };
        let guard = match &rule.guard {
            Guard::Everywhere => None,
            Guard::When(guard) | Guard::Derived(guard) => Some(self.claim(guard, &rule.by)),
        };
        let only_breaks = Directions { sets: &self.sets, relations: &self.relations }.only_breaks(&claim, guard.as_ref());
        let mut uses = Uses::default();
        uses.claim(&claim);
        guard.iter().for_each(|guard| uses.claim(guard));
        let mut lanes: Vec<LanePlan> = Vec::new();
        let mut lane_of_set = Vec::new();
        for used in uses.sets {
            let set = self.sets.get(used.set as usize)?;
            let (selector, width, grouped) = (set.selector?, set.within?, set.grouped);
            let at = match lanes.iter().position(|l| (l.selector, l.width, l.grouped) == (selector, width, grouped)) {
                Some(at) => at,
                None => {
                    let text = print::spanset(&set.written, Scope::Spans);
                    lanes.push(LanePlan {
                        selector,
                        width,
                        grouped,
                        cap: Some(0),
                        columns: Vec::new(),
                        running: Vec::new(),
                        ordered: false,
                        text,
                    });
                    lanes.len() - 1
                }
            };
            if let Some(lane) = lanes.get_mut(at) {
                lane.cap = lane.cap.zip(used.cap).map(|(a, b)| a.max(b));
                lane.ordered |= used.ordered;
                // In the order of use, which is the same in another plan of the same rule.
                let new: Vec<u32> = used.columns.into_iter().filter(|column| !lane.columns.contains(column)).collect();
                lane.columns.extend(new);
                lane.running.extend(used.function.filter(|function| !lane.running.contains(function)));
            }
            lane_of_set.push((used.set, at));
        }
        for lane in &mut lanes {
            if lane.ordered || !lane.columns.is_empty() {
                lane.cap = None;
            }
            // A term of another selector's spans may be kept under the same id: these spans need it, too.
            for term in &lane.columns {
                if let Some(kept) = self.terms.get_mut(*term as usize)
                    && let Some(only_on) = &mut kept.only_on
                    && !only_on.contains(&lane.selector)
                {
                    only_on.push(lane.selector);
                }
            }
        }
        let mut observed = Vec::new();
        let mut inserted: Vec<&Term> = Vec::new();
        for part in rule.message.iter().flat_map(|m| &m.parts) {
            if let MessagePart::Value(term) = part
                && !rule.by.contains(term)
            {
                inserted.push(term);
            }
        }
        aggregates(&rule.claim, &mut inserted);
        if let Guard::When(guard) = &rule.guard {
            aggregates(guard, &mut inserted);
        }
        for term in inserted {
            let text = print::term(term, Scope::Spans);
            if observed.iter().all(|(known, _)| *known != text) {
                let compiled = self.claim_term(term, &rule.by);
                let mut of_message = Uses::default();
                of_message.term(&compiled, None);
                for used in of_message.sets {
                    let set = self.sets.get(used.set as usize)?;
                    let lane = lanes
                        .iter()
                        .position(|l| Some(l.selector) == set.selector && Some(l.width) == set.within && l.grouped == set.grouped)?;
                    lane_of_set.push((used.set, lane));
                }
                observed.push((text, compiled));
            }
        }
        let widest = lanes.iter().map(|lane| lane.width).max().unwrap_or_default();
        Some(SweepPlan { claim, guard, lanes, lane_of_set, only_breaks, widest, observed })
    }
}

/// The terms of a claim that are a number over a set, in its order.
pub(super) fn aggregates<'r>(expr: &'r Expr, found: &mut Vec<&'r Term>) {
    match expr {
        Expr::Not(inner) => aggregates(inner, found),
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| aggregates(part, found)),
        Expr::Implies(a, b) => {
            aggregates(a, found);
            aggregates(b, found);
        }
        Expr::Compare { left, right, .. } | Expr::Text { left, right, .. } => {
            numbers(left, found);
            numbers(right, found);
        }
        Expr::In { term, .. } | Expr::Matches { term, .. } | Expr::Exists(term) | Expr::Missing(term) => numbers(term, found),
        _ => {}
    }
}

fn numbers<'r>(term: &'r Term, found: &mut Vec<&'r Term>) {
    match term {
        Term::Aggregate(_) | Term::SpanField(_) => found.push(term),
        Term::Arith { left, right, .. } => {
            numbers(left, found);
            numbers(right, found);
        }
        Term::Neg(inner) | Term::Lower(inner) | Term::Extract(inner, _) | Term::Shape(inner) => numbers(inner, found),
        Term::Coalesce(parts) => parts.iter().for_each(|part| numbers(part, found)),
        _ => {}
    }
}

/// A set and what is asked of it.
struct Use {
    set: u32,
    cap: Option<usize>,
    columns: Vec<u32>,
    ordered: bool,
    /// A function that follows the window.
    function: Option<Function>,
}

/// The sets that a claim speaks of, with what it asks of each.
#[derive(Default)]
struct Uses {
    sets: Vec<Use>,
}

impl Uses {
    fn claim(&mut self, claim: &Claim) {
        match claim {
            Claim::Const(_) => {}
            Claim::Not(inner) => self.claim(inner),
            Claim::And(parts) | Claim::Or(parts) => parts.iter().for_each(|part| self.claim(part)),
            Claim::NonEmpty { set, tested } => {
                for set in [*set, *tested] {
                    self.sets.push(Use { set, cap: Some(1), columns: Vec::new(), ordered: false, function: None });
                }
            }
            Claim::Compare { left, right, .. } => {
                self.term(left, bound_of(right));
                self.term(right, bound_of(left));
            }
            Claim::Text { left, right, .. } => {
                self.term(left, None);
                self.term(right, None);
            }
            Claim::In { term, .. } | Claim::Matches { term, .. } | Claim::Exists(term) => self.term(term, None),
        }
    }

    /// `bound` is the number that the term itself is compared with: beyond it a count needs not be known.
    fn term(&mut self, term: &ClaimTerm, bound: Option<usize>) {
        match term {
            ClaimTerm::Literal(_) | ClaimTerm::Depth | ClaimTerm::TraceDuration => {}
            ClaimTerm::Aggregate { set, function, .. } => {
                let (columns, ordered, counts) = match function {
                    Function::Count => (Vec::new(), false, true),
                    Function::Rate(_) | Function::Concurrent => (Vec::new(), false, false),
                    Function::Distinct(terms) => (terms.clone(), false, false),
                    Function::LongestRun(terms) => (terms.clone(), true, false),
                    Function::Sum { term, .. }
                    | Function::Min(term)
                    | Function::Max(term)
                    | Function::Avg(term)
                    | Function::Quantile(term, _) => (vec![*term], false, false),
                };
                let cap = if counts { bound.and_then(|bound| bound.checked_add(2)) } else { None };
                let function = (!columns.is_empty() && !ordered).then(|| function.clone());
                self.sets.push(Use { set: *set, cap, columns, ordered, function });
            }
            ClaimTerm::OfSpan { span, term, .. } => {
                if let Distinguished::First(set) | Distinguished::Last(set) = span {
                    self.sets.push(Use { set: *set, cap: None, columns: vec![*term], ordered: true, function: None });
                }
            }
            ClaimTerm::Arith { left, right, .. } => {
                self.term(left, None);
                self.term(right, None);
            }
            ClaimTerm::Neg(inner) | ClaimTerm::Lower(inner) | ClaimTerm::Extract(inner, _) | ClaimTerm::Shape(inner) => {
                self.term(inner, None);
            }
            ClaimTerm::Coalesce(parts) => parts.iter().for_each(|part| self.term(part, None)),
        }
    }
}

/// The number behind a literal operand.
fn bound_of(term: &ClaimTerm) -> Option<usize> {
    match term {
        ClaimTerm::Literal(Val::Int(bound)) => Some(usize::try_from(*bound).unwrap_or(0)),
        _ => None,
    }
}

/// Whether every set of the rule is seen through a window, so that a sweep over its instants judges it.
fn sweeps(rule: &Rule) -> bool {
    let guard = match &rule.guard {
        Guard::Everywhere => true,
        Guard::When(guard) | Guard::Derived(guard) => has_windows(guard),
    };
    guard && has_windows(&rule.claim)
}

fn has_windows(expr: &Expr) -> bool {
    match expr {
        Expr::Not(inner) => has_windows(inner),
        Expr::And(parts) | Expr::Or(parts) => parts.iter().all(has_windows),
        Expr::Implies(a, b) => has_windows(a) && has_windows(b),
        Expr::NonEmpty(set) | Expr::Empty(set) | Expr::Quantified { set, .. } => set.within.is_some(),
        Expr::Compare { .. } | Expr::Text { .. } | Expr::In { .. } | Expr::Matches { .. } | Expr::Exists(_) | Expr::Missing(_) => {
            let mut terms = Vec::new();
            aggregates(expr, &mut terms);
            terms.iter().all(|term| match term {
                Term::Aggregate(aggregate) => aggregate.set.within.is_some(),
                Term::SpanField(of) => matches!(&of.span, SpanRef::First(set) | SpanRef::Last(set) if set.within.is_some()),
                _ => true,
            })
        }
        _ => true,
    }
}

/// What to write instead of a claim that cannot be monitored.
const APART: &str = "write one rule for each of its parts";

/// Why a claim cannot be monitored, as what to write instead.
fn refusal(rule: &Rule) -> Option<&'static str> {
    match relates(rule) {
        Relates::Monitored => None,
        Relates::Refused(help) => Some(help),
        Relates::No => (bound(rule).is_none() && !sweeps(rule)).then_some(APART),
    }
}

/// Rules that the language allows and this engine cannot monitor: refused when they are loaded, never ignored.
#[must_use]
pub fn unsupported(rules: &RuleSet) -> Vec<Diagnostic> {
    let over_spans = |rule: &&Rule| rule.scope == Scope::Spans && rule.mode != Mode::Disabled;
    rules
        .rules
        .iter()
        .filter(over_spans)
        .filter_map(|rule| Some((rule, refusal(rule)?)))
        .map(|(rule, help)| Diagnostic {
            code: codes::NOT_MONITORED,
            severity: DiagnosticSeverity::Error,
            message: "this claim over `spans` cannot be monitored".to_owned(),
            help: Some(help.to_owned()),
            rule: Some(rule.name.clone()),
            source: rule.origin.source,
            span: rule.origin.claim,
            label: None,
        })
        .collect()
}
