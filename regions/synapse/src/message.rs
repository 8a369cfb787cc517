//! The samples that travel the line, each owning the one before.

use market::book::{BookState, Top};
use market::features::FeatureVector;
use market::{InstrumentId, Money, Price, Quantity, Timestamp};
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::cause::Startle;
use crate::plan::Plan;
use crate::threat::Threat;
use crate::verdict::Verdict;

/// Whether a sample was made by the sampler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SampleKind {
    /// By the sampler: it may trade, and it teaches.
    Regular,
    /// By a shock: it may only cancel, and teaches nothing.
    Startle(Startle),
}

/// What the surroundings are like (43): c_t.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Context {
    /// Realised volatility, bp a sample.
    pub volatility_bp: Option<f32>,
    /// Relative spread, bp.
    pub spread_bp: Option<f32>,
    /// Volume since the last regular sample.
    pub volume: Option<f32>,
}

impl Context {
    /// Its numbers with their names, in the order of vectors.
    pub fn entries(&self) -> [(&'static str, Option<f32>); 3] {
        [("volatility_bp", self.volatility_bp), ("spread_bp", self.spread_bp), ("volume", self.volume)]
    }
}

/// What the ledger says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Account {
    /// The position in the sample's instrument, signed.
    pub position: Quantity,
    /// The account's equity at the last marks.
    pub equity: Money,
    /// What the sample's instrument has earned so far, realised and unrealised, net of its fees.
    pub earned: Money,
    /// Whether the instrument has a mark now.
    pub mark_valid: bool,
}

/// From the brainstem: one look at one instrument (43).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sensed {
    /// The sequence number of the input it was made by.
    pub sequence: u64,
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// When.
    pub time: Timestamp,
    /// Why.
    pub kind: SampleKind,
    /// What the book says of itself.
    pub book: BookState,
    /// Whether trading is halted.
    pub halted: bool,
    /// The best bid and ask, where both are known.
    pub top: Option<Top>,
    /// Twice the price to value a position at, exact: of the book, else of the last trade or bar.
    pub mark2: Option<i64>,
    /// How old what the mark was made of is, nanoseconds.
    pub mark_age_ns: i64,
    /// The features.
    pub features: FeatureVector,
    /// The surroundings.
    pub context: Context,
    /// The account.
    pub account: Account,
}

impl Sensed {
    /// Whether the sampler made it.
    pub const fn is_regular(&self) -> bool {
        matches!(self.kind, SampleKind::Regular)
    }

    /// The price to value a position at.
    pub fn mark(&self) -> Option<f64> {
        self.mark2.map(|twice| twice as f64 / 2e9)
    }
}

/// From the amygdala.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Appraised {
    /// The sample.
    pub sensed: Sensed,
    /// What is to be feared in it.
    pub threat: Threat,
}

/// From the hippocampus: the separated code h(s, a, c) of each candidate action (26).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Encoded {
    /// The sample; apart, so that what the line hands on stays small.
    pub appraised: Box<Appraised>,
    /// One code an action; empty where a feature it needs is absent.
    pub codes: [Box<[f32]>; Action::COUNT],
}

/// A schema near a code (36).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SchemaMatch {
    /// Its number.
    pub schema: u32,
    /// The cosine of its vector and the code.
    pub cosine: f32,
}

/// What is remembered of one candidate action.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Recall {
    /// The nearest schemas, nearest first; empty where nothing was learned.
    pub nearest: Vec<SchemaMatch>,
    /// The reward to expect, bp.
    pub reward_bp: Option<f32>,
    /// Its standard deviation, bp.
    pub reward_std_bp: Option<f32>,
    /// How near the nearest is, in [0, 1].
    pub confidence: f32,
}

impl Recall {
    /// Whether there is anything that it recalls.
    pub const fn is_known(&self) -> bool {
        !self.nearest.is_empty()
    }
}

/// From the neocortex.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recalled {
    /// The sample.
    pub encoded: Encoded,
    /// One an action.
    pub recall: [Recall; Action::COUNT],
    /// How many schemas there are to recall from; 0 says that nothing was learned.
    pub schemas: u32,
}

/// What the visual cortex sees in the fields of the newest frames.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Percept {
    /// The vector v; empty until the first frame is full.
    pub v: Box<[f32]>,
    /// Frames in the ring.
    pub frames: u32,
}

/// From the visual cortex.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Perceived {
    /// The sample.
    pub recalled: Recalled,
    /// What is seen in it.
    pub percept: Percept,
}

/// A kind of input to fusion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Modality {
    /// The percept v.
    Vision,
    /// The price stream t; never absent.
    Price,
    /// The text s.
    Text,
    /// The recall m.
    Memory,
}

impl Modality {
    /// All of them, in the order of their places in fusion.
    pub const ALL: [Self; 4] = [Self::Vision, Self::Price, Self::Text, Self::Memory];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vision => "vision",
            Self::Price => "price",
            Self::Text => "text",
            Self::Memory => "memory",
        }
    }
}

/// The fused state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FusedState {
    /// The state vector h.
    pub h: Box<[f32]>,
    /// The gate g (21): the share in h of what the price attends to; the rest is the price itself.
    /// Empty where fusion is not trained.
    pub gate: Box<[f32]>,
    /// Which modalities were absent.
    pub absent: Vec<Modality>,
}

/// From the thalamus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fused {
    /// The sample; apart, as before.
    pub perceived: Box<Perceived>,
    /// All modalities in one vector.
    pub state: FusedState,
}

/// What the basal ganglia propose (22, 23, 37–39).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// The Go signal of each action.
    pub go: [f32; Action::COUNT],
    /// The No-Go signal of each action.
    pub no_go: [f32; Action::COUNT],
    /// What the critic expects of each action, Q, bp; none where there is no trained critic.
    pub values: Option<[f32; Action::COUNT]>,
    /// The probability of each action.
    pub policy: [f32; Action::COUNT],
    /// The action chosen.
    pub action: Action,
    /// The probability of that action by what chose it: 1 where the best is always taken.
    pub probability: f32,
    /// Probability of the best action less that of the second.
    pub margin: f32,
    /// The margin below which it holds.
    pub margin_needed: f32,
    /// The position it wants, signed.
    pub target: Quantity,
    /// How soon, in [0, 1].
    pub urgency: f32,
}

/// From the basal ganglia.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposed {
    /// The sample.
    pub fused: Fused,
    /// What to do.
    pub proposal: Proposal,
}

/// How an order is put to the market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Take what is there, now.
    Market,
    /// Rest at the own best.
    AtTouch,
    /// Rest one tick better than the own best.
    Inside,
}

/// What an order of one style is expected to cost, in bp of its notional; negative is a gain.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StyleForecast {
    /// Which style.
    pub style: Style,
    /// The price it would carry.
    pub price: Price,
    /// Distance of the expected fill from the mid.
    pub slippage_bp: f64,
    /// The impact of its size by the square-root law (42).
    pub impact_bp: f64,
    /// What past fills taught beyond law and distance; 0 while that does not foretell better.
    pub correction_bp: f64,
    /// The fee.
    pub fee_bp: f64,
}

impl StyleForecast {
    /// All of it together.
    pub fn cost_bp(&self) -> f64 {
        self.slippage_bp + self.impact_bp + self.correction_bp + self.fee_bp
    }
}

/// What the cerebellum foresees (24, 42).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ExecutionForecast {
    /// The styles possible now; empty where there is nothing to trade or no market.
    pub styles: Vec<StyleForecast>,
    /// The place in `styles` of the one to use.
    pub chosen: Option<u32>,
    /// The expected edge of the action, bp.
    pub edge_bp: Option<f64>,
    /// Whether the edge is below the cost while the filter is on.
    pub filtered: bool,
    /// p̂ (24): how far the mid is expected to move until the next regular sample, given state and action,
    /// bp; absent until something was learned.
    pub drift_bp: Option<f64>,
    /// How the way to the target is divided over time; absent where it goes at once.
    pub plan: Option<Plan>,
}

impl ExecutionForecast {
    /// The forecast of the style to use.
    pub fn chosen(&self) -> Option<&StyleForecast> {
        self.chosen.and_then(|at| self.styles.get(at as usize))
    }
}

/// From the cerebellum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// The sample.
    pub proposed: Proposed,
    /// What acting will cost.
    pub execution: ExecutionForecast,
}

/// From the prefrontal cortex: the end of a thought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// The sample.
    pub forecast: Forecast,
    /// What is done, or why nothing is.
    pub verdict: Verdict,
}

macro_rules! reach {
    ($($message:ident: $($path:ident).+ => $fn:ident: $type:ty;)*) => {$(
        impl $message {
            /// Reaches back along the line.
            pub fn $fn(&self) -> &$type {
                &self.$($path).+
            }
        }
    )*};
}

reach! {
    Recalled: encoded.appraised.sensed => sensed: Sensed;
    Perceived: recalled.encoded.appraised.sensed => sensed: Sensed;
    Fused: perceived.recalled.encoded.appraised.sensed => sensed: Sensed;
    Proposed: fused.perceived.recalled.encoded.appraised.sensed => sensed: Sensed;
    Forecast: proposed.fused.perceived.recalled.encoded.appraised.sensed => sensed: Sensed;
    Judged: forecast.proposed.fused.perceived.recalled.encoded.appraised.sensed => sensed: Sensed;
    Forecast: proposed.fused.perceived.recalled.encoded.appraised.threat => threat: Threat;
    Judged: forecast.proposed.fused.perceived.recalled.encoded.appraised.threat => threat: Threat;
    Forecast: proposed.proposal => proposal: Proposal;
    Judged: forecast.proposed.proposal => proposal: Proposal;
    Judged: forecast.proposed.fused.state => fused: FusedState;
    Judged: forecast.proposed.fused.perceived.percept => percept: Percept;
    Judged: forecast.proposed.fused.perceived.recalled => recalled: Recalled;
    Judged: forecast.execution => execution: ExecutionForecast;
}
