//! A case as text, which a fuzzer can change: a rule file, a line `---`, a trace in the notation.

use fluo_lang::limits::Limits;
use fluo_lang::program::Scope;
use fluo_lang::source::{Source, SourceKind};

use super::Question;
use crate::backend::Scenario;
use crate::model::{Batch, SpanData};
use crate::notation::{BASE, parse, write};
use crate::oracle::{CallTable, Config, End, Run};

/// What stands between the rules and the trace.
const BORDER: &str = "\n---\n";

/// Rules and spans at most: the reference evaluator is slow.
const RULES: usize = 4;
const SPANS: usize = 16;

/// Why a text is no case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextError {
    /// There is no border.
    NoTrace,
    /// The rules do not load, are too many, or some are about all spans.
    Rules,
    /// The trace cannot be read, is too large, or has an id that OTLP does not know.
    Trace,
}

impl std::fmt::Display for TextError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoTrace => "no line `---` ends the rules",
            Self::Rules => "the rules do not load, are too many, or some are about all spans",
            Self::Trace => "the trace cannot be read or is too large",
        })
    }
}

impl std::error::Error for TextError {}

/// The questions of a text: final verdicts, and where the trace is small what is definite when half of it has come.
///
/// # Errors
/// See [`TextError`].
pub fn read(text: &str) -> Result<Vec<Question>, TextError> {
    let (rules, trace) = text.split_once(BORDER).ok_or(TextError::NoTrace)?;
    let sources = vec![Source { name: "fuzzed".to_owned(), text: rules.to_owned(), kind: SourceKind::File }];
    let rules = fluo_lang::load(&sources, &Limits::default()).rules.ok_or(TextError::Rules)?;
    if rules.rules.is_empty() || rules.rules.len() > RULES || rules.rules.iter().any(|rule| rule.scope == Scope::Spans) {
        return Err(TextError::Rules);
    }
    // A repetition is expanded while it is read.
    if trace.split('*').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        return Err(TextError::Trace);
    }
    let trace = parse("t", trace, BASE).map_err(|_| TextError::Trace)?;
    let spans: Vec<SpanData> = trace.spans.into_iter().map(|span| span.data).collect();
    let has_ids = |span: &SpanData| span.span_id != [0; 8] && span.parent_id != Some([0; 8]);
    if spans.is_empty() || spans.len() > SPANS || !spans.iter().all(has_ids) {
        return Err(TextError::Trace);
    }
    let part = spans.len() / 2;
    let at = spans.iter().map(|span| span.end).fold(BASE, u64::max);
    let run = Run { batches: vec![Batch { at, spans }], end: End::Recording };
    let scenario = Scenario { sources, rules, config: Config::default(), calls: CallTable::default(), run };
    let prefix = (part <= 3).then(|| Question::Prefix(scenario.clone(), part));
    Ok(std::iter::once(Question::Verdicts(scenario)).chain(prefix).collect())
}

/// The text of a case, for a fuzzer to begin with.
#[must_use]
pub fn written(rules: &str, spans: &[SpanData]) -> String {
    format!("{}{BORDER}{}", rules.trim_end(), write(spans))
}
