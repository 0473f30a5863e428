//! The fields that a rule reads.

use std::collections::BTreeSet;

use fluo_lang::program::visit::{self, Visitor};
use fluo_lang::program::{AttributeKey, Field, FieldKey, ItemKind, Owner, Place, Rule};

/// The fields that a rule reads, as they are written in rules, sorted.
pub(crate) fn of(rule: &Rule) -> BTreeSet<String> {
    let mut fields = Fields(BTreeSet::new());
    visit::rule(rule, &mut fields);
    fields.0
}

struct Fields(BTreeSet<String>);

impl Visitor for Fields {
    fn field(&mut self, field: &Field, _item: Option<ItemKind>) {
        let owner = match field.owner {
            Owner::Span | Owner::Item => "",
            Owner::Parent => "parent.",
            Owner::Root => "root.",
        };
        match &field.key {
            FieldKey::Name => self.add(&format!("{owner}name")),
            FieldKey::Service => self.add(&format!("{owner}service")),
            FieldKey::Kind => self.add(&format!("{owner}kind")),
            FieldKey::Status => self.add(&format!("{owner}status")),
            FieldKey::StatusMessage => self.add(&format!("{owner}status_message")),
            FieldKey::Duration => self.add(&format!("{owner}duration")),
            FieldKey::TraceId => self.add(&format!("{owner}trace_id")),
            FieldKey::SpanId => self.add(&format!("{owner}span_id")),
            FieldKey::ParentId => self.add(&format!("{owner}parent_id")),
            FieldKey::ScopeName => self.add(&format!("{owner}scope_name")),
            FieldKey::Attribute(attribute) => {
                let place = match attribute.place {
                    Place::Any => "",
                    Place::Span => "span.",
                    Place::Resource => "resource.",
                    Place::Scope => "scope.",
                    Place::Event => "event.",
                    Place::Link => "link.",
                    Place::Item => "item's ",
                };
                match &attribute.key {
                    AttributeKey::Names(names) => self.add(&format!("{owner}{place}{}", names.join(" or "))),
                    AttributeKey::Glob(glob) => self.add(&format!("{owner}{place}attr('{}')", glob.text())),
                }
            }
        }
    }

    fn name(&mut self) {
        self.add("name");
    }
}

impl Fields {
    fn add(&mut self, field: &str) {
        self.0.insert(field.to_owned());
    }
}
