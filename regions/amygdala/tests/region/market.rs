//! A calm market made up from a seed, and an amygdala that has come to know it.

use amygdala::{Amygdala, AmygdalaParams};
use market::book::BookState;
use market::{Feature, FeatureVector, Instrument, InstrumentId, Instruments, Price, Quantity, Timestamp};
use scenes::money;
use synapse::random::normal;
use synapse::{Account, Phase, Region, SampleKind, Sensed, Startle, Threat};

/// The tick of the instruments, in price units.
pub const TICK: i64 = 1_000_000_000;
/// A unit of the state's flows in instrument units: the reference notional at the price there is.
const FLOW_FLOOR: f64 = 10_000.0 / 80_000.0;
const RETURN_FLOOR_BP: f64 = 0.1;
const VOLATILITY_FLOOR_BP: f64 = 0.3;
/// What the account starts with.
pub const EQUITY: i64 = 100_000;

pub fn instruments(count: usize) -> Instruments {
    let kind = Instrument {
        tick: Price::from_units(TICK),
        lot: Quantity::from_units(1),
        reference_notional: money(10_000),
        ..scenes::instrument()
    };
    scenes::instruments(count, &kind)
}

/// A threshold that few samples set, for tests that are not about the threshold.
pub fn quick() -> AmygdalaParams {
    AmygdalaParams { warm_up: 60, p: 0.02, calibration: 99, ..AmygdalaParams::default() }
}

pub fn fresh(params: AmygdalaParams, instruments_count: usize) -> Amygdala {
    Amygdala::new(params, instruments(instruments_count)).expect("sound parameters")
}

/// How the numbers of a market scatter.
#[derive(Clone, Copy)]
pub enum Law {
    /// As an order book's do: mostly still, now and then a move, a trade or a wider spread.
    Book,
    /// Every number of the state Gaussian.
    Gauss,
    /// Every number of the state Student's t with 5 degrees of freedom.
    StudentT,
}

/// A calm market of one instrument.
pub struct Market {
    pub law: Law,
    pub instrument: InstrumentId,
    seed: u64,
    drawn: u64,
    samples: u64,
    mid2: i64,
    square_bp2: f64,
}

impl Market {
    pub fn new(seed: u64, law: Law) -> Self {
        let mid2 = 2 * 80_000 * TICK + TICK;
        Self { law, instrument: InstrumentId(0), seed, drawn: 0, samples: 0, mid2, square_bp2: 0.01 }
    }

    fn draw(&mut self) -> f64 {
        self.drawn += 1;
        normal(self.seed, self.drawn)
    }

    fn chance(&mut self, share: f64) -> bool {
        // The middle of the bell, by which a share of it is cut out.
        let z = self.draw();
        0.5 * libm::erfc(z / std::f64::consts::SQRT_2) < share
    }

    fn scattered(&mut self) -> f64 {
        let z = self.draw();
        match self.law {
            Law::StudentT => {
                let squares: f64 = (0..5).map(|_| self.draw()).map(|y| y * y).sum();
                z / (squares / 5.0).sqrt()
            }
            Law::Gauss | Law::Book => z,
        }
    }

    /// The next regular sample.
    pub fn next(&mut self) -> Sensed {
        self.samples += 1;
        let numbers = match self.law {
            Law::Book => self.book_numbers(),
            Law::Gauss | Law::StudentT => self.free_numbers(),
        };
        self.sensed(numbers)
    }

    /// Spread in ticks, return, imbalance, order flow, trade flow, volume.
    fn book_numbers(&mut self) -> [f64; 6] {
        let spread = if self.chance(0.01) { 2.0 } else { 1.0 };
        let moves = if self.chance(0.03) { f64::from(self.chance(0.5)) * 2.0 - 1.0 } else { 0.0 };
        let before = self.mid2;
        self.mid2 += moves as i64 * 2 * TICK;
        let return_bp = 1e4 * libm::log(self.mid2 as f64 / before as f64);
        let imbalance = libm::tanh(self.draw());
        let order_flow = if self.chance(0.35) { 0.3 * self.draw() } else { 0.0 };
        let trade = if self.chance(0.02) { 0.05 * self.draw() } else { 0.0 };
        [spread, return_bp, imbalance, order_flow, trade, trade.abs()]
    }

    /// Numbers whose compressed form follows the law, well above its floors.
    fn free_numbers(&mut self) -> [f64; 6] {
        let spread = (30.0 + 2.0 * self.scattered()).max(1.0);
        let imbalance = (0.2 * self.scattered()).clamp(-1.0, 1.0);
        let [return_bp, order_flow, trade_flow] = [RETURN_FLOOR_BP, FLOW_FLOOR, FLOW_FLOOR].map(|floor| {
            let compressed = 1.5 * self.scattered();
            floor * libm::copysign(libm::expm1(compressed.abs()), compressed)
        });
        [spread, return_bp, imbalance, order_flow, trade_flow, self.never_negative(FLOW_FLOOR)]
    }

    fn never_negative(&mut self, floor: f64) -> f64 {
        floor * libm::expm1((9.0 + 1.5 * self.scattered()).max(0.0))
    }

    fn sensed(&mut self, numbers: [f64; 6]) -> Sensed {
        let [spread, return_bp, imbalance, order_flow, trade_flow, volume] = numbers;
        let volatility_bp = match self.law {
            Law::Book => {
                self.square_bp2 += (return_bp * return_bp - self.square_bp2) / 240.0;
                self.square_bp2.sqrt()
            }
            Law::Gauss | Law::StudentT => self.never_negative(VOLATILITY_FLOOR_BP),
        };
        let mut features = FeatureVector::default();
        let mut set = |feature, value: f64| features[feature] = Some(value as f32);
        let mid = self.mid2 as f64 / 2e9;
        set(Feature::Mid, mid);
        set(Feature::Microprice, mid + 0.5 * imbalance * spread);
        set(Feature::Spread, spread);
        set(Feature::SpreadBp, 1e4 * spread / mid);
        for depth in [Feature::Imbalance1, Feature::Imbalance5, Feature::Imbalance10] {
            set(depth, imbalance);
        }
        set(Feature::OrderFlowImbalance, order_flow);
        set(Feature::TradeFlow, trade_flow);
        set(Feature::ReturnMid, return_bp);
        set(Feature::ReturnMicro, return_bp);
        set(Feature::RealisedVol, volatility_bp);
        set(Feature::Volume, volume);
        set(Feature::Inventory, 0.0);
        let mut sensed = Sensed {
            sequence: self.samples,
            instrument: self.instrument,
            time: Timestamp::from_ns(self.samples as i64 * 250_000_000),
            mark2: Some(self.mid2),
            features,
            account: Account {
                position: Quantity::ZERO,
                equity: money(EQUITY),
                earned: money(0),
                mark_valid: true,
            },
            ..scenes::sensed()
        };
        set_spread(&mut sensed, spread);
        sensed
    }
}

/// Gives a sample a spread of so many ticks, around its mid.
pub fn set_spread(sensed: &mut Sensed, ticks: f64) {
    let mid2 = sensed.mark2.expect("a mark");
    let spread = (ticks * TICK as f64) as i64;
    let bid = (mid2 - spread) / 2;
    sensed.top = Some(scenes::top(bid, bid + spread));
    sensed.features[Feature::Spread] = Some(ticks as f32);
    sensed.features[Feature::SpreadBp] = Some((2e13 * ticks / mid2 as f64) as f32);
    sensed.context.spread_bp = sensed.features[Feature::SpreadBp];
}

/// Takes the book away, as a gap does.
pub fn blind(mut sensed: Sensed) -> Sensed {
    sensed.book = BookState::Unknown;
    sensed.top = None;
    sensed.mark2 = None;
    sensed.account.mark_valid = false;
    let kept = [Feature::Volume, Feature::Inventory];
    for feature in market::features::FEATURES.iter().map(|spec| spec.feature) {
        if !kept.contains(&feature) {
            sensed.features[feature] = None;
        }
    }
    sensed
}

/// The same moment as a startle.
pub fn startled(mut sensed: Sensed) -> Sensed {
    sensed.kind = SampleKind::Startle(Startle::Spread);
    sensed
}

pub fn appraise(amygdala: &mut Amygdala, sensed: Sensed) -> Threat {
    amygdala.step(sensed).expect("a sample of a known instrument").threat
}

/// An amygdala that a calm market has armed, and that market.
pub fn armed(params: AmygdalaParams, seed: u64) -> (Amygdala, Market) {
    let (mut amygdala, mut market) = (fresh(params, 1), Market::new(seed, Law::Book));
    for _ in 0..100_000 {
        if appraise(&mut amygdala, market.next()).phase == Phase::Armed {
            return (amygdala, market);
        }
    }
    panic!("not armed after 100,000 calm samples");
}
