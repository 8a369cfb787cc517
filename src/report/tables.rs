//! The figures of execution, as tables for people and one object for machines.

use std::fmt::Write;

use cerebellum::calibration::{self, Estimate, LEAST, Point};
use comfy_table::{Table, presets};
use serde::Serialize;
use synapse::Style;

use super::execution::{Attempt, Execution, Size, Whole};
use crate::explain::words;

/// Neighbouring orders that may have something in common.
const ORDER_BLOCK: usize = 10;
/// Neighbouring samples that may: half a minute of them each 250 ms.
const SAMPLE_BLOCK: usize = 120;
/// Points of a calibration curve.
const POINTS: usize = 10;
/// The styles, as orders are told by.
const STYLES: [Style; 3] = [Style::Market, Style::Inside, Style::AtTouch];

/// Whether a whole order is of some kind.
type IsKind = fn(&Whole) -> bool;

/// Forecast against realised slippage of some attempts; all in bp, positive is a cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Of which.
    pub name: String,
    /// How many.
    pub n: usize,
    /// The mean forecast, what was learned included.
    pub forecast_bp: Estimate,
    /// What they did cost on average.
    pub realised_bp: Estimate,
    /// The mean absolute error of distance and law.
    pub mae_law_bp: Estimate,
    /// The same with what was learned.
    pub mae_corrected_bp: Estimate,
    /// The second less the first, attempt by attempt; below 0 learning was worth it.
    pub mae_gain_bp: Estimate,
}

/// The forecast of the next mid against no change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriftRow {
    /// How many samples.
    pub n: usize,
    /// Its mean square error in parts of that of no change; none where nothing ever moved.
    pub error_ratio: Option<Estimate>,
    /// What that comes to.
    pub verdict: &'static str,
}

/// What orders did cost from their first decision on, moves and children included.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WholeRow {
    /// Of which.
    pub name: &'static str,
    /// How many.
    pub n: usize,
    /// The mean shortfall, bp.
    pub realised_bp: Estimate,
}

/// How well execution was foretold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// All attempts together; none where nothing filled that was foretold.
    pub all: Option<Row>,
    /// By style.
    pub by_style: Vec<Row>,
    /// By size.
    pub by_size: Vec<Row>,
    /// From the first decision on.
    pub whole: Vec<WholeRow>,
    /// Fills of orders without a forecast.
    pub unforeseen: u64,
    /// The next mid.
    pub drift: DriftRow,
    /// The calibration curves: of the law, of the law with what was learned, and of the next mid.
    pub curves: Curves,
}

/// Calibration curves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curves {
    /// Slippage as distance and law foretold it.
    pub law: Vec<Point>,
    /// With what was learned.
    pub corrected: Vec<Point>,
    /// The move to the next mid.
    pub drift: Vec<Point>,
}

impl Row {
    /// The figures of some attempts; none where there is none.
    pub fn of<'a>(name: &str, attempts: impl Iterator<Item = &'a Attempt>) -> Option<Self> {
        let attempts: Vec<&Attempt> = attempts.collect();
        let mean = |of: &dyn Fn(&Attempt) -> f64| {
            calibration::mean(attempts.iter().map(|attempt| of(attempt)), ORDER_BLOCK)
        };
        let law = |it: &Attempt| (it.realised_bp - it.law_bp).abs();
        let corrected = |it: &Attempt| (it.realised_bp - it.law_bp - it.correction_bp).abs();
        Some(Self {
            name: name.to_owned(),
            n: attempts.len(),
            forecast_bp: mean(&|it| it.law_bp + it.correction_bp)?,
            realised_bp: mean(&|it| it.realised_bp)?,
            mae_law_bp: mean(&law)?,
            mae_corrected_bp: mean(&corrected)?,
            mae_gain_bp: mean(&|it| corrected(it) - law(it))?,
        })
    }
}

impl Report {
    /// The figures of a tape that was folded to its end.
    pub fn of(execution: &Execution) -> Self {
        let attempts = &execution.attempts;
        let styles = STYLES
            .iter()
            .filter_map(|style| Row::of(&words(style), attempts.iter().filter(|it| it.style == *style)));
        let sizes = Size::ALL
            .iter()
            .filter_map(|size| Row::of(size.words(), attempts.iter().filter(|it| it.size == *size)));
        let wholes = execution.wholes();
        let kinds: [(&str, IsKind); 3] = [
            ("one order, never moved", |it| it.children == 1 && !it.is_moved),
            ("one order, moved", |it| it.children == 1 && it.is_moved),
            ("several children", |it| it.children > 1),
        ];
        let whole = kinds.into_iter().filter_map(|(name, is)| WholeRow::of(name, &wholes, is));
        let curve = |with: f64| {
            let outcome = |it: &Attempt| calibration::Outcome {
                forecast: it.law_bp + with * it.correction_bp,
                realised: it.realised_bp,
            };
            calibration::curve(&attempts.iter().map(outcome).collect::<Vec<_>>(), POINTS)
        };
        Self {
            all: Row::of("all", attempts.iter()),
            by_style: styles.collect(),
            by_size: sizes.collect(),
            whole: whole.collect(),
            unforeseen: execution.unforeseen,
            drift: DriftRow::of(&execution.drift),
            curves: Curves {
                law: curve(0.0),
                corrected: curve(1.0),
                drift: calibration::curve(&execution.drift, POINTS),
            },
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        match &self.all {
            None => text.push_str("No order that was foretold has filled.\n"),
            Some(all) => {
                text.push_str(
                    "Slippage against the mark at the decision, bp; positive is a cost. Fees are not in it.\n",
                );
                text.push_str(&table("style", self.by_style.iter().chain([all])));
                text.push('\n');
                text.push_str(&table("size", self.by_size.iter()));
            }
        }
        if !self.whole.is_empty() {
            text.push_str("\nShortfall from the first decision to the last fill, bp\n");
            let rows = self.whole.iter();
            text.push_str(&lines(
                rows.map(|row| [row.name.to_owned(), row.n.to_string(), told(&row.realised_bp)]),
            ));
        }
        if self.unforeseen > 0 {
            _ = writeln!(text, "\n{} orders filled without a forecast and are not counted.", self.unforeseen);
        }
        let DriftRow { n, error_ratio, verdict } = &self.drift;
        let ratio = error_ratio.as_ref().map_or("not known".to_owned(), told_plain);
        _ = writeln!(
            text,
            "\nThe next mid: square error {ratio} of that of no change, over {n} samples: {verdict}."
        );
        _ = writeln!(
            text,
            "\nIntervals are of 95 %, by moving-block bootstrap, blocks of at most {ORDER_BLOCK} orders or {SAMPLE_BLOCK} samples; fewer than {LEAST} have none."
        );
        text
    }
}

impl WholeRow {
    fn of(name: &'static str, wholes: &[Whole], is: IsKind) -> Option<Self> {
        let found: Vec<f64> = wholes.iter().filter(|it| is(it)).map(|it| it.realised_bp).collect();
        let n = found.len();
        Some(Self { name, n, realised_bp: calibration::mean(found, ORDER_BLOCK)? })
    }
}

impl DriftRow {
    /// What the forecasts of the next mid are worth.
    pub fn of(outcomes: &[calibration::Outcome]) -> Self {
        let error_ratio = calibration::error_ratio(outcomes, SAMPLE_BLOCK);
        let verdict = match &error_ratio {
            None => "nothing to judge by",
            Some(ratio) if ratio.is_below(1.0) => "better than no change",
            Some(Estimate { low: Some(low), .. }) if *low > 1.0 => "worse than no change",
            Some(_) => "not told apart from no change",
        };
        Self { n: outcomes.len(), error_ratio, verdict }
    }
}

fn table<'a>(what: &str, rows: impl Iterator<Item = &'a Row>) -> String {
    let head = [what, "n", "forecast", "realised", "MAE law", "MAE learned", "learned - law"];
    let body = rows.map(|row| {
        let of = |estimate: &Estimate| format!("{:.3}", estimate.value);
        [
            row.name.clone(),
            row.n.to_string(),
            of(&row.forecast_bp),
            told(&row.realised_bp),
            of(&row.mae_law_bp),
            of(&row.mae_corrected_bp),
            told(&row.mae_gain_bp),
        ]
    });
    lines(std::iter::once(head.map(str::to_owned)).chain(body))
}

/// Rows in columns.
pub(super) fn lines<const N: usize>(rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    rows.for_each(|row| _ = table.add_row(row));
    let trimmed = table.lines().map(|line| line.trim_end().to_owned() + "\n");
    trimmed.collect()
}

/// A signed figure with its interval.
pub(super) fn told(estimate: &Estimate) -> String {
    match (estimate.low, estimate.high) {
        (Some(low), Some(high)) => format!("{:+.3} [{low:+.3}, {high:+.3}]", estimate.value),
        _ => format!("{:+.3}", estimate.value),
    }
}

fn told_plain(estimate: &Estimate) -> String {
    match (estimate.low, estimate.high) {
        (Some(low), Some(high)) => format!("{:.4} [{low:.4}, {high:.4}]", estimate.value),
        _ => format!("{:.4}", estimate.value),
    }
}
