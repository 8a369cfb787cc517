//! The pit of level totals.

use std::collections::BTreeMap;

use market::{EventKind, LevelChange, Side};

use super::{Facts, Flaws, Hit, Mine, Pit, at_least, in_line, other};

pub struct Levels {
    flaws: Flaws,
    lot: i64,
    known: bool,
    count: u64,
    /// By side and price: what the feed says, and what of it we took.
    totals: [BTreeMap<i64, (i64, i64)>; 2],
}

impl Levels {
    fn left(&self, side: Side, price: i64) -> i64 {
        self.totals[side as usize].get(&price).map_or(0, |(told, taken)| told - taken)
    }

    fn best(&self, side: Side) -> Option<i64> {
        let mut prices =
            self.totals[side as usize].keys().copied().filter(|&price| self.left(side, price) > 0);
        match side {
            Side::Buy => prices.next_back(),
            Side::Sell => prices.next(),
        }
    }

    fn tell(&mut self, change: &LevelChange) {
        let price = change.price.units();
        let told = change.quantity.units();
        let totals = &mut self.totals[change.side as usize];
        let taken = totals.get(&price).map_or(0, |(_, taken)| *taken);
        let taken = if self.flaws.taken_comes_back { 0 } else { taken.min(told) };
        totals.insert(price, (told, taken));
        if told == 0 {
            totals.remove(&price);
        }
    }

    fn update(&mut self, changes: &[LevelChange], whole: bool, mine: &mut [Mine]) {
        let bad = |c: &LevelChange| c.price.units() <= 0 || c.quantity.units() < 0;
        if changes.iter().any(bad) {
            return;
        }
        let before: Vec<i64> = mine.iter().map(|m| self.left(m.side, m.price)).collect();
        if whole {
            let old = std::mem::take(&mut self.totals);
            for change in changes {
                let was = old[change.side as usize].get(&change.price.units());
                if let Some(&was) = was {
                    self.totals[change.side as usize].insert(change.price.units(), was);
                }
            }
        }
        for change in changes {
            self.tell(change);
        }
        for (m, before) in mine.iter_mut().zip(before) {
            let after = self.left(m.side, m.price);
            let named = changes.iter().any(|c| c.side == m.side && c.price.units() == m.price);
            if named || before != after {
                // what trades took is gone from the front; the others left evenly
                let stood = (before - m.traded).max(0);
                let cancelled = (stood - after).max(0);
                if stood > 0 {
                    let share = i128::from(m.ahead.min(stood)) * i128::from(cancelled) / i128::from(stood);
                    let share = i64::try_from(share).expect("a part of a total");
                    m.ahead -= share / self.lot * self.lot;
                }
                m.ahead = m.ahead.min(after);
                m.traded = 0;
            }
        }
    }

    fn meet(&mut self, mine: &mut [Mine], open: bool, hits: &mut Vec<Hit>) {
        if !open || !self.known {
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
        &self,
        (price, units): (i64, i64),
        aggressor: Option<Side>,
        mine: &mut [Mine],
        hits: &mut Vec<Hit>,
    ) {
        for side in [Side::Buy, Side::Sell] {
            if aggressor == Some(side) {
                continue;
            }
            let mut given = 0;
            for n in in_line(mine, side) {
                let m = &mut mine[n];
                let reaching = if m.price == price && aggressor.is_some() {
                    let before_it = m.ahead.min(units - given);
                    m.ahead -= before_it;
                    m.traded += units;
                    let spared = if self.flaws.queue_off_by_one { before_it.min(self.lot) } else { 0 };
                    units - given - before_it + spared
                } else if m.price != price && at_least(side, m.price, price) {
                    units - given
                } else {
                    continue;
                };
                let filled = reaching.min(m.rest);
                if filled > 0 {
                    if !self.flaws.budget_unshared {
                        given += filled;
                    }
                    let at = if self.flaws.price_of_trade { price } else { m.price };
                    hit(m, at, filled, hits);
                }
            }
        }
    }
}

fn hit(mine: &mut Mine, price: i64, units: i64, hits: &mut Vec<Hit>) {
    mine.rest -= units;
    mine.filled += units;
    hits.push((mine.id, price, units));
}

impl Pit for Levels {
    fn new(facts: &Facts) -> Self {
        Self {
            flaws: facts.flaws,
            lot: facts.lot,
            known: false,
            count: 0,
            totals: [BTreeMap::new(), BTreeMap::new()],
        }
    }

    fn event(&mut self, _: i64, kind: &EventKind, mine: &mut [Mine], open: bool) -> Vec<Hit> {
        let mut hits = Vec::new();
        match kind {
            EventKind::Gap => {
                self.known = false;
                return hits;
            }
            EventKind::Levels(changes) if self.known => self.update(changes, false, mine),
            EventKind::Snapshot(changes) => {
                self.update(changes, true, mine);
                if !self.known {
                    self.known = true;
                    for side in [Side::Buy, Side::Sell] {
                        for n in in_line(mine, side) {
                            self.join(&mut mine[n]);
                        }
                    }
                }
            }
            EventKind::Trade { price, quantity, aggressor, .. } if open && self.known => {
                let what = (price.units(), quantity.units());
                self.trade(what, *aggressor, mine, &mut hits);
            }
            _ => {}
        }
        self.meet(mine, open, &mut hits);
        hits
    }

    fn settle(&mut self, _: i64, _: &mut [Mine], _: bool) -> Vec<Hit> {
        Vec::new()
    }

    fn known(&self) -> bool {
        self.known
    }

    fn next(&self, side: Side) -> Option<(i64, i64)> {
        let price = self.best(side)?;
        Some((price, self.left(side, price)))
    }

    fn take(&mut self, side: Side, units: i64) {
        if let Some(price) = self.best(side)
            && let Some(level) = self.totals[side as usize].get_mut(&price)
        {
            level.1 += units;
        }
    }

    fn before(&self, mine: &Mine) -> i128 {
        let better: i128 = self.totals[mine.side as usize]
            .keys()
            .filter(|&&price| price != mine.price && at_least(mine.side, price, mine.price))
            .map(|&price| i128::from(self.left(mine.side, price)))
            .sum();
        better + i128::from(mine.ahead.min(self.left(mine.side, mine.price)))
    }

    fn join(&mut self, mine: &mut Mine) {
        self.count += 1;
        mine.stamp = self.count;
        mine.ahead = self.left(mine.side, mine.price);
        mine.traded = 0;
    }
}
