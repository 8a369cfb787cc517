//! Samples as tensors.
//!
//! A frame is drawn once a batch, however many videos show it. So a batch is made of runs of samples that
//! are a stride apart: a run of n shares its frames, n + N − 1 instead of n · N.

use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor};
use networks::Shape;
use serde::{Deserialize, Serialize};
use synapse::random::{seed_for, uniform};
use synapse::{Action, Modality};

use crate::dataset::{DOWN, Dataset, FLAT, Sample, UP};
use crate::net::{Input, Shown};

/// Samples of a run.
const RUN: usize = 32;
/// What a recall is of.
const ACTIONS: usize = Action::COUNT;

/// Mean and deviation of each price number in the training part, and the root mean square of each number of recall:
/// that has no mean taken off, as 0 says that nothing is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Standard {
    mean: Vec<f64>,
    deviation: Vec<f64>,
    /// Empty where nothing was recalled.
    pub(crate) recall: Vec<f64>,
    /// Whether there is a headline.
    reads: bool,
}

impl Standard {
    /// Of the rows of these samples; a number that does not change keeps its unit.
    #[must_use]
    pub fn of(dataset: &Dataset, samples: &[Sample], numbers: usize) -> Self {
        let count = samples.len().max(1) as f64;
        let over = |value: &dyn Fn(&[f32]) -> f64| {
            samples.iter().map(|sample| value(&dataset.rows[sample.row].price)).sum::<f64>() / count
        };
        let mean: Vec<f64> = (0..numbers).map(|k| over(&|price| f64::from(price[k]))).collect();
        let variance =
            |k: usize| over(&|price| (f64::from(price[k]) - mean[k]) * (f64::from(price[k]) - mean[k]));
        let root = |square: f64| if square > 1e-12 { square.sqrt() } else { 1.0 };
        let deviation = (0..numbers).map(variance).map(root).collect();
        let recalls: Vec<&Vec<f32>> = samples
            .iter()
            .map(|sample| &dataset.rows[sample.row].recall)
            .filter(|recall| !recall.is_empty())
            .collect();
        let width = recalls.first().map_or(0, |recall| recall.len());
        // one scale a kind of number, whatever the action
        let kinds = (width / ACTIONS).max(1);
        let square = |kind: usize| {
            let of_kind = recalls.iter().flat_map(|recall| recall.iter().skip(kind).step_by(kinds));
            let (sum, count) =
                of_kind.fold((0.0, 0.0), |(sum, count), &x| (sum + f64::from(x) * f64::from(x), count + 1.0));
            sum / f64::max(count, 1.0)
        };
        let recall = (0..width).map(|at| root(square(at % kinds))).collect();
        let reads = samples.iter().any(|sample| dataset.rows[sample.row].headline.is_some());
        Self { mean, deviation, recall, reads }
    }

    /// What these samples teach: vision and prices, and text and memory where one of them has it.
    #[must_use]
    pub fn modalities(&self) -> Vec<Modality> {
        let teaches = |modality: &Modality| match modality {
            Modality::Vision | Modality::Price => true,
            Modality::Text => self.reads,
            Modality::Memory => !self.recall.is_empty(),
        };
        Modality::ALL.into_iter().filter(teaches).collect()
    }

    /// A row in deviations from the mean.
    pub fn apply<'a>(&'a self, price: &'a [f32]) -> impl Iterator<Item = f64> + 'a {
        let law = self.mean.iter().zip(&self.deviation);
        price.iter().zip(law).map(|(&x, (mean, deviation))| (f64::from(x) - mean) / deviation)
    }

    /// A recall in its scales.
    pub(crate) fn scale_recall(&self, recall: &[f32]) -> Vec<f32> {
        recall.iter().zip(&self.recall).map(|(&x, scale)| (f64::from(x) / scale) as f32).collect()
    }

    /// Makes a network of standardised rows one of plain rows, so that no other place need know.
    pub fn fold(&self, tensors: &mut BTreeMap<String, Vec<f32>>) {
        self.fold_recall(tensors);
        self.fold_price(tensors);
    }

    /// Of recall, both its slot and its columns of the gate, the last.
    fn fold_recall(&self, tensors: &mut BTreeMap<String, Vec<f32>>) {
        if self.recall.is_empty() {
            return;
        }
        let width = tensors.get("fusion.gate.bias").map_or(1, Vec::len);
        for name in ["fusion.m.weight", "fusion.gate.weight"] {
            let Some(weight) = tensors.get_mut(name) else { continue };
            let columns = weight.len() / width;
            for row in weight.chunks_exact_mut(columns) {
                let memory = row[columns - self.recall.len()..].iter_mut();
                memory.zip(&self.recall).for_each(|(w, scale)| *w = (f64::from(*w) / scale) as f32);
            }
        }
    }

    fn fold_price(&self, tensors: &mut BTreeMap<String, Vec<f32>>) {
        let Some(mut weight) = tensors.remove("price.embed.weight") else { return };
        if let Some(bias) = tensors.get_mut("price.embed.bias") {
            for (row, bias) in weight.chunks_exact_mut(self.mean.len()).zip(bias) {
                let mut sum = f64::from(*bias);
                for ((w, mean), deviation) in row.iter_mut().zip(&self.mean).zip(&self.deviation) {
                    let folded = f64::from(*w) / deviation;
                    sum -= folded * mean;
                    *w = folded as f32;
                }
                *bias = sum as f32;
            }
        }
        tensors.insert("price.embed.weight".to_owned(), weight);
    }
}

/// Which numbers change their sign when buyers and sellers change places.
///
/// A book and its mirror image obey one law: each sample is as good an example mirrored, which doubles what
/// there is to learn from and takes away the drift of the days that were seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Odd {
    /// Of each feature.
    pub features: Vec<bool>,
    /// Of each price number.
    pub price: Vec<bool>,
}

/// A recall in the mirror: what was remembered of buying is remembered of selling.
fn change_places(mut recall: Vec<f32>) -> Vec<f32> {
    let each = recall.len() / ACTIONS;
    let (buy, others) = recall.split_at_mut(each);
    buy.swap_with_slice(&mut others[..each]);
    recall
}

impl Odd {
    /// Numbers with the sign of those changed that are odd; without `odd`, as they are.
    pub(crate) fn turn(numbers: &[f32], odd: Option<&Vec<bool>>) -> Vec<f32> {
        let is_odd = |i: usize| odd.is_some_and(|odd| odd.get(i) == Some(&true));
        numbers.iter().enumerate().map(|(i, x)| if is_odd(i) { -x } else { *x }).collect()
    }
}

/// The numbers of a data set, ready to be cut into batches.
pub struct Numbers {
    shape: Shape,
    /// Normalised values of the rows that are drawn, `[drawn][F]`, as they are and mirrored.
    z: [Vec<f32>; 2],
    /// How many rows are drawn before each.
    drawn_before: Vec<usize>,
    /// Standardised price numbers, `[rows][K]`, as they are and mirrored.
    price: [Vec<f32>; 2],
    /// What was taught; the rest is in no batch.
    modalities: Vec<Modality>,
    /// Scaled recalls, one a row, as they are and mirrored; empty where nothing was recalled.
    recall: [Vec<Vec<f32>>; 2],
    headlines: Vec<Vec<f32>>,
    /// The headline of each row.
    headline: Vec<Option<u32>>,
    has_mirror: bool,
}

/// A batch: what goes in and what should come out.
pub struct Batch {
    /// What goes in.
    pub input: Input,
    /// The class of each sample, 1 in its column: `[B, 3]`.
    pub classes: Tensor,
    /// What each action would have earned, in basis points: `[B, 3]`.
    pub earned_bp: Tensor,
}

impl Numbers {
    /// Of a data set that has been checked; with `odd`, samples can be mirrored.
    #[must_use]
    pub fn new(dataset: &Dataset, shape: &Shape, standard: &Standard, odd: Option<&Odd>) -> Self {
        let drawn_before = dataset.rows.iter().scan(0, |drawn, row| {
            let before = *drawn;
            *drawn += usize::from(!row.z.is_empty());
            Some(before)
        });
        let z = [None, odd.map(|odd| &odd.features)];
        let price = [None, odd.map(|odd| &odd.price)];
        let standardised = |row: &[f32]| standard.apply(row).map(|x| x as f32).collect::<Vec<_>>();
        Self {
            shape: shape.clone(),
            z: z.map(|odd| dataset.rows.iter().flat_map(|row| Odd::turn(&row.z, odd)).collect()),
            drawn_before: drawn_before.collect(),
            price: price.map(|odd| {
                dataset.rows.iter().flat_map(|row| standardised(&Odd::turn(&row.price, odd))).collect()
            }),
            recall: [false, true].map(|is_mirrored| {
                let scaled = dataset.rows.iter().map(|row| standard.scale_recall(&row.recall));
                scaled.map(|recall| if is_mirrored { change_places(recall) } else { recall }).collect()
            }),
            modalities: standard.modalities(),
            headlines: dataset.headlines.clone(),
            headline: dataset.rows.iter().map(|row| row.headline).collect(),
            has_mirror: odd.is_some(),
        }
    }

    /// The samples in batches of at most `size`: with a `seed` their order is drawn, and which runs are
    /// mirrored; without one they stand in the order of their frames, as they are.
    #[must_use]
    pub fn batches(&self, samples: &[Sample], size: usize, seed: Option<u64>) -> Vec<Vec<Sample>> {
        let mut ordered = samples.to_vec();
        ordered.sort_by_key(|sample| {
            let drawn = self.drawn_before[sample.row];
            (drawn % self.shape.stride, drawn)
        });
        let run = RUN.min(size).max(1);
        let Some(seed) = seed else { return ordered.chunks(size.max(1)).map(<[_]>::to_vec).collect() };
        // runs begin elsewhere in each epoch
        let begin = (uniform(seed_for(seed, "begin"), 0) * run as f64) as usize;
        ordered.rotate_left(begin.min(samples.len()));
        let mut runs: Vec<(u64, &[Sample])> = ordered
            .chunks(run)
            .enumerate()
            .map(|(i, run)| (uniform(seed_for(seed, "runs"), i as u64).to_bits(), run))
            .collect();
        runs.sort_by_key(|(drawn, _)| *drawn);
        let turned = |(drawn, run): &(u64, &[Sample])| -> Vec<Sample> {
            let mirrored = self.has_mirror && uniform(seed_for(seed, "mirror"), *drawn) < 0.5;
            run.iter().map(|sample| if mirrored { sample.mirror() } else { *sample }).collect()
        };
        runs.chunks((size / run).max(1)).map(|runs| runs.iter().flat_map(turned).collect()).collect()
    }

    /// The tensors of a modality that not every sample has; none where it was not taught.
    fn shown<'a>(
        &self,
        samples: &[Sample],
        modality: Modality,
        width: usize,
        of: impl Fn(&Sample) -> Option<&'a [f32]>,
    ) -> Result<Option<Shown>> {
        if !self.modalities.contains(&modality) {
            return Ok(None);
        }
        let (mut numbers, mut present) = (vec![0.0; samples.len() * width], vec![0.0f32; samples.len()]);
        for ((sample, numbers), present) in
            samples.iter().zip(numbers.chunks_exact_mut(width)).zip(&mut present)
        {
            if let Some(found) = of(sample) {
                numbers.copy_from_slice(found);
                *present = 1.0;
            }
        }
        let (count, device) = (samples.len(), &Device::Cpu);
        Ok(Some(Shown {
            numbers: Tensor::from_vec(numbers, (count, width), device)?,
            present: Tensor::from_vec(present, (count, 1), device)?,
        }))
    }

    /// The tensors of a batch; `shows` tells of each sample whether vision, text and memory are shown, if they are there.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn batch(&self, samples: &[Sample], shows: impl Fn(&Sample, Modality) -> bool) -> Result<Batch> {
        let Shape { features, window, stride, frames, price_numbers, price_window, .. } = self.shape;
        let ends = |sample: &Sample| {
            let newest = self.drawn_before[sample.row];
            let mirrored = usize::from(sample.mirrored);
            (0..frames).rev().map(move |back| (mirrored, newest - back * stride))
        };
        let mut places: BTreeMap<(usize, usize), u32> =
            samples.iter().flat_map(ends).map(|end| (end, 0)).collect();
        places.values_mut().zip(0..).for_each(|(place, at)| *place = at);
        let windows: Vec<f32> = places
            .keys()
            .flat_map(|(side, end)| &self.z[*side][(end + 1 - window) * features..(end + 1) * features])
            .copied()
            .collect();
        let videos: Vec<u32> = samples.iter().flat_map(ends).map(|end| places[&end]).collect();
        let rows = |sample: &Sample| {
            let (newest, side) = (sample.row, usize::from(sample.mirrored));
            (0..price_window).rev().map(move |back| (side, newest.saturating_sub(back)))
        };
        let price: Vec<f32> = samples
            .iter()
            .flat_map(rows)
            .flat_map(|(side, row)| &self.price[side][row * price_numbers..(row + 1) * price_numbers])
            .copied()
            .collect();
        let device = &Device::Cpu;
        let count = samples.len();
        let table = |of: &dyn Fn(&Sample) -> [f32; 3]| {
            Tensor::from_vec(samples.iter().flat_map(of).collect::<Vec<f32>>(), (count, 3), device)
        };
        Ok(Batch {
            input: Input {
                windows: Tensor::from_vec(windows, (places.len(), window, features), device)?,
                videos: Tensor::from_vec(videos, count * frames, device)?,
                price: Tensor::from_vec(price, (count, price_window, price_numbers), device)?,
                sees: Tensor::from_iter(
                    samples.iter().map(|s| f32::from(u8::from(shows(s, Modality::Vision)))),
                    device,
                )?
                .reshape((count, 1))?,
                text: self.shown(samples, Modality::Text, self.shape.text, |sample| {
                    // what a headline says of the mirror image nobody knows
                    let is_shown = !sample.mirrored && shows(sample, Modality::Text);
                    Some(&*self.headlines[self.headline[sample.row].filter(|_| is_shown)? as usize])
                })?,
                memory: self.shown(samples, Modality::Memory, self.shape.memory, |sample| {
                    let recall = &*self.recall[usize::from(sample.mirrored)][sample.row];
                    Some(recall).filter(|recall| !recall.is_empty() && shows(sample, Modality::Memory))
                })?,
            },
            classes: table(&|s| [UP, DOWN, FLAT].map(|c| f32::from(u8::from(s.class == c))))?,
            earned_bp: table(&|s| [s.move_bp, -s.move_bp, 0.0])?,
        })
    }
}
