//! A book of orders as one would explain it: sorted maps of queues, and a search for everything.

use std::collections::{BTreeMap, VecDeque};

use market::{OrderId, Price, Quantity, Side, Timestamp};

/// An order, in units of 1e-9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlowOrder {
    pub id: OrderId,
    pub side: Side,
    pub price: Price,
    /// What remains.
    pub quantity: i64,
    pub arrival: u64,
}

/// The answer to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Done,
    Unknown,
    Evicted,
    Refused,
}

/// A way to be wrong, for showing that it would be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    None,
    /// An order joins one place too far ahead.
    QueueOffByOne,
    /// A change loses its place.
    ChangeLosesPlace,
    /// An order that locks is shown.
    ShowsLocking,
    /// Repair evicts the best level alone.
    EvictsOneLevel,
    /// The youngest held order is released first.
    ReleasesYoungest,
    /// Repair comes a moment too early.
    RepairsEarly,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub locking: u64,
    pub crossing: u64,
    pub deleted_while_held: u64,
    pub released: u64,
    pub evicted: u64,
}

pub struct SlowBook {
    hold_ns: Option<i64>,
    mistake: Mistake,
    pub bids: BTreeMap<Price, VecDeque<SlowOrder>>,
    pub asks: BTreeMap<Price, VecDeque<SlowOrder>>,
    /// Where each visible order stands, so that half an hour does not take a day.
    place: BTreeMap<OrderId, (Side, Price)>,
    pub held: Vec<(SlowOrder, i64)>,
    pub evicted: Vec<SlowOrder>,
    pub arrivals: u64,
    pub counts: Counts,
    now: i64,
}

impl SlowBook {
    pub fn new(hold_ns: Option<i64>, mistake: Mistake) -> Self {
        Self {
            hold_ns,
            mistake,
            bids: BTreeMap::new(),
            asks: BTreeMap::new(),
            place: BTreeMap::new(),
            held: Vec::new(),
            evicted: Vec::new(),
            arrivals: 0,
            counts: Counts::default(),
            now: i64::MIN,
        }
    }

    pub fn best(&self, side: Side) -> Option<Price> {
        match side {
            Side::Buy => self.bids.keys().next_back().copied(),
            Side::Sell => self.asks.keys().next().copied(),
        }
    }

    /// Prices and queues of a side, best first.
    pub fn queues(&self, side: Side) -> Box<dyn Iterator<Item = (Price, &VecDeque<SlowOrder>)> + '_> {
        match side {
            Side::Buy => Box::new(self.bids.iter().rev().map(|(p, q)| (*p, q))),
            Side::Sell => Box::new(self.asks.iter().map(|(p, q)| (*p, q))),
        }
    }

    pub fn advance(&mut self, time: Timestamp) {
        self.now = self.now.max(time.ns());
        let Some(hold_ns) = self.hold_ns else { return };
        let age = |since: i64| {
            let age = i128::from(time.ns()) - i128::from(since);
            if self.mistake == Mistake::RepairsEarly { age + 1 } else { age }
        };
        let overdue = self.held.iter().take_while(|(_, since)| age(*since) > i128::from(hold_ns)).count();
        for _ in 0..overdue {
            let (order, _) = self.held.remove(0);
            while self.meets(&order) {
                self.evict_best(opposite(order.side));
                if self.mistake == Mistake::EvictsOneLevel {
                    break;
                }
            }
            self.counts.released += 1;
            self.join(order);
        }
    }

    pub fn add(&mut self, order: SlowOrder, time: Timestamp) -> Answer {
        let bad = order.quantity <= 0
            || order.price < Price::ZERO
            || order.price.units() > i64::MAX / 2
            || self.place.contains_key(&order.id)
            || self.evicted.iter().any(|evicted| evicted.id == order.id)
            || self.held.iter().any(|(held, _)| held.id == order.id);
        if !bad {
            self.now = self.now.max(time.ns());
            self.come(order);
        }
        self.release();
        if bad { Answer::Refused } else { Answer::Done }
    }

    pub fn change(&mut self, id: OrderId, quantity: Quantity) -> Answer {
        let answer = if quantity.units() > 0 { self.set(id, quantity.units()) } else { Answer::Refused };
        self.release();
        answer
    }

    pub fn delete(&mut self, id: OrderId) -> Answer {
        let mut answer = Answer::Done;
        if let Some(at) = self.held.iter().position(|(order, _)| order.id == id) {
            self.held.remove(at);
            self.counts.deleted_while_held += 1;
        } else if let Some(order) = self.visible(id) {
            self.take_out(&order);
        } else {
            answer = self.unknown(id);
        }
        self.release();
        answer
    }

    fn set(&mut self, id: OrderId, quantity: i64) -> Answer {
        if let Some((order, _)) = self.held.iter_mut().find(|(order, _)| order.id == id) {
            order.quantity = quantity;
        } else if let Some(order) = self.visible(id) {
            self.replace(SlowOrder { quantity, ..order });
        } else {
            return self.unknown(id);
        }
        Answer::Done
    }

    pub fn clear(&mut self) {
        let (arrivals, counts, now) = (self.arrivals, self.counts, self.now);
        *self = Self { arrivals, counts, now, ..Self::new(self.hold_ns, self.mistake) };
    }

    pub fn visible(&self, id: OrderId) -> Option<SlowOrder> {
        let (side, price) = self.place.get(&id)?;
        let queue = if *side == Side::Buy { &self.bids[price] } else { &self.asks[price] };
        queue.iter().find(|order| order.id == id).copied()
    }

    fn side(&mut self, side: Side) -> &mut BTreeMap<Price, VecDeque<SlowOrder>> {
        if side == Side::Buy { &mut self.bids } else { &mut self.asks }
    }

    /// Puts a visible order's new numbers in its place.
    fn replace(&mut self, order: SlowOrder) {
        let loses_place = self.mistake == Mistake::ChangeLosesPlace;
        let Some(queue) = self.side(order.side).get_mut(&order.price) else { return };
        if loses_place {
            queue.retain(|o| o.id != order.id);
            queue.push_back(order);
        } else if let Some(old) = queue.iter_mut().find(|o| o.id == order.id) {
            *old = order;
        }
    }

    fn take_out(&mut self, order: &SlowOrder) {
        self.place.remove(&order.id);
        let levels = self.side(order.side);
        if let Some(queue) = levels.get_mut(&order.price) {
            queue.retain(|o| o.id != order.id);
            if queue.is_empty() {
                levels.remove(&order.price);
            }
        }
    }

    fn unknown(&self, id: OrderId) -> Answer {
        match self.evicted.iter().any(|order| order.id == id) {
            true => Answer::Evicted,
            false => Answer::Unknown,
        }
    }

    /// Whether an order would lock or cross what is visible.
    fn meets(&self, order: &SlowOrder) -> bool {
        match (order.side, self.best(opposite(order.side))) {
            (_, None) => false,
            (_, Some(best)) if best == order.price => self.mistake != Mistake::ShowsLocking,
            (Side::Buy, Some(ask)) => order.price > ask,
            (Side::Sell, Some(bid)) => order.price < bid,
        }
    }

    fn come(&mut self, order: SlowOrder) {
        if self.hold_ns.is_some() && self.meets(&order) {
            if self.best(opposite(order.side)) == Some(order.price) {
                self.counts.locking += 1;
            } else {
                self.counts.crossing += 1;
            }
            self.held.push((order, self.now));
        } else {
            self.join(order);
        }
    }

    fn join(&mut self, mut order: SlowOrder) {
        self.arrivals += 1;
        order.arrival = self.arrivals;
        self.place.insert(order.id, (order.side, order.price));
        let off_by_one = self.mistake == Mistake::QueueOffByOne;
        let queue = self.side(order.side).entry(order.price).or_default();
        queue.push_back(order);
        if off_by_one && queue.len() > 1 {
            queue.swap(queue.len() - 1, queue.len() - 2);
        }
    }

    fn release(&mut self) {
        loop {
            let mut free = self.held.iter().enumerate().filter(|(_, (order, _))| !self.meets(order));
            let first = match self.mistake {
                Mistake::ReleasesYoungest => free.next_back(),
                _ => free.next(),
            };
            let Some((at, _)) = first else { return };
            let (order, _) = self.held.remove(at);
            self.counts.released += 1;
            self.join(order);
        }
    }

    fn evict_best(&mut self, side: Side) {
        let Some(price) = self.best(side) else { return };
        let stale: Vec<SlowOrder> = self.side(side)[&price].iter().copied().collect();
        for order in stale {
            self.take_out(&order);
            self.counts.evicted += 1;
            self.evicted.push(order);
        }
    }
}

pub fn opposite(side: Side) -> Side {
    if side == Side::Buy { Side::Sell } else { Side::Buy }
}
