//! Comparisons and their types.

use super::context::{Level, Lowering, Note, OpenList};
use super::types::{Ty, Typed};
use super::words::{KINDS, STATUSES, did_you_mean};
use crate::codes;
use crate::program::sign::is_never_negative;
use crate::program::{AggregateFn, ArithOp, CompareOp, Expr, FieldKey, Scope, Term};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, ExprKind, Head};
use crate::value::{self, Value};

impl<'a> Lowering<'a> {
    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        op_span: Span,
        left: &'a ast::Expr,
        right: &'a ast::Expr,
        level: Level,
        span: Span,
    ) -> Option<Expr> {
        if level == Level::Claim && self.is_field(left) {
            let note = self.bare_field(span);
            self.error(left.span, note);
            // As the condition that it is meant to be, it may be wrong in itself.
            self.signed(0, |l| l.binary(op, op_span, left, right, Level::Span, span));
            return None;
        }
        match op {
            BinaryOp::Compare(op) => self.compare(op, left, right, level, span),
            BinaryOp::In | BinaryOp::NotIn => self.membership(op == BinaryOp::NotIn, left, right, level, span),
            BinaryOp::Text(op) => {
                let a = self.operand(left, level);
                let b = self.signed(0, |l| l.term(right, level, true));
                Some(Expr::Text { op, left: a?.term, right: b?.term })
            }
            BinaryOp::Matches => {
                let term = self.operand(left, level);
                let regex = self.pattern(right);
                Some(Expr::Matches { term: term?.term, regex: regex? })
            }
            BinaryOp::Arith(_) => {
                let written = self.written(span);
                self.term_for_errors(left, right, level);
                let note = Note::new(codes::NOT_A_TRUTH, format!("a truth value is needed here, not `{written}`"))
                    .help("compare it with something: `… > …`");
                self.error(op_span, note);
                None
            }
        }
    }

    /// Whether an expression is a field by its form: then a comparison with it belongs into a predicate as a whole.
    fn is_field(&self, expr: &ast::Expr) -> bool {
        match &expr.bare().kind {
            ExprKind::Chain(chain) if chain.head == Head::Word => chain.segments.first().is_some_and(|first| {
                let called = first.args.is_some();
                let name = first.name.name.as_str();
                (!called || name == "attr") && !matches!(name, "trace" | "spans" | "traces")
            }),
            _ => false,
        }
    }

    fn term_for_errors(&mut self, left: &'a ast::Expr, right: &'a ast::Expr, level: Level) {
        self.term(left, level, false);
        self.term(right, level, false);
    }

    /// A left operand that says nothing about which way a violation lies.
    fn operand(&mut self, left: &'a ast::Expr, level: Level) -> Option<Typed> {
        self.signed(0, |l| l.term(left, level, false))
    }

    fn compare(&mut self, op: CompareOp, left: &'a ast::Expr, right: &'a ast::Expr, level: Level, span: Span) -> Option<Expr> {
        if self.literal_value(left.bare()).is_some()
            && let Some([word]) = right.bare().words()
            && super::words::intrinsic(&word.name.name).is_none()
        {
            let (literal, word) = (self.written(left.span), &word.name.name);
            let note = Note::new(codes::LITERAL_LEFT, format!("right of a comparison `{word}` is a literal too"))
                .help(format!("swap them: `{word} {} {literal}`, or write `attr({word})`", mirrored(op)));
            self.error(right.span, note);
            return None;
        }
        if matches!(op, CompareOp::Eq | CompareOp::Ne) && self.is_path(right) {
            return None;
        }
        // More of the left side makes `>` truer, more of the right side makes it falser.
        let towards = match op {
            CompareOp::Gt | CompareOp::Ge => 1,
            CompareOp::Lt | CompareOp::Le => -1,
            CompareOp::Eq | CompareOp::Ne => 0,
        };
        let a = self.signed(towards, |l| l.term(left, level, false));
        let b = self.signed(-towards, |l| l.term(right, level, true));
        let (a, b) = (a?, b?);
        self.check_types(op, &a, &b, left, right, span)?;
        self.hint_comparison(op, &a, &b, span);
        self.hint_null(op, &a, left, right);
        self.check_in_flight(op, &a, &b, span)?;
        self.hint_negative_duration(op, &a.term, &b.term, span);
        self.hint_sum(&a, towards, left.span);
        self.hint_sum(&b, -towards, right.span);
        if let (Term::Literal(x), Term::Literal(y)) = (&a.term, &b.term)
            && level != Level::Claim
        {
            let always = if value::compare(op, x.view(), y.view()) { "always" } else { "never" };
            let note = Note::new(codes::NEVER_HOLDS, format!("both sides are literals: this {always} holds"))
                .help("a single word right of a comparison is a string; `attr(word)` is the field");
            self.warn(span, note);
        }
        Some(Expr::Compare { op, left: a.term, right: b.term })
    }

    /// A sum that violates by growing, of what may be negative: it is not known before its trace is complete.
    fn hint_sum(&mut self, side: &Typed, towards: i8, span: Span) {
        let Term::Aggregate(aggregate) = &side.term else { return };
        let AggregateFn::Sum(term) = &aggregate.function else { return };
        if self.sign * towards <= 0 || side.ty == Ty::Duration || is_never_negative(&aggregate.set, term) {
            return;
        }
        let scope = if self.over_spans() { Scope::Spans } else { Scope::Trace };
        let written = crate::print::term(term, scope);
        let note = Note::new(codes::SUM_WAITS, "a sum of what may be negative is not decided before the last span")
            .help(format!("`{written} >= 0` in its selector lets it be decided as soon as it is too large"));
        self.warn(span, note);
    }

    /// Whether the right side is a text with slashes that wants quotes; then that has been said.
    fn is_path(&mut self, right: &'a ast::Expr) -> bool {
        fn words(expr: &ast::Expr) -> bool {
            match &expr.kind {
                ExprKind::Binary { op: BinaryOp::Arith(ArithOp::Div), op_span, left, right } => {
                    op_span.end == right.span.start && words(left) && words(right)
                }
                _ => expr.words().is_some(),
            }
        }
        if !matches!(right.kind, ExprKind::Binary { .. }) || !words(right) {
            return false;
        }
        let text = self.written(right.span);
        let note = Note::new(codes::HYPHEN, format!("`{text}` is read as a division"))
            .help(format!("quote it: `'{text}'`; for a division put spaces around `/`"));
        self.error(right.span, note);
        true
    }

    /// `user == null`: a word like any other.
    fn hint_null(&mut self, op: CompareOp, a: &Typed, left: &'a ast::Expr, right: &'a ast::Expr) {
        let Some([word]) = right.bare().words() else { return };
        let nothing = ["null", "nil", "undefined"].iter().any(|nothing| word.name.name.eq_ignore_ascii_case(nothing));
        if nothing && matches!(a.term, Term::Field(_)) {
            let test = if op == CompareOp::Ne { "exists" } else { "missing" };
            let note = Note::new(codes::NULL_WORD, format!("`{}` is read as a string", word.name.name)).help(format!(
                "write `{test}({})`; for the string `'{}'`",
                self.written(left.span),
                word.name.name
            ));
            self.warn(right.span, note);
        }
    }

    fn check_types(&mut self, op: CompareOp, a: &Typed, b: &Typed, left: &'a ast::Expr, right: &'a ast::Expr, span: Span) -> Option<()> {
        self.check_member(a, b, right.span)?;
        self.check_member(b, a, left.span)?;
        let ordering = !matches!(op, CompareOp::Eq | CompareOp::Ne);
        if ordering && let Some(odd) = [a, b].into_iter().find(|t| !t.ty.has_order()) {
            let note = Note::new(codes::NO_ORDER, format!("{} has no order", odd.ty.name())).help("compare with `==`, `!=` or `in`");
            self.error(span, note);
            return None;
        }
        if a.ty.may_equal(b.ty) {
            return Some(());
        }
        let note = match duration_beside(a, b) {
            Some(Term::Literal(value)) if !matches!(value, Value::String(_) | Value::Bool(_)) => {
                let n = crate::print::literal(value);
                Note::new(codes::DURATION_UNIT, format!("a duration is compared with `{n}`, which has no unit"))
                    .help(format!("write `{n}ms` or `{n}s`; the units are `ns us ms s m h d`"))
            }
            Some(Term::Literal(Value::String(text))) if crate::syntax::parse_duration(text).is_some() => Note::new(
                codes::TYPES,
                format!("a duration and a string {}", if ordering { "cannot be ordered" } else { "are never equal" }),
            )
            .help(format!("write it without quotes: `{text}`")),
            Some(Term::Field(_)) if ordering => {
                Note::new(codes::TYPES, "a duration and an attribute, which never is one, cannot be ordered")
                    .help("give it a unit by multiplying: `… * 1ms`")
            }
            Some(Term::Field(_)) => Note::new(codes::TYPES, "a duration is compared with an attribute, which never is one")
                .help("give it a unit by multiplying: `… * 1ms`"),
            _ if ordering => Note::new(codes::TYPES, format!("{} and {} cannot be ordered", a.ty.name(), b.ty.name())),
            _ => Note::new(codes::TYPES, format!("{} and {} are never equal", a.ty.name(), b.ty.name())),
        };
        self.error(span, note);
        None
    }

    /// Whether a literal beside `kind` or `status` is one of their members.
    fn check_member(&mut self, side: &Typed, other: &Typed, span: Span) -> Option<()> {
        let (what, members): (&str, &[&str]) = match side.ty {
            Ty::Kind => ("kind", &KINDS),
            Ty::Status => ("status", &STATUSES),
            _ => return Some(()),
        };
        let Term::Literal(value) = &other.term else { return Some(()) };
        let known = format!("the members are `{}`", members.join("`, `"));
        let note = match value {
            Value::String(text) if members.contains(&text.as_str()) => return Some(()),
            Value::String(text) => {
                let help = match did_you_mean(text, members) {
                    Some(meant) => format!("did you mean `{meant}`? {known}"),
                    None => known,
                };
                Note::new(codes::ENUM_MEMBER, format!("`{text}` is no {what} of a span")).help(help)
            }
            _ if what == "status" => {
                let n = crate::print::literal(value);
                Note::new(codes::SHADOWED, format!("`status` is the status of the span and never `{n}`"))
                    .help(format!("the attribute is `attr('status')`; an HTTP status is `http.response.status_code`; {known}"))
            }
            _ => Note::new(codes::SHADOWED, "`kind` is the kind of the span and no number")
                .help(format!("the attribute is `attr('kind')`; {known}")),
        };
        self.error(span, note);
        None
    }

    fn hint_comparison(&mut self, op: CompareOp, a: &Typed, b: &Typed, span: Span) {
        for (side, other) in [(a, b), (b, a)] {
            self.hint_number(op, side, other, span);
            let equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
            if let (true, Term::Lower(_), Term::Literal(Value::String(text))) = (equality, &side.term, &other.term)
                && text.to_lowercase() != *text
            {
                let note = Note::new(codes::NEVER_HOLDS, format!("a text in lower case is never `{text}`"))
                    .help(format!("write `'{}'`", text.to_lowercase()));
                self.warn(span, note);
            }
            let (Term::Field(field), Term::Literal(Value::String(text))) = (&side.term, &other.term) else { continue };
            if equality && field.key == FieldKey::Name && text.contains('*') {
                let note = Note::new(codes::GLOB_COMPARED, format!("`==` compares with `{text}` as it stands"))
                    .help(format!("for names that fit, write the string alone: `'{text}'`"));
                self.warn(span, note);
            }
            if equality && side.ty == Ty::Id && !may_be_id(&field.key, text) {
                let note = Note::new(codes::NEVER_HOLDS, format!("no id is `{text}`"))
                    .help("ids are lower-case hex: 32 digits of a trace, 16 of a span");
                self.warn(span, note);
            }
        }
    }

    /// A number that an id or a count never is.
    fn hint_number(&mut self, op: CompareOp, side: &Typed, other: &Typed, span: Span) {
        let Term::Literal(value @ (Value::Int(_) | Value::Float(_))) = &other.term else { return };
        if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return;
        }
        let n = crate::print::literal(value);
        if let (Ty::Id, Term::Field(field)) = (side.ty, &side.term)
            && !may_be_id(&field.key, &n)
        {
            let note = Note::new(codes::NEVER_HOLDS, format!("no id is `{n}`")).help("ids are text: lower-case hex, quoted");
            self.warn(span, note);
        }
        let counts = |function: &AggregateFn| matches!(function, AggregateFn::Count | AggregateFn::Distinct(_) | AggregateFn::Concurrent);
        if let (Term::Aggregate(aggregate), Value::Float(f)) = (&side.term, value)
            && counts(&aggregate.function)
            && f.fract() != 0.0
        {
            self.warn(span, Note::new(codes::NEVER_HOLDS, format!("a number of spans is never `{n}`")).help("counts are whole numbers"));
        }
    }

    fn membership(&mut self, negated: bool, left: &'a ast::Expr, right: &'a ast::Expr, level: Level, span: Span) -> Option<Expr> {
        let a = self.operand(left, level);
        let list = self.list(right);
        let (a, (list, spans)) = (a?, list?);
        let mut fine = true;
        for (value, place) in list.iter().zip(&spans) {
            let element = Typed::literal(value.clone());
            if self.check_member(&a, &element, *place).is_none() {
                fine = false;
            } else if !a.ty.may_equal(element.ty) {
                fine = false;
                let note = if a.ty == Ty::Duration && element.ty == Ty::Number {
                    let n = crate::print::literal(value);
                    Note::new(codes::DURATION_UNIT, format!("a duration is compared with `{n}`, which has no unit"))
                        .help(format!("write `{n}ms` or `{n}s`"))
                } else {
                    Note::new(codes::TYPES, format!("{} and {} are never equal", a.ty.name(), element.ty.name()))
                };
                self.error(*place, note);
            }
        }
        if list.is_empty() {
            let message = if negated { "holds for every present value" } else { "never holds" };
            self.warn(right.span, Note::new(codes::NEVER_HOLDS, format!("the list is empty, so this {message}")));
        }
        let attribute = matches!(&a.term, Term::Field(f) if matches!(f.key, FieldKey::Attribute(_)));
        if negated && attribute && self.sign > 0 && level != Level::Claim {
            let (f, l) = (self.written(left.span), self.written(right.span));
            let note = Note::new(codes::NOT_IN, format!("`not in` does not hold where `{f}` is missing, so such a span passes"))
                .help(format!("write `not ({f} in {l})` if a missing value is a violation too"));
            let place = self.place(span);
            self.open_lists.push(OpenList { span: place, term: a.term.clone(), note });
        }
        fine.then_some(Expr::In { term: a.term, list, negated })
    }

    /// The values of a list, directly or through a define, and where they stand (in the present text).
    pub(super) fn list(&mut self, expr: &'a ast::Expr) -> Option<(Vec<Value>, Vec<Span>)> {
        let bare = expr.bare();
        match &bare.kind {
            ExprKind::List(items) => {
                if items.len() > self.limits.list_items {
                    let note = Note::new(
                        codes::LIST_TOO_LONG,
                        format!("the list has {} elements, the limit is {}", items.len(), self.limits.list_items),
                    );
                    self.error(expr.span, note);
                    return None;
                }
                let values: Vec<_> = items.iter().map(|item| self.element(item).map(|v| (v, item.span))).collect();
                Some(values.into_iter().collect::<Option<Vec<_>>>()?.into_iter().unzip())
            }
            ExprKind::Chain(chain) => {
                if let Head::Define(name) = &chain.head
                    && chain.segments.is_empty()
                {
                    let (values, _) = self.with_define(name, |l, inner| l.list(inner))?;
                    let spans = vec![expr.span; values.len()];
                    return Some((values, spans));
                }
                self.not_a_list(expr.span);
                None
            }
            ExprKind::Error => None,
            _ => {
                self.not_a_list(expr.span);
                None
            }
        }
    }

    fn not_a_list(&mut self, span: Span) {
        let written = self.written(span);
        let note = Note::new(codes::NOT_A_LIST, format!("`in` needs a list, not `{written}`"))
            .help("write `x in ['a', 'b']`, or name a list in `define:`");
        self.error(span, note);
    }

    /// An element of a list: a literal, or words that are a string.
    fn element(&mut self, expr: &'a ast::Expr) -> Option<Value> {
        let bare = expr.bare();
        if let Some(value) = self.literal_value(bare) {
            return Some(value);
        }
        if let Some(words) = bare.words() {
            return Some(Value::String(ast::dotted(words)));
        }
        if bare.kind != ExprKind::Error {
            let written = self.written(expr.span);
            let note =
                Note::new(codes::NOT_A_LITERAL, format!("a list holds literals, not `{written}`")).help("quote text that is no word");
            self.error(expr.span, note);
        }
        None
    }
}

/// The operand beside a duration, where exactly one of the two is one.
fn duration_beside<'t>(a: &'t Typed, b: &'t Typed) -> Option<&'t Term> {
    match (a.ty, b.ty) {
        (Ty::Duration, other) if other != Ty::Duration => Some(&b.term),
        (other, Ty::Duration) if other != Ty::Duration => Some(&a.term),
        _ => None,
    }
}

fn mirrored(op: CompareOp) -> &'static str {
    crate::print::compare_op(super::ranges::exchanged(op))
}

fn may_be_id(key: &FieldKey, text: &str) -> bool {
    let length = if *key == FieldKey::TraceId { 32 } else { 16 };
    text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
