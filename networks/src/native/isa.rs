//! Which instructions the kernels are built for.
//!
//! Each kernel is safe code that is compiled three times, and the widest version that the machine has is called.
//! The bits are the same: every number is computed by the same operations in the same order, and only how
//! many stand side by side in a register differs (D2).
//!
//! Measured at the default shape (CPU µs, Zen 5; baseline, AVX2, AVX-512): frame 21.4, 10.0, 9.5; temporal
//! 7.3, 3.6, 3.2; fusion without text 6.6, 4.0, 4.3. Calling a function that is built for more
//! instructions than the crate is the one thing here that the language calls unsafe.
#![allow(unsafe_code)]

use crate::error::NetworkError;

/// A set of instructions that the kernels are built for; all give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// What every machine of the architecture has.
    Baseline,
    /// x86-64 with AVX2.
    Avx2,
    /// x86-64 with AVX-512 F and VL.
    Avx512,
}

impl Isa {
    /// The widest set of this machine.
    #[must_use]
    pub fn detect() -> Self {
        Self::available().pop().unwrap_or(Self::Baseline)
    }

    /// Every set of this machine, narrowest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        [Self::Baseline, Self::Avx2, Self::Avx512].into_iter().filter(|isa| isa.is_here()).collect()
    }

    #[cfg(target_arch = "x86_64")]
    fn is_here(self) -> bool {
        match self {
            Self::Baseline => true,
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            Self::Avx512 => is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl"),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_here(self) -> bool {
        self == Self::Baseline
    }
}

/// A kernel: code that each set of instructions gets its own build of.
pub(crate) trait Kernel {
    /// Runs it.
    ///
    /// A tile of R rows and L columns of a product stays in registers; of a single row it is P tiles of
    /// columns. Implementations are `#[inline(always)]`: only what is inlined is built for the wider set.
    fn run<const R: usize, const L: usize, const P: usize>(self);
}

/// A set of instructions that this machine has been seen to have.
#[derive(Clone, Copy)]
pub(crate) struct Checked(Isa);

impl Checked {
    /// # Errors
    /// [`NetworkError::Isa`] where this machine does not have it.
    pub(crate) fn new(isa: Isa) -> Result<Self, NetworkError> {
        if isa.is_here() { Ok(Self(isa)) } else { Err(NetworkError::Isa(format!("{isa:?}"))) }
    }

    /// The L with which [`Checked::run`] calls: weights are packed in blocks of so many outputs.
    pub(crate) fn lanes(self) -> usize {
        match self.0 {
            Isa::Baseline => 8,
            Isa::Avx2 | Isa::Avx512 => 16,
        }
    }

    /// Runs the build for this set.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Checked::new` made sure that this machine has AVX2.
            Isa::Avx2 => unsafe { avx2(kernel) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Checked::new` made sure that this machine has AVX-512 F and VL.
            Isa::Avx512 => unsafe { avx512(kernel) },
            _ => baseline(kernel),
        }
    }
}

/// What a model computes, with the memory that it needs.
pub(crate) trait Core {
    /// Computes `output` from `input`, whose lengths are right.
    fn forward(&mut self, set: Checked, input: &[f32], output: &mut [f32]) -> Result<(), String>;
}

#[inline(never)]
fn baseline<K: Kernel>(kernel: K) {
    kernel.run::<4, 8, 4>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline(never)]
fn avx2<K: Kernel>(kernel: K) {
    kernel.run::<4, 16, 2>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl")]
#[inline(never)]
fn avx512<K: Kernel>(kernel: K) {
    kernel.run::<8, 16, 2>();
}
