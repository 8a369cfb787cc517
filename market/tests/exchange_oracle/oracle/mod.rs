//! A second exchange, slow and plain, to compare the real one with. It shares nothing with it but
//! the types of numbers, events, requests and reports.

pub mod l2;
pub mod l3;

use market::order::{
    ClientId, Fill, Liquidity, NewOrder, OrderKind, RejectReason, Report, ReportKind, Request,
};
use market::{EventKind, MarketEvent, Money, Price, Quantity, Side, Timestamp};

/// One unit of a price or quantity.
pub const WHOLE: i64 = 1_000_000_000;

/// Faults that can be planted, each of which the comparison must catch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Flaws {
    /// An own order fills with one order, or one lot, still ahead of it.
    pub queue_off_by_one: bool,
    /// A fill that leaves something is not reported.
    pub partial_lost: bool,
    /// Makers pay the taker's fee.
    pub fee_of_taker: bool,
    /// What was taken comes back when the feed next speaks of it.
    pub taken_comes_back: bool,
    /// A gap is not noticed.
    pub gap_ignored: bool,
    /// A resting order fills at the price of the trade.
    pub price_of_trade: bool,
    /// A replaced order keeps its place.
    pub place_kept: bool,
    /// A trade's quantity fills every order that it reaches.
    pub budget_unshared: bool,
}

/// The facts both exchanges are given.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    pub tick: i64,
    pub lot: i64,
    pub maker_bp: i64,
    pub taker_bp: i64,
    pub entry: i64,
    pub response: i64,
    pub stale: i64,
    /// How long an L3 order may be held.
    pub hold: i64,
    pub flaws: Flaws,
}

/// An own resting order.
#[derive(Debug, Clone, Copy)]
pub struct Mine {
    pub id: ClientId,
    pub side: Side,
    pub kind: OrderKind,
    pub price: i64,
    pub rest: i64,
    pub filled: i64,
    /// When it joined its level, on the pit's own count.
    pub stamp: u64,
    /// L2: what is ahead of it, and what traded at its price since its level was told.
    pub ahead: i64,
    pub traded: i64,
}

/// A fill that a pit found: whose, price, quantity.
pub type Hit = (ClientId, i64, i64);

/// Where history stands, and meets own orders.
pub trait Pit {
    fn new(facts: &Facts) -> Self;
    /// What a feed event does; fills are taken off `mine` at once.
    fn event(&mut self, time: i64, kind: &EventKind, mine: &mut [Mine], open: bool) -> Vec<Hit>;
    /// What is due before a request of that time.
    fn settle(&mut self, time: i64, mine: &mut [Mine], open: bool) -> Vec<Hit>;
    fn known(&self) -> bool;
    /// The price and quantity that an order against that side meets next.
    fn next(&self, side: Side) -> Option<(i64, i64)>;
    /// Takes so much of what is next.
    fn take(&mut self, side: Side, units: i64);
    /// How much is met before an own order is.
    fn before(&self, mine: &Mine) -> i128;
    /// Sends an own order to the tail of its level.
    fn join(&mut self, mine: &mut Mine);
}

/// Whether `price` is at least as good for someone trading against an order of `side`.
pub fn at_least(side: Side, price: i64, other: i64) -> bool {
    match side {
        Side::Buy => price >= other,
        Side::Sell => price <= other,
    }
}

pub fn other(side: Side) -> Side {
    match side {
        Side::Buy => Side::Sell,
        Side::Sell => Side::Buy,
    }
}

/// The indices of the own orders of a side, best price first, first come first.
pub fn in_line(mine: &[Mine], side: Side) -> Vec<usize> {
    let mut line: Vec<usize> =
        (0..mine.len()).filter(|&n| mine[n].side == side && mine[n].rest > 0).collect();
    line.sort_by_key(|&n| {
        let rank = if side == Side::Buy { -mine[n].price } else { mine[n].price };
        (rank, mine[n].stamp)
    });
    line
}

/// The plain exchange, for one instrument.
pub struct Oracle<P> {
    facts: Facts,
    pub pit: P,
    mine: Vec<Mine>,
    /// Due time, number, decision and request.
    coming: Vec<(i64, Request)>,
    /// Due time and report, in the order made.
    reports: Vec<(i64, Report)>,
    used: Vec<ClientId>,
    halted: bool,
    last: i64,
    executions: u64,
}

impl<P: Pit> Oracle<P> {
    pub fn new(facts: Facts) -> Self {
        Self {
            facts,
            pit: P::new(&facts),
            mine: Vec::new(),
            coming: Vec::new(),
            reports: Vec::new(),
            used: Vec::new(),
            halted: false,
            last: i64::MIN,
            executions: 0,
        }
    }

    pub fn submit(&mut self, decided: i64, request: Request) {
        self.coming.push((decided + self.facts.entry, request));
    }

    pub fn on_event(&mut self, event: &MarketEvent) {
        let time = event.time.ns();
        self.arrive_before(time);
        if let EventKind::Trade { price, quantity, .. } = event.kind
            && (price.units() <= 0 || quantity.units() <= 0)
        {
            return;
        }
        if !matches!(event.kind, EventKind::Trade { .. } | EventKind::Bar(_)) {
            self.last = time;
        }
        match event.kind {
            EventKind::Halt => self.halted = true,
            EventKind::Resume => self.halted = false,
            EventKind::Gap if self.facts.flaws.gap_ignored => return,
            _ => {}
        }
        let hits = self.pit.event(time, &event.kind, &mut self.mine, !self.halted);
        self.tell_hits(time, hits);
    }

    /// All that is still to come, and the end.
    pub fn finish(&mut self, time: i64) -> Vec<(Timestamp, Report)> {
        self.arrive_before(i64::MAX);
        for side in [Side::Buy, Side::Sell] {
            for n in in_line(&self.mine, side) {
                let filled = Quantity::from_units(self.mine[n].filled);
                self.tell(time, self.mine[n].id, ReportKind::Expired { filled });
            }
        }
        self.reports.sort_by_key(|(due, _)| *due);
        self.reports.iter().map(|(due, report)| (Timestamp::from_ns(*due), *report)).collect()
    }

    fn arrive_before(&mut self, time: i64) {
        loop {
            let first = (0..self.coming.len()).min_by_key(|&n| (self.coming[n].0, n));
            let Some(first) = first.filter(|&n| self.coming[n].0 < time) else {
                return;
            };
            let (at, request) = self.coming.remove(first);
            self.arrive(at, request);
        }
    }

    fn arrive(&mut self, time: i64, request: Request) {
        if let Request::Place(order) = request {
            if self.used.contains(&order.id) {
                self.tell(time, order.id, ReportKind::Rejected(RejectReason::DuplicateId));
                return;
            }
            self.used.push(order.id);
        }
        let hits = self.pit.settle(time, &mut self.mine, !self.halted);
        self.tell_hits(time, hits);
        match request {
            Request::Place(order) => self.place(time, &order),
            Request::Cancel(id) => match self.mine.iter().position(|m| m.id == id) {
                Some(n) => {
                    let filled = Quantity::from_units(self.mine.remove(n).filled);
                    self.tell(time, id, ReportKind::Cancelled { filled });
                }
                None => {
                    let reason = RejectReason::UnknownOrder;
                    self.tell(time, id, ReportKind::CancelRejected(reason));
                }
            },
            Request::Replace { id, price, total } => self.replace(time, id, price, total.units()),
        }
    }

    fn place(&mut self, time: i64, order: &NewOrder) {
        let mine = Mine {
            id: order.id,
            side: order.side,
            kind: order.kind,
            price: order.price.units(),
            rest: order.quantity.units(),
            filled: 0,
            stamp: 0,
            ahead: 0,
            traded: 0,
        };
        match self.refuses(time, &mine) {
            Some(reason) => self.tell(time, order.id, ReportKind::Rejected(reason)),
            None => {
                self.tell(time, order.id, ReportKind::Accepted);
                self.enter(time, mine);
            }
        }
    }

    fn replace(&mut self, time: i64, id: ClientId, price: Price, total: i64) {
        let Some(n) = self.mine.iter().position(|m| m.id == id) else {
            let reason = RejectReason::UnknownOrder;
            self.tell(time, id, ReportKind::ReplaceRejected(reason));
            return;
        };
        let old = self.mine[n];
        let new = Mine { price: price.units(), rest: total - old.filled, ..old };
        if total > 0 && new.rest <= 0 {
            self.mine.remove(n);
            self.tell(time, id, ReportKind::Cancelled { filled: Quantity::from_units(old.filled) });
            return;
        }
        if let Some(reason) = self.refuses(time, &new) {
            self.tell(time, id, ReportKind::ReplaceRejected(reason));
            return;
        }
        self.tell(time, id, ReportKind::Replaced { price, quantity: Quantity::from_units(new.rest) });
        if self.facts.flaws.place_kept && new.price == old.price {
            self.mine[n] = new;
            return;
        }
        self.mine.remove(n);
        self.enter(time, new);
    }

    fn refuses(&self, time: i64, new: &Mine) -> Option<RejectReason> {
        let priced = new.kind == OrderKind::Market
            || (new.price > 0 && new.price <= i64::MAX / 2 && new.price % self.facts.tick == 0);
        if !priced || new.rest <= 0 || new.rest % self.facts.lot != 0 {
            return Some(RejectReason::Malformed);
        }
        if self.halted {
            return Some(RejectReason::Halted);
        }
        if !self.pit.known() || time - self.last > self.facts.stale {
            return Some(RejectReason::NoMarket);
        }
        let accepts = |price: i64| new.kind == OrderKind::Market || at_least(new.side, new.price, price);
        let against = other(new.side);
        if new.kind == OrderKind::PostOnly && self.pit.next(against).is_some_and(|(price, _)| accepts(price))
        {
            return Some(RejectReason::WouldTrade);
        }
        let own = in_line(&self.mine, against).first().map(|&n| self.mine[n])?;
        let meets = accepts(own.price) && self.pit.before(&own) < i128::from(new.rest);
        meets.then_some(RejectReason::SelfTrade)
    }

    fn enter(&mut self, time: i64, mut new: Mine) {
        let against = other(new.side);
        while new.rest > 0 {
            let Some((price, units)) = self.pit.next(against) else {
                break;
            };
            if new.kind != OrderKind::Market && !at_least(new.side, new.price, price) {
                break;
            }
            let filled = units.min(new.rest);
            self.pit.take(against, filled);
            new.rest -= filled;
            new.filled += filled;
            self.tell_fill(time, &new, price, filled, Liquidity::Taker);
        }
        if new.rest == 0 {
            return;
        }
        if matches!(new.kind, OrderKind::Market | OrderKind::ImmediateOrCancel) {
            let filled = Quantity::from_units(new.filled);
            self.tell(time, new.id, ReportKind::Cancelled { filled });
            return;
        }
        self.pit.join(&mut new);
        self.mine.push(new);
    }

    fn tell_hits(&mut self, time: i64, hits: Vec<Hit>) {
        // the pit has taken all of them off at once; what each left is counted from the end
        let mut left: Vec<i64> = Vec::new();
        for (n, (id, _, _)) in hits.iter().enumerate() {
            let rest = self.mine.iter().find(|m| m.id == *id).map_or(0, |m| m.rest);
            let later: i64 = hits[n + 1..].iter().filter(|h| h.0 == *id).map(|h| h.2).sum();
            left.push(rest + later);
        }
        for ((id, price, units), rest) in hits.into_iter().zip(left) {
            let found = self.mine.iter().find(|m| m.id == id).copied();
            if let Some(mine) = found {
                let then = Mine { rest, ..mine };
                self.tell_fill(time, &then, price, units, Liquidity::Maker);
            }
        }
        self.mine.retain(|m| m.rest > 0);
    }

    fn tell_fill(&mut self, time: i64, mine: &Mine, price: i64, units: i64, liquidity: Liquidity) {
        if self.facts.flaws.partial_lost && mine.rest > 0 {
            return;
        }
        self.executions += 1;
        let bp = match liquidity {
            Liquidity::Maker if !self.facts.flaws.fee_of_taker => self.facts.maker_bp,
            _ => self.facts.taker_bp,
        };
        let fill = Fill {
            execution: self.executions,
            side: mine.side,
            price: Price::from_units(price),
            quantity: Quantity::from_units(units),
            fee: Money::from_units(fee(price, units, bp)),
            liquidity,
            remaining: Quantity::from_units(mine.rest),
        };
        self.tell(time, mine.id, ReportKind::Filled(fill));
    }

    fn tell(&mut self, time: i64, id: ClientId, kind: ReportKind) {
        let report = Report { id, time: Timestamp::from_ns(time), kind };
        self.reports.push((time + self.facts.response, report));
    }
}

/// price × units in money, to the nearest, and of that so many 1e-9 bp, to the nearest.
fn fee(price: i64, units: i64, bp: i64) -> i128 {
    let nearest = |n: i128, d: i128| {
        let away = if n < 0 { -d / 2 } else { d / 2 };
        (n + away) / d
    };
    let notional = nearest(i128::from(price) * i128::from(units), i128::from(WHOLE));
    nearest(notional * i128::from(bp), 10_000 * i128::from(WHOLE))
}
