//! An episode: a desk under terms of its own, to which so many things happen.

use std::sync::Arc;

use market::num::SCALE;
use market::order::{ClientId, Report, ReportKind, Request};
use market::tax::TradeDate;
use market::{InstrumentId, Price, Quantity, Timestamp};
use prefrontal::{Prefrontal, PrefrontalParams, State};
use rules::RuleSet;
use synapse::{
    Command, CommandKind, Forecast, LatchCause, Notice, NoticeKind, Outcome, Reason, Region, Sensed, Threat,
    Verdict,
};

use crate::chance::Chance;
use crate::coverage::{Coverage, name};
use crate::mind::{ODD, forecast};
use crate::oracle::Oracle;
use crate::terms::{self, Terms};
use crate::venue::{Hearing, Venue};

/// Samples of an episode.
const SAMPLES: usize = 400;
/// Noon of a day.
const START_NS: i64 = 1_777_636_800 * SCALE;

/// The desk of an episode.
struct Desk<'a> {
    judge: Prefrontal,
    oracle: Oracle,
    venue: Venue,
    hearing: Hearing,
    terms: Vec<Terms>,
    middles: Vec<i64>,
    sequence: u64,
    time_ns: i64,
    /// Whether time passes in milliseconds.
    is_fast: bool,
    restart_pending: bool,
    /// What was believed last of each instrument.
    beliefs: Vec<Option<Forecast>>,
    coverage: &'a mut Coverage,
}

/// Plays one; what it was that left and should not have, where something did.
pub fn play(rules: &Arc<RuleSet>, seed: u64, episode: u64, coverage: &mut Coverage) -> Result<(), String> {
    let chance = &mut Chance::of(seed, episode);
    let terms = terms::instruments(chance);
    let params = PrefrontalParams {
        rearm_after_s: if chance.one_in(4) { 20 } else { 0 },
        stale_feed_latches: chance.one_in(2),
        ..PrefrontalParams::default()
    };
    let limits = terms.iter().map(Terms::limits).collect();
    let oracle = Oracle::new(terms.clone(), params.rearm_after_s > 0, params.stale_feed_latches);
    let judge = Prefrontal::new(params, terms::table(&terms), limits, terms::law(rules, chance));
    let mut desk = Desk {
        judge,
        oracle,
        venue: Venue::chosen(chance),
        hearing: match chance.below(10) {
            0 => Hearing::Deaf,
            1 => Hearing::NoFills,
            2 | 3 => Hearing::Late,
            _ => Hearing::Prompt,
        },
        middles: terms.iter().map(|terms| terms.price).collect(),
        beliefs: terms.iter().map(|_| None).collect(),
        terms,
        sequence: 0,
        time_ns: START_NS,
        is_fast: chance.one_in(3),
        restart_pending: false,
        coverage,
    };
    for sample in 0..SAMPLES {
        let step = desk.happen(chance).and_then(|()| desk.sample(chance));
        step.map_err(|what| format!("sample {sample}: {what}"))?;
    }
    desk.limits_stand()
}

impl Desk<'_> {
    /// Time passes, and something happens that is no sample.
    fn happen(&mut self, chance: &mut Chance) -> Result<(), String> {
        self.time_ns += match chance.below(40) {
            _ if self.is_fast => chance.within(0, SCALE / 20),
            0 => 3_600 * SCALE,
            1..4 => chance.within(0, 20 * SCALE),
            4..20 => chance.within(0, SCALE),
            _ => chance.within(0, SCALE / 20),
        };
        for _ in 0..chance.below(5) {
            self.venue.act(chance);
        }
        for _ in 0..chance.below(6) {
            if let Some((id, kind)) = self.venue.tell(chance, self.hearing) {
                self.report(id, kind)?;
            }
        }
        if chance.one_in(ODD) {
            self.lie(chance)?;
        }
        // a human looks after what has latched
        let is_due = self.judge.latch().is_some() && chance.one_in(6);
        if is_due || chance.one_in(80) {
            let kind = if is_due {
                CommandKind::Arm
            } else {
                chance.pick(&[CommandKind::Halt, CommandKind::Flatten, CommandKind::Arm])
            };
            self.notice(NoticeKind::Command(Command { kind, by: "ada".into(), reason: "test".into() }))?;
        }
        if self.restart_pending && chance.one_in(4) {
            self.restart_pending = false;
            self.notice(NoticeKind::Restarted)?;
        }
        if chance.one_in(100) {
            let one = InstrumentId(chance.below(self.terms.len() as u64) as u16);
            let kind = match chance.below(6) {
                0 => NoticeKind::Latch(LatchCause::Reconciliation),
                1 => NoticeKind::Quarantine { input: 1, instrument: None },
                2 => NoticeKind::Quarantine { input: 1, instrument: Some(one) },
                3 => NoticeKind::Activate { hash: [7; 32], by: "ada".into(), reason: "test".into() },
                4 => NoticeKind::Slept { artefact: Some([8; 32]), activated: true, reason: "test".into() },
                _ => NoticeKind::News {
                    instruments: vec![one],
                    embedding: Box::new([f32::NAN]),
                    model: [9; 32],
                },
            };
            self.notice(kind)?;
        }
        if chance.one_in(200) {
            // a restart from a snapshot
            let bytes = self.judge.snapshot();
            self.judge.restore(&bytes).map_err(|fault| fault.to_string())?;
        }
        Ok(())
    }

    fn notice(&mut self, kind: NoticeKind) -> Result<(), String> {
        *self.coverage.notices.entry(name(&kind)).or_default() += 1;
        self.oracle.notice(self.time_ns, &kind);
        self.sequence += 1;
        let notice = Notice { sequence: self.sequence, time: Timestamp::from_ns(self.time_ns), kind };
        self.judge.notice(&notice).map_err(|fault| format!("{notice:?}: {fault}"))
    }

    fn report(&mut self, id: ClientId, kind: ReportKind) -> Result<(), String> {
        let time = Timestamp::from_ns(self.time_ns);
        self.notice(NoticeKind::Report(Report { id, time, kind }))
    }

    /// What no venue may say is a fault, and changes nothing.
    fn lie(&mut self, chance: &mut Chance) -> Result<(), String> {
        let Some((id, kind)) = self.venue.lie(chance) else { return Ok(()) };
        let before = self.judge.digest();
        let report = Report { id, time: Timestamp::from_ns(self.time_ns), kind };
        let notice = Notice { sequence: self.sequence, time: report.time, kind: NoticeKind::Report(report) };
        let answer = self.judge.notice(&notice);
        if answer.is_ok() || self.judge.digest() != before {
            return Err(format!("{report:?} was believed: {answer:?}"));
        }
        self.coverage.faults += 1;
        Ok(())
    }

    fn sample(&mut self, chance: &mut Chance) -> Result<(), String> {
        let at = chance.below(self.terms.len() as u64) as usize;
        let (instrument, terms) = (InstrumentId(at as u16), self.terms[at].clone());
        let step = terms.price / 500;
        self.middles[at] = (self.middles[at] + chance.within(-step, step)).max(terms.price / 4);
        if chance.one_in(100) {
            // what is held may come to be worth more than any order could make it
            self.middles[at] = terms.price / 10 * chance.within(4, 40);
        }
        self.sequence += 1;
        let told = i64::try_from(self.venue.told(instrument)).map_err(|e| e.to_string())?;
        let (moment, middle) = ((self.sequence, self.time_ns), self.middles[at]);
        if chance.one_in(4 * ODD) {
            return self.misled(chance, &terms, instrument, told + 1);
        }
        let mut forecast = forecast(chance, &terms, instrument, moment, middle, Quantity::from_units(told));
        if let Some(before) = self.beliefs[at].take().filter(|_| chance.one_in(2)) {
            forecast.proposed.proposal = before.proposed.proposal;
            forecast.execution = before.execution;
            self.touch(chance, &terms, &mut forecast);
        }
        self.beliefs[at] = Some(forecast.clone());
        let (sensed, threat) = (forecast.sensed().clone(), forecast.threat().clone());
        let verdict = self.judge.step(forecast).map_err(|fault| fault.to_string())?.verdict;
        self.coverage.count(&verdict);
        self.restart_pending |= verdict.tripped;
        self.oracle.sampled(&sensed, &threat);
        self.check(&sensed, &threat, &verdict)?;
        for request in verdict.requests() {
            self.venue.receive(request, verdict.parent.map(|parent| parent.id));
        }
        self.gate(chance, verdict.requests())
    }

    /// The same belief again, at a price or a target a little different, or as it was.
    fn touch(&self, chance: &mut Chance, terms: &Terms, forecast: &mut Forecast) {
        let (ticks, lots) = match chance.below(4) {
            0 => (chance.within(-3, 3), 0),
            1 => (0, chance.within(-3, 3)),
            _ => (0, 0),
        };
        for style in &mut forecast.execution.styles {
            style.price = Price::from_units(style.price.units().saturating_add(ticks * terms.tick));
        }
        let target = &mut forecast.proposed.proposal.target;
        *target = Quantity::from_units(target.units().saturating_add(lots * terms.lot));
    }

    fn check(&mut self, sensed: &Sensed, threat: &Threat, verdict: &Verdict) -> Result<(), String> {
        let judged = self.oracle.judge(sensed, threat, verdict, &self.venue);
        let terms = &self.terms[sensed.instrument.index()];
        let date = TradeDate::of(sensed.time, 0);
        let broken = verdict.rules.iter().filter(|rule| !rule.passed).map(|rule| rule.rule.as_str());
        let broken: Vec<_> = broken.collect();
        judged.map_err(|what| {
            format!(
                "{what}; {:?}, broken {broken:?}; {terms:?}; {date:?}; {:?}",
                verdict.outcome, self.hearing
            )
        })
    }

    /// A position that is not the ledger's is a fault, whatever else is believed.
    fn misled(
        &mut self,
        chance: &mut Chance,
        terms: &Terms,
        instrument: InstrumentId,
        position: i64,
    ) -> Result<(), String> {
        let moment = (self.sequence, self.time_ns);
        let position = Quantity::from_units(position);
        let forecast =
            forecast(chance, terms, instrument, moment, self.middles[instrument.index()], position);
        let before = self.judge.digest();
        if self.judge.step(forecast).is_ok() || self.judge.digest() != before {
            return Err(format!("a position of {position} was believed"));
        }
        self.coverage.faults += 1;
        Ok(())
    }

    /// The gate drops some orders before they leave, and cancels some by itself.
    fn gate(&mut self, chance: &mut Chance, requests: &[Request]) -> Result<(), String> {
        for request in requests {
            match *request {
                Request::Place(order) if chance.one_in(2 * ODD) => {
                    self.venue.lapse(order.id);
                    self.notice(NoticeKind::Lapsed(order.id))?;
                }
                Request::Place(order) if chance.one_in(2 * ODD) => {
                    self.venue.cancel(order.id);
                    self.notice(NoticeKind::CancelSent(order.id))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// After all that, a judge that has forgotten everything else still holds every order to the same limits.
    fn limits_stand(&mut self) -> Result<(), String> {
        self.judge.set_state(State::default());
        for at in 0..self.terms.len() {
            let terms = self.terms[at].clone();
            if terms.name == "BANNED" {
                continue;
            }
            for beyond in [0, 1] {
                let refused_by = self.probe(at, beyond);
                let is_refused = refused_by.as_ref().is_some_and(|rules| !rules.is_empty());
                if is_refused != (beyond == 1) {
                    return Err(format!("{beyond} lots beyond the limits of {terms:?}: {refused_by:?}"));
                }
            }
        }
        Ok(())
    }

    /// What refuses the largest order that keeps all limits of an instrument, made larger by so many lots.
    fn probe(&mut self, at: usize, beyond: i64) -> Option<Vec<String>> {
        let terms = &self.terms[at];
        let (lot, tick) = (i128::from(terms.lot), i128::from(terms.tick));
        let price = i128::from(terms.price) - i128::from(terms.price) % tick;
        let least = terms.notional.min(terms.capital);
        let mut lots = terms.order_size.min(terms.position) / lot;
        while lots > 0 && terms.worth(2 * price, lots * lot) > least {
            lots -= 1;
        }
        let target = i64::try_from(lots).ok()? + beyond;
        self.sequence += 1;
        self.time_ns += 20 * SCALE;
        let forecast = plain(terms, at, (self.sequence, START_NS + self.sequence as i64), target);
        let verdict = self.judge.peek(forecast).ok()?.verdict;
        let refused = verdict.rules.iter().filter(|rule| rule.is_hard && !rule.passed);
        let refused: Vec<_> = refused.map(|rule| rule.rule.as_str().to_owned()).collect();
        match verdict.outcome {
            Outcome::Rest(Reason::Refused { .. }) | Outcome::Act(_) => Some(refused),
            Outcome::Rest(_) => None,
        }
    }
}

/// A plain belief, at the price an instrument began with: to hold so many lots.
fn plain(terms: &Terms, at: usize, moment: (u64, i64), lots: i64) -> Forecast {
    let mut calm = Chance::of(0, 0);
    let instrument = InstrumentId(at as u16);
    let mut forecast = forecast(&mut calm, terms, instrument, moment, terms.price, Quantity::ZERO);
    let bid = terms.price - terms.price % terms.tick;
    let top = scenes::top(bid, bid + terms.tick);
    let appraised = &mut forecast.proposed.fused.perceived.recalled.encoded.appraised;
    appraised.sensed = Sensed {
        sequence: moment.0,
        instrument,
        time: Timestamp::from_ns(moment.1),
        top: Some(top),
        mark2: Some(2 * bid),
        account: synapse::Account::default(),
        ..scenes::sensed()
    };
    appraised.threat = scenes::threat();
    let action = synapse::Action::Buy;
    forecast.proposed.proposal = scenes::proposal(action, Quantity::from_units(lots * terms.lot));
    let style = synapse::StyleForecast {
        style: synapse::Style::AtTouch,
        price: top.bid.price,
        slippage_bp: 0.0,
        impact_bp: 0.0,
        correction_bp: 0.0,
        fee_bp: 0.0,
    };
    forecast.execution =
        synapse::ExecutionForecast { styles: vec![style], chosen: Some(0), ..Default::default() };
    forecast
}
