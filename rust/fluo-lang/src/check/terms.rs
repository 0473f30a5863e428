//! Expressions to terms.

use super::context::{Level, Lowering, Note};
use super::types::{Ty, Typed};
use super::words::{FUNCTIONS, did_you_mean, intrinsic};
use crate::codes;
use crate::program::{ArithOp, Owner, Term};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Chain, Expr, ExprKind, Head, Segment, dotted};
use crate::value::{Operand, Value, arith, negate};

impl<'a> Lowering<'a> {
    /// The term an expression is. `word_is_literal`: it stands right of a comparison, so a single word is a string.
    pub(super) fn term(&mut self, expr: &'a Expr, level: Level, word_is_literal: bool) -> Option<Typed> {
        self.enter()?;
        let typed = self.term_inner(expr, level, word_is_literal);
        self.leave();
        typed
    }

    fn term_inner(&mut self, expr: &'a Expr, level: Level, word_is_literal: bool) -> Option<Typed> {
        if let Some(value) = self.literal_value(expr) {
            return Some(Typed::literal(value));
        }
        match &expr.kind {
            ExprKind::Paren(inner) => self.term(inner, level, word_is_literal),
            ExprKind::Neg(inner) => self.negative(inner, level, expr.span),
            ExprKind::Binary { op: BinaryOp::Arith(op), op_span, left, right } => self.arithmetic(*op, *op_span, left, right, level),
            ExprKind::Chain(chain) => self.chain_term(expr, chain, level, word_is_literal),
            ExprKind::List(_) => {
                let note = Note::new(codes::LIST_EQUALITY, "a list cannot be compared as a whole")
                    .help("write `x in [a, b]`; `contains` asks a list for an element");
                self.error(expr.span, note);
                None
            }
            ExprKind::Error => None,
            _ => {
                // A truth value. Its parts may be wrong as well.
                let before = self.findings.list.len();
                self.truth(expr, level);
                if self.findings.list.len() == before {
                    let note = Note::new(codes::NOT_A_VALUE, "a value is needed here, and this is a truth value")
                        .help("truth values are joined with `and`, `or`, `not`, `implies`, never compared");
                    self.error(expr.span, note);
                }
                None
            }
        }
    }

    fn chain_term(&mut self, expr: &'a Expr, chain: &'a Chain, level: Level, word_is_literal: bool) -> Option<Typed> {
        match (&chain.head, chain.segments.as_slice()) {
            (Head::Define(name), []) => self.with_define(name, |l, inner| l.term(inner, level, word_is_literal)),
            (Head::Word, [Segment { name, args: None }]) if word_is_literal => {
                let word = &name.name;
                if intrinsic(word).is_some() && !matches!(level, Level::Item(_)) {
                    let note = Note::new(codes::INTRINSIC_LITERAL, format!("`{word}` is an intrinsic, and a word here is a literal"))
                        .help(format!("put the field on the left, or write `'{word}'` for the string"));
                    self.error(name.span, note);
                    return None;
                }
                Some(Typed::literal(Value::String(word.clone())))
            }
            (Head::Word, [call]) if call.args.is_some() => self.value_function(call, level, expr.span),
            (Head::Word, _) if level != Level::Claim => {
                let (field, ty) = self.field(&chain.segments, level, Owner::Span, expr.span)?;
                Some(Typed { term: Term::Field(field), ty })
            }
            _ if level != Level::Claim => {
                let word = match &chain.head {
                    Head::Define(name) => format!("${}", name.name),
                    _ => "(…)".to_owned(),
                };
                self.scope_in_predicate(&word, level, expr.span);
                None
            }
            _ => self.claim_term(expr, chain),
        }
    }

    /// `coalesce`, `lower`, `extract`, `shape`, and `attr`.
    fn value_function(&mut self, call: &'a Segment, level: Level, span: Span) -> Option<Typed> {
        let name = call.name.name.as_str();
        match name {
            "coalesce" => {
                let items = self.arguments(call, 2, usize::MAX)?;
                let terms: Vec<_> = items.iter().map(|item| self.term(item, level, false)).collect();
                let terms = terms.into_iter().collect::<Option<Vec<_>>>()?;
                let ty = terms.iter().map(|t| t.ty).reduce(Ty::either).unwrap_or(Ty::Any);
                let ty = if ty == Ty::Word { Ty::Text } else { ty };
                Some(Typed { term: Term::Coalesce(terms.into_iter().map(|t| t.term).collect()), ty })
            }
            "lower" | "shape" => {
                let items = self.arguments(call, 1, 1)?;
                let inner = Box::new(self.term(items.first()?, level, false)?.term);
                let term = if name == "lower" { Term::Lower(inner) } else { Term::Shape(inner) };
                Some(Typed { term, ty: Ty::Text })
            }
            "extract" => {
                let items = self.arguments(call, 2, 2)?;
                let [field, regex] = items.as_slice() else { return None };
                let inner = self.term(field, level, false);
                let pattern = self.pattern(regex);
                let (inner, pattern) = (inner?, pattern?);
                let groups = crate::pattern::compile(&pattern.source, self.limits.regex_bytes).map_or(0, |r| r.captures_len());
                if groups < 2 {
                    let note = Note::new(codes::REGEX, "`extract` takes the first group, and this expression has none")
                        .help("put the part to take in parentheses");
                    self.error(regex.span, note);
                    return None;
                }
                Some(Typed { term: Term::Extract(Box::new(inner.term), pattern), ty: Ty::Text })
            }
            "attr" if level != Level::Claim => {
                let (field, ty) = self.field(std::slice::from_ref(call), level, Owner::Span, span)?;
                Some(Typed { term: Term::Field(field), ty })
            }
            _ => {
                let note = if level == Level::Claim && (FUNCTIONS.contains(&name)) {
                    self.bare_field(span)
                } else if FUNCTIONS.contains(&name) {
                    Note::new(codes::NOT_A_VALUE, format!("`{name}(…)` is a truth value, and a value is needed here"))
                } else {
                    self.unknown_function(name)
                };
                self.error(call.name.span, note);
                None
            }
        }
    }

    pub(super) fn unknown_function(&self, name: &str) -> Note {
        let note = Note::new(codes::UNKNOWN_FUNCTION, format!("there is no function `{name}`"));
        match did_you_mean(name, &FUNCTIONS) {
            Some(meant) => note.help(format!("did you mean `{meant}`?")),
            None if matches!(name, "has" | "count") => note.help(format!("write `trace.{name}(…)`")),
            None if super::words::METHODS.contains(&name) => {
                note.help(format!("`{name}` is a method of a spanset: `trace.spans.{name}(…)`"))
            }
            None => note,
        }
    }

    /// What to say about a field outside every predicate.
    pub(super) fn bare_field(&self, span: Span) -> Note {
        let written = self.written(span);
        let meant = match self.inserting.last() {
            Some(using) if using.whole == span => format!("${}", using.name),
            _ => written.clone(),
        };
        let first = written.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let help = match (first.to_ascii_lowercase().as_str(), first) {
            ("trace" | "spans", word) if word != first.to_ascii_lowercase() => format!("write `{}` in lower case", word),
            ("span", "span") => "a claim speaks of spansets: `trace.spans`, `spans` or `trace.has(…)`".to_owned(),
            ("yes" | "on", _) if written == first => "write `true`".to_owned(),
            _ => format!("a claim speaks of spansets: `trace.spans.any({meant})`"),
        };
        Note::new(codes::BARE_FIELD, format!("`{written}` stands outside a predicate")).help(help)
    }

    fn negative(&mut self, inner: &'a Expr, level: Level, span: Span) -> Option<Typed> {
        let typed = self.term(inner, level, false)?;
        if let Term::Literal(value) = &typed.term {
            let negative = Operand::of(value.view()).filter(|_| typed.ty != Ty::Text).and_then(negate);
            return match negative.and_then(value_of) {
                Some(value) => Some(Typed::literal(value)),
                None => {
                    self.cannot_calculate(typed.ty, span);
                    None
                }
            };
        }
        if !calculable(typed.ty) {
            self.cannot_calculate(typed.ty, span);
            return None;
        }
        let ty = if typed.ty == Ty::Duration { Ty::Duration } else { Ty::Number };
        Some(Typed { term: Term::Neg(Box::new(typed.term)), ty })
    }

    fn arithmetic(&mut self, op: ArithOp, op_span: Span, left: &'a Expr, right: &'a Expr, level: Level) -> Option<Typed> {
        if op == ArithOp::Sub && self.is_hyphen(op_span, left, right) {
            return None;
        }
        let a = self.term(left, level, false);
        let b = self.term(right, level, false);
        let (a, b) = (a?, b?);
        for (typed, place) in [(&a, left), (&b, right)] {
            if !calculable(typed.ty) {
                self.cannot_calculate(typed.ty, place.span);
                return None;
            }
        }
        let ty = self.result_type(op, &a, &b, op_span)?;
        if let (Term::Literal(x), Term::Literal(y)) = (&a.term, &b.term) {
            let folded = Operand::of(x.view()).zip(Operand::of(y.view())).and_then(|(x, y)| arith(op, x, y));
            let Some(value) = folded.and_then(value_of) else {
                self.error(op_span, Note::new(codes::ARITHMETIC, "this has no result: it overflows or divides by zero"));
                return None;
            };
            return Some(Typed::literal(value));
        }
        Some(Typed { term: Term::Arith { op, left: Box::new(a.term), right: Box::new(b.term) }, ty })
    }

    fn result_type(&mut self, op: ArithOp, a: &Typed, b: &Typed, span: Span) -> Option<Ty> {
        let (left, right) = (a.ty == Ty::Duration, b.ty == Ty::Duration);
        let note = match (op, left, right) {
            _ if a.ty == Ty::Any || b.ty == Ty::Any => return Some(Ty::Any),
            (_, false, false) => return Some(Ty::Number),
            (ArithOp::Add | ArithOp::Sub | ArithOp::Rem, true, true) => return Some(Ty::Duration),
            (ArithOp::Div, true, true) => return Some(Ty::Number),
            (ArithOp::Mul, true, false) | (ArithOp::Mul, false, true) | (ArithOp::Div, true, false) => {
                return Some(Ty::Duration);
            }
            (ArithOp::Add | ArithOp::Sub | ArithOp::Rem, ..) => {
                let number = if left { b } else { a };
                match &number.term {
                    Term::Literal(value) => {
                        let n = crate::print::literal(value);
                        Note::new(codes::DURATION_UNIT, format!("a duration and `{n}`, which has no unit"))
                            .help(format!("write `{n}s`, or another of `ns us ms s m h d`"))
                    }
                    _ => Note::new(codes::DURATION_UNIT, "a duration and a number cannot be added")
                        .help("give the number a unit by multiplying: `… * 1ms`"),
                }
            }
            (ArithOp::Mul, true, true) => Note::new(codes::ARITHMETIC, "durations cannot be multiplied with each other"),
            (ArithOp::Div, ..) => Note::new(codes::ARITHMETIC, "a number cannot be divided by a duration"),
        };
        self.error(span, note);
        None
    }

    pub(super) fn cannot_calculate(&mut self, ty: Ty, span: Span) {
        let note = Note::new(codes::ARITHMETIC, format!("{} cannot be calculated with", ty.name()));
        self.error(span, note);
    }

    /// Whether `a-b` is a word that wants quotes; then that has been said.
    fn is_hyphen(&mut self, op: Span, left: &Expr, right: &Expr) -> bool {
        let mut words = vec![right];
        let (mut start, mut op) = (left, op);
        loop {
            let (inner, last) = match &start.kind {
                ExprKind::Binary { op: BinaryOp::Arith(ArithOp::Sub), op_span, left, right } => (Some((left, *op_span)), &**right),
                _ => (None, start),
            };
            let touching = last.span.end == op.start && words.last().is_some_and(|next| op.end == next.span.start);
            if !touching || last.words().is_none() {
                break;
            }
            words.push(last);
            let Some((left, op_span)) = inner else { break };
            (start, op) = (left, op_span);
        }
        words.reverse();
        let parts: Option<Vec<&[Segment]>> = words.iter().map(|word| word.words()).collect();
        let (Some(parts), Some(start)) = (parts, words.first()) else { return false };
        // `a.b-c.d` may well be a difference; a word of one segment on one side hardly is.
        if parts.len() < 2 || (parts.len() == 2 && parts.iter().all(|part| part.len() > 1)) {
            return false;
        }
        let text = parts.into_iter().map(dotted).collect::<Vec<_>>().join("-");
        let note = Note::new(codes::HYPHEN, format!("`{text}` is read as a difference"))
            .help(format!("quote it: `'{text}'` (a key is `attr('{text}')`); for a difference put spaces around `-`"));
        self.error(Span { start: start.span.start, end: right.span.end }, note);
        true
    }
}

fn calculable(ty: Ty) -> bool {
    matches!(ty, Ty::Attribute | Ty::Any | Ty::Number | Ty::Duration | Ty::Text)
}

fn value_of(operand: Operand) -> Option<Value> {
    use crate::value::Number;
    Some(match operand {
        Operand::Number(Number::Int(n)) => Value::Int(n),
        Operand::Number(Number::Float(f)) => Value::Float(f),
        Operand::Duration(n) => Value::Duration(n),
    })
}
