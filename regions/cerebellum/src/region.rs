//! The region: proposal in, forecast out.

use market::book::BookState;
use market::{Instruments, Quantity, Side};
use synapse::{
    Action, ExecutionForecast, Fault, Forecast, Proposal, Proposed, Region, Sensed, Style, StyleForecast,
};

use crate::NAME;
use crate::impact::SquareRootLaw;
use crate::styles::{Scene, Venue, styles};

market::params! {
    /// What acting is expected to cost, and how it is done.
    pub struct CerebellumParams in "cerebellum" {
        /// Factor Y of the square-root law of impact (42); 0.5 to 1 in most markets.
        impact_coefficient: f64 = 1.0, "1", 0.0, 10.0;
        /// Regular samples in a day, by which the volatility of a sample becomes one of a day;
        /// 345,600 for one each 250 ms around the clock.
        samples_per_day: f64 = 345_600.0, "samples", 1.0, 1e9;
        /// Urgency from which an order takes what is there.
        market_urgency: f32 = 0.5, "1", 0.0, 1.0;
        /// Urgency from which an order rests inside the spread; below it rests at the own best.
        inside_urgency: f32 = 0.25, "1", 0.0, 1.0;
        /// How many ticks beyond the opposite best a taking order may go for what it wants.
        reach_ticks: u32 = 2, "ticks", 0.0, 1000.0;
        /// What a market order is expected to pay beyond the mark where there is no book.
        synthetic_half_spread_bp: f64 = 1.0, "bp", 0.0, 1000.0;
        /// Whether to hold where the expected edge is below the forecast cost, fees included.
        edge_filter: bool = true, "", 0.0, 0.0;
    }
}

/// The cerebellum. It remembers nothing, as long as its forecasts are not corrected by what orders
/// did cost.
#[derive(Debug, Clone)]
pub struct Cerebellum {
    params: CerebellumParams,
    instruments: Instruments,
    daily_volume: Vec<Quantity>,
}

impl Cerebellum {
    /// A forecast for instruments that trade so much a day, in rank order.
    ///
    /// # Panics
    /// If an instrument has no daily volume.
    #[must_use]
    pub fn new(params: CerebellumParams, instruments: Instruments, daily_volume: Vec<Quantity>) -> Self {
        assert_eq!(instruments.len(), daily_volume.len(), "every instrument has a daily volume");
        Self { params, instruments, daily_volume }
    }

    fn foresee(&self, sensed: &Sensed, proposal: &Proposal) -> Result<ExecutionForecast, Fault> {
        let bought_bp = sensed.top.and_then(|top| top.micro_edge_bp());
        let edge_bp = bought_bp.map(|edge_bp| proposal.action.sign() as f64 * edge_bp);
        let styles = self.styles(sensed, proposal);
        if let Some(style) = styles.iter().find(|style| !style.cost_bp().is_finite()) {
            return Err(Fault::new(NAME, format!("a forecast is not finite: {style:?}")));
        }
        let wanted = self.wanted(proposal.urgency);
        let chosen = styles.iter().position(|style| patience(style.style) >= patience(wanted));
        let pays = |style: &StyleForecast| edge_bp.is_some_and(|edge_bp| edge_bp >= style.cost_bp());
        let filtered = self.params.edge_filter && chosen.is_some_and(|at| !pays(&styles[at]));
        Ok(ExecutionForecast { styles, chosen: chosen.map(|at| at as u32), edge_bp, filtered })
    }

    /// The styles that could bring the position to its target; none where there is nothing to
    /// trade, or no market to trade in.
    fn styles(&self, sensed: &Sensed, proposal: &Proposal) -> Vec<StyleForecast> {
        let gap = proposal.target.units().saturating_sub(sensed.account.position.units());
        let instrument = self.instruments.get(sensed.instrument);
        let quantity = Quantity::from_units(gap).abs().floor_to(instrument.lot);
        let venue = match (sensed.book, sensed.top, sensed.mark2) {
            (BookState::Ok | BookState::Locked, Some(top), _) => Venue::Book(top),
            (BookState::Synthetic, _, Some(mark2)) => {
                Venue::Mark { mark2, half_spread_bp: self.params.synthetic_half_spread_bp }
            }
            _ => return Vec::new(),
        };
        if proposal.action == Action::Hold || quantity.is_zero() {
            return Vec::new();
        }
        let side = if gap > 0 { Side::Buy } else { Side::Sell };
        let (impact_bp, reach_ticks) = (self.impact_bp(sensed, quantity), self.params.reach_ticks);
        styles(&Scene { instrument, side, venue, impact_bp, reach_ticks })
    }

    /// The impact of taking a quantity at once; absent where the volatility is not known.
    fn impact_bp(&self, sensed: &Sensed, quantity: Quantity) -> Option<f64> {
        let law = SquareRootLaw { coefficient: self.params.impact_coefficient };
        let volatility = f64::from(sensed.context.volatility_bp?) / 1e4;
        let daily_volatility = volatility * self.params.samples_per_day.sqrt();
        let daily_volume = self.daily_volume[sensed.instrument.index()].to_f64();
        law.impact(quantity.to_f64(), daily_volume, daily_volatility).map(|fraction| fraction * 1e4)
    }

    fn wanted(&self, urgency: f32) -> Style {
        if urgency >= self.params.market_urgency {
            Style::Market
        } else if urgency >= self.params.inside_urgency {
            Style::Inside
        } else {
            Style::AtTouch
        }
    }
}

/// How patient a style is. Where the style wanted is not possible, the next more patient one is
/// used, never a more aggressive one.
const fn patience(style: Style) -> u8 {
    match style {
        Style::Market => 0,
        Style::Inside => 1,
        Style::AtTouch => 2,
    }
}

impl Region for Cerebellum {
    type In = Proposed;
    type Out = Forecast;
    type State = ();
    const NAME: &'static str = NAME;

    fn step(&mut self, proposed: Proposed) -> Result<Forecast, Fault> {
        self.peek(proposed)
    }

    fn peek(&self, proposed: Proposed) -> Result<Forecast, Fault> {
        let execution = self.foresee(proposed.sensed(), &proposed.proposal)?;
        Ok(Forecast { proposed, execution })
    }

    fn state(&self) -> &() {
        &()
    }

    fn set_state(&mut self, (): ()) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use scenes::top;
    use synapse::{SampleKind, Startle};

    const ONE: Quantity = Quantity::from_units(scenes::ONE);

    fn cerebellum(params: CerebellumParams) -> Cerebellum {
        // 1 of 10,000 is a share of 1e-4, whose root is 0.01
        let instruments = scenes::instruments(1, &scenes::instrument());
        Cerebellum::new(params, instruments, vec![Quantity::from_units(10_000_000_000_000)])
    }

    /// A sample without a position: 99.98 to 100.02, a volatility of 1 bp a sample.
    fn sensed() -> Sensed {
        let mut sensed = scenes::sensed();
        sensed.top = Some(top(99_980_000_000, 100_020_000_000));
        sensed.context.volatility_bp = Some(1.0);
        sensed.account.position = Quantity::ZERO;
        sensed
    }

    fn proposed(sensed: Sensed, action: Action, target: Quantity, urgency: f32) -> Proposed {
        scenes::proposed(sensed, Proposal { urgency, ..scenes::proposal(action, target) })
    }

    fn forecast(sensed: Sensed, action: Action, target: Quantity, urgency: f32) -> ExecutionForecast {
        let mut cerebellum = cerebellum(CerebellumParams::default());
        cerebellum.step(proposed(sensed, action, target, urgency)).expect("a forecast").execution
    }

    fn chosen(urgency: f32) -> Option<Style> {
        forecast(sensed(), Action::Buy, ONE, urgency).chosen().map(|style| style.style)
    }

    #[test]
    fn urgency_chooses_the_style() {
        for (urgency, style) in [
            (1.0, Style::Market),
            (0.5, Style::Market),
            (0.49, Style::Inside),
            (0.25, Style::Inside),
            (0.2, Style::AtTouch),
            (0.0, Style::AtTouch),
        ] {
            assert_eq!(chosen(urgency), Some(style), "{urgency}");
        }
    }

    #[test]
    fn what_is_not_possible_is_replaced_by_the_more_patient() {
        let tight = Sensed { top: Some(top(99_990_000_000, 100_000_000_000)), ..sensed() };
        let style = |sensed, urgency| forecast(sensed, Action::Buy, ONE, urgency).chosen().map(|s| s.style);
        assert_eq!(style(tight, 0.3), Some(Style::AtTouch));
        let mut unknown = sensed();
        unknown.context.volatility_bp = None;
        assert_eq!(style(unknown, 1.0), Some(Style::Inside));
        let top = Some(top(100_000_000_000, 100_000_000_000));
        let locked = Sensed { book: BookState::Locked, top, ..sensed() };
        assert_eq!(style(locked.clone(), 1.0), Some(Style::Market));
        assert_eq!(style(locked, 0.1), None);
    }

    #[test]
    fn impact_grows_with_the_root_of_the_size() {
        let impact = |target| forecast(sensed(), Action::Buy, target, 1.0).styles[0].impact_bp;
        let daily_bp = 345_600_f64.sqrt();
        assert!((impact(ONE) - 0.01 * daily_bp).abs() < 1e-9);
        assert!((impact(Quantity::from_units(4 * ONE.units())) - 0.02 * daily_bp).abs() < 1e-9);
    }

    #[test]
    fn the_edge_is_signed_by_the_action() {
        // 3 at 99.98, 1 at 100.02: the microprice is 100.01
        let edge = |action, target| forecast(sensed(), action, target, 1.0).edge_bp.expect("a book");
        assert!((edge(Action::Buy, ONE) - 1.0).abs() < 1e-9);
        assert!((edge(Action::Sell, -ONE) + 1.0).abs() < 1e-9);
        assert_eq!(forecast(Sensed { top: None, ..sensed() }, Action::Buy, ONE, 1.0).edge_bp, None);
    }

    #[test]
    fn the_filter_holds_what_does_not_pay() {
        let filtered = |params, action, target, urgency| {
            let message = proposed(sensed(), action, target, urgency);
            cerebellum(params).step(message).expect("a forecast").execution.filtered
        };
        let on = CerebellumParams::default;
        assert!(filtered(on(), Action::Buy, ONE, 1.0), "an edge of 1 bp against 5 bp and impact");
        assert!(!filtered(on(), Action::Buy, ONE, 0.0), "an edge of 1 bp against −2.5 bp at touch");
        assert!(!filtered(CerebellumParams { edge_filter: false, ..on() }, Action::Buy, ONE, 1.0));
        assert!(!filtered(on(), Action::Buy, Quantity::ZERO, 1.0), "nothing to trade");
    }

    #[test]
    fn without_an_edge_to_know_of_nothing_pays() {
        let bars = Sensed { book: BookState::Synthetic, top: None, ..sensed() };
        let forecast = forecast(bars, Action::Sell, -ONE, 1.0);
        assert_eq!(
            forecast.styles.iter().map(|s| s.style).collect::<Vec<_>>(),
            [Style::Market, Style::AtTouch]
        );
        assert_eq!((forecast.edge_bp, forecast.filtered), (None, true));
        assert_eq!(forecast.styles[0].slippage_bp, 1.0);
    }

    #[test]
    fn nothing_to_trade_or_no_market_has_no_style() {
        let none = |sensed, action, target| {
            let forecast = forecast(sensed, action, target, 1.0);
            forecast.styles.is_empty() && forecast.chosen.is_none() && !forecast.filtered
        };
        let mut held = sensed();
        held.account.position = ONE;
        assert!(none(held, Action::Buy, ONE));
        assert!(none(sensed(), Action::Hold, ONE));
        assert!(none(sensed(), Action::Buy, Quantity::from_units(999_999)), "less than a lot");
        for book in [BookState::Unknown, BookState::OneSided, BookState::Crossed] {
            assert!(none(Sensed { book, ..sensed() }, Action::Buy, ONE), "{book:?}");
            assert!(none(Sensed { book, top: None, ..sensed() }, Action::Buy, ONE), "{book:?}");
        }
        assert!(none(Sensed { book: BookState::Synthetic, mark2: None, ..sensed() }, Action::Buy, ONE));
    }

    #[test]
    fn a_forecast_that_is_not_finite_is_a_fault() {
        let params = CerebellumParams { synthetic_half_spread_bp: f64::NAN, ..CerebellumParams::default() };
        let bars = Sensed { book: BookState::Synthetic, top: None, ..sensed() };
        assert!(cerebellum(params).step(proposed(bars, Action::Buy, ONE, 1.0)).is_err());
    }

    #[test]
    fn a_snapshot_restores() {
        let mut cerebellum = cerebellum(CerebellumParams::default());
        let bytes = cerebellum.snapshot();
        assert_eq!(cerebellum.restore(&bytes), Ok(()));
        assert!(cerebellum.restore(&[1]).is_err());
    }

    fn any_book() -> impl Strategy<Value = BookState> {
        use BookState::{Crossed, Locked, Ok, OneSided, Synthetic, Unknown};
        prop::sample::select(vec![Ok, Locked, Crossed, OneSided, Unknown, Synthetic])
    }

    proptest! {
        #[test]
        fn peeking_is_stepping_and_any_market_is_answered(
            book in any_book(),
            quotes in prop::option::of((1i64..i64::MAX / 2, 1i64..i64::MAX / 2)),
            mark2 in prop::option::of(any::<i64>()),
            volatility_bp in prop::option::of(any::<f32>()),
            (position, target) in any::<(i64, i64)>(),
            action in prop::sample::select(Action::ALL.to_vec()),
            (urgency, startled) in (0.0f32..=1.0, any::<bool>()),
        ) {
            let mut cerebellum = cerebellum(CerebellumParams::default());
            let mut sample = Sensed { book, top: quotes.map(|(bid, ask)| top(bid, ask)), mark2, ..sensed() };
            sample.context.volatility_bp = volatility_bp;
            sample.account.position = Quantity::from_units(position);
            if startled {
                sample.kind = SampleKind::Startle(Startle::LostBook);
            }
            let message = proposed(sample, action, Quantity::from_units(target), urgency);
            let before = cerebellum.digest();
            let peeked = cerebellum.peek(message.clone());
            let stepped = cerebellum.step(message);
            prop_assert_eq!(&peeked, &stepped);
            prop_assert_eq!(cerebellum.digest(), before);
            let execution = stepped.expect("a forecast").execution;
            let wanted = cerebellum.wanted(urgency);
            prop_assert!(execution.chosen().is_none_or(|s| patience(s.style) >= patience(wanted)));
            prop_assert!(!execution.filtered || execution.chosen.is_some());
        }
    }
}
