//! Which fields a rule set reads: the projection.

use fluo_lang::program::visit::{self, Visitor};
use fluo_lang::program::{Attribute, AttributeKey, Field, FieldKey, ItemKind, Mode, Place, Rule, RuleSet, Scope};

use crate::projection::{KeySet, Projection};
use crate::store::calls::CALL_KEYS;

/// The projection of a rule set: every field that some rule reads, and no other.
pub(super) fn projection(rules: &RuleSet) -> Projection {
    let mut fields = Fields::default();
    for rule in &rules.rules {
        visit::rule(rule, &mut fields);
    }
    if rules.rules.iter().any(reads_absence) {
        fields.projection.span.keys.extend(CALL_KEYS.map(str::to_owned));
    }
    fields.projection
}

/// Whether a rule concludes from the absence of spans: any over traces, for that a bound from above held, too, is a conclusion.
pub(super) fn reads_absence(rule: &Rule) -> bool {
    rule.scope == Scope::Trace && rule.mode != Mode::Disabled
}

#[derive(Default)]
struct Fields {
    projection: Projection,
}

impl Visitor for Fields {
    fn field(&mut self, field: &Field, item: Option<ItemKind>) {
        match &field.key {
            FieldKey::StatusMessage => self.projection.status_message = true,
            FieldKey::ScopeName => self.projection.scope_name = true,
            FieldKey::Attribute(attribute) => self.attribute(attribute, item),
            _ => {}
        }
    }

    fn items(&mut self, kind: ItemKind) {
        self.keys_of(kind);
    }
}

impl Fields {
    /// The keys of events or of links.
    fn keys_of(&mut self, kind: ItemKind) -> &mut KeySet {
        match kind {
            ItemKind::Event => self.projection.event.get_or_insert_default(),
            ItemKind::Link => self.projection.link.get_or_insert_default(),
        }
    }

    fn attribute(&mut self, attribute: &Attribute, item: Option<ItemKind>) {
        self.projection.dropped = true;
        let places = match attribute.place {
            Place::Any => {
                add(&mut self.projection.resource, &attribute.key);
                &mut self.projection.span
            }
            Place::Span => &mut self.projection.span,
            Place::Resource => &mut self.projection.resource,
            Place::Scope => &mut self.projection.scope,
            Place::Event => self.keys_of(ItemKind::Event),
            Place::Link => self.keys_of(ItemKind::Link),
            Place::Item => match item {
                Some(kind) => self.keys_of(kind),
                None => return,
            },
        };
        add(places, &attribute.key);
    }
}

fn add(target: &mut KeySet, key: &AttributeKey) {
    match key {
        AttributeKey::Names(names) => target.keys.extend(names.iter().cloned()),
        AttributeKey::Glob(_) => target.all = true,
    }
}
