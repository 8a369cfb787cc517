//! Two models of one probability, in plain loops of double precision with the crate's own elementary functions, so
//! that the same data give the same bits on every machine.

use synapse::random::{seed_for, uniform};

/// What is learnt from: inputs in deviations from their means, and whether it was true.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examples {
    /// How many inputs an example has.
    pub width: usize,
    /// The inputs, an example after the other.
    pub x: Vec<f64>,
    /// 1 where it was true, else 0.
    pub y: Vec<f64>,
}

impl Examples {
    /// Each example.
    pub fn iter(&self) -> impl Iterator<Item = (&[f64], f64)> {
        self.x.chunks_exact(self.width).zip(self.y.iter().copied())
    }

    /// The same with one input only.
    #[must_use]
    pub fn only(&self, input: usize) -> Self {
        Self { width: 1, x: self.iter().map(|(x, _)| x[input]).collect(), y: self.y.clone() }
    }

    /// How often it was true.
    #[must_use]
    pub fn base_rate(&self) -> f64 {
        self.y.iter().sum::<f64>() / self.y.len().max(1) as f64
    }
}

/// 1 / (1 + e^−x), without overflow on either side.
#[must_use]
pub fn sigmoid(x: f64) -> f64 {
    let decay = libm::exp(-x.abs());
    (if x < 0.0 { decay } else { 1.0 }) / (1.0 + decay)
}

/// ln(1 + e^x) − y·x: −ln of the probability of y, of log odds x.
fn surprise(x: f64, y: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs())) - y * x
}

/// The log odds of a share, which is kept off 0 and 1.
fn log_odds(share: f64) -> f64 {
    let share = share.clamp(1e-3, 1.0 - 1e-3);
    libm::log(share / (1.0 - share))
}

/// The mean of −ln of the probability of what happened.
#[must_use]
pub fn log_loss(model: &impl Model, examples: &Examples) -> f64 {
    let sum: f64 = examples.iter().map(|(x, y)| surprise(model.logit(x), y)).sum();
    sum / examples.y.len().max(1) as f64
}

/// A model of log odds with weights that can be learnt.
pub trait Model {
    /// The log odds of an example.
    fn logit(&self, x: &[f64]) -> f64;
    /// Adds to `gradient` what an error of the probability tells of each weight.
    fn add_gradient(&self, x: &[f64], error: f64, gradient: &mut [f64]);
    /// The weights.
    fn weights(&mut self) -> &mut Vec<f64>;
    /// How many of them, from the first, are held small by the ridge.
    fn ridged(&self) -> usize;
}

/// Adam, full batch.
pub struct Adam {
    first: Vec<f64>,
    second: Vec<f64>,
    steps: f64,
}

impl Adam {
    /// Before the first step of so many weights.
    #[must_use]
    pub fn new(weights: usize) -> Self {
        Self { first: vec![0.0; weights], second: vec![0.0; weights], steps: 0.0 }
    }

    /// One step down the mean log loss and the ridge.
    pub fn step(&mut self, model: &mut impl Model, examples: &Examples, rate: f64, ridge: f64) {
        let mut gradient = vec![0.0; self.first.len()];
        for (x, y) in examples.iter() {
            let error = (sigmoid(model.logit(x)) - y) / examples.y.len() as f64;
            model.add_gradient(x, error, &mut gradient);
        }
        self.steps += 1.0;
        let [first_scale, second_scale] =
            [0.9, 0.999].map(|decay| 1.0 / (1.0 - libm::pow(decay, self.steps)));
        let ridged = model.ridged();
        for (i, weight) in model.weights().iter_mut().enumerate() {
            let g = gradient[i] + if i < ridged { ridge * *weight } else { 0.0 };
            self.first[i] = 0.9 * self.first[i] + 0.1 * g;
            self.second[i] = 0.999 * self.second[i] + 0.001 * g * g;
            *weight -= rate * self.first[i] * first_scale / ((self.second[i] * second_scale).sqrt() + 1e-12);
        }
    }
}

/// σ(v · tanh(W x + b) + c), the network of a predicate.
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    inputs: usize,
    hidden: usize,
    /// W `[hidden][inputs]`, v `[hidden]`, b `[hidden]`, c.
    weights: Vec<f64>,
}

impl Mlp {
    /// A network that knows only how often it is true: W by Xavier, a tenth of that for v.
    #[must_use]
    pub fn seeded(inputs: usize, hidden: usize, base_rate: f64, seed: u64) -> Self {
        let draw = |purpose: &str, count: usize, reach: f64| -> Vec<f64> {
            let seed = seed_for(seed, purpose);
            (0..count).map(|i| reach * (2.0 * uniform(seed, i as u64) - 1.0)).collect()
        };
        let mut weights = draw("hidden.weight", hidden * inputs, (6.0 / (inputs + hidden) as f64).sqrt());
        weights.extend(draw("output.weight", hidden, 0.1 * (6.0 / (hidden + 1) as f64).sqrt()));
        weights.extend(std::iter::repeat_n(0.0, hidden));
        weights.push(log_odds(base_rate));
        Self { inputs, hidden, weights }
    }

    /// W, b, v and c in single precision, as a predicate keeps them.
    #[must_use]
    pub fn layers(&self) -> [Vec<f32>; 4] {
        let single = |part: &[f64]| part.iter().map(|x| *x as f32).collect();
        let (w, rest) = self.weights.split_at(self.hidden * self.inputs);
        let (v, rest) = rest.split_at(self.hidden);
        let (b, c) = rest.split_at(self.hidden);
        [single(w), single(b), single(v), single(c)]
    }

    /// Each hidden unit's row of W, its place, and its value.
    fn units<'a>(&'a self, x: &'a [f64]) -> impl Iterator<Item = (usize, f64)> + 'a {
        let bias = &self.weights[(self.inputs + 1) * self.hidden..];
        self.weights.chunks_exact(self.inputs).take(self.hidden).zip(bias).enumerate().map(
            move |(unit, (row, bias))| {
                let sum: f64 = row.iter().zip(x).map(|(w, x)| w * x).sum();
                (unit, libm::tanh(sum + bias))
            },
        )
    }
}

impl Model for Mlp {
    fn logit(&self, x: &[f64]) -> f64 {
        let out = self.hidden * self.inputs;
        let bias = self.weights[self.weights.len() - 1];
        self.units(x).fold(bias, |sum, (unit, value)| sum + self.weights[out + unit] * value)
    }

    fn add_gradient(&self, x: &[f64], error: f64, gradient: &mut [f64]) {
        let (out, bias) = (self.hidden * self.inputs, self.hidden * (self.inputs + 1));
        for (unit, value) in self.units(x) {
            gradient[out + unit] += error * value;
            let inner = error * self.weights[out + unit] * (1.0 - value * value);
            gradient[bias + unit] += inner;
            let row = &mut gradient[unit * self.inputs..(unit + 1) * self.inputs];
            row.iter_mut().zip(x).for_each(|(g, x)| *g += inner * x);
        }
        gradient[self.weights.len() - 1] += error;
    }

    fn weights(&mut self) -> &mut Vec<f64> {
        &mut self.weights
    }

    fn ridged(&self) -> usize {
        self.hidden * (self.inputs + 1)
    }
}

/// σ(w · x + c), logistic regression.
#[derive(Clone, Debug, PartialEq)]
pub struct Logistic {
    /// w, then c.
    weights: Vec<f64>,
}

impl Logistic {
    /// Fits by full-batch steps that grow smaller, from how often it is true; it has converged long before.
    #[must_use]
    pub fn fit(examples: &Examples) -> Self {
        const STEPS: u32 = 600;
        const RATE: f64 = 0.05;
        const RIDGE: f64 = 1e-4;
        let mut weights = vec![0.0; examples.width + 1];
        weights[examples.width] = log_odds(examples.base_rate());
        let (mut model, mut adam) = (Self { weights }, Adam::new(examples.width + 1));
        for step in 1..=STEPS {
            let rate = RATE * (1.0 - f64::from(step) / f64::from(STEPS + 1));
            adam.step(&mut model, examples, rate, RIDGE);
        }
        model
    }
}

impl Model for Logistic {
    fn logit(&self, x: &[f64]) -> f64 {
        let (bias, weights) = (self.weights[x.len()], &self.weights[..x.len()]);
        weights.iter().zip(x).fold(bias, |sum, (w, x)| sum + w * x)
    }

    fn add_gradient(&self, x: &[f64], error: f64, gradient: &mut [f64]) {
        gradient.iter_mut().zip(x).for_each(|(g, x)| *g += error * x);
        gradient[x.len()] += error;
    }

    fn weights(&mut self) -> &mut Vec<f64> {
        &mut self.weights
    }

    fn ridged(&self) -> usize {
        self.weights.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use synapse::random::normal;

    use super::*;

    /// Examples of two inputs whose log odds are `law`.
    fn made(count: u64, law: fn(f64, f64) -> f64) -> Examples {
        let mut examples = Examples { width: 2, ..Examples::default() };
        for i in 0..count {
            let [a, b] = [0, 1].map(|k| normal(seed_for(2, "x"), 2 * i + k));
            examples.x.extend([a, b]);
            examples.y.push(f64::from(u8::from(uniform(seed_for(2, "y"), i) < sigmoid(law(a, b)))));
        }
        examples
    }

    #[test]
    fn logistic_regression_finds_the_law_that_made_its_data() {
        let model = Logistic::fit(&made(20_000, |a, b| 1.5 * a - 0.5 * b - 1.0));
        for (got, want) in model.weights.iter().zip([1.5, -0.5, -1.0]) {
            assert!((got - want).abs() < 0.06, "{got}, not {want}");
        }
    }

    #[test]
    fn a_network_finds_a_law_that_no_line_is() {
        let law = |a: f64, b: f64| 4.0 * a * b;
        let (fit, test) = (made(4000, law), made(6000, law));
        let mut model = Mlp::seeded(2, 16, fit.base_rate(), 1);
        let mut adam = Adam::new(model.weights.len());
        (0..400).for_each(|_| adam.step(&mut model, &fit, 0.02, 1e-4));
        let best = test.iter().map(|(x, y)| surprise(law(x[0], x[1]), y)).sum::<f64>() / 6000.0;
        let (network, line) = (log_loss(&model, &test), log_loss(&Logistic::fit(&fit), &test));
        assert!(network < best + 0.03 && line > best + 0.2, "{network}, {line}, best {best}");
    }

    #[test]
    fn gradients_are_slopes() {
        let examples = made(50, |a, b| a * b);
        let mut model = Mlp::seeded(2, 3, 0.4, 7);
        let mut gradient = vec![0.0; model.weights.len()];
        for (x, y) in examples.iter() {
            model.add_gradient(x, (sigmoid(model.logit(x)) - y) / 50.0, &mut gradient);
        }
        for (i, g) in gradient.iter().enumerate() {
            let mut at = |step: f64| {
                model.weights[i] += step;
                let loss = log_loss(&model, &examples);
                model.weights[i] -= step;
                loss
            };
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((slope - g).abs() < 1e-8, "weight {i}: {g}, slope {slope}");
        }
    }
}
