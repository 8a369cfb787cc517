//! Random numbers that are a function of seed, purpose and place alone, the same on every machine
//! (D1).

/// The seed of one purpose of a run, so that what two purposes draw is unrelated.
#[must_use]
pub fn seed_for(run_seed: u64, purpose: &str) -> u64 {
    purpose.bytes().fold(mixed(run_seed), |seed, byte| mixed(seed ^ u64::from(byte)))
}

/// The `index`-th standard normal number of a seed, by Box and Muller.
#[must_use]
pub fn normal(seed: u64, index: u64) -> f64 {
    let counter = index.wrapping_mul(2);
    let radius = (-2.0 * libm::log(uniform(seed, counter))).sqrt();
    radius * libm::cos(std::f64::consts::TAU * uniform(seed, counter.wrapping_add(1)))
}

/// The `counter`-th number of a seed, uniform in (0, 1]; never 0, whose logarithm is not finite.
#[must_use]
pub fn uniform(seed: u64, counter: u64) -> f64 {
    ((mixed(mixed(seed) ^ counter) >> 11) as f64 + 1.0) / (1u64 << 53) as f64
}

/// One step of the SplitMix64 generator, a permutation of the 64-bit numbers.
fn mixed(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_standard_normal_and_unrelated() {
        let count = 100_000;
        let mean = |f: fn(u64) -> f64| (0..count).map(f).sum::<f64>() / count as f64;
        assert!(mean(|i| normal(3, i)).abs() < 0.01);
        assert!((mean(|i| normal(3, i) * normal(3, i)) - 1.0).abs() < 0.02);
        assert!((mean(|i| normal(3, i) * normal(3, i) * normal(3, i) * normal(3, i)) - 3.0).abs() < 0.15);
        assert!(mean(|i| normal(3, i) * normal(3, i + 1)).abs() < 0.015);
        assert!(mean(|i| normal(3, i) * normal(4, i)).abs() < 0.015);
        assert!(mean(|i| normal(seed_for(3, "a"), i) * normal(seed_for(3, "b"), i)).abs() < 0.015);
    }

    #[test]
    fn a_purpose_has_its_own_seed() {
        let seeds =
            [(1, ""), (1, "a"), (1, "b"), (1, "ab"), (1, "ba"), (2, "a")].map(|(s, p)| seed_for(s, p));
        for (i, a) in seeds.iter().enumerate() {
            assert!(!seeds[..i].contains(a), "{seeds:?}");
        }
    }

    proptest! {
        #[test]
        fn every_number_is_finite(seed: u64, index: u64) {
            prop_assert!(normal(seed, index).is_finite());
        }
    }
}
