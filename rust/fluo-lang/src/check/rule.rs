//! One rule: from what was written to what is evaluated.

use super::applicability;
use super::context::{Findings, Level, Lowering, Note};
use super::defines::Defines;
use super::hash;
use crate::codes;
use crate::limits::Limits;
use crate::print;
use crate::program::{Expr, Field, Guard, Origin, Polarity, Rule, Scope, Term};
use crate::raw::{ExprText, RawRule, RawShorthand, RawWhen};
use crate::source::{SourceId, Span};
use crate::syntax::{self, ast};

/// What the rules of one file share.
pub(super) struct Surroundings<'a> {
    pub(super) limits: &'a Limits,
    pub(super) source: SourceId,
    pub(super) defines: &'a Defines,
}

/// What a rule claims, as written.
enum Claim<'a> {
    Text(&'a ExprText),
    Shorthand(&'a RawShorthand),
}

/// Checks and lowers one rule; `None` where there was an error, which has been reported.
pub(super) fn lower(raw: &RawRule, around: &Surroundings<'_>, findings: &mut Findings) -> Option<Rule> {
    let errors = findings.errors;
    let (polarity, claim) = match claim_of(raw) {
        Ok(found) => found,
        Err(note) => {
            // A rule that could not be read has said why already.
            if let Some(note) = note.filter(|_| !raw.broken) {
                let severity = crate::diagnostic::DiagnosticSeverity::Error;
                findings.push(note.at(severity, Some(raw.name.value.clone()), around.source, raw.name.span));
            }
            return None;
        }
    };
    let claim_text = match claim {
        Claim::Text(text) => text,
        Claim::Shorthand(short) => &short.condition,
    };
    let mut reader = lowering(raw, around, findings, claim_text, polarity);
    let claim_tree = match claim {
        Claim::Text(text) => reader.read(text),
        Claim::Shorthand(_) => None,
    };
    let short = match claim {
        Claim::Shorthand(short) => Some((short, reader.parse_shorthand(short))),
        Claim::Text(_) => None,
    };
    let when = match &raw.when {
        Some(RawWhen::Expr(text)) => Some((text, reader.read(text))),
        _ => None,
    };
    let template = raw.message.as_ref().map(|text| reader.template(text));
    let shown: Vec<_> = raw.show.iter().map(|text| (text, reader.read(text))).collect();

    let mut l = lowering(raw, around, findings, claim_text, polarity);
    let claim = match (&short, &claim_tree) {
        (Some((short, parsed)), _) => l.shorthand(short, parsed),
        (None, Some(tree)) => l.truth(tree, Level::Claim),
        (None, None) => None,
    };
    let when = match (&raw.when, &when) {
        (Some(RawWhen::Bool(written)), _) => Some(Some(Expr::Const(written.value))),
        (_, Some((text, tree))) => {
            l.text = text;
            l.sign = 1;
            Some(tree.as_ref().and_then(|tree| l.truth(tree, Level::Claim)))
        }
        _ => None,
    };
    l.hint_lists();
    let mut show = Vec::new();
    for (text, tree) in &shown {
        l.text = text;
        show.extend(tree.as_ref().and_then(|tree| l.shown(tree)).map(|field| (text.text.trim().to_owned(), field)));
    }
    let scope = l.scope.unwrap_or(Scope::Trace);
    let repeat_after = l.repeat_after(raw, scope);
    // What follows needs the whole claim; without it, its errors have been reported.
    let (Some(claim), false) = (claim, matches!(when, Some(None))) else {
        template.iter().for_each(|template| l.message_for_errors(template));
        return None;
    };
    let when = when.flatten();
    l.text = claim_text;
    let whole = Span { start: 0, end: u32::try_from(claim_text.text.len()).unwrap_or(u32::MAX) };
    let observed: Vec<&Expr> = std::iter::once(&claim).chain(when.as_ref()).collect();
    let message = template.as_ref().map(|template| l.message(template, &observed));
    let guard = match when {
        Some(Expr::Const(true)) => Guard::Everywhere,
        Some(when) => Guard::When(when),
        None => l.derived(scope, polarity, &claim, whole)?,
    };
    l.hint_claim(&claim, &guard, whole);
    let by = l.by.take().unwrap_or_default();
    if findings.errors > errors || raw.broken {
        return None;
    }
    let expression = print::expr(&claim, scope);
    let identity = hash::identity(polarity, &expression, &guard, scope);
    Some(Rule {
        name: raw.name.value.clone(),
        scope,
        polarity,
        claim,
        guard,
        by,
        severity: raw.severity,
        mode: raw.mode,
        on_gap: raw.on_gap,
        repeat_after,
        show,
        evidence_limit: short.and_then(|(short, _)| short.count.as_ref().map(|count| count.value)),
        message: message.flatten(),
        meta: raw.meta.clone(),
        expression,
        identity,
        origin: Origin { source: around.source, name: raw.name.span, claim: claim_text.origin },
    })
}

fn lowering<'a>(
    raw: &RawRule,
    around: &Surroundings<'a>,
    findings: &'a mut Findings,
    text: &'a ExprText,
    polarity: Polarity,
) -> Lowering<'a> {
    Lowering {
        limits: around.limits,
        source: around.source,
        findings,
        defines: around.defines,
        rule: raw.name.value.clone(),
        text,
        inserting: Vec::new(),
        origin: text.origin,
        refused: false,
        depth: 0,
        nodes: 0,
        scope: None,
        mixed: false,
        by: None,
        polarity,
        sign: if polarity == Polarity::Never { 1 } else { -1 },
        alls: Vec::new(),
        open_lists: Vec::new(),
    }
}

/// The one claim of a rule; what is wrong, where there is none or more than one.
fn claim_of(raw: &RawRule) -> Result<(Polarity, Claim<'_>), Option<Note>> {
    match (&raw.always, &raw.never, &raw.shorthand) {
        (Some(text), None, None) => Ok((Polarity::Always, Claim::Text(text))),
        (None, Some(text), None) => Ok((Polarity::Never, Claim::Text(text))),
        (None, None, Some(short)) => Ok((Polarity::Never, Claim::Shorthand(short))),
        (None, None, None) => Err(Some(
            Note::new(codes::NO_CLAIM, format!("the rule `{}` makes no claim", raw.name.value))
                .help("give it `always: …` (an invariant) or `never: …` (a pattern)"),
        )),
        (_, _, Some(_)) => Err(Some(
            Note::new(codes::TWO_CLAIMS, format!("the rule `{}` has a shorthand form and a claim beside it", raw.name.value))
                .help("the shorthand form is a `never` claim by itself"),
        )),
        _ => Err(Some(
            Note::new(codes::TWO_CLAIMS, format!("the rule `{}` has both `always` and `never`", raw.name.value)).help("make it two rules"),
        )),
    }
}

impl<'a> Lowering<'a> {
    /// Reads a text; what is wrong about its syntax is reported.
    fn read(&mut self, text: &ExprText) -> Option<ast::Expr> {
        let (tree, errors) = syntax::parse_text(text, self.limits);
        for error in errors {
            let span = match error.code {
                codes::TEXT_TOO_LONG | codes::EMPTY => text.origin,
                _ => text.positions.to_source(error.span.start, error.span.end),
            };
            self.error_in_source(span, error.into());
        }
        tree
    }

    /// A field of `show`.
    fn shown(&mut self, tree: &'a ast::Expr) -> Option<Field> {
        let typed = self.term(tree, Level::Span, false)?;
        if let Term::Field(field) = typed.term {
            return Some(field);
        }
        let written = self.written(tree.span);
        let note = Note::new(codes::SHOW, format!("`show` lists fields, and `{written}` is none"))
            .help("write names such as `http.route`, `service`, `attr('any key')`");
        self.error(tree.span, note);
        None
    }

    fn repeat_after(&mut self, raw: &RawRule, scope: Scope) -> Option<u64> {
        let written = raw.repeat_after.as_ref()?;
        let nanos = syntax::parse_duration(&written.value).filter(|n| *n > 0).and_then(|n| u64::try_from(n).ok());
        let note = match (nanos, scope) {
            (Some(nanos), Scope::Spans) => return Some(nanos),
            (Some(_), Scope::Trace) => {
                Note::new(codes::REPEAT_AFTER, "`repeat_after` is for rules over `spans`").help("a trace is signalled once")
            }
            (None, _) => {
                Note::new(codes::REPEAT_AFTER, format!("`{}` is no duration above zero", written.value)).help("write `30s`, `10m` or `1h`")
            }
        };
        self.error_in_source(written.span, note);
        None
    }

    fn derived(&mut self, scope: Scope, polarity: Polarity, claim: &Expr, whole: Span) -> Option<Guard> {
        let guard = applicability::derive(scope, polarity, claim);
        if guard.is_none() {
            let note = Note::new(codes::NEVER_VIOLABLE, "this rule could never be violated: it applies only where it holds")
                .help("add `when: true` to demand it of every trace, or name the traces: `when: trace.has(…)`");
            self.error(whole, note);
        }
        guard
    }
}
