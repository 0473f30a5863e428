//! What a signal says of a span: the related spans that the verdict rests on, and what should have been there.

use super::Sequence;
use super::kept::Kept;
use super::look::Look;
use crate::eval::explain::MAX_EVIDENCE;
use crate::expr::Node;
use crate::identity::violation_id;
use crate::plan::SequenceRelation;
use crate::signal::Event;
use crate::truth::Truth;
use crate::verdict::Verdict;
use crate::window::announce::{Deciding, News, gathered};
use crate::window::base::Context;

/// Related spans that are counted for the signal of a relation at most.
const COUNTED: usize = 1_000;

/// What was found.
#[derive(Debug, Default)]
struct Cited {
    spans: Vec<u32>,
    observed: Vec<(String, String)>,
    seen: Vec<String>,
    missing: Vec<String>,
}

impl<'s> Look<'s> {
    /// Why the claim about a span is broken.
    pub(super) fn violation(&self, at: u32, on_arrival: bool) -> News {
        let mut cited = Cited { spans: vec![at], ..Cited::default() };
        if let Some(set) = self.plan.places.first() {
            self.cite(&set.node, at, &mut cited);
        }
        if let Some(predicate) = &self.plan.predicate {
            self.cite(predicate, at, &mut cited);
        }
        let mut spans: Vec<&Kept> = cited.spans.iter().filter_map(|at| self.store.get(*at)).collect();
        spans.sort_by_key(|kept| (kept.end, kept.id));
        spans.dedup_by_key(|kept| (kept.trace, kept.id));
        News {
            on_arrival,
            observed: cited.observed,
            seen: cited.seen,
            missing: cited.missing,
            evidence: spans.iter().map(|kept| kept.id).collect(),
            shown: gathered(spans.iter().flat_map(|kept| &kept.shown)),
            ..self.retraction(at)
        }
    }

    /// That the claim about a span is not broken after all.
    pub(super) fn retraction(&self, at: u32) -> News {
        let Some(kept) = self.store.get(at) else { return News::default() };
        let deciding = Deciding { trace: kept.trace, span: kept.id, end: kept.end, resource: kept.resource };
        News { deciding: Some(deciding), time: kept.end, ..News::default() }
    }

    /// Cites what gives a node its truth on a span: all parts, or the first that decides.
    fn cite(&self, node: &'s Node, at: u32, cited: &mut Cited) {
        let truth = self.holds(node, at);
        match node {
            Node::Not(inner) => self.cite(inner, at, cited),
            Node::And(parts) | Node::Or(parts) => {
                let all = matches!((node, truth), (Node::And(_), Truth::True) | (Node::Or(_), Truth::False));
                let decides = parts.iter().filter(|part| all || self.holds(part, at) == truth);
                for part in decides.take(if all { parts.len() } else { 1 }) {
                    self.cite(part, at, cited);
                }
            }
            Node::Relation(number) => {
                if let Some(relation) = self.plan.relations.get(*number as usize) {
                    self.cite_relation(relation, *number as usize, at, truth == Truth::True, cited);
                }
            }
            _ => {}
        }
    }

    fn cite_relation(&self, relation: &'s SequenceRelation, number: usize, at: u32, holds: bool, cited: &mut Cited) {
        let related = self.related(at, number, COUNTED);
        let more = if related.len() == COUNTED { " or more" } else { "" };
        cited.observed.push((relation.text.clone(), format!("{}{more}", related.len())));
        if !holds {
            cited.missing.push(relation.other_text.clone());
            return;
        }
        let wanted = usize::try_from(relation.at_least).unwrap_or(MAX_EVIDENCE).min(MAX_EVIDENCE);
        // Those that are nearest in time.
        let nearest = if relation.back { related.get(related.len().saturating_sub(wanted)..) } else { related.get(..wanted) };
        let place = self.plan.places.get(relation.other);
        for other in nearest.unwrap_or(&related) {
            cited.spans.push(*other);
            if let Some(place) = place {
                self.cite(&place.node, *other, cited);
            }
        }
    }
}

impl Sequence {
    /// Says that the claim about a span is broken, or that it is not after all. Its id is made of the ids of trace and span.
    pub(super) fn announce(&mut self, at: u32, is_violated: bool, news: News, context: &mut Context<'_>) {
        let (Some(kept), Some(rule)) = (self.store.get(at), self.base.rule()) else { return };
        let id = violation_id(rule, Some(&kept.trace), &kept.id.to_be_bytes(), None);
        let event = if is_violated { Event::Violation } else { Event::Retracted };
        let is_counted = self.store.duty_mut(at).is_some_and(|duty| std::mem::replace(&mut duty.counted, true));
        match (is_violated, is_counted) {
            (true, false) => self.base.violated(),
            (true, true) => self.base.revised(Verdict::Satisfied, Verdict::Violated),
            (false, _) => self.base.revised(Verdict::Violated, Verdict::Satisfied),
        }
        self.base.announce(event, id, &[], news, context);
    }
}
