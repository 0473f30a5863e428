//! Hints: rules that are right in form and probably mean something else.

use super::context::{Level, Lowering, Note};
use super::opposites::{COMPARED, presence};
use crate::codes;
use crate::program::{
    AggregateFn, CompareOp, Expr, Field, FieldKey, Guard, Owner, Polarity, Quantifier, RelationKind, Spanset, Step, Term,
};
use crate::source::Span;
use crate::value::{Value, equal};

impl Lowering<'_> {
    /// One span has one name, one service, one kind: two different ones joined by `and` never hold together.
    pub(super) fn refuse_contradiction(&mut self, parts: &[Expr], level: Level, span: Span) {
        if level != Level::Span {
            return;
        }
        let all: Vec<_> = conditions(parts).collect();
        for (at, a) in all.iter().take(COMPARED).enumerate() {
            for b in all.iter().take(COMPARED).skip(at + 1) {
                let clash = match (a, b) {
                    (Expr::Name(x), Expr::Name(y)) => x != y && x.literal().is_some() && y.literal().is_some(),
                    _ => match (pinned(a), pinned(b)) {
                        (Some((f, x)), Some((g, y))) => f == g && !equal(x.view(), y.view()),
                        _ => false,
                    },
                };
                if clash {
                    let note = Note::new(codes::NEVER_HOLDS, "one span cannot satisfy both sides of this `and`")
                        .help("for two spans of one trace write `trace.has(A) and trace.has(B)`; for either name, `A or B`");
                    return self.warn(span, note);
                }
            }
        }
        self.hint_status(&all, span);
    }

    /// Forgets the lists whose field a condition beside them asks for: that it exists, joined by `and`, or that it is missing, by `or`.
    pub(super) fn close_lists(&mut self, since: usize, parts: &[Expr], joined_by_or: bool) {
        let asks = |part: &Expr, term: &Term| presence(part) == Some((term, !joined_by_or));
        let mut at = 0;
        self.open_lists.retain(|list| {
            at += 1;
            at <= since || !parts.iter().any(|part| asks(part, &list.term))
        });
    }

    /// Forgets the lists in a predicate about a set whose spans all have the field.
    pub(super) fn close_lists_of(&mut self, since: usize, set: &Spanset) {
        let wheres: Vec<&Expr> = set.steps.iter().filter_map(|step| if let Step::Where(p) = step { Some(p) } else { None }).collect();
        let all: Vec<Expr> = conditions(wheres).cloned().collect();
        self.close_lists(since, &all, false);
    }

    /// Says of the lists that stayed open.
    pub(super) fn hint_lists(&mut self) {
        for list in std::mem::take(&mut self.open_lists) {
            self.warn_in_source(list.span, list.note);
        }
    }

    /// `status == error` beside a 4xx code: on the server's side the status stays unset.
    fn hint_status(&mut self, all: &[&Expr], span: Span) {
        let error = all.iter().any(|e| pinned(e).is_some_and(|(f, v)| f.key == FieldKey::Status && is_text(v, "error")));
        let client = all.iter().any(|e| pinned(e).is_some_and(|(f, v)| f.key == FieldKey::Kind && !is_text(v, "server")));
        let bound = |op: &CompareOp, v: &Value| {
            let code = crate::value::number(v.view()).map_or(0.0, crate::value::Number::to_f64);
            match op {
                CompareOp::Gt | CompareOp::Ge => (399.0..500.0).contains(&code).then_some(true),
                CompareOp::Lt | CompareOp::Le => (400.0..=500.0).contains(&code).then_some(false),
                _ => None,
            }
        };
        let bounds: Vec<bool> = all
            .iter()
            .filter_map(|e| match e {
                Expr::Compare { op, left: Term::Field(f), right: Term::Literal(v) } if is_http_status(f) => bound(op, v),
                _ => None,
            })
            .collect();
        let between = bounds.contains(&true) && bounds.contains(&false);
        let refused = between
            || all.iter().any(|e| match e {
                Expr::Compare { op: CompareOp::Eq, left: Term::Field(f), right: Term::Literal(v) } => is_http_status(f) && is_4xx(v),
                Expr::In { term: Term::Field(f), list, negated: false } => is_http_status(f) && list.iter().any(is_4xx),
                _ => false,
            });
        if error && refused && !client {
            let note = Note::new(codes::STATUS_OF_4XX, "a server's span that answers 4xx has the status `unset`, not `error`")
                .help("leave `status == error` out, or say `kind == client`");
            self.warn(span, note);
        }
    }

    /// What an aggregate selects: both sides of a call, or by attributes alone.
    pub(super) fn hint_selection(&mut self, set: &Spanset, function: &AggregateFn, span: Span) {
        let mut wheres = Vec::new();
        for step in &set.steps {
            match step {
                Step::Where(predicate) => wheres.push(predicate),
                Step::Navigate(_) => return,
            }
        }
        let all: Vec<_> = conditions(wheres.iter().copied()).collect();
        if all.is_empty() {
            return;
        }
        let counts = matches!(function, AggregateFn::Count | AggregateFn::Rate | AggregateFn::Concurrent);
        let service_only = all.iter().all(|e| pinned(e).is_some_and(|(f, _)| f.key == FieldKey::Service && f.owner == Owner::Span));
        if counts && service_only {
            let note = Note::new(codes::BOTH_SIDES, "this counts the service's client spans and internal spans too")
                .help("for the calls it answers add `and kind == server`");
            self.warn(span, note);
        }
        if all.iter().all(|e| attributes_only(e)) {
            let note = Note::new(codes::DROPPED_ATTRIBUTES, "on a span that dropped attributes, these are unknown")
                .help("narrow the selector by an intrinsic first: `kind == server and …`, `service == '…' and …`");
            self.warn(span, note);
        }
    }

    /// An order between two consumers of different services: no path crosses a message, so no pair of spans decides it.
    pub(super) fn hint_order(&mut self, set: &Spanset, predicate: &Expr, span: Span) {
        let here: Vec<_> =
            set.steps.iter().filter_map(|step| if let Step::Where(p) = step { Some(p) } else { None }).chain([predicate]).collect();
        let here: Vec<_> = conditions(here.iter().copied()).collect();
        for condition in &here {
            let relation = match condition {
                Expr::Relation(relation) => relation,
                Expr::Not(inner) => match &**inner {
                    Expr::Relation(relation) => relation,
                    _ => continue,
                },
                _ => continue,
            };
            if !matches!(relation.kind, RelationKind::PrecededBy | RelationKind::FollowedBy) || self.over_spans() {
                continue;
            }
            let there: Vec<_> = conditions([&relation.other]).collect();
            let services = (service_of(&here), service_of(&there));
            let apart = matches!(services, (Some(a), Some(b)) if a != b);
            if apart && consumes(&here) && consumes(&there) {
                let note = Note::new(codes::ORDER_UNDECIDABLE, "no pair of spans decides the order of consumers in two processes")
                    .help("only a gap above `max_skew` does; ask for `has_ancestor(…)`, or compare their producers");
                self.warn(span, note);
            }
        }
    }

    /// What can be said when the whole claim is known.
    pub(super) fn hint_claim(&mut self, claim: &Expr, guard: &Guard, span: Span) {
        let guarded = matches!(guard, Guard::When(_));
        let alls = std::mem::take(&mut self.alls);
        for all in alls.into_iter().filter(|all| !guarded && !asks_for(claim, &all.set)) {
            let note = Note::new(codes::NEVER_ALL, "`all` also holds where there is no such span, and then this signals")
                .help("add `… and` the spanset itself, or write `always: ….any(not …)`");
            self.warn_in_source(all.span, note);
        }
        if let Expr::Implies(condition, _) = claim
            && !guarded
            && (self.polarity == Polarity::Never || !is_presence(condition))
        {
            let message = match self.polarity {
                Polarity::Always => "this is satisfied wherever the left side does not hold",
                Polarity::Never => "this signals wherever the left side does not hold",
            };
            let note = Note::new(codes::VACUOUS_IMPLIES, message)
                .help("write the left side as `when:`, the right side as the claim: then the rule does not apply there");
            self.warn(span, note);
        }
        let nowhere = matches!(guard, Guard::When(when) if constant(when, None) == Some(false));
        let truth = if nowhere || follows(guard, claim) { Some(self.polarity == Polarity::Always) } else { constant(claim, None) };
        if let Some(truth) = truth {
            let message = match (self.polarity, truth) {
                (Polarity::Always, true) | (Polarity::Never, false) => "this rule can never signal",
                (Polarity::Always, false) | (Polarity::Never, true) => "this rule signals wherever it applies",
            };
            self.warn(span, Note::new(codes::CONSTANT_RULE, message));
        }
    }
}

/// The conditions that all have to hold.
fn conditions<'e>(parts: impl IntoIterator<Item = &'e Expr>) -> impl Iterator<Item = &'e Expr> {
    parts.into_iter().flat_map(|part| match part {
        Expr::And(items) => items.iter().collect::<Vec<_>>(),
        other => vec![other],
    })
}

/// `field == literal`, the field an intrinsic.
fn pinned(expr: &Expr) -> Option<(&Field, &Value)> {
    match expr {
        Expr::Compare { op: CompareOp::Eq, left: Term::Field(field), right: Term::Literal(value) }
            if !matches!(field.key, FieldKey::Attribute(_)) =>
        {
            Some((field, value))
        }
        _ => None,
    }
}

fn is_text(value: &Value, text: &str) -> bool {
    matches!(value, Value::String(s) if s == text)
}

fn is_http_status(field: &Field) -> bool {
    use crate::program::{Attribute, AttributeKey};
    matches!(&field.key, FieldKey::Attribute(Attribute { key: AttributeKey::Names(names), .. })
        if names.iter().any(|n| n == "http.response.status_code"))
}

fn is_4xx(value: &Value) -> bool {
    let code = crate::value::number(value.view()).map(crate::value::Number::to_f64);
    code.is_some_and(|c| (400.0..500.0).contains(&c))
}

fn service_of<'e>(all: &[&'e Expr]) -> Option<&'e Value> {
    all.iter().find_map(|e| pinned(e).filter(|(f, _)| f.key == FieldKey::Service).map(|(_, v)| v))
}

fn consumes(all: &[&Expr]) -> bool {
    all.iter().any(|e| pinned(e).is_some_and(|(f, v)| f.key == FieldKey::Kind && is_text(v, "consumer")))
}

/// Whether an expression reads attributes of the span and nothing else about it.
fn attributes_only(expr: &Expr) -> bool {
    match expr {
        Expr::Compare { left, right, .. } | Expr::Text { left, right, .. } => match (reads(left), reads(right)) {
            (Some(a), Some(b)) => a && b,
            (Some(a), None) | (None, Some(a)) => a,
            (None, None) => false,
        },
        Expr::In { term, .. } | Expr::Matches { term, .. } | Expr::Exists(term) => reads(term) == Some(true),
        Expr::Or(items) => items.iter().all(attributes_only),
        _ => false,
    }
}

/// Whether a term reads attributes only; `None` where it reads nothing.
fn reads(term: &Term) -> Option<bool> {
    match term {
        Term::Field(field) => Some(field.owner == Owner::Span && matches!(field.key, FieldKey::Attribute(_))),
        Term::Lower(inner) | Term::Shape(inner) | Term::Neg(inner) | Term::Extract(inner, _) => reads(inner),
        Term::Coalesce(_) => Some(false),
        Term::Arith { left, right, .. } => reads(left).or(reads(right)),
        _ => None,
    }
}

/// Whether the claim asks, beside others, for a span of the set.
fn asks_for(claim: &Expr, set: &Spanset) -> bool {
    let Expr::And(items) = claim else { return false };
    items.iter().any(|item| match item {
        Expr::NonEmpty(s) => s == set,
        Expr::Quantified { quantifier: Quantifier::Any, set: s, .. } => s == set,
        Expr::Compare { left: Term::Aggregate(a), op: CompareOp::Gt | CompareOp::Ge, .. } => a.set == *set,
        Expr::Not(inner) => matches!(&**inner, Expr::Empty(s) if s == set),
        _ => false,
    })
}

/// Whether an expression is a test for presence, or several joined by `or`.
pub(super) fn is_presence(expr: &Expr) -> bool {
    match expr {
        Expr::NonEmpty(_) => true,
        Expr::Not(inner) => matches!(&**inner, Expr::Empty(_)),
        Expr::Or(items) => items.iter().all(is_presence),
        _ => super::applicability::at_least_one(expr).is_some(),
    }
}

/// The truth of an expression whatever the spans are, one spanset known not to be empty where one is given.
pub(super) fn constant(expr: &Expr, present: Option<&Spanset>) -> Option<bool> {
    let all_spans = |set: &Spanset| set.steps.is_empty() && set.within.is_none() && set.by.is_empty();
    let known = |set: &Spanset| all_spans(set) || present == Some(set);
    match expr {
        Expr::Const(truth) => Some(*truth),
        Expr::Not(inner) => constant(inner, present).map(|t| !t),
        Expr::And(items) => joined(items, false, present),
        Expr::Or(items) => joined(items, true, present),
        Expr::Implies(a, b) => match (constant(a, present), constant(b, present)) {
            (Some(false), _) | (_, Some(true)) => Some(true),
            (Some(true), b) => b,
            _ => None,
        },
        Expr::Compare { op, left, right } => compared(*op, range(left, &known)?, range(right, &known)?),
        Expr::NonEmpty(set) if set.steps.iter().any(|step| matches!(step, Step::Where(Expr::Const(false)))) => Some(false),
        Expr::NonEmpty(set) if known(set) => Some(true),
        Expr::Empty(set) if known(set) => Some(false),
        Expr::Quantified { quantifier, predicate, .. } => match (quantifier, &**predicate) {
            (Quantifier::Any, Expr::Const(false)) => Some(false),
            (Quantifier::All, Expr::Const(true)) | (Quantifier::None, Expr::Const(false)) => Some(true),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a claim holds wherever the guard does.
fn follows(guard: &Guard, claim: &Expr) -> bool {
    let tests = match guard {
        Guard::When(when) => return when == claim,
        Guard::Derived(Expr::Or(items)) => items.iter().collect(),
        Guard::Derived(only) => vec![only],
        _ => return false,
    };
    tests.len() <= COMPARED && tests.into_iter().all(|test| matches!(test, Expr::NonEmpty(set) if constant(claim, Some(set)) == Some(true)))
}

fn joined(items: &[Expr], deciding: bool, present: Option<&Spanset>) -> Option<bool> {
    let mut all = true;
    for item in items {
        match constant(item, present) {
            Some(truth) if truth == deciding => return Some(deciding),
            Some(_) => {}
            None => all = false,
        }
    }
    all.then_some(!deciding)
}

/// The least and the greatest a number can be, some spansets known not to be empty.
fn range(term: &Term, known: &impl Fn(&Spanset) -> bool) -> Option<(f64, f64)> {
    match term {
        Term::Literal(value @ (Value::Int(_) | Value::Float(_) | Value::String(_))) => {
            let n = crate::value::number(value.view())?.to_f64();
            Some((n, n))
        }
        Term::Literal(Value::Duration(n)) => Some((*n as f64, *n as f64)),
        Term::Depth => Some((1.0, f64::INFINITY)),
        Term::TraceDuration => Some((0.0, f64::INFINITY)),
        Term::Aggregate(aggregate) => match aggregate.function {
            AggregateFn::Count if known(&aggregate.set) => Some((1.0, f64::INFINITY)),
            AggregateFn::Count | AggregateFn::Distinct(_) | AggregateFn::Rate | AggregateFn::Concurrent | AggregateFn::LongestRun(_) => {
                Some((0.0, f64::INFINITY))
            }
            _ => None,
        },
        _ => None,
    }
}

fn compared(op: CompareOp, a: (f64, f64), b: (f64, f64)) -> Option<bool> {
    let (less, less_equal) = (a.1 < b.0, a.1 <= b.0);
    let (greater, greater_equal) = (a.0 > b.1, a.0 >= b.1);
    let apart = less || greater;
    let same = a.0 == a.1 && a == b;
    let (yes, no) = match op {
        CompareOp::Lt => (less, greater_equal),
        CompareOp::Le => (less_equal, greater),
        CompareOp::Gt => (greater, less_equal),
        CompareOp::Ge => (greater_equal, less),
        CompareOp::Eq => (same, apart),
        CompareOp::Ne => (apart, same),
    };
    if yes {
        Some(true)
    } else if no {
        Some(false)
    } else {
        None
    }
}
