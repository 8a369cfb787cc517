//! The gradients of the policy (37–39), for training.

use crate::pathways::GoNoGo;

/// One pass of the policy: what went in and what the pathways made of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pass<'a> {
    /// The state h, `[inputs]`.
    pub h: &'a [f32],
    /// The strength λ of No-Go against Go.
    pub inhibition: f32,
    /// The signals [go; no_go], `[2][actions]`.
    pub signals: &'a [f32],
    /// The policy, `[actions]`.
    pub policy: &'a [f32],
}

/// The derivatives of a loss whose derivative by the policy is known; relu′(0) = 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// By the fused state, `[inputs]`.
    pub h: Vec<f32>,
    /// By the Go weights, `[actions][inputs]`.
    pub go_weights: Vec<f32>,
    /// By the Go bias, `[actions]`.
    pub go_bias: Vec<f32>,
    /// By the No-Go weights, `[actions][inputs]`.
    pub no_go_weights: Vec<f32>,
    /// By the No-Go bias, `[actions]`.
    pub no_go_bias: Vec<f32>,
}

/// The gradients of a pass, for a loss with derivative `upstream`, `[actions]`, by the policy.
///
/// # Panics
/// If pass or upstream have another size than the model.
#[must_use]
pub fn gradients(model: &GoNoGo, pass: &Pass<'_>, upstream: &[f32]) -> Gradients {
    let Pass { h, inhibition, signals, policy } = *pass;
    let actions = model.go().actions();
    assert_eq!(h.len(), model.go().inputs(), "the pathways read another state");
    assert_eq!(signals.len(), 2 * actions, "the pathways give other signals");
    assert_eq!((policy.len(), upstream.len()), (actions, actions), "the pathways know other actions");
    let expected: f32 = policy.iter().zip(upstream).map(|(p, g)| p * g).sum();
    let by_logit: Vec<f32> = policy.iter().zip(upstream).map(|(p, g)| p * (g - expected)).collect();
    let through_relu = |drive: &[f32], factor: f32| -> Vec<f32> {
        let slope = |drive: f32| if drive > 0.0 { factor } else { 0.0 };
        drive.iter().zip(&by_logit).map(|(&drive, g)| slope(drive) * g).collect()
    };
    let (go, no_go) = signals.split_at(actions);
    let go_bias = through_relu(go, 1.0);
    let no_go_bias = through_relu(no_go, -inhibition);
    let mut by_h = vec![0.0; h.len()];
    for (bias, pathway) in [(&go_bias, model.go()), (&no_go_bias, model.no_go())] {
        for (g, row) in bias.iter().zip(pathway.weights().chunks_exact(h.len())) {
            by_h.iter_mut().zip(row).for_each(|(sum, w)| *sum += g * w);
        }
    }
    let outer = |bias: &[f32]| bias.iter().flat_map(|g| h.iter().map(move |h| g * h)).collect();
    Gradients { h: by_h, go_weights: outer(&go_bias), no_go_weights: outer(&no_go_bias), go_bias, no_go_bias }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pathways::Pathway;
    use crate::pathways::tests::{given, model, narrow, run, wide};
    use proptest::prelude::*;
    use support::golden::{self, Case};

    fn gradients_at(model: &GoNoGo, h: &[f32], inhibition: f32, upstream: &[f32]) -> Gradients {
        let (signals, _, policy) = run(model, h, inhibition);
        gradients(model, &Pass { h, inhibition, signals: &signals, policy: &policy }, upstream)
    }

    #[test]
    fn golden_gradients() {
        for case in golden::cases("07_").into_iter().map(Case::single_precision) {
            let (model, h, inhibition) = given(&case);
            let gradients = gradients_at(&model, &h, inhibition, &narrow(&case.input("upstream")));
            case.check("d_h", &wide(&gradients.h));
            case.check("d_W_direct", &wide(&gradients.go_weights));
            case.check("d_W_indirect", &wide(&gradients.no_go_weights));
            case.check("d_b_direct", &wide(&gradients.go_bias));
            case.check("d_b_indirect", &wide(&gradients.no_go_bias));
        }
    }

    #[test]
    fn a_silent_pathway_learns_nothing() {
        let pathway = || Pathway::new(vec![1.0; 3], vec![-1.0; 3]);
        let gradients = gradients_at(&model(pathway(), pathway()), &[1.0], 1.0, &[1.0, 0.0, -1.0]);
        assert_eq!(gradients.h, [0.0]);
        assert!(gradients.go_bias.iter().chain(&gradients.no_go_bias).all(|&g| g == 0.0));
    }

    proptest! {
        #[test]
        fn a_constant_upstream_moves_nothing(
            weights in prop::collection::vec(-1.0f32..1.0, 12),
            h in prop::collection::vec(-1.0f32..1.0, 2),
        ) {
            let pathway = |w: &[f32]| Pathway::new(w.to_vec(), vec![0.1; 3]);
            let model = model(pathway(&weights[..6]), pathway(&weights[6..]));
            let gradients = gradients_at(&model, &h, 0.5, &[1.0; 3]);
            prop_assert!(gradients.h.iter().all(|g| g.abs() < 1e-6));
        }
    }
}
