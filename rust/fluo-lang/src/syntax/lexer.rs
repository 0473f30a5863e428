//! Text to tokens, with nom.
//!
//! The lexer never fails: what it cannot read is reported and stands as [`TokenKind::Bad`], which the parser steps over silently.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{char, digit1, one_of};
use nom::combinator::{opt, recognize, value};
use nom::multi::many1;
use nom::sequence::{pair, preceded};
use nom::{IResult, Parser};

use super::ast::Text;
use super::error::SyntaxError;
use super::foreign;
use super::token::{Nanos, Number, Sym, Token, TokenKind};
use crate::codes;
use crate::source::Span;

type Result<'a, T> = IResult<&'a str, T, ()>;

/// All tokens of a text, the last of them [`TokenKind::End`].
pub(crate) fn lex(text: &str, comments: bool) -> (Vec<Token>, Vec<SyntaxError>) {
    let mut lexer = Lexer { text, rest: text, tokens: Vec::new(), errors: Vec::new() };
    lexer.run(comments);
    (lexer.tokens, lexer.errors)
}

struct Lexer<'a> {
    text: &'a str,
    rest: &'a str,
    tokens: Vec<Token>,
    errors: Vec<SyntaxError>,
}

impl<'a> Lexer<'a> {
    fn run(&mut self, comments: bool) {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.starts_with('#') {
                self.comment(comments);
            } else if self.rest.is_empty() {
                let end = self.at();
                self.tokens.push(Token { kind: TokenKind::End, span: Span { start: end, end } });
                return;
            } else {
                self.token();
            }
        }
    }

    fn at(&self) -> u32 {
        offset(self.text.len() - self.rest.len())
    }

    /// Steps over everything up to `rest` and says what range that was.
    fn advance(&mut self, rest: &'a str) -> Span {
        let start = self.at();
        self.rest = rest;
        Span { start, end: self.at() }
    }

    fn push(&mut self, rest: &'a str, kind: TokenKind) {
        let span = self.advance(rest);
        self.tokens.push(Token { kind, span });
    }

    fn bad(&mut self, rest: &'a str, error: impl FnOnce(Span) -> SyntaxError) {
        let span = self.advance(rest);
        self.errors.push(error(span));
        self.tokens.push(Token { kind: TokenKind::Bad, span });
    }

    fn comment(&mut self, allowed: bool) {
        let line = self.rest.find('\n').and_then(|end| self.rest.get(end..)).unwrap_or_default();
        let span = self.advance(line);
        if !allowed {
            self.errors.push(
                SyntaxError::new(codes::COMMENT, span, "`#` starts a comment only in a `|` block")
                    .help("put the expression in a block scalar (`|`), or quote the `#`"),
            );
        }
    }

    fn token(&mut self) {
        let after_dot = matches!(self.tokens.last(), Some(Token { kind: TokenKind::Sym(Sym::Dot), .. }));
        if after_dot && let Ok((rest, word)) = segment(self.rest) {
            return self.push(rest, TokenKind::Word(word.to_owned()));
        }
        if let Ok((rest, word)) = word(self.rest) {
            return self.push(rest, TokenKind::Word(word.to_owned()));
        }
        if let Ok((rest, name)) = preceded(char('$'), word).parse(self.rest) {
            return self.push(rest, TokenKind::Define(name.to_owned()));
        }
        if self.rest.starts_with(|c: char| c.is_ascii_digit()) {
            return self.number();
        }
        if self.rest.starts_with(['\'', '"']) {
            return self.string();
        }
        if let Some((text, hint)) = foreign::sign(self.rest) {
            let rest = self.rest.get(text.len()..).unwrap_or_default();
            return self.bad(rest, |span| SyntaxError::new(codes::FOREIGN_OPERATOR, span, format!("`{text}` is no operator")).help(hint));
        }
        if let Ok((rest, sym)) = symbol(self.rest) {
            return self.push(rest, TokenKind::Sym(sym));
        }
        let odd = self.rest.chars().next().unwrap_or_default();
        // What follows in the same word is the same mistake.
        let rest = self.rest.get(odd.len_utf8()..).unwrap_or_default();
        let rest = if odd.is_alphanumeric() { rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_') } else { rest };
        self.bad(rest, |span| {
            let help = match odd {
                '“' | '”' | '„' | '‘' | '’' | '‚' | '«' | '»' => "use straight quotes: `'…'` or `\"…\"`",
                '≠' => "write `!=`",
                '≤' => "write `<=`",
                '≥' => "write `>=`",
                '\u{200b}' | '\u{feff}' => "remove it: it is invisible, and no space",
                odd if odd.is_control() => "remove it",
                _ => "quote text that is no word: `'…'`; a key that is no word is `attr('…')`",
            };
            SyntaxError::new(codes::CHARACTER, span, format!("unexpected character `{}`", odd.escape_debug())).help(help)
        });
    }

    fn number(&mut self) {
        // A unit or any other letters and digits that stick to the number belong to it, so that `5min` is one mistake.
        let Ok((rest, whole)) = number_run(self.rest) else { return };
        if let Ok(("", number)) = plain_number(whole) {
            return match number {
                Number::Float(f) if !f.is_finite() => {
                    self.bad(rest, |span| SyntaxError::new(codes::NUMBER, span, format!("the number `{whole}` is out of range")))
                }
                number => self.push(rest, TokenKind::Number(number)),
            };
        }
        match duration(whole) {
            Ok(nanos) => self.push(rest, TokenKind::Duration(nanos)),
            Err(why) => self.bad(rest, |span| {
                let message = match why {
                    DurationError::Form => format!("`{whole}` is neither a number nor a duration"),
                    DurationError::Order => format!("the units of the duration `{whole}` are not in descending order"),
                    DurationError::Range => format!("the duration `{whole}` is out of range"),
                };
                SyntaxError::new(codes::NUMBER, span, message)
                    .help("durations look like `10ns`, `5us`, `3ms`, `1.5s`, `1m`, `1h`, `1d`, `1m30s`")
            }),
        }
    }

    fn string(&mut self) {
        let start = self.at();
        let mut chars = self.rest.char_indices();
        let Some((_, quote)) = chars.next() else { return };
        let mut value = String::new();
        let mut unknown_escape = None;
        while let Some((at, c)) = chars.next() {
            let place = |end: usize| Span { start: start + offset(at), end: start + offset(end) };
            match c {
                '\n' => break,
                '\\' => {
                    let tail = self.rest.get(at..).unwrap_or_default();
                    match escape(tail) {
                        Ok((rest, c)) => {
                            let end = self.rest.len() - rest.len();
                            while chars.as_str().len() > rest.len() {
                                chars.next();
                            }
                            match c {
                                Some(c) => value.push(c),
                                None => {
                                    self.errors.push(SyntaxError::new(codes::ESCAPE, place(end), "there is no such character"));
                                }
                            }
                        }
                        Err(_) => {
                            value.push('\\');
                            if let Some((next, c)) = chars.next() {
                                value.push(c);
                                unknown_escape.get_or_insert(place(next + c.len_utf8()));
                            }
                        }
                    }
                }
                c if c == quote => {
                    let rest = chars.as_str();
                    return self.push(rest, TokenKind::String(Text { value, unknown_escape }));
                }
                c => value.push(c),
            }
        }
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        let rest = self.rest.get(end..).unwrap_or_default();
        self.bad(rest, |span| {
            SyntaxError::new(codes::UNTERMINATED, span, "this string has no end")
                .help(format!("close it with `{quote}`; a line break inside is `\\n`"))
        });
    }
}

fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A word: does not start with a digit.
fn word(input: &str) -> Result<'_, &str> {
    recognize(pair(take_while1(|c: char| c.is_ascii_alphabetic() || c == '_'), take_while(is_word))).parse(input)
}

/// A later segment of a dotted name: may start with a digit.
fn segment(input: &str) -> Result<'_, &str> {
    take_while1(is_word).parse(input)
}

fn symbol(input: &str) -> Result<'_, Sym> {
    alt((
        alt((
            value(Sym::Eq, tag("==")),
            value(Sym::Ne, tag("!=")),
            value(Sym::Le, tag("<=")),
            value(Sym::Ge, tag(">=")),
            value(Sym::And, tag("&&")),
            value(Sym::Or, tag("||")),
            value(Sym::Assign, char('=')),
            value(Sym::Lt, char('<')),
            value(Sym::Gt, char('>')),
            value(Sym::Not, char('!')),
        )),
        alt((
            value(Sym::Open, char('(')),
            value(Sym::Close, char(')')),
            value(Sym::OpenList, char('[')),
            value(Sym::CloseList, char(']')),
            value(Sym::Comma, char(',')),
            value(Sym::Dot, char('.')),
            value(Sym::Plus, char('+')),
            value(Sym::Minus, char('-')),
            value(Sym::Star, char('*')),
            value(Sym::Slash, char('/')),
            value(Sym::Percent, char('%')),
        )),
    ))
    .parse(input)
}

/// The run of characters that a number claims.
fn number_run(input: &str) -> Result<'_, &str> {
    let fraction = (char('.'), digit1, take_while(is_word_or_micro));
    recognize((digit1, take_while(is_word_or_micro), opt(fraction))).parse(input).map(|(rest, run)| signed_exponent(input, rest, run))
}

/// Takes `+5` along after a run that ends in `e`: `1e+5`.
fn signed_exponent<'a>(input: &'a str, rest: &'a str, run: &'a str) -> (&'a str, &'a str) {
    let mut tail = pair(one_of("+-"), digit1::<&str, ()>);
    let stem = run.strip_suffix(['e', 'E']).is_some_and(|s| s.ends_with(|c: char| c.is_ascii_digit()));
    match tail.parse(rest) {
        Ok((rest, _)) if stem => (rest, input.get(..input.len() - rest.len()).unwrap_or(run)),
        _ => (rest, run),
    }
}

fn is_word_or_micro(c: char) -> bool {
    is_word(c) || c == 'µ' || c == 'μ'
}

/// `12`, `1.5`, `1e9`.
fn plain_number(input: &str) -> Result<'_, Number> {
    let exponent = (one_of("eE"), opt(one_of("+-")), digit1);
    let (rest, text) = recognize((digit1, opt((char('.'), digit1)), opt(exponent))).parse(input)?;
    let float = text.contains(['.', 'e', 'E']);
    let number = match text.parse::<u64>() {
        Ok(int) if !float => Number::Int(int),
        _ => Number::Float(text.parse().map_err(|_| nom::Err::Error(()))?),
    };
    Ok((rest, number))
}

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DurationError {
    Form,
    Order,
    Range,
}

/// Reads a whole text as a duration.
pub(crate) fn duration(text: &str) -> std::result::Result<Nanos, DurationError> {
    let (rest, parts) = many1(duration_part).parse(text).map_err(|_: nom::Err<()>| DurationError::Form)?;
    if !rest.is_empty() {
        return Err(DurationError::Form);
    }
    let mut total: u64 = 0;
    let mut before = u64::MAX;
    for (whole, fraction, unit) in parts {
        if unit >= before {
            return Err(DurationError::Order);
        }
        before = unit;
        total = part_nanos(whole, fraction, unit).and_then(|n| total.checked_add(n)).ok_or(DurationError::Range)?;
    }
    if total > 1 << 63 { Err(DurationError::Range) } else { Ok(Nanos(total)) }
}

/// Digits, digits after a point, nanoseconds of the unit.
type DurationPart<'a> = (&'a str, Option<&'a str>, u64);

fn duration_part(input: &str) -> Result<'_, DurationPart<'_>> {
    let unit = alt((
        value(1, tag("ns")),
        value(1_000, tag("us")),
        value(1_000_000, tag("ms")),
        value(1_000_000_000, char('s')),
        value(60_000_000_000, char('m')),
        value(3_600_000_000_000, char('h')),
        value(86_400_000_000_000, char('d')),
    ));
    (digit1, opt(preceded(char('.'), digit1)), unit).parse(input)
}

/// The part in nanoseconds; what is finer than a nanosecond is cut.
fn part_nanos(whole: &str, fraction: Option<&str>, unit: u64) -> Option<u64> {
    let nanos = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    let digits = fraction.unwrap_or_default();
    // Eighteen digits of a day are far below a nanosecond, and the product stays within 128 bits.
    let digits = digits.get(..18).unwrap_or(digits);
    let scale = 10u128.pow(u32::try_from(digits.len()).ok()?);
    let share = digits.parse::<u128>().unwrap_or(0) * u128::from(unit) / scale;
    nanos.checked_add(u64::try_from(share).ok()?)
}

/// One escape the language knows; `None` for a number that is no character.
fn escape(input: &str) -> Result<'_, Option<char>> {
    let unicode = (tag("u{"), take_while1(|c: char| c.is_ascii_hexdigit()), char('}'))
        .map(|(_, hex, _): (&str, &str, char)| u32::from_str_radix(hex, 16).ok().and_then(char::from_u32));
    preceded(
        char('\\'),
        alt((
            value(Some('\\'), char('\\')),
            value(Some('\''), char('\'')),
            value(Some('"'), char('"')),
            value(Some('\n'), char('n')),
            value(Some('\t'), char('t')),
            unicode,
        )),
    )
    .parse(input)
}
