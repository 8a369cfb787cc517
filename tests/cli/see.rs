//! What the brain saw, as a picture.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;

use networks::{Card, Network, Shape, Weights, files};
use serde_json::Value;
use thalamus::price;

use crate::bad_input::{Desk, order, orders};
use crate::{Run, run};

/// A market that moves for half a minute, and a tape of it.
struct Taped {
    desk: Desk,
    tape: String,
}

impl Taped {
    fn new(desk: Desk, args: &[&str]) -> Self {
        let mut rows =
            vec![order(0, 1, "100", "5", "created", "bid"), order(1, 2, "104", "5", "created", "ask")];
        rows.extend((1..300).map(|at| {
            let volume = (1 + at * at % 17).to_string();
            order(
                100 * at,
                1 + at as u64 % 2,
                if at % 2 == 0 { "100" } else { "104" },
                &volume,
                "changed",
                if at % 2 == 0 { "bid" } else { "ask" },
            )
        }));
        let feed = desk.write("orders.csv", orders(&rows));
        let tape = desk.path("tape").display().to_string();
        let config = desk.config().to_owned();
        let ran =
            run(&[&["backtest", "--json", "--config", &config, "--journal", &tape, &feed], args].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        Self { desk, tape }
    }

    fn path(&self, name: &str) -> String {
        self.desk.path(name).display().to_string()
    }

    fn see(&self, at: &str, out: &str, more: &[&str]) -> Run {
        run(&[&["see", "--at", at, "--out", out, "--json", "--journal", &self.tape], more].concat())
    }
}

/// A folder with a network of random weights that fits the configuration.
fn network(desk: &Desk) -> String {
    let shape = Shape::default();
    let (features, price) = (visual_cortex::seen_names(), price::names(shape.price_numbers));
    let card = Card { features_hash: Card::hash_of(&features), features, price, ..Card::random(&shape) };
    let folder = desk.path("network");
    let network = Network::new(card, Weights::random(&shape, 7)).expect("a network");
    files::write(&network, &folder).expect("a folder");
    folder.display().to_string()
}

/// The sizes that a PNG file tells, and how many colours are in it.
fn png(path: &str) -> ([u32; 2], usize) {
    let file = File::open(path).expect("a file");
    let mut reader = png::Decoder::new(BufReader::new(file)).read_info().expect("a PNG header");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("a picture");
    let colours: BTreeSet<&[u8]> = pixels.chunks(3).collect();
    ([info.width, info.height], colours.len())
}

fn sum(shares: &Value) -> f64 {
    shares.as_array().expect("shares").iter().map(|share| share.as_f64().expect("a share")).sum()
}

#[test]
fn a_decision_is_drawn_with_what_the_network_attended_to() {
    let desk = Desk::new();
    let folder = network(&desk);
    let taped = Taped::new(desk, &["--network", &folder]);
    let out = taped.path("frames.png");
    let newest = taped.see("2100-01-01", &out, &["--instrument", "X"]);
    assert_eq!(newest.code, 0, "{}", newest.stderr);
    let got = newest.json();
    let ages: Vec<_> =
        got["frames"].as_array().expect("frames").iter().map(|it| &it["age_samples"]).collect();
    assert_eq!(ages, [28, 24, 20, 16, 12, 8, 4, 0]);
    assert_eq!((&got["instrument"], &got["features"][0]), (&"X".into(), &"return_mid".into()));
    assert!((sum(&got["attention"]["mean"]) - 1.0).abs() < 1e-4, "{}", got["attention"]);
    for head in got["attention"]["heads"].as_array().expect("heads") {
        assert_eq!(head.as_array().expect("shares").len(), 16);
        assert!((sum(head) - 1.0).abs() < 1e-4);
    }
    for words in ["32 numbers of the network random, untrained", "attention: 2 heads over 16 patches"] {
        assert!(newest.stderr.contains(words), "{}", newest.stderr);
    }
    let (size, colours) = png(&out);
    assert_eq!((&got["width"], &got["height"]), (&size[0].into(), &size[1].into()));
    assert!(colours > 50, "{colours}");

    let again = taped.path("again.png");
    let by_id = taped.see(got["id"].as_str().expect("an id"), &again, &[]);
    assert_eq!((by_id.code, &by_id.json()["time"]), (0, &got["time"]), "{}", by_id.stderr);
    let [once, twice] = [&out, &again].map(|path| std::fs::read(path).expect("a file"));
    assert!(once == twice, "the same decision is the same picture");
}

#[test]
fn without_a_network_nothing_is_attended_to_and_what_is_not_there_is_told() {
    let taped = Taped::new(Desk::new(), &["--untrained"]);
    let out = taped.path("frames.png");
    let seen = taped.see("2100-01-01", &out, &[]);
    assert_eq!((seen.code, &seen.json()["attention"]), (0, &Value::Null), "{}", seen.stderr);
    assert!(seen.stderr.contains("attention: none. No network is active"), "{}", seen.stderr);
    assert!(seen.stderr.contains("statistics of these fields, untrained"), "{}", seen.stderr);
    let id = seen.json()["id"].as_str().expect("an id").to_owned();

    let show = run(&["journal", "show", "--kind", "decision", "--json", "--journal", &taped.tape]);
    let first: Value = serde_json::from_str(show.stdout.lines().next().expect("a decision")).expect("JSON");
    let first = first["sequence"].as_u64().unwrap_or_else(|| panic!("no sequence in {first}")).to_string();
    let gone = taped.path("gone.png");
    taped.see(&first, &gone, &[]).fails(2, &["no frame of X yet", "16 regular samples", "44"]);
    taped.see("2020-01-01", &gone, &[]).fails(2, &["no decision was made up to 2020-01-01"]);
    taped.see("999999999", &gone, &[]).fails(2, &["there is no input 999999999"]);
    taped.see("yesterday", &gone, &[]).fails(2, &["`yesterday` is no time", "4711"]);
    taped.see(&id, &gone, &["--instrument", "Y"]).fails(2, &["Y is not on this tape"]);
    assert!(!std::path::Path::new(&gone).exists());
    let nowhere = taped.path("no folder/frames.png");
    taped.see(&id, &nowhere, &[]).fails(3, &["no folder/frames.png", "can be written"]);
}
