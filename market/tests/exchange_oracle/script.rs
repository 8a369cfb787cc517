//! Random steps spelled out: events as a venue would tell them, and requests.

use market::order::{ClientId, NewOrder, OrderKind, Request};
use market::{EventKind, InstrumentId, LevelChange, OrderId, Price, Quantity, Side};

use crate::oracle::WHOLE;
use crate::steps::Step;

/// Something that happens at a time.
#[derive(Debug, Clone)]
pub enum What {
    Event(EventKind),
    Ask(Request),
}

/// What a stream of steps comes to.
#[derive(Default)]
pub struct Script {
    pub actions: Vec<(i64, What)>,
    /// When the last step was.
    pub time: i64,
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
        self.ask(Request::Replace { id, price: price(at), total: quantity(units) });
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
