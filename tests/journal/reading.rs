//! `janus journal` and `janus verify`.

use std::path::Path;

use serde_json::Value;

use crate::{counted, is_input, janus, janus_on, journal, outcome, records};

fn kind(record: &Value) -> &str {
    record["kind"].as_str().expect("a kind")
}

#[test]
fn a_filter_shows_what_passes_it_in_the_order_of_the_tape() {
    let all = records();
    let middle = all.iter().filter(|it| kind(it) == "decision").nth(200).expect("a decision");
    let (sequence, time) =
        (middle["sequence"].as_u64().expect("one"), middle["time_ns"].as_i64().expect("one"));
    let at = middle["time"].as_str().expect("a time");
    let (upto, around) = (format!("..{sequence}"), format!("{}..{}", sequence - 50, sequence + 50));
    let before = |it: &Value| it["time_ns"].as_i64().is_some_and(|it| it <= time);
    let number = |it: &Value| it["sequence"].as_u64();
    type Passes<'a> = Box<dyn Fn(&Value) -> bool + 'a>;
    let cases: Vec<(Vec<&str>, Passes<'_>)> = vec![
        (vec!["--kind", "decision,note"], Box::new(|it| ["decision", "note"].contains(&kind(it)))),
        (vec!["--kind", "input", "--to", at], Box::new(|it| is_input(it) && before(it))),
        (
            vec!["--from", at, "--kind", "tick"],
            Box::new(|it| kind(it) == "tick" && it["time_ns"].as_i64().is_some_and(|it| it >= time)),
        ),
        (vec!["--sequence", &around], Box::new(|it| number(it).is_some_and(|n| n.abs_diff(sequence) <= 50))),
        (
            vec!["--sequence", &upto, "--instrument", "BTCUSD"],
            Box::new(|it| number(it).is_some_and(|n| n <= sequence) && it["instrument"] == "BTCUSD"),
        ),
        (
            vec!["--orders"],
            Box::new(|it| {
                let notice = &it["content"]["Notice"];
                (kind(it) == "decision" && outcome(it) == "act")
                    || kind(it) == "released"
                    || ["Report", "Lapsed", "CancelSent"].iter().any(|name| notice[*name].is_object())
            }),
        ),
    ];
    for (args, passes) in cases {
        let args = [&["journal", "show", "--json"], &args[..]].concat();
        let expected: Vec<&Value> = all.iter().filter(|it| passes(it)).collect();
        assert!(!expected.is_empty() && expected.len() < all.len(), "{args:?} tells nothing apart");
        let shown = janus(&args).succeeds().objects();
        assert_eq!(shown.len(), expected.len(), "{args:?}");
        assert!(shown.iter().zip(expected).all(|(shown, expected)| shown == expected), "{args:?}");
        let lines =
            janus(&args.iter().copied().filter(|arg| *arg != "--json").collect::<Vec<_>>()).succeeds();
        assert_eq!(lines.stdout.lines().count(), shown.len(), "{args:?}");
    }
    assert_eq!(janus(&["journal", "show", "--limit", "7"]).succeeds().stdout.lines().count(), 7);
    janus(&["journal", "show", "--instrument", "X"]).fails(2, &["instrument X is not on this tape"]);
}

#[test]
fn stats_count_what_an_export_holds() {
    let stats = janus(&["journal", "stats", "--json"]).succeeds().json();
    let all = records();
    assert_eq!(stats["records"].as_u64(), Some(all.len() as u64));
    for (kind, count) in counted(all.iter().map(kind)) {
        assert_eq!(stats["kinds"][&kind]["records"].as_u64(), Some(count), "{kind}");
    }
    let decisions: Vec<String> = all.iter().filter(|it| kind(it) == "decision").map(outcome).collect();
    let acted = decisions.iter().filter(|it| *it == "act").count() as u64;
    let rested: u64 = stats["reasons"].as_object().expect("reasons").values().filter_map(Value::as_u64).sum();
    assert_eq!((stats["acted"].as_u64(), rested + acted), (Some(acted), decisions.len() as u64));
    let raw: u64 =
        stats["kinds"].as_object().expect("kinds").values().filter_map(|it| it["bytes_raw"].as_u64()).sum();
    let manifest = std::fs::metadata(journal().join("manifest.json")).expect("a manifest").len();
    assert_eq!(
        stats["bytes_raw"].as_u64(),
        Some(raw + manifest),
        "frames, and the manifest in the first block"
    );
}

#[test]
fn ls_finds_the_files_of_the_journal() {
    let listing = janus(&["journal", "ls", "--json"]).succeeds().json();
    let segments = listing["segments"].as_array().expect("segments");
    let files = std::fs::read_dir(journal().join("tape")).expect("a folder").count();
    assert_eq!(segments.len(), files);
    let stats = janus(&["journal", "stats", "--json"]).succeeds().json();
    let blocks: u64 = segments.iter().filter_map(|it| it["blocks"].as_u64()).sum();
    assert_eq!(stats["blocks"].as_u64(), Some(blocks));
    assert!(listing["artefacts"].as_array().expect("artefacts").iter().any(|it| it["what"] == "config"));
    let head = &janus(&["verify", "--json"]).succeeds().json()["head"];
    assert!(head.is_object());
    assert_eq!((&listing["head"], &listing["anchored"]), (head, head));
}

#[test]
fn a_rebuilt_index_counts_what_the_tape_holds() {
    let told = janus(&["journal", "rebuild"]).succeeds().stdout;
    let decisions = records().iter().filter(|it| kind(it) == "decision").count();
    assert!(told.contains(&format!("{decisions} ")), "{decisions}: {told}");
}

#[test]
fn verify_tells_a_whole_tape_from_a_broken_one_and_from_none() {
    let verified = janus(&["verify", "--json"]).succeeds();
    let report = verified.json();
    assert_eq!((&report["verdict"], &report["first_bad"]), (&"clean".into(), &Value::Null));
    assert_eq!(report["records"].as_u64(), Some(records().len() as u64));
    assert!(verified.stderr.contains("tamper-evident"), "{}", verified.stderr);
    let folder = tempfile::tempdir().expect("a folder");
    copy(journal(), folder.path());
    let segment = std::fs::read_dir(folder.path().join("tape")).expect("a folder").next();
    let segment = segment.expect("a segment").expect("an entry").path();
    let mut bytes = std::fs::read(&segment).expect("a segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(&segment, bytes).expect("written");
    let broken = janus_on(folder.path(), &["verify", "--json"]);
    broken.fails(1, &["block"]);
    assert_eq!(broken.json()["verdict"], "broken");
    assert!(broken.json()["first_bad"].is_object());
    let empty = tempfile::tempdir().expect("a folder");
    janus_on(empty.path(), &["verify"]).fails(2, &["there is no journal here"]);
    for command in [&["journal", "ls"][..], &["journal", "show"], &["journal", "stats"], &["why", "--last"]] {
        janus_on(empty.path(), command).fails(2, &["there is no journal here"]);
    }
}

#[test]
fn a_tape_that_is_being_written_can_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    copy(journal(), folder.path());
    let (writer, _) =
        ::journal::Journal::open(folder.path(), &::journal::Options::default()).expect("opened");
    let blocks = || janus_on(folder.path(), &["verify", "--json"]).succeeds().json()["blocks"].as_u64();
    let before = blocks();
    let note = ::journal::Note::SetAside { file: "a".to_owned(), block: 1, bytes: 2 };
    let counts = |kind: &str| {
        janus_on(folder.path(), &["journal", "show", "--kind", kind]).succeeds().stdout.lines().count()
    };
    let notes = counts("note");
    let last = folder_head(folder.path());
    writer.append(::journal::Entry::Note(&note), last);
    writer.wait().expect("durable");
    assert!(blocks() > before && counts("note") == notes + 1);
    assert!(janus_on(folder.path(), &["why", "--last"]).succeeds().stdout.starts_with("Decision "));
    writer.close().expect("closed");
}

/// How far the brain was at the end of a tape.
fn folder_head(dir: &Path) -> ::journal::Head {
    let reader = ::journal::Reader::open(dir).expect("a tape");
    let last = reader.headers().last().expect("a block").header;
    let (sequence, time_ns) = (last.sequence_last, last.time_last_ns);
    ::journal::Head { sequence, time_ns, latched: last.latched, digest: last.digest }
}

/// The tape, the manifest and the anchor.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to.join("tape")).expect("a folder");
    let segments = std::fs::read_dir(from.join("tape")).expect("a folder");
    let segments = segments.map(|entry| Path::new("tape").join(entry.expect("an entry").file_name()));
    for name in segments.chain(["manifest.json".into(), "anchor".into()]) {
        std::fs::copy(from.join(&name), to.join(&name)).expect("copied");
    }
}
