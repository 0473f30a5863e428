//! Relations and their options.

use super::context::{Level, Lowering, Note};
use super::words::did_you_mean;
use crate::codes;
use crate::program::{Expr, Relation, RelationKind, Term};
use crate::source::Span;
use crate::syntax::ast::{Arg, ExprKind, Segment};
use crate::value::Value;

const OPTIONS: [&str; 4] = ["within", "same", "at_least", "without"];

impl<'a> Lowering<'a> {
    pub(super) fn relation(&mut self, kind: RelationKind, call: &'a Segment, span: Span) -> Option<Expr> {
        let name = call.name.name.as_str();
        let args = call.args.as_ref()?;
        let timed = matches!(kind, RelationKind::PrecededBy | RelationKind::FollowedBy);
        if self.over_spans() && !timed {
            let note = Note::new(codes::TRACE_ONLY, format!("`{name}` needs the trace, and a rule over `spans` sees spans only"))
                .help("over all spans there are `preceded_by` and `followed_by`");
            self.error(call.name.span, note);
            return None;
        }
        let mut selectors = args.items.iter().filter(|arg| arg.name.is_none());
        let other = selectors.next();
        let compared = |arg: &Arg| arg.name.as_ref().is_some_and(|n| !OPTIONS.contains(&n.name.as_str()));
        // Without a selector, an unknown option is one with `=` for `==`, and reported as that.
        let missing = other.is_none() && !args.items.iter().any(compared);
        if missing || selectors.next().is_some() {
            let note = Note::new(codes::ARGUMENTS, format!("`{name}` takes one selector, and options with names"))
                .help(format!("write `{name}(S, same=f)`; join conditions with `and`"));
            self.error(args.span, note);
        }
        let other = other.and_then(|arg| self.truth(&arg.value, Level::Span));
        let mut relation = Relation { kind, other: Expr::Const(true), within: None, same: Vec::new(), at_least: 1, without: None };
        let mut fine = true;
        let mut seen: Vec<&str> = Vec::new();
        for arg in &args.items {
            let Some(option) = &arg.name else { continue };
            if seen.contains(&option.name.as_str()) {
                self.error(option.span, Note::new(codes::OPTION, format!("the option `{}` stands twice", option.name)));
                fine = false;
                continue;
            }
            seen.push(&option.name);
            fine &= self.option(&mut relation, name, timed, arg).is_some();
        }
        relation.other = other?;
        if self.over_spans() && fine {
            self.needs_options(&relation, name, span)?;
        }
        fine.then(|| Expr::Relation(Box::new(relation)))
    }

    fn option(&mut self, relation: &mut Relation, name: &str, timed: bool, arg: &'a Arg) -> Option<()> {
        let option = arg.name.as_ref()?;
        match option.name.as_str() {
            "within" | "without" if !timed => {
                let note = Note::new(codes::OPTION, format!("`{name}` has no option `{}`", option.name))
                    .help("`within` and `without` belong to `preceded_by` and `followed_by`");
                self.error(option.span, note);
                return None;
            }
            "within" => relation.within = Some(self.duration_argument("the option `within`", &arg.value)?),
            "without" => relation.without = Some(self.signed(-1, |l| l.truth(&arg.value, Level::Span))?),
            "same" => relation.same = self.same(arg)?,
            "at_least" => {
                let value = self.literal_argument("the option `at_least`", &arg.value, "an integer above zero")?;
                let count = if let Value::Int(n) = value { u64::try_from(n).ok().filter(|n| *n > 0) } else { None };
                let Some(count) = count else {
                    self.error(arg.value.span, Note::new(codes::NOT_A_LITERAL, "the option `at_least` is an integer above zero"));
                    return None;
                };
                relation.at_least = count;
            }
            other => {
                let note = Note::new(codes::OPTION, format!("`{name}` has no option `{other}`"));
                match did_you_mean(other, &OPTIONS) {
                    Some(meant) => self.error(option.span, note.help(format!("did you mean `{meant}`?"))),
                    None => self.equals_sign(other, option.span),
                }
                // Its value is read for its own mistakes.
                self.signed(0, |l| l.term(&arg.value, Level::Span, true));
                return None;
            }
        }
        Some(())
    }

    /// `same=f`, `same=[f, g]`: words are fields here, in the list too.
    fn same(&mut self, arg: &'a Arg) -> Option<Vec<Term>> {
        let value = arg.value.bare();
        let items: Vec<_> = match &value.kind {
            ExprKind::List(items) => items.iter().collect(),
            _ => vec![&arg.value],
        };
        if items.is_empty() {
            self.error(arg.value.span, Note::new(codes::ARGUMENTS, "the option `same` names at least one field"));
            return None;
        }
        self.signed(0, |l| l.field_terms(&items))
    }

    /// Over all spans nothing but these keeps the number of candidates bounded.
    fn needs_options(&mut self, relation: &Relation, name: &str, span: Span) -> Option<()> {
        let missing = match (relation.within, relation.same.is_empty()) {
            (Some(_), false) => return Some(()),
            (None, false) => "`within`",
            (Some(_), true) => "`same`",
            (None, true) => "`within` and `same`",
        };
        let note = Note::new(codes::OPTION, format!("over all spans, `{name}` needs {missing}"))
            .help(format!("write `{name}(S, within=10m, same=user.id)`"));
        self.error(span, note);
        None
    }
}
