//! The pit of single orders: one line a side, sorted by price and arrival.

use std::collections::{BTreeMap, BTreeSet};

use market::{EventKind, OrderId, Side};

use super::{Facts, Flaws, Hit, Mine, Pit, at_least, in_line, other};

/// A historical order, and what the feed says is left of it.
#[derive(Debug, Clone, Copy)]
struct Hist {
    side: Side,
    price: i64,
    told: i64,
    stamp: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Nothing,
    Picture,
    Known,
    Gap,
}

pub struct Orders {
    flaws: Flaws,
    hold: i64,
    now: i64,
    state: State,
    count: u64,
    known: BTreeMap<OrderId, Hist>,
    /// Visible orders by side, best first: (rank of price, stamp). What we took is still here.
    lines: [BTreeMap<(i64, u64), OrderId>; 2],
    /// Oldest first, with the time since when.
    held: Vec<(OrderId, Hist, i64)>,
    evicted: BTreeSet<OrderId>,
    /// What we took of orders that have not ended.
    taken: BTreeMap<OrderId, i64>,
    /// In this instant: places that became empty,
    vacated: Vec<(Side, i64, u64)>,
    /// places of orders that rows spoke of,
    spoken: BTreeMap<OrderId, (Side, i64, u64)>,
    /// and orders that had nothing left when it began.
    risen: BTreeSet<OrderId>,
}

fn rank(side: Side, price: i64) -> i64 {
    if side == Side::Buy { -price } else { price }
}

impl Orders {
    fn line(&self, side: Side) -> &BTreeMap<(i64, u64), OrderId> {
        &self.lines[side as usize]
    }

    fn best(&self, side: Side) -> Option<OrderId> {
        self.line(side).first_key_value().map(|(_, id)| *id)
    }

    pub fn best_price(&self, side: Side) -> Option<i64> {
        self.best(side).map(|id| self.known[&id].price)
    }

    /// What is left of an order for us.
    fn left(&self, id: OrderId) -> i64 {
        let told = self.known.get(&id).map_or(0, |order| order.told);
        (told - self.taken.get(&id).copied().unwrap_or(0)).max(0)
    }

    fn show(&mut self, id: OrderId, mut order: Hist) {
        self.count += 1;
        order.stamp = self.count;
        self.lines[order.side as usize].insert((rank(order.side, order.price), order.stamp), id);
        self.known.insert(id, order);
    }

    fn remove(&mut self, id: OrderId) {
        let left = self.left(id);
        if let Some(order) = self.known.remove(&id) {
            self.lines[order.side as usize].remove(&(rank(order.side, order.price), order.stamp));
            if left > 0 {
                self.vacate(id, order);
            }
        }
    }

    fn vacate(&mut self, id: OrderId, order: Hist) {
        if !self.risen.contains(&id) {
            self.vacated.push((order.side, order.price, order.stamp));
        }
    }

    fn change(&mut self, id: OrderId, told: i64) {
        let before = self.left(id);
        if self.flaws.taken_comes_back {
            self.taken.remove(&id);
        }
        if let Some(order) = self.known.get_mut(&id) {
            order.told = told;
        }
        match (before, self.left(id)) {
            (0, 1..) => {
                self.risen.insert(id);
            }
            (1.., 0) => self.vacate(id, self.known[&id]),
            _ => {}
        }
    }

    /// The first visible order of which something is left.
    fn front(&self, side: Side) -> Option<OrderId> {
        self.line(side).values().copied().find(|id| self.left(*id) > 0)
    }

    /// A newcomer is held while it would trade with or lock what is visible.
    fn come(&mut self, id: OrderId, order: Hist) {
        let crosses =
            self.best_price(other(order.side)).is_some_and(|best| at_least(order.side, order.price, best));
        if crosses {
            self.held.push((id, order, self.now));
        } else {
            self.show(id, order);
        }
    }

    fn release_free(&mut self) {
        while let Some(n) = self.held.iter().position(|(_, order, _)| {
            !self.best_price(other(order.side)).is_some_and(|best| at_least(order.side, order.price, best))
        }) {
            let (id, order, _) = self.held.remove(n);
            self.show(id, order);
        }
    }

    fn repair(&mut self) {
        while let Some(&(id, order, since)) = self.held.first()
            && self.now - since > self.hold
        {
            self.held.remove(0);
            while let Some(best) = self.best_price(other(order.side))
                && at_least(order.side, order.price, best)
            {
                while let Some(stale) = self.best(other(order.side))
                    && self.known[&stale].price == best
                {
                    self.remove(stale);
                    self.evicted.insert(stale);
                }
            }
            self.show(id, order);
        }
    }

    fn picture_whole(&mut self, mine: &mut [Mine]) {
        self.state = State::Known;
        for side in [Side::Buy, Side::Sell] {
            for n in in_line(mine, side) {
                self.join(&mut mine[n]);
            }
        }
    }

    fn meet(&mut self, mine: &mut [Mine], open: bool, hits: &mut Vec<Hit>) {
        if !open || self.state != State::Known {
            return;
        }
        for side in [Side::Buy, Side::Sell] {
            while let Some(&n) = in_line(mine, side).first()
                && let Some((price, units)) = self.next(other(side))
                && at_least(side, mine[n].price, price)
            {
                let filled = units.min(mine[n].rest);
                self.take(other(side), filled);
                let at = if self.flaws.price_of_trade { price } else { mine[n].price };
                hit(&mut mine[n], at, filled, hits);
            }
        }
    }

    fn trade(
        &mut self,
        (price, units): (i64, i64),
        aggressor: Option<Side>,
        maker: Option<OrderId>,
        mine: &mut [Mine],
        hits: &mut Vec<Hit>,
    ) {
        for side in [Side::Buy, Side::Sell] {
            if aggressor == Some(side) {
                continue;
            }
            let mut budget = units;
            for n in in_line(mine, side) {
                let through = mine[n].price != price && at_least(side, mine[n].price, price);
                let reached = through || (mine[n].price == price && self.is_turn(&mine[n], aggressor, maker));
                let filled = budget.min(mine[n].rest);
                if !reached || filled == 0 {
                    break;
                }
                if !self.flaws.budget_unshared {
                    budget -= filled;
                }
                let at = if self.flaws.price_of_trade { price } else { mine[n].price };
                hit(&mut mine[n], at, filled, hits);
            }
        }
    }

    /// Whether a trade at its own price was this order's.
    fn is_turn(&self, mine: &Mine, aggressor: Option<Side>, maker: Option<OrderId>) -> bool {
        let ahead = self
            .line(mine.side)
            .range((rank(mine.side, mine.price), 0)..(rank(mine.side, mine.price), mine.stamp))
            .filter(|(_, id)| self.left(**id) > 0)
            .count();
        if aggressor.is_none() || ahead > usize::from(self.flaws.queue_off_by_one) {
            return false;
        }
        let place = maker.and_then(|id| {
            let standing = self.known.get(&id).filter(|_| self.left(id) > 0);
            let spoken = self.spoken.get(&id).copied();
            spoken.or(standing.map(|o| (o.side, o.price, o.stamp)))
        });
        match place.filter(|p| (p.0, p.1) == (mine.side, mine.price)) {
            Some((_, _, stamp)) => stamp > mine.stamp,
            None => !self
                .vacated
                .iter()
                .any(|&(side, price, stamp)| (side, price) == (mine.side, mine.price) && stamp < mine.stamp),
        }
    }

    /// A row speaks of an order.
    fn speak(&mut self, id: OrderId) {
        if self.left(id) > 0 {
            let order = self.known[&id];
            self.spoken.insert(id, (order.side, order.price, order.stamp));
        }
    }

    fn forget_instant(&mut self) {
        self.vacated.clear();
        self.spoken.clear();
        self.risen.clear();
    }
}

fn hit(mine: &mut Mine, price: i64, units: i64, hits: &mut Vec<Hit>) {
    mine.rest -= units;
    mine.filled += units;
    hits.push((mine.id, price, units));
}

impl Pit for Orders {
    fn new(facts: &Facts) -> Self {
        Self {
            flaws: facts.flaws,
            hold: facts.hold,
            now: i64::MIN,
            state: State::Nothing,
            count: 0,
            known: BTreeMap::new(),
            lines: [BTreeMap::new(), BTreeMap::new()],
            held: Vec::new(),
            evicted: BTreeSet::new(),
            taken: BTreeMap::new(),
            vacated: Vec::new(),
            spoken: BTreeMap::new(),
            risen: BTreeSet::new(),
        }
    }

    fn event(&mut self, time: i64, kind: &EventKind, mine: &mut [Mine], open: bool) -> Vec<Hit> {
        let mut hits = Vec::new();
        match kind {
            EventKind::Gap => {
                self.state = State::Gap;
                return hits;
            }
            EventKind::Halt => return hits,
            EventKind::Resume => {
                self.meet(mine, open, &mut hits);
                return hits;
            }
            _ => {}
        }
        if time > self.now {
            if self.state == State::Picture {
                self.picture_whole(mine);
                self.meet(mine, open, &mut hits);
            }
            self.now = time;
            self.forget_instant();
            self.repair();
            self.meet(mine, open, &mut hits);
        }
        if self.state == State::Nothing {
            self.state = State::Picture;
        }
        match *kind {
            EventKind::Clear => {
                self.state = State::Picture;
                self.known.clear();
                self.lines = [BTreeMap::new(), BTreeMap::new()];
                self.held.clear();
                self.evicted.clear();
                self.forget_instant();
            }
            _ if self.state == State::Gap => {}
            EventKind::Add { id, side, price, quantity } => {
                let in_use = self.known.contains_key(&id)
                    || self.evicted.contains(&id)
                    || self.held.iter().any(|(held, _, _)| *held == id);
                if quantity.units() > 0 && price.units() >= 0 && !in_use {
                    let (price, told) = (price.units(), quantity.units());
                    self.come(id, Hist { side, price, told, stamp: 0 });
                }
            }
            EventKind::Change { id, quantity } => {
                self.speak(id);
                if quantity.units() <= 0 {
                    // refused
                } else if let Some(held) = self.held.iter_mut().find(|(held, _, _)| *held == id) {
                    held.1.told = quantity.units();
                } else if self.known.contains_key(&id) {
                    self.change(id, quantity.units());
                }
            }
            EventKind::Delete { id } => {
                self.speak(id);
                self.held.retain(|(held, _, _)| *held != id);
                self.remove(id);
                self.taken.remove(&id);
            }
            EventKind::Trade { price, quantity, aggressor, maker } if open && self.state == State::Known => {
                let what = (price.units(), quantity.units());
                self.trade(what, aggressor, maker, mine, &mut hits);
            }
            _ => {}
        }
        if self.state != State::Gap && !matches!(kind, EventKind::Trade { .. }) {
            self.release_free();
        }
        self.meet(mine, open, &mut hits);
        hits
    }

    fn settle(&mut self, _: i64, mine: &mut [Mine], open: bool) -> Vec<Hit> {
        let mut hits = Vec::new();
        if self.state == State::Picture {
            self.picture_whole(mine);
            self.meet(mine, open, &mut hits);
        }
        hits
    }

    fn known(&self) -> bool {
        self.state == State::Known
    }

    fn next(&self, side: Side) -> Option<(i64, i64)> {
        let id = self.front(side)?;
        Some((self.known[&id].price, self.left(id)))
    }

    fn take(&mut self, side: Side, units: i64) {
        if let Some(id) = self.front(side) {
            *self.taken.entry(id).or_default() += units;
        }
    }

    fn before(&self, mine: &Mine) -> i128 {
        let place = (rank(mine.side, mine.price), mine.stamp);
        self.line(mine.side).range(..place).map(|(_, id)| i128::from(self.left(*id))).sum()
    }

    fn join(&mut self, mine: &mut Mine) {
        self.count += 1;
        mine.stamp = self.count;
    }
}
