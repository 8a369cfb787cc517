//! What happens to a daemon while it runs: operators, signals, slow clients.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use janus::control::{Answer, Ask};
use synapse::random::{seed_for, uniform};

use crate::common::{acknowledged, ask};

/// How long the process stands still.
const STILL: Duration = Duration::from_millis(300);
/// How long a slow client takes for its question.
const SLOW: Duration = Duration::from_secs(1);
const TURN: Duration = Duration::from_millis(20);

/// How often each thing happened, and how much is happening.
#[derive(Debug, Default)]
pub struct Counts {
    done: Mutex<BTreeMap<&'static str, u64>>,
    under_way: AtomicU32,
}

impl Counts {
    /// Does something, and counts it when it is done.
    pub fn during<T>(&self, name: &'static str, act: impl FnOnce() -> T) -> T {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let done = act();
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        *self.done.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
        done
    }

    pub fn is_quiet(&self) -> bool {
        self.under_way.load(Ordering::SeqCst) == 0
    }

    pub fn all(&self) -> BTreeMap<&'static str, u64> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Things to happen, at random times and in a random order in which none is left out.
pub struct Bag<T: 'static> {
    kinds: &'static [(T, &'static str)],
    left: VecDeque<usize>,
    seed: u64,
    drawn: u64,
    mean: Duration,
    due: Instant,
}

impl<T: Copy> Bag<T> {
    /// With a mean time between two.
    pub fn new(kinds: &'static [(T, &'static str)], seed: u64, purpose: &str, mean: Duration) -> Self {
        let (seed, due) = (seed_for(seed, purpose), Instant::now() + mean);
        Self { kinds, left: VecDeque::new(), seed, drawn: 0, mean, due }
    }

    fn draw(&mut self) -> f64 {
        self.drawn += 1;
        uniform(self.seed, self.drawn)
    }

    /// What is to happen now, if anything is.
    pub fn due(&mut self) -> Option<(T, &'static str)> {
        if Instant::now() < self.due {
            return None;
        }
        if self.left.is_empty() {
            let mut order: Vec<(f64, usize)> = (0..self.kinds.len()).map(|at| (self.draw(), at)).collect();
            order.sort_by(|a, b| a.0.total_cmp(&b.0));
            self.left.extend(order.into_iter().map(|(_, at)| at));
        }
        self.due = Instant::now() + self.mean.mul_f64(0.5 + self.draw());
        self.left.pop_front().map(|at| self.kinds[at])
    }
}

/// What happens.
#[derive(Debug, Clone, Copy)]
pub enum Deed {
    HaltAndArm,
    Questions,
    Sleep,
    Apply,
    StandStill,
    SlowClient,
}

pub const DEEDS: [(Deed, &str); 6] = [
    (Deed::HaltAndArm, "halts"),
    (Deed::Questions, "questions"),
    (Deed::Sleep, "nights"),
    (Deed::Apply, "configurations"),
    (Deed::StandStill, "standstills"),
    (Deed::SlowClient, "slow clients"),
];

/// Who does it.
pub struct Operator {
    pub journal: PathBuf,
    pub pid: u32,
    pub http: String,
    /// Two configurations, of which the first is active.
    pub configs: [String; 2],
}

impl Operator {
    /// Does one after the other until it is over.
    ///
    /// # Panics
    /// Where the daemon refuses or does not answer.
    pub fn run(mut self, mut bag: Bag<Deed>, counts: &Counts, over: &AtomicBool) {
        while !over.load(Ordering::Relaxed) {
            if let Some((deed, name)) = bag.due() {
                counts.during(name, || self.act(deed));
            }
            thread::sleep(TURN);
        }
    }

    fn act(&mut self, deed: Deed) {
        let (by, reason) = ("ann".to_owned(), "a long day".to_owned());
        match deed {
            Deed::HaltAndArm => {
                self.acknowledged(&Ask::Halt { by: by.clone(), reason: reason.clone() });
                self.acknowledged(&Ask::Arm { by, reason });
            }
            Deed::Questions => {
                let status = self.ask(&Ask::Status);
                assert!(matches!(status, Answer::Status(_)), "{status:?}");
                let thought = self.ask(&Ask::Ask { instrument: "BTCUSD2".to_owned() });
                assert!(matches!(thought, Answer::Thought(..)), "{thought:?}");
            }
            Deed::Sleep => {
                let slept = self.ask(&Ask::Sleep { by, reason });
                assert!(matches!(slept, Answer::Thought(..)), "{slept:?}");
            }
            Deed::Apply => {
                self.configs.swap(0, 1);
                self.acknowledged(&Ask::Apply { config: self.configs[0].clone(), by, reason });
            }
            Deed::StandStill => {
                self.signal("-STOP");
                thread::sleep(STILL);
                self.signal("-CONT");
            }
            Deed::SlowClient => self.slowly(),
        }
    }

    fn ask(&self, word: &Ask) -> Answer {
        ask(&self.journal, word).unwrap_or_else(|| panic!("nobody answers {word:?}"))
    }

    fn acknowledged(&self, word: &Ask) {
        assert!(acknowledged(&self.journal, word).is_some(), "nobody answers {word:?}");
    }

    fn signal(&self, signal: &str) {
        let told = Command::new("kill").args([signal, &self.pid.to_string()]).status();
        assert!(told.expect("it starts").success(), "{signal} {}", self.pid);
    }

    /// Asks for the metrics in two pieces.
    fn slowly(&self) {
        let mut stream = TcpStream::connect(&self.http).expect("it listens");
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHo").expect("it reads");
        thread::sleep(SLOW);
        stream.write_all(b"st: janus\r\nConnection: close\r\n\r\n").expect("it reads");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it answers");
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    }
}
