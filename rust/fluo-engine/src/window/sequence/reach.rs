//! How far apart spans can lie that have to do with each other, and so how long each is kept.
//!
//! A span is seen when it has ended. So that what is kept is bounded, a relation sees the spans that end at most the longest duration
//! of a trace beyond what it asks for; a claim that would need to see further is inconclusive.

use crate::config::Config;
use crate::plan::{SequencePlan, SequenceRelation};

/// Times in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sight {
    /// How long before the subject's end the other span may have ended.
    pub(super) back: u64,
    /// How long after the subject's end the other span may end.
    pub(super) on: u64,
}

impl Sight {
    const fn and(self, other: Self) -> Self {
        Self { back: self.back.saturating_add(other.back), on: self.on.saturating_add(other.on) }
    }
}

/// The reach of a claim.
#[derive(Debug)]
pub(super) struct Reach {
    pub(super) max_skew: u64,
    /// The longest span whose start is waited for.
    pub(super) longest: u64,
    /// After how long nothing can change the claim about a span any more.
    pub(super) on: u64,
    /// How long after its end a span is kept.
    pub(super) keep: u64,
}

impl Reach {
    pub(super) fn new(plan: &SequencePlan, config: &Config) -> Self {
        let mut reach = Self { max_skew: config.max_skew_ns, longest: config.max_duration_ns, on: 0, keep: 0 };
        let mut of_place = vec![Sight::default(); plan.places.len()];
        let mut relations: Vec<&SequenceRelation> = plan.relations.iter().collect();
        // Subjects come before those that they are related to.
        relations.sort_by_key(|relation| relation.subject);
        for relation in relations {
            let sight = of_place.get(relation.subject).copied().unwrap_or_default().and(reach.sight(relation));
            for place in std::iter::once(relation.other).chain(relation.without) {
                if let Some(of_place) = of_place.get_mut(place) {
                    *of_place = sight;
                }
            }
        }
        reach.on = of_place.iter().map(|sight| sight.on).max().unwrap_or_default();
        reach.keep = of_place.iter().map(|sight| sight.back).max().unwrap_or_default().saturating_add(reach.on);
        reach
    }

    /// Between which ends a relation sees the other spans.
    pub(super) const fn sight(&self, relation: &SequenceRelation) -> Sight {
        let near = self.max_skew.saturating_add(self.longest);
        let far = near.saturating_add(relation.within);
        if relation.back { Sight { back: far, on: near } } else { Sight { back: near, on: far } }
    }
}
