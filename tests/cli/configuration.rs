//! Configuration: declared once, overridden in layers, refused with a reason.

use crate::{janus, run, write};

const LIMITS: &str = "[limits.X]\norder_size = 1\nposition = 2\nnotional = 1000\ncapital = 1000\ncollar = 50.0\nrate = 10\nduplicate = 500\n";

fn check(text: &str) -> crate::Run {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(folder.path(), "janus.toml", text);
    run(&["config", "check", &file])
}

#[test]
fn the_checked_in_file_is_generated() {
    let shown = run(&["config", "show"]);
    let file = support::root().join("config/janus.toml");
    let text = std::fs::read_to_string(&file).expect("config/janus.toml");
    assert!(text == shown.stdout, "config/janus.toml is not what `janus config show` prints; write it anew");
}

#[test]
fn what_is_shown_can_be_read_back() {
    let shown = run(&["config", "show"]);
    let again = check(&shown.stdout);
    assert_eq!(again.code, 0, "{}", again.stderr);
}

#[test]
fn a_good_file_stands() {
    let good = check(LIMITS);
    assert_eq!((good.code, good.stderr.as_str()), (0, ""));
}

#[test]
fn each_mistake_is_named() {
    for (text, said) in [
        ("[amygdala]\nalfa = 0.1\n", vec!["janus.toml:2", "amygdala.alfa", "did you mean `amygdala.alpha`"]),
        (
            "[amigdala]\nalpha = 0.1\n",
            vec!["janus.toml:2", "amigdala.alpha", "did you mean `amygdala.alpha`"],
        ),
        ("[door]\ngrid_ms = \"250 ms\"\n", vec!["janus.toml:2", "door.grid_ms", "whole number"]),
        ("[door]\ngrid_ms = 0\n", vec!["janus.toml:2", "door.grid_ms", "from 1 to 86400000 ms"]),
        ("[door]\ngrid_ms = nan\n", vec!["janus.toml:2", "door.grid_ms"]),
        ("[door]\ngrid_ms = [1]\n", vec!["janus.toml:2", "array"]),
        ("[door\n", vec!["janus.toml:1"]),
        (
            "[limits.X]\norder_size = 0\n",
            vec!["janus.toml:2", "limits.X.order_size", "from 0.000000001 to 9200000000 quantity"],
        ),
        ("[limits.X]\nposition = \"1 BTC\"\n", vec!["limits.X.position", "must be a decimal"]),
        ("[prefrontal]\nindex = \"SPX\"\n", vec!["prefrontal.index", "is SPX, which is no instrument"]),
        ("[limits.X]\nnotional = -1\n", vec!["limits.X.notional", "is -1, and must be from"]),
        ("[limits.X]\ncapital = 1e16\n", vec!["limits.X.capital", "to 1000000000000000 currency"]),
        ("[limits.X]\ncollar = inf\n", vec!["limits.X.collar", "must be a number"]),
        ("[limits.X]\ncollar = 10001\n", vec!["limits.X.collar", "from 0.001 to 10000 bp"]),
        ("[limits.X]\nrate = 2.5\n", vec!["limits.X.rate", "must be a whole number"]),
        ("[limits.X]\nduplicate = 4294967296\n", vec!["limits.X.duplicate", "must be a whole number"]),
        ("[limits.X]\ncolar = 1\n", vec!["limits.X.colar", "did you mean `limits.X.collar`"]),
        ("[amygdala]\nm = 9\n", vec!["amygdala.m is 9, and must be at most amygdala.n = 8"]),
        ("[sampler]\nkind = \"sometimes\"\n", vec!["sampler.kind", "auto, grid, events, volume, bars"]),
        ("[instrument.X]\ntick = 1\n", vec!["X has no order_size, position, notional", "[limits.X]"]),
        ("[instrument.X]\nsession = \"9 to 5\"\n", vec!["instrument.X.session", "hh:mm-hh:mm"]),
        ("[instrument.X]\ncurrency = \"EUR\"\n", vec!["instrument.X.currency", "the account is in USD"]),
    ] {
        check(text).fails(2, &said);
    }
    let lacking = LIMITS.replace("collar = 50.0\n", "");
    check(&lacking).fails(2, &["X has no collar;", "nothing trades without all of them"]);
    run(&["config", "check", "/no/such/file.toml"]).fails(2, &["/no/such/file.toml"]);
}

#[test]
fn variables_and_flags_override() {
    let show = |command: &mut std::process::Command| crate::Run::of(command.output().expect("it starts"));
    let by_variable = show(janus(&["config", "show"]).env("JANUS_DOOR_GRID_MS", "125"));
    assert!(by_variable.stdout.contains("grid_ms = 125"));
    let by_flag =
        show(janus(&["config", "show", "--set", "door.grid_ms=25"]).env("JANUS_DOOR_GRID_MS", "125"));
    assert!(by_flag.stdout.contains("grid_ms = 25"));
    show(janus(&["config", "show"]).env("JANUS_DOOR_GRIDMS", "125"))
        .fails(2, &["JANUS_DOOR_GRIDMS", "did you mean `JANUS_DOOR_GRID_MS`"]);
    run(&["config", "show", "--set", "door.grid_ms"]).fails(2, &["section.key=value"]);
}

#[test]
fn the_schema_names_every_key() {
    let schema: serde_json::Value = serde_json::from_str(&run(&["config", "schema"]).stdout).expect("JSON");
    assert_eq!(schema["properties"]["door"]["properties"]["grid_ms"]["default"], 250);
    assert!(
        schema["properties"]["limits"]["additionalProperties"]["properties"]["collar"]["description"]
            .is_string()
    );
}

#[test]
fn completions_come_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell]);
        assert!(script.code == 0 && script.stdout.contains("janus"), "{shell}");
    }
}
