//! DiffGAF (equations 1–5) as a differentiable graph.
//!
//! Angles are carried as cos φ = tanh u and sin φ = sech u, with u = scale · z + shift: where u saturates,
//! √(1 − x²) has no finite derivative and these have.

use candle_core::{D, Result, Tensor};

/// Cosine and sine of the angles of u, of any shape.
///
/// # Errors
/// Those of the tensor library.
pub fn angles(u: &Tensor) -> Result<(Tensor, Tensor)> {
    let decay = u.abs()?.neg()?.exp()?;
    let sin = ((&decay * 2.0)? / (decay.sqr()? + 1.0)?)?;
    Ok((u.tanh()?, sin))
}

/// The two fields, GASF and GADF, of windows `[.., W]` of cosines and sines: `[.., W, W]` each, row i by
/// column j.
///
/// # Errors
/// Those of the tensor library.
pub fn fields(cos: &Tensor, sin: &Tensor) -> Result<(Tensor, Tensor)> {
    let (cos_i, cos_j) = (cos.unsqueeze(D::Minus1)?, cos.unsqueeze(cos.rank() - 1)?);
    let (sin_i, sin_j) = (sin.unsqueeze(D::Minus1)?, sin.unsqueeze(sin.rank() - 1)?);
    let sum = (cos_i.broadcast_mul(&cos_j)? - sin_i.broadcast_mul(&sin_j)?)?;
    let difference = (sin_i.broadcast_mul(&cos_j)? - cos_i.broadcast_mul(&sin_j)?)?;
    Ok((sum, difference))
}

/// Frames `[M, 2F, W, W]` of windows `[M, W, F]` of normalised values: of each feature GASF, then GADF.
///
/// # Errors
/// Those of the tensor library.
pub fn frames(z: &Tensor, scale: &Tensor, shift: &Tensor) -> Result<Tensor> {
    let (count, window, features) = z.dims3()?;
    let u = z.broadcast_mul(scale)?.broadcast_add(shift)?;
    let (cos, sin) = angles(&u.transpose(1, 2)?.contiguous()?)?;
    let (sum, difference) = fields(&cos, &sin)?;
    Tensor::stack(&[sum, difference], 2)?.reshape((count, 2 * features, window, window))
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};
    use support::golden::{self, Case};

    use super::*;

    fn var(values: &[f64]) -> Var {
        Var::from_slice(values, values.len(), &Device::Cpu).expect("a variable")
    }

    fn flat(tensor: &Tensor) -> Vec<f64> {
        tensor.flatten_all().and_then(|t| t.to_vec1()).expect("numbers")
    }

    /// The gradient of Σ upstream · out by each variable.
    fn gradients(out: &Tensor, upstream: &[f64], by: &[&Var]) -> Vec<Vec<f64>> {
        let upstream = Tensor::from_slice(upstream, out.shape(), &Device::Cpu).expect("upstream");
        let loss = (out * upstream).and_then(|x| x.sum_all()).expect("a loss");
        let grads = loss.backward().expect("gradients");
        by.iter().map(|var| flat(grads.get(var).expect("a gradient"))).collect()
    }

    fn normalisation(case: &Case) {
        let [gamma, beta, mu, sigma] = ["gamma", "beta", "mu", "sigma"].map(|key| var(&case.input(key)));
        let x = var(&case.input("x"));
        let rows = case.rows("x").len();
        let out = (|| {
            let x = x.reshape((rows, mu.elem_count()))?;
            let z = x.broadcast_sub(&mu)?.broadcast_div(&sigma)?;
            Ok::<_, candle_core::Error>(angles(&z.broadcast_mul(&gamma)?.broadcast_add(&beta)?)?.0)
        })();
        let out = out.expect("a graph");
        case.check("out", &flat(&out));
        let got = gradients(&out, &case.input("upstream"), &[&gamma, &beta, &x]);
        for (key, got) in ["d_gamma", "d_beta", "d_x"].into_iter().zip(&got) {
            case.check(key, got);
        }
    }

    #[test]
    fn golden_angles_and_gradients() {
        let mut kinds = [0; 3];
        for case in golden::cases("01_") {
            let expects = |key: &str| !case.expected[key].is_null();
            if expects("d_gamma") {
                kinds[0] += 1;
                normalisation(&case);
            } else if expects("sin_phi_sech") {
                kinds[1] += 1;
                let (cos, sin) = angles(&var(&case.input("z"))).expect("angles");
                case.check("cos_phi_tanh", &flat(&cos));
                case.check("sin_phi_sech", &flat(&sin));
            } else if expects("d_z_gasf") {
                kinds[2] += 1;
                let z = var(&case.input("z"));
                let (cos, sin) = angles(&z).expect("angles");
                let (sum, difference) = fields(&cos, &sin).expect("fields");
                case.check("gasf", &flat(&sum));
                case.check("gadf", &flat(&difference));
                case.check("d_z_gasf", &gradients(&sum, &case.input("upstream"), &[&z])[0]);
                case.check("d_z_gadf", &gradients(&difference, &case.input("upstream"), &[&z])[0]);
            }
        }
        assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
    }

    #[test]
    fn golden_fields() {
        for case in golden::cases("02_") {
            if !case.inputs["range"].is_null() || case.expected["gasf"].is_null() {
                continue;
            }
            let x = case.input("x");
            let cos = var(&x);
            let sin = var(&x.iter().map(|x| ((1.0 - x) * (1.0 + x)).sqrt()).collect::<Vec<_>>());
            let (sum, difference) = fields(&cos, &sin).expect("fields");
            case.check("gasf", &flat(&sum));
            case.check("gadf", &flat(&difference));
        }
    }

    #[test]
    fn gradients_are_finite_differences() {
        let (count, window, features) = (2, 4, 3);
        let series = |purpose: &str, len: usize, sd: f64| -> Vec<f64> {
            let seed = synapse::random::seed_for(9, purpose);
            (0..len).map(|i| sd * synapse::random::normal(seed, i as u64)).collect()
        };
        let z = series("z", count * window * features, 1.5);
        let mut affine = [series("scale", features, 0.7), series("shift", features, 0.3)];
        let upstream = series("upstream", count * 2 * features * window * window, 1.0);
        let graph = |affine: &[Vec<f64>; 2]| {
            let [scale, shift] = [var(&affine[0]), var(&affine[1])];
            let z = Tensor::from_slice(&z, (count, window, features), &Device::Cpu).expect("z");
            (frames(&z, &scale, &shift).expect("frames"), scale, shift)
        };
        let loss = |affine: &[Vec<f64>; 2]| -> f64 {
            flat(&graph(affine).0).iter().zip(&upstream).map(|(pixel, u)| pixel * u).sum()
        };
        let (out, scale, shift) = graph(&affine);
        let got = gradients(&out, &upstream, &[&scale, &shift]);
        for which in 0..2 {
            for i in 0..features {
                let mut at = |step: f64| {
                    affine[which][i] += step;
                    let value = loss(&affine);
                    affine[which][i] -= step;
                    value
                };
                let want = (at(1e-5) - at(-1e-5)) / 2e-5;
                let got = got[which][i];
                assert!((got - want).abs() < 1e-7 * (1.0 + want.abs()), "{which}[{i}]: {got}, not {want}");
            }
        }
    }
}
