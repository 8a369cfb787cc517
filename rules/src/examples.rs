//! Example tables: rows beside the rules that say what passes and what is refused.
//!
//! A row overrides some facts of a calm, harmless order ([`RuleSet::example_world`]) and nothing follows
//! from what it sets, so that it tests one rule at a time.

use std::fmt;

use market::order::OrderKind;
use market::time::SECOND_NS;
use market::{Money, Price, Quantity, Side};

use crate::facts::{
    AccountFacts, CalendarFacts, InstrumentFacts, MarketFacts, OrderFacts, PerceptFacts, WindowFact,
};
use crate::files::Part;
use crate::judge::Judgement;
use crate::number::{Bp, Count, Date, Duration, InstrumentRow, Number, Rate, Ratio, Symbol, Threat};
use crate::rule_set::RuleSet;
use crate::table::{Example, Setting};
use crate::world::World;

/// What became of an example.
#[derive(Clone, Debug, PartialEq)]
pub struct ExampleOutcome {
    /// The rule that it is of.
    pub rule: String,
    /// What the row says of itself.
    pub note: String,
    /// The file that it stands in.
    pub file: String,
    /// The line it stands on.
    pub line: usize,
    /// The row as it is written, on one line.
    pub row: String,
    /// Whether it says that the rule passes.
    pub expected: bool,
    /// Whether the rule did.
    pub passed: bool,
    /// All hard rules that refused the order.
    pub refused_by: Vec<String>,
}

impl ExampleOutcome {
    /// Whether it came out as it says.
    #[must_use]
    pub const fn is_kept(&self) -> bool {
        self.expected == self.passed
    }
}

impl fmt::Display for ExampleOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |passes: bool| if passes { "passes" } else { "is refused" };
        write!(f, "{}:{}: {} ", self.file, self.line, self.rule)?;
        if !self.note.is_empty() {
            write!(f, "\"{}\" ", self.note)?;
        }
        if self.is_kept() {
            return f.write_str(word(self.passed));
        }
        write!(f, "{}, and the table says that it {}", word(self.passed), word(self.expected))
    }
}

/// Whole numbers are in the range of every fixed-point type here.
fn quantity(whole: i64) -> Quantity {
    Quantity::from_whole(whole).unwrap_or(Quantity::MAX)
}

fn price(whole: i64) -> Price {
    Price::from_whole(whole).unwrap_or(Price::MAX)
}

fn money(whole: i128) -> Money {
    Money::from_units(whole * i128::from(market::num::SCALE))
}

/// An order that no sensible rule refuses: one unit at 100 of an instrument that stands at 100.
pub(crate) fn harmless_order() -> OrderFacts {
    OrderFacts {
        side: Some(Side::Buy),
        kind: Some(OrderKind::Limit),
        quantity: Some(quantity(1)),
        price: Some(price(100)),
        instrument: Some(InstrumentRow(0)),
        position_after: Some(quantity(1)),
        notional: Some(money(100)),
        capital_after: Some(money(100)),
        price_distance: Some(Bp::default()),
        reference_known: Some(true),
        reference_age: Some(Duration(0)),
        same_order_age: None,
        is_reduction: Some(false),
        is_flagged: Some(false),
        execute: Some(true),
        is_child: Some(false),
        parent_left: None,
        forecast_slippage: Some(Bp::default()),
        forecast_cost: Some(Bp::default()),
        deferral_cost: Some(Bp::default()),
        washed_loss: Some(Money::ZERO),
        washes_loss: Some(Money::ZERO),
    }
}

/// An instrument with the limits of the specification's examples, and nothing held.
pub(crate) fn usual_instrument(name: Symbol) -> InstrumentFacts {
    InstrumentFacts {
        name: Some(name),
        position: Some(Quantity::ZERO),
        reserved_buys: Some(Quantity::ZERO),
        reserved_sells: Some(Quantity::ZERO),
        limit: Some(quantity(10_000)),
        order_size_limit: Some(quantity(10_000)),
        notional_limit: Some(money(500_000)),
        capital_limit: Some(money(1_000_000)),
        collar: Bp::from_f64(500.0),
        rate_limit: Some(Rate(50)),
        duplicate_window: Some(Duration(SECOND_NS / 2)),
        halted: Some(false),
        halt_age: None,
        spread: Bp::from_f64(1.0),
        mid: Some(price(100)),
        reference: Some(price(100)),
        is_security: Some(false),
        wash_policy_forbids: Some(false),
    }
}

/// What a fact over a window is while nothing happens.
pub(crate) fn quiet(fact: WindowFact) -> Option<Number> {
    match fact {
        WindowFact::Volatility => Bp::from_f64(10.0).map(Number::of),
        WindowFact::MeanPrice | WindowFact::LowestPrice | WindowFact::HighestPrice => {
            Some(Number::of(price(100)))
        }
        WindowFact::OrdersIn | WindowFact::FillsIn => Some(Number::of(Count(0))),
        WindowFact::NotionalIn => Some(Number::of(Money::ZERO)),
    }
}

/// A Monday in summer, at half past two.
pub(crate) const QUIET_DAY: Date = Date(20_605);

const HOUR_NS: i64 = 3_600 * SECOND_NS;

/// An account that has lost nothing.
pub(crate) fn usual_account(name: Symbol) -> AccountFacts {
    AccountFacts {
        account: Some(name),
        equity: Some(money(1_000_000)),
        start_equity: Some(money(1_000_000)),
        drawdown: Some(Ratio::default()),
    }
}

pub(crate) fn half_past_two(day: Date) -> CalendarFacts {
    CalendarFacts {
        date: Some(day),
        weekday: Some(day.weekday()),
        time_of_day: Some(Duration(14 * HOUR_NS + HOUR_NS / 2)),
    }
}

pub(crate) fn calm_percept() -> PerceptFacts {
    PerceptFacts {
        threat: Some(Threat::Calm),
        latched: Some(false),
        margin: Ratio::from_f64(1.0),
        confidence: Ratio::from_f64(1.0),
    }
}

/// A market that stands where it stood.
pub(crate) fn calm_market() -> MarketFacts {
    MarketFacts {
        market_drop: Some(Ratio::default()),
        index_age: Some(Duration(0)),
        exchange_time: Some(Duration(10 * HOUR_NS + HOUR_NS / 2)),
        ..MarketFacts::default()
    }
}

impl RuleSet {
    /// The world that examples start from: one harmless order on a calm day.
    #[must_use]
    pub fn example_world(&self) -> World {
        let mut world = World::new(self, 1);
        let row = InstrumentRow(0);
        world.set_instrument(row, &usual_instrument(Symbol(u32::MAX)));
        for (at, window) in self.windows().iter().enumerate() {
            world.set_window(row, at, quiet(window.fact));
        }
        world.set_account(&usual_account(Symbol(u32::MAX)));
        world.set_calendar(&half_past_two(QUIET_DAY));
        world.set_percept(&calm_percept());
        world.set_market(&calm_market());
        world.push_order(&harmless_order());
        world
    }

    /// Judges every row of every table.
    #[must_use]
    pub fn run_examples(&self) -> Vec<ExampleOutcome> {
        let calm = self.example_world();
        let mut judgement = Judgement::default();
        self.examples.iter().map(|example| self.run_example(example, &calm, &mut judgement)).collect()
    }

    /// What a row makes of a calm world.
    pub(crate) fn world_of(&self, example: &Example, calm: &World) -> World {
        let mut world = calm.clone();
        for setting in &example.settings {
            match *setting {
                Setting::Cell { sort, column, value } => {
                    world.set_cell(sort, 0, usize::from(column), value);
                }
                Setting::Learned { learned, truth } => {
                    let learned = usize::from(learned);
                    world.set_learned(learned, self.learned()[learned].sort, 0, truth);
                }
            }
        }
        world
    }

    fn run_example(&self, example: &Example, calm: &World, judgement: &mut Judgement) -> ExampleOutcome {
        self.judge(&self.world_of(example, calm), judgement);
        let name = |at| self.rule(at).name.clone();
        let refused_by: Vec<String> = judgement.refusals(self).map(|v| name(v.rule)).collect();
        let own = self.find(&example.rule);
        let passed = match own {
            // a rule that is not in force refuses nothing
            Some(id) => judgement.verdicts.iter().find(|v| v.rule == id).is_none_or(|v| v.passed),
            // a rule that was taken out refuses nothing; what others refuse is refused
            None => refused_by.is_empty(),
        };
        let part = Part::at(&self.file, &self.text, example.span.start);
        let words: Vec<&str> = self.text[example.span.clone()].split_whitespace().collect();
        ExampleOutcome {
            rule: example.rule.clone(),
            note: example.note.clone(),
            file: part.file.to_owned(),
            line: part.position(example.span.start).0,
            row: words.join(" "),
            expected: example.passes,
            passed,
            refused_by,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quiet_day_is_a_monday() {
        assert_eq!(QUIET_DAY.to_string(), "2026-06-01");
        assert_eq!(QUIET_DAY.weekday(), Date::parse("2026-11-23").expect("a day").weekday());
    }
}
