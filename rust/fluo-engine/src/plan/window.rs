//! Rules over `spans`, as far as they can be monitored.

use fluo_lang::codes;
use fluo_lang::diagnostic::{Diagnostic, DiagnosticSeverity};
use fluo_lang::program::{AggregateFn, CompareOp, Expr, Guard, Mode, Polarity, Rule, RuleSet, Scope, Spanset, Step, Term};
use fluo_lang::value::Value;

use super::WindowPlan;
use super::compile::Compiler;
use super::predicate::is_local;
use fluo_lang::print;

/// A bound from above on a count: the set and the least count that breaks the claim.
struct Bound<'r> {
    set: &'r Spanset,
    width: u64,
    least: usize,
    term: &'r Term,
}

/// Reads the claim of a rule over `spans` as a bound from above.
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
    let local = set.steps.iter().all(|step| matches!(step, Step::Where(predicate) if is_local(predicate)));
    (matches!(aggregate.function, AggregateFn::Count) && local).then(|| Bound { set, width: set.within.unwrap_or(0), least, term })
}

/// What stands below `not`s, and the truth value at which the claim is violated.
fn under_nots(expr: &Expr, violated_when: bool) -> (&Expr, bool) {
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

impl Compiler {
    /// Compiles a rule over `spans`.
    pub(super) fn window(&mut self, at: usize, rule: &Rule) -> Option<WindowPlan> {
        let bound = bound(rule)?;
        let mut parts: Vec<Expr> = bound
            .set
            .steps
            .iter()
            .filter_map(|step| if let Step::Where(predicate) = step { Some(predicate.clone()) } else { None })
            .collect();
        let predicate = match parts.len() {
            0 => Expr::Const(true),
            1 => parts.pop()?,
            _ => Expr::And(parts),
        };
        let selector = self.selector(&predicate);
        let by = rule.by.iter().map(|term| self.kept(term, Some(selector))).collect();
        let show = rule.show.iter().map(|(name, field)| (name.clone(), self.kept(&Term::Field(field.clone()), Some(selector)))).collect();
        Some(WindowPlan {
            show,
            rule: at,
            selector,
            width: bound.width,
            least: bound.least,
            by,
            text: print::term(bound.term, Scope::Spans),
        })
    }
}

/// What to write instead of a claim that cannot be monitored.
const BOUND: &str = "over `spans` write one bound from above on a count, such as `never: spans.where(…).within(1m).count() > 5`";

/// Rules that the language allows and this engine cannot monitor: refused when they are loaded, never ignored.
#[must_use]
pub fn unsupported(rules: &RuleSet) -> Vec<Diagnostic> {
    let over_spans = |rule: &&Rule| rule.scope == Scope::Spans && rule.mode != Mode::Disabled;
    rules
        .rules
        .iter()
        .filter(over_spans)
        .filter_map(|rule| match (bound(rule), rule.repeat_after) {
            (None, _) => Some((rule, "this claim over `spans`", "not a bound from above on `.within(…).count()`", BOUND)),
            (Some(_), Some(_)) => Some((rule, "`repeat_after`", "a violation of this rule is signalled once", "leave `repeat_after` out")),
            _ => None,
        })
        .map(|(rule, what, label, help)| Diagnostic {
            code: codes::NOT_MONITORED,
            severity: DiagnosticSeverity::Error,
            message: format!("{what} cannot be monitored yet"),
            help: Some(help.to_owned()),
            rule: Some(rule.name.clone()),
            source: rule.origin.source,
            span: rule.origin.claim,
            label: Some(label.to_owned()),
        })
        .collect()
}
