//! The YAML as it stands.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) rules: Option<serde_json::Value>,
    #[serde(default)]
    pub(super) rule_files: Vec<Spanned<String>>,
    pub(super) tests: Vec<Spanned<Test>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Test {
    pub(super) name: String,
    #[serde(default)]
    pub(super) pins: Option<String>,
    #[serde(default)]
    pub(super) rules: Option<serde_json::Value>,
    #[serde(default)]
    pub(super) trace: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) traces: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub(super) config: Config,
    #[serde(default)]
    pub(super) end: Option<End>,
    #[serde(default)]
    pub(super) call_table: Vec<Call>,
    #[serde(default)]
    pub(super) on: Option<String>,
    #[serde(default)]
    pub(super) holds: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) fails: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) not_applicable: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) unknown: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub(super) verdicts: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub(super) expect: Vec<Spanned<Expect>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub(super) settle: Option<Spanned<String>>,
    pub(super) max_duration: Option<Spanned<String>>,
    pub(super) late_grace: Option<Spanned<String>>,
    pub(super) top_is_root: Option<TopIsRoot>,
    pub(super) max_skew: Option<Spanned<String>>,
    pub(super) allowed_lateness: Option<Spanned<String>>,
    pub(super) max_spans_per_trace: Option<usize>,
    pub(super) live_since: Option<Spanned<String>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TopIsRoot {
    Age,
    Settle,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    #[serde(default)]
    pub(super) until: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) shutdown: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    pub(super) call: String,
    #[serde(default)]
    pub(super) service: Option<String>,
    #[serde(default)]
    pub(super) server_address: Option<String>,
    #[serde(default)]
    pub(super) rpc_service: Option<String>,
    #[serde(default)]
    pub(super) peer_service: Option<String>,
    #[serde(default)]
    pub(super) destination: Option<String>,
    pub(super) selector: Spanned<String>,
    #[serde(default = "hundred")]
    pub(super) traces: u64,
    #[serde(default = "hundred")]
    pub(super) below: u64,
}

fn hundred() -> u64 {
    100
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    pub(super) rule: String,
    #[serde(default)]
    pub(super) trace: Option<String>,
    #[serde(default)]
    pub(super) group: Option<Vec<String>>,
    #[serde(default)]
    pub(super) span: Option<String>,
    pub(super) verdict: String,
    #[serde(default)]
    pub(super) reason: Option<String>,
    #[serde(default)]
    pub(super) evidence: Option<Vec<String>>,
    #[serde(default)]
    pub(super) trigger: Option<String>,
    #[serde(default)]
    pub(super) phase: Option<String>,
    #[serde(default)]
    pub(super) signal: Option<bool>,
    #[serde(default)]
    pub(super) episodes: Option<Vec<String>>,
    #[serde(default)]
    pub(super) signals: Option<Vec<String>>,
}
