//! Fields.

use super::string;
use crate::check::words::{intrinsic, is_plain_path};
use crate::program::{AttributeKey, Field, FieldKey, Owner, Place};
use crate::semconv;

/// The text of a field. `right`: it is the whole right side of a comparison, where a single word is a literal.
pub(super) fn text(field: &Field, right: bool) -> String {
    let owner = match field.owner {
        Owner::Span | Owner::Item => "",
        Owner::Parent => "parent.",
        Owner::Root => "root.",
    };
    let key = match &field.key {
        FieldKey::Name => "name".to_owned(),
        FieldKey::Service => "service".to_owned(),
        FieldKey::Kind => "kind".to_owned(),
        FieldKey::Status => "status".to_owned(),
        FieldKey::StatusMessage => "status_message".to_owned(),
        FieldKey::Duration => "duration".to_owned(),
        FieldKey::TraceId => "trace_id".to_owned(),
        FieldKey::SpanId => "span_id".to_owned(),
        FieldKey::ParentId => "parent_id".to_owned(),
        FieldKey::ScopeName => "scope_name".to_owned(),
        FieldKey::Attribute(attribute) => {
            let place = match attribute.place {
                Place::Any | Place::Item => "",
                Place::Span => "span.",
                Place::Resource => "resource.",
                Place::Scope => "scope.",
                Place::Event => "event.",
                Place::Link => "link.",
            };
            let free = owner.is_empty() && place.is_empty();
            format!("{place}{}", attribute_text(&attribute.key, !place.is_empty(), free && right))
        }
    };
    format!("{owner}{key}")
}

/// The key of an attribute. `scoped`: a scope stands before it, so that no word is shadowed.
fn attribute_text(key: &AttributeKey, scoped: bool, right: bool) -> String {
    let names = match key {
        AttributeKey::Glob(glob) => return format!("attr({})", string(&glob.text())),
        AttributeKey::Names(names) => names,
    };
    let written = names.first().map_or("", String::as_str);
    let single = !written.contains('.');
    let shadowed = !scoped && intrinsic(written).is_some();
    // The aliases come back with the word only if they are those of the table.
    if is_plain_path(written) && *names == semconv::names(written) && !shadowed && !(single && right) {
        written.to_owned()
    } else {
        format!("attr({})", string(written))
    }
}
