//! A small policy for the planted experiment: features → shares of the actions, learned from logged rewards.

use candle_core::{D, Device, Result as TensorResult, Tensor, Var};
use candle_nn::optim::{AdamW, Optimizer, ParamsAdamW};
use rules::Sort;
use synapse::random::{seed_for, uniform};

use super::loss::LogicLoss;
use crate::error::TrainError;
use crate::layers::softmax;

/// Actions: nothing, wait in the book, take.
pub const ACTIONS: usize = 3;
/// The action that takes.
pub const AGGRESSIVE: usize = 2;

/// What was logged: features, which action was drawn, all alike, and what it earned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// How many features a row has.
    pub width: usize,
    /// Features, row-major.
    pub x: Vec<f32>,
    /// The action of each row.
    pub action: Vec<usize>,
    /// What it earned.
    pub reward: Vec<f32>,
    /// What the predicate of the rules says of each row.
    pub informed: Vec<f32>,
}

/// How a policy is learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    /// Hidden units.
    pub hidden: usize,
    /// Steps, each over the whole log.
    pub steps: u32,
    /// The learning rate.
    pub rate: f64,
    /// Weight decay.
    pub decay: f64,
    /// The weight of the logic loss beside the reward; 0 is the ablation.
    pub logic_weight: f64,
}

/// softmax(V relu(W x + b) + c).
pub struct Policy {
    vars: [Var; 4],
}

impl Policy {
    /// A policy before its first step, which gives each action about the same share.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn seeded(width: usize, hidden: usize, seed: u64) -> TensorResult<Self> {
        let draw = |purpose: &str, rows: usize, columns: usize, reach: f64| {
            let seed = seed_for(seed, purpose);
            let values: Vec<f32> =
                (0..rows * columns).map(|i| (reach * (2.0 * uniform(seed, i as u64) - 1.0)) as f32).collect();
            Var::from_tensor(&Tensor::from_vec(values, (rows, columns), &Device::Cpu)?)
        };
        Ok(Self {
            vars: [
                draw("hidden", width, hidden, (6.0 / (width + hidden) as f64).sqrt())?,
                draw("hidden.bias", 1, hidden, 0.0)?,
                draw("output", hidden, ACTIONS, 0.1)?,
                draw("output.bias", 1, ACTIONS, 0.0)?,
            ],
        })
    }

    /// The shares of the actions, `[B, 3]`.
    ///
    /// # Errors
    /// Features of another width.
    pub fn shares(&self, x: &Tensor) -> TensorResult<Tensor> {
        let [w, b, v, c] = &self.vars;
        let hidden = x.matmul(w)?.broadcast_add(b)?.relu()?;
        softmax(&hidden.matmul(v)?.broadcast_add(c)?)
    }

    /// The action of the largest share for each row of features.
    ///
    /// # Errors
    /// Features of another width.
    pub fn actions(&self, x: &[f32], width: usize) -> TensorResult<Vec<u32>> {
        let x = Tensor::from_slice(x, (x.len() / width, width), &Device::Cpu)?;
        self.shares(&x)?.argmax(D::Minus1)?.to_vec1()
    }

    /// Learns from a log: the mean reward that the shares would have earned (each row weighed by how much more often
    /// its action is taken now than it was logged), and beside it the logic loss of rules whose first predicate is `informed` and whose second the share of [`AGGRESSIVE`].
    ///
    /// # Errors
    /// A log that does not fit, and those of the tensor library.
    pub fn learn(&self, log: &Log, logic: &LogicLoss, course: &Course) -> Result<(), TrainError> {
        let rows = log.action.len();
        let x = Tensor::from_slice(&log.x, (rows, log.width), &Device::Cpu)?;
        let worth: Vec<f32> = (0..rows * ACTIONS)
            .map(|i| if log.action[i / ACTIONS] == i % ACTIONS { log.reward[i / ACTIONS] } else { 0.0 })
            .collect();
        let worth = Tensor::from_vec(worth, (rows, ACTIONS), &Device::Cpu)?;
        let params = ParamsAdamW { lr: course.rate, weight_decay: course.decay, ..ParamsAdamW::default() };
        let mut optimiser = AdamW::new(self.vars.to_vec(), params)?;
        let mut world = logic.plain_world(rows);
        for (row, informed) in log.informed.iter().enumerate() {
            world.set_learned(0, Sort::Order, row, f64::from(*informed));
        }
        for _ in 0..course.steps {
            let shares = self.shares(&x)?;
            let earned = ((&shares * &worth)?.sum_all()? * (ACTIONS as f64 / rows as f64))?;
            let mut loss = earned.neg()?;
            if course.logic_weight > 0.0 {
                let taking = shares.narrow(1, AGGRESSIVE, 1)?;
                loss = (loss + (logic.term(&mut world, &[1], &taking)? * course.logic_weight)?)?;
            }
            optimiser.backward_step(&loss)?;
        }
        Ok(())
    }
}
