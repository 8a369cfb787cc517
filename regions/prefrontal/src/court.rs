//! The court: a candidate order before the rules in force.
//!
//! It puts what is known of the moment into numbers that rules name, and lets the rule set judge. It decides
//! nothing by itself.

use std::fmt;
use std::sync::Arc;

use market::order::{NewOrder, OrderKind};
use market::tax::{WashPolicy, WashTerms};
use market::{Instrument, InstrumentId, Instruments, Money, Price, Quantity, Side};
use rules::facts::{
    AccountFacts, CalendarFacts, InstrumentFacts, MarketFacts, OrderFacts, PerceptFacts, WindowFact,
};
use rules::{
    Bp, Count, Date, Duration, InstrumentRow, Judgement, Number, Rate, Ratio, Rule, RuleSet, Sort, Symbol,
    Threat, World, time_of_day,
};
use synapse::{Code, Forecast, RuleTruth, Sensed, Signal, ThreatLevel};

use crate::limits::{Exposure, Limits, middle};
use crate::look_back::{LookBack, Reach};
use crate::marks::Marks;
use crate::orders::OrderTable;
use crate::parent::ParentOrder;

const SECOND_NS: i64 = 1_000_000_000;
const MS_NS: i64 = 1_000_000;

/// What grounds a learned predicate (9): how true it is of what is sensed, in [0, 1]; none where what it reads is
/// absent.
pub trait Grounding: Send + Sync {
    /// How true it is.
    fn truth(&self, sensed: &Sensed) -> Option<f64>;
}

/// What the court judges by: set once, and by an artefact that takes effect.
#[derive(Clone)]
pub struct Law {
    /// The rules.
    pub rules: Arc<RuleSet>,
    /// What grounds each learned predicate of the rules, in their order; none where nothing does.
    pub learned: Vec<Option<Arc<dyn Grounding>>>,
    /// The name of the account.
    pub account: String,
    /// What it was worth at the start.
    pub start_equity: Money,
    /// What a wash sale is, and what it is to an order.
    pub wash: WashTerms,
    /// How far the clock of trade dates is ahead of UTC, minutes.
    pub utc_offset_min: i64,
}

impl fmt::Debug for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Law")
            .field("rules", &self.rules)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// What is known of an order beside its exposure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub order: &'a NewOrder,
    pub exposure: Exposure,
    pub parent: Option<&'a ParentOrder>,
    pub wash: Wash,
    /// Whether a person asked for it.
    pub is_flagged: bool,
}

/// What a tax rule would make of an order.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wash {
    pub washed_loss: Money,
    pub washes_loss: Money,
    pub deferral_cost_bp: f64,
}

/// What is remembered that rules look at.
#[derive(Clone, Copy)]
pub(crate) struct Memory<'a> {
    pub orders: &'a OrderTable,
    pub look_back: &'a LookBack,
    pub is_latched: bool,
    pub market: MarketFacts,
}

/// What the court says of an order.
#[derive(Debug, Clone)]
pub(crate) struct Ruling {
    /// Every rule in force, in order.
    pub rules: Vec<RuleTruth>,
    /// How well the soft rules are kept; 1 where nothing was tested.
    pub satisfaction: f64,
    /// The first rule that was broken and latches.
    pub latching: Option<Code>,
}

impl Default for Ruling {
    fn default() -> Self {
        Self { rules: Vec::new(), satisfaction: 1.0, latching: None }
    }
}

/// The court.
#[derive(Debug, Clone)]
pub(crate) struct Court {
    law: Law,
    instruments: Instruments,
    /// What of each instrument never changes.
    fixed: Vec<InstrumentFacts>,
    world: World,
    judgement: Judgement,
    /// The name of each rule, in their order.
    codes: Vec<Code>,
    account: Symbol,
    reach: Reach,
    /// Whether the rules look at more than the instrument of the order.
    looks_around: bool,
}

impl Court {
    pub fn new(law: Law, instruments: Instruments, limits: &[Limits]) -> Self {
        let fixed = instruments.iter().zip(limits).map(|((_, facts), limits)| fixed(&law, facts, limits));
        let fixed = fixed.collect();
        let world = World::new(&law.rules, instruments.len());
        let code = |rule: &Rule| Code::new(&rule.name).unwrap_or_default();
        Self {
            codes: law.rules.rules().iter().map(code).collect(),
            account: law.rules.symbol(&law.account),
            reach: reach(&law.rules, limits),
            looks_around: law.rules.looks_around(),
            judgement: Judgement::default(),
            law,
            instruments,
            fixed,
            world,
        }
    }

    /// What it judges by.
    pub const fn law(&self) -> &Law {
        &self.law
    }

    /// How far back its rules look.
    pub const fn reach(&self) -> Reach {
        self.reach
    }

    /// What the last order was judged in the light of.
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// Every rule in force, tested against an order.
    pub fn judge(&mut self, forecast: &Forecast, candidate: &Candidate<'_>, memory: Memory<'_>) -> Ruling {
        self.moment(forecast, memory.is_latched);
        self.account(forecast);
        self.world.set_market(&memory.market);
        if self.looks_around {
            (0..self.instruments.len())
                .for_each(|id| self.instrument(InstrumentId(id as u16), forecast.sensed(), memory));
            self.working(memory.orders);
        } else {
            self.instrument(forecast.sensed().instrument, forecast.sensed(), memory);
        }
        self.order(forecast, candidate, memory);
        self.law.rules.judge(&self.world, &mut self.judgement);
        let rules = &self.law.rules;
        let mut ruling = Ruling { satisfaction: self.judgement.satisfaction(rules), ..Ruling::default() };
        for told in &self.judgement.verdicts {
            let rule = rules.rule(told.rule);
            let code = self.codes[usize::from(told.rule.0)];
            if rule.latching && !told.passed && ruling.latching.is_none() {
                ruling.latching = Some(code);
            }
            ruling.rules.push(RuleTruth {
                rule: code,
                is_hard: rule.is_hard(),
                value: told.value.into(),
                bound: told.bound.into(),
                unit: Code::new(told.unit.symbol()).unwrap_or_default(),
                passed: told.passed,
                product: told.product,
                lukasiewicz: told.lukasiewicz,
            });
        }
        ruling
    }

    fn moment(&mut self, forecast: &Forecast, is_latched: bool) {
        let (now, threat, proposal) = (forecast.sensed().time, forecast.threat(), forecast.proposal());
        let date = Date::of(now);
        self.world.set_calendar(&CalendarFacts {
            date: Some(date),
            weekday: Some(date.weekday()),
            time_of_day: Some(time_of_day(now)),
        });
        let recall = &forecast.proposed.fused.perceived.recalled.recall[proposal.action.index()];
        self.world.set_percept(&PerceptFacts {
            threat: Some(match threat.level {
                ThreatLevel::Calm => Threat::Calm,
                ThreatLevel::Wary => Threat::Wary,
                ThreatLevel::Tripped => Threat::Tripped,
            }),
            latched: Some(is_latched),
            margin: Ratio::from_f64(f64::from(proposal.margin)),
            confidence: Ratio::from_f64(f64::from(recall.confidence)),
        });
    }

    fn account(&mut self, forecast: &Forecast) {
        let drawdown = forecast.threat().reading(Signal::Drawdown).value;
        self.world.set_account(&AccountFacts {
            account: Some(self.account),
            equity: Some(forecast.sensed().account.equity),
            start_equity: Some(self.law.start_equity),
            drawdown: drawdown.and_then(Ratio::from_f64),
        });
    }

    fn instrument(&mut self, id: InstrumentId, sensed: &Sensed, memory: Memory<'_>) {
        let (row, is_own) = (InstrumentRow(id.0), id == sensed.instrument);
        let mark2 = sensed.mark2.filter(|twice| is_own && *twice > 0);
        let mark = mark2.map(middle);
        let facts = InstrumentFacts {
            position: Some(memory.orders.position(id)),
            reserved_buys: Some(memory.orders.reserved(id, Side::Buy, None)),
            reserved_sells: Some(memory.orders.reserved(id, Side::Sell, None)),
            halted: is_own.then_some(sensed.halted),
            halt_age: memory
                .look_back
                .recent(id)
                .and_then(|recent| recent.halt_age(sensed.time))
                .map(Duration),
            spread: sensed.context.spread_bp.filter(|_| is_own).and_then(|bp| Bp::from_f64(f64::from(bp))),
            mid: mark,
            reference: mark,
            ..self.fixed[id.index()]
        };
        self.world.set_instrument(row, &facts);
        let (recent, marks) = (memory.look_back.recent(id), memory.look_back.marks(id));
        for at in 0..self.law.rules.windows().len() {
            let window = &self.law.rules.windows()[at];
            let (now, span_ns) = (sensed.time, window.window_ns);
            let seconds = (span_ns / SECOND_NS) as usize;
            let price = |of: fn(&Marks, usize) -> Option<Price>| {
                marks.and_then(|marks| of(marks, seconds)).map(Number::of)
            };
            let orders = || recent.map_or((0, Money::ZERO), |recent| recent.orders_in(now, span_ns));
            let value = match window.fact {
                WindowFact::OrdersIn => Some(Number::of(Count(orders().0))),
                WindowFact::NotionalIn => Some(Number::of(orders().1)),
                WindowFact::FillsIn => {
                    Some(Number::of(Count(recent.map_or(0, |recent| recent.fills_in(now, span_ns)))))
                }
                WindowFact::Volatility => marks
                    .and_then(|marks| marks.volatility_bp(seconds))
                    .and_then(Bp::from_f64)
                    .map(Number::of),
                WindowFact::MeanPrice => price(Marks::mean_price),
                WindowFact::LowestPrice => price(Marks::lowest_price),
                WindowFact::HighestPrice => price(Marks::highest_price),
            };
            self.world.set_window(row, at, value);
        }
    }

    /// Our outstanding orders, as far as they are known when another is judged.
    fn working(&mut self, orders: &OrderTable) {
        self.world.clear_working();
        for (id, order) in orders.iter() {
            self.world.push_working(&OrderFacts {
                side: Some(order.side),
                kind: Some(order.kind),
                quantity: Some(order.reserved()),
                price: Some(order.price),
                instrument: Some(InstrumentRow(id.instrument.0)),
                ..OrderFacts::default()
            });
        }
    }

    fn order(&mut self, forecast: &Forecast, candidate: &Candidate<'_>, memory: Memory<'_>) {
        let (sensed, Candidate { order, exposure, parent, wash, is_flagged }) =
            (forecast.sensed(), candidate);
        let facts = self.instruments.get(sensed.instrument);
        let style = forecast.execution.chosen();
        let same_ns = memory
            .look_back
            .recent(sensed.instrument)
            .and_then(|recent| recent.since_same(sensed.time, order));
        let price_distance = match (order.kind, exposure.reference2()) {
            (_, None) => None,
            (OrderKind::Market, Some(_)) => Some(Bp::default()),
            (_, Some(twice)) => Bp::distance(order.price, twice),
        };
        let position = memory.orders.position(sensed.instrument);
        self.world.clear_orders();
        let row = self.world.push_order(&OrderFacts {
            side: Some(order.side),
            kind: Some(order.kind),
            quantity: Some(order.quantity),
            price: (order.kind != OrderKind::Market).then_some(order.price),
            instrument: Some(InstrumentRow(sensed.instrument.0)),
            position_after: exposure.position_after(order),
            notional: exposure.notional(facts, order),
            capital_after: exposure.capital_after(facts, order),
            price_distance,
            reference_known: Some(exposure.reference2().is_some()),
            // a mark from the future has no age
            reference_age: exposure
                .reference2()
                .and_then(|_| (sensed.mark_age_ns >= 0).then_some(Duration(sensed.mark_age_ns))),
            same_order_age: same_ns.map(Duration),
            is_reduction: Some(exposure.is_reduction(order)),
            is_flagged: Some(*is_flagged),
            execute: Some(true),
            is_child: Some(parent.is_some()),
            parent_left: parent
                .map(|parent| Quantity::from_units(parent.total.units() - parent.filled(position).units())),
            forecast_slippage: style
                .and_then(|style| Bp::from_f64(style.slippage_bp + style.impact_bp + style.correction_bp)),
            forecast_cost: style.and_then(|style| Bp::from_f64(style.cost_bp())),
            deferral_cost: Bp::from_f64(wash.deferral_cost_bp),
            washed_loss: Some(wash.washed_loss),
            washes_loss: Some(wash.washes_loss),
        });
        for (at, grounding) in self.law.learned.iter().enumerate() {
            let truth = grounding.as_ref().and_then(|grounding| grounding.truth(sensed));
            let truth = truth.unwrap_or(f64::NAN);
            match self.law.rules.learned()[at].sort {
                Sort::Instrument => {
                    self.world.set_learned(at, Sort::Instrument, sensed.instrument.index(), truth);
                }
                sort => self.world.set_learned(at, sort, row, truth),
            }
        }
    }
}

/// How far back rules look, and the limits that they are for.
fn reach(rules: &RuleSet, limits: &[Limits]) -> Reach {
    let is_of_marks =
        |fact| !matches!(fact, WindowFact::OrdersIn | WindowFact::NotionalIn | WindowFact::FillsIn);
    let widest = |of_marks: bool| {
        let spans = rules.windows().iter().filter(|window| is_of_marks(window.fact) == of_marks);
        spans.map(|window| window.window_ns).max().unwrap_or(0)
    };
    let duplicate_ms = limits.iter().map(|limits| limits.duplicate).max().unwrap_or(0);
    Reach {
        orders_ns: widest(false).max(SECOND_NS).max(i64::from(duplicate_ms) * MS_NS),
        // a return needs the second before the window too
        seconds: match widest(true) {
            0 => 0,
            marks_ns => (marks_ns / SECOND_NS) as usize + 1,
        },
    }
}

/// What of an instrument never changes.
fn fixed(law: &Law, instrument: &Instrument, limits: &Limits) -> InstrumentFacts {
    InstrumentFacts {
        name: Some(law.rules.symbol(&instrument.name)),
        limit: Some(limits.position),
        order_size_limit: Some(limits.order_size),
        notional_limit: Some(limits.notional),
        capital_limit: Some(limits.capital),
        collar: Bp::from_f64(limits.collar),
        rate_limit: Some(Rate(limits.rate)),
        duplicate_window: Some(Duration(i64::from(limits.duplicate) * MS_NS)),
        is_security: Some(law.wash.securities.hold(&instrument.name)),
        wash_policy_forbids: Some(law.wash.policy == WashPolicy::Forbid),
        ..InstrumentFacts::default()
    }
}
