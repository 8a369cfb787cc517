//! The record of a decision in format 3, which knew seven limits and no rules, and whose forecasts no fill
//! corrected. It is frozen: tapes hold it (J8).

use market::book::{BookState, Top};
use market::features::FeatureVector;
use market::order::Request;
use market::{InstrumentId, Price, Quantity, Timestamp};
use serde::Deserialize;
use smallvec::SmallVec;
use synapse::bytes::short_list;
use synapse::{
    Account, Action, Code, Context, FusedState, LatchCause, Limit, Recall, SampleKind, Signal, Startle,
    Style, Threat,
};

/// A proposal as format 3 kept it.
#[derive(Debug, Deserialize)]
pub(crate) struct Proposal {
    go: [f32; Action::COUNT],
    no_go: [f32; Action::COUNT],
    values: Option<[f32; Action::COUNT]>,
    policy: [f32; Action::COUNT],
    action: Action,
    margin: f32,
    margin_needed: f32,
    target: Quantity,
    urgency: f32,
}

impl From<Proposal> for synapse::Proposal {
    fn from(old: Proposal) -> Self {
        Self {
            go: old.go,
            no_go: old.no_go,
            values: old.values,
            policy: old.policy,
            action: old.action,
            probability: 1.0,
            margin: old.margin,
            margin_needed: old.margin_needed,
            target: old.target,
            urgency: old.urgency,
        }
    }
}

/// The forecast of a style as formats 1 to 3 kept it.
#[derive(Debug, Deserialize)]
struct StyleForecast {
    style: Style,
    price: Price,
    slippage_bp: f64,
    impact_bp: f64,
    fee_bp: f64,
}

/// A forecast as formats 1 to 3 kept it.
#[derive(Debug, Deserialize)]
pub(crate) struct ExecutionForecast {
    styles: Vec<StyleForecast>,
    chosen: Option<u32>,
    edge_bp: Option<f64>,
    filtered: bool,
}

impl From<ExecutionForecast> for synapse::ExecutionForecast {
    fn from(old: ExecutionForecast) -> Self {
        let style = |old: StyleForecast| synapse::StyleForecast {
            style: old.style,
            price: old.price,
            slippage_bp: old.slippage_bp,
            impact_bp: old.impact_bp,
            correction_bp: 0.0,
            fee_bp: old.fee_bp,
        };
        Self {
            styles: old.styles.into_iter().map(style).collect(),
            chosen: old.chosen,
            edge_bp: old.edge_bp,
            filtered: old.filtered,
            drift_bp: None,
            plan: None,
        }
    }
}

/// One limit against one order as formats 1 to 3 kept it.
#[derive(Debug, Clone, Copy, Deserialize)]
struct RuleTruth {
    limit: Limit,
    value: f64,
    bound: f64,
    passed: bool,
    truth: f64,
}

impl From<RuleTruth> for synapse::RuleTruth {
    fn from(old: RuleTruth) -> Self {
        let RuleTruth { limit, value, bound, passed, truth } = old;
        let unit = match limit {
            Limit::OrderSize | Limit::Position => "units",
            Limit::Notional | Limit::Capital => "currency",
            Limit::Collar => "bp",
            Limit::Rate => "1/s",
            Limit::Duplicate => "ms",
        };
        Self {
            rule: code(limit),
            is_hard: true,
            value: value.into(),
            bound: bound.into(),
            unit: Code::new(unit).unwrap_or_default(),
            passed,
            product: truth,
            lukasiewicz: truth,
        }
    }
}

/// The rule that took the place of a limit bears its name.
fn code(limit: Limit) -> Code {
    Code::new(limit.name()).unwrap_or_default()
}

/// Why nothing was done, as formats 1 to 3 kept it: all that was known then, in their order.
#[derive(Debug, Deserialize)]
enum Reason {
    NotFinite {},
    Latched { cause: LatchCause },
    Startled { startle: Startle },
    StaleBook { book: BookState },
    Halted {},
    OutsideSession {},
    WarmingUp { left: u32 },
    Frightened { signal: Signal, value: f64, limit: f64 },
    AwaitingVenue { unanswered: u32 },
    HoldByMargin { margin: f32, needed: f32 },
    Hold { position: Quantity },
    AtTarget { target: Quantity },
    AlreadyWorking { remaining: Quantity },
    NoEdge { edge_bp: f64, cost_bp: f64 },
    BelowMinimumSize { size: Quantity, lot: Quantity },
    Refused { limit: Limit, value: f64, bound: f64 },
}

impl From<Reason> for synapse::Reason {
    fn from(old: Reason) -> Self {
        match old {
            Reason::NotFinite {} => Self::NotFinite {},
            Reason::Latched { cause } => Self::Latched { cause },
            Reason::Startled { startle } => Self::Startled { startle },
            Reason::StaleBook { book } => Self::StaleBook { book },
            Reason::Halted {} => Self::Halted {},
            Reason::OutsideSession {} => Self::OutsideSession {},
            Reason::WarmingUp { left } => Self::WarmingUp { left },
            Reason::Frightened { signal, value, limit } => Self::Frightened { signal, value, limit },
            Reason::AwaitingVenue { unanswered } => Self::AwaitingVenue { unanswered },
            Reason::HoldByMargin { margin, needed } => Self::HoldByMargin { margin, needed },
            Reason::Hold { position } => Self::Hold { position },
            Reason::AtTarget { target } => Self::AtTarget { target },
            Reason::AlreadyWorking { remaining } => Self::AlreadyWorking { remaining },
            Reason::NoEdge { edge_bp, cost_bp } => Self::NoEdge { edge_bp, cost_bp },
            Reason::BelowMinimumSize { size, lot } => Self::BelowMinimumSize { size, lot },
            Reason::Refused { limit, value, bound } => {
                Self::Refused { rule: code(limit), value: value.into(), bound: bound.into() }
            }
        }
    }
}

/// What was done, as formats 1 to 3 kept it.
#[derive(Debug, Deserialize)]
enum Outcome {
    Act(#[serde(deserialize_with = "short_list")] SmallVec<[Request; 2]>),
    Rest(Reason),
}

/// A verdict as formats 1 to 3 kept it.
#[derive(Debug, Deserialize)]
pub(crate) struct Verdict {
    outcome: Outcome,
    #[serde(deserialize_with = "short_list")]
    rules: SmallVec<[RuleTruth; 7]>,
    satisfaction: f64,
    latch: Option<LatchCause>,
    tripped: bool,
}

impl From<Verdict> for synapse::Verdict {
    fn from(old: Verdict) -> Self {
        Self {
            outcome: match old.outcome {
                Outcome::Act(requests) => synapse::Outcome::Act(requests),
                Outcome::Rest(reason) => synapse::Outcome::Rest(reason.into()),
            },
            parent: None,
            rules: old.rules.into_iter().map(Into::into).collect(),
            satisfaction: old.satisfaction,
            latch: old.latch,
            tripped: old.tripped,
        }
    }
}

/// A decision as format 3 kept it.
#[derive(Debug, Deserialize)]
pub(crate) struct DecisionRecord {
    sequence: u64,
    instrument: InstrumentId,
    time: Timestamp,
    kind: SampleKind,
    mark2: Option<i64>,
    account: Account,
    features: FeatureVector,
    context: Context,
    threat: Threat,
    recall: [Recall; Action::COUNT],
    percept: [u8; 32],
    state: FusedState,
    proposal: Proposal,
    execution: ExecutionForecast,
    verdict: Verdict,
    book: BookState,
    top: Option<Top>,
}

impl From<DecisionRecord> for synapse::DecisionRecord {
    fn from(old: DecisionRecord) -> Self {
        Self {
            sequence: old.sequence,
            instrument: old.instrument,
            time: old.time,
            kind: old.kind,
            mark2: old.mark2,
            account: old.account,
            features: old.features,
            context: old.context,
            threat: old.threat,
            recall: old.recall,
            percept: old.percept,
            state: old.state,
            proposal: old.proposal.into(),
            execution: old.execution.into(),
            verdict: old.verdict.into(),
            book: old.book,
            top: old.top,
        }
    }
}
