//! The one order table (G1, G2): what is outstanding, what is reserved, and the position by fills.

use std::collections::BTreeMap;

use market::order::{ClientId, Fill, NewOrder, OrderKind, Report, ReportKind, Request};
use market::{InstrumentId, Price, Quantity, Side};
use serde::{Deserialize, Serialize};
use synapse::Fault;

use crate::NAME;

/// How far an order's life is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderState {
    /// Approved; the venue has not answered.
    Sent,
    /// At the venue.
    Working,
    /// A cancel is unanswered. It frees nothing.
    CancelSent,
    /// A replacement is unanswered.
    ReplaceSent {
        /// The price asked for.
        price: Price,
        /// The total quantity asked for, what has filled included.
        total: Quantity,
    },
    /// Over at the venue, which states more fills than have come.
    Owed {
        /// What those fills add up to.
        quantity: Quantity,
    },
}

/// An order between approval and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Buy or sell.
    pub side: Side,
    /// What kind.
    pub kind: OrderKind,
    /// Its price.
    pub price: Price,
    /// What is not filled.
    pub remaining: Quantity,
    /// What is.
    pub filled: Quantity,
    /// How far its life is.
    pub state: OrderState,
}

impl Order {
    /// The quantity that may still fill, whatever the venue does.
    pub fn reserved(&self) -> Quantity {
        match self.state {
            OrderState::ReplaceSent { total, .. } => self.remaining.max(less(total, self.filled)),
            OrderState::Owed { quantity } => quantity,
            OrderState::Sent | OrderState::Working | OrderState::CancelSent => self.remaining,
        }
    }

    /// Whether a request on it is unanswered.
    pub const fn is_unanswered(&self) -> bool {
        !matches!(self.state, OrderState::Working)
    }
}

/// All orders that are not over, and the positions their fills have made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderTable {
    orders: BTreeMap<InstrumentId, BTreeMap<ClientId, Order>>,
    positions: BTreeMap<InstrumentId, Quantity>,
}

impl OrderTable {
    /// The position by fills.
    pub fn position(&self, instrument: InstrumentId) -> Quantity {
        self.positions.get(&instrument).copied().unwrap_or_default()
    }

    /// The orders of one instrument, oldest first.
    pub fn of(&self, instrument: InstrumentId) -> impl Iterator<Item = (ClientId, &Order)> {
        self.orders.get(&instrument).into_iter().flatten().map(|(id, order)| (*id, order))
    }

    /// All orders, by instrument and age.
    pub fn iter(&self) -> impl Iterator<Item = (ClientId, &Order)> {
        self.orders.values().flatten().map(|(id, order)| (*id, order))
    }

    /// What may still fill on one side, `except` aside; the sides never net.
    pub fn reserved(&self, instrument: InstrumentId, side: Side, except: Option<ClientId>) -> Quantity {
        let of_side = self.of(instrument).filter(|(id, order)| order.side == side && Some(*id) != except);
        of_side.fold(Quantity::ZERO, |sum, (_, order)| add(sum, order.reserved()))
    }

    fn at(&mut self, id: ClientId) -> Option<&mut Order> {
        self.orders.get_mut(&id.instrument)?.get_mut(&id)
    }

    fn remove(&mut self, id: ClientId) {
        if let Some(of) = self.orders.get_mut(&id.instrument) {
            of.remove(&id);
            if of.is_empty() {
                self.orders.remove(&id.instrument);
            }
        }
    }

    /// How many orders are not over.
    pub fn len(&self) -> usize {
        self.orders.values().map(BTreeMap::len).sum()
    }

    /// Whether nothing is outstanding.
    pub fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }

    /// Notes that a request was approved: what it may fill is reserved from here on.
    pub fn approve(&mut self, request: &Request) {
        match *request {
            Request::Place(NewOrder { id, side, kind, price, quantity }) => {
                let order = Order {
                    side,
                    kind,
                    price,
                    remaining: quantity,
                    filled: Quantity::ZERO,
                    state: OrderState::Sent,
                };
                let before = self.orders.entry(id.instrument).or_default().insert(id, order);
                assert!(before.is_none(), "client id {id} is used once");
            }
            Request::Cancel(id) => self.cancel_sent(id),
            Request::Replace { id, price, total } => {
                if let Some(order) = self.at(id) {
                    order.state = OrderState::ReplaceSent { price, total };
                }
            }
        }
    }

    /// Notes that a cancel is on its way.
    pub fn cancel_sent(&mut self, id: ClientId) {
        if let Some(order) = self.at(id)
            && !matches!(order.state, OrderState::Owed { .. })
        {
            // during a replacement the larger quantity stays reserved
            order.remaining = order.reserved();
            order.state = OrderState::CancelSent;
        }
    }

    /// Notes that the gate dropped an order before it left.
    pub fn lapsed(&mut self, id: ClientId) {
        self.remove(id);
    }

    /// Folds a venue's report.
    ///
    /// # Errors
    /// A [`Fault`] for a report that no venue keeping the rules sends: of an order that is not
    /// known, or of more than was ordered.
    pub fn report(&mut self, report: &Report) -> Result<(), Fault> {
        let id = report.id;
        let Some(order) = self.at(id) else {
            return match report.kind {
                // the order ended while the request was on its way
                ReportKind::CancelRejected(_) | ReportKind::ReplaceRejected(_) => Ok(()),
                _ => Err(Fault::new(
                    NAME,
                    format!("a report of order {id}, which is not outstanding: {:?}", report.kind),
                )),
            };
        };
        match report.kind {
            ReportKind::Accepted => {
                if order.state == OrderState::Sent {
                    order.state = OrderState::Working;
                }
            }
            ReportKind::Rejected(_) => {
                self.remove(id);
            }
            ReportKind::Filled(fill) => return self.fill(id, &fill),
            ReportKind::Cancelled { filled } | ReportKind::Expired { filled } => {
                let possible = Quantity::ZERO..=order.reserved();
                let owed = filled.checked_sub(order.filled).filter(|owed| possible.contains(owed));
                let owed = owed.ok_or_else(|| {
                    Fault::new(
                        NAME,
                        format!(
                            "order {id} ended with {filled} filled; {} were, and {} could",
                            order.filled,
                            order.reserved()
                        ),
                    )
                })?;
                if owed.is_zero() {
                    self.remove(id);
                } else {
                    order.state = OrderState::Owed { quantity: owed };
                }
            }
            ReportKind::Replaced { price, quantity } => {
                let possible = Quantity::ZERO..=order.reserved();
                if !possible.contains(&quantity) {
                    let most = order.reserved();
                    return Err(Fault::new(
                        NAME,
                        format!(
                            "order {id} was replaced by {quantity}, and no more than {most} were asked for"
                        ),
                    ));
                }
                order.price = price;
                match order.state {
                    OrderState::ReplaceSent { total, .. } => {
                        // what the venue has filled of it and not told yet may still come
                        order.remaining = less(total, order.filled).max(quantity);
                        order.state = OrderState::Working;
                    }
                    OrderState::Sent | OrderState::Working => order.remaining = quantity,
                    OrderState::CancelSent | OrderState::Owed { .. } => {}
                }
            }
            ReportKind::ReplaceRejected(_) => {
                if matches!(order.state, OrderState::ReplaceSent { .. }) {
                    order.state = OrderState::Working;
                }
            }
            ReportKind::CancelRejected(_) => {
                if order.state == OrderState::CancelSent {
                    order.state = OrderState::Working;
                }
            }
        }
        Ok(())
    }

    /// A fill moves quantity from reserved to position in one step.
    fn fill(&mut self, id: ClientId, fill: &Fill) -> Result<(), Fault> {
        let Some(order) = self.at(id) else {
            return Ok(());
        };
        let too_much =
            || Fault::new(NAME, format!("order {id} filled {} beyond what was ordered", fill.quantity));
        if !fill.quantity.is_positive() || fill.side != order.side {
            return Err(Fault::new(
                NAME,
                format!("order {id} to {} filled {} to {}", order.side, fill.quantity, fill.side),
            ));
        }
        let filled = order.filled.checked_add(fill.quantity).ok_or_else(too_much)?;
        let over = match &mut order.state {
            OrderState::Owed { quantity } => {
                *quantity =
                    quantity.checked_sub(fill.quantity).filter(|q| q.units() >= 0).ok_or_else(too_much)?;
                quantity.is_zero()
            }
            _ => {
                // a venue may fill at the new quantity before it says so
                let open = order.reserved();
                open.checked_sub(fill.quantity).filter(|q| q.units() >= 0).ok_or_else(too_much)?;
                order.remaining = less(order.remaining, fill.quantity);
                fill.remaining.is_zero()
            }
        };
        order.filled = filled;
        if order.state == OrderState::Sent {
            order.state = OrderState::Working;
        }
        let signed = order.side.signed(fill.quantity);
        let position = self.positions.entry(id.instrument).or_default();
        *position = add(*position, signed);
        if over {
            self.remove(id);
        }
        Ok(())
    }
}

/// What is left, never below nothing.
fn less(whole: Quantity, part: Quantity) -> Quantity {
    Quantity::from_units(whole.units().saturating_sub(part.units()).max(0))
}

/// A sum that, at the edge of fixed point, errs towards the larger exposure.
pub(crate) fn add(a: Quantity, b: Quantity) -> Quantity {
    Quantity::from_units(a.units().saturating_add(b.units()))
}

#[cfg(test)]
mod tests;
