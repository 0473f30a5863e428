//! Chains outside predicates: scopes, spansets, aggregates.

use super::context::{AllCandidate, Level, Lowering, Note};
use super::types::{Ty, Typed};
use super::words::{METHODS, TRACE_MEMBERS, did_you_mean};
use crate::codes;
use crate::program::{Aggregate, AggregateFn, Axis, Expr, Owner, Polarity, Quantifier, Scope, SpanField, SpanRef, Spanset, Step, Term};
use crate::source::Span;
use crate::syntax::ast::{self, Chain, ExprKind, Head, Segment};
use crate::value::Value;

/// What a chain has come to.
enum Val {
    Set(Spanset),
    Truth(Expr),
    Term(Typed),
}

impl<'a> Lowering<'a> {
    pub(super) fn claim_truth(&mut self, expr: &'a ast::Expr, chain: &'a Chain) -> Option<Expr> {
        match self.claim_chain(expr, chain)? {
            Val::Truth(truth) => Some(truth),
            Val::Set(set) => self.non_empty(set, expr.span),
            Val::Term(_) => {
                let written = self.written(expr.span);
                let note = Note::new(codes::NOT_A_TRUTH, format!("`{written}` is a value, and a truth value is needed here"))
                    .help(format!("compare it with something: `{written} > …`"));
                self.error(expr.span, note);
                None
            }
        }
    }

    pub(super) fn claim_term(&mut self, expr: &'a ast::Expr, chain: &'a Chain) -> Option<Typed> {
        let what = match self.claim_chain(expr, chain)? {
            Val::Term(typed) => return Some(typed),
            Val::Set(_) => "a spanset",
            Val::Truth(_) => "a truth value",
        };
        let note = Note::new(codes::NOT_A_VALUE, format!("a value is needed here, and this is {what}"))
            .help("a spanset has numbers such as `.count()`");
        self.error(expr.span, note);
        None
    }

    /// The spanset an expression is.
    fn spanset(&mut self, expr: &'a ast::Expr) -> Option<Spanset> {
        self.enter()?;
        let set = match &expr.kind {
            ExprKind::Paren(inner) => self.spanset(inner),
            ExprKind::Error => None,
            ExprKind::Chain(chain) => match self.claim_chain(expr, chain) {
                Some(Val::Set(set)) => Some(set),
                Some(_) => {
                    self.not_a_spanset(expr.span);
                    None
                }
                None => None,
            },
            _ => {
                self.not_a_spanset(expr.span);
                None
            }
        };
        self.leave();
        set
    }

    fn not_a_spanset(&mut self, span: Span) {
        let written = self.written(span);
        let note = Note::new(codes::NOT_A_SPANSET, format!("`{written}` is no spanset"))
            .help("methods follow `trace.spans`, `spans`, `trace.has(…)` or a define that stands for one");
        self.error(span, note);
    }

    fn claim_chain(&mut self, expr: &'a ast::Expr, chain: &'a Chain) -> Option<Val> {
        self.signed(chain_sign(&chain.segments), |l| match &chain.head {
            Head::Define(name) => {
                let set = if chain.segments.is_empty() {
                    return l.with_define(name, |l, inner| l.any_value(inner));
                } else {
                    l.with_define(name, |l, inner| l.spanset(inner))?
                };
                l.methods(set, &chain.segments, expr.span)
            }
            Head::Paren(inner) => {
                let set = l.spanset(inner)?;
                l.methods(set, &chain.segments, expr.span)
            }
            Head::Word => l.scope_chain(&chain.segments, expr.span),
        })
    }

    /// The value of a define that stands alone.
    fn any_value(&mut self, expr: &'a ast::Expr) -> Option<Val> {
        match &expr.bare().kind {
            ExprKind::Chain(chain) => self.claim_chain(expr.bare(), chain),
            _ => {
                self.not_a_spanset(expr.span);
                None
            }
        }
    }

    fn scope_chain(&mut self, segments: &'a [Segment], span: Span) -> Option<Val> {
        let (first, rest) = segments.split_first()?;
        match (first.name.name.as_str(), &first.args) {
            ("spans", None) => {
                self.name_scope(Scope::Spans, first.name.span);
                self.methods(Spanset::all(), rest, span)
            }
            ("trace", None) => {
                self.name_scope(Scope::Trace, first.name.span);
                self.trace_chain(first, rest, span)
            }
            ("traces", _) => {
                self.scope_in_predicate("traces", Level::Claim, first.name.span);
                None
            }
            _ => {
                let note = self.bare_field(span);
                self.error(span, note);
                None
            }
        }
    }

    fn trace_chain(&mut self, first: &'a Segment, rest: &'a [Segment], span: Span) -> Option<Val> {
        let Some((member, rest)) = rest.split_first() else {
            let note = Note::new(codes::NOT_A_SPANSET, "`trace` alone is no spanset").help("write `trace.spans`");
            self.error(first.name.span, note);
            return None;
        };
        let name = member.name.name.as_str();
        if matches!(name, "spans" | "depth" | "duration" | "root")
            && let Some(args) = &member.args
        {
            let note = Note::new(codes::ARGUMENTS, format!("`trace.{name}` takes no parentheses"));
            self.error(args.span, note.help(format!("write `trace.{name}`")));
            return None;
        }
        match name {
            "spans" => self.methods(Spanset::all(), rest, span),
            "has" | "count" => {
                let predicate = self.predicate(member)?;
                let set = Spanset { steps: vec![Step::Where(predicate)], ..Spanset::all() };
                if name == "has" {
                    return self.methods(set, rest, span);
                }
                let count = self.number(set, AggregateFn::Count, Ty::Number, "count", span)?;
                self.ends(Val::Term(count), rest)
            }
            "root" => {
                let (field, ty) = self.span_field(rest, "trace.root", member, span)?;
                if field.owner != Owner::Span {
                    let note = Note::new(codes::UNKNOWN_FIELD, "the root has no parent, and is its own root")
                        .help("write `trace.root.` and one of its fields");
                    self.error(span, note);
                    return None;
                }
                let term = Term::SpanField(Box::new(SpanField { span: SpanRef::Root, field }));
                Some(Val::Term(Typed { term, ty }))
            }
            "depth" => self.ends(Val::Term(Typed { term: Term::Depth, ty: Ty::Number }), rest),
            "duration" => self.ends(Val::Term(Typed { term: Term::TraceDuration, ty: Ty::Duration }), rest),
            _ => {
                let mut note = Note::new(codes::UNKNOWN_METHOD, format!("`trace` has no `{name}`"));
                let meant = did_you_mean(name, &TRACE_MEMBERS);
                if let Some(meant) = meant {
                    note = note.help(format!("did you mean `trace.{meant}`?"));
                } else if METHODS.contains(&name) {
                    note = note.help(format!("write `trace.spans.{name}`"));
                }
                self.error(member.name.span, note);
                if matches!(meant, Some("has" | "count")) {
                    self.conditions_for_errors(member);
                }
                None
            }
        }
    }

    /// Nothing may follow a number or a truth value.
    fn ends(&mut self, val: Val, rest: &[Segment]) -> Option<Val> {
        let Some(odd) = rest.first() else { return Some(val) };
        let what = if matches!(val, Val::Term(_)) { "a value" } else { "a truth value" };
        let note = Note::new(codes::UNKNOWN_METHOD, format!("{what} has no method `{}`", odd.name.name));
        self.error(odd.name.span, note);
        None
    }

    /// The field after `trace.root`, `.first`, `.last`.
    fn span_field(&mut self, rest: &'a [Segment], what: &str, at: &Segment, span: Span) -> Option<(crate::program::Field, Ty)> {
        if rest.is_empty() {
            let note = Note::new(codes::NOT_A_FIELD, format!("`{what}` is a span, and a field must follow"))
                .help(format!("write `{what}.name`, or another field"));
            self.error(at.name.span, note);
            return None;
        }
        self.field(rest, Level::Span, Owner::Span, span)
    }

    /// The one argument of a method, as a predicate.
    fn predicate(&mut self, method: &'a Segment) -> Option<Expr> {
        let items = self.arguments(method, 1, 1)?;
        self.truth(items.first()?, Level::Span)
    }

    fn methods(&mut self, mut set: Spanset, segments: &'a [Segment], span: Span) -> Option<Val> {
        let mut fine = true;
        for (at, method) in segments.iter().enumerate() {
            let rest = segments.get(at + 1..).unwrap_or_default();
            let name = method.name.name.as_str();
            // What is wrong with one method hides nothing that is wrong with the next.
            let step = match name {
                "where" => self.filter(&mut set, method),
                "by" => self.by(&mut set, method),
                "within" => self.within(&mut set, method),
                "children" | "parents" | "descendants" | "ancestors" => self.navigate(&mut set, method),
                _ if !METHODS.contains(&name) || matches!(name, "has" | "spans") => self.no_method(method),
                _ if fine => return self.last_method(set, method, rest, span),
                "any" | "all" | "none" => {
                    self.conditions_for_errors(method);
                    return None;
                }
                // Whatever was meant before, it may have been the window.
                _ => return None,
            };
            fine &= step.is_some();
        }
        fine.then_some(Val::Set(set))
    }

    /// `.where(P)`.
    fn filter(&mut self, set: &mut Spanset, method: &'a Segment) -> Option<()> {
        let predicate = self.predicate(method)?;
        if let Expr::Const(truth) = predicate {
            let what = if truth { "every span" } else { "no span" };
            let note = Note::new(codes::NEVER_HOLDS, format!("this condition holds for {what}"));
            self.warn(method.name.span, note);
        }
        set.steps.push(Step::Where(predicate));
        Some(())
    }

    /// A method that there is none of. What it was given is read as conditions, which most methods take.
    fn no_method(&mut self, method: &'a Segment) -> Option<()> {
        let name = method.name.name.as_str();
        let mut note = Note::new(codes::UNKNOWN_METHOD, format!("a spanset has no method `{name}`"));
        let meant = did_you_mean(name, &METHODS);
        if name == "has" || name == "spans" {
            note = note.help("a spanset is narrowed by `.where(…)`; `trace.has(…)` begins one");
        } else if super::truth::relation(name).is_some() {
            note = note.help(format!("a relation is asked of each span: `.any({name}(…))`, `.all({name}(…))`"));
        } else if let Some(meant) = meant {
            note = note.help(format!("did you mean `{meant}`?"));
        }
        self.error(method.name.span, note);
        if matches!(meant, Some("where" | "any" | "all" | "none" | "has")) {
            self.conditions_for_errors(method);
        }
        None
    }

    /// Reads the arguments of a call that is wrong as conditions on a span: what is wrong with them is said too.
    pub(super) fn conditions_for_errors(&mut self, call: &'a Segment) {
        let is_value = |expr: &ast::Expr| matches!(expr.bare().kind, ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Duration(_));
        for arg in call.args.iter().flat_map(|args| &args.items).filter(|arg| arg.name.is_none() && !is_value(&arg.value)) {
            self.signed(0, |l| l.truth(&arg.value, Level::Span));
        }
    }

    /// A method after which no spanset is left.
    fn last_method(&mut self, set: Spanset, method: &'a Segment, rest: &'a [Segment], span: Span) -> Option<Val> {
        let name = method.name.name.as_str();
        match name {
            "first" | "last" => {
                if let Some(args) = &method.args {
                    let note = Note::new(codes::ARGUMENTS, format!("`{name}` takes no parentheses"));
                    self.error(args.span, note.help(format!("write `.{name}.name`, or another field")));
                    return None;
                }
                let (field, ty) = self.span_field(rest, &format!(".{name}"), method, span)?;
                self.needs_window(&set, name, span)?;
                let span = if name == "first" { SpanRef::First(set) } else { SpanRef::Last(set) };
                let term = Term::SpanField(Box::new(SpanField { span, field }));
                Some(Val::Term(Typed { term, ty }))
            }
            "exists" | "empty" => {
                self.arguments(method, 0, 0)?;
                let truth = if name == "exists" {
                    self.non_empty(set, span)?
                } else {
                    self.needs_window(&set, name, span)?;
                    Expr::Empty(set)
                };
                self.ends(Val::Truth(truth), rest)
            }
            "any" | "all" | "none" => {
                let truth = self.quantified(set, name, method, span)?;
                self.ends(Val::Truth(truth), rest)
            }
            _ => {
                let number = self.aggregate(set, method, span)?;
                self.ends(Val::Term(number), rest)
            }
        }
    }

    fn by(&mut self, set: &mut Spanset, method: &'a Segment) -> Option<()> {
        let items = self.arguments(method, 1, usize::MAX)?;
        let by = self.signed(0, |l| l.field_terms(&items))?;
        if !set.by.is_empty() {
            let note = Note::new(codes::REPEATED_METHOD, "`by` stands twice").help("list all fields in one: `.by(a, b)`");
            self.error(method.name.span, note);
            return None;
        }
        match &self.by {
            Some(known) if *known != by => {
                let note = Note::new(codes::BY_DIFFERS, "all `by` of a rule must be the same")
                    .help("an aggregate without `by` is the common total; for other groups make another rule");
                self.error(method.name.span, note);
                return None;
            }
            Some(_) => {}
            None => self.by = Some(by.clone()),
        }
        set.by = by;
        Some(())
    }

    fn within(&mut self, set: &mut Spanset, method: &'a Segment) -> Option<()> {
        let items = self.arguments(method, 1, 1)?;
        let nanos = self.duration_argument("the argument of `within`", items.first()?)?;
        if set.within.replace(nanos).is_some() {
            self.error(method.name.span, Note::new(codes::REPEATED_METHOD, "`within` stands twice"));
            return None;
        }
        Some(())
    }

    fn navigate(&mut self, set: &mut Spanset, method: &Segment) -> Option<()> {
        let name = method.name.name.as_str();
        let note = if let Some(args) = &method.args {
            let help = if args.items.is_empty() { String::new() } else { ".where(…)".to_owned() };
            Note::new(codes::ARGUMENTS, format!("`{name}` takes no parentheses")).help(format!("write `.{name}{help}`"))
        } else if self.over_spans() {
            Note::new(codes::TRACE_ONLY, format!("`{name}` needs the trace, and a rule over `spans` sees spans only"))
        } else if !set.by.is_empty() || set.within.is_some() {
            Note::new(codes::MISPLACED_METHOD, format!("`by` and `within` before `{name}`"))
                .help(format!("they are about the spans that count in the end: write them after `{name}`"))
        } else {
            set.steps.push(Step::Navigate(match name {
                "children" => Axis::Children,
                "parents" => Axis::Parents,
                "descendants" => Axis::Descendants,
                _ => Axis::Ancestors,
            }));
            return Some(());
        };
        self.error(method.name.span, note);
        None
    }

    fn quantified(&mut self, set: Spanset, name: &str, method: &'a Segment, span: Span) -> Option<Expr> {
        let (quantifier, factor) = match name {
            "any" => (Quantifier::Any, 1),
            // `all` and `none` turn the sign of the spans they range over, which `chain_sign` has done for the whole chain.
            "all" => (Quantifier::All, -1),
            _ => (Quantifier::None, 1),
        };
        let lists = self.open_lists.len();
        let predicate = self.signed(factor, |l| l.predicate(method))?;
        self.close_lists_of(lists, &set);
        self.hint_order(&set, &predicate, method.name.span);
        if self.over_spans() {
            let relation = has_relation(&predicate);
            if relation && set.within.is_some() {
                let note = Note::new(codes::MISPLACED_METHOD, "a claim about relations takes no `.within(…)`")
                    .help("the relation brings its own: `preceded_by(S, within=10m, same=…)`");
                self.error(span, note);
                return None;
            }
            if !relation {
                self.needs_window(&set, name, span)?;
            }
        }
        if quantifier == Quantifier::All && matches!(predicate, Expr::Implies(..)) {
            let note = Note::new(codes::VACUOUS_IMPLIES, "`implies` passes every span that its left side does not fit")
                .help("filter them: `.where(A).all(B)` says the same and shows which spans are meant");
            self.warn(method.name.span, note);
        }
        // The sign of the chain is turned for `all`: what is truer here lies the other way.
        if quantifier == Quantifier::All && self.polarity == Polarity::Never && self.sign < 0 {
            let place = self.place(method.name.span);
            self.alls.push(AllCandidate { span: place, set: set.clone() });
        }
        if self.over_spans() && quantifier != Quantifier::All {
            return Some(about_each(quantifier, set, predicate));
        }
        Some(Expr::Quantified { quantifier, set, predicate: Box::new(predicate) })
    }

    /// A spanset as a truth value. Over `spans`, one that filters by a relation is the claim `any`.
    fn non_empty(&mut self, mut set: Spanset, span: Span) -> Option<Expr> {
        if self.over_spans() && set.within.is_none() {
            match set.steps.pop() {
                Some(Step::Where(predicate)) if has_relation(&predicate) => {
                    return Some(about_each(Quantifier::Any, set, predicate));
                }
                Some(step) => set.steps.push(step),
                None => {}
            }
        }
        self.needs_window(&set, "a test", span)?;
        Some(Expr::NonEmpty(set))
    }

    /// Over `spans` an aggregate needs a window.
    fn needs_window(&mut self, set: &Spanset, what: &str, span: Span) -> Option<()> {
        if !self.over_spans() || set.within.is_some() {
            return Some(());
        }
        let note = Note::new(codes::NEEDS_WITHIN, format!("over all spans, {} needs a window", described(what)))
            .help("add `.within(…)`, for example `.within(1m)`");
        self.error(span, note);
        None
    }

    fn aggregate(&mut self, set: Spanset, method: &'a Segment, span: Span) -> Option<Typed> {
        let name = method.name.name.as_str();
        let number = Ty::Number;
        let (function, ty) = match name {
            "count" | "concurrent" | "rate" => {
                if name == "count" && method.args.as_ref().is_some_and(|args| !args.items.is_empty()) {
                    let short = if self.over_spans() { "" } else { ", or `trace.count(…)`" };
                    let note = Note::new(codes::ARGUMENTS, "`count` takes no predicate").help(format!("write `.where(…).count()`{short}"));
                    self.error(method.name.span, note);
                    self.conditions_for_errors(method);
                    return None;
                }
                self.arguments(method, 0, 0)?;
                let function = match name {
                    "count" => AggregateFn::Count,
                    "concurrent" => AggregateFn::Concurrent,
                    _ => AggregateFn::Rate,
                };
                (function, number)
            }
            "distinct" | "longest_run" => {
                let items = self.arguments(method, 1, usize::MAX)?;
                let terms = self.signed(0, |l| l.field_terms(&items))?;
                (if name == "distinct" { AggregateFn::Distinct(terms) } else { AggregateFn::LongestRun(terms) }, number)
            }
            "sum" | "min" | "max" | "avg" | "p50" | "p90" | "p95" | "p99" | "quantile" => {
                let most = if name == "quantile" { 2 } else { 1 };
                let items = self.arguments(method, most, most)?;
                let field = *items.first()?;
                let typed = self.signed(0, |l| l.field_term(field))?;
                let Some(ty) = typed.ty.aggregated() else {
                    if typed.ty == Ty::Any {
                        let written = self.written(field.span);
                        let note = Note::new(codes::TYPES, format!("`{written}` may be a number or a duration, and the two have no order"))
                            .help("give the number a unit by multiplying: `coalesce(n * 1ms, duration)`");
                        self.error(field.span, note);
                    } else {
                        self.cannot_calculate(typed.ty, field.span);
                    }
                    return None;
                };
                let term = typed.term;
                let function = match name {
                    "sum" => AggregateFn::Sum(term),
                    "min" => AggregateFn::Min(term),
                    "max" => AggregateFn::Max(term),
                    "avg" => AggregateFn::Avg(term),
                    "p50" => AggregateFn::Quantile(term, 0.5),
                    "p90" => AggregateFn::Quantile(term, 0.9),
                    "p95" => AggregateFn::Quantile(term, 0.95),
                    "p99" => AggregateFn::Quantile(term, 0.99),
                    _ => AggregateFn::Quantile(term, self.fraction(items.get(1)?)?),
                };
                (function, ty)
            }
            _ => return None,
        };
        self.number(set, function, ty, name, span)
    }

    /// The fraction of a quantile.
    fn fraction(&mut self, expr: &'a ast::Expr) -> Option<f64> {
        let q = match self.literal_argument("the second argument of `quantile`", expr, "a number above 0 and up to 1")? {
            Value::Float(q) => q,
            Value::Int(q) => q as f64,
            _ => 0.0,
        };
        if q > 0.0 && q <= 1.0 {
            return Some(q);
        }
        let note = Note::new(codes::NOT_A_LITERAL, "the fraction of a quantile is a number above 0 and up to 1");
        self.error(expr.span, note.help("the 95th percentile is `quantile(f, 0.95)`, or `p95(f)`"));
        None
    }

    fn number(&mut self, set: Spanset, function: AggregateFn, ty: Ty, name: &str, span: Span) -> Option<Typed> {
        if function == AggregateFn::Concurrent && self.over_spans() {
            if set.within.is_some() {
                let note =
                    Note::new(codes::MISPLACED_METHOD, "over all spans, `concurrent` is about one instant").help("leave `.within(…)` out");
                self.error(span, note);
                return None;
            }
        } else {
            self.needs_window(&set, name, span)?;
        }
        if function == AggregateFn::Rate && set.within.is_none() {
            let note = Note::new(codes::NEEDS_WITHIN, "`rate` needs a window").help("write `.within(1m).rate()`");
            self.error(span, note);
            return None;
        }
        self.hint_selection(&set, &function, span);
        Some(Typed { term: Term::Aggregate(Box::new(Aggregate { set, function })), ty })
    }

    /// Over all spans, the number in flight is known from below only: it may be bounded above, nothing else.
    pub(super) fn check_in_flight(&mut self, op: crate::program::CompareOp, a: &Typed, b: &Typed, span: Span) -> Option<()> {
        use crate::program::CompareOp::{Ge, Gt, Le, Lt};
        if !self.over_spans() {
            return Some(());
        }
        let in_flight = |t: &Typed| matches!(&t.term, Term::Aggregate(x) if x.function == AggregateFn::Concurrent);
        let towards = match op {
            Gt | Ge => 1,
            Lt | Le => -1,
            _ => 0,
        };
        let fits = match (in_flight(a), in_flight(b)) {
            (false, false) => return if buried(&a.term) || buried(&b.term) { self.not_above(span) } else { Some(()) },
            (true, false) => self.sign * towards > 0 && b.is_literal(),
            (false, true) => self.sign * -towards > 0 && a.is_literal(),
            (true, true) => false,
        };
        if fits { Some(()) } else { self.not_above(span) }
    }

    fn not_above(&mut self, span: Span) -> Option<()> {
        let note = Note::new(codes::CONCURRENT_BOUND, "over all spans, the number in flight can only be bounded above")
            .help("write `always: ….concurrent() <= N` or `never: ….concurrent() > N`");
        self.error(span, note);
        None
    }
}

/// `any` or `none` over all spans, about the spans that satisfy what the predicate says of the span itself: those have a verdict each.
fn about_each(quantifier: Quantifier, mut set: Spanset, predicate: Expr) -> Expr {
    let predicate = match predicate {
        Expr::And(parts) if parts.iter().any(has_relation) => {
            let (mut related, mut own): (Vec<Expr>, Vec<Expr>) = parts.into_iter().partition(has_relation);
            match (own.pop(), own.is_empty()) {
                (Some(only), true) => set.steps.push(Step::Where(only)),
                (Some(last), false) => {
                    own.push(last);
                    set.steps.push(Step::Where(Expr::And(own)));
                }
                (None, _) => {}
            }
            match (related.pop(), related.is_empty()) {
                (Some(only), true) => only,
                (last, _) => {
                    related.extend(last);
                    Expr::And(related)
                }
            }
        }
        other => other,
    };
    Expr::Quantified { quantifier, set, predicate: Box::new(predicate) }
}

/// Whether the number in flight stands inside a calculation.
fn buried(term: &Term) -> bool {
    match term {
        Term::Aggregate(aggregate) => aggregate.function == AggregateFn::Concurrent,
        Term::Arith { left, right, .. } => buried(left) || buried(right),
        Term::Neg(inner) | Term::Lower(inner) | Term::Shape(inner) | Term::Extract(inner, _) => buried(inner),
        Term::Coalesce(items) => items.iter().any(buried),
        _ => false,
    }
}

/// How more selected spans change what the chain comes to: truer or greater (1), the reverse (-1), unknown (0).
fn chain_sign(segments: &[Segment]) -> i8 {
    if segments.iter().any(|s| matches!(s.name.name.as_str(), "first" | "last")) {
        return 0;
    }
    match segments.last().map_or("", |s| s.name.name.as_str()) {
        "all" | "none" | "empty" | "min" => -1,
        "avg" | "p50" | "p90" | "p95" | "p99" | "quantile" => 0,
        _ => 1,
    }
}

fn described(what: &str) -> String {
    if what.contains(' ') { what.to_owned() } else { format!("`{what}`") }
}

/// Whether a predicate asks for other spans.
pub(super) fn has_relation(expr: &Expr) -> bool {
    match expr {
        Expr::Relation(_) => true,
        Expr::Not(inner) => has_relation(inner),
        Expr::And(items) | Expr::Or(items) => items.iter().any(has_relation),
        Expr::Implies(a, b) => has_relation(a) || has_relation(b),
        _ => false,
    }
}
