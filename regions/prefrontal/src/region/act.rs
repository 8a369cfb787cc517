//! From the gap between target and position to one request, at once or as a part of a parent order.

use market::num::SCALE;
use market::order::{ClientId, NewOrder, OrderKind, Request};
use market::tax::WashPolicy;
use market::{InstrumentId, Price, Quantity, Side};
use rules::Bp;
use smallvec::smallvec;
use synapse::{Forecast, Outcome, Plan, Reason, Style};

use super::{Conclusion, Prefrontal, side_of};
use crate::orders::add;
use crate::parent::ParentOrder;

impl Prefrontal {
    /// Turns the gap between target and position into requests.
    pub(super) fn act(&mut self, forecast: &Forecast) -> Conclusion {
        let (sensed, proposal, execution) = (forecast.sensed(), forecast.proposal(), &forecast.execution);
        let instrument = sensed.instrument;
        let gap = proposal.target.units().saturating_sub(sensed.account.position.units());
        let Some(side) = side_of(gap) else {
            return self.idle(instrument, Reason::AtTarget { target: proposal.target });
        };
        if self.state.parents.get(&instrument).is_some_and(|parent| parent.side != side) {
            self.state.parents.remove(&instrument);
        }
        let against = self.cancels(instrument, |order| order.side != side);
        if !against.is_empty() {
            return Outcome::Act(against).into();
        }
        let unanswered =
            self.state.orders.of(instrument).filter(|(_, order)| order.is_unanswered()).count() as u32;
        if unanswered > 0 {
            if let Some(parent) = self.state.parents.get_mut(&instrument) {
                parent.traded(sensed);
            }
            return Outcome::Rest(Reason::AwaitingVenue { unanswered }).into();
        }
        let facts = self.instruments.get(instrument);
        let missing = Quantity::from_units(gap.saturating_abs());
        let quantity = missing.floor_to(facts.lot);
        if !quantity.is_positive() {
            return self.idle(instrument, Reason::BelowMinimumSize { size: missing, lot: facts.lot });
        }
        let Some(style) = execution.chosen() else {
            return self.idle(instrument, Reason::StaleBook { book: sensed.book });
        };
        if execution.filtered {
            // an edge that cannot be told is none
            let edge_bp = execution.edge_bp.unwrap_or(0.0);
            return self.idle(instrument, Reason::NoEdge { edge_bp, cost_bp: style.cost_bp() });
        }
        let (kind, price) = match (style.style, sensed.top, sensed.mark2) {
            // without a book nothing says what will be paid: the collar does
            (Style::Market, None, Some(mark2)) => {
                let collar = self.limits[instrument.index()].collar;
                (OrderKind::ImmediateOrCancel, farthest(side, mark2, collar, facts.tick))
            }
            (Style::Market, ..) => (OrderKind::ImmediateOrCancel, style.price),
            (Style::AtTouch | Style::Inside, None, _) => (OrderKind::Limit, style.price),
            (Style::AtTouch | Style::Inside, Some(_), _) => (OrderKind::PostOnly, style.price),
        };
        let id = ClientId { sequence: sensed.sequence, instrument, k: 0 };
        let order = NewOrder { id, side, kind, price, quantity };
        match &execution.plan {
            Some(plan) => self.part(forecast, order, plan),
            None => self.propose(forecast, order, None),
        }
    }

    /// Sends of a gap the part that is due, as a child of the parent that goes on or of one that begins now. What
    /// trades counts for it only where it is worked: not while a child is refused, or nothing is wanted.
    fn part(&mut self, forecast: &Forecast, whole: NewOrder, plan: &Plan) -> Conclusion {
        let (instrument, now) = (whole.id.instrument, forecast.sensed().time);
        let (position, lot) = (self.state.orders.position(instrument), self.instruments.get(instrument).lot);
        let goes_on = self.state.parents.get(&instrument).filter(|parent| !parent.is_over(position)).cloned();
        let mut parent = match goes_on {
            Some(mut parent) => {
                parent.traded(forecast.sensed());
                parent
            }
            None => ParentOrder::new(whole.id, whole.side, whole.quantity, plan.clone(), now, position),
        };
        // what another order fills until it is replaced would be no part of the parent
        if self.state.orders.of(instrument).any(|(id, _)| !parent.is_of(id)) {
            return Outcome::Act(self.cancels(instrument, |_| true)).into();
        }
        let (due, total) = (parent.due(now, position, lot), parent.total);
        let left = Quantity::from_units(due.units().saturating_sub(parent.filled(position).units()));
        let quantity = left.min(whole.quantity).floor_to(lot);
        if !quantity.is_positive() {
            // its clock runs from here on
            self.state.parents.insert(instrument, parent);
            return Outcome::Rest(Reason::Pacing { due, total }).into();
        }
        self.propose(forecast, NewOrder { quantity, ..whole }, Some(parent))
    }

    fn idle(&self, instrument: InstrumentId, reason: Reason) -> Conclusion {
        self.rest(instrument, reason).into()
    }

    /// Why an order is not worth the deferral of a washed loss, where that has a price; what an operator wants is.
    fn deferred(&self, forecast: &Forecast, deferral_bp: f64) -> Option<Reason> {
        if self.court.law().wash.policy != WashPolicy::Price || self.flattens(forecast.sensed()) {
            return None;
        }
        let cost_bp = forecast.execution.chosen()?.cost_bp() + deferral_bp;
        // an edge or a cost that cannot be told pays for nothing
        let edge_bp = forecast.execution.edge_bp.filter(|edge| edge.is_finite()).unwrap_or(0.0);
        let is_paid = cost_bp <= edge_bp;
        (deferral_bp > 0.0 && !is_paid).then_some(Reason::NoEdge { edge_bp, cost_bp })
    }

    /// Places an order, or brings the one that works to its price and quantity.
    pub(super) fn propose(
        &mut self,
        forecast: &Forecast,
        order: NewOrder,
        mut parent: Option<ParentOrder>,
    ) -> Conclusion {
        let sensed = forecast.sensed();
        let wash = self.wash(sensed, &order);
        if let Some(reason) = self.deferred(forecast, wash.deferral_cost_bp) {
            return self.idle(sensed.instrument, reason);
        }
        let working = self.state.orders.of(sensed.instrument).next().map(|(id, at)| (id, *at));
        let request = match working {
            None => {
                if let Some(parent) = &mut parent {
                    parent.bears(order.id);
                }
                Request::Place(order)
            }
            Some((_, at))
                if at.price == order.price && at.remaining == order.quantity && order.kind == at.kind =>
            {
                if let Some(parent) = parent {
                    self.state.parents.insert(sensed.instrument, parent);
                }
                return Outcome::Rest(Reason::AlreadyWorking { remaining: at.remaining }).into();
            }
            Some((_, at)) if order.kind != at.kind => {
                return Outcome::Act(self.cancels(sensed.instrument, |_| true)).into();
            }
            Some((id, at)) => {
                Request::Replace { id, price: order.price, total: add(at.filled, order.quantity) }
            }
        };
        let ruling = self.test(forecast, &order, working.map(|(id, _)| id), parent.as_ref(), wash);
        let outcome = match ruling.rules.iter().find(|rule| rule.is_hard && !rule.passed) {
            Some(rule) => {
                Outcome::Rest(Reason::Refused { rule: rule.rule, value: rule.value, bound: rule.bound })
            }
            None => Outcome::Act(smallvec![request]),
        };
        Conclusion { outcome, ruling, parent }
    }
}

/// The price farthest from the mark that the collar allows, on the tick nearer to the mark; exact, so that the
/// collar's own test lets it pass.
pub(super) fn farthest(side: Side, mark2: i64, collar_bp: f64, tick: Price) -> Price {
    // in units of 1e-13 of the mark, of which there are at most 1e13: no product passes 128 bits
    let whole = 10_000 * i128::from(SCALE);
    let collar = Bp::from_f64(collar_bp).map_or(0, Bp::units).clamp(0, whole);
    let (mark2, tick) = (i128::from(mark2), i128::from(tick.units().max(1)));
    let step2 = 2 * whole * tick;
    let steps = match side {
        Side::Buy => (mark2 * (whole + collar)).div_euclid(step2),
        // a collar of the whole price still leaves a price
        Side::Sell => (mark2 * (whole - collar) + step2 - 1).div_euclid(step2).max(1),
    };
    // beyond fixed point the collar's own test refuses
    Price::from_units(i64::try_from(steps * tick).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_farthest_price_is_inside_the_collar_and_one_tick_farther_is_not(
            mark2 in 2i64..=i64::MAX / 4,
            collar_bp in 0.001f64..10_000.0,
            tick in 1i64..1_000_000_000,
        ) {
            let (collar, step) = (Bp::from_f64(collar_bp).expect("finite"), Price::from_units(tick));
            let inside = |price: Price| Bp::distance(price, mark2).is_some_and(|distance| distance <= collar);
            for side in Side::BOTH {
                let price = farthest(side, mark2, collar_bp, step);
                prop_assert_eq!(price.units() % tick, 0);
                let farther = Price::from_units(price.units() + side.sign() * tick);
                prop_assert!(!inside(farther), "{} and {}", price, farther);
                // no tick at all may be that near
                let nearer = Price::from_units(price.units() - side.sign() * tick);
                prop_assert!(inside(price) || !inside(nearer), "{} and {}", price, nearer);
            }
        }
    }
}
