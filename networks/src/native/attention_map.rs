//! What the patches of a frame attend to, for people to look at.

use crate::error::NetworkError;
use crate::native::isa::{Checked, Core, Isa};
use crate::native::vision::Frame;
use crate::network::Network;

/// How much each patch of an image `[C][W][W]` attends to each: `[P][P]` a head, a row for each patch
/// that asks, which sums to one (the softmax of eq. 7), in the last spatial block. No heads where the
/// network has no such block.
///
/// # Errors
/// A network of somebody's own graphs, or an image of another size.
pub fn attention(network: &Network, image: &[f32]) -> Result<Vec<Vec<f32>>, NetworkError> {
    let weights = network.weights().ok_or_else(|| NetworkError::NoWeights(network.card.name.clone()))?;
    let shape = &network.card.shape;
    if image.len() != shape.frame_len() {
        let what = format!("it has {} numbers, but a frame has {}", image.len(), shape.frame_len());
        return Err(NetworkError::Image(what));
    }
    if shape.spatial_blocks == 0 {
        return Ok(Vec::new());
    }
    let set = Checked::new(Isa::detect())?;
    let mut frame = Frame::new(shape, weights, set.lanes());
    frame.forward(set, image, &mut vec![0.0; shape.width]).map_err(NetworkError::Image)?;
    let patches = shape.patches();
    Ok(frame.bench.desk.shares.chunks_exact(patches * patches).map(<[f32]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use synapse::random::{normal, seed_for};

    use super::*;
    use crate::card::Card;
    use crate::graphs::Graphs;
    use crate::native::native;
    use crate::native::vision::patchify;
    use crate::shape::Shape;
    use crate::tests::odd_shape;

    fn image(shape: &Shape, seed: u64) -> Vec<f32> {
        let seed = seed_for(seed, "image");
        (0..shape.frame_len()).map(|at| normal(seed, at as u64).clamp(-1.0, 1.0) as f32).collect()
    }

    /// Rows of tensors by name, in double precision.
    struct Plain<'a>(&'a Network);

    impl Plain<'_> {
        fn get(&self, name: &str) -> Vec<f64> {
            self.0.weights().expect("weights").get(name).iter().map(|x| f64::from(*x)).collect()
        }

        fn linear(&self, name: &str, row: &[f64]) -> Vec<f64> {
            let (weight, bias) = (self.get(&format!("{name}.weight")), self.get(&format!("{name}.bias")));
            let dot = |w: &[f64]| w.iter().zip(row).map(|(w, x)| w * x).sum::<f64>();
            weight.chunks(row.len()).zip(bias).map(|(w, b)| dot(w) + b).collect()
        }

        fn norm(&self, name: &str, row: &[f64]) -> Vec<f64> {
            let n = row.len() as f64;
            let mean = row.iter().sum::<f64>() / n;
            let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
            let (weight, bias) = (self.get(&format!("{name}.weight")), self.get(&format!("{name}.bias")));
            let affine = weight.iter().zip(bias);
            row.iter().zip(affine).map(|(x, (w, b))| (x - mean) / (variance + 1e-5).sqrt() * w + b).collect()
        }

        /// The token of an image, with these shares in place of a softmax.
        fn token(&self, image: &[f32], shares: &[Vec<f32>]) -> Vec<f64> {
            let shape = &self.0.card.shape;
            let (patches, d, head) = (shape.patches(), shape.width, shape.width / shape.heads);
            let mut cut = vec![0.0; image.len()];
            patchify(image, shape.window, shape.patch, &mut cut);
            let position = self.get("frame.pos");
            let mut tokens: Vec<Vec<f64>> = Vec::new();
            for (patch, position) in cut.chunks(shape.patch_len()).zip(position.chunks(d)) {
                let patch: Vec<f64> = patch.iter().map(|x| f64::from(*x)).collect();
                let embedded = self.linear("frame.embed", &patch);
                tokens.push(embedded.iter().zip(position).map(|(x, p)| x + p).collect());
            }
            let name = |part: &str| format!("frame.blocks.0.{part}");
            let project = |x: &Vec<f64>| self.linear(&name("attn.in"), &self.norm(&name("ln1"), x));
            let values: Vec<Vec<f64>> = tokens.iter().map(|x| project(x)[2 * d..].to_vec()).collect();
            for (asking, x) in tokens.iter_mut().enumerate() {
                let share = |at: usize, heard: usize| f64::from(shares[at / head][asking * patches + heard]);
                let mix = |at: usize| (0..patches).map(|heard| share(at, heard) * values[heard][at]).sum();
                let mixed: Vec<f64> = (0..d).map(mix).collect();
                add(x, &self.linear(&name("attn.out"), &mixed));
                let mut hidden = self.linear(&name("mlp.in"), &self.norm(&name("ln2"), x));
                hidden.iter_mut().for_each(|h| *h *= 0.5 * (1.0 + libm::erf(*h / std::f64::consts::SQRT_2)));
                add(x, &self.linear(&name("mlp.out"), &hidden));
            }
            (0..d).map(|at| tokens.iter().map(|x| x[at]).sum::<f64>() / patches as f64).collect()
        }
    }

    fn add(x: &mut [f64], y: &[f64]) {
        x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
    }

    #[test]
    fn the_token_follows_from_what_is_attended_to() {
        for shape in [Shape::default(), Shape { spatial_blocks: 1, ..odd_shape() }] {
            let network = Network::random(&shape, 7);
            for seed in 0..3 {
                let image = image(&shape, seed);
                let shares = attention(&network, &image).expect("shares");
                let mut token = vec![0.0; shape.width];
                let models = native(&network, Isa::Baseline).expect("models");
                models.frame.infer(&image, &mut token).expect("a token");
                let plain = Plain(&network).token(&image, &shares);
                for (got, want) in plain.iter().zip(&token) {
                    assert!((got - f64::from(*want)).abs() < 1e-5, "seed {seed}: {got} {want}");
                }
            }
        }
    }

    #[test]
    fn each_patch_shares_one_out() {
        for shape in [Shape::default(), odd_shape()] {
            let shares = attention(&Network::random(&shape, 7), &image(&shape, 4)).expect("shares");
            assert_eq!(shares.len(), shape.heads);
            for head in &shares {
                assert_eq!(head.len(), shape.patches() * shape.patches());
                assert!(head.iter().all(|share| *share >= 0.0));
                let sums = head.chunks(shape.patches()).map(|row| row.iter().sum::<f32>());
                assert!(sums.into_iter().all(|sum| (sum - 1.0).abs() < 1e-5));
            }
            assert_ne!(shares[0], shares[1], "heads differ");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_told() {
        let shape = Shape { spatial_blocks: 0, ..Shape::default() };
        assert_eq!(
            attention(&Network::random(&shape, 7), &image(&shape, 0)).expect("nothing"),
            Vec::<Vec<f32>>::new()
        );
        let error = attention(&Network::random(&shape, 7), &[0.0; 5]).expect_err("a short image").to_string();
        assert!(error.contains("5 numbers") && error.contains("3072"), "{error}");
        let graphs = Graphs { frame: vec![1], temporal: vec![2], fusion: vec![3], heads: vec![4] };
        let own = Network::with_graphs(Card::random(&shape), graphs).expect("a network");
        assert!(matches!(attention(&own, &image(&shape, 0)), Err(NetworkError::NoWeights(_))));
    }
}
