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
    NOT_UTF8 = "F0013": "a file is not UTF-8";

    EMPTY = "F0101": "an expression is empty";
    CHARACTER = "F0102": "a character has no meaning here";
    NUMBER = "F0103": "a number or a duration is malformed or out of range";
    UNTERMINATED = "F0104": "a string has no end";
    ESCAPE = "F0105": "an escape is unknown";
    COMMENT = "F0106": "a comment stands outside a block scalar";
    FOREIGN_OPERATOR = "F0107": "an operator of another language";
    KEYWORD_CASE = "F0108": "a keyword is not in lower case";
    UNEXPECTED = "F0109": "something else was expected here";
    UNEXPECTED_END = "F0110": "an expression ends too early";
    UNCLOSED = "F0111": "a bracket is never closed";
    CHAINED_COMPARISON = "F0112": "comparisons are chained";

    TEXT_TOO_LONG = "F0201": "an expression is too long";
    NESTING = "F0202": "an expression is nested too deeply";
    TOO_MANY_RULES = "F0203": "there are too many rules";
    REGEX_TOO_LARGE = "F0204": "a regular expression is too large";
    LIST_TOO_LONG = "F0205": "a list is too long";
    TOO_LARGE = "F0206": "an expression is too large with its defines inserted";
    TOTAL_TOO_LARGE = "F0207": "the rules are too large together";
    REGEXES_TOO_LARGE = "F0208": "the regular expressions are too large together";
    TOO_MANY_FINDINGS = "F0209": "there is more to say than is shown";

    UNKNOWN_DEFINE = "F0301": "a define is unknown";
    DEFINE_CYCLE = "F0302": "defines use each other in a circle";
    DUPLICATE_DEFINE = "F0303": "a define is given twice";
    DEFINE_NAME = "F0304": "the name of a define is malformed";
    UNKNOWN_METHOD = "F0305": "a method is unknown";
    UNKNOWN_FUNCTION = "F0306": "a function is unknown";
    ENUM_MEMBER = "F0307": "a kind or a status is unknown";
    RESERVED_NAME = "F0308": "a span name begins with a word of the language";
    BARE_FIELD = "F0309": "a field or a name stands outside a predicate";
    SCOPE_IN_PREDICATE = "F0310": "a scope stands inside a predicate";
    INTRINSIC_LITERAL = "F0311": "an intrinsic stands where a word is a literal";
    UNKNOWN_FIELD = "F0312": "a field is unknown here";
    RESERVED_SCOPE = "F0313": "`traces` is reserved";
    RULE_NAME = "F0314": "the name of a rule is malformed";
    DUPLICATE_RULE = "F0315": "two rules have one name";
    SHADOWED = "F0316": "an intrinsic shadows the attribute that was meant";

    NOT_A_TRUTH = "F0401": "a truth value is needed here";
    NOT_A_VALUE = "F0402": "a value is needed here";
    NOT_A_LIST = "F0403": "a list is needed here";
    TYPES = "F0404": "values of these types are never equal and have no order";
    DURATION_UNIT = "F0405": "a duration has no unit";
    NO_ORDER = "F0406": "these values have no order";
    ARITHMETIC = "F0407": "these values cannot be calculated with";
    REGEX = "F0408": "a regular expression is malformed";
    ARGUMENTS = "F0409": "the arguments do not fit";
    OPTION = "F0410": "an option is unknown or misplaced";
    NOT_A_LITERAL = "F0411": "a literal is needed here";
    LITERAL_LEFT = "F0412": "a literal is compared with a word";
    HYPHEN = "F0413": "a word with a hyphen or a slash is not quoted";
    LIST_EQUALITY = "F0414": "a list is compared as a whole";
    ITEM_PREDICATE = "F0415": "a predicate over an event or a link reads something else";
    NOT_A_FIELD = "F0416": "a field is needed here";

    MIXED_SCOPES = "F0501": "a rule uses two scopes";
    NEEDS_WITHIN = "F0502": "a window is needed here";
    REPEATED_METHOD = "F0503": "`by` or `within` stands twice";
    BY_DIFFERS = "F0504": "a rule groups in two ways";
    TRACE_ONLY = "F0505": "this belongs to the trace scope";
    CONCURRENT_BOUND = "F0506": "spans in flight are not bounded above";
    MISPLACED_METHOD = "F0507": "a method stands in the wrong place";
    NOT_A_SPANSET = "F0508": "a spanset is needed here";

    NO_CLAIM = "F0601": "a rule makes no claim";
    TWO_CLAIMS = "F0602": "a rule makes two claims";
    NEVER_VIOLABLE = "F0603": "a rule could never be violated";
    MESSAGE = "F0604": "a message is malformed";
    MESSAGE_VALUE = "F0605": "a message inserts something that the rule does not observe";
    SHOW = "F0606": "`show` names something that is no field";
    CONDITION = "F0607": "the condition of a shorthand rule is malformed";
    REPEAT_AFTER = "F0608": "`repeat_after` does not fit";

    BARE_NAME = "F0701": "a single word is read as a span name";
    NEVER_ALL = "F0702": "`all` also holds where there is no span";
    NOT_IN = "F0703": "`not in` does not hold for a missing field";
    VACUOUS_IMPLIES = "F0704": "`implies` holds where its condition does not";
    BOTH_SIDES = "F0705": "the spans of a service are counted on both sides of its calls";
    STATUS_OF_4XX = "F0706": "a server's span has no error status for a 4xx answer";
    ALL_ATTRIBUTES = "F0707": "all attributes are carried";
    DROPPED_ATTRIBUTES = "F0708": "a selector consists of attributes only";
    ORDER_UNDECIDABLE = "F0709": "no pair of spans decides this order";
    CONSTANT_RULE = "F0710": "a rule can never or always signal";
    NEVER_HOLDS = "F0711": "a comparison can never hold";
    GLOB_COMPARED = "F0712": "`==` does not read `*`";
    SCOPED_INTRINSIC = "F0713": "an attribute is named like an intrinsic";
    UNUSED_DEFINE = "F0714": "a define is never used";
    NEAR_INTRINSIC = "F0715": "an attribute is named almost like an intrinsic";
    NULL_WORD = "F0716": "a word for nothing is read as a string";
    SUM_WAITS = "F0717": "a sum is decided late";

    NOT_MONITORED = "F0901": "the engine cannot monitor this claim";
    NEEDS_TOO_MUCH = "F0902": "a rule may need more memory than there is";
}
