//! The Go and No-Go pathways and the policy they give (equations 22, 23, 37–39).

use serde::{Deserialize, Serialize};
use synapse::{Fault, Model, ModelCard};

use crate::NAME;

/// One pathway: relu(W h + b), with one output an action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pathway {
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Pathway {
    /// A pathway of weights `[actions][inputs]`, row-major, and bias `[actions]`.
    ///
    /// # Panics
    /// If there is no action, or the weights are not whole rows of at least one input.
    #[must_use]
    pub fn new(weights: Vec<f32>, bias: Vec<f32>) -> Self {
        assert!(!bias.is_empty(), "a pathway has at least one action");
        let rows = weights.len() / bias.len();
        assert!(rows > 0 && rows * bias.len() == weights.len(), "weights are [actions][inputs]");
        Self { weights, bias }
    }

    /// The size of the fused state it reads.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.weights.len() / self.bias.len()
    }

    /// The number of actions it speaks of.
    #[must_use]
    pub fn actions(&self) -> usize {
        self.bias.len()
    }

    /// Its weights, `[actions][inputs]`.
    #[must_use]
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Its bias, `[actions]`.
    #[must_use]
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    fn drive(&self, h: &[f32], out: &mut [f32]) {
        let rows = self.weights.chunks_exact(self.inputs());
        for ((out, row), &bias) in out.iter_mut().zip(rows).zip(&self.bias) {
            let drive = dot(row, h) + bias;
            // Not `max`, which would turn what is not a number into silence.
            *out = if drive <= 0.0 { 0.0 } else { drive };
        }
    }
}

/// Both pathways as a model: the state h goes in, [go; no_go] comes out, one number an action each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoNoGo {
    card: ModelCard,
    go: Pathway,
    no_go: Pathway,
}

impl GoNoGo {
    /// The pathways that `card` tells of.
    ///
    /// # Panics
    /// If their shapes differ.
    #[must_use]
    pub fn new(card: ModelCard, go: Pathway, no_go: Pathway) -> Self {
        assert_eq!(go.actions(), no_go.actions(), "both pathways speak of the same actions");
        assert_eq!(go.inputs(), no_go.inputs(), "both pathways read the same state");
        Self { card, go, no_go }
    }

    /// The pathway that speaks for actions.
    #[must_use]
    pub fn go(&self) -> &Pathway {
        &self.go
    }

    /// The pathway that speaks against actions.
    #[must_use]
    pub fn no_go(&self) -> &Pathway {
        &self.no_go
    }
}

impl Model for GoNoGo {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn inputs(&self) -> usize {
        self.go.inputs()
    }

    fn outputs(&self) -> usize {
        2 * self.go.actions()
    }

    fn infer(&self, h: &[f32], output: &mut [f32]) -> Result<(), Fault> {
        if (h.len(), output.len()) != (self.inputs(), self.outputs()) {
            let what = format!(
                "the pathways read {} numbers and give {}, not {} and {}",
                self.inputs(),
                self.outputs(),
                h.len(),
                output.len()
            );
            return Err(Fault::new(NAME, what));
        }
        let (go, no_go) = output.split_at_mut(self.go.actions());
        self.go.drive(h, go);
        self.no_go.drive(h, no_go);
        Ok(())
    }
}

/// Writes the logits of (39), Go − λ No-Go, with λ = `inhibition`.
pub fn compete(go: &[f32], no_go: &[f32], inhibition: f32, logits: &mut [f32]) {
    for ((logit, go), no_go) in logits.iter_mut().zip(go).zip(no_go) {
        *logit = go - inhibition * no_go;
    }
}

/// Turns logits x into the policy π (39): exp(x_i) / Σ exp(x_j), shifted by the largest so that
/// nothing overflows.
pub fn softmax(x: &mut [f32]) {
    let largest = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut total = 0.0;
    for x in x.iter_mut() {
        *x = libm::expf(*x - largest);
        total += *x;
    }
    x.iter_mut().for_each(|x| *x /= total);
}

/// Σ a_i b_i in eight lanes: an order of additions that is fixed, and that vectorises.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0; 8];
    let (a, b) = (a.chunks_exact(lanes.len()), b.chunks_exact(lanes.len()));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::select;
    use proptest::prelude::*;
    use support::golden::{self, Case};

    pub(crate) fn narrow(x: &[f64]) -> Vec<f32> {
        x.iter().map(|&x| x as f32).collect()
    }

    pub(crate) fn wide(x: &[f32]) -> Vec<f64> {
        x.iter().map(|&x| f64::from(x)).collect()
    }

    pub(crate) fn model(go: Pathway, no_go: Pathway) -> GoNoGo {
        GoNoGo::new(ModelCard { name: "test".into(), trained: false, about: String::new() }, go, no_go)
    }

    /// The pathways, the state and λ of a golden case.
    pub(crate) fn given(case: &Case) -> (GoNoGo, Vec<f32>, f32) {
        let pathway =
            |weights: &str, bias: &str| Pathway::new(narrow(&case.input(weights)), narrow(&case.input(bias)));
        let model = model(pathway("W_direct", "b_direct"), pathway("W_indirect", "b_indirect"));
        (model, narrow(&case.input("h")), case.number("lam") as f32)
    }

    /// [go; no_go], the logits and the policy of a state.
    pub(crate) fn run(model: &GoNoGo, h: &[f32], inhibition: f32) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let mut signals = vec![0.0; model.outputs()];
        model.infer(h, &mut signals).expect("a state of this size");
        let mut logits = vec![0.0; signals.len() / 2];
        let (go, no_go) = signals.split_at(logits.len());
        compete(go, no_go, inhibition, &mut logits);
        let mut policy = logits.clone();
        softmax(&mut policy);
        (signals, logits, policy)
    }

    #[test]
    fn golden_policy() {
        for case in golden::cases("07_").into_iter().map(Case::single_precision) {
            let (model, h, inhibition) = given(&case);
            let (signals, logits, policy) = run(&model, &h, inhibition);
            let (go, no_go) = signals.split_at(logits.len());
            case.check("d_direct", &wide(go));
            case.check("d_indirect", &wide(no_go));
            case.check("logits", &wide(&logits));
            case.check("probs", &wide(&policy));
            let lead = select::lead(&policy);
            if lead.over_second > 0.0 {
                case.check("argmax", &[lead.winner as f64]);
            }
        }
    }

    #[test]
    fn what_is_not_a_number_is_not_silenced() {
        let pathway = || Pathway::new(vec![1.0, -1.0, 0.0], vec![0.0; 3]);
        let (_, _, policy) = run(&model(pathway(), pathway()), &[f32::NAN], 1.0);
        assert!(policy.iter().all(|p| p.is_nan()));
    }

    #[test]
    fn silent_pathways_prefer_nothing() {
        let pathway = || Pathway::new(vec![1.0; 3], vec![-1.0; 3]);
        let (_, _, policy) = run(&model(pathway(), pathway()), &[0.5], 0.0);
        assert_eq!(policy, [1.0 / 3.0; 3]);
    }

    #[test]
    fn a_state_of_another_size_is_a_fault() {
        let pathway = || Pathway::new(vec![1.0; 3], vec![0.0; 3]);
        let model = model(pathway(), pathway());
        assert!(model.infer(&[1.0], &mut [0.0; 6]).is_ok());
        assert!(model.infer(&[1.0, 1.0], &mut [0.0; 6]).is_err());
        assert!(model.infer(&[1.0], &mut [0.0; 3]).is_err());
    }

    proptest! {
        #[test]
        fn a_policy_is_a_distribution(logits in prop::collection::vec(-1e30f32..1e30, 1..9)) {
            let mut policy = logits;
            softmax(&mut policy);
            prop_assert!((policy.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            prop_assert!(policy.iter().all(|p| (0.0..=1.0).contains(p)));
        }

        #[test]
        fn a_shift_of_all_logits_changes_nothing(
            logits in prop::collection::vec(-8i8..8, 3),
            shift in -64i8..64,
        ) {
            let [plain, shifted] = [0, shift].map(|shift| {
                let mut x: Vec<f32> = logits.iter().map(|&x| f32::from(x) + f32::from(shift)).collect();
                softmax(&mut x);
                x
            });
            prop_assert_eq!(plain, shifted);
        }

        #[test]
        fn lanes_add_up_to_the_dot_product(x in prop::collection::vec((-2.0f32..2.0, -2.0f32..2.0), 0..40)) {
            let (a, b): (Vec<f32>, Vec<f32>) = x.into_iter().unzip();
            let want: f64 = a.iter().zip(&b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
            prop_assert!((f64::from(dot(&a, &b)) - want).abs() < 1e-4);
        }
    }
}
