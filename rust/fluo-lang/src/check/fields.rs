//! Dotted words and `attr(…)` to fields.

use super::context::{Level, Lowering, Note};
use super::types::{Ty, of_field, reads_all};
use super::words::{INTRINSICS, PREFIXES, did_you_mean, intrinsic};
use crate::codes;
use crate::glob::Glob;
use crate::program::{Attribute, AttributeKey, Field, FieldKey, ItemKind, Owner, Place};
use crate::semconv;
use crate::source::Span;
use crate::syntax::ast::{Args, ExprKind, Segment, dotted};

impl Lowering<'_> {
    /// The field that a path of segments names on a span (or item), its owner given.
    pub(super) fn field(&mut self, path: &[Segment], level: Level, owner: Owner, span: Span) -> Option<(Field, Ty)> {
        let (first, rest) = path.split_first()?;
        let word = first.name.name.as_str();
        if let Some(args) = &first.args {
            return self.called_field(first, args, rest, level, owner);
        }
        match word {
            "trace" | "spans" | "traces" => {
                self.scope_in_predicate(word, level, span);
                None
            }
            "parent" | "root" if !rest.is_empty() => {
                let owner = self.relative(word, level, owner, span)?;
                self.field(rest, level, owner, span)
            }
            "span" | "resource" | "scope" | "event" | "link" if !rest.is_empty() => {
                if let Level::Item(kind) = level {
                    self.item_only(kind, span);
                    return None;
                }
                let place = match word {
                    "span" => Place::Span,
                    "resource" => Place::Resource,
                    "scope" => Place::Scope,
                    "event" => Place::Event,
                    _ => Place::Link,
                };
                self.placed(place, word, rest, owner, span)
            }
            "attr" if rest.is_empty() => {
                let note = Note::new(codes::UNKNOWN_FIELD, "`attr` names no field by itself").help("write `attr('key')`");
                self.error(span, note);
                None
            }
            _ if PREFIXES.contains(&word) && (rest.is_empty() || word == "attr") => {
                let text = dotted(path);
                let note = Note::new(codes::UNKNOWN_FIELD, format!("`{text}` is no field"))
                    .help(format!("`{word}` is a word of the language; an attribute of this name is `attr('{text}')`"));
                self.error(span, note);
                None
            }
            _ => {
                if let Some(odd) = rest.iter().find(|s| s.args.is_some()) {
                    self.method_on_field(path, odd);
                    return None;
                }
                Some(self.plain(path, level, owner, span))
            }
        }
    }

    /// An intrinsic or an attribute.
    fn plain(&mut self, path: &[Segment], level: Level, owner: Owner, span: Span) -> (Field, Ty) {
        let text = dotted(path);
        let key = match level {
            Level::Item(ItemKind::Event) if text == "name" => Some(FieldKey::Name),
            Level::Item(ItemKind::Link) if text == "trace_id" || text == "span_id" => intrinsic(&text),
            Level::Item(_) => None,
            _ => intrinsic(&text),
        };
        if let Some(key) = key {
            let ty = of_field(&key);
            let owner = if matches!(level, Level::Item(_)) { Owner::Item } else { owner };
            return (Field { owner, key }, ty);
        }
        let of_item = matches!(level, Level::Item(_));
        if let Some(meant) = of_other_models(&text).filter(|_| !of_item) {
            let note = Note::new(codes::SCOPED_INTRINSIC, format!("`{text}` is read as an attribute"))
                .help(format!("{meant}; `attr('{text}')` is the attribute"));
            self.warn(span, note);
        } else if path.len() == 1
            && !of_item
            && let Some(meant) = near_intrinsic(&text)
        {
            let note = Note::new(codes::NEAR_INTRINSIC, format!("`{text}` is read as an attribute"))
                .help(format!("did you mean `{meant}`? If not, `attr('{text}')` says so"));
            self.warn(span, note);
        }
        let (owner, place) = if matches!(level, Level::Item(_)) { (Owner::Item, Place::Item) } else { (owner, Place::Any) };
        attribute(owner, place, AttributeKey::Names(semconv::names(&text)))
    }

    /// `attr('key')`.
    fn called_field(&mut self, first: &Segment, args: &Args, rest: &[Segment], level: Level, owner: Owner) -> Option<(Field, Ty)> {
        if first.name.name != "attr" {
            let mut note = Note::new(codes::NOT_A_FIELD, format!("`{}(…)` is no field", first.name.name));
            if super::truth::relation(&first.name.name).is_some() {
                note = note.help(format!("nothing follows a relation; its options stand inside: `{}(…, within=1m)`", first.name.name));
            }
            self.error(first.name.span, note);
            return None;
        }
        if let Some(odd) = rest.first() {
            let note = Note::new(codes::UNKNOWN_METHOD, "nothing follows `attr(…)`").help("write the whole key in quotes: `attr('a.b')`");
            self.error(odd.name.span, note);
            return None;
        }
        let key = self.attribute_key(args)?;
        let (owner, place) = if matches!(level, Level::Item(_)) { (Owner::Item, Place::Item) } else { (owner, Place::Any) };
        self.exact(owner, place, key, first.name.span)
    }

    /// `span.X`, `resource.attr('X')`, ….
    fn placed(&mut self, place: Place, word: &str, rest: &[Segment], owner: Owner, span: Span) -> Option<(Field, Ty)> {
        if let [Segment { name, args: Some(args) }] = rest
            && name.name == "attr"
        {
            let key = self.attribute_key(args)?;
            return self.exact(owner, place, key, span);
        }
        if let Some(odd) = rest.iter().find(|s| s.args.is_some()) {
            self.method_on_field(rest, odd);
            return None;
        }
        let text = dotted(rest);
        if let Some(meant) = shadowing(word, &text) {
            let of = match place {
                Place::Event => " of the span's events",
                Place::Link => " of the span's links",
                _ => "",
            };
            let note = Note::new(codes::SCOPED_INTRINSIC, format!("`{word}.{text}` is the attribute `{text}`{of}")).help(meant);
            self.warn(span, note);
        }
        Some(attribute(owner, place, AttributeKey::Names(semconv::names(&text))))
    }

    /// The key inside `attr(…)`: a string or a word, exactly that key.
    fn attribute_key(&mut self, args: &Args) -> Option<String> {
        let [arg] = args.items.as_slice() else {
            self.error(args.span, Note::new(codes::ARGUMENTS, "`attr` takes one key").help("write `attr('key')`"));
            return None;
        };
        let value = arg.value.bare();
        match &value.kind {
            _ if arg.name.is_some() => {}
            ExprKind::String(text) => {
                self.refuse_escape(text);
                return Some(text.value.clone());
            }
            ExprKind::Error => return None,
            _ => {
                if let Some(words) = value.words() {
                    return Some(dotted(words));
                }
            }
        }
        let note = Note::new(codes::ARGUMENTS, "`attr` takes a key").help("write `attr('key')`");
        self.error(args.span, note);
        None
    }

    fn exact(&mut self, owner: Owner, place: Place, key: String, span: Span) -> Option<(Field, Ty)> {
        if !key.contains('*') {
            return Some(attribute(owner, place, AttributeKey::Names(vec![key])));
        }
        if reads_all(place, &key) {
            let note = Note::new(codes::ALL_ATTRIBUTES, "this rule reads every attribute, so all of them are carried")
                .help("name the attributes, or a part of their keys: `attr('http.*')`");
            self.warn(span, note);
        }
        Some(attribute(owner, place, AttributeKey::Glob(Glob::new(&key))))
    }

    /// The owner that `parent.` or `root.` selects.
    fn relative(&mut self, word: &str, level: Level, owner: Owner, span: Span) -> Option<Owner> {
        let note = if let Level::Item(kind) = level {
            self.item_only(kind, span);
            return None;
        } else if self.over_spans() {
            Note::new(codes::TRACE_ONLY, format!("`{word}.…` needs the trace, and a rule over `spans` sees spans only"))
                .help("make it a rule over `trace.spans`")
        } else if owner != Owner::Span {
            Note::new(codes::UNKNOWN_FIELD, format!("`{word}.` cannot follow `parent.` or `root.`"))
                .help("relations nest: `has_parent(has_parent(…))`")
        } else {
            return Some(if word == "parent" { Owner::Parent } else { Owner::Root });
        };
        self.error(span, note);
        None
    }

    pub(super) fn scope_in_predicate(&mut self, word: &str, level: Level, span: Span) {
        let note = if word == "traces" {
            Note::new(codes::RESERVED_SCOPE, "`traces` is reserved").help("one trace is `trace`, all spans are `spans`")
        } else if level == Level::Claim {
            Note::new(codes::BARE_FIELD, format!("`{word}` alone is no value"))
        } else {
            Note::new(codes::SCOPE_IN_PREDICATE, format!("`{word}.…` stands inside a predicate")).help(if self.over_spans() {
                "a predicate speaks of one span; of others it speaks through relations such as `preceded_by(…)`"
            } else {
                "a predicate speaks of one span; of others it speaks through relations such as `has_child(…)`"
            })
        };
        self.error(span, note);
    }

    pub(super) fn item_only(&mut self, kind: ItemKind, span: Span) {
        let item = if kind == ItemKind::Event { "an event" } else { "a link" };
        let note = Note::new(codes::ITEM_PREDICATE, format!("a predicate over {item} reads only its own fields"))
            .help("put conditions on the span beside it: `event('E', …) and …`");
        self.error(span, note);
    }

    pub(super) fn method_on_field(&mut self, path: &[Segment], odd: &Segment) {
        let method = &odd.name.name;
        let field: Vec<_> = path.iter().take_while(|s| s.args.is_none()).cloned().collect();
        let field = dotted(&field);
        let mut note = Note::new(codes::UNKNOWN_METHOD, format!("a field has no method `{method}`"));
        if let Some(op) = did_you_mean(method, &["contains", "starts_with", "ends_with", "matches"]) {
            note = note.help(format!("`{op}` is an operator: `{field} {op} '…'`"));
        } else if matches!(method.as_str(), "lower" | "shape" | "extract" | "exists" | "missing") {
            note = note.help(format!("`{method}` is a function: `{method}({field})`"));
        }
        self.error(odd.name.span, note);
    }
}

fn attribute(owner: Owner, place: Place, key: AttributeKey) -> (Field, Ty) {
    (Field { owner, key: FieldKey::Attribute(Attribute { place, key }) }, Ty::Attribute)
}

/// What is meant by the attribute of a scope that is named like an intrinsic.
fn shadowing(word: &str, key: &str) -> Option<String> {
    match (word, key) {
        ("span", key) if INTRINSICS.contains(&key) => Some(format!("the intrinsic is `{key}`")),
        ("scope", "name") => Some("the name of the instrumentation scope is `scope_name`".to_owned()),
        ("event", "name") => Some("an event is found by its name with `event('NAME', …)`".to_owned()),
        ("event", key) if ECS_EVENT.contains(&key) => Some(format!("the span's own attribute of this name is `attr('event.{key}')`")),
        ("link", "trace_id" | "span_id") => Some(format!("the id itself is `{key}` inside `link(…)`: `link({key} == '…')`")),
        _ => None,
    }
}

/// The fields that the Elastic Common Schema names `event.…`: there they are attributes of the span.
const ECS_EVENT: [&str; 20] = [
    "action",
    "category",
    "code",
    "created",
    "dataset",
    "duration",
    "end",
    "id",
    "ingested",
    "kind",
    "module",
    "original",
    "outcome",
    "provider",
    "reason",
    "reference",
    "risk_score",
    "sequence",
    "severity",
    "start",
];

/// What is meant by a name that is a part of a span in the data model, or in the language of another tool, and an attribute here.
fn of_other_models(text: &str) -> Option<&'static str> {
    Some(match text {
        "start" | "start_time" | "startTime" | "start_time_unix_nano" | "end" | "end_time" | "endTime" | "end_time_unix_nano" => {
            "the times of a span are no fields: ask for `duration`, or for an order with `preceded_by(…)`"
        }
        "status.code" => "the status of the span is `status`; that of an HTTP call is `http.response.status_code`",
        "status.message" => "the message of the span's status is `status_message`",
        _ => return None,
    })
}

/// The intrinsic that a single word probably means.
fn near_intrinsic(word: &str) -> Option<&'static str> {
    let flat: String = word.chars().filter(|c| *c != '_').collect::<String>().to_ascii_lowercase();
    let same = INTRINSICS.iter().find(|i| i.replace('_', "") == flat);
    match (same, word) {
        (Some(known), _) => Some(known),
        (None, "service_name" | "servicename" | "serviceName") => Some("service"),
        (None, "span_kind" | "spankind" | "spanKind") => Some("kind"),
        (None, "span_name" | "spanName") => Some("name"),
        (None, "status_code" | "statusCode") => Some("http.response.status_code"),
        (None, _) if word.len() > 4 => INTRINSICS.iter().find(|i| super::words::distance(word, i) == 1).copied(),
        _ => None,
    }
}
