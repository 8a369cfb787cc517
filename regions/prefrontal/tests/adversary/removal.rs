//! Each hard rule taken out in turn, in one process: something notices.

use std::sync::Arc;

use rules::RuleSet;

use crate::coverage::Coverage;
use crate::episode::play;
use crate::{SEED, hard, terms};

/// Rules that an order can break, with what the oracle then says. Of the others it knows nothing: what misses
/// them are their examples, and the scenes of the region's own tests.
const OBJECTIONS: [(&str, &str); 11] = [
    ("order_size", "order size"),
    ("position", "position"),
    ("notional", "notional"),
    ("capital", "capital"),
    ("collar", "collar"),
    ("rate", "rate"),
    ("duplicate", "a duplicate of"),
    ("stale_reference", "the reference is stale"),
    ("value_rate_limit", "value in ten seconds"),
    ("restricted_list", "on the restricted list"),
    ("repeated_execution", "fills in a minute"),
];

/// Episodes within which the oracle has to object.
const EPISODES: u64 = 400;

fn objection(rules: RuleSet) -> Option<String> {
    let rules = Arc::new(rules);
    let mut coverage = Coverage::default();
    (0..EPISODES).find_map(|episode| play(&rules, SEED, episode, &mut coverage).err())
}

#[test]
fn the_oracle_misses_each_rule_that_is_taken_out() {
    let rules = terms::rules();
    assert_eq!(hard(&rules).len(), OBJECTIONS.len() + 3, "a rule has come or gone");
    for (name, words) in OBJECTIONS {
        let objection = objection(rules.without(name).expect("it is there"));
        let said = objection.unwrap_or_else(|| panic!("nothing noticed that {name} is gone"));
        assert!(said.split(';').next().is_some_and(|what| what.contains(words)), "without {name}: {said}");
    }
}
