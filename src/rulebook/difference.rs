//! Where two rule sets differ over one order.

use std::collections::BTreeMap;

use serde::Serialize;
use synapse::{Code, RuleTruth};

/// What one rule set says of an order, as far as the other does not say the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// The first hard rule that refuses it; none where it may go.
    pub refused: Option<Code>,
    /// The rules that are broken in this set and not in the other.
    pub broken: Vec<RuleTruth>,
}

/// Two rule sets that do not say the same of an order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The first.
    pub a: Side,
    /// The second.
    pub b: Side,
}

impl Side {
    fn new(all: &[RuleTruth], other: &[RuleTruth]) -> Self {
        let is_broken_in = |all: &[RuleTruth], rule| all.iter().any(|it| it.rule == rule && !it.passed);
        let refused = all.iter().find(|it| it.is_hard && !it.passed).map(|it| it.rule);
        let only_here = |it: &&RuleTruth| !it.passed && !is_broken_in(other, it.rule);
        Self { refused, broken: all.iter().filter(only_here).copied().collect() }
    }

    /// Its verdict in words.
    pub fn verdict(&self) -> String {
        self.refused.map_or("may go".to_owned(), |rule| format!("refused by {rule}"))
    }
}

impl Difference {
    /// Whether one lets the order go and the other does not.
    pub const fn changes_verdict(&self) -> bool {
        self.a.refused.is_some() != self.b.refused.is_some()
    }

    /// The rules that make it, each with its numbers.
    pub fn rules(&self) -> String {
        let of = |side: &Side, name: &str| {
            let told = side.broken.iter().map(|rule| format!("{name}: {}", told(rule)));
            told.collect::<Vec<_>>()
        };
        [of(&self.a, "A"), of(&self.b, "B")].concat().join("; ")
    }
}

fn told(rule: &RuleTruth) -> String {
    let soft = if rule.is_hard { "" } else { ", soft" };
    let unit = rule.unit.as_str();
    let space = if unit.is_empty() { "" } else { " " };
    format!("{} ({} against {}{space}{unit}{soft})", rule.rule, rule.value, rule.bound)
}

/// Where two rule sets differ: which rules are broken in one and not in the other. A rule that only one set has
/// counts where it is broken.
pub fn between(a: &[RuleTruth], b: &[RuleTruth]) -> Option<Difference> {
    let difference = Difference { a: Side::new(a, b), b: Side::new(b, a) };
    let differs = !difference.a.broken.is_empty() || !difference.b.broken.is_empty();
    differs.then_some(difference)
}

/// How often two rule sets differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Orders that were judged by both.
    pub candidates: u64,
    /// Those of which both do not say the same.
    pub differ: u64,
    /// Those that A lets go and B refuses.
    pub only_b_refuses: u64,
    /// Those that B lets go and A refuses.
    pub only_a_refuses: u64,
    /// How often each rule is broken in one set and not in the other.
    pub rules: BTreeMap<String, u64>,
}

impl Totals {
    /// Counts an order.
    pub fn note(&mut self, difference: Option<&Difference>) {
        self.candidates += 1;
        let Some(difference) = difference else { return };
        self.differ += 1;
        if difference.changes_verdict() {
            let of = if difference.a.refused.is_some() {
                &mut self.only_a_refuses
            } else {
                &mut self.only_b_refuses
            };
            *of += 1;
        }
        for rule in difference.a.broken.iter().chain(&difference.b.broken) {
            *self.rules.entry(rule.rule.to_string()).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(name: &str) -> Code {
        Code::new(name).expect("it is short")
    }

    fn rule(name: &str, is_hard: bool, passed: bool) -> RuleTruth {
        RuleTruth {
            rule: code(name),
            is_hard,
            value: 5.0.into(),
            bound: 3.0.into(),
            unit: code("units"),
            passed,
            product: 0.25,
            lukasiewicz: 0.25,
        }
    }

    #[test]
    fn what_both_say_is_no_difference() {
        let kept = [rule("small", true, true), rule("calm", false, true)];
        let broken = [rule("small", true, false)];
        assert_eq!(between(&kept, &kept), None);
        assert_eq!(between(&kept, &[]), None, "a rule that is kept makes no difference");
        assert_eq!(between(&broken, &broken), None);
    }

    #[test]
    fn a_rule_that_only_one_breaks_is_one() {
        let (loose, tight) = ([rule("small", true, true)], [rule("small", true, false)]);
        let difference = between(&loose, &tight).expect("it differs");
        assert!(difference.changes_verdict());
        assert_eq!(
            (difference.a.verdict(), difference.b.verdict()),
            ("may go".into(), "refused by small".into())
        );
        assert_eq!(difference.rules(), "B: small (5 against 3 units)");
    }

    #[test]
    fn a_soft_rule_changes_no_verdict_and_another_refusal_is_still_one() {
        let soft = between(&[rule("calm", false, false)], &[]).expect("it differs");
        assert!(!soft.changes_verdict());
        assert_eq!(soft.rules(), "A: calm (5 against 3 units, soft)");
        let other = between(&[rule("small", true, false)], &[rule("near", true, false)]).expect("it differs");
        assert!(!other.changes_verdict(), "both refuse");
        let mut totals = Totals::default();
        for difference in [Some(&soft), Some(&other), None] {
            totals.note(difference);
        }
        assert_eq!((totals.candidates, totals.differ), (3, 2));
        assert_eq!((totals.only_a_refuses, totals.only_b_refuses), (0, 0));
        assert_eq!(totals.rules.keys().collect::<Vec<_>>(), ["calm", "near", "small"]);
    }
}
