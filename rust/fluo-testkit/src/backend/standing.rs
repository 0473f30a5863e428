//! From the signals of rules over `spans` to what a person keeps in mind: which violations were told, and which of them are over.

use fluo_engine::Signal;
use fluo_engine::signal::Event;

/// A violation of a group of a rule over `spans` that was signalled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing {
    /// The rule.
    pub rule: String,
    /// The group's values as canonical text.
    pub group: Vec<String>,
    /// The instant at which its episode begins, as known when it was signalled: event time, Unix nanoseconds.
    pub begin: u64,
    /// The episode that its resolution names, if there was one.
    pub resolved: Option<(u64, u64)>,
}

/// A standing violation with its id.
type ById = ([u8; 16], Standing);

/// Follows the signals of rules with windows in the order in which they left. Gives the violations with their ids, and what is wrong
/// whatever was violated: each id is resolved at most once, was signalled before, and never comes again after that. `repeats` says
/// whether a rule signals a lasting violation again.
pub fn standing<'s>(signals: impl Iterator<Item = &'s Signal>, repeats: &dyn Fn(&str) -> bool) -> (Vec<ById>, Vec<String>) {
    let mut found: Vec<ById> = Vec::new();
    let mut wrong = Vec::new();
    for signal in signals {
        let group: Vec<String> = signal.group.iter().map(|(_, value)| value.clone()).collect();
        let mut say = |what: &str| wrong.push(format!("{} {group:?}: {what}", signal.rule));
        let Some((from, to)) = signal.window else {
            say("a signal without a window");
            continue;
        };
        let known = found.iter_mut().find(|(id, _)| *id == signal.violation_id).map(|(_, standing)| standing);
        if known.as_ref().is_some_and(|known| (&known.rule, &known.group) != (&signal.rule, &group)) {
            say("an id of another group");
            continue;
        }
        match (signal.event, known) {
            (Event::Violation, None) => {
                found.push((signal.violation_id, Standing { rule: signal.rule.clone(), group, begin: to, resolved: None }));
            }
            (Event::Violation, Some(known)) if known.resolved.is_some() => say("an id signalled after its resolution"),
            (Event::Violation, Some(_)) if repeats(&signal.rule) => {}
            (Event::Violation, Some(_)) => say("an id signalled twice"),
            (Event::Resolved, Some(known)) if known.resolved.is_none() => known.resolved = Some((from, to)),
            (Event::Resolved, Some(_)) => say("an id resolved twice"),
            (Event::Resolved, None) => say("an id resolved that was not signalled"),
            (Event::Retracted, _) => say("a window retracted"),
        }
    }
    (found, wrong)
}
