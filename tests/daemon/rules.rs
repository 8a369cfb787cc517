//! Rules that take effect in a running daemon (MA-6), and what a tape then proves.

use std::path::Path;

use janus::control::{self, Answer, Ask};
use journal::{Hash, Record, artefacts};
use serde_json::Value;
use synapse::{DecisionRecord, NoticeKind, Outcome, Reason};

use crate::common::{Ended, Process, replay, tell, until_status};
use crate::place::Place;
use crate::tape::{decisions, notices, placed, proved, records};

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

/// What took effect: when, what, and by whom.
fn activations(records: &[Record]) -> Vec<(u64, Hash, String)> {
    let of = |(sequence, notice): (u64, &NoticeKind)| match notice {
        NoticeKind::Activate { hash, by, .. } => Some((sequence, Hash(*hash), by.clone())),
        _ => None,
    };
    notices(records).filter_map(of).collect()
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
    let [(at, new, mo), (back_at, old, ann)] = &activations(&tape)[..] else { panic!("two: {told:?}") };
    assert_eq!((mo.as_str(), ann.as_str()), ("mo", "ann"));
    assert!(told.stdout.contains(&at.to_string()) && told.stdout.contains(&new.to_string()), "{told:?}");
    assert_eq!(artefacts::get(&journal, "rules", new).expect("kept"), restricted().as_bytes());
    assert_eq!(*old, Hash::of(SHIPPED.as_bytes()), "what it began with");
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
        let (by, reason) = ("mo".to_owned(), "bad news".to_owned());
        let said = control::ask(&journal, &Ask::Rules { rules: rules.to_owned(), by, reason });
        let Ok(Answer::Refused { code: 2, message }) = said else { panic!("{said:?}") };
        assert!(message.contains(words), "{message}");
    }
    let bad = artefacts::put(&journal, "rules", b"hard rule none").expect("kept").to_string();
    tell(&["brain", "activate", &bad, "--by", "mo", "--reason", "bad news"], &journal).fails(2, &[&bad]);
    let end = daemon.end().json();
    assert_eq!(activations(&records(&journal)), []);
    for key in ["digest", "inputs", "decisions"] {
        assert_eq!(end[key], plain[key], "{key}");
    }
}
