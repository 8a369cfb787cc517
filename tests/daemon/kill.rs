//! Daemons killed with -9 at random moments of both regimes, and started again.
//!
//! The seed is told where a test fails; `JANUS_KILL_SEED` takes it back.

use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use janus::control::Ask;
use journal::{Hash, Reader, Record};
use synapse::NoticeKind;

use super::common::{Process, acknowledged, replay, status, until};
use super::place::Place;
use super::stage::Stage;
use super::tape::{Books, assert_whole, notices, proved};

const KILLS: u64 = 50;
/// How long a life lasts at most once it answers.
const LIFE_MS: u64 = 120;

/// Random numbers from a seed that can be given again.
struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    fn new(test: &str) -> Self {
        let clock =
            || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
        let given = std::env::var("JANUS_KILL_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(clock);
        eprintln!("to repeat: JANUS_KILL_SEED={seed} cargo test --test daemon kill::{test}");
        Self { seed, state: seed }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.state;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % limit
    }
}

/// What was told to somebody before a kill, and so must be there ever after.
#[derive(Default)]
struct Told {
    /// Operators' words, by the numbers they were acknowledged with.
    commands: Vec<u64>,
    /// Durable inputs.
    durable: u64,
    /// Heads of the tape: block and hash.
    heads: Vec<(u64, Hash)>,
    /// Kills that came while inputs were admitted.
    inside: u64,
    /// Kills that came before the daemon answered.
    early: u64,
}

impl Told {
    /// Lets a daemon live again and again, and kills it.
    fn lives(&mut self, dice: &mut Dice, journal: &Path, commands: bool, mut start: impl FnMut() -> Process) {
        for life in 0..KILLS {
            let before = sequence(journal);
            let mut daemon = start();
            if life > 0 && dice.below(4) == 0 {
                self.early += 1;
                thread::sleep(Duration::from_millis(dice.below(LIFE_MS)));
            } else {
                until("an answer", || {
                    assert!(daemon.is_alive(), "life {life}: {:?}", daemon.ended());
                    self.note(journal)
                });
                thread::sleep(Duration::from_millis(dice.below(LIFE_MS)));
                if commands && dice.below(3) == 0 {
                    self.command(dice, journal);
                    thread::sleep(Duration::from_millis(dice.below(LIFE_MS / 4)));
                }
                let _ = self.note(journal);
            }
            daemon.kill();
            let after = sequence(journal);
            assert!(
                after >= before.max(self.durable),
                "life {life}: {after} inputs, {} were told",
                self.durable
            );
            self.inside += u64::from(after > before);
        }
    }

    fn note(&mut self, journal: &Path) -> Option<()> {
        let status = status(journal)?;
        self.durable = self.durable.max(status["durable"].as_u64().expect("a number"));
        let hash = status["head"]["hash"].as_str().expect("text").parse().expect("a hash");
        self.heads.push((status["head"]["block"].as_u64().expect("a number"), hash));
        Some(())
    }

    fn command(&mut self, dice: &mut Dice, journal: &Path) {
        let signed = |said: usize| ("ada".to_owned(), format!("word {said}"));
        if dice.below(3) == 0 {
            let (by, reason) = signed(self.commands.len());
            self.commands.extend(acknowledged(journal, &Ask::Halt { by, reason }));
        }
        let (by, reason) = signed(self.commands.len());
        self.commands.extend(acknowledged(journal, &Ask::Arm { by, reason }));
    }

    /// Everything that was told stands on the tape, in its order, once; the tape is whole and thought
    /// again to the same.
    fn assert_kept(&self, dice: &Dice, journal: &Path) -> Vec<Record> {
        let Dice { seed, .. } = dice;
        let records = proved(journal);
        let reader = Reader::open(journal).expect("a tape");
        for (block, hash) in &self.heads {
            let kept = reader.headers().iter().find(|at| at.header.number == *block).expect("the block");
            assert_eq!(kept.header.hash(), *hash, "seed {seed}: block {block}");
        }
        assert!(assert_whole(&records) >= self.durable, "seed {seed}");
        let commands = notices(&records).filter(|(_, notice)| matches!(notice, NoticeKind::Command(_)));
        let commands: Vec<u64> = commands.map(|(sequence, _)| sequence).collect();
        for told in &self.commands {
            assert!(
                commands.contains(told),
                "seed {seed}: the command {told} is lost, there are {commands:?}"
            );
        }
        eprintln!(
            "{KILLS} kills, {} while inputs were admitted, {} before an answer, {} commands told",
            self.inside,
            self.early,
            self.commands.len()
        );
        assert!(
            self.inside * 3 >= KILLS,
            "seed {seed}: {} of {KILLS} kills came while inputs were admitted",
            self.inside
        );
        records
    }

    /// That, and there were fills, each once, and words of operators.
    fn assert_traded(&self, dice: &Dice, journal: &Path) {
        let books = Books::of(&self.assert_kept(dice, journal));
        assert!(books.executions.len() > 5, "seed {}: {} fills", dice.seed, books.executions.len());
        assert_eq!(books.repeated, 0, "seed {}", dice.seed);
        assert!(!self.commands.is_empty(), "seed {}", dice.seed);
    }
}

/// The last input of a journal; 0 where there is none yet.
fn sequence(journal: &Path) -> u64 {
    Reader::open(journal).ok().and_then(|reader| reader.head()).map_or(0, |head| head.sequence)
}

#[test]
fn simulated_it_comes_to_the_digest_of_a_run_that_was_never_killed() {
    let place = Place::new(20_000);
    let (feed, calm) = (place.feed(), place.path("calm"));
    let never = place.daemon(&calm, &["--speed", "max", "--once", &feed]).end().json();
    assert!(never["fills"].as_u64() > Some(20), "{never}");
    let mut dice = Dice::new("simulated");
    let (mut told, journal) = (Told::default(), place.journal());
    told.lives(&mut dice, &journal, false, || place.daemon(&journal, &["--speed", "20", &feed]));
    let last = place.daemon(&journal, &["--speed", "max", "--once", &feed]).end().json();
    for what in ["digest", "decisions", "inputs", "fills", "pnl_net", "ended"] {
        assert_eq!(last[what], never[what], "seed {}: {what}", dice.seed);
    }
    assert_eq!(replay(&calm)["digest"], never["digest"]);
    told.assert_kept(&dice, &journal);
}

#[test]
fn real_with_the_exchange_in_the_program_nothing_told_is_lost() {
    let place = Place::new(20_000);
    let _market = place.market_alone(&["--speed", "6"]);
    let mut dice = Dice::new("real_with_the_exchange");
    let (mut told, journal) = (Told::default(), place.journal());
    let feed = place.market();
    told.lives(&mut dice, &journal, true, || place.daemon(&journal, &[&feed]));
    let last = place.daemon(&journal, &[&feed]);
    until("an answer", || told.note(&journal));
    assert_eq!(last.stop().json()["latch"].as_str(), None, "seed {}", dice.seed);
    told.assert_traded(&dice, &journal);
}

#[test]
fn real_with_a_venue_both_sides_agree_and_no_order_is_sent_twice() {
    let stage = Stage::of(Place::new(20_000), &["--speed", "6"]);
    let mut dice = Dice::new("real_with_a_venue");
    let mut told = Told::default();
    told.lives(&mut dice, &stage.journal, true, || stage.start(&stage.journal));
    stage.finish(stage.start(&stage.journal));
    told.assert_traded(&dice, &stage.journal);
    stage.venue.stop().json();
}
