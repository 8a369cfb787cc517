//! Every number of the configuration at both of its bounds: it runs, or the key is named.

use serde_json::Value;

use crate::arguments::events;
use crate::bad_input::{CONFIG, Desk};
use crate::run;

/// A brain that is armed soon, so that all of it is at work.
const SMALL: &str = "[amygdala]\nwarm_up = 1\np = 0.5\ncalibration = 1\n[cerebellum]\nedge_filter = false\n";

/// The numbers of the schema by their full names, each with its lowest and highest value.
fn keys() -> Vec<(String, [String; 2])> {
    let schema: Value = serde_json::from_str(&run(&["config", "schema"]).stdout).expect("JSON");
    let mut keys = Vec::new();
    for (section, about) in schema["properties"].as_object().expect("sections") {
        let one = about["additionalProperties"].as_object().map(|_| &about["additionalProperties"]);
        let (section, about) = one.map_or((section.clone(), about), |one| (format!("{section}.X"), one));
        for (key, about) in about["properties"].as_object().expect("keys") {
            let number = |name: &str| match about[name].as_f64() {
                Some(whole) if about["type"] == "integer" => Some(format!("{whole}")),
                bound => bound.map(|bound| format!("{bound:?}")),
            };
            if let Some(bounds) = number("minimum").zip(number("maximum")) {
                keys.push((format!("{section}.{key}"), bounds.into()));
            }
        }
    }
    keys
}

#[test]
fn every_key_stands_at_its_bounds() {
    let desk = Desk::with(&format!("{CONFIG}{SMALL}"));
    let file = desk.write("X.ndjson", events());
    let keys = keys();
    assert!(keys.len() > 60, "{}", keys.len());
    for (key, bounds) in keys {
        for bound in bounds {
            let set = format!("{key}={bound}");
            let run = run(&["backtest", "--json", "--config", desk.config(), &file, "--set", &set]);
            // some numbers of these must fit each other, and say so
            let may_be_unfit = key.starts_with("amygdala.") || key.starts_with("cerebellum.");
            let unfit = may_be_unfit && run.code == 2 && run.stderr.contains("and must be");
            assert!(run.code == 0 || unfit, "{set}: {} {}", run.code, run.stderr);
        }
    }
}
