//! Configurations and policies that take effect in a running daemon, and what a tape then proves.

use std::path::Path;

use basal_ganglia::GoNoGo;
use journal::{Hash, Reader, artefacts};
use serde_json::Value;
use synapse::DecisionRecord;
use synapse::bytes::{decode, encode};

use crate::common::{Ended, Process, replay, tell, until_status};
use crate::place::Place;
use crate::tape::{activations, decisions, placed, records};

const ROWS: usize = 9_000;
const SIGNED: [&str; 4] = ["--by", "ann", "--reason", "a test"];

/// A daemon in the middle of its feed.
fn running(place: &Place, speed: &str, decisions: u64) -> Process {
    let daemon = place.daemon(&place.journal(), &["--speed", speed, "--once", &place.feed()]);
    until_status(&place.journal(), "decisions", |status| status["decisions"].as_u64() > Some(decisions));
    daemon
}

fn apply(place: &Place, name: &str, text: &str) -> Ended {
    let path = place.path(name);
    std::fs::write(&path, text).expect("written");
    tell(&[&["config", "apply", &path.display().to_string()], &SIGNED[..]].concat(), &place.journal())
}

fn activate(journal: &Path, hash: &str) -> Ended {
    tell(&[&["brain", "activate", hash], &SIGNED[..]].concat(), journal)
}

fn config(place: &Place) -> String {
    std::fs::read_to_string(place.path("config.toml")).expect("a configuration")
}

/// The tape's policy with one weight changed in its last place.
fn changed(journal: &Path) -> Hash {
    let manifest = Reader::open(journal).expect("a tape").manifest().clone();
    let bytes = artefacts::get(journal, "policy", &manifest.policy).expect("the policy");
    let policy: GoNoGo = decode(&bytes).expect("a policy");
    let weights = policy.go().weights();
    let largest = (0..weights.len()).max_by(|a, b| weights[*a].abs().total_cmp(&weights[*b].abs()));
    let largest = largest.expect("weights");
    let mut all = serde_json::to_value(&policy).expect("JSON");
    all["go"]["weights"][largest] = f32::from_bits(weights[largest].to_bits() + 1).into();
    let other: GoNoGo = serde_json::from_value(all).expect("a policy");
    assert_ne!(other, policy);
    artefacts::put(journal, "policy", &encode(&other)).expect("kept")
}

#[test]
fn an_applied_limit_takes_effect_at_one_input_and_stays() {
    let place = Place::new(ROWS);
    let journal = place.journal();
    let daemon = running(&place, "2", 150);
    let next = config(&place).replace("order_size = \"0.5\"", "order_size = \"0.003\"");
    let told = apply(&place, "next.toml", &next);
    assert_eq!(told.code, Some(0), "{told:?}");
    daemon.kill();
    let tape = records(&journal);
    let [(at, hash)] = activations(&tape)[..] else { panic!("one activation: {told:?}") };
    assert!(told.stdout.contains(&at.to_string()) && told.stdout.contains(&hash.to_string()), "{told:?}");
    // the active configuration is gone on with; the one of the beginning is another
    let old = place.daemon(&journal, &["--speed", "max", "--once", &place.feed()]).end();
    old.fails(2, &["not the one that is active"]);
    let ended = tell(&["run", "--json", "--once", "--speed", "max", &place.feed()], &journal).json();
    let tape = records(&journal);
    let (before, after): (Vec<_>, Vec<_>) = decisions(&tape).partition(|decision| decision.sequence <= at);
    let largest = |decisions: &[&DecisionRecord]| {
        let orders = decisions.iter().flat_map(|decision| placed(decision));
        orders.map(|order| order.quantity.to_f64()).fold(0.0, f64::max)
    };
    assert!(largest(&before) > 0.003 && largest(&after) <= 0.003, "{} {}", largest(&before), largest(&after));
    let refused = after.iter().filter(|d| format!("{:?}", d.verdict.outcome).contains("order_size")).count();
    assert!(refused > 0, "the new limit refuses");
    assert_eq!(replay(&journal)["digest"], ended["digest"]);
}

#[test]
fn a_bad_or_structural_change_changes_nothing() {
    let place = Place::new(ROWS);
    let plain = place.daemon(&place.path("plain"), &["--speed", "max", "--once", &place.feed()]).end().json();
    let journal = place.journal();
    let daemon = running(&place, "2", 20);
    let text = config(&place);
    apply(&place, "syntax.toml", "[limits").fails(2, &["syntax.toml"]);
    apply(&place, "typo.toml", &text.replace("rate =", "rat =")).fails(2, &["rat", "did you mean"]);
    apply(&place, "less.toml", &text.replace("collar = 50.0\n", "")).fails(2, &["collar"]);
    apply(&place, "bound.toml", &text.replace("margin = 0.05", "margin = 7.0")).fails(2, &["margin", "0.99"]);
    apply(&place, "grid.toml", &text.replace("grid_ms = 25", "grid_ms = 50"))
        .fails(2, &["grid_ms", "cannot change"]);
    let other = text.replace("BTCUSD]", "ETHUSD]");
    apply(&place, "names.toml", &other).fails(2, &["ETHUSD"]);
    activate(&journal, &"0".repeat(64)).fails(2, &["there is no artefact", "janus brain ls"]);
    let bad = artefacts::put(&journal, "policy", b"no policy").expect("kept");
    activate(&journal, &bad.to_string()).fails(2, &[&bad.to_string()]);
    let end = daemon.end().json();
    assert_eq!(activations(&records(&journal)), []);
    for key in ["digest", "inputs", "decisions"] {
        assert_eq!(end[key], plain[key], "{key}");
    }
}

#[test]
fn another_policy_takes_effect_and_is_listed() {
    let place = Place::new(ROWS);
    let journal = place.journal();
    let daemon = running(&place, "2", 150);
    let other = changed(&journal);
    let told = activate(&journal, &other.to_string());
    assert_eq!(told.code, Some(0), "{told:?}");
    let end = daemon.end().json();
    let [(at, hash)] = activations(&records(&journal))[..] else { panic!("one activation") };
    assert_eq!(hash, other);
    let rows = |args: &[&str]| {
        let told = tell(args, &journal);
        assert_eq!(told.code, Some(0), "{told:?}");
        told.stdout
    };
    let listed: Vec<Value> = rows(&["brain", "ls", "--json"])
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let active: Vec<_> = listed.iter().filter(|row| row["active"] == true).map(|row| &row["kind"]).collect();
    assert_eq!((listed.len(), active.len()), (6, 5), "{listed:?}");
    let policy = listed.iter().find(|row| row["hash"] == other.to_string().as_str()).expect("listed");
    assert_eq!((&policy["active"], &policy["since"]), (&true.into(), &at.into()));
    assert!(rows(&["brain", "ls"]).contains(&format!("active since input {at}")));
    assert_eq!(replay(&journal)["digest"], end["digest"]);
    let last = tell(&["replay", "--json", "--from", &u64::MAX.to_string()], &journal).json();
    assert_eq!((&last["verdict"], &last["digest"]), (&"identical".into(), &end["digest"]));
    assert!(last["from"].as_u64() > Some(at), "from a snapshot behind it: {last}");
}

#[test]
fn a_weight_changed_in_its_last_place_is_named() {
    let place = Place::new(ROWS);
    let journal = place.journal();
    place.daemon(&journal, &["--speed", "max", "--once", &place.feed()]).end().json();
    let other = changed(&journal).to_string();
    let told = tell(&["replay", "--json", "--policy", &other], &journal);
    told.fails(1, &["basal_ganglia", "decision"]);
    let report: Value = serde_json::from_str(told.stdout.lines().last().expect("a line")).expect("JSON");
    assert_eq!(report["verdict"], "differs");
    let (first, done) = (&report["first_difference"], report["decisions"].as_u64().expect("a number"));
    assert_eq!(first["region"], "basal_ganglia", "{report}");
    assert!(first["field"].as_str().is_some_and(|field| field.starts_with("proposal.")), "{report}");
    assert_ne!(first["recorded"], first["recomputed"]);
    let all = records(&journal);
    let mut numbers = decisions(&all).map(|decision| decision.sequence);
    // the one that is named is the last of those that were compared
    assert_eq!(first["sequence"].as_u64(), numbers.nth(done as usize - 1), "{report}");
    let missing = "0".repeat(64);
    tell(&["replay", "--policy", &missing], &journal).fails(2, &[&missing]);
    assert_eq!(replay(&journal)["verdict"], "identical");
}
