//! `janus why`: every decision can be asked for, and says what the tape says.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{janus, janus_on, outcome, records};

const REGIONS: [&str; 9] = [
    "brainstem",
    "amygdala",
    "hippocampus",
    "neocortex",
    "visual cortex",
    "thalamus",
    "basal ganglia",
    "cerebellum",
    "prefrontal",
];

fn decisions() -> impl Iterator<Item = &'static Value> {
    records().iter().filter(|record| record["kind"] == "decision")
}

fn acted() -> Vec<&'static Value> {
    decisions().filter(|decision| outcome(decision) == "act").collect()
}

#[test]
fn a_decision_of_each_outcome_is_explained_in_the_order_of_the_line() {
    let mut examples: BTreeMap<String, &Value> = BTreeMap::new();
    decisions().for_each(|decision| _ = examples.entry(outcome(decision)).or_insert(decision));
    assert!(examples.len() >= 6, "the tape has decisions of many kinds: {:?}", examples.keys());
    for (outcome, decision) in examples {
        let id = format!("{}:BTCUSD", decision["sequence"]);
        let told = janus(&["why", &id]).succeeds().stdout;
        assert!(told.lines().count() <= 45, "{outcome}: more than a screen: {told}");
        let mut rest = told.as_str();
        for region in REGIONS {
            let at = rest.find(&format!("\n{region} ")).unwrap_or_else(|| panic!("no {region} in {told}"));
            rest = &rest[at + 1..];
        }
        let json = janus(&["why", &id, "--json"]).succeeds().json();
        assert_eq!(&json["decision"], decision);
        if let Some(reason) = json["reason"].as_str() {
            assert!(told.contains(reason) && told.contains("no order"), "{reason}: {told}");
            let (name, words) = (json["outcome"].as_str().expect("a name"), outcome.to_lowercase());
            assert_eq!(name.replace('_', ""), words);
        }
    }
}

#[test]
fn the_newest_that_acted_is_the_last_one_and_an_order_leads_to_its_decision() {
    let last = acted().pop().expect("an order");
    let told = janus(&["why", "--last"]).succeeds().stdout;
    let sequence = last["sequence"].to_string();
    assert_eq!(told, janus(&["why", &sequence]).succeeds().stdout);
    let places =
        |decision: &&&Value| decision["content"]["verdict"]["outcome"]["Act"][0]["Place"].is_object();
    let placed = acted().iter().find(places).copied().expect("an order placed");
    let order = format!("{}:0:0", placed["sequence"]);
    let told = janus(&["why", &order]).succeeds().stdout;
    assert!(told.starts_with(&format!("Decision {}:0, BTCUSD", placed["sequence"])), "{told}");
    assert!(told.contains(&format!("(order {order})")), "{told}");
}

#[test]
fn the_newest_not_taken_proposed_to_trade() {
    let proposed = |decision: &&Value| {
        let (content, proposal) = (&decision["content"], &decision["content"]["proposal"]);
        outcome(decision) != "act"
            && proposal["action"] != "hold"
            && proposal["target"] != content["account"]["position"]
    };
    let newest = decisions().filter(proposed).last().expect("one");
    let json = janus(&["why", "--not-taken", "--json"]).succeeds().json();
    assert_eq!(&json["decision"], newest);
}

#[test]
fn fills_and_slippage_are_those_on_the_tape() {
    let mut compared = 0;
    for decision in acted().into_iter().take(60) {
        let id = &decision["content"]["verdict"]["outcome"]["Act"][0]["Place"]["id"];
        let fills: Vec<&Value> = records()
            .iter()
            .map(|record| &record["content"]["Notice"]["Report"])
            .filter(|report| !id.is_null() && &report["id"] == id)
            .map(|report| &report["kind"]["Filled"])
            .filter(|fill| fill.is_object())
            .collect();
        let Some(first) = fills.first() else { continue };
        let number = |value: &Value| value.as_f64().expect("a number");
        let quantity: f64 = fills.iter().map(|fill| number(&fill["quantity"])).sum();
        let worth: f64 = fills.iter().map(|fill| number(&fill["quantity"]) * number(&fill["price"])).sum();
        let mid = number(&decision["content"]["mark2"]) / 2.0;
        let sign = if first["side"] == "buy" { 1.0 } else { -1.0 };
        let slippage_bp = sign * (worth / quantity - mid) / mid * 1e4;
        let json = janus(&["why", &decision["sequence"].to_string(), "--json"]).succeeds().json();
        let told = number(&json["sequel"]["realised_slippage_bp"]);
        assert!((told - slippage_bp).abs() < 1e-6, "{told} against {slippage_bp}");
        assert!(json["sequel"]["forecast_slippage_bp"].is_number());
        compared += 1;
    }
    assert!(compared >= 3, "only {compared} decisions with fills");
}

#[test]
fn a_question_without_an_answer_says_what_to_ask() {
    let feed = records().iter().find(|record| record["kind"] == "market").expect("an event");
    let sequence = feed["sequence"].to_string();
    janus(&["why", &sequence]).fails(2, &["no decision", "market", "--kind decision"]);
    janus(&["why", "99999999"]).fails(2, &["there is no input 99999999", "its last one is"]);
    janus(&["why", &format!("{sequence}:ETHUSD")])
        .fails(2, &["`ETHUSD` is not on this tape, which has BTCUSD"]);
    janus(&["why", "yesterday"]).fails(2, &["`yesterday` is no decision; write SEQUENCE"]);
    let rested =
        decisions().find(|decision| outcome(decision) != "act").expect("one")["sequence"].to_string();
    janus(&["why", &format!("{rested}:0:0")]).fails(2, &["placed no order"]);
    janus(&["why"]).fails(2, &["--last"]);
    // of two seconds nothing is decided
    let folder = tempfile::tempdir().expect("a folder");
    let config = support::root().join("config/demo.toml").display().to_string();
    let session = support::session().display().to_string();
    let journal = folder.path().join("journal");
    janus_on(&journal, &["backtest", "--config", &config, &session, "--to", "2026-05-02T02:36:22Z"])
        .succeeds();
    janus_on(&journal, &["why", "--last"])
        .fails(2, &["no decision on this tape asked anything of the venue"]);
}

#[test]
fn a_stretch_that_is_not_on_the_tape_is_not_replayed() {
    janus(&["replay", "--from", "300", "--to", "200"]).fails(2, &["--from 300 is behind --to 200"]);
    janus(&["replay", "--to", "99999999"]).fails(2, &["there is no input 99999999", "its last one is"]);
    janus(&["replay", "--policy", "abc"]).fails(2, &["64 hex digits", "janus brain ls"]);
}
