//! Random streams of events and requests, and both exchanges driven along them.

use market::order::{ClientId, NewOrder, OrderKind, Report, Request};
use market::{
    EventKind, Exchange, ExchangeParams, Instrument, InstrumentId, Instruments, LevelChange, MarketEvent,
    Money, OrderId, Price, Quantity, Side, SourceId, Timestamp, instrument::Session,
};
use proptest::prelude::*;

use crate::oracle::{Facts, Flaws, Oracle, Pit, WHOLE, other};

pub const FACTS: Facts = Facts {
    tick: WHOLE,
    lot: WHOLE,
    maker_bp: -WHOLE / 2,
    taker_bp: 3 * WHOLE,
    entry: 2,
    response: 3,
    stale: 12,
    hold: 0,
    flaws: Flaws {
        queue_off_by_one: false,
        partial_lost: false,
        fee_of_taker: false,
        taken_comes_back: false,
        gap_ignored: false,
        price_of_trade: false,
        place_kept: false,
        budget_unshared: false,
    },
};

/// Something that happens at a time.
#[derive(Debug, Clone)]
pub enum What {
    Event(EventKind),
    Ask(Request),
}

/// What a random stream is made of. `nth` picks among what there is.
#[derive(Debug, Clone)]
pub enum Step {
    Wait(i64),
    Add(Side, i64, i64),
    Change(usize, i64),
    Delete(usize),
    /// An order comes and trades with what stands, told as the bundled session tells it.
    Sweep(Side, i64),
    Trade(Option<Side>, i64, i64, Option<usize>),
    /// L2: new totals.
    Totals(Vec<(Side, i64, i64)>),
    Halt,
    Resume,
    Gap,
    Picture,
    Place(Side, OrderKind, i64, i64),
    Cancel(usize),
    Replace(usize, i64, i64),
    /// A new quantity at the old price.
    Requeue(usize, i64),
    /// The same name again.
    Again(usize),
}

pub fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn kind() -> impl Strategy<Value = OrderKind> {
    prop_oneof![
        4 => Just(OrderKind::Limit),
        1 => Just(OrderKind::Market),
        1 => Just(OrderKind::ImmediateOrCancel),
        2 => Just(OrderKind::PostOnly),
    ]
}

/// A price near the middle: bids are usually below 100, asks above.
fn near(side: Side) -> impl Strategy<Value = i64> {
    match side {
        Side::Buy => 95_i64..101,
        Side::Sell => 100_i64..106,
    }
}

/// Waits and requests, and rarely something that stops trading for a while.
fn common() -> BoxedStrategy<Step> {
    let limit = (side(), 1_i64..5)
        .prop_flat_map(|(s, q)| near(s).prop_map(move |p| Step::Place(s, OrderKind::Limit, p, q)));
    let any_order = (side(), kind(), 97_i64..104, 1_i64..5);
    prop_oneof![
        40 => (1_i64..5).prop_map(Step::Wait),
        25 => limit,
        25 => any_order.prop_map(|(s, k, p, q)| Step::Place(s, k, p, q)),
        6 => (0_usize..9).prop_map(Step::Cancel),
        6 => (0_usize..9, 97_i64..104, 1_i64..5).prop_map(|(n, p, q)| Step::Replace(n, p, q)),
        6 => (0_usize..9, 1_i64..5).prop_map(|(n, q)| Step::Requeue(n, q)),
        2 => (0_usize..9).prop_map(Step::Again),
        1 => Just(Step::Wait(14)),
        1 => Just(Step::Halt),
        3 => Just(Step::Resume),
        1 => Just(Step::Gap),
        3 => Just(Step::Picture),
    ]
    .boxed()
}

fn trade() -> impl Strategy<Value = Step> {
    let aggressor = prop_oneof![3 => side().prop_map(Some), 1 => Just(None)];
    let maker = prop::option::of(0_usize..12);
    (aggressor, 97_i64..104, 0_i64..5, maker).prop_map(|(s, p, q, m)| Step::Trade(s, p, q, m))
}

pub fn l3_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => common(),
        3 => (side(), 1_i64..5).prop_flat_map(|(s, q)| near(s).prop_map(move |p| Step::Add(s, p, q))),
        1 => (0_usize..12, 0_i64..6).prop_map(|(n, q)| Step::Change(n, q)),
        1 => (0_usize..12).prop_map(Step::Delete),
        2 => (side(), 1_i64..7).prop_map(|(s, q)| Step::Sweep(s, q)),
        1 => trade(),
    ];
    prop::collection::vec(step, 1..120)
}

/// Steps in which nothing crosses: orders stand, leave, and trades come.
pub fn queue_steps() -> impl Strategy<Value = Vec<Step>> {
    let apart = |s: Side| match s {
        Side::Buy => 98_i64..100,
        Side::Sell => 101_i64..103,
    };
    let order = move || (side(), 1_i64..5).prop_flat_map(move |(s, q)| apart(s).prop_map(move |p| (s, p, q)));
    let step = prop_oneof![
        3 => (1_i64..5).prop_map(Step::Wait),
        3 => order().prop_map(|(s, p, q)| Step::Add(s, p, q)),
        2 => order().prop_map(|(s, p, q)| Step::Place(s, OrderKind::Limit, p, q)),
        1 => (0_usize..12, 1_i64..6).prop_map(|(n, q)| Step::Change(n, q)),
        3 => (0_usize..12).prop_map(Step::Delete),
        4 => (order(), prop::option::of(0_usize..12))
            .prop_map(|((s, p, q), m)| Step::Trade(Some(other(s)), p, q, m)),
    ];
    prop::collection::vec(step, 1..150)
}

pub fn l2_steps() -> impl Strategy<Value = Vec<Step>> {
    let total = (side(), 0_i64..7).prop_flat_map(|(s, q)| near(s).prop_map(move |p| (s, p, q)));
    let step = prop_oneof![
        3 => common(),
        4 => prop::collection::vec(total, 1..4).prop_map(Step::Totals),
        3 => trade(),
    ];
    prop::collection::vec(step, 1..120)
}

/// What a stream of steps comes to.
#[derive(Default)]
pub struct Script {
    pub actions: Vec<(i64, What)>,
    time: i64,
    /// Historical orders that stand, oldest first.
    standing: Vec<(OrderId, Side, i64, i64)>,
    /// L2: totals that stand.
    totals: Vec<(Side, i64, i64)>,
    orders: u64,
    /// Own orders: name and last price asked for.
    own: Vec<(ClientId, i64)>,
    by_order: bool,
}

impl Script {
    pub fn new(steps: &[Step], by_order: bool) -> Self {
        let mut script = Self { by_order, ..Self::default() };
        script.step(&Step::Picture);
        for step in steps {
            script.step(step);
        }
        script
    }

    fn tell(&mut self, kind: EventKind) {
        self.actions.push((self.time, What::Event(kind)));
    }

    fn ask(&mut self, request: Request) {
        self.actions.push((self.time, What::Ask(request)));
    }

    fn nth(&self, n: usize) -> Option<usize> {
        (!self.standing.is_empty()).then(|| n % self.standing.len())
    }

    fn own(&mut self, n: usize) -> Option<&mut (ClientId, i64)> {
        self.own.iter_mut().rev().nth(n)
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Wait(ns) => self.time += ns,
            Step::Add(side, at, units) => {
                let id = self.add(side, at, units);
                self.standing.push((id, side, at, units));
            }
            Step::Change(n, units) => {
                if let Some(n) = self.nth(n) {
                    self.change(self.standing[n].0, units);
                    if units > 0 {
                        self.standing[n].3 = units;
                    }
                }
            }
            Step::Delete(n) => {
                if let Some(n) = self.nth(n) {
                    let id = self.standing.remove(n).0;
                    self.tell(EventKind::Delete { id });
                }
            }
            Step::Sweep(side, units) => self.sweep(side, units),
            Step::Trade(aggressor, at, units, maker) => {
                let maker = maker.and_then(|n| self.nth(n)).map(|n| self.standing[n].0);
                self.trade(aggressor, at, units, maker);
            }
            Step::Totals(ref totals) => {
                for &(side, at, units) in totals {
                    self.totals.retain(|t| (t.0, t.1) != (side, at));
                    self.totals.push((side, at, units));
                }
                let changes = changes(totals);
                self.tell(EventKind::Levels(changes));
            }
            Step::Halt => self.tell(EventKind::Halt),
            Step::Resume => self.tell(EventKind::Resume),
            Step::Gap => self.tell(EventKind::Gap),
            Step::Picture => self.picture(),
            Step::Place(side, kind, at, units) => {
                let id = ClientId { sequence: self.own.len() as u64, instrument: InstrumentId(0), k: 0 };
                self.own.push((id, at));
                self.place(id, side, kind, at, units);
            }
            Step::Again(n) => {
                if let Some(&mut (id, _)) = self.own(n) {
                    self.place(id, Side::Buy, OrderKind::Limit, 97, 1);
                }
            }
            Step::Cancel(n) => {
                if let Some(&mut (id, _)) = self.own(n) {
                    self.ask(Request::Cancel(id));
                }
            }
            Step::Replace(n, at, units) => {
                if let Some(own) = self.own(n) {
                    own.1 = at;
                    let id = own.0;
                    self.replace(id, at, units);
                }
            }
            Step::Requeue(n, units) => {
                if let Some(&mut (id, at)) = self.own(n) {
                    self.replace(id, at, units);
                }
            }
        }
    }

    fn replace(&mut self, id: ClientId, at: i64, units: i64) {
        let (price, quantity) = (price(at), quantity(units));
        self.ask(Request::Replace { id, price, quantity });
    }

    fn place(&mut self, id: ClientId, side: Side, kind: OrderKind, at: i64, units: i64) {
        self.ask(Request::Place(NewOrder { id, side, kind, price: price(at), quantity: quantity(units) }));
    }

    fn add(&mut self, side: Side, at: i64, units: i64) -> OrderId {
        self.orders += 1;
        let id = self.orders;
        self.tell(EventKind::Add { id, side, price: price(at), quantity: quantity(units) });
        id
    }

    fn change(&mut self, id: OrderId, units: i64) {
        let quantity = quantity(units);
        self.tell(EventKind::Change { id, quantity });
    }

    fn trade(&mut self, aggressor: Option<Side>, at: i64, units: i64, maker: Option<OrderId>) {
        self.tell(EventKind::Trade { price: price(at), quantity: quantity(units), aggressor, maker });
    }

    /// The best standing order against which an incoming one of `side` trades.
    fn best_against(&self, side: Side) -> Option<usize> {
        (0..self.standing.len()).filter(|&n| self.standing[n].1 != side).min_by_key(|&n| {
            let at = self.standing[n].2;
            (if side == Side::Buy { at } else { -at }, n)
        })
    }

    /// Taker and maker rows, and then the trades, all at one time.
    fn sweep(&mut self, side: Side, mut units: i64) {
        let Some(first) = self.best_against(side) else {
            return;
        };
        let limit = self.standing[first].2 + if side == Side::Buy { 1 } else { -1 };
        let taker = self.add(side, limit, units);
        let mut trades = Vec::new();
        while units > 0
            && let Some(n) = self.best_against(side)
            && (if side == Side::Buy { self.standing[n].2 <= limit } else { self.standing[n].2 >= limit })
        {
            let (maker, _, at, left) = self.standing[n];
            let traded = left.min(units);
            units -= traded;
            if units > 0 {
                self.change(taker, units);
            } else {
                self.tell(EventKind::Delete { id: taker });
            }
            if traded < left {
                self.standing[n].3 = left - traded;
                self.change(maker, left - traded);
            } else {
                self.standing.remove(n);
                self.tell(EventKind::Delete { id: maker });
            }
            trades.push((at, traded, maker));
        }
        if units > 0 {
            self.standing.push((taker, side, limit, units));
        }
        for (at, traded, maker) in trades {
            self.trade(Some(side), at, traded, Some(maker));
        }
    }

    fn picture(&mut self) {
        if !self.by_order {
            let whole = changes(&self.totals);
            self.tell(EventKind::Snapshot(whole));
            return;
        }
        self.tell(EventKind::Clear);
        for (id, side, at, units) in self.standing.clone() {
            self.tell(EventKind::Add { id, side, price: price(at), quantity: quantity(units) });
        }
    }
}

pub fn price(whole: i64) -> Price {
    Price::from_units(whole * WHOLE)
}

pub fn quantity(whole: i64) -> Quantity {
    Quantity::from_units(whole * WHOLE)
}

fn changes(totals: &[(Side, i64, i64)]) -> Box<[LevelChange]> {
    let change = |&(side, at, units): &(Side, i64, i64)| LevelChange {
        side,
        price: price(at),
        quantity: quantity(units),
    };
    totals.iter().map(change).collect()
}

pub fn instruments(facts: &Facts) -> Instruments {
    Instruments::new(vec![Instrument {
        name: "A".into(),
        tick: Price::from_units(facts.tick),
        lot: Quantity::from_units(facts.lot),
        multiplier: Quantity::from_units(WHOLE),
        currency: "USD".into(),
        maker_fee_bp: Quantity::from_units(facts.maker_bp),
        taker_fee_bp: Quantity::from_units(facts.taker_bp),
        session: Session::Always,
        reference_notional: Money::ZERO,
    }])
}

pub fn exchange(facts: &Facts) -> Exchange {
    let params = ExchangeParams {
        entry_latency_ns: facts.entry,
        response_latency_ns: facts.response,
        stale_after_ns: facts.stale,
        ..ExchangeParams::default()
    };
    Exchange::new(&instruments(facts), params, facts.hold)
}

pub fn event(time: i64, kind: EventKind) -> MarketEvent {
    MarketEvent {
        instrument: InstrumentId(0),
        time: Timestamp::from_ns(time),
        source: SourceId(0),
        position: 0,
        kind,
    }
}

/// Lets arrive what the door would before it admits an input of that time.
pub fn arrive_before(exchange: &mut Exchange, time: i64) {
    while exchange.next_arrival().is_some_and(|due| due < Timestamp::from_ns(time)) {
        exchange.run_arrival();
    }
}

/// The reports of the real exchange on a script, with the time each is due.
pub fn run_real(script: &Script, facts: &Facts) -> Vec<(Timestamp, Report)> {
    let mut real = exchange(facts);
    for (time, what) in &script.actions {
        match what {
            What::Event(kind) => {
                arrive_before(&mut real, *time);
                real.on_event(&event(*time, kind.clone()));
            }
            What::Ask(request) => real.submit(Timestamp::from_ns(*time), *request),
        }
    }
    arrive_before(&mut real, i64::MAX);
    real.expire(Timestamp::from_ns(script.time + 100));
    std::iter::from_fn(|| real.pop_report()).collect()
}

/// The reports of the plain exchange on a script.
pub fn run_oracle<P: Pit>(script: &Script, facts: &Facts) -> Vec<(Timestamp, Report)> {
    let mut oracle = Oracle::<P>::new(*facts);
    for (time, what) in &script.actions {
        match what {
            What::Event(kind) => oracle.on_event(&event(*time, kind.clone())),
            What::Ask(request) => oracle.submit(*time, *request),
        }
    }
    oracle.finish(script.time + 100)
}
