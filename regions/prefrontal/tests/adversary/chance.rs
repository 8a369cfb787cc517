//! Chance: a stream of numbers that a seed and an episode name, so that a failure can be had again.

/// A counter through a mixer (SplitMix64).
pub struct Chance(u64);

impl Chance {
    pub const fn of(seed: u64, episode: u64) -> Self {
        Self(seed.wrapping_add(episode.wrapping_mul(0xD134_2543_DE82_EF95)))
    }

    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to `n` − 1.
    pub const fn below(&mut self, n: u64) -> u64 {
        self.bits() % n
    }

    /// From `least` to `most`, both included.
    pub const fn within(&mut self, least: i64, most: i64) -> i64 {
        least + self.below((most - least + 1) as u64) as i64
    }

    /// True once in `n` times.
    pub const fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    /// From 0 to 1.
    pub fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Whatever a float can be.
    pub fn float(&mut self) -> f64 {
        match self.below(6) {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => f64::NEG_INFINITY,
            3 => f64::from_bits(self.bits()),
            4 => self.pick(&[0.0, -0.0, 1.0, -1.0, 2.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE]),
            _ => (self.share() - 0.5) * 1e3,
        }
    }

    /// Whatever an integer can be, its edges more often than others.
    pub fn integer(&mut self) -> i64 {
        match self.below(4) {
            0 => self.pick(&[i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1, 0, 1, -1]),
            1 => self.bits() as i64,
            2 => 1i64 << self.below(63),
            _ => -(1i64 << self.below(63)),
        }
    }
}
