//! What an adversary makes the region believe: mostly what a market and a brain could say, so that orders come to
//! be, and anywhere in it what they never should.

use market::book::BookState;
use market::features::FEATURE_COUNT;
use market::num::SCALE;
use market::{InstrumentId, Money, Price, Quantity, Timestamp};
use synapse::{
    Account, Action, Context, ExecutionForecast, Forecast, Phase, Plan, Proposal, SampleKind, Sensed, Signal,
    Startle, Style, StyleForecast, Threat, ThreatLevel,
};

use crate::chance::Chance;
use crate::terms::Terms;

/// How often something is out of the ordinary: once in so many.
pub const ODD: u64 = 24;

/// One belief: of an instrument that stands at `middle`, when `position` is held.
pub fn forecast(
    chance: &mut Chance,
    terms: &Terms,
    instrument: InstrumentId,
    (sequence, time_ns): (u64, i64),
    middle: i64,
    position: Quantity,
) -> Forecast {
    let sensed = sensed(chance, terms, instrument, (sequence, time_ns), middle, position);
    let proposal = proposal(chance, terms);
    let execution = execution(chance, terms, middle);
    let mut proposed = scenes::proposed(sensed, proposal);
    let recalled = &mut proposed.fused.perceived.recalled;
    for recall in &mut recalled.recall {
        recall.confidence = chance.float() as f32;
        recall.reward_bp = Some(chance.float() as f32);
    }
    recalled.encoded.appraised.threat = threat(chance);
    Forecast { proposed, execution }
}

fn sensed(
    chance: &mut Chance,
    terms: &Terms,
    instrument: InstrumentId,
    (sequence, time_ns): (u64, i64),
    middle: i64,
    position: Quantity,
) -> Sensed {
    let tick = terms.tick;
    let bid = middle - middle % tick;
    let mut sensed = Sensed {
        sequence,
        instrument,
        time: Timestamp::from_ns(time_ns),
        top: Some(scenes::top(bid, bid + tick)),
        mark2: Some(2 * bid + tick),
        mark_age_ns: chance.within(0, 4 * SCALE),
        context: Context { volume: Some(chance.share() as f32 * 100.0), ..Context::default() },
        account: Account {
            position,
            equity: Money::from_units(chance.integer().into()),
            earned: Money::from_units(chance.integer().into()),
            mark_valid: chance.one_in(2),
        },
        ..scenes::sensed()
    };
    for feature in &mut sensed.features.0[..FEATURE_COUNT] {
        *feature = (!chance.one_in(3)).then(|| chance.float() as f32);
    }
    if chance.one_in(ODD) {
        let odd = chance.pick(&[None, Some(0), Some(1), Some(-1), Some(i64::MIN), Some(i64::MAX)]);
        sensed.mark2 = if chance.one_in(3) { Some(chance.integer()) } else { odd };
    }
    if chance.one_in(ODD) {
        let edge = 5 * SCALE;
        sensed.mark_age_ns = chance.pick(&[edge, edge + 1, edge - 1, -1, i64::MIN, i64::MAX, 3 * edge]);
    }
    if chance.one_in(ODD) {
        sensed.top = None;
        sensed.book = chance.pick(&[
            BookState::Unknown,
            BookState::OneSided,
            BookState::Crossed,
            BookState::Locked,
            BookState::Synthetic,
        ]);
    }
    if chance.one_in(ODD) {
        let shock =
            chance.pick(&[Startle::Halt, Startle::Gap, Startle::LostBook, Startle::Spread, Startle::Stale]);
        sensed.kind = SampleKind::Startle(shock);
    }
    sensed.halted = chance.one_in(ODD);
    if chance.one_in(4) {
        sensed.context = Context {
            volatility_bp: Some(chance.float() as f32),
            spread_bp: Some(chance.float() as f32),
            volume: Some(chance.float() as f32),
        };
    }
    sensed
}

fn proposal(chance: &mut Chance, terms: &Terms) -> Proposal {
    let mut numbers = || [(); Action::COUNT].map(|()| chance.float() as f32);
    let (go, no_go, policy) = (numbers(), numbers(), numbers());
    let values = Some(numbers());
    let lots = i64::try_from(terms.position / i128::from(terms.lot)).expect("limits are small");
    let mut target = chance.within(-lots * 5 / 4, lots * 5 / 4) * terms.lot;
    if chance.one_in(3) {
        // at the edge of the limit
        target = chance.pick(&[-1, 1]) * (lots + chance.within(-1, 1)) * terms.lot;
    }
    if chance.one_in(ODD) {
        target = chance.integer();
    }
    let action = match target.signum() {
        _ if chance.one_in(ODD) => chance.pick(&Action::ALL),
        -1 => Action::Sell,
        _ => Action::Buy,
    };
    let odd =
        |chance: &mut Chance, usual: f32| if chance.one_in(ODD) { chance.float() as f32 } else { usual };
    Proposal {
        go,
        no_go,
        values,
        policy,
        action,
        probability: chance.float() as f32,
        margin: odd(chance, 0.5),
        margin_needed: odd(chance, 0.1),
        target: Quantity::from_units(target),
        urgency: chance.float() as f32,
    }
}

fn execution(chance: &mut Chance, terms: &Terms, middle: i64) -> ExecutionForecast {
    // a little farther than the collar allows
    let reach =
        (i128::from(middle) * i128::from(terms.collar_mbp) / 10_000_000 * 11 / 10) as i64 + 2 * terms.tick;
    let near = reach.min(20 * terms.tick);
    let apart = if chance.one_in(4) { chance.within(-reach, reach) } else { chance.within(-near, near) };
    let mut price = middle + apart;
    price -= price % terms.tick;
    if chance.one_in(ODD) {
        let any = chance.integer();
        price = chance.pick(&[any, 0, -1, 1, middle + 1, i64::MAX, i64::MIN]);
    }
    let styles = (0..chance.below(3) + 1).map(|_| StyleForecast {
        style: chance.pick(&[Style::Market, Style::AtTouch, Style::Inside]),
        price: Price::from_units(price),
        slippage_bp: chance.float(),
        impact_bp: chance.float(),
        correction_bp: chance.float(),
        fee_bp: chance.float(),
    });
    let styles: Vec<_> = styles.collect();
    ExecutionForecast {
        styles,
        chosen: if chance.one_in(ODD) { chance.pick(&[None, Some(7), Some(u32::MAX)]) } else { Some(0) },
        edge_bp: if chance.one_in(3) { None } else { Some(chance.float()) },
        filtered: chance.one_in(ODD),
        drift_bp: Some(chance.float()),
        plan: chance.one_in(3).then(|| plan(chance, terms)),
    }
}

fn plan(chance: &mut Chance, terms: &Terms) -> Plan {
    match chance.below(4) {
        0 => Plan::Participation { rate: chance.float(), end_ns: chance.integer() },
        1 => Plan::Participation { rate: chance.share(), end_ns: 30 * SCALE },
        2 => {
            let cumulative = (0..chance.below(5)).map(|_| Quantity::from_units(chance.integer())).collect();
            Plan::Trajectory { period_ns: chance.integer(), cumulative }
        }
        _ => {
            let slice = i64::try_from(terms.position / 8).expect("limits are small");
            let cumulative = (1..=8).map(|at| Quantity::from_units(at * slice)).collect();
            Plan::Trajectory { period_ns: SCALE, cumulative }
        }
    }
}

fn threat(chance: &mut Chance) -> Threat {
    let mut threat = scenes::threat();
    for reading in &mut threat.signals {
        (reading.value, reading.limit) = (Some(chance.float()), Some(chance.float()));
    }
    if chance.one_in(ODD) {
        threat.level = chance.pick(&[ThreatLevel::Wary, ThreatLevel::Tripped]);
        let signal = chance.pick(&Signal::ALL);
        threat.signals[signal as usize].exceeded = true;
        if threat.level == ThreatLevel::Tripped {
            (threat.tripped_by, threat.trip_begins) = (Some(signal), chance.one_in(2));
        }
    }
    if chance.one_in(ODD) {
        threat.phase = chance.pick(&[Phase::WarmingUp { left: 3 }, Phase::Calibrating { left: 1 }]);
    }
    threat
}
