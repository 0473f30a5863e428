//! Tokens to a tree: a binding-power loop with a depth that is counted, never the stack's.

use super::ast::{Arg, Args, BinaryOp, Chain, Expr, ExprKind, Head, Ident, Segment};
use super::error::SyntaxError;
use super::token::{Nanos, Number, Sym, Token, TokenKind};
use crate::codes;
use crate::program::{ArithOp, CompareOp, TextOp};
use crate::source::Span;

/// Words that cannot stand where an operand is expected.
pub(crate) const OPERATOR_WORDS: [&str; 8] = ["and", "or", "not", "in", "implies", "contains", "starts_with", "ends_with"];

/// Reads the tokens as one expression. `None` where nothing at all could be read.
pub(crate) fn parse(tokens: &[Token], nesting: usize) -> (Option<Expr>, Vec<SyntaxError>) {
    let mut parser = Parser { tokens, at: 0, depth: 0, nesting, errors: Vec::new(), too_deep: false };
    if matches!(parser.peek(), TokenKind::End) {
        parser.error(SyntaxError::new(codes::EMPTY, parser.span(), "the expression is empty"));
        return (None, parser.errors);
    }
    let expr = parser.expr();
    parser.finish();
    (Some(expr), parser.errors)
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    nesting: usize,
    errors: Vec<SyntaxError>,
    too_deep: bool,
}

/// An infix operator with what stands on both sides.
enum Infix {
    Compare(BinaryOp),
    Sum(ArithOp),
    Product(ArithOp),
}

impl Parser<'_> {
    fn token(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead).or_else(|| self.tokens.last())
    }

    fn peek(&self) -> &TokenKind {
        self.token(0).map_or(&TokenKind::End, |t| &t.kind)
    }

    fn peek_at(&self, ahead: usize) -> &TokenKind {
        self.token(ahead).map_or(&TokenKind::End, |t| &t.kind)
    }

    fn span(&self) -> Span {
        self.token(0).map_or(Span::default(), |t| t.span)
    }

    /// The end of what has been read.
    fn end(&self) -> u32 {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |t| t.span.end)
    }

    fn since(&self, start: u32) -> Span {
        Span { start, end: self.end().max(start) }
    }

    fn step(&mut self) {
        if !matches!(self.peek(), TokenKind::End) {
            self.at += 1;
        }
    }

    fn is(&self, sym: Sym) -> bool {
        matches!(self.peek(), TokenKind::Sym(s) if *s == sym)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), TokenKind::Word(w) if w == word)
    }

    fn eat(&mut self, sym: Sym) -> bool {
        let found = self.is(sym);
        if found {
            self.step();
        }
        found
    }

    fn error(&mut self, error: SyntaxError) {
        if !self.too_deep {
            self.errors.push(error);
        }
    }

    /// One level down; `None` (with an error, and nothing left to read) beyond the limit.
    fn descend(&mut self) -> Option<()> {
        if self.depth >= self.nesting {
            let error = SyntaxError::new(codes::NESTING, self.span(), format!("nested deeper than {} levels", self.nesting))
                .help("name parts of it in `define:`, or split the rule");
            self.error(error);
            self.too_deep = true;
            self.at = self.tokens.len().saturating_sub(1);
            return None;
        }
        self.depth += 1;
        Some(())
    }

    fn failed(&self, span: Span) -> Expr {
        Expr { kind: ExprKind::Error, span }
    }

    fn expr(&mut self) -> Expr {
        let span = self.span();
        if self.descend().is_none() {
            return self.failed(span);
        }
        let left = self.disjunction();
        let expr = if self.is_word("implies") {
            self.step();
            let right = self.expr();
            let kind = ExprKind::Implies(Box::new(left), Box::new(right));
            Expr { kind, span: self.since(span.start) }
        } else {
            left
        };
        self.depth -= 1;
        expr
    }

    fn disjunction(&mut self) -> Expr {
        self.flat(|p| p.is_word("or") || p.is(Sym::Or), Self::conjunction, ExprKind::Or)
    }

    fn conjunction(&mut self) -> Expr {
        self.flat(|p| p.is_word("and") || p.is(Sym::And), Self::negation, ExprKind::And)
    }

    /// `item (separator item)*` as one node, so that a long list adds no height.
    fn flat(
        &mut self,
        separator: impl Fn(&Self) -> bool,
        item: impl Fn(&mut Self) -> Expr,
        node: impl FnOnce(Vec<Expr>) -> ExprKind,
    ) -> Expr {
        let first = item(self);
        if !separator(self) {
            return first;
        }
        let start = first.span.start;
        let mut items = vec![first];
        while separator(self) {
            self.step();
            items.push(item(self));
        }
        Expr { kind: node(items), span: self.since(start) }
    }

    fn negation(&mut self) -> Expr {
        let span = self.span();
        if !(self.is_word("not") || self.is(Sym::Not)) {
            return self.comparison();
        }
        if self.descend().is_none() {
            return self.failed(span);
        }
        self.step();
        let inner = self.negation();
        self.depth -= 1;
        Expr { kind: ExprKind::Not(Box::new(inner)), span: self.since(span.start) }
    }

    fn comparison(&mut self) -> Expr {
        let mut left = self.sum();
        let mut chained = false;
        while let Some((Infix::Compare(op), op_span)) = self.infix() {
            if chained {
                let error = SyntaxError::new(codes::CHAINED_COMPARISON, op_span, "comparisons cannot be chained")
                    .help("write `a < b and b < c`")
                    .label("a second comparison");
                self.error(error);
            }
            let right = self.sum();
            let span = self.since(left.span.start);
            let kind = if chained {
                // The first comparison stands for the whole; a chain adds no height.
                ExprKind::Error
            } else {
                ExprKind::Binary { op, op_span, left: Box::new(left), right: Box::new(right) }
            };
            left = Expr { kind, span };
            chained = true;
        }
        if self.goes_on() {
            left
        } else {
            // What follows is reported; what stands before it is not what was meant.
            self.failed(left.span)
        }
    }

    /// Whether what stands here can follow an operand.
    fn goes_on(&self) -> bool {
        match self.peek() {
            TokenKind::End => true,
            TokenKind::Sym(sym) => matches!(sym, Sym::Close | Sym::CloseList | Sym::Comma | Sym::And | Sym::Or),
            TokenKind::Word(word) => matches!(word.as_str(), "and" | "or" | "implies"),
            _ => false,
        }
    }

    fn sum(&mut self) -> Expr {
        self.chain_of(Self::product, |infix| if let Infix::Sum(op) = infix { Some(op) } else { None })
    }

    fn product(&mut self) -> Expr {
        self.chain_of(Self::unary, |infix| if let Infix::Product(op) = infix { Some(op) } else { None })
    }

    /// Left-associative arithmetic; each operator adds a level to the tree and counts as one.
    fn chain_of(&mut self, item: fn(&mut Self) -> Expr, pick: fn(Infix) -> Option<ArithOp>) -> Expr {
        let mut left = item(self);
        let mut levels = 0;
        loop {
            let before = self.at;
            let Some((op, op_span)) = self.infix().and_then(|(infix, span)| Some((pick(infix)?, span))) else {
                self.at = before;
                break;
            };
            if self.descend().is_none() {
                break;
            }
            levels += 1;
            let right = item(self);
            let span = self.since(left.span.start);
            let kind = ExprKind::Binary { op: BinaryOp::Arith(op), op_span, left: Box::new(left), right: Box::new(right) };
            left = Expr { kind, span };
        }
        self.depth -= levels;
        left
    }

    /// Reads an infix operator, if one stands here.
    fn infix(&mut self) -> Option<(Infix, Span)> {
        let start = self.span().start;
        let infix = match self.peek() {
            TokenKind::Sym(sym) => match sym {
                Sym::Eq => Infix::Compare(BinaryOp::Compare(CompareOp::Eq)),
                Sym::Ne => Infix::Compare(BinaryOp::Compare(CompareOp::Ne)),
                Sym::Lt => Infix::Compare(BinaryOp::Compare(CompareOp::Lt)),
                Sym::Le => Infix::Compare(BinaryOp::Compare(CompareOp::Le)),
                Sym::Gt => Infix::Compare(BinaryOp::Compare(CompareOp::Gt)),
                Sym::Ge => Infix::Compare(BinaryOp::Compare(CompareOp::Ge)),
                Sym::Plus => Infix::Sum(ArithOp::Add),
                Sym::Minus => Infix::Sum(ArithOp::Sub),
                Sym::Star => Infix::Product(ArithOp::Mul),
                Sym::Slash => Infix::Product(ArithOp::Div),
                Sym::Percent => Infix::Product(ArithOp::Rem),
                _ => return None,
            },
            TokenKind::Word(word) => match word.as_str() {
                "in" => Infix::Compare(BinaryOp::In),
                "contains" => Infix::Compare(BinaryOp::Text(TextOp::Contains)),
                "starts_with" => Infix::Compare(BinaryOp::Text(TextOp::StartsWith)),
                "ends_with" => Infix::Compare(BinaryOp::Text(TextOp::EndsWith)),
                "matches" => Infix::Compare(BinaryOp::Matches),
                "not" if matches!(self.peek_at(1), TokenKind::Word(w) if w == "in") => {
                    self.step();
                    Infix::Compare(BinaryOp::NotIn)
                }
                _ => return None,
            },
            _ => return None,
        };
        self.step();
        Some((infix, self.since(start)))
    }

    fn unary(&mut self) -> Expr {
        let span = self.span();
        if !self.eat(Sym::Minus) {
            return self.operand();
        }
        // A minus before digits belongs to the literal: only so is the smallest integer one.
        if let Some(kind) = self.negative_literal() {
            self.step();
            return Expr { kind, span: self.since(span.start) };
        }
        if self.descend().is_none() {
            return self.failed(span);
        }
        let inner = self.unary();
        self.depth -= 1;
        Expr { kind: ExprKind::Neg(Box::new(inner)), span: self.since(span.start) }
    }

    fn negative_literal(&self) -> Option<ExprKind> {
        match *self.peek() {
            TokenKind::Number(Number::Int(n)) => Some(match 0i64.checked_sub_unsigned(n) {
                Some(n) => ExprKind::Int(n),
                None => ExprKind::Float(-(n as f64)),
            }),
            TokenKind::Number(Number::Float(f)) => Some(ExprKind::Float(-f)),
            TokenKind::Duration(Nanos(n)) => 0i64.checked_sub_unsigned(n).map(ExprKind::Duration),
            _ => None,
        }
    }

    fn operand(&mut self) -> Expr {
        let span = self.span();
        let kind = match self.peek().clone() {
            TokenKind::Number(Number::Int(n)) => {
                self.step();
                i64::try_from(n).map_or(ExprKind::Float(n as f64), ExprKind::Int)
            }
            TokenKind::Number(Number::Float(f)) => {
                self.step();
                ExprKind::Float(f)
            }
            TokenKind::Duration(Nanos(n)) => {
                self.step();
                ExprKind::Duration(i64::try_from(n).unwrap_or(i64::MAX))
            }
            TokenKind::String(text) => {
                self.step();
                ExprKind::String(text)
            }
            TokenKind::Word(word) if word == "true" || word == "false" => {
                self.step();
                ExprKind::Bool(word == "true")
            }
            TokenKind::Word(word) if !OPERATOR_WORDS.contains(&word.as_str()) && word != "matches" => {
                return self.chain(Head::Word, span);
            }
            TokenKind::Define(name) => {
                self.step();
                return self.chain(Head::Define(Ident { name, span }), span);
            }
            TokenKind::Sym(Sym::OpenList) => return self.list(),
            TokenKind::Sym(Sym::Open) => {
                self.step();
                let inner = self.expr();
                self.close(Sym::Close, span);
                let inner = Box::new(inner);
                if self.is(Sym::Dot) {
                    return self.chain(Head::Paren(inner), span);
                }
                ExprKind::Paren(inner)
            }
            TokenKind::Bad => {
                self.step();
                return self.recover(span.start);
            }
            _ => {
                let error = self.unexpected("an operand");
                self.error(error);
                return self.recover(span.start);
            }
        };
        Expr { kind, span: self.since(span.start) }
    }

    fn list(&mut self) -> Expr {
        let open = self.span();
        self.step();
        let mut items = Vec::new();
        while !self.is(Sym::CloseList) && !matches!(self.peek(), TokenKind::End) {
            items.push(self.expr());
            if !self.eat(Sym::Comma) {
                break;
            }
        }
        self.close(Sym::CloseList, open);
        Expr { kind: ExprKind::List(items), span: self.since(open.start) }
    }

    /// The segments of a chain; for [`Head::Word`] the cursor stands on the first word.
    fn chain(&mut self, head: Head, start: Span) -> Expr {
        let mut segments = Vec::new();
        let mut more = head == Head::Word || self.eat(Sym::Dot);
        while more {
            let span = self.span();
            let TokenKind::Word(name) = self.peek().clone() else {
                let error = self.unexpected("a name after the dot");
                self.error(error);
                return self.recover(start.start);
            };
            self.step();
            let args = if self.is(Sym::Open) { Some(self.args()) } else { None };
            segments.push(Segment { name: Ident { name, span }, args });
            more = self.eat(Sym::Dot);
        }
        let span = self.since(start.start);
        match head {
            Head::Paren(inner) if segments.is_empty() => Expr { kind: ExprKind::Paren(inner), span },
            head => Expr { kind: ExprKind::Chain(Chain { head, segments }), span },
        }
    }

    fn args(&mut self) -> Args {
        let open = self.span();
        self.step();
        let mut items = Vec::new();
        while !self.is(Sym::Close) && !matches!(self.peek(), TokenKind::End) {
            let name = match (self.peek().clone(), self.peek_at(1)) {
                (TokenKind::Word(name), TokenKind::Sym(Sym::Assign)) => {
                    let span = self.span();
                    self.step();
                    self.step();
                    Some(Ident { name, span })
                }
                _ => None,
            };
            items.push(Arg { name, value: self.expr() });
            if !self.eat(Sym::Comma) {
                break;
            }
        }
        self.close(Sym::Close, open);
        Args { items, span: self.since(open.start) }
    }

    /// Takes the closing bracket; where something else stands, reports it and goes on at the bracket that fits.
    fn close(&mut self, sym: Sym, open: Span) {
        if self.eat(sym) {
            return;
        }
        let (bracket, opened) = if sym == Sym::Close { (")", "(") } else { ("]", "[") };
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map(|t| &t.kind);
        if matches!(self.peek(), TokenKind::End) && matches!(before, Some(TokenKind::Bad)) {
            // A string without end has swallowed the bracket, and has been reported.
            return;
        }
        if matches!(self.peek(), TokenKind::End) {
            let error =
                SyntaxError::new(codes::UNCLOSED, open, format!("this `{opened}` is never closed")).help(format!("add a `{bracket}`"));
            self.error(error);
            return;
        }
        if !matches!(self.peek(), TokenKind::Bad) {
            let error = self.unexpected(&format!("`{bracket}`"));
            self.error(error);
        }
        self.skip(&[]);
        self.eat(sym);
    }

    /// After an error: steps to where reading can go on, and stands for what was skipped.
    fn recover(&mut self, start: u32) -> Expr {
        self.skip(&["and", "or", "implies"]);
        Expr { kind: ExprKind::Error, span: self.since(start) }
    }

    /// Steps over tokens, brackets as a whole, up to a closing bracket, a comma or one of the words.
    fn skip(&mut self, words: &[&str]) {
        let mut open = 0usize;
        loop {
            match self.peek() {
                TokenKind::End => return,
                TokenKind::Sym(Sym::Open | Sym::OpenList) => open += 1,
                TokenKind::Sym(Sym::Close | Sym::CloseList) if open == 0 => return,
                TokenKind::Sym(Sym::Close | Sym::CloseList) => open -= 1,
                TokenKind::Sym(Sym::Comma) if open == 0 && !words.is_empty() => return,
                TokenKind::Sym(Sym::And | Sym::Or) if open == 0 && !words.is_empty() => return,
                TokenKind::Word(word) if open == 0 && words.contains(&word.as_str()) => return,
                _ => {}
            }
            self.step();
        }
    }

    /// Reports what is left after the expression, and reads it for more errors.
    fn finish(&mut self) {
        while !matches!(self.peek(), TokenKind::End) && !self.too_deep {
            if !matches!(self.peek(), TokenKind::Bad) {
                let error = self.unexpected("an operator or the end");
                self.error(error);
            }
            self.step();
            self.skip(&["and", "or", "implies"]);
            while self.eat(Sym::And) || self.eat(Sym::Or) || self.keyword() {}
            if !matches!(self.peek(), TokenKind::End | TokenKind::Sym(Sym::Close | Sym::CloseList | Sym::Comma)) {
                self.expr();
            }
        }
    }

    fn keyword(&mut self) -> bool {
        let found = ["and", "or", "implies"].iter().any(|word| self.is_word(word));
        if found {
            self.step();
        }
        found
    }

    /// The error for a token that does not belong here, with the hint that its likely meaning calls for.
    fn unexpected(&self, wanted: &str) -> SyntaxError {
        let span = self.span();
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map(|t| &t.kind);
        if let TokenKind::Word(word) = self.peek() {
            if let Some(lower) = lower_keyword(word) {
                return SyntaxError::new(codes::KEYWORD_CASE, span, format!("`{word}` is no operator"))
                    .help(format!("keywords are lower case: write `{lower}`"));
            }
            if let Some(TokenKind::Word(before)) = before
                && let Some(lower) = lower_keyword(before)
            {
                let span = self.tokens.get(self.at - 1).map_or(span, |t| t.span);
                return SyntaxError::new(codes::KEYWORD_CASE, span, format!("`{before}` is no operator"))
                    .help(format!("keywords are lower case: write `{lower}`"));
            }
        }
        match self.peek() {
            TokenKind::End => {
                // In a block scalar the text goes on to the next key: the place is where something is missing.
                let end = self.end();
                let error = SyntaxError::new(codes::UNEXPECTED_END, Span { start: end, end }, format!("expected {wanted}, found the end"));
                let error = error.label("the expression ends here");
                if matches!(before, Some(TokenKind::Sym(Sym::Percent))) { error.help(SHARE) } else { error }
            }
            TokenKind::Sym(Sym::Assign) => SyntaxError::new(codes::FOREIGN_OPERATOR, span, "`=` is no operator")
                .help("write `==`; `=` only names an option, as in `preceded_by(S, within=1s)`"),
            TokenKind::Word(word) if word == "not" => SyntaxError::new(codes::UNEXPECTED, span, format!("expected {wanted}, found `not`"))
                .help("put what is negated in parentheses: `(not …)`"),
            TokenKind::Word(word) if let Some(help) = super::foreign::word(word) => {
                SyntaxError::new(codes::FOREIGN_OPERATOR, span, format!("`{word}` is no operator")).help(help)
            }
            other => {
                let error = SyntaxError::new(codes::UNEXPECTED, span, format!("expected {wanted}, found {}", describe(other)));
                match hint(before, other) {
                    Some(help) => error.help(help),
                    None => error,
                }
            }
        }
    }
}

const SHARE: &str = "`%` is the remainder of a division; a share is a number: `0.5`";

/// What was probably meant where a token does not belong behind another.
fn hint(before: Option<&TokenKind>, found: &TokenKind) -> Option<&'static str> {
    match (before?, found) {
        (TokenKind::Sym(Sym::Percent), _) => Some(SHARE),
        (TokenKind::Number(_), TokenKind::Word(word)) if super::parse_duration(&format!("1{word}")).is_some() => {
            Some("a unit follows its number without a space: `5m`")
        }
        (TokenKind::Number(_), TokenKind::Sym(Sym::Dot)) => Some("quote text that begins like a number: `'1.2.3'`"),
        (TokenKind::Sym(Sym::Dot), TokenKind::Sym(Sym::Star)) => Some("quote a name with `*`: `'payment.*'`"),
        (TokenKind::Word(_), TokenKind::Sym(Sym::OpenList)) => {
            Some("nothing is indexed; an attribute whose key is no word is `attr('key')`, of a resource `resource.attr('key')`")
        }
        _ => None,
    }
}

fn lower_keyword(word: &str) -> Option<String> {
    let lower = word.to_ascii_lowercase();
    let keyword = OPERATOR_WORDS.contains(&lower.as_str()) || lower == "matches";
    (keyword && lower != word).then_some(lower)
}

fn describe(token: &TokenKind) -> String {
    match token {
        TokenKind::Word(word) => format!("`{word}`"),
        TokenKind::Define(name) => format!("`${name}`"),
        TokenKind::Number(_) => "a number".to_owned(),
        TokenKind::Duration(_) => "a duration".to_owned(),
        TokenKind::String(_) => "a string".to_owned(),
        TokenKind::Sym(sym) => format!("`{}`", sym_text(*sym)),
        TokenKind::Bad => "something unreadable".to_owned(),
        TokenKind::End => "the end".to_owned(),
    }
}

fn sym_text(sym: Sym) -> &'static str {
    match sym {
        Sym::Open => "(",
        Sym::Close => ")",
        Sym::OpenList => "[",
        Sym::CloseList => "]",
        Sym::Comma => ",",
        Sym::Dot => ".",
        Sym::Assign => "=",
        Sym::Eq => "==",
        Sym::Ne => "!=",
        Sym::Lt => "<",
        Sym::Le => "<=",
        Sym::Gt => ">",
        Sym::Ge => ">=",
        Sym::Plus => "+",
        Sym::Minus => "-",
        Sym::Star => "*",
        Sym::Slash => "/",
        Sym::Percent => "%",
        Sym::Not => "!",
        Sym::And => "&&",
        Sym::Or => "||",
    }
}
