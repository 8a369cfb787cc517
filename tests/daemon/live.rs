//! Time in the real regime passes while nothing comes; whatever arrives or ticks then is on the tape as
//! it was.

use std::io::Write;
use std::thread;
use std::time::Duration;

use journal::snapshots::list_snapshots;

use crate::common::tell;
use crate::place::Place;
use crate::tape::{Books, proved};

/// How long nothing is said between two bursts.
const SILENCE: Duration = Duration::from_millis(50);

#[test]
fn bursts_and_silence_are_thought_again_to_the_same() {
    let place = Place::eager(9_000);
    let journal = place.journal();
    let mut args = vec!["--once"];
    let sets = [
        "daemon.tick_grace_ms=0",
        "daemon.snapshot_inputs=500",
        "exchange.entry_latency_ns=30000000",
        "exchange.response_latency_ns=2000000000",
    ];
    sets.iter().for_each(|set| args.extend(["--set", set]));
    let (daemon, mut input) = place.daemon_fed(&journal, &args);
    for burst in place.lines().chunks(200) {
        input.write_all(burst.concat().as_bytes()).expect("it reads");
        thread::sleep(SILENCE);
    }
    drop(input);
    let end = daemon.end().json();
    let records = proved(&journal);
    assert!(Books::of(&records).executions.len() > 1, "{end}");
    for snapshot in list_snapshots(&journal).expect("a folder") {
        let from = snapshot.sequence.to_string();
        let again = tell(&["replay", "--json", "--from", &from], &journal).json();
        assert_eq!(
            (&again["verdict"], &again["digest"]),
            (&"identical".into(), &end["digest"]),
            "from {from}"
        );
    }
}
