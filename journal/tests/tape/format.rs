//! Every format stays readable (J8): of each a tape that was written once, and the bytes of every kind of
//! record. `JANUS_WRITE_FORMAT=1 cargo test -p journal --test tape -- --ignored` writes those of the newest
//! anew, which is right only as long as nobody has a tape of it.

use std::fs;
use std::path::PathBuf;

use journal::disk::RealDisk;
use journal::verify::{self, verify};
use journal::{
    Entry, FORMAT, Finding, Hash, Head, Marker, Note, PAGE_BYTES, Reader, Record, Released, RestartStep,
    Tape, codec,
};
use market::book::BookState;
use market::order::ClientId;
use market::{EventKind, InstrumentId, MarketEvent, Price, Quantity, SourceId, Timestamp};
use synapse::{
    Code, Command, CommandKind, DecisionRecord, Digest, Input, InputKind, LatchCause, NoticeKind, Parent,
    Plan, RuleTruth, Tick, Verdict,
};

use crate::made::{self, manifest};

fn folder(format: u16) -> PathBuf {
    PathBuf::from(format!("{}/tests/format{format}", env!("CARGO_MANIFEST_DIR")))
}

/// The tape of a format, in a folder of its own.
pub fn journal(format: u16) -> PathBuf {
    folder(format).join("journal")
}

fn input(sequence: u64, kind: InputKind) -> Record {
    Record::Input(Input { sequence, time: Timestamp::from_ns(sequence as i64 * 1_000), kind })
}

fn late(late: bool, record: DecisionRecord) -> Record {
    Record::Decision(Box::new(journal::Decision { late, record }))
}

fn inputs() -> Vec<(&'static str, Record)> {
    let event = MarketEvent {
        instrument: InstrumentId(0),
        time: Timestamp::from_ns(1_000),
        source: SourceId(0),
        position: 2,
        kind: EventKind::Quote {
            bid: (Price::from_units(99), Quantity::from_units(3)),
            ask: (Price::from_units(101), Quantity::from_units(1)),
        },
    };
    let tick = Tick { fresh: [InstrumentId(0)].into_iter().collect(), ..Tick::default() };
    let arm = Command { kind: CommandKind::Arm, by: "Ada".into(), reason: "looked at it".into() };
    let activate = NoticeKind::Activate { hash: [3; 32], by: "Ada".into(), reason: "better".into() };
    vec![
        ("input_market", input(1, InputKind::Market(event))),
        ("input_tick", input(2, InputKind::Tick(tick))),
        ("input_command", input(3, InputKind::Notice(NoticeKind::Command(arm)))),
        ("input_latch", input(4, InputKind::Notice(NoticeKind::Latch(LatchCause::Reconciliation)))),
        ("input_activate", input(5, InputKind::Notice(activate))),
    ]
}

fn notes() -> Vec<(&'static str, Record)> {
    let finding = Finding {
        rule: "position".into(),
        order: Some(ClientId { sequence: 2, instrument: InstrumentId(0), k: 0 }),
        instrument: None,
        ours: "1".into(),
        theirs: "2".into(),
        action: "latched".into(),
    };
    let notes = [
        ("note_opened", Note::Opened { epoch: 1, build: "0.1.0".into(), wall_ns: 7, after_crash: true }),
        ("note_set_aside", Note::SetAside { file: "0000000001-4096.torn".into(), block: 1, bytes: 512 }),
        ("note_dropped", Note::Dropped { segments: 1, block: 9, hash: Hash([4; 32]) }),
        ("note_reconciled", Note::Reconciled { agreed: false, findings: vec![finding] }),
        ("note_closed", Note::Closed { wall_ns: 8 }),
    ];
    notes.into_iter().map(|(name, note)| (name, Record::Note(note))).collect()
}

/// A decision of a brain whose fusion and critic are trained, judged by rules, on a child of a parent.
fn decision() -> DecisionRecord {
    let mut record = made::decision(2);
    record.state.gate = Box::from([0.25, 0.75]);
    record.proposal.values = Some([1.5, -2.0, 0.0]);
    record.proposal.probability = 0.75;
    record.execution.drift_bp = Some(0.25);
    record.execution.plan = Some(Plan::Participation { rate: 0.125, end_ns: 9 });
    let id = ClientId { sequence: 2, instrument: InstrumentId(0), k: 0 };
    record.verdict.parent = Some(Parent { id, total: Quantity::from_units(9) });
    record.verdict.rules.push(RuleTruth {
        rule: Code::new("collar").expect("it is short"),
        is_hard: true,
        value: 1.5.into(),
        bound: 2.5.into(),
        unit: Code::new("bp").expect("it is short"),
        passed: true,
        product: 0.5,
        lukasiewicz: 0.25,
    });
    record
}

/// One record of every kind that a format knows, with its name.
fn records(format: u16) -> Vec<(&'static str, Record)> {
    let (instrument, time) = (InstrumentId(0), Timestamp::from_ns(2_000));
    let mut records = inputs();
    records.push(("decision", late(false, decision())));
    records.push(("late_decision", late(true, decision())));
    records.push(("released", Record::Released(Released { sequence: 2, instrument, time, late: false })));
    records.push(("marker", Record::Marker(Marker { sequence: 5, time, state: Hash([5; 32]) })));
    records.extend(notes());
    if format >= 3 {
        records.extend(since_format_3());
    }
    records
}

/// What no tape of an older format holds.
fn since_format_3() -> [(&'static str, Record); 2] {
    let news = NoticeKind::News {
        instruments: vec![InstrumentId(0)],
        embedding: Box::from([0.5, -0.5]),
        model: [6; 32],
    };
    let restart = Note::Restart { trip: 5, step: RestartStep::Proved { decisions: 1 } };
    [("input_news", input(6, InputKind::Notice(news))), ("note_restart", Record::Note(restart))]
}

/// Appends the frame of a record.
fn frame(record: &Record, into: &mut Vec<u8>) {
    match record {
        Record::Input(input) => codec::frame(Entry::Input(input), into),
        Record::Decision(decision) => {
            let bytes = decision.record.to_bytes();
            codec::frame(Entry::Decision { late: decision.late, bytes: &bytes }, into);
        }
        Record::Released(released) => codec::frame(Entry::Released(released), into),
        Record::Marker(marker) => codec::frame(Entry::Marker(marker), into),
        Record::Note(note) => codec::frame(Entry::Note(note), into),
    }
}

fn hex(bytes: &[u8]) -> String {
    let lines =
        bytes.chunks(32).map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    lines.map(|line| line + "\n").collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|digit| !digit.is_whitespace()).collect();
    let byte = |pair: &[char]| {
        u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("the fixture is whole")
    };
    digits.chunks(2).map(byte).collect()
}

#[test]
#[ignore = "writes the fixtures"]
fn write_the_fixtures() {
    if std::env::var_os("JANUS_WRITE_FORMAT").is_none() {
        return;
    }
    let _ = fs::remove_dir_all(folder(FORMAT));
    fs::create_dir_all(folder(FORMAT).join("records")).expect("the fixture is whole");
    let mut tape =
        Tape::create(RealDisk, &journal(FORMAT), &manifest(&format!("format {FORMAT}")), 4 * PAGE_BYTES)
            .expect("the fixture is whole");
    let (mut frames, mut digest, mut sequence) = (Vec::new(), Digest::default(), 0);
    for (name, record) in records(FORMAT) {
        let mut alone = Vec::new();
        frame(&record, &mut alone);
        fs::write(folder(FORMAT).join("records").join(name).with_extension("hex"), hex(&alone))
            .expect("the fixture is whole");
        frames.extend_from_slice(&alone);
        match &record {
            Record::Input(input) => sequence = input.sequence,
            Record::Decision(decision) => digest.push(&decision.record.to_bytes()),
            _ => {}
        }
    }
    let head = Head { sequence, time_ns: sequence as i64 * 1_000, latched: true, digest };
    tape.append(&frames, records(FORMAT).len() as u32, head).expect("the fixture is whole");
    tape.close(9).expect("the fixture is whole");
}

/// What is left of a record in a format.
fn as_of(format: u16, record: &Record) -> Record {
    match record {
        Record::Decision(decision) if format < 4 => {
            let mut old = decision.record.clone();
            old.proposal.probability = 1.0;
            (old.execution.drift_bp, old.execution.plan) = (None, None);
            old.verdict = Verdict::untested(old.verdict.outcome);
            if format < 3 {
                (old.state.gate, old.proposal.values) = (Box::default(), None);
            }
            if format == 1 {
                (old.book, old.top) = (BookState::Unknown, None);
            }
            late(decision.late, old)
        }
        record => record.clone(),
    }
}

#[test]
fn every_kind_of_record_is_read_in_every_format_and_written_as_ever() {
    for format in 1..=FORMAT {
        let codec = codec::codec(format).expect("the fixture is whole");
        let mut kinds = std::collections::BTreeSet::new();
        for (name, record) in records(format) {
            let path = folder(format).join(format!("records/{name}.hex"));
            let golden = unhex(&fs::read_to_string(path).expect("the fixture is whole"));
            let frames = codec.frames(&golden).expect("the fixture is whole");
            let read = codec.record(frames[0]).expect("the fixture is whole");
            assert_eq!(read, as_of(format, &record), "{name} of format {format}");
            kinds.insert(frames[0].kind as u8);
            let mut written = Vec::new();
            frame(&record, &mut written);
            let is_as_ever = format == FORMAT || !matches!(record, Record::Decision(_));
            assert_eq!(written == golden, is_as_ever, "{name} of format {format}: {}", hex(&written));
        }
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    }
    assert!(codec::codec(0).is_none() && codec::codec(FORMAT + 1).is_none());
}

#[test]
fn the_tape_of_every_format_is_clean_and_holds_what_was_written() {
    for format in 1..=FORMAT {
        let journal = journal(format);
        let report = verify(&journal);
        assert_eq!(
            (report.verdict, report.blocks, report.closed),
            (verify::Verdict::Clean, 3, true),
            "{report:?}"
        );
        let reader = Reader::open(&journal).expect("the fixture is whole");
        assert_eq!(*reader.manifest(), manifest(&format!("format {format}")));
        let mut wanted: Vec<Record> =
            records(format).iter().map(|(_, record)| as_of(format, record)).collect();
        wanted.push(Record::Note(Note::Closed { wall_ns: 9 }));
        assert_eq!(reader.records().collect::<Result<Vec<_>, _>>().expect("the fixture is whole"), wanted);
        let header = reader.headers()[1].header;
        let last = if format < 3 { 5 } else { 6 };
        assert_eq!((header.version, header.latched, header.sequence_last), (format, true, last));
        assert_eq!((header.time_first_ns, header.time_last_ns), (1_000, 1_000 * last as i64));
    }
}
