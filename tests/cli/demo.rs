//! The demo: counts and digest that are checked in, from anywhere, in any build.

use networks::{Card, Network, Weights, files};
use serde_json::Value;

use crate::{Run, janus, run};

fn expected() -> Value {
    serde_json::from_str(include_str!("../expected/demo.json")).expect("JSON")
}

fn agrees(run: &Run) {
    agrees_with(run, &expected());
}

fn agrees_with(run: &Run, expected: &Value) {
    let got = run.json();
    assert_eq!(run.code, 0, "{}", run.stderr);
    for (key, want) in expected.as_object().expect("an object") {
        assert_eq!(&got[key], want, "{key}");
    }
}

#[test]
fn it_comes_to_the_counts_and_the_digest_that_are_checked_in() {
    let demo = run(&["demo", "--json"]);
    agrees(&demo);
    let got = demo.json();
    let count = |key: &str| got[key].as_u64().expect(key);
    assert_eq!(count("rows"), count("accepted") + count("refused") + count("ignored") + count("bookkeeping"));
    assert_eq!(count("decisions"), count("samples") + count("startles"));
    assert!(count("fills") >= 20);
    assert_eq!(count("trips"), 1);
    // 7,198 of the samples have a return; a window of 16 fills twice, as the restart after the trip clears it
    assert_eq!(count("frames_encoded"), 7198 - 2 * 15);
    assert_eq!(got["parts"][1]["name"], "out of sample");
    for key in ["pnl_gross", "fees", "pnl_net"] {
        assert!(got[key].is_string(), "money is text: {key}");
    }
}

#[test]
fn without_a_network_the_rule_decides() {
    let demo = run(&["demo", "--json", "--untrained"]);
    agrees_with(&demo, &serde_json::from_str(include_str!("../expected/untrained.json")).expect("JSON"));
    let got = demo.json();
    assert!(got["policy"].as_str().expect("words").contains("untrained"));
    assert_eq!((&got["frames_encoded"], &got["parts"]), (&0.into(), &Value::Null));
}

#[test]
fn it_tells_what_each_modality_is_worth() {
    let ablated = run(&["demo", "--ablate", "--json"]);
    assert_eq!(ablated.code, 0, "{}", ablated.stderr);
    let got = ablated.json();
    let without = |at: usize| &got["without"][at];
    let names: Vec<_> = (0..4).map(|at| without(at)["modality"].as_str().expect("a name")).collect();
    assert_eq!(names, ["vision", "price", "text", "memory"]);
    for acts in [0, 1, 3] {
        assert!(without(acts)["changed"].as_u64() > Some(0), "{got}");
    }
    let share = without(0)["share_of_not_hold"].as_f64();
    assert!(share >= Some(0.01), "README and card say that vision is used: {got}");
    // masked already
    assert_eq!(without(2)["changed"], 0);
    run(&["demo", "--ablate", "--untrained"]).fails(2, &["no network decides"]);
}

#[test]
fn it_is_the_same_from_another_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = janus(&["demo", "--json"]).current_dir(folder.path()).output().expect("it starts");
    agrees(&Run::of(output));
}

#[test]
fn it_prints_tables_for_people_and_keeps_its_thoughts() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let demo = run(&["demo", "--out", &out.display().to_string()]);
    assert_eq!(demo.code, 0, "{}", demo.stderr);
    for words in
        ["314,341", "digest of all decisions", "the cost filter", "The paper exchange assumes", "Next:"]
    {
        assert!(demo.stdout.contains(words) || demo.stderr.contains(words), "{words}");
    }
    let rows = |name: &str| {
        let mut reader = csv::Reader::from_path(out.join(name)).expect(name);
        reader.records().inspect(|row| assert!(row.is_ok())).count() as u64
    };
    let expected = expected();
    assert_eq!(rows("decisions.csv"), expected["decisions"].as_u64().expect("a count"));
    assert_eq!(rows("fills.csv"), expected["fills"].as_u64().expect("a count"));
}

#[test]
fn with_the_cost_filter_it_holds_and_says_why() {
    let demo = run(&["demo", "--json", "--set", "cerebellum.edge_filter=true"]);
    assert_eq!(demo.code, 0, "{}", demo.stderr);
    let got = demo.json();
    assert_eq!(got["orders"], 0);
    assert!(got["reasons"]["no_edge"].as_u64().expect("a count") > 10);
    assert_ne!(got["digest"], expected()["digest"]);
}

#[test]
fn another_order_quantity_makes_another_digest() {
    let demo = run(&["demo", "--json", "--set", "instrument.BTCUSD.lot=0.0002"]);
    assert_eq!(demo.code, 0, "{}", demo.stderr);
    assert_ne!(demo.json()["digest"], expected()["digest"]);
}

#[test]
fn its_tape_is_verified_thought_again_and_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("tape").display().to_string();
    agrees(&run(&["demo", "--json", "--journal", &dir]));
    let verified = run(&["verify", "--json", "--journal", &dir]);
    assert_eq!((verified.code, &verified.json()["verdict"]), (0, &"clean".into()), "{}", verified.stderr);
    let replayed = run(&["replay", "--json", "--journal", &dir]);
    let got = replayed.json();
    assert_eq!((replayed.code, &got["verdict"]), (0, &"identical".into()), "{}", replayed.stderr);
    assert_eq!((&got["digest"], &got["decisions"]), (&expected()["digest"], &expected()["decisions"]));
    let elsewhere = run(&["replay", "--json", "--backend", "ort-tract", "--journal", &dir]);
    let got = elsewhere.json();
    assert_eq!((elsewhere.code, &got["verdict"]), (0, &"agrees".into()), "{}", elsewhere.stderr);
    assert!(got["largest_difference"].as_f64() > Some(0.0) && got["beyond_tolerance"] == 0, "{got}");
    let told = run(&["replay", "--backend", "ort-tract", "--to", "200000", "--journal", &dir]);
    assert!(told.code == 0 && told.stdout.starts_with("same within "), "{}{}", told.stdout, told.stderr);
    let why = run(&["why", "--last", "--journal", &dir]);
    assert_eq!(why.code, 0, "{}", why.stderr);
    assert!(why.stdout.contains("basal ganglia") && why.stdout.contains("slippage"), "{}", why.stdout);
    let again = run(&["demo", "--json", "--journal", &dir]);
    again.fails(2, &["there is a journal here already"]);
}

#[test]
fn a_network_whose_golden_windows_give_no_numbers_is_refused_where_it_is_loaded() {
    let network = files::read(&support::root().join("models/next-move")).expect("the network that ships");
    let (shape, weights) = (network.card.shape.clone(), network.weights().expect("weights of ours"));
    let of = |name: String| {
        let mut numbers = weights.get(&name).to_vec();
        numbers.iter_mut().filter(|_| name == "heads.go.weight").for_each(|number| *number = f32::MAX);
        (name, numbers)
    };
    let tensors = shape.tensors().into_iter().map(|(name, _)| of(name)).collect();
    let card = Card { schemas: None, ..network.card };
    let network = Network::new(card, Weights::new(&shape, tensors).expect("finite"));
    let folder = tempfile::tempdir().expect("a folder");
    files::write(&network.expect("a network"), folder.path()).expect("written");
    let dir = folder.path().display().to_string();
    run(&["demo", "--no-journal", "--network", &dir]).fails(2, &["heads: number", "golden window 0"]);
}

#[test]
fn it_comes_to_the_same_without_a_journal_and_leaves_none() {
    let scratch = tempfile::tempdir().expect("a folder");
    let command = &mut janus(&["demo", "--json", "--no-journal"]);
    agrees(&Run::of(command.env("TMPDIR", scratch.path()).output().expect("it starts")));
    assert_eq!(std::fs::read_dir(scratch.path()).expect("a folder").count(), 0);
}
