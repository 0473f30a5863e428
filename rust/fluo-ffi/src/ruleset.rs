//! Rule text in, a rule set and diagnostics out.

use std::sync::Arc;

use fluo_lang::codes;
use fluo_lang::limits::Limits;
use fluo_lang::program::RuleSet;
use fluo_lang::render::{JsonDiagnostic, JsonReport, Report};
use fluo_lang::source::{Source, SourceKind};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::boundary::{HandleOut, guarded, take_back};
use crate::buffer::{Buffer, borrowed, optional};
use crate::status::Status;

/// A checked rule set.
///
/// It never changes, so any number of threads may use it at once, and engines made from it keep what they need: it may be freed
/// while they live.
#[derive(Debug)]
pub struct RulesetHandle {
    pub(crate) rules: Arc<RuleSet>,
}

/// The JSON that says what to compile.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request<'a> {
    #[serde(borrow)]
    sources: Vec<RequestedSource<'a>>,
}

/// One source: `text` or `inline`, not both.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestedSource<'a> {
    name: String,
    text: Option<String>,
    /// Kept as written, so that duplicate keys are still seen by whoever reads the rules.
    #[serde(borrow)]
    inline: Option<&'a RawValue>,
}

impl RequestedSource<'_> {
    fn into_source(self) -> Result<Source, String> {
        let (text, kind) = match (self.text, self.inline) {
            (Some(text), None) => (text, SourceKind::File),
            (None, Some(rules)) => (rules.get().to_owned(), SourceKind::Inline),
            _ => return Err(format!("source `{}` must have either `text` or `inline`", self.name)),
        };
        Ok(Source { name: self.name, text, kind })
    }
}

fn read_sources(json: &[u8]) -> Result<Vec<Source>, String> {
    let request: Request<'_> = serde_json::from_slice(json).map_err(|e| format!("the sources cannot be read: {e}"))?;
    request.sources.into_iter().map(RequestedSource::into_source).collect()
}

/// Findings, and the rule set where there is no error among them.
fn compile(json: &[u8]) -> (JsonReport, Result<Arc<RuleSet>, Status>) {
    match read_sources(json) {
        Ok(sources) => {
            let mut loaded = fluo_lang::load(&sources, &Limits::default());
            let refused = loaded.rules.as_ref().map(fluo_engine::unsupported).unwrap_or_default();
            if !refused.is_empty() {
                loaded.rules = None;
                loaded.diagnostics.extend(refused);
            }
            let (rules, hash) = loaded.rules.as_ref().map_or((0, &[][..]), |rules| (rules.rules.len(), &rules.hash[..]));
            let report = Report::new(&sources, &loaded.diagnostics).data(rules, hash);
            (report, loaded.rules.map(Arc::new).ok_or(Status::InvalidRules))
        }
        Err(why) => (unreadable(why), Err(Status::InvalidArgument)),
    }
}

/// The report on a request that is not of the agreed form.
fn unreadable(message: String) -> JsonReport {
    let finding = JsonDiagnostic {
        code: codes::NOT_A_RULE_FILE,
        severity: "error",
        rendered: format!("error[{}]: {message}", codes::NOT_A_RULE_FILE),
        message,
        help: None,
        source: String::new(),
        rule: None,
        line: 0,
        column: 0,
        end_line: 0,
        end_column: 0,
        place: String::new(),
    };
    JsonReport { diagnostics: vec![finding], rules: 0, hash: String::new() }
}

/// Compiles rules.
///
/// `sources_json` is a JSON object `{"sources":[..]}`. A source is either a rule file, `{"name":"rules/payment.yml","text":".."}`, or
/// a list of rules taken from some other configuration, `{"name":"rules","inline":[{"name":"..","never":".."}, ..]}`. Names are used
/// in messages only; nothing is read from disk. All findings of all sources are reported at once.
///
/// `diagnostics_json` receives, also on success,
/// `{"diagnostics":[{"code":"F0101","severity":"error","message":"..","help":"..","source":"rules/payment.yml","rule":"..","line":3,
/// "column":14,"end_line":3,"end_column":20,"place":"rules/payment.yml:3:14","rendered":".."}, ..],"rules":12,"hash":".."}`: severity
/// `error`, `warning` or `info`; `help` and `rule` may be null; for inline rules the lines are 0, the columns count in the text of the
/// value, and `place` is such as `rules[2].always:14`; `rendered` is text of several lines with a caret; `rules` and `hash` speak of
/// the rule set that was made, and are 0 and "" where none was.
///
/// Ownership: the bytes stay the caller's. On FLUO_STATUS_OK the caller owns `*out` and gives it back with fluo_ruleset_free();
/// otherwise `*out` is NULL. `diagnostics_json` may be NULL; it must be zero-initialised otherwise and be freed whatever the status
/// is.
/// Threads: any.
/// Errors: FLUO_STATUS_INVALID_RULES; FLUO_STATUS_INVALID_ARGUMENT, where the sources are not such JSON with one diagnostic that
/// says why; FLUO_STATUS_PANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fluo_ruleset_compile(
    sources_json: *const u8,
    len: usize,
    out: *mut *mut RulesetHandle,
    diagnostics_json: *mut Buffer,
) -> Status {
    guarded(|| {
        // SAFETY: the caller promises that `out` is null or writable.
        let out = unsafe { HandleOut::check(out) }?;
        // SAFETY: the caller promises that `diagnostics_json` is null or points to its buffer.
        let diagnostics = unsafe { optional(diagnostics_json) }?;
        // SAFETY: the caller promises that so many bytes are readable.
        let json = unsafe { borrowed(sources_json, len) }?;

        let (report, outcome) = compile(json);
        if let Some(diagnostics) = diagnostics {
            diagnostics.give(serde_json::to_vec(&report).map_err(|_| Status::Panic)?);
        }
        out.give(RulesetHandle { rules: outcome? });
        Ok(())
    })
}

/// Frees a rule set. NULL is allowed. Engines made from it are not affected.
///
/// Ownership: takes the rule set. Threads: any, but no other call on this rule set may be under way or follow. Errors: none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fluo_ruleset_free(ruleset: *mut RulesetHandle) {
    // SAFETY: the caller promises that the handle is null or that this is its last use.
    unsafe { take_back(ruleset) };
}
