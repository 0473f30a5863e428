//! Reading one line of the notation character by character.

use super::NotationError;
use crate::model::{AnyValue, Attributes};

/// A place in a line.
pub(super) struct Cursor<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: usize, text: &'a str) -> Self {
        Self { rest: text, line, column: 1 }
    }

    pub(super) fn error(&self, message: impl Into<String>) -> NotationError {
        NotationError { line: self.line, column: self.column, message: message.into() }
    }

    pub(super) const fn column(&self) -> usize {
        self.column
    }

    pub(super) const fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Takes the text if it stands here.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(text) else { return false };
        self.rest = rest;
        self.column += text.chars().count();
        true
    }

    pub(super) fn expect(&mut self, text: &str) -> Result<(), NotationError> {
        if self.take(text) { Ok(()) } else { Err(self.error(format!("expected `{text}`"))) }
    }

    pub(super) fn skip_space(&mut self) {
        self.take_while(char::is_whitespace);
    }

    pub(super) fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.column += taken.chars().count();
        taken
    }

    /// Text in single or double quotes with `\\ \' \" \n \t`.
    pub(super) fn quoted(&mut self) -> Result<String, NotationError> {
        let Some(quote @ ('\'' | '"')) = self.peek() else { return Err(self.error("expected a quoted text")) };
        let begin = self.error("the quote is not closed");
        self.bump();
        let mut text = String::new();
        while let Some(c) = self.bump() {
            match c {
                c if c == quote => return Ok(text),
                '\\' => match self.bump() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some(other) => text.push(other),
                    None => break,
                },
                c => text.push(c),
            }
        }
        Err(begin)
    }

    /// A quoted text or a run of characters that are neither space nor one of `stop`.
    pub(super) fn word(&mut self, stop: &str) -> Result<String, NotationError> {
        if matches!(self.peek(), Some('\'' | '"')) {
            return self.quoted();
        }
        let word = self.take_while(|c| !c.is_whitespace() && !stop.contains(c));
        if word.is_empty() { Err(self.error("expected a word")) } else { Ok(word.to_owned()) }
    }

    /// A time or duration in nanoseconds: a number with `ns us ms s m h`, milliseconds without unit.
    pub(super) fn time(&mut self) -> Result<i64, NotationError> {
        let begin = self.error("expected a time such as `10`, `1.5s` or `2m`");
        let negative = self.take("-");
        let whole = self.take_while(|c| c.is_ascii_digit());
        let fraction = if self.rest.starts_with("..") || !self.take(".") { "" } else { self.take_while(|c| c.is_ascii_digit()) };
        let unit = self.take_while(|c| c.is_ascii_alphabetic());
        let scale: i64 = match unit {
            "ns" => 1,
            "us" => 1_000,
            "" | "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return Err(begin),
        };
        let whole: i64 = whole.parse().map_err(|_| begin.clone())?;
        let mut nanos = whole.checked_mul(scale).ok_or_else(|| begin.clone())?;
        let mut place = scale;
        for digit in fraction.chars().filter_map(|c| c.to_digit(10)) {
            place /= 10;
            nanos += place * i64::from(digit);
        }
        Ok(if negative { -nanos } else { nanos })
    }

    /// A whole number without sign.
    pub(super) fn number<N: std::str::FromStr>(&mut self) -> Result<N, NotationError> {
        let begin = self.error("expected a whole number");
        self.take_while(|c| c.is_ascii_digit()).parse().map_err(|_| begin)
    }

    /// `{key=value, …}`.
    pub(super) fn attributes(&mut self) -> Result<Attributes, NotationError> {
        self.expect("{")?;
        let mut attributes = Attributes::new();
        loop {
            self.skip_space();
            if self.take("}") {
                return Ok(attributes);
            }
            let key = self.word("={},")?;
            self.skip_space();
            self.expect("=")?;
            self.skip_space();
            attributes.push((key, self.value()?));
            self.skip_space();
            if !self.take(",") && self.peek() != Some('}') {
                return Err(self.error("expected `,` or `}`"));
            }
        }
    }

    fn value(&mut self) -> Result<AnyValue, NotationError> {
        match self.peek() {
            Some('\'' | '"') => return Ok(AnyValue::String(self.quoted()?)),
            Some('{') => return Ok(AnyValue::Map(self.attributes()?)),
            Some('[') => return self.list(),
            _ => {}
        }
        if self.take("x'") {
            let digits = self.take_while(|c| c.is_ascii_hexdigit());
            let bytes = digits.as_bytes().chunks(2).filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
            let bytes = bytes.collect();
            self.expect("'")?;
            return Ok(AnyValue::Bytes(bytes));
        }
        let word = self.take_while(|c| !",{}[]".contains(c)).trim();
        Ok(match word {
            "" => return Err(self.error("expected a value")),
            "~" => AnyValue::Empty,
            "true" => AnyValue::Bool(true),
            "false" => AnyValue::Bool(false),
            "nan" => AnyValue::Double(f64::NAN),
            "inf" => AnyValue::Double(f64::INFINITY),
            _ => match (word.parse::<i64>(), word.parse::<f64>()) {
                (Ok(int), _) => AnyValue::Int(int),
                (_, Ok(float)) if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') => AnyValue::Double(float),
                _ => AnyValue::String(word.to_owned()),
            },
        })
    }

    fn list(&mut self) -> Result<AnyValue, NotationError> {
        self.expect("[")?;
        let mut items = Vec::new();
        loop {
            self.skip_space();
            if self.take("]") {
                return Ok(AnyValue::Array(items));
            }
            items.push(self.value()?);
            self.skip_space();
            if !self.take(",") && self.peek() != Some(']') {
                return Err(self.error("expected `,` or `]`"));
            }
        }
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = self.rest.strip_prefix(c).unwrap_or_default();
        self.column += 1;
        Some(c)
    }
}
