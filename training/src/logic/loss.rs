//! Truths of a batch → 1 − SAT and its gradient, and the same as a tensor.

use candle_core::{Device, Tensor};
use rules::{Domain, InstrumentRow, OrderFacts, RuleId, RuleSet, Sort, World};

use crate::error::TrainError;

/// The soft rules of a rule set as a loss.
#[derive(Debug)]
pub struct LogicLoss {
    rules: RuleSet,
    /// The soft rules and their shares, w / Σ w.
    soft: Vec<(RuleId, f64)>,
}

/// The loss of a batch and its gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct Graded {
    /// 1 − Σ w_k P_k / Σ w_k (46–50), in [0, 1].
    pub loss: f64,
    /// P_k, the truth of each soft rule over the batch, in the order of the file.
    pub satisfied: Vec<f64>,
    /// The derivative of the loss by each truth, row-major as they came.
    pub gradient: Vec<f64>,
}

impl LogicLoss {
    /// Of the text of a rule file; `file` is its name, for messages. Its hard rules are none of training's business.
    ///
    /// # Errors
    /// [`TrainError::Plan`] for rules that do not compile, no soft rule with a weight, or a learned predicate that is
    /// not of orders.
    pub fn new(file: &str, text: &str) -> Result<Self, TrainError> {
        let rules = RuleSet::compile(file, text).map_err(|e| TrainError::Plan(e.to_string()))?;
        let soft: Vec<(RuleId, f64)> = rules
            .ids()
            .map(|id| (id, rules.rule(id)))
            .filter(|(_, rule)| !rule.is_hard())
            .map(|(id, rule)| (id, rule.weight))
            .collect();
        let total: f64 = soft.iter().map(|(_, weight)| weight).sum();
        if !(total > 0.0 && soft.iter().all(|(_, weight)| *weight >= 0.0)) {
            let count = soft.len();
            return Err(TrainError::Plan(format!(
                "{file}: {count} soft rules of weight {total}; a logic loss needs one that counts"
            )));
        }
        if let Some(learned) = rules.learned().iter().find(|learned| learned.sort != Sort::Order) {
            let name = &learned.name;
            return Err(TrainError::Plan(format!(
                "{file}: `{name}` is said of instruments, but a batch is of orders; declare it `over orders`"
            )));
        }
        let soft = soft.into_iter().map(|(id, weight)| (id, weight / total)).collect();
        Ok(Self { rules, soft })
    }

    /// The rules.
    #[must_use]
    pub const fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The soft rules, in the order of the file.
    pub fn soft(&self) -> impl Iterator<Item = RuleId> {
        self.soft.iter().map(|(id, _)| *id)
    }

    /// A world of so many orders of one instrument, of which only learned predicates are told.
    #[must_use]
    pub fn plain_world(&self, orders: usize) -> World {
        let mut world = World::new(&self.rules, 1);
        let order = OrderFacts { instrument: Some(InstrumentRow(0)), ..OrderFacts::default() };
        (0..orders).for_each(|_| _ = world.push_order(&order));
        world
    }

    /// The learned predicates, in the order of the columns of truths.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.rules.learned().iter().map(|learned| learned.name.as_str())
    }

    /// The loss of the orders of a world, whose truths of some `columns` are these, row-major; the others are those
    /// that the world was told.
    ///
    /// # Panics
    /// If there is not a row of truths for each order.
    #[must_use]
    pub fn graded(&self, world: &mut World, columns: &[usize], truths: &[f64]) -> Graded {
        let width = columns.len();
        assert_eq!(truths.len(), width * world.rows(Domain::Orders), "a row of {width} truths an order");
        for (at, truth) in truths.iter().enumerate() {
            world.set_learned(columns[at % width], Sort::Order, at / width, *truth);
        }
        let (mut loss, mut gradient) = (1.0, vec![0.0; truths.len()]);
        let mut satisfied = Vec::new();
        for (id, share) in &self.soft {
            let graded = self.rules.product_gradient(*id, world);
            loss -= share * graded.value;
            satisfied.push(graded.value);
            for (atom, slope) in graded.atoms {
                if let Some(at) = columns.iter().position(|column| *column == atom.learned) {
                    gradient[atom.row * width + at] -= share * slope;
                }
            }
        }
        Graded { loss, satisfied, gradient }
    }

    /// The loss of truths `[orders, columns]`, as [`LogicLoss::graded`] takes them, as a scalar that a training adds to its own: its value is the loss, and
    /// backwards it hands each truth the derivative of the loss by it.
    ///
    /// Rules are evaluated outside of the tensor library, which knows nothing of them. So the scalar is the
    /// linear function that touches the loss at these truths, Σ truth · dL/dtruth and a constant, whose value and
    /// first derivatives are the loss's own (the chain rule asks for no more).
    ///
    /// # Errors
    /// Truths of another shape, and those of the tensor library.
    pub fn term(&self, world: &mut World, columns: &[usize], truths: &Tensor) -> Result<Tensor, TrainError> {
        let (got, want) = (truths.dims2()?, (world.rows(Domain::Orders), columns.len()));
        if got != want {
            return Err(TrainError::Plan(format!(
                "truths of sizes {got:?}, but orders and predicates {want:?}"
            )));
        }
        let now: Vec<f64> = truths.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f64::from).collect();
        let Graded { loss, gradient, .. } = self.graded(world, columns, &now);
        let slopes: Vec<f32> = gradient.iter().map(|slope| *slope as f32).collect();
        let linear = (truths * Tensor::from_vec(slopes, want, &Device::Cpu)?)?.sum_all()?;
        let offset = loss - f64::from(linear.to_scalar::<f32>()?);
        Ok((linear + offset)?)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::*;

    const RULES: &str = "learned informed over orders \"they know\"\n\
                         learned aggressive over orders \"we take\"\n\
                         soft rule patience weight 3 \"eq. 50\":\n    \
                         forall o in orders: informed(o) => not aggressive(o)\n\
                         soft rule either weight 1 \"eq. 12\":\n    \
                         forall o in orders: informed(o) or aggressive(o)\n";

    fn loss() -> LogicLoss {
        LogicLoss::new("test.ltn", RULES).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn the_loss_is_the_weighted_share_that_is_not_satisfied() {
        let loss = loss();
        assert_eq!(loss.columns().collect::<Vec<_>>(), ["informed", "aggressive"]);
        let truths = [0.9, 0.8, 0.2, 0.7];
        let graded = loss.graded(&mut loss.plain_world(2), &[0, 1], &truths);
        // by hand, in the plain logic: the stable one is off by a few 1e-4
        let all = |a: f64, b: f64| 1.0 - ((1.0 - a) * (1.0 - a) / 2.0 + (1.0 - b) * (1.0 - b) / 2.0).sqrt();
        let patience = all(1.0 - 0.9 * 0.8, 1.0 - 0.2 * 0.7);
        let either = all(0.9 + 0.8 - 0.72, 0.2 + 0.7 - 0.14);
        for (got, want) in graded.satisfied.iter().zip([patience, either]) {
            assert!((got - want).abs() < 1e-3, "{got}, not {want}");
        }
        let want = 1.0 - (3.0 * graded.satisfied[0] + graded.satisfied[1]) / 4.0;
        assert!((graded.loss - want).abs() < 1e-12);
    }

    #[test]
    fn gradients_are_slopes_through_the_tensor_library_too() {
        let loss = loss();
        let mut world = loss.plain_world(3);
        let logits = [0.3f32, -1.2, 2.0, 0.1, -0.4, 0.9];
        let var = Var::from_slice(&logits, (3, 2), &Device::Cpu).expect("a variable");
        let truths = candle_nn::ops::sigmoid(&var).expect("truths");
        let term = loss.term(&mut world, &[0, 1], &truths).expect("a term");
        let grads = term.backward().expect("gradients");
        let got: Vec<f32> =
            grads.get(&var).expect("reached").flatten_all().expect("flat").to_vec1().expect("numbers");
        let mut at = |changed: usize, step: f64| {
            let truth = |(i, x): (usize, &f32)| {
                let x = f64::from(*x) + if i == changed { step } else { 0.0 };
                1.0 / (1.0 + libm::exp(-x))
            };
            loss.graded(&mut world, &[0, 1], &logits.iter().enumerate().map(truth).collect::<Vec<_>>()).loss
        };
        let value = f64::from(term.to_scalar::<f32>().expect("a scalar"));
        assert!((value - at(9, 0.0)).abs() < 1e-6, "{value}");
        for (i, got) in got.iter().enumerate() {
            let slope = (at(i, 1e-5) - at(i, -1e-5)) / 2e-5;
            assert!((f64::from(*got) - slope).abs() < 1e-6, "truth {i}: {got}, slope {slope}");
        }
        assert!(got.iter().filter(|slope| slope.abs() > 1e-3).count() > 3, "truths matter: {got:?}");
    }

    #[test]
    fn full_satisfaction_has_a_finite_gradient() {
        let loss = loss();
        let graded = loss.graded(&mut loss.plain_world(2), &[0, 1], &[1.0, 0.0, 1.0, 0.0]);
        assert!(graded.loss < 1e-3 && graded.gradient.iter().all(|slope| slope.is_finite()), "{graded:?}");
    }

    #[test]
    fn what_cannot_be_a_loss_is_refused() {
        let refused = |text: &str| LogicLoss::new("test.ltn", text).expect_err("refused").to_string();
        assert!(refused("soft rule").contains("test.ltn"));
        assert!(refused("learned calm over orders \"\"\n").contains("0 soft rules"));
        let instruments = RULES.replace("informed over orders", "informed over instruments");
        let instruments = instruments.replace("informed(o)", "informed(o.instrument)");
        assert!(refused(&instruments).contains("`informed` is said of instruments"));
        let wrong = Tensor::zeros((2, 3), candle_core::DType::F32, &Device::Cpu).expect("truths");
        let error =
            loss().term(&mut loss().plain_world(2), &[0, 1], &wrong).expect_err("refused").to_string();
        assert!(error.contains("sizes (2, 3)"), "{error}");
    }
}
