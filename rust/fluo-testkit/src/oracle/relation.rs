//! Relations of a span to other spans.

use fluo_lang::program::{Expr, Relation, RelationKind, Step, Term};

use super::calls::dangling;
use super::order::{before, gap_within, overlap};
use super::predicate::predicate;
use super::reading::{Reading, Subject, term};
use super::tree::{Above, WayEnd};
use super::truth::{Reason, Reasons, Truth};
use super::world::{Stretch, World};

/// Whether at least `at_least` other spans stand in the relation to the span.
pub(super) fn relation(world: &World<'_>, me: usize, relation: &Relation) -> Truth {
    let mut certain = 0u64;
    let mut possible = 0u64;
    let mut reasons = Reasons::NONE;
    for other in candidates(world, me, relation.kind) {
        if other == me || !is_seen(world, me, other, relation) {
            continue;
        }
        match holds(world, me, other, relation) {
            Truth::True => certain += 1,
            Truth::Unknown(why) => {
                possible += 1;
                reasons = reasons.with(why);
            }
            Truth::False | Truth::NotApplicable => {}
        }
    }
    let open = more_may_come(world, me, relation);
    if certain >= relation.at_least {
        Truth::True
    } else if !open.is_empty() {
        Truth::Unknown(open.with(reasons))
    } else if certain + possible >= relation.at_least {
        Truth::Unknown(reasons)
    } else {
        Truth::False
    }
}

/// The spans that the relation could be about by structure.
fn candidates(world: &World<'_>, me: usize, kind: RelationKind) -> Vec<usize> {
    let all = 0..world.spans.len();
    match kind {
        RelationKind::HasParent => match world.above(me) {
            Above::Span(parent) => vec![parent],
            _ => Vec::new(),
        },
        RelationKind::HasChild => world.children(me).to_vec(),
        RelationKind::HasAncestor => world.ancestors(me).to_vec(),
        RelationKind::HasDescendant => all.filter(|x| world.ancestors(*x).contains(&me)).collect(),
        RelationKind::HasSibling => {
            let family = world.family(me);
            all.filter(|x| family.is_some() && world.family(*x) == family).collect()
        }
        RelationKind::PrecededBy | RelationKind::FollowedBy | RelationKind::Overlaps => all.collect(),
    }
}

/// Whether this other span counts.
fn holds(world: &World<'_>, me: usize, other: usize, relation: &Relation) -> Truth {
    let mut truth = predicate(world, Subject::span(other), &relation.other);
    if truth == Truth::False {
        return truth;
    }
    for same in &relation.same {
        truth = truth.and(shares(world, me, other, same));
    }
    let (first, second) = match relation.kind {
        RelationKind::PrecededBy => (other, me),
        RelationKind::FollowedBy => (me, other),
        RelationKind::Overlaps => return truth.and(overlap(world, me, other)),
        _ => return truth,
    };
    truth = truth.and(before(world, first, second));
    if let Some(limit) = relation.within {
        truth = truth.and(gap_within(world, first, second, limit));
    }
    if let Some(between) = &relation.without
        && truth != Truth::False
    {
        truth = truth.and(lies_between(world, me, first, second, relation, between).negate());
    }
    truth
}

/// Whether a span that satisfies the predicate starts at or after the first's end and ends at or before the second's start.
fn lies_between(world: &World<'_>, me: usize, first: usize, second: usize, relation: &Relation, between: &Expr) -> Truth {
    let open = match world.stream {
        Some(stretch) if world.span(second).start > stretch.last => Reasons::of(Reason::Shutdown),
        Some(_) => Reasons::NONE,
        None => world.open.with(dangling(world, &selector(between), None)),
    };
    (0..world.spans.len())
        .filter(|at| *at != first && *at != second && is_seen(world, me, *at, relation))
        .map(|at| {
            let fits = predicate(world, Subject::span(at), between);
            if fits == Truth::False { fits } else { fits.and(before(world, first, at)).and(before(world, at, second)) }
        })
        .fold(Truth::false_unless(open), Truth::or)
}

/// Whether both spans have a value of the term in common.
fn shares(world: &World<'_>, a: usize, b: usize, same: &Term) -> Truth {
    let (left, right): (Reading, Reading) = (term(world, Subject::span(a), same), term(world, Subject::span(b), same));
    if left.is_missing() || right.is_missing() {
        return Truth::False;
    }
    let common = left.values.iter().any(|(x, _)| right.values.iter().any(|(y, _)| x.equals(y)));
    if common { Truth::True } else { Truth::false_unless(left.open.with(right.open)) }
}

/// Whether the relation sees the other span. In the `spans` scope it does not look further beyond what it asks for than a trace
/// lasts at most: a span is seen when it has ended, and nothing is kept for ever.
fn is_seen(world: &World<'_>, me: usize, other: usize, relation: &Relation) -> bool {
    if world.stream.is_none() {
        return true;
    }
    let near = world.config.max_skew.saturating_add(world.config.max_duration);
    let far = near.saturating_add(relation.within.unwrap_or(0));
    let (back, on) = if relation.kind == RelationKind::PrecededBy { (far, near) } else { (near, far) };
    let (mine, its) = (world.span(me).end, world.span(other).end);
    mine.saturating_sub(back) <= its && its <= mine.saturating_add(on)
}

/// In the `spans` scope: why a span that would count may not have been seen.
fn unobserved(world: &World<'_>, me: usize, relation: &Relation, stretch: Stretch) -> Reasons {
    let span = world.span(me);
    let within = relation.within.unwrap_or(0);
    let reasons = if relation.kind == RelationKind::PrecededBy {
        [
            (stretch.first.saturating_add(within) > span.start, Reason::Shutdown),
            (span.end > stretch.last, Reason::Shutdown),
            (span.end - span.start > world.config.max_duration, Reason::Limit),
        ]
    } else {
        let last = span.end.saturating_add(within).saturating_add(world.config.max_skew);
        [(last > stretch.last, Reason::Shutdown), (false, Reason::Shutdown), (false, Reason::Limit)]
    };
    reasons.into_iter().filter(|(holds, _)| *holds).fold(Reasons::NONE, |all, (_, reason)| all.with(Reasons::of(reason)))
}

/// Why a span that would count may be missing.
fn more_may_come(world: &World<'_>, me: usize, relation: &Relation) -> Reasons {
    if let Some(stretch) = world.stream {
        return unobserved(world, me, relation, stretch);
    }
    match relation.kind {
        // What stands above a span is known once it has come, whatever else was lost.
        RelationKind::HasParent => match world.above(me) {
            Above::Lost => world.lost(),
            _ => Reasons::NONE,
        },
        RelationKind::HasAncestor => match world.way(me).end {
            WayEnd::Lost => world.lost(),
            _ => Reasons::NONE,
        },
        RelationKind::HasSibling if world.above(me) == Above::Nothing && world.span(me).parent_id.is_none() => Reasons::NONE,
        RelationKind::HasSibling => world.open,
        RelationKind::HasChild | RelationKind::HasDescendant => world.open.with(dangling(world, &selector(&relation.other), Some(me))),
        RelationKind::PrecededBy | RelationKind::FollowedBy | RelationKind::Overlaps => {
            world.open.with(dangling(world, &selector(&relation.other), None))
        }
    }
}

/// The spanset of the spans that satisfy a predicate.
fn selector(of: &Expr) -> Vec<Step> {
    vec![Step::Where(of.clone())]
}
