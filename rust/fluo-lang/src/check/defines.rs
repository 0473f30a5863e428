//! Named parts of a file.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use super::context::{Findings, Lowering, Note, Use};
use super::words::{did_you_mean, is_word};
use crate::codes;
use crate::diagnostic::DiagnosticSeverity;
use crate::limits::Limits;
use crate::raw::{ExprText, PositionMap, RawDefine, RawDefineValue, RawFile, RawScalar};
use crate::source::{SourceId, Span};
use crate::syntax::ast::{Chain, Expr, ExprKind, Head, Ident, Segment, Text};
use crate::syntax::{self};

/// How many unknown names of a load are looked for among the defines: each look costs as much as there are defines.
const SEARCHES: usize = 100;

/// The defines of a file.
#[derive(Default)]
pub(super) struct Defines {
    map: BTreeMap<String, Define>,
}

struct Define {
    /// `None` where it could not be read, or stands in a circle: then its error has been reported.
    expr: Option<Expr>,
    text: ExprText,
    name: Span,
    used: Cell<bool>,
}

impl Defines {
    /// Reads the defines of a file and reports what is wrong with them alone.
    pub(super) fn read(file: &RawFile, limits: &Limits, findings: &mut Findings) -> Self {
        let mut defines = Self::default();
        for raw in &file.defines {
            defines.add(raw, file.source, limits, findings);
        }
        defines.refuse_circles(file.source, findings);
        defines
    }

    fn add(&mut self, raw: &RawDefine, source: SourceId, limits: &Limits, findings: &mut Findings) {
        let mut error = |note: Note, span| findings.push(note.at(DiagnosticSeverity::Error, None, source, span));
        let name = &raw.name;
        if !is_word(&name.value) {
            let note = Note::new(codes::DEFINE_NAME, format!("`{}` is no name for a define", name.value))
                .help("letters, digits and `_`, not beginning with a digit");
            return error(note, name.span);
        }
        if self.map.contains_key(&name.value) {
            return error(Note::new(codes::DUPLICATE_DEFINE, format!("`{}` is defined twice", name.value)), name.span);
        }
        let (expr, text) = match &raw.value {
            RawDefineValue::Expr(text) => {
                let (expr, errors) = syntax::parse_text(text, limits);
                for e in errors {
                    let span = text.positions.to_source(e.span.start, e.span.end);
                    error(e.into(), span);
                }
                (expr, text.clone())
            }
            RawDefineValue::List { items, span } => {
                // The tree of such a list speaks in positions of the file: its map is the identity.
                let items = items.iter().map(|item| Expr { kind: scalar(&item.value), span: item.span }).collect();
                let text = ExprText { text: String::new(), positions: PositionMap::default(), origin: *span, comments: false };
                (Some(Expr { kind: ExprKind::List(items), span: *span }), text)
            }
        };
        let define = Define { expr, text, name: name.span, used: Cell::new(false) };
        self.map.insert(name.value.clone(), define);
    }

    /// Reports each circle once and takes its members out of use.
    fn refuse_circles(&mut self, source: SourceId, findings: &mut Findings) {
        let mut uses: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, define) in &self.map {
            let mut found = Vec::new();
            if let Some(expr) = &define.expr {
                used_by(expr, &mut found);
            }
            for used in &found {
                if let Some(define) = self.map.get(*used) {
                    define.used.set(true);
                }
            }
            uses.insert(name, found);
        }
        for name in circular(&uses) {
            if let Some(define) = self.map.get_mut(&name) {
                define.expr = None;
                let note = Note::new(codes::DEFINE_CYCLE, format!("`${name}` uses itself, directly or through others"));
                findings.push(note.at(DiagnosticSeverity::Error, None, source, define.name));
            }
        }
    }

    /// Says which defines nothing uses.
    pub(super) fn report_unused(&self, source: SourceId, findings: &mut Findings) {
        for (name, define) in self.map.iter().filter(|(_, define)| !define.used.get()) {
            let note = Note::new(codes::UNUSED_DEFINE, format!("`${name}` is never used")).help("a define is visible in its file only");
            findings.push(note.at(DiagnosticSeverity::Warning, None, source, define.name));
        }
    }
}

impl<'a> Lowering<'a> {
    /// Runs on the expression a define stands for, with findings placed there.
    pub(super) fn with_define<R>(&mut self, name: &Ident, run: impl FnOnce(&mut Self, &'a Expr) -> Option<R>) -> Option<R> {
        let defines = self.defines;
        let Some((known, define)) = defines.map.get_key_value(&name.name) else {
            let mut note = Note::new(codes::UNKNOWN_DEFINE, format!("`${}` is not defined in this file", name.name));
            self.findings.searches += 1;
            if self.findings.searches <= SEARCHES {
                let known: Vec<&str> = defines.map.keys().map(String::as_str).collect();
                if let Some(meant) = did_you_mean(&name.name, &known) {
                    note = note.help(format!("did you mean `${meant}`?"));
                }
            }
            self.error(name.span, note);
            return None;
        };
        define.used.set(true);
        let expr = define.expr.as_ref()?;
        if self.inserting.iter().any(|using| using.name == known) {
            return None;
        }
        self.inserting.push(Use { name: known, place: self.place(name.span), whole: expr.span });
        let before = std::mem::replace(&mut self.text, &define.text);
        let result = run(self, expr);
        self.text = before;
        self.inserting.pop();
        result
    }
}

/// What a scalar of a YAML list means: words are strings there.
fn scalar(scalar: &RawScalar) -> ExprKind {
    let text = &scalar.text;
    if !scalar.quoted {
        match text.as_str() {
            "true" => return ExprKind::Bool(true),
            "false" => return ExprKind::Bool(false),
            _ => {}
        }
        if let Ok(int) = text.parse() {
            return ExprKind::Int(int);
        }
        if text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            && let Ok(float) = text.parse::<f64>()
            && float.is_finite()
        {
            return ExprKind::Float(float);
        }
        if let Some(nanos) = syntax::parse_duration(text) {
            return ExprKind::Duration(nanos);
        }
    }
    ExprKind::String(Text { value: text.clone(), unknown_escape: None })
}

/// The names in circles: what is left when names that use nothing left, and names that nothing left uses, are taken away in turn.
fn circular(uses: &BTreeMap<&str, Vec<&str>>) -> Vec<String> {
    let mut used_by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, used) in uses {
        for used in used.iter().filter(|used| uses.contains_key(*used)) {
            used_by.entry(used).or_default().push(name);
        }
    }
    let mut left: BTreeSet<&str> = uses.keys().copied().collect();
    peel(&mut left, uses, &used_by);
    peel(&mut left, &used_by, uses);
    left.into_iter().map(str::to_owned).collect()
}

/// Takes away, again and again, every name without an edge to a name that is left.
fn peel<'n>(left: &mut BTreeSet<&'n str>, edges: &BTreeMap<&'n str, Vec<&'n str>>, back: &BTreeMap<&'n str, Vec<&'n str>>) {
    let neighbours = |map: &BTreeMap<&'n str, Vec<&'n str>>, name: &str| map.get(name).cloned().unwrap_or_default();
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for name in left.iter() {
        open.insert(name, neighbours(edges, name).iter().filter(|n| left.contains(*n)).count());
    }
    let mut free: Vec<&str> = open.iter().filter(|(_, edges)| **edges == 0).map(|(name, _)| *name).collect();
    while let Some(name) = free.pop() {
        left.remove(name);
        for before in neighbours(back, name) {
            if let Some(count) = open.get_mut(before).filter(|count| **count > 0) {
                *count -= 1;
                if *count == 0 {
                    free.push(before);
                }
            }
        }
    }
}

/// The defines an expression uses.
fn used_by<'e>(expr: &'e Expr, found: &mut Vec<&'e str>) {
    match &expr.kind {
        ExprKind::Chain(Chain { head, segments }) => {
            match head {
                Head::Define(name) => found.push(&name.name),
                Head::Paren(inner) => used_by(inner, found),
                Head::Word => {}
            }
            for arg in segments.iter().flat_map(|s: &Segment| &s.args).flat_map(|args| &args.items) {
                used_by(&arg.value, found);
            }
        }
        ExprKind::Paren(inner) | ExprKind::Not(inner) | ExprKind::Neg(inner) => used_by(inner, found),
        ExprKind::List(items) | ExprKind::And(items) | ExprKind::Or(items) => {
            for item in items {
                used_by(item, found);
            }
        }
        ExprKind::Implies(left, right) | ExprKind::Binary { left, right, .. } => {
            used_by(left, found);
            used_by(right, found);
        }
        _ => {}
    }
}

/// The scalar of a shorthand form as a value's syntax.
pub(super) fn scalar_kind(value: &RawScalar) -> ExprKind {
    scalar(value)
}
