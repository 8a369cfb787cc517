//! Limit probes: for each configured limit an order just beyond it must be refused, whatever else is the
//! case, so that no file of rules can loosen what the configuration says.
//!
//! Nothing proves that for every world; each probe is tried on every day, instrument and account that the
//! file makes a difference of, and in many worlds drawn by a fixed generator.

use std::collections::BTreeSet;

use market::order::OrderKind;
use market::time::SECOND_NS;
use market::{Money, Price, Quantity, Side};

use crate::diagnostic::Diagnostic;
use crate::examples::{
    QUIET_DAY, calm_market, calm_percept, half_past_two, harmless_order, quiet, usual_account,
    usual_instrument,
};
use crate::facts::{
    AccountFacts, CalendarFacts, InstrumentFacts, MarketFacts, OrderFacts, PerceptFacts, WindowFact,
};
use crate::judge::Judgement;
use crate::number::{Bp, Count, Date, Duration, InstrumentRow, Number, Rate, Ratio, Symbol, Threat};
use crate::rule_set::RuleSet;
use crate::world::World;

/// How many worlds are drawn for each probe.
const DRAWS: u64 = 512;

/// A limit that every set must enforce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    OrderSize,
    Position,
    Notional,
    Capital,
    Collar,
    Rate,
    Duplicate,
    Reference,
}

const LIMITS: [Limit; 8] = [
    Limit::OrderSize,
    Limit::Position,
    Limit::Notional,
    Limit::Capital,
    Limit::Collar,
    Limit::Rate,
    Limit::Duplicate,
    Limit::Reference,
];

impl Limit {
    /// Its name, and what an order beyond it is.
    const fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::OrderSize => ("order size limit", "an order of more than `order_size_limit`"),
            Self::Position => ("position limit", "an order that takes the position beyond `limit`"),
            Self::Notional => ("notional limit", "an order worth more than `notional_limit`"),
            Self::Capital => ("capital limit", "an order that takes the account beyond `capital_limit`"),
            Self::Collar => ("collar", "a price farther than `collar` from the reference"),
            Self::Rate => ("rate limit", "an order beyond `rate_limit` in one second"),
            Self::Duplicate => ("duplicate limit", "the same order again within `duplicate_window`"),
            Self::Reference => ("need of a reference price", "an order without a reference price"),
        }
    }
}

/// One situation.
struct Situation {
    order: OrderFacts,
    instrument: InstrumentFacts,
    calendar: CalendarFacts,
    percept: PerceptFacts,
    account: AccountFacts,
    market: MarketFacts,
    /// The orders of every window, all of them within its last second.
    orders: u64,
}

impl Situation {
    /// A harmless order where no limit is near.
    fn harmless(day: Date, instrument: Symbol, account: Symbol) -> Self {
        let wide = Quantity::from_whole(9_000_000_000);
        let wealth = Some(Money::from_units(100_000_000_000_000 * i128::from(market::num::SCALE)));
        let usual = usual_instrument(instrument);
        Self {
            order: harmless_order(),
            instrument: InstrumentFacts {
                limit: wide,
                order_size_limit: wide,
                notional_limit: wealth,
                capital_limit: wealth,
                collar: Bp::from_f64(10_000.0),
                rate_limit: Some(Rate(100_000)),
                ..usual
            },
            calendar: half_past_two(day),
            percept: calm_percept(),
            account: usual_account(account),
            market: calm_market(),
            orders: 0,
        }
    }

    /// The same where everything that no limit is about is anything.
    fn vary(&mut self, draw: &mut Draw) {
        let order = &mut self.order;
        order.side = Some(draw.one(&Side::BOTH));
        order.kind = Some(draw.one(&[
            OrderKind::Limit,
            OrderKind::Market,
            OrderKind::ImmediateOrCancel,
            OrderKind::PostOnly,
        ]));
        order.forecast_slippage = Bp::from_f64(draw.share() * 200.0 - 100.0);
        order.forecast_cost = Bp::from_f64(draw.share() * 200.0 - 100.0);
        order.deferral_cost = Bp::from_f64(draw.share() * 10.0);
        order.price = Price::from_whole(1 + draw.below(1_000));
        order.reference_age = Some(Duration(draw.below(60) * SECOND_NS));
        let instrument = &mut self.instrument;
        instrument.halted = Some(draw.below(2) == 0);
        instrument.halt_age = (draw.below(2) == 0).then(|| Duration(draw.below(3_600) * SECOND_NS));
        instrument.spread = Bp::from_f64(draw.share() * 100.0);
        instrument.is_security = Some(draw.below(2) == 0);
        instrument.wash_policy_forbids = Some(draw.below(2) == 0);
        self.calendar.time_of_day = Some(Duration(draw.below(86_400) * SECOND_NS));
        self.percept.threat = Some(draw.one(&[Threat::Calm, Threat::Wary, Threat::Tripped]));
        self.percept.latched = Some(draw.below(2) == 0);
        self.percept.margin = Ratio::from_f64(draw.share());
        self.percept.confidence = Ratio::from_f64(draw.share());
        let scale = i128::from(market::num::SCALE);
        self.account.equity = Some(Money::from_units(i128::from(draw.below(10_000_000)) * scale));
        self.account.drawdown = Ratio::from_f64(draw.share());
        self.market.market_drop = Ratio::from_f64(draw.share() * 0.3);
        self.market.exchange_time = Some(Duration(draw.below(86_400) * SECOND_NS));
        self.market.level_1_at = (draw.below(2) == 0).then(|| Duration(draw.below(86_400) * SECOND_NS));
    }

    /// An order exactly at a limit, or the least bit beyond it.
    fn approach(&mut self, limit: Limit, beyond: bool) {
        let bit = i64::from(beyond);
        let (order, instrument) = (&mut self.order, &mut self.instrument);
        let sign = order.side.map_or(1, Side::sign);
        let units = |whole: i64| Quantity::from_units(whole * market::num::SCALE + bit);
        let exactly = |whole: i128| Money::from_units(whole * i128::from(market::num::SCALE));
        let worth = |whole: i128| exactly(whole) + Money::from_units(i128::from(bit));
        let signed = |quantity: Quantity| Quantity::from_units(quantity.units() * sign);
        match limit {
            Limit::OrderSize => {
                instrument.order_size_limit = Quantity::from_whole(1_000);
                order.quantity = Some(units(1_000));
                order.position_after = Some(signed(units(1_000)));
            }
            Limit::Position => {
                instrument.limit = Quantity::from_whole(1_000);
                instrument.position = Some(signed(units(999)));
                order.quantity = Quantity::from_whole(1);
                order.position_after = Some(signed(units(1_000)));
            }
            Limit::Notional => {
                instrument.notional_limit = Some(exactly(1_000));
                order.notional = Some(worth(1_000));
                order.capital_after = order.notional;
            }
            Limit::Capital => {
                instrument.capital_limit = Some(exactly(1_000_000));
                order.capital_after = Some(worth(1_000_000));
            }
            Limit::Collar => {
                instrument.collar = Bp::from_f64(500.0);
                order.price_distance =
                    Bp::from_f64(500.0).map(|b| Bp::from_units(b.units() + i128::from(bit)));
            }
            Limit::Rate => {
                instrument.rate_limit = Some(Rate(50));
                self.orders = 49 + u64::from(beyond);
            }
            Limit::Duplicate => {
                order.same_order_age = instrument.duplicate_window.map(|window| Duration(window.0 - bit));
            }
            Limit::Reference if beyond => {
                order.reference_known = Some(false);
                order.reference_age = None;
                order.price_distance = None;
                order.capital_after = None;
                instrument.mid = None;
                instrument.reference = None;
            }
            Limit::Reference => {}
        }
    }

    fn world(&self, rules: &RuleSet) -> World {
        let mut world = World::new(rules, 1);
        let row = InstrumentRow(0);
        world.set_instrument(row, &self.instrument);
        for (at, window) in rules.windows().iter().enumerate() {
            let value = match window.fact {
                WindowFact::OrdersIn => Some(Number::of(Count(self.orders))),
                fact => quiet(fact),
            };
            world.set_window(row, at, value);
        }
        world.set_account(&self.account);
        world.set_calendar(&self.calendar);
        world.set_percept(&self.percept);
        world.set_market(&self.market);
        world.push_order(&self.order);
        world
    }
}

/// A small generator with a fixed seed (splitmix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: i64) -> i64 {
        (self.next() % bound.unsigned_abs()) as i64
    }

    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[(self.next() % of.len() as u64) as usize]
    }
}

impl RuleSet {
    /// What the probes find: limits that are not enforced, and limits that the file makes tighter.
    pub(super) fn probe(&self) -> Vec<Diagnostic> {
        let mut judgement = Judgement::default();
        LIMITS.iter().flat_map(|limit| self.probe_limit(*limit, &mut judgement)).collect()
    }

    fn probe_limit(&self, limit: Limit, judgement: &mut Judgement) -> Option<Diagnostic> {
        let (name, beyond) = limit.told();
        if let Some(place) = self.gap(limit, judgement) {
            let message = format!("the {name} is not enforced: {beyond} passes{place}");
            let error = Diagnostic::error(&(0..0), message, "in this file");
            return Some(error.help("add a hard rule for it, or copy that of config/compliance.ltn"));
        }
        let mut at = Situation::harmless(QUIET_DAY, Symbol(u32::MAX), Symbol(u32::MAX));
        at.approach(limit, false);
        self.judge(&at.world(self), judgement);
        let refusing: Vec<&str> = judgement.refusals(self).map(|v| self.rule(v.rule).name.as_str()).collect();
        if refusing.is_empty() {
            return None;
        }
        let message = format!(
            "an order exactly at the {name} is refused by {}, so the file is tighter than the configuration",
            refusing.join(", ")
        );
        Some(Diagnostic::warning(&(0..0), message, "in this file"))
    }

    /// Where an order beyond a limit passes; nothing where none does.
    fn gap(&self, limit: Limit, judgement: &mut Judgement) -> Option<String> {
        let nobody = Symbol(u32::MAX);
        let names: Vec<Symbol> =
            [nobody].into_iter().chain((0..self.names.len() as u32).map(Symbol)).collect();
        let named: BTreeSet<Symbol> = self.rules.iter().filter_map(|rule| rule.account).collect();
        let accounts: Vec<Symbol> = [nobody].into_iter().chain(named).collect();
        for day in self.days() {
            for instrument in &names {
                for account in &accounts {
                    for side in Side::BOTH {
                        let mut situation = Situation::harmless(day, *instrument, *account);
                        situation.order.side = Some(side);
                        if self.passes(&mut situation, limit, judgement) {
                            return Some(self.place(day, *instrument, *account));
                        }
                    }
                }
            }
        }
        let mut draw = Draw(limit as u64);
        for _ in 0..DRAWS {
            let mut situation = Situation::harmless(QUIET_DAY, nobody, nobody);
            situation.vary(&mut draw);
            if self.passes(&mut situation, limit, judgement) {
                return Some(format!(" in some circumstances, such as {}", circumstances(&situation)));
            }
        }
        None
    }

    fn passes(&self, situation: &mut Situation, limit: Limit, judgement: &mut Judgement) -> bool {
        situation.approach(limit, true);
        self.judge(&situation.world(self), judgement);
        judgement.is_allowed(self)
    }

    /// The days around which rules begin and end.
    fn days(&self) -> BTreeSet<Date> {
        let around = |day: Date| [Date(day.0 - 1), day, Date(day.0 + 1)];
        let dated = self.rules.iter().flat_map(|rule| [rule.from, rule.until]).flatten().flat_map(around);
        dated.chain([QUIET_DAY]).collect()
    }

    fn place(&self, day: Date, instrument: Symbol, account: Symbol) -> String {
        let mut place = String::new();
        if day != QUIET_DAY {
            place.push_str(&format!(" on {day}"));
        }
        if let Some(name) = self.name_of(instrument) {
            place.push_str(&format!(" of {name}"));
        }
        if let Some(name) = self.name_of(account) {
            place.push_str(&format!(" in the account {name}"));
        }
        place
    }
}

fn circumstances(situation: &Situation) -> String {
    let Situation { order, percept, calendar, instrument, .. } = situation;
    let side = order.side.map_or_else(String::new, |side| side.to_string());
    let second = calendar.time_of_day.map_or(0, |t| t.0 / SECOND_NS);
    let threat = match percept.threat {
        Some(Threat::Wary) => "wary",
        Some(Threat::Tripped) => "tripped",
        _ => "calm",
    };
    let halted = if instrument.halted == Some(true) { ", halted" } else { "" };
    let latched = if percept.latched == Some(true) { ", latched" } else { "" };
    format!("a {side} order at {:02}:{:02} while {threat}{latched}{halted}", second / 3_600, second / 60 % 60)
}
