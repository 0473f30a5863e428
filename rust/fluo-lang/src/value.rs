//! Literal values of the language.

/// A value as a rule writes it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text; `kind` and `status` members are text too.
    String(String),
    /// A 64-bit integer.
    Int(i64),
    /// A double; never NaN.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Nanoseconds.
    Duration(i64),
}
