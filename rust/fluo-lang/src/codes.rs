//! Every code a diagnostic may carry. Codes are never reused and never change their meaning.

/// A code and what it is about, in a few words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Such as `F0001`.
    pub id: &'static str,
    /// Such as "the file is no YAML".
    pub title: &'static str,
}

macro_rules! codes {
    ($($name:ident = $id:literal: $title:literal;)*) => {
        $(#[doc = $title] pub const $name: &str = $id;)*

        /// All codes, in order.
        pub const ALL: &[Code] = &[$(Code { id: $id, title: $title }),*];
    };
}

codes! {
    NOT_YAML = "F0001": "the file is no YAML";
    TEXT_IS_YAML = "F0002": "YAML reads its own signs in a text that is not quoted";
    NOT_A_RULE_FILE = "F0003": "the file or an element of it has the wrong shape";
    UNKNOWN_KEY = "F0004": "a key is unknown";
    DUPLICATE_KEY = "F0005": "a key stands twice";
    WRONG_TYPE = "F0006": "a value has the wrong type";
    EXPRESSION_NOT_TEXT = "F0007": "an expression is no text";
    EXPRESSION_TAG = "F0008": "an expression begins with a YAML tag";
    EXPRESSION_COMMENT = "F0009": "a YAML comment cuts an expression";
    UNKNOWN_MEMBER = "F0010": "a word is none of those known here";
    NO_NAME = "F0011": "a rule has no name";
    DOCUMENTS = "F0012": "a file holds several YAML documents";
}
