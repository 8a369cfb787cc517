//! A venue whose word comes late, in parts, out of order or never: the truth that reports tell of.
//!
//! What it holds is exact and at once, so that the oracle can ask what may still fill, whatever was told.

use std::collections::{BTreeMap, VecDeque};

use market::order::{ClientId, Fill, Liquidity, NewOrder, RejectReason, ReportKind, Request};
use market::{InstrumentId, Money, Price, Quantity, Side};

use crate::chance::Chance;

/// How the venue's word reaches the region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hearing {
    /// Soon, and mostly in order.
    Prompt,
    /// Late, and fills behind what came after them.
    Late,
    /// Fills never come; all else does.
    NoFills,
    /// Nothing ever comes.
    Deaf,
}

/// An order at the venue, from the moment it left.
#[derive(Debug, Clone)]
pub struct Live {
    pub order: NewOrder,
    /// What the venue holds it to.
    pub total: i128,
    /// A replacement on its way: price and total.
    pub asked: Option<(Price, i128)>,
    pub filled: i128,
    /// Whether nothing more fills.
    pub is_over: bool,
    pub parent: Option<ClientId>,
    /// Of `filled`, what the region was told.
    pub told: i128,
    /// Whether the region was told all that ends it.
    is_known_over: bool,
    is_acknowledged: bool,
    is_cancelling: bool,
    stated: Option<i128>,
    waiting: VecDeque<ReportKind>,
}

impl Live {
    /// What may still fill, whatever the venue does.
    pub fn worst(&self) -> i128 {
        let total = self.asked.map_or(self.total, |(_, asked)| asked.max(self.total));
        if self.is_over { 0 } else { total - self.filled }
    }
}

/// The venue.
#[derive(Debug, Default)]
pub struct Venue {
    /// Those of which the region has yet to hear something.
    pub orders: BTreeMap<ClientId, Live>,
    /// What all fills have made of each instrument's position, and those of them that were told.
    positions: BTreeMap<InstrumentId, (i128, i128)>,
    /// What the children of each parent have filled.
    families: BTreeMap<ClientId, i128>,
    /// How slowly what rests is filled, and in how many parts.
    patience: u64,
    parts: i128,
    executions: u64,
}

impl Venue {
    /// One of some temper.
    pub fn chosen(chance: &mut Chance) -> Self {
        Self { patience: chance.pick(&[2, 3, 10]), parts: chance.pick(&[1, 3, 30]), ..Self::default() }
    }

    /// The position that all fills have made, told or not.
    pub fn position(&self, instrument: InstrumentId) -> i128 {
        self.positions.get(&instrument).map_or(0, |(made, _)| *made)
    }

    /// The position that the region was told of.
    pub fn told(&self, instrument: InstrumentId) -> i128 {
        self.positions.get(&instrument).map_or(0, |(_, told)| *told)
    }

    /// What the children of a parent have filled, and what those outstanding may still fill.
    pub fn family(&self, parent: ClientId) -> i128 {
        let filled = self.families.get(&parent).copied().unwrap_or(0);
        let children = self.orders.values().filter(|live| live.parent == Some(parent));
        filled + children.map(Live::worst).sum::<i128>()
    }

    /// A request that left.
    pub fn receive(&mut self, request: &Request, parent: Option<ClientId>) {
        match *request {
            Request::Place(order) => {
                let live = Live {
                    order,
                    total: order.quantity.units().into(),
                    asked: None,
                    filled: 0,
                    is_over: false,
                    parent,
                    told: 0,
                    is_known_over: false,
                    is_acknowledged: false,
                    is_cancelling: false,
                    stated: None,
                    waiting: VecDeque::new(),
                };
                self.orders.insert(order.id, live);
            }
            Request::Cancel(id) => {
                self.at(id).is_cancelling = true;
            }
            Request::Replace { id, price, total } => {
                let live = self.at(id);
                (live.asked, live.parent) = (Some((price, total.units().into())), parent);
            }
        }
    }

    fn at(&mut self, id: ClientId) -> &mut Live {
        self.orders.get_mut(&id).expect("a request is of an order that left")
    }

    fn some(&self, chance: &mut Chance, which: impl Fn(&Live) -> bool) -> Option<ClientId> {
        let some: Vec<_> = self.orders.iter().filter(|(_, live)| which(live)).map(|(id, _)| *id).collect();
        (!some.is_empty()).then(|| chance.pick(&some))
    }

    /// Something happens to one of the orders.
    pub fn act(&mut self, chance: &mut Chance) {
        let Some(id) = self.some(chance, |live| !live.is_over) else { return };
        self.executions += 1;
        let (execution, parts, patience) = (self.executions, self.parts, self.patience);
        let live = self.at(id);
        let before = live.filled;
        if !live.is_acknowledged {
            live.is_acknowledged = true;
            if live.filled == 0 && chance.one_in(12) {
                live.end(ReportKind::Rejected(RejectReason::WouldTrade));
            } else {
                live.waiting.push_back(ReportKind::Accepted);
            }
        } else if chance.one_in(patience) {
            live.fill(chance, execution, parts);
        } else if let Some((price, total)) = live.asked {
            live.replace(chance, price, total);
        } else if live.is_cancelling {
            live.is_cancelling = false;
            if chance.one_in(10) {
                live.waiting.push_back(ReportKind::CancelRejected(RejectReason::Halted));
            } else {
                live.end(ReportKind::Cancelled { filled: units(live.filled) });
            }
        } else if chance.one_in(40) {
            live.end(ReportKind::Expired { filled: units(live.filled) });
        }
        let (part, sign, parent) = (live.filled - before, i128::from(live.order.side.sign()), live.parent);
        self.positions.entry(id.instrument).or_default().0 += sign * part;
        if let Some(parent) = parent {
            *self.families.entry(parent).or_default() += part;
        }
    }

    /// A word that reaches the region now.
    pub fn tell(&mut self, chance: &mut Chance, hearing: Hearing) -> Option<(ClientId, ReportKind)> {
        let is_heard = |live: &Live| !live.waiting.is_empty() && hearing != Hearing::Deaf;
        let id = self.some(chance, is_heard)?;
        let live = self.at(id);
        let skips = match hearing {
            Hearing::Prompt => chance.one_in(8),
            Hearing::Late => chance.one_in(2),
            Hearing::NoFills => true,
            Hearing::Deaf => false,
        };
        let first_other = live.waiting.iter().position(|kind| !matches!(kind, ReportKind::Filled(_)));
        let at = match hearing {
            Hearing::NoFills => first_other?,
            _ if skips => first_other.unwrap_or(0),
            _ => 0,
        };
        let mut kind = live.waiting.remove(at)?;
        if let ReportKind::Replaced { quantity, .. } = &mut kind
            && chance.one_in(2)
        {
            // some tell what rests at the venue, some what rests by the fills that were told
            *quantity = units(live.total - live.told);
        }
        live.heard(&kind);
        let (sign, is_known_over) = (i128::from(live.order.side.sign()), live.is_known_over);
        if let ReportKind::Filled(fill) = &kind {
            self.positions.entry(id.instrument).or_default().1 += sign * i128::from(fill.quantity.units());
        }
        if is_known_over {
            self.orders.remove(&id);
        }
        Some((id, kind))
    }

    /// The gate dropped an order before it left, or cancels one by itself.
    pub fn lapse(&mut self, id: ClientId) {
        self.orders.remove(&id);
    }

    /// A cancel that the gate sends by itself.
    pub fn cancel(&mut self, id: ClientId) {
        self.at(id).is_cancelling = true;
    }

    /// Something that no venue keeping the rules says, whatever was heard before.
    pub fn lie(&self, chance: &mut Chance) -> Option<(ClientId, ReportKind)> {
        let id = self.some(chance, |_| true)?;
        let live = &self.orders[&id];
        // more than anything that is asked for
        let huge = i64::MAX / 2;
        let filled = |side, quantity, remaining| {
            let (price, quantity) = (live.order.price, Quantity::from_units(quantity));
            let (fee, liquidity) = (Money::ZERO, Liquidity::Taker);
            let remaining = Quantity::from_units(remaining);
            ReportKind::Filled(Fill { execution: 0, side, price, quantity, fee, liquidity, remaining })
        };
        let side = live.order.side;
        let unknown = ClientId { sequence: u64::MAX, ..id };
        Some(match chance.below(8) {
            0 => (id, filled(side, huge, 0)),
            1 => (id, filled(side, -1, huge)),
            2 => (id, filled(side, 0, 1)),
            3 => (id, filled(side.opposite(), 1, 1)),
            4 => (id, ReportKind::Cancelled { filled: Quantity::from_units(huge) }),
            5 => (id, ReportKind::Expired { filled: units(live.told - 1) }),
            6 => (id, ReportKind::Replaced { price: Price::ZERO, quantity: Quantity::from_units(huge) }),
            _ => (unknown, filled(Side::Buy, 1, 0)),
        })
    }
}

impl Live {
    fn end(&mut self, kind: ReportKind) {
        self.is_over = true;
        self.waiting.push_back(kind);
    }

    fn fill(&mut self, chance: &mut Chance, execution: u64, parts: i128) {
        let open = self.total - self.filled;
        let part = if chance.one_in(5) { open } else { (self.total / parts).clamp(1, open) };
        self.filled += part;
        let remaining = self.total - self.filled;
        let fill = Fill {
            execution,
            side: self.order.side,
            price: self.order.price,
            quantity: units(part),
            fee: Money::from_units(chance.within(-5, 5).into()),
            liquidity: Liquidity::Maker,
            remaining: units(remaining),
        };
        if remaining == 0 {
            self.end(ReportKind::Filled(fill));
        } else {
            self.waiting.push_back(ReportKind::Filled(fill));
        }
    }

    fn replace(&mut self, chance: &mut Chance, price: Price, total: i128) {
        self.asked = None;
        if total <= self.filled || chance.one_in(10) {
            return self.waiting.push_back(ReportKind::ReplaceRejected(RejectReason::WouldTrade));
        }
        self.total = total;
        self.order.price = price;
        self.waiting.push_back(ReportKind::Replaced { price, quantity: units(total - self.filled) });
    }

    fn heard(&mut self, kind: &ReportKind) {
        match kind {
            ReportKind::Filled(fill) => {
                self.told += i128::from(fill.quantity.units());
                self.is_known_over |= fill.remaining.is_zero() && self.stated.is_none();
            }
            ReportKind::Rejected(_) => self.is_known_over = true,
            ReportKind::Cancelled { filled } | ReportKind::Expired { filled } => {
                self.stated = Some(filled.units().into());
            }
            _ => {}
        }
        self.is_known_over |= self.stated == Some(self.told);
    }
}

/// Of what was ordered, so that it is small.
fn units(wide: i128) -> Quantity {
    Quantity::from_units(i64::try_from(wide).expect("no more than was ordered"))
}
