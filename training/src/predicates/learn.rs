//! One predicate's course: seeds that stop by validation, the best learned again on the whole training part.

use std::collections::BTreeMap;

use networks::Source;
use networks::predicate::{Predicate, PredicateCard, PredicateInput, PredicateWeights};
use serde::{Deserialize, Serialize};

use super::evaluate::{Judge, Worth};
use super::mlp::{Adam, Examples, Logistic, Mlp, Model, log_loss, sigmoid};
use super::moments::Moments;
use super::report::{Parts, PredicateReport, SeedReport};
use super::split::{Protocol, Sample, Split};
use super::task::Task;
use crate::error::TrainError;
use crate::evaluate::Bootstrap;

/// How a predicate is learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Parts.
    pub protocol: Protocol,
    /// Hidden units.
    pub hidden: usize,
    /// The most epochs, each one step over all samples.
    pub epochs: u32,
    /// Epochs without a better validation until it stops.
    pub patience: u32,
    /// The learning rate.
    pub rate: f64,
    /// The ridge of the weights that multiply.
    pub ridge: f64,
    /// A course each.
    pub seeds: Vec<u64>,
    /// How intervals are drawn.
    pub bootstrap: Bootstrap,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            protocol: Protocol::default(),
            hidden: 16,
            epochs: 1000,
            patience: 100,
            rate: 0.01,
            ridge: 1e-3,
            seeds: vec![1, 2, 3, 4, 5],
            bootstrap: Bootstrap::default(),
        }
    }
}

/// A predicate that was learned, and what it is worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// It, with its report in its card.
    pub predicate: Predicate,
    /// The report.
    pub report: PredicateReport,
}

/// Learns a task from moments that `source` names, made by `sampler`.
///
/// Of each seed the validation says how many epochs are good; with so many it is learned again on the whole training
/// part, whose newest moments are most like those to come. The seed with the least validation loss is kept.
///
/// # Errors
/// Moments that cannot be learnt from, a plan that cannot be, a loss that is no number.
pub fn learn(
    moments: &Moments,
    task: &Task,
    plan: &Plan,
    source: &str,
    sampler: &str,
) -> Result<Learned, TrainError> {
    plan.check()?;
    let split = moments.split(task, &plan.protocol)?;
    let pupil = Pupil { moments, task, plan };
    let (fit, validation) = (&split.train[split.fit.clone()], &split.train[split.validation.clone()]);
    let before = pupil.card(fit)?;
    let parts = [pupil.examples(&before, fit), pupil.examples(&before, validation)];
    let mut card = pupil.card(&split.train)?;
    let whole = pupil.examples(&card, &split.train);
    card.data =
        vec![Source { name: source.to_owned(), hash: moments.hash(), samples: moments.moments.len() as u64 }];
    card.cut_ns = Some(split.cut_ns);
    card.sampler = sampler.to_owned();
    let judge = Judge::new(&split.test, card.base_rate, &plan.bootstrap);
    let (mut seeds, mut kept) = (Vec::new(), None::<(SeedReport, Predicate)>);
    for &seed in &plan.seeds {
        let (best_epoch, validation_loss) = pupil.course(&parts, seed)?;
        let predicate = pupil.predicate(&card, &pupil.again(&whole, seed, best_epoch))?;
        let test = judge.worth(&pupil.truths(&predicate, &split.test));
        let report = SeedReport { seed, best_epoch, validation_loss, test };
        if kept.as_ref().is_none_or(|(other, _)| validation_loss < other.validation_loss) {
            kept = Some((report, predicate));
        }
        seeds.push(report);
    }
    let (chosen, mut predicate) = kept.ok_or(TrainError::Stopped)?;
    let report = pupil.report(&split, &card, &whole, &judge, &predicate, (seeds, &chosen));
    predicate.card.figures =
        serde_json::to_value(&report).map_err(|e| TrainError::Plan(format!("no figures: {e}")))?;
    Ok(Learned { predicate, report })
}

impl Plan {
    fn check(&self) -> Result<(), TrainError> {
        let Self { hidden, epochs, patience, rate, ridge, seeds, .. } = self;
        if seeds.is_empty() || *hidden == 0 || *epochs == 0 || *patience == 0 {
            let seeds = seeds.len();
            return Err(TrainError::Plan(format!(
                "{seeds} seeds, {hidden} hidden units, {epochs} epochs, patience {patience}: at least 1 each"
            )));
        }
        if !(*rate > 0.0 && *ridge >= 0.0) {
            return Err(TrainError::Plan(format!(
                "rate is {rate} and ridge {ridge}; they must be above 0, and not below it"
            )));
        }
        Ok(())
    }
}

/// A task with what it is learned from.
struct Pupil<'a> {
    moments: &'a Moments,
    task: &'a Task,
    plan: &'a Plan,
}

impl Pupil<'_> {
    /// A card whose inputs have the law of these samples; those that lack a feature have none to give.
    fn card(&self, samples: &[Sample]) -> Result<PredicateCard, TrainError> {
        let Task { name, about, label_text, horizon_samples, along, inputs, .. } = *self.task;
        let plain = inputs.map(|input| PredicateInput {
            feature: input.feature,
            turn: input.turn,
            log: input.log,
            mean: 0.0,
            deviation: 1.0,
        });
        let trues = samples.iter().filter(|sample| sample.is_true).count();
        let mut card = PredicateCard {
            name: name.to_owned(),
            about: about.to_owned(),
            label: label_text.to_owned(),
            trained: true,
            along,
            inputs: plain.to_vec(),
            hidden: self.plan.hidden,
            horizon_samples,
            sampler: String::new(),
            data: Vec::new(),
            cut_ns: None,
            base_rate: trues as f64 / samples.len().max(1) as f64,
            seeds: self.plan.seeds.clone(),
            figures: serde_json::Value::Null,
        };
        for input in &mut card.inputs {
            let values = || samples.iter().filter_map(|s| self.input(input, s)).map(f64::from);
            let count = values().count().max(1) as f64;
            let mean = values().sum::<f64>() / count;
            let variance = values().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
            // what does not change keeps its unit
            let deviation = if variance > 1e-12 { variance.sqrt() } else { 1.0 };
            (input.mean, input.deviation) = (mean as f32, deviation as f32);
        }
        card.check()?;
        Ok(card)
    }

    fn input(&self, input: &PredicateInput, sample: &Sample) -> Option<f32> {
        let features = &self.moments.moments[sample.moment].features;
        let way = self.task.along.map_or(Some(1.0), |along| Some(1f32.copysign(features[along]?)))?;
        input.of(features, way)
    }

    /// What can be learned from these samples, in deviations from the means of a card; those that lack a feature
    /// are left out.
    fn examples(&self, card: &PredicateCard, samples: &[Sample]) -> Examples {
        let mut examples = Examples { width: card.inputs.len(), ..Examples::default() };
        for sample in samples {
            if let Some(x) = self.inputs(card, sample) {
                examples.x.extend(x);
                examples.y.push(f64::from(u8::from(sample.is_true)));
            }
        }
        examples
    }

    fn inputs(&self, card: &PredicateCard, sample: &Sample) -> Option<Vec<f64>> {
        let standardised = |input: &PredicateInput| {
            let x = self.input(input, sample)?;
            Some(f64::from(input.standardised(x)))
        };
        card.inputs.iter().map(standardised).collect()
    }

    /// Learns until validation grows no better; gives the best epoch and its loss.
    fn course(&self, [fit, validation]: &[Examples; 2], seed: u64) -> Result<(u32, f64), TrainError> {
        let Plan { hidden, epochs, patience, rate, ridge, .. } = *self.plan;
        let mut model = Mlp::seeded(fit.width, hidden, fit.base_rate(), seed);
        let mut adam = Adam::new(model.weights().len());
        let mut best = (0, f64::INFINITY);
        for epoch in 1..=epochs {
            adam.step(&mut model, fit, rate, ridge);
            let loss = log_loss(&model, validation);
            if !loss.is_finite() {
                return Err(TrainError::Diverged { seed, epoch, loss });
            }
            if loss < best.1 {
                best = (epoch, loss);
            }
            if epoch >= best.0 + patience {
                break;
            }
        }
        Ok(best)
    }

    /// Learns for so many epochs.
    fn again(&self, whole: &Examples, seed: u64, epochs: u32) -> Mlp {
        let mut model = Mlp::seeded(whole.width, self.plan.hidden, whole.base_rate(), seed);
        let mut adam = Adam::new(model.weights().len());
        (0..epochs).for_each(|_| adam.step(&mut model, whole, self.plan.rate, self.plan.ridge));
        model
    }

    fn predicate(&self, card: &PredicateCard, model: &Mlp) -> Result<Predicate, TrainError> {
        let [hidden_weight, hidden_bias, output_weight, output_bias] = model.layers();
        let weights = PredicateWeights { hidden_weight, hidden_bias, output_weight, output_bias };
        Ok(Predicate::new(card.clone(), weights)?)
    }

    /// What the artefact itself says of these samples; the base rate where it has nothing to say.
    fn truths(&self, predicate: &Predicate, samples: &[Sample]) -> Vec<f64> {
        let truth = |sample: &Sample| predicate.truth(&self.moments.moments[sample.moment].features);
        samples.iter().map(|s| truth(s).map_or(predicate.card.base_rate, f64::from)).collect()
    }

    /// What a plain model says of the same samples.
    fn said(&self, card: &PredicateCard, samples: &[Sample], of: impl Fn(&[f64]) -> f64) -> Vec<f64> {
        samples.iter().map(|s| self.inputs(card, s).map_or(card.base_rate, |x| sigmoid(of(&x)))).collect()
    }

    fn report(
        &self,
        split: &Split,
        card: &PredicateCard,
        whole: &Examples,
        judge: &Judge<'_>,
        predicate: &Predicate,
        (seeds, chosen): (Vec<SeedReport>, &SeedReport),
    ) -> PredicateReport {
        let truths = self.truths(predicate, &split.test);
        let (all, one) = (Logistic::fit(whole), Logistic::fit(&whole.only(self.task.rule_input)));
        let alone = self.task.inputs[self.task.rule_input].feature.spec().name;
        let plain = [
            ("logistic_regression".to_owned(), self.said(card, &split.test, |x| all.logit(x))),
            (
                format!("{alone}_alone"),
                self.said(card, &split.test, |x| one.logit(&x[self.task.rule_input..=self.task.rule_input])),
            ),
        ];
        let beyond: BTreeMap<_, _> =
            plain.iter().map(|(name, said)| (name.clone(), judge.beyond(&truths, said))).collect();
        let mut baselines: BTreeMap<String, Worth> =
            plain.iter().map(|(name, said)| (name.clone(), judge.worth(said))).collect();
        baselines.insert("base_rate".to_owned(), judge.worth(&vec![card.base_rate; split.test.len()]));
        PredicateReport {
            verdict: PredicateReport::judged(&chosen.test, &beyond),
            samples: Parts {
                fit: split.fit.len(),
                validation: split.validation.len(),
                train: split.train.len(),
                test: split.test.len(),
                test_true: split.test.iter().filter(|sample| sample.is_true).count(),
            },
            base_rate: card.base_rate,
            cut_ns: split.cut_ns,
            test: chosen.test,
            beyond,
            baselines,
            calibration: judge.calibration(&truths, 5),
            seeds,
            chosen_seed: chosen.seed,
        }
    }
}

#[cfg(test)]
mod tests {
    use market::features::Feature;
    use synapse::random::{normal, seed_for, uniform};

    use super::*;
    use crate::predicates::moments::tests::session;
    use crate::predicates::task::TASKS;

    /// A session in which a great imbalance along the flow is followed by a move of the mid that way, mostly.
    fn telling(count: usize, chance: f64) -> Moments {
        let mut moments = session(count);
        let draw = |what: &str, i: usize| uniform(seed_for(4, what), i as u64);
        let (mut move_at, mut mid2) = (vec![0; count + 8], 1_000_000);
        for (i, moment) in moments.moments.iter_mut().enumerate() {
            mid2 += move_at[i];
            moment.mid2 = mid2;
            let features = &mut moment.features;
            for feature in TASKS.iter().flat_map(|task| task.inputs.map(|input| input.feature)) {
                features[feature] = Some(normal(seed_for(3, feature.spec().name), i as u64) as f32);
            }
            let along = features[Feature::Imbalance1].zip(features[Feature::OrderFlowImbalance]);
            let (imbalance, flow) = along.expect("both are there");
            if imbalance * flow.signum() > 1.5 && draw("follow", i) < chance {
                move_at[i + 3] += 4 * flow.signum() as i64;
            }
        }
        moments
    }

    fn quick() -> Plan {
        Plan {
            epochs: 120,
            patience: 30,
            seeds: vec![1, 2],
            bootstrap: Bootstrap { draws: 200, ..Bootstrap::default() },
            ..Plan::default()
        }
    }

    #[test]
    fn what_is_there_is_learned_and_what_is_not_is_told() {
        let [told, untold] = [0.9, 0.0].map(|chance| {
            let mut moments = telling(3000, chance);
            // some moves happen for no reason: without any, nothing would ever be informed
            for (i, moment) in moments.moments.iter_mut().enumerate() {
                moment.mid2 += 4 * (i as i64 / 41 % 2);
            }
            learn(&moments, &TASKS[1], &quick(), "made", "grid:250ms").expect("learned").report
        });
        assert!(told.test.brier_skill.lo25 > 0.05 && told.test.auc.value > 0.6, "{:?}", told.test);
        assert!(told.verdict.contains("better than the base rate"), "{}", told.verdict);
        assert!(untold.test.brier_skill.lo25 < 0.02, "{:?}", untold.test);
    }

    #[test]
    fn the_same_moments_give_the_same_bytes_and_the_test_part_is_not_looked_at() {
        let mut moments = telling(2000, 0.9);
        let learned =
            |moments: &Moments| learn(moments, &TASKS[1], &quick(), "made", "grid:250ms").expect("learned");
        let first = learned(&moments);
        assert_eq!(learned(&moments).predicate.to_bytes(), first.predicate.to_bytes());
        let cut = moments.moments.iter().position(|m| m.time_ns == first.report.cut_ns).expect("a cut");
        for moment in &mut moments.moments[cut..] {
            moment.mid2 += 2 * (moment.time_ns % 7);
            moment.features[Feature::Imbalance1] = Some(5.0);
        }
        let other = learned(&moments);
        assert_eq!(other.predicate.safetensors(), first.predicate.safetensors());
        assert_eq!(other.predicate.card.inputs, first.predicate.card.inputs);
        assert_eq!(other.report.chosen_seed, first.report.chosen_seed);
        assert_ne!(other.report.test, first.report.test);
    }

    #[test]
    fn a_plan_that_cannot_be_is_refused() {
        let refused = |plan: Plan| {
            let moments = telling(500, 0.5);
            learn(&moments, &TASKS[0], &plan, "made", "grid:250ms").expect_err("refused").to_string()
        };
        assert!(refused(Plan { seeds: Vec::new(), ..quick() }).contains("0 seeds"));
        assert!(refused(Plan { rate: f64::NAN, ..quick() }).contains("rate is NaN"));
    }
}
