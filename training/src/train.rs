//! Training: several seeds on one data set, judged together, the one with the best validation given.

use std::path::{Path, PathBuf};

use networks::{Shape, Weights};
use serde::{Deserialize, Serialize};
use synapse::Modality;

use crate::baselines::{baselines, rule};
use crate::batch::{Numbers, Odd, Standard};
use crate::dataset::{DOWN, Dataset, Protocol, Split, UP, counts, priors};
use crate::error::TrainError;
use crate::evaluate::{Bootstrap, Forecast, Judge, mean};
use crate::fit::{Best, Course, Fitting, Lessons, Progress};
use crate::logic::term::{RulePlan, RuleTerm};
use crate::report::{Report, Rule, Samples, SeedReport, Test};

/// The beginning of a state file; the digit is the version of its format.
const MAGIC: &[u8; 8] = b"januscl2";

/// How to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The network's sizes.
    pub shape: Shape,
    /// Labels and parts.
    pub protocol: Protocol,
    /// How each network is fitted.
    pub fitting: Fitting,
    /// A network each.
    pub seeds: Vec<u64>,
    /// What mirrors a sample; without it none is mirrored.
    pub odd: Option<Odd>,
    /// The price number whose sign is the rule beside every forecast.
    pub rule_number: usize,
    /// How intervals are drawn.
    pub bootstrap: Bootstrap,
    /// Where the state is kept after each epoch, and found again.
    #[serde(skip)]
    pub state: Option<PathBuf>,
    /// Soft rules that are felt beside the loss; of those with a weight the state remembers hash and weight.
    #[serde(skip)]
    pub rules: Option<RulePlan>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            shape: Shape::default(),
            protocol: Protocol::default(),
            fitting: Fitting::default(),
            seeds: vec![1, 2, 3, 4, 5],
            odd: None,
            rule_number: 4,
            bootstrap: Bootstrap::default(),
            state: None,
            rules: None,
        }
    }
}

/// What training gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The network of the seed with the best validation, for price rows as they are.
    pub weights: Weights,
    /// What all of them are worth.
    pub report: Report,
    /// What it was taught; what only samples behind the cut have, it was not.
    pub modalities: Vec<Modality>,
}

/// The whole state of a training.
#[derive(Serialize, Deserialize)]
struct State {
    /// The hash of data set and plan.
    of: String,
    courses: Vec<Course>,
}

/// Trains, telling `progress` after each epoch, until every seed is done or `should_stop` says so: then what
/// has been learnt is judged, and the state, if it is kept, lets the same call go on.
///
/// # Errors
/// A data set that cannot be learnt from, a plan that cannot be, a state of something else, a diverged loss.
pub fn train(
    dataset: &Dataset,
    plan: &Plan,
    progress: &mut dyn FnMut(Progress),
    should_stop: &dyn Fn() -> bool,
) -> Result<Trained, TrainError> {
    plan.check()?;
    let rules = plan.rules.as_ref().map(|rules| RuleTerm::new(rules, dataset)).transpose()?;
    let split = dataset.split(&plan.protocol, &plan.shape)?;
    let priors = priors(&split.train);
    let standard = Standard::of(dataset, &split.train, plan.shape.price_numbers);
    let numbers = Numbers::new(dataset, &plan.shape, &standard, plan.odd.as_ref());
    let lessons = Lessons {
        shape: &plan.shape,
        numbers: &numbers,
        train: &split.train,
        fit: split.fit.clone(),
        validation: split.validation.clone(),
        rules: rules.as_ref().filter(|rules| rules.weighs()),
    };
    let mut state = State::open(dataset, plan, &priors)?;
    'courses: for at in 0..state.courses.len() {
        while !state.courses[at].is_over(&plan.fitting) {
            if should_stop() {
                break 'courses;
            }
            let course = &mut state.courses[at];
            let losses = course.run_epoch(&lessons, &plan.fitting)?;
            progress(course.progress(at, plan.seeds.len(), &plan.fitting, losses));
            state.keep(plan.state.as_deref())?;
        }
    }
    judge(dataset, plan, &split, &standard, &numbers, &state.courses, rules.as_ref())
}

impl Plan {
    fn check(&self) -> Result<(), TrainError> {
        self.shape.check()?;
        let wrong = |why: String| Err(TrainError::Plan(why));
        let Fitting { batch, epochs, patience, modality_dropout, .. } = self.fitting;
        if self.seeds.is_empty() || batch == 0 || epochs == 0 || patience == 0 {
            let seeds = self.seeds.len();
            return wrong(format!(
                "{seeds} seeds, batch {batch}, {epochs} epochs, patience {patience}: at least 1 each"
            ));
        }
        if !(0.0..1.0).contains(&modality_dropout) {
            return wrong(format!(
                "modality_dropout is {modality_dropout}, but must be at least 0 and below 1"
            ));
        }
        if self.shape.actions != 3 {
            return wrong(format!("{} actions, but up, down and flat are forecast", self.shape.actions));
        }
        let sizes = |odd: &Odd| [odd.features.len(), odd.price.len()];
        let want = [self.shape.features, self.shape.price_numbers];
        if let Some(got) = self.odd.as_ref().map(sizes).filter(|got| *got != want) {
            return wrong(format!("odd tells of {got:?} features and price numbers, but there are {want:?}"));
        }
        if self.rule_number >= self.shape.price_numbers {
            let (number, count) = (self.rule_number, self.shape.price_numbers);
            return wrong(format!("rule_number is {number}, but must be below {count}, the price numbers"));
        }
        Ok(())
    }
}

/// Judges the best network of each course that has one.
fn judge(
    dataset: &Dataset,
    plan: &Plan,
    split: &Split,
    standard: &Standard,
    numbers: &Numbers,
    courses: &[Course],
    rules: Option<&RuleTerm<'_>>,
) -> Result<Trained, TrainError> {
    let priors = priors(&split.train);
    let classes: Vec<usize> = split.test.iter().map(|sample| sample.class).collect();
    let signs = rule(dataset, &split.test, plan.rule_number);
    let judge = Judge { classes: &classes, rule: &signs, priors, bootstrap: &plan.bootstrap };
    let (mut seeds, mut models) = (Vec::new(), Vec::new());
    let learned: Vec<(&Course, Best)> =
        courses.iter().filter_map(|course| Some((course, course.learned()?))).collect();
    for (course, best) in &learned {
        let probabilities = best.forecast(numbers, &plan.shape, &split.test, &plan.fitting)?;
        seeds.push(SeedReport {
            seed: course.seed,
            epochs: course.epochs(),
            best_epoch: best.epoch,
            validation_loss: best.validation_loss,
            test: judge.figures(&Forecast::of(probabilities.clone(), &priors)),
        });
        models.push(probabilities);
    }
    let by_validation = learned
        .iter()
        .enumerate()
        .min_by(|(_, (_, a)), (_, (_, b))| a.validation_loss.total_cmp(&b.validation_loss));
    let (chosen, (course, best)) = by_validation.ok_or(TrainError::Stopped)?;
    let mut tensors = best.tensors.clone();
    standard.fold(&mut tensors);
    let [up, down, flat] = counts(&split.test);
    let others = baselines(dataset, split, standard, plan.rule_number, plan.odd.as_ref(), &priors);
    let report = Report {
        test: Test { up, down, flat, figures: judge.figures(&Forecast::of(mean(&models), &priors)) },
        rule: hits(&classes, &signs),
        baselines: others.iter().map(|(name, forecast)| (name.clone(), judge.figures(forecast))).collect(),
        seeds,
        chosen_seed: course.seed,
        samples: Samples {
            fit: split.fit.len(),
            validation: split.validation.len(),
            train: split.train.len(),
            test: split.test.len(),
        },
        priors,
        cut_ns: split.cut_ns,
        rules: rules.map(|rules| rules.report(&split.test, &models[chosen], plan.fitting.batch)),
        finished: courses.iter().all(|course| course.is_over(&plan.fitting)),
    };
    Ok(Trained { weights: Weights::new(&plan.shape, tensors)?, report, modalities: standard.modalities() })
}

fn hits(classes: &[usize], signs: &[i8]) -> Rule {
    let count = |class: usize, hit: &dyn Fn(i8) -> bool| {
        classes.iter().zip(signs).filter(|(c, sign)| **c == class && hit(**sign)).count()
    };
    Rule {
        true_up: count(UP, &|sign| sign > 0),
        missed_up: count(UP, &|sign| sign <= 0),
        true_down: count(DOWN, &|sign| sign < 0),
        missed_down: count(DOWN, &|sign| sign >= 0),
    }
}

impl State {
    /// The state that is kept, or that of a training that has not begun.
    fn open(dataset: &Dataset, plan: &Plan, priors: &[f64; 3]) -> Result<Self, TrainError> {
        let plan_bytes = bincode::serialize(plan).map_err(|e| TrainError::Plan(e.to_string()))?;
        let mut of = format!("{} {}", dataset.hash(), blake3::hash(&plan_bytes).to_hex());
        if let Some(rules) = plan.rules.as_ref().filter(|rules| rules.weight > 0.0) {
            of += &format!(" {} {}", rules.hash(), rules.weight);
        }
        if let Some(path) = plan.state.as_deref().filter(|path| path.exists()) {
            let wrong = |why: String| TrainError::State { path: path.to_owned(), why };
            let bytes = std::fs::read(path).map_err(|source| file_error(path, source))?;
            let body = bytes.strip_prefix(MAGIC).ok_or_else(|| wrong("not a training state".to_owned()))?;
            let state: Self = bincode::deserialize(body).map_err(|e| wrong(format!("damaged ({e})")))?;
            return if state.of == of {
                Ok(state)
            } else {
                Err(wrong("of another data set or plan".to_owned()))
            };
        }
        let courses = plan.seeds.iter().map(|&seed| Course::new(&plan.shape, seed, priors));
        Ok(Self { of, courses: courses.collect::<Result<_, _>>()? })
    }

    /// Keeps it, replacing what was kept in one step.
    fn keep(&self, path: Option<&Path>) -> Result<(), TrainError> {
        let Some(path) = path else { return Ok(()) };
        let mut bytes = MAGIC.to_vec();
        bincode::serialize_into(&mut bytes, self).map_err(|e| file_error(path, std::io::Error::other(e)))?;
        let draft = path.with_extension("draft");
        std::fs::write(&draft, bytes).map_err(|source| file_error(&draft, source))?;
        std::fs::rename(&draft, path).map_err(|source| file_error(path, source))
    }
}

fn file_error(path: &Path, source: std::io::Error) -> TrainError {
    TrainError::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
