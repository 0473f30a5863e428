//! The instants of a group: when its claim is made, what it comes to, and the stretches in which it is violated.

use std::collections::{BTreeMap, BTreeSet};

use fluo_lang::program::{AggregateFn, Expr, Rule, Term};

use super::FORGET;
use crate::model::SpanData;
use crate::oracle::calls::CallTable;
use crate::oracle::direction::only_breaks;
use crate::oracle::judge::{groups, judge, rule_spansets, widths};
use crate::oracle::spanset::{View, groups_of, members};
use crate::oracle::truth::{Reasons, Truth};
use crate::oracle::value::Key;
use crate::oracle::world::{Stretch, World};
use crate::oracle::{Config, Verdict};

/// A stretch `[from, to)` of instants; without end where the claim does not hold again.
pub(super) type Episode = (u64, Option<u64>);

/// What the windows of a rule are like.
#[derive(Debug)]
pub(super) struct Shape<'r> {
    pub(super) rule: &'r Rule,
    pub(super) config: &'r Config,
    pub(super) calls: &'r CallTable,
    /// The widths of its windows.
    widths: BTreeSet<u64>,
    widest: u64,
    /// Whether it is about spans in flight.
    pub(super) in_flight: bool,
    /// Whether more spans can only break its claim.
    pub(super) breaks: bool,
    /// Whether it has totals beside its groups.
    pub(super) mixed: bool,
}

/// A span in the eyes of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Own {
    /// Whether some spanset of the rule may hold it.
    touches: bool,
    /// Whether it is, or may be, in a grouped spanset, and its group is this one.
    member: Option<Reasons>,
}

/// The outcome over all instants.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Outcome {
    /// The worst verdict; `None` where no instant was judged.
    pub(super) worst: Option<Verdict>,
    /// When the claim was violated: from the first violated instant to the first at which it holds.
    pub(super) episodes: Vec<Episode>,
}

impl<'r> Shape<'r> {
    pub(super) fn new(rule: &'r Rule, config: &'r Config, calls: &'r CallTable) -> Self {
        let widths = widths(rule);
        Self {
            rule,
            config,
            calls,
            widest: widths.last().copied().unwrap_or(0),
            in_flight: is_in_flight(&rule.claim),
            widths,
            breaks: only_breaks(rule),
            mixed: !rule.by.is_empty() && rule_spansets(rule).iter().any(|set| set.by.is_empty()),
        }
    }

    /// The groups that spans are in, or may be; the one of a rule without groups.
    pub(super) fn groups(&self, spans: &[&SpanData]) -> Vec<Option<Vec<Key>>> {
        if self.rule.by.is_empty() { vec![None] } else { groups(&self.world(spans), self.rule).0.into_iter().map(Some).collect() }
    }

    /// Whether the rule asks for spans such as this one.
    pub(super) fn wants(&self, span: &SpanData) -> bool {
        let view = View { group: None, instant: None, whole: true };
        let world = self.world(&[span]);
        rule_spansets(self.rule).into_iter().any(|set| !members(&world, set, view).list.is_empty())
    }

    /// What a span is to a group.
    fn own(&self, span: &SpanData, group: Option<&[Key]>) -> Own {
        let world = self.world(&[span]);
        let mut own = Own::default();
        for set in rule_spansets(self.rule) {
            let view = View { group: if set.by.is_empty() { None } else { group }, instant: None, whole: true };
            let Some((_, truth)) = members(&world, set, view).list.first().copied() else { continue };
            own.touches = true;
            // A span that may be of any group is none of this one's until it is known to be.
            if group.is_some_and(|group| !set.by.is_empty() && groups_of(&world, 0, &self.rule.by).contains(group)) {
                own.member = match (own.member, truth) {
                    (Some(why), _) if why.is_empty() => Some(why),
                    (_, Truth::Unknown(why)) => Some(own.member.map_or(why, |more| why.with(more))),
                    _ => Some(Reasons::NONE),
                };
            }
        }
        if group.is_none() {
            // The engine saw it, whatever it is.
            own.member = Some(Reasons::NONE);
        }
        own
    }

    fn world<'a>(&'a self, spans: &[&'a SpanData]) -> World<'a> {
        World::stream(spans, Stretch { first: 0, last: u64::MAX }, self.config, self.calls)
    }

    /// The instants at which the span changes something.
    fn changes(&self, span: &SpanData) -> BTreeSet<u64> {
        let ends = self.widths.iter().map(|width| span.end.saturating_add(*width));
        ends.chain([span.end]).chain(self.in_flight.then_some(span.start)).collect()
    }

    /// The first and the last instant at which the span may be seen.
    pub(super) fn reach(&self, span: &SpanData) -> (u64, u64) {
        let last = span.end.saturating_add(self.widest);
        if self.in_flight { (span.start, last) } else { (span.end, last) }
    }

    /// The verdict at an instant, if the claim is made then.
    fn judge(&self, spans: &[&SpanData], group: Option<&[Key]>, t: u64) -> Verdict {
        let seen: Vec<&SpanData> = spans
            .iter()
            .copied()
            .filter(|span| {
                let (from, to) = self.reach(span);
                (from..=to).contains(&t)
            })
            .collect();
        judge(&self.world(&seen), self.rule, View { group, instant: Some(t), whole: false })
    }

    /// When the claim is first made for a span that is the first of its group, or of all.
    fn from(&self, span: &SpanData) -> u64 {
        match (self.breaks, self.in_flight) {
            (true, true) => span.start,
            (true, false) => span.end,
            (false, _) => span.end.saturating_add(self.widest),
        }
    }

    /// When a group is first forgotten whose last span this is: the first instant at which it need not be known.
    fn forgotten_from(&self, span: &SpanData) -> u64 {
        if self.rule.by.is_empty() {
            u64::MAX
        } else if self.breaks && !self.mixed && !self.in_flight {
            // Beyond its windows nothing can break it.
            span.end.saturating_add(self.widest)
        } else {
            span.end.saturating_add(self.widest.max(FORGET)).saturating_add(1)
        }
    }

    /// Follows a group through the instants, given its spans and the verdict at each.
    fn follow(&self, spans: &[(&SpanData, Own)], verdicts: &BTreeMap<u64, Verdict>, until: u64) -> Outcome {
        let mut coming: Vec<(u64, &SpanData, Reasons)> =
            spans.iter().filter_map(|(span, own)| Some((if self.in_flight { span.start } else { span.end }, *span, own.member?))).collect();
        coming.sort_by_key(|(at, span, _)| (*at, span.end));
        let mut coming = coming.into_iter().peekable();
        let mut known = Known::default();
        let mut outcome = Outcome::default();
        for (t, verdict) in verdicts.range(..=until) {
            if known.is_open.is_none() && *t >= known.until {
                known = Known::default();
            }
            while let Some((_, span, doubt)) = coming.next_if(|(at, ..)| at <= t) {
                known.take(self, span, doubt);
            }
            let Some(doubt) = known.made(*t) else { continue };
            let verdict = match verdict {
                Verdict::Violated if !doubt.is_empty() => Verdict::Inconclusive(doubt),
                other => *other,
            };
            outcome.worst = Some(outcome.worst.map_or(verdict, |worst| worst.worse(verdict)));
            match (verdict, known.is_open) {
                (Verdict::Violated, None) => known.is_open = Some(*t),
                (Verdict::Satisfied | Verdict::NotApplicable, Some(from)) => {
                    outcome.episodes.push((from, Some(*t)));
                    known.is_open = None;
                }
                // What is undecided neither begins nor ends a violation.
                _ => {}
            }
        }
        outcome.episodes.extend(known.is_open.map(|from| (from, None)));
        outcome
    }
}

/// What is known of a group.
#[derive(Debug, Default)]
struct Known {
    /// From when on the claim is made, if all of its spans exist, and if only the certain ones do.
    from: Option<u64>,
    certain_from: Option<u64>,
    /// Why the others may not exist.
    doubt: Reasons,
    /// The first instant at which it is forgotten, unless it is violated.
    until: u64,
    /// When it began to be violated, where it is.
    is_open: Option<u64>,
}

impl Known {
    fn take(&mut self, shape: &Shape<'_>, span: &SpanData, doubt: Reasons) {
        let earlier = |known: Option<u64>| Some(known.map_or(shape.from(span), |from| from.min(shape.from(span))));
        self.from = earlier(self.from);
        if doubt.is_empty() {
            self.certain_from = earlier(self.certain_from);
        }
        self.doubt = self.doubt.with(doubt);
        self.until = self.until.max(shape.forgotten_from(span));
    }

    /// Whether the claim is made at an instant: then why the group may not exist.
    fn made(&self, t: u64) -> Option<Reasons> {
        self.from.filter(|from| *from <= t)?;
        let certain = self.certain_from.is_some_and(|from| from <= t);
        Some(if certain { Reasons::NONE } else { self.doubt })
    }
}

/// The instants of a group as far as spans have come.
#[derive(Debug)]
pub(super) struct Timeline<'s, 'a> {
    shape: &'s Shape<'s>,
    group: Option<&'s [Key]>,
    spans: Vec<(&'a SpanData, Own)>,
    /// The verdict at each instant at which something changes.
    verdicts: BTreeMap<u64, Verdict>,
}

impl<'s, 'a> Timeline<'s, 'a> {
    /// Before any span.
    pub(super) const fn new(shape: &'s Shape<'s>, group: Option<&'s [Key]>) -> Self {
        Self { shape, group, spans: Vec::new(), verdicts: BTreeMap::new() }
    }

    /// The instants when all these spans have come.
    pub(super) fn of(shape: &'s Shape<'s>, group: Option<&'s [Key]>, spans: &[&'a SpanData]) -> Self {
        let mut timeline = Self::new(shape, group);
        for span in spans {
            if let Some(instants) = timeline.take(span) {
                timeline.verdicts.extend(instants.into_iter().map(|t| (t, Verdict::NotApplicable)));
            }
        }
        timeline.judge(0, u64::MAX);
        timeline
    }

    /// A further span comes. Gives whether the rule wants it.
    pub(super) fn add(&mut self, span: &'a SpanData) -> bool {
        let Some(instants) = self.take(span) else { return false };
        self.verdicts.extend(instants.into_iter().map(|t| (t, Verdict::NotApplicable)));
        let (first, last) = self.shape.reach(span);
        self.judge(first, last);
        self.spans.last().is_some_and(|(_, own)| own.touches)
    }

    /// The instants that a span adds; `None` where it is nothing to the group.
    fn take(&mut self, span: &'a SpanData) -> Option<BTreeSet<u64>> {
        let own = self.shape.own(span, self.group);
        (own.touches || own.member.is_some()).then(|| {
            self.spans.push((span, own));
            self.shape.changes(span)
        })
    }

    fn judge(&mut self, first: u64, last: u64) {
        let spans: Vec<&SpanData> = self.spans.iter().filter(|(_, own)| own.touches).map(|(span, _)| *span).collect();
        for (t, verdict) in self.verdicts.range_mut(first..=last) {
            *verdict = self.shape.judge(&spans, self.group, *t);
        }
    }

    /// The outcome over all instants up to one.
    pub(super) fn outcome(&self, until: u64) -> Outcome {
        self.shape.follow(&self.spans, &self.verdicts, until)
    }
}

/// Whether an expression counts spans in flight.
fn is_in_flight(expr: &Expr) -> bool {
    match expr {
        Expr::Not(inner) => is_in_flight(inner),
        Expr::And(all) | Expr::Or(all) => all.iter().any(is_in_flight),
        Expr::Compare { left, right, .. } => {
            [left, right].into_iter().any(|t| matches!(t, Term::Aggregate(a) if a.function == AggregateFn::Concurrent))
        }
        _ => false,
    }
}
