//! Which spans a rule can miss.

use fluo_lang::program::{Expr, Guard, Rule, Spanset, Step};

use super::claim::spansets;

/// Every selector whose absence the rule may conclude: its spansets, and the other spans of its relations.
#[must_use]
pub fn selectors(rule: &Rule) -> Vec<Vec<Step>> {
    let mut sets: Vec<&Spanset> = Vec::new();
    let mut found = Vec::new();
    let guard = match &rule.guard {
        Guard::Everywhere => None,
        Guard::When(e) | Guard::Derived(e) => Some(e),
    };
    for expr in std::iter::once(&rule.claim).chain(guard) {
        spansets(expr, &mut sets);
        relations(expr, &mut found);
    }
    for set in sets {
        found.push(set.steps.clone());
        for step in &set.steps {
            if let Step::Where(p) = step {
                relations(p, &mut found);
            }
        }
    }
    found.dedup();
    found
}

fn relations(expr: &Expr, found: &mut Vec<Vec<Step>>) {
    match expr {
        Expr::Not(inner) => relations(inner, found),
        Expr::And(all) | Expr::Or(all) => all.iter().for_each(|inner| relations(inner, found)),
        Expr::Implies(a, b) => {
            relations(a, found);
            relations(b, found);
        }
        Expr::Quantified { predicate, .. } => relations(predicate, found),
        Expr::Relation(relation) => {
            for other in std::iter::once(&relation.other).chain(&relation.without) {
                found.push(vec![Step::Where(other.clone())]);
                relations(other, found);
            }
        }
        _ => {}
    }
}
