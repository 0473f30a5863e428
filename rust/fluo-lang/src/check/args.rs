//! Arguments of methods, functions and relations.

use super::context::{Level, Lowering, Note};
use super::types::Typed;
use crate::codes;
use crate::pattern;
use crate::program::{Pattern, Term};
use crate::source::Span;
use crate::syntax::ast::{Args, Expr, ExprKind, Segment, Text};
use crate::value::Value;

impl<'a> Lowering<'a> {
    /// The arguments of a call, all positional, as many as the range allows. A word without parentheses is no call.
    pub(super) fn arguments(&mut self, segment: &'a Segment, least: usize, most: usize) -> Option<Vec<&'a Expr>> {
        let name = &segment.name.name;
        let Some(args) = &segment.args else {
            let inside = if least == 0 { "" } else { "…" };
            let note = Note::new(codes::ARGUMENTS, format!("`{name}` needs parentheses")).help(format!("write `{name}({inside})`"));
            self.error(segment.name.span, note);
            return None;
        };
        self.positional(name, args, least, most)
    }

    pub(super) fn positional(&mut self, name: &str, args: &'a Args, least: usize, most: usize) -> Option<Vec<&'a Expr>> {
        if let Some(option) = args.items.iter().find_map(|arg| arg.name.as_ref()) {
            self.equals_sign(&option.name, option.span);
            return None;
        }
        let count = args.items.len();
        if count < least || count > most {
            let wanted = match (least, most) {
                (0, 0) => "no argument".to_owned(),
                (1, 1) => "one argument".to_owned(),
                (1, usize::MAX) => "at least one argument".to_owned(),
                (a, b) if a == b => format!("{a} arguments"),
                (a, usize::MAX) => format!("at least {a} arguments"),
                (a, b) => format!("{a} to {b} arguments"),
            };
            self.error(args.span, Note::new(codes::ARGUMENTS, format!("`{name}` takes {wanted}, not {count}")));
            return None;
        }
        Some(args.items.iter().map(|arg| &arg.value).collect())
    }

    /// `name=` where no option of this name is known: meant as a comparison.
    pub(super) fn equals_sign(&mut self, name: &str, span: Span) {
        let note = Note::new(codes::FOREIGN_OPERATOR, format!("`=` after `{name}` names an option, and there is none of this name"))
            .help(format!("to compare write `{name} == …`"));
        self.error(span, note);
    }

    /// Field arguments: single words are fields.
    pub(super) fn field_terms(&mut self, items: &[&'a Expr]) -> Option<Vec<Term>> {
        let terms: Vec<_> = items.iter().map(|item| self.field_term(item).map(|t| t.term)).collect();
        terms.into_iter().collect()
    }

    /// One field argument: a field or a value function of one.
    pub(super) fn field_term(&mut self, expr: &'a Expr) -> Option<Typed> {
        let typed = self.term(expr, Level::Span, false)?;
        if typed.is_literal() {
            let written = self.written(expr.span);
            let mut note = Note::new(codes::NOT_A_FIELD, format!("a field is needed here, `{written}` is a literal"));
            if let Term::Literal(Value::String(text)) = &typed.term {
                note = note.help(format!("an attribute of this name is `attr('{text}')`"));
            }
            self.error(expr.span, note);
            return None;
        }
        Some(typed)
    }

    /// A duration literal, greater than zero, in nanoseconds.
    pub(super) fn duration_argument(&mut self, what: &str, expr: &'a Expr) -> Option<u64> {
        match self.literal_argument(what, expr, "a duration such as `10s`")? {
            Value::Duration(nanos) if nanos > 0 => u64::try_from(nanos).ok(),
            Value::Int(n) => {
                let note = Note::new(codes::DURATION_UNIT, format!("{what} is a duration, and `{n}` has no unit"))
                    .help(format!("write `{n}s`, or another of `ns us ms s m h d`"));
                self.error(expr.span, note);
                None
            }
            _ => {
                let note = Note::new(codes::NOT_A_LITERAL, format!("{what} is a duration above zero"));
                self.error(expr.span, note.help("write a duration such as `10s`"));
                None
            }
        }
    }

    /// A literal, directly or through a define.
    pub(super) fn literal_argument(&mut self, what: &str, expr: &'a Expr, like: &str) -> Option<Value> {
        let bare = expr.bare();
        if let ExprKind::Chain(chain) = &bare.kind
            && let crate::syntax::ast::Head::Define(name) = &chain.head
            && chain.segments.is_empty()
        {
            return self.with_define(name, |l, inner| l.literal_argument(what, inner, like));
        }
        let value = self.literal_value(bare);
        if value.is_none() && bare.kind != ExprKind::Error {
            self.error(expr.span, Note::new(codes::NOT_A_LITERAL, format!("{what} is {like}")));
        }
        value
    }

    /// The value of a literal; `None` for everything else (a single word included).
    pub(super) fn literal_value(&mut self, expr: &Expr) -> Option<Value> {
        Some(match &expr.kind {
            ExprKind::Bool(b) => Value::Bool(*b),
            ExprKind::Int(n) => Value::Int(*n),
            ExprKind::Float(f) => Value::Float(*f),
            ExprKind::Duration(n) => Value::Duration(*n),
            ExprKind::String(text) => {
                self.refuse_escape(text);
                Value::String(text.value.clone())
            }
            _ => return None,
        })
    }

    /// Reports an unknown escape in a string that is no regular expression.
    pub(super) fn refuse_escape(&mut self, text: &Text) {
        if let Some(span) = text.unknown_escape {
            let written = self.written(span);
            let note = Note::new(codes::ESCAPE, format!("`{written}` is no escape"))
                .help(r#"write `\\` for a backslash; the escapes are `\\ \' \" \n \t \u{…}`"#);
            self.error(span, note);
        }
    }

    /// A regular expression that compiles within the limits.
    pub(super) fn pattern(&mut self, expr: &'a Expr) -> Option<Pattern> {
        let bare = expr.bare();
        let source = match &bare.kind {
            ExprKind::String(text) => text.value.clone(),
            ExprKind::Error => return None,
            ExprKind::Chain(chain) => {
                if let crate::syntax::ast::Head::Define(name) = &chain.head
                    && chain.segments.is_empty()
                {
                    return self.with_define(name, |l, inner| l.pattern(inner));
                }
                self.needs_regex(expr.span);
                return None;
            }
            _ => {
                self.needs_regex(expr.span);
                return None;
            }
        };
        let limit = self.limits.regex_bytes;
        let compiled = pattern::compile(&source, limit);
        // One that is too large by itself took as long to compile as the largest that is not.
        self.findings.size.regex_bytes += match &compiled {
            Err(regex::Error::CompiledTooBig(_)) => limit,
            _ => pattern::bytes(&source, limit),
        };
        if let Err(error) = &compiled {
            self.error(expr.span, regex_note(error, limit));
        }
        if self.findings.size.regex_bytes > self.limits.total_regex_bytes {
            let note = Note::new(codes::REGEXES_TOO_LARGE, "up to here the regular expressions are too large together")
                .help("large repetitions such as `{1000}` and classes such as `\\pL` cost most");
            self.error(expr.span, note);
            self.findings.refused = true;
            return None;
        }
        compiled.is_ok().then_some(Pattern { source })
    }

    fn needs_regex(&mut self, span: Span) {
        let note = Note::new(codes::NOT_A_LITERAL, "a regular expression is a string in quotes").help("write `matches '…'`");
        self.error(span, note);
    }
}

fn regex_note(error: &regex::Error, limit: usize) -> Note {
    match error {
        regex::Error::CompiledTooBig(_) => {
            Note::new(codes::REGEX_TOO_LARGE, format!("this regular expression compiles to more than {limit} bytes"))
                .help("large repetitions such as `{1000}` and `\\w` (all letters of Unicode) cost most")
        }
        error => {
            // The message of a syntax error draws the pattern over several lines; its last line says what is wrong.
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let mut note = Note::new(codes::REGEX, format!("this is no regular expression: {reason}"));
            if reason.contains("look-around") || reason.contains("backreference") {
                note = note.help("expressions run in linear time: look-around and backreferences are not supported");
            }
            note
        }
    }
}
