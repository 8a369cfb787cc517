//! Rules that take effect in a running daemon (MA-6), and what a tape then proves.

use std::path::Path;

use journal::{Reader, artefacts};
use serde_json::Value;
use synapse::{DecisionRecord, NoticeKind, Outcome, Reason};

use crate::common::{Ended, Process, replay, tell, until_status};
use crate::place::Place;
use crate::tape::{activations, decisions, notices, placed, proved, records};

const ROWS: usize = 9_000;
const SHIPPED: &str = include_str!("../../config/compliance.ltn");

/// A daemon that has placed orders.
fn trading(place: &Place) -> Process {
    let daemon = place.daemon(&place.journal(), &["--speed", "2", "--once", &place.feed()]);
    more_orders(&place.journal(), 0);
    daemon
}

/// Waits until more than so many orders were placed; how many.
fn more_orders(journal: &Path, than: u64) -> u64 {
    let orders = |status: &Value| status["orders"].as_u64();
    let status = until_status(journal, "orders", |status| orders(status) > Some(than));
    orders(&status).expect("a count")
}

/// Waits until so many more decisions were made.
fn more_decisions(journal: &Path, more: u64) {
    let count = |status: &Value| status["decisions"].as_u64();
    let then = count(&until_status(journal, "a status", |status| count(status).is_some()));
    until_status(journal, "decisions", |status| count(status) > then.map(|n| n + more));
}

fn apply(place: &Place, by: &str, text: &str) -> Ended {
    let path = place.path("next.ltn");
    std::fs::write(&path, text).expect("written");
    let path = path.display().to_string();
    tell(&["rules", "apply", &path, "--by", by, "--reason", "bad news"], &place.journal())
}

fn refused_by(decision: &DecisionRecord) -> Option<&str> {
    match &decision.verdict.outcome {
        Outcome::Rest(Reason::Refused { rule, .. }) => Some(rule.as_str()),
        _ => None,
    }
}

/// The rules that ship, with BTCUSD on the restricted list.
fn restricted() -> String {
    let list = "const restricted = {GME, AMC}";
    assert!(SHIPPED.contains(list), "the list that ships");
    SHIPPED.replace(list, "const restricted = {GME, AMC, BTCUSD}")
}

#[test]
fn a_restriction_takes_effect_for_the_next_order_under_the_name_of_who_made_it_and_is_taken_back() {
    let place = Place::new(ROWS);
    let journal = place.journal();
    let daemon = trading(&place);
    let told = apply(&place, "mo", &restricted());
    assert_eq!(told.code, Some(0), "{told:?}");
    more_decisions(&journal, 100);
    let before = until_status(&journal, "a status", |_| true)["orders"].as_u64().expect("a count");
    let back = ["brain", "rollback", "--kind", "rules", "--by", "ann", "--reason", "a false alarm"];
    let told_back = tell(&back, &journal);
    assert_eq!(told_back.code, Some(0), "{told_back:?}");
    more_orders(&journal, before);
    let listed = tell(&["brain", "ls"], &journal).stdout;
    let ended = daemon.end().json();

    let tape = proved(&journal);
    let [(at, new), (back_at, old)] = &activations(&tape)[..] else { panic!("two: {told:?}") };
    let by = notices(&tape).filter_map(|(_, notice)| match notice {
        NoticeKind::Activate { by, .. } => Some(by.as_str()),
        _ => None,
    });
    assert_eq!(by.collect::<Vec<_>>(), ["mo", "ann"]);
    assert!(told.stdout.contains(&at.to_string()) && told.stdout.contains(&new.to_string()), "{told:?}");
    assert!(artefacts::get(&journal, "rules", new).expect("kept").starts_with(restricted().as_bytes()));
    assert_eq!(Some(*old), Reader::open(&journal).expect("a tape").manifest().rules, "what it began with");
    assert!(
        listed.contains(&format!("{old} rules")) && listed.contains(&format!("input {back_at}")),
        "{listed}"
    );
    let between = |it: &&DecisionRecord| it.sequence > *at && it.sequence < *back_at;
    let restricted: Vec<_> = decisions(&tape).filter(between).collect();
    let is_judged = |it: &&&DecisionRecord| !it.verdict.rules.is_empty();
    assert!(restricted.iter().filter(is_judged).count() > 0, "an order was wanted meanwhile");
    for decision in restricted.iter().filter(is_judged) {
        assert_eq!(refused_by(decision), Some("restricted_list"), "{}", decision.sequence);
    }
    assert_eq!(restricted.iter().copied().flat_map(placed).count(), 0);
    let is_free = |it: &&DecisionRecord| !between(it);
    assert!(decisions(&tape).filter(is_free).all(|it| refused_by(it) != Some("restricted_list")));
    assert!(decisions(&tape).filter(|it| it.sequence > *back_at).flat_map(placed).count() > 0);
    assert_eq!(replay(&journal)["digest"], ended["digest"]);
}

#[test]
fn rules_that_do_not_stand_change_nothing() {
    let place = Place::new(ROWS);
    let plain = place.daemon(&place.path("plain"), &["--speed", "max", "--once", &place.feed()]).end().json();
    let journal = place.journal();
    let daemon = trading(&place);
    apply(&place, "mo", "hard rule none").fails(2, &["next.ltn", "expected"]);
    let without = "hard rule some: forall o in orders: quantity(o) <= 1 units\n";
    apply(&place, "mo", without).fails(2, &["not enforced"]);
    apply(&place, " ", SHIPPED).fails(2, &["by may not be empty"]);
    // a client of another build may have checked nothing
    for (rules, words) in [("hard rule none", "expected"), (without, "not enforced")] {
        let bad = artefacts::put(&journal, "rules", rules.as_bytes()).expect("kept").to_string();
        let args = ["brain", "activate", &bad, "--by", "mo", "--reason", "bad news"];
        tell(&args, &journal).fails(2, &[&bad, words]);
    }
    let end = daemon.end().json();
    assert_eq!(activations(&records(&journal)), []);
    for key in ["digest", "inputs", "decisions"] {
        assert_eq!(end[key], plain[key], "{key}");
    }
}

/// The rules that ship and one over a predicate of the user's own, in files beside the configuration, which names them.
fn with_own_predicate(place: &Place) {
    let own = place.path("predicates/bold");
    std::fs::create_dir_all(&own).expect("a folder");
    let calm = support::root().join("models/predicates/calm");
    let card = std::fs::read_to_string(calm.join("card.json")).expect("a card");
    std::fs::write(own.join("card.json"), card.replace("\"calm\"", "\"bold\"")).expect("written");
    std::fs::copy(calm.join("weights.safetensors"), own.join("weights.safetensors")).expect("written");
    let rule = "learned bold over orders \"a word of the user's own\"\n\
                soft rule own_word weight 1.0: forall o in orders: execute(o) => bold(o)\n";
    std::fs::write(place.path("own.ltn"), format!("{SHIPPED}{rule}")).expect("written");
    let config = std::fs::read_to_string(place.path("config.toml")).expect("a configuration");
    let config = format!("{config}[prefrontal]\nrules = \"{}\"\n", place.path("own.ltn").display());
    std::fs::write(place.path("config.toml"), config).expect("written");
}

#[test]
fn a_learned_predicate_is_kept_with_the_tape_and_read_from_it_alone() {
    let place = Place::new(ROWS);
    with_own_predicate(&place);
    let journal = place.journal();
    let ended = place.daemon(&journal, &["--speed", "max", "--once", &place.feed()]).end().json();
    let tape = records(&journal);
    let truths = |name: &str| -> Vec<u64> {
        let rules = decisions(&tape).flat_map(|it| &it.verdict.rules);
        rules.filter(|it| it.rule.as_str() == name).map(|it| it.product.to_bits()).collect()
    };
    // as the predicate that it was copied from, word for word
    assert!(truths("own_word").iter().collect::<std::collections::BTreeSet<_>>().len() > 10);
    let own = artefacts::list(&journal).expect("artefacts");
    let own: Vec<_> = own.into_iter().filter(|it| it.kind == "predicate").collect();
    assert_eq!(own.len(), 3, "two that ship, and one: {own:?}");
    let listed = tell(&["brain", "ls", "--json"], &journal).stdout;
    let active = |line: &&str| line.contains("\"predicate\"") && line.contains("\"active\":true");
    assert_eq!(listed.lines().filter(active).count(), 3, "{listed}");

    std::fs::remove_dir_all(place.path("predicates")).expect("removed");
    std::fs::remove_file(place.path("own.ltn")).expect("removed");
    assert_eq!(replay(&journal)["digest"], ended["digest"]);
    let judged = decisions(&tape).find(|it| !it.verdict.rules.is_empty()).expect("an order");
    let id = format!("{}:{}", judged.sequence, judged.instrument.0);
    let told = tell(&["rules", "explain", &id, "--rule", "own_word"], &journal);
    assert!(told.code == Some(0) && told.stdout.contains("bold(o)"), "{told:?}");
    let why = tell(&["why", &id], &journal);
    assert!(why.code == Some(0) && why.stdout.contains("own_word"), "{why:?}");

    for artefact in &own {
        let path = journal.join(format!("artefacts/{}.predicate", artefact.hash));
        let whole = std::fs::read(&path).expect("kept");
        let mut bent = whole.clone();
        *bent.last_mut().expect("bytes") ^= 1;
        std::fs::write(&path, bent).expect("written");
        let name = artefact.hash.to_string();
        tell(&["replay"], &journal).fails(2, &[&name, "damaged"]);
        place.daemon_again(&journal, &["--once", &place.feed()]).end().fails(2, &[&name, "damaged"]);
        std::fs::remove_file(&path).expect("removed");
        tell(&["replay"], &journal).fails(2, &[&name, "missing"]);
        tell(&["rules", "explain", &id], &journal).fails(2, &[&name, "missing"]);
        std::fs::write(&path, whole).expect("written");
    }
    assert_eq!(replay(&journal)["digest"], ended["digest"]);
}

#[test]
fn a_predicate_that_nothing_grounds_or_that_is_called_otherwise_is_refused() {
    let place = Place::new(100);
    with_own_predicate(&place);
    let own = |name: &str| place.path("predicates").join(name);
    std::fs::rename(own("bold"), own("brave")).expect("renamed");
    let run = || place.daemon(&place.journal(), &["--once", &place.feed()]).end();
    run().fails(2, &["`bold`", "calm, informed_flow", &own("bold").display().to_string()]);
    std::fs::rename(own("brave"), own("bold")).expect("renamed");
    let calm = std::fs::read(support::root().join("models/predicates/calm/card.json")).expect("a card");
    std::fs::write(own("bold").join("card.json"), calm).expect("written");
    run().fails(2, &["`bold`", "named `calm`"]);
    std::fs::remove_file(own("bold").join("weights.safetensors")).expect("removed");
    run().fails(2, &["weights.safetensors"]);
}
