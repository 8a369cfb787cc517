//! What an episode is played under: instruments, limits and rules, as plain numbers that the oracle goes by and as
//! what the region takes.

use std::sync::Arc;

use market::tax::TaxParams;
use market::{Instrument, Instruments, Money, Price, Quantity, Session};
use prefrontal::{Grounding, Law, Limits};
use rules::RuleSet;
use synapse::Sensed;

use crate::chance::Chance;

const SCALE: i64 = 1_000_000_000;
const HOUR_NS: i64 = 3_600 * SCALE;

const SHIPPED: &str = include_str!("../../../../config/compliance.ltn");

/// The rules that ship, with a list and a throttle that a short episode reaches.
pub fn rules() -> RuleSet {
    let lists = SHIPPED.replace("const restricted = {GME, AMC}", "const restricted = {GME, BANNED}");
    let text = lists.replace("const repeated = 3_000 fills", "const repeated = 40 fills");
    let text = text.replace("const value_rate = 10", "const value_rate = 2");
    assert!(
        text.contains("BANNED")
            && text.contains("repeated = 40 fills")
            && text.contains(&format!("value_rate = {VALUE_RATE}")),
        "the rules that ship have changed"
    );
    RuleSet::compile("compliance.ltn", &text).expect("the rules that ship are sound")
}

/// Fills in a minute from which on nothing more may leave.
pub const REPEATED: usize = 40;
/// What may be ordered in ten seconds, in multiples of the capital limit.
pub const VALUE_RATE: i128 = 2;
/// How old a reference may be.
pub const STALE_NS: i64 = 5 * SCALE;

/// An instrument and its limits, all in units of 1e-9 but where it says otherwise.
#[derive(Debug, Clone)]
pub struct Terms {
    pub name: &'static str,
    pub tick: i64,
    pub lot: i64,
    pub multiplier: i64,
    /// Hours of the day between which it trades; none where it always does.
    pub hours: Option<(i64, i64)>,
    pub price: i64,
    pub order_size: i128,
    pub position: i128,
    pub notional: i128,
    pub capital: i128,
    /// In units of 0.001 bp.
    pub collar_mbp: i64,
    /// In orders a second.
    pub rate: usize,
    pub duplicate_ns: i64,
}

impl Terms {
    /// Terms that bind: an order of the usual size is about as large as each limit.
    pub fn chosen(chance: &mut Chance, name: &'static str) -> Self {
        let lot = chance.pick(&[1_000_000, SCALE / 10, SCALE, 100 * SCALE]);
        let price = chance.pick(&[1, 7, 100, 2_500]) * SCALE;
        let multiplier = chance.pick(&[SCALE, SCALE, SCALE / 10, 50 * SCALE]);
        let lots = chance.within(10, 60);
        let position = i128::from(lot) * i128::from(lots);
        let worth =
            position * i128::from(price) / i128::from(SCALE) * i128::from(multiplier) / i128::from(SCALE);
        let tenths =
            |chance: &mut Chance, of: i128, least, most| of * i128::from(chance.within(least, most)) / 10;
        Self {
            name,
            tick: price / chance.pick(&[1_000, 10_000]),
            lot,
            multiplier,
            hours: chance.one_in(4).then_some((0, 20)),
            price,
            order_size: tenths(chance, position, 4, 20),
            position,
            notional: tenths(chance, worth, 5, 25),
            capital: tenths(chance, worth, 6, 40),
            collar_mbp: chance.pick(&[10_000, 100_000, 500_000, 1_234_567, 10_000_000]),
            rate: chance.pick(&[2, 5, 20, 1_000]),
            duplicate_ns: chance.pick(&[1, 50, 500, 2_000]) * 1_000_000,
        }
    }

    /// A price as so many units of currency: price × quantity × multiplier, each product to the nearest 1e-9.
    pub fn worth(&self, twice_price: i128, quantity: i128) -> i128 {
        let nearest = |whole: i128, by: i128| (whole + by / 2) / by;
        let scale = i128::from(SCALE);
        nearest(nearest(twice_price * quantity, 2 * scale) * i128::from(self.multiplier), scale)
    }

    /// Whether it trades at a moment.
    pub fn is_open(&self, time_ns: i64) -> bool {
        let of_day = time_ns.rem_euclid(24 * HOUR_NS);
        self.hours.is_none_or(|(open, close)| (open * HOUR_NS..close * HOUR_NS).contains(&of_day))
    }

    pub fn instrument(&self) -> Instrument {
        let hours = |(open, close)| Session::Daily { open_ns: open * HOUR_NS, close_ns: close * HOUR_NS };
        Instrument {
            name: self.name.to_owned(),
            tick: Price::from_units(self.tick),
            lot: Quantity::from_units(self.lot),
            multiplier: Quantity::from_units(self.multiplier),
            session: self.hours.map_or(Session::Always, hours),
            ..scenes::instrument()
        }
    }

    pub fn limits(&self) -> Limits {
        let narrow = |units: i128| Quantity::from_units(i64::try_from(units).expect("limits are small"));
        Limits {
            order_size: narrow(self.order_size),
            position: narrow(self.position),
            notional: Money::from_units(self.notional),
            capital: Money::from_units(self.capital),
            collar: self.collar_mbp as f64 / 1e3,
            rate: self.rate as u32,
            duplicate: (self.duplicate_ns / 1_000_000) as u32,
        }
    }
}

/// A network that says anything.
#[derive(Debug)]
struct Liar(u64);

impl Grounding for Liar {
    fn truth(&self, sensed: &Sensed) -> Option<f64> {
        let mut chance = Chance::of(self.0, sensed.sequence);
        match chance.below(4) {
            0 => None,
            1 => Some(chance.share()),
            2 => Some(1.0),
            _ => Some(chance.float()),
        }
    }
}

/// Instruments: a coin, a share, another, and one that is on the list.
pub fn instruments(chance: &mut Chance) -> Vec<Terms> {
    let names = ["BTC-USD", "AAPL", "MSFT", "BANNED"];
    let count = chance.pick(&[1, 2, 4]);
    let mut all: Vec<_> = names[..count].iter().map(|name| Terms::chosen(chance, name)).collect();
    // the capital is that of one account
    let capital = all.iter().map(|terms| terms.capital).max().unwrap_or_default();
    all.iter_mut().for_each(|terms| terms.capital = capital);
    all
}

pub fn table(all: &[Terms]) -> Instruments {
    Instruments::new(all.iter().map(Terms::instrument).collect())
}

/// The law of an episode.
pub fn law(rules: &Arc<RuleSet>, chance: &mut Chance) -> Law {
    let params = TaxParams {
        policy: chance.pick(&["forbid", "warn", "price"]).to_owned(),
        securities: "AAPL,MSFT".to_owned(),
        ..TaxParams::default()
    };
    let seed = chance.bits();
    let liar = |at| Some(Arc::new(Liar(seed + at as u64)) as Arc<dyn Grounding>);
    Law {
        rules: rules.clone(),
        learned: (0..rules.learned().len()).map(liar).collect(),
        account: "main".to_owned(),
        start_equity: scenes::money(100_000),
        wash: params.terms().expect("the terms are sound"),
        utc_offset_min: chance.within(-720, 720),
    }
}
