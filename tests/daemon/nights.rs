//! Nights: what is learned from a tape, when it takes effect, and how it is taken back.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use janus::policy::Backend;
use janus::rebuild::{From, Rebuilt, Terms, rebuild};
use janus::sleep::SCHEMAS;
use journal::snapshots::list_snapshots;
use journal::{Hash, Reader, Record, artefacts};
use market::Timestamp;
use neocortex::learn::SchemaBook;
use serde_json::Value;
use synapse::{DecisionRecord, Input, InputKind, NoticeKind, SampleKind};

use crate::common::{Ended, Process, replay, tell, until, until_status};
use crate::place::Place;
use crate::tape::{activations, assert_whole, decisions, notices, proved, records};

/// Past 02:37, at which a night is due.
const ROWS: usize = 15_000;
const NIGHT: &str = "[sleep]\nat = \"02:37\"\n";
/// 02:36 UTC, when the bundled session begins.
const SESSION_S: i64 = 1_777_689_360;
const SIGNED: [&str; 4] = ["--by", "ann", "--reason", "a test"];
const ONCE: [&str; 3] = ["--once", "--speed", "max"];

/// A place whose configuration says more.
fn place(rows: usize, more: &str) -> Place {
    let place = Place::new(rows);
    let path = place.path("config.toml");
    let text = fs::read_to_string(&path).expect("a configuration");
    fs::write(&path, text + more).expect("written");
    place
}

fn run(place: &Place, journal: &Path) -> Value {
    start(place, journal).end().json()
}

fn start(place: &Place, journal: &Path) -> Process {
    place.daemon(journal, &[&ONCE[..], &[&place.feed()]].concat())
}

fn sleep(journal: &Path) -> Value {
    tell(&["sleep", "--json"], journal).json()
}

/// What came of a night.
struct Slept {
    sequence: u64,
    time: Timestamp,
    artefact: Option<Hash>,
    activated: bool,
    reason: String,
}

/// The only night of a tape.
fn slept(records: &[Record]) -> Slept {
    let mut nights = records.iter().filter_map(|record| match record {
        Record::Input(Input {
            sequence,
            time,
            kind: InputKind::Notice(NoticeKind::Slept { artefact, activated, reason }),
        }) => {
            let (artefact, reason) = (artefact.map(Hash), reason.clone());
            Some(Slept { sequence: *sequence, time: *time, artefact, activated: *activated, reason })
        }
        _ => None,
    });
    let night = nights.next().expect("a night");
    assert!(nights.next().is_none(), "one night");
    night
}

fn recalls(decision: &DecisionRecord) -> bool {
    decision.recall.iter().any(|recall| !recall.nearest.is_empty())
}

/// The last input of a journal; 0 where there is none yet.
fn head(journal: &Path) -> u64 {
    Reader::open(journal).ok().and_then(|reader| reader.head()).map_or(0, |head| head.sequence)
}

fn listed(journal: &Path) -> Vec<Value> {
    let told = tell(&["brain", "ls", "--json"], journal);
    told.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The book of schemas that is active.
fn active(journal: &Path) -> Option<Value> {
    listed(journal).into_iter().find(|row| row["kind"] == SCHEMAS && row["active"] == true)
}

#[test]
fn a_night_is_slept_at_its_minute_and_recalled_from_there_on() {
    // the rule begins with nothing to recall
    let place = place(116_000, "[sleep]\nat = \"02:45\"\n[inference]\nnetwork = \"none\"\n");
    let journal = place.journal();
    let end =
        place.daemon(&journal, &[&ONCE[..], &["--set", "door.grid_ms=250", &place.feed()]].concat()).end();
    let (end, records) = (end.json(), proved(&journal));
    let night = slept(&records);
    assert_eq!(night.time, Timestamp::from_ns((SESSION_S + 9 * 60) * 1_000_000_000));
    assert!(night.activated && night.reason.contains("16 schemas"), "{}", night.reason);
    let hash = night.artefact.expect("an artefact");
    // what was before it was durable by itself
    let reader = Reader::open(&journal).expect("a tape");
    assert!(reader.headers().iter().any(|block| block.header.sequence_last == night.sequence - 1));
    let (before, after): (Vec<_>, Vec<_>) = decisions(&records).partition(|it| it.sequence < night.sequence);
    assert!(before.len() > 1000 && before.iter().all(|decision| !recalls(decision)), "{}", before.len());
    let regular: Vec<_> = after.iter().filter(|it| it.kind == SampleKind::Regular).collect();
    assert!(regular.len() > 5 && regular.iter().all(|decision| recalls(decision)), "{}", regular.len());
    let id = format!("{}:0", regular[0].sequence);
    let why = tell(&["why", &id], &journal).stdout;
    assert!(why.contains("is like schema ") && why.contains(" experiences, mean "), "{why}");
    for engine in [&["--engine", "line"][..], &["--from", "999999999"]] {
        let again = tell(&[&["replay", "--json"][..], engine].concat(), &journal).json();
        assert_eq!((&again["verdict"], &again["digest"]), (&"identical".into(), &end["digest"]));
    }
    let row = active(&journal).expect("active");
    assert_eq!((&row["hash"], &row["since"]), (&hash.to_string().into(), &night.sequence.into()));
    assert_eq!(row["schemas"], 16, "{row}");
}

#[test]
fn killed_in_a_night_it_sleeps_again_to_the_same() {
    let place = place(ROWS, &format!("{NIGHT}restarts = 60\niterations_max = 10000\n"));
    let calm = place.path("calm");
    let never = run(&place, &calm);
    let night = slept(&proved(&calm));
    let (journal, before) = (place.journal(), night.sequence - 1);
    let mut inside = 0;
    for kill in 0..8_u64 {
        let daemon = start(&place, &journal);
        until("a night", || (head(&journal) >= before).then_some(()));
        thread::sleep(Duration::from_millis(kill * 37));
        daemon.kill();
        if head(&journal) > before {
            break;
        }
        inside += 1;
    }
    assert!(inside >= 5, "{inside} kills came in the night");
    let last = run(&place, &journal);
    let records = proved(&journal);
    assert_eq!(slept(&records).artefact, night.artefact);
    assert_eq!((slept(&records).sequence, last["digest"].clone()), (night.sequence, never["digest"].clone()));
    assert_eq!(last["inputs"], never["inputs"]);
}

#[test]
fn a_night_that_teaches_nothing_or_fails_says_why_and_the_run_goes_on() {
    let less = place(ROWS, &format!("{NIGHT}experiences_min = 1000000\n"));
    let end = run(&less, &less.journal());
    let records = proved(&less.journal());
    let night = slept(&records);
    assert!(
        !night.activated && night.reason.contains("sleep.experiences_min is 1000000"),
        "{}",
        night.reason
    );
    assert_eq!((night.artefact, active(&less.journal())), (None, None));
    let learned = place(ROWS, NIGHT);
    run(&learned, &learned.journal());
    let hash = slept(&proved(&learned.journal())).artefact.expect("an artefact");
    // its file cannot be written
    let other = place(ROWS, NIGHT);
    let journal = other.journal();
    fs::create_dir_all(journal.join(format!("artefacts/{hash}.schemas/in-the-way"))).expect("a folder");
    let failed = run(&other, &journal);
    let night = slept(&proved(&journal));
    assert!(!night.activated && night.reason.contains(&hash.to_string()), "{}", night.reason);
    assert_eq!((night.artefact, &failed["digest"]), (None, &end["digest"]), "as if nothing was learned");
}

#[test]
fn a_night_follows_the_end_of_the_feeds() {
    let place = place(ROWS, "[sleep]\nat_end = true\n");
    let journal = place.journal();
    let end = run(&place, &journal);
    let records = proved(&journal);
    let [(at, hash)] = activations(&records)[..] else { panic!("one activation: {end}") };
    assert_eq!((at, Some(at)), (assert_whole(&records), end["inputs"].as_u64()));
    assert_eq!(active(&journal).expect("active")["hash"], hash.to_string().as_str());
    // there is nothing new to learn
    assert_eq!(run(&place, &journal)["inputs"], end["inputs"]);
}

#[test]
fn slept_by_hand_it_takes_effect_once_and_is_taken_back() {
    let place = place(ROWS, "");
    let journal = place.journal();
    run(&place, &journal);
    let first = sleep(&journal);
    assert_eq!(first["activated"], true, "{first}");
    assert!(first["experiences"].as_u64() > Some(500) && first["schemas"] == 16, "{first}");
    assert!(first["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{first}");
    let hash = first["artefact"].as_str().expect("a hash");
    let row = active(&journal).expect("active");
    assert_eq!((row["hash"].as_str(), &row["experiences"]), (Some(hash), &first["experiences"]));
    assert!(tell(&["brain", "ls"], &journal).stdout.contains("16 schemas of "));
    let daemon = place.daemon_again(&journal, &[&place.feed()]);
    until_status(&journal, "an answer", |_| true);
    for again in [sleep(&journal), sleep(&journal)] {
        assert_eq!((again["artefact"].as_str(), &again["activated"]), (Some(hash), &false.into()));
        assert!(again["reason"].as_str().is_some_and(|why| why.ends_with("it is active already")), "{again}");
    }
    let thought = |words: &str| {
        let told = tell(&["ask", "BTCUSD"], &journal);
        assert!(told.stdout.contains(words), "{told:?}");
    };
    thought("is like schema ");
    let rollback = |more: &[&str]| tell(&[&["brain", "rollback"], more, &SIGNED[..]].concat(), &journal);
    assert_eq!(rollback(&[]).code, Some(0));
    thought("nothing was learned yet");
    assert_eq!(active(&journal).expect("active")["schemas"], 0);
    rollback(&["--kind", "schemas"]).fails(2, &["schemas", "none before"]);
    rollback(&["--kind", "policy"]).fails(2, &["policy", "none before"]);
    let again = sleep(&journal);
    assert_eq!((again["artefact"].as_str(), &again["activated"]), (Some(hash), &true.into()));
    thought("is like schema ");
    let end = daemon.stop().json();
    let records = proved(&journal);
    let effects: Vec<Hash> = activations(&records).into_iter().map(|(_, hash)| hash).collect();
    let nothing = Hash::of(&SchemaBook::empty().to_bytes());
    let hash: Hash = hash.parse().expect("a hash");
    assert_eq!(effects, [hash, nothing, hash]);
    assert_eq!(replay(&journal)["digest"], end["digest"]);
}

#[test]
fn trading_goes_on_beside_a_night_and_another_is_refused() {
    let place = place(40_000, "[sleep]\nrestarts = 300\niterations_max = 10000\nexperiences_max = 1000\n");
    let _market = place.market_alone(&["--speed", "4"]);
    let journal = place.journal();
    let daemon = place.daemon(&journal, &[&place.market()]);
    until_status(&journal, "decisions", |status| status["decisions"].as_u64() > Some(600));
    let ask = || {
        let journal = journal.clone();
        thread::spawn(move || tell(&["sleep", "--json"], &journal))
    };
    let asked = [ask(), ask()];
    until("a refusal", || asked.iter().any(thread::JoinHandle::is_finished).then_some(()));
    let since = until_status(&journal, "an answer", |_| true)["sequence"].as_u64().expect("a number");
    let told = asked.map(|asked| asked.join().expect("told"));
    let (refused, slept): (Vec<&Ended>, Vec<&Ended>) = told.iter().partition(|ended| ended.code != Some(0));
    let ([refused], [slept]) = (&refused[..], &slept[..]) else { panic!("{told:?}") };
    refused.fails(3, &["a night is under way"]);
    let night = slept.json();
    assert_eq!(night["activated"], true, "{night}");
    // what was told is durable
    daemon.kill();
    let records = proved(&journal);
    let [(at, _)] = activations(&records)[..] else { panic!("one activation: {night}") };
    let meanwhile = decisions(&records).filter(|it| (since..at).contains(&it.sequence)).count();
    assert!(meanwhile > 10, "{meanwhile} decisions between {since} and {at}: {night}");
    assert!(decisions(&records).filter(|it| recalls(it)).all(|it| it.sequence > at));
}

#[test]
fn a_night_that_is_due_in_real_time_is_slept_beside_the_trading() {
    let place = place(ROWS, NIGHT);
    let journal = place.journal();
    let (daemon, mut input) = place.daemon_fed(&journal, &[]);
    std::io::Write::write_all(&mut input, place.lines().concat().as_bytes()).expect("it reads");
    until_status(&journal, "a night", |_| !activations(&records(&journal)).is_empty());
    daemon.stop().json();
    let records = proved(&journal);
    let by = notices(&records).find_map(|(_, notice)| match notice {
        NoticeKind::Activate { by, reason, .. } => Some((by.as_str(), reason.as_str())),
        _ => None,
    });
    assert_eq!(by, Some(("sleep", "a night was due")));
    // without the daemon there is more to learn from
    assert_eq!(sleep(&journal)["activated"], true);
    assert_eq!(activations(&proved(&journal)).len(), 2);
}

/// A brain as it was at an input, with artefacts taking effect one after the other.
fn brain(journal: &Path, reader: &Reader, at: u64, effects: &[Hash]) -> Rebuilt {
    let terms = Terms { until: Some(at), backend: Backend::default(), ..Terms::default() };
    let rebuilt = rebuild(journal, reader, From::Snapshot(at), &terms, &mut |_, _| {});
    let mut rebuilt = rebuilt.unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(rebuilt.rethink.sequence(), at);
    for hash in effects {
        let (blueprint, line) = rebuilt.blueprint.with(journal, hash).expect("it takes effect");
        rebuilt.blueprint = blueprint;
        rebuilt.rethink.mind_mut().set_line(line).expect("it fits");
    }
    rebuilt
}

/// What a brain decides on some inputs of a tape.
fn decided(journal: &Path, mut brain: Rebuilt, inputs: &[&Input]) -> Vec<DecisionRecord> {
    let again = inputs.iter().flat_map(|input| brain.again(journal, input).expect("no region faults"));
    again.map(|late| late.record).collect()
}

#[test]
fn taken_back_an_artefact_recalls_and_proposes_what_it_did_on_the_same_state() {
    const INPUTS: usize = 400;
    let place = place(ROWS, "[sleep]\nat = \"02:37\"\nexperiences_max = 600\n");
    let journal = place.journal();
    run(&place, &journal);
    let second = sleep(&journal)["artefact"].as_str().and_then(|hash| hash.parse().ok()).expect("a hash");
    let records = proved(&journal);
    let first = slept(&records).artefact.expect("an artefact");
    let nothing = artefacts::put(&journal, SCHEMAS, &SchemaBook::empty().to_bytes()).expect("kept");
    let reader = Reader::open(&journal).expect("a tape");
    let snapshots: Vec<u64> =
        list_snapshots(&journal).expect("listed").iter().map(|it| it.sequence).collect();
    let (mut compared, all) = (0, [nothing, first, second]);
    for at in snapshots {
        let later = records.iter().filter_map(|record| match record {
            Record::Input(input) if input.sequence > at => Some(input),
            _ => None,
        });
        let is_plain = |input: &&Input| match &input.kind {
            InputKind::Notice(kind) => kind.activates().is_none() && *kind != NoticeKind::EndOfStream,
            _ => true,
        };
        let later: Vec<&Input> = later.take_while(is_plain).take(INPUTS).collect();
        if later.len() < INPUTS || compared > 4 * INPUTS {
            continue;
        }
        let mut ways = Vec::new();
        for hash in all {
            let fresh = decided(&journal, brain(&journal, &reader, at, &[hash]), &later);
            let others: Vec<Hash> = all.into_iter().filter(|other| *other != hash).collect();
            let back = [&[hash], &others[..], &[hash]].concat();
            assert_eq!(decided(&journal, brain(&journal, &reader, at, &back), &later), fresh, "behind {at}");
            compared += fresh.len();
            ways.push(fresh.into_iter().map(|it| it.recall).collect::<Vec<_>>());
        }
        assert!(!ways[0].is_empty() && ways[0].iter().flatten().all(|recall| recall.nearest.is_empty()));
        assert!(ways[0] != ways[1] && ways[1] != ways[2], "behind {at} each recalls something else");
    }
    assert!(compared > 100, "{compared} decisions were compared");
}

#[test]
fn an_hour_that_is_none_is_refused_when_it_is_read() {
    let place = place(10, "[sleep]\nat = \"25:00\"\n");
    start(&place, &place.journal()).end().fails(2, &["sleep.at", "25:00", "hh:mm"]);
    assert!(!place.journal().exists());
}

#[test]
fn a_load_tells_apart_what_came_in_the_night() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let journal = folder.path().join("j");
    let long = ["--set", "sleep.restarts=200", "--set", "sleep.iterations_max=10000"];
    let args = ["load", "--sleep", "--rate", "200", "--seconds", "4", "--instruments", "4", "--json"];
    let found = tell(&[&args[..], &long].concat(), &journal).json();
    let number = |name: &str| found[name].as_f64().unwrap_or_else(|| panic!("no {name}: {found}"));
    assert_eq!(found["night"]["activated"], true, "{found}");
    assert!(number("decisions_asleep") > 0.0 && number("decisions_awake") > 0.0, "{found}");
    assert_eq!(number("decisions_asleep") + number("decisions_awake"), number("decisions"), "{found}");
    for when in ["awake", "asleep"] {
        assert!(number(&format!("p99_decided_{when}_ms")) > 0.0, "{found}");
    }
    proved(&journal);
}
