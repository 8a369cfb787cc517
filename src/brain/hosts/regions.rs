//! Where the regions run: in this thread, one input at a time, or as actors, several inputs on their way at
//! once (L2). What comes of an input is the same (L4).

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use market::{InstrumentId, Timestamp};
use synapse::{Fault, Input, InputKind};

use super::actors::Actors;
use super::gauges::RegionGauge;
use super::said::{Halted, Said, panicked};
use super::workbench::Workbench;
use crate::brain::line::{Line, LineState, Thought};

/// How many inputs may be on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credits {
    /// So many.
    Fixed(usize),
    /// Another number from 1 to `most` at each input, drawn from `seed`: for tests of sameness.
    Drawn {
        /// What it is drawn from.
        seed: u64,
        /// The largest.
        most: usize,
    },
}

impl Credits {
    fn at(self, sequence: u64) -> usize {
        match self {
            Self::Fixed(credits) => credits,
            Self::Drawn { seed, most } => {
                let drawn = synapse::random::seed_for(seed ^ sequence, "brain.credits");
                1 + (drawn % most.max(1) as u64) as usize
            }
        }
    }
}

/// The regions, and the inputs on their way through them.
#[derive(Debug)]
pub struct Regions {
    /// None while they are out as actors.
    home: Option<Box<Line>>,
    actors: Option<Actors>,
    credits: Credits,
    /// Admitted and not thought through, oldest first.
    under_way: VecDeque<Input>,
    /// Under way, and not yet sent to the actors.
    unsent: Vec<Input>,
    thoughts: VecDeque<Thought>,
    /// The input of a step that was too long when it was last looked at, and since when.
    suspect: Option<(u64, Instant)>,
    bench: Workbench,
}

impl Regions {
    /// Regions in this thread.
    pub(in crate::brain) fn new(line: Line, bench: Workbench) -> Self {
        Self {
            home: Some(Box::new(line)),
            actors: None,
            credits: Credits::Fixed(1),
            under_way: VecDeque::new(),
            unsent: Vec::new(),
            thoughts: VecDeque::new(),
            suspect: None,
            bench,
        }
    }

    /// From here on they run as actors.
    pub(in crate::brain) fn host(&mut self, actors: Actors, credits: Credits) {
        self.actors = Some(actors);
        self.credits = credits;
    }

    /// They stay in this thread; the actors that hosted them.
    pub(in crate::brain) fn unhost(&mut self) -> Option<(Actors, Credits)> {
        self.actors.take().map(|actors| (actors, self.credits))
    }

    /// The regions.
    ///
    /// # Panics
    /// If they are out: whoever looks at them waits for them first ([`Regions::bring_home`]).
    pub fn line(&self) -> &Line {
        let Some(line) = &self.home else { panic!("the regions are out: settle first") };
        line
    }

    /// The same, to be changed.
    pub(in crate::brain) fn line_mut(&mut self) -> &mut Line {
        let Some(line) = &mut self.home else { panic!("the regions are out: settle first") };
        line
    }

    pub(in crate::brain) fn into_line(mut self) -> Line {
        let Some(line) = self.home.take() else { panic!("the regions are out: settle first") };
        *line
    }

    /// From here on they tell the log of themselves.
    pub(in crate::brain) const fn speak(&mut self) {
        self.bench.speak();
    }

    /// What surrounds their steps.
    pub const fn bench(&self) -> &Workbench {
        &self.bench
    }

    /// Puts others in their place, which keep what these remember.
    pub(in crate::brain) fn replace(&mut self, mut line: Line) -> Result<(), Fault> {
        line.restore(&self.line().state())?;
        self.home = Some(Box::new(line));
        Ok(())
    }

    pub(in crate::brain) fn restore(&mut self, state: &LineState) -> Result<(), Fault> {
        match &mut self.home {
            Some(line) => line.restore(state),
            None => panic!("the regions are out: settle first"),
        }
    }

    /// Others take the place of these, in this thread; gauges and what surrounds the steps stay.
    pub(in crate::brain) fn take_place(&mut self, others: Self) {
        self.home = others.home;
        self.bench.gauges().regions().iter().for_each(RegionGauge::clear);
    }

    /// The inputs under way, oldest first.
    pub(in crate::brain) fn inputs(&self) -> impl Iterator<Item = &Input> {
        self.under_way.iter()
    }

    /// Inputs under way.
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// The time of the oldest input under way.
    pub(in crate::brain) fn oldest(&self) -> Option<Timestamp> {
        self.under_way.front().map(|input| input.time)
    }

    /// Whether one more may be on its way behind that input.
    pub(in crate::brain) fn has_credit(&self, sequence: u64) -> bool {
        self.under_way.len() < self.credits.at(sequence)
    }

    /// Takes the inputs under way: what the actors were about is lost, and done again elsewhere.
    pub(in crate::brain) fn take_under_way(&mut self) -> Vec<Input> {
        self.unsent.clear();
        self.thoughts.clear();
        self.under_way.drain(..).collect()
    }

    /// Sends an input on its way.
    pub(in crate::brain) fn offer(&mut self, input: Input) {
        if self.actors.is_some() {
            self.unsent.push(input.clone());
        }
        self.under_way.push_back(input);
    }

    /// What has been thought through next, without waiting.
    ///
    /// # Errors
    /// [`Halted`] where a region failed.
    pub(in crate::brain) fn poll(&mut self) -> Result<Option<(Input, Thought)>, Halted> {
        self.advance(None)
    }

    /// What is thought through next; none where nothing is under way.
    ///
    /// # Errors
    /// [`Halted`] where a region fails or hangs.
    pub(in crate::brain) fn wait(&mut self) -> Result<Option<(Input, Thought)>, Halted> {
        self.flush()?;
        while !self.under_way.is_empty() {
            if let Some(next) = self.advance(Some(SLICE))? {
                return Ok(Some(next));
            }
            self.check_hang()?;
        }
        Ok(None)
    }

    fn advance(&mut self, wait: Option<Duration>) -> Result<Option<(Input, Thought)>, Halted> {
        let Some(actors) = &mut self.actors else { return self.think() };
        while self.thoughts.is_empty() {
            match actors.hear(wait) {
                Some(Said::Thoughts(thoughts)) => self.thoughts.extend(thoughts),
                Some(Said::Failed(halted)) => return Err(halted),
                None => return Ok(None),
            }
        }
        let next = self.under_way.pop_front().zip(self.thoughts.pop_front());
        debug_assert!(
            next.iter()
                .all(|(input, it)| it.judged.iter().all(|one| one.sensed().sequence == input.sequence)),
            "a thought is that of its input"
        );
        Ok(next)
    }

    /// In this thread: whoever catches the fault throws these regions away.
    fn think(&mut self) -> Result<Option<(Input, Thought)>, Halted> {
        let Some(input) = self.under_way.pop_front() else { return Ok(None) };
        let (Some(line), bench) = (&mut self.home, &self.bench) else { return Ok(None) };
        let folded = catch_unwind(AssertUnwindSafe(|| line.fold(&input, bench)));
        let fault = match folded {
            Ok(Ok(thought)) => return Ok(Some((input, thought))),
            Ok(Err(fault)) => fault,
            Err(panic) => panicked("line", &*panic),
        };
        let sequence = input.sequence;
        let at_work = bench.gauges().regions().iter().find(|gauge| gauge.busy().is_some());
        let instrument = at_work.and_then(RegionGauge::instrument).or_else(|| instrument_of(&input));
        self.under_way.push_front(input);
        Err(Halted { sequence, instrument, fault, hangs: false })
    }

    /// Sends what was offered to the actors, together.
    pub(in crate::brain) fn flush(&mut self) -> Result<(), Halted> {
        if let (Some(actors), false) = (&mut self.actors, self.unsent.is_empty()) {
            if let Some(line) = self.home.take() {
                actors.send_out(*line)?;
            }
            actors.send(std::mem::take(&mut self.unsent));
        }
        Ok(())
    }

    /// Brings the regions home; nothing may be under way.
    ///
    /// # Errors
    /// [`Halted`] where one does not come.
    pub(in crate::brain) fn bring_home(&mut self) -> Result<(), Halted> {
        debug_assert!(self.under_way.is_empty(), "nothing is under way");
        if let (None, Some(actors)) = (&self.home, &mut self.actors) {
            self.home = Some(Box::new(actors.bring_home()?));
        }
        Ok(())
    }

    /// Whether a region has been at one step for too long (S3).
    ///
    /// # Errors
    /// [`Halted`] where that is so.
    pub(in crate::brain) fn check_hang(&mut self) -> Result<(), Halted> {
        let Some(actors) = self.actors.as_ref().filter(|_| !self.under_way.is_empty()) else { return Ok(()) };
        let Some((gauge, busy)) = self.bench.gauges().slowest() else { return Ok(()) };
        if busy < actors.step_limit() {
            return Ok(());
        }
        // a process that stood still finds every step long: it is looked at once more
        let (at, seen) = *self.suspect.get_or_insert((gauge.sequence(), Instant::now()));
        if at != gauge.sequence() || seen.elapsed() < SLICE {
            self.suspect = self.suspect.filter(|(at, _)| *at == gauge.sequence());
            return Ok(());
        }
        let what = format!("one step has taken {} ms, more than it may", busy.as_millis());
        let (sequence, instrument) = (gauge.sequence(), gauge.instrument());
        Err(Halted { sequence, instrument, fault: Fault::new(gauge.name, what), hangs: true })
    }

    /// Whether a step takes so long that whoever waits for the regions may wait for ever.
    pub(in crate::brain) fn is_slow(&self) -> bool {
        self.actors.is_some() && self.bench.gauges().slowest().is_some_and(|(_, busy)| busy > SLOW)
    }
}

/// How long a wait for the actors lasts before their gauges are looked at.
const SLICE: Duration = Duration::from_millis(10);
/// A step takes microseconds; one of this length hangs, most likely.
const SLOW: Duration = Duration::from_millis(100);

/// Whose event an input is.
pub const fn instrument_of(input: &Input) -> Option<InstrumentId> {
    match &input.kind {
        InputKind::Market(event) => Some(event.instrument),
        InputKind::Tick(_) | InputKind::Notice(_) => None,
    }
}
