//! How a loss changes with what DiffGAF is made of: the backward pass of equations 1–5, by hand.
//!
//! With u = scale · z + shift, cos φ = tanh u and sin φ = sech u, so that ∂cos φ/∂u = sech² u and
//! ∂sin φ/∂u = −tanh u · sech u: finite however saturated u is, where the derivative of √(1 − x²) is
//! not. In double precision, so that gradients found otherwise can be measured by it.

/// The gradients of a loss with respect to one feature's normalisation and window.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// By the scale γ.
    pub scale: f64,
    /// By the shift β.
    pub shift: f64,
    /// By each z, `[W]`; by x it is that over the feature's deviation, whose statistics are constants.
    pub z: Vec<f64>,
}

/// The backward pass of both fields of a window: from the gradients by the pixels of GASF and GADF,
/// `[W][W]` each, to those by `scale`, `shift` and `z`, `[W]`.
///
/// # Panics
/// If the lengths do not agree.
#[must_use]
pub fn backward(z: &[f64], scale: f64, shift: f64, d_gasf: &[f64], d_gadf: &[f64]) -> Gradients {
    let (cos, sin): (Vec<f64>, Vec<f64>) = z.iter().map(|z| angle(scale * z + shift)).unzip();
    let (d_cos, d_sin) = fields_backward(&cos, &sin, d_gasf, d_gadf);
    normalisation_backward(z, scale, shift, &d_cos, &d_sin)
}

/// The backward pass of the fields (4, 5): gradients by the cosines and by the sines, `[W]` each.
///
/// # Panics
/// If the lengths do not agree.
#[must_use]
pub fn fields_backward(cos: &[f64], sin: &[f64], d_gasf: &[f64], d_gadf: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let window = cos.len();
    assert_eq!(sin.len(), window, "one sine a cosine");
    assert_eq!(
        (d_gasf.len(), d_gadf.len()),
        (window * window, window * window),
        "a field is window by window"
    );
    let (mut d_cos, mut d_sin) = (vec![0.0; window], vec![0.0; window]);
    for i in 0..window {
        for j in 0..window {
            let (here, mirrored) = (i * window + j, j * window + i);
            let sum = d_gasf[here] + d_gasf[mirrored];
            let difference = d_gadf[here] - d_gadf[mirrored];
            d_cos[i] += sum * cos[j] - difference * sin[j];
            d_sin[i] += difference * cos[j] - sum * sin[j];
        }
    }
    (d_cos, d_sin)
}

/// The backward pass of the normalisation (1) and the angles (2).
///
/// # Panics
/// If the lengths do not agree.
#[must_use]
pub fn normalisation_backward(z: &[f64], scale: f64, shift: f64, d_cos: &[f64], d_sin: &[f64]) -> Gradients {
    assert_eq!((d_cos.len(), d_sin.len()), (z.len(), z.len()), "one gradient a value");
    let mut gradients = Gradients { scale: 0.0, shift: 0.0, z: Vec::with_capacity(z.len()) };
    for ((z, d_cos), d_sin) in z.iter().zip(d_cos).zip(d_sin) {
        let (cos, sin) = angle(scale * z + shift);
        let d_u = sin * (d_cos * sin - d_sin * cos);
        gradients.scale += d_u * z;
        gradients.shift += d_u;
        gradients.z.push(d_u * scale);
    }
    gradients
}

/// tanh u and sech u.
fn angle(u: f64) -> (f64, f64) {
    let decay = libm::exp(-u.abs());
    (libm::tanh(u), 2.0 * decay / (1.0 + decay * decay))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gaf;
    use crate::normalisation::Angle;
    use proptest::prelude::*;
    use support::golden::{self, Case};

    /// A column of a matrix in rows.
    fn column(case: &Case, key: &str, at: usize) -> Vec<f64> {
        case.rows(key).iter().map(|row| row[at]).collect()
    }

    /// Equation 1 alone: the loss is a weighted sum of the normalised values.
    fn golden_normalisation(case: Case) {
        let [mu, sigma, gamma, beta] = ["mu", "sigma", "gamma", "beta"].map(|key| case.input(key));
        let mut gradients = Vec::new();
        let (mut out, mut by_x) = (Vec::new(), Vec::new());
        for at in 0..mu.len() {
            let z: Vec<f64> = column(&case, "x", at).iter().map(|x| (x - mu[at]) / sigma[at]).collect();
            let upstream = column(&case, "upstream", at);
            let by = normalisation_backward(&z, gamma[at], beta[at], &upstream, &vec![0.0; z.len()]);
            by_x.push(by.z.iter().map(|d_z| d_z / sigma[at]).collect::<Vec<_>>());
            out.push(z.iter().map(|z| Angle::of((gamma[at] * z + beta[at]) as f32).cos).collect::<Vec<_>>());
            gradients.push(by);
        }
        let transposed = |columns: &[Vec<f64>]| -> Vec<f64> {
            (0..columns[0].len()).flat_map(|row| columns.iter().map(move |column| column[row])).collect()
        };
        case.check("d_gamma", &gradients.iter().map(|by| by.scale).collect::<Vec<_>>());
        case.check("d_beta", &gradients.iter().map(|by| by.shift).collect::<Vec<_>>());
        case.check("d_x", &transposed(&by_x));
        let out: Vec<Vec<f64>> = out.iter().map(|x| x.iter().map(|&x| f64::from(x)).collect()).collect();
        case.single_precision().check("out", &transposed(&out));
    }

    /// Both fields and their gradients by z, saturated values among them.
    fn golden_fields(case: Case) {
        let (z, upstream) = (case.input("z"), case.input("upstream"));
        let none = vec![0.0; upstream.len()];
        case.check("d_z_gasf", &backward(&z, 1.0, 0.0, &upstream, &none).z);
        case.check("d_z_gadf", &backward(&z, 1.0, 0.0, &none, &upstream).z);
        let (cos, sin): (Vec<f32>, Vec<f32>) =
            z.iter().map(|&z| Angle::of(z as f32)).map(|angle| (angle.cos, angle.sin)).unzip();
        let wide = |draw: fn(&[f32], &[f32], &mut [f32])| -> Vec<f64> {
            let mut field = vec![0.0; upstream.len()];
            draw(&cos, &sin, &mut field);
            field.into_iter().map(f64::from).collect()
        };
        let case = case.single_precision();
        case.check("gasf", &wide(gaf::gasf));
        case.check("gadf", &wide(gaf::gadf));
    }

    #[test]
    fn golden_gradients() {
        let mut checked = 0;
        for case in golden::cases("01_") {
            if !case.expected["d_gamma"].is_null() {
                golden_normalisation(case);
            } else if !case.expected["d_z_gasf"].is_null() {
                golden_fields(case);
            } else {
                continue;
            }
            checked += 1;
        }
        assert!(checked > 0, "no case has a gradient");
    }

    /// Σ of the pixels of both fields by their weights.
    fn loss(z: &[f64], scale: f64, shift: f64, weights: [&[f64]; 2]) -> f64 {
        let phi: Vec<f64> = z.iter().map(|z| libm::acos(libm::tanh(scale * z + shift))).collect();
        let mut total = 0.0;
        for (i, a) in phi.iter().enumerate() {
            for (j, b) in phi.iter().enumerate() {
                let at = i * z.len() + j;
                total += weights[0][at] * libm::cos(a + b) + weights[1][at] * libm::sin(a - b);
            }
        }
        total
    }

    proptest! {
        #[test]
        fn gradients_are_finite_differences(
            (z, gasf, gadf) in (1usize..9).prop_flat_map(|n| (
                prop::collection::vec(-2.0f64..2.0, n),
                prop::collection::vec(-1.0f64..1.0, n * n),
                prop::collection::vec(-1.0f64..1.0, n * n),
            )),
            scale in -1.5f64..1.5,
            shift in -0.5f64..0.5,
        ) {
            let by = backward(&z, scale, shift, &gasf, &gadf);
            let weights = [&gasf[..], &gadf[..]];
            let step = 1e-5;
            let slope = |at: &dyn Fn(f64) -> f64| (at(step) - at(-step)) / (2.0 * step);
            let near = |got: f64, want: f64| (got - want).abs() < 1e-6 * (1.0 + want.abs());
            prop_assert!(near(by.scale, slope(&|h| loss(&z, scale + h, shift, weights))));
            prop_assert!(near(by.shift, slope(&|h| loss(&z, scale, shift + h, weights))));
            for at in 0..z.len() {
                let moved = |h: f64| {
                    let mut z = z.clone();
                    z[at] += h;
                    loss(&z, scale, shift, weights)
                };
                prop_assert!(near(by.z[at], slope(&moved)), "z[{}]", at);
            }
        }

        #[test]
        fn gradients_are_finite_however_saturated(
            z in prop::collection::vec(prop_oneof![-1e30f64..1e30, -30.0f64..30.0], 1..9),
            upstream in -1e3f64..1e3,
        ) {
            let field = vec![upstream; z.len() * z.len()];
            let by = backward(&z, 0.6, 0.1, &field, &field);
            prop_assert!(by.scale.is_finite() && by.shift.is_finite());
            prop_assert!(by.z.iter().all(|d| d.is_finite()));
        }
    }
}
