//! AdamW with clipping of the whole gradient, in plain loops, so that its state can be kept and taken up
//! again to the bit.

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{Device, Result, Tensor};
use serde::{Deserialize, Serialize};

use crate::net::Net;

const FIRST_DECAY: f64 = 0.9;
const SECOND_DECAY: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// How far a step goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// The learning rate.
    pub rate: f64,
    /// Steps until the full rate.
    pub warmup_steps: u32,
    /// Weight decay of matrices; gains, biases and positions are free.
    pub decay: f64,
    /// The largest norm of a gradient.
    pub clip: f64,
}

impl Default for Rates {
    fn default() -> Self {
        Self { rate: 6e-4, warmup_steps: 50, decay: 0.3, clip: 1.0 }
    }
}

/// The state of the optimiser.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AdamW {
    steps: u32,
    moments: BTreeMap<String, [Vec<f32>; 2]>,
}

impl AdamW {
    /// One step of every variable that the gradients reach, but for `frozen`.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn step(&mut self, net: &Net, grads: &GradStore, rates: &Rates, frozen: &[&str]) -> Result<()> {
        let mut found = Vec::new();
        for (name, var) in net.vars.iter().filter(|(name, _)| !frozen.contains(&name.as_str())) {
            if let Some(grad) = grads.get(var) {
                found.push((name, var, grad.flatten_all()?.to_vec1::<f32>()?));
            }
        }
        let square: f64 =
            found.iter().flat_map(|(_, _, grad)| grad).map(|g| f64::from(*g) * f64::from(*g)).sum();
        let shrink = (rates.clip / square.sqrt().max(rates.clip)) as f32;
        self.steps += 1;
        let warm = f64::from(self.steps.min(rates.warmup_steps)) / f64::from(rates.warmup_steps.max(1));
        let rate = rates.rate * if rates.warmup_steps == 0 { 1.0 } else { warm };
        let steps = f64::from(self.steps);
        let first_scale = 1.0 / (1.0 - libm::pow(FIRST_DECAY, steps));
        let second_scale = 1.0 / (1.0 - libm::pow(SECOND_DECAY, steps));
        for (name, var, grad) in found {
            let mut values: Vec<f32> = var.flatten_all()?.to_vec1()?;
            let nothing = || [vec![0.0; grad.len()], vec![0.0; grad.len()]];
            let [first, second] = self.moments.entry(name.clone()).or_insert_with(nothing);
            let decays = var.rank() == 2 && !name.ends_with(".pos");
            let keep = if decays { 1.0 - rate * rates.decay } else { 1.0 };
            for (((x, g), m), v) in values.iter_mut().zip(&grad).zip(first).zip(second) {
                let g = g * shrink;
                *m = FIRST_DECAY as f32 * *m + (1.0 - FIRST_DECAY) as f32 * g;
                *v = SECOND_DECAY as f32 * *v + (1.0 - SECOND_DECAY) as f32 * g * g;
                let step = f64::from(*m) * first_scale / ((f64::from(*v) * second_scale).sqrt() + EPSILON);
                *x = (f64::from(*x) * keep - rate * step) as f32;
            }
            var.set(&Tensor::from_vec(values, var.dims(), &Device::Cpu)?)?;
        }
        Ok(())
    }
}
