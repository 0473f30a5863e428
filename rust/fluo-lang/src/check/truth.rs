//! Expressions to truth values.

use super::context::{Level, Lowering, Note};
use super::words::{FUNCTIONS, INTRINSICS, KEYWORDS, PREFIXES, is_bare_name};
use crate::codes;
use crate::glob::Glob;
use crate::program::{CompareOp, Expr, ItemKind, Owner, RelationKind, Term};
use crate::source::Span;
use crate::syntax::ast::{self, Chain, ExprKind, Head, Segment, dotted};
use crate::value::Value;

impl<'a> Lowering<'a> {
    /// The truth value an expression is; errors in all of its parts are reported.
    pub(super) fn truth(&mut self, expr: &'a ast::Expr, level: Level) -> Option<Expr> {
        self.enter()?;
        let truth = self.truth_inner(expr, level);
        self.leave();
        truth
    }

    fn truth_inner(&mut self, expr: &'a ast::Expr, level: Level) -> Option<Expr> {
        match &expr.kind {
            ExprKind::Error => None,
            ExprKind::Bool(b) => Some(Expr::Const(*b)),
            ExprKind::Paren(inner) => self.truth(inner, level),
            ExprKind::Not(inner) => self.signed(-1, |l| l.truth(inner, level)).map(|e| Expr::Not(Box::new(e))),
            ExprKind::And(items) => {
                let before = self.open_lists.len();
                let parts = self.parts(items, level)?;
                self.close_lists(before, &parts, false);
                self.refuse_contradiction(&parts, level, expr.span);
                self.hint_empty_range(&parts, level, expr.span);
                self.hint_opposites(&parts, expr.span);
                Some(flatten(parts, |e| if let Expr::And(inner) = e { Ok(inner) } else { Err(e) }, Expr::And))
            }
            ExprKind::Or(items) => {
                let before = self.open_lists.len();
                let parts = self.parts(items, level)?;
                self.close_lists(before, &parts, true);
                self.hint_second_string(items, &parts);
                self.hint_full_range(&parts, expr.span);
                self.hint_alternatives(&parts, expr.span);
                Some(flatten(parts, |e| if let Expr::Or(inner) = e { Ok(inner) } else { Err(e) }, Expr::Or))
            }
            ExprKind::Implies(left, right) => {
                let a = self.signed(-1, |l| l.truth(left, level));
                let b = self.truth(right, level);
                Some(Expr::Implies(Box::new(a?), Box::new(b?)))
            }
            ExprKind::Binary { op, op_span, left, right } => self.binary(*op, *op_span, left, right, level, expr.span),
            ExprKind::String(text) => {
                self.refuse_escape(text);
                self.span_name(Glob::new(&text.value), level, expr.span)
            }
            ExprKind::Chain(chain) => self.chain_truth(expr, chain, level),
            ExprKind::Neg(_) | ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Duration(_) | ExprKind::List(_) => {
                let written = self.written(expr.span);
                let note = Note::new(codes::NOT_A_TRUTH, format!("a truth value is needed here, not `{written}`"))
                    .help("compare it with something: `… == …`");
                self.error(expr.span, note);
                None
            }
        }
    }

    /// `user == 'a' or 'b'`: the second string is the name of a span.
    fn hint_second_string(&mut self, items: &'a [ast::Expr], parts: &[Expr]) {
        let compared = parts.iter().find_map(|part| match part {
            Expr::Compare { op: CompareOp::Eq, left: Term::Field(_), right: Term::Literal(Value::String(text)) } => Some(text),
            _ => None,
        });
        let Some(first) = compared else { return };
        for item in items {
            if let ExprKind::String(text) = &item.kind {
                let note = Note::new(codes::BARE_NAME, format!("`'{}'` is read as the name of a span", text.value))
                    .help(format!("for either value write `… in ['{first}', '{0}']`; for the name `name == '{0}'`", text.value));
                self.warn(item.span, note);
            }
        }
    }

    fn parts(&mut self, items: &'a [ast::Expr], level: Level) -> Option<Vec<Expr>> {
        let parts: Vec<_> = items.iter().map(|item| self.truth(item, level)).collect();
        parts.into_iter().collect()
    }

    fn chain_truth(&mut self, expr: &'a ast::Expr, chain: &'a Chain, level: Level) -> Option<Expr> {
        match (&chain.head, chain.segments.as_slice()) {
            (Head::Define(name), []) => self.with_define(name, |l, inner| l.truth(inner, level)),
            (Head::Word, [call]) if call.args.is_some() => self.predicate_call(call, level, expr.span),
            _ if level == Level::Claim => self.claim_truth(expr, chain),
            (Head::Word, segments) if segments.iter().all(|s| s.args.is_none()) => self.bare_name(segments, level, expr.span),
            (Head::Word, segments) => self.boolean_field(segments, level, expr.span),
            _ => {
                let word = match &chain.head {
                    Head::Define(name) => format!("${}", name.name),
                    _ => "(…)".to_owned(),
                };
                self.scope_in_predicate(&word, level, expr.span);
                None
            }
        }
    }

    /// A word or a dotted name where a truth value is needed.
    fn bare_name(&mut self, segments: &[Segment], level: Level, span: Span) -> Option<Expr> {
        let text = dotted(segments);
        let first = segments.first().map_or("", |s| s.name.name.as_str());
        if matches!(first, "trace" | "spans" | "traces") {
            self.scope_in_predicate(first, level, span);
            return None;
        }
        if matches!(level, Level::Item(_)) {
            return self.span_name(Glob::new(&text), level, span);
        }
        let reserved = INTRINSICS.contains(&first) || PREFIXES.contains(&first) || KEYWORDS.contains(&first);
        if reserved {
            let note = Note::new(codes::RESERVED_NAME, format!("`{text}` begins with `{first}`, a word of the language"))
                .help(format!("the span name is `'{text}'`; a field needs a comparison: `{text} == …`"));
            self.error(span, note);
            return None;
        }
        if segments.len() == 1 {
            let mut help = format!("write `'{text}'` for the span name, `attr({text})` for a boolean attribute");
            if FUNCTIONS.contains(&first) {
                help = format!("`{first}` is a function: `{first}(…)`; {help}");
            }
            let note = Note::new(codes::BARE_NAME, format!("`{text}` is read as the name of a span")).help(help);
            self.warn(span, note);
        }
        Some(Expr::Name(Glob::new(&text)))
    }

    fn span_name(&mut self, glob: Glob, level: Level, span: Span) -> Option<Expr> {
        let text = glob.text();
        let note = match level {
            Level::Span => return Some(Expr::Name(glob)),
            Level::Claim => {
                let shown = if is_bare_name(&text) { text } else { format!("'{text}'") };
                Note::new(codes::BARE_FIELD, format!("the span name `{shown}` stands outside a predicate"))
                    .help(format!("a claim speaks of spansets: `trace.spans.any({shown})`"))
            }
            Level::Item(_) => Note::new(codes::ITEM_PREDICATE, format!("`{text}` is no condition on an event or a link"))
                .help(format!("compare it: `{text} == …`, or test it: `exists({text})`")),
        };
        self.error(span, note);
        None
    }

    /// `span.attr('x')` and the like: the field is true. Whatever else has parentheses is no field.
    fn boolean_field(&mut self, segments: &[Segment], level: Level, span: Span) -> Option<Expr> {
        let (field, _) = self.field(segments, level, Owner::Span, span)?;
        Some(is_true(Term::Field(field)))
    }

    fn predicate_call(&mut self, call: &'a Segment, level: Level, span: Span) -> Option<Expr> {
        let name = call.name.name.as_str();
        let relation = relation(name);
        let spans_only = matches!(name, "attr" | "event" | "link") || relation.is_some();
        if level == Level::Claim && spans_only {
            let note = self.bare_field(span);
            self.error(call.name.span, note);
            return None;
        }
        if let (Level::Item(kind), true) = (level, matches!(name, "event" | "link") || relation.is_some()) {
            self.item_only(kind, span);
            return None;
        }
        if let Some(kind) = relation {
            return self.relation(kind, call, span);
        }
        match name {
            "exists" | "missing" => {
                let items = self.arguments(call, 1, 1)?;
                let field = *items.first()?;
                let typed = self.term(field, level, false)?;
                if typed.is_literal() || matches!(typed.term, Term::Aggregate(_) | Term::Depth | Term::TraceDuration) {
                    let written = self.written(field.span);
                    let note = Note::new(codes::NOT_A_FIELD, format!("`{name}` takes a field, not `{written}`"));
                    self.error(field.span, note);
                    return None;
                }
                Some(if name == "exists" { Expr::Exists(typed.term) } else { Expr::Missing(typed.term) })
            }
            "attr" => self.boolean_field(std::slice::from_ref(call), level, span),
            "event" => self.event(call),
            "link" => {
                let items = self.arguments(call, 1, 1)?;
                let predicate = self.truth(items.first()?, Level::Item(ItemKind::Link))?;
                Some(Expr::Item { kind: ItemKind::Link, name: None, predicate: Some(Box::new(predicate)) })
            }
            "coalesce" | "lower" | "extract" | "shape" => {
                let note = Note::new(codes::NOT_A_TRUTH, format!("`{name}(…)` is a value, and a truth value is needed here"))
                    .help("compare it with something: `… == …`");
                self.error(call.name.span, note);
                None
            }
            _ => {
                let note = self.unknown_function(name);
                self.error(call.name.span, note);
                None
            }
        }
    }

    /// `event(NAME)`, `event(NAME, P)`.
    fn event(&mut self, call: &'a Segment) -> Option<Expr> {
        let items = self.arguments(call, 1, 2)?;
        let (first, rest) = items.split_first()?;
        let bare = first.bare();
        let name = match &bare.kind {
            ExprKind::String(text) => {
                self.refuse_escape(text);
                Some(text.value.clone())
            }
            _ => bare.words().map(dotted),
        };
        let predicate = match rest.first() {
            Some(p) => Some(Box::new(self.truth(p, Level::Item(ItemKind::Event))?)),
            None => None,
        };
        let Some(name) = name else {
            let note = Note::new(codes::ARGUMENTS, "`event` takes the event's name first")
                .help("write `event('NAME', …)`; `event('*', …)` is any event");
            self.error(first.span, note);
            return None;
        };
        Some(Expr::Item { kind: ItemKind::Event, name: Some(Glob::new(&name)), predicate })
    }
}

/// The relation of a name.
pub(super) fn relation(name: &str) -> Option<RelationKind> {
    Some(match name {
        "has_parent" => RelationKind::HasParent,
        "has_child" => RelationKind::HasChild,
        "has_ancestor" => RelationKind::HasAncestor,
        "has_descendant" => RelationKind::HasDescendant,
        "has_sibling" => RelationKind::HasSibling,
        "preceded_by" => RelationKind::PrecededBy,
        "followed_by" => RelationKind::FollowedBy,
        "overlaps" => RelationKind::Overlaps,
        _ => return None,
    })
}

/// `field == true`.
fn is_true(field: Term) -> Expr {
    Expr::Compare { op: CompareOp::Eq, left: field, right: Term::Literal(Value::Bool(true)) }
}

/// One node for `a and (b and c)`: equal claims shall have one canonical form.
fn flatten(parts: Vec<Expr>, open: fn(Expr) -> Result<Vec<Expr>, Expr>, node: fn(Vec<Expr>) -> Expr) -> Expr {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match open(part) {
            Ok(inner) => flat.extend(inner),
            Err(part) => flat.push(part),
        }
    }
    node(flat)
}
