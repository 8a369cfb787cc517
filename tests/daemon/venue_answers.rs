//! What a daemon makes of what venues answer: one that falls silent, one that differs for good, one that
//! another run traded at.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use janus::venue::{StateAnswer, ToVenue};
use journal::{Note, Reader, Record};
use market::order::ReportKind;
use market::{InstrumentId, Quantity};
use serde_json::{Value, json};
use synapse::{Input, InputKind, NoticeKind};

use crate::common::{PATIENCE, Process, status, until, until_status};
use crate::place::Place;
use crate::tape::{Books, proved, records};

const PUPPET: &str = "puppet.sock";

/// A venue without a market: a connection is let in for each word sent, and `answer` tells the state for
/// a question, by the number of its connection and its own on that. What was asked is told.
fn puppet(
    place: &Place,
    answer: impl Fn(usize, usize) -> Option<StateAnswer> + Send + 'static,
) -> (Sender<()>, Receiver<(usize, usize)>) {
    let listener = UnixListener::bind(place.path(PUPPET)).expect("a socket");
    let ((let_in, may), (told, asked)) = (channel(), channel());
    thread::spawn(move || {
        for (connection, ((), stream)) in may.iter().zip(listener.incoming()).enumerate() {
            let mut stream = stream.expect("a client");
            let mut lines = BufReader::new(stream.try_clone().expect("a copy")).lines().map_while(Result::ok);
            let hello = serde_json::from_str(&lines.next().expect("a hello")).expect("JSON");
            let ToVenue::Hello { run, .. } = hello else { panic!("{hello:?}") };
            let mut say = |said: Value| _ = writeln!(stream, "{said}");
            say(json!({ "welcome": { "run": run } }));
            for (question, _) in lines.filter(|line| line.contains("query")).enumerate() {
                answer(connection, question).into_iter().for_each(|state| say(json!({ "state": state })));
                // nobody need listen any more
                let _ = told.send((connection, question));
            }
        }
    });
    (let_in, asked)
}

/// A daemon at that venue, which has no market.
fn trader(place: &Place) -> Process {
    place.trader_at(PUPPET, &place.journal(), &[])
}

fn comparisons(place: &Place) -> Vec<bool> {
    let of = |record: &Record| match record {
        Record::Note(Note::Reconciled { agreed, .. }) => Some(*agreed),
        _ => None,
    };
    records(&place.journal()).iter().filter_map(of).collect()
}

#[test]
fn a_venue_that_falls_silent_is_asked_on_another_connection_and_the_gate_is_closed_meanwhile() {
    let place = Place::new(1);
    let journal = place.journal();
    let speaks = |connection, question| connection > 0 || question == 0;
    let (let_in, asked) = puppet(&place, move |at, question| speaks(at, question).then(StateAnswer::default));
    let_in.send(()).expect("it listens");
    let daemon = trader(&place);
    let is_open = |status: &Value| status["gate"] == "open" && status["venue"]["state"] == "reconciled";
    until_status(&journal, "an agreement", is_open);
    let closed = until_status(&journal, "a closed gate", |status| !is_open(status));
    assert!(closed["gate"].as_str().is_some_and(|gate| gate.contains("the venue is away")), "{closed}");
    let_in.send(()).expect("it listens");
    until_status(&journal, "an agreement again", is_open);
    let questions: Vec<_> = asked.try_iter().collect();
    assert_eq!(questions[..3], [(0, 0), (0, 1), (1, 0)]);
    daemon.stop().json();
    assert_eq!(comparisons(&place), [true, true]);
}

#[test]
fn a_difference_that_lasts_is_written_down_once() {
    let place = Place::new(1);
    let positions = [("BTCUSD".to_owned(), Quantity::from_units(1))].into();
    let differs = StateAnswer { positions, ..StateAnswer::default() };
    let (let_in, asked) = puppet(&place, move |_, _| Some(differs.clone()));
    let_in.send(()).expect("it listens");
    let daemon = trader(&place);
    let status = until_status(&place.journal(), "a latch", |status| !status["latch"].is_null());
    assert!(status["latch"].as_str().is_some_and(|latch| latch.contains("reconciliation")), "{status}");
    for question in 0..5 {
        assert_eq!(asked.recv_timeout(PATIENCE), Ok((0, question)), "it is asked again and again");
    }
    daemon.stop().json();
    assert_eq!(comparisons(&place), [false]);
    proved(&place.journal());
}

/// MA-8: surveillance reads the tape. What a fill leads to leaves only when the fill is on disk.
#[test]
fn a_fill_is_whole_on_the_tape_before_anything_that_follows_from_it_leaves() {
    let place = Place::new(12_000);
    let _venue = place.venue(&["--speed", "4"]);
    let journal = place.journal();
    let daemon = place.trader(&journal, &[]);
    until_status(&journal, "decisions", |status| status["decisions"].as_u64() > Some(0));
    let theirs = place.settled(&journal);
    daemon.stop().json();
    let reader = Reader::open(&journal).expect("a tape");
    // by input: the block, the order, when, and the fill
    let mut fills = BTreeMap::new();
    let (mut decided, mut behind) = (BTreeMap::new(), 0);
    for block in 0..reader.headers().len() {
        for record in reader.block(block).expect("whole") {
            match record {
                Record::Input(Input {
                    sequence,
                    kind: InputKind::Notice(NoticeKind::Report(report)),
                    ..
                }) => {
                    let ReportKind::Filled(fill) = report.kind else { continue };
                    let next = decided.range((sequence, InstrumentId(0))..).next();
                    assert_eq!(next, None, "a decision stands before the fill that it knows of");
                    fills.insert(sequence, (block, report.id, report.time, fill));
                }
                Record::Decision(it) => _ = decided.insert((it.record.sequence, it.record.instrument), block),
                Record::Released(it) => {
                    let of = decided[&(it.sequence, it.instrument)];
                    assert!(of < block, "input {} was let go before its decision was on disk", it.sequence);
                    if let Some((_, (filled, ..))) = fills.range(..=it.sequence).next_back() {
                        assert!(*filled <= of, "input {} was let go before a fill was on disk", it.sequence);
                        behind += 1;
                    }
                }
                _ => {}
            }
        }
    }
    assert!(behind > 2, "{behind} releases followed a fill");
    // number for number what the venue says, each once
    let told: BTreeMap<_, _> =
        fills.values().map(|(_, id, time, fill)| (fill.execution, (*id, *time, *fill))).collect();
    assert_eq!(told.len(), fills.len());
    for it in &theirs.fills {
        assert_eq!(told.get(&it.fill.execution), Some(&(it.id.id, it.time, it.fill)));
    }
    assert_eq!(theirs.fills.len(), told.len());
}

#[test]
fn two_runs_at_one_venue_each_agree_with_it() {
    let place = Place::new(12_000);
    let _venue = place.venue(&["--speed", "4"]);
    let (first, second) = (place.path("first"), place.path("second"));
    let fills = |journal: &Path| Books::of(&records(journal)).executions.len();
    let trade = |journal: &Path| {
        let daemon = place.trader(journal, &[]);
        until("some fills", || (status(journal).is_some() && fills(journal) > 2).then_some(()));
        daemon
    };
    let settle = |journal: &Path, daemon: Process| {
        let theirs = place.settled(journal);
        assert_eq!(daemon.stop().json()["latch"], Value::Null);
        assert_eq!(Books::of(&proved(journal)), Books::at(&theirs));
    };
    trade(&first).stop().json();
    settle(&second, trade(&second));
    settle(&first, trade(&first));
}
