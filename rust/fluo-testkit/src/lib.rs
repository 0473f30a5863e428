//! What `fluo test` and the project's own tests run on: a short notation for traces, a format for rule tests, OTLP conversions and
//! a slow reference evaluator that follows the language reference word by word.

pub mod backend;
pub mod case;
pub mod differential;
pub mod explanation;
pub mod generate;
pub mod model;
pub mod notation;
pub mod oracle;
pub mod otlp;
pub mod otlp_file;
pub mod otlp_json;
pub mod replay;
