//! The shorthand form to the claim it means.

use super::context::{Level, Lowering, Note};
use super::defines::scalar_kind;
use super::types::{Ty, Typed};
use super::words::{KINDS, STATUSES, did_you_mean, intrinsic, is_plain_path};
use crate::codes;
use crate::program::{
    Aggregate, AggregateFn, Attribute, AttributeKey, CompareOp, Expr, Field, FieldKey, Owner, Place, Scope, Spanset, Step, Term,
};
use crate::raw::{ExprText, RawShorthand, Spanned};
use crate::semconv;
use crate::syntax;
use crate::syntax::ast::{self, ExprKind, Segment};
use crate::value::{Value, number};

/// The window where `aggregation.window` does not give one: a minute.
const DEFAULT_WINDOW: u64 = 60_000_000_000;

/// The texts of a shorthand form as trees.
pub(super) struct Parsed {
    condition: (ExprText, Option<ast::Expr>),
    by: Vec<(ExprText, Option<ast::Expr>)>,
}

impl<'a> Lowering<'a> {
    /// Reads the texts; what is wrong about their syntax is reported.
    pub(super) fn parse_shorthand(&mut self, raw: &RawShorthand) -> Parsed {
        let mut read = |text: &ExprText| {
            let (expr, errors) = syntax::parse_text(text, self.limits);
            for error in errors {
                let span = text.positions.to_source(error.span.start, error.span.end);
                self.error_in_source(span, error.into());
            }
            (text.clone(), expr)
        };
        let by = raw.by.iter().map(&mut read).collect();
        let condition = if raw.condition.text.trim().is_empty() {
            let note = Note::new(codes::CONDITION, "the rule has no `condition`").help("write `condition: gt(count, 5)`");
            self.error_in_source(raw.span, note);
            (raw.condition.clone(), None)
        } else {
            read(&raw.condition)
        };
        Parsed { condition, by }
    }

    /// `spans.where(…).by(…).within(…).count() op N`.
    pub(super) fn shorthand(&mut self, raw: &RawShorthand, parsed: &'a Parsed) -> Option<Expr> {
        self.scope = Some(Scope::Spans);
        let before = self.text;
        let conditions = self.shorthand_conditions(raw);
        let mut by = Some(Vec::new());
        for (text, expr) in &parsed.by {
            self.text = text;
            let term = expr.as_ref().and_then(|expr| self.field_term(expr));
            by = by.zip(term).map(|(mut by, term)| {
                by.push(term.term);
                by
            });
        }
        self.text = &parsed.condition.0;
        let condition = parsed.condition.1.as_ref().and_then(|expr| self.condition(expr));
        self.text = before;
        let window = match &raw.window {
            None => Some(DEFAULT_WINDOW),
            Some(text) => self.window(text),
        };
        let ((conditions, by), (condition, window)) = (conditions.zip(by)?, condition.zip(window)?);
        let mut conditions = conditions;
        let steps = match (conditions.pop(), conditions.is_empty()) {
            (None, _) => Vec::new(),
            (Some(only), true) => vec![Step::Where(only)],
            (Some(last), false) => {
                conditions.push(last);
                vec![Step::Where(Expr::And(conditions))]
            }
        };
        if !by.is_empty() {
            self.by = Some(by.clone());
        }
        let set = Spanset { steps, within: Some(window), by };
        let count = Term::Aggregate(Box::new(Aggregate { set, function: AggregateFn::Count }));
        let (op, bound) = condition;
        Some(Expr::Compare { op, left: count, right: Term::Literal(bound) })
    }

    fn window(&mut self, text: &Spanned<String>) -> Option<u64> {
        let nanos = syntax::parse_duration(&text.value).filter(|n| *n > 0).and_then(|n| u64::try_from(n).ok());
        if nanos.is_none() {
            let note =
                Note::new(codes::DURATION_UNIT, format!("`{}` is no duration above zero", text.value)).help("write `30s`, `1m` or `1h`");
            self.error_in_source(text.span, note);
        }
        nanos
    }

    fn shorthand_conditions(&mut self, raw: &RawShorthand) -> Option<Vec<Expr>> {
        let mut conditions = Vec::new();
        let mut fine = true;
        let own = |key| Field { owner: Owner::Span, key };
        for (key, written) in [(FieldKey::Service, &raw.service_name), (FieldKey::Name, &raw.name)] {
            if let Some(written) = written {
                conditions.push(equals(own(key), Value::String(written.value.clone())));
            }
        }
        let enums = [(FieldKey::Kind, "kind", &KINDS[..], &raw.kind), (FieldKey::Status, "status", &STATUSES[..], &raw.status)];
        for (key, what, members, written) in enums {
            let Some(written) = written else { continue };
            if members.contains(&written.value.as_str()) {
                conditions.push(equals(own(key), Value::String(written.value.clone())));
                continue;
            }
            fine = false;
            let known = format!("the members are `{}`", members.join("`, `"));
            let note = Note::new(codes::ENUM_MEMBER, format!("`{}` is no {what} of a span", written.value)).help(
                match did_you_mean(&written.value, members) {
                    Some(meant) => format!("did you mean `{meant}`? {known}"),
                    None => known,
                },
            );
            self.error_in_source(written.span, note);
        }
        for (key, value) in &raw.attributes {
            let exact = intrinsic(&key.value).is_some() || !is_plain_path(&key.value);
            let names = if exact { vec![key.value.clone()] } else { semconv::names(&key.value) };
            let field = own(FieldKey::Attribute(Attribute { place: Place::Any, key: AttributeKey::Names(names) }));
            let value = match scalar_kind(&value.value) {
                ExprKind::Bool(b) => Value::Bool(b),
                ExprKind::Int(n) => Value::Int(n),
                ExprKind::Float(f) => Value::Float(f),
                // An attribute is no duration: `5s` without quotes is the text.
                _ => Value::String(value.value.text.clone()),
            };
            conditions.push(equals(field, value));
        }
        fine.then_some(conditions)
    }

    /// `gt(count, N)` and its kin.
    fn condition(&mut self, expr: &'a ast::Expr) -> Option<(CompareOp, Value)> {
        let bare = expr.bare();
        if let ExprKind::Chain(chain) = &bare.kind
            && let [Segment { name, args: Some(args) }] = chain.segments.as_slice()
            && let Some(op) = comparison(&name.name)
            && let [left, right] = args.items.as_slice()
            && left.value.words().is_some_and(|words| ast::dotted(words) == "count")
        {
            let typed = self.term(&right.value, Level::Claim, false)?;
            if let Typed { term: Term::Literal(value), ty: Ty::Number | Ty::Text } = typed
                && number(value.view()).is_some()
            {
                return Some((op, value));
            }
        }
        if bare.kind != ExprKind::Error {
            let note = Note::new(codes::CONDITION, "a condition compares `count` with a number")
                .help("write `gt(count, 5)`; there are `gt`, `gte`, `lt`, `lte`, `eq` and `ne`");
            self.error(expr.span, note);
        }
        None
    }
}

fn equals(field: Field, value: Value) -> Expr {
    Expr::Compare { op: CompareOp::Eq, left: Term::Field(field), right: Term::Literal(value) }
}

fn comparison(name: &str) -> Option<CompareOp> {
    Some(match name {
        "gt" => CompareOp::Gt,
        "gte" => CompareOp::Ge,
        "lt" => CompareOp::Lt,
        "lte" => CompareOp::Le,
        "eq" => CompareOp::Eq,
        "ne" => CompareOp::Ne,
        _ => return None,
    })
}
