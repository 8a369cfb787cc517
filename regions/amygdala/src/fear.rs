//! The fear for one instrument: what its signals read, and the trip they lead to.

use market::{Feature, Instrument};
use serde::{Deserialize, Serialize};
use synapse::{Phase, Sensed, Signal, SignalReading, Threat, ThreatLevel};

use crate::counter::{ExcessCounter, Reading};
use crate::drawdown::Drawdown;
use crate::normal::{Lesson, Normal};
use crate::params::AmygdalaParams;
use crate::senses::{Senses, not_finite};
use crate::spread::Spread;
use crate::volatility::Volatility;

/// Below this share of τ a distance is calm again: a trip does not end where it began.
const REARM_SHARE: f64 = 0.8;

/// The fear for one instrument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fear {
    normal: Normal,
    volatility: Volatility,
    spread: Spread,
    counters: [ExcessCounter; Signal::ALL.len()],
    trip: Option<Trip>,
}

/// A trip that is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Trip {
    by: Signal,
    /// Calm samples in a row since.
    calm: u32,
}

/// What there is to see, and to hold it against.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The sample.
    pub sensed: &'a Sensed,
    /// The facts of its instrument.
    pub facts: &'a Instrument,
    /// The limits.
    pub params: &'a AmygdalaParams,
}

/// What a sample shows.
#[derive(Debug, Clone)]
pub struct Findings {
    phase: Phase,
    /// s_t, where all of it is known.
    state: Option<Vec<f64>>,
    /// In the order of [`Signal::ALL`]; absent where a signal cannot be told.
    readings: [Option<Reading>; Signal::ALL.len()],
}

impl Findings {
    fn get(&self, signal: Signal) -> Option<&Reading> {
        self.readings[signal as usize].as_ref()
    }

    fn exceeded(&self, signal: Signal) -> bool {
        self.get(signal).is_some_and(Reading::exceeded)
    }

    fn any_exceeded(&self) -> bool {
        self.readings.iter().flatten().any(Reading::exceeded)
    }
}

impl Fear {
    /// Nothing is known yet.
    pub fn new(params: &AmygdalaParams) -> Self {
        Self {
            normal: Normal::new(Senses::Book, params),
            volatility: Volatility::default(),
            spread: Spread::default(),
            counters: Default::default(),
            trip: None,
        }
    }

    /// Reads every signal, each after its own mathematics. A sample with a value that is no number
    /// is read no further, and one without a valid book not at all.
    pub fn read(&mut self, account: &mut Drawdown, scene: Scene<'_>) -> Findings {
        let Scene { sensed, facts, params } = scene;
        let mut findings =
            Findings { phase: self.normal.phase(params), state: None, readings: Default::default() };
        let unsound = not_finite(sensed);
        if unsound > 0 {
            findings.readings[Signal::NotFinite as usize] = Some(unsound_reading(unsound));
            return findings;
        }
        let Some(senses) = Senses::of(sensed) else {
            return findings;
        };
        if self.normal.senses() != senses {
            // A book replaces the tape at most once: what was normal of the one says nothing of the
            // other.
            self.normal = Normal::new(senses, params);
            findings.phase = self.normal.phase(params);
        }
        let state = senses.state(sensed, facts, params);
        let is_sound = state.as_ref().is_none_or(|state| state.iter().all(|x| x.is_finite()));
        findings.state = state.filter(|_| is_sound);
        let readings = [
            self.anomaly(findings.state.as_deref(), params),
            self.volatility(scene),
            Some(account.observe(sensed.account.equity.to_f64(), params.drawdown_max).from_peak),
            self.spread(scene),
        ];
        // A distance, drawdown or spread that does not exist is no number either.
        let unsound = readings.iter().flatten().filter(|reading| !reading.is_finite()).count();
        for (slot, reading) in findings.readings.iter_mut().zip(readings) {
            *slot = reading.filter(Reading::is_finite);
        }
        let unsound = unsound + usize::from(!is_sound);
        findings.readings[Signal::NotFinite as usize] = Some(unsound_reading(unsound));
        findings
    }

    fn anomaly(&self, state: Option<&[f64]>, params: &AmygdalaParams) -> Option<Reading> {
        let state = state.filter(|_| self.normal.is_known())?;
        let value = self.normal.score(state, params).unwrap_or(f64::NAN);
        Some(Reading { value, limit: self.normal.tau() })
    }

    fn volatility(&mut self, scene: Scene<'_>) -> Option<Reading> {
        let value = scene.sensed.features[Feature::ReturnMid]?;
        Some(self.volatility.observe(f64::from(value), &scene.params.volatility_rule()))
    }

    fn spread(&mut self, scene: Scene<'_>) -> Option<Reading> {
        let top = scene.sensed.top.filter(|_| self.normal.senses() == Senses::Book)?;
        let (bid, ask) = (top.bid.price.to_f64(), top.ask.price.to_f64());
        self.spread.observe(Some(bid), Some(ask), &scene.params.spread_rule()).reading
    }

    /// Folds what was read into counters, trip and baselines; true where a trip begins.
    pub fn fold(&mut self, findings: &Findings, params: &AmygdalaParams) -> bool {
        let cause = self.count(findings, params);
        let begins = self.trip.is_none() && cause.is_some();
        if begins {
            self.trip = cause.map(|by| Trip { by, calm: 0 });
        } else {
            self.rest(findings, params);
        }
        let Some(state) = &findings.state else {
            return begins;
        };
        let unrest = [Signal::Spread, Signal::Volatility, Signal::Drawdown];
        let lesson = Lesson {
            distance: findings.get(Signal::Anomaly).map(|reading| reading.value),
            calm: !unrest.into_iter().any(|signal| findings.exceeded(signal)),
            tripped: self.trip.is_some(),
        };
        self.normal.learn(state, lesson, params);
        begins
    }

    /// Counts the excesses; the first signal that trips.
    fn count(&mut self, findings: &Findings, params: &AmygdalaParams) -> Option<Signal> {
        let mut cause = None;
        for (signal, counter) in Signal::ALL.into_iter().zip(&mut self.counters) {
            let Some(reading) = findings.get(signal) else {
                continue;
            };
            let persistent = counter.observe(reading, params.persistence());
            let at_once = signal == Signal::NotFinite && reading.exceeded();
            if persistent || at_once {
                cause = cause.or(Some(signal));
            }
        }
        cause
    }

    /// Ends a trip after n calm samples in a row. One without a valid book is none of them, and
    /// breaks no row.
    fn rest(&mut self, findings: &Findings, params: &AmygdalaParams) {
        let Some(trip) = self.trip.as_mut().filter(|_| findings.readings.iter().any(Option::is_some)) else {
            return;
        };
        let calm = !findings.any_exceeded()
            && findings
                .get(Signal::Anomaly)
                .is_some_and(|anomaly| anomaly.limit.is_none_or(|tau| anomaly.value < REARM_SHARE * tau));
        trip.calm = if calm { trip.calm + 1 } else { 0 };
        if trip.calm >= params.n {
            self.trip = None;
        }
    }

    /// What is to be said of a sample.
    pub fn threat(&self, findings: &Findings, trip_begins: bool, params: &AmygdalaParams) -> Threat {
        let signals = Signal::ALL.map(|signal| {
            let reading = findings.get(signal);
            SignalReading {
                signal,
                value: reading.map(|reading| reading.value),
                limit: reading.and_then(|reading| reading.limit),
                exceeded: findings.exceeded(signal),
                count: self.counters[signal as usize].count(params.persistence()),
            }
        });
        let level = if self.trip.is_some() {
            ThreatLevel::Tripped
        } else if findings.state.is_none() || findings.any_exceeded() {
            // What cannot be scored is not known to be calm.
            ThreatLevel::Wary
        } else {
            ThreatLevel::Calm
        };
        Threat {
            level,
            phase: findings.phase,
            signals,
            tripped_by: self.trip.map(|trip| trip.by),
            trip_begins,
        }
    }
}

/// How many values are no numbers, against none.
fn unsound_reading(count: usize) -> Reading {
    Reading { value: count as f64, limit: Some(0.0) }
}
