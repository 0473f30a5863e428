//! The YAML tree of a source, every node with its place: the only file of the project that names the YAML parser.

use std::collections::HashMap;
use std::rc::Rc;

use serde_saphyr::granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Span as YamlSpan};

use crate::source::Span;

/// A node. Aliases share the node of their anchor, so an alias bomb costs nothing.
#[derive(Debug)]
pub(super) struct Node {
    /// The node's own text, without its tag and anchor; empty for an absent value.
    pub(super) span: Span,
    /// The tag as written, where there is one.
    pub(super) tag: Option<Span>,
    /// The anchor as written, where there is one.
    pub(super) anchor: Option<Span>,
    /// What it is.
    pub(super) content: Content,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Content {
    /// A scalar.
    Scalar(Scalar),
    /// A sequence.
    List(Vec<Rc<Node>>),
    /// A mapping, in order, duplicate keys included.
    Map(Vec<(Rc<Node>, Rc<Node>)>),
}

/// A scalar.
#[derive(Debug)]
pub(super) struct Scalar {
    /// The decoded text.
    pub(super) text: String,
    /// How it was written.
    pub(super) style: Style,
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Without quotes.
    Plain,
    /// `'…'`.
    Single,
    /// `"…"`.
    Double,
    /// `|`.
    Literal,
    /// `>`.
    Folded,
}

/// Why a text is no YAML.
#[derive(Debug)]
pub(super) struct YamlError {
    /// The kind of trouble that has advice of its own.
    pub(super) trouble: Trouble,
    /// The parser's sentence.
    pub(super) message: String,
    /// Where.
    pub(super) at: u32,
}

/// The kinds of trouble that have advice of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// `: ` in a plain scalar.
    Colon,
    /// Text after the closing quote of a scalar.
    AfterQuote,
    /// A character that begins no scalar.
    Indicator,
    /// `*name` without an anchor.
    Alias,
    /// Text on the line of `|` or `>`.
    BlockHeader,
    /// A comment between the lines of a plain scalar.
    Comment,
    /// A tab where YAML wants spaces.
    Tab,
    /// Text where a key of a mapping should stand.
    Key,
    /// A quoted scalar without its end.
    Quote,
    /// A second document.
    Documents,
    /// An unknown escape in a double-quoted scalar.
    Escape,
    /// Anything else.
    Other,
}

/// An open collection.
struct Open {
    span: Span,
    tag: Option<Span>,
    anchor: Option<Span>,
    id: usize,
    items: Vec<Rc<Node>>,
    map: bool,
}

/// Reads the one document of a text that stands at `base` in its source. `None` for a text without any node.
pub(super) fn compose(text: &str, base: u32) -> Result<Option<Rc<Node>>, YamlError> {
    // No comments and anchors as events of their own; `options!` is the parser's way to stay compatible.
    let options =
        serde_saphyr::granit_parser::options! { emit_comments: false, emit_anchor_events: true, simple_key_max_lookahead: 1 << 17 };
    let mut tree = Tree { text, base, open: Vec::new(), anchors: HashMap::new(), root: None, documents: 0, last: None };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| YamlError {
            trouble: trouble(error.kind()),
            message: error.kind().to_string(),
            at: base.saturating_add(offset(error.marker().byte_offset())),
        })?;
        tree.take(event, &span)?;
    }
    tree.place_pending(None);
    Ok(tree.root)
}

fn trouble(kind: &ErrorKind) -> Trouble {
    match kind {
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement | ErrorKind::SimpleKeyExpected => Trouble::Colon,
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => Trouble::AfterQuote,
        ErrorKind::UnexpectedCharacter { .. } => Trouble::Indicator,
        ErrorKind::UnknownAnchor | ErrorKind::MissingAnchorOrAliasName => Trouble::Alias,
        ErrorKind::InvalidBlockScalarHeader => Trouble::BlockHeader,
        ErrorKind::CommentInterceptedScalar => Trouble::Comment,
        ErrorKind::ExpectedBlockMappingKey => Trouble::Key,
        ErrorKind::InvalidQuotedScalarIndent | ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
            Trouble::Quote
        }
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => Trouble::Tab,
        ErrorKind::UnknownQuotedScalarEscape => Trouble::Escape,
        _ => Trouble::Other,
    }
}

fn offset(bytes: Option<usize>) -> u32 {
    u32::try_from(bytes.unwrap_or(0)).unwrap_or(u32::MAX)
}

/// The tree under construction.
struct Tree<'a> {
    text: &'a str,
    base: u32,
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    root: Option<Rc<Node>>,
    documents: usize,
    /// A scalar that waits for the event of its anchor, with the anchor's number.
    last: Option<(Node, usize)>,
}

impl Tree<'_> {
    fn take(&mut self, event: Event<'_>, span: &YamlSpan) -> Result<(), YamlError> {
        if let Event::Anchor(_, _) = event {
            let anchor = self.span(span);
            match (&mut self.last, self.open.last_mut()) {
                (Some((node, _)), _) => node.anchor = Some(anchor),
                (None, Some(open)) => open.anchor = Some(anchor),
                (None, None) => {}
            }
            return Ok(());
        }
        self.place_pending(None);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(YamlError {
                        trouble: Trouble::Documents,
                        message: "a second document begins here".to_owned(),
                        at: self.span(span).start,
                    });
                }
            }
            Event::Scalar(text, style, id, tag) => {
                let node = Node {
                    span: self.span(span),
                    tag: tag.and_then(|_| span.tag_span()).map(|at| self.span(&at)),
                    anchor: None,
                    content: Content::Scalar(Scalar { text: text.into_owned(), style: style_of(style) }),
                };
                self.last = Some((node, id));
            }
            Event::SequenceStart(_, id, tag) => self.begin(span, id, tag.is_some(), false),
            Event::MappingStart(_, id, tag) => self.begin(span, id, tag.is_some(), true),
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(id) => match self.anchors.get(&id) {
                Some(node) => {
                    let node = Rc::clone(node);
                    self.place(node);
                }
                None => {
                    return Err(YamlError {
                        trouble: Trouble::Other,
                        message: "this alias stands inside its own anchor".to_owned(),
                        at: self.span(span).start,
                    });
                }
            },
            _ => {}
        }
        Ok(())
    }

    fn span(&self, span: &YamlSpan) -> Span {
        let range = span.byte_range().unwrap_or_default();
        let at = |offset: usize| self.base.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX));
        Span { start: at(range.start), end: at(range.end.max(range.start)) }
    }

    fn begin(&mut self, span: &YamlSpan, id: usize, tagged: bool, map: bool) {
        let tag = if tagged { span.tag_span().map(|at| self.span(&at)) } else { None };
        self.open.push(Open { span: self.span(span), tag, anchor: None, id, items: Vec::new(), map });
    }

    fn end(&mut self, span: &YamlSpan) {
        let end = self.trimmed(self.span(span).end);
        let Some(open) = self.open.pop() else { return };
        let content = if open.map {
            let mut items = open.items.into_iter();
            let mut pairs = Vec::new();
            while let (Some(key), Some(value)) = (items.next(), items.next()) {
                pairs.push((key, value));
            }
            Content::Map(pairs)
        } else {
            Content::List(open.items)
        };
        let span = Span { start: open.span.start, end: end.max(open.span.end) };
        let node = Rc::new(Node { span, tag: open.tag, anchor: open.anchor, content });
        if open.id > 0 {
            self.anchors.insert(open.id, Rc::clone(&node));
        }
        self.place(node);
    }

    /// A block collection ends where the next thing begins: its own end is the end of its last word.
    fn trimmed(&self, end: u32) -> u32 {
        let upto = usize::try_from(end.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let text = self.text.get(..upto).unwrap_or(self.text).trim_end();
        self.base.saturating_add(u32::try_from(text.len()).unwrap_or(u32::MAX))
    }

    fn place_pending(&mut self, anchor: Option<Span>) {
        if let Some((mut node, id)) = self.last.take() {
            node.anchor = node.anchor.or(anchor);
            let node = Rc::new(node);
            if id > 0 {
                self.anchors.insert(id, Rc::clone(&node));
            }
            self.place(node);
        }
    }

    fn place(&mut self, node: Rc<Node>) {
        match self.open.last_mut() {
            Some(open) => open.items.push(node),
            None => self.root = Some(node),
        }
    }
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::Single,
        ScalarStyle::DoubleQuoted => Style::Double,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}

/// What a plain scalar is by YAML's core schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plain {
    /// Empty, `~`, `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// An integer or a float.
    Number,
    /// Anything else.
    Text,
}

impl Scalar {
    /// What the scalar is: text unless it is plain and YAML reads something else into it.
    pub(super) fn plain(&self) -> Plain {
        if self.style != Style::Plain {
            return Plain::Text;
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Plain::Null,
            "true" | "True" | "TRUE" => Plain::Bool(true),
            "false" | "False" | "FALSE" => Plain::Bool(false),
            text if is_number(text) => Plain::Number,
            _ => Plain::Text,
        }
    }
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit());
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return !octal.is_empty() && octal.bytes().all(|b| matches!(b, b'0'..=b'7'));
    }
    // What is left of the core schema's floats and integers is what Rust reads, minus its words.
    unsigned.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+'))
        && unsigned.bytes().any(|b| b.is_ascii_digit())
        && unsigned.parse::<f64>().is_ok()
}
