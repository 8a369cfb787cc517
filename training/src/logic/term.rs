//! Soft rules as a term of next-move training: what they may name, and how a batch grounds it.
//!
//! Each sample is an instrument of its own, with an order to buy and an order to sell. `chosen(o)` is what the network
//! says, the share of the side of `o`; other learned predicates are what those say that are already learned, and
//! facts are those of the row. Only `chosen` has a gradient.

use std::collections::BTreeMap;

use candle_core::Tensor;
use market::Side;
use rules::{Bp, InstrumentFacts, InstrumentRow, Number, OrderFacts, Sort, WindowFact, World};
use serde::{Deserialize, Serialize};

use super::loss::LogicLoss;
use crate::dataset::{Dataset, Row, Sample};
use crate::error::TrainError;

/// The learned predicate that is what the network says.
pub const CHOSEN: &str = "chosen";
/// The facts that a row has.
const FACTS: [&str; 4] = ["side", "instrument", "spread", "volatility"];
const SECOND_NS: i64 = 1_000_000_000;

/// Rules that a training is to feel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RulePlan {
    /// The name of their file, for messages and for the card.
    pub file: String,
    /// Its text.
    pub text: String,
    /// The weight of the logic loss beside the training's own; 0 measures and changes nothing.
    pub weight: f64,
    /// The spread of each row in basis points, where there is one.
    pub spread_bp: Vec<Option<f32>>,
    /// What predicates that are already learned say of each row, by name.
    pub learned: BTreeMap<String, Vec<Option<f32>>>,
}

impl RulePlan {
    /// The BLAKE3 hash of the text, in hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> String {
        blake3::hash(self.text.as_bytes()).to_hex().to_string()
    }
}

/// What rules a network was trained with, and how it keeps them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleReport {
    /// The name of their file.
    pub file: String,
    /// The BLAKE3 hash of its text, in hexadecimal digits.
    pub hash: String,
    /// The weight of the logic loss.
    pub weight: f64,
    /// How true each soft rule is of the network that is kept, in the test part: the mean over batches.
    pub kept: BTreeMap<String, f64>,
}

/// The logic loss of rules over the samples of a data set.
pub struct RuleTerm<'a> {
    plan: &'a RulePlan,
    logic: LogicLoss,
    /// The place of [`CHOSEN`] among the learned predicates.
    chosen: usize,
    /// Of each other learned predicate its place and what it says of each row.
    told: Vec<(usize, &'a [Option<f32>])>,
    /// Of each volatility that rules name its place among the windows and its value at each row.
    volatility: Vec<(usize, Vec<Option<Number>>)>,
}

impl<'a> RuleTerm<'a> {
    /// Of a plan, for the rows of a data set.
    ///
    /// # Errors
    /// [`TrainError::Plan`] for all that [`LogicLoss::new`] refuses, a weight below 0, and a soft rule that names what no
    /// row has, is not of every order, or says nothing of what is chosen.
    pub fn new(plan: &'a RulePlan, dataset: &Dataset) -> Result<Self, TrainError> {
        let RulePlan { file, text, weight, spread_bp, learned } = plan;
        if !(*weight >= 0.0 && weight.is_finite()) {
            return Err(TrainError::Plan(format!(
                "the weight of the rules is {weight}, but must be at least 0"
            )));
        }
        let rows = dataset.rows.len();
        if let Some(got) = learned.values().chain([spread_bp]).map(Vec::len).find(|got| *got != rows) {
            return Err(TrainError::Plan(format!("rules are told of {got} rows, but there are {rows}")));
        }
        let logic = LogicLoss::new(file, text)?;
        let known: Vec<&str> = learned.keys().map(String::as_str).chain([CHOSEN]).collect();
        for id in logic.soft() {
            let (rule, named) = (logic.rules().rule(id), logic.rules().named_in(id));
            let wrong = |why: String| Err(TrainError::Plan(format!("{file}: rule `{}` {why}", rule.name)));
            let grounds = format!(
                "it can the facts {} and the learned predicates {}",
                FACTS.join(", "),
                known.join(", ")
            );
            if let Some(name) = named.iter().find(|name| !FACTS.contains(name) && !known.contains(name)) {
                return wrong(format!("names `{name}`, which training cannot ground; {grounds}"));
            }
            if !rule.instruments.is_empty()
                || rule.account.is_some()
                || rule.from.is_some()
                || rule.until.is_some()
            {
                return wrong(
                    "is of some orders or days only, which training cannot tell; leave that out".to_owned(),
                );
            }
            if !named.contains(CHOSEN) {
                return wrong(format!(
                    "says nothing of `{CHOSEN}`, so that training cannot change its truth"
                ));
            }
        }
        let place = |name: &str| logic.columns().position(|column| column == name);
        let told =
            learned.iter().filter_map(|(name, truths)| Some((place(name)?, truths.as_slice()))).collect();
        let windows = logic.rules().windows().iter().enumerate();
        let volatility = windows
            .filter(|(_, window)| window.fact == WindowFact::Volatility)
            .map(|(at, window)| (at, volatility(dataset, window.window_ns / SECOND_NS)))
            .collect();
        let chosen = place(CHOSEN).unwrap_or_default();
        Ok(Self { plan, told, volatility, chosen, logic })
    }

    /// Whether it changes what is learned.
    #[must_use]
    pub fn weighs(&self) -> bool {
        self.plan.weight > 0.0
    }

    /// The weighted logic loss of a batch as a scalar to be added to its own: of the shares `[B, 3]`, up, down and flat.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn term(&self, samples: &[Sample], shares: &Tensor) -> Result<Tensor, TrainError> {
        let chosen = shares.narrow(1, 0, 2)?.reshape((2 * samples.len(), 1))?;
        let term = self.logic.term(&mut self.world(samples), &[self.chosen], &chosen)?;
        Ok((term * self.plan.weight)?)
    }

    /// How these forecasts keep the rules, as the mean over batches of so many.
    #[must_use]
    pub fn report(&self, samples: &[Sample], forecasts: &[[f64; 3]], batch: usize) -> RuleReport {
        let mut kept = BTreeMap::new();
        for (part, said) in samples.chunks(batch).zip(forecasts.chunks(batch)) {
            let truths: Vec<f64> = said.iter().flat_map(|shares| [shares[0], shares[1]]).collect();
            let graded = self.logic.graded(&mut self.world(part), &[self.chosen], &truths);
            let share = part.len() as f64 / samples.len() as f64;
            for (id, truth) in self.logic.soft().zip(graded.satisfied) {
                *kept.entry(self.logic.rules().rule(id).name.clone()).or_insert(0.0) += share * truth;
            }
        }
        RuleReport { file: self.plan.file.clone(), hash: self.plan.hash(), weight: self.plan.weight, kept }
    }

    /// An order to buy and one to sell of each sample.
    fn world(&self, samples: &[Sample]) -> World {
        let mut world = World::new(self.logic.rules(), samples.len());
        for (at, sample) in samples.iter().enumerate() {
            let instrument = InstrumentRow(at as u16);
            let spread = self.plan.spread_bp[sample.row].and_then(|bp| Bp::from_f64(f64::from(bp)));
            world.set_instrument(instrument, &InstrumentFacts { spread, ..InstrumentFacts::default() });
            for (window, values) in &self.volatility {
                world.set_window(instrument, *window, values[sample.row]);
            }
            for side in [Side::Buy, Side::Sell] {
                let (side, instrument) = (Some(side), Some(instrument));
                let order = world.push_order(&OrderFacts { side, instrument, ..OrderFacts::default() });
                for (learned, truths) in &self.told {
                    let truth = truths[sample.row].map_or(f64::NAN, f64::from);
                    world.set_learned(*learned, Sort::Order, order, truth);
                }
            }
        }
        world
    }
}

/// The standard deviation of a return over so many seconds at each row: the root of the sum of the squares of the returns of
/// the mid from second to second. None where one of those rows is missing.
fn volatility(dataset: &Dataset, seconds: i64) -> Vec<Option<Number>> {
    let mid = |time_ns: i64| dataset.row_at(time_ns).map(|at| dataset.rows[at].mid2 as f64);
    let squares: Vec<Option<f64>> = dataset
        .rows
        .iter()
        .map(|row| {
            let change = row.mid2 as f64 / mid(row.time_ns - SECOND_NS)? - 1.0;
            Some(change * change)
        })
        .collect();
    let over = |row: &Row| {
        let square = |back: i64| squares[dataset.row_at(row.time_ns - back * SECOND_NS)?];
        let sum = (0..seconds).try_fold(0.0, |sum, back| Some(sum + square(back)?))?;
        Bp::from_f64(1e4 * sum.sqrt()).map(Number::of)
    };
    dataset.rows.iter().map(over).collect()
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::dataset::FLAT;
    use crate::layers::softmax;

    const RULES: &str = "learned chosen over orders \"the share of its side\"\n\
                         learned calm over orders \"nothing will happen\"\n\
                         soft rule narrow weight 3:\n    \
                         forall o in orders: spread(o.instrument) > 2 bp => not chosen(o)\n\
                         soft rule lively weight 1:\n    \
                         forall o in orders where o.side = buy:\n        \
                         chosen(o) => not calm(o) and volatility(o.instrument, 2 s) > 1 bp\n";

    /// Six rows a second apart: a mid that rises by 1 bp each, spreads of 1 and 4 bp by turns, calm half of the time.
    fn made(text: &str) -> (RulePlan, Dataset) {
        let row = |i: i64| Row { time_ns: i * SECOND_NS, mid2: 2_000_000 + 200 * i, ..Row::default() };
        let calm = [None, Some(1.0), Some(0.9), Some(0.8), Some(0.2), Some(0.1)];
        let plan = RulePlan {
            file: "felt.ltn".to_owned(),
            text: text.to_owned(),
            weight: 2.0,
            spread_bp: [1.0, 4.0].repeat(3).into_iter().map(Some).collect(),
            learned: [("calm".to_owned(), calm.to_vec())].into(),
        };
        (plan, Dataset { rows: (0..6).map(row).collect(), ..Dataset::default() })
    }

    fn samples() -> Vec<Sample> {
        (0..6).map(|row| Sample { row, class: FLAT, move_bp: 0.0, mirrored: false }).collect()
    }

    #[test]
    fn what_the_rules_say_of_a_batch_is_what_they_say_by_hand() {
        let (plan, dataset) = made(RULES);
        let term = RuleTerm::new(&plan, &dataset).expect("a term");
        let said = [[0.6, 0.3, 0.1]; 6];
        let kept = term.report(&samples(), &said, 6).kept;
        // 4 bp against 2 bp is beyond doubt: what is left is how little is chosen
        let wide = [0.6f64, 0.3].map(|p| p * p).iter().sum::<f64>() * 3.0 / 12.0;
        assert!((kept["narrow"] - (1.0 - wide.sqrt())).abs() < 2e-3, "{kept:?}");
        let volatility = &term.volatility[0].1;
        let bp = Bp::from_f64(1e4 * (1.0f64 / 10_002.0).hypot(1.0 / 10_003.0)).map(Number::of);
        assert_eq!(volatility[..2], [None, None], "two seconds are not there yet");
        assert_eq!(volatility[4], bp);
    }

    #[test]
    fn the_term_has_the_slopes_of_the_loss() {
        let (plan, dataset) = made(RULES);
        let term = RuleTerm::new(&plan, &dataset).expect("a term");
        let logits: Vec<f32> = (0..18).map(|i| (0.9 * i as f32).sin()).collect();
        let at = |changed: usize, step: f64| -> f64 {
            let shifted = |(i, x): (usize, &f32)| f64::from(*x) + if i == changed { step } else { 0.0 };
            let powers: Vec<f64> = logits.iter().enumerate().map(shifted).map(libm::exp).collect();
            let shares = |row: &[f64]| [0, 1, 2].map(|c| row[c] / row.iter().sum::<f64>());
            let said: Vec<[f64; 3]> = powers.chunks(3).map(shares).collect();
            let kept = term.report(&samples(), &said, 6).kept;
            plan.weight * (1.0 - (3.0 * kept["narrow"] + kept["lively"]) / 4.0)
        };
        let var = Var::from_slice(&logits, (6, 3), &Device::Cpu).expect("a variable");
        let loss = term.term(&samples(), &softmax(&var).expect("shares")).expect("a term");
        let value = f64::from(loss.to_scalar::<f32>().expect("a scalar"));
        assert!((value - at(99, 0.0)).abs() < 1e-5, "{value}");
        let grads = loss.backward().expect("gradients");
        let got: Vec<f32> =
            grads.get(&var).expect("reached").flatten_all().and_then(|g| g.to_vec1()).expect("numbers");
        for (i, got) in got.iter().enumerate() {
            let slope = (at(i, 1e-5) - at(i, -1e-5)) / 2e-5;
            assert!((f64::from(*got) - slope).abs() < 1e-5, "logit {i}: {got}, slope {slope}");
        }
        assert!(got.iter().filter(|slope| slope.abs() > 1e-3).count() > 6, "it is felt: {got:?}");
    }

    #[test]
    fn rules_that_training_cannot_ground_are_refused() {
        let refused = |rule: &str| {
            let (plan, dataset) =
                made(&format!("{RULES}learned odd over orders \"\"\nsoft rule new{rule}\n"));
            RuleTerm::new(&plan, &dataset).err().expect("refused").to_string()
        };
        let all = |formula: &str| refused(&format!(": forall o in orders: {formula}"));
        let said = all("chosen(o) => forecast_slippage(o) < 2 bp");
        assert!(
            said.contains("felt.ltn: rule `new` names `forecast_slippage`, which training cannot ground"),
            "{said}"
        );
        assert!(
            said.contains("side, instrument, spread, volatility and the learned predicates calm, chosen"),
            "{said}"
        );
        assert!(all("chosen(o) => orders_in(o.instrument, 1 s) < 3").contains("`orders_in`"));
        assert!(all("chosen(o) => drawdown < 0.1").contains("`drawdown`"));
        assert!(all("chosen(o) => not odd(o)").contains("`odd`"));
        assert!(all("chosen(o) => exists w in working: w.side = buy").contains("`working`"));
        assert!(all("calm(o)").contains("says nothing of `chosen`"));
        let (plan, dataset) = made(RULES);
        let refused = |plan: RulePlan| RuleTerm::new(&plan, &dataset).err().expect("refused").to_string();
        assert!(refused(RulePlan { weight: -1.0, ..plan.clone() }).contains("weight of the rules is -1"));
        assert!(
            refused(RulePlan { spread_bp: Vec::new(), ..plan }).contains("told of 0 rows, but there are 6")
        );
    }
}
