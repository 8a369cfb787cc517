//! What a run comes to: one object for machines, tables for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use comfy_table::{Table, presets};
use market::Money;
use serde::{Serialize, Serializer};

use crate::brain::REGIONS;
use crate::performance::{DeflatedSharpe, Performance};

/// Everything a run is summed up in.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Which feeds, of which format, with how many rows.
    pub feeds: Vec<FeedSummary>,
    /// Rows read: accepted + refused + ignored + bookkeeping.
    pub rows: u64,
    /// Rows that changed the market.
    pub accepted: u64,
    /// Rows that cannot be true.
    pub refused: u64,
    /// Rows that name what is not there.
    pub ignored: u64,
    /// Of those, rows that name an order evicted as stale.
    pub ignored_evicted: u64,
    /// Rows that say nothing about the market.
    pub bookkeeping: u64,
    /// The first rows that were refused, with place and remedy.
    pub faults: Vec<String>,
    /// The first gaps, and the first rows that were ignored, with place and remedy.
    pub notes: Vec<String>,
    /// The faults that ended feeds, with place and remedy.
    pub stream_faults: Vec<String>,
    /// Orders held because they crossed or locked the book.
    pub held: u64,
    /// Orders evicted as stale.
    pub evicted: u64,
    /// Rows after which a book was crossed.
    pub crossed_rows: u64,
    /// Regular samples.
    pub samples: u64,
    /// Samples made by a shock.
    pub startles: u64,
    /// Samples left out because an instrument was not fresh.
    pub skipped: u64,
    /// Decisions: samples + startles.
    pub decisions: u64,
    /// Times the amygdala tripped.
    pub trips: u64,
    /// The sample and signal of each of the first trips.
    pub tripped_at: Vec<(u64, String)>,
    /// τ at the end.
    pub tau: Option<f64>,
    /// The median D_M of armed samples.
    pub distance_median: Option<f64>,
    /// The share of armed samples whose D_M was above τ.
    pub distance_share_above_tau: Option<f64>,
    /// Decisions that asked something of the venue.
    pub acted: u64,
    /// Decisions that did not, by reason.
    pub reasons: BTreeMap<String, u64>,
    /// Orders released by the gate.
    pub orders: u64,
    /// Cancels the judge asked for.
    pub cancels: u64,
    /// Replacements the judge asked for.
    pub replaces: u64,
    /// Orders the hard limits refused, by limit.
    pub refusals: BTreeMap<String, u64>,
    /// Orders the venue rejected.
    pub rejected: u64,
    /// Orders that expired with the feeds.
    pub expired: u64,
    /// Fills.
    pub fills: u64,
    /// Fills that left something of their order.
    pub partial_fills: u64,
    /// Notional of all fills.
    #[serde(serialize_with = "as_text")]
    pub turnover: Money,
    /// Profit and loss before fees.
    #[serde(serialize_with = "as_text")]
    pub pnl_gross: Money,
    /// Fees paid.
    #[serde(serialize_with = "as_text")]
    pub fees: Money,
    /// Profit and loss after fees.
    #[serde(serialize_with = "as_text")]
    pub pnl_net: Money,
    /// The cost of a trade, in bp of its notional, at which nothing is left.
    pub break_even_cost_bp: Option<f64>,
    /// Positions at the end, by instrument.
    pub positions: BTreeMap<String, String>,
    /// The deepest fall of equity from its peak.
    #[serde(serialize_with = "as_text")]
    pub drawdown_max: Money,
    /// Experiences closed, and those without a valid mark at both ends.
    pub experiences: u64,
    /// Experiences that are void.
    pub experiences_void: u64,
    /// Frames that a network has read, and those of them that it read again when another took effect.
    pub frames_encoded: u64,
    /// Frames that were read again.
    pub frames_reencoded: u64,
    /// What came of the time that the network was trained on, and of that behind it; none where it was not
    /// trained on this feed, or no network decides.
    pub parts: Option<[PartSummary; 2]>,
    /// Their mean reward, bp of the reference notional.
    pub reward_mean_bp: Option<f64>,
    /// The performance of equity sampled once a period; none where it cannot be told.
    pub performance: Option<PerformanceSummary>,
    /// The chain over all decisions (D4).
    pub digest: String,
    /// Why the latch is set at the end, if it is.
    pub latch: Option<String>,
    /// The policy, and whether it was trained.
    pub policy: String,
    /// What else is not learned.
    pub untrained: String,
    /// Whether orders whose edge does not pay their forecast cost are held.
    pub edge_filter: bool,
    /// What the paper exchange assumes.
    pub assumptions: Vec<String>,
    /// Mean time in each region, µs a decision.
    pub region_us: BTreeMap<String, f64>,
    /// Wall time of the run.
    pub seconds: f64,
}

/// What came of a part of a run.
#[derive(Debug, Clone, Serialize)]
pub struct PartSummary {
    /// `in sample` or `out of sample`.
    pub name: &'static str,
    /// Decisions in it.
    pub decisions: u64,
    /// Those that asked something of the venue.
    pub acted: u64,
    /// What it earned, net of fees.
    #[serde(serialize_with = "as_text")]
    pub pnl_net: Money,
}

/// One feed of a run.
#[derive(Debug, Clone, Serialize)]
pub struct FeedSummary {
    /// Its name.
    pub name: String,
    /// Its format.
    pub format: String,
    /// Rows read.
    pub rows: u64,
    /// What ended it early, if anything did.
    pub error: Option<String>,
}

/// Returns a minute of equity, summed up.
#[derive(Debug, Clone, Serialize)]
pub struct PerformanceSummary {
    /// Mean, deviation, Sharpe and Sortino ratio and the rest.
    #[serde(flatten)]
    pub figures: Performance,
    /// PSR: the probability that the true Sharpe ratio is above 0.
    pub probabilistic_sharpe: Option<f64>,
    /// DSR, where the number of configurations tried was told.
    pub deflated_sharpe: Option<DeflatedSharpe>,
}

/// The configurations tried before this one was chosen: without them a good figure says little.
#[derive(Debug, Clone, Copy)]
pub struct Trials {
    /// How many.
    pub count: f64,
    /// The variance of their Sharpe ratios a period.
    pub variance: f64,
}

/// How many notes people are shown; machines get all that were kept.
pub const NOTES_SHOWN: usize = 3;

/// Money is text in JSON: no reader rounds it to a float.
fn as_text<S: Serializer>(money: &Money, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(money)
}

impl Summary {
    /// The tables for people.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut part = |title: &str, table: Table| {
            _ = writeln!(text, "{title}\n{}\n", table.trim_fmt());
        };
        part("Feeds", self.feeds_table());
        part("Rows", self.rows_table());
        part("Thought", self.thought_table());
        part("Why no order", counts_table(&self.reasons));
        part("Orders", self.orders_table());
        part("Profit and loss", self.money_table());
        part("Time", self.time_table());
        _ = writeln!(text, "The paper exchange assumes:");
        for assumption in &self.assumptions {
            _ = writeln!(text, "  - {assumption}");
        }
        for fault in &self.faults {
            _ = writeln!(text, "refused: {fault}");
        }
        for note in self.notes.iter().take(NOTES_SHOWN) {
            _ = writeln!(text, "noted: {note}");
        }
        text
    }

    fn feeds_table(&self) -> Table {
        let mut table = plain();
        for feed in &self.feeds {
            let rows = format!("{} rows", grouped(feed.rows));
            let end = feed.error.clone().unwrap_or_else(|| "read to the end".into());
            table.add_row([format!("  {}", feed.name), feed.format.clone(), rows, end]);
        }
        table
    }

    fn rows_table(&self) -> Table {
        pairs([
            ("read", grouped(self.rows)),
            ("= accepted", grouped(self.accepted)),
            ("+ refused", grouped(self.refused)),
            ("+ ignored (order not in the book)", grouped(self.ignored)),
            ("+ bookkeeping", grouped(self.bookkeeping)),
            ("orders held until they no longer crossed", grouped(self.held)),
            ("orders evicted as stale", grouped(self.evicted)),
            ("rows with a crossed book", grouped(self.crossed_rows)),
        ])
    }

    fn thought_table(&self) -> Table {
        let number = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.3}"));
        let trips: Vec<String> =
            self.tripped_at.iter().map(|(at, signal)| format!("{signal} at sample {at}")).collect();
        pairs([
            ("policy", self.policy.clone()),
            ("not trained", self.untrained.clone()),
            ("cost filter", if self.edge_filter { "on" } else { "off" }.to_owned()),
            ("decisions", grouped(self.decisions)),
            ("= regular samples", grouped(self.samples)),
            ("+ startles", grouped(self.startles)),
            ("samples skipped (not fresh)", grouped(self.skipped)),
            ("trips of the amygdala", format!("{} {}", self.trips, trips.join(", "))),
            ("threshold τ", number(self.tau)),
            ("median distance D_M", number(self.distance_median)),
            ("share of samples above τ", number(self.distance_share_above_tau)),
            ("frames read by the network", grouped(self.frames_encoded)),
            ("experiences closed", format!("{} ({} void)", grouped(self.experiences), self.experiences_void)),
            ("mean reward", self.reward_mean_bp.map_or("-".into(), |v| format!("{v:.4} bp"))),
            ("latch at the end", self.latch.clone().unwrap_or_else(|| "open".into())),
            ("digest of all decisions", self.digest.clone()),
        ])
    }

    fn orders_table(&self) -> Table {
        let refusals: Vec<String> = self.refusals.iter().map(|(rule, n)| format!("{rule} {n}")).collect();
        pairs([
            ("decisions that asked something of the venue", grouped(self.acted)),
            ("orders released", grouped(self.orders)),
            ("cancels", grouped(self.cancels)),
            ("replacements", grouped(self.replaces)),
            ("refused by our rules", if refusals.is_empty() { "0".into() } else { refusals.join(", ") }),
            ("rejected by the venue", grouped(self.rejected)),
            ("fills", format!("{} ({} partial)", grouped(self.fills), grouped(self.partial_fills))),
            ("expired at the end", grouped(self.expired)),
        ])
    }

    fn money_table(&self) -> Table {
        let money = |m: Money| m.rounded(4).to_string();
        let positions: Vec<String> = self.positions.iter().map(|(name, q)| format!("{name} {q}")).collect();
        let mut rows = vec![
            ("gross", money(self.pnl_gross)),
            ("fees", money(self.fees)),
            ("net", money(self.pnl_net)),
            ("turnover", money(self.turnover)),
            (
                "break-even cost of a trade",
                self.break_even_cost_bp.map_or("-".into(), |v| format!("{v:.4} bp")),
            ),
            ("deepest drawdown", money(self.drawdown_max)),
            ("positions", if positions.is_empty() { "none".into() } else { positions.join(", ") }),
        ];
        for part in self.parts.iter().flatten() {
            let PartSummary { name, decisions, acted, pnl_net } = part;
            let told = format!("{} net, {acted} of {} decisions acted", money(*pnl_net), grouped(*decisions));
            rows.push((name, told));
        }
        if let Some(p) = &self.performance {
            let ratio = |value: Option<f64>| value.map_or("undefined".to_owned(), |v| format!("{v:.4}"));
            let fall = p.figures.max_drawdown.map(|fall| fall * 100.0);
            rows.push(("returns of a minute", p.figures.periods.to_string()));
            rows.push(("deepest drawdown of them, %", ratio(fall)));
            rows.push(("Sharpe ratio of a minute", ratio(p.figures.sharpe_per_period)));
            rows.push(("probability that the true one is above 0", ratio(p.probabilistic_sharpe)));
            if let Some(deflated) = &p.deflated_sharpe {
                rows.push((
                    "the same, above the best of worthless trials",
                    ratio(Some(deflated.probability)),
                ));
            }
        }
        pairs(rows)
    }

    fn time_table(&self) -> Table {
        let mut rows = vec![
            ("wall time", format!("{:.2} s", self.seconds)),
            ("rows a second", grouped((self.rows as f64 / self.seconds.max(1e-9)) as u64)),
        ];
        let us = |us: f64| format!("{us:.2} µs a decision");
        rows.push(("a whole thought", us(self.region_us.values().sum())));
        let region = |name: &&'static str| self.region_us.get(*name).map(|t| (*name, us(*t)));
        rows.extend(REGIONS.iter().filter_map(region));
        pairs(rows)
    }
}

impl PerformanceSummary {
    /// Of equity at the end of each minute.
    pub fn of(equity: &[f64], trials: Option<Trials>) -> Option<Self> {
        const MINUTES_PER_YEAR: f64 = 525_600.0;
        let returns: Vec<f64> = equity.windows(2).map(|w| w[1] / w[0] - 1.0).collect();
        if returns.is_empty() {
            return None;
        }
        let figures = Performance::of(&returns, MINUTES_PER_YEAR);
        let deflated = trials.and_then(|t| figures.evidence()?.deflated_sharpe(t.count, t.variance));
        Some(Self {
            probabilistic_sharpe: figures.probabilistic_sharpe(0.0),
            deflated_sharpe: deflated,
            figures,
        })
    }
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

fn pairs<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> Table {
    let mut table = plain();
    for (name, value) in rows {
        table.add_row([format!("  {name}"), value]);
    }
    table
}

fn counts_table(counts: &BTreeMap<String, u64>) -> Table {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    pairs(sorted.into_iter().map(|(name, n)| (name.as_str(), grouped(*n))))
}

/// A count with its thousands apart.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        for (count, text) in
            [(0, "0"), (999, "999"), (1000, "1,000"), (314_057, "314,057"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(count), text);
        }
    }

    #[test]
    fn equity_that_does_not_move_has_no_ratio() {
        let still = PerformanceSummary::of(&[100.0, 100.0, 100.0], None).expect("two returns");
        assert_eq!((still.figures.periods, still.figures.sharpe_per_period), (2, None));
        assert!(PerformanceSummary::of(&[100.0], None).is_none());
    }

    #[test]
    fn trials_deflate_what_is_left() {
        let equity: Vec<f64> = (0..100).map(|k| 1000.0 + f64::from(k) + f64::from(k % 3)).collect();
        let trials = Some(Trials { count: 100.0, variance: 0.01 });
        let figures = PerformanceSummary::of(&equity, trials).expect("returns");
        let deflated = figures.deflated_sharpe.expect("trials were told");
        assert!(Some(deflated.probability) < figures.probabilistic_sharpe);
    }
}
