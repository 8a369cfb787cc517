//! Pattern separation (26): h = tanh(W[s; a; c]) with a fixed random W, and its sparse form.

use serde::{Deserialize, Serialize};
use synapse::math::tanh_all;
use synapse::random::normal;

/// The fixed projection W `[codes][inputs]` of a state s, an action a (one-hot) and a context c.
///
/// W is kept column by column: a column is all that one input adds, so the activation of state and
/// context is computed once, and an action costs one addition of a column. Each code sums over the
/// inputs in the same order whatever the width of the machine's vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Projection {
    shape: Shape,
    /// `[inputs][codes]`, the inputs in the order s, a, c.
    columns: Vec<f32>,
}

/// How many numbers go in, of each kind, and come out of a projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Numbers in the state s.
    pub state: usize,
    /// Actions to choose from.
    pub actions: usize,
    /// Numbers in the context c.
    pub context: usize,
    /// Numbers in the code h; at least 8 times the inputs, for sparse codes to separate.
    pub codes: usize,
}

impl Shape {
    /// Numbers in [s; a; c].
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.state + self.actions + self.context
    }
}

impl Projection {
    /// W drawn from N(0, 1/inputs): the same bits for the same seed on every machine.
    #[must_use]
    pub fn seeded(shape: Shape, seed: u64) -> Self {
        let deviation = 1.0 / (shape.inputs() as f64).sqrt();
        let weight = |index| (deviation * normal(seed, index)) as f32;
        let count = (shape.inputs() * shape.codes) as u64;
        Self::from_columns(shape, (0..count).map(weight).collect())
    }

    /// W given as `[inputs][codes]`, one column of W after the other.
    ///
    /// # Panics
    /// If `columns` is not of that size.
    #[must_use]
    pub fn from_columns(shape: Shape, columns: Vec<f32>) -> Self {
        assert_eq!(columns.len(), shape.inputs() * shape.codes, "a matrix of another size");
        Self { shape, columns }
    }

    /// How many numbers go in and come out.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// W[s; 0; c] `[codes]`: what state and context contribute, whatever the action.
    ///
    /// Standardise the inputs first: a mean they share makes all codes alike.
    ///
    /// # Panics
    /// If `state` or `context` is of another size.
    #[must_use]
    pub fn activation(&self, state: &[f32], context: &[f32]) -> Vec<f32> {
        assert_eq!(state.len(), self.shape.state, "a state of another size");
        assert_eq!(context.len(), self.shape.context, "a context of another size");
        let mut sum = vec![0.0; self.shape.codes];
        for (input, x) in (0..).zip(state).chain((self.shape.state + self.shape.actions..).zip(context)) {
            for (sum, weight) in sum.iter_mut().zip(self.column(input)) {
                *sum += weight * x;
            }
        }
        sum
    }

    /// W[s; a; c] `[codes]` for one action, from the [`activation`](Self::activation) of s and c.
    ///
    /// # Panics
    /// If there is no such action, or `activation` is of another size.
    #[must_use]
    pub fn with_action(&self, activation: &[f32], action: usize) -> Vec<f32> {
        assert!(action < self.shape.actions, "no action {action} of {}", self.shape.actions);
        assert_eq!(activation.len(), self.shape.codes, "an activation of another size");
        let column = self.column(self.shape.state + action);
        activation.iter().zip(column).map(|(sum, weight)| sum + weight).collect()
    }

    fn column(&self, input: usize) -> &[f32] {
        &self.columns[input * self.shape.codes..][..self.shape.codes]
    }
}

/// The dense code h = tanh(W[s; a; c]) `[codes]` (26), in the place of its activation. It keeps the
/// geometry of its inputs, slightly compressed.
#[must_use]
pub fn dense_code(mut activation: Vec<f32>) -> Box<[f32]> {
    tanh_all(&mut activation);
    activation.into_boxed_slice()
}

/// The sparse code: indices of the `k` largest activations, in rising order, ties to the lower one.
///
/// This is what separates: inputs at a cosine of 0.9 share two thirds of their winners, unrelated
/// ones hardly more than chance.
#[must_use]
pub fn winners(activation: &[f32], k: usize) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..activation.len()).collect();
    if k < indices.len() {
        // With + 0.0, −0 ties with 0.
        let larger_first =
            |&a: &usize, &b: &usize| (activation[b] + 0.0).total_cmp(&(activation[a] + 0.0)).then(a.cmp(&b));
        indices.select_nth_unstable_by(k, larger_first);
        indices.truncate(k);
        indices.sort_unstable();
    }
    indices
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden::{self, Case};

    fn single(x: &[f64]) -> Vec<f32> {
        x.iter().map(|&x| x as f32).collect()
    }

    fn double(x: &[f32]) -> Vec<f64> {
        x.iter().map(|&x| f64::from(x)).collect()
    }

    fn cosine(a: &[f64], b: &[f64]) -> f64 {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }

    fn cosines(rows: &[Vec<f64>]) -> Vec<f64> {
        rows.iter().flat_map(|a| rows.iter().map(move |b| cosine(a, b))).collect()
    }

    fn of_state_only(inputs: usize, codes: usize) -> Shape {
        Shape { state: inputs, actions: 0, context: 0, codes }
    }

    /// The sparse code with its activations in place.
    fn kept(activation: &[f32], k: usize) -> Vec<f64> {
        let mut code = vec![0.0; activation.len()];
        for winner in winners(activation, k) {
            code[winner] = f64::from(activation[winner]);
        }
        code
    }

    #[test]
    fn golden_codes_of_a_given_projection() {
        for case in golden::cases("11_") {
            if case.inputs.get("W").is_none() {
                continue;
            }
            let case = case.single_precision();
            let (inputs, weights) = (case.rows("x"), case.rows("W"));
            let shape = of_state_only(inputs[0].len(), weights.len());
            let columns = (0..shape.inputs()).flat_map(|j| weights.iter().map(move |row| row[j] as f32));
            let projection = Projection::from_columns(shape, columns.collect());
            let activations: Vec<Vec<f32>> =
                inputs.iter().map(|x| projection.activation(&single(x), &[])).collect();
            let dense: Vec<Vec<f64>> = activations.iter().map(|a| double(&dense_code(a.clone()))).collect();
            let k = case.number("k") as usize;
            let sparse: Vec<Vec<f64>> = activations.iter().map(|a| kept(a, k)).collect();
            case.check("h", &dense.concat());
            case.check("kwta", &sparse.concat());
            case.check("cos_before", &cosines(&inputs));
            case.check("cos_after_tanh", &cosines(&dense));
            case.check("cos_after_kwta", &cosines(&sparse));
        }
    }

    /// The ways to make a code of an activation that the vectors compare, by name.
    fn code(name: &str, projection: &Projection, x: &[f64]) -> Vec<f64> {
        let gain = if name == "tanh_gain5" { 5.0 } else { 1.0 };
        let scaled: Vec<f32> = x.iter().map(|x| (gain * x) as f32).collect();
        let activation = projection.activation(&scaled, &[]);
        match name {
            "linear" => double(&activation),
            "tanh_gain1" | "tanh_gain5" => double(&dense_code(activation)),
            "sign" => activation.iter().map(|x| f64::from(x.signum())).collect(),
            "kwta5pct" => {
                let mut code = vec![0.0; activation.len()];
                let k = (0.05 * activation.len() as f64).round() as usize;
                winners(&activation, k).into_iter().for_each(|winner| code[winner] = 1.0);
                code
            }
            other => panic!("a code of unknown kind: {other}"),
        }
    }

    /// Two inputs of norm √d at a given cosine, the `index`-th such pair.
    fn pair(d: usize, cosine_in: f64, index: usize) -> (Vec<f64>, Vec<f64>) {
        let draw = |half: usize| -> Vec<f64> {
            (0..d).map(|i| normal(99, ((2 * index + half) * d + i) as u64)).collect()
        };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let to_norm = |x: &[f64]| -> Vec<f64> {
            let scale = (d as f64 / dot(x, x)).sqrt();
            x.iter().map(|x| x * scale).collect()
        };
        let (a, b) = (to_norm(&draw(0)), draw(1));
        let along = dot(&a, &b) / d as f64;
        let across: Vec<f64> = b.iter().zip(&a).map(|(b, a)| b - along * a).collect();
        let across = to_norm(&across);
        let sine = (1.0 - cosine_in * cosine_in).sqrt();
        let b = a.iter().zip(&across).map(|(a, c)| cosine_in * a + sine * c).collect();
        (a, b)
    }

    fn mean_cosine(case: &Case, name: &str, projection: &Projection, cosine_in: f64) -> f64 {
        let (d, pairs) = (case.number("d") as usize, case.number("pairs") as usize);
        let cosines = (0..pairs).map(|index| {
            let (a, b) = pair(d, cosine_in, index);
            cosine(&code(name, projection, &a), &code(name, projection, &b))
        });
        cosines.sum::<f64>() / pairs as f64
    }

    #[test]
    fn golden_separation_curve() {
        for case in golden::cases("11_").iter().filter(|c| c.inputs.get("cosine_in").is_some()) {
            let (d, codes) = (case.number("d") as usize, case.number("D") as usize);
            let projection = Projection::seeded(of_state_only(d, codes), 26);
            let curves = case.expected["cosine_out"].as_object().expect("named curves");
            for (name, want) in curves {
                let cosines_in = case.input("cosine_in");
                let got: Vec<f64> =
                    cosines_in.iter().map(|&c| mean_cosine(case, name, &projection, c)).collect();
                case.check_value(name, &got, want);
                if name == "sign" {
                    case.check("sign_theory_2_over_pi_arcsin", &got);
                }
                for pair in cosines_in.windows(2).zip(got.windows(2)) {
                    let (before, after) = pair;
                    assert_eq!(before[0] < before[1], after[0] < after[1], "{name}: order is kept");
                }
                for (&before, &after) in cosines_in.iter().zip(&got) {
                    let separates = name != "kwta5pct" || before > 0.9 || after <= 0.70;
                    assert!(separates, "{name}: {before} becomes {after}");
                }
            }
        }
    }

    const SHAPE: Shape = Shape { state: 5, actions: 3, context: 2, codes: 80 };

    #[test]
    fn the_seed_names_the_projection_to_the_bit() {
        let projection = Projection::seeded(SHAPE, 1);
        assert_eq!(projection, Projection::seeded(SHAPE, 1));
        assert_ne!(projection, Projection::seeded(SHAPE, 2));
        let sum = projection
            .columns
            .iter()
            .fold(0u64, |sum, weight| sum.wrapping_mul(31).wrapping_add(u64::from(weight.to_bits())));
        assert_eq!(sum, 11_704_826_749_338_642_432);
    }

    #[test]
    fn the_weights_have_the_variance_of_one_input_of_d() {
        let projection = Projection::seeded(of_state_only(50, 2000), 3);
        let squares = projection.columns.iter().map(|weight| f64::from(weight * weight));
        let variance = squares.sum::<f64>() / 100_000.0;
        assert!((50.0 * variance - 1.0).abs() < 0.02, "variance {variance}");
    }

    #[test]
    fn winners_tie_to_the_lower_index() {
        assert_eq!(winners(&[0.5, 2.0, 2.0, -1.0, 2.0], 2), [1, 2]);
        assert_eq!(winners(&[-0.0, 0.0, -1.0], 1), [0]);
        assert_eq!(winners(&[1.0, 2.0], 0), [0usize; 0]);
        assert_eq!(winners(&[1.0, 2.0], 9), [0, 1]);
    }

    proptest! {
        #[test]
        fn a_candidate_is_the_projection_of_the_whole_input(
            state in prop::collection::vec(-3.0..3.0f32, SHAPE.state),
            context in prop::collection::vec(-3.0..3.0f32, SHAPE.context),
            action in 0..SHAPE.actions,
        ) {
            let projection = Projection::seeded(SHAPE, 4);
            let whole = Projection::from_columns(
                of_state_only(SHAPE.inputs(), SHAPE.codes),
                projection.columns.clone(),
            );
            let mut input = state.clone();
            input.extend((0..SHAPE.actions).map(|a| if a == action { 1.0 } else { 0.0 }));
            input.extend(&context);
            let base = projection.activation(&state, &context);
            let candidate = projection.with_action(&base, action);
            for (got, want) in candidate.iter().zip(whole.activation(&input, &[])) {
                prop_assert!((got - want).abs() <= 1e-5 * (1.0 + want.abs()), "{got} {want}");
            }
            let dense = dense_code(candidate.clone());
            prop_assert!(dense.iter().all(|h| h.abs() <= 1.0));
        }

        #[test]
        fn winners_are_the_largest(
            activation in prop::collection::vec((-4..4i8).prop_map(f32::from), 1..40),
            k in 0usize..40,
        ) {
            let mut sorted: Vec<usize> = (0..activation.len()).collect();
            sorted.sort_by(|&a, &b| activation[b].total_cmp(&activation[a]));
            sorted.truncate(k);
            sorted.sort_unstable();
            prop_assert_eq!(winners(&activation, k), sorted);
        }
    }
}
