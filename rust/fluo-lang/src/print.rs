//! Canonical text of what has been checked: reading it back gives the same program.
//!
//! Used for hashes, signals and explanations. Defines are inserted, `or` and `and` flat, fields under the name they were written as.

mod exprs;
mod fields;
mod terms;

use crate::program::{CompareOp, Expr, Field, Scope, Spanset, Term};
use crate::value::Value;

/// The text of an expression of either level.
#[must_use]
pub fn expr(expr: &Expr, scope: Scope) -> String {
    let mut printer = Printer { text: String::new(), scope };
    printer.expr(expr, exprs::LOOSEST);
    printer.text
}

/// The text of a term of either level.
#[must_use]
pub fn term(term: &Term, scope: Scope) -> String {
    let mut printer = Printer { text: String::new(), scope };
    printer.term(term, terms::LOOSEST, false);
    printer.text
}

/// The text of a spanset.
#[must_use]
pub fn spanset(set: &Spanset, scope: Scope) -> String {
    let mut printer = Printer { text: String::new(), scope };
    printer.spanset(set);
    printer.text
}

/// The text of a field, as it may stand left of a comparison.
#[must_use]
pub fn field(field: &Field) -> String {
    fields::text(field, false)
}

struct Printer {
    text: String,
    scope: Scope,
}

/// The literal of a value.
#[must_use]
pub fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        Value::Int(n) => n.to_string(),
        Value::Float(f) => format!("{f:?}"),
        Value::Bool(b) => b.to_string(),
        Value::Duration(n) => duration(*n),
    }
}

/// The literal of a string.
#[must_use]
pub fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        escaped(c, &mut out);
    }
    out.push('\'');
    out
}

fn escaped(c: char, out: &mut String) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\'' => out.push_str("\\'"),
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        c if c.is_control() => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        c => out.push(c),
    }
}

/// The literal of a regular expression: a backslash stays single where no escape of strings begins with it.
#[must_use]
pub fn pattern(source: &str) -> String {
    let mut out = String::with_capacity(source.len() + 2);
    out.push('\'');
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.peek() {
                Some(next) if !matches!(next, '\\' | '\'' | '"' | 'n' | 't' | 'u') && !next.is_control() => {
                    out.push('\\');
                    out.push(*next);
                    chars.next();
                }
                _ => out.push_str("\\\\"),
            },
            c => escaped(c, &mut out),
        }
    }
    out.push('\'');
    out
}

/// The literal of a duration in nanoseconds.
#[must_use]
pub fn duration(nanos: i64) -> String {
    const UNITS: [(u64, &str); 7] = [
        (86_400_000_000_000, "d"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
        (1, "ns"),
    ];
    let mut rest = nanos.unsigned_abs();
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = if nanos < 0 { "-".to_owned() } else { String::new() };
    for (size, unit) in UNITS {
        let share = rest / size;
        if share > 0 {
            text.push_str(&format!("{share}{unit}"));
        }
        rest %= size;
    }
    text
}

/// A comparison operator.
#[must_use]
pub fn compare_op(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "==",
        CompareOp::Ne => "!=",
        CompareOp::Lt => "<",
        CompareOp::Le => "<=",
        CompareOp::Gt => ">",
        CompareOp::Ge => ">=",
    }
}

#[cfg(test)]
mod tests;
