//! The judge against whatever learning, a market or a venue could come up with (G2, R4, R5): arbitrary beliefs,
//! numbers that are none, networks that lie, reports that are late or never come. An oracle with books of its own
//! says of every order that left whether it kept each limit and rule.
//!
//! `JANUS_ORDERS=1000000 cargo test --release -p prefrontal --test adversary -- --nocapture` plays until so many
//! orders came before the court; `JANUS_SEED` is where chance begins, `JANUS_EPISODE` plays one episode alone.

mod chance;
mod coverage;
mod episode;
mod mind;
mod oracle;
mod removal;
mod terms;
mod venue;

use std::sync::Arc;

use coverage::Coverage;
use episode::play;
use rules::RuleSet;

/// How many orders come before the court unless `JANUS_ORDERS` says otherwise.
const ORDERS: u64 = 20_000;
const SEED: u64 = 15;

/// Hard rules that no order breaks, because the region makes none that would: what breaks them stands in their
/// tables of examples.
const KEPT_BY_CONSTRUCTION: [&str; 1] = ["child_of_parent"];

fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// The names of the hard rules.
fn hard(rules: &RuleSet) -> Vec<String> {
    rules.rules().iter().filter(|rule| rule.is_hard()).map(|rule| rule.name.clone()).collect()
}

#[test]
fn nothing_that_is_believed_makes_an_order_pass_a_hard_rule() {
    let (rules, orders) = (Arc::new(terms::rules()), number("JANUS_ORDERS").unwrap_or(ORDERS));
    let seed = number("JANUS_SEED").unwrap_or(SEED);
    let only = number("JANUS_EPISODE");
    let mut coverage = Coverage::default();
    for episode in only.unwrap_or(0).. {
        if let Err(what) = play(&rules, seed, episode, &mut coverage) {
            panic!(
                "seed {seed}, episode {episode}, {what}\n\
                 again with: JANUS_SEED={seed} JANUS_EPISODE={episode} cargo test -p prefrontal --test adversary"
            );
        }
        if only.is_some() || coverage.judged >= orders {
            break;
        }
    }
    println!("seed {seed}: {coverage:#?}");
    if only.is_none() {
        covered(&coverage, &rules, orders);
    }
}

/// What has to have happened for the run to say something.
fn covered(coverage: &Coverage, rules: &RuleSet, orders: u64) {
    assert!(coverage.approved * 10 >= orders, "too few orders left: {coverage:#?}");
    assert!(coverage.children * 50 >= orders, "too few were parts of others: {coverage:#?}");
    assert!(coverage.faults > 0, "{coverage:#?}");
    for rule in hard(rules) {
        let is_kept = KEPT_BY_CONSTRUCTION.contains(&rule.as_str());
        assert_eq!(coverage.refusals.contains_key(&rule), !is_kept, "{rule}: {coverage:#?}");
    }
    for spec in synapse::Reason::ALL {
        assert!(coverage.reasons.contains_key(spec.name), "{}: {coverage:#?}", spec.name);
    }
    for kind in [
        "accepted",
        "rejected",
        "filled",
        "cancelled",
        "expired",
        "replaced",
        "cancel rejected",
        "replace rejected",
        "command",
        "restarted",
        "lapsed",
        "cancel sent",
        "latch",
        "quarantine",
        "activate",
        "slept",
        "news",
    ] {
        assert!(coverage.notices.contains_key(kind), "{kind}: {coverage:#?}");
    }
}
