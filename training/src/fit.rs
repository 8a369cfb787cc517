//! One seed's course: epochs of steps, a validation after each, and when to stop.

use std::collections::BTreeMap;
use std::ops::Range;

use candle_core::{Result as TensorResult, Tensor};
use networks::Shape;
use serde::{Deserialize, Serialize};
use synapse::Modality;
use synapse::random::{seed_for, uniform};

use crate::adamw::{AdamW, Rates};
use crate::batch::{Batch, Numbers};
use crate::dataset::{Sample, priors};
use crate::error::TrainError;
use crate::evaluate::Bootstrap;
use crate::layers::log_softmax;
use crate::logic::term::RuleTerm;
use crate::net::{Net, Output};

/// How a network is fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fitting {
    /// The optimiser.
    pub rates: Rates,
    /// Samples of a step.
    pub batch: usize,
    /// The most epochs.
    pub epochs: u32,
    /// Epochs without a better validation until it stops.
    pub patience: u32,
    /// The chance that a sample is shown without vision, and likewise without text and without memory.
    pub modality_dropout: f64,
    /// λ of the policy, softmax(go − λ · no_go).
    pub inhibition: f64,
    /// The weight of the critic's loss beside the forecast's.
    pub critic_weight: f64,
    /// So many samples are a block of a bag; without one what there is is learnt from as it is.
    ///
    /// With bags (Breiman 1996) each course draws blocks of the part that fits, with replacement, to find when to stop;
    /// then it begins again and learns for as long from blocks of the whole training part, the validation among them.
    /// The mean of several courses is less sure of what few samples say than each of them.
    pub bag_block: Option<usize>,
    /// Whether GADF is blanked and the shift stays 0, for the experiment on what pictures can tell.
    pub sum_only: bool,
}

impl Default for Fitting {
    fn default() -> Self {
        Self {
            rates: Rates::default(),
            batch: 64,
            epochs: 30,
            patience: 6,
            modality_dropout: 0.15,
            inhibition: 1.0,
            critic_weight: 0.05,
            bag_block: Some(120),
            sum_only: false,
        }
    }
}

/// The tensors of a network by their names.
pub type Tensors = BTreeMap<String, Vec<f32>>;

/// What is learnt from: numbers, and which samples of them fit and which validate.
pub struct Lessons<'a> {
    /// The network's sizes.
    pub shape: &'a Shape,
    /// The numbers.
    pub numbers: &'a Numbers,
    /// The training part in order of time.
    pub train: &'a [Sample],
    /// Of it what gradients come from, until it is known when to stop.
    pub fit: Range<usize>,
    /// Of it what decides when to stop.
    pub validation: Range<usize>,
    /// Soft rules that are felt beside the loss.
    pub rules: Option<&'a RuleTerm<'a>>,
}

/// A course as far as it has come; kept, it can be taken up again to the bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// Its seed.
    pub seed: u64,
    /// Until it is known when to stop.
    pub(crate) pupil: Pupil,
    /// The best so far.
    pub best: Option<Best>,
    /// From the new beginning on, where there are bags.
    again: Option<Pupil>,
}

/// Who learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pupil {
    /// Epochs that have ended.
    pub(crate) epoch: u32,
    /// The network now.
    pub(crate) tensors: Tensors,
    optimiser: AdamW,
}

/// The best network of a course.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// After which epoch, from 1.
    pub epoch: u32,
    /// Its mean loss in the validation part.
    pub validation_loss: f64,
    /// Its tensors, for standardised price rows.
    pub tensors: Tensors,
}

/// How training stands after an epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Which course, from 0.
    pub course: usize,
    /// How many there are.
    pub courses: usize,
    /// Its seed.
    pub seed: u64,
    /// Epochs that have ended.
    pub epoch: u32,
    /// The most there will be.
    pub epochs: u32,
    /// Mean loss over the epoch, critic and rules included.
    pub loss: f64,
    /// Mean cross-entropy in the validation part.
    pub validation_loss: f64,
    /// The epoch of the best validation.
    pub best_epoch: u32,
}

/// The logarithms of the shares of up, down and flat.
fn logs(output: &Output, fitting: &Fitting) -> TensorResult<Tensor> {
    log_softmax(&(&output.go - (&output.no_go * fitting.inhibition)?)?)
}

/// The mean cross-entropy of a batch, and with the critic's loss at its weight beside it.
pub(crate) fn losses(output: &Output, batch: &Batch, fitting: &Fitting) -> TensorResult<(Tensor, Tensor)> {
    let count = batch.classes.dim(0)? as f64;
    let forecast = ((logs(output, fitting)? * &batch.classes)?.sum_all()?.neg()? / count)?;
    // Huber: e²/2 up to 1 bp, linear beyond; with c taken as a constant the gradient is c
    let error = (&output.q - &batch.earned_bp)?;
    let c = error.detach().clamp(-1f32, 1f32)?;
    let critic = ((&c * (&error - (&c / 2.0)?)?)?.sum_all()? / count)?;
    let both = (&forecast + (critic * fitting.critic_weight)?)?;
    Ok((forecast, both))
}

/// Runs on one thread: products this small are slower on several, and seeds can then run beside each other.
pub(crate) fn on_one_thread<T: Send>(
    work: impl FnOnce() -> Result<T, TrainError> + Send,
) -> Result<T, TrainError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.map_err(candle_core::Error::wrap)?.install(work)
}

/// The forecasts of a network for these samples, in their order.
fn forecast(
    net: &Net,
    numbers: &Numbers,
    samples: &[Sample],
    fitting: &Fitting,
) -> Result<Vec<[f64; 3]>, TrainError> {
    let mut by_row = BTreeMap::new();
    for part in numbers.batches(samples, 4 * fitting.batch, None) {
        let batch = numbers.batch(&part, |_, _| true)?;
        let logs: Vec<Vec<f32>> = logs(&net.forward(&batch.input)?, fitting)?.to_vec2()?;
        for (sample, logs) in part.iter().zip(logs) {
            by_row.insert(sample.row, [0, 1, 2].map(|class| libm::exp(f64::from(logs[class]))));
        }
    }
    Ok(samples.iter().filter_map(|sample| by_row.get(&sample.row).copied()).collect())
}

/// Mean −ln p of what happened.
fn cross_entropy(forecasts: &[[f64; 3]], samples: &[Sample]) -> f64 {
    let loss = |(p, sample): (&[f64; 3], &Sample)| -libm::log(p[sample.class].max(1e-12));
    forecasts.iter().zip(samples).map(loss).sum::<f64>() / samples.len().max(1) as f64
}

impl Best {
    /// Its forecasts for these samples, up, down and flat, in their order.
    ///
    /// # Errors
    /// A shape that is not its own.
    pub fn forecast(
        &self,
        numbers: &Numbers,
        shape: &Shape,
        samples: &[Sample],
        fitting: &Fitting,
    ) -> Result<Vec<[f64; 3]>, TrainError> {
        let mut net = Net::with(shape, &self.tensors)?;
        net.sum_only = fitting.sum_only;
        on_one_thread(|| forecast(&net, numbers, samples, fitting))
    }
}

impl Course {
    /// A course before its first step.
    ///
    /// # Errors
    /// A shape that cannot be.
    pub fn new(shape: &Shape, seed: u64, priors: &[f64; 3]) -> Result<Self, TrainError> {
        let tensors = Net::seeded(shape, seed, priors)?.tensors()?;
        let pupil = Pupil { epoch: 0, tensors, optimiser: AdamW::default() };
        Ok(Self { seed, pupil, best: None, again: None })
    }

    /// Whether it has come to its end.
    #[must_use]
    pub fn is_over(&self, fitting: &Fitting) -> bool {
        let is_again_over = self.again.as_ref().is_some_and(|again| again.epoch >= self.best_epoch());
        self.knows_when_to_stop(fitting) && (fitting.bag_block.is_none() || is_again_over)
    }

    fn knows_when_to_stop(&self, fitting: &Fitting) -> bool {
        self.epochs() >= fitting.epochs || self.epochs() >= self.best_epoch() + fitting.patience
    }

    /// Epochs that have ended until it was known when to stop.
    #[must_use]
    pub const fn epochs(&self) -> u32 {
        self.pupil.epoch
    }

    fn best_epoch(&self) -> u32 {
        self.best.as_ref().map_or(0, |best| best.epoch)
    }

    /// What it has come to: the best, with the tensors of the new beginning where that has come to its end.
    #[must_use]
    pub fn learned(&self) -> Option<Best> {
        let best = self.best.clone()?;
        let again = self.again.as_ref().filter(|again| again.epoch >= best.epoch);
        Some(Best { tensors: again.map_or(best.tensors, |again| again.tensors.clone()), ..best })
    }

    /// How it stands after an epoch of these losses, as one of so many courses.
    pub(crate) fn progress(
        &self,
        course: usize,
        courses: usize,
        fitting: &Fitting,
        [loss, validation_loss]: [f64; 2],
    ) -> Progress {
        let (best_epoch, again) = (self.best_epoch(), self.again.as_ref().map_or(0, |again| again.epoch));
        let (seed, epoch) = (self.seed, self.epochs() + again);
        let epochs = if fitting.bag_block.is_some() { 2 * fitting.epochs } else { fitting.epochs };
        Progress { course, courses, seed, epoch, epochs, loss, validation_loss, best_epoch }
    }

    /// Learns for one epoch, and validates until it knows when to stop; gives the mean losses of both.
    ///
    /// # Errors
    /// A loss that is no number.
    pub fn run_epoch(&mut self, lessons: &Lessons<'_>, fitting: &Fitting) -> Result<[f64; 2], TrainError> {
        on_one_thread(|| {
            if self.knows_when_to_stop(fitting) {
                self.epoch_again(lessons, fitting)
            } else {
                self.epoch_until_it_stops(lessons, fitting)
            }
        })
    }

    fn epoch_until_it_stops(
        &mut self,
        lessons: &Lessons<'_>,
        fitting: &Fitting,
    ) -> Result<[f64; 2], TrainError> {
        let fit = self.bag(&lessons.train[lessons.fit.clone()], fitting);
        let loss = self.pupil.learn(lessons, &fit, fitting, self.seed)?;
        let mut net = Net::with(lessons.shape, &self.pupil.tensors)?;
        net.sum_only = fitting.sum_only;
        let validation = &lessons.train[lessons.validation.clone()];
        let forecasts = forecast(&net, lessons.numbers, validation, fitting)?;
        let validation_loss = cross_entropy(&forecasts, validation);
        if self.best.as_ref().is_none_or(|best| validation_loss < best.validation_loss) {
            let tensors = self.pupil.tensors.clone();
            self.best = Some(Best { epoch: self.epochs(), validation_loss, tensors });
        }
        Ok([loss, validation_loss])
    }

    fn epoch_again(&mut self, lessons: &Lessons<'_>, fitting: &Fitting) -> Result<[f64; 2], TrainError> {
        let mut again = match self.again.take() {
            Some(again) => again,
            None => Self::new(lessons.shape, self.seed, &priors(lessons.train))?.pupil,
        };
        let loss = again.learn(lessons, &self.bag(lessons.train, fitting), fitting, self.seed)?;
        self.again = Some(again);
        Ok([loss, self.best.as_ref().map_or(f64::NAN, |best| best.validation_loss)])
    }

    /// Blocks of samples, drawn with replacement, as many as there are; or all of them where there are no bags.
    pub(crate) fn bag(&self, samples: &[Sample], fitting: &Fitting) -> Vec<Sample> {
        let Some(block) = fitting.bag_block else { return samples.to_vec() };
        let bag = Bootstrap { block, draws: 1, seed: seed_for(self.seed, "bag") };
        bag.blocks(samples.len(), 0).flat_map(|block| &samples[block]).copied().collect()
    }
}

impl Pupil {
    /// Learns for one epoch; the mean loss.
    fn learn(
        &mut self,
        lessons: &Lessons<'_>,
        samples: &[Sample],
        fitting: &Fitting,
        course_seed: u64,
    ) -> Result<f64, TrainError> {
        let mut net = Net::with(lessons.shape, &self.tensors)?;
        net.sum_only = fitting.sum_only;
        let frozen: &[&str] = if fitting.sum_only { &["sight.shift"] } else { &[] };
        let seed = seed_for(course_seed, &format!("epoch {}", self.epoch));
        let dropouts = Modality::ALL.map(|modality| seed_for(seed, &format!("{} dropout", modality.name())));
        let mut sum = 0.0;
        for part in lessons.numbers.batches(samples, fitting.batch, Some(seed)) {
            let shows = |sample: &Sample, modality: Modality| {
                uniform(dropouts[modality as usize], sample.row as u64) > fitting.modality_dropout
            };
            let batch = lessons.numbers.batch(&part, shows)?;
            let output = net.forward(&batch.input)?;
            let (_, mut loss) = losses(&output, &batch, fitting)?;
            if let Some(rules) = lessons.rules {
                loss = (loss + rules.term(&part, &logs(&output, fitting)?.exp()?)?)?;
            }
            let value = f64::from(loss.to_scalar::<f32>()?);
            if !value.is_finite() {
                let (seed, epoch) = (course_seed, self.epoch + 1);
                return Err(TrainError::Diverged { seed, epoch, loss: value });
            }
            sum += value * part.len() as f64;
            self.optimiser.step(&net, &loss.backward()?, &fitting.rates, frozen)?;
        }
        self.epoch += 1;
        self.tensors = net.tensors()?;
        Ok(sum / samples.len() as f64)
    }
}
