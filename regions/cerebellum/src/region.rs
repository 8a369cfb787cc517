//! The region: proposal in, forecast out; reports in, forecasts corrected.

use std::collections::BTreeMap;

use market::book::BookState;
use market::{Feature, InstrumentId, Instruments, Quantity, Side};
use serde::{Deserialize, Serialize};
use synapse::{
    Action, ExecutionForecast, Fault, Forecast, Notice, NoticeKind, Plan, Proposal, Proposed, Region, Sensed,
    Style, StyleForecast,
};

use crate::NAME;
use crate::drift::Drift;
use crate::impact::SquareRootLaw;
use crate::learn::{Expected, Fills, Taking};
use crate::params::CerebellumParams;
use crate::schedule::MarketState;
use crate::styles::{Scene, Venue, styles};

/// What the cerebellum has learned of one instrument.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// By how much orders cost more than their forecast.
    pub fills: Fills,
    /// How the mid moves.
    pub drift: Drift,
}

/// What the cerebellum remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// By instrument.
    pub memories: BTreeMap<InstrumentId, Memory>,
}

/// The cerebellum.
#[derive(Debug, Clone)]
pub struct Cerebellum {
    params: CerebellumParams,
    instruments: Instruments,
    daily_volume: Vec<Quantity>,
    state: State,
}

/// The way from a position to its target.
struct Gap {
    side: Side,
    /// In whole lots.
    quantity: Quantity,
    venue: Venue,
    /// What taking all of it at once moves the price by (42), bp; absent where that is not known.
    impact_bp: Option<f64>,
}

/// What is foreseen, and what is to be remembered of it.
struct Foresight {
    execution: ExecutionForecast,
    drift: Drift,
    taking: Option<Expected>,
}

impl Cerebellum {
    /// A forecast for instruments that trade so much a day, in rank order.
    ///
    /// # Panics
    /// If an instrument has no daily volume.
    #[must_use]
    pub fn new(params: CerebellumParams, instruments: Instruments, daily_volume: Vec<Quantity>) -> Self {
        assert_eq!(instruments.len(), daily_volume.len(), "every instrument has a daily volume");
        Self { params, instruments, daily_volume, state: State::default() }
    }

    /// The forecast, and the memory that it leaves behind.
    fn foresee(&self, sensed: &Sensed, proposal: &Proposal) -> Result<Foresight, Fault> {
        let new = Memory::default();
        let memory = self.state.memories.get(&sensed.instrument).unwrap_or(&new);
        let mut drift = memory.drift.clone();
        drift.observe(sensed, &self.params.drift_terms());
        let gap = self.gap(sensed, proposal);
        let impact_bp = gap.as_ref().and_then(|gap| gap.impact_bp).unwrap_or(0.0);
        let drift_bp = drift.forecast_bp(sensed, proposal.action, impact_bp);
        drift.foretell(sensed, proposal.action, impact_bp);
        let (styles, taking) = match &gap {
            Some(gap) => self.styles(sensed, proposal, gap, &memory.fills),
            None => (Vec::new(), None),
        };
        if let Some(style) = styles.iter().find(|style| !style.cost_bp().is_finite()) {
            return Err(Fault::new(NAME, format!("a forecast is not finite: {style:?}")));
        }
        let wanted = self.wanted(proposal.urgency);
        let chosen = styles.iter().position(|style| patience(style.style) >= patience(wanted));
        let edge_bp = self.edge_bp(sensed, proposal.action, drift_bp.filter(|_| self.trusts(&drift)));
        let pays = |style: &StyleForecast| edge_bp.is_some_and(|edge_bp| edge_bp >= style.cost_bp());
        let filtered = self.params.edge_filter && chosen.is_some_and(|at| !pays(&styles[at]));
        let plan = match &gap {
            Some(gap) if chosen.is_some() => self.plan(sensed, gap)?,
            _ => None,
        };
        let takes = chosen.is_some_and(|at| styles[at].style == Style::Market) && sensed.is_regular();
        let chosen = chosen.map(|at| at as u32);
        let execution = ExecutionForecast { styles, chosen, edge_bp, filtered, drift_bp, plan };
        Ok(Foresight { execution, drift, taking: taking.filter(|_| takes) })
    }

    /// Whether the edge is that of the next mid.
    fn trusts(&self, drift: &Drift) -> bool {
        self.params.use_drift && drift.is_better(&self.params.drift_terms())
    }

    /// What the action is expected to gain: by the next mid where that is trusted, else by the microprice.
    fn edge_bp(&self, sensed: &Sensed, action: Action, trusted_bp: Option<f64>) -> Option<f64> {
        let bought_bp = trusted_bp.or_else(|| sensed.top.and_then(|top| top.micro_edge_bp()));
        bought_bp.map(|edge_bp| action.sign() as f64 * edge_bp)
    }

    /// The way to the target; none where there is nothing to trade, or no market to trade in.
    fn gap(&self, sensed: &Sensed, proposal: &Proposal) -> Option<Gap> {
        let gap = proposal.target.units().saturating_sub(sensed.account.position.units());
        let instrument = self.instruments.get(sensed.instrument);
        let quantity = Quantity::from_units(gap).abs().floor_to(instrument.lot);
        let venue = match (sensed.book, sensed.top, sensed.mark2) {
            (BookState::Ok | BookState::Locked, Some(top), _) => Venue::Book(top),
            (BookState::Synthetic, _, Some(mark2)) => {
                Venue::Mark { mark2, half_spread_bp: self.params.synthetic_half_spread_bp }
            }
            _ => return None,
        };
        if proposal.action == Action::Hold || quantity.is_zero() {
            return None;
        }
        let side = if gap > 0 { Side::Buy } else { Side::Sell };
        Some(Gap { side, quantity, venue, impact_bp: self.impact_bp(sensed, quantity) })
    }

    /// The styles that could go the way, with what was learned of taking orders added to theirs, and what is
    /// expected of one.
    fn styles(
        &self,
        sensed: &Sensed,
        proposal: &Proposal,
        gap: &Gap,
        fills: &Fills,
    ) -> (Vec<StyleForecast>, Option<Expected>) {
        let instrument = self.instruments.get(sensed.instrument);
        let reach_ticks = self.params.reach_ticks;
        let &Gap { side, venue, impact_bp, .. } = gap;
        let mut styles = styles(&Scene { instrument, side, venue, impact_bp, reach_ticks });
        let market = styles.iter_mut().find(|style| style.style == Style::Market);
        let expected = market.and_then(|market| {
            let imbalance = sensed.features[Feature::Imbalance1].map_or(0.0, f64::from);
            let taking = Taking {
                quantity: gap.quantity.to_f64(),
                opposite: sensed.top.map(|top| top.side(side.opposite()).quantity.to_f64()),
                slippage_bp: market.slippage_bp,
                impact_bp: market.impact_bp,
                imbalance: side.sign() as f64 * imbalance,
                urgency: f64::from(proposal.urgency),
            };
            market.correction_bp = fills.correction_bp(&taking, &self.params.fill_terms());
            let arrival = venue.mid()?;
            Some(Expected { sequence: sensed.sequence, side, arrival, taking })
        });
        (styles, expected)
    }

    /// The impact of taking a quantity at once; absent where the volatility is not known.
    fn impact_bp(&self, sensed: &Sensed, quantity: Quantity) -> Option<f64> {
        let law = SquareRootLaw { coefficient: self.params.impact_coefficient };
        let daily_volatility = self.daily_volatility(sensed)?;
        let daily_volume = self.daily_volume[sensed.instrument.index()].to_f64();
        law.impact(quantity.to_f64(), daily_volume, daily_volatility).map(|fraction| fraction * 1e4)
    }

    /// The volatility of a day as a fraction of the price.
    fn daily_volatility(&self, sensed: &Sensed) -> Option<f64> {
        let volatility = f64::from(sensed.context.volatility_bp?) / 1e4;
        Some(volatility * self.params.samples_per_day.sqrt())
    }

    /// How the way is divided over time.
    fn plan(&self, sensed: &Sensed, gap: &Gap) -> Result<Option<Plan>, Fault> {
        let instrument = self.instruments.get(sensed.instrument);
        let Some(mid) = gap.venue.mid() else { return Ok(None) };
        let unit = instrument.multiplier.to_f64();
        let market = MarketState {
            lot: instrument.lot,
            // a locked book has a spread of a tick: one must be paid to trade again
            half_spread: unit * gap.venue.half_spread(instrument.tick),
            daily_volatility: self.daily_volatility(sensed).map(|volatility| unit * mid * volatility),
            daily_volume: self.daily_volume[sensed.instrument.index()].to_f64(),
        };
        let plan = self.params.pace().plan(gap.quantity, &market);
        plan.map_err(|error| Fault::new(NAME, format!("no schedule for {}: {error}", gap.quantity)))
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

    /// What was learned of an instrument; none before the first sample.
    #[must_use]
    pub fn memory(&self, instrument: InstrumentId) -> Option<&Memory> {
        self.state.memories.get(&instrument)
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
    type State = State;
    const NAME: &'static str = NAME;

    fn step(&mut self, proposed: Proposed) -> Result<Forecast, Fault> {
        let sensed = proposed.sensed();
        let Foresight { execution, drift, taking } = self.foresee(sensed, &proposed.proposal)?;
        // a startle teaches nothing
        if sensed.is_regular() {
            let memory = self.state.memories.entry(sensed.instrument).or_default();
            memory.drift = drift;
            if let Some(expected) = taking {
                memory.fills.await_fills(expected);
            }
        }
        Ok(Forecast { proposed, execution })
    }

    fn notice(&mut self, notice: &Notice) -> Result<(), Fault> {
        let terms = self.params.fill_terms();
        match &notice.kind {
            NoticeKind::Report(report) => {
                if let Some(memory) = self.state.memories.get_mut(&report.id.instrument) {
                    memory.fills.report(report, &terms);
                }
            }
            NoticeKind::Lapsed(id) => {
                if let Some(memory) = self.state.memories.get_mut(&id.instrument) {
                    memory.fills.lapse(*id);
                }
            }
            NoticeKind::Restarted => {
                for memory in self.state.memories.values_mut() {
                    memory.fills.restart();
                    memory.drift.restart();
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn peek(&self, proposed: Proposed) -> Result<Forecast, Fault> {
        let execution = self.foresee(proposed.sensed(), &proposed.proposal)?.execution;
        Ok(Forecast { proposed, execution })
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn set_state(&mut self, state: State) {
        self.state = state;
    }
}

#[cfg(test)]
mod tests;
