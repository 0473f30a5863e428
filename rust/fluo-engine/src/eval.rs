//! Deciding a rule over what is known of a trace: three-valued truth, numbers as intervals.
//!
//! One evaluator serves every moment. While the trace is open unseen spans may still come; after completion they may have been lost.
//! Both are the same to it: a set of reasons why there may be spans that nobody sees. So early and final verdicts cannot disagree.

pub(crate) mod aggregate;
mod between;
pub(crate) mod cell;
pub(crate) mod claim;
pub(crate) mod concurrency;
mod crossing;
pub(crate) mod distinct;
pub(crate) mod duration;
pub(crate) mod explain;
pub(crate) mod facts;
pub(crate) mod groups;
pub(crate) mod order;
mod related;
pub(crate) mod relation;
pub(crate) mod rule;
pub(crate) mod spanset;
pub(crate) mod steps;
mod tally;
mod timed;
pub(crate) mod topology;
mod tour;
pub(crate) mod view;
pub(crate) mod window;
